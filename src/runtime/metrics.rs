//! The numbers of a runtime, for dashboards and tests.
//!
//! They are only read here. The workers count them, each its own (`scheduler/counts.rs`), or they are the length of a queue.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::scheduler::Home;

/// What a runtime counts. Made by [`Handle::metrics`](super::Handle::metrics); it shows the present whenever it is asked.
///
/// The names and meanings are Tokio's (some of them unstable there). The numbers are counted without any lock, each by its
/// own worker: two that are read one after the other need not fit together to the last task.
///
/// ```
/// # let runtime = samovar::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let metrics = samovar::runtime::Handle::current().metrics();
/// let cups: Vec<_> = (0..3).map(|_| samovar::spawn(async {})).collect();
/// assert_eq!(metrics.num_alive_tasks(), 3);
/// for cup in cups {
///     cup.await.unwrap();
/// }
/// assert_eq!(metrics.num_alive_tasks(), 0);
/// assert_eq!(metrics.spawned_tasks_count(), 3);
/// # });
/// ```
///
/// Every method with a `worker` panics when there is none of this number: they are `0..`[`num_workers`](Self::num_workers).
#[derive(Clone)]
pub struct RuntimeMetrics {
    /// The way in.
    home: Arc<Home>,
}

impl RuntimeMetrics {
    /// The numbers of the runtime that `home` leads to.
    pub(super) fn new(home: Arc<Home>) -> RuntimeMetrics {
        RuntimeMetrics { home }
    }

    /// How many workers it has. Worker 0 is the thread inside [`block_on`](super::Runtime::block_on).
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_multi_thread().worker_threads(3).build().unwrap();
    /// assert_eq!(runtime.metrics().num_workers(), 3);
    /// ```
    pub fn num_workers(&self) -> usize {
        self.home.workers()
    }

    /// How many tasks have been spawned and have not ended. Blocking jobs are not among them.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().build().unwrap();
    /// let cup = runtime.spawn(async {});
    /// assert_eq!(runtime.metrics().num_alive_tasks(), 1);
    /// runtime.block_on(cup).unwrap();
    /// assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    /// ```
    pub fn num_alive_tasks(&self) -> usize {
        usize::try_from(self.home.shared().alive()).unwrap_or(usize::MAX)
    }

    /// How many tasks have been spawned since the runtime was built.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().build().unwrap();
    /// let cup = runtime.spawn(async {});
    /// runtime.block_on(cup).unwrap();
    /// assert_eq!(runtime.metrics().spawned_tasks_count(), 1); // also when it has ended
    /// ```
    pub fn spawned_tasks_count(&self) -> u64 {
        self.home.shared().spawned()
    }

    /// How many tasks wait in the queue that all workers share, for what is spawned and woken by other threads.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().build().unwrap();
    /// runtime.spawn(async {}); // from a thread that is no worker; it waits for a `block_on`
    /// assert_eq!(runtime.metrics().global_queue_depth(), 1);
    /// ```
    pub fn global_queue_depth(&self) -> usize {
        self.home.shared().inbox_len()
    }

    /// How many tasks wait in the worker's own queue.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    ///
    /// ```
    /// # samovar::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// samovar::spawn(async {}); // from a worker; it waits for its turn
    /// assert_eq!(samovar::runtime::Handle::current().metrics().worker_local_queue_depth(0), 1);
    /// # });
    /// ```
    #[track_caller]
    pub fn worker_local_queue_depth(&self, worker: usize) -> usize {
        self.home.shared().metrics(worker).queue
    }

    /// How often the worker has polled: tasks and, as worker 0, the future inside `block_on`, which Tokio does not count.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().build().unwrap();
    /// runtime.block_on(async {});
    /// assert_eq!(runtime.metrics().worker_poll_count(0), 1);
    /// ```
    #[track_caller]
    pub fn worker_poll_count(&self, worker: usize) -> u64 {
        self.home.shared().metrics(worker).polls
    }

    /// How often the worker had nothing to do and waited in its reactor.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().build().unwrap();
    /// runtime.block_on(async { samovar::time::sleep(std::time::Duration::from_millis(1)).await });
    /// assert!(runtime.metrics().worker_park_count(0) > 0);
    /// ```
    #[track_caller]
    pub fn worker_park_count(&self, worker: usize) -> u64 {
        self.home.shared().metrics(worker).parks
    }

    /// How many tasks the worker has taken from others' queues.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().build().unwrap();
    /// runtime.block_on(async { samovar::spawn(async {}).await.unwrap() });
    /// assert_eq!(runtime.metrics().worker_steal_count(0), 0); // there are no others
    /// ```
    #[track_caller]
    pub fn worker_steal_count(&self, worker: usize) -> u64 {
        self.home.shared().metrics(worker).stolen
    }

    /// How often it has taken some: it takes up to half of a queue at a time.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().build().unwrap();
    /// runtime.block_on(async { samovar::spawn(async {}).await.unwrap() });
    /// assert_eq!(runtime.metrics().worker_steal_operations(0), 0); // there are no others
    /// ```
    #[track_caller]
    pub fn worker_steal_operations(&self, worker: usize) -> u64 {
        self.home.shared().metrics(worker).steals
    }

    /// How long the worker was busy: all the time that it did not wait in its reactor, and that (worker 0) somebody was it.
    /// Counted when it goes to wait, so a poll that lasts is not in it yet.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().build().unwrap();
    /// runtime.block_on(async {});
    /// assert_eq!(runtime.metrics().worker_poll_count(0), 1);
    /// assert!(runtime.metrics().worker_total_busy_duration(0) > std::time::Duration::ZERO);
    /// ```
    #[track_caller]
    pub fn worker_total_busy_duration(&self, worker: usize) -> Duration {
        self.home.shared().metrics(worker).busy
    }

    /// How many threads there are for blocking jobs, with those that have none.
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// assert_eq!(runtime.metrics().num_blocking_threads(), 0);
    /// let job = runtime.spawn_blocking(|| "tea");
    /// runtime.block_on(job).unwrap();
    /// assert_eq!(runtime.metrics().num_blocking_threads(), 1); // for 10 s more
    /// ```
    pub fn num_blocking_threads(&self) -> usize {
        self.home.shared().pool.numbers().threads
    }

    /// How many of them have none.
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// let handle = runtime.handle().clone();
    /// let job = runtime.spawn_blocking(move || handle.metrics().num_idle_blocking_threads());
    /// assert_eq!(runtime.block_on(job).unwrap(), 0); // the only thread had this job
    /// ```
    pub fn num_idle_blocking_threads(&self) -> usize {
        self.home.shared().pool.numbers().idle
    }

    /// How many blocking jobs wait for a thread.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    /// let (finish, told) = std::sync::mpsc::channel::<()>();
    /// runtime.spawn_blocking(move || told.recv()); // keeps the only thread
    /// let second = runtime.spawn_blocking(|| "tea");
    /// assert!(runtime.metrics().blocking_queue_depth() >= 1);
    /// drop(finish);
    /// assert_eq!(runtime.block_on(second).unwrap(), "tea");
    /// assert_eq!(runtime.metrics().blocking_queue_depth(), 0);
    /// ```
    pub fn blocking_queue_depth(&self) -> usize {
        self.home.shared().pool.numbers().jobs
    }
}

impl fmt::Debug for RuntimeMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeMetrics")
            .field("num_workers", &self.num_workers())
            .field("num_alive_tasks", &self.num_alive_tasks())
            .field("global_queue_depth", &self.global_queue_depth())
            .finish_non_exhaustive()
    }
}
