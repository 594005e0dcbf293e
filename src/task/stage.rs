//! The stage of a worker: whom it is polling at this moment, and how much it has done, for other threads to see.
//!
//! A worker that is stuck in a poll cannot say so itself; the watchdog does, and [`Handle::dump`](crate::runtime::Handle::dump)
//! tells on which worker a task runs. What they see must cost the worker next to nothing: two relaxed stores when a poll
//! begins and one when it ends, of what the task has at hand. (Rejected: the queue entry itself behind a lock, which costs as
//! much as the poll of a small task; its address alone, from which nobody could find the place where a task was spawned
//! that has never waited, and so is in no table.)

use std::fmt;

use crossbeam_utils::atomic::AtomicCell;

use super::{Id, Place};
use crate::shim::atomic::{AtomicU64, Ordering::Relaxed};
use crate::trace::Who;

/// Nobody is polled.
const NOBODY: u64 = 0;
/// The future inside `block_on` is. No task has this number.
const MAIN: u64 = u64::MAX;

/// See the [module](self). Written by the worker alone.
#[derive(Default)]
pub(crate) struct Stage {
    /// The task's number, [`MAIN`] or [`NOBODY`]. Relaxed: who reads it and the place reads them while the worker is busy, and
    /// may see those of two polls. The watchdog therefore compares the count of polls, too.
    who: AtomicU64,
    /// Where it was spawned. A reference is one word, so this takes no lock.
    place: AtomicCell<Option<Place>>,
    /// How many polls it has begun. The watchdog compares two looks.
    pub(crate) polls: Count,
    /// How many tasks were spawned here.
    pub(crate) spawned: Count,
    /// How many tasks ended here, however they did.
    pub(crate) finished: Count,
}

impl Stage {
    /// The poll of a task begins.
    #[inline]
    pub(crate) fn enter(&self, task: Id, place: Place) {
        const { assert!(AtomicCell::<Option<Place>>::is_lock_free()) };
        self.place.store(Some(place));
        self.who.store(task.number(), Relaxed);
    }

    /// The poll of the future inside a `block_on` at `place` begins.
    pub(crate) fn enter_main(&self, place: Place) {
        self.place.store(Some(place));
        self.who.store(MAIN, Relaxed);
    }

    /// The poll is over.
    #[inline]
    pub(crate) fn leave(&self) {
        self.who.store(NOBODY, Relaxed);
    }

    /// Who is polled, and where it was spawned, or its `block_on` called.
    pub(crate) fn look(&self) -> Option<(Who, Place)> {
        let who = match self.who.load(Relaxed) {
            NOBODY => return None,
            MAIN => Who::Main,
            number => Who::Task(Id::from_number(number)?),
        };
        Some((who, self.place.load()?))
    }
}

/// A number that one thread changes and all may read. Relaxed: it is compared with nothing.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds. Only the one writer may call this.
    #[inline]
    pub(crate) fn add(&self, more: u64) {
        self.0
            .store(self.0.load(Relaxed).wrapping_add(more), Relaxed);
    }

    /// Adds one, from any thread.
    pub(crate) fn add_shared(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// The number.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stage").field(&self.look()).finish()
    }
}
