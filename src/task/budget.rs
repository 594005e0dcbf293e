//! The budget: how many operations one poll may complete before it must let the others run.
//!
//! A task that always finds its socket readable or its channel full would never return `Pending`, and everything else
//! on its worker would starve. So each leaf operation (socket, channel, lock, timer) spends one of 128 units; when none
//! is left it wakes its own task and returns `Pending` although it could go on. The idea and the number are Tokio's
//! (<https://tokio.rs/blog/2020-04-preemption>). An operation that turns out to be `Pending` gives its unit back.

use std::cell::Cell;
use std::task::{Context, Poll};

use crate::trace::wait;

/// Operations that one poll may complete.
const PER_POLL: u8 = 128;

thread_local! {
    /// What is left of the running poll's budget; `None` outside a task, where nothing is limited.
    static LEFT: Cell<Option<u8>> = const { Cell::new(None) };
}

/// Sets the budget of the polls that follow on this thread; `None`: as usual. A simulation interrupts tasks in this way,
/// where they could be interrupted in earnest: at every operation that spends.
#[inline]
pub(crate) fn ration(units: Option<u8>) {
    let _ = LEFT.try_with(|left| left.set(units));
}

/// Runs one poll of a task with a fresh budget, and restores the caller's afterwards, also when the poll panics.
#[inline]
pub(crate) fn with_fresh<R>(poll: impl FnOnce() -> R) -> R {
    let before = Restore::after(Some(PER_POLL));
    // Outside a poll there is none, except in a simulation.
    if before.0.is_some() {
        ration(before.0);
    }
    poll()
}

/// Runs `poll` without a limit: a timer beside a busy future must be looked at even when that future spent everything.
pub(crate) fn unlimited<R>(poll: impl FnOnce() -> R) -> R {
    with(None, poll)
}

/// Runs `poll` with this budget, and restores the caller's.
#[inline]
fn with<R>(budget: Option<u8>, poll: impl FnOnce() -> R) -> R {
    let _before = Restore::after(budget);
    poll()
}

/// The caller's budget, restored when dropped.
struct Restore(Option<u8>);

impl Restore {
    /// Sets the budget to this.
    #[inline]
    fn after(budget: Option<u8>) -> Restore {
        Restore(LEFT.try_with(|left| left.replace(budget)).unwrap_or(None))
    }
}

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        ration(self.0);
    }
}

/// One unit, taken by [`spend`]. Dropped, it goes back; [`Unit::made_progress`] keeps it spent.
#[must_use = "a unit that is dropped goes back to the budget: call `made_progress` when the operation completed"]
#[derive(Debug)]
pub(crate) struct Unit {
    /// What was left before; `None` when nothing is to be given back.
    before: Option<u8>,
}

impl Unit {
    /// The operation completed: the unit stays spent.
    pub(crate) fn made_progress(mut self) {
        self.before = None;
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            let _ = LEFT.try_with(|left| left.set(Some(before)));
        }
    }
}

/// Takes one unit. `Pending` means that the budget is used up: the task has been woken and must return.
#[inline]
pub(crate) fn spend(cx: &mut Context<'_>) -> Poll<Unit> {
    let before = LEFT.try_with(Cell::get).unwrap_or(None);
    match before {
        None => Poll::Ready(Unit { before: None }),
        Some(0) => {
            cx.waker().wake_by_ref();
            wait::give_way();
            Poll::Pending
        }
        Some(left) => {
            let _ = LEFT.try_with(|cell| cell.set(Some(left - 1)));
            Poll::Ready(Unit { before })
        }
    }
}

/// Whether the running poll has used up its budget: what `select!` and combinators look at.
#[inline]
pub(crate) fn is_spent() -> bool {
    LEFT.try_with(Cell::get).unwrap_or(None) == Some(0)
}
