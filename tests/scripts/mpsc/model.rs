//! What the bounded channel must do, said the plain way: a queue, and a line for the slots.

use std::collections::VecDeque;
use std::task::Poll;

use super::super::line::Line;
use super::super::senders::Counts;
use super::super::{Lane, Said};
use super::{Op, State, digest, receiver};

/// What a waiting sender is there for, in its tag beside the number of its value.
const SEND: u64 = 0;
const SEND_MANY: u64 = 1;
const RESERVE: u64 = 2;

/// A queue, a line for the slots, and who is there.
pub struct Model {
    line: Line,
    queue: VecDeque<u64>,
    next: u64,
    senders: Counts,
    permits: usize,
    receiver: bool,
    /// How many the waiting receiver wants, if it waits, and whether it was woken.
    receiving: Option<(Wanted, bool)>,
    departs: bool,
}

/// What a reception wants.
#[derive(Clone, Copy)]
enum Wanted {
    One,
    Many(usize),
}

impl Model {
    pub fn new(capacity: usize) -> Model {
        Model {
            line: Line::of(capacity),
            queue: VecDeque::new(),
            next: 0,
            senders: Counts::new(),
            permits: 0,
            receiver: true,
            receiving: None,
            departs: false,
        }
    }

    fn strong(&self) -> usize {
        self.senders.strong() + self.permits + self.line.len()
    }

    /// Whether nothing will come any more.
    fn is_over(&self) -> bool {
        let promised = self.permits + self.line.promised();
        self.queue.is_empty() && (self.strong() == 0 || self.line.closed && promised == 0)
    }

    fn number(&mut self, many: usize) -> u64 {
        let first = self.next + 1;
        self.next += many as u64;
        first
    }

    fn fill(&mut self, number: u64) {
        if self.receiver {
            self.queue.push_back(number);
        } else {
            self.line.put(1);
            self.departs = true;
        }
    }

    fn sent(&mut self, poll: Option<Poll<(Option<usize>, u64)>>) -> Said {
        let Some(Poll::Ready((got, tag))) = poll else {
            return Said::polled(poll.map(|poll| poll.map(|_| Said::Done)));
        };
        let Some(many) = got else {
            return Said::Closed;
        };
        match tag % 4 {
            RESERVE => self.permits += 1,
            _ => (0..many as u64).for_each(|number| self.fill(tag / 4 + number)),
        }
        Said::Done
    }

    fn begin(&mut self, kind: u64, many: usize, polled: bool) -> Said {
        let values = if kind == RESERVE { 0 } else { many };
        let first = self.number(values);
        self.line.add(many, first * 4 + kind);
        if !polled {
            return Said::Done;
        }
        let poll = self.line.poll_newest();
        self.sent(poll)
    }

    fn take(&mut self) -> Option<u64> {
        let value = self.queue.pop_front()?;
        self.line.put(1);
        Some(value)
    }

    fn recv(&mut self, wanted: Wanted) -> Said {
        self.receiving = None;
        let said = match wanted {
            Wanted::Many(0) => Some(digest([].into_iter())),
            Wanted::One => self.take().map(Said::Value),
            Wanted::Many(limit) => (!self.queue.is_empty()).then(|| {
                let many = limit.min(self.queue.len());
                let values: Vec<u64> = self.queue.drain(..many).collect();
                self.line.put(many);
                digest(values.into_iter())
            }),
        };
        match (said, wanted) {
            (Some(said), _) => said,
            (None, Wanted::One) if self.is_over() => Said::Closed,
            (None, Wanted::Many(_)) if self.is_over() => digest([].into_iter()),
            (None, _) => {
                self.receiving = Some((wanted, false));
                Said::Pending
            }
        }
    }

    fn close(&mut self) {
        self.departs |= self.line.collected() > 0;
        self.line.close();
        self.line.forget_collected();
        self.senders.wake();
    }

