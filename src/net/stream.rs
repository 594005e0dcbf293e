//! What TCP and Unix streams share: reading, writing and shutting down.
//!
//! [`Socket`] is the system's side of it, [`HasIo`] leads from a public type to its [`Io`], and the functions in between are
//! called by the streams and by their halves alike. The macros at the end give all of them the same methods and traits.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::task::{Context, Poll};

use crate::reactor::{Direction, Io};

/// A stream socket of the system, non-blocking.
pub trait Socket: AsFd + fmt::Debug {
    /// Whether a short read says that nothing is left to read.
    const SHORT_READ_IS_ALL: bool;

    /// What the addresses of its ends are.
    type Addr;

    /// Receives.
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Receives into several buffers.
    fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize>;
    /// Sends.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Sends from several buffers.
    fn write_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Ends the sending direction.
    fn shutdown_write(&self) -> io::Result<()>;
    /// The address of this end.
    fn local(&self) -> io::Result<Self::Addr>;
    /// The address of the other end.
    fn peer(&self) -> io::Result<Self::Addr>;
    /// What became of the connect: `WouldBlock` while it is under way.
    fn connected(&self) -> io::Result<()>;
}

/// [`Socket`] for one of mio's types.
macro_rules! socket {
    ($type:ty, $addr:ty, $short_read_is_all:literal) => {
        impl Socket for $type {
            const SHORT_READ_IS_ALL: bool = $short_read_is_all;

            type Addr = $addr;

            fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                Read::read(&mut &*self, buffer)
            }

            fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                Read::read_vectored(&mut &*self, buffers)
            }

            fn write(&self, bytes: &[u8]) -> io::Result<usize> {
                Write::write(&mut &*self, bytes)
            }

            fn write_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
                Write::write_vectored(&mut &*self, bytes)
            }

            fn shutdown_write(&self) -> io::Result<()> {
                self.shutdown(Shutdown::Write)
            }

            fn local(&self) -> io::Result<$addr> {
                self.local_addr()
            }

            fn peer(&self) -> io::Result<$addr> {
                self.peer_addr()
            }

            fn connected(&self) -> io::Result<()> {
                if let Some(error) = self.take_error()? {
                    return Err(error);
                }
                match self.peer_addr() {
                    Ok(_) => Ok(()),
                    Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                        Err(io::ErrorKind::WouldBlock.into())
                    }
                    Err(error) => Err(error),
                }
            }
        }
    };
}
socket!(mio::net::TcpStream, std::net::SocketAddr, true);
// A Unix socket ends a read where the sender attached a descriptor, although more follows, and no event tells of it.
socket!(mio::net::UnixStream, std::os::unix::net::SocketAddr, false);

/// A public type with a stream socket inside.
pub trait HasIo {
    /// The system's type.
    type Socket: Socket;

    /// The way to it.
    #[doc(hidden)]
    fn io(&self) -> &Io<Self::Socket>;
}

/// POSIX promises no more buffers than this in one call (`_XOPEN_IOV_MAX`). Of more, the system may leave some out, and then a
/// short count says nothing.
const MOST_BUFFERS: usize = 16;

/// What `poll_transfer` compares a count with. Fewer than `total` bytes say that the next call would block, if they are to be
/// believed; and no count is less than zero.
#[inline]
fn wanted(total: usize, believed: bool) -> usize {
    if believed { total } else { 0 }
}

/// `poll_read`. An empty buffer is filled at once: asking the system would look like the end of the stream.
pub(super) fn poll_read<S: Socket>(
    io: &Io<S>,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    if buffer.is_empty() {
        return Poll::Ready(Ok(0));
    }
    let wanted = wanted(buffer.len(), S::SHORT_READ_IS_ALL);
    io.poll_transfer(Direction::Read, cx, wanted, |socket| socket.read(buffer))
}

