//! The futures that wait for a notification: one borrows its `Notify`, the other shares it.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{Cause, Notify, Queue};
use crate::shim::atomic::Ordering::Relaxed;
use crate::shim::lock;
use crate::sync::waiters::{Key, WakeList};
use crate::task::budget;
use crate::trace::wait;

/// The future of [`Notify::notified`]. Once completed it stays so.
///
/// ```
/// use samovar::sync::{Notify, futures::Notified};
///
/// struct Waiter<'a> {
///     notified: Notified<'a>,
/// }
///
/// let notify = Notify::new();
/// let waiter = Waiter { notified: notify.notified() };
/// notify.notify_waiters();
/// samovar::block_on(waiter.notified);
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct Notified<'a> {
    /// Whose notification.
    notify: &'a Notify,
    /// How far the waiting has come.
    wait: Wait,
}

/// The future of [`Notify::notified_owned`]. Once completed it stays so.
///
/// ```
/// use std::sync::Arc;
/// use samovar::sync::{Notify, futures::OwnedNotified};
///
/// let notify = Arc::new(Notify::new());
/// let waiting: Vec<OwnedNotified> = (0..3).map(|_| notify.clone().notified_owned()).collect();
/// notify.notify_waiters();
/// samovar::block_on(futures::future::join_all(waiting));
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct OwnedNotified {
    /// Whose notification.
    notify: Arc<Notify>,
    /// How far the waiting has come.
    wait: Wait,
}

impl<'a> Notified<'a> {
    /// Waits from round `round` on.
    pub(super) fn new(notify: &'a Notify, round: usize) -> Self {
        Self {
            notify,
            wait: Wait {
                round,
                stage: Stage::Created,
            },
        }
    }

    /// Takes the place in the queue without polling, so that a [`Notify::notify_one`] from now on can reach this future.
    /// Returns whether a notification is here already; the future is completed then.
    ///
    /// ```
    /// use samovar::sync::Notify;
    /// use std::pin::pin;
    ///
    /// let notify = Notify::new();
    /// let mut notified = pin!(notify.notified());
    /// assert!(!notified.as_mut().enable());
    /// notify.notify_one();
    /// assert!(notified.enable());
    /// ```
    pub fn enable(self: Pin<&mut Self>) -> bool {
        let this = self.get_mut();
        this.wait.enable(this.notify)
    }
}

impl OwnedNotified {
    /// Waits from round `round` on.
    pub(super) fn new(notify: Arc<Notify>, round: usize) -> Self {
        Self {
            notify,
            wait: Wait {
                round,
                stage: Stage::Created,
            },
        }
    }

    /// Takes the place in the queue without polling, as [`Notified::enable`].
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::sync::Arc;
    ///
    /// let notify = Arc::new(samovar::sync::Notify::new());
    /// assert!(!pin!(notify.notified_owned()).enable());
    /// ```
    pub fn enable(self: Pin<&mut Self>) -> bool {
        let this = self.get_mut();
        this.wait.enable(&this.notify)
    }
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.wait.poll(this.notify, cx)
    }
}

impl Future for OwnedNotified {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.wait.poll(&this.notify, cx)
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        self.wait.cancel(self.notify);
    }
}

impl Drop for OwnedNotified {
    fn drop(&mut self) {
        self.wait.cancel(&self.notify);
    }
}

/// The waiting, which both futures do alike.
#[derive(Debug)]
struct Wait {
    /// How many `notify_waiters` there had been when the future was created.
    round: usize,
    /// How far it has come.
    stage: Stage,
}

/// How far a waiting has come.
#[derive(Debug)]
enum Stage {
    /// Not in the queue yet. // --> Queued, Reached, Done
    Created,
    /// In the queue, or chosen from it. // --> Reached, Done
    Queued(Key),
    /// Notified in a poll that had no budget left to say so. // --> Done
    Reached(Cause),
    /// The task knows.
    Done,
}

impl Wait {
    /// Whether a notification is here for a future that is not in the queue; takes it if so.
    fn look(&self, notify: &Notify) -> Option<Cause> {
        if notify.current_round() != self.round {
            return Some(Cause::All);
        }
        // The permit belongs to those in the queue, if there are any. The load before the exchange spares it the usual case
        // that there is none; an old value does no harm, for `queue_up` looks again.
        let likely = notify.queued.load(Relaxed) == 0 && notify.permit.load(Relaxed);
        let taken = likely && notify.take_permit();
        taken.then_some(Cause::First)
    }

