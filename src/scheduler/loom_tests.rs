//! Models of how threads find each other: loom runs them in every order of their steps (`RUSTFLAGS="--cfg loom"`).
//!
//! The handshakes are the real ones ([`Idle`], [`Bell`], [`Watchdog`], [`Inbox`]); what is around them is as small as it
//! can be: a queue is a number, a worker is a loop around it, and to sleep in a reactor is to park. A wake that is lost
//! leaves somebody asleep for ever, which loom reports as a deadlock.

use std::future::pending;
use std::sync::Arc;

use loom::thread;

use super::idle::Idle;
use super::inbox::Inbox;
use super::main_waker::Bell;
use super::watchdog::Watchdog;
use crate::park::Parker;
use crate::shim::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use crate::shim::{Condvar, Mutex, lock, wait};
use crate::task::Id;
use crate::task::cell::Task;
use crate::task::roles::{Run, Runnable, Schedule, Spawned, Ticket};
use crate::trace::Traced;

/// Ends a model: waits for its threads.
fn join_all<const N: usize>(threads: [thread::JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Some workers, and the tasks that they share.
struct Crew {
    /// How many tasks are queued. No lock, so that only the handshake's fences order it and the sleepers.
    queued: AtomicUsize,
    /// The handshake.
    idle: Idle,
    /// What each worker sleeps on.
    sleep: [Parker; 2],
    /// How many tasks have begun to run.
    running: Mutex<usize>,
    /// Tells of it.
    began: Condvar,
    /// How many tasks there are to be.
    tasks: usize,
    /// All have run: the workers are to leave.
    closed: AtomicBool,
}

impl Crew {
    /// Workers for so many tasks.
    fn new(tasks: usize) -> Arc<Crew> {
        Arc::new(Crew {
            queued: AtomicUsize::new(0),
            idle: Idle::new(),
            sleep: [Parker::default(), Parker::default()],
            running: Mutex::new(0),
            began: Condvar::new(),
            tasks,
            closed: AtomicBool::new(false),
        })
    }

    /// A producer: pushes a task, and wakes somebody for it.
    fn push(&self) {
        self.queued.fetch_add(1, Release);
        self.wake_one();
    }

    /// Wakes one worker, if one sleeps and none searches.
    fn wake_one(&self) {
        if let Some(worker) = self.idle.pick() {
            self.sleep[worker].unpark();
        }
    }

    /// Takes a task.
    fn pop(&self) -> bool {
        let less = |queued: usize| queued.checked_sub(1);
        self.queued.fetch_update(AcqRel, Relaxed, less).is_ok()
    }

    /// Whether there is a task.
    fn sees_work(&self) -> bool {
        self.queued.load(Relaxed) > 0
    }

    /// Runs a task. It blocks its worker until all tasks run: each needs a worker of its own.
    fn run(&self) {
        let mut running = lock(&self.running);
        *running += 1;
        self.began.notify_all();
        while *running < self.tasks {
            running = wait(&self.began, running);
        }
        drop(running);
        self.closed.store(true, Release);
        self.sleep.iter().for_each(Parker::unpark);
    }

    /// A worker, in the steps of `worker.rs`.
    fn work(&self, worker: usize) {
        let mut searching = false;
        while !self.closed.load(Acquire) {
            if self.pop() {
                self.stop_searching(&mut searching);
                self.run();
                continue;
            }
            self.idle.announce(worker, searching);
            if !self.closed.load(Acquire) && !self.sees_work() {
                self.sleep[worker].park();
            }
            searching = self.idle.retract(worker);
        }
        self.stop_searching(&mut searching);
    }

    /// A worker has found a task, or leaves.
    fn stop_searching(&self, searching: &mut bool) {
        if std::mem::take(searching) && self.idle.stop_searching() && self.sees_work() {
            self.wake_one();
        }
    }

    /// A thread that works.
    fn spawn_worker(self: &Arc<Self>, worker: usize) -> thread::JoinHandle<()> {
        let crew = self.clone();
        thread::spawn(move || crew.work(worker))
    }
}

#[test]
fn a_push_is_seen_by_a_worker_that_goes_to_sleep() {
    loom::model(|| {
        let crew = Crew::new(1);
        let worker = crew.spawn_worker(0);
        crew.push();
        worker.join().unwrap();
        assert_eq!(crew.queued.load(Relaxed), 0);
    });
}

#[test]
fn a_task_never_waits_behind_another_while_a_worker_sleeps() {
    loom::model(|| {
        let crew = Crew::new(2);
        let producer = crew.clone();
        let threads = [
            crew.spawn_worker(0),
            crew.spawn_worker(1),
            thread::spawn(move || producer.push()),
        ];
        crew.push();
        join_all(threads);
    });
}

#[test]
fn two_tasks_of_one_producer_get_two_workers() {
    loom::model(|| {
        let crew = Crew::new(2);
        let threads = [crew.spawn_worker(0), crew.spawn_worker(1)];
        crew.push();
        crew.push();
        join_all(threads);
    });
}

#[test]
fn a_worker_that_is_picked_and_finds_nothing_hinders_nobody() {
    loom::model(|| {
        let crew = Crew::new(1);
        let threads = [crew.spawn_worker(0), crew.spawn_worker(1)];
        // There is nothing to find: whoever is picked goes back to sleep.
        crew.wake_one();
        crew.push();
        join_all(threads);
    });
}

/// The thread inside `block_on`, as its waker and its neighbours see it.
struct Caller {
    /// The handshake.
    bell: Bell,
    /// The reactor in which it sleeps as worker 0.
    reactor: Parker,
    /// What its future waits for. Relaxed: only the bell makes it visible.
    ready: AtomicBool,
    /// Worker 0's seat is free.
    seat_is_free: AtomicBool,
    /// Worker 0 is to leave: the runtime shuts down.
    closed: AtomicBool,
}

impl Caller {
    /// A caller that has not polled yet.
    fn new() -> Arc<Caller> {
        Arc::new(Caller {
            bell: Bell::new(),
            reactor: Parker::default(),
            ready: AtomicBool::new(false),
            seat_is_free: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })
    }

    /// Polls the future if it was woken. `true`: it is ready.
    fn poll_if_woken(&self) -> bool {
        self.bell.take() && self.ready.load(Relaxed)
    }

    /// `block_on`, in the steps of `seat.rs`.
    fn block_on(&self) {
        loop {
            if self.seat_is_free.swap(false, Acquire) {
                self.bell.set_seated(true);
                let ready = self.work();
                self.bell.set_seated(false);
                if ready {
                    return;
                }
            } else if self.poll_if_woken() {
                return;
            } else {
                self.bell.park();
            }
        }
    }

    /// What it does as worker 0. `true`: its future is ready; `false`: it has to leave.
    fn work(&self) -> bool {
        loop {
            if self.poll_if_woken() {
                return true;
            }
            if self.closed.load(Acquire) {
                return false;
            }
            if !self.bell.is_set() {
                self.reactor.park();
            }
        }
    }

    /// A thread that wakes the future.
    fn spawn_waker(self: &Arc<Self>) -> thread::JoinHandle<()> {
        let caller = self.clone();
        thread::spawn(move || {
            caller.ready.store(true, Relaxed);
            if caller.bell.ring() {
                caller.reactor.unpark();
            }
        })
    }
}

#[test]
fn the_main_future_is_woken_while_its_thread_sits_down() {
    loom::model(|| {
        let caller = Caller::new();
        let offering = caller.clone();
        let threads = [
            caller.spawn_waker(),
            thread::spawn(move || {
                offering.seat_is_free.store(true, Release);
                offering.bell.offer_seat();
            }),
        ];
        caller.block_on();
        join_all(threads);
    });
}

#[test]
fn the_main_future_is_woken_while_its_thread_leaves_the_seat() {
    loom::model(|| {
        let caller = Caller::new();
        caller.seat_is_free.store(true, Release);
        let closing = caller.clone();
        let threads = [
            caller.spawn_waker(),
            thread::spawn(move || {
                closing.closed.store(true, Release);
                closing.reactor.unpark();
            }),
        ];
        caller.block_on();
        join_all(threads);
    });
}

#[test]
fn a_redundant_wake_of_the_main_future_brings_what_was_written_before_it() {
    loom::model(|| {
        let caller = Caller::new();
        caller.seat_is_free.store(true, Release);
        let empty_handed = caller.clone();
        let threads = [
            caller.spawn_waker(),
            thread::spawn(move || {
                if empty_handed.bell.ring() {
                    empty_handed.reactor.unpark();
                }
            }),
        ];
        caller.block_on();
        join_all(threads);
    });
}

#[test]
fn the_watchdog_does_not_sleep_while_a_worker_works() {
    loom::model(|| {
        let watchdog = Arc::new(Watchdog::new());
        let rests = Arc::new(AtomicBool::new(true));
        let rescued = Arc::new(Parker::default());
        watchdog.stir();
        let watch = {
            let (watchdog, rests, rescued) = (watchdog.clone(), rests.clone(), rescued.clone());
            thread::spawn(move || {
                let all_rest = || rests.load(Acquire);
                while all_rest() {
                    if watchdog.falls_asleep(all_rest) {
                        assert!(watchdog.sleep());
                    }
                }
                rescued.unpark();
            })
        };
        // A worker wakes up, and blocks until the watchdog has seen that.
        rests.swap(false, AcqRel);
        watchdog.stir();
        rescued.park();
        watch.join().unwrap();
    });
}

#[test]
fn the_watchdog_ends_with_its_runtime() {
    loom::model(|| {
        let watchdog = Arc::new(Watchdog::new());
        let watch = {
            let watchdog = watchdog.clone();
            thread::spawn(move || while watchdog.falls_asleep(|| true) && watchdog.sleep() {})
        };
        let worker = {
            let watchdog = watchdog.clone();
            thread::spawn(move || watchdog.stir())
        };
        watchdog.close();
        join_all([watch, worker]);
    });
}

/// A scheduler for tasks that are only ever cancelled.
struct Nowhere;

impl Traced for Nowhere {}

impl Schedule for Nowhere {
    fn woken<F: Spawned>(_: Arc<Task<F, Self>>) {}

    fn done<F: Spawned>(_: Arc<Task<F, Self>>) {}

    fn keep(&self, _: Runnable) -> Option<Ticket> {
        None
    }

    fn release(&self, _: Ticket) -> Option<Runnable> {
        None
    }
}

#[test]
fn a_task_pushed_during_the_shutdown_is_cancelled() {
    loom::model(|| {
        let inbox = Arc::new(Inbox::new());
        let task = Task::new(
            pending::<()>(),
            Nowhere,
            Id::next(),
            std::panic::Location::caller(),
        );
        let pusher = {
            let (inbox, task) = (inbox.clone(), task.clone());
            thread::spawn(move || {
                if !inbox.push(task) {
                    inbox.cancel_all();
                }
            })
        };
        inbox.close();
        inbox.cancel_all();
        pusher.join().unwrap();
        assert!(task.is_finished(), "the task was left in the inbox");
    });
}
