//! A connection between two Unix sockets.
//!
//! Connecting is here. Reading, writing and waiting it shares with TCP: `stream.rs` and `methods.rs`.

use std::io;
use std::os::unix::net::SocketAddr;
use std::panic::Location;
use std::path::Path;

use super::error::at;
use super::methods::byte_stream;
use super::stream::connected;
use super::unix_address::{address, shown};
use crate::context;
use crate::reactor::Io;

/// A connection between two Unix sockets, on one machine.
///
/// What is said of reading, writing and closing a [`TcpStream`](super::TcpStream) is true of this too.
///
/// There is no `peer_cred`: the standard library does not offer it yet.
///
/// ```
/// use samovar::io::{AsyncReadExt, AsyncWriteExt};
/// use samovar::net::UnixStream;
///
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let (mut ours, mut theirs) = UnixStream::pair()?;
/// theirs.write_all(b"tea").await?;
/// drop(theirs);
/// let mut text = String::new();
/// ours.read_to_string(&mut text).await?;
/// assert_eq!(text, "tea");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct UnixStream {
    /// The socket.
    io: Io<mio::net::UnixStream>,
}

byte_stream!(
    UnixStream,
    std::os::unix::net::UnixStream,
    SocketAddr,
    "let (ours, theirs) = samovar::net::UnixStream::pair()?;",
    "let (socket, _other) = std::os::unix::net::UnixStream::pair()?;"
);

impl UnixStream {
    /// A connection that is established.
    pub(super) fn new(io: Io<mio::net::UnixStream>) -> UnixStream {
        UnixStream { io }
    }

    /// Connects to a socket file. On Linux a path that begins with a NUL byte is a name in the abstract namespace.
    ///
    /// # Errors
    ///
    /// When the path is too long, or nobody listens there; the message names it. `WouldBlock`: the listener's queue is
    /// full, and the system offers no way to wait for it; try again later.
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
    /// # let path = std::env::temp_dir().join(format!("samovar-doc-connect-{}.socket", std::process::id()));
    /// use samovar::net::{UnixListener, UnixStream};
    /// let listener = UnixListener::bind(&path)?;
    /// let stream = UnixStream::connect(&path).await?;
    /// assert_eq!(stream.peer_addr()?.as_pathname(), Some(&*path));
    /// # std::fs::remove_file(&path)?;
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn connect<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<UnixStream>> {
        let caller = Location::caller();
        let address = address(path.as_ref());
        async move { UnixStream::connect_to(&address?, caller).await }
    }

    /// [`connect`](UnixStream::connect) with an address of the standard library.
    ///
    /// # Errors
    ///
    /// As [`connect`](UnixStream::connect).
    ///
    /// # Panics
    ///
    /// When it is polled outside a runtime; the message names the line of this call.
    ///
    /// # Cancel safety
    ///
    /// As [`connect`](UnixStream::connect).
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let path = std::env::temp_dir().join(format!("samovar-doc-connect-addr-{}.socket", std::process::id()));
    /// use samovar::net::{UnixListener, UnixStream, unix::SocketAddr};
    /// let address = SocketAddr::from_pathname(&path)?;
    /// let listener = UnixListener::bind_addr(&address)?;
    /// let stream = UnixStream::connect_addr(&address).await?;
    /// assert_eq!(stream.peer_addr()?.as_pathname(), Some(&*path));
    /// # std::fs::remove_file(&path)?;
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn connect_addr(socket_addr: &SocketAddr) -> impl Future<Output = io::Result<UnixStream>> {
        UnixStream::connect_to(socket_addr, Location::caller())
    }

    /// Connects, for a call that was made at `caller`.
    async fn connect_to(address: &SocketAddr, caller: &Location<'_>) -> io::Result<UnixStream> {
        context::expect_runtime_for("connect a `UnixStream`", caller);
        let connection = match mio::net::UnixStream::connect_addr(address) {
            Ok(socket) => connected(socket).await,
            Err(error) => Err(error),
        };
        connection
            .map(UnixStream::new)
            .map_err(|error| at("cannot connect to", shown(address), error))
    }

    /// Two sockets that are connected to each other.
    ///
    /// # Errors
    ///
    /// When there are no descriptors left.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// use samovar::io::{AsyncReadExt, AsyncWriteExt};
    /// let (mut ours, mut theirs) = samovar::net::UnixStream::pair()?;
    /// ours.write_all(b"tea").await?;
    /// let mut cup = [0; 3];
    /// theirs.read_exact(&mut cup).await?;
    /// assert_eq!(&cup, b"tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        context::expect_runtime("make a pair of `UnixStream`s");
        let (one, other) = mio::net::UnixStream::pair()?;
        Ok((
            UnixStream { io: Io::new(one) },
            UnixStream { io: Io::new(other) },
        ))
    }
}
