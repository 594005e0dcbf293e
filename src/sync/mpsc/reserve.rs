//! The futures that wait at a channel: for slots, and to send.
//!
//! To send is to reserve a slot and fill it. That would lock the channel twice, and wake the receiver in the second lock, if it
//! were written so; instead [`Send`] fills the slot under the very lock that promised it ([`Reserve::poll_then`]).

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::chan::{Chan, State, Want};
use super::error::SendError;
use crate::shim::lock;
use crate::sync::waiters::{Key, WakeList};
use crate::task::budget;
use crate::trace::wait;

/// Waits until `slots` slots are promised to the caller, who must fill them or give them back.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub(super) struct Reserve<'a, T> {
    /// The channel.
    chan: &'a Chan<T>,
    /// How many slots are wanted.
    slots: usize,
    /// The place in the queue of senders, once it had to wait.
    key: Option<Key>,
}

impl<T> Chan<T> {
    /// Waits for slots.
    pub(super) fn reserve(&self, slots: usize) -> Reserve<'_, T> {
        Reserve {
            chan: self,
            slots,
            key: None,
        }
    }

    /// Waits for a slot and fills it.
    pub(super) fn send(&self, value: T) -> Send<'_, T> {
        Send {
            slot: self.reserve(1),
            value: Some(value),
        }
    }
}

impl<T> Future for Reserve<'_, T> {
    type Output = Result<(), SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_then(cx, |_state, _wakers| ())
    }
}

impl<T> Reserve<'_, T> {
    /// Waits for the slots, and then does something with them under the same lock.
    fn poll_then<R>(
        &mut self,
        cx: &mut Context<'_>,
        then: impl FnOnce(&mut State<T>, &mut WakeList) -> R,
    ) -> Poll<Result<R, SendError<()>>> {
        let unit = ready!(budget::spend(cx));
        let slots = self.slots;
        let mut spare = None;
        let mut wakers = WakeList::new();
        loop {
            let mut state = lock(&self.chan.state);
            if state.closed {
                drop(state);
                self.leave();
                unit.made_progress();
                return Poll::Ready(Err(SendError(())));
            }
            let first_time = self.key.is_none();
            let free = state.free();
            if first_time && free >= slots {
                state.reserved += slots;
            } else if state.senders.take_assigned(&mut self.key).is_none() {
                // The few that are free are promised at once, or smaller wishes would overtake this one for ever.
                let want = || Want {
                    slots,
                    missing: slots - free,
                };
                if state
                    .senders
                    .enroll(&mut self.key, cx.waker(), &mut spare, want)
                {
                    state.reserved += if first_time { free } else { 0 };
                    return wait::pending(|| state.describe("send"));
                }
                drop(state);
                spare = Some(cx.waker().clone());
                continue;
            }
            let result = then(&mut state, &mut wakers);
            unit.made_progress();
            return Poll::Ready(Ok(result));
        }
    }

    /// Leaves the queue and gives back what had been promised.
    fn leave(&mut self) {
        let Some(key) = self.key.take() else { return };
        let mut wakers = WakeList::new();
        let mut state = lock(&self.chan.state);
        let removed = state.senders.remove(key);
        if let Some(removed) = &removed {
            state.give_back(removed.payload.given(), &mut wakers);
        }
        drop(state);
        drop(removed);
    }
}

impl<T> Drop for Reserve<'_, T> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Waits for a slot and fills it. The value is in the future until then, and is dropped with it.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub(super) struct Send<'a, T> {
    /// The wait for the slot.
    slot: Reserve<'a, T>,
    /// What is sent; gone once it was.
    value: Option<T>,
}

// The value is moved out and never pinned.
impl<T> Unpin for Send<'_, T> {}

impl<T> Future for Send<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { slot, value } = &mut *self;
        let sent = ready!(slot.poll_then(cx, |state, wakers| {
            if let Some(value) = value.take() {
                state.fill_reserved(value, wakers);
            }
        }));
        Poll::Ready(match (sent, value.take()) {
            (Err(SendError(())), Some(value)) => Err(SendError(value)),
            _ => Ok(()),
        })
    }
}
