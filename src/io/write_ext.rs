//! [`AsyncWriteExt`]: what one does with a writer.
//!
//! The methods only make a future. What happens is in `write.rs`.

use std::io::IoSlice;

use futures_io::AsyncWrite;

use super::write::{Flush, Shutdown, Write, WriteAll, WriteNumber, WriteVectored};

/// Writes the methods that write a number, one per type and byte order.
macro_rules! write_numbers {
    ($($type:ident: $size:literal, $big:ident, $little:ident;)*) => {$(
        write_numbers!(@one $type, $size, $big, "big-endian: the highest byte goes first", to_be_bytes);
        write_numbers!(@one $type, $size, $little, "little-endian: the lowest byte goes first", to_le_bytes);
    )*};
    (@one $type:ident, $size:literal, $name:ident, $order:literal, $to:ident) => {
        #[doc = concat!("Writes a `", stringify!($type), "`, ", $order, ".")]
        ///
        /// Numbers are small: give them a [`BufWriter`](super::BufWriter) if there are many.
        ///
        /// # Errors
        ///
        /// Those of [`write_all`](AsyncWriteExt::write_all).
        ///
        /// # Cancel safety
        ///
        #[doc = concat!("Not cancel safe: some of the ", stringify!($size), " bytes may have been written.")]
        ///
        /// ```
        /// use samovar::io::AsyncWriteExt;
        ///
        /// # samovar::block_on(async {
        /// let mut writer = Vec::new();
        #[doc = concat!("writer.", stringify!($name), "(95 as ", stringify!($type), ").await?;")]
        #[doc = concat!("assert_eq!(writer, (95 as ", stringify!($type), ").", stringify!($to), "());")]
        /// # std::io::Result::Ok(()) }).unwrap();
        /// ```
        fn $name(&mut self, number: $type) -> WriteNumber<'_, Self, $size>
        where
            Self: Unpin,
        {
            WriteNumber::new(self, number.$to())
        }
    };
}

/// What one does with a writer. Every [`AsyncWrite`] has these methods once this trait is imported.
///
/// The methods need the writer to be `Unpin`, as nearly every writer is; one that is not goes into a `Box::pin` first.
/// What the writer calls [interrupted](std::io::ErrorKind::Interrupted) is tried again.
///
/// ```
/// use samovar::io::AsyncWriteExt;
///
/// # samovar::block_on(async {
/// let mut writer = Vec::new();
/// writer.write_all(b"one boiler, ").await?;
/// writer.write_all(b"many cups").await?;
/// writer.flush().await?;
/// assert_eq!(writer, b"one boiler, many cups");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Panics
///
/// All that write, when the writer breaks the rules and says that it took more bytes than it was given.
pub trait AsyncWriteExt: AsyncWrite {
    /// Writes some bytes, from the beginning of `buf`, and says how many.
    ///
    /// `0` means that the writer takes no more, or that `buf` was empty. Most programs want
    /// [`write_all`](AsyncWriteExt::write_all).
    ///
    /// # Errors
    ///
    /// Those of the writer; then nothing was written.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: when another branch of a `select!` completes first, nothing was written.
    ///
    /// ```
    /// use samovar::io::AsyncWriteExt;
    ///
    /// # samovar::block_on(async {
    /// let (mut cup, _table) = samovar::io::duplex(3);
    /// assert_eq!(cup.write(b"too much tea").await?, 3);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn write<'a>(&'a mut self, buf: &'a [u8]) -> Write<'a, Self>
    where
        Self: Unpin,
    {
        Write { writer: self, buf }
    }

    /// Like [`write`](AsyncWriteExt::write), with bytes from several buffers, one after the other.
    ///
    /// A writer that cannot do this writes from the first buffer that is not empty.
    ///
    /// # Errors
    ///
    /// Those of the writer; then nothing was written.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: when another branch of a `select!` completes first, nothing was written.
    ///
    /// ```
    /// use samovar::io::AsyncWriteExt;
    /// use std::io::IoSlice;
    ///
    /// # samovar::block_on(async {
    /// let mut writer = Vec::new();
    /// let bufs = [IoSlice::new(b"tea "), IoSlice::new(b"pot")];
    /// assert_eq!(writer.write_vectored(&bufs).await?, 7);
    /// assert_eq!(writer, b"tea pot");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn write_vectored<'a, 'b>(&'a mut self, bufs: &'a [IoSlice<'b>]) -> WriteVectored<'a, 'b, Self>
    where
        Self: Unpin,
    {
        WriteVectored { writer: self, bufs }
    }

