//! The error of `watch` and `broadcast`, whose senders can only fail for want of a receiver.

use std::fmt;

/// There is no receiver; the value comes back.
///
/// ```
/// use samovar::sync::{broadcast, watch};
/// let (news, ears) = broadcast::channel(4);
/// drop(ears);
/// assert_eq!(news.send("tea"), Err(broadcast::error::SendError("tea")));
/// let (price, shown) = watch::channel(3);
/// drop(shown);
/// assert_eq!(price.send(4), Err(watch::error::SendError(4)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

// By hand, so that values need no `Debug` for `unwrap` to work.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl<T> std::error::Error for SendError<T> {}
