//! Rung 3: a timer wheel. `cargo run --example ladder_3_timers`.
//!
//! # What rung 2 could not
//!
//! ```text
//! cannot   100 threads did nothing but wait, one for each kettle
//! ```
//! It had no other way to wait for time than to let a thread sleep.
//!
//! # The idea
//!
//! The executor's own thread sleeps anyway, when its queue is empty. So let it sleep until the next timer is due, and no
//! longer: `recv` becomes `recv_timeout`. A timer is a time and a waker.
//!
//! # The wheel
//!
//! Most timers never fire: they guard against what mostly does not happen, and are taken back. So to insert and to remove one
//! must be cheap, however many there are. Write a time, in milliseconds, in base 64. A timer lies at the *level* of the
//! highest digit in which its time differs from now, in the *slot* which that digit and those before it name:
//!
//! ```text
//!                      now = 133 = 0  2  5
//!                            136 = 0  2  8 ─► level 0, slot "0 2 8"     1 ms wide: all in it are due together
//!                            263 = 0  4  7 ─► level 1, slot "0 4"      64 ms wide: 256 to 319
//!                           8133 = 1 63  5 ─► level 2, slot "1"      4096 ms wide
//! ```
//! When the time of a slot begins, all in it are woken; who finds that his time has not come lies down again, now at a lower
//! level. That happens ten times at most in the life of a timer, and mostly once. (Varghese and Lauck, 1987. The library
//! moves timers down without waking anybody, and has arrays and bitmaps in the place of the map of slots.)
//!
//! To have room for that, the future inside `block_on` is from here on a task like all others. It hands its output over
//! through a channel, and may not borrow from the caller's stack any more: how it may, see rung 2.
#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Poll::Pending, Poll::Ready, Waker};
use std::time::{Duration, Instant};
use std::{collections::BTreeMap, io::Read, os::unix::net::UnixStream, pin::Pin};

use crossbeam_channel::{Receiver, Sender, unbounded};
use futures_task::{ArcWake, waker_ref};

thread_local! {
    /// This thread's event loop: each of its tasks has the sender, and `block_on` borrows the receiver.
    static QUEUE: (Sender<Arc<Task>>, RefCell<Receiver<Arc<Task>>>) = {
        let (sender, receiver) = unbounded();
        (sender, RefCell::new(receiver))
    };
    /// Its timers: by slot, and in the slot by number.
    static WHEEL: RefCell<BTreeMap<Slot, BTreeMap<u64, Waker>>> = RefCell::default();
    /// The millisecond up to which they have fired.
    static NOW: Cell<u64> = const { Cell::new(0) };
}

/// Runs a future, and the tasks of this thread, until the future is ready. The tasks that are left go on in
/// the thread's next `block_on`.
pub(crate) fn block_on<F: Future<Output: Send> + Send + 'static>(main: F) -> F::Output {
    let (tell, told) = unbounded();
    spawn(async move { tell.send(main.await).unwrap_or_default() });
    QUEUE.with(|(_, queue)| {
        let queue = queue.try_borrow_mut().expect("`block_on` in a task");
        while told.is_empty() {
            let task = queue.recv_timeout(fire());
            let Ok(task) = task else { continue };
            // Before the poll. Acquire pairs with the waker's release: the poll sees why it was woken.
            task.queued.swap(false, Ordering::AcqRel);
            let waker = waker_ref(&task);
            let cx = &mut Context::from_waker(&waker);
            if task.future.lock().unwrap().as_mut().poll(cx).is_ready() {
                // It goes now, and not with the last waker. What is left may be woken, and has nothing to do.
                *task.future.lock().unwrap() = Box::pin(async {});
            }
        }
        told.recv().unwrap()
    })
}

/// Makes a task of the future, and queues it.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    ArcWake::wake(Arc::new(Task {
        queued: AtomicBool::new(false),
        future: Mutex::new(Box::pin(future)),
        queue: QUEUE.with(|(sender, _)| sender.clone()),
    }));
}