    /// Writes all of `buf`.
    ///
    /// # Errors
    ///
    /// [`WriteZero`](std::io::ErrorKind::WriteZero) when the writer takes no more; else those of the writer. How much was
    /// written is then not known.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: when another branch of a `select!` completes first, some bytes may have been written, and how many
    /// is not known. Where that matters, keep the position yourself and use [`write`](AsyncWriteExt::write).
    ///
    /// ```
    /// use samovar::io::AsyncWriteExt;
    ///
    /// # samovar::block_on(async {
    /// let mut writer = Vec::new();
    /// writer.write_all(b"tea").await?;
    /// assert_eq!(writer, b"tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn write_all<'a>(&'a mut self, buf: &'a [u8]) -> WriteAll<'a, Self>
    where
        Self: Unpin,
    {
        WriteAll {
            writer: self,
            buf,
            written: 0,
        }
    }

    /// Waits until everything that was written has left the writer's own buffers.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: nothing is lost, and another call goes on with what is left.
    ///
    /// ```
    /// use samovar::io::{AsyncWriteExt, BufWriter};
    ///
    /// # samovar::block_on(async {
    /// let mut writer = BufWriter::new(Vec::new());
    /// writer.write_all(b"tea").await?;
    /// assert_eq!(writer.get_ref(), b"");
    /// writer.flush().await?;
    /// assert_eq!(writer.get_ref(), b"tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn flush(&mut self) -> Flush<'_, Self>
    where
        Self: Unpin,
    {
        Flush { writer: self }
    }

    /// Flushes, and says that nothing more will be written: the reader at the other end finds the end of the stream. A
    /// socket's other direction stays open.
    ///
    /// `futures-io` calls this `close`.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: another call goes on with what is left. Nothing must be written in between.
    ///
    /// ```
    /// use samovar::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # samovar::block_on(async {
    /// let (mut ours, mut theirs) = samovar::io::duplex(64);
    /// ours.write_all(b"the last word").await?;
    /// ours.shutdown().await?;
    ///
    /// let mut text = String::new();
    /// theirs.read_to_string(&mut text).await?;
    /// assert_eq!(text, "the last word");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn shutdown(&mut self) -> Shutdown<'_, Self>
    where
        Self: Unpin,
    {
        Shutdown { writer: self }
    }

    /// Writes a byte.
    ///
    /// # Errors
    ///
    /// Those of [`write_all`](AsyncWriteExt::write_all).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: when another branch of a `select!` completes first, nothing was written.
    ///
    /// ```
    /// use samovar::io::AsyncWriteExt;
    ///
    /// # samovar::block_on(async {
    /// let mut writer = Vec::new();
    /// writer.write_u8(95).await?;
    /// assert_eq!(writer, [95]);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn write_u8(&mut self, number: u8) -> WriteNumber<'_, Self, 1>
    where
        Self: Unpin,
    {
        WriteNumber::new(self, number.to_be_bytes())
    }

    /// Writes a byte with a sign.
    ///
    /// # Errors
    ///
    /// Those of [`write_all`](AsyncWriteExt::write_all).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: when another branch of a `select!` completes first, nothing was written.
    ///
    /// ```
    /// use samovar::io::AsyncWriteExt;
    ///
    /// # samovar::block_on(async {
    /// let mut writer = Vec::new();
    /// writer.write_i8(-1).await?;
    /// assert_eq!(writer, [0xff]);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn write_i8(&mut self, number: i8) -> WriteNumber<'_, Self, 1>
    where
        Self: Unpin,
    {
        WriteNumber::new(self, number.to_be_bytes())
    }

    write_numbers! {
        u16: 2, write_u16, write_u16_le;
        i16: 2, write_i16, write_i16_le;
        u32: 4, write_u32, write_u32_le;
        i32: 4, write_i32, write_i32_le;
        u64: 8, write_u64, write_u64_le;
        i64: 8, write_i64, write_i64_le;
        u128: 16, write_u128, write_u128_le;
        i128: 16, write_i128, write_i128_le;
        f32: 4, write_f32, write_f32_le;
        f64: 8, write_f64, write_f64_le;
    }
}

impl<W: AsyncWrite + ?Sized> AsyncWriteExt for W {}
