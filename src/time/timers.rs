//! A worker's timers: its wheel behind a lock, and the translation between instants and the wheel's ticks.
//!
//! # Never early
//!
//! A tick is 2^16 ns (65.5 us). A deadline is rounded *up* to a tick and the present is rounded *down*, so a timer that
//! the wheel calls due is due. [`Sleep`](super::Sleep) looks at the clock itself besides.
//!
//! # Under a virtual clock
//!
//! A clock that was [paused](super::pause) stops at exact times, and must not say 100.007 ms when 100 ms were slept. So
//! from the first pause on a tick is a nanosecond: [`Timers::refine`]. The wheel does not care; it only moves its entries a
//! little more often, because their deadlines lie further apart.
//!
//! # Who drives it
//!
//! Nobody but the worker: before it waits in its reactor it asks [`Timers::timeout`] how long it may, and afterwards, and
//! every 61 polls, it fires what is due. So to set a timer from its own worker is an insertion and nothing more; only
//! another thread has to end the worker's wait, and only if its timer is the earliest:
//!
//! ```text
//!   worker                                     another thread
//!   the next timer is due in 10 s
//!                                              sets one that is due in 1 s; does the worker wait too long? it does not wait
//!   waits for 10 s                             ... and that timer is 9 s late
//! ```
//! Therefore [`Timers::timeout`] notes, under the lock of the wheel, until when the worker will wait. What is set after that
//! compares itself with the note; what was set before is in the time-out.

use std::fmt;
use std::mem;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::wheel::{Key, Wheel};
use crate::shim::atomic::{AtomicU64, Ordering::Relaxed};
use crate::shim::{Mutex, lock};
use crate::trace::{self, Kind};

/// The binary logarithm of a tick's nanoseconds, while time is the system's.
const TICK_SHIFT: u32 = 16;
/// No timer is set.
const NEVER: u64 = u64::MAX;
/// The latest deadline in nanoseconds: 292 years, so that no sum overflows.
const LATEST: u64 = u64::MAX / 2;

/// The timers of one worker.
pub(crate) struct Timers {
    /// Tick 0.
    start: Instant,
    /// The nanoseconds from `start` until there may be something to do, or NEVER. Written under the lock; read without it only as
    /// a hint by the worker, who also reads it under the lock before it waits. Hence relaxed.
    next: AtomicU64,
    /// Guards the wheel. Held for a few instructions, never together with another lock, and no waker is called under it.
    state: Mutex<TimerState>,
}

/// What the lock guards.
struct TimerState {
    /// The timers' wakers by deadline.
    wheel: Wheel<Waker>,
    /// The binary logarithm of a tick's nanoseconds.
    shift: u32,
    /// The nanosecond until which the worker waits, or 0 while it does not: an earlier timer must end the wait.
    waits_until: u64,
    /// The deadline for which the last wait was cut short: see [`for_the_kernel`](TimerState::for_the_kernel).
    cut_for: u64,
    /// The runtime is shut down.
    closed: bool,
}

/// What [`Timers::set`] did.
#[derive(Debug)]
pub(crate) enum Set {
    /// The timer is in the wheel. `earliest`: the worker waits longer than that, and must be told.
    Done {
        /// Where it is.
        key: Key,
        /// Whether the worker's wait has to be cut short.
        earliest: bool,
    },
    /// The runtime is shut down.
    Closed,
}

impl Timers {
    /// No timers, at `start`.
    pub(crate) fn new(start: Instant) -> Timers {
        Timers {
            start,
            next: AtomicU64::new(NEVER),
            state: Mutex::new(TimerState {
                wheel: Wheel::new(),
                shift: TICK_SHIFT,
                waits_until: 0,
                cut_for: NEVER,
                closed: false,
            }),
        }
    }

    /// Sets a timer.
    pub(crate) fn set(&self, deadline: Instant, waker: Waker) -> Set {
        let deadline = nanos(deadline.saturating_duration_since(self.start)).min(LATEST);
        let mut state = lock(&self.state);
        if state.closed {
            return Set::Closed;
        }
        // The first tick at which the deadline has passed.
        let rounded_up = deadline + (1 << state.shift) - 1;
        let tick = rounded_up >> state.shift;
        let key = state.wheel.insert(tick, waker);
        let due = state.nanos_of(tick);
        if due < self.next.load(Relaxed) {
            self.next.store(due, Relaxed);
        }
        let earliest = due < state.waits_until;
        Set::Done { key, earliest }
    }

    /// Makes sure that a timer wakes `waker`. `false`: it has fired.
    pub(crate) fn refresh(&self, key: Key, waker: &Waker) -> bool {
        match lock(&self.state).wheel.get_mut(key) {
            None => return false,
            Some(stored) if stored.will_wake(waker) => return true,
            Some(_) => {}
        }
        // Cloned without the lock, and the old one dropped without it: both are foreign code.
        let mut newest = waker.clone();
        match lock(&self.state).wheel.get_mut(key) {
            None => false,
            Some(stored) => {
                mem::swap(stored, &mut newest);
                true
            }
        }
    }

