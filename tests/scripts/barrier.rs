//! Scripts of a barrier: arriving, and going away before the others are there.
//!
//! There Tokio counts who went away as arrived, and Samovar does not; from then on the model is the only judge.

use std::task::Poll;

use super::{Argument, Lane, Said, compare, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Begin { polled: bool },
    Poll { at: usize, fresh: bool },
    Cancel(usize),
}

fn op((kind, argument): (u8, Argument)) -> Op {
    match kind % 8 {
        0..=3 => Op::Begin {
            polled: argument.mostly(),
        },
        4..=6 => Op::Poll {
            at: argument.at(),
            fresh: argument.seldom(),
        },
        _ => Op::Cancel(argument.at()),
    }
}

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::{Lane, Said, Waiting};
            use super::Op;
            use ::$library::sync::Barrier;
            use std::sync::Arc;

            pub struct Lock {
                barrier: Arc<Barrier>,
                waiting: Waiting,
            }

            impl Lock {
                pub fn new(size: usize) -> Lock {
                    Lock {
                        barrier: Arc::new(Barrier::new(size)),
                        waiting: Waiting::default(),
                    }
                }
            }

            impl Lane<Op> for Lock {
                type State = usize;

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Begin { polled } => {
                            let barrier = self.barrier.clone();
                            self.waiting.begin(polled, async move {
                                Said::Flag(barrier.wait().await.is_leader())
                            })
                        }
                        Op::Poll { at, fresh } => Said::polled(self.waiting.poll(at, fresh)),
                        Op::Cancel(at) => Said::done(self.waiting.cancel(at)),
                    }
                }

                fn state(&self) -> usize {
                    self.waiting.woken().len()
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

/// One who waits.
#[derive(Clone, Copy, Default)]
struct Place {
    arrived: bool,
    released: bool,
    woken: bool,
}

/// Who is there.
struct Model {
    size: usize,
    places: Vec<Place>,
    left_early: bool,
}

impl Model {
    fn poll(&mut self, at: usize) -> Poll<Said> {
        if self.places[at].released {
            self.places.remove(at);
            return Poll::Ready(Said::Flag(false));
        }
        self.places[at].woken = false;
        let is_new = !std::mem::replace(&mut self.places[at].arrived, true);
        let waits = |place: &&mut Place| place.arrived && !place.released;
        let here: Vec<_> = self.places.iter_mut().filter(waits).collect();
        if is_new && here.len() >= self.size {
            for place in here {
                (place.released, place.woken) = (true, true);
            }
            self.places.remove(at);
            return Poll::Ready(Said::Flag(true));
        }
        Poll::Pending
    }
}

impl Lane<Op> for Model {
    type State = usize;

    fn apply(&mut self, op: Op) -> Said {
        let at = match op {
            Op::Begin { polled } => {
                self.places.push(Place::default());
                let newest = self.places.len() - 1;
                return match polled {
                    true => Said::polled(Some(self.poll(newest))),
                    false => Said::Done,
                };
            }
            Op::Poll { at, .. } | Op::Cancel(at) => at.checked_rem(self.places.len()),
        };
        match (op, at) {
            (Op::Poll { .. }, Some(at)) => Said::polled(Some(self.poll(at))),
            (_, Some(at)) => {
                let place = self.places.remove(at);
                self.left_early |= place.arrived && !place.released;
                Said::Done
            }
            (_, None) => Said::Skipped,
        }
    }

    fn state(&self) -> usize {
        self.places.len()
    }

    fn woken(&self) -> Vec<bool> {
        self.places.iter().map(|place| place.woken).collect()
    }

    fn departs(&self) -> bool {
        self.left_early
    }
}

/// Runs a script.
pub fn run(script: &[u8]) {
    let Some((size, script)) = script.split_first() else {
        return;
    };
    let size = usize::from(*size % 5);
    let model = Model {
        size,
        places: Vec::new(),
        left_early: false,
    };
    let ops = steps(script).map(op);
    compare(ops, samovar::Lock::new(size), tokio::Lock::new(size), model);
}
