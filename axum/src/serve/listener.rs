//! What a server accepts connections from: TCP, Unix sockets, or what a program makes of them.

use std::fmt;
use std::future::Future;
use std::io;
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use samovar::net;
use samovar::time::sleep;

/// Where connections come from. Implement it to serve over TLS, or over something that is no socket at all:
///
/// ```
/// # use samovar_axum as axum;
/// use std::future::pending;
/// use std::io;
///
/// use axum::serve::Listener;
/// use samovar::io::DuplexStream;
/// use samovar::sync::mpsc;
///
/// /// Connections from the same process, for tests.
/// struct Door(mpsc::Receiver<DuplexStream>);
///
/// impl Listener for Door {
///     type Io = DuplexStream;
///     type Addr = ();
///
///     async fn accept(&mut self) -> (DuplexStream, ()) {
///         match self.0.recv().await {
///             Some(guest) => (guest, ()),
///             None => pending().await, // nobody will ever come
///         }
///     }
///
///     fn local_addr(&self) -> io::Result<()> {
///         Ok(())
///     }
/// }
/// ```
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Where it comes from.
    type Addr: Send;

    /// Whether `poll_write_vectored` of a connection writes several buffers at once: see
    /// [`samovar::hyper::Io::vectored`]. `false` is always right.
    const VECTORED: bool = false;

    /// Waits for a connection. Errors are the listener's own to deal with.
    ///
    /// # Cancel safety
    ///
    /// It is dropped when a server [ends](super::Serve::with_graceful_shutdown), and not called again.
    fn accept(&mut self) -> impl Future<Output = (Self::Io, Self::Addr)> + Send;

    /// The address that is listened on.
    ///
    /// # Errors
    ///
    /// When the system does not tell it.
    fn local_addr(&self) -> io::Result<Self::Addr>;
}

impl Listener for net::TcpListener {
    type Io = net::TcpStream;
    type Addr = std::net::SocketAddr;

    const VECTORED: bool = true;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let listener = &*self;
        persistently(|| listener.accept()).await
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        net::TcpListener::local_addr(self)
    }
}

impl Listener for net::UnixListener {
    type Io = net::UnixStream;
    type Addr = std::os::unix::net::SocketAddr;

    const VECTORED: bool = true;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let listener = &*self;
        persistently(|| listener.accept()).await
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        net::UnixListener::local_addr(self)
    }
}

/// What more a [`Listener`] can.
pub trait ListenerExt: Listener + Sized {
    /// Calls `tap` with each connection that is accepted, to set its options for example.
    ///
    /// ```no_run
    /// # use samovar_axum as axum;
    /// use axum::serve::ListenerExt;
    ///
    /// # async fn example(app: axum::Router) {
    /// let listener = samovar::net::TcpListener::bind("0.0.0.0:3000")
    ///     .await
    ///     .unwrap()
    ///     .tap_io(|stream| drop(stream.set_nodelay(true)));
    /// axum::serve(listener, app).await.unwrap();
    /// # }
    /// ```
    fn tap_io<F>(self, tap: F) -> TapIo<Self, F>
    where
        F: FnMut(&mut Self::Io) + Send + 'static,
    {
        TapIo {
            listener: self,
            tap,
        }
    }
}

impl<L: Listener> ListenerExt for L {}

/// A listener that shows its connections to a closure. Made by [`ListenerExt::tap_io`].
pub struct TapIo<L, F> {
    /// The listener.
    listener: L,
    /// The closure.
    tap: F,
}

impl<L, F> Listener for TapIo<L, F>
where
    L: Listener,
    F: FnMut(&mut L::Io) + Send + 'static,
{
    type Io = L::Io;
    type Addr = L::Addr;

    const VECTORED: bool = L::VECTORED;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (mut io, addr) = self.listener.accept().await;
        (self.tap)(&mut io);
        (io, addr)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl<L: fmt::Debug, F> fmt::Debug for TapIo<L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapIo")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

/// How long the first pause after an error is, and how long the pauses become when it stays.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// Accepts until it succeeds.
///
/// Some errors are those of a connection that was given up while it waited to be accepted: the next one may be fine. Others
/// are the system's, too many open files for example. They stay until something is closed, and to try again at once would
/// do nothing but keep a core busy; so there is a pause, longer each time.
async fn persistently<T, Fut>(mut accept: impl FnMut() -> Fut) -> T
where
    Fut: Future<Output = io::Result<T>>,
{
    let (mut pause, longest) = PAUSES;
    loop {
        match accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_the_connection(&error) => {}
            Err(_) => {
                sleep(pause).await;
                pause = (pause * 2).min(longest);
            }
        }
    }
}

/// Whether an error of `accept` says nothing of the listener.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use samovar::time::Instant;

    #[samovar::test]
    async fn errors_of_the_system_are_waited_out() {
        let start = Instant::now();
        let mut left = 3;
        let accepted = persistently(|| {
            left -= 1;
            let result = match left {
                -1 => Ok("a connection"),
                _ => Err(io::Error::other("too many open files")),
            };
            async { result }
        });
        assert_eq!(accepted.await, "a connection");
        assert!(
            start.elapsed() >= PAUSES.0 * (1 + 2 + 4),
            "it paused, longer each time"
        );
    }

    #[samovar::test]
    async fn a_connection_that_was_given_up_delays_nobody() {
        let mut left = 1_000;
        let accepted = persistently(|| {
            left -= 1;
            let result = match left {
                0 => Ok(()),
                _ => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
            };
            async { result }
        });
        // A thousand pauses would be minutes.
        let limit = Duration::from_secs(30);
        samovar::time::timeout(limit, accepted).await.unwrap();
    }
}
