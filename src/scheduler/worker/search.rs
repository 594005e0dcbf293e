//! How a worker finds a task, and when it has another worker woken to help.
//!
//! A worker looks at home first: its own queue, then the inbox, which belongs to all, and only then at the others' queues. A
//! worker that was woken to help is *searching* until it has found something. The last searcher that finds work wakes the
//! next before it runs what it has found, so that a rush wakes workers one by one, as many as there is work for; waking all
//! at once would have most of them find nothing (Tokio's and Go's schedulers do the same).

use super::{INBOX_BATCH, Worker};
use crate::random;
use crate::shim::atomic::Ordering::Relaxed;
use crate::task::roles::Runnable;
use crate::trace::{self, Kind};

impl Worker {
    /// A task: the worker's own, one from outside, or another worker's.
    #[inline]
    pub(super) fn find(&self) -> Option<Runnable> {
        if let Some(task) = self.queue.pop() {
            // Woken to find others' work it has found its own, which may take long: another must look for theirs.
            self.stop_searching();
            self.share();
            return Some(task);
        }
        let found = match self.shared().inbox.pop() {
            Some(first) => {
                self.empty_inbox();
                first
            }
            None => self.steal()?,
        };
        self.stop_searching();
        Some(found)
    }

    /// Queues what came from outside. If that is more than one worker's work, the queue is shared like any other.
    pub(super) fn empty_inbox(&self) {
        let inbox = &self.shared().inbox;
        for task in std::iter::from_fn(|| inbox.pop()).take(INBOX_BATCH) {
            self.queue.push(task);
        }
        if !inbox.is_empty() {
            self.shared().wake_one();
        }
    }

    /// Takes half of another worker's queue, beginning with a random one so that not all thieves meet at the first.
    fn steal(&self) -> Option<Runnable> {
        let remotes = &self.shared().remotes;
        if remotes.len() == 1 {
            return None;
        }
        let start = random::below(remotes.len() as u32) as usize;
        (0..remotes.len())
            .map(|step| (start + step) % remotes.len())
            .filter(|worker| *worker != self.home.worker)
            .filter(|worker| self.shared().has_work_for_others(&remotes[*worker]))
            .find_map(|worker| {
                let victim = &remotes[worker];
                let stolen = self
                    .queue
                    .steal(&victim.stealers, victim.blocked.load(Relaxed))?;
                trace::event(&self.home, || Kind::Stolen {
                    task: stolen.id(),
                    from: worker,
                    more: self.queue.len(),
                });
                Some(stolen)
            })
            .inspect(|_| {
                let counts = &self.remote().counts;
                counts.steals.add(1);
                counts.stolen.add(self.queue.len() as u64 + 1);
            })
    }

    /// Wakes another worker if there is a queue that is worth it.
    #[inline]
    pub(super) fn share(&self) {
        if self.queue.is_empty() {
            return;
        }
        let shared = self.shared();
        if shared.remotes.len() == 1 {
            return;
        }
        self.watch.tick(self.stage.polls.get(), &shared.pace, || {
            shared.is_one_awake()
        });
        if shared.idle.has_sleepers() && shared.pace.is_worth_sharing(|| self.queue.len()) {
            shared.wake_one();
        }
    }

    /// Whether there is a task anywhere that this worker could run.
    pub(super) fn sees_work(&self) -> bool {
        let shared = self.shared();
        !self.queue.is_empty()
            || !shared.inbox.is_empty()
            || shared.remotes.iter().enumerate().any(|(worker, remote)| {
                worker != self.home.worker && shared.has_work_for_others(remote)
            })
    }

    /// The worker has found work, or leaves the loop. If it was the last to search and there is more, another goes on.
    pub(crate) fn stop_searching(&self) {
        if self.searching.replace(false) && self.shared().idle.stop_searching() && self.sees_work()
        {
            self.shared().wake_one();
        }
    }
}
