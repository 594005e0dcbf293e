//! What can go wrong: one side is gone.

use std::fmt;

pub use crate::sync::send_error::SendError;

/// The last sender is gone.
///
/// ```
/// let (price, mut shown) = samovar::sync::watch::channel(3);
/// drop(price);
/// assert!(samovar::block_on(shown.changed()).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecvError(pub(super) ());

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl std::error::Error for RecvError {}
