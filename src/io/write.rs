//! The futures of [`AsyncWriteExt`](super::AsyncWriteExt): each holds the writer and how far it is.
//!
//! `written` is what a future that is dropped takes with it: where it is a field, the method is not cancel safe.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::AsyncWrite;

use super::retry;

/// The future of [`write`](super::AsyncWriteExt::write).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Write<'a, W: ?Sized> {
    /// Where to.
    pub(super) writer: &'a mut W,
    /// What.
    pub(super) buf: &'a [u8],
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for Write<'_, W> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        retry::write(this.writer, cx, this.buf)
    }
}

/// The future of [`write_vectored`](super::AsyncWriteExt::write_vectored).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WriteVectored<'a, 'b, W: ?Sized> {
    /// Where to.
    pub(super) writer: &'a mut W,
    /// What.
    pub(super) bufs: &'a [IoSlice<'b>],
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for WriteVectored<'_, '_, W> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        retry::write_vectored(this.writer, cx, this.bufs)
    }
}

/// The future of [`write_all`](super::AsyncWriteExt::write_all).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WriteAll<'a, W: ?Sized> {
    /// Where to.
    pub(super) writer: &'a mut W,
    /// What.
    pub(super) buf: &'a [u8],
    /// How many bytes of it are written.
    pub(super) written: usize,
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for WriteAll<'_, W> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        retry::write_all(this.writer, cx, this.buf, &mut this.written)
    }
}

/// The future of `write_u16` and its kin.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WriteNumber<'a, W: ?Sized, const N: usize> {
    /// Where to.
    writer: &'a mut W,
    /// The bytes of the number.
    bytes: [u8; N],
    /// How many are written.
    written: usize,
}

impl<'a, W: ?Sized, const N: usize> WriteNumber<'a, W, N> {
    /// Starts with no byte written.
    pub(super) fn new(writer: &'a mut W, bytes: [u8; N]) -> Self {
        Self {
            writer,
            bytes,
            written: 0,
        }
    }
}

impl<W: AsyncWrite + Unpin + ?Sized, const N: usize> Future for WriteNumber<'_, W, N> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        retry::write_all(this.writer, cx, &this.bytes, &mut this.written)
    }
}

/// The future of [`flush`](super::AsyncWriteExt::flush).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Flush<'a, W: ?Sized> {
    /// What.
    pub(super) writer: &'a mut W,
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for Flush<'_, W> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        retry::flush(self.get_mut().writer, cx)
    }
}

/// The future of [`shutdown`](super::AsyncWriteExt::shutdown).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Shutdown<'a, W: ?Sized> {
    /// What.
    pub(super) writer: &'a mut W,
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for Shutdown<'_, W> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        retry::close(self.get_mut().writer, cx)
    }
}
