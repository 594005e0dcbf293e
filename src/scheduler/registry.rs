//! The tasks that wait: everything that the runtime must drop when it shuts down.
//!
//! A waiting task is held by its waker, wherever that is. If it is in a channel that the task itself owns, nobody else
//! knows of the two, and they would outlive the runtime. So a task that is about to wait for the first time is entered
//! here, and leaves when it is complete. One that never waits is never entered: a spawn costs nothing for it.

use slab::Slab;

use crate::shim::{Mutex, lock};
use crate::task::roles::{Runnable, Ticket};

/// The waiting tasks of one worker.
#[derive(Default)]
pub(crate) struct Registry {
    /// Guards the table. Tasks are dropped after it is released: they are foreign code.
    tasks: Mutex<Tasks>,
}

/// What the lock guards.
#[derive(Default)]
struct Tasks {
    /// The tasks by their tickets.
    table: Slab<Runnable>,
    /// Nothing can be entered any more.
    closed: bool,
}

impl Registry {
    /// Enters a task. `None`: the runtime is shut down.
    pub(crate) fn enter(&self, task: Runnable) -> Option<Ticket> {
        let mut tasks = lock(&self.tasks);
        if tasks.closed {
            drop(tasks);
            return None;
        }
        let index = tasks.table.insert(task);
        let index = u32::try_from(index).ok().filter(|index| *index != u32::MAX);
        Some(Ticket(
            index.expect("fewer than 2^32 tasks fit into memory"),
        ))
    }

    /// Gives a task back. `None`: the shutdown took it.
    pub(crate) fn leave(&self, ticket: Ticket) -> Option<Runnable> {
        lock(&self.tasks).table.try_remove(ticket.0 as usize)
    }

    /// Nothing can be entered any more; returns what is there.
    pub(crate) fn close(&self) -> Vec<Runnable> {
        let mut tasks = lock(&self.tasks);
        tasks.closed = true;
        std::mem::take(&mut tasks.table)
            .into_iter()
            .map(|(_, task)| task)
            .collect()
    }

    /// The tasks that wait, or have waited.
    pub(crate) fn tasks(&self) -> Vec<Runnable> {
        let tasks = lock(&self.tasks);
        tasks.table.iter().map(|(_, task)| task.clone()).collect()
    }

    /// How many tasks wait.
    pub(crate) fn len(&self) -> usize {
        lock(&self.tasks).table.len()
    }
}
