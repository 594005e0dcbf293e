//! [`split()`]: the two directions of a stream as two values.
//!
//! Both halves need `&mut` of the same stream, so it is behind a lock, which is held during one poll, never while a task
//! waits. This is the one lock of the crate under which foreign code runs: the stream's `poll_read` and its kin. It cannot be
//! otherwise, since that code is what the lock guards. It is safe as long as the code under it does not come back to one of
//! these two halves on the same thread: a stream that contains its own half, or a waker that polls one of them inside
//! `clone` or `drop`. Nobody else can wait for this lock: it is private, and it is never held together with another of ours.
//!
//! A socket needs none of this: `TcpStream::into_split` has no lock. Rejected: to answer `Pending` when the other half has
//! the lock (it needs a third place for a waker, and a wake per collision, to save a wait of a microsecond).

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use crate::shim::{Arc, Mutex, lock};

/// Makes two values of a stream, one that reads and one that writes, so that two tasks can have one each.
///
/// [`ReadHalf::unsplit`] undoes it. The stream is dropped together with the second half. To drop the writing half does not
/// tell the peer anything: [shut it down](super::AsyncWriteExt::shutdown) for that.
///
/// The halves exclude each other for the time of one poll. A TCP stream can do better:
/// [`into_split`](crate::net::TcpStream::into_split).
///
/// ```
/// use samovar::io::{AsyncReadExt, AsyncWriteExt, copy, duplex, split};
///
/// # samovar::block_on(async {
/// let (mut guest, echo) = duplex(64);
/// guest.write_all(b"hello").await?;
/// guest.shutdown().await?;
///
/// let (mut reader, mut writer) = split(echo);
/// copy(&mut reader, &mut writer).await?; // from a stream to itself
///
/// let mut word = [0; 5];
/// guest.read_exact(&mut word).await?;
/// assert_eq!(&word, b"hello");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn split<S: AsyncRead + AsyncWrite>(stream: S) -> (ReadHalf<S>, WriteHalf<S>) {
    let shared = Shared(Arc::new(Mutex::new(Box::pin(stream))));
    (ReadHalf(shared.clone()), WriteHalf(shared))
}

/// The reading half of a stream, made by [`split()`].
///
/// ```
/// let (stream, _peer) = samovar::io::duplex(64);
/// let (reader, writer) = samovar::io::split(stream);
/// assert!(reader.is_pair_of(&writer));
/// ```
pub struct ReadHalf<S>(Shared<S>);

/// The writing half of a stream, made by [`split()`].
///
/// ```
/// let (stream, _peer) = samovar::io::duplex(64);
/// let (reader, writer) = samovar::io::split(stream);
/// assert!(writer.is_pair_of(&reader));
/// ```
pub struct WriteHalf<S>(Shared<S>);

/// The stream. The lock guards it for the time of one poll; it is pinned, so that a stream need not be `Unpin`.
struct Shared<S>(Arc<Mutex<Pin<Box<S>>>>);

impl<S> Shared<S> {
    /// Another reference.
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }

    /// Calls `poll` with the stream.
    fn with<T>(&self, poll: impl FnOnce(Pin<&mut S>) -> T) -> T {
        poll(lock(&self.0).as_mut())
    }
}

impl<S> ReadHalf<S> {
    /// Whether the two are halves of the same stream.
    ///
    /// ```
    /// use samovar::io::{duplex, split};
    ///
    /// let (one, other) = duplex(64);
    /// let (reader, writer) = split(one);
    /// let (_, other_writer) = split(other);
    /// assert!(reader.is_pair_of(&writer));
    /// assert!(!reader.is_pair_of(&other_writer));
    /// ```
    pub fn is_pair_of(&self, writer: &WriteHalf<S>) -> bool {
        Arc::ptr_eq(&self.0.0, &writer.0.0)
    }

    /// Makes one stream of its two halves again.
    ///
    /// # Panics
    ///
    /// When they are not halves of the same stream: see [`is_pair_of`](ReadHalf::is_pair_of).
    ///
    /// ```
    /// use samovar::io::{duplex, split};
    ///
    /// let (stream, _peer) = duplex(64);
    /// let (reader, writer) = split(stream);
    /// let stream = reader.unsplit(writer);
    /// # drop(stream);
    /// ```
    #[track_caller]
    pub fn unsplit(self, writer: WriteHalf<S>) -> S
    where
        S: Unpin,
    {
        assert!(
            self.is_pair_of(&writer),
            "`unsplit` of two halves that are not of the same stream"
        );
        drop(writer);
        let Ok(stream) = Arc::try_unwrap(self.0.0) else {
            unreachable!("the two halves have the only two references");
        };
        // A panic of the stream's own may have poisoned the lock. What the stream is worth then is the caller's to judge.
        let stream = stream
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        *Pin::into_inner(stream)
    }
}

impl<S> WriteHalf<S> {
    /// Whether the two are halves of the same stream.
    ///
    /// ```
    /// let (stream, _peer) = samovar::io::duplex(64);
    /// let (reader, writer) = samovar::io::split(stream);
    /// assert!(writer.is_pair_of(&reader));
    /// ```
    pub fn is_pair_of(&self, reader: &ReadHalf<S>) -> bool {
        reader.is_pair_of(self)
    }
}

impl<S: AsyncRead> AsyncRead for ReadHalf<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.0.with(|stream| stream.poll_read(cx, buf))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.with(|stream| stream.poll_read_vectored(cx, bufs))
    }
}

impl<S: AsyncWrite> AsyncWrite for WriteHalf<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.with(|stream| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.with(|stream| stream.poll_write_vectored(cx, bufs))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.with(|stream| stream.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.with(|stream| stream.poll_close(cx))
    }
}

// Without the stream: its lock may be held, and this must not wait.
impl<S> fmt::Debug for ReadHalf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for WriteHalf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").finish_non_exhaustive()
    }
}
