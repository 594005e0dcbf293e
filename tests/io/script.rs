//! A reader and a writer that do what a script says, and the tools to poll by hand.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use samovar::io::{AsyncRead, AsyncWrite};

/// What a poll answers.
#[derive(Debug, Clone)]
pub enum Step {
    /// These bytes; what does not fit comes next time.
    Give(Vec<u8>),
    /// Takes so many bytes.
    Take(usize),
    /// `Pending`; the waker is woken at once.
    Wait,
    /// An error.
    Fail(ErrorKind),
}

pub use Step::{Fail, Give, Take, Wait};

/// A step that gives bytes.
pub fn give(bytes: impl AsRef<[u8]>) -> Step {
    Give(bytes.as_ref().to_vec())
}

/// Reads what its script says, and then ends.
#[derive(Debug, Default)]
pub struct Reader {
    pub steps: VecDeque<Step>,
    /// How large the slices were that it was asked to fill.
    pub asked: Vec<usize>,
}

pub fn reader(steps: impl IntoIterator<Item = Step>) -> Reader {
    Reader {
        steps: steps.into_iter().collect(),
        asked: Vec::new(),
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.asked.push(buf.len());
        match self.steps.pop_front() {
            None => Poll::Ready(Ok(0)),
            Some(Give(mut bytes)) => {
                let count = bytes.len().min(buf.len());
                buf[..count].copy_from_slice(&bytes[..count]);
                bytes.drain(..count);
                if !bytes.is_empty() {
                    self.steps.push_front(Give(bytes));
                }
                Poll::Ready(Ok(count))
            }
            Some(Wait) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Fail(kind)) => Poll::Ready(Err(kind.into())),
            Some(Take(_)) => panic!("a reader takes nothing"),
        }
    }
}

/// Writes as its script says, and then takes everything.
#[derive(Debug, Default)]
pub struct Writer {
    /// For writes.
    pub steps: VecDeque<Step>,
    /// For flushes and for closing.
    pub flush_steps: VecDeque<Step>,
    /// Everything that was written.
    pub written: Vec<u8>,
    /// How much was offered by each write.
    pub offered: Vec<usize>,
    /// How much had been written at each flush that was done.
    pub flushed_at: Vec<usize>,
    pub closed: bool,
}

pub fn writer(steps: impl IntoIterator<Item = Step>) -> Writer {
    Writer {
        steps: steps.into_iter().collect(),
        ..Writer::default()
    }
}

/// What a step that moves nothing answers.
fn nothing<T>(step: Step, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
    match step {
        Wait => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        Fail(kind) => Poll::Ready(Err(kind.into())),
        step => panic!("not for this: {step:?}"),
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.offered.push(buf.len());
        let count = match self.steps.pop_front() {
            None => buf.len(),
            Some(Take(count)) => count.min(buf.len()),
            Some(step) => return nothing(step, cx),
        };
        self.written.extend_from_slice(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(step) = self.flush_steps.pop_front() {
            return nothing(step, cx);
        }
        let written = self.written.len();
        self.flushed_at.push(written);
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(step) = self.flush_steps.pop_front() {
            return nothing(step, cx);
        }
        self.closed = true;
        Poll::Ready(Ok(()))
    }
}

/// A reader and a writer in one.
#[derive(Debug, Default)]
pub struct Both<R, W> {
    pub reader: R,
    pub writer: W,
}

impl<R: AsyncRead + Unpin, W: Unpin> AsyncRead for Both<R, W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.reader).poll_read(cx, buf)
    }
}

impl<R: Unpin, W: AsyncWrite + Unpin> AsyncWrite for Both<R, W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_close(cx)
    }
}

/// Says of every poll that it moved one byte more than it was asked for.
#[derive(Debug)]
pub struct Liar;

impl AsyncRead for Liar {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len() + 1))
    }
}

impl AsyncWrite for Liar {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len() + 1))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Polls a future once and drops it: a branch of a `select!` that lost. It must have been waiting.
#[track_caller]
pub fn cancel<F: Future>(future: F) {
    let mut cx = Context::from_waker(futures::task::noop_waker_ref());
    let poll = pin!(future).poll(&mut cx);
    assert!(poll.is_pending(), "the future did not wait");
}
