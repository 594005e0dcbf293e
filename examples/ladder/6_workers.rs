//! Rung 6: several workers that steal from each other. `cargo run --example ladder_6_workers`.
//!
//! # What rung 5 could not
//!
//! ```text
//! cannot   4 tasks that hold the one thread for 50 ms each take 200 ms
//! ```
//!
//! # The idea
//!
//! Several threads, the *workers*, and a queue for each: what a task spawns or wakes goes to the queue of the worker that runs it,
//! so not all meet at one. Who finds nothing in his own queue *steals* from another's, in which tasks might stand behind a
//! long one. He takes one; the library takes half, into a queue to which only he may push, and which is faster for that.
//!
//! ```text
//!   spawn, wake ──push──► worker 0's queue ──pop──► worker 0 polls
//!   spawn, wake ──push──► worker 1's queue ──pop──► worker 1 polls
//!                                  └───────steal──► worker 2, who has nothing
//! ```
//! This is rung 2 with workers, and of rung 5 it has that a panic ends a task, and no worker. The wheel, the reactor and the
//! handles are left out for space: rung 7 has them all.
//!
//! # Why one flag is not enough any more
//!
//! With one thread a task that was woken during its poll could stand in the queue at once. Now another worker finds it there:
//!
//! ```text
//!   worker 0: queued = false, polls ...
//!                                         wake(): queued = true, push
//!                                         worker 1: pops the task, and polls it, too
//! ```
//! Two threads poll one future, or, as there is a lock, one waits for the other. So there is a second bit, RUNNING: who wakes a
//! running task only sets QUEUED, and the worker that runs it sees that after the poll, and pushes it then:
//!
//! ```text
//!               wake: push                pop                    Pending
//!   (nothing) ─────────────► QUEUED ─────────────► RUNNING ─────────────────► (nothing)
//!                              ▲                    │   │ wake
//!                              │      Pending: push │   ▼                Ready: RUNNING for ever, so no wake
//!                              └─────────── RUNNING + QUEUED             queues it any more
//! ```
//!
//! # How a worker goes to sleep
//!
//! ```text
//!   worker: all queues are empty
//!                                         push(task); is anybody asleep? no: nothing to do
//!   worker: I sleep now                   ... and the task lies there
//! ```
//! So it *announces* that it sleeps, and looks again before it does; who pushes looks for sleepers after the push. The number
//! of sleepers is behind a lock, so one of the two has it first. If it is who pushes, then the other's second look sees the task; if
//! it is the worker, then who pushes sees a sleeper. (In the library a fence on both sides does that, and no lock is on the way
//! of a push: `src/scheduler/idle.rs`.)
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak, mpsc};
use std::task::{Context, Poll::Pending, Poll::Ready};
use std::{cell::Cell, cell::RefCell, future::poll_fn, panic, pin::Pin, thread, time};

use crossbeam_deque::Injector;
use futures_task::{ArcWake, waker_ref};

thread_local! {
    /// The executor of which this thread is a part.
    static HERE: RefCell<Weak<Executor>> = const { RefCell::new(Weak::new()) };
    /// Which of its workers this thread is.
    static ME: Cell<usize> = const { Cell::new(0) };
}

/// Runs a future and all that it spawns on so many threads, until it is ready. The tasks that are left are dropped
/// with their wakers.
pub fn block_on<F: Future<Output: Send> + Send + 'static>(workers: usize, main: F) -> F::Output {
    let executor = Arc::new(Executor {
        queues: (0..workers).map(|_| Injector::new()).collect(),
        ..Executor::default()
    });
    let (tell, told) = mpsc::channel();
    executor.spawn(async move { tell.send(main.await).unwrap_or_default() });
    thread::scope(|scope| {
        let work = |me| executor.work(me);
        (0..workers).for_each(|me| drop(scope.spawn(move || work(me))));
        let output = told.recv();
        executor.closed.store(true, Ordering::Release);
        // Who is about to sleep has the lock until it does, so it hears this.
        drop(executor.sleepers.lock());
        executor.bell.notify_all();
        output.expect("the main task has panicked, or nobody can wake it")
    })
}

/// Makes a task of the future, and queues it on the executor of this thread.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    let executor = HERE.with_borrow(Weak::upgrade);
    executor.expect("`spawn` outside of a task").spawn(future);
}

/// What the workers share.
#[derive(Default)]
struct Executor {
    /// What is to be polled, a queue for each worker. All may push to and take from each.
    queues: Vec<Injector<Arc<Task>>>,
    /// How many workers sleep, or are about to.
    sleepers: Mutex<usize>,
    /// On which they sleep.
    bell: Condvar,
    /// `block_on` is over.
    closed: AtomicBool,
}

