//! Parking a thread until somebody wants it: a token that is never lost.
//!
//! # Why not `std::thread::park`
//!
//! Its token belongs to the thread, not to us: any code that the polled future calls may park and unpark the same
//! thread, and so take our token away (a hang) or leave one behind (a needless poll). A `Parker` has a token of its
//! own.
//!
//! # Why the unparker takes the lock
//!
//! ```text
//!   park                               unpark
//!   state: EMPTY -> PARKED
//!                                      state: PARKED -> NOTIFIED
//!                                      condvar.notify()        nobody waits yet: lost
//!   condvar.wait()                     ... for ever
//! ```
//! The parker holds the lock from the first line to the moment when `wait` gives it back. An unparker that takes the
//! same lock before it notifies can therefore not come in between.

use std::sync::atomic::{
    AtomicU8,
    Ordering::{AcqRel, Acquire},
};
use std::sync::{Condvar, Mutex, PoisonError};

/// No token, nobody waits.
const EMPTY: u8 = 0;
/// The thread waits, or is about to.
const PARKED: u8 = 1;
/// A token lies there.
const NOTIFIED: u8 = 2;

/// One thread parks on it, any thread unparks it.
#[derive(Debug, Default)]
pub(crate) struct Parker {
    /// One of the three states above.
    state: AtomicU8,
    /// Guards no data: it closes the gap between the state and the wait.
    gap: Mutex<()>,
    /// What the parked thread sleeps on.
    condvar: Condvar,
}

impl Parker {
    /// Waits for a token and consumes it.
    pub(crate) fn park(&self) {
        // Acquire pairs with the release in `unpark`: what the unparker did is seen by the unparked.
        if self
            .state
            .compare_exchange(NOTIFIED, EMPTY, AcqRel, Acquire)
            .is_ok()
        {
            return;
        }
        let mut gap = self.gap.lock().unwrap_or_else(PoisonError::into_inner);
        if self
            .state
            .compare_exchange(EMPTY, PARKED, AcqRel, Acquire)
            .is_err()
        {
            // A token has come in the meantime.
            self.state.swap(EMPTY, AcqRel);
            return;
        }
        loop {
            gap = self
                .condvar
                .wait(gap)
                .unwrap_or_else(PoisonError::into_inner);
            // A condvar may wake without a cause: only a token ends the wait.
            if self
                .state
                .compare_exchange(NOTIFIED, EMPTY, AcqRel, Acquire)
                .is_ok()
            {
                return;
            }
        }
    }

    /// Leaves a token, and wakes the thread if it waits.
    pub(crate) fn unpark(&self) {
        if self.state.swap(NOTIFIED, AcqRel) == PARKED {
            drop(self.gap.lock().unwrap_or_else(PoisonError::into_inner));
            self.condvar.notify_one();
        }
    }
}
