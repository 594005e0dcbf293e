//! Who sleeps, and whom to wake: the handshake between a worker that goes to sleep and a thread that brings work.
//!
//! # The race, and what closes it
//!
//! ```text
//!   worker                             producer
//!   the queues are empty
//!                                      push(task)
//!                                      is anybody asleep? no: nothing to do
//!   I sleep now                        ... and the task lies there
//! ```
//! So a worker first *announces* that it sleeps, and then looks at the queues once more; a producer first pushes, and
//! then looks for sleepers:
//!
//! ```text
//!   worker                             producer
//!   announce                           push(task)
//!   fence                              fence
//!   look at the queues again           is anybody asleep?
//!   nothing: sleep                     yes: wake one
//! ```
//! One of the two fences comes first. If it is the worker's, the producer sees the sleeper; if it is the producer's, the
//! worker sees the task. Without the fences neither need: a processor may delay a store past a later load.
//!
//! # Not too many
//!
//! To wake a thread costs more than a hundred task switches. So a producer wakes one worker at most, and none while
//! another is already awake and *searching*: that one will find the work, and when it does and there is more, it wakes
//! the next.

use crate::shim::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Relaxed, SeqCst},
    fence,
};
use crate::shim::{Mutex, lock};

/// One sleeper, in the lower half of `counts`.
const SLEEPER: usize = 1;
/// One searcher, in the upper half.
const SEARCHER: usize = 1 << (usize::BITS / 2);

/// The workers that have nothing to do.
#[derive(Debug)]
pub(crate) struct Idle {
    /// How many workers sleep, and how many were woken and have not found work yet. Written under the lock or by the
    /// searcher itself; read without it, relaxed: where the order matters the fences make it, not the accesses.
    counts: AtomicUsize,
    /// The workers that sleep, the last one on top: it is the warmest. Guards the list and the sleepers' count.
    sleepers: Mutex<Vec<usize>>,
}

impl Idle {
    /// Nobody sleeps.
    pub(crate) fn new() -> Idle {
        Idle {
            counts: AtomicUsize::new(0),
            sleepers: Mutex::new(Vec::new()),
        }
    }

    /// A worker is about to sleep. It must look at the queues once more after this.
    pub(crate) fn announce(&self, worker: usize, searching: bool) {
        {
            let mut sleepers = lock(&self.sleepers);
            sleepers.push(worker);
            let change = if searching {
                SLEEPER.wrapping_sub(SEARCHER)
            } else {
                SLEEPER
            };
            self.counts.fetch_add(change, AcqRel);
        }
        // Pairs with the fence in `pick`: either the producer sees the sleeper, or the sleeper's last look the push.
        fence(SeqCst);
    }

    /// The worker is awake again. `true`: a producer picked it, and it counts as searching.
    #[must_use]
    pub(crate) fn retract(&self, worker: usize) -> bool {
        let mut sleepers = lock(&self.sleepers);
        match sleepers.iter().rposition(|sleeper| *sleeper == worker) {
            Some(at) => {
                sleepers.remove(at);
                self.counts.fetch_sub(SLEEPER, AcqRel);
                false
            }
            None => true,
        }
    }

    /// Work was pushed: the worker to wake for it, if one sleeps and none is searching.
    #[must_use]
    pub(crate) fn pick(&self) -> Option<usize> {
        // Pairs with the fence in `announce`.
        fence(SeqCst);
        if !self.is_wanted() {
            return None;
        }
        let mut sleepers = lock(&self.sleepers);
        if !self.is_wanted() {
            return None;
        }
        let worker = sleepers.pop()?;
        self.counts
            .fetch_add(SEARCHER.wrapping_sub(SLEEPER), AcqRel);
        Some(worker)
    }

    /// A searching worker has found work, or gives up otherwise than by sleeping. `true`: it was the last one, so if there
    /// is more work it must pick another.
    #[must_use]
    pub(crate) fn stop_searching(&self) -> bool {
        let before = self.counts.fetch_sub(SEARCHER, AcqRel);
        // Pairs with the fence in `pick`: either the producer sees that nobody searches, or the caller's look the push.
        fence(SeqCst);
        before / SEARCHER == 1
    }

    /// Whether somebody sleeps; only a hint.
    pub(crate) fn has_sleepers(&self) -> bool {
        self.sleepers() > 0
    }

    /// How many sleep; only a hint.
    pub(crate) fn sleepers(&self) -> usize {
        self.counts.load(Relaxed) % SEARCHER
    }

    /// Whether somebody sleeps and nobody searches.
    fn is_wanted(&self) -> bool {
        let counts = self.counts.load(Relaxed);
        counts / SEARCHER == 0 && counts > 0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_last_to_fall_asleep_is_picked_and_nobody_while_one_searches() {
        let idle = Idle::new();
        assert!(!idle.has_sleepers());
        assert_eq!(idle.pick(), None);
        for worker in [3, 1, 2] {
            idle.announce(worker, false);
        }
        assert_eq!(idle.sleepers(), 3);
        assert!(idle.has_sleepers());
        assert_eq!(idle.pick(), Some(2));
        assert_eq!(idle.sleepers(), 2);
        assert_eq!(idle.pick(), None, "worker 2 searches");
        assert!(idle.stop_searching(), "it was the last that searched");
        assert_eq!(idle.pick(), Some(1));
        assert!(idle.stop_searching());
        assert_eq!(idle.pick(), Some(3));
        assert!(!idle.has_sleepers());
    }

    #[test]
    fn who_goes_back_to_sleep_while_it_searches_can_be_picked_again() {
        let idle = Idle::new();
        idle.announce(0, false);
        assert_eq!(idle.pick(), Some(0));
        assert!(
            idle.retract(0),
            "it was picked: it is off the list, and searches"
        );
        idle.announce(0, true);
        assert_eq!(idle.sleepers(), 1);
        assert_eq!(idle.pick(), Some(0));
    }

    #[test]
    fn who_wakes_by_itself_is_off_the_list_and_no_searcher() {
        let idle = Idle::new();
        for worker in [0, 1, 2] {
            idle.announce(worker, false);
        }
        assert!(!idle.retract(1));
        assert_eq!(idle.sleepers(), 2);
        assert_eq!(idle.pick(), Some(2));
        assert!(idle.stop_searching());
        assert_eq!(idle.pick(), Some(0));
        // Nobody sleeps: the one that searches must not hide that from the next who asks.
        assert!(!idle.has_sleepers());
        assert!(idle.stop_searching());
        assert_eq!(idle.pick(), None);
    }
}
