//! A worker's run queue: first in, first out, with one place in front for the task that was woken last.
//!
//! # Why the place in front
//!
//! When a task sends a message and then waits for the answer, the receiver is the best task to run next: its data is in
//! the cache, and the sender waits for it. But two tasks that wake each other would hold the worker for ever, so the
//! place is used three times in a row at most; then the queue has its turn.
//!
//! # Why both parts are deques that others can reach
//!
//! A task in a private place is stuck when its worker is blocked in a poll (Tokio's LIFO slot was for years). So the place
//! in front is a deque of its own, with a stealer like the queue's. Others take from it only when its worker is blocked:
//! else they would take each woken task away from the cache where it is warm.
//!
//! Chase and Lev's deque (<https://doi.org/10.1145/1073970.1073974>) is `crossbeam-deque`'s: it cannot be written in safe
//! code.

use std::cell::Cell;

use crate::ablation;
use crate::random;
use crate::shim::deque::{Steal, Stealer, Worker};
use crate::task::cell::Runnable;

/// How many times in a row the place in front goes first.
const FRONT_IN_A_ROW: u8 = 3;

/// The worker's end.
pub(crate) struct Queue {
    /// Everything that waits for its turn.
    line: Worker<Runnable>,
    /// The task woken last; at most one.
    front: Worker<Runnable>,
    /// How many times in a row `front` went first.
    streak: Cell<u8>,
}

/// The others' end.
pub(crate) struct Stealers {
    /// Of the line.
    line: Stealer<Runnable>,
    /// Of the place in front.
    front: Stealer<Runnable>,
}

impl Queue {
    /// An empty one.
    pub(crate) fn new() -> Queue {
        Queue {
            line: Worker::new_fifo(),
            front: Worker::new_fifo(),
            streak: Cell::new(0),
        }
    }

    /// The end for the other workers.
    pub(crate) fn stealers(&self) -> Stealers {
        Stealers {
            line: self.line.stealer(),
            front: self.front.stealer(),
        }
    }

    /// To the back of the line.
    pub(crate) fn push(&self, task: Runnable) {
        self.line.push(task);
    }

    /// To the front; whoever was there goes to the back of the line.
    pub(crate) fn push_front(&self, task: Runnable) {
        if !ablation::NEXT_SLOT {
            return self.push(task);
        }
        if let Some(former) = self.front.pop() {
            self.line.push(former);
        }
        self.front.push(task);
    }

    /// The next task to run.
    pub(crate) fn pop(&self) -> Option<Runnable> {
        if self.streak.get() < FRONT_IN_A_ROW {
            if let Some(task) = self.front.pop() {
                self.streak.set(self.streak.get() + 1);
                return Some(task);
            }
        }
        self.streak.set(0);
        self.line.pop().or_else(|| self.front.pop())
    }

    /// Any of the tasks, as the random number will have it: for a simulation, where the others' order means nothing.
    pub(crate) fn take_any(&self) -> Option<Runnable> {
        if let Some(front) = self.front.pop() {
            self.line.push(front);
        }
        for _ in 0..random::below(self.line.len() as u32) {
            self.line.push(self.line.pop()?);
        }
        self.line.pop()
    }

    /// Whether nothing is queued.
    pub(crate) fn is_empty(&self) -> bool {
        self.line.is_empty() && self.front.is_empty()
    }

    /// How many tasks stand in line: what a thief could take.
    pub(crate) fn len(&self) -> usize {
        self.line.len()
    }

    /// Takes half of another worker's line, and one task to run at once. `blocked`: that worker is stuck in a poll, so
    /// its place in front is open too.
    pub(crate) fn steal(&self, from: &Stealers, blocked: bool) -> Option<Runnable> {
        let stolen = retry(|| from.line.steal_batch_and_pop(&self.line));
        if stolen.is_none() && blocked {
            return retry(|| from.front.steal());
        }
        stolen
    }
}

impl Stealers {
    /// One task, whether it stands in line or in front.
    pub(crate) fn take(&self) -> Option<Runnable> {
        retry(|| self.line.steal()).or_else(|| retry(|| self.front.steal()))
    }

    /// How many tasks there are, with the one in front.
    pub(crate) fn len_with_front(&self) -> usize {
        self.line.len() + self.front.len()
    }

    /// How many tasks stand in line.
    pub(crate) fn len(&self) -> usize {
        self.line.len()
    }

    /// Whether there is something to take.
    pub(crate) fn is_empty(&self, blocked: bool) -> bool {
        self.line.is_empty() && (!blocked || self.front.is_empty())
    }
}

/// Repeats a steal that another thief disturbed.
fn retry(mut steal: impl FnMut() -> Steal<Runnable>) -> Option<Runnable> {
    loop {
        match steal() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}
