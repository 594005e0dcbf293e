//! A reference to a runtime, for any thread.
//!
//! It is the [`Home`] of worker 0, through which all threads reach the runtime, and not an owner of it: tasks keep handles, and
//! a task that owned its own runtime would keep it from ever ending.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, MutexGuard};

use super::{Dump, RuntimeFlavor, RuntimeMetrics};
use crate::context;
use crate::scheduler::{self, Home};
use crate::task::JoinHandle;
use crate::task::spawn::{Target, spawn_into};

/// A reference to a [`Runtime`](super::Runtime): spawns on it from any thread. Cloning it is cheap.
///
/// It does not keep the runtime alive: when that is dropped, tasks that are spawned through a handle are cancelled at
/// once.
///
/// ```
/// let runtime = samovar::runtime::Runtime::new().unwrap();
/// let handle = runtime.handle().clone();
/// let task = std::thread::spawn(move || handle.spawn(async { "from another thread" })).join().unwrap();
/// assert_eq!(runtime.block_on(task).unwrap(), "from another thread");
/// ```
#[derive(Clone)]
pub struct Handle {
    /// The way in, through worker 0.
    home: Arc<Home>,
}

impl Handle {
    /// The handle of the runtime that `home` leads to.
    pub(crate) fn from_home(home: Arc<Home>) -> Handle {
        Handle { home }
    }

    /// The runtime itself.
    pub(crate) fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// The runtime of this thread.
    ///
    /// # Panics
    ///
    /// Outside a runtime: see [`try_current`](Handle::try_current).
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let handle = samovar::runtime::Handle::current();
    /// let cup = std::thread::spawn(move || handle.spawn(async { "tea" })).join().unwrap();
    /// assert_eq!(cup.await.unwrap(), "tea");
    /// # });
    /// ```
    #[track_caller]
    pub fn current() -> Handle {
        Handle::from_home(context::home("take a handle of"))
    }

    /// The runtime of this thread, if it has one.
    ///
    /// # Errors
    ///
    /// Outside a runtime.
    ///
    /// ```
    /// use samovar::runtime::Handle;
    /// assert!(Handle::try_current().is_err());
    /// ```
    pub fn try_current() -> Result<Handle, TryCurrentError> {
        context::try_home()
            .map(Handle::from_home)
            .ok_or(TryCurrentError(()))
    }

