//! What the tests of the runtime share: a watchdog, small runtimes, futures and wakers that misbehave.
#![allow(dead_code, reason = "no test needs all of it")]

#[path = "../watchdog/mod.rs"]
mod watchdog;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use samovar::runtime::{Builder, Runtime};
use samovar::trace::Trace;
pub use watchdog::watchdog;

/// A runtime on the calling thread.
pub fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A runtime with so many workers.
pub fn multi_thread(workers: usize) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .unwrap()
}

/// A runtime with so many workers; 0 is one on the calling thread.
pub fn runtime(workers: usize) -> Runtime {
    match workers {
        0 => current_thread(),
        _ => multi_thread(workers),
    }
}

/// As [`runtime`], with a trace.
pub fn traced(workers: usize, trace: &Trace) -> Runtime {
    let mut builder = match workers {
        0 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let builder = builder.worker_threads(workers.max(1)).trace(trace);
    builder.build().unwrap()
}

/// Runs `test` with each of these numbers of workers, under a watchdog.
#[track_caller]
pub fn with_workers(test: impl Fn(Runtime)) {
    for workers in [0, 1, 2] {
        watchdog(60, || test(runtime(workers)));
    }
}

/// As [`with_workers`]. The runtime is dropped afterwards, under the watchdog too.
#[track_caller]
pub fn on_each(test: fn(&Runtime)) {
    with_workers(|runtime| test(&runtime));
}

/// Waits until `condition` holds; the test's watchdog looks after the case that it never does.
pub fn wait_until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Keeps a worker busy: computes, and gives nothing back to the runtime meanwhile.
pub fn block_for(duration: Duration) {
    let end = Instant::now() + duration;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        thread::sleep(left);
    }
}

/// Counts how often something happened; clones count together.
#[derive(Clone, Default)]
pub struct Counter(Arc<AtomicUsize>);

impl Counter {
    pub fn new() -> Counter {
        Counter::default()
    }

    pub fn add(&self) {
        self.0.fetch_add(1, SeqCst);
    }

    pub fn get(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// Counts its own drop.
    pub fn on_drop(&self) -> OnDrop<impl FnOnce() + Send + Sync + use<>> {
        let counter = self.clone();
        on_drop(move || counter.add())
    }
}

impl std::task::Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.add();
    }
}

/// Runs a closure when it is dropped.
pub struct OnDrop<F: FnOnce()>(Option<F>);

pub fn on_drop<F: FnOnce()>(run: F) -> OnDrop<F> {
    OnDrop(Some(run))
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(run) = self.0.take() {
            run();
        }
    }
}

/// Owns a value while it waits for a future, and for ever if there is none.
pub async fn holding<T>(value: T, future: impl Future<Output = ()>) {
    let _value = value;
    future.await;
}

/// Gives way once: pending at the first poll, and woken at once.
#[derive(Default)]
pub struct YieldOnce(bool);

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
