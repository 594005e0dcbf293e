//! Scripts of the bounded channel: sends, batches, permits, receptions, weak senders, closing, and giving up anywhere.
//!
//! Samovar departs from Tokio in two places, on purpose. What a batch has collected when the channel closes is free at once,
//! and not only when its future is dropped; and what a permit sends to a receiver that is gone is dropped at once.

mod model;
pub(super) mod receiver;

pub(super) use model::Model;

use super::{Argument, Said, compare, senders, steps};

/// What may happen. Whatever is chosen by a number is chosen among those that there are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Senders(senders::Op),
    Receiver(receiver::Op),
    Send { by: usize, polled: bool },
    SendMany { by: usize, many: usize },
    Reserve { by: usize, polled: bool },
    Poll { at: usize, fresh: bool },
    Cancel(usize),
    TrySend(usize),
    TryReserve(usize),
    SendPermit(usize),
    DropPermit(usize),
}

fn op(capacity: usize, (kind, argument): (u8, Argument)) -> Op {
    use receiver::Op as By;
    use senders::Op as Of;
    let (at, polled, fresh) = (argument.at(), argument.mostly(), argument.seldom());
    let many = argument.below(capacity + 1);
    match kind % 40 {
        0 => Op::Senders(Of::Clone(at)),
        1 if argument.seldom() => Op::Senders(Of::Drop(at)),
        2 => Op::Senders(Of::Downgrade(at)),
        3 => Op::Senders(Of::Upgrade(at)),
        1 | 4..=7 => Op::Send { by: at, polled },
        8..=10 => Op::SendMany { by: at, many },
        11..=12 => Op::Reserve { by: at, polled },
        13..=17 => Op::Poll { at, fresh },
        18..=19 => Op::Cancel(at),
        20..=21 => Op::TrySend(at),
        22 => Op::TryReserve(at),
        23..=24 => Op::SendPermit(at),
        25 => Op::DropPermit(at),
        26..=28 => Op::Receiver(By::Recv),
        29 => Op::Receiver(By::RecvMany(many)),
        30..=31 => Op::Receiver(By::Poll { fresh }),
        32 => Op::Receiver(By::Cancel),
        33..=34 => Op::Receiver(By::TryRecv),
        35 if argument.seldom() => Op::Receiver(By::Close),
        36 if argument.seldom() => Op::Receiver(By::Drop),
        35..=37 => Op::Senders(Of::Watch(at)),
        38 => Op::Senders(Of::PollWatch { at, fresh }),
        _ => Op::Senders(Of::CancelWatch(at)),
    }
}

/// Several values in one number.
pub(super) fn digest(values: impl Iterator<Item = u64>) -> Said {
    Said::Value(values.fold(0, |sum, value| {
        sum.wrapping_mul(1_000_003).wrapping_add(value + 1)
    }))
}

