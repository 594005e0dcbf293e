//! The blocking pool: threads for calls that wait without telling anybody, which would stop a worker.
//!
//! # How many threads
//!
//! A closure may take a microsecond or an hour, and may wait for another closure. So a queue must not stay behind a long
//! one, but a thousand short ones must not start a thousand threads. The rule here: a thread that takes a job and leaves
//! others behind starts the next thread *before* it runs its job. While that one starts (some 50 us), the threads that
//! are there go on taking jobs; if the jobs are short the queue is empty by then, and if they are long the pool grows as
//! fast as threads can be started. (Tokio starts one per closure, and pays 9 us for each of a thousand.)
//!
//! A thread that finds nothing to do for a while (10 s) leaves. Broken, if it just goes:
//!
//! ```text
//!   thread                             spawn_blocking
//!   10 s without a job: gives up
//!                                      is a thread idle? yes: queues the job, starts none
//!   leaves                             ... and the job lies in the queue
//! ```
//! So jobs are queued under the lock that guards the counts, and a thread that has given up looks at the queue once more under
//! that lock before it takes itself out of the count.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::context;
use crate::park;
use crate::scheduler::Home;
use crate::shim::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::shim::channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use crate::shim::{Condvar, Mutex, MutexGuard, has_ended, lock, thread, thread_local};
use crate::task::budget;
use crate::task::cell::Task;
use crate::task::foreign::cancel_in_turn;
use crate::task::roles::{Run, Runnable, Schedule, Spawned, Ticket};
use crate::task::spawn::{Target, spawn_into};
use crate::task::stage::Stage;
use crate::task::{Id, JoinHandle, Place};
use crate::threads::Threads;
use crate::time::clock;
use crate::trace::{self, QueueName, Traced};

/// How a pool is to be, from the runtime's builder.
#[derive(Debug, Clone)]
pub(crate) struct PoolConfig {
    /// How many threads at most.
    pub(crate) max_threads: usize,
    /// How long a thread stays without a job.
    pub(crate) keep_alive: Duration,
    /// How they are started.
    pub(crate) threads: Threads,
}

/// The pool of one runtime.
pub(crate) struct Pool {
    /// How it is to be.
    config: PoolConfig,
    /// The jobs' way out.
    jobs: Receiver<Job>,
    /// Guards the counts, and the jobs' way in: see above. No foreign code runs under it.
    state: Mutex<State>,
    /// How many jobs have not ended. Relaxed: a worker that reads it too soon is called when the job has ended.
    outstanding: AtomicUsize,
    /// Told when the last thread has left.
    empty: Condvar,
    /// Every task enters a stage; nobody looks at this one.
    stage: Stage,
}

/// What the lock guards.
struct State {
    /// The jobs' way in; `None` once the runtime shuts down.
    sender: Option<Sender<Job>>,
    /// Threads that are there, or are starting.
    threads: usize,
    /// Threads that wait for a job.
    idle: usize,
    /// A thread is starting, and has not asked for a job yet.
    starting: bool,
    /// The threads, to be joined at the end; those that left are forgotten at the next start.
    handles: Vec<thread::JoinHandle<()>>,
}

/// A closure in the queue.
struct Job {
    /// The closure, as a task that is polled once.
    task: Runnable,
    /// Its runtime: `spawn` and its kin work inside it.
    home: Arc<Home>,
}

impl Job {
    /// Drops the closure uncalled. Its destructor finds the runtime, as its call would have.
    fn cancel(self) {
        let _entered = context::enter(self.home);
        cancel_in_turn(self.task);
    }
}

/// What [`Pool::numbers`] tells.
pub(crate) struct Numbers {
    /// Threads, with those that wait for a job.
    pub(crate) threads: usize,
    /// Threads that wait for a job.
    pub(crate) idle: usize,
    /// Jobs that wait for a thread.
    pub(crate) jobs: usize,
}

thread_local! {
    /// The pool that this thread belongs to, by its address, so that it does not wait for itself.
    static MEMBER_OF: Cell<usize> = const { Cell::new(0) };
}

