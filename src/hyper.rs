//! HTTP with [hyper](https://docs.rs/hyper): what hyper asks of a runtime, in four small types.
//!
//! hyper speaks HTTP/1 and HTTP/2, and leaves the sockets, the tasks and the clock to whoever has them:
//!
//! | hyper asks for | here |
//! |---|---|
//! | [`Read`] and [`Write`]: a connection | [`Io`], around anything that is `AsyncRead` and `AsyncWrite` |
//! | [`hyper::rt::Executor`]: a way to spawn (HTTP/2 only) | [`Executor`] |
//! | [`hyper::rt::Timer`]: time-outs | [`Timer`] |
//!
//! ```no_run
//! use std::convert::Infallible;
//!
//! use hyper::body::Incoming;
//! use hyper::server::conn::http1;
//! use hyper::service::service_fn;
//! use hyper::{Request, Response};
//! use samovar::hyper::{Io, Timer};
//! use samovar::net::TcpListener;
//!
//! async fn hello(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
//!     Ok(Response::new("Hello, World!".to_owned()))
//! }
//!
//! #[samovar::main]
//! async fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:3000").await?;
//!     loop {
//!         let (stream, _) = listener.accept().await?;
//!         samovar::spawn(
//!             http1::Builder::new()
//!                 .timer(Timer)
//!                 .serve_connection(Io::vectored(stream), service_fn(hello)),
//!         );
//!     }
//! }
//! ```
//!
//! hyper's *package* depends on Tokio's, for a channel and two traits. No part of Tokio's runtime comes with it.
//!
//! # Reading, in safe code
//!
//! hyper lends its buffer uninitialised, and a reader that reads straight into it has to vouch unchecked for how much of
//! it is filled. The safe way in is `put_slice`, which copies. So [`Io`] reads into a buffer that each thread keeps, and
//! copies what came: nothing is zeroed at every read, and no connection has memory of its own for it. A request of a few
//! hundred bytes costs some nanoseconds that way, beside a system call of a microsecond.
//!
//! [`hyper::rt::Executor`]: ::hyper::rt::Executor
//! [`hyper::rt::Timer`]: ::hyper::rt::Timer

use std::cell::Cell;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ::hyper::rt::{self, Read, ReadBuf, ReadBufCursor, Write};
use futures_io::{AsyncRead, AsyncWrite};

use crate::time;

/// What one read takes at most. hyper starts a connection with 8 KiB, and asks for more when much comes.
const MOST_PER_READ: usize = 64 * 1024;

thread_local! {
    /// Where bytes lie between the socket and hyper. It grows to what was asked for, [`MOST_PER_READ`] at most, and is
    /// taken out while it is used: a reader inside a reader (TLS over something odd) finds none, and makes its own.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A connection, as hyper wants it: around `AsyncRead` and `AsyncWrite`, such as a [`TcpStream`](crate::net::TcpStream) or
/// a TLS stream over one.
///
/// It leads the other way too: around what is hyper's, an upgraded connection (`hyper::upgrade::Upgraded`) for example, it
/// is `AsyncRead` and `AsyncWrite`.
///
/// ```
/// use std::convert::Infallible;
///
/// use hyper::body::Incoming;
/// use hyper::service::service_fn;
/// use hyper::{Request, Response, client, server};
/// use samovar::hyper::Io;
///
/// async fn hello(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
///     Ok(Response::new("Hello, World!".to_owned()))
/// }
///
/// # #[samovar::main(flavor = "current_thread")]
/// # async fn main() -> hyper::Result<()> {
/// let (guest, host) = samovar::io::duplex(1024);
/// samovar::spawn(
///     server::conn::http1::Builder::new().serve_connection(Io::new(host), service_fn(hello)),
/// );
/// let (mut requests, connection) = client::conn::http1::handshake(Io::new(guest)).await?;
/// samovar::spawn(connection);
///
/// let response = requests.send_request(Request::new(String::new())).await?;
/// assert!(response.status().is_success());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Io<T> {
    /// The connection.
    inner: T,
    /// Whether `poll_write_vectored` of `inner` writes more than the first buffer.
    vectored: bool,
}

impl<T> Io<T> {
    /// Around any connection. hyper copies small parts together and writes them from one buffer.
    ///
    /// ```
    /// use hyper::rt::Write;
    /// use samovar::hyper::Io;
    ///
    /// let (guest, _host) = samovar::io::duplex(64);
    /// assert!(!Io::new(guest).is_write_vectored()); // so says hyper's trait
    /// ```
    pub fn new(inner: T) -> Io<T> {
        Io {
            inner,
            vectored: false,
        }
    }

