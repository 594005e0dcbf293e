//! Scripts of the broadcast channel: senders, receivers that lag, come and go, and waiting for either side.
//!
//! Tokio rounds capacities up to powers of two, so only such are used.

mod model;

use self::model::Model;
use super::{Argument, compare, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Send(usize),
    Clone(usize),
    DropSender(usize),
    Downgrade(usize),
    Upgrade(usize),
    Subscribe(usize),
    Resubscribe(usize),
    DropReceiver(usize),
    TryRecv(usize),
    Recv(usize),
    Poll { at: usize, fresh: bool },
    Cancel(usize),
    Watch(usize),
    PollWatch { at: usize, fresh: bool },
    CancelWatch(usize),
}

fn op((kind, argument): (u8, Argument)) -> Op {
    let (at, fresh) = (argument.at(), argument.seldom());
    match kind % 24 {
        0..=4 => Op::Send(at),
        5 => Op::Clone(at),
        6 if argument.seldom() => Op::DropSender(at),
        7 => Op::Downgrade(at),
        8 => Op::Upgrade(at),
        9 => Op::Subscribe(at),
        10 => Op::Resubscribe(at),
        11 => Op::DropReceiver(at),
        12..=13 => Op::TryRecv(at),
        6 | 14..=16 => Op::Recv(at),
        17..=18 => Op::Poll { at, fresh },
        19..=20 => Op::Cancel(at),
        21 => Op::Watch(at),
        22 => Op::PollWatch { at, fresh },
        _ => Op::CancelWatch(at),
    }
}

/// As the first sender says: values that are kept, receivers, senders, weak senders. For each receiver that no future has:
/// how many it has not seen. Living values.
type State = (Option<[usize; 4]>, Vec<Option<usize>>, usize);

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::{Alive, Boxed, Lane, Said, Value, Waiting};
            use super::{Op, State};
            use ::$library::sync::broadcast::error::{RecvError, TryRecvError};
            use ::$library::sync::broadcast::{self, Receiver, Sender, WeakSender};
            use std::cell::RefCell;
            use std::rc::Rc;

            type Shared = Rc<RefCell<Receiver<Value>>>;

            pub struct Channel {
                alive: Alive,
                next: u64,
                senders: Vec<Sender<Value>>,
                weak: Vec<WeakSender<Value>>,
                receivers: Vec<Shared>,
                receiving: Waiting<Boxed>,
                watching: Waiting<Boxed>,
            }

            impl Channel {
                pub fn new(capacity: usize) -> Channel {
                    let (sender, receiver) = broadcast::channel(capacity);
                    Channel {
                        alive: Alive::default(),
                        next: 0,
                        senders: vec![sender],
                        weak: Vec::new(),
                        receivers: vec![Rc::new(RefCell::new(receiver))],
                        receiving: Waiting::default(),
                        watching: Waiting::default(),
                    }
                }

                fn add(&mut self, receiver: Receiver<Value>) -> Said {
                    self.receivers.push(Rc::new(RefCell::new(receiver)));
                    Said::Done
                }

                fn by_sender(&mut self, op: Op, by: usize) -> Said {
                    let Some(by) = by.checked_rem(self.senders.len()) else {
                        return Said::Skipped;
                    };
                    match op {
                        Op::Send(_) => {
                            self.next += 1;
                            let value = self.alive.value(self.next);
                            return match self.senders[by].send(value) {
                                Ok(receivers) => Said::Value(receivers as u64),
                                Err(_) => Said::Closed,
                            };
                        }
                        Op::Clone(_) => self.senders.push(self.senders[by].clone()),
                        Op::DropSender(_) => drop(self.senders.swap_remove(by)),
                        Op::Downgrade(_) => self.weak.push(self.senders[by].downgrade()),
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
                        Op::Resubscribe(_) => self.add(receiver.resubscribe()),
                        Op::DropReceiver(_) => {
                            drop(self.receivers.remove(at));
                            Said::Done
                        }
                        Op::TryRecv(_) => match receiver.try_recv() {
                            Ok(value) => Said::Value(value.number),
                            Err(TryRecvError::Empty) => Said::Empty,
                            Err(TryRecvError::Closed) => Said::Closed,
                            Err(TryRecvError::Lagged(missed)) => Said::Lagged(missed),
                        },
                        _ => {
                            let shared = shared.clone();
                            drop(receiver);
                            self.receiving.add(Box::pin(async move {
                                match shared.borrow_mut().recv().await {
                                    Ok(value) => Said::Value(value.number),
                                    Err(RecvError::Closed) => Said::Closed,
                                    Err(RecvError::Lagged(missed)) => Said::Lagged(missed),
                                }
                            }));
                            Said::polled(self.receiving.poll_newest())
                        }
                    }
                }
            }

            impl Lane<Op> for Channel {
                type State = State;

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Send(by)
                        | Op::Clone(by)
                        | Op::DropSender(by)
                        | Op::Downgrade(by)
                        | Op::Subscribe(by)
                        | Op::Watch(by) => self.by_sender(op, by),
                        Op::Upgrade(at) => {
                            let Some(at) = at.checked_rem(self.weak.len()) else {
                                return Said::Skipped;
                            };
                            let sender = self.weak[at].upgrade();
                            let there = sender.is_some();
                            self.senders.extend(sender);
                            Said::Flag(there)
                        }
                        Op::Resubscribe(at)
                        | Op::DropReceiver(at)
                        | Op::TryRecv(at)
                        | Op::Recv(at) => self.by_receiver(op, at),
                        Op::Poll { at, fresh } => Said::polled(self.receiving.poll(at, fresh)),
                        Op::Cancel(at) => Said::done(self.receiving.cancel(at)),
                        Op::PollWatch { at, fresh } => Said::polled(self.watching.poll(at, fresh)),
                        Op::CancelWatch(at) => Said::done(self.watching.cancel(at)),
                    }
                }

                fn state(&self) -> State {
                    let sender = self.senders.first().map(|sender| {
                        let (strong, weak) = (sender.strong_count(), sender.weak_count());
                        [sender.len(), sender.receiver_count(), strong, weak]
                    });
                    let unseen = |receiver: &Shared| Some(receiver.try_borrow().ok()?.len());
                    let unseen = self.receivers.iter().map(unseen).collect();
                    (sender, unseen, self.alive.count())
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