    fn by_sender(&mut self, op: Op) -> Said {
        match op {
            Op::Send { polled, .. } => self.begin(SEND, 1, polled),
            Op::SendMany { many, .. } => self.begin(SEND_MANY, many, true),
            Op::Reserve { polled, .. } => self.begin(RESERVE, 1, polled),
            _ => {
                let sends = matches!(op, Op::TrySend(_));
                let number = self.number(usize::from(sends));
                if self.line.closed {
                    return Said::Closed;
                }
                if !self.line.try_take(1) {
                    return Said::Full;
                }
                match sends {
                    true => self.queue.push_back(number),
                    false => self.permits += 1,
                }
                Said::Done
            }
        }
    }

    fn by_receiver(&mut self, op: receiver::Op) -> Said {
        use receiver::Op;
        match op {
            Op::Poll { .. } => {
                let wanted = self.receiving.map(|(wanted, _)| wanted);
                return wanted.map_or(Said::Skipped, |wanted| self.recv(wanted));
            }
            Op::Cancel => return Said::done(self.receiving.take().is_some()),
            _ if !self.receiver || self.receiving.is_some() => return Said::Skipped,
            Op::Recv => return self.recv(Wanted::One),
            Op::RecvMany(limit) => return self.recv(Wanted::Many(limit)),
            Op::TryRecv => {
                let end = if self.is_over() {
                    Said::Closed
                } else {
                    Said::Empty
                };
                return self.take().map_or(end, Said::Value);
            }
            Op::Close => self.close(),
            _ => {
                self.close();
                self.receiver = false;
                self.line.put(self.queue.len());
                self.queue.clear();
            }
        }
        Said::Done
    }

    fn other(&mut self, op: Op) -> Said {
        match op {
            Op::Senders(op) => {
                let others = self.permits + self.line.len();
                self.senders.apply(op, others, self.line.closed)
            }
            Op::Receiver(op) => self.by_receiver(op),
            Op::SendPermit(_) => {
                let number = self.number(1);
                if self.permits == 0 {
                    return Said::Skipped;
                }
                self.permits -= 1;
                self.fill(number);
                Said::Done
            }
            Op::DropPermit(_) if self.permits > 0 => {
                self.permits -= 1;
                self.line.put(1);
                Said::Done
            }
            Op::Poll { at, .. } => {
                let poll = self.line.poll(at);
                self.sent(poll)
            }
            Op::Cancel(at) => Said::done(self.line.cancel(at).is_some()),
            _ => Said::Skipped,
        }
    }
}

impl Lane<Op> for Model {
    type State = State;

    fn apply(&mut self, op: Op) -> Said {
        let said = match op {
            Op::Send { .. }
            | Op::SendMany { .. }
            | Op::Reserve { .. }
            | Op::TrySend(_)
            | Op::TryReserve(_)
                if self.senders.senders > 0 =>
            {
                self.by_sender(op)
            }
            _ => self.other(op),
        };
        let has_come = !self.queue.is_empty() || self.is_over();
        if let Some((_, woken)) = &mut self.receiving {
            *woken |= has_come;
        }
        said
    }

    fn state(&self) -> State {
        let ended = self.line.closed || self.strong() == 0;
        let idle = self.receiver && self.receiving.is_none();
        let sender = (self.senders.senders > 0).then_some((
            self.line.free,
            self.line.closed,
            self.strong(),
            self.senders.weak,
        ));
        let sending = self.line.tags().filter(|tag| tag % 4 == SEND).count();
        (
            idle.then_some((self.queue.len(), ended)),
            sender,
            self.queue.len() + sending,
        )
    }

    fn woken(&self) -> Vec<bool> {
        let receiving = self.receiving.map(|(_, woken)| woken);
        let mut woken = self.line.woken();
        woken.extend(receiving.into_iter().chain(self.senders.woken()));
        woken
    }

    fn departs(&self) -> bool {
        self.departs
    }
}
