//! The end of a runtime: everything that it holds is dropped, in an order in which nothing is missed.
//!
//! 1. `closed` is set, and everybody is woken. A task that is spawned from now on is dropped at once.
//! 2. Each worker finishes its current poll, and polls nothing more.
//! 3. Each worker drops the tasks that it knows, one by one, with no lock held, while its reactor, its timers and its
//!    context still work: destructors may wake tasks, close sockets, cancel timers, even try to spawn.
//! 4. The last of them empties the inbox, and tells all sockets and timers that no event will come.
//! 5. The threads end, and are joined. Then the blocking pool has its turn.
//!
//! To drop the queues and leave the rest to the reference counts is not enough. A task that waits on a channel which it owns
//! itself is held by its waker, and the waker by the task: nobody else knows of the two. So whoever waits is in a registry
//! (`registry.rs`); and what is dropped there must find a runtime that still works, hence the order.
//!
//! Nothing here waits for a lock that a destructor could hold, and nobody joins himself: a runtime that is dropped on one
//! of its own threads panics before step 1.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::seated::Seated;
use super::worker::Worker;
use super::{Home, Shared};
use crate::context;
use crate::park;
use crate::shim::{Condvar, Mutex, lock, now};
use crate::task::foreign::quietly;
use crate::trace::{self, Doing};

/// Counts down to zero, and lets one wait for that.
#[derive(Debug)]
pub(super) struct Latch {
    /// How many are missing. Guards nothing else.
    count: Mutex<usize>,
    /// Told at zero.
    zero: Condvar,
}

impl Latch {
    /// A latch that waits for `count`.
    pub(super) fn new(count: usize) -> Latch {
        Latch {
            count: Mutex::new(count),
            zero: Condvar::new(),
        }
    }

    /// One less. For the last one `act` runs before anybody who waits goes on.
    fn count_down(&self, act: impl FnOnce()) {
        let mut count = lock(&self.count);
        if *count == 1 {
            drop(count);
            act();
            count = lock(&self.count);
        }
        *count -= 1;
        if *count == 0 {
            self.zero.notify_all();
        }
    }

    /// Waits for zero, for ever or for so long. `true`: it is zero.
    fn wait(&self, timeout: Option<Duration>) -> bool {
        park::wait_while(&self.zero, &self.count, timeout, |count| *count > 0)
    }
}

/// How long a shutdown waits for what is still running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shutdown {
    /// Until it has ended.
    Wait,
    /// So long at most.
    Timeout(Duration),
    /// Not at all.
    Background,
}

/// Shuts a runtime down.
pub(crate) fn shut_down(home: &Home, how: Shutdown) {
    let deadline = match how {
        Shutdown::Wait => None,
        Shutdown::Timeout(duration) => now().checked_add(duration),
        Shutdown::Background => Some(now()),
    };
    let left = || deadline.map(|deadline| deadline.saturating_duration_since(now()));
    let shared = &home.shared;
    shared.close();
    if how != Shutdown::Background && shared.remaining.wait(left()) {
        for thread in mem::take(&mut *lock(&shared.threads)) {
            let _ = thread.join();
        }
    }
    shared.pool.shut_down(left());
}

impl Shared {
    /// Step 1, and worker 0's part if nobody sits there.
    fn close(self: &Arc<Self>) {
        self.inbox.close();
        self.watchdog.close();
        let vacant = self.seat.close();
        for remote in &self.remotes {
            remote.reactor.unpark();
        }
        if let Some(worker) = vacant {
            self.shut_down_worker(worker);
        }
    }

    /// Steps 3 and 4 for worker 0, on whatever thread this is.
    pub(super) fn shut_down_worker(self: &Arc<Self>, worker: Worker) {
        for simulated in worker.crew.take() {
            self.shut_down_worker(simulated);
        }
        let worker = Seated::new(worker);
        worker.shut_down();
        drop(worker.leave());
        self.worker_left();
    }

    /// A worker has dropped its tasks. The last one does step 4.
    pub(super) fn worker_left(self: &Arc<Self>) {
        self.remaining.count_down(|| {
            self.cancel_inbox();
            let _meanwhile = trace::doing(Doing::Runtime);
            let mut woken = Vec::new();
            for remote in &self.remotes {
                remote.reactor.shut_down(&mut woken);
                remote.timers.shut_down(&mut woken);
            }
            for waker in woken {
                quietly(|| waker.wake());
            }
            self.cancel_inbox();
        });
    }

    /// Drops the tasks that came too late. Destructors may try to spawn: they find this runtime, which refuses.
    pub(super) fn cancel_inbox(self: &Arc<Self>) {
        let _entered = context::enter(Arc::new(Home {
            shared: self.clone(),
            worker: 0,
        }));
        self.inbox.cancel_all();
    }

    /// A thread of the runtime could not be started: ends those that were.
    pub(super) fn shut_down_unstarted(self: &Arc<Self>) {
        self.close();
        for thread in mem::take(&mut *lock(&self.threads)) {
            let _ = thread.join();
        }
        self.pool.shut_down(None);
    }
}