impl Executor {
    /// Makes a task of the future, and queues it.
    fn spawn(self: &Arc<Self>, future: impl Future<Output = ()> + Send + 'static) {
        ArcWake::wake(Arc::new(Task {
            state: AtomicU8::new(0),
            future: Mutex::new(Box::pin(future)),
            executor: Arc::downgrade(self),
        }));
    }

    /// The life of a worker.
    fn work(self: &Arc<Self>, me: usize) {
        HERE.set(Arc::downgrade(self));
        ME.set(me);
        while !self.closed.load(Ordering::Acquire) {
            // Its own queue first, then the others'.
            let mut queues = self.queues[me..].iter().chain(&self.queues[..me]);
            match queues.find_map(|queue| queue.steal().success()) {
                // A panic is the task's end, and not the worker's.
                Some(task) => drop(panic::catch_unwind(panic::AssertUnwindSafe(|| task.run()))),
                None => self.sleep(),
            }
        }
    }

    /// Sleeps until there is something to find.
    fn sleep(&self) {
        let mut sleepers = self.sleepers.lock().unwrap();
        *sleepers += 1;
        while self.queues.iter().all(Injector::is_empty) && !self.closed.load(Ordering::Acquire) {
            sleepers = self.bell.wait(sleepers).unwrap();
        }
        *sleepers -= 1;
    }
}

/// The task is in a queue, or is to be put there after its poll.
const QUEUED: u8 = 1;
/// A worker polls it; or it has ended.
const RUNNING: u8 = 2;

/// A future that the executor owns.
struct Task {
    /// The bits above.
    state: AtomicU8,
    /// Only who has set RUNNING polls it, so the lock is always free. It is there because the compiler cannot know that.
    future: Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Where it goes when it is woken.
    executor: Weak<Executor>,
}

impl Task {
    /// Polls the future.
    fn run(self: Arc<Self>) {
        // Acquire pairs with the release of the waker, and of the worker that polled it last.
        self.state.swap(RUNNING, Ordering::AcqRel);
        let waker = waker_ref(&self);
        let cx = &mut Context::from_waker(&waker);
        if self.future.lock().unwrap().as_mut().poll(cx).is_ready() {
            // It goes now, and not with the last waker. RUNNING stays, so that no wake queues it any more.
            *self.future.lock().unwrap() = Box::pin(async {});
        } else if self.state.fetch_and(!RUNNING, Ordering::AcqRel) & QUEUED != 0 {
            self.queue();
        }
    }

    /// Puts the task into the queue of this thread's worker, and wakes a worker for it if one sleeps.
    fn queue(self: &Arc<Self>) {
        // There is no executor any more when `block_on` is over. Then the task goes with its wakers.
        if let Some(executor) = self.executor.upgrade() {
            // Another executor's worker may have a higher number, and what is no worker has 0.
            executor.queues[ME.get() % executor.queues.len()].push(self.clone());
            if *executor.sleepers.lock().unwrap() > 0 {
                executor.bell.notify_one();
            }
        }
    }
}

impl ArcWake for Task {
    fn wake_by_ref(task: &Arc<Self>) {
        if task.state.fetch_or(QUEUED, Ordering::AcqRel) & (QUEUED | RUNNING) == 0 {
            task.queue();
        }
    }
}

// The demonstration.

/// Prints how long a task waits that stands behind four which hold their thread for 50 ms each.
fn queue_up(label: &str, workers: usize) {
    let mut begun = None::<time::Instant>;
    let main = poll_fn(move |cx| {
        if let Some(begun) = begun.replace(time::Instant::now()) {
            return Ready(begun.elapsed().as_millis());
        }
        (0..4).for_each(|_| spawn(async { thread::sleep(time::Duration::from_millis(50)) }));
        // It runs, so it is not queued before this poll ends: then it stands behind the four.
        cx.waker().wake_by_ref();
        Pending
    });
    let time = block_on(workers, main);
    println!("{label}: behind 4 tasks that hold a thread for 50 ms each, a task waits {time} ms");
}

fn main() {
    queue_up("1 worker", 1);
    queue_up("2 workers", 2);
    queue_up("5 workers", 5);
    queue_up("cannot   4 workers", 4);
}

// # What this cannot
//
// The number of workers limits how many tasks may block at once, and nobody notices when all do. And to join it with rungs 3 and
// 4 takes a decision: whose are the timers and the sockets? If each worker has its own, those of a blocked worker wait with
// it. Rung 7 is the library, which has found answers.
