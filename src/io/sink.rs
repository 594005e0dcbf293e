//! [`sink`]: where everything can be written to.
//!
//! It never waits. The budget makes who writes to it let others run.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::AsyncWrite;

use super::retry;
use crate::task::budget;

/// A writer that takes everything and keeps nothing.
///
/// ```
/// # samovar::block_on(async {
/// let mut tea: &[u8] = b"cold tea";
/// assert_eq!(samovar::io::copy(&mut tea, &mut samovar::io::sink()).await?, 8);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn sink() -> Sink {
    Sink(())
}

/// A writer that keeps nothing: see [`sink`](sink()).
///
/// ```
/// let drain: samovar::io::Sink = samovar::io::sink();
/// # let _ = drain;
/// ```
#[derive(Debug)]
pub struct Sink(());

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(budget::spend(cx)).made_progress();
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(budget::spend(cx)).made_progress();
        Poll::Ready(Ok(retry::total(bufs)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