impl Pool {
    /// A pool without threads.
    pub(crate) fn new(config: PoolConfig) -> Arc<Pool> {
        let (sender, jobs) = unbounded();
        Arc::new(Pool {
            config,
            jobs,
            state: Mutex::new(State {
                sender: Some(sender),
                threads: 0,
                idle: 0,
                starting: false,
                handles: Vec::new(),
            }),
            outstanding: AtomicUsize::new(0),
            empty: Condvar::new(),
            stage: Stage::default(),
        })
    }

    /// Whether a job is queued or running.
    pub(crate) fn is_busy(&self) -> bool {
        self.outstanding.load(Relaxed) > 0
    }

    /// Runs a closure on one of the pool's threads. During the shutdown, it is dropped and its handle cancelled.
    ///
    /// # Panics
    ///
    /// When the pool has no thread and the system gives none.
    #[track_caller]
    pub(crate) fn spawn<F, R>(
        self: &Arc<Self>,
        home: Arc<Home>,
        run: F,
        place: Place,
    ) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        if home.shared().is_simulated() {
            return spawn_into(Target::RuntimeOf(&home), Closure(Some(run)), place);
        }
        let task = Task::new(Closure(Some(run)), InPool, Id::next(), place);
        let handle = JoinHandle::new(task.clone());
        if trace::is_on() {
            trace::spawned(&home, task.id(), place, QueueName::Pool);
        }
        let job = Job { task, home };
        if let Err(error) = self.submit(job) {
            panic!("no thread can be started for a blocking job: {error}");
        }
        handle
    }

    /// Queues a job, and makes sure that there is a thread on its way to the queue.
    fn submit(self: &Arc<Self>, job: Job) -> io::Result<()> {
        let mut state = self.lock();
        if state.sender.is_none() {
            drop(state);
            job.cancel();
            return Ok(());
        }
        if state.idle == 0 && !state.starting && state.threads < self.config.max_threads {
            if let Err(error) = self.start_thread(&mut state) {
                if state.threads == 0 {
                    drop(state);
                    job.cancel();
                    return Err(error);
                }
            }
        }
        if let Some(sender) = &state.sender {
            self.outstanding.fetch_add(1, Relaxed);
            let _ = sender.send(job);
        }
        Ok(())
    }

    /// Starts a thread.
    fn start_thread(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let pool = self.clone();
        let threads = &self.config.threads;
        let handle = threads.start("blocking", move || pool.work())?;
        state.handles.retain(|handle| !has_ended(handle));
        state.handles.push(handle);
        state.threads += 1;
        state.starting = true;
        Ok(())
    }

    /// The life of a thread.
    fn work(self: Arc<Self>) {
        MEMBER_OF.with(|member| member.set(Arc::as_ptr(&self) as usize));
        self.lock().starting = false;
        while let Some(job) = self.next_job() {
            let Job { task, home } = job;
            let told = trace::job(&home, || task.id());
            let entered = context::enter(home.clone());
            // A closure ends in its first poll: there is nothing to queue again.
            let _none = task.run(&self.stage);
            drop(entered);
            drop(told);
            self.outstanding.fetch_sub(1, Relaxed);
            if clock::was_ever_paused() {
                // The worker may have waited for this before it lets the time pass.
                home.reactor().unpark();
            }
        }
    }

    /// Waits for a job. `None`: the thread is to leave, and is no longer counted.
    fn next_job(self: &Arc<Self>) -> Option<Job> {
        loop {
            self.lock().idle += 1;
            let job = self.jobs.recv_timeout(self.config.keep_alive);
            let mut state = self.lock();
            state.idle -= 1;
            match job {
                Ok(job) => {
                    let others_wait = !self.jobs.is_empty() && state.idle == 0 && !state.starting;
                    if others_wait && state.threads < self.config.max_threads {
                        // If there is none to be had, the jobs wait for this one.
                        let _ = self.start_thread(&mut state);
                    }
                    return Some(job);
                }
                // Under the lock nobody can send: if the queue is empty now, no job is left behind.
                // Nor can they while it leaves: whoever comes next starts a thread if this was the last.
                Err(RecvTimeoutError::Timeout) if !self.jobs.is_empty() => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    state.threads -= 1;
                    if state.threads == 0 {
                        self.empty.notify_all();
                    }
                    return None;
                }
            }
        }
    }

    /// How it is at the moment.
    pub(crate) fn numbers(&self) -> Numbers {
        let state = self.lock();
        Numbers {
            threads: state.threads,
            idle: state.idle,
            jobs: self.jobs.len(),
        }
    }

    /// Ends the pool: jobs that have not started are cancelled, those that have are waited for, for ever (`None`) or for
    /// so long.
    pub(crate) fn shut_down(&self, timeout: Option<Duration>) {
        let sender = self.lock().sender.take();
        while let Ok(job) = self.jobs.try_recv() {
            job.cancel();
        }
        drop(sender);
        let this = std::ptr::from_ref(self) as usize;
        if MEMBER_OF.try_with(Cell::get).is_ok_and(|pool| pool == this) {
            // A job that drops its own runtime cannot wait for itself to end.
            return;
        }
        if self.wait_until_empty(timeout) {
            let handles = std::mem::take(&mut self.lock().handles);
            for handle in handles {
                let _ = handle.join();
            }
        }
    }

    /// Waits until the last thread has left. `false`: the time is over.
    fn wait_until_empty(&self, timeout: Option<Duration>) -> bool {
        park::wait_while(&self.empty, &self.state, timeout, |state| state.threads > 0)
    }

    /// The state.
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// A closure as a future that is ready at its first poll.
struct Closure<F>(Option<F>);

