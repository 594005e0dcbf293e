//! [`BufWriter`]: a writer with a buffer before it.
//!
//! std's writes the rest in its destructor. This one cannot: a writer that is full has to be waited for, and a destructor
//! cannot wait. Rejected: to try it once there, which works until the writer is full for the first time.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};

use super::pass_on::{passes_buffer_on, passes_reads_on};
use super::{DEFAULT_CAPACITY, retry};

/// A writer with a buffer before it: many small writes become few large ones.
///
/// The buffer is written out when it is full, and by [`flush`](super::AsyncWriteExt::flush) and
/// [`shutdown`](super::AsyncWriteExt::shutdown). A write that is at least as large as the buffer goes past it.
///
/// **What is in the buffer is lost when this is dropped.** A destructor cannot wait, so it cannot write: flush first.
///
/// If the writer is a reader too, so is this: reads go straight through.
///
/// ```
/// use samovar::io::{AsyncWriteExt, BufWriter};
///
/// # samovar::block_on(async {
/// let mut writer = BufWriter::new(Vec::new());
/// for cup in 1..=3 {
///     writer.write_u8(cup).await?; // no write to the socket
/// }
/// assert_eq!(writer.get_ref(), b"");
/// writer.flush().await?; // one write of three bytes
/// assert_eq!(writer.get_ref(), &[1, 2, 3]);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[must_use = "what is in the buffer is lost without a flush"]
pub struct BufWriter<W> {
    /// Where to.
    inner: W,
    /// The buffer: never longer than its first capacity.
    bytes: Vec<u8>,
    /// How many of `bytes` are written already. They leave it when all are, so that nothing has to be moved.
    written: usize,
}

impl<W: AsyncWrite> BufWriter<W> {
    /// With a buffer of 8 KiB.
    ///
    /// ```
    /// let writer = samovar::io::BufWriter::new(Vec::new());
    /// assert!(writer.buffer().is_empty());
    /// ```
    pub fn new(inner: W) -> Self {
        Self::with_capacity(DEFAULT_CAPACITY, inner)
    }

    /// With a buffer of so many bytes. With none, every write goes straight through.
    ///
    /// ```
    /// let writer = samovar::io::BufWriter::with_capacity(64 * 1024, Vec::new());
    /// assert!(writer.buffer().is_empty());
    /// ```
    pub fn with_capacity(capacity: usize, inner: W) -> Self {
        Self {
            inner,
            bytes: Vec::with_capacity(capacity),
            written: 0,
        }
    }
}

impl<W> BufWriter<W> {
    /// The writer.
    ///
    /// ```
    /// let writer = samovar::io::BufWriter::new(b"tea".to_vec());
    /// assert_eq!(writer.get_ref(), b"tea");
    /// ```
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    /// The writer. What is written to it here overtakes what is in the buffer.
    ///
    /// ```
    /// let mut writer = samovar::io::BufWriter::new(Vec::new());
    /// writer.get_mut().push(1);
    /// assert_eq!(writer.get_ref(), &[1]);
    /// ```
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.inner
    }

    /// The writer. What is in the buffer is lost: [flush](super::AsyncWriteExt::flush) first.
    ///
    /// ```
    /// use samovar::io::{AsyncWriteExt, BufWriter};
    ///
    /// # samovar::block_on(async {
    /// let mut writer = BufWriter::new(Vec::new());
    /// writer.write_all(b"tea").await?;
    /// writer.flush().await?;
    /// assert_eq!(writer.into_inner(), b"tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn into_inner(self) -> W {
        self.inner
    }

    /// What has been written here and not to the writer.
    ///
    /// ```
    /// use samovar::io::{AsyncWriteExt, BufWriter};
    ///
    /// # samovar::block_on(async {
    /// let mut writer = BufWriter::new(Vec::new());
    /// writer.write_all(b"tea").await?;
    /// assert_eq!(writer.buffer(), b"tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn buffer(&self) -> &[u8] {
        &self.bytes[self.written..]
    }
}

impl<W: AsyncWrite + Unpin> BufWriter<W> {
    /// Writes the buffer out. After an error, what was not written is still there.
    fn poll_empty(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (bytes, written) = (&self.bytes, &mut self.written);
        ready!(retry::write_all(&mut self.inner, cx, bytes, written))?;
        self.bytes.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Makes room for `count` bytes. `false`: there is nothing in the buffer now, and they go past it.
    fn poll_room(&mut self, cx: &mut Context<'_>, count: usize) -> Poll<io::Result<bool>> {
        if count > self.bytes.capacity() - self.bytes.len() {
            ready!(self.poll_empty(cx))?;
        }
        Poll::Ready(Ok(count < self.bytes.capacity()))
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for BufWriter<W> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if !ready!(this.poll_room(cx, buf.len()))? {
            return retry::write(&mut this.inner, cx, buf);
        }
        this.bytes.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = retry::total(bufs);
        if !ready!(this.poll_room(cx, count))? {
            return retry::write_vectored(&mut this.inner, cx, bufs);
        }
        for buf in bufs {
            this.bytes.extend_from_slice(buf);
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_empty(cx))?;
        retry::flush(&mut this.inner, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_empty(cx))?;
        retry::close(&mut this.inner, cx)
    }
}

passes_reads_on!([W: AsyncRead + Unpin] BufWriter<W>);
passes_buffer_on!([W: AsyncBufRead + Unpin] BufWriter<W>);

impl<W: fmt::Debug> fmt::Debug for BufWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufWriter")
            .field("inner", &self.inner)
            .field("buffered", &self.buffer().len())
            .field("capacity", &self.bytes.capacity())
            .finish()
    }
}
