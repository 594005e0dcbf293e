//! TCP, UDP and Unix sockets.
//!
//! Names and meanings are Tokio's, with the traits of `futures-io` for reading and writing. What is different:
//!
//! - `from_std` makes the socket non-blocking itself; a blocking socket that is forgotten cannot hang the runtime.
//! - An error of `bind` or `connect` names the address, and what was wrong with one that cannot be understood.
//! - A socket belongs to no runtime until it first has to wait. Then it belongs to the one in which it waits; where there is
//!   none, that first wait panics.
//! - The borrowed `WriteHalf` of `split` has a destructor (that does nothing), so the borrow lasts until it is dropped.
//!
//! # What a socket does here
//!
//! It asks the kernel at once, and waits only when the kernel says `WouldBlock`. So a connection whose request is already
//! there is answered without the reactor. The waiting is in `reactor/io.rs`; this module gives it names:
//!
//! ```text
//!   TcpStream · UnixStream · their halves     UdpSocket · TcpListener · UnixListener
//!                   │                                         │
//!    stream.rs: read, write, shut down                        │
//!                   └─────────────────────┬───────────────────┘
//!            methods.rs, ready.rs: readiness, and what is the same word for word
//!                                         │
//!                   reactor/io.rs: try, wait, try again
//! ```
//!
//! Before there is a socket there is an address: `addr.rs` makes of a text what it asks for, `lookup.rs` makes addresses of
//! that, and `error.rs` names them when they fail.
//!
//! # Which tasks may wait together
//!
//! The methods that take `&self` and are awaited (`readable`, `accept`, `recv` and so on) may be awaited by any number of
//! tasks at once, and all of them are woken. The `poll_` methods, and [`AsyncRead`](futures_io::AsyncRead) and
//! [`AsyncWrite`](futures_io::AsyncWrite), keep the waker of one task per direction: the one that polled last.

mod addr;
mod error;
mod lookup;
mod methods;
mod ready;
pub mod split;
mod stream;
mod tcp_listener;
mod tcp_stream;
mod udp_options;
mod udp_socket;
mod unix_address;
mod unix_listener;
mod unix_stream;

pub use addr::ToSocketAddrs;
pub use lookup::lookup_host;
pub use ready::{Interest, Ready};
pub use tcp_listener::TcpListener;
pub use tcp_stream::TcpStream;
pub use udp_socket::UdpSocket;
pub use unix_listener::UnixListener;
pub use unix_stream::UnixStream;

/// The halves of a [`TcpStream`].
pub mod tcp {
    use std::sync::Arc;

    use super::{TcpStream, split};

    /// The reading half of a [`TcpStream`] that is borrowed: see [`TcpStream::split`].
    pub type ReadHalf<'a> = split::ReadHalf<&'a TcpStream>;
    /// The writing half of a [`TcpStream`] that is borrowed: see [`TcpStream::split`].
    pub type WriteHalf<'a> = split::WriteHalf<&'a TcpStream>;
    /// The reading half of a [`TcpStream`], to be moved into a task: see [`TcpStream::into_split`].
    pub type OwnedReadHalf = split::ReadHalf<Arc<TcpStream>>;
    /// The writing half of a [`TcpStream`], to be moved into a task: see [`TcpStream::into_split`].
    pub type OwnedWriteHalf = split::WriteHalf<Arc<TcpStream>>;
    /// Two halves were not of the same [`TcpStream`].
    pub type ReuniteError = split::ReuniteError<TcpStream>;
}

/// The halves of a [`UnixStream`], and the address of a Unix socket.
pub mod unix {
    use std::sync::Arc;

    pub use std::os::unix::net::SocketAddr;

    use super::{UnixStream, split};

    /// The reading half of a [`UnixStream`] that is borrowed: see [`UnixStream::split`].
    pub type ReadHalf<'a> = split::ReadHalf<&'a UnixStream>;
    /// The writing half of a [`UnixStream`] that is borrowed: see [`UnixStream::split`].
    pub type WriteHalf<'a> = split::WriteHalf<&'a UnixStream>;
    /// The reading half of a [`UnixStream`], to be moved into a task: see [`UnixStream::into_split`].
    pub type OwnedReadHalf = split::ReadHalf<Arc<UnixStream>>;
    /// The writing half of a [`UnixStream`], to be moved into a task: see [`UnixStream::into_split`].
    pub type OwnedWriteHalf = split::WriteHalf<Arc<UnixStream>>;
    /// Two halves were not of the same [`UnixStream`].
    pub type ReuniteError = split::ReuniteError<UnixStream>;
}
