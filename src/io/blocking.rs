//! [`Blocking`]: something that blocks, as a reader or a writer that does not.
//!
//! The thing, with a buffer, is sent to a thread of the blocking pool for one operation and comes back with its result:
//!
//! ```text
//!   Here ──operation──► Away ──it is done──► Here
//!                         └──it panicked, or the runtime ended──► Lost
//! ```
//!
//! A read waits for its job. A write only starts it: the *next* operation waits, and returns its error. That is what makes a
//! cancelled operation lose nothing: whatever a job read or failed with is found by the next one.
//!
//! Rejected: a job that keeps the thing and reads ahead through a channel. It takes a thread for as long as the program
//! lives, and input that nobody asked for.

use std::future::Future;
use std::io::{self, Read, Write};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

use crate::task::{JoinHandle, spawn_blocking};

/// How many bytes one job moves at most. To go to another thread costs some 20 us, which is little beside 64 KiB.
const MAX_BYTES: usize = 64 * 1024;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Blocking<T> {
    /// Where the thing is.
    state: State<T>,
}

/// Where the thing is.
#[derive(Debug)]
enum State<T> {
    /// Here, and idle.
    Here(Luggage<T>),
    /// With a job, which gives it back and says how many bytes it moved.
    Away(JoinHandle<(Luggage<T>, io::Result<usize>)>),
    /// The job ended without giving it back.
    Lost,
}

/// What goes to a job and comes back.
#[derive(Debug)]
struct Luggage<T> {
    /// The thing.
    thing: T,
    /// What was read, or is to be written: no thing does both.
    bytes: Vec<u8>,
    /// How many of `bytes` have been given to the caller.
    taken: usize,
    /// Whether something was written since the last flush that succeeded.
    unflushed: bool,
}

impl<T: Send + Unpin + 'static> Blocking<T> {
    /// Nothing happens before the first operation.
    pub(super) fn new(thing: T) -> Self {
        Self {
            state: State::Here(Luggage {
                thing,
                bytes: Vec::new(),
                taken: 0,
                unflushed: false,
            }),
        }
    }

    /// Waits until the thing is here. Returns what the job that brought it said, or `None` if there was none.
    fn poll_here(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(&mut Luggage<T>, Option<usize>)>> {
        let mut said = None;
        if let State::Away(job) = &mut self.state {
            match ready!(Pin::new(job).poll(cx)) {
                Ok((luggage, result)) => {
                    self.state = State::Here(luggage);
                    said = Some(result?);
                }
                Err(error) => {
                    self.state = State::Lost;
                    return Poll::Ready(Err(io::Error::other(error)));
                }
            }
        }
        Poll::Ready(match &mut self.state {
            State::Here(luggage) => Ok((luggage, said)),
            _ => Err(io::Error::other(
                "lost with an earlier operation, which panicked or was cut off by the end of its runtime",
            )),
        })
    }

    /// Sends the thing, which is here, to a job.
    fn send(&mut self, work: impl FnOnce(&mut Luggage<T>) -> io::Result<usize> + Send + 'static) {
        self.state = match mem::replace(&mut self.state, State::Lost) {
            State::Here(mut luggage) => State::Away(spawn_blocking(move || {
                let said = work(&mut luggage);
                (luggage, said)
            })),
            elsewhere => elsewhere,
        };
    }
}

impl<T: Read + Send + Unpin + 'static> AsyncRead for Blocking<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            let (luggage, said) = ready!(this.poll_here(cx))?;
            let there = &luggage.bytes[luggage.taken..];
            let count = there.len().min(buf.len());
            if count > 0 || said == Some(0) {
                buf[..count].copy_from_slice(&there[..count]);
                luggage.taken += count;
                return Poll::Ready(Ok(count));
            }
            let room = buf.len().min(MAX_BYTES);
            this.send(move |luggage| luggage.read(room));
        }
    }
}