/// Length and whether it is closed, as the receiver says, unless it is busy; free slots, whether it is closed, senders and
/// weak senders, as a sender says; living values.
pub(super) type State = (
    Option<(usize, bool)>,
    Option<(usize, bool, usize, usize)>,
    usize,
);

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::senders::{Senders, sender};
            use super::super::{Alive, Lane, Said, Value, Waiting};
            use super::receiver::{Receiving, receiver};
            use super::{Op, State};
            use ::$library::sync::mpsc::error::{SendError, TryRecvError, TrySendError};
            use ::$library::sync::mpsc::{self, OwnedPermit, Receiver, Sender, WeakSender};
            use std::cell::RefCell;
            use std::rc::Rc;

            sender!(Sender<Value>, WeakSender<Value>);
            receiver!(Receiver<Value>);

            pub struct Channel {
                alive: Alive,
                next: u64,
                receiving: Receiving<Receiver<Value>>,
                senders: Senders<Sender<Value>>,
                sending: Waiting,
                permits: Rc<RefCell<Vec<OwnedPermit<Value>>>>,
            }

            impl Channel {
                pub fn new(capacity: usize) -> Channel {
                    let (sender, receiver) = mpsc::channel(capacity);
                    Channel {
                        alive: Alive::default(),
                        next: 0,
                        receiving: Receiving::of(receiver),
                        senders: Senders::of(sender),
                        sending: Waiting::default(),
                        permits: Rc::default(),
                    }
                }

                fn value(&mut self) -> Value {
                    self.next += 1;
                    self.alive.value(self.next)
                }

                fn send(&mut self, sender: Sender<Value>, polled: bool) -> Said {
                    let value = self.value();
                    self.sending.begin(polled, async move {
                        let number = value.number;
                        match sender.send(value).await {
                            Ok(()) => Said::Done,
                            Err(SendError(value)) => {
                                assert_eq!(value.number, number);
                                Said::Closed
                            }
                        }
                    })
                }

                fn send_many(&mut self, sender: Sender<Value>, many: usize) -> Said {
                    let (first, alive) = (self.next + 1, self.alive.clone());
                    self.next += many as u64;
                    self.sending.begin(true, async move {
                        let Ok(permits) = sender.reserve_many(many).await else {
                            return Said::Closed;
                        };
                        assert_eq!(permits.len(), many);
                        for (permit, number) in permits.zip(first..) {
                            permit.send(alive.value(number));
                        }
                        Said::Done
                    })
                }

                fn reserve(&mut self, sender: Sender<Value>, polled: bool) -> Said {
                    let permits = self.permits.clone();
                    self.sending.begin(polled, async move {
                        match sender.reserve_owned().await {
                            Ok(permit) => {
                                permits.borrow_mut().push(permit);
                                Said::Done
                            }
                            Err(SendError(())) => Said::Closed,
                        }
                    })
                }

                fn try_send(&mut self, sender: &Sender<Value>) -> Said {
                    let value = self.value();
                    match sender.try_send(value) {
                        Ok(()) => Said::Done,
                        Err(TrySendError::Full(value)) => {
                            assert_eq!(value.number, self.next);
                            Said::Full
                        }
                        Err(TrySendError::Closed(value)) => {
                            assert_eq!(value.number, self.next);
                            Said::Closed
                        }
                    }
                }

                fn permit(&mut self, at: usize) -> Option<OwnedPermit<Value>> {
                    let mut permits = self.permits.borrow_mut();
                    let at = at.checked_rem(permits.len())?;
                    Some(permits.swap_remove(at))
                }

                fn by_sender(&mut self, op: Op, by: usize) -> Said {
                    let Some(sender) = self.senders.get(by).cloned() else {
                        return Said::Skipped;
                    };
                    match op {
                        Op::Send { polled, .. } => self.send(sender, polled),
                        Op::SendMany { many, .. } => self.send_many(sender, many),
                        Op::Reserve { polled, .. } => self.reserve(sender, polled),
                        Op::TrySend(_) => self.try_send(&sender),
                        _ => match sender.try_reserve_owned() {
                            Ok(permit) => {
                                self.permits.borrow_mut().push(permit);
                                Said::Done
                            }
                            Err(TrySendError::Full(_)) => Said::Full,
                            Err(TrySendError::Closed(_)) => Said::Closed,
                        },
                    }
                }
            }

            impl Lane<Op> for Channel {
                type State = State;

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Senders(op) => self.senders.apply(op),
                        Op::Receiver(op) => self.receiving.apply(op),
                        Op::Send { by, .. }
                        | Op::SendMany { by, .. }
                        | Op::Reserve { by, .. }
                        | Op::TrySend(by)
                        | Op::TryReserve(by) => self.by_sender(op, by),
                        Op::SendPermit(at) => {
                            let value = self.value();
                            let permit = self.permit(at);
                            Said::done(permit.map(|permit| permit.send(value)).is_some())
                        }
                        Op::DropPermit(at) => Said::done(self.permit(at).is_some()),
                        Op::Poll { at, fresh } => Said::polled(self.sending.poll(at, fresh)),
                        Op::Cancel(at) => Said::done(self.sending.cancel(at)),
                    }
                }

                fn state(&self) -> State {
                    let sender = self.senders.get(0).map(|sender| {
                        let (strong, weak) = (sender.strong_count(), sender.weak_count());
                        (sender.capacity(), sender.is_closed(), strong, weak)
                    });
                    (self.receiving.state(), sender, self.alive.count())
                }

                fn woken(&self) -> Vec<bool> {
                    let all = [
                        self.sending.woken(),
                        self.receiving.woken(),
                        self.senders.woken(),
                    ];
                    all.concat()
                }
            }

            impl Drop for Channel {
                fn drop(&mut self) {
                    if !std::thread::panicking() {
                        self.sending.end();
                        self.senders.end_watch();
                        self.receiving.end();
                        assert_eq!(self.alive.count(), 0, "a value was leaked");
                    }
                }
            }
        }
    };
}

lane!(samovar);
lane!(tokio);

/// Runs a script.
pub fn run(script: &[u8]) {
    let Some((capacity, script)) = script.split_first() else {
        return;
    };
    let capacity = usize::from(*capacity % 4) + 1;
    let ops = steps(script).map(|step| op(capacity, step));
    compare(
        ops,
        samovar::Channel::new(capacity),
        tokio::Channel::new(capacity),
        Model::new(capacity),
    );
}
