//! [`Take`]: a reader that ends early.
//!
//! It is how one sets a limit to what has none: `read_to_end`, or the length of a line. It shortens the slice before it asks,
//! so the reader behind it keeps every byte that comes after.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead};

use super::retry;

/// A reader that ends after so many bytes: made by [`AsyncReadExt::take`](super::AsyncReadExt::take).
///
/// ```
/// use samovar::io::AsyncReadExt;
///
/// # samovar::block_on(async {
/// // A peer that sends for ever does not fill the memory.
/// let mut body = samovar::io::repeat(b'x').take(1024);
/// let mut bytes = Vec::new();
/// assert_eq!(body.read_to_end(&mut bytes).await?, 1024);
/// assert_eq!(body.limit(), 0);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[must_use = "readers do nothing unless they are read"]
#[derive(Debug)]
pub struct Take<R> {
    /// Whence.
    inner: R,
    /// How many bytes are left to be read.
    limit: u64,
}

impl<R> Take<R> {
    /// See [`AsyncReadExt::take`](super::AsyncReadExt::take).
    pub(super) fn new(inner: R, limit: u64) -> Self {
        Self { inner, limit }
    }

    /// How many bytes may still be read. There may be fewer.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// assert_eq!(samovar::io::empty().take(5).limit(), 5);
    /// ```
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Sets how many bytes may still be read; what was read before does not count.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// let mut few = samovar::io::empty().take(5);
    /// few.set_limit(7);
    /// assert_eq!(few.limit(), 7);
    /// ```
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// The reader.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// assert_eq!(b"tea".take(1).get_ref(), b"tea");
    /// ```
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// The reader. What is read from it here does not count.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// let mut few = b"tea".take(1);
    /// *few.get_mut() = b"pot";
    /// assert_eq!(few.into_inner(), b"pot");
    /// ```
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// The reader, as far as it was read.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut few = b"tea".take(2);
    /// few.read_u16().await?;
    /// assert_eq!(few.into_inner(), b"a");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// So much of `count` as may still be read.
    fn at_most(&self, count: usize) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX).min(count)
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Take<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.limit == 0 {
            return Poll::Ready(Ok(0));
        }
        let room = this.at_most(buf.len());
        let count = ready!(retry::read(&mut this.inner, cx, &mut buf[..room]))?;
        this.limit -= count as u64;
        Poll::Ready(Ok(count))
    }
}

impl<R: AsyncBufRead + Unpin> AsyncBufRead for Take<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.limit == 0 {
            return Poll::Ready(Ok(&[]));
        }
        let limit = this.at_most(usize::MAX);
        let bytes = ready!(Pin::new(&mut this.inner).poll_fill_buf(cx))?;
        Poll::Ready(Ok(&bytes[..bytes.len().min(limit)]))
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        let this = self.get_mut();
        let count = this.at_most(count);
        this.limit -= count as u64;
        Pin::new(&mut this.inner).consume(count);
    }
}
