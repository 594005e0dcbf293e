//! A future that forgets its waker. Run with `cargo run --example mistake_forgotten_waker`; it hangs until Ctrl-C.
//!
//! ```text
//! samovar: the task spawned at examples/mistakes/forgotten_waker.rs:48:17 can never wake.
//!   Its `poll` returned `Pending` without handing on `cx.waker()`. Whoever will know that there is
//!   progress needs a clone of the waker, and must call `wake`; or await a future that does so.
//!   To wait for ever on purpose: `samovar::task::pending()`.
//!   Silence: `Builder::warn_never_woken(false)`.
//! ```
//!
//! The kettle boils, and `done` becomes true; but nobody polls the future again to see it. The runtime does not ask all
//! futures all the time: it polls one when its waker is called, and here nobody has it. See `examples/first_future.rs`
//! for one that is right.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

struct Kettle {
    done: Arc<AtomicBool>,
}

impl Future for Kettle {
    type Output = &'static str;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<&'static str> {
        if self.done.load(SeqCst) {
            Poll::Ready("hot water")
        } else {
            // The mistake. `cx.waker().clone()` has to go to the thread below, which has to call `wake` on it.
            Poll::Pending
        }
    }
}

#[samovar::main]
async fn main() {
    let done = Arc::new(AtomicBool::new(false));
    let kettle = Kettle { done: done.clone() };
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(500));
        done.store(true, SeqCst);
    });
    let water = samovar::spawn(kettle).await.unwrap();
    println!("tea of {water}");
}
