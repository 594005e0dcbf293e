//! The smallest executor: it runs one future on the calling thread. **Start reading here.**
//!
//! A future does nothing by itself. Somebody must call `poll`; when the answer is `Pending`, the future has left a
//! *waker* with whatever it waits for, and the executor may sleep until that waker is called. That is the whole contract
//! between futures and executors, and it fits on this screen:
//!
//! ```text
//!   block_on ──poll──► future ──leaves its waker with──► a timer, a channel, another thread
//!      ▲  │ Pending                                              │ it is ready
//!      │  └─► park the thread  ◄──unpark── wake() ◄──────────────┘
//!      └────────── poll again
//! ```
//!
//! Broken: to poll again and again, with a waker that does nothing. It gives the right answer, and burns a core until then.
//! Broken, too: to sleep between the polls with such a waker. Nobody knows whom to wake, and the thread sleeps for ever.
//!
//! There are no tasks here, no queue and no reactor. What they add begins in [`task`](crate::task).

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_task::{ArcWake, waker};

use crate::context;
use crate::park::Parker;

/// Runs a future that needs no runtime, and returns its output. The thread sleeps while the future waits.
///
/// Channels, locks and in-memory I/O work here. `spawn`, timers and sockets need a
/// [`Runtime`](crate::runtime::Runtime): use [`Runtime::block_on`](crate::runtime::Runtime::block_on).
///
/// # Panics
///
/// Inside a task, or inside another `block_on` of a runtime: it would block the worker that everything else needs.
///
/// ```
/// let sum = samovar::block_on(async { 1 + 1 });
/// assert_eq!(sum, 2);
/// ```
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    context::forbid_blocking("samovar::block_on");
    let thread = Arc::new(Thread::default());
    let waker = waker(thread.clone());
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread.0.park(),
        }
    }
}

/// The calling thread, as a waker sees it.
#[derive(Default)]
struct Thread(Parker);

impl ArcWake for Thread {
    fn wake_by_ref(thread: &Arc<Thread>) {
        thread.0.unpark();
    }
}
