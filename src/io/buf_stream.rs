//! [`BufStream`]: a stream with a buffer in each direction.
//!
//! It is only a name for a reader around a writer: each of the two passes the other direction on.

use futures_io::{AsyncRead, AsyncWrite};

use super::pass_on::{passes_buffer_on, passes_reads_on, passes_writes_on};
use super::{BufReader, BufWriter, DEFAULT_CAPACITY};

/// A stream with a buffer in each direction: a [`BufReader`] around a [`BufWriter`].
///
/// **What is in the writing buffer is lost when this is dropped**: flush first. Flush also before you wait for an answer: to
/// read does not send the question.
///
/// ```
/// use samovar::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
///
/// # samovar::block_on(async {
/// let (guest, host) = samovar::io::duplex(64);
/// let mut guest = BufStream::new(guest);
/// guest.write_all(b"tea, please\n").await?;
/// guest.flush().await?;
///
/// let mut host = BufStream::new(host);
/// let mut order = String::new();
/// host.read_line(&mut order).await?;
/// assert_eq!(order, "tea, please\n");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[must_use = "what is in the writing buffer is lost without a flush"]
#[derive(Debug)]
pub struct BufStream<S> {
    /// What reads, and lets writes through to what writes.
    inner: BufReader<BufWriter<S>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> BufStream<S> {
    /// With two buffers of 8 KiB.
    ///
    /// ```
    /// let (stream, _peer) = samovar::io::duplex(64);
    /// let stream = samovar::io::BufStream::new(stream);
    /// # drop(stream);
    /// ```
    pub fn new(stream: S) -> Self {
        Self::with_capacity(DEFAULT_CAPACITY, DEFAULT_CAPACITY, stream)
    }

    /// With buffers of so many bytes, first the reading one.
    ///
    /// # Panics
    ///
    /// When that of the reading one is zero: nothing could ever be read.
    ///
    /// ```
    /// let (stream, _peer) = samovar::io::duplex(64);
    /// let stream = samovar::io::BufStream::with_capacity(64 * 1024, 1024, stream);
    /// # drop(stream);
    /// ```
    #[track_caller]
    pub fn with_capacity(reading: usize, writing: usize, stream: S) -> Self {
        let writer = BufWriter::with_capacity(writing, stream);
        Self {
            inner: BufReader::with_capacity(reading, writer),
        }
    }
}

impl<S> BufStream<S> {
    /// The stream.
    ///
    /// ```
    /// let (stream, _peer) = samovar::io::duplex(64);
    /// let stream = samovar::io::BufStream::new(stream);
    /// println!("{:?}", stream.get_ref());
    /// ```
    pub fn get_ref(&self) -> &S {
        self.inner.get_ref().get_ref()
    }

    /// The stream. What is done with it here passes by the buffers.
    ///
    /// ```
    /// let (stream, other) = samovar::io::duplex(64);
    /// let mut stream = samovar::io::BufStream::new(stream);
    /// *stream.get_mut() = other;
    /// ```
    pub fn get_mut(&mut self) -> &mut S {
        self.inner.get_mut().get_mut()
    }

    /// The stream. What is in the buffers is lost.
    ///
    /// ```
    /// let (stream, _peer) = samovar::io::duplex(64);
    /// let stream = samovar::io::BufStream::new(stream).into_inner();
    /// # drop(stream);
    /// ```
    pub fn into_inner(self) -> S {
        self.inner.into_inner().into_inner()
    }
}

passes_reads_on!([S: AsyncRead + AsyncWrite + Unpin] BufStream<S>);
passes_buffer_on!([S: AsyncRead + AsyncWrite + Unpin] BufStream<S>);
passes_writes_on!([S: AsyncRead + AsyncWrite + Unpin] BufStream<S>);
