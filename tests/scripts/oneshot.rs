//! Scripts of oneshot channels, one after the other: sending, closing, waiting on both sides, and going away.

use super::{Argument, Lane, Said, compare, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Renew,
    Send,
    DropSender,
    Watch,
    PollWatch { fresh: bool },
    CancelWatch,
    Recv,
    PollRecv { fresh: bool },
    CancelRecv,
    TryRecv,
    Close,
    DropReceiver,
}

fn op((kind, argument): (u8, Argument)) -> Op {
    let fresh = argument.seldom();
    match kind % 16 {
        0..=1 => Op::Renew,
        2..=3 => Op::Send,
        4 => Op::DropSender,
        5 => Op::Watch,
        6 => Op::PollWatch { fresh },
        7 => Op::CancelWatch,
        8..=9 => Op::Recv,
        10..=11 => Op::PollRecv { fresh },
        12 => Op::CancelRecv,
        13 => Op::TryRecv,
        14 => Op::Close,
        _ => Op::DropReceiver,
    }
}

/// As the sender says, if there is one and no future has it: whether it is closed. As the receiver says: whether it is
/// empty, and whether it has given its result. Living values.
type State = (Option<bool>, Option<(bool, bool)>, usize);

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::{Alive, Lane, Said, Value, Waiting};
            use super::{Op, State};
            use ::$library::sync::oneshot::{self, Receiver, Sender, error::TryRecvError};
            use std::cell::RefCell;
            use std::rc::Rc;

            pub struct Channel {
                alive: Alive,
                next: u64,
                sender: Rc<RefCell<Option<Sender<Value>>>>,
                receiver: Rc<RefCell<Option<Receiver<Value>>>>,
                receiving: Waiting,
                watching: Waiting,
            }

            impl Channel {
                pub fn new() -> Channel {
                    let (sender, receiver) = oneshot::channel();
                    Channel {
                        alive: Alive::default(),
                        next: 0,
                        sender: Rc::new(RefCell::new(Some(sender))),
                        receiver: Rc::new(RefCell::new(Some(receiver))),
                        receiving: Waiting::default(),
                        watching: Waiting::default(),
                    }
                }

                /// All go away, in an order that does not matter to anybody; both wakers with them.
                fn end(&mut self) {
                    self.receiving.cancel(0);
                    self.watching.cancel(0);
                    self.sender.take();
                    self.receiver.take();
                    self.receiving.no_waker_is_kept();
                    self.watching.no_waker_is_kept();
                    assert_eq!(self.alive.count(), 0, "a value was leaked");
                }

                fn by_sender(&mut self, op: Op) -> Said {
                    let place = self.sender.clone();
                    if place.try_borrow().is_ok_and(|sender| sender.is_none()) {
                        return Said::Skipped;
                    }
                    match op {
                        // A future has it.
                        _ if place.try_borrow().is_err() => Said::Skipped,
                        Op::Send => {
                            self.next += 1;
                            let value = self.alive.value(self.next);
                            match place.take().map(|sender| sender.send(value)) {
                                Some(Ok(())) => Said::Done,
                                _ => Said::Closed,
                            }
                        }
                        Op::DropSender => Said::done(place.take().is_some()),
                        _ => self.watching.begin(true, async move {
                            if let Some(sender) = place.borrow_mut().as_mut() {
                                sender.closed().await;
                            }
                            Said::Closed
                        }),
                    }
                }

                fn by_receiver(&mut self, op: Op) -> Said {
                    let place = self.receiver.clone();
                    let Ok(mut borrowed) = place.try_borrow_mut() else {
                        return Said::Skipped;
                    };
                    let Some(receiver) = borrowed.as_mut() else {
                        return Said::Skipped;
                    };
                    match op {
                        Op::TryRecv => match receiver.try_recv() {
                            Ok(value) => Said::Value(value.number),
                            Err(TryRecvError::Empty) => Said::Empty,
                            Err(TryRecvError::Closed) => Said::Closed,
                        },
                        Op::Close => {
                            receiver.close();
                            Said::Done
                        }
                        Op::DropReceiver => {
                            *borrowed = None;
                            Said::Done
                        }
                        // To poll it again is a mistake that panics.
                        _ if receiver.is_terminated() => Said::Skipped,
                        _ => {
                            let place = self.receiver.clone();
                            drop(borrowed);
                            self.receiving.begin(true, async move {
                                let mut place = place.borrow_mut();
                                match place.as_mut().expect("looked at before").await {
                                    Ok(value) => Said::Value(value.number),
                                    Err(_) => Said::Closed,
                                }
                            })
                        }
                    }
                }
            }

            impl Lane<Op> for Channel {
                type State = State;

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Renew => {
                            self.end();
                            let next = self.next;
                            *self = Channel {
                                next,
                                ..Channel::new()
                            };
                            Said::Done
                        }
                        Op::Send | Op::DropSender | Op::Watch => self.by_sender(op),
                        Op::PollWatch { fresh } => Said::polled(self.watching.poll(0, fresh)),
                        Op::CancelWatch => Said::done(self.watching.cancel(0)),
                        Op::PollRecv { fresh } => Said::polled(self.receiving.poll(0, fresh)),
                        Op::CancelRecv => Said::done(self.receiving.cancel(0)),
                        Op::Recv | Op::TryRecv | Op::Close | Op::DropReceiver => {
                            self.by_receiver(op)
                        }
                    }
                }

                fn state(&self) -> State {
                    let sender = self.sender.try_borrow().ok();
                    let sender = sender.and_then(|sender| sender.as_ref().map(Sender::is_closed));
                    let receiver = self.receiver.try_borrow().ok();
                    let receiver = receiver.and_then(|receiver| {
                        let receiver = receiver.as_ref()?;
                        Some((receiver.is_empty(), receiver.is_terminated()))
                    });
                    (sender, receiver, self.alive.count())
                }

                fn woken(&self) -> Vec<bool> {
                    [self.receiving.woken(), self.watching.woken()].concat()
                }
            }
        }
    };
}

