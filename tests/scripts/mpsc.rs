//! Scripts of the bounded channel: sends, batches, permits, receptions, weak senders, closing, and giving up anywhere.
//!
//! Samovar departs from Tokio in two places, on purpose. What a batch has collected when the channel closes is free at once,
//! and not only when its future is dropped; and what a permit sends to a receiver that is gone is dropped at once.

mod model;

pub(super) use model::Model;

use super::{Argument, Said, compare, steps};

/// What may happen. Whatever is chosen by a number is chosen among those that there are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Clone(usize),
    DropSender(usize),
    Downgrade(usize),
    Upgrade(usize),
    Send { by: usize, polled: bool },
    SendMany { by: usize, many: usize },
    Reserve { by: usize, polled: bool },
    Poll { at: usize, fresh: bool },
    Cancel(usize),
    TrySend(usize),
    TryReserve(usize),
    SendPermit(usize),
    DropPermit(usize),
    Recv,
    RecvMany(usize),
    PollRecv { fresh: bool },
    CancelRecv,
    TryRecv,
    Close,
    DropReceiver,
    Watch(usize),
    PollWatch { at: usize, fresh: bool },
    CancelWatch(usize),
}

fn op(capacity: usize, (kind, argument): (u8, Argument)) -> Op {
    let (at, polled, fresh) = (argument.at(), argument.mostly(), argument.seldom());
    let many = argument.below(capacity + 1);
    match kind % 40 {
        0 => Op::Clone(at),
        1 if argument.seldom() => Op::DropSender(at),
        2 => Op::Downgrade(at),
        3 => Op::Upgrade(at),
        1 | 4..=7 => Op::Send { by: at, polled },
        8..=10 => Op::SendMany { by: at, many },
        11..=12 => Op::Reserve { by: at, polled },
        13..=17 => Op::Poll { at, fresh },
        18..=19 => Op::Cancel(at),
        20..=21 => Op::TrySend(at),
        22 => Op::TryReserve(at),
        23..=24 => Op::SendPermit(at),
        25 => Op::DropPermit(at),
        26..=28 => Op::Recv,
        29 => Op::RecvMany(many),
        30..=31 => Op::PollRecv { fresh },
        32 => Op::CancelRecv,
        33..=34 => Op::TryRecv,
        35 if argument.seldom() => Op::Close,
        36 if argument.seldom() => Op::DropReceiver,
        35..=37 => Op::Watch(at),
        38 => Op::PollWatch { at, fresh },
        _ => Op::CancelWatch(at),
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
            use super::super::{Alive, Boxed, Lane, Said, Value, Waiting};
            use super::{Op, State, digest};
            use ::$library::sync::mpsc::error::{SendError, TryRecvError, TrySendError};
            use ::$library::sync::mpsc::{self, OwnedPermit, Receiver, Sender, WeakSender};
            use std::cell::RefCell;
            use std::rc::Rc;

            pub struct Channel {
                alive: Alive,
                next: u64,
                senders: Vec<Sender<Value>>,
                weak: Vec<WeakSender<Value>>,
                permits: Rc<RefCell<Vec<OwnedPermit<Value>>>>,
                receiver: Option<Rc<RefCell<Receiver<Value>>>>,
                sending: Waiting<Boxed>,
                receiving: Waiting<Boxed>,
                watching: Waiting<Boxed>,
            }

            impl Channel {
                pub fn new(capacity: usize) -> Channel {
                    let (sender, receiver) = mpsc::channel(capacity);
                    Channel {
                        alive: Alive::default(),
                        next: 0,
                        senders: vec![sender],
                        weak: Vec::new(),
                        permits: Rc::default(),
                        receiver: Some(Rc::new(RefCell::new(receiver))),
                        sending: Waiting::default(),
                        receiving: Waiting::default(),
                        watching: Waiting::default(),
                    }
                }

                fn sender(&self, by: usize) -> Option<Sender<Value>> {
                    let by = by.checked_rem(self.senders.len())?;
                    Some(self.senders[by].clone())
                }

                fn value(&mut self) -> Value {
                    self.next += 1;
                    self.alive.value(self.next)
                }

                fn send(&mut self, sender: Sender<Value>) {
                    let value = self.value();
                    self.sending.add(Box::pin(async move {
                        let number = value.number;
                        match sender.send(value).await {
                            Ok(()) => Said::Done,
                            Err(SendError(value)) => {
                                assert_eq!(value.number, number);
                                Said::Closed
                            }
                        }
                    }));
                }

                fn send_many(&mut self, sender: Sender<Value>, many: usize) {
                    let (first, alive) = (self.next + 1, self.alive.clone());
                    self.next += many as u64;
                    self.sending.add(Box::pin(async move {
                        let Ok(permits) = sender.reserve_many(many).await else {
                            return Said::Closed;
                        };
                        assert_eq!(permits.len(), many);
                        for (permit, number) in permits.zip(first..) {
                            permit.send(alive.value(number));
                        }
                        Said::Done
                    }));
                }

                fn reserve(&mut self, sender: Sender<Value>) {
                    let permits = self.permits.clone();
                    self.sending.add(Box::pin(async move {
                        match sender.reserve_owned().await {
                            Ok(permit) => {
                                permits.borrow_mut().push(permit);
                                Said::Done
                            }
                            Err(SendError(())) => Said::Closed,
                        }
                    }));
                }

                fn polled(&mut self, polled: bool) -> Said {
                    match polled {
                        true => Said::polled(self.sending.poll_newest()),
                        false => Said::Done,
                    }
                }

                fn permit(&mut self, at: usize) -> Option<OwnedPermit<Value>> {
                    let mut permits = self.permits.borrow_mut();
                    let at = at.checked_rem(permits.len())?;
                    Some(permits.swap_remove(at))
                }

                /// The receiver, unless it is gone or a future has it.
                fn receiver(&mut self) -> Option<Rc<RefCell<Receiver<Value>>>> {
                    let busy = !self.receiving.woken().is_empty();
                    self.receiver.clone().filter(|_| !busy)
                }

                fn by_sender(&mut self, op: Op, sender: Sender<Value>) -> Said {
                    match op {
                        Op::Clone(_) => self.senders.push(sender),
                        Op::Downgrade(_) => self.weak.push(sender.downgrade()),
                        Op::DropSender(by) => {
                            drop(sender);
                            let by = by % self.senders.len();
                            self.senders.swap_remove(by);
                        }
                        Op::Send { polled, .. } => {
                            self.send(sender);
                            return self.polled(polled);
                        }
                        Op::SendMany { many, .. } => {
                            self.send_many(sender, many);
                            return self.polled(true);
                        }
                        Op::Reserve { polled, .. } => {
                            self.reserve(sender);
                            return self.polled(polled);
                        }
                        Op::TrySend(_) => {
                            return match sender.try_send(self.value()) {
                                Ok(()) => Said::Done,
                                Err(TrySendError::Full(_)) => Said::Full,
                                Err(TrySendError::Closed(_)) => Said::Closed,
                            };
                        }
                        Op::TryReserve(_) => match sender.try_reserve_owned() {
                            Ok(permit) => self.permits.borrow_mut().push(permit),
                            Err(TrySendError::Full(_)) => return Said::Full,
                            Err(TrySendError::Closed(_)) => return Said::Closed,
                        },
                        _ => {
                            let closed = async move {
                                sender.closed().await;
                                Said::Closed
                            };
                            self.watching.add(Box::pin(closed));
                            return Said::polled(self.watching.poll_newest());
                        }
                    }
                    Said::Done
                }

                fn by_receiver(&mut self, op: Op, receiver: Rc<RefCell<Receiver<Value>>>) -> Said {
                    match op {
                        Op::TryRecv => {
                            return match receiver.borrow_mut().try_recv() {
                                Ok(value) => Said::Value(value.number),
                                Err(TryRecvError::Empty) => Said::Empty,
                                Err(TryRecvError::Disconnected) => Said::Closed,
                            };
                        }
                        Op::Recv => self.receiving.add(Box::pin(async move {
                            match receiver.borrow_mut().recv().await {
                                Some(value) => Said::Value(value.number),
                                None => Said::Closed,
                            }
                        })),
                        Op::RecvMany(limit) => self.receiving.add(Box::pin(async move {
                            let mut values = Vec::new();
                            let mut receiver = receiver.borrow_mut();
                            let count = receiver.recv_many(&mut values, limit).await;
                            assert_eq!(count, values.len());
                            digest(values.iter().map(|value| value.number))
                        })),
                        Op::Close => {
                            receiver.borrow_mut().close();
                            return Said::Done;
                        }
                        _ => {
                            self.receiver = None;
                            return Said::Done;
                        }
                    }
                    Said::polled(self.receiving.poll_newest())
                }
            }

            impl Lane<Op> for Channel {
                type State = State;

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Clone(by)
                        | Op::DropSender(by)
                        | Op::Downgrade(by)
                        | Op::Send { by, .. }
                        | Op::SendMany { by, .. }
                        | Op::Reserve { by, .. }
                        | Op::TrySend(by)
                        | Op::TryReserve(by)
                        | Op::Watch(by) => match self.sender(by) {
                            Some(sender) => self.by_sender(op, sender),
                            None => Said::Skipped,
                        },
                        Op::Recv | Op::RecvMany(_) | Op::TryRecv | Op::Close | Op::DropReceiver => {
                            match self.receiver() {
                                Some(receiver) => self.by_receiver(op, receiver),
                                None => Said::Skipped,
                            }
                        }
                        Op::Upgrade(at) => {
                            let Some(at) = at.checked_rem(self.weak.len()) else {
                                return Said::Skipped;
                            };
                            let sender = self.weak[at].upgrade();
                            let there = sender.is_some();
                            self.senders.extend(sender);
                            Said::Flag(there)
                        }
                        Op::SendPermit(at) => {
                            let value = self.value();
                            let permit = self.permit(at);
                            Said::done(permit.map(|permit| permit.send(value)).is_some())
                        }
                        Op::DropPermit(at) => Said::done(self.permit(at).is_some()),
                        Op::Poll { at, fresh } => Said::polled(self.sending.poll(at, fresh)),
                        Op::Cancel(at) => Said::done(self.sending.cancel(at)),
                        Op::PollRecv { fresh } => Said::polled(self.receiving.poll(0, fresh)),
                        Op::CancelRecv => Said::done(self.receiving.cancel(0)),
                        Op::PollWatch { at, fresh } => Said::polled(self.watching.poll(at, fresh)),
                        Op::CancelWatch(at) => Said::done(self.watching.cancel(at)),
                    }
                }

                fn state(&self) -> State {
                    let receiver = self.receiver.as_ref();
                    let receiver = receiver.and_then(|receiver| receiver.try_borrow().ok());
                    let sender = self.senders.first().map(|sender| {
                        let (strong, weak) = (sender.strong_count(), sender.weak_count());
                        (sender.capacity(), sender.is_closed(), strong, weak)
                    });
                    let receiver = receiver.map(|receiver| {
                        assert_eq!(receiver.is_empty(), receiver.len() == 0);
                        (receiver.len(), receiver.is_closed())
                    });
                    (receiver, sender, self.alive.count())
                }

                fn woken(&self) -> Vec<bool> {
                    let all = [
                        self.sending.woken(),
                        self.receiving.woken(),
                        self.watching.woken(),
                    ];
                    all.concat()
                }
            }

            impl Drop for Channel {
                fn drop(&mut self) {
                    if !std::thread::panicking() {
                        while self.sending.cancel(0) || self.watching.cancel(0) {}
                        self.sending.no_waker_is_kept();
                        self.watching.no_waker_is_kept();
                        self.receiving.cancel(0);
                        self.receiver = None;
                        self.receiving.no_waker_is_kept();
                        self.permits.take();
                        self.senders.clear();
                        self.weak.clear();
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
