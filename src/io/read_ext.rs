//! [`AsyncReadExt`]: what one does with a reader.
//!
//! The methods only make a future or an adapter. What happens is in `read.rs`, `read_to_end.rs`, `chain.rs` and `take.rs`.

use futures_io::AsyncRead;

use super::read::{Read, ReadExact, ReadNumber};
use super::read_to_end::{ReadToEnd, ReadToString};
use super::{Chain, Take};

/// Writes the methods that read a number, one per type and byte order.
macro_rules! read_numbers {
    ($($type:ident: $size:literal, $big:ident, $little:ident;)*) => {$(
        read_numbers!(@one $type, $size, $big, "big-endian: the highest byte comes first", from_be_bytes, to_be_bytes);
        read_numbers!(@one $type, $size, $little, "little-endian: the lowest byte comes first", from_le_bytes, to_le_bytes);
    )*};
    (@one $type:ident, $size:literal, $name:ident, $order:literal, $from:ident, $to:ident) => {
        #[doc = concat!("Reads a `", stringify!($type), "`, ", $order, ".")]
        ///
        /// # Errors
        ///
        /// Those of [`read_exact`](AsyncReadExt::read_exact).
        ///
        /// # Cancel safety
        ///
        #[doc = concat!("Not cancel safe: some of the ", stringify!($size), " bytes may have been read, and are lost.")]
        ///
        /// ```
        /// use samovar::io::AsyncReadExt;
        ///
        /// # samovar::block_on(async {
        #[doc = concat!("let bytes = (95 as ", stringify!($type), ").", stringify!($to), "();")]
        /// let mut reader = &bytes[..];
        #[doc = concat!("assert_eq!(reader.", stringify!($name), "().await?, 95 as ", stringify!($type), ");")]
        /// # std::io::Result::Ok(()) }).unwrap();
        /// ```
        fn $name(&mut self) -> ReadNumber<'_, Self, $type, $size>
        where
            Self: Unpin,
        {
            ReadNumber::new(self, $type::$from)
        }
    };
}

/// What one does with a reader. Every [`AsyncRead`] has these methods once this trait is imported.
///
/// The methods that borrow the reader need it to be `Unpin`, as nearly every reader is; one that is not goes into a
/// `Box::pin` first. A read that the reader calls [interrupted](std::io::ErrorKind::Interrupted) is made again.
///
/// ```
/// use samovar::io::AsyncReadExt;
///
/// # samovar::block_on(async {
/// let mut reader: &[u8] = b"first flush";
/// let mut word = [0; 5];
/// reader.read_exact(&mut word).await?;
/// assert_eq!(&word, b"first");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Panics
///
/// All of them, when the reader breaks the rules and says that it has filled more bytes than it was given.
pub trait AsyncReadExt: AsyncRead {
    /// Reads some bytes, as many as are there and fit, and says how many. It waits until there is at least one.
    ///
    /// `0` is the end of the stream, or `buf` was empty.
    ///
    /// # Errors
    ///
    /// Those of the reader; then nothing was read.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: when another branch of a `select!` completes first, nothing was read.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut reader: &[u8] = b"tea";
    /// let mut buf = [0; 8];
    /// assert_eq!(reader.read(&mut buf).await?, 3);
    /// assert_eq!(reader.read(&mut buf).await?, 0);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn read<'a>(&'a mut self, buf: &'a mut [u8]) -> Read<'a, Self>
    where
        Self: Unpin,
    {
        Read { reader: self, buf }
    }

    /// Reads until `buf` is full, and returns its length.
    ///
    /// # Errors
    ///
    /// [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof) when the stream ends before; else those of the reader. What `buf`
    /// holds then is not specified, nor how much was read.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: some bytes may have been read into `buf`, and how many is not known.
    ///
    /// ```
    /// use samovar::io::{AsyncReadExt, ErrorKind};
    ///
    /// # samovar::block_on(async {
    /// let mut reader: &[u8] = b"green tea";
    /// let mut word = [0; 5];
    /// reader.read_exact(&mut word).await?;
    /// assert_eq!(&word, b"green");
    ///
    /// let error = reader.read_exact(&mut word).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn read_exact<'a>(&'a mut self, buf: &'a mut [u8]) -> ReadExact<'a, Self>
    where
        Self: Unpin,
    {
        ReadExact {
            reader: self,
            buf,
            filled: 0,
        }
    }

