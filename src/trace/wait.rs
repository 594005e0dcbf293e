//! What a task waits for, in its own words: a future that is about to return `Pending` leaves a note.
//!
//! The runtime sees only `Pending`. What it means is known to the leaf inside: a socket, a timer, a channel. While
//! somebody traces, the leaf says so here, and the poll's end collects it. Several notes of one poll (`select!`, `join!`)
//! are joined with "or": the first that comes true wakes the task.
//!
//! Rejected: a trait that a future could be asked by, for every future between the leaf and the task would have to pass the
//! question on, and an `async` block cannot.

use std::cell::RefCell;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use super::hook::{is_on, since_start};
use crate::shim::thread_local;

/// How many notes of a poll are read out.
const READ_OUT: usize = 4;

/// The notes of one poll.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The first of them, without repetitions.
    first: Vec<String>,
    /// How many more there were.
    more: usize,
    /// It waits for nothing but its next turn: its budget is spent.
    gives_way: bool,
}

thread_local! {
    /// The notes of the poll that is told; `None` when none is.
    static NOTES: RefCell<Option<Notes>> = const { RefCell::new(None) };
}

/// A future says what it waits for. The words complete "it waits for: ...".
#[inline(always)]
pub(crate) fn note(what: impl FnOnce() -> String) {
    if is_on() {
        write(what());
    }
}

/// The other half of [`note`].
#[cold]
fn write(what: String) {
    let _ = NOTES.try_with(|notes| {
        if let Some(notes) = &mut *notes.borrow_mut() {
            if notes.first.contains(&what) {
                return;
            }
            if notes.first.len() < READ_OUT {
                notes.first.push(what);
            } else {
                notes.more += 1;
            }
        }
    });
}

/// What a future returns that has to wait, and says for what.
#[inline(always)]
pub(crate) fn pending<R>(what: impl FnOnce() -> String) -> Poll<R> {
    note(what);
    Poll::Pending
}

/// A poll has used up its budget, and gives way to others.
#[inline]
pub(crate) fn give_way() {
    #[cold]
    fn write() {
        let _ = NOTES.try_with(|notes| {
            if let Some(notes) = &mut *notes.borrow_mut() {
                notes.gives_way = true;
            }
        });
    }
    if is_on() {
        write();
    }
}

/// A deadline, as the times of the recording have it.
pub(crate) fn until(deadline: Instant) -> String {
    match since_start(deadline) {
        Some(at) => format!("sleep until +{:.3} s", at.as_secs_f64()),
        None => "sleep".to_owned(),
    }
}

/// A poll begins that is told. Returns the notes of the one around it.
pub(super) fn begin() -> Option<Notes> {
    NOTES
        .try_with(|notes| notes.replace(Some(Notes::default())))
        .unwrap_or(None)
}

/// It is over: its notes as one.
pub(super) fn end(outer: Option<Notes>) -> Option<Arc<str>> {
    let notes = NOTES.try_with(|notes| notes.replace(outer)).ok()??;
    if notes.gives_way {
        return Some("its next turn (its budget is spent)".into());
    }
    if notes.first.is_empty() {
        return None;
    }
    let mut said = notes.first.join(" or ");
    if notes.more > 0 {
        said += &format!(" or {} more", notes.more);
    }
    Some(said.into())
}
