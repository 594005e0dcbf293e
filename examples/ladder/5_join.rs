//! Rung 5: join handles, panics, abort. `cargo run --example ladder_5_join`.
//!
//! # What rung 4 could not
//!
//! ```text
//! cannot   one task panics, and the server with all its tasks ends
//! ```
//! Rungs 2 to 4 only know tasks that run to their end, and tell nobody.
//!
//! # The idea
//!
//! A task ends in one of three ways: its future is ready, panics, or is dropped because somebody aborted it. In each of them
//! something is dropped, and destructors always run. So a *promise* lies in the task's future beside the spawned one,
//! and when it is dropped it hands over what there is, and wakes the *handle*:
//!
//! ```text
//!   ready    the promise has the output     ──drop──► Ok(output)
//!   panic    unwinds out of poll           ──drop──► Err(panicked)      ──► packet ──► JoinHandle
//!   abort    the future is dropped         ──drop──► Err(not panicked)
//! ```
//! This also tells of the fourth way, which is a mistake: a future that returns `Pending` and has given its waker to nobody.
//! No `Arc<Task>` is left then but the handle's ... and that one must not keep the future alive. Hence the `Weak`.
//!
//! # Why abort does not drop the future itself
//!
//! Another thread may call it in the middle of a poll. So it sets a bit and queues the task, and the executor drops the
//! future where it would have polled it. Both are one operation, and the executor takes QUEUED back and reads ABORTED in one:
//!
//! ```text
//!   executor: is it aborted? no
//!                                         abort(): ABORTED; it is QUEUED, so nothing to push
//!   executor: QUEUED = false, poll        ... and the task waits for ever
//! ```
//! This is rung 2 with ends. The wheel and the reactor of rungs 3 and 4 are left out for space: nothing in them would change. The
//! future inside `block_on` is a task, too, and `block_on` looks into its handle; so a main future that nobody can wake is told.
#![forbid(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, Weak, atomic::AtomicU8, atomic::Ordering};
use std::task::{Context, Poll, Poll::Pending, Poll::Ready, Waker};
use std::time::{Duration, Instant};
use std::{cell::RefCell, future::pending, mem::replace, pin::Pin, thread};

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
pub(crate) fn block_on<F: Future<Output: Send> + Send + 'static>(main: F) -> F::Output {
    let JoinHandle(_, packet) = spawn(main);
    QUEUE.with(|(_, queue)| {
        let queue = queue.try_borrow_mut().expect("`block_on` in a task");
        while packet.lock().unwrap().0.is_none() {
            queue.recv().expect("the thread keeps a sender").run();
        }
    });
    let result = packet.lock().unwrap().0.take().unwrap();
    result.expect("the main task has ended without an output")
}

/// Makes a task of the future, and queues it. The handle tells what comes of it; if it is dropped, the task goes on.
pub(crate) fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> JoinHandle<F::Output> {
    let packet = Arc::new(Mutex::new((None, None)));
    let mut promise = Promise(None, packet.clone());
    // The future is gone before the promise is kept: who has the output sees all that its destructors did.
    let future = async move { drop(promise.0.replace(future.await)) };
    let task = Arc::new(Task {
        state: AtomicU8::new(0),
        future: Mutex::new(Box::pin(future)),
        queue: QUEUE.with(|(sender, _)| sender.clone()),
    });
    task.queue(0);
    JoinHandle(Arc::downgrade(&task), packet)
}

/// The task is in the queue.
const QUEUED: u8 = 1;
/// It is not to be polled any more.
const ABORTED: u8 = 2;

/// A future that the executor owns.
struct Task {
    /// The bits above.
    state: AtomicU8,
    /// Only the thread of the queue polls it, so the lock is always free. It is there because the compiler cannot know
    /// that.
    future: Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Where it goes when it is woken.
    queue: Sender<Arc<Task>>,
}

