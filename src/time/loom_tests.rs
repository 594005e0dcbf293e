//! Models of a worker's timers: loom runs them in every order of their steps (`RUSTFLAGS="--cfg loom"`).
//!
//! [`Timers`] is the real one. The worker around it is the loop of `worker.rs` and no more; to wait in a reactor is to park,
//! and a wait that has a timeout ends at once, an hour later. So whoever relies on a wait's end by itself, where a timer that was
//! set meanwhile should have ended it, waits for ever: loom reports that as a deadlock.
//!
//! | model | a planted bug that it finds |
//! |---|---|
//! | [`a_timer_set_while_the_worker_falls_asleep_ends_its_wait`] | `timeout` does not note until when the worker waits |
//! | [`a_timer_is_cancelled_while_it_fires`] | `cancel` forgets to drop the waker (`mem::forget`) |
//! | [`a_late_cancel_leaves_the_next_owner_of_the_slot_alone`] | a key is good also for the slot's next entry |
//! | [`the_newest_waker_is_woken_or_its_owner_knows_that_it_is_late`] | `refresh` says `true` when the timer fired between its two looks |
//! | [`a_reset_at_the_moment_of_fire_waits_for_the_new_deadline`] | `timeout` does not note until when the worker waits |
//! | [`a_timer_is_set_during_the_shutdown`] | `shut_down` closes after it has drained, in a second lock |

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use futures_task::{ArcWake, waker};
use loom::thread;

use super::timers::{Set, Timers};
use super::wheel::Key;
use crate::park::Parker;
use crate::shim::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

/// An hour: every timer of these models is due then.
const LATER: Duration = Duration::from_secs(3600);

/// One worker.
struct Worker {
    /// Its timers.
    timers: Timers,
    /// What it sleeps on.
    reactor: Parker,
    /// Time 0.
    start: Instant,
    /// It may leave.
    done: AtomicBool,
}

impl Worker {
    /// A worker without timers.
    fn new() -> Arc<Worker> {
        let start = Instant::now();
        Arc::new(Worker {
            timers: Timers::new(start),
            reactor: Parker::default(),
            start,
            done: AtomicBool::new(false),
        })
    }

    /// Sets a timer from another thread, as `Home::set_timer` does.
    fn set(&self, waker: Waker) -> Option<Key> {
        let deadline = self.start + Duration::from_millis(1);
        match self.timers.set(deadline, waker) {
            Set::Closed => None,
            Set::Done { key, earliest } => {
                if earliest {
                    self.reactor.unpark();
                }
                Some(key)
            }
        }
    }

    /// Fires whatever is set.
    fn fire(&self) -> usize {
        let mut woken = Vec::new();
        self.timers.fire(|| self.start + LATER, &mut woken);
        let count = woken.len();
        woken.into_iter().for_each(Waker::wake);
        count
    }

    /// One turn of the loop: waits, and fires.
    fn turn(&self) {
        if self.timers.timeout(|| self.start).is_none() {
            self.reactor.park();
        }
        self.timers.awake();
        self.fire();
    }

    /// The loop.
    fn work(&self) {
        while !self.done.load(Relaxed) {
            self.turn();
        }
    }

    /// The worker is to leave.
    fn close(&self) {
        self.done.store(true, Relaxed);
        self.reactor.unpark();
    }
}

/// A thread that waits for a timer.
#[derive(Default)]
struct Sleeper {
    /// What it sleeps on.
    parker: Parker,
    /// How often it was woken.
    wakes: AtomicU32,
}

impl ArcWake for Sleeper {
    fn wake_by_ref(sleeper: &Arc<Sleeper>) {
        sleeper.wakes.fetch_add(1, Relaxed);
        sleeper.parker.unpark();
    }
}

/// A sleeper, and its waker.
fn sleeper() -> (Arc<Sleeper>, Waker) {
    let sleeper = Arc::new(Sleeper::default());
    (sleeper.clone(), waker(sleeper))
}

#[test]
fn a_timer_set_while_the_worker_falls_asleep_ends_its_wait() {
    loom::model(|| {
        let worker = Worker::new();
        let working = worker.clone();
        let thread = thread::spawn(move || working.work());
        let (sleeper, waker) = sleeper();
        assert!(worker.set(waker).is_some());
        sleeper.parker.park();
        worker.close();
        thread.join().unwrap();
        assert_eq!(sleeper.wakes.load(Relaxed), 1);
    });
}

#[test]
fn a_timer_is_cancelled_while_it_fires() {
    loom::model(|| {
        let worker = Worker::new();
        let (sleeper, waker) = sleeper();
        let key = worker.set(waker).unwrap();
        let firing = worker.clone();
        let thread = thread::spawn(move || firing.fire());
        worker.timers.cancel(key);
        let fired = thread.join().unwrap();
        assert_eq!(sleeper.wakes.load(Relaxed) as usize, fired);
        assert!(worker.timers.is_empty());
        assert_eq!(Arc::strong_count(&sleeper), 1, "a waker was left behind");
    });
}

#[test]
fn a_late_cancel_leaves_the_next_owner_of_the_slot_alone() {
    loom::model(|| {
        let worker = Worker::new();
        let (_first, waker) = sleeper();
        let key = worker.set(waker).unwrap();
        let firing = worker.clone();
        let thread = thread::spawn(move || {
            firing.fire();
            // The task that was woken sets another, in the same place of the wheel.
            let (second, waker) = sleeper();
            firing.set(waker).unwrap();
            second
        });
        worker.timers.cancel(key);
        let second = thread.join().unwrap();
        worker.fire();
        assert_eq!(second.wakes.load(Relaxed), 1);
    });
}

#[test]
fn the_newest_waker_is_woken_or_its_owner_knows_that_it_is_late() {
    loom::model(|| {
        let worker = Worker::new();
        let (_old, waker) = sleeper();
        let key = worker.set(waker).unwrap();
        let firing = worker.clone();
        let thread = thread::spawn(move || firing.fire());
        // The future has moved to another task.
        let (newest, waker) = sleeper();
        if worker.timers.refresh(key, &waker) {
            newest.parker.park();
        }
        assert_eq!(thread.join().unwrap(), 1);
    });
}

#[test]
fn a_reset_at_the_moment_of_fire_waits_for_the_new_deadline() {
    loom::model(|| {
        let worker = Worker::new();
        let (_old, waker) = sleeper();
        let key = worker.set(waker).unwrap();
        let working = worker.clone();
        let thread = thread::spawn(move || working.work());
        // `Sleep::reset` and the next poll.
        worker.timers.cancel(key);
        let (sleeper, waker) = sleeper();
        assert!(worker.set(waker).is_some());
        sleeper.parker.park();
        worker.close();
        thread.join().unwrap();
        assert!(worker.timers.is_empty());
    });
}

#[test]
fn a_timer_is_set_during_the_shutdown() {
    loom::model(|| {
        let worker = Worker::new();
        let closing = worker.clone();
        let thread = thread::spawn(move || {
            let mut woken = Vec::new();
            closing.timers.shut_down(&mut woken);
            woken.into_iter().for_each(Waker::wake);
        });
        let (sleeper, waker) = sleeper();
        if worker.set(waker).is_some() {
            sleeper.parker.park();
        }
        thread.join().unwrap();
        assert!(worker.set(Waker::noop().clone()).is_none());
    });
}