impl<T: Write + Send + Unpin + 'static> AsyncWrite for Blocking<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let (luggage, _) = ready!(this.poll_here(cx))?;
        let count = buf.len().min(MAX_BYTES);
        if count > 0 {
            luggage.bytes.clear();
            luggage.bytes.extend_from_slice(&buf[..count]);
            luggage.unflushed = true;
            this.send(|luggage| luggage.thing.write_all(&luggage.bytes).map(|()| 0));
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let (luggage, _) = ready!(this.poll_here(cx))?;
            if !luggage.unflushed {
                return Poll::Ready(Ok(()));
            }
            this.send(Luggage::flush);
        }
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl<T: Read> Luggage<T> {
    /// Reads once, at most `room` bytes.
    fn read(&mut self, room: usize) -> io::Result<usize> {
        self.taken = 0;
        self.bytes.clear();
        self.bytes.resize(room, 0);
        let result = loop {
            match self.thing.read(&mut self.bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.bytes.truncate(*result.as_ref().unwrap_or(&0));
        result
    }
}

impl<T: Write> Luggage<T> {
    /// Flushes. One that failed is to be made again: what it did not write is still with the thing.
    fn flush(&mut self) -> io::Result<usize> {
        self.thing.flush()?;
        self.unflushed = false;
        Ok(0)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::future::poll_fn;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;
    use crate::io::{AsyncReadExt, AsyncWriteExt};
    use crate::runtime::Runtime;

    /// Reads what is sent to it, an end for `None`; it blocks meanwhile.
    struct Input(Receiver<Option<u8>>);

    impl Read for Input {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            match self.0.recv().unwrap() {
                Some(byte) => {
                    buf[0] = byte;
                    Ok(1)
                }
                None => Ok(0),
            }
        }
    }

    /// Tells what is done to it. A write of `!` fails, one of `?` panics; the flush after `#` fails, after `~` it is
    /// interrupted.
    struct Output(Sender<String>, Option<io::Error>);

    impl Write for Output {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            match buf {
                b"!" => return Err(io::ErrorKind::StorageFull.into()),
                b"?" => panic!("a writer that panics"),
                b"~" => self.1 = Some(io::ErrorKind::Interrupted.into()),
                b"#" => self.1 = Some(io::ErrorKind::StorageFull.into()),
                _ => {}
            }
            let text = String::from_utf8_lossy(buf).into_owned();
            self.0.send(text).unwrap();
            Ok(buf.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            if let Some(error) = self.1.take() {
                return Err(error);
            }
            self.0.send("flush".into()).unwrap();
            Ok(())
        }
    }

    #[test]
    fn what_a_cancelled_read_gets_the_next_one_returns() {
        Runtime::new().unwrap().block_on(async {
            let (sender, receiver) = channel();
            let mut input = Blocking::new(Input(receiver));
            let mut buf = [0; 8];
            poll_fn(|cx| {
                let poll = Pin::new(&mut input.read(&mut buf)).poll(cx);
                assert!(poll.is_pending(), "nothing was sent");
                Poll::Ready(())
            })
            .await;
            for sent in [Some(1), None, Some(2)] {
                sender.send(sent).unwrap();
            }
            assert_eq!(input.read(&mut buf).await.unwrap(), 1);
            assert_eq!(buf[0], 1);
            assert_eq!(input.read(&mut buf).await.unwrap(), 0);
            assert_eq!(input.read(&mut buf).await.unwrap(), 1);
            assert_eq!(buf[0], 2);
        });
    }

    #[test]
    fn a_flush_waits_for_what_was_written() {
        Runtime::new().unwrap().block_on(async {
            let (sender, done) = channel();
            let mut output = Blocking::new(Output(sender, None));
            output.write_all(b"tea").await.unwrap();
            output.flush().await.unwrap();
            output.flush().await.unwrap();
            output.write_all(b"pot").await.unwrap();
            output.shutdown().await.unwrap();
            let done: Vec<String> = done.try_iter().collect();
            assert_eq!(done, ["tea", "flush", "pot", "flush"]);
        });
    }

    #[test]
    fn the_error_of_a_write_is_told_by_what_comes_next() {
        Runtime::new().unwrap().block_on(async {
            let (sender, _done) = channel();
            let mut output = Blocking::new(Output(sender, None));
            output.write_all(b"!").await.unwrap();
            let error = output.flush().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            output.write_all(b"tea").await.unwrap();
            output.flush().await.unwrap();
        });
    }

    #[test]
    fn a_flush_that_failed_is_made_again() {
        Runtime::new().unwrap().block_on(async {
            let (sender, done) = channel();
            let mut output = Blocking::new(Output(sender, None));
            output.write_all(b"~").await.unwrap();
            output.flush().await.unwrap();
            output.write_all(b"#").await.unwrap();
            let error = output.flush().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            output.shutdown().await.unwrap();
            let done: Vec<String> = done.try_iter().collect();
            assert_eq!(done, ["~", "flush", "#", "flush"]);
        });
    }

    #[test]
    fn after_a_panic_every_operation_fails() {
        Runtime::new().unwrap().block_on(async {
            let (sender, _done) = channel();
            let mut output = Blocking::new(Output(sender, None));
            output.write_all(b"?").await.unwrap();
            assert!(output.flush().await.is_err());
            assert!(output.write_all(b"tea").await.is_err());
        });
    }
}
