//! What the broadcast channel must do, said the plain way: all that was ever sent, and how far everybody has come.

use super::super::senders::Counts;
use super::super::{Lane, Said};
use super::{Op, State};

/// One who receives.
#[derive(Clone, Copy)]
struct Receiver {
    /// Its name.
    id: usize,
    /// How many were sent before the next that it sees.
    next: usize,
}

/// A future that waits, and whether it was woken.
#[derive(Clone, Copy)]
struct Waiter {
    /// The receiver's name.
    id: usize,
    woken: bool,
}

/// All that was ever sent.
pub struct Model {
    capacity: usize,
    sent: Vec<u64>,
    next: u64,
    senders: Counts,
    receivers: Vec<Receiver>,
    next_id: usize,
    receiving: Vec<Waiter>,
}

impl Model {
    pub fn new(capacity: usize) -> Model {
        Model {
            capacity,
            sent: Vec::new(),
            next: 0,
            senders: Counts::new(),
            receivers: vec![Receiver { id: 0, next: 0 }],
            next_id: 1,
            receiving: Vec::new(),
        }
    }

    /// The first value that is not overwritten.
    fn oldest(&self) -> usize {
        self.sent.len().saturating_sub(self.capacity)
    }

    fn add(&mut self) -> Said {
        let (id, next) = (self.next_id, self.sent.len());
        self.next_id += 1;
        self.receivers.push(Receiver { id, next });
        Said::Done
    }

    fn is_busy(&self, id: usize) -> bool {
        self.receiving.iter().any(|waiter| waiter.id == id)
    }

    fn take(&mut self, id: usize) -> Said {
        let (oldest, closed) = (self.oldest(), self.senders.strong() == 0);
        let mut receivers = self.receivers.iter_mut();
        let Some(receiver) = receivers.find(|receiver| receiver.id == id) else {
            return Said::Skipped;
        };
        if receiver.next < oldest {
            let missed = oldest - receiver.next;
            receiver.next = oldest;
            return Said::Lagged(missed as u64);
        }
        match self.sent.get(receiver.next) {
            Some(number) => {
                receiver.next += 1;
                Said::Value(*number)
            }
            None if closed => Said::Closed,
            None => Said::Empty,
        }
    }

    fn send(&mut self) -> Said {
        self.next += 1;
        if self.receivers.is_empty() {
            return Said::Closed;
        }
        self.sent.push(self.next);
        for waiter in &mut self.receiving {
            waiter.woken = true;
        }
        Said::Value(self.receivers.len() as u64)
    }

    fn by_receiver(&mut self, op: Op, at: usize) -> Said {
        let Some(at) = at.checked_rem(self.receivers.len()) else {
            return Said::Skipped;
        };
        let id = self.receivers[at].id;
        if self.is_busy(id) {
            return Said::Skipped;
        }
        match op {
            Op::Resubscribe(_) => self.add(),
            Op::DropReceiver(_) => {
                self.receivers.remove(at);
                if self.receivers.is_empty() {
                    self.senders.wake();
                }
                Said::Done
            }
            Op::TryRecv(_) => self.take(id),
            _ => match self.take(id) {
                Said::Empty => {
                    self.receiving.push(Waiter { id, woken: false });
                    Said::Pending
                }
                said => said,
            },
        }
    }

    fn other(&mut self, op: Op) -> Option<Said> {
        Some(match op {
            Op::Poll { at, .. } => {
                let at = at.checked_rem(self.receiving.len())?;
                match self.take(self.receiving[at].id) {
                    Said::Empty => {
                        self.receiving[at].woken = false;
                        Said::Pending
                    }
                    said => {
                        self.receiving.remove(at);
                        said
                    }
                }
            }
            Op::Cancel(at) => {
                let at = at.checked_rem(self.receiving.len())?;
                self.receiving.remove(at);
                Said::Done
            }
            _ => return None,
        })
    }
}

impl Lane<Op> for Model {
    type State = State;

    fn apply(&mut self, op: Op) -> Said {
        let before = self.senders.strong();
        let said = match op {
            Op::Senders(op) => self.senders.apply(op, 0, self.receivers.is_empty()),
            Op::Send(_) if self.senders.senders > 0 => self.send(),
            Op::Subscribe(_) if self.senders.senders > 0 => self.add(),
            Op::Resubscribe(at) | Op::DropReceiver(at) | Op::TryRecv(at) | Op::Recv(at) => {
                self.by_receiver(op, at)
            }
            _ => self.other(op).unwrap_or(Said::Skipped),
        };
        if before > 0 && self.senders.strong() == 0 {
            for waiter in &mut self.receiving {
                waiter.woken = true;
            }
        }
        said
    }

    fn state(&self) -> State {
        let unseen = self.receivers.iter().map(|receiver| receiver.next).min();
        let unseen = unseen.unwrap_or(self.sent.len()).max(self.oldest());
        let kept = self.sent.len() - unseen;
        let receivers = self.receivers.iter().map(|receiver| {
            let unseen = self.sent.len() - receiver.next;
            (!self.is_busy(receiver.id)).then_some(unseen)
        });
        let (strong, weak) = (self.senders.strong(), self.senders.weak);
        let counts = [kept, self.receivers.len(), strong, weak];
        (
            (self.senders.senders > 0).then_some(counts),
            receivers.collect(),
            kept,
        )
    }

    fn woken(&self) -> Vec<bool> {
        let receiving = self.receiving.iter().map(|waiter| waiter.woken);
        receiving.chain(self.senders.woken()).collect()
    }
}
