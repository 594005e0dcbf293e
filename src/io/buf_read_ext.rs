//! [`AsyncBufReadExt`]: what one does with a reader that has a buffer.
//!
//! The methods only make a future or an adapter. What happens is in `buf_read.rs`, `lines.rs` and `segments.rs`.

use std::pin::Pin;

use futures_io::AsyncBufRead;

use super::buf_read::{FillBuf, ReadLine, ReadUntil};
use super::{Lines, Split};

/// What one does with a reader that has a buffer. Every [`AsyncBufRead`] has these methods once this trait is imported;
/// [`BufReader`](super::BufReader) makes one of any reader.
///
/// None of them knows a limit. Where the peer is not trusted, put a [`take`](super::AsyncReadExt::take) before it.
///
/// ```
/// use samovar::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
///
/// # samovar::block_on(async {
/// let (mut guest, host) = samovar::io::duplex(64);
/// guest.write_all(b"tea, please\nwith milk\n").await?;
/// drop(guest);
///
/// let mut orders = BufReader::new(host).lines();
/// assert_eq!(orders.next_line().await?.as_deref(), Some("tea, please"));
/// assert_eq!(orders.next_line().await?.as_deref(), Some("with milk"));
/// assert_eq!(orders.next_line().await?, None);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub trait AsyncBufReadExt: AsyncBufRead {
    /// Reads up to the next `delimiter`, that included, appends it all to `bytes`, and says how much that was.
    ///
    /// When the stream ends first, there is no delimiter at the end of `bytes`; `0` means that the stream had ended before.
    ///
    /// # Errors
    ///
    /// Those of the reader; `bytes` has what was read before.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: `bytes` has what was read, and another call with the same `bytes` goes on from there. It counts from
    /// zero again.
    ///
    /// ```
    /// use samovar::io::AsyncBufReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut reader: &[u8] = b"oolong,white";
    /// let mut bytes = Vec::new();
    /// assert_eq!(reader.read_until(b',', &mut bytes).await?, 7);
    /// assert_eq!(bytes, b"oolong,");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn read_until<'a>(&'a mut self, delimiter: u8, bytes: &'a mut Vec<u8>) -> ReadUntil<'a, Self>
    where
        Self: Unpin,
    {
        ReadUntil {
            reader: self,
            delimiter,
            start: bytes.len(),
            bytes,
        }
    }

    /// Reads a line, with the `\n` at its end, appends it to `text`, and says how many bytes that was.
    ///
    /// The last line may lack the `\n`; `0` means that the stream had ended before. `text` is not emptied first.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](std::io::ErrorKind::InvalidData) when the line is not UTF-8: `text` is as it was, and the line is
    /// lost. Else those of the reader; `text` has what was read before, unless that ends inside a character.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: what was read of the line is lost. `text` is as it was. [`lines`](AsyncBufReadExt::lines) is cancel
    /// safe.
    ///
    /// ```
    /// use samovar::io::AsyncBufReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut reader: &[u8] = b"Assam\nCeylon";
    /// let mut line = String::new();
    /// assert_eq!(reader.read_line(&mut line).await?, 6);
    /// assert_eq!(line, "Assam\n");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn read_line<'a>(&'a mut self, text: &'a mut String) -> ReadLine<'a, Self>
    where
        Self: Unpin,
    {
        ReadLine::new(self, text)
    }

    /// This reader, line by line.
    ///
    /// ```
    /// use samovar::io::AsyncBufReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut lines = b"Assam\nCeylon".lines();
    /// assert_eq!(lines.next_line().await?.as_deref(), Some("Assam"));
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn lines(self) -> Lines<Self>
    where
        Self: Sized,
    {
        Lines::new(self)
    }

    /// This reader, cut at each `delimiter`.
    ///
    /// ```
    /// use samovar::io::{AsyncBufReadExt, BufReader};
    ///
    /// # samovar::block_on(async {
    /// let mut fields = BufReader::new(&b"oolong,white"[..]).split(b',');
    /// assert_eq!(fields.next_segment().await?.as_deref(), Some(&b"oolong"[..]));
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn split(self, delimiter: u8) -> Split<Self>
    where
        Self: Sized,
    {
        Split::new(self, delimiter)
    }

    /// The bytes in the buffer; if there are none, waits until some have been read. None means the end of the stream.
    ///
    /// They count as read only after [`consume`](AsyncBufReadExt::consume).
    ///
    /// # Errors
    ///
    /// Those of the reader.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was read is in the buffer.
    ///
    /// ```
    /// use samovar::io::AsyncBufReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut reader: &[u8] = b"tea";
    /// assert_eq!(reader.fill_buf().await?, b"tea");
    /// reader.consume(1);
    /// assert_eq!(reader.fill_buf().await?, b"ea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn fill_buf(&mut self) -> FillBuf<'_, Self>
    where
        Self: Unpin,
    {
        FillBuf { reader: Some(self) }
    }

    /// Counts the first `count` bytes of the buffer as read: no call returns them again. `count` must not be larger than the
    /// last answer of [`fill_buf`](AsyncBufReadExt::fill_buf).
    ///
    /// ```
    /// use samovar::io::AsyncBufReadExt;
    ///
    /// let mut reader: &[u8] = b"tea";
    /// reader.consume(2);
    /// assert_eq!(reader, b"a");
    /// ```
    fn consume(&mut self, count: usize)
    where
        Self: Unpin,
    {
        Pin::new(self).consume(count);
    }
}

impl<R: AsyncBufRead + ?Sized> AsyncBufReadExt for R {}
