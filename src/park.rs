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

use std::time::Duration;

use crate::shim::atomic::{
    AtomicU8,
    Ordering::{AcqRel, Acquire},
};
use crate::shim::{Condvar, Mutex, lock, now, wait, wait_timeout};

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
        let mut gap = lock(&self.gap);
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
            gap = wait(&self.condvar, gap);
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
            drop(lock(&self.gap));
            self.condvar.notify_one();
        }
    }
}

/// Waits on a condvar while `busy` says so of what `mutex` guards, for ever (`None`) or for so long. `false`: the time is
/// over.
pub(crate) fn wait_while<T>(
    condvar: &Condvar,
    mutex: &Mutex<T>,
    timeout: Option<Duration>,
    mut busy: impl FnMut(&mut T) -> bool,
) -> bool {
    // A time that cannot be represented is never over.
    let end = timeout.and_then(|timeout| now().checked_add(timeout));
    let mut guard = lock(mutex);
    while busy(&mut guard) {
        let left = end.map(|end| end.saturating_duration_since(now()));
        guard = match left {
            None => wait(condvar, guard),
            Some(Duration::ZERO) => return false,
            Some(left) => wait_timeout(condvar, mutex, guard, left),
        };
    }
    true
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::sync::mpsc::channel;
    use std::thread;

    #[test]
    fn a_real_condvar_that_wakes_without_a_cause_does_not_end_the_wait() {
        const ROUNDS: usize = 10;
        const MILLI: Duration = Duration::from_millis(1);
        let shared = Arc::new((Parker::default(), AtomicBool::new(false)));
        let (tell, told) = channel();
        let parked = shared.clone();
        let thread = thread::spawn(move || {
            for _ in 0..ROUNDS {
                parked.0.park();
                tell.send(parked.1.swap(false, SeqCst)).unwrap();
            }
        });
        for _ in 0..ROUNDS {
            while shared.0.state.load(Acquire) != PARKED {
                thread::sleep(MILLI);
            }
            // Under the lock nobody is between its state and its wait.
            drop(lock(&shared.0.gap));
            for _ in 0..5 {
                shared.0.condvar.notify_all();
                thread::sleep(MILLI);
            }
            shared.1.store(true, SeqCst);
            shared.0.unpark();
            let had_token = told.recv_timeout(Duration::from_secs(60));
            assert_eq!(had_token, Ok(true), "woken without a token, or not at all");
        }
        thread.join().unwrap();
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    //! What the parker promises, in every order of its steps.

    use super::*;
    use crate::shim::Arc;
    use crate::shim::atomic::{AtomicU32, Ordering::Relaxed};
    use loom::thread;

    #[test]
    fn no_token_is_lost_and_each_brings_what_was_written_before_it() {
        loom::model(|| {
            let shared = Arc::new((Parker::default(), AtomicU32::new(0)));
            let unparker = shared.clone();
            let thread = thread::spawn(move || {
                for round in 1..=2 {
                    unparker.1.store(round, Relaxed);
                    unparker.0.unpark();
                }
            });
            // Relaxed: only the token makes the number visible. One that is lost leaves this waiting for ever.
            while shared.1.load(Relaxed) < 2 {
                shared.0.park();
            }
            thread.join().unwrap();
        });
    }

    #[test]
    fn two_unparkers_at_once_leave_a_token_that_works() {
        loom::model(|| {
            let parker = Arc::new(Parker::default());
            let threads = [parker.clone(), parker.clone()]
                .map(|parker| thread::spawn(move || parker.unpark()));
            parker.park();
            for thread in threads {
                thread.join().unwrap();
            }
            parker.unpark();
            parker.park();
        });
    }

    #[test]
    fn a_condvar_that_wakes_without_a_cause_does_not_end_the_wait() {
        loom::model(|| {
            let shared = Arc::new((Parker::default(), AtomicU32::new(0)));
            let (spurious, unparker) = (shared.clone(), shared.clone());
            let threads = [
                thread::spawn(move || spurious.0.condvar.notify_one()),
                thread::spawn(move || {
                    unparker.1.store(1, Relaxed);
                    unparker.0.unpark();
                }),
            ];
            shared.0.park();
            assert_eq!(shared.1.load(Relaxed), 1, "woken without a token");
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }
}
