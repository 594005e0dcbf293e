//! Stands in for `crossbeam_deque` in models: the part of Chase and Lev's deque that this crate uses, made of a lock.
//!
//! What the real one promises is kept, and no more: a batch is on its way for a moment, in which it is in neither queue.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Mutex, lock};

/// The queue of both ends.
type Shared<T> = Arc<Mutex<VecDeque<T>>>;

/// The owner's end.
pub(crate) struct Worker<T>(Shared<T>);

/// The thieves' end.
pub(crate) struct Stealer<T>(Shared<T>);

/// What a thief got.
pub(crate) enum Steal<T> {
    /// Nothing: there is nothing.
    Empty,
    /// This.
    Success(T),
    /// Nothing, for another was at it. The stand-in never says so.
    #[expect(dead_code, reason = "the real one does")]
    Retry,
}

impl<T> Worker<T> {
    /// First in, first out.
    pub(crate) fn new_fifo() -> Worker<T> {
        Worker(Arc::new(Mutex::new(VecDeque::new())))
    }

    /// The other end.
    pub(crate) fn stealer(&self) -> Stealer<T> {
        Stealer(self.0.clone())
    }

    /// Adds one at the back.
    pub(crate) fn push(&self, task: T) {
        lock(&self.0).push_back(task);
    }

    /// Takes the first.
    pub(crate) fn pop(&self) -> Option<T> {
        lock(&self.0).pop_front()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Stealer<T> {
    /// Takes the first.
    pub(crate) fn steal(&self) -> Steal<T> {
        lock(&self.0)
            .pop_front()
            .map_or(Steal::Empty, Steal::Success)
    }

    /// Takes half: the first for the caller, the others for `to`.
    pub(crate) fn steal_batch_and_pop(&self, to: &Worker<T>) -> Steal<T> {
        let mut batch: VecDeque<T> = {
            let mut queue = lock(&self.0);
            let half = queue.len().div_ceil(2);
            queue.drain(..half).collect()
        };
        let Some(first) = batch.pop_front() else {
            return Steal::Empty;
        };
        lock(&to.0).extend(batch);
        Steal::Success(first)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
