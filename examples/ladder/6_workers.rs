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
//! Several threads, the *workers*. What is woken or spawned goes to one queue, the *injector*. A worker takes some of it at once
//! into a queue of its own, so that not all meet at the injector for each task; and who finds nothing there either takes half of
//! another's queue, in which tasks might stand behind a long one.
//!
//! ```text
//!   spawn, wake ──push──► injector ──take some──► worker 0's queue ──pop──► poll
//!                                  └─take some──► worker 1's queue ──pop──► poll
//!                                                        └── half ──► worker 2, who has nothing
//! ```
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
//! So it *announces* that it sleeps, and looks again before it does; who pushes looks for sleepers after the push. With a
//! `SeqCst` fence between the two steps on both sides, one of them sees the other. (See `src/scheduler/idle.rs` of the library.)
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, Weak, mpsc};
use std::{cell::RefCell, iter, panic, pin::Pin, task::Context, thread};

use crossbeam_deque::{Injector, Steal, Stealer, Worker};
use futures_task::{ArcWake, waker_ref};

thread_local! {
    /// The executor of which this thread is a part.
    static HERE: RefCell<Weak<Executor>> = const { RefCell::new(Weak::new()) };
}

/// Runs a future and all that it spawns on so many threads, until it is ready. The tasks that are left are dropped
/// with their wakers.
pub fn block_on<F: Future<Output: Send> + Send + 'static>(workers: usize, main: F) -> F::Output {
    let queues: Vec<_> = (0..workers).map(|_| Worker::new_fifo()).collect();
    let executor = Arc::new(Executor {
        stealers: queues.iter().map(Worker::stealer).collect(),
        ..Executor::default()
    });
    let (sender, output) = mpsc::channel();
    executor.spawn(async move { sender.send(main.await).unwrap_or_default() });
    thread::scope(|scope| {
        for queue in queues {
            scope.spawn(|| executor.work(queue));
        }
        let output = output.recv();
        executor.closed.store(true, Ordering::Release);
        drop(executor.gate.lock());
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
    /// What is to be polled, and no worker has taken.
    injector: Injector<Arc<Task>>,
    /// The other ends of the workers' own queues.
    stealers: Vec<Stealer<Arc<Task>>>,
    /// How many workers sleep, or are about to.
    sleepers: AtomicUsize,
    /// Guards the way into sleep.
    gate: Mutex<()>,
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
    fn work(self: &Arc<Self>, queue: Worker<Arc<Task>>) {
        HERE.set(Arc::downgrade(self));
        while !self.closed.load(Ordering::Acquire) {
            match self.find(&queue) {
                // A panic is the task's end, and not the worker's.
                Some(task) => drop(panic::catch_unwind(panic::AssertUnwindSafe(|| task.run()))),
                None => self.sleep(),
            }
        }
    }

    /// A task: the worker's own, or one that nobody has taken, or another's.
    fn find(&self, queue: &Worker<Arc<Task>>) -> Option<Arc<Task>> {
        let take = || -> Steal<_> {
            let others = self.stealers.iter().map(|it| it.steal_batch_and_pop(queue));
            let fresh = self.injector.steal_batch_and_pop(queue);
            fresh.or_else(|| others.collect())
        };
        // `Retry` means that another worker took something at the same time.
        let mut taken = iter::repeat_with(take).skip_while(Steal::is_retry);
        queue.pop().or_else(|| taken.next()?.success())
    }

    /// Sleeps until there is something to find.
    fn sleep(&self) {
        let mut gate = self.gate.lock().unwrap();
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        // Pairs with the fence in `push`: it sees the sleeper, or this looks again and sees the task.
        fence(Ordering::SeqCst);
        let is_empty = || self.injector.is_empty() && self.stealers.iter().all(Stealer::is_empty);
        while is_empty() && !self.closed.load(Ordering::Acquire) {
            gate = self.bell.wait(gate).unwrap();
        }
        self.sleepers.fetch_sub(1, Ordering::Relaxed);
    }

    /// Queues a task, and wakes a worker for it if one sleeps.
    fn push(&self, task: Arc<Task>) {
        self.injector.push(task);
        fence(Ordering::SeqCst);
        if self.sleepers.load(Ordering::Relaxed) > 0 {
            // Who has announced himself is behind the gate until he sleeps: the bell cannot ring between the two.
            drop(self.gate.lock());
            self.bell.notify_one();
        }
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
        let mut future = self.future.lock().unwrap();
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        if polled.is_ready() {
            // It goes now, and not with the last waker.
            *future = Box::pin(async {});
        }
        drop(future);
        // RUNNING stays when the task has ended, so that no wake queues it any more.
        if polled.is_pending() && self.state.fetch_and(!RUNNING, Ordering::AcqRel) & QUEUED != 0 {
            self.queue();
        }
    }

    /// Puts the task into the queue.
    fn queue(self: &Arc<Self>) {
        // There is no executor any more when `block_on` is over. Then the task goes with its wakers.
        if let Some(executor) = self.executor.upgrade() {
            executor.push(self.clone());
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

use std::future::poll_fn;
use std::sync::Barrier;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Spawns so many tasks that hold their thread for so long. The future waits for them, and tells how long that took.
fn hold(tasks: usize, time: Duration) -> impl Future<Output = Duration> {
    let start = Instant::now();
    // How many are left, and who waits for them.
    let left = Arc::new(Mutex::new((tasks, None::<Waker>)));
    for _ in 0..tasks {
        let left = left.clone();
        spawn(async move {
            thread::sleep(time);
            let waiting = {
                let mut left = left.lock().unwrap();
                left.0 -= 1;
                left.1.take()
            };
            waiting.into_iter().for_each(Waker::wake);
        });
    }
    poll_fn(move |cx| {
        let (left, _older) = {
            let mut left = left.lock().unwrap();
            (left.0, left.1.replace(cx.waker().clone()))
        };
        if left == 0 {
            Poll::Ready(start.elapsed())
        } else {
            Poll::Pending
        }
    })
}

fn main() {
    const FIFTY: Duration = Duration::from_millis(50);
    let time = block_on(1, async { hold(4, FIFTY).await }).as_millis();
    println!("1 worker   4 tasks that hold their thread for 50 ms each take {time} ms");
    let time = block_on(4, async { hold(4, FIFTY).await }).as_millis();
    println!("4 workers  4 tasks that hold their thread for 50 ms each take {time} ms");

    let held = block_on(2, async {
        let both_run = Arc::new(Barrier::new(2));
        let other = both_run.clone();
        spawn(async move {
            other.wait();
            thread::sleep(4 * FIFTY);
        });
        both_run.wait();
        let quick = hold(1, Duration::ZERO);
        thread::sleep(4 * FIFTY);
        quick.await
    });
    let time = held.as_millis();
    println!(
        "cannot     while both of 2 workers are held for 200 ms, a task that needs no time takes {time} ms"
    );
}

// # What this cannot
//
// The number of workers limits how many tasks may block at once, and nobody notices when all do. And to join it with rungs 3 and
// 4 takes a decision: whose are the timers and the sockets? If each worker has its own, those of a blocked worker wait with
// it. Rung 7 is the library, which has found answers.
