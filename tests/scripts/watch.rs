//! Scripts of the watch channel: changes of every kind, looks, waiting for a change or a condition, and going away.

mod model;

use self::model::Model;
use super::{Argument, compare, senders, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Senders(senders::Op),
    Send(usize),
    SendIf { by: usize, tell: bool },
    Replace(usize),
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
}

fn op((kind, argument): (u8, Argument)) -> Op {
    use senders::Op as Of;
    let (at, fresh) = (argument.at(), argument.seldom());
    match kind % 28 {
        0..=1 => Op::Send(at),
        2..=3 => Op::SendIf {
            by: at,
            tell: argument.mostly(),
        },
        4 => Op::Replace(at),
        5 => Op::Senders(Of::Clone(at)),
        6 if argument.seldom() => Op::Senders(Of::Drop(at)),
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
        25 => Op::Senders(Of::Watch(at)),
        26 => Op::Senders(Of::PollWatch { at, fresh }),
        _ => Op::Senders(Of::CancelWatch(at)),
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
            use super::super::receivers::{Receivers, Shared};
            use super::super::senders::{Senders, sender};
            use super::super::{Alive, Lane, Said, Value};
            use super::{Op, State};
            use ::$library::sync::watch::error::SendError;
            use ::$library::sync::watch::{self, Receiver, Sender};

            sender!(Sender<Value>);

            pub struct Channel {
                alive: Alive,
                next: u64,
                senders: Senders<Sender<Value>>,
                receivers: Receivers<Receiver<Value>>,
            }

            impl Channel {
                pub fn new() -> Channel {
                    let alive = Alive::default();
                    let (sender, receiver) = watch::channel(alive.value(0));
                    Channel {
                        alive,
                        next: 0,
                        senders: Senders::of(sender),
                        receivers: Receivers::of(receiver),
                    }
                }

                fn value(&mut self) -> Value {
                    self.next += 1;
                    self.alive.value(self.next)
                }

                fn by_sender(&mut self, op: Op, by: usize) -> Said {
                    let Some(sender) = self.senders.get(by).cloned() else {
                        return Said::Skipped;
                    };
                    if let Op::Subscribe(_) = op {
                        return self.receivers.add(sender.subscribe());
                    }
                    let value = self.value();
                    match op {
                        Op::Send(_) => match sender.send(value) {
                            Ok(()) => Said::Done,
                            Err(SendError(value)) => {
                                assert_eq!(value.number, self.next);
                                Said::Closed
                            }
                        },
                        Op::SendIf { tell, .. } => Said::Flag(sender.send_if_modified(|current| {
                            *current = value;
                            tell
                        })),
                        _ => Said::Value(sender.send_replace(value).number),
                    }
                }

                fn by_receiver(&mut self, op: Op, at: usize) -> Said {
                    let Some(shared) = self.receivers.idle(at) else {
                        return Said::Skipped;
                    };
                    let mut receiver = shared.borrow_mut();
                    match op {
                        Op::CloneReceiver(_) => return self.receivers.add(receiver.clone()),
                        Op::DropReceiver(_) => return self.receivers.remove(at),
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
                            return self.wait(op, shared);
                        }
                    }
                    Said::Done
                }

                fn wait(&mut self, op: Op, shared: Shared<Receiver<Value>>) -> Said {
                    self.receivers.wait(async move {
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
                    })
                }
            }

            impl Lane<Op> for Channel {
                type State = State;

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Senders(op) => self.senders.apply(op),
                        Op::Send(by)
                        | Op::SendIf { by, .. }
                        | Op::Replace(by)
                        | Op::Subscribe(by) => self.by_sender(op, by),
                        Op::CloneReceiver(at)
                        | Op::DropReceiver(at)
                        | Op::Borrow(at)
                        | Op::BorrowAndUpdate(at)
                        | Op::HasChanged(at)
                        | Op::MarkChanged(at)
                        | Op::MarkUnchanged(at)
                        | Op::Changed(at)
                        | Op::WaitFor { at, .. } => self.by_receiver(op, at),
                        Op::Poll { at, fresh } => self.receivers.poll(at, fresh),
                        Op::Cancel(at) => self.receivers.cancel(at),
                    }
                }

                fn state(&self) -> State {
                    let sender = self.senders.get(0).map(|sender| {
                        assert_eq!(sender.is_closed(), sender.receiver_count() == 0);
                        let (receivers, senders) = (sender.receiver_count(), sender.sender_count());
                        (sender.borrow().number, receivers, senders)
                    });
                    let receivers = self.receivers.look(|receiver| {
                        let value = receiver.borrow();
                        let closed = receiver.has_changed().is_err();
                        (value.number, value.has_changed(), closed)
                    });
                    (sender, receivers, self.alive.count())
                }

                fn woken(&self) -> Vec<bool> {
                    [self.receivers.woken(), self.senders.woken()].concat()
                }
            }

            impl Drop for Channel {
                fn drop(&mut self) {
                    if !std::thread::panicking() {
                        self.receivers.end();
                        self.senders.end();
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
