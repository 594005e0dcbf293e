//! Tokio's `AsyncRead` and `AsyncWrite` for our sockets: what `tokio-util`'s codecs, `tokio-rustls` and
//! `tokio-tungstenite` ask for.
//!
//! Only the two traits are taken from Tokio's package, without any of its features: no part of its runtime is built.
//!
//! Each type has both kinds of traits then, and a method call that could mean either does not compile; so import
//! `samovar::io::AsyncReadExt` or Tokio's, not both.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::split::{Duplex, ReadHalf, WriteHalf};
use crate::net::{TcpStream, UnixStream};

/// How much of an uninitialised buffer is made ready for one read. Safe code has to zero it first, and to zero a megabyte
/// for each packet would cost more than the packet.
const MOST_ZEROED: usize = 16 * 1024;

/// Reads into Tokio's buffer, through the `AsyncRead` of `futures-io`.
fn poll_read<T>(
    from: Pin<&mut T>,
    cx: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>>
where
    T: futures_io::AsyncRead,
{
    // What is initialised already costs nothing, and is read into as far as it goes.
    let initialised = buffer.initialized().len() - buffer.filled().len();
    let wanted = initialised.max(buffer.remaining().min(MOST_ZEROED));
    let count = ready!(from.poll_read(cx, buffer.initialize_unfilled_to(wanted)))?;
    buffer.advance(count);
    Poll::Ready(Ok(()))
}

/// `AsyncRead` for a type that has that of `futures-io`.
macro_rules! async_read {
    ([$($generics:tt)*] $type:ty) => {
        #[cfg_attr(docsrs, doc(cfg(feature = "tokio-io")))]
        impl<$($generics)*> AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                poll_read(self, cx, buffer)
            }
        }
    };
}

/// `AsyncWrite` for a type that has that of `futures-io`.
macro_rules! async_write {
    ([$($generics:tt)*] $type:ty) => {
        #[cfg_attr(docsrs, doc(cfg(feature = "tokio-io")))]
        impl<$($generics)*> AsyncWrite for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                futures_io::AsyncWrite::poll_write(self, cx, bytes)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffers: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                futures_io::AsyncWrite::poll_write_vectored(self, cx, buffers)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                futures_io::AsyncWrite::poll_flush(self, cx)
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                futures_io::AsyncWrite::poll_close(self, cx)
            }
        }
    };
}

async_read!([] TcpStream);
async_write!([] TcpStream);
async_read!([] UnixStream);
async_write!([] UnixStream);
async_read!([P: std::ops::Deref<Target: Duplex>] ReadHalf<P>);
async_write!([P: std::ops::Deref<Target: Duplex>] WriteHalf<P>);
