//! Scripts of the watch channel: changes of every kind, looks, waiting for a change or a condition, and going away.

mod model;

use self::model::Model;
use super::{Argument, compare, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Send(usize),
    SendIf { by: usize, tell: bool },
    Replace(usize),
    Clone(usize),
    DropSender(usize),
    Subscribe(usize),
    CloneReceiver(usize),
    DropReceiver(usize),
    Borrow(usize),
    BorrowAndUpdate(usize),
    HasChanged(usize),
    MarkChanged(usize),
    MarkUnchanged(usize),
    Changed(usize),
    WaitFor { at: usize, multiple: u64 },
    Poll { at: usize, fresh: bool },
    Cancel(usize),
    Watch(usize),
    PollWatch { at: usize, fresh: bool },
    CancelWatch(usize),
}

fn op((kind, argument): (u8, Argument)) -> Op {
    let (at, fresh) = (argument.at(), argument.seldom());
    match kind % 28 {
        0..=1 => Op::Send(at),
        2..=3 => Op::SendIf {
            by: at,
            tell: argument.mostly(),
        },
        4 => Op::Replace(at),
        5 => Op::Clone(at),
        6 if argument.seldom() => Op::DropSender(at),
        7 => Op::Subscribe(at),
        8 => Op::CloneReceiver(at),
        9 => Op::DropReceiver(at),
        10 => Op::Borrow(at),
        11 => Op::BorrowAndUpdate(at),
        12 => Op::HasChanged(at),
        13 => Op::MarkChanged(at),
        14 => Op::MarkUnchanged(at),
        6 | 15..=17 => Op::Changed(at),
        18..=19 => Op::WaitFor {
            at,
            multiple: argument.below(4) as u64 + 1,
        },
        20..=22 => Op::Poll { at, fresh },
        23..=24 => Op::Cancel(at),
        25 => Op::Watch(at),
        26 => Op::PollWatch { at, fresh },
        _ => Op::CancelWatch(at),
    }
}