lane!(samovar);
lane!(tokio);

/// How far the channel has come.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Open,
    Sent(u64),
    /// Closed by the receiver.
    Closed,
    /// The sender is gone, or the value was received.
    Over,
}

/// Two sides, and what is between them.
#[derive(Clone, Copy)]
struct Model {
    next: u64,
    stage: Stage,
    sender: bool,
    receiver: bool,
    terminated: bool,
    /// Whether a future waits for it, and was woken.
    receiving: Option<bool>,
    watching: Option<bool>,
}

impl Model {
    fn new(next: u64) -> Model {
        Model {
            next,
            stage: Stage::Open,
            sender: true,
            receiver: true,
            terminated: false,
            receiving: None,
            watching: None,
        }
    }

    fn take(&mut self) -> Said {
        let said = match self.stage {
            Stage::Open => return Said::Empty,
            Stage::Sent(number) => Said::Value(number),
            Stage::Closed | Stage::Over => Said::Closed,
        };
        if said != Said::Closed {
            self.stage = Stage::Over;
        }
        self.terminated = true;
        said
    }

    fn recv(&mut self) -> Said {
        self.receiving = None;
        let said = self.take();
        if said != Said::Empty {
            return said;
        }
        self.receiving = Some(false);
        Said::Pending
    }

    fn watch(&mut self) -> Said {
        let closed = self.stage == Stage::Closed;
        self.watching = (!closed).then_some(false);
        if closed { Said::Closed } else { Said::Pending }
    }

    fn by_sender(&mut self, op: Op) -> Said {
        let before = self.stage;
        match op {
            Op::Watch => return self.watch(),
            Op::Send => {
                self.next += 1;
                self.sender = false;
                if before != Stage::Open {
                    return Said::Closed;
                }
                self.stage = Stage::Sent(self.next);
            }
            _ => {
                self.sender = false;
                if before == Stage::Open {
                    self.stage = Stage::Over;
                }
            }
        }
        if before == Stage::Open {
            self.receiving = self.receiving.map(|_| true);
        }
        Said::Done
    }

    fn by_receiver(&mut self, op: Op) -> Said {
        match op {
            Op::Recv if self.terminated => return Said::Skipped,
            Op::Recv => return self.recv(),
            Op::TryRecv if self.terminated => return Said::Closed,
            Op::TryRecv => return self.take(),
            Op::DropReceiver => {
                self.receiver = false;
                self.stage = Stage::Closed;
            }
            _ if self.stage == Stage::Open => self.stage = Stage::Closed,
            _ => {}
        }
        if self.stage == Stage::Closed {
            self.watching = self.watching.map(|_| true);
        }
        Said::Done
    }
}

impl Lane<Op> for Model {
    type State = State;

    fn apply(&mut self, op: Op) -> Said {
        match op {
            Op::Renew => {
                *self = Model::new(self.next);
                Said::Done
            }
            Op::Send | Op::DropSender | Op::Watch if self.sender && self.watching.is_none() => {
                self.by_sender(op)
            }
            Op::PollWatch { .. } if self.watching.is_some() => self.watch(),
            Op::CancelWatch => Said::done(self.watching.take().is_some()),
            Op::PollRecv { .. } if self.receiving.is_some() => self.recv(),
            Op::CancelRecv => Said::done(self.receiving.take().is_some()),
            Op::Recv | Op::TryRecv | Op::Close | Op::DropReceiver
                if self.receiver && self.receiving.is_none() =>
            {
                self.by_receiver(op)
            }
            _ => Said::Skipped,
        }
    }

    fn state(&self) -> State {
        let is_sent = matches!(self.stage, Stage::Sent(_));
        let sender = self.sender && self.watching.is_none();
        let receiver = self.receiver && self.receiving.is_none();
        (
            sender.then_some(self.stage == Stage::Closed),
            receiver.then_some((!is_sent, self.terminated)),
            usize::from(is_sent),
        )
    }

    fn woken(&self) -> Vec<bool> {
        self.receiving.into_iter().chain(self.watching).collect()
    }
}

/// Runs a script.
pub fn run(script: &[u8]) {
    let ops = steps(script).map(op).chain([Op::Renew]);
    compare(
        ops,
        samovar::Channel::new(),
        tokio::Channel::new(),
        Model::new(0),
    );
}
