//! The watchdog: looks after workers that are stuck in a poll.
//!
//! A task that computes for a second, or calls something that blocks, keeps its worker's thread. What it must not keep is
//! everything else that happens to be at that worker: sockets that registered there, timers that were set there, tasks
//! in its queue. So one thread looks every 10 ms which workers are still in the poll in which they were at the last look,
//! and does for them what they cannot: it hands out their events and timers, and has others take their tasks.
//!
//! While all workers sleep it sleeps too, and costs nothing; the first that goes to work wakes it. A runtime of one worker
//! has none, for there would be nobody to run the tasks.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::{Remote, Shared, wake_all};
use crate::shim::atomic::{
    AtomicBool,
    Ordering::{Relaxed, SeqCst},
    fence,
};

/// The time between two looks.
const INTERVAL: Duration = Duration::from_millis(10);

/// The watchdog as the workers see it.
pub(crate) struct Watchdog {
    /// It looks every 10 ms, and need not be woken.
    awake: AtomicBool,
    /// Whether the runtime is shut down. Guards nothing else: it is what `call` belongs to.
    closed: Mutex<bool>,
    /// What the watchdog sleeps on.
    call: Condvar,
}

impl Watchdog {
    /// One that sleeps.
    pub(super) fn new() -> Watchdog {
        Watchdog {
            awake: AtomicBool::new(false),
            closed: Mutex::new(false),
            call: Condvar::new(),
        }
    }

    /// A worker goes to work.
    pub(super) fn stir(&self) {
        // Pairs with the fence in `watch`: either the watchdog sees that the worker is awake, or the worker sees that
        // the watchdog goes to sleep.
        fence(SeqCst);
        if !self.awake.load(Relaxed) {
            let _closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
            self.awake.store(true, Relaxed);
            self.call.notify_all();
        }
    }

    /// The runtime shuts down.
    pub(super) fn close(&self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.call.notify_all();
    }

    /// Waits for the time of the next look. `false`: the runtime is shut down.
    fn wait(&self) -> bool {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let (closed, _) = self
            .call
            .wait_timeout_while(closed, INTERVAL, |closed| !*closed)
            .unwrap_or_else(PoisonError::into_inner);
        !*closed
    }

    /// Waits until a worker goes to work. `false`: the runtime is shut down.
    fn sleep(&self) -> bool {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = self
            .call
            .wait_while(closed, |closed| !*closed && !self.awake.load(Relaxed))
            .unwrap_or_else(PoisonError::into_inner);
        !*closed
    }
}

/// The life of the watchdog's thread.
pub(super) fn watch(shared: &Arc<Shared>) {
    let mut last_polls = vec![u64::MAX; shared.remotes.len()];
    loop {
        let all_sleep = look(shared, &mut last_polls);
        let go_on = if all_sleep && falls_asleep(shared) {
            last_polls.fill(u64::MAX);
            shared.watchdog.sleep()
        } else {
            shared.watchdog.wait()
        };
        if !go_on {
            return;
        }
    }
}

/// Says that the watchdog sleeps, unless a worker went to work meanwhile.
fn falls_asleep(shared: &Shared) -> bool {
    shared.watchdog.awake.store(false, Relaxed);
    // Pairs with the fence in `stir`.
    fence(SeqCst);
    let all_sleep = (0..shared.remotes.len()).all(|worker| shared.rests(worker));
    if !all_sleep {
        shared.watchdog.awake.store(true, Relaxed);
    }
    all_sleep
}

/// One look at every worker. `true`: all of them sleep.
fn look(shared: &Arc<Shared>, last_polls: &mut [u64]) -> bool {
    let mut all_sleep = true;
    for (worker, last) in last_polls.iter_mut().enumerate() {
        let remote = &shared.remotes[worker];
        if shared.rests(worker) {
            *last = u64::MAX;
            remote.blocked.store(false, Relaxed);
            continue;
        }
        all_sleep = false;
        let polls = remote.polls.load(Relaxed);
        let blocked = polls == std::mem::replace(last, polls);
        remote.blocked.store(blocked, Relaxed);
        if blocked {
            serve(remote);
        }
        // A queue that has not been shared for a whole interval is worth a wake, whatever it holds.
        if !remote.stealers.is_empty(blocked) {
            shared.wake_one();
        }
    }
    all_sleep
}

/// Does for a blocked worker what it cannot do itself. The tasks that this wakes go to the inbox, for the others.
fn serve(remote: &Remote) {
    let mut woken = Vec::new();
    remote.serve(&mut woken);
    wake_all(&mut woken);
}
