//! Scripts of a semaphore: permits by ones and in batches, split, merged, forgotten and added, and its closing.

use std::task::Poll;

use super::line::Line;
use super::{Argument, Lane, Said, compare, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Begin { many: usize, polled: bool },
    Poll { at: usize, fresh: bool },
    Cancel(usize),
    TryAcquire(usize),
    Release(usize),
    Forget(usize),
    Split { at: usize, many: usize },
    Merge(usize),
    Add(usize),
    ForgetFree(usize),
    Close,
}

fn op((kind, argument): (u8, Argument)) -> Op {
    let (at, many) = (argument.at(), argument.below(5));
    match kind % 20 {
        0..=3 => Op::Begin {
            many,
            polled: argument.mostly(),
        },
        4..=7 => Op::Poll {
            at,
            fresh: argument.seldom(),
        },
        8..=9 => Op::Cancel(at),
        10..=11 => Op::TryAcquire(many),
        12..=13 => Op::Release(at),
        14 => Op::Forget(at),
        15 => Op::Split {
            at,
            many: usize::from(argument.seldom()) + 1,
        },
        16 => Op::Merge(at),
        17 => Op::Add(many),
        18 => Op::ForgetFree(many),
        // Seldom, for it ends all.
        _ if argument.seldom() => Op::Close,
        _ => Op::Release(at),
    }
}

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::{Lane, Said, Waiting};
            use super::Op;
            use ::$library::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
            use std::cell::RefCell;
            use std::rc::Rc;
            use std::sync::Arc;

            pub struct Lock {
                semaphore: Arc<Semaphore>,
                waiting: Waiting,
                permits: Rc<RefCell<Vec<OwnedSemaphorePermit>>>,
            }

            impl Lock {
                pub fn new(permits: usize) -> Lock {
                    Lock {
                        semaphore: Arc::new(Semaphore::new(permits)),
                        waiting: Waiting::default(),
                        permits: Rc::default(),
                    }
                }

                fn begin(&mut self, many: usize, polled: bool) -> Said {
                    let (semaphore, permits) = (self.semaphore.clone(), self.permits.clone());
                    self.waiting.begin(polled, async move {
                        match semaphore.acquire_many_owned(many as u32).await {
                            Ok(permit) => {
                                permits.borrow_mut().push(permit);
                                Said::Value(many as u64)
                            }
                            Err(_closed) => Said::Closed,
                        }
                    })
                }

                fn take(&mut self, at: usize) -> Option<OwnedSemaphorePermit> {
                    let mut permits = self.permits.borrow_mut();
                    let at = at.checked_rem(permits.len())?;
                    Some(permits.remove(at))
                }
            }

            impl Lane<Op> for Lock {
                type State = (usize, bool, usize);

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Begin { many, polled } => self.begin(many, polled),
                        Op::Poll { at, fresh } => Said::polled(self.waiting.poll(at, fresh)),
                        Op::Cancel(at) => Said::done(self.waiting.cancel(at)),
                        Op::TryAcquire(many) => {
                            match self.semaphore.clone().try_acquire_many_owned(many as u32) {
                                Ok(permit) => {
                                    self.permits.borrow_mut().push(permit);
                                    Said::Value(many as u64)
                                }
                                Err(TryAcquireError::Closed) => Said::Closed,
                                Err(TryAcquireError::NoPermits) => Said::Full,
                            }
                        }
                        Op::Release(at) => Said::done(self.take(at).map(drop).is_some()),
                        Op::Forget(at) => {
                            Said::done(self.take(at).map(OwnedSemaphorePermit::forget).is_some())
                        }
                        Op::Split { at, many } => {
                            let Some(mut permit) = self.take(at) else {
                                return Said::Skipped;
                            };
                            let part = permit.split(many);
                            let split = part.is_some();
                            let mut permits = self.permits.borrow_mut();
                            permits.push(permit);
                            permits.extend(part);
                            Said::Flag(split)
                        }
                        Op::Merge(at) => {
                            let (one, two) = (self.take(at), self.take(0));
                            let (Some(mut one), Some(two)) = (one, two) else {
                                // The only one is dropped.
                                return Said::Skipped;
                            };
                            one.merge(two);
                            let both = one.num_permits();
                            self.permits.borrow_mut().push(one);
                            Said::Value(both as u64)
                        }
                        Op::Add(many) => {
                            self.semaphore.add_permits(many);
                            Said::Done
                        }
                        Op::ForgetFree(many) => {
                            Said::Value(self.semaphore.forget_permits(many) as u64)
                        }
                        Op::Close => {
                            self.semaphore.close();
                            Said::Done
                        }
                    }
                }

                fn state(&self) -> (usize, bool, usize) {
                    let held = self.permits.borrow();
                    (
                        self.semaphore.available_permits(),
                        self.semaphore.is_closed(),
                        held.iter().map(OwnedSemaphorePermit::num_permits).sum(),
                    )
                }

                fn woken(&self) -> Vec<bool> {
                    self.waiting.woken()
                }
            }

            impl Drop for Lock {
                fn drop(&mut self) {
                    if !std::thread::panicking() {
                        self.waiting.end();
                    }
                }
            }
        }
    };
}

