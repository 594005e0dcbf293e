//! The futures of [`AsyncReadExt`](super::AsyncReadExt): each holds the reader and how far it is.
//!
//! They are structs with a `poll`, not `async fn`s: so they are `Unpin`, and one can see what they hold. What a future holds
//! is lost with it, so *Cancel safety* can be read off the fields: `Read` has nothing of its own to lose, `ReadExact` has
//! `filled`.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::AsyncRead;

use super::retry;

/// The future of [`read`](super::AsyncReadExt::read).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Read<'a, R: ?Sized> {
    /// Whence.
    pub(super) reader: &'a mut R,
    /// Where to.
    pub(super) buf: &'a mut [u8],
}

impl<R: AsyncRead + Unpin + ?Sized> Future for Read<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        retry::read(this.reader, cx, this.buf)
    }
}

/// The future of [`read_exact`](super::AsyncReadExt::read_exact).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadExact<'a, R: ?Sized> {
    /// Whence.
    pub(super) reader: &'a mut R,
    /// Where to.
    pub(super) buf: &'a mut [u8],
    /// How many bytes of `buf` are there.
    pub(super) filled: usize,
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadExact<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        ready!(poll_fill(this.reader, cx, this.buf, &mut this.filled))?;
        Poll::Ready(Ok(this.buf.len()))
    }
}

/// The future of `read_u16` and its kin: `N` bytes that make a `T`. They are in here, so a future that is dropped loses them.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadNumber<'a, R: ?Sized, T, const N: usize> {
    /// Whence.
    reader: &'a mut R,
    /// The bytes so far.
    bytes: [u8; N],
    /// How many they are.
    filled: usize,
    /// What makes the number of them: `from_be_bytes` or `from_le_bytes` of the type.
    decode: fn([u8; N]) -> T,
}

impl<'a, R: ?Sized, T, const N: usize> ReadNumber<'a, R, T, N> {
    /// Starts with no byte read.
    pub(super) fn new(reader: &'a mut R, decode: fn([u8; N]) -> T) -> Self {
        Self {
            reader,
            bytes: [0; N],
            filled: 0,
            decode,
        }
    }
}

impl<R: AsyncRead + Unpin + ?Sized, T, const N: usize> Future for ReadNumber<'_, R, T, N> {
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        ready!(poll_fill(
            this.reader,
            cx,
            &mut this.bytes,
            &mut this.filled
        ))?;
        Poll::Ready(Ok((this.decode)(this.bytes)))
    }
}

/// Reads until `buf` is full.
fn poll_fill<R>(
    reader: &mut R,
    cx: &mut Context<'_>,
    buf: &mut [u8],
    filled: &mut usize,
) -> Poll<io::Result<()>>
where
    R: AsyncRead + Unpin + ?Sized,
{
    while *filled < buf.len() {
        match ready!(retry::read(reader, cx, &mut buf[*filled..]))? {
            0 => return Poll::Ready(Err(early_eof(*filled, buf.len()))),
            count => *filled += count,
        }
    }
    Poll::Ready(Ok(()))
}

/// The error of a stream that ended too soon.
fn early_eof(filled: usize, wanted: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        format!("early eof: the stream ended after {filled} of {wanted} bytes"),
    )
}
