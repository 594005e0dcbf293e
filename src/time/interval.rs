//! `interval`: ticks at a steady pace, and what becomes of the ticks that were missed.
//!
//! An interval is a [`Sleep`] that is set anew at each tick, by the old deadline rather than by the clock, so that it does not
//! drift. The timer is registered when the next tick is awaited and not before: an interval that nobody awaits costs nothing.

use std::future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::time::{Instant, Sleep};

/// How late a tick may be before it counts as missed: a timer that fires a little late is no reason to change the pace.
const TOLERANCE: Duration = Duration::from_millis(5);

/// Ticks at once, and then every `period`.
///
/// The ticks are at `start`, `start + period`, `start + 2 * period` and so on, where `start` is the time of the call, however
/// long the work between two ticks takes. What happens when that is longer than `period` is told by
/// [`MissedTickBehavior`].
///
/// # Panics
///
/// When `period` is zero, and outside a runtime.
///
/// # Examples
///
/// ```
/// use samovar::time::{Duration, Instant, interval};
///
/// samovar::runtime::Runtime::new().unwrap().block_on(async {
///     let start = Instant::now();
///     let mut interval = interval(Duration::from_millis(2));
///     interval.tick().await; // at once
///     interval.tick().await;
///     interval.tick().await;
///     assert!(start.elapsed() >= Duration::from_millis(4));
/// });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(Instant::now(), period)
}

/// Ticks at `start`, and then every `period`.
///
/// # Panics
///
/// When `period` is zero, and outside a runtime.
///
/// # Examples
///
/// ```
/// use samovar::time::{Duration, Instant, interval_at};
///
/// samovar::runtime::Runtime::new().unwrap().block_on(async {
///     let start = Instant::now() + Duration::from_millis(3);
///     let mut interval = interval_at(start, Duration::from_millis(2));
///     assert_eq!(interval.tick().await, start);
///     assert_eq!(interval.tick().await, start + Duration::from_millis(2));
/// });
/// ```
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(
        !period.is_zero(),
        "the `period` of an interval must be longer than zero: it would tick without end"
    );
    Interval {
        sleep: Sleep::new_at(start),
        period,
        missed_tick_behavior: MissedTickBehavior::default(),
    }
}

/// What an [`Interval`] does after ticks were missed, because the work between two ticks took longer than the period.
///
/// A tick is missed when it is awaited more than 5 ms too late. Ticks at every 50 ms, where the work after the second one takes
/// 120 ms:
///
/// ```text
/// expected:   1         2         3         4         5         6
/// work:       |-|       |---------120 ms--------|-| …
/// Burst:      1         2                       3 4   5         6      catches up, then on the old marks
/// Delay:      1         2                       3         4         5  a full period after each late tick
/// Skip:       1         2                       3     4         5      on the old marks, some left out
/// ```
///
/// # Examples
///
/// ```
/// use samovar::time::{Duration, MissedTickBehavior, interval};
///
/// samovar::runtime::Runtime::new().unwrap().block_on(async {
///     let mut interval = interval(Duration::from_millis(50));
///     interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
///     interval.tick().await;
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MissedTickBehavior {
    /// Ticks without a pause until the missed ones are made up for: the number of ticks is right in the end. The default.
    #[default]
    Burst,
    /// Ticks a full period after the late tick: there is always a period between two ticks, and the pace shifts.
    Delay,
    /// Ticks at the next multiple of the period since the start: the pace stays, and ticks are left out.
    Skip,
}

impl MissedTickBehavior {
    /// When to tick next, when the tick of the moment `due` came at `now`.
    fn next(self, due: Instant, now: Instant, period: Duration) -> Instant {
        if now <= due.saturating_add(TOLERANCE) {
            return due.saturating_add(period);
        }
        match self {
            MissedTickBehavior::Burst => due.saturating_add(period),
            MissedTickBehavior::Delay => now.saturating_add(period),
            MissedTickBehavior::Skip => now.saturating_add(period - remainder(now - due, period)),
        }
    }
}

