//! Polling by hand, for the tests of the macros.
#![allow(dead_code, reason = "no test needs all of it")]

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake};

/// A waker that remembers that it was called.
#[derive(Default)]
pub(crate) struct Flag(pub(crate) AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Polls once; says what came out, and whether somebody has asked for another poll.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> (Poll<F::Output>, bool) {
    let flag = Arc::new(Flag::default());
    let waker = Arc::clone(&flag).into();
    let result = future.poll(&mut Context::from_waker(&waker));
    (result, flag.0.load(Ordering::SeqCst))
}

/// Polls to the end. Fails where a thread would sleep for ever or spin, so that no test can hang.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..1_000_000 {
        match poll_once(future.as_mut()) {
            (Poll::Ready(output), _) => return output,
            (Poll::Pending, woken) => assert!(woken, "nobody will wake this future"),
        }
    }
    panic!("this future is woken again and again, but never done");
}

/// Pending `times` times, each time asking for another poll; then the value.
pub(crate) async fn later<T>(mut times: u32, value: T) -> T {
    poll_fn(|cx| {
        if times == 0 {
            return Poll::Ready(());
        }
        times -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    value
}
