//! What the bounded channel must do, said the plain way: a queue, and a line for the slots.

use std::collections::VecDeque;
use std::task::Poll;

use super::super::line::Line;
use super::super::{Lane, Said};
use super::{Op, State, digest};

/// What a waiting sender is there for, in its tag beside the number of its value.
const SEND: u64 = 0;
const SEND_MANY: u64 = 1;
const RESERVE: u64 = 2;

/// One who waits for the receiver to go.
#[derive(Clone, Copy)]
struct Watcher {
    woken: bool,
}

/// A queue, a line for the slots, and who is there.
pub struct Model {
    line: Line,
    queue: VecDeque<u64>,
    next: u64,
    senders: usize,
    weak: usize,
    permits: usize,
    receiver: bool,
    /// How many the waiting receiver wants, if it waits, and whether it was woken.
    receiving: Option<(Wanted, bool)>,
    watching: Vec<Watcher>,
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
            senders: 1,
            weak: 0,
            permits: 0,
            receiver: true,
            receiving: None,
            watching: Vec::new(),
            departs: false,
        }
    }

    fn strong(&self) -> usize {
        self.senders + self.permits + self.line.len() + self.watching.len()
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
        for watcher in &mut self.watching {
            watcher.woken = true;
        }
    }

    fn by_sender(&mut self, op: Op) -> Said {
        match op {
            Op::Clone(_) => self.senders += 1,
            Op::DropSender(_) => self.senders -= 1,
            Op::Downgrade(_) => self.weak += 1,
            Op::Send { polled, .. } => return self.begin(SEND, 1, polled),
            Op::SendMany { many, .. } => return self.begin(SEND_MANY, many, true),
            Op::Reserve { polled, .. } => return self.begin(RESERVE, 1, polled),
            Op::TrySend(_) | Op::TryReserve(_) => {
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
            }
            _ if self.line.closed => return Said::Closed,
            _ => {
                self.watching.push(Watcher { woken: false });
                return Said::Pending;
            }
        }
        Said::Done
    }

    fn by_receiver(&mut self, op: Op) -> Said {
        match op {
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
            Op::Upgrade(_) if self.weak > 0 => {
                let there = self.strong() > 0;
                self.senders += usize::from(there);
                Said::Flag(there)
            }
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
            Op::PollRecv { .. } => match self.receiving {
                Some((wanted, _)) => self.recv(wanted),
                None => Said::Skipped,
            },
            Op::CancelRecv => Said::done(self.receiving.take().is_some()),
            Op::PollWatch { at, .. } => match at.checked_rem(self.watching.len()) {
                Some(at) if self.line.closed => {
                    self.watching.remove(at);
                    Said::Closed
                }
                Some(_) => Said::Pending,
                None => Said::Skipped,
            },
            Op::CancelWatch(at) => match at.checked_rem(self.watching.len()) {
                Some(at) => {
                    self.watching.remove(at);
                    Said::Done
                }
                None => Said::Skipped,
            },
            _ => Said::Skipped,
        }
    }
}

impl Lane<Op> for Model {
    type State = State;

    fn apply(&mut self, op: Op) -> Said {
        let said = match op {
            Op::Clone(_)
            | Op::DropSender(_)
            | Op::Downgrade(_)
            | Op::Send { .. }
            | Op::SendMany { .. }
            | Op::Reserve { .. }
            | Op::TrySend(_)
            | Op::TryReserve(_)
            | Op::Watch(_)
                if self.senders > 0 =>
            {
                self.by_sender(op)
            }
            Op::Recv | Op::RecvMany(_) | Op::TryRecv | Op::Close | Op::DropReceiver
                if self.receiver && self.receiving.is_none() =>
            {
                self.by_receiver(op)
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
        let sender = (self.senders > 0).then_some((
            self.line.free,
            self.line.closed,
            self.strong(),
            self.weak,
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
        let watching = self.watching.iter().map(|watcher| watcher.woken);
        let mut woken = self.line.woken();
        woken.extend(receiving.into_iter().chain(watching));
        woken
    }

    fn departs(&self) -> bool {
        self.departs
    }
}
