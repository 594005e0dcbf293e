//! Scripts of a readers-writer lock: reading, writing, giving up, becoming a reader.

use std::task::Poll;

use super::line::Line;
use super::{Argument, Lane, Said, compare, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Begin { write: bool, polled: bool },
    Poll { at: usize, fresh: bool },
    Cancel(usize),
    TryRead,
    TryWrite,
    EndRead(usize),
    EndWrite,
    Downgrade,
}

fn op((kind, argument): (u8, Argument)) -> Op {
    let (at, polled) = (argument.at(), argument.mostly());
    match kind % 12 {
        0..=1 => Op::Begin {
            write: false,
            polled,
        },
        2 => Op::Begin {
            write: true,
            polled,
        },
        3..=4 => Op::Poll {
            at,
            fresh: argument.seldom(),
        },
        5 => Op::Cancel(at),
        6 => Op::TryRead,
        7 => Op::TryWrite,
        8..=9 => Op::EndRead(at),
        10 => Op::EndWrite,
        _ => Op::Downgrade,
    }
}

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::{Lane, Said, Waiting};
            use super::Op;
            use ::$library::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
            use std::cell::RefCell;
            use std::rc::Rc;
            use std::sync::Arc;

            pub struct Lock {
                lock: Arc<RwLock<u64>>,
                waiting: Waiting,
                guards: Rc<RefCell<Guards>>,
            }

            #[derive(Default)]
            struct Guards {
                readers: Vec<OwnedRwLockReadGuard<u64>>,
                writer: Option<OwnedRwLockWriteGuard<u64>>,
            }

            impl Guards {
                fn read(&mut self, guard: OwnedRwLockReadGuard<u64>) -> Said {
                    assert!(self.writer.is_none(), "a reader beside a writer");
                    let said = Said::Value(*guard);
                    self.readers.push(guard);
                    said
                }

                fn write(&mut self, mut guard: OwnedRwLockWriteGuard<u64>) -> Said {
                    let alone = self.writer.is_none() && self.readers.is_empty();
                    assert!(alone, "a writer is not alone");
                    *guard += 1;
                    let said = Said::Value(*guard);
                    self.writer = Some(guard);
                    said
                }
            }

            impl Lock {
                pub fn new() -> Lock {
                    Lock {
                        lock: Arc::new(RwLock::new(0)),
                        waiting: Waiting::default(),
                        guards: Rc::default(),
                    }
                }

                fn begin(&mut self, write: bool, polled: bool) -> Said {
                    let (lock, guards) = (self.lock.clone(), self.guards.clone());
                    self.waiting.begin(polled, async move {
                        if write {
                            let guard = lock.write_owned().await;
                            guards.borrow_mut().write(guard)
                        } else {
                            let guard = lock.read_owned().await;
                            guards.borrow_mut().read(guard)
                        }
                    })
                }
            }

            impl Lane<Op> for Lock {
                type State = (usize, bool);

                fn apply(&mut self, op: Op) -> Said {
                    let lock = self.lock.clone();
                    let guards = self.guards.clone();
                    match op {
                        Op::Begin { write, polled } => self.begin(write, polled),
                        Op::Poll { at, fresh } => Said::polled(self.waiting.poll(at, fresh)),
                        Op::Cancel(at) => Said::done(self.waiting.cancel(at)),
                        Op::TryRead => match lock.try_read_owned() {
                            Ok(guard) => guards.borrow_mut().read(guard),
                            Err(_) => Said::Full,
                        },
                        Op::TryWrite => match lock.try_write_owned() {
                            Ok(guard) => guards.borrow_mut().write(guard),
                            Err(_) => Said::Full,
                        },
                        Op::EndRead(at) => {
                            let mut guards = guards.borrow_mut();
                            let Some(at) = at.checked_rem(guards.readers.len()) else {
                                return Said::Skipped;
                            };
                            drop(guards.readers.swap_remove(at));
                            Said::Done
                        }
                        Op::EndWrite => Said::done(guards.borrow_mut().writer.take().is_some()),
                        Op::Downgrade => {
                            let Some(writer) = guards.borrow_mut().writer.take() else {
                                return Said::Skipped;
                            };
                            let reader = writer.downgrade();
                            guards.borrow_mut().read(reader)
                        }
                    }
                }

                fn state(&self) -> (usize, bool) {
                    let guards = self.guards.borrow();
                    (guards.readers.len(), guards.writer.is_some())
                }

                fn woken(&self) -> Vec<bool> {
                    self.waiting.woken()
                }
            }

            impl Drop for Lock {
                fn drop(&mut self) {
                    if !std::thread::panicking() {
                        self.waiting.end();
                        drop(self.guards.take());
                        assert!(self.lock.try_write().is_ok(), "nobody has the lock");
                        self.waiting.no_waker_is_kept();
                    }
                }
            }
        }
    };
}

lane!(samovar);
lane!(tokio);

/// More than a script can have readers.
const ALL: usize = 1 << 20;

/// A line in which a writer wants everything.
struct Model {
    line: Line,
    value: u64,
    readers: usize,
    writing: bool,
}

impl Model {
    fn enter(&mut self, write: bool) -> Said {
        if write {
            self.value += 1;
            self.writing = true;
        } else {
            self.readers += 1;
        }
        Said::Value(self.value)
    }

    fn polled(&mut self, poll: Option<Poll<(Option<usize>, u64)>>) -> Said {
        let enter = |(got, _)| self.enter(got == Some(ALL));
        Said::polled(poll.map(|poll| poll.map(enter)))
    }

    fn try_take(&mut self, write: bool) -> Said {
        match self.line.try_take(if write { ALL } else { 1 }) {
            true => self.enter(write),
            false => Said::Full,
        }
    }
}

impl Lane<Op> for Model {
    type State = (usize, bool);

    fn apply(&mut self, op: Op) -> Said {
        match op {
            Op::Begin { write, polled } => {
                self.line.add(if write { ALL } else { 1 }, 0);
                if !polled {
                    return Said::Done;
                }
                let poll = self.line.poll_newest();
                self.polled(poll)
            }
            Op::Poll { at, .. } => {
                let poll = self.line.poll(at);
                self.polled(poll)
            }
            Op::Cancel(at) => Said::done(self.line.cancel(at).is_some()),
            Op::TryRead => self.try_take(false),
            Op::TryWrite => self.try_take(true),
            Op::EndRead(_) if self.readers > 0 => {
                self.readers -= 1;
                self.line.put(1);
                Said::Done
            }
            Op::EndWrite if self.writing => {
                self.writing = false;
                self.line.put(ALL);
                Said::Done
            }
            Op::Downgrade if self.writing => {
                self.writing = false;
                self.line.put(ALL - 1);
                self.enter(false)
            }
            Op::EndRead(_) | Op::EndWrite | Op::Downgrade => Said::Skipped,
        }
    }

    fn state(&self) -> (usize, bool) {
        (self.readers, self.writing)
    }

    fn woken(&self) -> Vec<bool> {
        self.line.woken()
    }
}

/// Runs a script.
pub fn run(script: &[u8]) {
    let model = Model {
        line: Line::of(ALL),
        value: 0,
        readers: 0,
        writing: false,
    };
    let ops = steps(script).map(op);
    compare(ops, samovar::Lock::new(), tokio::Lock::new(), model);
}
