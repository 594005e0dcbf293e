//! Scripts of the unbounded channel: those of the bounded one without whatever waits for a slot, against the same model.

use super::mpsc::{Model, Op, State};
use super::{Argument, Lane, Said, compare, steps};

fn op((kind, argument): (u8, Argument)) -> Op {
    let (at, fresh) = (argument.at(), argument.seldom());
    match kind % 20 {
        0 => Op::Clone(at),
        1 if argument.seldom() => Op::DropSender(at),
        2 => Op::Downgrade(at),
        3 => Op::Upgrade(at),
        1 | 4..=7 => Op::TrySend(at),
        8..=9 => Op::Recv,
        10 => Op::RecvMany(argument.below(4)),
        11..=12 => Op::PollRecv { fresh },
        13 => Op::CancelRecv,
        14..=15 => Op::TryRecv,
        16 if argument.seldom() => Op::Close,
        17 if argument.seldom() => Op::DropReceiver,
        16..=17 => Op::Watch(at),
        18 => Op::PollWatch { at, fresh },
        _ => Op::CancelWatch(at),
    }
}

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::mpsc::{Op, State, digest};
            use super::super::{Alive, Boxed, Lane, Said, Value, Waiting};
            use ::$library::sync::mpsc::error::TryRecvError;
            use ::$library::sync::mpsc::{
                UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel,
            };
            use std::cell::RefCell;
            use std::rc::Rc;

            pub struct Channel {
                alive: Alive,
                next: u64,
                senders: Vec<UnboundedSender<Value>>,
                weak: Vec<WeakUnboundedSender<Value>>,
                receiver: Option<Rc<RefCell<UnboundedReceiver<Value>>>>,
                receiving: Waiting<Boxed>,
                watching: Waiting<Boxed>,
            }

            impl Channel {
                pub fn new() -> Channel {
                    let (sender, receiver) = unbounded_channel();
                    Channel {
                        alive: Alive::default(),
                        next: 0,
                        senders: vec![sender],
                        weak: Vec::new(),
                        receiver: Some(Rc::new(RefCell::new(receiver))),
                        receiving: Waiting::default(),
                        watching: Waiting::default(),
                    }
                }

                fn sender(&self, by: usize) -> Option<UnboundedSender<Value>> {
                    let by = by.checked_rem(self.senders.len())?;
                    Some(self.senders[by].clone())
                }

                fn receiver(&mut self) -> Option<Rc<RefCell<UnboundedReceiver<Value>>>> {
                    let busy = !self.receiving.woken().is_empty();
                    self.receiver.clone().filter(|_| !busy)
                }

                fn by_sender(&mut self, op: Op, sender: UnboundedSender<Value>) -> Said {
                    match op {
                        Op::Clone(_) => self.senders.push(sender),
                        Op::Downgrade(_) => self.weak.push(sender.downgrade()),
                        Op::DropSender(by) => {
                            drop(sender);
                            let by = by % self.senders.len();
                            self.senders.swap_remove(by);
                        }
                        Op::TrySend(_) => {
                            self.next += 1;
                            if sender.send(self.alive.value(self.next)).is_err() {
                                return Said::Closed;
                            }
                        }
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

                fn by_receiver(
                    &mut self,
                    op: Op,
                    receiver: Rc<RefCell<UnboundedReceiver<Value>>>,
                ) -> Said {
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
                        | Op::TrySend(by)
                        | Op::Watch(by) => match self.sender(by) {
                            Some(sender) => self.by_sender(op, sender),
                            None => Said::Skipped,
                        },
                        Op::Upgrade(at) => {
                            let Some(at) = at.checked_rem(self.weak.len()) else {
                                return Said::Skipped;
                            };
                            let sender = self.weak[at].upgrade();
                            let there = sender.is_some();
                            self.senders.extend(sender);
                            Said::Flag(there)
                        }
                        Op::PollRecv { fresh } => Said::polled(self.receiving.poll(0, fresh)),
                        Op::CancelRecv => Said::done(self.receiving.cancel(0)),
                        Op::PollWatch { at, fresh } => Said::polled(self.watching.poll(at, fresh)),
                        Op::CancelWatch(at) => Said::done(self.watching.cancel(at)),
                        _ => match self.receiver() {
                            Some(receiver) => self.by_receiver(op, receiver),
                            None => Said::Skipped,
                        },
                    }
                }

                fn state(&self) -> State {
                    let receiver = self.receiver.as_ref();
                    let receiver = receiver.and_then(|receiver| receiver.try_borrow().ok());
                    let sender = self.senders.first().map(|sender| {
                        let (strong, weak) = (sender.strong_count(), sender.weak_count());
                        (0, sender.is_closed(), strong, weak)
                    });
                    let receiver = receiver.map(|receiver| {
                        assert_eq!(receiver.is_empty(), receiver.len() == 0);
                        (receiver.len(), receiver.is_closed())
                    });
                    (receiver, sender, self.alive.count())
                }

                fn woken(&self) -> Vec<bool> {
                    [self.receiving.woken(), self.watching.woken()].concat()
                }
            }

            impl Drop for Channel {
                fn drop(&mut self) {
                    if !std::thread::panicking() {
                        while self.watching.cancel(0) {}
                        self.watching.no_waker_is_kept();
                        self.receiving.cancel(0);
                        self.receiver = None;
                        self.receiving.no_waker_is_kept();
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
