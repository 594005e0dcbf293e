//! [`Lines`]: a reader, line by line.
//!
//! `read_line` in a `select!` loses half a line when another branch is first: what it has read is in its future, and is dropped
//! with it. So `Lines` keeps the beginning of a line in itself; its futures only borrow it, and lose nothing.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::AsyncBufRead;

use super::buf_read::poll_segment;

/// A reader, line by line: made by [`AsyncBufReadExt::lines`](super::AsyncBufReadExt::lines).
///
/// ```
/// use samovar::io::AsyncBufReadExt;
///
/// # samovar::block_on(async {
/// let mut lines = b"Assam\nDarjeeling\r\nCeylon".lines();
/// while let Some(line) = lines.next_line().await? {
///     println!("{line}");
/// }
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[must_use = "lines are read only when `next_line` is awaited"]
#[derive(Debug)]
pub struct Lines<R> {
    /// Whence.
    reader: R,
    /// The beginning of the line that is being read.
    line: Vec<u8>,
}

impl<R> Lines<R> {
    /// See [`AsyncBufReadExt::lines`](super::AsyncBufReadExt::lines).
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            line: Vec::new(),
        }
    }

    /// The reader.
    ///
    /// ```
    /// use samovar::io::AsyncBufReadExt;
    ///
    /// assert_eq!(b"tea".lines().get_ref(), b"tea");
    /// ```
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// The reader. What is read from it here is missing in the lines.
    ///
    /// ```
    /// use samovar::io::{AsyncBufReadExt, AsyncReadExt};
    ///
    /// # samovar::block_on(async {
    /// let mut lines = b"length 3\ntea".lines();
    /// assert_eq!(lines.next_line().await?.as_deref(), Some("length 3"));
    /// let mut body = [0; 3];
    /// lines.get_mut().read_exact(&mut body).await?;
    /// assert_eq!(&body, b"tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The reader. A line that was read in part is lost.
    ///
    /// ```
    /// use samovar::io::AsyncBufReadExt;
    ///
    /// assert_eq!(b"tea".lines().into_inner(), b"tea");
    /// ```
    pub fn into_inner(self) -> R {
        self.reader
    }
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// The next line, without its `\n` or `\r\n`; `None` at the end of the stream. The last line may lack the `\n`.
    ///
    /// There is no limit to the length of a line. Where the peer is not trusted, use
    /// [`take`](super::AsyncReadExt::take) or [`fill_buf`](super::AsyncBufReadExt::fill_buf).
    ///
    /// # Errors
    ///
    /// [`InvalidData`](io::ErrorKind::InvalidData) when the line is not UTF-8: it is skipped, and the next call reads the
    /// next one. Else those of the reader; what there was of the line is kept for the next call.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was read of the line is kept for the next call.
    ///
    /// ```
    /// use samovar::io::AsyncBufReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut lines = b"Assam\r\n\nCeylon".lines();
    /// assert_eq!(lines.next_line().await?.as_deref(), Some("Assam"));
    /// assert_eq!(lines.next_line().await?.as_deref(), Some(""));
    /// assert_eq!(lines.next_line().await?.as_deref(), Some("Ceylon"));
    /// assert_eq!(lines.next_line().await?, None);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub async fn next_line(&mut self) -> io::Result<Option<String>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next_line(cx)).await
    }

    /// [`next_line`](Lines::next_line) for a `poll` function: `Pending` when there is no whole line yet.
    ///
    /// # Errors
    ///
    /// Those of [`next_line`](Lines::next_line).
    ///
    /// ```
    /// use samovar::io::AsyncBufReadExt;
    /// use std::pin::Pin;
    ///
    /// # samovar::block_on(async {
    /// let mut lines = b"Assam\n".lines();
    /// let line = std::future::poll_fn(|cx| Pin::new(&mut lines).poll_next_line(cx)).await?;
    /// assert_eq!(line.as_deref(), Some("Assam"));
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn poll_next_line(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<String>>> {
        let this = self.get_mut();
        let line = ready!(poll_segment(&mut this.reader, cx, b'\n', &mut this.line))?;
        let Some(mut line) = line else {
            return Poll::Ready(Ok(None));
        };
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        let line = String::from_utf8(line)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))?;
        Poll::Ready(Ok(Some(line)))
    }
}