/// A future that the executor owns.
struct Task {
    /// It is in the queue.
    queued: AtomicBool,
    /// Only the thread of the queue polls it, so the lock is always free. It is there because the compiler cannot know
    /// that.
    future: Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Where it goes when it is woken.
    queue: Sender<Arc<Task>>,
}

impl ArcWake for Task {
    fn wake_by_ref(task: &Arc<Self>) {
        if !task.queued.swap(true, Ordering::AcqRel) {
            // An error means that the thread has ended; then the task goes with its wakers.
            let _ = task.queue.send(task.clone());
        }
    }
}

/// When the first millisecond begins.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The millisecond in which a slot begins, and its level.
type Slot = (u64, u32);

/// The slot of a timer. It is the same later, too, for a slot is emptied before `NOW` enters it.
fn slot(end: u64) -> Slot {
    let level = ((end ^ NOW.get()) | 1).ilog2() / 6;
    (end >> (6 * level) << (6 * level), level)
}

/// Empties the slots whose time has begun, and returns how long it is to the next.
fn fire() -> Duration {
    let now = START.elapsed();
    NOW.set(now.as_millis() as u64);
    let mut due = Vec::new();
    let next = WHEEL.with_borrow_mut(|wheel| {
        while let Some(slot) = wheel.first_entry().filter(|it| it.key().0 <= NOW.get()) {
            due.extend(slot.remove().into_values());
        }
        wheel.keys().next().copied()
    });
    // The wheel is free again: a waker is foreign code, and may want it.
    due.into_iter().for_each(Waker::wake);
    next.map_or(Duration::MAX, |(start, _)| {
        Duration::from_millis(start) - now
    })
}

/// Ready when so much time has passed: a little later perhaps, but not earlier.
pub(crate) fn sleep(duration: Duration) -> Sleep {
    static SLEEPS: AtomicU64 = AtomicU64::new(0);
    // Rounded up, for `NOW` is rounded down.
    let end = START.elapsed().saturating_add(duration).as_nanos();
    let end = u64::try_from(end.div_ceil(1_000_000)).unwrap_or(u64::MAX);
    Sleep(end, SLEEPS.fetch_add(1, Ordering::Relaxed))
}

/// The future of [`sleep`]: when it ends, in milliseconds after `START`, and a number that no other sleep has.
pub(crate) struct Sleep(u64, u64);

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if START.elapsed() >= Duration::from_millis(self.0) {
            return Ready(());
        }
        let (slot, waker) = (slot(self.0), cx.waker().clone());
        // The newest waker counts. The older one is dropped where nothing is borrowed: it is foreign code.
        let _older = WHEEL.with_borrow_mut(|it| it.entry(slot).or_default().insert(self.1, waker));
        Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        // The thread may be at its end, and its wheel gone.
        let _ = WHEEL.try_with(|it| it.borrow_mut().get_mut(&slot(self.0))?.remove(&self.1));
    }
}

// The demonstration.

fn main() {
    static SLEPT: AtomicU64 = AtomicU64::new(0);
    let ms = Duration::from_millis;
    for millis in (0..500).cycle().take(10_000) {
        spawn(async move {
            sleep(ms(millis)).await;
            SLEPT.fetch_add(1, Ordering::Relaxed);
        });
    }
    block_on(async move { sleep(ms(500)).await });
    println!("sleeps   {SLEPT:?} tasks have slept, and not one thread was started for them");

    spawn(async move {
        let (mut silent, _peer) = UnixStream::pair().unwrap();
        silent.set_read_timeout(Some(ms(200))).unwrap();
        silent.read(&mut [0]).unwrap_err();
    });
    let start = Instant::now();
    block_on(sleep(ms(10)));
    let time = start.elapsed().as_millis();
    println!("cannot   beside a read from a silent socket, a sleep of 10 ms takes {time} ms");
}

// # What this cannot
//
// There is one thing that the thread can wait for, its queue, and one that it can limit the wait by, the time. Who waits for
// a socket, in `read`, waits with the whole thread. Rung 4 waits for the queue and for all sockets at once, in the kernel.