    /// Completes, or waits in the queue.
    fn poll(&mut self, notify: &Notify, cx: &mut Context<'_>) -> Poll<()> {
        if let Stage::Created | Stage::Queued(_) = self.stage {
            match self.poll_cause(notify, cx) {
                Poll::Ready(cause) => self.stage = Stage::Reached(cause),
                Poll::Pending => return Poll::Pending,
            }
        }
        if let Stage::Reached(_) = self.stage {
            match budget::spend(cx) {
                Poll::Ready(unit) => unit.made_progress(),
                Poll::Pending => return Poll::Pending,
            }
            self.stage = Stage::Done;
        }
        Poll::Ready(())
    }

    /// Takes a notification, or queues for one.
    fn poll_cause(&mut self, notify: &Notify, cx: &mut Context<'_>) -> Poll<Cause> {
        let mut spare: Option<Waker> = None;
        if let Stage::Created = self.stage {
            if let Some(cause) = self.look(notify) {
                return Poll::Ready(cause);
            }
            spare = Some(cx.waker().clone());
        }
        loop {
            let mut wakers = WakeList::new();
            let mut queue = lock(&notify.queue);
            if let Stage::Created = self.stage {
                if let Some(cause) = self.queue_up(notify, &mut queue, &mut spare, &mut wakers) {
                    return Poll::Ready(cause);
                }
                return wait::pending(|| "Notify".to_owned());
            }
            let mut key = self.key();
            if let Some(cause) = queue.take_assigned(&mut key).flatten() {
                return Poll::Ready(cause);
            }
            if queue.enroll(&mut key, cx.waker(), &mut spare, || None) {
                return wait::pending(|| "Notify".to_owned());
            }
            drop(queue);
            spare = Some(cx.waker().clone());
        }
    }

    /// Joins the queue, unless a notification came since the first look; then `waker` stays where it is.
    fn queue_up(
        &mut self,
        notify: &Notify,
        queue: &mut Queue,
        waker: &mut Option<Waker>,
        wakers: &mut WakeList,
    ) -> Option<Cause> {
        // The count changes under the lock, which is held: who is in the queue from here on is reached by the next.
        if notify.current_round() != self.round {
            return Some(Cause::All);
        }
        let mut key = Some(queue.push_back(waker.take(), None));
        notify.queued.store(queue.len(), Relaxed);
        if notify.take_permit() {
            // It is for the one in front, which usually is this one.
            notify.hand_over(Cause::First, queue, wakers);
        }
        let cause = queue.take_assigned(&mut key).flatten();
        self.stage = key.map_or(Stage::Created, Stage::Queued);
        cause
    }

    /// Queues without a waker; the next poll brings one.
    fn enable(&mut self, notify: &Notify) -> bool {
        let mut wakers = WakeList::new();
        let reached = match self.stage {
            Stage::Created => {
                self.look(notify).is_some() || {
                    let mut queue = lock(&notify.queue);
                    self.queue_up(notify, &mut queue, &mut None, &mut wakers)
                        .is_some()
                }
            }
            Stage::Queued(key) => lock(&notify.queue).take_assigned(&mut Some(key)).is_some(),
            Stage::Reached(_) | Stage::Done => true,
        };
        if reached {
            self.stage = Stage::Done;
        }
        reached
    }

    /// Leaves the queue, and passes on what was meant for one task.
    fn cancel(&mut self, notify: &Notify) {
        match mem::replace(&mut self.stage, Stage::Done) {
            Stage::Queued(key) => {
                let mut queue = lock(&notify.queue);
                let removed = queue.remove(key);
                notify.queued.store(queue.len(), Relaxed);
                drop(queue);
                if let Some(cause) = removed.and_then(|removed| removed.payload) {
                    notify.give(cause);
                }
            }
            Stage::Reached(cause) => notify.give(cause),
            Stage::Created | Stage::Done => {}
        }
    }

    /// The place in the queue.
    fn key(&self) -> Option<Key> {
        match self.stage {
            Stage::Queued(key) => Some(key),
            _ => None,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::pin::pin;

    #[test]
    fn a_spent_budget_costs_no_notification() {
        let notify = Notify::new();
        let mut cx = Context::from_waker(Waker::noop());
        let mut first = pin!(notify.notified());
        budget::with_fresh(|| {
            loop {
                notify.notify_one();
                if pin!(notify.notified()).poll(&mut cx).is_pending() {
                    break; // and it is dropped, and passes the notification on
                }
            }
            assert!(first.as_mut().poll(&mut cx).is_pending());
        });
        assert!(pin!(notify.notified()).poll(&mut cx).is_pending());
        assert!(first.poll(&mut cx).is_ready());
    }
}