/// What is left of `time` after as many whole periods as fit into it. `period` is not zero.
fn remainder(time: Duration, period: Duration) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    let nanos = time.as_nanos() % period.as_nanos();
    // Less than `period`, so neither cast cuts anything off.
    Duration::new((nanos / SECOND) as u64, (nanos % SECOND) as u32)
}

/// Ticks at a steady pace. Made by [`interval`] and [`interval_at`].
///
/// # Examples
///
/// Something to do now and then, between other events:
///
/// ```
/// use samovar::time::{Duration, interval, sleep};
///
/// samovar::runtime::Runtime::new().unwrap().block_on(async {
///     let mut interval = interval(Duration::from_millis(1));
///     for round in 0..3 {
///         interval.tick().await;
///         println!("round {round}");
///     }
/// });
/// ```
#[derive(Debug)]
pub struct Interval {
    /// Wakes at the next tick. Its deadline is where the pace is kept.
    sleep: Sleep,
    /// The time between two ticks, not zero.
    period: Duration,
    /// What to do after a missed tick.
    missed_tick_behavior: MissedTickBehavior,
}

impl Interval {
    /// Waits for the next tick, and returns the moment for which it was due.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a tick is consumed only when this returns it, so one that is dropped waiting loses nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, interval};
    ///
    /// samovar::runtime::Runtime::new().unwrap().block_on(async {
    ///     let mut interval = interval(Duration::from_millis(1));
    ///     let first = interval.tick().await;
    ///     assert_eq!(interval.tick().await, first + Duration::from_millis(1));
    /// });
    /// ```
    pub async fn tick(&mut self) -> Instant {
        future::poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// Polls for the next tick: its moment, or `Pending` after the waker was noted. Of several wakers the last counts.
    ///
    /// For futures written by hand; others use [`tick`](Interval::tick).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use samovar::time::{Duration, interval};
    ///
    /// samovar::runtime::Runtime::new().unwrap().block_on(async {
    ///     let mut interval = interval(Duration::from_millis(1));
    ///     poll_fn(|cx| interval.poll_tick(cx)).await;
    /// });
    /// ```
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(Pin::new(&mut self.sleep).poll(cx));
        let due = self.sleep.deadline();
        let next = self
            .missed_tick_behavior
            .next(due, Instant::now(), self.period);
        self.sleep.reset_unpinned(next);
        Poll::Ready(due)
    }

    /// The next tick comes a full period from now, whenever it was due.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, Instant, interval};
    ///
    /// samovar::runtime::Runtime::new().unwrap().block_on(async {
    ///     let mut interval = interval(Duration::from_millis(2));
    ///     let now = Instant::now();
    ///     interval.reset();
    ///     assert!(interval.tick().await >= now + Duration::from_millis(2));
    /// });
    /// ```
    pub fn reset(&mut self) {
        self.reset_after(self.period);
    }

    /// The next tick comes at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, interval};
    ///
    /// samovar::runtime::Runtime::new().unwrap().block_on(async {
    ///     let mut interval = interval(Duration::from_secs(3600));
    ///     interval.tick().await;
    ///     interval.reset_immediately();
    ///     interval.tick().await; // not in an hour
    /// });
    /// ```
    pub fn reset_immediately(&mut self) {
        self.reset_at(Instant::now());
    }

    /// The next tick comes `after` from now, the following ones at the pace of the period. A time too long for the clock
    /// means never.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, Instant, interval};
    ///
    /// samovar::runtime::Runtime::new().unwrap().block_on(async {
    ///     let mut interval = interval(Duration::from_secs(3600));
    ///     let now = Instant::now();
    ///     interval.reset_after(Duration::from_millis(2));
    ///     assert!(interval.tick().await >= now + Duration::from_millis(2));
    /// });
    /// ```
    pub fn reset_after(&mut self, after: Duration) {
        self.reset_at(Instant::now().saturating_add(after));
    }

    /// The next tick comes at `deadline`, or at once when that has passed; the following ones at the pace of the period.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, Instant, interval};
    ///
    /// samovar::runtime::Runtime::new().unwrap().block_on(async {
    ///     let mut interval = interval(Duration::from_secs(3600));
    ///     let deadline = Instant::now() + Duration::from_millis(2);
    ///     interval.reset_at(deadline);
    ///     assert_eq!(interval.tick().await, deadline);
    /// });
    /// ```
    pub fn reset_at(&mut self, deadline: Instant) {
        self.sleep.reset_unpinned(deadline);
    }