    /// Makes this the thread's runtime until the guard is dropped, so that `spawn`, timers and sockets find it. Nothing
    /// runs on this thread for that.
    ///
    /// # Panics
    ///
    /// When guards are dropped in another order than the reverse of their creation.
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// let handle = runtime.handle();
    /// let guard = handle.enter();
    /// let nap = samovar::time::sleep(std::time::Duration::from_millis(1)); // timers want to know of a runtime
    /// drop(guard);
    /// runtime.block_on(nap);
    /// ```
    pub fn enter(&self) -> EnterGuard<'_> {
        EnterGuard {
            entered: context::enter(self.home.clone()),
            _handle: PhantomData,
        }
    }

    /// Spawns a task: see [`samovar::spawn`](crate::spawn()). After the runtime's end it is dropped at once, and its handle
    /// gives an error that is cancelled.
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// let handle = runtime.handle().clone();
    /// drop(runtime);
    /// let late = handle.spawn(async { "tea" });
    /// assert!(samovar::block_on(late).unwrap_err().is_cancelled());
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn_into(Target::RuntimeOf(&self.home), future, Location::caller())
    }

    /// Runs a closure that blocks: see [`task::spawn_blocking`](crate::task::spawn_blocking).
    ///
    /// # Panics
    ///
    /// When no thread can be started and the pool has none.
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// let sum = runtime.handle().spawn_blocking(|| (1..=100).sum::<u32>());
    /// assert_eq!(runtime.block_on(sum).unwrap(), 5050);
    /// ```
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, run: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let pool = &self.home.shared().pool;
        pool.spawn(self.home.clone(), run, Location::caller())
    }

    /// Runs a future on this thread, in the runtime's context: see [`Runtime::block_on`](super::Runtime::block_on), which
    /// does the same. (Unlike Tokio's, it also drives a current-thread runtime that no other thread drives.)
    ///
    /// # Panics
    ///
    /// Inside a task or another `block_on`.
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// let handle = runtime.handle().clone();
    /// let said = std::thread::spawn(move || handle.block_on(async { "from another thread" }));
    /// assert_eq!(said.join().unwrap(), "from another thread");
    /// ```
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let output = scheduler::block_on(&self.home, future);
        if let Some(tracing) = self.home.shared().tracing() {
            tracing.pause();
        }
        output
    }

    /// What the runtime counts: tasks, polls, waits, and how busy its workers are.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let metrics = samovar::runtime::Handle::current().metrics();
    /// samovar::spawn(async {}).await.unwrap();
    /// assert_eq!(metrics.spawned_tasks_count(), 1);
    /// # });
    /// ```
    pub fn metrics(&self) -> RuntimeMetrics {
        RuntimeMetrics::new(self.home.clone())
    }

    /// Who waits for what: the tasks as a table.
    ///
    /// It takes the lock of each worker's table of tasks for as long as it takes to copy it, and may be called at any time, on
    /// a signal for example.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let waiting = samovar::spawn(samovar::task::pending::<()>());
    /// samovar::time::sleep(std::time::Duration::from_millis(5)).await;
    /// let dump = samovar::runtime::Handle::current().dump();
    /// assert!(dump.to_string().contains("waiting"));
    /// # waiting.abort();
    /// # });
    /// ```
    #[must_use]
    pub fn dump(&self) -> Dump {
        self.home.shared().dump()
    }

    /// Which kind of runtime it is.
    ///
    /// ```
    /// use samovar::runtime::{Builder, RuntimeFlavor};
    /// let runtime = Builder::new_current_thread().build().unwrap();
    /// assert_eq!(runtime.handle().runtime_flavor(), RuntimeFlavor::CurrentThread);
    /// ```
    pub fn runtime_flavor(&self) -> RuntimeFlavor {
        if self.home.is_multi_thread() {
            RuntimeFlavor::MultiThread
        } else {
            RuntimeFlavor::CurrentThread
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("flavor", &self.runtime_flavor())
            .field("workers", &self.home.workers())
            .finish_non_exhaustive()
    }
}

/// While it lives, the thread belongs to a runtime. Made by [`Handle::enter`].
///
/// ```
/// use samovar::runtime::{EnterGuard, Handle, Runtime};
///
/// let runtime = Runtime::new().unwrap();
/// let guard: EnterGuard<'_> = runtime.handle().enter();
/// assert!(Handle::try_current().is_ok());
/// drop(guard);
/// assert!(Handle::try_current().is_err());
/// ```
#[must_use = "the thread leaves the runtime when the guard is dropped"]
#[derive(Debug)]
pub struct EnterGuard<'a> {
    /// Restores the former runtime.
    entered: context::Entered,
    /// The runtime is not dropped while a guard of it is held. Like the guard of a lock this one may be shared, but stays on
    /// its thread, which is the one whose runtime it restores.
    _handle: PhantomData<(&'a Handle, MutexGuard<'static, ()>)>,
}

impl Drop for EnterGuard<'_> {
    fn drop(&mut self) {
        self.entered.expect_innermost();
    }
}

/// There is no runtime on this thread. Given by [`Handle::try_current`].
///
/// ```
/// use samovar::runtime::Handle;
///
/// let error = Handle::try_current().unwrap_err();
/// assert_eq!(error.to_string(), "there is no samovar runtime on this thread");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TryCurrentError(());

impl fmt::Display for TryCurrentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no samovar runtime on this thread")
    }
}

impl Error for TryCurrentError {}
