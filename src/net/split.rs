//! The halves of a stream, for reading and writing at the same time.
//!
//! There is one type for each direction. It is generic over how it holds the stream: by reference or by `Arc`, and
//! over which stream that is. (Tokio has eight types for that.) [`tcp`](super::tcp) and [`unix`](super::unix) have all of
//! them under Tokio's names. No lock is needed: the two directions are separate, in the system as in the reactor.
//!
//! The methods of a half do what the stream's methods of the same name do.

use std::error::Error;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::ops::Deref;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::stream::{self, HasIo, Socket, async_read, async_write};
use super::{Interest, Ready, TcpStream, ready};
use crate::reactor::{Direction, Io};

/// A stream with two directions: [`TcpStream`] and [`UnixStream`](super::UnixStream). Nothing else can implement it.
///
/// ```
/// use samovar::net::split::{Duplex, WriteHalf};
/// use std::ops::Deref;
///
/// // Takes the half of any stream, borrowed or not.
/// fn serve<P: Deref<Target: Duplex>>(writer: &WriteHalf<P>) -> std::io::Result<usize> {
///     writer.try_write(b"tea")
/// }
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// # let (ours, _theirs) = samovar::net::UnixStream::pair()?;
/// let (_reader, writer) = ours.into_split();
/// assert_eq!(serve(&writer)?, 3);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub trait Duplex: HasIo + fmt::Debug {}

/// What the addresses of the stream's ends are.
type Addr<P> = <<<P as Deref>::Target as HasIo>::Socket as Socket>::Addr;

/// The reading half of a stream: see [`TcpStream::split`] and [`TcpStream::into_split`].
///
/// Dropping it tells the peer nothing; the connection is closed when both halves are dropped.
///
/// ```
/// # use samovar::io::{AsyncReadExt, AsyncWriteExt};
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
/// # let (mut theirs, _) = listener.accept().await?;
/// let (mut reader, mut writer) = ours.into_split();
/// samovar::spawn(async move { writer.write_all(b"two cups").await });
/// samovar::spawn(async move { theirs.write_all(b"here you are").await });
/// let mut answer = String::new();
/// reader.read_to_string(&mut answer).await?;
/// assert_eq!(answer, "here you are");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct ReadHalf<P: Deref<Target: Duplex>> {
    /// The stream.
    stream: P,
}

/// The writing half of a stream: see [`TcpStream::split`] and [`TcpStream::into_split`].
///
/// Dropping the half that [`into_split`](TcpStream::into_split) made **shuts the sending direction down**: the peer reads
/// the end of the stream. [`forget`](Self::forget) does not, and neither does dropping the half that
/// [`split`](TcpStream::split) made.
///
/// ```
/// # use samovar::io::{AsyncReadExt, AsyncWriteExt};
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// # let (ours, mut theirs) = samovar::net::UnixStream::pair()?;
/// let (_reader, mut writer) = ours.into_split();
/// writer.write_all(b"the last word").await?;
/// drop(writer);
/// let mut text = String::new();
/// theirs.read_to_string(&mut text).await?; // finds the end, though `_reader` is still there
/// assert_eq!(text, "the last word");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct WriteHalf<P: Deref<Target: Duplex>> {
    /// The stream.
    stream: P,
    /// Whether the drop still has the sending direction to shut down.
    shut_down_on_drop: bool,
}

// The stream is never pinned through a half.
impl<P: Deref<Target: Duplex>> Unpin for WriteHalf<P> {}

/// `split`.
pub(super) fn borrowed<S: Duplex>(stream: &mut S) -> (ReadHalf<&S>, WriteHalf<&S>) {
    let writer = WriteHalf {
        stream: &*stream,
        shut_down_on_drop: false,
    };
    (ReadHalf { stream }, writer)
}

/// `into_split`.
pub(super) fn owned<S: Duplex>(stream: S) -> (ReadHalf<Arc<S>>, WriteHalf<Arc<S>>) {
    let stream = Arc::new(stream);
    let writer = WriteHalf {
        stream: stream.clone(),
        shut_down_on_drop: true,
    };
    (ReadHalf { stream }, writer)
}

