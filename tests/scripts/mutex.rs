//! Scripts of a mutex: locking, giving up, unlocking. Each holder leaves its number for the next.

use super::line::Line;
use super::{Argument, Lane, Said, compare, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Begin { polled: bool },
    Poll { at: usize, fresh: bool },
    Cancel(usize),
    TryLock,
    Unlock,
}

fn op((kind, argument): (u8, Argument)) -> Op {
    match kind % 8 {
        0..=1 => Op::Begin {
            polled: argument.mostly(),
        },
        2..=3 => Op::Poll {
            at: argument.at(),
            fresh: argument.seldom(),
        },
        4 => Op::Cancel(argument.at()),
        5 => Op::TryLock,
        _ => Op::Unlock,
    }
}

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::{Lane, Said, Waiting};
            use super::Op;
            use ::$library::sync::{Mutex, OwnedMutexGuard};
            use std::cell::RefCell;
            use std::rc::Rc;
            use std::sync::Arc;

            pub struct Lock {
                mutex: Arc<Mutex<u64>>,
                waiting: Waiting,
                guard: Rc<RefCell<Option<OwnedMutexGuard<u64>>>>,
            }

            impl Lock {
                pub fn new() -> Lock {
                    Lock {
                        mutex: Arc::new(Mutex::new(0)),
                        waiting: Waiting::default(),
                        guard: Rc::default(),
                    }
                }

                fn begin(&mut self, polled: bool) -> Said {
                    let (mutex, place) = (self.mutex.clone(), self.guard.clone());
                    self.waiting.begin(polled, async move {
                        let mut guard = mutex.lock_owned().await;
                        *guard += 1;
                        let said = Said::Value(*guard);
                        assert!(place.replace(Some(guard)).is_none(), "two have the lock");
                        said
                    })
                }
            }

            impl Lane<Op> for Lock {
                type State = (bool, usize);

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Begin { polled } => self.begin(polled),
                        Op::Poll { at, fresh } => Said::polled(self.waiting.poll(at, fresh)),
                        Op::Cancel(at) => Said::done(self.waiting.cancel(at)),
                        Op::TryLock => match self.mutex.clone().try_lock_owned() {
                            Ok(guard) => {
                                let said = Said::Value(*guard);
                                assert!(self.guard.replace(Some(guard)).is_none());
                                said
                            }
                            Err(_) => Said::Full,
                        },
                        Op::Unlock => Said::done(self.guard.take().is_some()),
                    }
                }

                fn state(&self) -> (bool, usize) {
                    (self.guard.borrow().is_some(), self.waiting.woken().len())
                }

                fn woken(&self) -> Vec<bool> {
                    self.waiting.woken()
                }
            }

            impl Drop for Lock {
                fn drop(&mut self) {
                    if !std::thread::panicking() {
                        self.waiting.end();
                        self.guard.take();
                        assert!(self.mutex.try_lock().is_ok(), "nobody has the lock");
                        self.waiting.no_waker_is_kept();
                    }
                }
            }
        }
    };
}

lane!(samovar);
lane!(tokio);

/// A line for one thing.
struct Model {
    line: Line,
    value: u64,
    held: bool,
}

impl Model {
    fn polled(&mut self, poll: Option<std::task::Poll<(Option<usize>, u64)>>) -> Said {
        Said::polled(poll.map(|poll| {
            poll.map(|_got| {
                self.value += 1;
                self.held = true;
                Said::Value(self.value)
            })
        }))
    }
}

impl Lane<Op> for Model {
    type State = (bool, usize);

    fn apply(&mut self, op: Op) -> Said {
        match op {
            Op::Begin { polled } => {
                self.line.add(1, 0);
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
            Op::TryLock if self.line.try_take(1) => {
                self.held = true;
                Said::Value(self.value)
            }
            Op::TryLock => Said::Full,
            Op::Unlock => {
                let held = std::mem::take(&mut self.held);
                self.line.put(usize::from(held));
                Said::done(held)
            }
        }
    }

    fn state(&self) -> (bool, usize) {
        (self.held, self.line.len())
    }

    fn woken(&self) -> Vec<bool> {
        self.line.woken()
    }
}

/// Runs a script.
pub fn run(script: &[u8]) {
    let model = Model {
        line: Line::of(1),
        value: 0,
        held: false,
    };
    let ops = steps(script).map(op);
    compare(ops, samovar::Lock::new(), tokio::Lock::new(), model);
}
