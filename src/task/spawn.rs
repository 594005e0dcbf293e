//! How a future, or a closure, becomes a task.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use super::roles::Spawned;
use super::{JoinHandle, Place};
use crate::context;
use crate::scheduler::{Home, Worker};

/// Spawns a task: the future runs on its own, beside the caller, and its [`JoinHandle`] gives its output.
///
/// The task runs also when the handle is dropped. It may run on any worker, and move between them, so the future has to
/// be `Send` and `'static`.
///
/// # Panics
///
/// Outside a runtime. To spawn from another thread keep a [`Handle`](crate::runtime::Handle).
///
/// ```
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let water = samovar::spawn(async { 95 });
/// let leaves = samovar::spawn(async { 3 });
/// assert_eq!(water.await.unwrap() + leaves.await.unwrap(), 98);
/// # });
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_into(Target::Entered, future, Location::caller())
}

/// Futures of more bytes are boxed where they come in. Without optimization every function that passes one on has a copy of it,
/// or two, and there are a dozen on the way into its task: a stack of 2 MiB would be too small for one of 100 KiB.
pub(crate) const BIG: usize = 16 << 10;

/// The runtime that a task is spawned into.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    /// The one that this thread has entered.
    Entered,
    /// The one of a handle.
    RuntimeOf(&'a Arc<Home>),
}

/// Spawns a task: all ways to do that lead here.
#[inline]
#[track_caller]
pub(crate) fn spawn_into<F: Spawned>(
    target: Target<'_>,
    future: F,
    place: Place,
) -> JoinHandle<F::Output> {
    if size_of::<F>() > BIG {
        spawn_sized(target, Box::pin(future), place)
    } else {
        spawn_sized(target, future, place)
    }
}

/// Spawns a task whose future is not big: on the worker that this thread is, or from outside.
#[inline]
#[track_caller]
fn spawn_sized<F: Spawned>(target: Target<'_>, future: F, place: Place) -> JoinHandle<F::Output> {
    let on = |worker: Option<&Worker>| match worker {
        Some(worker) => worker.spawn(future, place),
        None => Err(future),
    };
    let spawned = match target {
        Target::Entered => context::with_entered_worker(on),
        Target::RuntimeOf(home) => context::with_worker(|worker| {
            on(worker.filter(|worker| home.same_runtime(worker.home())))
        }),
    };
    match (spawned, target) {
        (Ok(handle), _) => handle,
        (Err(future), Target::RuntimeOf(home)) => home.spawn_from_outside(future, place),
        (Err(future), Target::Entered) => {
            context::home("spawn a task").spawn_from_outside(future, place)
        }
    }
}

/// Runs a closure that blocks, or computes for long, on a thread of its own kind, so that no worker has to wait for it.
///
/// There are up to 512 such threads ([`max_blocking_threads`](crate::runtime::Builder::max_blocking_threads)); they start
/// when they are needed and leave when they are not. Closures that wait for each other can use them all up and then wait
/// for ever: keep such a design on threads of its own. Inside the closure, [`spawn`] and
/// [`Handle::block_on`](crate::runtime::Handle::block_on) work.
///
/// [`JoinHandle::abort`] has an effect only until the closure starts. A runtime that is dropped waits for closures that
/// have started.
///
/// # Panics
///
/// Outside a runtime; and when no thread can be started and the pool has none.
///
/// ```
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let sum = samovar::task::spawn_blocking(|| (1..=1_000u64).sum::<u64>());
/// assert_eq!(sum.await.unwrap(), 500_500);
/// # });
/// ```
#[track_caller]
pub fn spawn_blocking<F, R>(run: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let home = context::home("run a blocking job");
    let pool = home.shared().pool.clone();
    pool.spawn(home, run, Location::caller())
}
