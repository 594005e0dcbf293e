//! A UDP socket: datagrams, without connections. Its options are in `udp_options.rs`.

use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::task::{Context, Poll};

use super::ToSocketAddrs;
use super::lookup::{first, no_addresses, resolve};
use super::methods::readiness;
use crate::context;
use crate::reactor::{Direction, Io};

/// A UDP socket.
///
/// A datagram is sent and received as a whole. One that is larger than the buffer is cut off, and its rest is lost; an empty one
/// is received as `Ok(0)`, so that is no end of anything. Any number of tasks may send and receive at once, through `&self`
/// or an `Arc`; each datagram goes to one of them. Sending waits only while the system has no room; that a datagram was
/// sent does not mean that it arrives.
///
/// When a datagram of a *connected* socket was refused, because nobody listens on that port, the system says so at one of the next
/// calls, as `ConnectionRefused`. The socket stays usable.
///
/// All methods that are awaited are cancel safe: dropped before they are ready, they have neither sent nor received.
///
/// ```
/// use samovar::net::UdpSocket;
///
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let ours = UdpSocket::bind("127.0.0.1:0").await?;
/// let theirs = UdpSocket::bind("127.0.0.1:0").await?;
/// theirs.send_to(b"tea", ours.local_addr()?).await?;
///
/// let mut buffer = [0; 1500];
/// let (length, from) = ours.recv_from(&mut buffer).await?;
/// assert_eq!(&buffer[..length], b"tea");
/// assert_eq!(from, theirs.local_addr()?);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct UdpSocket {
    /// The socket.
    pub(super) io: Io<mio::net::UdpSocket>,
}

readiness!(
    UdpSocket,
    std::net::UdpSocket,
    SocketAddr,
    "# let ours = samovar::net::UdpSocket::bind(\"127.0.0.1:0\").await?;
# let theirs = samovar::net::UdpSocket::bind(\"127.0.0.1:0\").await?;",
    "let socket = std::net::UdpSocket::bind(\"127.0.0.1:0\")?;"
);

impl UdpSocket {
    /// A socket with an address of its own; port 0 asks for any free port. Of several addresses the first that can be had.
    ///
    /// # Errors
    ///
    /// When the address cannot be understood, looked up or used. The message names it.
    ///
    /// # Panics
    ///
    /// When it is polled outside a runtime; the message names the line of this call.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, it has bound nothing.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let socket = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// assert_ne!(socket.local_addr()?.port(), 0);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> impl Future<Output = io::Result<UdpSocket>> {
        let caller = Location::caller();
        async move {
            context::expect_runtime_for("bind a `UdpSocket`", caller);
            let addresses = resolve(addr.to_target()).await?;
            let socket = first("cannot bind", addresses, mio::net::UdpSocket::bind)?;
            Ok(UdpSocket {
                io: Io::new(socket),
            })
        }
    }

    /// Sets the peer: [`send`](UdpSocket::send) sends to it, and only its datagrams are received. Nothing is sent for that. Of
    /// several addresses the first to which there is a way.
    ///
    /// # Errors
    ///
    /// When the address cannot be understood, looked up or reached.
    ///
    /// # Panics
    ///
    /// When a name has to be looked up outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, the socket has the peer that it had.
    ///
    /// ```
    /// # use samovar::net::UdpSocket;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let ours = UdpSocket::bind("127.0.0.1:0").await?;
    /// let theirs = UdpSocket::bind("127.0.0.1:0").await?;
    /// ours.connect(theirs.local_addr()?).await?;
    /// theirs.connect(ours.local_addr()?).await?;
    /// ours.send(b"tea").await?;
    /// assert_eq!(theirs.recv(&mut [0; 16]).await?, 3);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub async fn connect<A: ToSocketAddrs>(&self, addr: A) -> io::Result<()> {
        let addresses = resolve(addr.to_target()).await?;
        first("cannot connect to", addresses, |address| {
            self.io.get().connect(address)
        })
    }

    /// The address to which it is connected.
    ///
    /// # Errors
    ///
    /// `NotConnected` when it is not.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let ours = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// # let theirs = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// assert!(ours.peer_addr().is_err());
    /// ours.connect(theirs.local_addr()?).await?;
    /// assert_eq!(ours.peer_addr()?, theirs.local_addr()?);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().peer_addr()
    }

    /// Sends a datagram to `target`; of several addresses to the first. Returns its length.
    ///
    /// # Errors
    ///
    /// When the address cannot be understood or looked up, or the datagram is too long, and whatever the system says.
    ///
    /// # Panics
    ///
    /// When it has to wait, or to look up a name, and is polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped before it is ready, it has sent nothing.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let ours = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// # let theirs = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// assert_eq!(ours.send_to(b"tea", theirs.local_addr()?).await?, 3);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub async fn send_to<A: ToSocketAddrs>(&self, bytes: &[u8], target: A) -> io::Result<usize> {
        let target = resolve(target.to_target())
            .await?
            .next()
            .ok_or_else(no_addresses)?;
        self.io
            .io(Direction::Write, |socket| socket.send_to(bytes, target))
            .await
    }
}

