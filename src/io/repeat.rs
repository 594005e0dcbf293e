//! [`repeat`]: the same byte for ever.
//!
//! It never waits, and never ends. The budget makes who reads it let others run.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::AsyncRead;

use crate::task::budget;

/// A reader of one byte, again and again. It never ends.
///
/// ```
/// use samovar::io::AsyncReadExt;
///
/// # samovar::block_on(async {
/// let mut drops = [0; 4];
/// samovar::io::repeat(b'.').read_exact(&mut drops).await?;
/// assert_eq!(&drops, b"....");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn repeat(byte: u8) -> Repeat {
    Repeat { byte }
}

/// A reader of one byte, again and again: see [`repeat`](repeat()).
///
/// ```
/// let drops: samovar::io::Repeat = samovar::io::repeat(b'.');
/// # let _ = drops;
/// ```
#[derive(Debug)]
pub struct Repeat {
    /// The byte.
    byte: u8,
}

impl AsyncRead for Repeat {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        ready!(budget::spend(cx)).made_progress();
        buf.fill(self.byte);
        Poll::Ready(Ok(buf.len()))
    }
}
