//! What the channel tests share: wakers that count, values that tell of their end, and the watchdog.
#![allow(dead_code)]

#[path = "../watchdog/mod.rs"]
mod watchdog;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
pub use watchdog::watchdog_minute as watchdog;

/// Counts how often it is woken.
#[derive(Default)]
pub struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Counter {
    pub fn wakes(&self) -> usize {
        self.0.load(SeqCst)
    }
}

/// A counter and its waker. The waker and its clones are the counter's other owners.
pub fn counter() -> (Arc<Counter>, Waker) {
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(counter.clone());
    (counter, waker)
}

/// A waker that does something when it is woken, and something when it is dropped.
pub struct Hooks<W: Fn() + Send + Sync, D: Fn() + Send + Sync> {
    pub on_wake: W,
    pub on_drop: D,
}

impl<W: Fn() + Send + Sync, D: Fn() + Send + Sync> Wake for Hooks<W, D> {
    fn wake(self: Arc<Self>) {
        (self.on_wake)();
    }
}

impl<W: Fn() + Send + Sync, D: Fn() + Send + Sync> Drop for Hooks<W, D> {
    fn drop(&mut self) {
        (self.on_drop)();
    }
}

pub fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>, waker: &Waker) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(waker))
}

/// Polls once with a waker that nobody hears.
pub fn poll_once<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    poll(future, Waker::noop())
}

/// A value that counts its drops, and may panic in doing so.
pub struct Tally {
    pub drops: Arc<AtomicUsize>,
    pub panics: bool,
}

impl Tally {
    pub fn new(drops: &Arc<AtomicUsize>) -> Self {
        Self {
            drops: drops.clone(),
            panics: false,
        }
    }

    pub fn bomb(drops: &Arc<AtomicUsize>) -> Self {
        Self {
            drops: drops.clone(),
            panics: true,
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.drops.fetch_add(1, SeqCst);
        assert!(!self.panics, "bomb");
    }
}

pub fn assert_send<T: Send>() {}
pub fn assert_sync<T: Sync>() {}
pub fn assert_unpin<T: Unpin>() {}