/// An operation in its three forms. They differ only in the direction, the arguments, and what they call.
macro_rules! operation {
    (
        $direction:ident, $about:literal, $example:literal, $poll_example:literal, $try_example:literal,
        $name:ident, $poll:ident, $try:ident,
        ($($argument:ident: $type:ty),*) -> $output:ty, $call:ident
    ) => {
        impl UdpSocket {
            #[doc = $about]
            ///
            /// Cancel safe. Any number of tasks may wait at once.
            ///
            /// # Errors
            ///
            /// What the system says; and when the runtime has been shut down.
            ///
            /// # Panics
            ///
            /// When it has to wait, and is polled outside a runtime for the first time.
            ///
            /// ```
            /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
            /// # let ours = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
            /// # let theirs = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
            /// # ours.connect(theirs.local_addr()?).await?;
            /// # theirs.connect(ours.local_addr()?).await?;
            #[doc = $example]
            /// # std::io::Result::Ok(()) }).unwrap();
            /// ```
            pub async fn $name(&self, $($argument: $type),*) -> io::Result<$output> {
                self.io.io(Direction::$direction, |socket| socket.$call($($argument),*)).await
            }

            operation!(
                poll and try, $direction,
                "# ours.connect(theirs.local_addr()?).await?;\n# theirs.connect(ours.local_addr()?).await?;",
                $poll_example, $try_example,
                $name, $poll, $try, ($($argument: $type),*) -> $output, $call
            );
        }
    };
    (
        poll and try, $direction:ident, $before:literal, $poll_example:literal, $try_example:literal,
        $name:ident, $poll:ident, $try:ident,
        ($($argument:ident: $type:ty),*) -> $output:ty, $call:ident
    ) => {
        #[doc = concat!("[`", stringify!($name), "`](UdpSocket::", stringify!($name), ") by polling, for one task per \
            direction: its waker replaces the one of an earlier call.")]
        ///
        /// # Errors
        ///
        /// What the system says; and when the runtime has been shut down.
        ///
        /// # Panics
        ///
        /// When it has to wait, and is called outside a runtime for the first time.
        ///
        /// ```
        /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
        /// # let ours = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
        /// # let theirs = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
        #[doc = $before]
        #[doc = $poll_example]
        /// # std::io::Result::Ok(()) }).unwrap();
        /// ```
        pub fn $poll(&self, cx: &mut Context<'_>, $($argument: $type),*) -> Poll<io::Result<$output>> {
            self.io.poll_io(Direction::$direction, cx, |socket| socket.$call($($argument),*))
        }

        #[doc = concat!("[`", stringify!($name), "`](UdpSocket::", stringify!($name), ") without waiting.")]
        ///
        /// # Errors
        ///
        /// `WouldBlock` when it would have to wait; else what the system says.
        ///
        /// ```
        /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
        /// # let ours = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
        /// # let theirs = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
        #[doc = $before]
        #[doc = $try_example]
        /// # std::io::Result::Ok(()) }).unwrap();
        /// ```
        pub fn $try(&self, $($argument: $type),*) -> io::Result<$output> {
            self.io.try_io(Direction::$direction, |socket| socket.$call($($argument),*))
        }
    };
}

