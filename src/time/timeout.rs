//! `timeout` and `timeout_at`: a future that is given up when its time is over.
//!
//! Most futures under a timeout are ready in time, many at once: a read that finds bytes, a channel that has room. So the
//! inner future is polled before anything is known about time; only when it must wait is the clock read and a timer set.
//! A future that is ready at once pays for two calls, no clock, no timer, no allocation.
//!
//! Two differences from Tokio follow:
//!
//! - *The time runs from the first poll that had to wait*, not from the call. With `timeout(…).await` these are the same,
//!   but for the time that the first poll itself takes. Whoever makes the future now to await it later, and wants the
//!   time to run meanwhile, says so: `timeout_at(Instant::now() + duration, future)`.
//! - *The future has no name*, and so no `into_inner`. A named struct would have to reach the pinned future inside it, which
//!   takes raw pointers or a box; a box costs more than all the rest. Pinning a local variable of an async function is free and
//!   safe. Who wants the inner future back lends it: `timeout(duration, &mut future)`.
//!
//! The price: an async function keeps room for its argument and for the pinned variable, so the future is about twice as large
//! as the inner one. `Box::pin` a large one.

use std::future::{self, Future, IntoFuture};
use std::mem;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::context;
use crate::task::budget;
use crate::time::error::Elapsed;
use crate::time::{Instant, Sleep};

/// Runs a future for at most `duration`: its output, or [`Elapsed`] when the time was over first.
///
/// The future is polled before the time is looked at. One that is ready at once therefore always gives its output, even
/// with a `duration` of zero, and it may take longer than `duration` when it does not yield. The time runs from the first
/// poll that had to wait. A `duration` too long for the clock, like [`Duration::MAX`], sets no limit.
///
/// When the time is over the future is dropped, before the error is returned. To keep it, lend it, as in the second example.
///
/// # Cancel safety
///
/// Dropping the returned future drops the inner one: it is as cancel safe as that.
///
/// # Errors
///
/// [`Elapsed`], when the time was over first.
///
/// # Panics
///
/// The returned future panics when it has to wait outside a runtime; the message names the line of this call.
///
/// # Examples
///
/// ```
/// use samovar::time::{Duration, sleep, timeout};
///
/// samovar::runtime::Runtime::new().unwrap().block_on(async {
///     let quick = timeout(Duration::from_secs(60), async { 42 }).await;
///     assert_eq!(quick, Ok(42));
///
///     let slow = timeout(Duration::from_millis(1), sleep(Duration::from_secs(60))).await;
///     assert!(slow.is_err());
/// });
/// ```
///
/// A future that goes on after the time is over:
///
/// ```
/// use std::pin::pin;
/// use samovar::time::{Duration, sleep, timeout};
///
/// samovar::runtime::Runtime::new().unwrap().block_on(async {
///     let mut work = pin!(async {
///         sleep(Duration::from_millis(20)).await;
///         "done"
///     });
///     if timeout(Duration::from_millis(1), &mut work).await.is_err() {
///         // Say that it takes longer than usual, and wait on.
///         assert_eq!(work.await, "done");
///     }
/// });
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[track_caller]
pub fn timeout<F>(
    duration: Duration,
    future: F,
) -> impl Future<Output = Result<<F::IntoFuture as Future>::Output, Elapsed>>
where
    F: IntoFuture,
{
    limited(future.into_future(), Location::caller(), move || {
        Instant::now().checked_add(duration)
    })
}

/// Runs a future until `deadline`: its output, or [`Elapsed`] when the time was over first.
///
/// Everything else is as with [`timeout`]: the future is polled before the time is looked at, and dropped before the error is
/// returned.
///
/// # Cancel safety
///
/// Dropping the returned future drops the inner one: it is as cancel safe as that.
///
/// # Errors
///
/// [`Elapsed`], when the time was over first.
///
/// # Panics
///
/// The returned future panics when it has to wait outside a runtime; the message names the line of this call.
///
/// # Examples
///
/// One deadline for several steps:
///
/// ```
/// use samovar::time::{Duration, Instant, error::Elapsed, sleep, timeout_at};
///
/// async fn both() -> Result<(), Elapsed> {
///     let deadline = Instant::now() + Duration::from_millis(30);
///     timeout_at(deadline, sleep(Duration::from_millis(1))).await?;
///     timeout_at(deadline, sleep(Duration::from_secs(60))).await
/// }
///
/// assert!(samovar::runtime::Runtime::new().unwrap().block_on(both()).is_err());
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[track_caller]
pub fn timeout_at<F>(
    deadline: Instant,
    future: F,
) -> impl Future<Output = Result<<F::IntoFuture as Future>::Output, Elapsed>>
where
    F: IntoFuture,
{
    limited(future.into_future(), Location::caller(), move || {
        Some(deadline)
    })
}

/// The future behind both functions. `deadline` is asked only when `future` has to wait; `None` means that it may for ever.
async fn limited<F, D>(
    future: F,
    caller: &'static Location<'static>,
    deadline: D,
) -> Result<F::Output, Elapsed>
where
    F: Future,
    D: FnOnce() -> Option<Instant>,
{
    let mut future = pin!(future);
    let first_poll = future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx)));
    if let Poll::Ready(output) = first_poll.await {
        return Ok(output);
    }
    context::expect_runtime_for("set a timer", caller);
    let mut timer = deadline().map(Sleep::unchecked);
    // Whether the future has had its turn in this poll of the task: it has in the first one, above.
    let mut had_turn = true;
    future::poll_fn(|cx| {
        // In that first poll it does not matter who spent the budget: if it is spent, the task is polled again at once.
        let spent_before = had_turn || budget::is_spent();
        if !mem::replace(&mut had_turn, false) {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
        }
        match &mut timer {
            Some(timer) => poll_timer(timer, spent_before, cx).map(Err),
            None => Poll::Pending,
        }
    })
    .await
}

/// Looks at the timer after a poll of the inner future, which had to wait. `spent_before` says whether the budget was used up
/// before that poll.
///
/// A future that always uses up the budget would keep the timer from ever being looked at, so then it is looked at without
/// one. But only then: where the task was over its budget before, the timer makes it yield like anything else, or a loop
/// around a timeout that is over at once would never yield.
fn poll_timer(timer: &mut Sleep, spent_before: bool, cx: &mut Context<'_>) -> Poll<Elapsed> {
    let spent_by_future = !spent_before && budget::is_spent();
    let mut poll = || Pin::new(&mut *timer).poll(cx).map(|()| Elapsed::new());
    if spent_by_future {
        budget::unlimited(poll)
    } else {
        poll()
    }
}
