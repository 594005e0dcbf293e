//! Futures written by hand: one that waits for others, and one that really waits. Run with
//! `cargo run --example first_future`: each is polled twice, for it was woken once.
//!
//! An `async fn` becomes a future that polls other futures. At the bottom there is always one that polls nobody: a leaf,
//! which hands its waker to whatever will know, such as a timer, a socket or, as here, another thread.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

/// The leaf: done when the water boils, on a thread that knows nothing of async.
struct Kettle {
    /// What the future and the thread both see.
    shared: Arc<Mutex<Stove>>,
    /// The thread starts at the first poll, because futures do nothing until they are polled.
    lit: bool,
}

/// Guarded by one lock, so that the thread cannot slip in between "not yet" and "here is my waker". With two locks the
/// water could boil just there: the thread would find no waker, the future would wait for ever.
#[derive(Default)]
struct Stove {
    boils: bool,
    waker: Option<Waker>,
}

impl Kettle {
    fn new() -> Kettle {
        Kettle {
            shared: Arc::default(),
            lit: false,
        }
    }
}

impl Future for Kettle {
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'static str> {
        if !self.lit {
            self.lit = true;
            let shared = self.shared.clone();
            thread::spawn(move || heat(&shared));
        }
        let mut stove = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if stove.boils {
            println!("kettle   polled: ready");
            return Poll::Ready("hot water");
        }
        // `Pending` is a promise: "I have seen to it that somebody wakes you". To break it is the classic mistake; the
        // task is then never polled again. The waker is renewed each time, since the future may have moved to another
        // task since the last poll.
        println!("kettle   polled: pending, and here is my waker");
        stove.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Runs on a thread of its own.
fn heat(shared: &Mutex<Stove>) {
    thread::sleep(Duration::from_millis(300));
    let waker = {
        let mut stove = shared.lock().unwrap_or_else(PoisonError::into_inner);
        stove.boils = true;
        stove.waker.take()
    };
    // The lock is free again: whoever is woken may run at once, on another thread, and wants it.
    println!("thread   the water boils: wake up!");
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// What the compiler makes of `async { let water = Kettle::new().await; format!("tea of {water}") }`: an enum with a
/// variant for every `.await`, and a `poll` that goes on where it was.
enum Tea {
    Cold,
    Waiting(Kettle),
    Drunk,
}

impl Future for Tea {
    type Output = String;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<String> {
        loop {
            match &mut *self {
                Tea::Cold => *self = Tea::Waiting(Kettle::new()),
                // No waker of its own: it hands `cx` down, and the leaf wakes the whole task. The task polls from the top.
                Tea::Waiting(kettle) => match Pin::new(kettle).poll(cx) {
                    Poll::Pending => {
                        println!("tea      pending, because the kettle is");
                        return Poll::Pending;
                    }
                    Poll::Ready(water) => {
                        *self = Tea::Drunk;
                        return Poll::Ready(format!("tea of {water}"));
                    }
                },
                Tea::Drunk => panic!("polled after it was ready"),
            }
        }
    }
}

#[samovar::main]
async fn main() {
    println!("main     a future is made, and nothing happens");
    let tea = Tea::Cold;
    println!("main     now it is awaited");
    println!("main     {}", tea.await);
}
