//! The roles of a task: an entry in a run queue, what a join handle looks at, and what it asks of its scheduler.
//!
//! `cell.rs` plays them. A queue does not care what a task's future is, nor a handle whose scheduler it has: each role leaves
//! out what its user need not know. So there is one kind of queue for all tasks, and tests and models can give a task a
//! scheduler of ten lines.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::cell::Task;
use super::stage::Stage;
use super::state::State;
use super::{Id, JoinError, Place};
use crate::trace::Traced;

/// A task as its queue and its runner see it.
pub(crate) trait Run: Send + Sync {
    /// Polls the future once, and does what follows from the result. Returns the task when it was woken during the
    /// poll, perhaps by itself: the runner pushes it to the back of its queue.
    #[must_use]
    fn run(self: Arc<Self>, stage: &Stage) -> Option<Runnable>;
    /// The runtime shuts down: drops the future, unless the task is running or complete.
    fn cancel(self: Arc<Self>);
    /// Asks the task to end at its next chance.
    fn abort(self: Arc<Self>);
    /// The task's number.
    fn id(&self) -> Id;
    /// The line that spawned it.
    fn place(&self) -> Place;
    /// Whether the output (or the error) is there.
    fn is_finished(&self) -> bool;
    /// Its state, for those who only look.
    fn state(&self) -> &State;
    /// The data of the waker in the join slot: the address of the task that waits, if one does.
    fn joiner(&self) -> Option<usize>;
}

/// A task as its join handle sees it.
pub(crate) trait Join<T>: Run {
    /// The output, or the promise to wake `cx` when it is there.
    fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>>;
    /// The handle has given the output, and lets the task go.
    fn joined(self: Arc<Self>);
    /// The handle goes away.
    fn detach(self: Arc<Self>);
    /// The same task as a queue sees it.
    fn as_run(self: Arc<Self>) -> Runnable;
}

/// A future that can be a task.
pub(crate) trait Spawned: Future<Output: Send + 'static> + Send + 'static {}

impl<F: Future<Output: Send + 'static> + Send + 'static> Spawned for F {}

/// An entry in a run queue.
pub(crate) type Runnable = Arc<dyn Run>;

/// Where tasks go. The task knows nothing else of its scheduler.
pub(crate) trait Schedule: Traced + Send + Sync + Sized + 'static {
    /// Somebody woke the task, which was idle.
    fn woken<F: Spawned>(task: Arc<Task<F, Self>>);
    /// A task is about to end otherwise than on a worker's stage.
    fn cancelled(&self) {}
    /// The task's `poll` returned `Pending`, and nobody can ever wake it.
    fn forgotten(&self, _task: Id, _place: Place) {}
    /// The task is complete, and one of those who held it lets it go: its memory may be of use.
    fn done<F: Spawned>(task: Arc<Task<F, Self>>);
    /// The task is about to wait for the first time: from now on a waker may be all that knows of it, so the runtime
    /// must keep it to be able to drop it at shutdown. `None`: the runtime is already shut down.
    fn keep(&self, task: Runnable) -> Option<Ticket>;
    /// The task is complete: gives back what `keep` kept.
    fn release(&self, ticket: Ticket) -> Option<Runnable>;
}

/// Where [`Schedule::keep`] put a task.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket(pub(crate) u32);
