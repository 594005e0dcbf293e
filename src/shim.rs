//! The one door to everything whose order a model checker must be able to choose: locks, atomics, threads and what is theirs,
//! queues, the kernel, the time.
//!
//! | built with | what is behind the door | what it is for |
//! |---|---|---|
//! | | the standard library, crossbeam, mio | programs |
//! | `--cfg loom` | loom, and stand-ins | *every* order of the steps of two or three threads, each atomic as weak as it says |
//! | `--cfg shuttle` | shuttle, and the same stand-ins | the whole runtime in some *thousands* of orders, chosen at random; all atomics are SeqCst |
//!
//! Nothing else in the crate knows of it. The two do not know crossbeam and mio: what stands in for them is in `shim/`, as
//! small as it can be, made of locks that they do know. `docs/reliability.md` tells what is modelled.
//!
//! Write `fence(SeqCst)` where an order matters: loom treats SeqCst loads and stores as AcqRel, and models only the fence.

#[cfg(any(loom, shuttle))]
pub(crate) mod channel;
#[cfg(any(loom, shuttle))]
pub(crate) mod deque;
#[cfg(any(loom, shuttle))]
pub(crate) mod kernel;
#[cfg(shuttle)]
pub(crate) mod time;

#[cfg(not(any(loom, shuttle)))]
mod door {
    pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, atomic};
    pub(crate) use std::{thread, thread_local};
    pub(crate) use {crossbeam_channel as channel, crossbeam_deque as deque, mio as kernel};
}

#[cfg(loom)]
mod door {
    pub(crate) use loom::sync::{Arc, Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, atomic};
    pub(crate) use loom::thread;

    /// loom's, which does not know `const`.
    macro_rules! loom_thread_local {
        ($($(#[$attr:meta])* static $name:ident: $type:ty = const { $init:expr };)*) => {
            loom::thread_local! { $($(#[$attr])* static $name: $type = $init;)* }
        };
    }
    pub(crate) use loom_thread_local as thread_local;
}

#[cfg(shuttle)]
mod door {
    pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, atomic};
    pub(crate) use shuttle::{thread, thread_local};
    pub(crate) use std::sync::Arc;
}

pub(crate) use door::*;

use std::time::{Duration, Instant};

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

/// As [`wait`], for so long at most. `mutex` is the guard's.
pub(crate) fn wait_timeout<'a, T>(
    condvar: &Condvar,
    mutex: &'a Mutex<T>,
    guard: MutexGuard<'a, T>,
    timeout: Duration,
) -> MutexGuard<'a, T> {
    #[cfg(shuttle)]
    if time::passes() {
        // Shuttle's condition variable knows no time.
        drop(guard);
        time::give_way(timeout);
        return lock(mutex);
    }
    let _ = mutex;
    match condvar.wait_timeout(guard, timeout) {
        Ok((guard, _)) => guard,
        Err(poisoned) => poisoned.into_inner().0,
    }
}

/// The time, as the system has it.
#[inline]
pub(crate) fn now() -> Instant {
    #[cfg(shuttle)]
    return time::now();
    #[cfg(not(shuttle))]
    Instant::now()
}

/// A number that nobody can foresee, to seed a generator with.
pub(crate) fn seed() -> u64 {
    #[cfg(shuttle)]
    return time::random();
    #[cfg(not(shuttle))]
    {
        use std::hash::BuildHasher;
        // std's hasher keys are the one source of randomness that needs no crate.
        std::collections::hash_map::RandomState::new().hash_one(0_u8)
    }
}

/// Whether a thread has ended, so that its handle may be forgotten.
pub(crate) fn has_ended(thread: &thread::JoinHandle<()>) -> bool {
    #[cfg(any(loom, shuttle))]
    {
        // The models' threads do not say.
        let _ = thread;
        false
    }
    #[cfg(not(any(loom, shuttle)))]
    thread.is_finished()
}
