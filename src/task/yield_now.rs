//! Lets the other tasks run first.
//!
//! It wakes its own task and says `Pending`. A task that is woken while it runs goes to the back of the line, never to the
//! place in front, where it would be the next again.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Sends the running task to the back of its queue, so that everything that is ready runs before it goes on.
///
/// Cancel safe. On its own in [`block_on`](crate::runtime::Runtime::block_on) it lets one task run.
///
/// ```
/// # samovar::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let other = samovar::spawn(async { "ran" });
/// samovar::task::yield_now().await;
/// assert!(other.is_finished());
/// # });
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future of [`yield_now`].
///
/// ```
/// use samovar::task::{YieldNow, yield_now};
///
/// # samovar::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let other = samovar::spawn(async { "ran" });
/// let turn: YieldNow = yield_now();
/// turn.await;
/// assert!(other.is_finished());
/// # });
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct YieldNow {
    /// Whether the task has given way already.
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        // The task runs, so this sets a bit, and the runner pushes it to the back after this poll.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
