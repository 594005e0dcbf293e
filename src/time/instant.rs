//! `Instant`: a moment of the runtime's clock.
//!
//! A type of its own, not std's, because the clock may be virtual: a test that pauses time must see the paused time
//! wherever it asks for it. The value inside is std's all the same, so the two convert into each other freely.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

/// Thirty years. What is due later is never due; a millennium would overflow the clock of some systems.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// A moment of the runtime's clock, which never goes backwards.
///
/// It is [`std::time::Instant`], but asked for through the runtime's one clock, which a test can
/// [pause](crate::time::pause). Differences between instants saturate at zero;
/// adding and subtracting a [`Duration`] with an operator panics on overflow, as std's do.
///
/// # Examples
///
/// ```
/// use samovar::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let deadline = start + Duration::from_secs(5);
/// assert_eq!(deadline - start, Duration::from_secs(5));
/// assert_eq!(start - deadline, Duration::ZERO);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// The moment as the system's clock would tell it.
    std: std::time::Instant,
}

impl Instant {
    /// The present moment.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::Instant;
    ///
    /// let first = Instant::now();
    /// assert!(Instant::now() >= first);
    /// ```
    #[must_use]
    pub fn now() -> Instant {
        Instant {
            std: crate::time::clock::now(),
        }
    }

    /// The same moment, from std's type.
    ///
    /// # Examples
    ///
    /// ```
    /// let std = std::time::Instant::now();
    /// assert_eq!(samovar::time::Instant::from_std(std).into_std(), std);
    /// ```
    #[must_use]
    pub const fn from_std(std: std::time::Instant) -> Instant {
        Instant { std }
    }

    /// The same moment, as std's type.
    ///
    /// # Examples
    ///
    /// ```
    /// let now: std::time::Instant = samovar::time::Instant::now().into_std();
    /// ```
    #[must_use]
    pub const fn into_std(self) -> std::time::Instant {
        self.std
    }

    /// The time from `earlier` to this moment, or zero when `earlier` is the later of the two.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, Instant};
    ///
    /// let start = Instant::now();
    /// let end = start + Duration::from_millis(20);
    /// assert_eq!(end.duration_since(start), Duration::from_millis(20));
    /// assert_eq!(start.duration_since(end), Duration::ZERO);
    /// ```
    #[must_use]
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.std.saturating_duration_since(earlier.std)
    }

    /// The time from `earlier` to this moment, or `None` when `earlier` is the later of the two.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, Instant};
    ///
    /// let start = Instant::now();
    /// let end = start + Duration::from_millis(20);
    /// assert_eq!(end.checked_duration_since(start), Some(Duration::from_millis(20)));
    /// assert_eq!(start.checked_duration_since(end), None);
    /// ```
    #[must_use]
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.std.checked_duration_since(earlier.std)
    }

    /// The time from `earlier` to this moment, or zero when `earlier` is the later of the two.
    ///
    /// The same as [`duration_since`](Instant::duration_since), under the name that says so.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, Instant};
    ///
    /// let start = Instant::now();
    /// let end = start + Duration::from_millis(20);
    /// assert_eq!(start.saturating_duration_since(end), Duration::ZERO);
    /// ```
    #[must_use]
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.std.saturating_duration_since(earlier.std)
    }

    /// The time that has passed since this moment, or zero when it lies in the future.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, Instant, sleep};
    ///
    /// samovar::runtime::Runtime::new().unwrap().block_on(async {
    ///     let start = Instant::now();
    ///     sleep(Duration::from_millis(5)).await;
    ///     assert!(start.elapsed() >= Duration::from_millis(5));
    /// });
    /// ```
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(*self)
    }

    /// The moment `duration` later, or `None` when the clock cannot represent it.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, Instant};
    ///
    /// assert!(Instant::now().checked_add(Duration::from_secs(1)).is_some());
    /// assert!(Instant::now().checked_add(Duration::MAX).is_none());
    /// ```
    #[must_use]
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        self.std.checked_add(duration).map(Instant::from_std)
    }

    /// The moment `duration` earlier, or `None` when the clock cannot represent it.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::time::{Duration, Instant};
    ///
    /// assert!(Instant::now().checked_sub(Duration::MAX).is_none());
    /// ```
    #[must_use]
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        self.std.checked_sub(duration).map(Instant::from_std)
    }

    /// The moment `duration` later; when the clock cannot represent it, one at which nobody will be there to look.
    ///
    /// Deadlines are computed with it: a `sleep(Duration::MAX)` is a request never to wake, not a mistake.
    pub(crate) fn saturating_add(self, duration: Duration) -> Instant {
        let never = || self.checked_add(NEVER).unwrap_or(self);
        self.checked_add(duration).unwrap_or_else(never)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    ///
    /// When the clock cannot represent the sum; [`Instant::checked_add`] does not panic.
    #[track_caller]
    fn add(self, duration: Duration) -> Instant {
        self.checked_add(duration)
            .expect("overflow when adding a duration to an instant: use `checked_add`")
    }
}

impl AddAssign<Duration> for Instant {
    /// # Panics
    ///
    /// When the clock cannot represent the sum.
    #[track_caller]
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    ///
    /// When the clock cannot represent the difference; [`Instant::checked_sub`] does not panic.
    #[track_caller]
    fn sub(self, duration: Duration) -> Instant {
        self.checked_sub(duration)
            .expect("overflow when subtracting a duration from an instant")
    }
}

impl SubAssign<Duration> for Instant {
    /// # Panics
    ///
    /// When the clock cannot represent the difference.
    #[track_caller]
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// The time from `earlier` to this moment, or zero when `earlier` is the later of the two.
    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}

impl From<std::time::Instant> for Instant {
    fn from(std: std::time::Instant) -> Instant {
        Instant::from_std(std)
    }
}

impl From<Instant> for std::time::Instant {
    fn from(instant: Instant) -> std::time::Instant {
        instant.into_std()
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.std.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_overflows_is_decades_ahead() {
        let now = Instant::from_std(std::time::Instant::now());
        let never = now.saturating_add(Duration::MAX);
        assert!(never - now >= Duration::from_secs(29 * 365 * 24 * 60 * 60));
        // And so is everything added to that, however often.
        let mut later = never;
        for _ in 0..1000 {
            let next = later.saturating_add(Duration::MAX);
            assert!(next >= later);
            later = next;
        }
    }

    #[test]
    fn a_sum_that_fits_is_exact() {
        let now = Instant::from_std(std::time::Instant::now());
        assert_eq!(
            now.saturating_add(Duration::from_nanos(1)),
            now + Duration::from_nanos(1)
        );
    }

    #[test]
    #[should_panic(expected = "overflow when adding a duration to an instant: use `checked_add`")]
    fn adding_with_the_operator_panics_on_overflow() {
        let _ = Instant::from_std(std::time::Instant::now()) + Duration::MAX;
    }

    #[test]
    #[should_panic(expected = "overflow when subtracting a duration from an instant")]
    fn subtracting_with_the_operator_panics_on_overflow() {
        let _ = Instant::from_std(std::time::Instant::now()) - Duration::MAX;
    }
}