    /// Takes a timer out before its time.
    pub(crate) fn cancel(&self, key: Key) {
        let waker = lock(&self.state).wheel.remove(key);
        drop(waker);
    }

    /// Whether a timer is due. Without timers that costs one load.
    pub(crate) fn is_due(&self, now: impl FnOnce() -> Instant) -> bool {
        let next = self.next.load(Relaxed);
        next != NEVER && nanos(now().saturating_duration_since(self.start)) >= next
    }

    /// Adds the wakers of all timers that are due to `woken`. Without timers that costs one load.
    pub(crate) fn fire(&self, now: impl FnOnce() -> Instant, woken: &mut Vec<Waker>) {
        if self.next.load(Relaxed) == NEVER {
            return;
        }
        let now = nanos(now().saturating_duration_since(self.start));
        if now < self.next.load(Relaxed) {
            return;
        }
        let mut state = lock(&self.state);
        // The last tick that has passed.
        let tick = now >> state.shift;
        if trace::is_on() {
            state.tell_due(tick, woken);
        }
        state.wheel.advance(tick, woken);
        self.publish(&state);
    }

    /// Counts in nanoseconds from now on, also for the timers that are set: for a virtual clock.
    pub(crate) fn refine(&self) {
        let mut state = lock(&self.state);
        let shift = mem::take(&mut state.shift);
        state.wheel.refine(shift);
        self.publish(&state);
    }

    /// When the next timer is due, for a virtual clock.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let state = lock(&self.state);
        self.publish(&state);
        let next = self.next.load(Relaxed);
        (next != NEVER).then(|| self.start + Duration::from_nanos(next))
    }

    /// How long the worker may wait, `None` for ever. Timers that others set from now on cut the wait short, until
    /// [`awake`](Timers::awake).
    pub(crate) fn timeout(&self, now: impl FnOnce() -> Instant) -> Option<Duration> {
        let mut state = lock(&self.state);
        self.publish(&state);
        let next = self.next.load(Relaxed);
        state.waits_until = next;
        if next == NEVER {
            return None;
        }
        let elapsed = now().saturating_duration_since(self.start);
        let due = Duration::from_nanos(next);
        Some(state.for_the_kernel(next, due.saturating_sub(elapsed)))
    }

    /// The worker no longer waits.
    pub(crate) fn awake(&self) {
        lock(&self.state).waits_until = 0;
    }

    /// Whether a wait that ends at `now` ends for a timer: it may have been cut a little short, for the kernel.
    pub(crate) fn is_nearly_due(&self, now: Instant) -> bool {
        let next = self.next.load(Relaxed);
        next != NEVER
            && next <= nanos((now + Duration::from_millis(1)).saturating_duration_since(self.start))
    }

    /// How many timers are set.
    pub(crate) fn len(&self) -> usize {
        lock(&self.state).wheel.len()
    }

    /// Whether no timer is set.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.state).wheel.is_empty()
    }

    /// The runtime is gone: no timer can be set any more. Adds the wakers of those that are to `woken`.
    pub(crate) fn shut_down(&self, woken: &mut Vec<Waker>) {
        let mut state = lock(&self.state);
        state.closed = true;
        state.wheel.drain(woken);
        self.publish(&state);
    }

    /// Makes `next` true.
    fn publish(&self, state: &TimerState) {
        let next = state.wheel.next_deadline();
        let next = next.map_or(NEVER, |tick| state.nanos_of(tick));
        self.next.store(next, Relaxed);
    }
}

impl TimerState {
    /// The nanoseconds until a tick.
    fn nanos_of(&self, tick: u64) -> u64 {
        tick << self.shift
    }

    /// Takes out what is due as [`fire`](Timers::fire) does, but step by step, so that each timer's lateness is known.
    #[cold]
    fn tell_due(&mut self, now: u64, woken: &mut Vec<Waker>) {
        while let Some(deadline) = self.wheel.next_deadline().filter(|next| *next <= now) {
            let before = woken.len();
            self.wheel.advance(deadline, woken);
            for _ in before..woken.len() {
                trace::here(|| Kind::TimerFired {
                    late: Duration::from_nanos((now - deadline) << self.shift),
                });
            }
        }
    }

    /// The kernel's wait counts in milliseconds, and mio rounds up; and a wake takes its time. So when a little more than a
    /// whole number of milliseconds is left until `deadline`, the whole number is what to ask for: the rest passes on the
    /// way. If it does not, the worker looks again without waiting, until that deadline and no other: where many timers
    /// follow each other closely it would never sleep.
    fn for_the_kernel(&mut self, deadline: u64, left: Duration) -> Duration {
        const MILLI: u64 = 1_000_000;
        const SLACK: u64 = 100_000;
        let over = nanos(left) % MILLI;
        let is_rest = self.cut_for == deadline;
        if over < SLACK && (is_rest || left >= Duration::from_millis(1)) {
            self.cut_for = deadline;
            return left.saturating_sub(Duration::from_nanos(over));
        }
        left
    }
}

/// The whole of a duration in nanoseconds, or 584 years.
fn nanos(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::from(duration.subsec_nanos()))
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers")
            .field("pending", &lock(&self.state).wheel.len())
            .finish()
    }
}
