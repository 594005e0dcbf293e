//! Tasks from outside: spawned or woken by threads that are no workers of the runtime.
//!
//! A worker's own queue has one owner who pushes, which is what makes it fast; so others push here. It is one queue for
//! all workers, for a stranger cannot know who is free. (Rejected: one per worker. Then a task may stand behind a worker that is
//! busy, and whoever is free has more places to look at before it sleeps.)
//!
//! # The end
//!
//! ```text
//!   stranger                           shutdown
//!   closed? no
//!                                      closed = true; drops all that is here
//!   push(task)                         ... and its future is never dropped
//! ```
//! So one pushes first and asks then, and who finds it closed empties the inbox himself.

use crate::shim::atomic::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, SeqCst},
    fence,
};
use crate::shim::channel::{Receiver, Sender, unbounded};
use crate::task::foreign::cancel_in_turn;
use crate::task::roles::Runnable;

/// A queue that every thread may push to and every worker pops from.
pub(crate) struct Inbox {
    /// The way in.
    sender: Sender<Runnable>,
    /// The way out.
    receiver: Receiver<Runnable>,
    /// The runtime is shutting down: what is pushed from now on is cancelled. Set before the inbox is emptied for the last
    /// time: see `shutdown.rs`.
    closed: AtomicBool,
}

impl Inbox {
    /// An empty one.
    pub(crate) fn new() -> Inbox {
        let (sender, receiver) = unbounded();
        Inbox {
            sender,
            receiver,
            closed: AtomicBool::new(false),
        }
    }

    /// Adds a task. `false`: the runtime is shutting down, and the caller is to [`cancel_all`](Inbox::cancel_all).
    #[must_use]
    pub(crate) fn push(&self, task: Runnable) -> bool {
        // It never fails: the receiver lives as long as the sender.
        let _ = self.sender.send(task);
        // The fence pairs with the one in `close`: either the shutdown finds the task, or this finds the shutdown.
        fence(SeqCst);
        !self.closed.load(Relaxed)
    }

    /// The runtime shuts down. The caller empties the inbox after this.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
        // Pairs with the fence in `push`.
        fence(SeqCst);
    }

    /// Whether the runtime is shutting down. Acquire pairs with the store in `close`; who must not miss it has the fence.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Acquire)
    }

    /// The oldest task.
    pub(crate) fn pop(&self) -> Option<Runnable> {
        if self.receiver.is_empty() {
            return None;
        }
        self.receiver.try_recv().ok()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.receiver.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }

    /// The runtime is shut down: drops the futures of all tasks here, one by one.
    pub(crate) fn cancel_all(&self) {
        while let Some(task) = self.pop() {
            cancel_in_turn(task);
        }
    }
}