    /// What happens after missed ticks.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, MissedTickBehavior, interval};
    ///
    /// samovar::runtime::Runtime::new().unwrap().block_on(async {
    ///     let interval = interval(Duration::from_secs(1));
    ///     assert_eq!(interval.missed_tick_behavior(), MissedTickBehavior::Burst);
    /// });
    /// ```
    #[must_use]
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed_tick_behavior
    }

    /// Chooses what happens after missed ticks, from the next one that is late. See [`MissedTickBehavior`].
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, MissedTickBehavior, interval};
    ///
    /// samovar::runtime::Runtime::new().unwrap().block_on(async {
    ///     let mut interval = interval(Duration::from_secs(1));
    ///     interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ///     assert_eq!(interval.missed_tick_behavior(), MissedTickBehavior::Delay);
    /// });
    /// ```
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed_tick_behavior = behavior;
    }

    /// The time between two ticks.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, interval};
    ///
    /// samovar::runtime::Runtime::new().unwrap().block_on(async {
    ///     assert_eq!(interval(Duration::from_secs(1)).period(), Duration::from_secs(1));
    /// });
    /// ```
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use MissedTickBehavior::{Burst, Delay, Skip};

    const MS: Duration = Duration::from_millis(1);

    /// The moment zero of a test; the tests compute with moments and never wait for them.
    fn zero() -> Instant {
        Instant::from_std(std::time::Instant::now())
    }

    #[test]
    fn a_tick_within_the_tolerance_does_not_change_the_pace() {
        let due = zero();
        for late in [Duration::ZERO, MS, TOLERANCE] {
            for behavior in [Burst, Delay, Skip] {
                assert_eq!(behavior.next(due, due + late, 50 * MS), due + 50 * MS);
            }
        }
    }

    #[test]
    fn a_stall_of_five_periods_is_made_up_for_as_documented() {
        let start = zero();
        // The tick due at 100 ms is taken at 355 ms; from then on every tick is taken when it comes.
        let ticks = |behavior: MissedTickBehavior| {
            let (mut due, mut now) = (start + 100 * MS, start + 355 * MS);
            let mut ticks = Vec::new();
            for _ in 0..7 {
                due = behavior.next(due, now, 50 * MS);
                now = now.max(due);
                ticks.push((due - start).as_millis());
            }
            ticks
        };
        assert_eq!(ticks(Burst), [150, 200, 250, 300, 350, 400, 450]);
        assert_eq!(ticks(Delay), [405, 455, 505, 555, 605, 655, 705]);
        assert_eq!(ticks(Skip), [400, 450, 500, 550, 600, 650, 700]);
    }

    #[test]
    fn skip_keeps_to_the_marks_to_the_nanosecond() {
        let due = zero();
        let period = Duration::from_nanos(7_000_003);
        for late in [
            5_000_001u64,
            7_000_003,
            7_000_004,
            14_000_006,
            999_999_999_999,
        ] {
            let now = due + Duration::from_nanos(late);
            let next = Skip.next(due, now, period);
            assert!(next > now && next <= now + period);
            assert_eq!((next - due).as_nanos() % period.as_nanos(), 0);
        }
    }

    #[test]
    fn the_longest_period_and_the_shortest_overflow_nothing() {
        let due = zero();
        let late = due + Duration::from_secs(1_000_000_000);
        for behavior in [Burst, Delay, Skip] {
            assert!(
                behavior.next(due, due, Duration::MAX) > late - Duration::from_secs(100_000_000)
            );
            assert!(behavior.next(due, late, Duration::MAX) > due);
            assert!(behavior.next(due, late, Duration::from_nanos(1)) > due);
        }
    }

    #[test]
    #[should_panic(expected = "must be longer than zero")]
    fn a_period_of_zero_panics() {
        let _ = interval_at(zero(), Duration::ZERO);
    }
}
