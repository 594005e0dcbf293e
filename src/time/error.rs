//! The errors of [`time`](crate::time): there is one, that something took too long.

use std::fmt;
use std::io;

/// The time of a [`timeout`](crate::time::timeout()) or [`timeout_at`](crate::time::timeout_at) was over before its future
/// had completed.
///
/// It turns into an [`io::Error`] of kind [`TimedOut`](io::ErrorKind::TimedOut), so that `?` works where I/O is done.
///
/// # Examples
///
/// ```
/// use std::io;
/// use samovar::time::{Duration, timeout};
///
/// async fn answer() -> io::Result<u32> {
///     std::future::pending().await
/// }
///
/// async fn answer_in_time() -> io::Result<u32> {
///     timeout(Duration::from_millis(1), answer()).await?
/// }
///
/// samovar::runtime::Runtime::new().unwrap().block_on(async {
///     let error = answer_in_time().await.unwrap_err();
///     assert_eq!(error.kind(), io::ErrorKind::TimedOut);
/// });
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Elapsed(
    /// Only this crate makes the error.
    (),
);

impl Elapsed {
    /// The error.
    pub(crate) const fn new() -> Self {
        Elapsed(())
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("deadline has elapsed")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(_: Elapsed) -> io::Error {
        io::ErrorKind::TimedOut.into()
    }
}
