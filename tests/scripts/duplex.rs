//! Scripts of a connection in memory: both ends write and read in pieces, wait, give up, say that this was all, and go.

use std::collections::VecDeque;

use super::{Argument, Lane, Said, compare, steps};

/// What may happen. `end` is 0 or 1. What is at work is a reader or a writer of one of them: 0 to 3.
#[derive(Clone, Copy, Debug)]
enum Op {
    Read { end: usize, many: usize },
    Write { end: usize, many: usize },
    WriteTwo { end: usize, many: usize },
    Poll { at: usize, fresh: bool },
    Cancel(usize),
    Shutdown(usize),
    Drop(usize),
}

fn op((kind, argument): (u8, Argument)) -> Op {
    let (end, many) = (argument.at() % 2, (argument.below(11) + 1) % 11);
    match kind % 20 {
        0..=4 => Op::Read { end, many },
        5..=8 => Op::Write { end, many },
        9..=10 => Op::WriteTwo { end, many },
        11..=15 => Op::Poll {
            at: argument.at() % 4,
            fresh: argument.seldom(),
        },
        16..=17 => Op::Cancel(argument.at() % 4),
        18 if argument.seldom() => Op::Shutdown(end),
        19 if argument.seldom() => Op::Drop(end),
        _ => Op::Read { end, many },
    }
}

/// What is read, in one number; nothing is the end.
fn digest(bytes: &[u8]) -> Said {
    let add = |sum: u64, byte: &u8| sum.wrapping_mul(257).wrapping_add(u64::from(*byte) + 1);
    match bytes {
        [] => Said::Closed,
        _ => Said::Value(bytes.iter().fold(0, add)),
    }
}

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::{Lane, Said, Waiting};
            use super::{Op, digest};
            use ::$library::io::{AsyncReadExt, AsyncWriteExt};
            use ::$library::io::{DuplexStream, ReadHalf, WriteHalf, duplex, split};
            use std::cell::RefCell;
            use std::io::{self, ErrorKind, IoSlice};
            use std::rc::Rc;

            /// A half of an end, until it goes.
            type Half<T> = Option<Rc<RefCell<T>>>;

            pub struct Stream {
                /// What the next byte is.
                next: u8,
                readers: [Half<ReadHalf<DuplexStream>>; 2],
                writers: [Half<WriteHalf<DuplexStream>>; 2],
                /// For each end who reads, and who writes.
                waiting: [Waiting; 4],
            }

            fn shared<T>(half: T) -> Half<T> {
                Some(Rc::new(RefCell::new(half)))
            }

            fn written(result: io::Result<usize>) -> Said {
                match result {
                    Ok(many) => Said::Value(many as u64),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
                        Said::Closed
                    }
                }
            }

            impl Stream {
                pub fn new(limit: usize) -> Stream {
                    let (one, other) = duplex(limit);
                    let (one, other) = (split(one), split(other));
                    Stream {
                        next: 0,
                        readers: [shared(one.0), shared(other.0)],
                        writers: [shared(one.1), shared(other.1)],
                        waiting: Default::default(),
                    }
                }

                fn is_busy(&self, at: usize) -> bool {
                    !self.waiting[at].woken().is_empty()
                }

                fn read(&mut self, end: usize, many: usize) -> Said {
                    let reader = self.readers[end].clone();
                    let Some(reader) = reader.filter(|_| !self.is_busy(2 * end)) else {
                        return Said::Skipped;
                    };
                    self.waiting[2 * end].begin(true, async move {
                        let mut buffer = vec![0; many];
                        let count = reader.borrow_mut().read(&mut buffer).await;
                        digest(&buffer[..count.expect("nothing can fail")])
                    })
                }

                fn write(&mut self, end: usize, many: usize, two: bool) -> Said {
                    let bytes: Vec<u8> = (0..many as u8)
                        .map(|number| self.next.wrapping_add(number))
                        .collect();
                    self.next = self.next.wrapping_add(many as u8);
                    let writer = self.writers[end].clone();
                    let Some(writer) = writer.filter(|_| !self.is_busy(2 * end + 1)) else {
                        return Said::Skipped;
                    };
                    self.waiting[2 * end + 1].begin(true, async move {
                        let mut writer = writer.borrow_mut();
                        if two {
                            let (one, other) = bytes.split_at(many / 3);
                            let both = [IoSlice::new(one), IoSlice::new(other)];
                            written(writer.write_vectored(&both).await)
                        } else {
                            written(writer.write(&bytes).await)
                        }
                    })
                }
            }

            impl Lane<Op> for Stream {
                type State = ();

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Read { end, many } => self.read(end, many),
                        Op::Write { end, many } => self.write(end, many, false),
                        Op::WriteTwo { end, many } => self.write(end, many, true),
                        Op::Poll { at, fresh } => Said::polled(self.waiting[at].poll(0, fresh)),
                        Op::Cancel(at) => Said::done(self.waiting[at].cancel(0)),
                        Op::Shutdown(end) => {
                            let writer = self.writers[end].clone();
                            let Some(writer) = writer.filter(|_| !self.is_busy(2 * end + 1)) else {
                                return Said::Skipped;
                            };
                            let shut = async move {
                                let shut = writer.borrow_mut().shutdown().await;
                                shut.map_or(Said::Empty, |()| Said::Done)
                            };
                            self.waiting[2 * end + 1].begin(true, shut)
                        }
                        Op::Drop(end) if self.is_busy(2 * end) || self.is_busy(2 * end + 1) => {
                            Said::Skipped
                        }
                        Op::Drop(end) => {
                            self.writers[end] = None;
                            Said::done(self.readers[end].take().is_some())
                        }
                    }
                }

                fn state(&self) {}

                fn woken(&self) -> Vec<bool> {
                    self.waiting.iter().flat_map(Waiting::woken).collect()
                }
            }

            impl Drop for Stream {
                fn drop(&mut self) {
                    if !std::thread::panicking() {
                        for waiting in &mut self.waiting {
                            waiting.cancel(0);
                        }
                        (self.readers, self.writers) = Default::default();
                        self.waiting.iter().for_each(Waiting::no_waker_is_kept);
                    }
                }
            }
        }
    };
}

