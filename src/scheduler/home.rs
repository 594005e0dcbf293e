//! A way home: what a task, a timer or a socket keeps of its runtime.
//!
//! Whatever waits has to find back: a woken task to a run queue, a timer to its wheel. The obvious thing to keep is an
//! `Arc` of the runtime. But then every spawn and every end of a task, on whichever worker, changes the same reference
//! count, and the cache line that holds it travels between the processors: that cost more than the spawn. So each worker has
//! a `Home` of its own, which refers to the runtime once and says which worker it belongs to; what is spawned there keeps
//! that.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::Shared;
use crate::context;
use crate::reactor::Reactor;
use crate::task::cell::Task;
use crate::task::roles::{Run, Runnable, Schedule, Spawned, Ticket};
use crate::task::{Id, JoinHandle, Place};
use crate::time::timers::{Set, Timers};
use crate::time::wheel;
use crate::trace::record::Recorder;
use crate::trace::{self, Kind, Traced, Who};

/// The worker at which something began: the way back into its runtime from anywhere.
pub(crate) struct Home {
    /// The runtime.
    pub(super) shared: Arc<Shared>,
    /// The worker.
    pub(super) worker: usize,
}

// No panic leaves a runtime half changed: foreign code runs under none of its locks.
impl std::panic::RefUnwindSafe for Home {}

impl Home {
    /// Whether both lead into the same runtime.
    pub(crate) fn same_runtime(&self, other: &Home) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The runtime.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Whether tasks run also while nobody is inside `block_on`.
    pub(crate) fn is_multi_thread(&self) -> bool {
        self.shared.config.multi_thread
    }

    /// How many workers the runtime has.
    pub(crate) fn workers(&self) -> usize {
        self.shared.config.workers
    }

    /// The worker's reactor.
    pub(crate) fn reactor(&self) -> &Reactor {
        &self.shared.remotes[self.worker].reactor
    }

    /// The worker's timers.
    pub(crate) fn timers(&self) -> &Timers {
        &self.shared.remotes[self.worker].timers
    }

    /// Sets a timer.
    ///
    /// # Panics
    ///
    /// When the runtime is shut down.
    pub(crate) fn set_timer(&self, deadline: Instant, waker: Waker) -> wheel::Key {
        trace::event(self, || Kind::TimerSet {
            who: trace::polled(),
            after: deadline.saturating_duration_since(self.shared.clock.now()),
        });
        match self.timers().set(deadline, waker) {
            Set::Done { key, earliest } => {
                if earliest {
                    self.reactor().unpark();
                }
                self.attend();
                key
            }
            Set::Closed => panic!("a timer cannot be set: its samovar runtime has been shut down"),
        }
    }

    /// Something was left with this worker's reactor or timers. Nobody has to be told if the caller is that worker;
    /// another thread makes sure that somebody is.
    pub(crate) fn attend(&self) {
        let is_stranger = || {
            context::with_worker(|worker| {
                !worker.is_some_and(|worker| self.same_runtime(worker.home()))
            })
        };
        if self.worker == 0 && is_stranger() {
            self.shared.call_stand_in_if_vacant();
        }
    }

    /// Spawns a task from a thread that is no worker of this runtime, or during the shutdown.
    pub(crate) fn spawn_from_outside<F: Spawned>(
        self: &Arc<Self>,
        future: F,
        place: Place,
    ) -> JoinHandle<F::Output> {
        self.shared.outside.spawned.add_shared();
        let id = match &self.shared.simulation {
            Some(simulation) => simulation.next_id(),
            None => Id::next(),
        };
        let task = Task::new(future, self.clone(), id, place);
        trace::event(self, || Kind::spawned(task.id(), place));
        let handle = JoinHandle::new(task.clone());
        self.shared.push_from_outside(task);
        handle
    }
}

impl Traced for Home {
    fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.shared.recorder()
    }
}

impl Traced for Arc<Home> {
    fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.shared.recorder()
    }
}

impl Schedule for Arc<Home> {
    fn woken<F: Spawned>(task: Arc<Task<F, Self>>) {
        let outside = context::with_worker(|worker| match worker {
            Some(worker) if worker.home().same_runtime(task.scheduler()) => {
                worker.push_woken(task);
                None
            }
            _ => Some(task),
        });
        if let Some(task) = outside {
            // The task holds its home, and is about to move into the queue.
            let shared = task.scheduler().shared.clone();
            shared.push_from_outside(task);
        }
    }

    fn cancelled(&self) {
        self.shared.outside.finished.add_shared();
    }

    #[cold]
    fn forgotten(&self, task: Id, place: Place) {
        self.shared.never_woken(Who::Task(task), place);
    }

    fn done<F: Spawned>(task: Arc<Task<F, Self>>) {
        let unkept = context::with_worker(|worker| match worker {
            Some(worker) if Arc::ptr_eq(worker.home(), task.scheduler()) => {
                worker.spare().keep(task)
            }
            _ => Some(task),
        });
        drop(unkept);
    }

    fn keep(&self, task: Runnable) -> Option<Ticket> {
        self.shared.remotes[self.worker].registry.enter(task)
    }

    fn release(&self, ticket: Ticket) -> Option<Runnable> {
        self.shared.remotes[self.worker].registry.leave(ticket)
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home")
            .field("worker", &self.worker)
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}
