//! The future that waits for a readers-writer lock, to read or to write.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use super::{RwLock, Wish};
use crate::shim::lock;
use crate::sync::waiters::{Key, WakeList};
use crate::task::budget;

/// Locks, and yields the value; the caller makes a guard of it at once.
pub(super) struct Request<'a, T> {
    /// What to lock.
    lock: &'a RwLock<T>,
    /// To write, rather than to read.
    write: bool,
    /// The place in the queue.
    key: Option<Key>,
    /// The value, when it came in a poll that had no budget left to return it: the turn is not lost.
    value: Option<Arc<T>>,
}

impl<'a, T> Request<'a, T> {
    /// To read. Does nothing until it is polled.
    pub(super) fn read(lock: &'a RwLock<T>) -> Self {
        Self {
            lock,
            write: false,
            key: None,
            value: None,
        }
    }

    /// To write. Does nothing until it is polled.
    pub(super) fn write(lock: &'a RwLock<T>) -> Self {
        Self {
            lock,
            write: true,
            key: None,
            value: None,
        }
    }

    /// Takes the value, or queues for it.
    fn poll_value(&mut self, cx: &mut Context<'_>) -> Poll<Arc<T>> {
        let write = self.write;
        let mut spare: Option<Waker> = None;
        loop {
            let mut state = lock(&self.lock.state);
            let value = match self.key {
                None => state.try_take(write),
                Some(_) => state
                    .waiters
                    .take_assigned(&mut self.key)
                    .and_then(|wish| wish.value),
            };
            if let Some(value) = value {
                return Poll::Ready(value);
            }
            let wish = || Wish { write, value: None };
            if state
                .waiters
                .enroll(&mut self.key, cx.waker(), &mut spare, wish)
            {
                return Poll::Pending;
            }
            drop(state);
            spare = Some(cx.waker().clone());
        }
    }
}

impl<T> Future for Request<'_, T> {
    type Output = Arc<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Arc<T>> {
        let this = self.get_mut();
        let value = match this.value.take() {
            Some(value) => value,
            None => ready!(this.poll_value(cx)),
        };
        match budget::spend(cx) {
            Poll::Ready(unit) => {
                unit.made_progress();
                Poll::Ready(value)
            }
            Poll::Pending => {
                this.value = Some(value);
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Request<'_, T> {
    fn drop(&mut self) {
        if self.key.is_none() && self.value.is_none() {
            return;
        }
        let mut wakers = WakeList::new();
        let mut guard = lock(&self.lock.state);
        let state = &mut *guard;
        let mut removed = self.key.and_then(|key| state.waiters.remove(key));
        let given = removed
            .as_mut()
            .and_then(|removed| removed.payload.value.take());
        match self.value.take().or(given) {
            Some(value) if self.write => state.end_write(value, 0, &mut wakers),
            Some(value) => {
                // Not the last clone, so no destructor of the value runs here; and it must be gone before the count says so.
                drop(value);
                state.end_read(&mut wakers);
            }
            // It may have been a writer at the head of the queue, with readers behind it that can go now.
            None => state.serve(&mut wakers),
        }
        drop(guard);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::pin::pin;

    #[test]
    fn a_spent_budget_costs_neither_the_place_in_the_queue_nor_the_lock() {
        let lock = RwLock::new(());
        let mut cx = Context::from_waker(Waker::noop());
        let (mut reader, mut writer) = (pin!(lock.read()), pin!(lock.write()));
        budget::with_fresh(|| {
            while pin!(lock.read()).poll(&mut cx).is_ready() {}
            assert!(pin!(lock.write()).poll(&mut cx).is_pending());
            assert!(
                lock.try_write().is_ok(),
                "futures dropped with the lock unlock it"
            );
            assert!(reader.as_mut().poll(&mut cx).is_pending());
            assert!(writer.as_mut().poll(&mut cx).is_pending());
        });
        assert!(lock.try_read().is_err());
        assert!(writer.as_mut().poll(&mut cx).is_pending());
        assert!(reader.as_mut().poll(&mut cx).is_ready());
        assert!(writer.as_mut().poll(&mut cx).is_ready());
    }
}
