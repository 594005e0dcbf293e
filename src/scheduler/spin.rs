//! Spinning: waiting awake, for a moment, before going to sleep.
//!
//! To put a thread to sleep and wake it again costs some 20 us on a virtual machine, several of them CPU time. When the next
//! event comes within that time, as it does in a conversation over one connection, it is cheaper for everybody to ask the
//! kernel again and again. When it does not, spinning is waste. So a worker spins only
//!
//! - in a *conversation*: its last waits were short, and all woke the same task;
//! - for a limited time, and not again soon after that was in vain;
//! - one worker of a runtime at a time, for two would take the cores from those they wait for.
//!
//! A program that is idle has had a long wait, and sleeps. The time here is the system's, also where the runtime's own clock
//! is virtual.
//!
//! Rejected: to spin after every short wait. With 64 connections all waits are short. Awake, the worker takes each request
//! by itself, as soon as it comes; asleep, it finds some at once when it has been woken: as many requests per second, for 12 %
//! less processor time.

use std::cell::Cell;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::reactor::Reactor;
use crate::shim::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use crate::shim::now;

/// The right to spin, of which a runtime has one.
pub(super) struct Spinner {
    /// Somebody has it.
    taken: AtomicBool,
    /// How long to spin at most; zero: never.
    limit: Duration,
}

/// How many short waits in a row make a conversation.
const CONVERSATION: u32 = 2;

/// How many it takes at most, after one that spun in vain again and again.
const LONGEST_DOUBT: u32 = 256;

/// What a worker knows of its own waits.
pub(super) struct Waits {
    /// Whom the last wait woke (the address of the waker's data), if it was short and woke one task.
    partner: Cell<Option<usize>>,
    /// How many waits in a row were so, and woke the same.
    streak: Cell<u32>,
    /// How many it takes until the worker spins.
    needed: Cell<u32>,
}

impl Default for Waits {
    fn default() -> Waits {
        Waits {
            partner: Cell::new(None),
            streak: Cell::new(0),
            needed: Cell::new(CONVERSATION),
        }
    }
}

impl Waits {
    /// Whether the next wait will be short, probably.
    fn is_conversation(&self) -> bool {
        self.streak.get() >= self.needed.get()
    }

    /// The worker has spun: was it in time?
    fn spun(&self, in_time: bool) {
        self.needed.set(if in_time {
            CONVERSATION
        } else {
            (self.needed.get() * 2).min(LONGEST_DOUBT)
        });
    }

    /// A wait has ended.
    fn note(&self, short: bool, woken: &[Waker]) {
        let partner = match woken {
            [waker] if short => Some(waker.data() as usize),
            _ => None,
        };
        let before = self.partner.replace(partner);
        self.streak.set(match partner {
            None => 0,
            same if same == before => self.streak.get().saturating_add(1),
            _ => 1,
        });
    }
}

impl Spinner {
    /// The right to spin for so long.
    pub(super) fn new(limit: Duration) -> Spinner {
        Spinner {
            taken: AtomicBool::new(false),
            limit,
        }
    }

    /// Waits in the reactor, awake at first if that is promising, from `start` on and for `timeout` at most. Adds the wakers
    /// of whatever became ready to `woken`. Returns the time at the end, and whether somebody wanted the worker.
    pub(super) fn wait(
        &self,
        waits: &Waits,
        reactor: &Reactor,
        start: Instant,
        timeout: Option<Duration>,
        woken: &mut Vec<Waker>,
    ) -> (Instant, bool) {
        if self.limit.is_zero() || reactor.sources() == 0 {
            let called = reactor.park(timeout, woken);
            return (now(), called);
        }
        let until = timeout.map_or(self.limit, |timeout| timeout.min(self.limit));
        let mut in_time = false;
        if waits.is_conversation() && !self.taken.swap(true, Acquire) {
            in_time = self.spin(start + until, reactor, woken);
            // Pairs with the acquire above: the next who spins sees what this one did.
            self.taken.store(false, Release);
            waits.spun(in_time);
        }
        let called = if in_time {
            reactor.is_wanted()
        } else {
            reactor.park(timeout, woken)
        };
        let end = now();
        // Asleep, some of the time was the way back.
        let is_short = end.saturating_duration_since(start) < 2 * self.limit;
        waits.note(is_short, woken);
        (end, called)
    }

    /// Asks the reactor until something is ready, or somebody wants the worker, or the time is over (`false`).
    fn spin(&self, until: Instant, reactor: &Reactor, woken: &mut Vec<Waker>) -> bool {
        loop {
            reactor.turn(woken);
            if !woken.is_empty() || reactor.is_wanted() {
                return true;
            }
            if now() >= until {
                return false;
            }
            std::hint::spin_loop();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::task::Wake;

    /// A task that has nothing but its identity.
    struct Nobody(#[expect(dead_code, reason = "gives it an address of its own")] u8);

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    fn somebody() -> [Waker; 1] {
        [Waker::from(Arc::new(Nobody(0)))]
    }

    #[test]
    fn a_conversation_is_some_short_waits_that_wake_the_same() {
        let waits = Waits::default();
        let (one, other) = (somebody(), somebody());
        for (short, woken, expected) in [
            (true, &one[..], false),
            (true, &one, true),
            (true, &one, true),
            (true, &other, false),
            (true, &other, true),
            (false, &other, false),
            (true, &other, false),
            (true, &other, true),
            (true, &[], false),
        ] {
            waits.note(short, woken);
            assert_eq!(waits.is_conversation(), expected);
        }
        let crowd = [one, other].concat();
        waits.note(true, &crowd);
        waits.note(true, &crowd);
        assert!(!waits.is_conversation());
    }

    #[test]
    fn who_spun_in_vain_waits_for_more_and_more_evidence() {
        let waits = Waits::default();
        let partner = somebody();
        let until_conversation = || {
            waits.note(false, &[]);
            (1..=1_000)
                .find(|_| {
                    waits.note(true, &partner);
                    waits.is_conversation()
                })
                .expect("doubt has an end")
        };
        let mut needed = vec![until_conversation()];
        for in_time in [false, false, false, true] {
            waits.spun(in_time);
            needed.push(until_conversation());
        }
        assert_eq!(needed, [2, 4, 8, 16, 2]);
        (0..100).for_each(|_| waits.spun(false));
        assert_eq!(until_conversation(), LONGEST_DOUBT);
    }
}
