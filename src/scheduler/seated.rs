//! A thread as a worker: while it is one, `spawn`, wakers, timers and sockets on this thread find it.
//!
//! A thread is a worker for a while only: the one inside `block_on` gives worker 0 back when its future is ready. So the
//! worker is a value ([`Worker`]) that moves from thread to thread, and this guard is one sitting of it. However that ends, by a
//! return or by a panic, the worker is free again, and the next thread goes on with its queue.

use std::ops::Deref;
use std::rc::Rc;

use super::worker::Worker;
use crate::context;
use crate::trace::{self, Lane};

/// A worker with a thread: `context` knows it, until it leaves.
pub(super) struct Seated {
    /// The worker; the other reference is the context's.
    worker: Option<Rc<Worker>>,
    /// What the thread was before: the worker of another runtime, if a task of that one ends this one.
    former: Option<Rc<Worker>>,
    /// Makes the thread's events the worker's.
    here: Option<trace::Here>,
    /// Makes the runtime the thread's.
    entered: Option<context::Entered>,
    /// Forbids to block.
    running: Option<context::Running>,
}

impl Seated {
    /// Makes this thread the worker.
    pub(super) fn new(worker: Worker) -> Seated {
        let here = trace::enter(worker.home(), Lane::Worker(worker.home().worker));
        let entered = context::enter(worker.home().clone());
        let worker = Rc::new(worker);
        let former = context::set_worker(Some(worker.clone()));
        Seated {
            worker: Some(worker),
            former,
            here,
            entered: Some(entered),
            running: Some(context::start_running()),
        }
    }

    /// Makes this thread a stranger again.
    pub(super) fn leave(mut self) -> Worker {
        self.unseat().expect("a worker leaves once")
    }

    /// What `leave` and a panic have in common.
    fn unseat(&mut self) -> Option<Worker> {
        let worker = self.worker.take()?;
        drop(context::set_worker(self.former.take()));
        self.running = None;
        self.entered = None;
        self.here = None;
        Rc::into_inner(worker)
    }
}

impl Deref for Seated {
    type Target = Worker;

    fn deref(&self) -> &Worker {
        self.worker
            .as_ref()
            .expect("the worker is there until it leaves")
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        // Here only after a panic, of the main future as a rule: then the next thread goes on as worker 0.
        if let Some(worker) = self.unseat() {
            let shared = worker.home().shared.clone();
            if worker.home().worker == 0 {
                shared.leave_seat(worker);
            }
        }
    }
}
