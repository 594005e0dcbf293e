//! What a thread knows: which runtime it belongs to, whether it is one of its workers, and whether it may block.
//!
//! `samovar::spawn` has no argument that says where; neither have timers and sockets. They look here. A thread has a
//! runtime inside [`block_on`](crate::runtime::Runtime::block_on), in a worker, in a blocking job, and while it holds an
//! [`EnterGuard`](crate::runtime::EnterGuard).
//!
//! All access is by `try_with`: wakers and senders live in other thread-locals and are dropped when this one may be gone
//! already. Then the thread counts as a stranger, and every path works for strangers.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use crate::scheduler::{Home, Worker};
use crate::shim::thread_local;

thread_local! {
    /// This thread's context.
    static CONTEXT: Context = const { Context {
        home: RefCell::new(None),
        worker: RefCell::new(None),
        depth: Cell::new(0),
        running: Cell::new(false),
    } };
}

/// See the [module](self).
struct Context {
    /// The runtime that `spawn` and its kin use.
    home: RefCell<Option<Arc<Home>>>,
    /// The worker that this thread is. Its runtime is not `home`'s while a guard of another runtime is held.
    worker: RefCell<Option<Rc<Worker>>>,
    /// How many guards are held, so that one that is dropped out of order is found out.
    depth: Cell<usize>,
    /// Whether this thread is polling for a runtime, so that to block it would block others.
    running: Cell<bool>,
}

/// What every panic for want of a runtime says.
fn no_runtime(purpose: &str) -> String {
    format!(
        "there is no samovar runtime here to {purpose}: call this from a task, inside `Runtime::block_on` or \
         `#[samovar::main]`, or while holding the guard of `Runtime::enter`"
    )
}

/// The way into this thread's runtime, if it has one. A worker's own, where possible.
pub(crate) fn try_home() -> Option<Arc<Home>> {
    CONTEXT
        .try_with(|context| {
            let entered = context.home.borrow();
            let entered = entered.as_ref()?;
            match &*context.worker.borrow() {
                Some(worker) if worker.home().same_runtime(entered) => Some(worker.home().clone()),
                _ => Some(entered.clone()),
            }
        })
        .unwrap_or(None)
}

/// The way into this thread's runtime.
///
/// # Panics
///
/// Outside a runtime, saying what there was to do.
#[track_caller]
pub(crate) fn home(purpose: &str) -> Arc<Home> {
    match try_home() {
        Some(home) => home,
        None => panic!("{}", no_runtime(purpose)),
    }
}

/// Panics outside a runtime.
#[track_caller]
pub(crate) fn expect_runtime(purpose: &str) {
    let inside = CONTEXT.try_with(|context| context.home.borrow().is_some());
    if !inside.is_ok_and(|inside| inside) {
        panic!("{}", no_runtime(purpose));
    }
}

/// Panics outside a runtime, for a future that was made at `caller`: a panic inside a poll cannot point there, so it says so.
pub(crate) fn expect_runtime_for(purpose: &str, caller: &Location<'_>) {
    let inside = CONTEXT.try_with(|context| context.home.borrow().is_some());
    if !inside.is_ok_and(|inside| inside) {
        panic!("{} (the call is at {caller})", no_runtime(purpose));
    }
}

/// Calls `f` with the worker that this thread is for the runtime that `spawn` uses now; else with `None`. `f` must not run
/// foreign code.
pub(crate) fn with_entered_worker<R>(f: impl FnOnce(Option<&Worker>) -> R) -> R {
    let mut f = Some(f);
    let result = CONTEXT.try_with(|context| {
        let worker = context.worker.borrow();
        let entered = context.home.borrow();
        let worker = match (&*worker, &*entered) {
            (Some(worker), Some(entered)) if worker.home().same_runtime(entered) => Some(&**worker),
            _ => None,
        };
        f.take().map(|f| f(worker))
    });
    finish(result, f)
}