    /// Around a connection whose `poll_write_vectored` writes from several buffers at once, as the sockets of
    /// [`net`](crate::net) do (and `futures-io` has no way to ask): hyper then copies no bodies.
    ///
    /// ```
    /// use hyper::rt::Write;
    /// use samovar::hyper::Io;
    /// use samovar::net::{TcpListener, TcpStream};
    ///
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// assert!(Io::vectored(stream).is_write_vectored());
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    pub fn vectored(inner: T) -> Io<T> {
        Io {
            inner,
            vectored: true,
        }
    }

    /// The connection.
    ///
    /// ```
    /// use samovar::hyper::Io;
    /// use samovar::net::{TcpListener, TcpStream};
    ///
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let connection = Io::vectored(TcpStream::connect(listener.local_addr()?).await?);
    /// assert_eq!(connection.inner().peer_addr()?, listener.local_addr()?);
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    pub fn inner(&self) -> &T {
        &self.inner
    }

    /// The connection.
    ///
    /// ```
    /// use samovar::io::{AsyncReadExt, AsyncWriteExt, duplex};
    ///
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let (guest, mut host) = duplex(64);
    /// let mut connection = samovar::hyper::Io::new(guest);
    /// connection.inner_mut().write_all(b"tea?").await?; // past hyper
    ///
    /// let mut word = [0; 4];
    /// host.read_exact(&mut word).await?;
    /// assert_eq!(&word, b"tea?");
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    pub fn inner_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    /// Gives the connection back.
    ///
    /// ```
    /// use samovar::io::{AsyncReadExt, AsyncWriteExt, duplex};
    ///
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let (guest, mut host) = duplex(64);
    /// let connection = samovar::hyper::Io::new(guest);
    /// let mut guest = connection.into_inner(); // hyper has no more to say
    /// guest.write_all(b"bye!").await?;
    ///
    /// let mut word = [0; 4];
    /// host.read_exact(&mut word).await?;
    /// assert_eq!(&word, b"bye!");
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    pub fn into_inner(self) -> T {
        self.inner
    }
}

impl<T: AsyncRead + Unpin> Read for Io<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let wanted = buffer.remaining().min(MOST_PER_READ);
        let mut scratch = SCRATCH.try_with(Cell::take).unwrap_or_default();
        if scratch.len() < wanted {
            scratch.resize(wanted, 0);
        }
        let result = Pin::new(&mut self.inner).poll_read(cx, &mut scratch[..wanted]);
        if let Poll::Ready(Ok(count)) = result {
            buffer.put_slice(&scratch[..count]);
        }
        let _ = SCRATCH.try_with(|kept| kept.set(scratch));
        result.map_ok(drop)
    }
}

impl<T: AsyncWrite + Unpin> Write for Io<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, buffers)
    }
}

impl<T: Read + Unpin> AsyncRead for Io<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer.unfilled()))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl<T: Write + Unpin> AsyncWrite for Io<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, buffers)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Spawns what HTTP/2 wants to run beside the connection, on the runtime of the task that polls it.
///
/// ```
/// use hyper::server::conn::http2;
/// use samovar::hyper::{Executor, Timer};
///
/// let mut builder = http2::Builder::new(Executor);
/// builder.timer(Timer).max_concurrent_streams(100);
/// ```
///
/// # Panics
///
/// `execute` panics outside a runtime, as [`spawn`](crate::spawn()) does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Executor;

impl<F> rt::Executor<F> for Executor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        drop(crate::spawn(future));
    }
}

/// Gives hyper its time-outs. Without one, a builder leaves out the time limit that it has for a request's head by default.
///
/// ```
/// use std::time::Duration;
///
/// let mut builder = hyper::server::conn::http1::Builder::new();
/// builder
///     .timer(samovar::hyper::Timer)
///     .header_read_timeout(Duration::from_secs(5));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timer;

impl rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep(time::sleep(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep(time::sleep_until(deadline.into())))
    }

    // The runtime's clock, which in a test may be another than the system's.
    fn now(&self) -> Instant {
        time::Instant::now().into()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn rt::Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleep>() {
            Some(sleep) => sleep.get_mut().0.reset_unpinned(deadline.into()),
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

/// Completes at its deadline: made by [`Timer`].
///
/// ```
/// use std::time::Duration;
///
/// use hyper::rt::Timer as _;
/// use samovar::hyper::{Sleep, Timer};
///
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let mut nap = Timer.sleep(Duration::from_millis(1)); // what hyper calls
/// assert!(nap.as_mut().downcast_mut_pin::<Sleep>().is_some());
/// nap.await;
/// # });
/// ```
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Sleep(
    /// The runtime's own.
    time::Sleep,
);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl rt::Sleep for Sleep {}
