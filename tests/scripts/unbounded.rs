//! Scripts of the unbounded channel: those of the bounded one without whatever waits for a slot, against the same model.

use super::mpsc::receiver::Op as By;
use super::mpsc::{Model, Op, State};
use super::senders::Op as Of;
use super::{Argument, Lane, Said, compare, steps};

fn op((kind, argument): (u8, Argument)) -> Op {
    let (at, fresh) = (argument.at(), argument.seldom());
    match kind % 20 {
        0 => Op::Senders(Of::Clone(at)),
        1 if argument.seldom() => Op::Senders(Of::Drop(at)),
        2 => Op::Senders(Of::Downgrade(at)),
        3 => Op::Senders(Of::Upgrade(at)),
        1 | 4..=7 => Op::TrySend(at),
        8..=9 => Op::Receiver(By::Recv),
        10 => Op::Receiver(By::RecvMany(argument.below(4))),
        11..=12 => Op::Receiver(By::Poll { fresh }),
        13 => Op::Receiver(By::Cancel),
        14..=15 => Op::Receiver(By::TryRecv),
        16 if argument.seldom() => Op::Receiver(By::Close),
        17 if argument.seldom() => Op::Receiver(By::Drop),
        16..=17 => Op::Senders(Of::Watch(at)),
        18 => Op::Senders(Of::PollWatch { at, fresh }),
        _ => Op::Senders(Of::CancelWatch(at)),
    }
}

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::mpsc::receiver::{Receiving, receiver};
            use super::super::mpsc::{Op, State};
            use super::super::senders::{Senders, sender};
            use super::super::{Alive, Lane, Said, Value};
            use ::$library::sync::mpsc::error::{SendError, TryRecvError};
            use ::$library::sync::mpsc::{
                UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel,
            };

            sender!(UnboundedSender<Value>, WeakUnboundedSender<Value>);
            receiver!(UnboundedReceiver<Value>);

            pub struct Channel {
                alive: Alive,
                next: u64,
                receiving: Receiving<UnboundedReceiver<Value>>,
                senders: Senders<UnboundedSender<Value>>,
            }

            impl Channel {
                pub fn new() -> Channel {
                    let (sender, receiver) = unbounded_channel();
                    Channel {
                        alive: Alive::default(),
                        next: 0,
                        receiving: Receiving::of(receiver),
                        senders: Senders::of(sender),
                    }
                }

                fn send(&mut self, by: usize) -> Said {
                    let Some(sender) = self.senders.get(by) else {
                        return Said::Skipped;
                    };
                    self.next += 1;
                    match sender.send(self.alive.value(self.next)) {
                        Ok(()) => Said::Done,
                        Err(SendError(value)) => {
                            assert_eq!(value.number, self.next);
                            Said::Closed
                        }
                    }
                }
            }

            impl Lane<Op> for Channel {
                type State = State;

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Senders(op) => self.senders.apply(op),
                        Op::Receiver(op) => self.receiving.apply(op),
                        Op::TrySend(by) => self.send(by),
                        _ => unreachable!("nobody waits for a slot"),
                    }
                }

                fn state(&self) -> State {
                    let sender = self.senders.get(0).map(|sender| {
                        let (strong, weak) = (sender.strong_count(), sender.weak_count());
                        (0, sender.is_closed(), strong, weak)
                    });
                    (self.receiving.state(), sender, self.alive.count())
                }

                fn woken(&self) -> Vec<bool> {
                    [self.receiving.woken(), self.senders.woken()].concat()
                }
            }

            impl Drop for Channel {
                fn drop(&mut self) {
                    if !std::thread::panicking() {
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

/// A bounded channel whose bound nobody meets, and nobody is told.
struct Boundless(Model);

impl Lane<Op> for Boundless {
    type State = State;

    fn apply(&mut self, op: Op) -> Said {
        self.0.apply(op)
    }

    fn state(&self) -> State {
        let (receiver, sender, alive) = self.0.state();
        let sender = sender.map(|(_free, closed, strong, weak)| (0, closed, strong, weak));
        (receiver, sender, alive)
    }

    fn woken(&self) -> Vec<bool> {
        self.0.woken()
    }
}

/// Runs a script.
pub fn run(script: &[u8]) {
    let ops = steps(script).map(op);
    compare(
        ops,
        samovar::Channel::new(),
        tokio::Channel::new(),
        Boundless(Model::new(usize::MAX)),
    );
}
