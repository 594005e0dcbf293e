//! Dropping many of the user's values, when each destructor may panic.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use crate::task::foreign::quietly;

/// Drops values one by one. A destructor that panics does not keep the others from being dropped, nor does a second one
/// end the process; the first panic goes on afterwards.
pub(crate) fn drop_each<T>(values: impl IntoIterator<Item = T>) {
    let mut first = None;
    for value in values {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
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
