//! Rung 2: many tasks and a queue. `cargo run --example ladder_2_tasks`.
//!
//! # What rung 1 could not
//!
//! ```text
//! cannot   100 kettles in one future: 5150 polls, for each wake asks all of them
//! ```
//! A wake said "something has happened", and not to whom.
//!
//! # The idea
//!
//! A *task* is a future that the executor owns, and it is its own waker: to wake it is to push it to a queue.
//! The executor takes tasks from the queue and polls them, and sleeps (in the channel) while there is none.
//!
//! ```text
//!   spawn ──► queue ──pop──► poll ──Ready──► the future is dropped
//!               ▲             │ Pending: the future has left a clone of the Arc<Task> with what it waits for
//!               └──── wake ◄──┘ ... and the executor forgets it
//! ```
//! The future inside `block_on` has a task, too, so that it waits in line like all others. But it may borrow
//! from the caller's stack, where a task may not: so its task is empty, and `block_on` polls the future in its place.
//!
//! # Why there is a flag again
//!
//! A hundred wakes must not make a hundred entries in the queue: a task is in it once or not at all. `queued` is set by
//! the first wake and taken back *before* the poll, so that a wake during the poll counts, and queues it again:
//!
//! ```text
//!   poll begins: looks, nothing there
//!                                        wake(): queued is still true: nothing to do
//!   poll ends:   Pending; queued = false ... and the task waits for ever
//! ```
//! This is what happens when the flag is taken back after the poll.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Poll::Pending, Poll::Ready, Waker};
use std::time::Duration;
use std::{future::poll_fn, thread};

use crossbeam_channel::{Receiver, Sender, unbounded};
use futures_task::{ArcWake, waker_ref};

thread_local! {
    /// This thread's event loop: each of its tasks has the sender, and `block_on` borrows the receiver.
    static QUEUE: (Sender<Arc<Task>>, RefCell<Receiver<Arc<Task>>>) = {
        let (sender, receiver) = unbounded();
        (sender, RefCell::new(receiver))
    };
}

/// Runs a future, and the tasks of this thread, until the future is ready. The tasks that are left go on in
/// the thread's next `block_on`.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let main = spawn(async {});
    QUEUE.with(|(_, queue)| {
        let queue = queue.try_borrow_mut().expect("`block_on` in a task");
        loop {
            let task = queue.recv().expect("the thread keeps a sender");
            // Before the poll. Acquire pairs with the waker's release: the poll sees why it was woken.
            task.queued.swap(false, Ordering::AcqRel);
            if !Arc::ptr_eq(&task, &main) {
                task.run();
            } else if let Ready(output) = main.poll(future.as_mut()) {
                return output;
            }
        }
    })
}

/// Makes a task of the future, and queues it.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Arc<Task> {
    let task = Arc::new(Task {
        queued: AtomicBool::new(false),
        future: Mutex::new(Box::pin(future)),
        queue: QUEUE.with(|(sender, _)| sender.clone()),
    });
    ArcWake::wake_by_ref(&task);
    task
}

/// A future that the executor owns.
pub(crate) struct Task {
    /// It is in the queue.
    queued: AtomicBool,
    /// Only the thread of the queue polls it, so the lock is always free. It is there because the compiler cannot know
    /// that.
    future: Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Where it goes when it is woken.
    queue: Sender<Arc<Task>>,
}

impl Task {
    /// Polls a future, which is woken by waking this task.
    fn poll<F: Future + ?Sized>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        // Borrows the `Arc`: a poll touches no reference count, unless the future keeps the waker.
        let waker = waker_ref(self);
        future.poll(&mut Context::from_waker(&waker))
    }

    /// Polls its own future.
    fn run(self: &Arc<Self>) {
        let mut future = self.future.lock().unwrap();
        if self.poll(future.as_mut()).is_ready() {
            // It goes now, and not with the last waker. What is left may be woken, and has nothing to do.
            *future = Box::pin(async {});
        }
    }
}

impl ArcWake for Task {
    fn wake_by_ref(task: &Arc<Self>) {
        if !task.queued.swap(true, Ordering::AcqRel) {
            // An error means that the thread has ended; then the task goes with its wakers.
            let _ = task.queue.send(task.clone());
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
    /// How many kettles do not boil yet, and who waits for them.
    static WAITING: Mutex<(usize, Option<Waker>)> = Mutex::new((100, None));
    for number in 1..=100 {
        spawn(async move {
            kettle(Duration::from_millis(2 * number)).await;
            let main = {
                let mut waiting = WAITING.lock().unwrap();
                waiting.0 -= 1;
                waiting.1.take()
            };
            main.into_iter().for_each(Waker::wake);
        });
    }
    block_on(poll_fn(|cx| {
        let (left, _older) = {
            let mut waiting = WAITING.lock().unwrap();
            (waiting.0, waiting.1.replace(cx.waker().clone()))
        };
        if left == 0 { Ready(()) } else { Pending }
    }));
    println!("kettles  100, each a task: {POLLS:?} polls, for each wake asks one of them");
    println!("cannot   100 threads did nothing but wait, one for each kettle");
}

// # What this cannot
//
// The tasks share one thread, but what they wait for does not: a kettle is a thread that sleeps. A thread takes a stack
// and a place in the system's scheduler, so a hundred thousand of them are too many, and tasks were to be cheap.
// Rung 3 waits for time itself.
