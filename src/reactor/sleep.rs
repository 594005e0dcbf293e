//! Whether a worker sleeps in its reactor: so that only a worker that does costs its waker a system call, and so that no
//! wake is lost on the way into the kernel.
//!
//! ```text
//!            fall_asleep                       the kernel ends the wait
//!   AWAKE ───────────────► ASLEEP ──────────────────────────────────────► AWAKE
//!     │                      │ notify: it calls the kernel                  ▲
//!     │ notify               ▼                                              │
//!     └────────────────► NOTIFIED ── the wait returns at once: wake_up ─────┘
//! ```
//!
//! With two states, a wake between the worker's last look and its wait is lost:
//!
//! ```text
//!   worker                             somebody
//!   is there something to do? no
//!                                      brings something; does it sleep? no: no need to call the kernel
//!   asleep = true, waits               ... for ever
//! ```
//! The third, NOTIFIED, is a token for the wait that follows. Both sides exchange the whole state, so the second of them
//! sees what the first did.
//!
//! The call of the kernel leaves an event, and events can be taken by another: the watchdog serves the reactor of a worker
//! that is blocked, and when it comes late it takes the event of one that goes to sleep. So the worker looks once more at
//! the state when nobody else can take events any more.

use crate::shim::atomic::{
    AtomicU8,
    Ordering::{AcqRel, Acquire},
};

/// The worker runs.
const AWAKE: u8 = 0;
/// The worker waits in the reactor, or is about to.
const ASLEEP: u8 = 1;
/// Somebody wants the worker: its next wait returns at once.
const NOTIFIED: u8 = 2;

/// A worker's sleep.
#[derive(Debug)]
pub(super) struct Sleep {
    /// One of the three states above.
    state: AtomicU8,
}

impl Sleep {
    /// It runs.
    pub(super) fn new() -> Sleep {
        Sleep {
            state: AtomicU8::new(AWAKE),
        }
    }

    /// The worker is about to wait.
    pub(super) fn fall_asleep(&self) {
        // Acquire, here and below, pairs with the release in `notify`: what its caller pushed is seen.
        let _ = self.state.compare_exchange(AWAKE, ASLEEP, AcqRel, Acquire);
    }

    /// The worker has waited. `true`: somebody wanted it.
    pub(super) fn wake_up(&self) -> bool {
        self.state.swap(AWAKE, AcqRel) == NOTIFIED
    }

    /// Somebody wants the worker. `true`: it sleeps, and the kernel has to wake it.
    #[must_use]
    pub(super) fn notify(&self) -> bool {
        self.state.swap(NOTIFIED, AcqRel) == ASLEEP
    }

    /// Whether somebody wants the worker, so that it must not wait.
    pub(super) fn is_notified(&self) -> bool {
        self.state.load(Acquire) == NOTIFIED
    }

    /// Whether it sleeps, and nobody wants it.
    pub(super) fn is_asleep(&self) -> bool {
        self.state.load(Acquire) == ASLEEP
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn who_sleeps_costs_one_call_and_who_is_awake_none() {
        let sleep = Sleep::new();
        assert!(!sleep.is_asleep() && !sleep.is_notified());
        sleep.fall_asleep();
        assert!(sleep.is_asleep() && !sleep.is_notified());
        assert!(sleep.notify());
        assert!(!sleep.is_asleep() && sleep.is_notified());
        assert!(!sleep.notify(), "the first has called");
        assert!(sleep.wake_up());
        assert!(!sleep.is_asleep() && !sleep.is_notified());

        assert!(!sleep.notify(), "it is awake");
        sleep.fall_asleep();
        assert!(
            !sleep.is_asleep() && sleep.is_notified(),
            "its next wait is none"
        );
        assert!(sleep.wake_up());
        sleep.fall_asleep();
        assert!(!sleep.wake_up(), "nobody wanted it");
    }
}
