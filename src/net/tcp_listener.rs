//! A TCP socket that accepts connections.
//!
//! There is no builder (Tokio's `TcpSocket`): who wants another backlog or other options makes the socket with `socket2`, and
//! gives it to `from_std`.

use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::task::{Context, Poll};

use socket2::SockRef;

use super::lookup::{first, resolve};
use super::methods::{descriptor, options};
use super::{TcpStream, ToSocketAddrs};
use crate::context;
use crate::reactor::{Direction, Io};

/// How many connections may wait to be accepted: as in Tokio. mio asks for 128; more come at once, and each that is one too
/// many tries again only after a second.
const BACKLOG: i32 = 1024;

/// A TCP socket that accepts connections.
///
/// ```
/// use samovar::io::{AsyncReadExt, AsyncWriteExt};
/// use samovar::net::{TcpListener, TcpStream};
///
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let listener = TcpListener::bind("127.0.0.1:0").await?; // port 0: any that is free
/// let address = listener.local_addr()?;
/// let server = samovar::spawn(async move {
///     let (mut stream, _peer) = listener.accept().await?;
///     stream.write_all(b"tea").await
/// });
///
/// let mut answer = String::new();
/// TcpStream::connect(address).await?.read_to_string(&mut answer).await?;
/// assert_eq!(answer, "tea");
/// # server.await.unwrap()?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct TcpListener {
    /// The socket.
    io: Io<mio::net::TcpListener>,
}

descriptor!(
    TcpListener,
    std::net::TcpListener,
    SocketAddr,
    "let socket = std::net::TcpListener::bind(\"127.0.0.1:0\")?;"
);

options! {
    TcpListener, "# let ours = samovar::net::TcpListener::bind(\"127.0.0.1:0\").await?;";
    ttl, set_ttl: u32 = 100, "the time to live of its packets (`IP_TTL`), in hops";
}

impl TcpListener {
    /// Listens on an address. If there are several, on the first that can be had.
    ///
    /// Port 0 asks for any free port; [`local_addr`](TcpListener::local_addr) tells which it is. `SO_REUSEADDR` is set, so that
    /// a server can be started again at once. The queue of connections that nobody has accepted yet
    /// is 1024 long, or as long as the system allows.
    ///
    /// # Errors
    ///
    /// When the address cannot be understood, looked up or listened on. The message names it.
    ///
    /// # Panics
    ///
    /// When it is polled outside a runtime; the message names the line of this call.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, it listens nowhere.
    ///
    /// ```
    /// use samovar::net::TcpListener;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let first = TcpListener::bind("127.0.0.1:0").await?;
    /// let error = TcpListener::bind(first.local_addr()?).await.unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    ///
    /// let error = TcpListener::bind("localhost").await.unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     r#"invalid socket address "localhost": the port is missing; write for example "localhost:8080""#
    /// );
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> impl Future<Output = io::Result<TcpListener>> {
        let caller = Location::caller();
        async move {
            context::expect_runtime_for("bind a `TcpListener`", caller);
            let addresses = resolve(addr.to_target()).await?;
            let socket = first("cannot listen on", addresses, |address| {
                let socket = mio::net::TcpListener::bind(address)?;
                SockRef::from(&socket).listen(BACKLOG)?;
                Ok(socket)
            })?;
            Ok(TcpListener {
                io: Io::new(socket),
            })
        }
    }

    /// Waits for the next connection, and gives it with the address of its peer.
    ///
    /// Any number of tasks may accept at once; each connection goes to one of them.
    ///
    /// # Errors
    ///
    /// What the system says. Most errors concern one connection, or pass: a server logs them and goes on. When there are
    /// no descriptors left (`EMFILE`) the connection stays in the queue, and every call fails at once until one is
    /// closed: sleep a moment between the calls. A loop that does not still lets other tasks run.
    ///
    /// # Panics
    ///
    /// When it has to wait, and is polled outside a runtime for the first time.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, it has taken no connection.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// use samovar::net::{TcpListener, TcpStream};
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let ours = TcpStream::connect(listener.local_addr()?).await?;
    /// let (theirs, peer) = listener.accept().await?;
    /// assert_eq!(peer, ours.local_addr()?);
    /// # drop(theirs);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (socket, peer) = self
            .io
            .io(Direction::Read, mio::net::TcpListener::accept)
            .await?;
        Ok((TcpStream::new(Io::new(socket)), peer))
    }

    /// [`accept`](TcpListener::accept) by polling, for one task: its waker replaces the one of an earlier call.
    ///
    /// # Errors
    ///
    /// As [`accept`](TcpListener::accept).
    ///
    /// # Panics
    ///
    /// When it has to wait, and is called outside a runtime for the first time.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// use samovar::net::{TcpListener, TcpStream};
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let ours = TcpStream::connect(listener.local_addr()?).await?;
    /// let (theirs, peer) = std::future::poll_fn(|cx| listener.poll_accept(cx)).await?;
    /// assert_eq!(peer, ours.local_addr()?);
    /// # drop(theirs);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.io
            .poll_io(Direction::Read, cx, mio::net::TcpListener::accept)
            .map_ok(|(socket, peer)| (TcpStream::new(Io::new(socket)), peer))
    }
}
