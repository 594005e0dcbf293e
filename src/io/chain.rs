//! [`Chain`]: two readers, one after the other.
//!
//! The end of the first is a read of `0`, and so is a read into an empty slice: taken for the end, it would skip the rest.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead};

use super::retry;

/// Two readers, one after the other: made by [`AsyncReadExt::chain`](super::AsyncReadExt::chain).
///
/// ```
/// use samovar::io::{AsyncReadExt, Chain};
///
/// # samovar::block_on(async {
/// let mut both: Chain<&[u8], &[u8]> = b"tea".chain(&b"pot"[..]);
/// let mut text = String::new();
/// both.read_to_string(&mut text).await?;
/// assert_eq!(text, "teapot");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[must_use = "readers do nothing unless they are read"]
#[derive(Debug)]
pub struct Chain<T, U> {
    /// Read to its end first.
    first: T,
    /// Read then.
    second: U,
    /// Whether the first has ended. It is not asked again: some readers go on after an end.
    first_ended: bool,
}

impl<T, U> Chain<T, U> {
    /// See [`AsyncReadExt::chain`](super::AsyncReadExt::chain).
    pub(super) fn new(first: T, second: U) -> Self {
        Self {
            first,
            second,
            first_ended: false,
        }
    }

    /// The two readers.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// let both = b"tea".chain(&b"pot"[..]);
    /// assert_eq!(both.get_ref(), (&&b"tea"[..], &&b"pot"[..]));
    /// ```
    pub fn get_ref(&self) -> (&T, &U) {
        (&self.first, &self.second)
    }

    /// The two readers. Reading from them here changes what the chain reads.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// let mut both = b"tea".chain(&b"pot"[..]);
    /// *both.get_mut().1 = b"leaf";
    /// assert_eq!(*both.get_ref().1, b"leaf");
    /// ```
    pub fn get_mut(&mut self) -> (&mut T, &mut U) {
        (&mut self.first, &mut self.second)
    }

    /// The two readers, as far as they were read.
    ///
    /// ```
    /// use samovar::io::AsyncReadExt;
    ///
    /// # samovar::block_on(async {
    /// let mut both = b"tea".chain(&b"pot"[..]);
    /// both.read_u32().await?;
    /// assert_eq!(both.into_inner(), (&b""[..], &b"ot"[..]));
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn into_inner(self) -> (T, U) {
        (self.first, self.second)
    }
}

impl<T: AsyncRead + Unpin, U: AsyncRead + Unpin> AsyncRead for Chain<T, U> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if !this.first_ended {
            let count = ready!(retry::read(&mut this.first, cx, buf))?;
            if count > 0 || buf.is_empty() {
                return Poll::Ready(Ok(count));
            }
            this.first_ended = true;
        }
        retry::read(&mut this.second, cx, buf)
    }
}

impl<T: AsyncBufRead + Unpin, U: AsyncBufRead + Unpin> AsyncBufRead for Chain<T, U> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if !this.first_ended {
            let bytes = ready!(Pin::new(&mut this.first).poll_fill_buf(cx))?;
            if !bytes.is_empty() {
                return Poll::Ready(Ok(bytes));
            }
            this.first_ended = true;
        }
        Pin::new(&mut this.second).poll_fill_buf(cx)
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        let this = self.get_mut();
        if this.first_ended {
            Pin::new(&mut this.second).consume(count);
        } else {
            Pin::new(&mut this.first).consume(count);
        }
    }
}
