//! The future that acquires permits of a semaphore.
//!
//! The first poll tries without the lock. If that fails it queues, and what it still misses is a number in the queue, which
//! those who give permits back count down; at zero it is the owner. So a batch needs no permits in its hands while it waits,
//! and if it gives up, what was counted goes to the next ([`Acquisition::give_up`]).

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::{AcquireError, Semaphore, SemaphorePermit, TryAcquireError};
use crate::shim::atomic::Ordering::Relaxed;
use crate::shim::lock;
use crate::sync::turn::poll_turn;
use crate::sync::waiters::{Key, WakeList};
use crate::trace::wait;

/// Acquires `wanted` permits.
#[derive(Debug)]
pub(super) struct Acquisition<'a> {
    /// Whose permits.
    semaphore: &'a Semaphore,
    /// How many.
    wanted: u32,
    /// The place in the queue.
    key: Option<Key>,
    /// The outcome, when it came in a poll that had no budget left to return it: nothing is given up meanwhile.
    outcome: Option<Result<SemaphorePermit<'a>, AcquireError>>,
}

impl<'a> Acquisition<'a> {
    /// Does nothing until it is polled.
    pub(super) fn new(semaphore: &'a Semaphore, wanted: u32) -> Self {
        Self {
            semaphore,
            wanted,
            key: None,
            outcome: None,
        }
    }

    /// Takes the permits if they are free; else queues for them.
    fn poll_permit(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<SemaphorePermit<'a>, AcquireError>> {
        let semaphore = self.semaphore;
        let mut spare: Option<Waker> = None;
        if self.key.is_none() {
            match semaphore.try_take(self.wanted) {
                Ok(()) => return Poll::Ready(Ok(SemaphorePermit::new(semaphore, self.wanted))),
                Err(TryAcquireError::Closed) => return Poll::Ready(Err(AcquireError(()))),
                Err(TryAcquireError::NoPermits) => spare = Some(cx.waker().clone()),
            }
        }
        loop {
            let mut wakers = WakeList::new();
            let mut queue = lock(&semaphore.queue);
            if semaphore.is_closed() {
                drop(queue);
                self.give_up();
                return Poll::Ready(Err(AcquireError(())));
            }
            let queueing = self.key.is_none();
            let enrolled = queue.enroll(&mut self.key, cx.waker(), &mut spare, || self.wanted);
            if enrolled && queueing {
                // Says that it queues, and collects what came back since the first look.
                semaphore.queued.store(queue.len(), Relaxed);
                semaphore.serve(0, &mut queue, &mut wakers);
            }
            if queue.take_assigned(&mut self.key).is_some() {
                return Poll::Ready(Ok(SemaphorePermit::new(semaphore, self.wanted)));
            }
            if enrolled {
                return wait::pending(|| match self.wanted {
                    1 => "Semaphore, a permit".to_owned(),
                    wanted => format!("Semaphore, {wanted} permits"),
                });
            }
            drop(queue);
            spare = Some(cx.waker().clone());
        }
    }

    /// Leaves the queue and passes on what was collected so far.
    fn give_up(&mut self) {
        let Some(key) = self.key.take() else { return };
        let mut wakers = WakeList::new();
        let mut queue = lock(&self.semaphore.queue);
        let removed = queue.remove(key);
        let collected = removed
            .as_ref()
            .map_or(0, |removed| self.wanted - removed.payload);
        self.semaphore
            .serve(collected as usize, &mut queue, &mut wakers);
        drop(queue);
        drop(removed);
    }
}

impl<'a> Future for Acquisition<'a> {
    type Output = Result<SemaphorePermit<'a>, AcquireError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let alone = this.key.is_none() && this.semaphore.queued.load(Relaxed) == 0;
        poll_turn(this, cx, alone, |this| &mut this.outcome, Self::poll_permit)
    }
}

impl Drop for Acquisition<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::task::budget;
    use std::pin::pin;

    #[test]
    fn a_spent_budget_costs_neither_the_place_in_the_queue_nor_a_permit() {
        let semaphore = Semaphore::new(1);
        let mut cx = Context::from_waker(Waker::noop());
        let (mut first, mut second) = (pin!(semaphore.acquire()), pin!(semaphore.acquire()));
        let (mut head, held) = (pin!(semaphore.acquire()), semaphore.try_acquire());
        assert!(head.as_mut().poll(&mut cx).is_pending());
        budget::with_fresh(|| {
            let other = Semaphore::new(1);
            while pin!(other.acquire()).poll(&mut cx).is_ready() {}
            assert!(first.as_mut().poll(&mut cx).is_pending());
            drop(held);
            assert!(head.as_mut().poll(&mut cx).is_pending());
        });
        assert!(second.as_mut().poll(&mut cx).is_pending());
        assert!(semaphore.try_acquire().is_err());
        assert!(head.as_mut().poll(&mut cx).is_ready());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        assert!(matches!(first.as_mut().poll(&mut cx), Poll::Ready(Ok(_))));
        assert!(matches!(second.as_mut().poll(&mut cx), Poll::Ready(Ok(_))));
    }

    #[test]
    fn a_newcomer_without_budget_leaves_a_free_permit_to_others() {
        let semaphore = Semaphore::new(1);
        let mut cx = Context::from_waker(Waker::noop());
        let mut spent = pin!(semaphore.acquire());
        budget::with_fresh(|| {
            while pin!(semaphore.acquire()).poll(&mut cx).is_ready() {}
            assert!(spent.as_mut().poll(&mut cx).is_pending());
        });
        assert!(pin!(semaphore.acquire()).poll(&mut cx).is_ready());
        assert!(spent.as_mut().poll(&mut cx).is_ready());
    }
}
