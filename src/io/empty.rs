//! [`empty`]: nothing to read.
//!
//! It never waits. So it spends the budget, as `repeat` and `sink` do: a task that does nothing but ask would keep its worker.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead};

use super::pass_on::passes_writes_on;
use super::{Sink, sink};
use crate::task::budget;

/// A reader that is at its end. Written to, it takes everything and keeps nothing, like [`sink`](super::sink()).
///
/// ```
/// use samovar::io::AsyncReadExt;
///
/// # samovar::block_on(async {
/// assert_eq!(samovar::io::empty().read(&mut [0; 8]).await?, 0);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn empty() -> Empty {
    Empty { inner: sink() }
}

/// A reader that is at its end: see [`empty`](empty()).
///
/// ```
/// let cup: samovar::io::Empty = samovar::io::empty();
/// # let _ = cup;
/// ```
#[derive(Debug)]
pub struct Empty {
    /// What takes the writes.
    inner: Sink,
}

impl AsyncRead for Empty {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        ready!(budget::spend(cx)).made_progress();
        Poll::Ready(Ok(0))
    }
}

impl AsyncBufRead for Empty {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        ready!(budget::spend(cx)).made_progress();
        Poll::Ready(Ok(&[]))
    }

    fn consume(self: Pin<&mut Self>, _: usize) {}
}

passes_writes_on!([] Empty);
