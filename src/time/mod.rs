//! Time: sleeping, timeouts, intervals.
//!
//! A timer is an entry in the wheel of the worker that polls it: `wheel.rs` is the data structure, `timers.rs` puts it
//! behind a lock and translates between instants and ticks, `sleep.rs` is the future on top. `timeout` and `interval` are
//! made of `Sleep`s. All of them ask `clock.rs` for the time, which a test can stop and set forward.
//!
//! # What differs from Tokio
//!
//! - The time of a [`timeout`](timeout()) runs from the first poll that has to wait, not from the call: a future that is ready
//!   at once costs no look at the clock. And its future has no name, so no `into_inner`: lend it the inner one with `&mut`.
//! - A [paused](pause) clock jumps only after 20 ms without news where a task waits for a socket, and `block_on` panics where
//!   nothing can ever happen again, and names who waits.
//! - On a runtime of several workers the clock stands still only in a [simulation](crate::runtime::Builder::seed).

pub(crate) mod clock;
pub mod error;
mod instant;
mod interval;
#[cfg(all(test, loom))]
mod loom_tests;
mod sleep;
mod timeout;
pub(crate) mod timers;
pub(crate) mod wheel;

pub use std::time::Duration;

pub use clock::{advance, pause, resume};
pub use instant::Instant;
pub use interval::{Interval, MissedTickBehavior, interval, interval_at};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{timeout, timeout_at};
