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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::task::Wake;

    const TICK: u64 = 1 << TICK_SHIFT;
    const MILLI: Duration = Duration::from_millis(1);

    /// A waker that is like no other.
    struct Own(#[expect(dead_code, reason = "gives it an address of its own")] u8);

    impl Wake for Own {
        fn wake(self: Arc<Self>) {}
    }

    fn own() -> Waker {
        Waker::from(Arc::new(Own(0)))
    }

    /// Timers, and what makes an instant of the nanoseconds since their start.
    fn timers() -> (Timers, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        (Timers::new(start), move |nanos| {
            start + Duration::from_nanos(nanos)
        })
    }

    fn set(timers: &Timers, deadline: Instant) -> (Key, bool) {
        match timers.set(deadline, own()) {
            Set::Done { key, earliest } => (key, earliest),
            Set::Closed => panic!("closed"),
        }
    }

    fn fired(timers: &Timers, now: Instant) -> usize {
        let mut woken = Vec::new();
        timers.fire(|| now, &mut woken);
        woken.len()
    }

    #[test]
    fn a_deadline_is_due_at_the_first_tick_that_is_not_before_it() {
        for (deadline, due) in [
            (0, 0),
            (1, TICK),
            (TICK - 1, TICK),
            (TICK, TICK),
            (TICK + 1, 2 * TICK),
        ] {
            let (timers, at) = timers();
            set(&timers, at(deadline));
            assert_eq!(timers.next_deadline(), Some(at(due)));
            if due > 0 {
                assert!(!timers.is_due(|| at(due - 1)));
                assert_eq!(fired(&timers, at(due - 1)), 0, "{deadline}");
            }
            assert!(timers.is_due(|| at(due)));
            assert_eq!(fired(&timers, at(due)), 1, "{deadline}");
            assert!(!timers.is_due(|| at(u64::MAX / 4)));
            assert_eq!(timers.next_deadline(), None);
        }
    }

    #[test]
    fn without_a_timer_nobody_asks_for_the_time() {
        let (timers, at) = timers();
        assert!(!timers.is_due(|| unreachable!()));
        timers.fire(|| unreachable!(), &mut Vec::new());
        assert_eq!(timers.timeout(|| unreachable!()), None);
        assert!(!timers.is_nearly_due(at(u64::MAX / 4)));
        assert!(timers.is_empty());
    }

    #[test]
    fn the_nearest_of_several_counts_in_whatever_order_they_come() {
        let (timers, at) = timers();
        for tick in [50, 10, 30] {
            set(&timers, at(tick * TICK));
        }
        assert_eq!(timers.next_deadline(), Some(at(10 * TICK)));
        assert!(!timers.is_due(|| at(9 * TICK)) && timers.is_due(|| at(10 * TICK)));
        assert_eq!(fired(&timers, at(40 * TICK)), 2);
        assert_eq!((timers.len(), timers.is_empty()), (1, false));
        assert!(!timers.is_due(|| at(49 * TICK)) && timers.is_due(|| at(50 * TICK)));
    }

    #[test]
    fn only_who_comes_before_the_one_waited_for_wakes_the_worker() {
        let (timers, at) = timers();
        assert!(!set(&timers, at(100 * TICK)).1, "nobody waits");
        assert!(timers.timeout(|| at(0)).is_some());
        assert!(!set(&timers, at(101 * TICK)).1);
        assert!(!set(&timers, at(100 * TICK)).1);
        assert!(set(&timers, at(99 * TICK)).1);
        timers.awake();
        assert!(!set(&timers, at(1)).1, "it is up, and looks by itself");

        let (idle, at) = timers_that_wait_for_ever();
        assert!(set(&idle, at(100 * TICK)).1);
    }

    fn timers_that_wait_for_ever() -> (Timers, impl Fn(u64) -> Instant) {
        let (timers, at) = timers();
        assert_eq!(timers.timeout(|| at(0)), None);
        (timers, at)
    }

    #[test]
    fn a_timer_is_nearly_due_a_millisecond_before() {
        let (timers, at) = timers();
        // A deadline on a tick, some milliseconds ahead.
        let deadline = 100 * TICK;
        set(&timers, at(deadline));
        assert!(!timers.is_nearly_due(at(deadline - 1_000_001)));
        assert!(timers.is_nearly_due(at(deadline - 1_000_000)));
        assert!(timers.is_nearly_due(at(deadline + 1)));
    }

    #[test]
    fn the_kernel_is_asked_for_whole_milliseconds_and_a_small_rest_costs_no_second_wait() {
        let (timers, _) = timers();
        let ask = |deadline, left| lock(&timers.state).for_the_kernel(deadline, left);
        let micros = Duration::from_micros;
        // A rest of 100 us is worth a wait of its own, which the kernel rounds up.
        assert_eq!(ask(1, 5 * MILLI + micros(100)), 5 * MILLI + micros(100));
        assert_eq!(ask(1, 5 * MILLI + micros(999)), 5 * MILLI + micros(999));
        // Less is cut off; and when it is all that is left, nobody waits for it.
        assert_eq!(ask(2, 5 * MILLI + micros(99)), 5 * MILLI);
        assert_eq!(ask(2, micros(99)), Duration::ZERO);
        assert_eq!(ask(2, micros(100)), micros(100));
        // A timer that was so short from the beginning is waited for.
        assert_eq!(ask(3, micros(99)), micros(99));
        assert_eq!(ask(3, MILLI), MILLI);
        assert_eq!(ask(4, MILLI + Duration::from_nanos(1)), MILLI);
        assert_eq!(
            ask(5, MILLI - Duration::from_nanos(1)),
            MILLI - Duration::from_nanos(1)
        );
    }

    #[test]
    fn the_wait_is_what_is_left_until_the_deadline() {
        let (timers, at) = timers();
        set(&timers, at(1_000 * TICK));
        let left = timers.timeout(|| at(500 * TICK)).unwrap();
        let expected = Duration::from_nanos(500 * TICK);
        assert!(left <= expected && left + MILLI > expected, "{left:?}");
        assert_eq!(timers.timeout(|| at(1_001 * TICK)), Some(Duration::ZERO));
    }

    #[test]
    fn a_virtual_clock_has_deadlines_to_the_nanosecond() {
        let (timers, at) = timers();
        set(&timers, at(TICK));
        timers.refine();
        assert_eq!(timers.next_deadline(), Some(at(TICK)));
        set(&timers, at(12_345));
        assert_eq!(timers.next_deadline(), Some(at(12_345)));
        assert_eq!(fired(&timers, at(12_344)), 0);
        assert_eq!(fired(&timers, at(12_345)), 1);
        timers.refine();
        assert_eq!(timers.next_deadline(), Some(at(TICK)));
    }

    #[test]
    fn the_newest_waker_is_the_one_that_fires() {
        let (timers, at) = timers();
        let (old, new) = (own(), own());
        let Set::Done { key, .. } = timers.set(at(1), old.clone()) else {
            panic!("closed");
        };
        assert!(timers.refresh(key, &old));
        assert!(timers.refresh(key, &new));
        let mut woken = Vec::new();
        timers.fire(|| at(TICK), &mut woken);
        assert!(matches!(&woken[..], [waker] if waker.will_wake(&new)));
        assert!(!timers.refresh(key, &new) && !timers.refresh(key, &old));
        timers.cancel(key);
    }

    #[test]
    fn a_cancelled_timer_is_waited_for_no_more() {
        let (timers, at) = timers();
        let (near, _) = set(&timers, at(TICK));
        set(&timers, at(300 * TICK));
        timers.cancel(near);
        assert_eq!(timers.len(), 1);
        assert_eq!(timers.next_deadline(), Some(at(300 * TICK)));
    }

    #[test]
    fn the_end_wakes_all_and_takes_no_more() {
        let (timers, at) = timers();
        set(&timers, at(TICK));
        set(&timers, at(u64::MAX / 4));
        let mut woken = Vec::new();
        timers.shut_down(&mut woken);
        assert_eq!((woken.len(), timers.len()), (2, 0));
        assert_eq!(timers.next_deadline(), None);
        assert!(matches!(timers.set(at(TICK), own()), Set::Closed));
    }
}
