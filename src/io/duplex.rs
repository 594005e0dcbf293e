//! [`duplex()`]: a connection in memory.
//!
//! ```text
//!   one end   ──outgoing──► Pipe ──incoming──►   the other
//!             ◄──incoming── Pipe ◄──outgoing──
//! ```
//!
//! A socket without a reactor: each end wakes the other itself. What there is to be learned of that is in `pipe.rs`.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

use super::pipe::Pipe;
use crate::shim::Arc;
use crate::task::budget;

/// A connection in memory: what is written to one end is read from the other. Each direction holds at most `max_bytes`; who
/// writes more waits until they have been read.
///
/// For tests of protocols without a network, and between tasks that speak bytes.
///
/// # Panics
///
/// When `max_bytes` is zero: nothing could ever be written.
///
/// ```
/// use samovar::io::{AsyncReadExt, AsyncWriteExt, duplex};
///
/// # samovar::block_on(async {
/// let (mut guest, mut host) = duplex(64);
/// guest.write_all(b"tea?").await?;
///
/// let mut word = [0; 4];
/// host.read_exact(&mut word).await?;
/// assert_eq!(&word, b"tea?");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[track_caller]
pub fn duplex(max_bytes: usize) -> (DuplexStream, DuplexStream) {
    assert!(
        max_bytes > 0,
        "a duplex needs room for a byte: `max_bytes` must not be 0"
    );
    let there = Arc::new(Pipe::new(max_bytes));
    let back = Arc::new(Pipe::new(max_bytes));
    let one = DuplexStream {
        incoming: back.clone(),
        outgoing: there.clone(),
    };
    let other = DuplexStream {
        incoming: there,
        outgoing: back,
    };
    (one, other)
}

/// One end of a connection in memory: see [`duplex()`].
///
/// When it is dropped, the other end reads what is there and then the end of the stream; it can write no more, which is the
/// error [`BrokenPipe`](io::ErrorKind::BrokenPipe). After a [`shutdown`](super::AsyncWriteExt::shutdown) it can still be
/// read from, as a TCP stream can.
///
/// One task may read and another may write at the same time, by way of [`split`](super::split()). Of several that read, the
/// one that polled last is woken.
///
/// ```
/// use samovar::io::{AsyncReadExt, DuplexStream, duplex};
///
/// # samovar::block_on(async {
/// let (mut guest, host): (DuplexStream, DuplexStream) = duplex(64);
/// drop(host);
/// assert_eq!(guest.read(&mut [0; 8]).await?, 0);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct DuplexStream {
    /// What the other end writes.
    incoming: Arc<Pipe>,
    /// What the other end reads.
    outgoing: Arc<Pipe>,
}

/// Counts an operation on the budget, if it is one that had not to wait.
fn budgeted<T>(cx: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    let unit = ready!(budget::spend(cx));
    let answer = ready!(poll(cx));
    unit.made_progress();
    Poll::Ready(answer)
}

impl AsyncRead for DuplexStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        budgeted(cx, |cx| self.incoming.poll_read(cx, buf))
    }
}

impl AsyncWrite for DuplexStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        budgeted(cx, |cx| self.outgoing.poll_write(cx, bufs))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        drop(self.outgoing.close_writer());
        Poll::Ready(Ok(()))
    }
}

impl Drop for DuplexStream {
    fn drop(&mut self) {
        // Both are closed before anybody is woken, and both are woken even if one of the wakers panics.
        let _reader = self.outgoing.close_writer();
        let _writer = self.incoming.close_reader();
    }
}