/// Calls `f` with the worker that this thread is, of whatever runtime; a stranger is `None`. `f` must not run foreign code.
pub(crate) fn with_worker<R>(f: impl FnOnce(Option<&Worker>) -> R) -> R {
    let mut f = Some(f);
    let result =
        CONTEXT.try_with(|context| f.take().map(|f| f(context.worker.borrow().as_deref())));
    finish(result, f)
}

/// The result of a call that was made, or makes it for a stranger when the thread-local is gone.
fn finish<R, F: FnOnce(Option<&Worker>) -> R>(
    result: Result<Option<R>, crate::shim::thread::AccessError>,
    f: Option<F>,
) -> R {
    match (result, f) {
        (Ok(Some(result)), _) => result,
        (_, Some(f)) => f(None),
        (_, None) => unreachable!("`f` is either called or still here"),
    }
}

/// Restores the thread's former runtime when dropped.
#[derive(Debug)]
pub(crate) struct Entered {
    /// What `home` was before.
    before: Option<Arc<Home>>,
    /// How many guards there were with this one.
    depth: usize,
}

/// Makes `home` the thread's runtime until the guard is dropped.
pub(crate) fn enter(home: Arc<Home>) -> Entered {
    let entered = CONTEXT.try_with(|context| {
        let before = context.home.replace(Some(home));
        let depth = context.depth.get() + 1;
        context.depth.set(depth);
        Entered { before, depth }
    });
    // The thread ends, and drops a runtime that it kept in a thread-local: that works without a context.
    entered.unwrap_or_else(|_| Entered {
        before: None,
        depth: 0,
    })
}

impl Entered {
    /// Panics when a guard that was made after this one is still there.
    pub(crate) fn expect_innermost(&self) {
        let outlived = CONTEXT.try_with(|context| context.depth.get() > self.depth);
        assert!(
            !outlived.is_ok_and(|outlived| outlived) || std::thread::panicking(),
            "the guards of `enter` must be dropped in the reverse order of their creation"
        );
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let replaced = CONTEXT.try_with(|context| {
            // One that was made before has gone before, and has restored what was there before both. (Depth 0: made
            // without a context.)
            if self.depth == 0 || context.depth.get() < self.depth {
                return None;
            }
            context.depth.set(self.depth - 1);
            context.home.replace(self.before.take())
        });
        drop(replaced);
    }
}

/// Marks the thread as one that polls for a runtime, until dropped.
#[derive(Debug)]
pub(crate) struct Running {
    /// Whether it was one before.
    before: bool,
}

/// From now on the thread must not block, until the guard is dropped.
pub(crate) fn start_running() -> Running {
    let before = CONTEXT.try_with(|context| context.running.replace(true));
    Running {
        before: before.unwrap_or(false),
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = CONTEXT.try_with(|context| context.running.set(self.before));
    }
}

/// Whether the thread polls for a runtime.
pub(crate) fn is_running() -> bool {
    CONTEXT
        .try_with(|context| context.running.get())
        .unwrap_or(false)
}

/// Panics when the thread polls for a runtime: to block it would stop the tasks that are to end the wait.
#[track_caller]
pub(crate) fn forbid_blocking(call: &str) {
    assert!(
        !is_running(),
        "`{call}` would block a thread that is running tasks, and with it the tasks that it waits for: use `.await`, \
         or move the call to `samovar::task::spawn_blocking` or to a thread of your own"
    );
}

/// The worker that this thread is, of whatever runtime.
pub(crate) fn worker() -> Option<Rc<Worker>> {
    CONTEXT
        .try_with(|context| context.worker.borrow().clone())
        .unwrap_or(None)
}

/// Makes the thread a worker, or (`None`) a stranger again. Returns what it was.
pub(crate) fn set_worker(worker: Option<Rc<Worker>>) -> Option<Rc<Worker>> {
    CONTEXT
        .try_with(|context| context.worker.replace(worker))
        .unwrap_or(None)
}
