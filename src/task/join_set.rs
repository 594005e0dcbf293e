//! A set of tasks with the same type of output, which gives the outputs in the order in which the tasks finish.
//!
//! Every event costs the same, however many tasks there are: a task that finishes puts its key on a list
//! ([`ReadyKeys`]), and the set looks only at the handles on that list.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use slab::Slab;

use super::ready_keys::ReadyKeys;
use super::{AbortHandle, Id, JoinError, JoinHandle, budget};
use crate::runtime::Handle;
use crate::trace::wait;

/// Tasks that are awaited together, the first that finishes first.
///
/// **Dropping the set aborts its tasks**; [`detach_all`](JoinSet::detach_all) lets them run on instead.
///
/// ```
/// use samovar::task::JoinSet;
///
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let mut cups = JoinSet::new();
/// for number in 0..10 {
///     cups.spawn(async move { number });
/// }
///
/// let mut sum = 0;
/// while let Some(cup) = cups.join_next().await {
///     sum += cup.unwrap();
/// }
/// assert_eq!(sum, 45);
/// # });
/// ```
pub struct JoinSet<T> {
    /// The tasks whose output was not given yet.
    tasks: Slab<Entry<T>>,
    /// The keys of those that have finished, in that order.
    finished: Arc<ReadyKeys>,
}

/// A task of the set.
struct Entry<T> {
    /// The way to its output, polled with `waker` and no other.
    handle: JoinHandle<T>,
    /// Puts the entry's key on the list.
    waker: Waker,
    /// The output of a task that had finished before its handle was polled for the first time.
    early: Option<Result<T, JoinError>>,
}

impl<T> Entry<T> {
    /// Polls the handle, without a budget: the caller has paid for it, or cannot yield.
    fn poll(&mut self) -> Poll<Result<T, JoinError>> {
        let mut cx = Context::from_waker(&self.waker);
        budget::unlimited(|| self.handle.poll_untold(&mut cx))
    }
}

impl<T> JoinSet<T> {
    /// An empty set.
    ///
    /// ```
    /// let set = samovar::task::JoinSet::<()>::new();
    /// assert!(set.is_empty());
    /// ```
    #[must_use]
    pub fn new() -> JoinSet<T> {
        JoinSet {
            tasks: Slab::new(),
            finished: Arc::default(),
        }
    }

    /// How many tasks there are whose output was not given yet, finished or not.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut cups = samovar::task::JoinSet::new();
    /// cups.spawn(async { "green" });
    /// cups.spawn(async { "black" });
    /// assert_eq!(cups.len(), 2);
    /// cups.join_next().await.unwrap().unwrap();
    /// assert_eq!(cups.len(), 1);
    /// # });
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether [`len`](JoinSet::len) is 0.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut cups = samovar::task::JoinSet::new();
    /// cups.spawn(async { "green" });
    /// assert!(!cups.is_empty());
    /// cups.join_next().await.unwrap().unwrap();
    /// assert!(cups.is_empty());
    /// # });
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Asks all tasks to end, and leaves them in the set: [`join_next`](JoinSet::join_next) still gives each of them, as
    /// an error that is cancelled, or as its output where that was there already.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut cups = samovar::task::JoinSet::new();
    /// cups.spawn(samovar::task::pending::<()>());
    /// cups.abort_all();
    /// assert!(cups.join_next().await.unwrap().unwrap_err().is_cancelled());
    /// # });
    /// ```
    pub fn abort_all(&mut self) {
        for (_, task) in &self.tasks {
            task.handle.abort();
        }
    }
}

