//! Tasks from outside: spawned or woken by threads that are no workers of the runtime.

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::task::cell::Runnable;

/// A queue that every thread may push to and every worker pops from.
pub(crate) struct Inbox {
    /// The way in.
    sender: Sender<Runnable>,
    /// The way out.
    receiver: Receiver<Runnable>,
}

impl Inbox {
    /// An empty one.
    pub(crate) fn new() -> Inbox {
        let (sender, receiver) = unbounded();
        Inbox { sender, receiver }
    }

    /// Adds a task. It never fails: the receiver lives as long as the sender.
    pub(crate) fn push(&self, task: Runnable) {
        let _ = self.sender.send(task);
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
            task.cancel();
        }
    }
}
