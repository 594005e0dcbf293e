//! Running a lot of foreign code, each piece of which may panic: the destructors of the user's values, the wakers of a crowd.
//!
//! Broken: a loop. A panic ends it, and those behind it in the list are never dropped or, worse, never woken; and if the loop
//! runs while another panic unwinds, the process ends.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use crate::task::foreign::quietly;

/// Does `act` with each value. A panic does not keep the others from their turn, nor does a second one end the process; the
/// first goes on afterwards.
pub(super) fn one_by_one<T>(values: impl IntoIterator<Item = T>, act: impl Fn(T)) {
    let mut first = None;
    for value in values {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| act(value))) {
            match first {
                None => first = Some(panic),
                Some(_) => quietly(|| drop(panic)),
            }
        }
    }
    match first {
        // During an unwinding a second panic would end the process, that of a payload's destructor included.
        Some(panic) if !thread::panicking() => resume_unwind(panic),
        held_back => quietly(|| drop(held_back)),
    }
}