// The closure is moved out before it is called: it need not stay where it is.
impl<F> Unpin for Closure<F> {}

impl<F: FnOnce() -> R, R> Future for Closure<F> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<R> {
        let run = self.0.take().expect("a closure is polled once");
        // What it blocks on counts for nobody's budget.
        Poll::Ready(budget::unlimited(run))
    }
}

/// The scheduler of a closure: it is never woken and never waits.
struct InPool;

impl Traced for InPool {}

impl Schedule for InPool {
    fn woken<F: Spawned>(_: Arc<Task<F, Self>>) {}

    fn done<F: Spawned>(_: Arc<Task<F, Self>>) {}

    fn keep(&self, _: Runnable) -> Option<Ticket> {
        None
    }

    fn release(&self, _: Ticket) -> Option<Runnable> {
        None
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::runtime::Builder;
    use std::panic::Location;
    use std::sync::mpsc;

    #[test]
    fn a_job_that_came_while_the_thread_gave_up_is_found_before_it_leaves() {
        let moment = Duration::from_millis(20);
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(1)
            .thread_keep_alive(moment)
            .build()
            .unwrap();
        let _inside = runtime.enter();
        let home = context::home("test the pool of");
        let pool = &home.shared().pool;
        for _ in 0..3 {
            drop(runtime.spawn_blocking(|| ()));
            let state = loop {
                let state = pool.lock();
                if state.idle == 1 {
                    break state;
                }
                drop(state);
                thread::yield_now();
            };
            // Its time passes while this thread has the lock: it waits for that, and will find that nothing came in time.
            thread::sleep(3 * moment);
            let (ran, wait) = mpsc::channel();
            let run = move || ran.send(()).unwrap();
            let task = Task::new(Closure(Some(run)), InPool, Id::next(), Location::caller());
            drop(JoinHandle::new(task.clone()));
            let home = home.clone();
            pool.outstanding.fetch_add(1, Relaxed);
            // What `submit` does: there is an idle thread, so none is started.
            let sender = state.sender.as_ref().unwrap();
            assert!(sender.send(Job { task, home }).is_ok());
            drop(state);
            wait.recv_timeout(Duration::from_secs(60))
                .expect("the job is stranded");
        }
    }
}