lane!(samovar);
lane!(tokio);

/// One direction: bytes, and whether more can come.
#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    closed: bool,
}

/// One who waits: with what, and whether it was woken.
struct Waiter {
    /// The size of the buffer, or the bytes.
    buffer: Vec<u8>,
    woken: bool,
}

/// Two pipes.
struct Model {
    limit: usize,
    next: u8,
    ends: [bool; 2],
    /// What each end writes.
    pipes: [Pipe; 2],
    /// For each end who reads, and who writes.
    waiting: [Option<Waiter>; 4],
}

impl Model {
    fn new(limit: usize) -> Model {
        Model {
            limit,
            next: 0,
            ends: [true; 2],
            pipes: Default::default(),
            waiting: Default::default(),
        }
    }

    /// Who is at work at the other end of the pipe.
    fn wake(&mut self, at: usize) {
        if let Some(waiter) = &mut self.waiting[at] {
            waiter.woken = true;
        }
    }

    /// A look of a reader or a writer.
    fn poll(&mut self, at: usize, buffer: Vec<u8>) -> Said {
        let (end, writes) = (at / 2, at % 2 == 1);
        let pipe = &mut self.pipes[if writes { end } else { 1 - end }];
        let room = self.limit - pipe.bytes.len();
        let said = match writes {
            true if pipe.closed => return Said::Closed,
            // There is nothing to wait for.
            true if buffer.is_empty() => return Said::Value(0),
            false if buffer.is_empty() => return digest(&[]),
            true if room > 0 => {
                let many = room.min(buffer.len());
                pipe.bytes.extend(&buffer[..many]);
                Said::Value(many as u64)
            }
            false if !pipe.bytes.is_empty() => {
                let many = buffer.len().min(pipe.bytes.len());
                digest(&pipe.bytes.drain(..many).collect::<Vec<u8>>())
            }
            false if pipe.closed => return Said::Closed,
            _ => {
                let woken = false;
                self.waiting[at] = Some(Waiter { buffer, woken });
                return Said::Pending;
            }
        };
        // The reader of one end and the writer of the other.
        self.wake(3 - at);
        said
    }

    /// Begins to read or to write, unless somebody does.
    fn begin(&mut self, at: usize, buffer: Vec<u8>) -> Said {
        if !self.ends[at / 2] || self.waiting[at].is_some() {
            return Said::Skipped;
        }
        self.poll(at, buffer)
    }

    fn write(&mut self, end: usize, many: usize) -> Said {
        let bytes = (0..many as u8).map(|number| self.next.wrapping_add(number));
        let bytes = bytes.collect();
        self.next = self.next.wrapping_add(many as u8);
        self.begin(2 * end + 1, bytes)
    }

    /// Nobody writes at this end any more.
    fn close(&mut self, end: usize) {
        self.pipes[end].closed = true;
        self.wake(2 * (1 - end));
    }
}

impl Lane<Op> for Model {
    type State = ();

    fn apply(&mut self, op: Op) -> Said {
        match op {
            Op::Read { end, many } => self.begin(2 * end, vec![0; many]),
            Op::Write { end, many } | Op::WriteTwo { end, many } => self.write(end, many),
            Op::Poll { at, .. } => match self.waiting[at].take() {
                Some(waiter) => self.poll(at, waiter.buffer),
                None => Said::Skipped,
            },
            Op::Cancel(at) => Said::done(self.waiting[at].take().is_some()),
            Op::Shutdown(end) | Op::Drop(end)
                if !self.ends[end] || self.waiting[2 * end + 1].is_some() =>
            {
                Said::Skipped
            }
            Op::Shutdown(end) => {
                self.close(end);
                Said::Done
            }
            Op::Drop(end) if self.waiting[2 * end].is_some() => Said::Skipped,
            Op::Drop(end) => {
                self.ends[end] = false;
                self.close(end);
                self.pipes[1 - end].closed = true;
                self.wake(2 * (1 - end) + 1);
                Said::Done
            }
        }
    }

    fn state(&self) {}

    fn woken(&self) -> Vec<bool> {
        let all = self.waiting.iter().flatten();
        all.map(|waiter| waiter.woken).collect()
    }
}

/// Runs a script.
pub fn run(script: &[u8]) {
    let Some((limit, script)) = script.split_first() else {
        return;
    };
    let limit = usize::from(*limit % 7) + 1;
    compare(
        steps(script).map(op),
        samovar::Stream::new(limit),
        tokio::Stream::new(limit),
        Model::new(limit),
    );
}
