//! What the tests of the locks share: polling by hand, wakers that misbehave, a watchdog.
#![allow(dead_code)]

#[macro_use]
#[path = "../has_traits/mod.rs"]
mod has_traits;
#[path = "../watchdog/mod.rs"]
mod watchdog;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
pub use watchdog::watchdog_minute as watchdog;

/// Counts how often it was woken.
#[derive(Default)]
pub struct Counter(AtomicUsize);

impl Counter {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A future that is polled by hand.
pub struct Task<F> {
    future: Pin<Box<F>>,
    counter: Arc<Counter>,
}

pub fn task<F: Future>(future: F) -> Task<F> {
    Task {
        future: Box::pin(future),
        counter: Arc::new(Counter::default()),
    }
}

impl<F: Future> Task<F> {
    pub fn poll(&mut self) -> Poll<F::Output> {
        let waker = Waker::from(self.counter.clone());
        self.poll_with(&waker)
    }

    pub fn poll_with(&mut self, waker: &Waker) -> Poll<F::Output> {
        self.future.as_mut().poll(&mut Context::from_waker(waker))
    }

    /// Polls a future that must be complete.
    #[track_caller]
    pub fn ready(&mut self) -> F::Output {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("the future is pending"),
        }
    }

    /// Polls a future that must wait.
    #[track_caller]
    pub fn pending(&mut self) {
        assert!(self.poll().is_pending(), "the future is ready");
    }

    /// The future, polled as far as it is.
    pub fn into_future(self) -> Pin<Box<F>> {
        self.future
    }

    /// How often its waker was woken.
    pub fn wakes(&self) -> usize {
        self.counter.count()
    }
}

/// Panics when it is woken.
pub struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("this waker panics");
    }
}

/// A waker whose last clone runs a closure when it is dropped, and also when it is woken.
pub struct Nosy<F: Fn() + Send + Sync + 'static>(pub F);

impl<F: Fn() + Send + Sync + 'static> Wake for Nosy<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

impl<F: Fn() + Send + Sync + 'static> Drop for Nosy<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

pub fn nosy(look: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Nosy(look)))
}

/// The numbers of a simple generator, the same in every run (xorshift).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
