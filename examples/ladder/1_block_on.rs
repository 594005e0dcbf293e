//! Rung 1: `block_on`, one future on one thread. `cargo run --example ladder_1_block_on`.
//!
//! # What came before could not
//!
//! Before this rung there is nothing: Rust has `async` and `await`, but no executor. A future that nobody polls does
//! nothing, and does not even say so:
//!
//! ```text
//! nothing  an `async` block was made and dropped: not a line of it ran
//! ```
//!
//! # The idea
//!
//! Poll the future. When it says `Pending`, the thread sleeps until somebody calls the waker that the poll lent out, and
//! then the future is polled again. Nobody asks "are you ready?" again and again: an executor that does so keeps a
//! processor busy to learn that nothing has happened.
//!
//! ```text
//!   block_on ──poll(waker)──► future ──a clone of the waker──► whoever knows when it goes on
//!      ▲  │ Pending                                                   │
//!      │  └─► park the thread  ◄── woken = true, unpark ◄── wake() ───┘
//!      └────── poll again
//! ```
//!
//! # Why there is a flag
//!
//! `thread::park` alone would nearly do: an unpark before the park is not lost. But that token belongs to the thread,
//! and code that the future calls may park this thread, too, and so use up our token. Then
//! we would sleep although somebody had woken us:
//!
//! ```text
//!   another thread: wake(): unpark()            a token lies there
//!   the future:     uses a lock or a channel that parks, and takes the token
//!   block_on:       park()                      ... for ever
//! ```
//! So the wake is written down in a flag of our own, and the token only ends the sleep. It may end it without a
//! cause: hence the `while`.
#![forbid(unsafe_code)]

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll::Pending, Poll::Ready, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Runs a future on this thread, which sleeps while the future waits.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let sleeper = Arc::new(Sleeper {
        woken: AtomicBool::new(false),
        thread: thread::current(),
    });
    let waker = Waker::from(sleeper.clone());
    let mut future = pin!(future);
    loop {
        if let Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        // Acquire pairs with the release in `wake`: the next poll sees what the waker did before it woke us.
        while !sleeper.woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

/// The thread inside `block_on`, as its wakers see it.
struct Sleeper {
    /// Somebody has called the waker since the thread last looked.
    woken: AtomicBool,
    /// Who sleeps.
    thread: Thread,
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        // Whoever finds the flag set need not unpark: the one who set it does.
        if !self.woken.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }
}

// The demonstration.

/// How often a kettle was polled.
static POLLS: AtomicUsize = AtomicUsize::new(0);

/// Boils in a thread of its own, which then wakes whoever waits.
fn kettle(time: Duration) -> impl Future<Output = ()> + Send {
    // Whether it boils, and who waits for that.
    let kettle = Arc::new(Mutex::new((false, None::<Waker>)));
    let stove = kettle.clone();
    thread::spawn(move || {
        thread::sleep(time);
        let waiting = {
            let mut stove = stove.lock().unwrap();
            stove.0 = true;
            stove.1.take()
        };
        // Not under the lock: what a waker does is not our business, it might come back and want the lock.
        if let Some(waker) = waiting {
            waker.wake();
        }
    });
    poll_fn(move |cx| {
        POLLS.fetch_add(1, Ordering::Relaxed);
        // The newest waker counts: the future may have moved to another task since the last poll.
        let (boils, _older) = {
            let mut kettle = kettle.lock().unwrap();
            (kettle.0, kettle.1.replace(cx.waker().clone()))
        };
        if boils { Ready(()) } else { Pending }
    })
}

fn main() {
    drop(async { println!("         this is never printed") });
    println!("nothing  an `async` block was made and dropped: not a line of it ran");

    let start = Instant::now();
    block_on(kettle(Duration::from_millis(200)));
    let (time, polls) = (start.elapsed().as_secs_f64(), &POLLS);
    println!("kettle   boils after {time:.1} s and {polls:?} polls; in between the thread slept");

    POLLS.store(0, Ordering::Relaxed);
    let mut kettles: Vec<_> = (1..=100)
        .map(|number| Box::pin(kettle(Duration::from_millis(2 * number))))
        .collect();
    block_on(poll_fn(|cx| {
        kettles.retain_mut(|kettle| kettle.as_mut().poll(cx).is_pending());
        if kettles.is_empty() {
            Ready(())
        } else {
            Pending
        }
    }));
    println!("cannot   100 kettles in one future: {POLLS:?} polls, for each wake asks all of them");
}

// # What this cannot
//
// There is one future, hence one waker, and a wake does not say which part of the future is to go on: of a hundred
// kettles all that are left are asked whenever one boils. Rung 2 gives each its own waker.
