//! The budget: how many operations one poll may complete before it must let the others run.
//!
//! A task that always finds its socket readable or its channel full would never return `Pending`, and everything else
//! on its worker would starve. So each leaf operation (socket, channel, lock, timer) spends one of 128 units; when none
//! is left it wakes its own task and returns `Pending` although it could go on. The idea and the number are Tokio's
//! (<https://tokio.rs/blog/2020-04-preemption>). An operation that turns out to be `Pending` gives its unit back.
//!
//! A task may run an executor of its own inside its poll: `futures::executor::block_on`, say. That one polls again and again
//! what has been refused, and the task's poll never ends. So after a thousand refusals the budget is filled again.

use std::cell::Cell;
use std::task::{Context, Poll};

use crate::shim::thread_local;
use crate::trace::wait;

/// Operations that one poll may complete.
const PER_POLL: i16 = 128;

/// Refusals in one poll until it may complete as many again. More than futures are joined in one task, as a rule.
const PATIENCE: i16 = 1024;

thread_local! {
    /// What is left of the running poll's budget, or below zero how often it was refused since; `None` outside a task, where
    /// nothing is limited.
    static LEFT: Cell<Option<i16>> = const { Cell::new(None) };
}

/// Sets the budget of the polls that follow on this thread; `None`: as usual. A simulation interrupts tasks in this way,
/// where they could be interrupted in earnest: at every operation that spends.
#[inline]
pub(crate) fn ration(units: Option<u8>) {
    set(units.map(i16::from));
}

/// Sets what is left.
#[inline]
fn set(left: Option<i16>) {
    let _ = LEFT.try_with(|cell| cell.set(left));
}

/// What is left.
#[inline]
fn left() -> Option<i16> {
    LEFT.try_with(Cell::get).unwrap_or(None)
}

/// Runs one poll of a task with a fresh budget, and restores the caller's afterwards, also when the poll panics.
#[inline]
pub(crate) fn with_fresh<R>(poll: impl FnOnce() -> R) -> R {
    let before = Restore::after(Some(PER_POLL));
    // Outside a poll there is none, except in a simulation.
    if before.0.is_some() {
        set(before.0);
    }
    poll()
}

/// Runs `poll` without a limit: a timer beside a busy future must be looked at even when that future spent everything.
pub(crate) fn unlimited<R>(poll: impl FnOnce() -> R) -> R {
    with(None, poll)
}

/// Runs `poll` with this budget, and restores the caller's.
#[inline]
fn with<R>(budget: Option<i16>, poll: impl FnOnce() -> R) -> R {
    let _before = Restore::after(budget);
    poll()
}

/// The caller's budget, restored when dropped.
struct Restore(Option<i16>);

impl Restore {
    /// Sets the budget to this.
    #[inline]
    fn after(budget: Option<i16>) -> Restore {
        Restore(LEFT.try_with(|left| left.replace(budget)).unwrap_or(None))
    }
}

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        set(self.0);
    }
}

/// One unit, taken by [`spend`]. Dropped, it goes back; [`Unit::made_progress`] keeps it spent.
#[must_use = "a unit that is dropped goes back to the budget: call `made_progress` when the operation completed"]
#[derive(Debug)]
pub(crate) struct Unit {
    /// What was left before; `None` when nothing is to be given back.
    before: Option<i16>,
}

impl Unit {
    /// The operation completed: the unit stays spent.
    pub(crate) fn made_progress(mut self) {
        self.before = None;
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        if self.before.is_some() {
            set(self.before);
        }
    }
}

/// Takes one unit. `Pending` means that the budget is used up: the task has been woken and must return.
#[inline]
pub(crate) fn spend(cx: &mut Context<'_>) -> Poll<Unit> {
    match left() {
        None => Poll::Ready(Unit { before: None }),
        Some(left) if left > 0 => {
            set(Some(left - 1));
            Poll::Ready(Unit { before: Some(left) })
        }
        Some(left) => {
            refuse(left, cx);
            Poll::Pending
        }
    }
}

/// The budget is used up: the task is to come back, or whatever else polls.
#[cold]
fn refuse(left: i16, cx: &mut Context<'_>) {
    let is_patient = left > -PATIENCE;
    set(Some(if is_patient { left - 1 } else { PER_POLL }));
    cx.waker().wake_by_ref();
    wait::give_way();
}

/// `Pending`, with the task woken, if the budget of the running poll is used up: for `select!`, before it polls its branches.
#[inline]
pub(crate) fn check(cx: &mut Context<'_>) -> Poll<()> {
    match left() {
        Some(left @ ..=0) => {
            refuse(left, cx);
            Poll::Pending
        }
        _ => Poll::Ready(()),
    }
}

/// Whether the running poll has used up its budget: what combinators look at.
#[inline]
pub(crate) fn is_spent() -> bool {
    left().is_some_and(|left| left <= 0)
}
