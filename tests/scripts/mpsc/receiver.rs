//! What happens to the one receiver, of the bounded channel and of the unbounded one.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use super::super::{Said, Value, Waiting};
use super::digest;

/// What may happen to it.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    Recv,
    RecvMany(usize),
    Poll { fresh: bool },
    Cancel,
    TryRecv,
    Close,
    Drop,
}

/// A receiver of one of the libraries.
pub trait Receiver: 'static {
    fn recv(&mut self) -> impl Future<Output = Option<Value>>;
    fn recv_many(&mut self, values: &mut Vec<Value>, limit: usize) -> impl Future<Output = usize>;
    fn try_recv(&mut self) -> Said;
    fn close(&mut self);
    /// How many values there are, and whether it is closed.
    fn state(&self) -> (usize, bool);
}

/// Says that a type is a receiver; `TryRecvError` is at hand.
macro_rules! receiver {
    ($receiver:ty) => {
        impl $crate::scripts::mpsc::receiver::Receiver for $receiver {
            async fn recv(&mut self) -> Option<Value> {
                <$receiver>::recv(self).await
            }

            async fn recv_many(&mut self, values: &mut Vec<Value>, limit: usize) -> usize {
                <$receiver>::recv_many(self, values, limit).await
            }

            fn try_recv(&mut self) -> Said {
                match <$receiver>::try_recv(self) {
                    Ok(value) => Said::Value(value.number),
                    Err(TryRecvError::Empty) => Said::Empty,
                    Err(TryRecvError::Disconnected) => Said::Closed,
                }
            }

            fn close(&mut self) {
                <$receiver>::close(self);
            }

            fn state(&self) -> (usize, bool) {
                assert_eq!(self.is_empty(), self.len() == 0);
                (self.len(), self.is_closed())
            }
        }
    };
}
pub(in super::super) use receiver;

/// The receiver, until it goes, and the future that has it.
pub struct Receiving<R> {
    receiver: Option<Rc<RefCell<R>>>,
    waiting: Waiting,
}

impl<R: Receiver> Receiving<R> {
    pub fn of(receiver: R) -> Self {
        Receiving {
            receiver: Some(Rc::new(RefCell::new(receiver))),
            waiting: Waiting::default(),
        }
    }

    pub fn apply(&mut self, op: Op) -> Said {
        match op {
            Op::Poll { fresh } => return Said::polled(self.waiting.poll(0, fresh)),
            Op::Cancel => return Said::done(self.waiting.cancel(0)),
            _ => {}
        }
        let is_busy = !self.waiting.woken().is_empty();
        let Some(receiver) = self.receiver.clone().filter(|_| !is_busy) else {
            return Said::Skipped;
        };
        match op {
            Op::Recv => self.waiting.begin(true, async move {
                let value = receiver.borrow_mut().recv().await;
                value.map_or(Said::Closed, |value| Said::Value(value.number))
            }),
            Op::RecvMany(limit) => self.waiting.begin(true, async move {
                let mut values = Vec::new();
                let count = receiver.borrow_mut().recv_many(&mut values, limit).await;
                assert_eq!(count, values.len());
                digest(values.iter().map(|value| value.number))
            }),
            Op::TryRecv => receiver.borrow_mut().try_recv(),
            Op::Close => {
                receiver.borrow_mut().close();
                Said::Done
            }
            _ => {
                self.receiver = None;
                Said::Done
            }
        }
    }

    pub fn state(&self) -> Option<(usize, bool)> {
        let receiver = self.receiver.as_ref()?.try_borrow().ok()?;
        Some(receiver.state())
    }

    pub fn woken(&self) -> Vec<bool> {
        self.waiting.woken()
    }

    /// It goes, and nobody has its waker any more.
    pub fn end(&mut self) {
        self.waiting.cancel(0);
        self.receiver = None;
        self.waiting.no_waker_is_kept();
    }
}
