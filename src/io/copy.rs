//! [`copy()`]: everything from a reader to a writer; and [`Transfer`], the state of one such copy.
//!
//! The obvious loop has a trap:
//!
//! ```text
//!   copy                                         peer
//!   read: "a question"
//!   write_all to a BufWriter: it is in the buffer
//!   read: waits for more                         waits for the question
//! ```
//!
//! Each waits for the other, for ever. So here the writer is flushed before the reader is waited for. The loop also reads
//! nothing while the writer makes it wait; here what comes meanwhile is collected, and goes out in one write.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

use super::{DEFAULT_CAPACITY, retry};
use crate::task::budget;

/// Copies everything from a reader to a writer, until the reader's end, flushes the writer and says how many bytes it was.
///
/// The writer is not shut down. There is one buffer of 8 KiB between the two; while the writer makes it wait, it goes on
/// filling the buffer. When there is nothing to read at the moment, the writer is flushed: who answers only after he has
/// received everything would otherwise wait for ever.
///
/// # Errors
///
/// Those of the reader and of the writer; [`WriteZero`](io::ErrorKind::WriteZero) when the writer takes no more. Bytes that
/// were read and not written yet are lost.
///
/// # Cancel safety
///
/// Not cancel safe: bytes that were read and not written yet are lost.
///
/// ```
/// # samovar::block_on(async {
/// let mut pot: &[u8] = b"two litres of tea";
/// let mut cup = Vec::new();
/// assert_eq!(samovar::io::copy(&mut pot, &mut cup).await?, 17);
/// assert_eq!(cup, b"two litres of tea");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub async fn copy<R, W>(reader: &mut R, writer: &mut W) -> io::Result<u64>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    let mut transfer = Transfer::new(DEFAULT_CAPACITY);
    poll_fn(|cx| transfer.poll(cx, reader, writer)).await
}

/// A copy under way.
#[derive(Debug)]
pub(super) struct Transfer {
    /// What lies between the two.
    bytes: Box<[u8]>,
    /// Where what is to be written begins in `bytes`.
    start: usize,
    /// Where it ends.
    end: usize,
    /// Whether the reader has ended.
    ended: bool,
    /// Whether something was written since the last flush.
    unflushed: bool,
    /// How many bytes were written.
    count: u64,
}

impl Transfer {
    /// A copy by way of a buffer of so many bytes.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            bytes: vec![0; capacity].into_boxed_slice(),
            start: 0,
            end: 0,
            ended: false,
            unflushed: false,
            count: 0,
        }
    }

    /// Goes on until the end, or until it has to wait. Every round of reading and writing costs a unit of the budget: a
    /// reader and a writer that are always ready would never let anybody else run.
    pub(super) fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
    ) -> Poll<io::Result<u64>>
    where
        R: AsyncRead + Unpin + ?Sized,
        W: AsyncWrite + Unpin + ?Sized,
    {
        loop {
            // Also while there is something to write: a fuller buffer makes a larger write, if the writer has to be waited for.
            let waits = self.poll_fill(cx, reader)?.is_pending();
            if self.start < self.end {
                ready!(self.poll_drain(cx, writer))?;
            } else {
                if self.unflushed || self.ended {
                    ready!(retry::flush(writer, cx))?;
                    self.unflushed = false;
                }
                if self.ended {
                    return Poll::Ready(Ok(self.count));
                }
                if waits {
                    return Poll::Pending;
                }
            }
            ready!(budget::spend(cx)).made_progress();
        }
    }

    /// Reads once, if there is room and more to come.
    fn poll_fill<R>(&mut self, cx: &mut Context<'_>, reader: &mut R) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin + ?Sized,
    {
        if !self.ended && self.end < self.bytes.len() {
            let count = ready!(retry::read(reader, cx, &mut self.bytes[self.end..]))?;
            self.end += count;
            self.ended = count == 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes once.
    fn poll_drain<W>(&mut self, cx: &mut Context<'_>, writer: &mut W) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin + ?Sized,
    {
        let rest = &self.bytes[self.start..self.end];
        let count = ready!(retry::write_some(writer, cx, rest))?;
        self.start += count;
        self.count += count as u64;
        self.unflushed = true;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
        Poll::Ready(Ok(()))
    }
}
