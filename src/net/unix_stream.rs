//! A connection between two Unix sockets.

use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use super::error::at;
use super::methods::{byte_stream, readiness};
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

readiness!(
    UnixStream,
    std::os::unix::net::UnixStream,
    "let (ours, theirs) = samovar::net::UnixStream::pair()?;"
);

byte_stream!(
    UnixStream,
    "let (ours, theirs) = samovar::net::UnixStream::pair()?;"
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
    /// When it is polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it closes the socket: there is no connection.
    pub async fn connect<P: AsRef<Path>>(path: P) -> io::Result<UnixStream> {
        context::expect_runtime("connect a `UnixStream`");
        let address = address(path.as_ref())?;
        UnixStream::connect_addr(&address).await
    }

    /// [`connect`](UnixStream::connect) with an address of the standard library.
    ///
    /// # Errors
    ///
    /// As [`connect`](UnixStream::connect).
    ///
    /// # Panics
    ///
    /// When it is polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// As [`connect`](UnixStream::connect).
    pub async fn connect_addr(socket_addr: &SocketAddr) -> io::Result<UnixStream> {
        context::expect_runtime("connect a `UnixStream`");
        let socket = match mio::net::UnixStream::connect_addr(socket_addr) {
            Ok(socket) => connected(socket).await,
            Err(error) => Err(error),
        };
        match socket {
            Ok(io) => Ok(UnixStream { io }),
            Err(error) => Err(at("cannot connect to", shown(socket_addr), error)),
        }
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

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// When the system does not tell it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().local_addr()
    }

    /// The address of the peer.
    ///
    /// # Errors
    ///
    /// When the system does not tell it.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().peer_addr()
    }
}
