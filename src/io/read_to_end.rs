//! Reading all there is, into a `Vec<u8>` or a `String`.
//!
//! A reader of `futures-io` fills a slice, so the tail of the vector has to be set to zero before it can be lent. What is
//! lent and not filled stays as it is until the future ends: thus every byte is set to zero once, however often the reader
//! has to be waited for. (Cutting the vector after each poll, as is usual, sets the same tail to zero again and again.) The
//! price is a destructor, which cuts off the rest.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::AsyncRead;

use super::retry;
use super::text::Text;

/// The most that is lent to a reader of which nothing is known yet. It doubles with what was read.
const FIRST_STEP: usize = 8 * 1024;

/// How much is read beside a full vector before it is made to grow: often it was made just as large as the contents, and
/// all that is left to read is the end.
const PROBE: usize = 32;

/// The future of [`read_to_end`](super::AsyncReadExt::read_to_end).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadToEnd<'a, R: ?Sized> {
    /// Whence.
    reader: &'a mut R,
    /// Where to; longer than what was read, see the module's text.
    bytes: &'a mut Vec<u8>,
    /// How long `bytes` was before.
    start: usize,
    /// How many of `bytes` are real.
    filled: usize,
}

impl<'a, R: ?Sized> ReadToEnd<'a, R> {
    /// Appends to `bytes`.
    pub(super) fn new(reader: &'a mut R, bytes: &'a mut Vec<u8>) -> Self {
        let start = bytes.len();
        Self {
            reader,
            bytes,
            start,
            filled: start,
        }
    }
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadToEnd<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        ready!(poll_to_end(this.reader, cx, this.bytes, &mut this.filled))?;
        Poll::Ready(Ok(this.filled - this.start))
    }
}

impl<R: ?Sized> Drop for ReadToEnd<'_, R> {
    fn drop(&mut self) {
        self.bytes.truncate(self.filled);
    }
}

/// The future of [`read_to_string`](super::AsyncReadExt::read_to_string).
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadToString<'a, R: ?Sized> {
    /// Whence.
    reader: &'a mut R,
    /// Where to.
    text: Text<'a>,
    /// How many of the text's bytes are real.
    filled: usize,
}

impl<'a, R: ?Sized> ReadToString<'a, R> {
    /// Appends to `output`.
    pub(super) fn new(reader: &'a mut R, output: &'a mut String) -> Self {
        let text = Text::new(output);
        let filled = text.bytes.len();
        Self {
            reader,
            text,
            filled,
        }
    }
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadToString<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let bytes = &mut this.text.bytes;
        ready!(poll_to_end(this.reader, cx, bytes, &mut this.filled))?;
        this.text.bytes.truncate(this.filled);
        Poll::Ready(this.text.finish())
    }
}

/// Reads behind the first `filled` of `bytes` until the end of the stream.
fn poll_to_end<R>(
    reader: &mut R,
    cx: &mut Context<'_>,
    bytes: &mut Vec<u8>,
    filled: &mut usize,
) -> Poll<io::Result<()>>
where
    R: AsyncRead + Unpin + ?Sized,
{
    loop {
        if *filled == bytes.len() && bytes.capacity() == 0 {
            bytes.reserve(FIRST_STEP);
        }
        let step = bytes.len().max(FIRST_STEP);
        let count = if *filled < bytes.len() {
            ready!(retry::read(reader, cx, &mut bytes[*filled..]))?
        } else if bytes.len() < bytes.capacity() {
            bytes.resize(bytes.capacity().min(bytes.len() + step), 0);
            continue;
        } else {
            let mut probe = [0; PROBE];
            let count = ready!(retry::read(reader, cx, &mut probe))?;
            if count > 0 {
                bytes.reserve(step);
            }
            bytes.extend_from_slice(&probe[..count]);
            count
        };
        if count == 0 {
            return Poll::Ready(Ok(()));
        }
        *filled += count;
    }
}
