//! The runtime: builder, handle, and the value whose drop ends it all.
//!
//! Nothing here runs anything: these are the doors into the `scheduler`, with the names that people know from Tokio. There is
//! no runtime that starts by itself at the first `spawn`, for then nobody could say when it ends; a [`Runtime`] is a
//! value, and its end is its drop.
//!
//! # What differs from Tokio
//!
//! - The thread inside [`block_on`](Runtime::block_on) is one of the workers, and tasks run on it. When it leaves, another
//!   thread takes its place.
//! - [`Handle::block_on`] drives a current-thread runtime too.
//! - Sockets and timers are always there: [`Builder::enable_all`] and its kin do nothing.
//! - A worker that blocks delays nobody but its own task: others take its queue, its sockets and its timers over.
//! - What no other runtime has: [`Warning`]s, [`Dump`]s, and runs that a [`seed`](Builder::seed) decides.

mod builder;
mod dump;
mod handle;
mod metrics;
mod spawn;
mod warning;

use std::fmt;
use std::future::Future;
use std::io;
use std::thread;
use std::time::Duration;

pub use builder::Builder;
pub use dump::{Dump, Polls, TaskDump, TaskState};
pub use handle::{EnterGuard, Handle, TryCurrentError};
pub use metrics::RuntimeMetrics;
pub use warning::Warning;

use crate::context;
use crate::scheduler::{self, Shutdown};
use crate::task::JoinHandle;

/// Which kind of runtime a [`Handle`] refers to.
///
/// ```
/// use samovar::runtime::{Runtime, RuntimeFlavor};
/// let runtime = Runtime::new().unwrap();
/// assert_eq!(runtime.handle().runtime_flavor(), RuntimeFlavor::MultiThread);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuntimeFlavor {
    /// Tasks run inside [`Runtime::block_on`] only: [`Builder::new_current_thread`].
    CurrentThread,
    /// Tasks run on several workers, also between the calls of `block_on`: [`Builder::new_multi_thread`].
    MultiThread,
}

/// A runtime: workers with their reactors and timers, and a pool for blocking jobs.
///
/// # Its end
///
/// When it is dropped, every task is dropped at its next chance, that is where it last returned `Pending`; then come the
/// sockets and timers, the threads, and the closures of `spawn_blocking`. Those that have started are waited for, for
/// ever: [`shutdown_timeout`](Runtime::shutdown_timeout) and [`shutdown_background`](Runtime::shutdown_background) do
/// not. Afterwards no task, thread or timer is left; operations on sockets that live on elsewhere fail.
///
/// The drop blocks, so inside a task or a `block_on` it panics.
///
/// A runtime does not survive `fork`: the child has none of its threads.
///
/// ```
/// use samovar::runtime::Runtime;
///
/// let runtime = Runtime::new().unwrap();
/// let cups = runtime.block_on(async {
///     let black = samovar::spawn(async { 1 });
///     let green = samovar::spawn(async { 1 });
///     black.await.unwrap() + green.await.unwrap()
/// });
/// assert_eq!(cups, 2);
/// ```
pub struct Runtime {
    /// The way in.
    handle: Handle,
    /// How long the drop waits.
    at_end: Shutdown,
}

impl Runtime {
    /// A multi-thread runtime with a worker per core.
    ///
    /// # Errors
    ///
    /// When the system gives no threads or descriptors.
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// assert_eq!(runtime.block_on(async { 1 + 1 }), 2);
    /// ```
    pub fn new() -> io::Result<Runtime> {
        Builder::new_multi_thread().enable_all().build()
    }

    /// The runtime that `handle` leads to.
    pub(super) fn from_handle(handle: Handle) -> Runtime {
        Runtime {
            handle,
            at_end: Shutdown::Wait,
        }
    }

    /// The handle, for other threads.
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// let handle = runtime.handle().clone();
    /// std::thread::spawn(move || handle.block_on(async {})).join().unwrap();
    /// ```
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs a future on this thread, which is meanwhile a worker: tasks run here while the future waits.
    ///
    /// On a multi-thread runtime tasks run on after it has returned; on a current-thread runtime they wait for the next
    /// `block_on`. Several threads may be inside at once: one is the worker, the others wait for their futures, and take
    /// over when the first leaves.
    ///
    /// # Panics
    ///
    /// Inside a task or another `block_on`; and with the future's own panic. The runtime stays usable.
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// let words = String::from("hot water"); // the future may borrow: it stays on this thread
    /// assert_eq!(runtime.block_on(async { words.len() }), 9);
    /// ```
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }

    /// Spawns a task: see [`samovar::spawn`](crate::spawn()).
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// let cup = runtime.spawn(async { "tea" });
    /// assert_eq!(runtime.block_on(cup).unwrap(), "tea");
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(future)
    }

    /// Runs a closure that blocks: see [`task::spawn_blocking`](crate::task::spawn_blocking).
    ///
    /// # Panics
    ///
    /// When no thread can be started and the pool has none.
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// let file = runtime.spawn_blocking(|| std::fs::read_to_string("/no/such/file"));
    /// assert!(runtime.block_on(file).unwrap().is_err());
    /// ```
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, run: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.handle.spawn_blocking(run)
    }

    /// What the runtime counts: see [`Handle::metrics`].
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().build().unwrap();
    /// assert_eq!(runtime.metrics().num_workers(), 1);
    /// ```
    pub fn metrics(&self) -> RuntimeMetrics {
        self.handle.metrics()
    }

    /// Makes this the thread's runtime until the guard is dropped: see [`Handle::enter`].
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// let _guard = runtime.enter();
    /// let cup = samovar::spawn(async { "tea" }); // outside of any `block_on`
    /// assert_eq!(runtime.block_on(cup).unwrap(), "tea");
    /// ```
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// Ends the runtime, and waits for so long at most for polls and blocking jobs that are still running. What is running
    /// then goes on, and its threads end when it does.
    ///
    /// # Panics
    ///
    /// Inside a task or a `block_on`.
    ///
    /// ```
    /// use std::time::Duration;
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// runtime.spawn_blocking(|| std::thread::sleep(Duration::from_millis(50)));
    /// runtime.shutdown_timeout(Duration::ZERO);
    /// ```
    #[track_caller]
    pub fn shutdown_timeout(mut self, duration: Duration) {
        forbid_drop_inside();
        self.at_end = Shutdown::Timeout(duration);
    }

    /// Ends the runtime without waiting for anything; allowed everywhere, also inside a task.
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// runtime.spawn_blocking(|| std::thread::sleep(std::time::Duration::from_millis(50)));
    /// runtime.shutdown_background();
    /// ```
    pub fn shutdown_background(mut self) {
        self.at_end = Shutdown::Background;
    }
}

/// Panics where a runtime must not be dropped.
#[track_caller]
fn forbid_drop_inside() {
    assert!(
        !context::is_running(),
        "a samovar runtime was dropped inside a task or a `block_on`: that would wait for the very thread it runs on. \
         Drop it elsewhere (`spawn_blocking` will do), or call `shutdown_background`"
    );
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if self.at_end == Shutdown::Wait && context::is_running() {
            // Whoever is inside goes on with the panic; the runtime still ends.
            scheduler::shut_down(self.handle.home(), Shutdown::Background);
            if !thread::panicking() {
                forbid_drop_inside();
            }
            return;
        }
        scheduler::shut_down(self.handle.home(), self.at_end);
        if let Some(tracing) = self.handle.home().shared().tracing() {
            tracing.end();
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}
