//! Polls of somebody's reader or writer, with the two things that every caller in this module wants of each.
//!
//! - *Interrupted* means: a signal came, try again. The traits of `futures-io` forbid it to their implementations, but many
//!   of those wrap a `std::io::Read` and pass on what it says. It is retried here, once for all, as std does.
//! - A count that is larger than the buffer is a bug of the reader or writer. Found here it is a panic that names the bug;
//!   found later it would be bytes that nobody sent, or an index out of bounds in somebody else's code.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

/// Polls until the answer is something other than "interrupted".
fn uninterrupted<T>(mut poll: impl FnMut() -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
    loop {
        match poll() {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
}

/// Lets a count through that can be true.
fn checked(answer: Poll<io::Result<usize>>, room: usize, what: &str) -> Poll<io::Result<usize>> {
    if let Poll::Ready(Ok(count)) = answer {
        assert!(count <= room, "{what} {count} bytes of a buffer of {room}");
    }
    answer
}

/// `poll_read`.
pub(super) fn read<R>(
    reader: &mut R,
    cx: &mut Context<'_>,
    buf: &mut [u8],
) -> Poll<io::Result<usize>>
where
    R: AsyncRead + Unpin + ?Sized,
{
    let answer = uninterrupted(|| Pin::new(&mut *reader).poll_read(cx, buf));
    checked(answer, buf.len(), "a reader says that it filled")
}

/// `poll_write`.
pub(super) fn write<W>(writer: &mut W, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    let answer = uninterrupted(|| Pin::new(&mut *writer).poll_write(cx, buf));
    checked(answer, buf.len(), "a writer says that it took")
}

/// `poll_write` of bytes that must go out: none taken is an error.
pub(super) fn write_some<W>(
    writer: &mut W,
    cx: &mut Context<'_>,
    buf: &[u8],
) -> Poll<io::Result<usize>>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    write(writer, cx, buf).map(|answer| match answer {
        Ok(0) => Err(io::Error::new(
            io::ErrorKind::WriteZero,
            "the writer takes no more bytes",
        )),
        answer => answer,
    })
}

/// Writes until all of `buf` is `written`, which counts through all of the polls.
pub(super) fn write_all<W>(
    writer: &mut W,
    cx: &mut Context<'_>,
    buf: &[u8],
    written: &mut usize,
) -> Poll<io::Result<()>>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    while *written < buf.len() {
        *written += ready!(write_some(writer, cx, &buf[*written..]))?;
    }
    Poll::Ready(Ok(()))
}

/// `poll_write_vectored`.
pub(super) fn write_vectored<W>(
    writer: &mut W,
    cx: &mut Context<'_>,
    bufs: &[IoSlice<'_>],
) -> Poll<io::Result<usize>>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    let answer = uninterrupted(|| Pin::new(&mut *writer).poll_write_vectored(cx, bufs));
    checked(answer, total(bufs), "a writer says that it took")
}

/// How many bytes the buffers have. They may be the same bytes again and again, more of them than there is memory.
pub(super) fn total(bufs: &[IoSlice<'_>]) -> usize {
    bufs.iter()
        .fold(0, |sum: usize, buf| sum.saturating_add(buf.len()))
}

/// `poll_flush`.
pub(super) fn flush<W>(writer: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    uninterrupted(|| Pin::new(&mut *writer).poll_flush(cx))
}

/// `poll_close`.
pub(super) fn close<W>(writer: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    uninterrupted(|| Pin::new(&mut *writer).poll_close(cx))
}
