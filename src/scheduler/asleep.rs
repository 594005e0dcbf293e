//! Everything is asleep: nothing in the runtime can go on by itself, and perhaps nobody else is left to wake it.
//!
//! The last worker that goes to sleep sees that nothing is left: no queue, no timer, no socket, no blocking job. That alone
//! says little, for another thread may hold a waker, and a program that talks to its own threads is so all the time. So it
//! sleeps for a second only ([`PROBE`]), once, and looks again. Then it is certain that the wait can never end in two cases:
//!
//! - The wakers that there are lie in the join slots of tasks that are themselves asleep for ever. The reference counts
//!   prove it: whatever else held a waker would be counted.
//! - The process has no other thread. Locks and channels keep their wakers where no count says who will call them; but
//!   somebody has to, and all who are there sleep.
//!
//! Else nothing is said: a warning that is sometimes wrong is soon read by nobody.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::census::{Census, address, is_forgotten};
use crate::runtime::{Dump, Warning};
use crate::shim::atomic::Ordering::Relaxed;
use crate::shim::lock;

/// How long nothing must happen until somebody asks why.
pub(super) const PROBE: Duration = Duration::from_secs(1);

impl Shared {
    /// Whether a worker that has announced its sleep should look again after [`PROBE`]: all sleep, there is nothing that
    /// could wake them, and nobody has looked since the last poll.
    pub(super) fn should_probe(&self) -> bool {
        self.config.warnings.all_asleep && self.nothing_is_left() && {
            let polls = self.all_polls();
            self.probed.swap(polls, Relaxed) != polls
        }
    }

    /// Warns if everything is asleep for ever.
    pub(super) fn probe(&self) {
        let polls = self.all_polls();
        let Some(dump) = self.all_asleep() else {
            return;
        };
        let census = Census::take(self);
        let Some(main) = census.mains.first() else {
            return;
        };
        let certain = census.is_dead() || self.has_no_strangers();
        // Nothing moved while this looked from one to the other.
        if certain && self.nothing_is_left() && self.all_polls() == polls && !main.is_set() {
            self.warn_once(main.place(), &Warning::AllAsleep { dump });
        }
    }

    /// Who waits for what, if a future inside `block_on` waits and nothing in the runtime can wake it: no task can run, no
    /// timer is set, no socket is registered, no blocking job is there. Another thread could.
    pub(crate) fn all_asleep(&self) -> Option<Dump> {
        let pool = self.pool.numbers();
        let asleep = self.nothing_is_left() && pool.jobs == 0 && pool.threads == pool.idle;
        asleep.then(|| self.dump())
    }

    /// Whether all workers sleep, somebody is inside `block_on`, and no queue, reactor or wheel has anything.
    fn nothing_is_left(&self) -> bool {
        self.idle.sleepers() == self.remotes.len()
            && self.inbox.is_empty()
            && self.remotes.iter().all(|remote| {
                remote.reactor.sources() == 0
                    && remote.stealers.is_empty(true)
                    && remote.timers.is_empty()
            })
            && self.seat.has_main()
            && !self.is_closed()
    }

    /// How many polls there have been.
    fn all_polls(&self) -> u64 {
        let polls = self.remotes.iter().map(|remote| remote.stage.polls.get());
        polls.sum()
    }

    /// Whether the process has no thread but those of this runtime and the one inside `block_on`. (Threads of the pool and
    /// others that are about to end count as strangers.)
    fn has_no_strangers(&self) -> bool {
        let own = 1 + lock(&self.threads).len() + self.pool.numbers().threads;
        match std::fs::read_dir("/proc/self/task") {
            Ok(threads) if cfg!(target_os = "linux") => threads.count() <= own,
            _ => false,
        }
    }
}

impl Census {
    /// Whether the futures inside `block_on`, and all on which they wait, are known to sleep for ever: the wakers of each
    /// lie in join slots of others of whom that is known, and nowhere else.
    fn is_dead(&self) -> bool {
        // Begin with all, and take out whoever has a waker elsewhere, until nothing changes.
        let mut dead: HashSet<usize> = (0..self.tasks.len()).collect();
        let in_slots = |address: usize, dead: &HashSet<usize>| {
            let slots = self.joins.get(&address).into_iter().flatten();
            slots.filter(|task| dead.contains(task)).count()
        };
        loop {
            let before = dead.len();
            for (index, task) in self.tasks.iter().enumerate() {
                if !is_forgotten(task, in_slots(address(task), &dead)) {
                    dead.remove(&index);
                }
            }
            if dead.len() == before {
                break;
            }
        }
        self.mains.iter().all(|main| {
            // Besides: this census, the thread inside `block_on`, and the seat or the line.
            let slots = in_slots(Arc::as_ptr(main).cast::<()>() as usize, &dead);
            main.is_forgotten(3 + slots)
        })
    }
}
