//! The futures of [`AsyncBufReadExt`](super::AsyncBufReadExt), and the search for a delimiter under them.

use std::future::Future;
use std::io::{self, BufRead};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::AsyncBufRead;

use super::text::Text;

/// The future of [`fill_buf`](super::AsyncBufReadExt::fill_buf).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct FillBuf<'a, R: ?Sized> {
    /// Whence; `None` when it was given back together with its bytes.
    pub(super) reader: Option<&'a mut R>,
}

impl<'a, R: AsyncBufRead + Unpin + ?Sized> Future for FillBuf<'a, R> {
    type Output = io::Result<&'a [u8]>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let reader = this
            .reader
            .as_mut()
            .expect("`fill_buf` polled after it was ready");
        loop {
            match ready!(Pin::new(&mut **reader).poll_fill_buf(cx)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok([]) => return Poll::Ready(Ok(&[])),
                Ok(_) => break,
            }
        }
        // Asked twice: the compiler cannot see yet that a borrow which is returned on one path only is free on the others,
        // so the first answer cannot live for `'a`. The second comes out of the reader's buffer.
        let reader = this.reader.take().expect("it was here a line ago");
        match Pin::new(reader).poll_fill_buf(cx) {
            Poll::Ready(answer) => Poll::Ready(answer),
            Poll::Pending => Poll::Ready(Err(io::Error::other(
                "the reader had bytes in its buffer and lost them",
            ))),
        }
    }
}

/// The future of [`read_until`](super::AsyncBufReadExt::read_until).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadUntil<'a, R: ?Sized> {
    /// Whence.
    pub(super) reader: &'a mut R,
    /// The last byte to read.
    pub(super) delimiter: u8,
    /// Where to.
    pub(super) bytes: &'a mut Vec<u8>,
    /// How long `bytes` was before.
    pub(super) start: usize,
}

impl<R: AsyncBufRead + Unpin + ?Sized> Future for ReadUntil<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        ready!(poll_until(this.reader, cx, this.delimiter, this.bytes))?;
        Poll::Ready(Ok(this.bytes.len() - this.start))
    }
}

/// The future of [`read_line`](super::AsyncBufReadExt::read_line).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadLine<'a, R: ?Sized> {
    /// Whence.
    reader: &'a mut R,
    /// Where to.
    text: Text<'a>,
}

impl<'a, R: ?Sized> ReadLine<'a, R> {
    /// Appends to `output`.
    pub(super) fn new(reader: &'a mut R, output: &'a mut String) -> Self {
        Self {
            reader,
            text: Text::new(output),
        }
    }
}

impl<R: AsyncBufRead + Unpin + ?Sized> Future for ReadLine<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let read = ready!(poll_until(this.reader, cx, b'\n', &mut this.text.bytes));
        let count = this.text.finish();
        // What came before an error of the reader is kept if it can be; that error is the one to tell.
        Poll::Ready(read.and(count))
    }
}

/// Moves the next segment of the reader out of `segment`, which keeps its beginning from poll to poll: whatever is dropped
/// meanwhile, it is not lost. It ends with the delimiter, unless the stream ended first; `None` is the end of the stream.
pub(super) fn poll_segment<R>(
    reader: &mut R,
    cx: &mut Context<'_>,
    delimiter: u8,
    segment: &mut Vec<u8>,
) -> Poll<io::Result<Option<Vec<u8>>>>
where
    R: AsyncBufRead + Unpin + ?Sized,
{
    ready!(poll_until(reader, cx, delimiter, segment))?;
    let segment = mem::take(segment);
    Poll::Ready(Ok((!segment.is_empty()).then_some(segment)))
}

/// Moves bytes from the reader to the end of `bytes`, up to a delimiter, that included, or to the end of the stream.
///
/// The search is `std::io::BufRead`'s, on the bytes that are there: it knows the machine's fastest way to find a byte.
fn poll_until<R>(
    reader: &mut R,
    cx: &mut Context<'_>,
    delimiter: u8,
    bytes: &mut Vec<u8>,
) -> Poll<io::Result<()>>
where
    R: AsyncBufRead + Unpin + ?Sized,
{
    loop {
        let used = match ready!(Pin::new(&mut *reader).poll_fill_buf(cx)) {
            Ok(mut there) => there.read_until(delimiter, bytes)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Poll::Ready(Err(error)),
        };
        Pin::new(&mut *reader).consume(used);
        if used == 0 || bytes.last() == Some(&delimiter) {
            return Poll::Ready(Ok(()));
        }
    }
}