impl Task {
    /// Polls the future, or drops it. A panic is an end like another: it is the task's and not the executor's.
    fn run(self: Arc<Self>) {
        // Before the poll. Acquire pairs with the waker's release: the poll sees why it was woken.
        let aborted = self.state.fetch_and(!QUEUED, Ordering::AcqRel) & ABORTED != 0;
        let waker = waker_ref(&self);
        let cx = &mut Context::from_waker(&waker);
        let mut future = self.future.lock().unwrap();
        let poll = || aborted || future.as_mut().poll(cx).is_ready();
        let ends = catch_unwind(AssertUnwindSafe(poll)).unwrap_or(true);
        // It goes now, and not with the last waker. What is left may be woken, and has nothing to do.
        let ended = ends.then(|| replace(&mut *future, Box::pin(async {})));
        drop(future);
        // Destructors are foreign code, too. The task itself goes, if nobody is left who could wake it.
        let _ = catch_unwind(AssertUnwindSafe(|| drop((ended, self))));
    }

    /// Sets these bits, and queues the task unless it is in the queue.
    fn queue(self: &Arc<Self>, bits: u8) {
        if self.state.fetch_or(QUEUED | bits, Ordering::AcqRel) & QUEUED == 0 {
            // An error means that the thread has ended; then the task goes with its wakers.
            let _ = self.queue.send(self.clone());
        }
    }
}

impl ArcWake for Task {
    fn wake_by_ref(task: &Arc<Self>) {
        task.queue(0);
    }
}

/// Where the result goes from the task to its handle, and who waits for it there.
type Packet<T> = Mutex<(Option<Result<T, JoinError>>, Option<Waker>)>;

/// There is no output: the task, or a destructor of it, has panicked; or it was aborted, or nobody was left who could wake it.
#[derive(Debug)]
pub(crate) struct JoinError {
    /// It was a panic.
    pub panicked: bool,
}

/// Lies in the task's future. However that ends, this is dropped, and the handle hears of it. It has the output of the spawned
/// future, if that came so far, and knows where it goes.
struct Promise<T>(Option<T>, Arc<Packet<T>>);

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        let panicked = thread::panicking();
        let joiner = {
            let mut packet = self.1.lock().unwrap();
            packet.0 = Some(self.0.take().ok_or(JoinError { panicked }));
            packet.1.take()
        };
        joiner.into_iter().for_each(Waker::wake);
    }
}

/// Waits for a task: a future whose output is what came of it. It has the task, to abort it; weakly, for it is not to keep
/// alive what nobody can wake.
pub(crate) struct JoinHandle<T>(Weak<Task>, Arc<Packet<T>>);

impl<T> JoinHandle<T> {
    /// Ends the task at its next chance: its future is dropped. Too late when it has ended.
    pub fn abort(&self) {
        let task = self.0.upgrade();
        task.iter().for_each(|task| task.queue(ABORTED));
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (result, _older) = {
            let mut packet = self.1.lock().unwrap();
            (packet.0.take(), packet.1.replace(cx.waker().clone()))
        };
        result.map_or(Pending, Ready)
    }
}

// The demonstration.

fn main() {
    block_on(async {
        println!("output   {:?}", spawn(async { 6 * 7 }).await);
        let broken = spawn(async { assert_eq!(6 * 7, 54, "a cup falls") });
        println!("panic    {:?}", broken.await);
        let idle = spawn(pending::<()>());
        println!("nobody   {:?}, for none could have woken it", idle.await);
        let late = spawn(async { println!("         this is never printed") });
        late.abort();
        println!("abort    panicked: {}", late.await.unwrap_err().panicked);

        let start = Instant::now();
        let tasks = [(); 4].map(|()| spawn(async { thread::sleep(Duration::from_millis(50)) }));
        for task in tasks {
            task.await.unwrap();
        }
        let time = start.elapsed().as_millis();
        println!("cannot   4 tasks that hold the one thread for 50 ms each take {time} ms");
    });
}

// # What this cannot
//
// All tasks share one thread, and one that computes for long makes all others wait, while the machine's other
// processors have nothing to do. Rung 6 has several threads.
