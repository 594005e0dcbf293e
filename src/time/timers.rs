//! A worker's timers: its wheel behind a lock, and the translation between instants and the wheel's ticks.
//!
//! # Never early
//!
//! A tick is 2^16 ns (65.5 us). A deadline is rounded *up* to a tick and the present is rounded *down*, so a timer that
//! the wheel calls due is due. [`Sleep`](super::Sleep) looks at the clock itself besides.
//!
//! # Who drives it
//!
//! Nobody but the worker: before it waits in its reactor it asks [`Timers::timeout`] how long it may, and afterwards, and
//! every 61 polls, it fires what is due. So to set a timer from its own worker is an insertion and nothing more; only
//! another thread has to end the worker's wait, and only if its timer is the earliest.

use std::fmt;
use std::mem;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::wheel::{Key, Wheel};
use crate::shim::atomic::{AtomicU64, Ordering::Relaxed};
use crate::shim::{Mutex, lock};
use crate::trace::{self, Kind};

/// The binary logarithm of a tick's nanoseconds.
const TICK_SHIFT: u32 = 16;
/// No timer is set.
const NEVER: u64 = u64::MAX;

/// The timers of one worker.
pub(crate) struct Timers {
    /// Tick 0.
    start: Instant,
    /// The earliest tick at which there may be something to do, or NEVER. Written under the lock; read without it only as
    /// a hint by the worker, who also reads it under the lock before it waits. Hence relaxed.
    next: AtomicU64,
    /// Guards the wheel. Held for a few instructions, never together with another lock, and no waker is called under it.
    state: Mutex<TimerState>,
}

/// What the lock guards.
struct TimerState {
    /// The timers' wakers by deadline.
    wheel: Wheel<Waker>,
    /// The tick until which the worker waits, or 0 while it does not: an earlier timer must end the wait.
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
                waits_until: 0,
                cut_for: NEVER,
                closed: false,
            }),
        }
    }

    /// Sets a timer.
    pub(crate) fn set(&self, deadline: Instant, waker: Waker) -> Set {
        let tick = self.tick_up(deadline);
        let mut state = lock(&self.state);
        if state.closed {
            return Set::Closed;
        }
        let key = state.wheel.insert(tick, waker);
        if tick < self.next.load(Relaxed) {
            self.next.store(tick, Relaxed);
        }
        let earliest = tick < state.waits_until;
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

    /// Adds the wakers of all timers that are due to `woken`. Without timers that costs one load.
    pub(crate) fn fire(&self, now: impl FnOnce() -> Instant, woken: &mut Vec<Waker>) {
        if self.next.load(Relaxed) == NEVER {
            return;
        }
        let tick = self.tick_down(now());
        if tick < self.next.load(Relaxed) {
            return;
        }
        let mut state = lock(&self.state);
        if trace::is_on() {
            state.tell_due(tick, woken);
        }
        state.wheel.advance(tick, woken);
        self.publish(&state);
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
        let due = Duration::from_nanos(next.saturating_mul(1 << TICK_SHIFT));
        Some(state.for_the_kernel(next, due.saturating_sub(elapsed)))
    }

    /// The worker no longer waits.
    pub(crate) fn awake(&self) {
        lock(&self.state).waits_until = 0;
    }

    /// Whether a wait that ends at `now` ends for a timer: it may have been cut a little short, for the kernel.
    pub(crate) fn is_nearly_due(&self, now: Instant) -> bool {
        let next = self.next.load(Relaxed);
        next != NEVER && next <= self.tick_up(now + Duration::from_millis(1))
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
        self.next
            .store(state.wheel.next_deadline().unwrap_or(NEVER), Relaxed);
    }

    /// The first tick at which `deadline` has passed.
    fn tick_up(&self, deadline: Instant) -> u64 {
        let since = nanos(deadline.saturating_duration_since(self.start));
        since.div_ceil(1 << TICK_SHIFT)
    }

    /// The last tick that has passed.
    fn tick_down(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.start)) >> TICK_SHIFT
    }
}

impl TimerState {
    /// Takes out what is due as [`fire`](Timers::fire) does, but step by step, so that each timer's lateness is known.
    #[cold]
    fn tell_due(&mut self, now: u64, woken: &mut Vec<Waker>) {
        while let Some(deadline) = self.wheel.next_deadline().filter(|next| *next <= now) {
            let before = woken.len();
            self.wheel.advance(deadline, woken);
            for _ in before..woken.len() {
                trace::here(|| Kind::TimerFired {
                    late: Duration::from_nanos((now - deadline) << TICK_SHIFT),
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
