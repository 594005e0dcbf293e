//! The handle of a spawned task: await it for the output, abort it, or drop it and let the task run on.
//!
//! It is the right to the output, not the task's life. Rejected: to cancel the task when its handle is dropped, as smol does.
//! Then a `spawn` whose handle nobody keeps would end at once, without a word, and a server that spawns a task for each
//! connection is just that. Who wants tasks that end with their owner has a [`JoinSet`](super::JoinSet).

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::roles::{Join, Runnable};
use super::{Id, JoinError, budget};

use crate::trace::wait;

/// Owns the right to the output of a task.
///
/// **Dropping the handle detaches the task**: it runs on, and its output is dropped when it is there. To end a task use
/// [`abort`](JoinHandle::abort).
///
/// Awaiting the handle gives the output, or a [`JoinError`] when the task panicked or was cancelled. That is cancel
/// safe: when the await is dropped, by `select!` say, the handle can be awaited again.
///
/// # Panics
///
/// When it is polled again after it gave the output.
///
/// ```
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let kettle = samovar::spawn(async { "water is hot" });
/// assert_eq!(kettle.await.unwrap(), "water is hot");
/// # });
/// ```
// Not `#[must_use]`: to spawn and forget is ordinary.
pub struct JoinHandle<T> {
    /// The task; `None` once the output is taken.
    task: Option<Arc<dyn Join<T>>>,
    /// Kept here because it outlives the task.
    id: Id,
}

impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}
// The handle is a way to the output, not a place where it lies: moving it moves no `T`.
impl<T> Unpin for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// The handle of `task`; there is only one.
    pub(crate) fn new(task: Arc<dyn Join<T>>) -> JoinHandle<T> {
        let id = task.id();
        JoinHandle {
            task: Some(task),
            id,
        }
    }

    /// Asks the task to end: its future is dropped by a worker before its next poll, or after the one that runs now.
    ///
    /// Awaiting the handle then gives an error that [is cancelled](JoinError::is_cancelled), unless the task completed
    /// first. Aborting twice, or after the end, does nothing. A job of [`spawn_blocking`](super::spawn_blocking) can
    /// be aborted only until it starts.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let forever = samovar::spawn(samovar::task::pending::<()>());
    /// forever.abort();
    /// assert!(forever.await.unwrap_err().is_cancelled());
    /// # });
    /// ```
    pub fn abort(&self) {
        if let Some(task) = &self.task {
            Arc::clone(task).abort();
        }
    }

    /// A handle that can abort the task but not await it.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let cup = samovar::spawn(samovar::task::pending::<()>());
    /// let stop = cup.abort_handle();
    /// let waiter = samovar::spawn(cup); // which can no longer abort it
    /// stop.abort();
    /// assert!(waiter.await.unwrap().unwrap_err().is_cancelled());
    /// # });
    /// ```
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle {
            task: self.task.as_ref().map(|task| Arc::clone(task).as_run()),
            id: self.id,
        }
    }

    /// Whether the task has ended, so that awaiting it will not wait.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let (tell, told) = samovar::sync::oneshot::channel::<()>();
    /// let cup = samovar::spawn(told);
    /// assert!(!cup.is_finished());
    /// tell.send(()).unwrap();
    /// cup.await.unwrap().unwrap();
    /// # });
    /// ```
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(|task| task.is_finished())
    }

    /// The task's number.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let cup = samovar::spawn(async { samovar::task::id() });
    /// let id = cup.id();
    /// assert_eq!(cup.await.unwrap(), id);
    /// # });
    /// ```
    pub fn id(&self) -> Id {
        self.id
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.poll_untold(cx) {
            Poll::Pending => wait::pending(|| format!("JoinHandle of task {}", self.id)),
            ready => ready,
        }
    }
}

impl<T> JoinHandle<T> {
    /// The same, for a [`JoinSet`](super::JoinSet), which polls its handles long before it waits for them.
    #[inline]
    pub(super) fn poll_untold(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let unit = ready!(budget::spend(cx));
        let task = self
            .task
            .as_ref()
            .expect("a `JoinHandle` was polled after it had given its output");
        let output = ready!(task.poll_join(cx));
        unit.made_progress();
        if let Some(task) = self.task.take() {
            task.joined();
        }
        Poll::Ready(output)
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.detach();
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("id", &self.id).finish()
    }
}

/// Can abort a task, but not await it. Made by [`JoinHandle::abort_handle`].
///
/// ```
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let forever = samovar::spawn(std::future::pending::<()>());
/// forever.abort_handle().abort();
/// assert!(forever.await.unwrap_err().is_cancelled());
/// # });
/// ```
#[derive(Clone)]
pub struct AbortHandle {
    /// The task; `None` when its output had been taken before this handle was made.
    task: Option<Runnable>,
    /// Kept here because it outlives the task.
    id: Id,
}

impl UnwindSafe for AbortHandle {}
impl RefUnwindSafe for AbortHandle {}

impl AbortHandle {
    /// Asks the task to end: see [`JoinHandle::abort`].
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let forever = samovar::spawn(samovar::task::pending::<()>());
    /// let stop = forever.abort_handle();
    /// stop.abort();
    /// assert!(forever.await.unwrap_err().is_cancelled());
    /// # });
    /// ```
    pub fn abort(&self) {
        if let Some(task) = &self.task {
            Arc::clone(task).abort();
        }
    }

    /// Whether the task has ended.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let cup = samovar::spawn(async { "tea" });
    /// let handle = cup.abort_handle();
    /// assert_eq!(cup.await.unwrap(), "tea");
    /// assert!(handle.is_finished());
    /// # });
    /// ```
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(|task| task.is_finished())
    }

    /// The task's number.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let cup = samovar::spawn(async { "tea" });
    /// assert_eq!(cup.abort_handle().id(), cup.id());
    /// # });
    /// ```
    pub fn id(&self) -> Id {
        self.id
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("id", &self.id).finish()
    }
}
