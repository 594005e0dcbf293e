//! The time of a shuttle model. Shuttle has none, so it is a number here, and chance moves it.
//!
//! Every look at the clock moves it by up to [`STEP`], so that polls are short at one time and long at another and both
//! halves of every "is it worth it?" are tried. What a *timed wait* does is the model's choice, for the two ways find
//! different bugs:
//!
//! - The time stands still ([`begin`]`(false)`): no wait ends by itself. The harsh one: what is woken by a timeout where
//!   somebody should have called it sleeps for ever, and shuttle reports the deadlock.
//! - It passes: a wait may end at any moment, as if all other threads had been held up for so long. For timers.

use std::cell::Cell;
use std::time::{Duration, Instant};

use shuttle::rand::RngCore;

/// How far one look at the clock moves it at most, in nanoseconds: twice what makes a single poll worth another worker.
const STEP: u64 = 200_000;

std::thread_local! {
    /// The nanoseconds since the start. (std's thread-local, here and below: all threads of a model run on one thread.)
    static NANOS: Cell<u64> = const { Cell::new(0) };
    /// Whether timed waits end.
    static PASSES: Cell<bool> = const { Cell::new(false) };
    /// Where the counting started. What it is does not matter.
    static START: Instant = Instant::now();
}

/// A model begins. `passes`: whether timed waits end.
#[cfg(test)]
pub(crate) fn begin(passes: bool) {
    NANOS.set(0);
    PASSES.set(passes);
}

/// Whether timed waits end.
pub(crate) fn passes() -> bool {
    PASSES.get()
}

/// The time.
pub(crate) fn now() -> Instant {
    NANOS.set(NANOS.get() + random() % STEP);
    START.with(|start| *start + Duration::from_nanos(NANOS.get()))
}

/// Somebody waits for so long at most, and looks again when this returns: the others run, and perhaps the time is over.
pub(crate) fn give_way(timeout: Duration) {
    let end = Duration::from_nanos(NANOS.get()).saturating_add(timeout);
    shuttle::thread::yield_now();
    if random() % 4 == 0 {
        let end = u64::try_from(end.as_nanos()).unwrap_or(NANOS.get());
        NANOS.set(NANOS.get().max(end));
    }
}

/// A random number, of shuttle's, so that the same schedule has the same ones.
pub(crate) fn random() -> u64 {
    shuttle::rand::thread_rng().next_u64()
}
