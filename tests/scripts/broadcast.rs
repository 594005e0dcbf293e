//! Scripts of the broadcast channel: senders, receivers that lag, come and go, and waiting for either side.
//!
//! Tokio rounds capacities up to powers of two, so only such are used.

mod model;

use self::model::Model;
use super::{Argument, compare, senders, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Senders(senders::Op),
    Send(usize),
    Subscribe(usize),
    Resubscribe(usize),
    DropReceiver(usize),
    TryRecv(usize),
    Recv(usize),
    Poll { at: usize, fresh: bool },
    Cancel(usize),
}

fn op((kind, argument): (u8, Argument)) -> Op {
    use senders::Op as Of;
    let (at, fresh) = (argument.at(), argument.seldom());
    match kind % 24 {
        0..=4 => Op::Send(at),
        5 => Op::Senders(Of::Clone(at)),
        6 if argument.seldom() => Op::Senders(Of::Drop(at)),
        7 => Op::Senders(Of::Downgrade(at)),
        8 => Op::Senders(Of::Upgrade(at)),
        9 => Op::Subscribe(at),
        10 => Op::Resubscribe(at),
        11 => Op::DropReceiver(at),
        12..=13 => Op::TryRecv(at),
        6 | 14..=16 => Op::Recv(at),
        17..=18 => Op::Poll { at, fresh },
        19..=20 => Op::Cancel(at),
        21 => Op::Senders(Of::Watch(at)),
        22 => Op::Senders(Of::PollWatch { at, fresh }),
        _ => Op::Senders(Of::CancelWatch(at)),
    }
}

/// As the first sender says: values that are kept, receivers, senders, weak senders. For each receiver that no future has:
/// how many it has not seen. Living values.
type State = (Option<[usize; 4]>, Vec<Option<usize>>, usize);

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::receivers::{Receivers, Shared};
            use super::super::senders::{Senders, sender};
            use super::super::{Alive, Lane, Said, Value};
            use super::{Op, State};
            use ::$library::sync::broadcast::error::{RecvError, SendError, TryRecvError};
            use ::$library::sync::broadcast::{self, Receiver, Sender, WeakSender};

            sender!(Sender<Value>, WeakSender<Value>);

            pub struct Channel {
                alive: Alive,
                next: u64,
                senders: Senders<Sender<Value>>,
                receivers: Receivers<Receiver<Value>>,
            }

            impl Channel {
                pub fn new(capacity: usize) -> Channel {
                    let (sender, receiver) = broadcast::channel(capacity);
                    Channel {
                        alive: Alive::default(),
                        next: 0,
                        senders: Senders::of(sender),
                        receivers: Receivers::of(receiver),
                    }
                }

                fn send(&mut self, by: usize) -> Said {
                    let Some(sender) = self.senders.get(by) else {
                        return Said::Skipped;
                    };
                    self.next += 1;
                    match sender.send(self.alive.value(self.next)) {
                        Ok(receivers) => Said::Value(receivers as u64),
                        Err(SendError(value)) => {
                            assert_eq!(value.number, self.next);
                            Said::Closed
                        }
                    }
                }

                fn recv(&mut self, receiver: Shared<Receiver<Value>>) -> Said {
                    self.receivers.wait(async move {
                        match receiver.borrow_mut().recv().await {
                            Ok(value) => Said::Value(value.number),
                            Err(RecvError::Closed) => Said::Closed,
                            Err(RecvError::Lagged(missed)) => Said::Lagged(missed),
                        }
                    })
                }

                fn by_receiver(&mut self, op: Op, at: usize) -> Said {
                    let Some(receiver) = self.receivers.idle(at) else {
                        return Said::Skipped;
                    };
                    match op {
                        Op::Resubscribe(_) => self.receivers.add(receiver.borrow().resubscribe()),
                        Op::DropReceiver(_) => self.receivers.remove(at),
                        Op::TryRecv(_) => match receiver.borrow_mut().try_recv() {
                            Ok(value) => Said::Value(value.number),
                            Err(TryRecvError::Empty) => Said::Empty,
                            Err(TryRecvError::Closed) => Said::Closed,
                            Err(TryRecvError::Lagged(missed)) => Said::Lagged(missed),
                        },
                        _ => self.recv(receiver),
                    }
                }
            }

            impl Lane<Op> for Channel {
                type State = State;

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Senders(op) => self.senders.apply(op),
                        Op::Send(by) => self.send(by),
                        Op::Subscribe(by) => match self.senders.get(by) {
                            Some(sender) => self.receivers.add(sender.subscribe()),
                            None => Said::Skipped,
                        },
                        Op::Resubscribe(at)
                        | Op::DropReceiver(at)
                        | Op::TryRecv(at)
                        | Op::Recv(at) => self.by_receiver(op, at),
                        Op::Poll { at, fresh } => self.receivers.poll(at, fresh),
                        Op::Cancel(at) => self.receivers.cancel(at),
                    }
                }

                fn state(&self) -> State {
                    let sender = self.senders.get(0).map(|sender| {
                        let (strong, weak) = (sender.strong_count(), sender.weak_count());
                        [sender.len(), sender.receiver_count(), strong, weak]
                    });
                    let unseen = self.receivers.look(Receiver::len);
                    (sender, unseen, self.alive.count())
                }

                fn woken(&self) -> Vec<bool> {
                    [self.receivers.woken(), self.senders.woken()].concat()
                }
            }

            impl Drop for Channel {
                fn drop(&mut self) {
                    if !std::thread::panicking() {
                        self.receivers.end();
                        self.senders.end_watch();
                        assert_eq!(self.alive.count(), 0, "a value was kept for nobody");
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
    let capacity = 1 << (*capacity % 3);
    let ops = steps(script).map(op);
    compare(
        ops,
        samovar::Channel::new(capacity),
        tokio::Channel::new(capacity),
        Model::new(capacity),
    );
}
