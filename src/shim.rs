//! The one door through which the crate reaches locks and atomics: std's, or loom's when a model is checked.
//!
//! `RUSTFLAGS="--cfg loom"` swaps in types that try every interleaving; nothing else in the crate knows of it.
//! Write `fence(SeqCst)` where an order matters: loom treats SeqCst loads and stores as AcqRel, and models only the fence.

#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, atomic};

#[cfg(loom)]
pub(crate) use loom::sync::{Arc, Condvar, Mutex, MutexGuard, atomic};

/// Locks, and goes on when a thread panicked under the lock: no state of this crate is left half changed by a panic,
/// because no foreign code (a waker, a future, a destructor) ever runs under one of its locks.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}

/// Waits on a condition variable, which may also wake without a cause: the caller looks at its condition again.
pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    match condvar.wait(guard) {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}