/// What the two halves have word for word: the way to the stream, its readiness and its addresses.
macro_rules! half {
    ($half:ident) => {
        impl<P: Deref<Target: Duplex>> HasIo for $half<P> {
            type Socket = <P::Target as HasIo>::Socket;

            fn io(&self) -> &Io<Self::Socket> {
                self.stream.io()
            }
        }

        impl<P: Deref<Target: Duplex>> $half<P> {
            /// Waits until one of the directions of `interest` may be ready, and says which are. Cancel safe. See
            /// [`TcpStream::ready`].
            ///
            /// # Errors
            ///
            /// When the runtime has been shut down, or the system cannot wait for this socket.
            ///
            /// ```
            /// # use samovar::net::Interest;
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            /// # let (ours, theirs) = samovar::net::UnixStream::pair()?;
            /// let (reader, writer) = ours.into_split();
            /// assert!(writer.ready(Interest::WRITABLE).await?.is_writable());
            /// theirs.try_write(b"tea")?;
            /// assert!(reader.ready(Interest::READABLE).await?.is_readable());
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
                ready::ready(self.io(), interest).await
            }

            /// The address of the peer.
            ///
            /// # Errors
            ///
            /// When the connection has ended.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
            /// let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
            /// let (reader, writer) = ours.into_split();
            /// assert_eq!(reader.peer_addr()?, listener.local_addr()?);
            /// assert_eq!(writer.peer_addr()?, listener.local_addr()?);
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn peer_addr(&self) -> io::Result<Addr<P>> {
                self.io().get().peer()
            }

            /// The address of this end.
            ///
            /// # Errors
            ///
            /// When the system does not tell it.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
            /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
            /// let (_theirs, address) = listener.accept().await?; // where `ours` called from
            /// let (reader, writer) = ours.into_split();
            /// assert_eq!(reader.local_addr()?, address);
            /// assert_eq!(writer.local_addr()?, address);
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub fn local_addr(&self) -> io::Result<Addr<P>> {
                self.io().get().local()
            }
        }
    };
}
half!(ReadHalf);
half!(WriteHalf);

impl<P: Deref<Target: Duplex>> ReadHalf<P> {
    /// Waits until a read may succeed. Cancel safe. See [`TcpStream::readable`].
    ///
    /// # Errors
    ///
    /// When the runtime has been shut down, or the system cannot wait for this socket.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let (ours, theirs) = samovar::net::UnixStream::pair()?;
    /// let (reader, _writer) = ours.into_split();
    /// theirs.try_write(b"tea")?;
    /// reader.readable().await?;
    /// assert_eq!(reader.try_read(&mut [0; 16])?, 3);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub async fn readable(&self) -> io::Result<()> {
        self.io().ready(Direction::Read).await
    }

    /// Reads what is there, without waiting. See [`TcpStream::try_read`].
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing is there; else what the system says.
    ///
    /// ```
    /// # use samovar::io::{AsyncReadExt, AsyncWriteExt};
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut theirs, _) = listener.accept().await?;
    /// let (reader, _writer) = ours.into_split();
    /// theirs.write_all(b"tea").await?;
    /// reader.readable().await?;
    /// assert_eq!(reader.try_read(&mut [0; 16])?, 3);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        stream::try_read(self.io(), buffer)
    }

    /// [`try_read`](Self::try_read) into several buffers, one after the other.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing is there; else what the system says.
    ///
    /// ```
    /// # use std::io::IoSliceMut;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let (ours, theirs) = samovar::net::UnixStream::pair()?;
    /// let (reader, _writer) = ours.into_split();
    /// theirs.try_write(b"teacup")?;
    /// reader.readable().await?;
    /// let (mut tea, mut cup) = ([0; 3], [0; 3]);
    /// let mut buffers = [IoSliceMut::new(&mut tea), IoSliceMut::new(&mut cup)];
    /// assert_eq!(reader.try_read_vectored(&mut buffers)?, 6);
    /// assert_eq!((&tea, &cup), (b"tea", b"cup"));
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn try_read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        stream::try_read_vectored(self.io(), buffers)
    }
}

impl<P: Deref<Target = TcpStream>> ReadHalf<P> {
    /// Waits for data and copies it without taking it: the next read gets it again. Cancel safe. See [`TcpStream::peek`].
    ///
    /// # Errors
    ///
    /// When the connection is broken, or the runtime has been shut down.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// # let (theirs, _) = listener.accept().await?;
    /// let (mut reader, _writer) = ours.into_split();
    /// theirs.try_write(b"tea")?;
    /// let mut buffer = [0; 8];
    /// assert_eq!(reader.peek(&mut buffer).await?, 3);
    /// assert_eq!(reader.try_read(&mut buffer)?, 3); // it is still there
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub async fn peek(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.peek(buffer).await
    }

    /// [`peek`](Self::peek) by polling: see [`TcpStream::poll_peek`].
    ///
    /// # Errors
    ///
    /// When the connection is broken, or the runtime has been shut down.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// # let (theirs, _) = listener.accept().await?;
    /// let (mut reader, _writer) = ours.into_split();
    /// theirs.try_write(b"tea")?;
    /// let mut buffer = [0; 8];
    /// let count = std::future::poll_fn(|cx| reader.poll_peek(cx, &mut buffer)).await?;
    /// assert_eq!(&buffer[..count], b"tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn poll_peek(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_peek(cx, buffer)
    }
}

