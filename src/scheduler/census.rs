//! The census: every task that can be found, for [`Handle::dump`](crate::runtime::Handle::dump).
//!
//! A task that has waited is in its worker's registry; one in its first poll is on a worker's stage; one that was never
//! polled is in a queue, into which nobody can look, and is only counted. Who awaits whose join handle needs no notes: the waker
//! in the join slot *is* the address of the task that waits.

use std::collections::HashMap;
use std::sync::Arc;

use super::Shared;
use super::main_waker::MainWaker;
use crate::runtime::{Dump, Polls, TaskDump, TaskState};
use crate::task::Place;
use crate::task::roles::Runnable;
use crate::task::state::Phase;
use crate::trace::{Traced, Who};

/// The tasks of a runtime, and the futures inside its `block_on`s.
pub(super) struct Census {
    /// The one that is worker 0, and those in the line before it.
    pub(super) mains: Vec<Arc<MainWaker>>,
    /// The tasks that wait, or have waited.
    pub(super) tasks: Vec<Runnable>,
    /// Who waits (by the data of the waker) for whose join handle.
    pub(super) joins: HashMap<usize, Vec<usize>>,
}

/// The data of a task's waker.
pub(super) fn address(task: &Runnable) -> usize {
    Arc::as_ptr(task).cast::<()>() as usize
}

/// Whether the task sleeps, and who holds its waker are `wakers` others that are known.
pub(super) fn is_forgotten(task: &Runnable, wakers: usize) -> bool {
    // The registry and the census.
    task.state()
        .is_forgotten(|| Arc::strong_count(task), 2 + wakers)
}

impl Census {
    /// Takes it.
    pub(super) fn take(shared: &Shared) -> Census {
        let mut tasks: Vec<Runnable> = Vec::new();
        for remote in &shared.remotes {
            tasks.extend(remote.registry.tasks());
        }
        tasks.retain(|task| task.state().phase() != Phase::Complete);
        tasks.sort_by_key(|task| task.id());
        let mut joins: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, task) in tasks.iter().enumerate() {
            if let Some(joiner) = task.joiner() {
                joins.entry(joiner).or_default().push(index);
            }
        }
        Census {
            mains: shared.seat.mains(),
            tasks,
            joins,
        }
    }

    /// What somebody waits for, if that is a task.
    fn joined_by(&self, address: usize) -> Option<Arc<str>> {
        let first = *self.joins.get(&address)?.first()?;
        Some(format!("JoinHandle of task {}", self.tasks[first].id()).into())
    }
}

impl Shared {
    /// Who waits for what.
    pub(crate) fn dump(&self) -> Dump {
        let census = Census::take(self);
        let stages: Vec<_> = self
            .remotes
            .iter()
            .map(|remote| remote.stage.look())
            .collect();
        let worker = |who| {
            stages
                .iter()
                .position(|on| on.is_some_and(|on| on.0 == who))
        };
        let mut tasks = Vec::new();
        for (index, main) in census.mains.iter().enumerate() {
            let state = match worker(Who::Main) {
                Some(worker) if index == 0 => TaskState::Running {
                    worker: Some(worker),
                },
                _ if main.is_set() => TaskState::Queued,
                // Known of this function, of the thread inside, and of the seat or the line.
                _ if main.is_forgotten(3) => TaskState::Forgotten,
                _ => TaskState::Waiting,
            };
            let waits_for = census.joined_by(Arc::as_ptr(main).cast::<()>() as usize);
            tasks.push(self.line(Who::Main, main.place(), state, waits_for));
        }
        for task in &census.tasks {
            let who = Who::Task(task.id());
            let state = match task.state().phase() {
                Phase::Complete => continue,
                Phase::Running => TaskState::Running {
                    worker: worker(who),
                },
                Phase::Queued => TaskState::Queued,
                Phase::Sleeping if is_forgotten(task, 0) => TaskState::Forgotten,
                Phase::Sleeping => TaskState::Waiting,
            };
            let waits_for = census.joined_by(address(task));
            tasks.push(self.line(who, task.place(), state, waits_for));
        }
        for (worker, on) in stages.iter().enumerate() {
            if let Some((who @ Who::Task(_), place)) = *on {
                if !tasks.iter().any(|line| line.who == who) {
                    let worker = Some(worker);
                    tasks.push(self.line(who, place, TaskState::Running { worker }, None));
                }
            }
        }
        let listed = tasks.len() - census.mains.len();
        let alive = usize::try_from(self.alive()).unwrap_or(usize::MAX);
        Dump {
            tasks,
            not_polled_yet: alive.saturating_sub(listed),
            observed: self.recorder().is_some(),
        }
    }

    /// A line of the dump, with what a recording knows besides.
    fn line(
        &self,
        who: Who,
        place: Place,
        state: TaskState,
        waits_for: Option<Arc<str>>,
    ) -> TaskDump {
        let known = self
            .recorder()
            .and_then(|recorder| Some((recorder.about(who)?, recorder.now())));
        let Some((about, now)) = known else {
            return TaskDump::new(who, place, state, waits_for);
        };
        let waits = matches!(state, TaskState::Waiting | TaskState::Forgotten);
        TaskDump {
            name: about.name,
            waits_for: about.waits_for.or(waits_for).filter(|_| waits),
            since: Some(now.saturating_sub(about.since)),
            polls: Some(Polls::new(about.polls, about.busy, about.longest)),
            ..TaskDump::new(who, place, state, None)
        }
    }
}
