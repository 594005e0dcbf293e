//! What can go wrong. Whatever could not be sent comes back in the error.

use std::error::Error;
use std::fmt;

/// The receiver takes no more; the value comes back.
///
/// ```
/// use samovar::sync::mpsc::{channel, error::SendError};
/// let (orders, kitchen) = channel(1);
/// drop(kitchen);
/// assert!(matches!(samovar::block_on(orders.send("tea")), Err(SendError("tea"))));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// Why a value could not be sent at once; the value comes back.
///
/// ```
/// use samovar::sync::mpsc::{channel, error::TrySendError};
/// let (orders, _kitchen) = channel(1);
/// orders.try_send("tea").unwrap();
/// assert!(matches!(orders.try_send("cake"), Err(TrySendError::Full("cake"))));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// No slot is free.
    Full(T),
    /// The receiver takes no more.
    Closed(T),
}

/// Why a value could not be sent in time; the value comes back.
///
/// ```
/// use samovar::sync::mpsc::{channel, error::SendTimeoutError};
/// use samovar::time::Duration;
///
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let (orders, _kitchen) = channel(1);
/// orders.send("tea").await.unwrap();
/// let late = orders.send_timeout("cake", Duration::from_millis(1)).await;
/// assert_eq!(late, Err(SendTimeoutError::Timeout("cake")));
/// # });
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// No slot came free in time.
    Timeout(T),
    /// The receiver takes no more.
    Closed(T),
}

/// Why nothing could be received at once.
///
/// ```
/// use samovar::sync::mpsc::{channel, error::TryRecvError};
/// let (orders, mut kitchen) = channel::<()>(1);
/// assert_eq!(kitchen.try_recv(), Err(TryRecvError::Empty));
/// drop(orders);
/// assert_eq!(kitchen.try_recv(), Err(TryRecvError::Disconnected));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// Nothing is queued; something may come.
    Empty,
    /// Nothing is queued, and nothing will come: no sender and no permit is left.
    Disconnected,
}

impl<T> TrySendError<T> {
    /// The value.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::mpsc::channel(1);
    /// drop(receiver);
    /// assert_eq!(sender.try_send(5).unwrap_err().into_inner(), 5);
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Closed(value) => value,
        }
    }
}

impl<T> SendTimeoutError<T> {
    /// The value.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::mpsc::error::SendTimeoutError;
    ///
    /// assert_eq!(SendTimeoutError::Timeout(5).into_inner(), 5);
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            Self::Timeout(value) | Self::Closed(value) => value,
        }
    }
}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(error: SendError<T>) -> Self {
        Self::Closed(error.0)
    }
}

// By hand, so that values need no `Debug` for `unwrap` to work.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout(_) => "Timeout(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "no available capacity",
            Self::Closed(_) => "channel closed",
        })
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout(_) => "timed out waiting on send operation",
            Self::Closed(_) => "channel closed",
        })
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "receiving on an empty channel",
            Self::Disconnected => "receiving on a closed channel",
        })
    }
}

impl<T> Error for SendError<T> {}
impl<T> Error for TrySendError<T> {}
impl<T> Error for SendTimeoutError<T> {}
impl Error for TryRecvError {}
