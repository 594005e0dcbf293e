//! A Unix socket that accepts connections.
//!
//! `bind` is no `async fn`, as in Tokio: a path needs no lookup, so there is nothing to wait for.

use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::task::{Context, Poll};

use super::UnixStream;
use super::error::at;
use super::methods::descriptor;
use super::unix_address::{address, shown};
use crate::context;
use crate::reactor::{Direction, Io};

/// A Unix socket that accepts connections.
///
/// Its file stays when the listener is dropped, and stands in the way of the next `bind`: remove it.
///
/// ```
/// use samovar::net::{UnixListener, UnixStream};
///
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let path = std::env::temp_dir().join(format!("samovar-doc-{}.socket", std::process::id()));
/// # let _ = std::fs::remove_file(&path);
/// let listener = UnixListener::bind(&path)?;
/// let ours = UnixStream::connect(&path).await?;
/// let (theirs, _) = listener.accept().await?;
/// std::fs::remove_file(&path)?;
///
/// theirs.try_write(b"tea")?;
/// ours.readable().await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct UnixListener {
    /// The socket.
    io: Io<mio::net::UnixListener>,
}

descriptor!(
    UnixListener,
    std::os::unix::net::UnixListener,
    SocketAddr,
    "# let path = std::env::temp_dir().join(format!(\"samovar-doc-std-{}.socket\", std::process::id()));
let socket = std::os::unix::net::UnixListener::bind(&path)?;
# std::fs::remove_file(&path)?;"
);

impl UnixListener {
    /// Creates a socket file and listens on it. On Linux a path that begins with a NUL byte is a name in the abstract
    /// namespace, which has no file.
    ///
    /// # Errors
    ///
    /// When the path is too long, or the system refuses it; `AddrInUse` when there is such a file. The message names it.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// use samovar::net::UnixListener;
    /// let path = std::env::temp_dir().join(format!("samovar-doc-bind-{}.socket", std::process::id()));
    /// let _ = std::fs::remove_file(&path); // of an earlier run, if there is one
    /// let listener = UnixListener::bind(&path)?;
    /// # std::fs::remove_file(&path)?;
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        context::expect_runtime("bind a `UnixListener`");
        listen(&address(path.as_ref())?)
    }

    /// [`bind`](UnixListener::bind) with an address of the standard library.
    ///
    /// # Errors
    ///
    /// When the system refuses it. The message names the address.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let path = std::env::temp_dir().join(format!("samovar-doc-bind-addr-{}.socket", std::process::id()));
    /// use samovar::net::{UnixListener, unix::SocketAddr};
    /// let address = SocketAddr::from_pathname(&path)?;
    /// let listener = UnixListener::bind_addr(&address)?;
    /// assert_eq!(listener.local_addr()?.as_pathname(), Some(&*path));
    /// # std::fs::remove_file(&path)?;
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn bind_addr(socket_addr: &SocketAddr) -> io::Result<UnixListener> {
        context::expect_runtime("bind a `UnixListener`");
        listen(socket_addr)
    }

    /// Waits for the next connection, and gives it with the address of its peer, which most often has no name.
    ///
    /// Any number of tasks may accept at once; each connection goes to one of them.
    ///
    /// # Errors
    ///
    /// As [`TcpListener::accept`](super::TcpListener::accept).
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
    /// # let path = std::env::temp_dir().join(format!("samovar-doc-accept-{}.socket", std::process::id()));
    /// use samovar::net::{UnixListener, UnixStream};
    /// let listener = UnixListener::bind(&path)?;
    /// let ours = UnixStream::connect(&path).await?;
    /// let (theirs, _) = listener.accept().await?;
    /// # drop((ours, theirs));
    /// # std::fs::remove_file(&path)?;
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub async fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (socket, peer) = self
            .io
            .io(Direction::Read, mio::net::UnixListener::accept)
            .await?;
        Ok((UnixStream::new(Io::new(socket)), peer))
    }

    /// [`accept`](UnixListener::accept) by polling, for one task: its waker replaces the one of an earlier call.
    ///
    /// # Errors
    ///
    /// As [`accept`](UnixListener::accept).
    ///
    /// # Panics
    ///
    /// When it has to wait, and is called outside a runtime for the first time.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let path = std::env::temp_dir().join(format!("samovar-doc-poll-{}.socket", std::process::id()));
    /// use samovar::net::{UnixListener, UnixStream};
    /// let listener = UnixListener::bind(&path)?;
    /// let ours = UnixStream::connect(&path).await?;
    /// let (theirs, _) = std::future::poll_fn(|cx| listener.poll_accept(cx)).await?;
    /// theirs.try_write(b"tea")?;
    /// ours.readable().await?;
    /// assert_eq!(ours.try_read(&mut [0; 8])?, 3);
    /// # std::fs::remove_file(&path)?;
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        self.io
            .poll_io(Direction::Read, cx, mio::net::UnixListener::accept)
            .map_ok(|(socket, peer)| (UnixStream::new(Io::new(socket)), peer))
    }
}

/// A listener on `address`. There is no queue to make longer, as for TCP: mio asks for the longest that the system allows.
fn listen(address: &SocketAddr) -> io::Result<UnixListener> {
    match mio::net::UnixListener::bind_addr(address) {
        Ok(socket) => Ok(UnixListener {
            io: Io::new(socket),
        }),
        Err(error) => Err(at("cannot listen on", shown(address), error)),
    }
}
