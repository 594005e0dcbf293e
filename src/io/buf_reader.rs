//! [`BufReader`]: a reader with a buffer before it.
//!
//! ```text
//!   bytes: [ consumed | to be read | stale ]
//!                     ▲ start      ▲ end
//! ```
//!
//! The buffer is filled only when it is empty, so nothing in it is ever moved, and what is there is one slice that can be
//! lent. Rejected: a ring, which has room sooner, but lends what is there in two pieces.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};

use super::pass_on::passes_writes_on;
use super::{DEFAULT_CAPACITY, retry};

/// A reader with a buffer before it: many small reads become few large ones.
///
/// It makes [`lines`](super::AsyncBufReadExt::lines) possible. A read that is at least as large as the buffer goes past it
/// when it is empty. It helps nothing where the bytes are in memory already.
///
/// What is in the buffer is lost when this is dropped: do not make a second one of the same reader.
///
/// If the reader is a writer too, so is this: what is written goes straight through.
///
/// ```
/// use samovar::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
///
/// # samovar::block_on(async {
/// # let socket = &b"GET /tea\n\x02"[..];
/// let mut reader = BufReader::new(socket);
/// let mut line = String::new();
/// reader.read_line(&mut line).await?;
/// assert_eq!(line, "GET /tea\n");
/// assert_eq!(reader.read_u8().await?, 2);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct BufReader<R> {
    /// Whence.
    inner: R,
    /// The buffer: all of it, so that the reader always has initialised memory to fill.
    bytes: Box<[u8]>,
    /// Where what has been read and not been consumed begins in `bytes`.
    start: usize,
    /// Where it ends.
    end: usize,
}

impl<R: AsyncRead> BufReader<R> {
    /// With a buffer of 8 KiB.
    ///
    /// ```
    /// let reader = samovar::io::BufReader::new(&b"tea"[..]);
    /// assert!(reader.buffer().is_empty());
    /// ```
    pub fn new(inner: R) -> Self {
        Self::with_capacity(DEFAULT_CAPACITY, inner)
    }

    /// With a buffer of so many bytes.
    ///
    /// # Panics
    ///
    /// When `capacity` is zero: nothing could ever be read.
    ///
    /// ```
    /// let reader = samovar::io::BufReader::with_capacity(64 * 1024, &b"tea"[..]);
    /// assert!(reader.buffer().is_empty());
    /// ```
    #[track_caller]
    pub fn with_capacity(capacity: usize, inner: R) -> Self {
        assert!(
            capacity > 0,
            "a BufReader needs a buffer: its capacity must not be 0"
        );
        Self {
            inner,
            bytes: vec![0; capacity].into_boxed_slice(),
            start: 0,
            end: 0,
        }
    }
}

impl<R> BufReader<R> {
    /// The reader.
    ///
    /// ```
    /// let reader = samovar::io::BufReader::new(&b"tea"[..]);
    /// assert_eq!(reader.get_ref(), b"tea");
    /// ```
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// The reader. What is read from it here comes from behind what is in the buffer.
    ///
    /// ```
    /// let mut reader = samovar::io::BufReader::new(&b"tea"[..]);
    /// *reader.get_mut() = b"pot";
    /// assert_eq!(reader.into_inner(), b"pot");
    /// ```
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// The reader. What is in the buffer is lost.
    ///
    /// ```
    /// let reader = samovar::io::BufReader::new(&b"tea"[..]);
    /// assert_eq!(reader.into_inner(), b"tea");
    /// ```
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// What has been read from the reader and not from here. Nothing is read to fill it.
    ///
    /// ```
    /// use samovar::io::{AsyncReadExt, BufReader};
    ///
    /// # samovar::block_on(async {
    /// let mut reader = BufReader::new(&b"tea"[..]);
    /// reader.read_u8().await?;
    /// assert_eq!(reader.buffer(), b"ea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn buffer(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for BufReader<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.start == self.end {
            // To fill the buffer for it might wait, for nothing.
            if buf.is_empty() {
                return Poll::Ready(Ok(0));
            }
            if buf.len() >= self.bytes.len() {
                return retry::read(&mut self.inner, cx, buf);
            }
        }
        let there = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = there.len().min(buf.len());
        buf[..count].copy_from_slice(&there[..count]);
        self.consume(count);
        Poll::Ready(Ok(count))
    }
}

impl<R: AsyncRead + Unpin> AsyncBufRead for BufReader<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.start == this.end {
            let count = ready!(retry::read(&mut this.inner, cx, &mut this.bytes))?;
            this.start = 0;
            this.end = count;
        }
        Poll::Ready(Ok(&this.bytes[this.start..this.end]))
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }
}

passes_writes_on!([R: AsyncWrite + Unpin] BufReader<R>);

impl<R: fmt::Debug> fmt::Debug for BufReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufReader")
            .field("inner", &self.inner)
            .field("buffered", &(self.end - self.start))
            .field("capacity", &self.bytes.len())
            .finish()
    }
}