/// `poll_read_vectored`.
pub(super) fn poll_read_vectored<S: Socket>(
    io: &Io<S>,
    cx: &mut Context<'_>,
    buffers: &mut [IoSliceMut<'_>],
) -> Poll<io::Result<usize>> {
    let total = buffers.iter().map(|buffer| buffer.len()).sum();
    if total == 0 {
        return Poll::Ready(Ok(0));
    }
    let wanted = wanted(total, S::SHORT_READ_IS_ALL && buffers.len() <= MOST_BUFFERS);
    io.poll_transfer(Direction::Read, cx, wanted, |socket| {
        socket.read_vectored(buffers)
    })
}

/// `poll_write`.
pub(super) fn poll_write<S: Socket>(
    io: &Io<S>,
    cx: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    if bytes.is_empty() {
        return Poll::Ready(Ok(0));
    }
    io.poll_transfer(Direction::Write, cx, bytes.len(), |socket| {
        socket.write(bytes)
    })
}

/// `poll_write_vectored`.
pub(super) fn poll_write_vectored<S: Socket>(
    io: &Io<S>,
    cx: &mut Context<'_>,
    bytes: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let total = bytes.iter().map(|part| part.len()).sum();
    if total == 0 {
        return Poll::Ready(Ok(0));
    }
    let wanted = wanted(total, bytes.len() <= MOST_BUFFERS);
    io.poll_transfer(Direction::Write, cx, wanted, |socket| {
        socket.write_vectored(bytes)
    })
}

/// `try_read`.
pub(super) fn try_read<S: Socket>(io: &Io<S>, buffer: &mut [u8]) -> io::Result<usize> {
    if buffer.is_empty() {
        return Ok(0);
    }
    io.try_io(Direction::Read, |socket| socket.read(buffer))
}

/// `try_read_vectored`.
pub(super) fn try_read_vectored<S: Socket>(
    io: &Io<S>,
    buffers: &mut [IoSliceMut<'_>],
) -> io::Result<usize> {
    if buffers.iter().all(|buffer| buffer.is_empty()) {
        return Ok(0);
    }
    io.try_io(Direction::Read, |socket| socket.read_vectored(buffers))
}

/// `try_write`.
pub(super) fn try_write<S: Socket>(io: &Io<S>, bytes: &[u8]) -> io::Result<usize> {
    if bytes.is_empty() {
        return Ok(0);
    }
    io.try_io(Direction::Write, |socket| socket.write(bytes))
}

/// `try_write_vectored`.
pub(super) fn try_write_vectored<S: Socket>(
    io: &Io<S>,
    bytes: &[IoSlice<'_>],
) -> io::Result<usize> {
    if bytes.iter().all(|part| part.is_empty()) {
        return Ok(0);
    }
    io.try_io(Direction::Write, |socket| socket.write_vectored(bytes))
}

/// `poll_close`: tells the peer that no more comes. There is nothing to wait for. A connection that has ended already,
/// by a reset or by an earlier call, is as closed as one can wish.
pub(super) fn shut_down<S: Socket>(io: &Io<S>) -> io::Result<()> {
    match io.get().shutdown_write() {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        result => result,
    }
}

/// Waits for the end of a connect that has begun.
pub(super) async fn connected<S: Socket>(socket: S) -> io::Result<Io<S>> {
    let io = Io::new(socket);
    io.io(Direction::Write, S::connected).await?;
    Ok(io)
}

/// `AsyncRead` for a type with [`HasIo`].
macro_rules! async_read {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> futures_io::AsyncRead for $type {
            fn poll_read(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buffer: &mut [u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                crate::net::stream::poll_read(crate::net::stream::HasIo::io(&*self), cx, buffer)
            }

            fn poll_read_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buffers: &mut [std::io::IoSliceMut<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                crate::net::stream::poll_read_vectored(crate::net::stream::HasIo::io(&*self), cx, buffers)
            }
        }
    };
}
pub(super) use async_read;

/// `AsyncWrite` for a type with [`HasIo`].
macro_rules! async_write {
    ([$($generics:tt)*] $type:ty, $close:expr) => {
        impl<$($generics)*> futures_io::AsyncWrite for $type {
            fn poll_write(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                bytes: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                crate::net::stream::poll_write(crate::net::stream::HasIo::io(&*self), cx, bytes)
            }

            fn poll_write_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                bytes: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                crate::net::stream::poll_write_vectored(crate::net::stream::HasIo::io(&*self), cx, bytes)
            }

            /// Nothing to do: what was written is with the system already.
            fn poll_flush(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::task::Poll::Ready(Ok(()))
            }

            /// Shuts the sending direction down: the peer reads the end of the stream. Reading goes on.
            fn poll_close(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                let close: fn(&mut Self) -> std::io::Result<()> = $close;
                std::task::Poll::Ready(close(self.get_mut()))
            }
        }
    };
}
pub(super) use async_write;
