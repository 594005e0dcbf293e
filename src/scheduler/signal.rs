//! How the future inside `block_on` is woken, wherever its thread is: running tasks, asleep in worker 0's reactor, or
//! parked because another thread is worker 0.

use std::sync::Arc;

use futures_task::ArcWake;

use super::{Home, Local};
use crate::context;
use crate::park::Parker;
use crate::shim::atomic::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, SeqCst},
    fence,
};

/// The waker of one `block_on`.
pub(crate) struct Signal {
    /// The future is to be polled.
    woken: AtomicBool,
    /// The thread is worker 0 now, so that its sleep is the reactor's.
    seated: AtomicBool,
    /// Where it sleeps when it is not.
    parker: Parker,
    /// The way into the runtime, perhaps through another worker than 0.
    home: Arc<Home>,
}

impl Signal {
    /// A signal that is set: the future is to be polled for a first time.
    pub(super) fn new(home: Arc<Home>) -> Arc<Signal> {
        Arc::new(Signal {
            woken: AtomicBool::new(true),
            seated: AtomicBool::new(false),
            parker: Parker::default(),
            home,
        })
    }

    /// Whether the future is to be polled.
    pub(super) fn is_set(&self) -> bool {
        self.woken.load(Relaxed)
    }

    /// Whether the future is to be polled; it will be now.
    pub(super) fn take(&self) -> bool {
        // The load spares a locked instruction per turn of the loop. Acquire pairs with the waker's release.
        self.woken.load(Relaxed) && self.woken.swap(false, Acquire)
    }

    /// The thread becomes worker 0, or stops being it.
    pub(super) fn set_seated(&self, seated: bool) {
        self.seated.store(seated, Relaxed);
        // Pairs with the fence in `wake_by_ref`. The waker sets `woken` and then asks where the thread sleeps; the thread
        // says where it will sleep and then looks at `woken`: one of them sees the other.
        fence(SeqCst);
    }

    /// Waits until the future is woken, or worker 0's seat is offered.
    pub(super) fn park(&self) {
        self.parker.park();
    }

    /// Worker 0's seat is free.
    pub(super) fn offer_seat(&self) {
        self.parker.unpark();
    }
}

impl ArcWake for Signal {
    fn wake_by_ref(signal: &Arc<Signal>) {
        // Release, also when it was set already: what the waker wrote before is seen by the poll.
        signal.woken.swap(true, SeqCst);
        fence(SeqCst);
        if signal.seated.load(Relaxed) {
            // On worker 0's own thread the loop looks at `woken` before it sleeps.
            let is_worker_0 =
                |local: &Local| local.home().worker == 0 && local.home().same_runtime(&signal.home);
            if !context::with_worker(|local| local.is_some_and(is_worker_0)) {
                // Not `home`'s own: a handle may have been taken on any worker.
                signal.home.shared.remotes[0].reactor.unpark();
            }
        } else {
            signal.parker.unpark();
        }
    }
}
