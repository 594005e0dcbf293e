//! How tasks and threads tell each other that something is done. It belongs to no runtime and is the same for all.

use std::future::poll_fn;
use std::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{AcqRel, Acquire, Release},
};
use std::task::Poll;

use futures::task::AtomicWaker;

/// One rings, one waits. A ring is remembered until somebody has waited for it.
#[derive(Default)]
pub struct Bell {
    /// It was rung. Release, when it is, pairs with acquire in `wait`.
    rung: AtomicBool,
    /// Who waits.
    waker: AtomicWaker,
}

impl Bell {
    pub fn ring(&self) {
        self.rung.store(true, Release);
        self.waker.wake();
    }

    pub async fn wait(&self) {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            if self.rung.swap(false, Acquire) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// A bell that rings when so many tasks are done.
pub struct Countdown {
    /// How many are not. Acquire and release: what the tasks did is seen by whoever waits.
    left: AtomicUsize,
    /// Rung by the last one.
    bell: Bell,
}

impl Countdown {
    pub fn new(tasks: usize) -> Countdown {
        Countdown {
            left: AtomicUsize::new(tasks),
            bell: Bell::default(),
        }
    }

    /// One more is done.
    pub fn tick(&self) {
        if self.left.fetch_sub(1, AcqRel) == 1 {
            self.bell.ring();
        }
    }

    pub async fn wait(&self) {
        self.bell.wait().await;
    }
}
