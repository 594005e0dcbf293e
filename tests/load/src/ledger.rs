//! The ledger: what the client says of a connection against what the server says of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::bytes::{Closing, Stream, Sum};
use crate::plan::End;

/// How many mistakes are told.
const TOLD: usize = 10;

/// Both sides' words, connection by connection.
#[derive(Debug)]
pub struct Ledger {
    /// What the streams come from.
    seed: u64,
    /// The connections of which only one side has spoken, and the totals. Locked for one entry at a time.
    state: Mutex<State>,
}

/// What the lock guards.
#[derive(Debug, Default)]
struct State {
    open: HashMap<u64, Side>,
    totals: Totals,
}

/// What one side says.
#[derive(Debug, Clone, Copy)]
pub enum Side {
    /// What the client has sent and has got back, and how it ended.
    Client { sent: Sum, got: Sum, end: End },
    /// What the server has read and has answered, and whether it has come to its closing words.
    Server { said: Closing, in_order: bool },
}

/// What it comes to.
#[derive(Debug, Default, Clone)]
pub struct Totals {
    /// Connections that ended in order, with the same sums at both ends.
    pub in_order: u64,
    /// Connections that the client dropped: what arrived was the beginning of what was sent.
    pub closed: u64,
    /// Connections that the client reset: the same.
    pub reset: u64,
    /// Of those two, connections of whose end the server knows nothing: they were gone before it could read their number.
    pub unheard: u64,
    /// Bytes that arrived, at either end.
    pub bytes: u64,
    /// What does not agree.
    pub wrong: Vec<String>,
    /// How often something does not agree.
    pub wrongs: usize,
}

impl Ledger {
    /// An empty one, for a run with this seed.
    pub fn new(seed: u64) -> Ledger {
        Ledger {
            seed,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One side has spoken. If the other has, too, the connection is judged.
    pub fn settle(&self, id: u64, side: Side) {
        let other = match self.lock().open.entry(id) {
            Entry::Vacant(place) => {
                place.insert(side);
                return;
            }
            Entry::Occupied(place) => place.remove(),
        };
        let judged = match (side, other) {
            (Side::Client { sent, got, end }, Side::Server { said, in_order })
            | (Side::Server { said, in_order }, Side::Client { sent, got, end }) => {
                let judged = match end {
                    End::InOrder => judge_whole(sent, got, said, in_order),
                    _ => judge_cut(Stream::of(id, self.seed), sent, got, said),
                };
                judged.map(|()| (end, said.read.count + got.count))
            }
            _ => Err("one side has spoken twice".to_owned()),
        };
        match judged {
            Ok((end, bytes)) => self.lock().totals.count(end, bytes),
            Err(wrong) => self.blame(format!("connection {id:x}: {wrong}")),
        }
    }

    /// Something is wrong.
    pub fn blame(&self, wrong: String) {
        self.lock().totals.blame(wrong);
    }

    /// Whether something was wrong so far.
    pub fn is_wrong(&self) -> bool {
        self.lock().totals.wrongs > 0
    }

    /// The end: nobody will say anything any more.
    pub fn close(&self) -> Totals {
        let mut state = self.lock();
        let State { open, totals } = &mut *state;
        if totals.wrongs > 0 {
            // The run was broken off, and so were these.
            return totals.clone();
        }
        for (id, side) in open.drain() {
            match side {
                Side::Client { got, end, .. } if end != End::InOrder => {
                    totals.count(end, got.count);
                    totals.unheard += 1;
                }
                side => totals.blame(format!(
                    "connection {id:x}: only one side knows it: {side:?}"
                )),
            }
        }
        totals.clone()
    }
}

impl Totals {
    /// A connection is as it should be.
    fn count(&mut self, end: End, bytes: u64) {
        self.bytes += bytes;
        *match end {
            End::InOrder => &mut self.in_order,
            End::Closed(_) => &mut self.closed,
            End::Reset(_) => &mut self.reset,
        } += 1;
    }

    fn blame(&mut self, wrong: String) {
        self.wrongs += 1;
        if self.wrong.len() < TOLD {
            self.wrong.push(wrong);
        }
    }
}

/// A connection that ended in order: everything has arrived.
fn judge_whole(sent: Sum, got: Sum, said: Closing, in_order: bool) -> Result<(), String> {
    if !in_order {
        return Err("it ended in order for the client, but not for the server".to_owned());
    }
    let heard = Closing {
        read: sent,
        answered: got,
    };
    if heard == said {
        Ok(())
    } else {
        Err(format!("the client says {heard:?}, the server {said:?}"))
    }
}

/// A connection that was cut off: what has arrived is a beginning. The client has compared what it got, byte by byte.
fn judge_cut(stream: Stream, sent: Sum, got: Sum, said: Closing) -> Result<(), String> {
    let counts = [sent, said.read, said.answered, got].map(|sum| sum.count);
    if !counts.is_sorted_by(|more, less| more >= less) {
        return Err(format!(
            "sent, read, answered, got: {counts:?} must not grow"
        ));
    }
    if stream.prefix(said.read.count).0 != said.read {
        return Err(format!("the server has read what nobody sent: {said:?}"));
    }
    if stream.prefix(said.answered.count).1 != said.answered {
        return Err(format!("the server's answer is wrong: {said:?}"));
    }
    Ok(())
}