impl<S: Duplex> ReadHalf<Arc<S>> {
    /// Makes one stream of its two halves again.
    ///
    /// # Errors
    ///
    /// Gives both halves back when they are not of the same stream.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let (ours, theirs) = samovar::net::UnixStream::pair()?;
    /// let (reader, writer) = ours.into_split();
    /// let ours = reader.reunite(writer).expect("two halves of one stream");
    /// # drop((ours, theirs));
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn reunite(self, other: WriteHalf<Arc<S>>) -> Result<S, ReuniteError<S>> {
        if !Arc::ptr_eq(&self.stream, &other.stream) {
            return Err(ReuniteError(self, other));
        }
        other.forget();
        Ok(Arc::into_inner(self.stream).expect("the two halves had the only two references"))
    }
}

impl<P: Deref<Target: Duplex>> WriteHalf<P> {
    /// Waits until a write may succeed. Cancel safe. See [`TcpStream::writable`].
    ///
    /// # Errors
    ///
    /// When the runtime has been shut down, or the system cannot wait for this socket.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let (ours, _theirs) = samovar::net::UnixStream::pair()?;
    /// let (_reader, writer) = ours.into_split();
    /// writer.writable().await?;
    /// assert_eq!(writer.try_write(b"tea")?, 3);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub async fn writable(&self) -> io::Result<()> {
        self.io().ready(Direction::Write).await
    }

    /// Writes as much as there is room for, without waiting. See [`TcpStream::try_write`].
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no room; else what the system says.
    ///
    /// ```
    /// # use samovar::io::{AsyncReadExt, AsyncWriteExt};
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut theirs, _) = listener.accept().await?;
    /// let (_reader, writer) = ours.into_split();
    /// writer.writable().await?;
    /// assert_eq!(writer.try_write(b"tea")?, 3);
    /// # theirs.read_exact(&mut [0; 3]).await?;
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        stream::try_write(self.io(), bytes)
    }

    /// [`try_write`](Self::try_write) from several buffers, one after the other.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no room; else what the system says.
    ///
    /// ```
    /// # use std::io::IoSlice;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let (ours, theirs) = samovar::net::UnixStream::pair()?;
    /// let (_reader, writer) = ours.into_split();
    /// let parts = [IoSlice::new(b"tea"), IoSlice::new(b"cup")];
    /// assert_eq!(writer.try_write_vectored(&parts)?, 6);
    /// assert_eq!(theirs.try_read(&mut [0; 16])?, 6);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn try_write_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        stream::try_write_vectored(self.io(), bytes)
    }
}

impl<S: Duplex> WriteHalf<Arc<S>> {
    /// Makes one stream of its two halves again: see [`ReadHalf::reunite`].
    ///
    /// # Errors
    ///
    /// Gives both halves back when they are not of the same stream.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let (ours, _theirs) = samovar::net::UnixStream::pair()?;
    /// let (reader, writer) = ours.into_split();
    /// let ours = writer.reunite(reader).expect("two halves of one stream");
    /// assert_eq!(ours.try_write(b"tea")?, 3); // nothing was shut down
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn reunite(self, other: ReadHalf<Arc<S>>) -> Result<S, ReuniteError<S>> {
        other.reunite(self)
    }

    /// Drops the half without shutting the sending direction down. The connection is then closed by the other half's drop.
    ///
    /// ```
    /// # use samovar::io::{AsyncReadExt, AsyncWriteExt};
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut theirs, _) = listener.accept().await?;
    /// let (reader, writer) = ours.into_split();
    /// writer.forget();
    /// # let mut rest = Vec::new();
    /// drop(reader); // only now the peer sees the end of the stream
    /// assert_eq!(theirs.read_to_end(&mut rest).await?, 0);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn forget(mut self) {
        self.shut_down_on_drop = false;
    }
}

impl<P: Deref<Target: Duplex>> Drop for WriteHalf<P> {
    fn drop(&mut self) {
        if self.shut_down_on_drop {
            // It fails when the connection is broken, and then the peer knows.
            let _ = stream::shut_down(self.stream.io());
        }
    }
}

/// `poll_close`: what the drop would do, done now.
fn close<P: Deref<Target: Duplex>>(half: &mut WriteHalf<P>) -> io::Result<()> {
    stream::shut_down(half.io())?;
    half.shut_down_on_drop = false;
    Ok(())
}

async_read!([P: Deref<Target: Duplex>] ReadHalf<P>);
async_write!([P: Deref<Target: Duplex>] WriteHalf<P>, close);

/// The two halves were not of the same stream. It gives them back.
///
/// ```
/// # use samovar::io::{AsyncReadExt, AsyncWriteExt};
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
/// # let (mut theirs, _) = listener.accept().await?;
/// let (reader, _) = ours.into_split();
/// let (_, writer) = theirs.into_split();
/// assert!(reader.reunite(writer).is_err());
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct ReuniteError<S: Duplex>(
    /// The reading half.
    pub ReadHalf<Arc<S>>,
    /// The writing half.
    pub WriteHalf<Arc<S>>,
);

impl<S: Duplex> fmt::Display for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these are not the two halves of one stream")
    }
}

impl<S: Duplex> Error for ReuniteError<S> {}