/// As the first sender says: the value, receivers, senders. As each receiver says that no future has: the value, whether
/// it is new to it, and whether the channel is closed. Living values.
type State = (
    Option<(u64, usize, usize)>,
    Vec<Option<(u64, bool, bool)>>,
    usize,
);

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::{Alive, Boxed, Lane, Said, Value, Waiting};
            use super::{Op, State};
            use ::$library::sync::watch::{self, Receiver, Sender};
            use std::cell::RefCell;
            use std::rc::Rc;

            type Shared = Rc<RefCell<Receiver<Value>>>;

            pub struct Channel {
                alive: Alive,
                next: u64,
                senders: Vec<Sender<Value>>,
                receivers: Vec<Shared>,
                receiving: Waiting<Boxed>,
                watching: Waiting<Boxed>,
            }

            impl Channel {
                pub fn new() -> Channel {
                    let alive = Alive::default();
                    let (sender, receiver) = watch::channel(alive.value(0));
                    Channel {
                        alive,
                        next: 0,
                        senders: vec![sender],
                        receivers: vec![Rc::new(RefCell::new(receiver))],
                        receiving: Waiting::default(),
                        watching: Waiting::default(),
                    }
                }

                fn add(&mut self, receiver: Receiver<Value>) -> Said {
                    self.receivers.push(Rc::new(RefCell::new(receiver)));
                    Said::Done
                }

                fn value(&mut self) -> Value {
                    self.next += 1;
                    self.alive.value(self.next)
                }

                fn by_sender(&mut self, op: Op, by: usize) -> Said {
                    let Some(by) = by.checked_rem(self.senders.len()) else {
                        return Said::Skipped;
                    };
                    match op {
                        Op::Send(_) => {
                            let value = self.value();
                            return match self.senders[by].send(value) {
                                Ok(()) => Said::Done,
                                Err(_) => Said::Closed,
                            };
                        }
                        Op::SendIf { tell, .. } => {
                            let value = self.value();
                            let told = self.senders[by].send_if_modified(|current| {
                                *current = value;
                                tell
                            });
                            return Said::Flag(told);
                        }
                        Op::Replace(_) => {
                            let value = self.value();
                            return Said::Value(self.senders[by].send_replace(value).number);
                        }
                        Op::Clone(_) => self.senders.push(self.senders[by].clone()),
                        Op::DropSender(_) => drop(self.senders.swap_remove(by)),
                        Op::Subscribe(_) => return self.add(self.senders[by].subscribe()),
                        _ => {
                            let sender = self.senders[by].clone();
                            self.watching.add(Box::pin(async move {
                                sender.closed().await;
                                Said::Closed
                            }));
                            return Said::polled(self.watching.poll_newest());
                        }
                    }
                    Said::Done
                }

                fn by_receiver(&mut self, op: Op, at: usize) -> Said {
                    let Some(at) = at.checked_rem(self.receivers.len()) else {
                        return Said::Skipped;
                    };
                    let shared = self.receivers[at].clone();
                    let Ok(mut receiver) = shared.try_borrow_mut() else {
                        return Said::Skipped;
                    };
                    match op {
                        Op::CloneReceiver(_) => return self.add(receiver.clone()),
                        Op::DropReceiver(_) => drop(self.receivers.remove(at)),
                        Op::Borrow(_) => return Said::Value(receiver.borrow().number),
                        Op::BorrowAndUpdate(_) => {
                            return Said::Flag(receiver.borrow_and_update().has_changed());
                        }
                        Op::HasChanged(_) => {
                            return receiver.has_changed().map_or(Said::Closed, Said::Flag);
                        }
                        Op::MarkChanged(_) => receiver.mark_changed(),
                        Op::MarkUnchanged(_) => receiver.mark_unchanged(),
                        _ => {
                            drop(receiver);
                            return self.wait(op, self.receivers[at].clone());
                        }
                    }
                    Said::Done
                }

                fn wait(&mut self, op: Op, shared: Shared) -> Said {
                    self.receiving.add(Box::pin(async move {
                        let mut receiver = shared.borrow_mut();
                        if let Op::WaitFor { multiple, .. } = op {
                            let holds = |value: &Value| value.number % multiple == 0;
                            let found = receiver.wait_for(holds).await;
                            return found.map_or(Said::Closed, |value| Said::Value(value.number));
                        }
                        receiver
                            .changed()
                            .await
                            .map_or(Said::Closed, |()| Said::Done)
                    }));
                    Said::polled(self.receiving.poll_newest())
                }
            }

            impl Lane<Op> for Channel {
                type State = State;

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Send(by)
                        | Op::SendIf { by, .. }
                        | Op::Replace(by)
                        | Op::Clone(by)
                        | Op::DropSender(by)
                        | Op::Subscribe(by)
                        | Op::Watch(by) => self.by_sender(op, by),
                        Op::CloneReceiver(at)
                        | Op::DropReceiver(at)
                        | Op::Borrow(at)
                        | Op::BorrowAndUpdate(at)
                        | Op::HasChanged(at)
                        | Op::MarkChanged(at)
                        | Op::MarkUnchanged(at)
                        | Op::Changed(at)
                        | Op::WaitFor { at, .. } => self.by_receiver(op, at),
                        Op::Poll { at, fresh } => Said::polled(self.receiving.poll(at, fresh)),
                        Op::Cancel(at) => Said::done(self.receiving.cancel(at)),
                        Op::PollWatch { at, fresh } => Said::polled(self.watching.poll(at, fresh)),
                        Op::CancelWatch(at) => Said::done(self.watching.cancel(at)),
                    }
                }

                fn state(&self) -> State {
                    let sender = self.senders.first().map(|sender| {
                        assert_eq!(sender.is_closed(), sender.receiver_count() == 0);
                        let (receivers, senders) = (sender.receiver_count(), sender.sender_count());
                        (sender.borrow().number, receivers, senders)
                    });
                    let look = |receiver: &Shared| {
                        let receiver = receiver.try_borrow().ok()?;
                        let value = receiver.borrow();
                        let closed = receiver.has_changed().is_err();
                        Some((value.number, value.has_changed(), closed))
                    };
                    let receivers = self.receivers.iter().map(look).collect();
                    (sender, receivers, self.alive.count())
                }

                fn woken(&self) -> Vec<bool> {
                    [self.receiving.woken(), self.watching.woken()].concat()
                }
            }

            impl Drop for Channel {
                fn drop(&mut self) {
                    if !std::thread::panicking() {
                        self.receiving.no_waker_is_kept();
                        self.watching.no_waker_is_kept();
                        while self.receiving.cancel(0) || self.watching.cancel(0) {}
                        self.receiving.no_waker_is_kept();
                        self.watching.no_waker_is_kept();
                        self.receivers.clear();
                        self.senders.clear();
                        assert_eq!(self.alive.count(), 0, "the value was leaked");
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
    let ops = steps(script).map(op);
    compare(
        ops,
        samovar::Channel::new(),
        tokio::Channel::new(),
        Model::new(),
    );
}