    /// Reads until the end of the stream, appends everything to `bytes`, and says how much that was.
    ///
    /// There is no limit: a peer that never stops fills the memory. [`take`](AsyncReadExt::take) sets one.
    ///
    /// # Errors
    ///
    /// Those of the reader; `bytes` has what was read before.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: `bytes` has what was read before. Another call goes on from there. (A future that is neither
    /// completed nor dropped, but given to `mem::forget`, leaves zeros behind it.)
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut reader: &[u8] = b"leaves";
    /// let mut bytes = b"tea ".to_vec();
    /// assert_eq!(reader.read_to_end(&mut bytes).await?, 6);
    /// assert_eq!(bytes, b"tea leaves");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn read_to_end<'a>(&'a mut self, bytes: &'a mut Vec<u8>) -> ReadToEnd<'a, Self>
    where
        Self: Unpin,
    {
        ReadToEnd::new(self, bytes)
    }

    /// Reads until the end of the stream, appends everything to `text`, and says how many bytes that was.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](std::io::ErrorKind::InvalidData) when it is not UTF-8; else those of the reader. In both cases `text` is
    /// as it was, and what was read is lost.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: what was read is lost. `text` is as it was.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut reader = "Улун".as_bytes();
    /// let mut text = String::new();
    /// assert_eq!(reader.read_to_string(&mut text).await?, 8);
    /// assert_eq!(text, "Улун");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn read_to_string<'a>(&'a mut self, text: &'a mut String) -> ReadToString<'a, Self>
    where
        Self: Unpin,
    {
        ReadToString::new(self, text)
    }

    /// This reader, and when it has ended, `next`.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut text = String::new();
    /// b"black ".chain(&b"tea"[..]).read_to_string(&mut text).await?;
    /// assert_eq!(text, "black tea");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn chain<R: AsyncRead>(self, next: R) -> Chain<Self, R>
    where
        Self: Sized,
    {
        Chain::new(self, next)
    }

    /// This reader, which seems to end after `limit` bytes. `&mut reader` is a reader too, so that the rest is not lost.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut reader: &[u8] = b"three cups";
    /// let mut text = String::new();
    /// (&mut reader).take(5).read_to_string(&mut text).await?;
    /// assert_eq!(text, "three");
    /// assert_eq!(reader, b" cups");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn take(self, limit: u64) -> Take<Self>
    where
        Self: Sized,
    {
        Take::new(self, limit)
    }

    /// Reads a byte.
    ///
    /// # Errors
    ///
    /// Those of [`read_exact`](AsyncReadExt::read_exact).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: when another branch of a `select!` completes first, nothing was read.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut reader: &[u8] = &[95];
    /// assert_eq!(reader.read_u8().await?, 95);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn read_u8(&mut self) -> ReadNumber<'_, Self, u8, 1>
    where
        Self: Unpin,
    {
        ReadNumber::new(self, u8::from_be_bytes)
    }

    /// Reads a byte with a sign.
    ///
    /// # Errors
    ///
    /// Those of [`read_exact`](AsyncReadExt::read_exact).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: when another branch of a `select!` completes first, nothing was read.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut reader: &[u8] = &[0xff];
    /// assert_eq!(reader.read_i8().await?, -1);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    fn read_i8(&mut self) -> ReadNumber<'_, Self, i8, 1>
    where
        Self: Unpin,
    {
        ReadNumber::new(self, i8::from_be_bytes)
    }

    read_numbers! {
        u16: 2, read_u16, read_u16_le;
        i16: 2, read_i16, read_i16_le;
        u32: 4, read_u32, read_u32_le;
        i32: 4, read_i32, read_i32_le;
        u64: 8, read_u64, read_u64_le;
        i64: 8, read_i64, read_i64_le;
        u128: 16, read_u128, read_u128_le;
        i128: 16, read_i128, read_i128_le;
        f32: 4, read_f32, read_f32_le;
        f64: 8, read_f64, read_f64_le;
    }
}

impl<R: AsyncRead + ?Sized> AsyncReadExt for R {}
