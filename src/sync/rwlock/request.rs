//! The future that waits for a readers-writer lock, to read or to write.
//!
//! It is one for both, and for both kinds of guards: what it yields is the value's `Arc`, a clone or the only one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{RwLock, Wish};
use crate::shim::atomic::Ordering::Relaxed;
use crate::shim::lock;
use crate::sync::turn::poll_turn;
use crate::sync::waiters::{Key, WakeList};
use crate::trace::wait;

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
        let (rwlock, write) = (self.lock, self.write);
        let mut spare: Option<Waker> = None;
        if self.key.is_none() {
            if let Ok(value) = rwlock.try_take(write) {
                return Poll::Ready(value);
            }
            spare = Some(cx.waker().clone());
        }
        loop {
            let mut wakers = WakeList::new();
            let mut guard = lock(&rwlock.state);
            let state = &mut *guard;
            let queueing = self.key.is_none();
            let wish = || Wish { write, value: None };
            let enrolled = state
                .waiters
                .enroll(&mut self.key, cx.waker(), &mut spare, wish);
            if enrolled && queueing {
                // Says that it queues, and looks again whether it may enter.
                rwlock.queued.store(state.waiters.len(), Relaxed);
                rwlock.serve(state, &mut wakers);
            }
            if let Some(value) = state
                .waiters
                .take_assigned(&mut self.key)
                .and_then(|wish| wish.value)
            {
                return Poll::Ready(value);
            }
            if enrolled {
                let wish = if write { "write" } else { "read" };
                return wait::pending(|| format!("RwLock {wish}"));
            }
            drop(guard);
            spare = Some(cx.waker().clone());
        }
    }

    /// Leaves the queue. Returns the value if it was given it.
    fn leave_queue(&mut self) -> Option<Arc<T>> {
        let key = self.key.take()?;
        let mut wakers = WakeList::new();
        let mut guard = lock(&self.lock.state);
        let removed = guard.waiters.remove(key);
        // It may have been a writer at the head of the queue, with readers behind it that can go now.
        self.lock.serve(&mut guard, &mut wakers);
        drop(guard);
        removed.and_then(|removed| removed.payload.value)
    }
}

impl<T> Future for Request<'_, T> {
    type Output = Arc<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Arc<T>> {
        let this = self.get_mut();
        let alone = this.key.is_none() && this.lock.queued.load(Relaxed) == 0;
        poll_turn(this, cx, alone, |this| &mut this.value, Self::poll_value)
    }
}

impl<T> Drop for Request<'_, T> {
    fn drop(&mut self) {
        let given = self.leave_queue();
        match self.value.take().or(given) {
            Some(value) if self.write => self.lock.end_write(value),
            Some(value) => {
                // First the clone, then the count: who writes next must find the value alone.
                drop(value);
                self.lock.end_read();
            }
            None => {}
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::task::budget;
    use std::pin::pin;

    #[test]
    fn a_spent_budget_costs_neither_the_place_in_the_queue_nor_the_lock() {
        let lock = RwLock::new(());
        let mut cx = Context::from_waker(Waker::noop());
        let (mut reader, mut writer) = (pin!(lock.read()), pin!(lock.write()));
        let (mut head, held) = (pin!(lock.write()), lock.try_write());
        assert!(head.as_mut().poll(&mut cx).is_pending());
        budget::with_fresh(|| {
            let other = RwLock::new(());
            while pin!(other.read()).poll(&mut cx).is_ready() {}
            assert!(reader.as_mut().poll(&mut cx).is_pending());
            drop(held);
            assert!(head.as_mut().poll(&mut cx).is_pending());
        });
        assert!(writer.as_mut().poll(&mut cx).is_pending());
        assert!(lock.try_read().is_err());
        assert!(head.as_mut().poll(&mut cx).is_ready());
        assert!(writer.as_mut().poll(&mut cx).is_pending());
        assert!(reader.as_mut().poll(&mut cx).is_ready());
        assert!(writer.as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn a_newcomer_without_budget_leaves_a_free_lock_to_others() {
        let lock = RwLock::new(());
        let mut cx = Context::from_waker(Waker::noop());
        let mut spent = pin!(lock.write());
        budget::with_fresh(|| {
            while pin!(lock.read()).poll(&mut cx).is_ready() {}
            assert!(spent.as_mut().poll(&mut cx).is_pending());
        });
        assert!(pin!(lock.write()).poll(&mut cx).is_ready());
        assert!(spent.as_mut().poll(&mut cx).is_ready());
    }
}
