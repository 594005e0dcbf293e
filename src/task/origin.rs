//! Where a task comes from: the line that spawned it, and the name that it was given.

use std::panic::Location;

/// The line that called `spawn`.
pub(crate) type Place = &'static Location<'static>;

/// What is known of a task before it exists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    /// The line that spawned it; the task keeps it.
    pub(crate) place: Place,
    /// Its name. Only a recording keeps it: a word in every task is too much for what few tasks have.
    pub(crate) name: Option<&'a str>,
}

impl Origin<'_> {
    /// A task without a name.
    pub(crate) fn unnamed(place: Place) -> Origin<'static> {
        Origin { place, name: None }
    }
}