impl<T: 'static> JoinSet<T> {
    /// Spawns a task into the set: see [`samovar::spawn`](crate::spawn()). The handle that it returns can abort this one.
    ///
    /// # Panics
    ///
    /// Outside a runtime: use [`spawn_on`](JoinSet::spawn_on).
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut cups = samovar::task::JoinSet::new();
    /// let green = cups.spawn(samovar::task::pending::<()>());
    /// green.abort();
    /// assert!(cups.join_next().await.unwrap().unwrap_err().is_cancelled());
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.insert(crate::spawn(future))
    }

    /// Spawns a task into the set, on the runtime of `handle`. After the runtime's end it is cancelled at once.
    ///
    /// ```
    /// use samovar::task::JoinSet;
    ///
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// let mut set = JoinSet::new();
    /// set.spawn_on(async { "tea" }, runtime.handle());
    /// assert_eq!(runtime.block_on(set.join_next()).unwrap().unwrap(), "tea");
    /// ```
    #[track_caller]
    pub fn spawn_on<F>(&mut self, future: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.insert(handle.spawn(future))
    }

    /// Runs a closure that blocks, as part of the set: see [`spawn_blocking`](super::spawn_blocking). To abort it has an
    /// effect only until it starts.
    ///
    /// # Panics
    ///
    /// Outside a runtime; and when no thread can be started and the pool has none.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut set = samovar::task::JoinSet::new();
    /// set.spawn_blocking(|| (1..=4).product::<u32>());
    /// assert_eq!(set.join_next().await.unwrap().unwrap(), 24);
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, run: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(super::spawn_blocking(run))
    }

    /// As [`spawn_blocking`](JoinSet::spawn_blocking), on the runtime of `handle`.
    ///
    /// # Panics
    ///
    /// When no thread can be started and the pool has none.
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// let mut set = samovar::task::JoinSet::new();
    /// set.spawn_blocking_on(|| "tea", runtime.handle());
    /// assert_eq!(runtime.block_on(set.join_next()).unwrap().unwrap(), "tea");
    /// ```
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, run: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(handle.spawn_blocking(run))
    }

    /// Waits until a task finishes, and takes it out of the set. `None`: the set is empty.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: when this future is dropped before it completes, by `select!` say, no task has left the set.
    ///
    /// # Errors
    ///
    /// When the task panicked or was aborted.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut cups = samovar::task::JoinSet::new();
    /// cups.spawn(async { "green" });
    /// assert_eq!(cups.join_next().await.unwrap().unwrap(), "green");
    /// assert!(cups.join_next().await.is_none());
    /// # });
    /// ```
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        poll_fn(|cx| self.poll_join_next(cx)).await
    }

    /// As [`join_next`](JoinSet::join_next), with the task's number. An error has it too: [`JoinError::id`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// When the task panicked or was aborted.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut set = samovar::task::JoinSet::new();
    /// let green = set.spawn(async { "green" });
    /// assert_eq!(set.join_next_with_id().await.unwrap().unwrap(), (green.id(), "green"));
    /// # });
    /// ```
    pub async fn join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        poll_fn(|cx| self.poll_join_next_with_id(cx)).await
    }

    /// Takes a task that has finished already; `None` when there is none.
    ///
    /// # Errors
    ///
    /// When the task panicked or was aborted.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut cups = samovar::task::JoinSet::new();
    /// cups.spawn(async { "green" });
    /// let cup = loop {
    ///     if let Some(cup) = cups.try_join_next() {
    ///         break cup;
    ///     }
    ///     samovar::task::yield_now().await; // something better, in earnest
    /// };
    /// assert_eq!(cup.unwrap(), "green");
    /// # });
    /// ```
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        Some(self.try_join_next_with_id()?.map(|(_, output)| output))
    }

    /// As [`try_join_next`](JoinSet::try_join_next), with the task's number.
    ///
    /// # Errors
    ///
    /// When the task panicked or was aborted.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut cups = samovar::task::JoinSet::new();
    /// let green = cups.spawn(async { "green" });
    /// let cup = loop {
    ///     if let Some(cup) = cups.try_join_next_with_id() {
    ///         break cup;
    ///     }
    ///     samovar::task::yield_now().await; // something better, in earnest
    /// };
    /// assert_eq!(cup.unwrap(), (green.id(), "green"));
    /// # });
    /// ```
    pub fn try_join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        loop {
            let key = self.finished.pop()?;
            if let Some(output) = self.take(key) {
                return Some(output);
            }
        }
    }

    /// Waits for all tasks, and gives their outputs in the order in which they finished.
    ///
    /// # Panics
    ///
    /// When a task panicked, with its panic; and when one was aborted. The other tasks are then aborted.
    ///
    /// # Cancel safety
    ///
    /// The set belongs to this future: when it is dropped, the tasks are aborted and the outputs lost.
    ///
    /// ```
    /// use samovar::task::JoinSet;
    ///
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let squares: JoinSet<u32> = (0..4).map(|n| async move { n * n }).collect();
    /// assert_eq!(squares.join_all().await.iter().sum::<u32>(), 14);
    /// # });
    /// ```
    pub async fn join_all(mut self) -> Vec<T> {
        let mut outputs = Vec::with_capacity(self.len());
        while let Some(output) = self.join_next().await {
            match output {
                Ok(output) => outputs.push(output),
                Err(error) => match error.try_into_panic() {
                    Ok(payload) => panic::resume_unwind(payload),
                    Err(error) => panic!("`JoinSet::join_all`: {error}"),
                },
            }
        }
        outputs
    }

    /// Aborts all tasks and waits for their ends. The set is empty afterwards.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: when it is dropped before it completes, the tasks are aborted all the same; call it again to wait.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut set = samovar::task::JoinSet::new();
    /// set.spawn(std::future::pending::<()>());
    /// set.shutdown().await;
    /// assert!(set.is_empty());
    /// # });
    /// ```
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while self.join_next().await.is_some() {}
    }

    /// Takes all tasks out of the set, and lets them run on.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let (tell, told) = samovar::sync::oneshot::channel();
    /// let mut cups = samovar::task::JoinSet::new();
    /// cups.spawn(async { tell.send("still here") });
    /// cups.detach_all();
    /// assert_eq!(told.await.unwrap(), "still here");
    /// # });
    /// ```
    pub fn detach_all(&mut self) {
        // A list of their own for those that come: on the old one are keys that they will have, too early.
        self.finished = Arc::default();
        self.tasks.clear();
    }

    /// [`join_next`](JoinSet::join_next) for hand-written futures. `Pending`: the task of `cx`, and only the one that
    /// polled last, is woken when one of the set finishes.
    ///
    /// # Errors
    ///
    /// When the task panicked or was aborted.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut cups = samovar::task::JoinSet::new();
    /// cups.spawn(async { "green" });
    /// let cup = std::future::poll_fn(|cx| cups.poll_join_next(cx)).await;
    /// assert_eq!(cup.unwrap().unwrap(), "green");
    /// # });
    /// ```
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        self.poll_join_next_with_id(cx)
            .map(|next| next.map(|output| output.map(|(_, output)| output)))
    }

    /// As [`poll_join_next`](JoinSet::poll_join_next), with the task's number.
    ///
    /// # Errors
    ///
    /// When the task panicked or was aborted.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut cups = samovar::task::JoinSet::new();
    /// let green = cups.spawn(async { "green" });
    /// let cup = std::future::poll_fn(|cx| cups.poll_join_next_with_id(cx)).await;
    /// assert_eq!(cup.unwrap().unwrap(), (green.id(), "green"));
    /// # });
    /// ```
    pub fn poll_join_next_with_id(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(Id, T), JoinError>>> {
        let unit = ready!(budget::spend(cx));
        loop {
            if self.is_empty() {
                return Poll::Ready(None);
            }
            let Poll::Ready(key) = self.finished.poll_pop(cx) else {
                return wait::pending(|| format!("JoinSet of {} tasks", self.len()));
            };
            if let Some(output) = self.take(key) {
                unit.made_progress();
                return Poll::Ready(Some(output));
            }
        }
    }

    /// Adds a task. Its handle is polled now, so that the task's end is heard of when it comes.
    fn insert(&mut self, handle: JoinHandle<T>) -> AbortHandle {
        let abort = handle.abort_handle();
        let vacant = self.tasks.vacant_entry();
        let key = vacant.key();
        let entry = vacant.insert(Entry {
            handle,
            waker: self.finished.waker(key),
            early: None,
        });
        if let Poll::Ready(output) = entry.poll() {
            entry.early = Some(output);
            self.finished.push(key);
        }
        abort
    }

    /// Takes the task `key` out of the set, if there is one and it has finished.
    fn take(&mut self, key: usize) -> Option<Result<(Id, T), JoinError>> {
        let entry = self.tasks.get_mut(key)?;
        let output = match entry.early.take() {
            Some(output) => output,
            None => match entry.poll() {
                Poll::Ready(output) => output,
                Poll::Pending => return None,
            },
        };
        let id = self.tasks.remove(key).handle.id();
        Some(output.map(|output| (id, output)))
    }
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        // All are asked before the first handle is dropped: what that drops is foreign, and may panic.
        self.abort_all();
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> JoinSet<T> {
        JoinSet::new()
    }
}

/// Spawns every future of the iterator: see [`JoinSet::spawn`].
impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> JoinSet<T> {
        let mut set = JoinSet::new();
        set.extend(futures);
        set
    }
}

/// Spawns every future of the iterator: see [`JoinSet::spawn`].
impl<T, F> Extend<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn extend<I: IntoIterator<Item = F>>(&mut self, futures: I) {
        for future in futures {
            self.spawn(future);
        }
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish()
    }
}
