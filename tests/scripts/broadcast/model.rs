//! What the broadcast channel must do, said the plain way: all that was ever sent, and how far everybody has come.

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
    senders: usize,
    weak: usize,
    receivers: Vec<Receiver>,
    next_id: usize,
    receiving: Vec<Waiter>,
    watching: Vec<Waiter>,
}

impl Model {
    pub fn new(capacity: usize) -> Model {
        Model {
            capacity,
            sent: Vec::new(),
            next: 0,
            senders: 1,
            weak: 0,
            receivers: vec![Receiver { id: 0, next: 0 }],
            next_id: 1,
            receiving: Vec::new(),
            watching: Vec::new(),
        }
    }

    fn strong(&self) -> usize {
        self.senders + self.watching.len()
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
        let (oldest, closed) = (self.oldest(), self.strong() == 0);
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

    fn by_sender(&mut self, op: Op) -> Said {
        match op {
            Op::Send(_) => {
                self.next += 1;
                if self.receivers.is_empty() {
                    return Said::Closed;
                }
                self.sent.push(self.next);
                for waiter in &mut self.receiving {
                    waiter.woken = true;
                }
                return Said::Value(self.receivers.len() as u64);
            }
            Op::Clone(_) => self.senders += 1,
            Op::DropSender(_) => self.senders -= 1,
            Op::Downgrade(_) => self.weak += 1,
            Op::Subscribe(_) => return self.add(),
            _ if self.receivers.is_empty() => return Said::Closed,
            _ => {
                self.watching.push(Waiter {
                    id: 0,
                    woken: false,
                });
                return Said::Pending;
            }
        }
        Said::Done
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
                for watcher in &mut self.watching {
                    watcher.woken |= self.receivers.is_empty();
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
            Op::PollWatch { at, .. } => {
                let at = at.checked_rem(self.watching.len())?;
                if self.receivers.is_empty() {
                    self.watching.remove(at);
                    return Some(Said::Closed);
                }
                self.watching[at].woken = false;
                Said::Pending
            }
            Op::CancelWatch(at) => {
                let at = at.checked_rem(self.watching.len())?;
                self.watching.remove(at);
                Said::Done
            }
            _ => return None,
        })
    }
}

impl Lane<Op> for Model {
    type State = State;

    fn apply(&mut self, op: Op) -> Said {
        let before = self.strong();
        let said = match op {
            Op::Send(_)
            | Op::Clone(_)
            | Op::DropSender(_)
            | Op::Downgrade(_)
            | Op::Subscribe(_)
            | Op::Watch(_)
                if self.senders > 0 =>
            {
                self.by_sender(op)
            }
            Op::Upgrade(_) if self.weak > 0 => {
                self.senders += usize::from(before > 0);
                Said::Flag(before > 0)
            }
            Op::Resubscribe(at) | Op::DropReceiver(at) | Op::TryRecv(at) | Op::Recv(at) => {
                self.by_receiver(op, at)
            }
            _ => self.other(op).unwrap_or(Said::Skipped),
        };
        if before > 0 && self.strong() == 0 {
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
        let counts = [kept, self.receivers.len(), self.strong(), self.weak];
        (
            (self.senders > 0).then_some(counts),
            receivers.collect(),
            kept,
        )
    }

    fn woken(&self) -> Vec<bool> {
        let all = self.receiving.iter().chain(&self.watching);
        all.map(|waiter| waiter.woken).collect()
    }
}