lane!(samovar);
lane!(tokio);

/// A line for permits.
struct Model {
    line: Line,
    /// What was acquired.
    held: Vec<usize>,
}

impl Model {
    fn polled(&mut self, poll: Option<Poll<(Option<usize>, u64)>>) -> Said {
        let got = |(got, _)| match got {
            Some(many) => {
                self.held.push(many);
                Said::Value(many as u64)
            }
            None => Said::Closed,
        };
        Said::polled(poll.map(|poll| poll.map(got)))
    }

    fn take(&mut self, at: usize) -> Option<usize> {
        let at = at.checked_rem(self.held.len())?;
        Some(self.held.remove(at))
    }
}

impl Lane<Op> for Model {
    type State = (usize, bool, usize);

    fn apply(&mut self, op: Op) -> Said {
        match op {
            Op::Begin { many, polled } => {
                self.line.add(many, 0);
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
            Op::TryAcquire(_) if self.line.closed => Said::Closed,
            Op::TryAcquire(many) if self.line.try_take(many) => {
                self.held.push(many);
                Said::Value(many as u64)
            }
            Op::TryAcquire(_) => Said::Full,
            Op::Release(at) => Said::done(self.take(at).map(|many| self.line.put(many)).is_some()),
            Op::Forget(at) => Said::done(self.take(at).is_some()),
            Op::Split { at, many } => {
                let Some(held) = self.take(at) else {
                    return Said::Skipped;
                };
                if many <= held {
                    self.held.extend([held - many, many]);
                } else {
                    self.held.push(held);
                }
                Said::Flag(many <= held)
            }
            Op::Merge(at) => match (self.take(at), self.take(0)) {
                (Some(one), Some(two)) => {
                    self.held.push(one + two);
                    Said::Value((one + two) as u64)
                }
                (only, _) => {
                    self.line.put(only.unwrap_or(0));
                    Said::Skipped
                }
            },
            Op::Add(many) => {
                self.line.put(many);
                Said::Done
            }
            Op::ForgetFree(many) => {
                let forgotten = many.min(self.line.free);
                self.line.free -= forgotten;
                Said::Value(forgotten as u64)
            }
            Op::Close => {
                self.line.close();
                Said::Done
            }
        }
    }

    fn state(&self) -> (usize, bool, usize) {
        (self.line.free, self.line.closed, self.held.iter().sum())
    }

    fn woken(&self) -> Vec<bool> {
        self.line.woken()
    }
}

/// Runs a script.
pub fn run(script: &[u8]) {
    let Some((permits, script)) = script.split_first() else {
        return;
    };
    let permits = usize::from(*permits % 6);
    let model = Model {
        line: Line::of(permits),
        held: Vec::new(),
    };
    let ops = steps(script).map(op);
    compare(
        ops,
        samovar::Lock::new(permits),
        tokio::Lock::new(permits),
        model,
    );
}
