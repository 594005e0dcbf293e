//! Scripts of a notify: waiting, enabling, giving up, and the three ways to notify.

use super::{Argument, Lane, Said, compare, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Begin { polled: bool },
    Enable(usize),
    Poll { at: usize, fresh: bool },
    Cancel(usize),
    NotifyOne,
    NotifyLast,
    NotifyWaiters,
}

fn op((kind, argument): (u8, Argument)) -> Op {
    match kind % 12 {
        0..=2 => Op::Begin {
            polled: argument.mostly(),
        },
        3 => Op::Enable(argument.at()),
        4..=5 => Op::Poll {
            at: argument.at(),
            fresh: argument.seldom(),
        },
        6..=7 => Op::Cancel(argument.at()),
        8..=9 => Op::NotifyOne,
        10 => Op::NotifyLast,
        _ => Op::NotifyWaiters,
    }
}

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::{Lane, Said, Waiting};
            use super::Op;
            use ::$library::sync::Notify;
            use ::$library::sync::futures::OwnedNotified;
            use std::sync::Arc;

            pub struct Lock {
                notify: Arc<Notify>,
                waiting: Waiting<OwnedNotified>,
            }

            impl Lock {
                pub fn new() -> Lock {
                    Lock {
                        notify: Arc::new(Notify::new()),
                        waiting: Waiting::default(),
                    }
                }

                fn poll(&mut self, at: usize, fresh: bool) -> Said {
                    let poll = self.waiting.poll(at, fresh);
                    Said::polled(poll.map(|poll| poll.map(|()| Said::Done)))
                }
            }

            impl Lane<Op> for Lock {
                type State = usize;

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Begin { polled } => {
                            let newest = self.state();
                            let notified = self.notify.clone().notified_owned();
                            self.waiting.add(Box::pin(notified));
                            match polled {
                                true => self.poll(newest, false),
                                false => Said::Skipped,
                            }
                        }
                        Op::Enable(at) => match self.waiting.get(at) {
                            Some(notified) => Said::Flag(notified.enable()),
                            None => Said::Skipped,
                        },
                        Op::Poll { at, fresh } => self.poll(at, fresh),
                        Op::Cancel(at) => Said::done(self.waiting.cancel(at)),
                        Op::NotifyOne => {
                            self.notify.notify_one();
                            Said::Done
                        }
                        Op::NotifyLast => {
                            self.notify.notify_last();
                            Said::Done
                        }
                        Op::NotifyWaiters => {
                            self.notify.notify_waiters();
                            Said::Done
                        }
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

/// What a notification was: one that is dropped unseen goes to another in the same way.
#[derive(Clone, Copy)]
enum Cause {
    First,
    Last,
    All,
}

/// One who waits.
struct Place {
    /// How many calls of `notify_waiters` it knows of.
    round: usize,
    /// Its turn, once it queues.
    ticket: Option<usize>,
    given: Option<Cause>,
    /// `enable` said that it was reached.
    done: bool,
    /// Whether it was polled since it queues.
    has_waker: bool,
    woken: bool,
}

/// A permit, and a queue.
#[derive(Default)]
struct Model {
    places: Vec<Place>,
    permit: bool,
    round: usize,
    tickets: usize,
}

impl Model {
    /// Gives a notification to one who waits, or keeps it.
    fn give(&mut self, cause: Cause) {
        let waits = |place: &&mut Place| place.ticket.is_some() && place.given.is_none();
        let queued = self.places.iter_mut().filter(waits);
        let chosen = match cause {
            Cause::First => queued.min_by_key(|place| place.ticket),
            Cause::Last => queued.max_by_key(|place| place.ticket),
            Cause::All => return,
        };
        match chosen {
            Some(place) => {
                place.given = Some(cause);
                place.woken = place.has_waker;
            }
            None => self.permit = true,
        }
    }

    /// Whether one is reached; if not, it queues.
    fn reach(&mut self, at: usize) -> bool {
        let place = &mut self.places[at];
        if place.ticket.is_some() || place.done {
            return place.done || place.given.is_some();
        }
        if place.round != self.round || std::mem::take(&mut self.permit) {
            return true;
        }
        place.ticket = Some(self.tickets);
        self.tickets += 1;
        false
    }

    fn poll(&mut self, at: usize) -> Said {
        let Some(at) = at.checked_rem(self.places.len()) else {
            return Said::Skipped;
        };
        if self.reach(at) {
            self.places.remove(at);
            return Said::Done;
        }
        self.places[at].has_waker = true;
        self.places[at].woken = false;
        Said::Pending
    }
}

impl Lane<Op> for Model {
    type State = usize;

    fn apply(&mut self, op: Op) -> Said {
        match op {
            Op::Begin { polled } => {
                let newest = self.places.len();
                self.places.push(Place {
                    round: self.round,
                    ticket: None,
                    given: None,
                    done: false,
                    has_waker: false,
                    woken: false,
                });
                return match polled {
                    true => self.poll(newest),
                    false => Said::Skipped,
                };
            }
            Op::Enable(at) => {
                let Some(at) = at.checked_rem(self.places.len()) else {
                    return Said::Skipped;
                };
                let reached = self.reach(at);
                self.places[at].done = reached;
                return Said::Flag(reached);
            }
            Op::Poll { at, .. } => return self.poll(at),
            Op::Cancel(at) => {
                let Some(at) = at.checked_rem(self.places.len()) else {
                    return Said::Skipped;
                };
                let place = self.places.remove(at);
                if let (Some(cause), false) = (place.given, place.done) {
                    self.give(cause);
                }
            }
            Op::NotifyOne => self.give(Cause::First),
            Op::NotifyLast => self.give(Cause::Last),
            Op::NotifyWaiters => {
                self.round += 1;
                for place in &mut self.places {
                    if place.ticket.is_some() && place.given.is_none() {
                        place.given = Some(Cause::All);
                        place.woken = place.has_waker;
                    }
                }
            }
        }
        Said::Done
    }

    fn state(&self) -> usize {
        self.places.len()
    }

    fn woken(&self) -> Vec<bool> {
        self.places.iter().map(|place| place.woken).collect()
    }
}

/// Runs a script.
pub fn run(script: &[u8]) {
    let ops = steps(script).map(op);
    compare(
        ops,
        samovar::Lock::new(),
        tokio::Lock::new(),
        Model::default(),
    );
}
