//! The bounded channel against a model: any sequence of sends, receptions, permits, cancellations and closings.

mod channels_support;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use channels_support::poll_once;
use futures::FutureExt;
use proptest::prelude::*;
use samovar::sync::mpsc::error::{SendError, TryRecvError, TrySendError};
use samovar::sync::mpsc::{self, OwnedPermit};

#[derive(Clone, Debug)]
enum Op {
    StartSend,
    PollSend(usize),
    CancelSend(usize),
    TrySend,
    TryReserve,
    SendPermit(usize),
    DropPermit(usize),
    TryRecv,
    CancelRecv,
    RecvMany(usize),
    Close,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => Just(Op::StartSend),
        4 => any::<usize>().prop_map(Op::PollSend),
        3 => any::<usize>().prop_map(Op::CancelSend),
        2 => Just(Op::TrySend),
        2 => Just(Op::TryReserve),
        2 => any::<usize>().prop_map(Op::SendPermit),
        1 => any::<usize>().prop_map(Op::DropPermit),
        4 => Just(Op::TryRecv),
        4 => Just(Op::CancelRecv),
        1 => (0..4_usize).prop_map(Op::RecvMany),
        1 => prop_oneof![9 => Just(Op::TryRecv), 1 => Just(Op::Close)],
    ]
}

/// What the channel should do, said the plain way.
struct Model {
    capacity: usize,
    queue: VecDeque<u64>,
    permits: usize,
    closed: bool,
    /// Senders in order of arrival: their value, and whether a slot is theirs.
    senders: Vec<(u64, bool)>,
}

impl Model {
    fn free(&self) -> usize {
        let granted = self.senders.iter().filter(|sender| sender.1).count();
        self.capacity - self.queue.len() - self.permits - granted
    }

    /// Gives free slots to those who wait.
    fn settle(&mut self) {
        while !self.closed && self.free() > 0 {
            let Some(first) = self.senders.iter_mut().find(|sender| !sender.1) else {
                return;
            };
            first.1 = true;
        }
    }

    fn over(&self) -> bool {
        self.closed
            && self.queue.is_empty()
            && self.permits == 0
            && !self.senders.iter().any(|sender| sender.1)
    }

    fn recv(&mut self) -> Result<u64, TryRecvError> {
        let end = if self.over() {
            TryRecvError::Disconnected
        } else {
            TryRecvError::Empty
        };
        let value = self.queue.pop_front().ok_or(end);
        self.settle();
        value
    }
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), SendError<u64>>> + 'a>>;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn behaves_like_the_model(capacity in 1..4_usize, ops in proptest::collection::vec(op(), 1..120)) {
        let (sender, mut receiver) = mpsc::channel(capacity);
        let mut model = Model { capacity, queue: VecDeque::new(), permits: 0, closed: false, senders: Vec::new() };
        let mut sending: Vec<Sending<'_>> = Vec::new();
        let mut permits: Vec<OwnedPermit<u64>> = Vec::new();
        for (value, op) in (0..).zip(ops) {
            match op {
                Op::StartSend => {
                    let mut send: Sending<'_> = Box::pin(sender.send(value));
                    let result = poll_once(&mut send);
                    if model.closed {
                        prop_assert_eq!(result, Poll::Ready(Err(SendError(value))));
                    } else if model.free() > 0 {
                        prop_assert_eq!(result, Poll::Ready(Ok(())));
                        model.queue.push_back(value);
                    } else {
                        prop_assert_eq!(result, Poll::Pending);
                        model.senders.push((value, false));
                        sending.push(send);
                    }
                }
                Op::PollSend(at) if !sending.is_empty() => {
                    let at = at % sending.len();
                    let result = poll_once(&mut sending[at]);
                    let (value, granted) = model.senders[at];
                    let expected = if model.closed {
                        Poll::Ready(Err(SendError(value)))
                    } else if granted {
                        model.queue.push_back(value);
                        Poll::Ready(Ok(()))
                    } else {
                        Poll::Pending
                    };
                    prop_assert_eq!(&result, &expected);
                    if result.is_ready() {
                        model.senders.remove(at);
                        drop(sending.remove(at));
                        model.settle();
                    }
                }
                Op::CancelSend(at) if !sending.is_empty() => {
                    let at = at % sending.len();
                    drop(sending.remove(at));
                    model.senders.remove(at);
                    model.settle();
                }
                Op::TrySend => {
                    let expected = if model.closed {
                        Err(TrySendError::Closed(value))
                    } else if model.free() == 0 {
                        Err(TrySendError::Full(value))
                    } else {
                        model.queue.push_back(value);
                        Ok(())
                    };
                    prop_assert_eq!(sender.try_send(value), expected);
                }
                Op::TryReserve => {
                    let possible = !model.closed && model.free() > 0;
                    let permit = sender.clone().try_reserve_owned().ok();
                    prop_assert_eq!(permit.is_some(), possible);
                    model.permits += usize::from(possible);
                    permits.extend(permit);
                }
                Op::SendPermit(at) if !permits.is_empty() => {
                    drop(permits.remove(at % permits.len()).send(value));
                    model.permits -= 1;
                    model.queue.push_back(value);
                }
                Op::DropPermit(at) if !permits.is_empty() => {
                    drop(permits.remove(at % permits.len()));
                    model.permits -= 1;
                    model.settle();
                }
                Op::TryRecv => prop_assert_eq!(receiver.try_recv(), model.recv()),
                Op::CancelRecv => {
                    let expected = match model.recv() {
                        Ok(value) => Some(Some(value)),
                        Err(TryRecvError::Disconnected) => Some(None),
                        Err(TryRecvError::Empty) => None,
                    };
                    prop_assert_eq!(receiver.recv().now_or_never(), expected);
                }
                Op::RecvMany(limit) => {
                    let mut buffer = Vec::new();
                    let count = receiver.recv_many(&mut buffer, limit).now_or_never();
                    let expected: Vec<u64> = (0..limit.min(model.queue.len())).map_while(|_| model.queue.pop_front()).collect();
                    let nothing_ever = limit == 0 || model.over();
                    model.settle();
                    prop_assert_eq!(count, (nothing_ever || !expected.is_empty()).then_some(expected.len()));
                    prop_assert_eq!(buffer, expected);
                }
                Op::Close => {
                    receiver.close();
                    model.closed = true;
                }
                Op::PollSend(_) | Op::CancelSend(_) | Op::SendPermit(_) | Op::DropPermit(_) => {}
            }
            prop_assert_eq!((receiver.len(), sender.capacity()), (model.queue.len(), model.free()));
        }
    }
}
