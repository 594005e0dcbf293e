//! What can go wrong: one side is gone, or the receiver was too slow.

use std::fmt;

pub use crate::sync::send_error::SendError;

/// Why there is no value.
///
/// ```
/// use samovar::sync::broadcast::{channel, error::RecvError};
/// let (news, mut slow) = channel(1);
/// news.send("black").unwrap();
/// news.send("green").unwrap();
/// assert_eq!(samovar::block_on(slow.recv()), Err(RecvError::Lagged(1)));
/// assert_eq!(samovar::block_on(slow.recv()), Ok("green"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecvError {
    /// Everything has been seen, and the last sender is gone.
    Closed,
    /// So many values were lost, because the receiver was too slow. The next call gives the oldest that is left.
    Lagged(u64),
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("channel closed"),
            Self::Lagged(missed) => write!(f, "channel lagged by {missed}"),
        }
    }
}

impl std::error::Error for RecvError {}

/// Why there is no value now.
///
/// ```
/// use samovar::sync::broadcast::{channel, error::TryRecvError};
/// let (_news, mut ears) = channel::<()>(1);
/// assert_eq!(ears.try_recv(), Err(TryRecvError::Empty));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TryRecvError {
    /// Everything has been seen; something may come.
    Empty,
    /// Everything has been seen, and the last sender is gone.
    Closed,
    /// So many values were lost, because the receiver was too slow. The next call gives the oldest that is left.
    Lagged(u64),
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("channel empty"),
            Self::Closed => f.write_str("channel closed"),
            Self::Lagged(missed) => write!(f, "channel lagged by {missed}"),
        }
    }
}

impl std::error::Error for TryRecvError {}
