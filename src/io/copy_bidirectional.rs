//! [`copy_bidirectional()`]: what a proxy does.
//!
//! Two `copy`s in a `join!` do not: both need `&mut` of both streams. With halves of them they copy, but pass no end on: the
//! guest has said all, `copy` returns, the kitchen waits for more, and the guest for its answer. So each direction goes on to
//! shut its writer down:
//!
//! ```text
//!   Copying ──the reader has ended──► Closing ──the writer is shut down──► Done
//! ```

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

use super::copy::Transfer;
use super::{DEFAULT_CAPACITY, retry};

/// Copies from `a` to `b` and from `b` to `a`, until both have ended, and says how many bytes it was each way: what a proxy
/// does.
///
/// When one of them ends, the other is [shut down](super::AsyncWriteExt::shutdown), so that its peer sees that end; the
/// other direction goes on. Each direction has a buffer of 8 KiB.
///
/// # Errors
///
/// The first error of either direction ends both at once. Bytes that were read and not written yet are lost.
///
/// # Cancel safety
///
/// Not cancel safe: bytes that were read and not written yet are lost.
///
/// ```
/// use samovar::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional, duplex};
///
/// # samovar::block_on(async {
/// let (mut guest, mut front) = duplex(64);
/// let (mut back, mut kitchen) = duplex(64);
/// guest.write_all(b"tea, please").await?;
/// guest.shutdown().await?;
/// kitchen.write_all(b"tea!").await?;
/// kitchen.shutdown().await?;
///
/// assert_eq!(copy_bidirectional(&mut front, &mut back).await?, (11, 4));
/// let mut order = String::new();
/// kitchen.read_to_string(&mut order).await?;
/// assert_eq!(order, "tea, please");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub async fn copy_bidirectional<A, B>(a: &mut A, b: &mut B) -> io::Result<(u64, u64)>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    copy_bidirectional_with_sizes(a, b, DEFAULT_CAPACITY, DEFAULT_CAPACITY).await
}

/// [`copy_bidirectional()`] with buffers of so many bytes, first that from `a` to `b`.
///
/// # Errors
///
/// Those of [`copy_bidirectional()`].
///
/// # Panics
///
/// When one of the sizes is zero: nothing could ever be copied.
///
/// # Cancel safety
///
/// Not cancel safe: bytes that were read and not written yet are lost.
///
/// ```
/// use samovar::io::{copy_bidirectional_with_sizes, duplex};
///
/// # samovar::block_on(async {
/// let (guest, mut front) = duplex(64);
/// let (mut back, kitchen) = duplex(64);
/// drop((guest, kitchen));
/// let count = copy_bidirectional_with_sizes(&mut front, &mut back, 1024, 64 * 1024).await?;
/// assert_eq!(count, (0, 0));
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[track_caller]
pub fn copy_bidirectional_with_sizes<A, B>(
    a: &mut A,
    b: &mut B,
    a_to_b: usize,
    b_to_a: usize,
) -> impl Future<Output = io::Result<(u64, u64)>>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    assert!(
        a_to_b > 0 && b_to_a > 0,
        "`copy_bidirectional_with_sizes` needs two buffers of at least one byte"
    );
    let mut there = OneWay::Copying(Transfer::new(a_to_b));
    let mut back = OneWay::Copying(Transfer::new(b_to_a));
    let mut back_first = true;
    poll_fn(move |cx| {
        // Who goes second finds less of the budget, or nothing: they take turns, so that a busy direction cannot keep
        // the other from ever moving.
        back_first = !back_first;
        let counts = if back_first {
            let back = back.poll(cx, b, a)?;
            (there.poll(cx, a, b)?, back)
        } else {
            (there.poll(cx, a, b)?, back.poll(cx, b, a)?)
        };
        Poll::Ready(Ok((ready!(counts.0), ready!(counts.1))))
    })
}

/// How far one direction is: the states of the drawing above.
#[derive(Debug)]
enum OneWay {
    /// The reader has not ended, or not everything is written.
    Copying(Transfer),
    /// The writer is being shut down, after so many bytes.
    Closing(u64),
    /// All is done.
    Done(u64),
}

impl OneWay {
    /// Goes on until the end, or until it has to wait. May be polled after the end.
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
    ) -> Poll<io::Result<u64>>
    where
        R: AsyncRead + Unpin + ?Sized,
        W: AsyncWrite + Unpin + ?Sized,
    {
        loop {
            *self = match self {
                OneWay::Copying(transfer) => {
                    OneWay::Closing(ready!(transfer.poll(cx, reader, writer))?)
                }
                OneWay::Closing(count) => {
                    ready!(retry::close(writer, cx))?;
                    OneWay::Done(*count)
                }
                OneWay::Done(count) => return Poll::Ready(Ok(*count)),
            };
        }
    }
}
