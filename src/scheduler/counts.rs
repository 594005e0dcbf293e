//! What a worker counts, for [`RuntimeMetrics`](crate::runtime::RuntimeMetrics).
//!
//! Each number has one writer, its worker, who adds with a plain load and store; one counter that all workers share would
//! cost a spawn more than the rest of it. Whoever reads gets numbers of slightly different moments.

use std::time::Duration;

use super::Shared;
use crate::task::stage::{Count, Stage};

/// The counts of one worker, besides those on its stage.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Waits in the reactor.
    pub(super) parks: Count,
    /// Thefts that found something.
    pub(super) steals: Count,
    /// Tasks that these brought.
    pub(super) stolen: Count,
    /// The nanoseconds between the waits.
    pub(super) busy: Count,
}

/// The numbers of one worker.
pub(crate) struct Numbers {
    /// Tasks in its queue.
    pub(crate) queue: usize,
    /// Polls that it has begun.
    pub(crate) polls: u64,
    /// Waits in the reactor.
    pub(crate) parks: u64,
    /// Thefts that found something.
    pub(crate) steals: u64,
    /// Tasks that these brought.
    pub(crate) stolen: u64,
    /// The time between the waits.
    pub(crate) busy: Duration,
}

impl Shared {
    /// The numbers of a worker.
    ///
    /// # Panics
    ///
    /// When there is none of this number.
    #[track_caller]
    pub(crate) fn metrics(&self, worker: usize) -> Numbers {
        let workers = self.remotes.len();
        let Some(remote) = self.remotes.get(worker) else {
            panic!("there is no worker {worker}: the runtime has {workers}, counted from 0");
        };
        Numbers {
            queue: remote.stealers.len_with_front(),
            polls: remote.stage.polls.get(),
            parks: remote.counts.parks.get(),
            steals: remote.counts.steals.get(),
            stolen: remote.counts.stolen.get(),
            busy: Duration::from_nanos(remote.counts.busy.get()),
        }
    }

    /// The sum of a count over all workers and the threads that are none.
    fn sum(&self, count: impl Fn(&Stage) -> &Count) -> u64 {
        let stages = self.remotes.iter().map(|remote| &**remote.stage);
        stages
            .chain([&self.outside])
            .map(|stage| count(stage).get())
            .sum()
    }

    /// How many tasks were spawned.
    pub(crate) fn spawned(&self) -> u64 {
        self.sum(|stage| &stage.spawned)
    }

    /// How many of them have not ended. Those that end while this counts are counted as alive, not the other way round.
    pub(crate) fn alive(&self) -> u64 {
        let finished = self.sum(|stage| &stage.finished);
        self.spawned().saturating_sub(finished)
    }

    /// How many tasks from outside wait for a worker.
    pub(crate) fn inbox_len(&self) -> usize {
        self.inbox.len()
    }
}