operation!(
    Write, "Sends a datagram to the peer of [`connect`](UdpSocket::connect), and returns its length.",
    "assert_eq!(ours.send(b\"tea\").await?, 3);",
    "let length = std::future::poll_fn(|cx| ours.poll_send(cx, b\"tea\")).await?;
assert_eq!(length, 3);",
    "ours.writable().await?;
assert_eq!(ours.try_send(b\"tea\")?, 3);",
    send, poll_send, try_send, (bytes: &[u8]) -> usize, send
);
operation!(
    Read, "Receives a datagram from the peer of [`connect`](UdpSocket::connect), and returns its length.",
    "theirs.send(b\"tea\").await?;
assert_eq!(ours.recv(&mut [0; 16]).await?, 3);",
    "theirs.send(b\"tea\").await?;
let mut buffer = [0; 16];
let length = std::future::poll_fn(|cx| ours.poll_recv(cx, &mut buffer)).await?;
assert_eq!(&buffer[..length], b\"tea\");",
    "theirs.send(b\"tea\").await?;
ours.readable().await?;
assert_eq!(ours.try_recv(&mut [0; 16])?, 3);
assert!(ours.try_recv(&mut [0; 16]).is_err()); // `WouldBlock`: no other one is there",
    recv, poll_recv, try_recv, (buffer: &mut [u8]) -> usize, recv
);
operation!(
    Read, "Receives a datagram; returns its length and its sender.",
    "theirs.send(b\"tea\").await?;
assert_eq!(ours.recv_from(&mut [0; 16]).await?, (3, theirs.local_addr()?));",
    "theirs.send(b\"tea\").await?;
let mut buffer = [0; 16];
let (length, from) = std::future::poll_fn(|cx| ours.poll_recv_from(cx, &mut buffer)).await?;
assert_eq!(&buffer[..length], b\"tea\");
assert_eq!(from, theirs.local_addr()?);",
    "theirs.send(b\"tea\").await?;
ours.readable().await?;
assert_eq!(ours.try_recv_from(&mut [0; 16])?, (3, theirs.local_addr()?));",
    recv_from, poll_recv_from, try_recv_from, (buffer: &mut [u8]) -> (usize, SocketAddr), recv_from
);
operation!(
    Read, "As [`recv`](UdpSocket::recv), but leaves the datagram there to be received again.",
    "theirs.send(b\"tea\").await?;
assert_eq!(ours.peek(&mut [0; 16]).await?, 3);
assert_eq!(ours.recv(&mut [0; 16]).await?, 3); // the same one",
    "theirs.send(b\"tea\").await?;
let mut buffer = [0; 16];
let length = std::future::poll_fn(|cx| ours.poll_peek(cx, &mut buffer)).await?;
assert_eq!(&buffer[..length], b\"tea\");
assert_eq!(ours.recv(&mut buffer).await?, 3); // the same one",
    "theirs.send(b\"tea\").await?;
ours.readable().await?;
assert_eq!(ours.try_peek(&mut [0; 16])?, 3);
assert_eq!(ours.try_recv(&mut [0; 16])?, 3); // the same one",
    peek, poll_peek, try_peek, (buffer: &mut [u8]) -> usize, peek
);
operation!(
    Read, "As [`recv_from`](UdpSocket::recv_from), but leaves the datagram there to be received again.",
    "theirs.send(b\"tea\").await?;
assert_eq!(ours.peek_from(&mut [0; 16]).await?, (3, theirs.local_addr()?));
assert_eq!(ours.recv(&mut [0; 16]).await?, 3); // the same one",
    "theirs.send(b\"tea\").await?;
let mut buffer = [0; 16];
let (length, from) = std::future::poll_fn(|cx| ours.poll_peek_from(cx, &mut buffer)).await?;
assert_eq!(&buffer[..length], b\"tea\");
assert_eq!(from, theirs.local_addr()?);
assert_eq!(ours.recv(&mut buffer).await?, 3); // the same one",
    "theirs.send(b\"tea\").await?;
ours.readable().await?;
assert_eq!(ours.try_peek_from(&mut [0; 16])?, (3, theirs.local_addr()?));
assert_eq!(ours.try_recv(&mut [0; 16])?, 3); // the same one",
    peek_from, poll_peek_from, try_peek_from, (buffer: &mut [u8]) -> (usize, SocketAddr), peek_from
);

impl UdpSocket {
    operation!(
        poll and try, Write,
        "let target = theirs.local_addr()?;",
        "let length = std::future::poll_fn(|cx| ours.poll_send_to(cx, b\"tea\", target)).await?;\nassert_eq!(length, 3);",
        "ours.writable().await?;\nassert_eq!(ours.try_send_to(b\"tea\", target)?, 3);",
        send_to, poll_send_to, try_send_to,
        (bytes: &[u8], target: SocketAddr) -> usize, send_to
    );

    /// Waits until a datagram may be there, for the one task that polls for receiving.
    ///
    /// # Errors
    ///
    /// When the runtime has been shut down, or the system cannot wait for this socket.
    ///
    /// # Panics
    ///
    /// When it is called outside a runtime for the first time.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let ours = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// # let theirs = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// theirs.send_to(b"tea", ours.local_addr()?).await?;
    /// std::future::poll_fn(|cx| ours.poll_recv_ready(cx)).await?;
    /// assert_eq!(ours.try_recv_from(&mut [0; 16])?, (3, theirs.local_addr()?));
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_ready(Direction::Read, cx)
    }

    /// Waits until there may be room for a datagram, for the one task that polls for sending.
    ///
    /// # Errors
    ///
    /// When the runtime has been shut down, or the system cannot wait for this socket.
    ///
    /// # Panics
    ///
    /// When it is called outside a runtime for the first time.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// # let ours = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// # let theirs = samovar::net::UdpSocket::bind("127.0.0.1:0").await?;
    /// std::future::poll_fn(|cx| ours.poll_send_ready(cx)).await?;
    /// assert_eq!(ours.try_send_to(b"tea", theirs.local_addr()?)?, 3);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_ready(Direction::Write, cx)
    }
}
