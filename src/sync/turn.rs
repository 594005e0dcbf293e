//! Who pays when: the budget of a task, and its turn in a lock's queue.
//!
//! Elsewhere an operation spends a unit of the [budget] before anything else. A lock that did so would be unfair, or stuck:
//!
//! - *To spend first, always.* A task without budget does not get into the queue, and who asks after it comes before it.
//! - *To take first, always, and spend then.* A task without budget takes a lock that is free, and must return `Pending` with
//!   the lock in its hands: everybody else runs into it meanwhile.
//!
//! So a newcomer spends first where nobody queues. Where others do, it queues at once, for its place counts, and pays when
//! its turn has come; if it cannot, it keeps what it was given until the next poll, for which the budget has woken it.

use std::task::{Context, Poll, ready};

use crate::task::budget;

/// Polls for a turn: `ask` yields what is waited for, and the place that `held` leads to keeps it while it is not paid for.
/// `alone`: nobody queues, this one included.
#[inline(always)]
pub(super) fn poll_turn<W, T>(
    waiter: &mut W,
    cx: &mut Context<'_>,
    alone: bool,
    held: impl Fn(&mut W) -> &mut Option<T>,
    ask: impl FnOnce(&mut W, &mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let unit = if alone && held(waiter).is_none() {
        Some(ready!(budget::spend(cx)))
    } else {
        None
    };
    let given = match held(waiter).take() {
        Some(given) => given,
        None => ready!(ask(waiter, cx)),
    };
    match unit.map_or_else(|| budget::spend(cx), Poll::Ready) {
        Poll::Ready(unit) => {
            unit.made_progress();
            Poll::Ready(given)
        }
        Poll::Pending => {
            *held(waiter) = Some(given);
            Poll::Pending
        }
    }
}
