//! What the watch channel must do, said the plain way: a value and its version, and who has seen which.

use super::super::senders::Counts;
use super::super::{Lane, Said};
use super::{Op, State};

/// One who looks.
#[derive(Clone, Copy)]
struct Receiver {
    /// Its name.
    id: usize,
    /// The version that counts as seen.
    seen: i64,
}

/// A future that waits, and whether it was woken.
#[derive(Clone, Copy)]
struct Waiter {
    /// The receiver's name.
    id: usize,
    /// What for: any change, or a value that is a multiple of this.
    multiple: Option<u64>,
    woken: bool,
}

/// A value and its version.
pub struct Model {
    value: u64,
    version: i64,
    next: u64,
    senders: Counts,
    receivers: Vec<Receiver>,
    next_id: usize,
    receiving: Vec<Waiter>,
}

impl Model {
    pub fn new() -> Model {
        Model {
            value: 0,
            version: 0,
            next: 0,
            senders: Counts::new(),
            receivers: vec![Receiver { id: 0, seen: 0 }],
            next_id: 1,
            receiving: Vec::new(),
        }
    }

    fn add(&mut self, seen: i64) -> Said {
        let id = self.next_id;
        self.next_id += 1;
        self.receivers.push(Receiver { id, seen });
        Said::Done
    }

    /// Puts a value in, and returns the one before.
    fn put(&mut self, tell: bool) -> u64 {
        self.next += 1;
        self.version += i64::from(tell);
        for waiter in &mut self.receiving {
            waiter.woken |= tell;
        }
        std::mem::replace(&mut self.value, self.next)
    }

    /// Whether there is news for a receiver; then it counts as seen.
    fn news(&mut self, id: usize) -> bool {
        let receiver = self.receivers.iter_mut().find(|one| one.id == id);
        let Some(receiver) = receiver else {
            return false;
        };
        std::mem::replace(&mut receiver.seen, self.version) != self.version
    }

    /// A look of one who waits: at first, or again.
    fn look(&mut self, waiter: Waiter, first: bool) -> Option<Said> {
        let news = self.news(waiter.id);
        match waiter.multiple {
            Some(multiple) if (news || first) && self.value % multiple == 0 => {
                Some(Said::Value(self.value))
            }
            None if news => Some(Said::Done),
            _ => (self.senders.strong() == 0).then_some(Said::Closed),
        }
    }

    fn by_sender(&mut self, op: Op) -> Said {
        match op {
            Op::Send(_) if self.receivers.is_empty() => {
                self.next += 1;
                return Said::Closed;
            }
            Op::Send(_) => drop(self.put(true)),
            Op::SendIf { tell, .. } => {
                self.put(tell);
                return Said::Flag(tell);
            }
            Op::Replace(_) => return Said::Value(self.put(true)),
            _ => return self.add(self.version),
        }
        Said::Done
    }

    fn by_receiver(&mut self, op: Op, at: usize) -> Said {
        let Some(at) = at.checked_rem(self.receivers.len()) else {
            return Said::Skipped;
        };
        let Receiver { id, seen } = self.receivers[at];
        if self.receiving.iter().any(|waiter| waiter.id == id) {
            return Said::Skipped;
        }
        match op {
            Op::CloneReceiver(_) => return self.add(seen),
            Op::DropReceiver(_) => {
                self.receivers.remove(at);
                if self.receivers.is_empty() {
                    self.senders.wake();
                }
            }
            Op::Borrow(_) => return Said::Value(self.value),
            Op::BorrowAndUpdate(_) => return Said::Flag(self.news(id)),
            Op::HasChanged(_) if self.senders.strong() == 0 => return Said::Closed,
            Op::HasChanged(_) => return Said::Flag(seen != self.version),
            Op::MarkChanged(_) => self.receivers[at].seen -= 1,
            Op::MarkUnchanged(_) => self.receivers[at].seen = self.version,
            _ => {
                let multiple = match op {
                    Op::WaitFor { multiple, .. } => Some(multiple),
                    _ => None,
                };
                let waiter = Waiter {
                    id,
                    multiple,
                    woken: false,
                };
                return self.look(waiter, true).unwrap_or_else(|| {
                    self.receiving.push(waiter);
                    Said::Pending
                });
            }
        }
        Said::Done
    }

    fn other(&mut self, op: Op) -> Option<Said> {
        Some(match op {
            Op::Poll { at, .. } => {
                let at = at.checked_rem(self.receiving.len())?;
                self.receiving[at].woken = false;
                match self.look(self.receiving[at], false) {
                    Some(said) => {
                        self.receiving.remove(at);
                        said
                    }
                    None => Said::Pending,
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
            Op::Send(_) | Op::SendIf { .. } | Op::Replace(_) | Op::Subscribe(_)
                if self.senders.senders > 0 =>
            {
                self.by_sender(op)
            }
            Op::CloneReceiver(at)
            | Op::DropReceiver(at)
            | Op::Borrow(at)
            | Op::BorrowAndUpdate(at)
            | Op::HasChanged(at)
            | Op::MarkChanged(at)
            | Op::MarkUnchanged(at)
            | Op::Changed(at)
            | Op::WaitFor { at, .. } => self.by_receiver(op, at),
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
        let sender = (self.value, self.receivers.len(), self.senders.strong());
        let look = |receiver: &Receiver| {
            let busy = self.receiving.iter().any(|waiter| waiter.id == receiver.id);
            let look = (
                self.value,
                receiver.seen != self.version,
                self.senders.strong() == 0,
            );
            (!busy).then_some(look)
        };
        let receivers = self.receivers.iter().map(look).collect();
        let kept = self.senders.strong() + self.receivers.len() > 0;
        (
            (self.senders.senders > 0).then_some(sender),
            receivers,
            usize::from(kept),
        )
    }

    fn woken(&self) -> Vec<bool> {
        let receiving = self.receiving.iter().map(|waiter| waiter.woken);
        receiving.chain(self.senders.woken()).collect()
    }
}
