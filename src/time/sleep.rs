//! A future that is ready when its time has come.
//!
//! It sets its timer in its first poll, with the worker that polls it, and not when it is made: a sleep that nobody awaits
//! costs nothing, and one that is awaited is in the wheel of the thread that will want to know. In each later poll it looks
//! whether the timer still has the *newest* waker. A future that keeps the waker of its first poll wakes the wrong task once it
//! has been moved to another, and in a `select!` or a `FuturesUnordered` that is not far to seek.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::wheel::Key;
use super::{Duration, Instant};
use crate::context;
use crate::scheduler::Home;
use crate::task::budget;
use crate::trace::wait;

/// Waits until `duration` has passed.
///
/// The time runs from the call of `sleep`, not from the first `.await`. It is never early; on an idle machine it is late
/// by about 0.1 ms, and by up to a millisecond where the remaining time is not close to a whole number of them, because
/// the kernel's wait counts in milliseconds. `Duration::MAX` never ends, and does not panic.
///
/// # Cancel safety
///
/// Dropping the future takes the timer back; nothing is lost.
///
/// # Panics
///
/// Outside a runtime.
///
/// ```
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// use samovar::time::{Duration, Instant, sleep};
/// let start = Instant::now();
/// sleep(Duration::from_millis(5)).await;
/// assert!(start.elapsed() >= Duration::from_millis(5));
/// # });
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::new_at(Instant::now().saturating_add(duration))
}

/// Waits until `deadline`. A deadline in the past is ready at the first or the second poll. See [`sleep`].
///
/// # Cancel safety
///
/// As [`sleep`].
///
/// # Panics
///
/// Outside a runtime.
///
/// ```
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// use samovar::time::{Duration, Instant, sleep_until};
/// sleep_until(Instant::now() + Duration::from_millis(1)).await;
/// # });
/// ```
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new_at(deadline)
}

/// The future of [`sleep`] and [`sleep_until`].
///
/// It registers with the worker that first polls it, and costs nothing before.
///
/// ```
/// use samovar::time::{Duration, Sleep, sleep};
///
/// struct Nap(Sleep); // it may be moved, and needs no box
///
/// samovar::runtime::Runtime::new().unwrap().block_on(async {
///     let nap = Nap(sleep(Duration::from_millis(1)));
///     nap.0.await;
/// });
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Sleep {
    /// When it ends.
    deadline: Instant,
    /// Its timer, once it had to wait.
    timer: Option<Timer>,
}

/// A timer in some worker's wheel.
struct Timer {
    /// The worker, and what keeps its wheel alive.
    home: Arc<Home>,
    /// The timer's place in the wheel.
    key: Key,
}

impl Sleep {
    /// A sleep until `deadline`.
    #[track_caller]
    pub(crate) fn new_at(deadline: Instant) -> Sleep {
        context::expect_runtime("set a timer");
        Sleep::unchecked(deadline)
    }

    /// A sleep until `deadline`, for a caller that has seen to it that there is a runtime.
    pub(crate) fn unchecked(deadline: Instant) -> Sleep {
        Sleep {
            deadline,
            timer: None,
        }
    }

    /// When it ends.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// use samovar::time::{Duration, Instant, sleep_until};
    /// let deadline = Instant::now() + Duration::from_secs(60);
    /// assert_eq!(sleep_until(deadline).deadline(), deadline);
    /// # });
    /// ```
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether its time has come.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// use samovar::time::{Duration, sleep};
    /// let mut nap = std::pin::pin!(sleep(Duration::from_millis(1)));
    /// nap.as_mut().await;
    /// assert!(nap.is_elapsed());
    /// # });
    /// ```
    pub fn is_elapsed(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Sets another deadline, also after the first has passed; the next poll waits for it.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// use samovar::time::{Duration, Instant, sleep};
    /// let mut tea = std::pin::pin!(sleep(Duration::MAX));
    /// tea.as_mut().reset(Instant::now() + Duration::from_millis(1));
    /// tea.await;
    /// # });
    /// ```
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        self.get_mut().reset_unpinned(deadline);
    }

    /// As [`reset`](Sleep::reset): a `Sleep` may be moved at any time.
    pub(crate) fn reset_unpinned(&mut self, deadline: Instant) {
        self.cancel();
        self.deadline = deadline;
    }

    /// Takes the timer out of its wheel.
    fn cancel(&mut self) {
        if let Some(timer) = self.timer.take() {
            timer.home.timers().cancel(timer.key);
        }
    }

    /// Whether its time has come; if not, the task of `cx` will be woken then.
    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> bool {
        match &self.timer {
            // The wheel holds it still. That it is not due is known without a look at the clock.
            Some(timer) if timer.home.timers().refresh(timer.key, cx.waker()) => return false,
            // It has fired.
            Some(_) if self.is_elapsed() => {
                self.timer = None;
                return true;
            }
            _ => {}
        }
        // A first poll: one that is due already fires at the worker's next look at its wheel.
        let home = context::home("wait for a timer");
        let key = home.set_timer(self.deadline.into_std(), cx.waker().clone());
        self.timer = Some(Timer { home, key });
        false
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let unit = ready!(budget::spend(cx));
        if self.poll_elapsed(cx) {
            unit.made_progress();
            Poll::Ready(())
        } else {
            wait::pending(|| wait::until(self.deadline.into_std()))
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
