//! Foreign code, contained: the destructors and wakers of the program, called where a panic must not get further.
//!
//! A worker that dies of a user's destructor takes its queue with it, and a panic while another one unwinds ends the process.
//! So whatever the runtime calls of the program's outside of `poll` goes through here.

use std::any::Any;
use std::cell::RefCell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::roles::Runnable;
use crate::shim::thread_local;

/// Runs a destructor or a waker that may panic, and contains the panic: also that of the panic's own payload.
pub(crate) fn quietly(foreign: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(foreign)) {
        if let Err(worse) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            // Its destructor might panic as well, and so on for ever.
            mem::forget(worse);
        }
    }
}

thread_local! {
    /// The outputs that wait for their turn while this thread drops another; `None` when it drops none.
    static TO_DROP: RefCell<Option<Vec<Box<dyn Any + Send>>>> = const { RefCell::new(None) };
}

/// Drops an output. When that drops a join handle whose task's output holds a join handle, and so on a hundred
/// thousand times, the outputs are dropped one after the other instead of one inside the other.
pub(super) fn drop_in_turn<T: Send + 'static>(output: T) {
    if !mem::needs_drop::<T>() {
        return;
    }
    let mut first = Some(output);
    let nested = TO_DROP.try_with(|waiting| match &mut *waiting.borrow_mut() {
        Some(waiting) => {
            waiting.push(Box::new(first.take()));
            true
        }
        none => {
            *none = Some(Vec::new());
            false
        }
    });
    if nested.is_ok_and(|nested| nested) {
        return;
    }
    quietly(|| drop(first));
    let next = || TO_DROP.try_with(|waiting| waiting.borrow_mut().as_mut().and_then(Vec::pop));
    while let Ok(Some(output)) = next() {
        quietly(|| drop(output));
    }
    let _ = TO_DROP.try_with(|waiting| waiting.borrow_mut().take());
}

/// Cancels a task of a runtime that is gone. When its destructor spawns a task, whose destructor spawns another, and so on,
/// these too have their turn one after the other.
pub(crate) fn cancel_in_turn(task: Runnable) {
    /// The cancelling, as something that is dropped.
    struct Cancel(Option<Runnable>);
    impl Drop for Cancel {
        fn drop(&mut self) {
            if let Some(task) = self.0.take() {
                task.cancel();
            }
        }
    }
    drop_in_turn(Cancel(Some(task)));
}
