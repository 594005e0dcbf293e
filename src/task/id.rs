//! The number of a task.

use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::context;
use crate::scheduler::Worker;
use crate::shim::thread_local;

/// A number that no other task of this process has, now or later. (In a [simulated](crate::runtime::Builder::seed) runtime
/// it counts from 1, so that the same seed gives the same ids.)
///
/// Ids are for telling tasks apart in logs. They say nothing about the order in which tasks were spawned: every
/// thread takes its numbers from a block of its own, because one counter that all threads share costs more than the
/// rest of a spawn.
///
/// ```
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let cup = samovar::spawn(async { samovar::task::id() });
/// let id = cup.id();
/// assert_eq!(cup.await.unwrap(), id);
/// # });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(NonZeroU64);

/// How many ids a thread takes from the process at a time.
const BLOCK: u64 = 1024;

/// The first id that no thread has taken. Relaxed: only its own count matters.
static UNTAKEN: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// The ids that this thread may still give out: the next one, and the end of the block.
    static MINE: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

impl Id {
    /// A fresh one.
    pub(crate) fn next() -> Id {
        let number = MINE
            .try_with(|mine| {
                let (next, end) = mine.get();
                if next == end {
                    return next_without_block(mine);
                }
                mine.set((next + 1, end));
                next
            })
            .unwrap_or_else(|_| UNTAKEN.fetch_add(BLOCK, Relaxed));
        Id::numbered(number)
    }

    /// Makes the next call of [`next`](Id::next) on this thread ask who gives out ids now: a simulation begins.
    pub(crate) fn give_up_block() {
        let _ = MINE.try_with(|mine| mine.set((0, 0)));
    }

    /// The id with this number.
    pub(crate) fn numbered(number: u64) -> Id {
        Id(NonZeroU64::new(number).expect("ids start at 1 and 64 bits do not run out"))
    }

    /// As a plain number; never 0.
    pub(crate) fn number(self) -> u64 {
        self.0.get()
    }

    /// The id that is displayed as this number.
    pub(crate) fn from_number(number: u64) -> Option<Id> {
        NonZeroU64::new(number).map(Id)
    }
}

/// The next id of a thread that has no block: the simulation's that runs on it, each by itself, or the first of a new block.
#[cold]
fn next_without_block(mine: &Cell<(u64, u64)>) -> u64 {
    let simulated = context::with_worker(|worker| worker.and_then(Worker::simulated_id));
    simulated.map_or_else(
        || {
            let next = UNTAKEN.fetch_add(BLOCK, Relaxed);
            mine.set((next + 1, next + BLOCK));
            next
        },
        Id::number,
    )
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.0)
    }
}
