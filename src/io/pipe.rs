//! One direction of a [`DuplexStream`](super::DuplexStream): a queue of bytes with a limit, one reader and one writer.
//!
//! ```text
//!   writer ──write──► [ bytes … limit ] ──read──► reader
//!     ▲ waits while it is full        waits while it is empty ▲
//! ```
//!
//! A look and then a waker left, in two steps, would lose a wakeup:
//!
//! ```text
//!   reader                          writer
//!   is there a byte? no
//!                                   writes one; is there a waker? no: done
//!   leaves its waker                ... too late: the reader waits for ever
//! ```
//!
//! So who waits leaves its waker under the lock under which it has looked. Wakers are cloned before the lock and woken and
//! dropped after it: they are foreign code. A poll that need not wait clones none.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::mem;
use std::task::{Context, Poll, Waker};

use crate::shim::{Mutex, lock};
use crate::trace::wait;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Pipe {
    /// Guards the whole of it. No foreign code runs under it.
    state: Mutex<State>,
}

/// What the lock guards.
#[derive(Debug)]
struct State {
    /// What was written and not read.
    bytes: VecDeque<u8>,
    /// How many `bytes` there may be.
    limit: usize,
    /// Whether one of the two has left: nothing more can be written, and the end follows what is there.
    closed: bool,
    /// The reader, while it waits.
    reader: Option<Waker>,
    /// The writer, while it waits.
    writer: Option<Waker>,
}

/// What the one who closes takes with it, outside the lock: when this is dropped, the other one is woken, also while
/// somebody else's panic is under way.
#[derive(Debug)]
#[must_use = "it wakes the other one when it is dropped"]
pub(super) struct Closed {
    /// The other one, if it waits.
    other: Option<Waker>,
    /// A waker that the closing one left earlier: only to be dropped.
    _own: Option<Waker>,
}

impl Drop for Closed {
    fn drop(&mut self) {
        if let Some(waker) = self.other.take() {
            waker.wake();
        }
    }
}

impl Pipe {
    /// An empty one.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            state: Mutex::new(State {
                bytes: VecDeque::new(),
                limit,
                closed: false,
                reader: None,
                writer: None,
            }),
        }
    }

    /// Takes bytes out. `0` is the end.
    pub(super) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(
            cx,
            |state| state.read(buf).map(Ok),
            |state| &mut state.reader,
            |state| &mut state.writer,
        )
    }

    /// Puts bytes in, as many as there is room for.
    pub(super) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(
            cx,
            |state| state.write(bufs),
            |state| &mut state.writer,
            |state| &mut state.reader,
        )
    }

    /// Tries `step`. If it did something, wakes the other one; if not, `own` is where to wait.
    fn poll(
        &self,
        cx: &mut Context<'_>,
        mut step: impl FnMut(&mut State) -> Option<io::Result<usize>>,
        own: impl Fn(&mut State) -> &mut Option<Waker>,
        others: impl Fn(&mut State) -> &mut Option<Waker>,
    ) -> Poll<io::Result<usize>> {
        // Dropped after the guard, since it is declared before: a clone that is not needed, or the waker that it replaced.
        let mut waker = None;
        loop {
            let mut state = lock(&self.state);
            if let Some(answer) = step(&mut state) {
                let moved = matches!(answer, Ok(1..));
                let other = if moved {
                    others(&mut state).take()
                } else {
                    None
                };
                drop(state);
                if let Some(other) = other {
                    other.wake();
                }
                return Poll::Ready(answer);
            }
            let place = own(&mut state);
            if place.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
                break;
            }
            if waker.is_some() {
                mem::swap(place, &mut waker);
                break;
            }
            drop(state);
            waker = Some(cx.waker().clone());
        }
        wait::pending(|| "in-memory stream".to_owned())
    }

    /// The writer leaves, or has said all: the reader finds the end after what is there.
    pub(super) fn close_writer(&self) -> Closed {
        let mut state = lock(&self.state);
        state.closed = true;
        Closed {
            other: state.reader.take(),
            _own: state.writer.take(),
        }
    }

    /// The reader leaves: nobody wants what is there.
    pub(super) fn close_reader(&self) -> Closed {
        let mut state = lock(&self.state);
        state.closed = true;
        state.bytes = VecDeque::new();
        Closed {
            other: state.writer.take(),
            _own: state.reader.take(),
        }
    }
}

impl State {
    /// Moves bytes to `buf`. `None`: there are none yet.
    fn read(&mut self, buf: &mut [u8]) -> Option<usize> {
        if self.bytes.is_empty() && !self.closed && !buf.is_empty() {
            return None;
        }
        let (front, back) = self.bytes.as_slices();
        let from_front = front.len().min(buf.len());
        buf[..from_front].copy_from_slice(&front[..from_front]);
        let from_back = back.len().min(buf.len() - from_front);
        buf[from_front..from_front + from_back].copy_from_slice(&back[..from_back]);
        self.bytes.drain(..from_front + from_back);
        Some(from_front + from_back)
    }

    /// Moves bytes out of `bufs`. `None`: there is no room yet.
    fn write(&mut self, bufs: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
        if self.closed {
            return Some(Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "the other end of the duplex is gone, or this one was shut down",
            )));
        }
        let before = self.bytes.len();
        for buf in bufs {
            let room = self.limit - self.bytes.len();
            self.bytes.extend(&buf[..buf.len().min(room)]);
        }
        let count = self.bytes.len() - before;
        if count == 0 && bufs.iter().any(|buf| !buf.is_empty()) {
            return None;
        }
        Some(Ok(count))
    }
}
