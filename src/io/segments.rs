//! [`Split`]: a reader, cut at a byte.
//!
//! As [`Lines`](super::Lines), for any byte, and without a look at what the bytes mean.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::AsyncBufRead;

use super::buf_read::poll_segment;

/// A reader, cut at a byte: made by [`AsyncBufReadExt::split`](super::AsyncBufReadExt::split).
///
/// ```
/// use samovar::io::{AsyncBufReadExt, BufReader};
///
/// # samovar::block_on(async {
/// let mut fields = BufReader::new(&b"oolong,white,"[..]).split(b',');
/// assert_eq!(fields.next_segment().await?.as_deref(), Some(&b"oolong"[..]));
/// assert_eq!(fields.next_segment().await?.as_deref(), Some(&b"white"[..]));
/// assert_eq!(fields.next_segment().await?, None);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[must_use = "segments are read only when `next_segment` is awaited"]
#[derive(Debug)]
pub struct Split<R> {
    /// Whence.
    reader: R,
    /// Where it is cut.
    delimiter: u8,
    /// The beginning of the segment that is being read.
    segment: Vec<u8>,
}

impl<R> Split<R> {
    /// See [`AsyncBufReadExt::split`](super::AsyncBufReadExt::split).
    pub(super) fn new(reader: R, delimiter: u8) -> Self {
        Self {
            reader,
            delimiter,
            segment: Vec::new(),
        }
    }
}

impl<R: AsyncBufRead + Unpin> Split<R> {
    /// The bytes up to the next delimiter, without it; `None` at the end of the stream. The last segment may lack the
    /// delimiter.
    ///
    /// # Errors
    ///
    /// Those of the reader; what there was of the segment is kept for the next call.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was read of the segment is kept for the next call.
    ///
    /// ```
    /// use samovar::io::{AsyncBufReadExt, BufReader};
    ///
    /// # samovar::block_on(async {
    /// let mut paths = BufReader::new(&b"/tmp\0/home\0"[..]).split(b'\0');
    /// assert_eq!(paths.next_segment().await?.as_deref(), Some(&b"/tmp"[..]));
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub async fn next_segment(&mut self) -> io::Result<Option<Vec<u8>>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next_segment(cx)).await
    }

    /// [`next_segment`](Split::next_segment) for a `poll` function: `Pending` when there is no whole segment yet.
    ///
    /// # Errors
    ///
    /// Those of the reader.
    ///
    /// ```
    /// use samovar::io::{AsyncBufReadExt, BufReader};
    /// use std::pin::Pin;
    ///
    /// # samovar::block_on(async {
    /// let mut fields = BufReader::new(&b"oolong,white"[..]).split(b',');
    /// let field = std::future::poll_fn(|cx| Pin::new(&mut fields).poll_next_segment(cx)).await?;
    /// assert_eq!(field.as_deref(), Some(&b"oolong"[..]));
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn poll_next_segment(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Vec<u8>>>> {
        let Split {
            reader,
            delimiter,
            segment,
        } = self.get_mut();
        let mut segment = ready!(poll_segment(reader, cx, *delimiter, segment))?;
        if let Some(bytes) = &mut segment {
            if bytes.last() == Some(delimiter) {
                bytes.pop();
            }
        }
        Poll::Ready(Ok(segment))
    }
}
