//! How the future inside `block_on` is woken, wherever its thread is: running tasks, asleep in worker 0's reactor, or
//! parked because another thread is worker 0.
//!
//! A waker that looks first where the thread sleeps may call at the wrong bed:
//!
//! ```text
//!   waker                              the thread inside block_on
//!   is it worker 0? no: unpark it
//!                                      is worker 0 now, takes the token with it
//!                                      was I woken? no: waits in the reactor
//!   woken = true                       ... for ever
//! ```
//! So the waker sets `woken` first and then asks; the thread says where it will sleep and then looks at `woken`.

use std::ops::Deref;
use std::sync::Arc;

use futures_task::ArcWake;

use super::{Home, Worker};
use crate::context;
use crate::park::Parker;
use crate::shim::atomic::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, SeqCst},
    fence,
};
use crate::task::Place;
use crate::trace::{self, Kind, News, Who};

/// What the thread inside `block_on` and its wakers tell each other: that the future is to be polled, and where the
/// thread sleeps.
pub(crate) struct Bell {
    /// The future is to be polled.
    woken: AtomicBool,
    /// The thread is worker 0 now, so that its sleep is the reactor's.
    seated: AtomicBool,
    /// Where it sleeps when it is not.
    parker: Parker,
}

impl Bell {
    /// A bell that has been rung: the future is to be polled for a first time.
    pub(super) fn new() -> Bell {
        Bell {
            woken: AtomicBool::new(true),
            seated: AtomicBool::new(false),
            parker: Parker::default(),
        }
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
        // Pairs with the fence in `ring`. The waker sets `woken` and then asks where the thread sleeps; the thread says
        // where it will sleep and then looks at `woken`: one of them sees the other.
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

    /// The future is to be polled. `true`: the thread is worker 0, and perhaps asleep in the reactor.
    pub(super) fn ring(&self) -> bool {
        // Release, also when it was set already: what the waker wrote before is seen by the poll.
        self.woken.swap(true, SeqCst);
        // Pairs with the fence in `set_seated`.
        fence(SeqCst);
        let seated = self.seated.load(Relaxed);
        if !seated {
            self.parker.unpark();
        }
        seated
    }
}

/// The waker of one `block_on`.
pub(crate) struct MainWaker {
    /// How the thread is told.
    bell: Bell,
    /// The way into the runtime, perhaps through another worker than 0.
    home: Arc<Home>,
    /// Where `block_on` was called.
    place: Place,
}

impl MainWaker {
    /// A waker that was called: the future is to be polled for a first time.
    pub(super) fn new(home: Arc<Home>, place: Place) -> Arc<MainWaker> {
        Arc::new(MainWaker {
            bell: Bell::new(),
            home,
            place,
        })
    }

    /// Where `block_on` was called.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Whether nobody can ring any more: all who refer to the waker are the `others` that do not, and it is not set.
    pub(super) fn is_forgotten(self: &Arc<Self>, others: usize) -> bool {
        let holders = Arc::strong_count(self);
        // Pairs with the release with which a waker is dropped: if it has rung before, that is seen now.
        fence(Acquire);
        holders == others && !self.is_set()
    }

    /// What a wake changes, for the trace.
    fn news(&self) -> News {
        if self.is_set() {
            News::AlreadyQueued
        } else if trace::polled() == Some(Who::Main) {
            News::AfterThisPoll
        } else {
            News::Queues
        }
    }
}

impl Deref for MainWaker {
    type Target = Bell;

    fn deref(&self) -> &Bell {
        &self.bell
    }
}

impl ArcWake for MainWaker {
    fn wake_by_ref(waker: &Arc<MainWaker>) {
        trace::event(&waker.home, || Kind::Woken {
            who: Who::Main,
            by: trace::cause(),
            news: waker.news(),
        });
        if !waker.ring() {
            return;
        }
        // On worker 0's own thread the loop looks at `woken` before it sleeps.
        let is_worker_0 =
            |worker: &Worker| worker.home().worker == 0 && worker.home().same_runtime(&waker.home);
        if !context::with_worker(|worker| worker.is_some_and(is_worker_0)) {
            // Not `home`'s own: a handle may have been taken on any worker.
            waker.home.shared.remotes[0].reactor.unpark();
        }
    }
}
