//! A future that is never ready, on purpose.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Waits for ever: until it is dropped, by `select!` or by the end of the task.
///
/// It does what [`std::future::pending`] does, and keeps the waker besides. So the runtime knows that somebody means it, and does
/// not [warn](crate::runtime::Warning::NeverWoken) that the task can never wake.
///
/// ```
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let doorman = samovar::spawn(samovar::task::pending::<()>());
/// doorman.abort();
/// assert!(doorman.await.unwrap_err().is_cancelled());
/// # });
/// ```
pub fn pending<T>() -> Pending<T> {
    Pending {
        waker: None,
        output: PhantomData,
    }
}

/// A future that is never ready. Made by [`pending`].
///
/// ```
/// use std::time::Duration;
///
/// use samovar::task::{Pending, pending};
///
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let never: Pending<()> = pending();
/// assert!(samovar::time::timeout(Duration::from_millis(1), never).await.is_err());
/// # });
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct Pending<T> {
    /// Kept for nobody: that it is kept says that the wait is meant.
    waker: Option<Waker>,
    /// What it would give. It never has one, so it moves between threads as it likes.
    output: PhantomData<fn() -> T>,
}

impl<T> Future for Pending<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if !matches!(&self.waker, Some(kept) if kept.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl<T> Clone for Pending<T> {
    fn clone(&self) -> Pending<T> {
        pending()
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}
