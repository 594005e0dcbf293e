//! A TCP connection.
//!
//! Connecting, peeking and the options are here. Reading, writing and waiting it shares: `stream.rs` and `methods.rs`.

use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;

use super::ToSocketAddrs;
use super::error::at;
use super::lookup::{no_addresses, resolve};
use super::methods::{byte_stream, options};
use super::stream::connected;
use crate::context;
use crate::reactor::{Direction, Io};

/// A TCP connection.
///
/// It implements [`AsyncRead`](futures_io::AsyncRead) and [`AsyncWrite`](futures_io::AsyncWrite). A write that is ready
/// has given the bytes to the system; there is no buffer here, and flushing does nothing. Closing it (`close`, or
/// `shutdown`) ends the sending direction only. Dropping it closes the connection.
///
/// A future that reads or writes is cancel safe where it moves bytes in one call: dropped while it waits, it has
/// moved nothing. `write_all` and `read_exact` are several calls, and are not.
///
/// To read and write at the same time use [`split`](TcpStream::split) or [`into_split`](TcpStream::into_split).
///
/// ```
/// use samovar::io::{AsyncReadExt, AsyncWriteExt};
/// use samovar::net::{TcpListener, TcpStream};
///
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// # let listener = TcpListener::bind("127.0.0.1:0").await?;
/// # let address = listener.local_addr()?;
/// let mut stream = TcpStream::connect(address).await?;
/// stream.write_all(b"one cup, please").await?;
/// stream.shutdown().await?; // that was all
///
/// let (mut served, _) = listener.accept().await?;
/// let mut order = String::new();
/// served.read_to_string(&mut order).await?;
/// assert_eq!(order, "one cup, please");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct TcpStream {
    /// The socket.
    io: Io<mio::net::TcpStream>,
}

byte_stream!(
    TcpStream,
    std::net::TcpStream,
    SocketAddr,
    "# let listener = samovar::net::TcpListener::bind(\"127.0.0.1:0\").await?;
# let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
# let (theirs, _) = listener.accept().await?;",
    "# let listener = std::net::TcpListener::bind(\"127.0.0.1:0\")?;
let socket = std::net::TcpStream::connect(listener.local_addr()?)?;"
);

options! {
    TcpStream, "# let listener = samovar::net::TcpListener::bind(\"127.0.0.1:0\").await?;
# let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;";
    nodelay, set_nodelay: bool = true, "whether small writes are sent at once (`TCP_NODELAY`), not held back for more to \
        come; a program that answers in small pieces wants that";
    ttl, set_ttl: u32 = 100, "the time to live of its packets (`IP_TTL`), in hops";
}

impl TcpStream {
    /// A connection that is established.
    pub(super) fn new(io: Io<mio::net::TcpStream>) -> TcpStream {
        TcpStream { io }
    }

    /// Connects to an address. If there are several, it tries one after the other until one answers.
    ///
    /// It is ready when the connection is established, so a closed port is an error of this call, not of the first write.
    /// There is no time limit but the system's, which is minutes: put [`timeout`](crate::time::timeout) around it.
    ///
    /// A port of this machine to which nobody listens may, rarely, be the very one that the system gives to this end. The
    /// socket is then connected to itself. Do not connect to ports that were free a moment ago.
    ///
    /// # Errors
    ///
    /// When the address cannot be understood, looked up or connected to; the last one's error, if there were several. The
    /// message names the address. `ConnectionRefused`: nobody listens there.
    ///
    /// # Panics
    ///
    /// When it is polled outside a runtime; the message names the line of this call.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it closes the socket: there is no connection.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// use samovar::net::{TcpListener, TcpStream};
    /// use samovar::time::{Duration, timeout};
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = timeout(Duration::from_secs(5), TcpStream::connect(listener.local_addr()?)).await??;
    /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(addr: A) -> impl Future<Output = io::Result<TcpStream>> {
        let caller = Location::caller();
        async move {
            context::expect_runtime_for("connect a `TcpStream`", caller);
            let mut last = None;
            for address in resolve(addr.to_target()).await? {
                match TcpStream::connect_to(address).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last = Some(at("cannot connect to", address, error)),
                }
            }
            Err(last.unwrap_or_else(no_addresses))
        }
    }

    /// Connects to one address.
    async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
        let socket = mio::net::TcpStream::connect(address)?;
        connected(socket).await.map(TcpStream::new)
    }

    /// Waits for data and copies it without taking it: the next read gets it again. `Ok(0)` is the end of the stream, or an
    /// empty buffer.
    ///
    /// # Errors
    ///
    /// When the connection is broken, or the runtime has been shut down.
    ///
    /// # Panics
    ///
    /// When it has to wait, and is polled outside a runtime for the first time.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it takes nothing.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// # let (theirs, _) = listener.accept().await?;
    /// theirs.try_write(b"tea")?;
    /// let mut buffer = [0; 8];
    /// assert_eq!(ours.peek(&mut buffer).await?, 3);
    /// assert_eq!(ours.try_read(&mut buffer)?, 3);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.io
            .io(Direction::Read, |socket| socket.peek(buffer))
            .await
    }

    /// [`peek`](TcpStream::peek) by polling, for the one task that polls for reading.
    ///
    /// # Errors
    ///
    /// When the connection is broken, or the runtime has been shut down.
    ///
    /// # Panics
    ///
    /// When it has to wait, and is called outside a runtime for the first time.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// # let (theirs, _) = listener.accept().await?;
    /// theirs.try_write(b"tea")?;
    /// let mut buffer = [0; 8];
    /// assert_eq!(std::future::poll_fn(|cx| ours.poll_peek(cx, &mut buffer)).await?, 3);
    /// assert_eq!(ours.try_read(&mut buffer)?, 3); // the same bytes
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn poll_peek(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.io
            .poll_io(Direction::Read, cx, |socket| socket.peek(buffer))
    }

    /// How long closing the stream waits for data that was not sent yet (`SO_LINGER`); `None`: not at all, the system sends
    /// it afterwards.
    ///
    /// # Errors
    ///
    /// When the system does not tell it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// assert_eq!(ours.linger()?, None);
    /// ours.set_zero_linger()?;
    /// assert_eq!(ours.linger()?, Some(Duration::ZERO));
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        SockRef::from(self).linger()
    }

    /// Sets how long closing the stream waits for data that was not sent yet (`SO_LINGER`), in whole seconds; `None`, the
    /// default: not at all, the system sends it afterwards.
    ///
    /// The wait blocks the thread that drops the stream, and with it its worker: only `None` and zero are of use in a
    /// task. For zero see [`set_zero_linger`](TcpStream::set_zero_linger).
    ///
    /// # Errors
    ///
    /// When the system refuses it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// ours.set_linger(Some(Duration::ZERO))?; // dropping it would reset the connection
    /// ours.set_linger(None)?; // and now it would not
    /// assert_eq!(ours.linger()?, None);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn set_linger(&self, duration: Option<Duration>) -> io::Result<()> {
        SockRef::from(self).set_linger(duration)
    }

    /// Makes dropping the stream reset the connection: data that was not sent is thrown away, and the peer's next read
    /// fails with `ConnectionReset`.
    ///
    /// # Errors
    ///
    /// When the system refuses it.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # use samovar::io::{AsyncReadExt, ErrorKind};
    /// # let listener = samovar::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let ours = samovar::net::TcpStream::connect(listener.local_addr()?).await?;
    /// # let (mut theirs, _) = listener.accept().await?;
    /// ours.set_zero_linger()?;
    /// drop(ours);
    /// let error = theirs.read(&mut [0; 8]).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }
}
