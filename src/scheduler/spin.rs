//! Spinning: waiting awake, for a moment, before going to sleep.
//!
//! To put a thread to sleep and wake it again costs some 20 us on a virtual machine, several of them CPU time. When the next
//! event comes within that time, as it does in a conversation over one connection, it is cheaper for everybody to ask the
//! kernel again and again. When it does not, spinning is waste. So a worker spins only if its last wait was short, for a
//! limited time, and only one worker of a runtime at a time. A program that is idle has had a long wait, and sleeps. The time
//! here is the system's, also where the runtime's own clock is virtual.

use std::cell::Cell;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::reactor::Reactor;
use crate::shim::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};

/// The right to spin, of which a runtime has one.
pub(super) struct Spinner {
    /// Somebody has it.
    taken: AtomicBool,
    /// How long to spin at most; zero: never.
    limit: Duration,
}

/// What a worker knows of its own waits.
#[derive(Default)]
pub(super) struct Waits {
    /// The last one was so short that to sleep was not worth it.
    short: Cell<bool>,
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
    /// of whatever became ready to `woken`, and returns the time at the end.
    pub(super) fn wait(
        &self,
        waits: &Waits,
        reactor: &Reactor,
        start: Instant,
        timeout: Option<Duration>,
        woken: &mut Vec<Waker>,
    ) -> Instant {
        if self.limit.is_zero() || reactor.sources() == 0 {
            reactor.park(timeout, woken);
            return Instant::now();
        }
        let until = timeout.map_or(self.limit, |timeout| timeout.min(self.limit));
        if !waits.short.get() || !self.spin(start + until, reactor, woken) {
            reactor.park(timeout, woken);
        }
        let end = Instant::now();
        waits
            .short
            .set(end.saturating_duration_since(start) < self.limit);
        end
    }

    /// Asks the reactor until something is ready, or somebody wants the worker, or the time is over (`false`).
    fn spin(&self, until: Instant, reactor: &Reactor, woken: &mut Vec<Waker>) -> bool {
        // One worker at a time: two would take the cores from those they wait for. Pairs with the release below.
        if self.taken.swap(true, Acquire) {
            return false;
        }
        let done = loop {
            reactor.turn(woken);
            if !woken.is_empty() || reactor.is_wanted() {
                break true;
            }
            if Instant::now() >= until {
                break false;
            }
            std::hint::spin_loop();
        };
        self.taken.store(false, Release);
        done
    }
}
