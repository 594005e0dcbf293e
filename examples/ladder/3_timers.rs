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
//! What lies at a low level is due before all that is higher, so the first slot of the lowest level is next. When its time
//! begins, all in it are woken; who finds that his time has not come lies down again, now at a lower level. That happens ten
//! times at most in the life of a timer, and mostly once. (Varghese and Lauck, 1987. The library moves timers down without
//! waking anybody, and has arrays and bitmaps in the place of the map of slots.)
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Poll::Pending, Poll::Ready, Waker};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use futures_task::{ArcWake, waker_ref};

thread_local! {
    /// This thread's event loop: each of its tasks has the sender, and `block_on` borrows the receiver.
    static QUEUE: (Sender<Arc<Task>>, RefCell<Receiver<Arc<Task>>>) = {
        let (sender, receiver) = unbounded();
        (sender, RefCell::new(receiver))
    };
    /// Its timers.
    static WHEEL: RefCell<Wheel> = RefCell::default();
}

/// Runs a future, and the tasks of this thread, until the future is ready. The tasks that are left go on in
/// the thread's next `block_on`.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let main = spawn(async {});
    QUEUE.with(|(_, queue)| {
        let queue = queue.try_borrow_mut().expect("`block_on` in a task");
        loop {
            let task = queue.recv_timeout(fire());
            let Ok(task) = task else { continue };
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

/// Fires the timers that are due, and returns how long it is to the next.
fn fire() -> Duration {
    let now = START.elapsed();
    let (due, next) = WHEEL.with_borrow_mut(|wheel| wheel.advance(now.as_millis() as u64));
    // The wheel is free again: a waker is foreign code, and may want it.
    due.into_iter().for_each(Waker::wake);
    next.map_or(Duration::MAX, |next| Duration::from_millis(next) - now)
}

/// When the first millisecond begins.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The timers that have not fired yet.
#[derive(Default)]
struct Wheel {
    /// The millisecond up to which they have.
    now: u64,
    /// By level and slot, and in the slot by number.
    slots: BTreeMap<(u32, u64), BTreeMap<u64, Waker>>,
}

impl Wheel {
    /// The slot of a timer. It is the same later, too, for a slot is emptied before `now` enters it.
    fn slot(&mut self, end: u64) -> &mut BTreeMap<u64, Waker> {
        let level = ((end ^ self.now) | 1).ilog2() / 6;
        self.slots.entry((level, end >> (6 * level))).or_default()
    }

    /// Empties the slots whose time has begun, and tells when the next one's does.
    fn advance(&mut self, now: u64) -> (Vec<Waker>, Option<u64>) {
        self.now = now;
        let mut due = Vec::new();
        while let Some(slot) = self.slots.first_entry() {
            let (level, number) = *slot.key();
            if number << (6 * level) > now {
                return (due, Some(number << (6 * level)));
            }
            due.extend(slot.remove().into_values());
        }
        (due, None)
    }
}

/// Ready when so much time has passed: a little later perhaps, but not earlier.
pub(crate) fn sleep(duration: Duration) -> Sleep {
    static SLEEPS: AtomicU64 = AtomicU64::new(0);
    // Rounded up, for `now` is rounded down.
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
        // The newest waker counts. The older one is dropped where nothing is borrowed: it is foreign code.
        let waker = cx.waker().clone();
        let _older = WHEEL.with_borrow_mut(|wheel| wheel.slot(self.0).insert(self.1, waker));
        Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        // The thread may be at its end, and its wheel gone.
        let _ = WHEEL.try_with(|wheel| wheel.borrow_mut().slot(self.0).remove(&self.1));
    }
}

// The demonstration.

fn main() {
    use std::{io::Read, os::unix::net::UnixStream};
    static RESTED: AtomicU64 = AtomicU64::new(0);
    for millis in [300, 100, 200] {
        spawn(async move {
            sleep(Duration::from_millis(millis)).await;
            println!("sorted   {millis}");
        });
    }
    for number in 0..10_000 {
        spawn(async move {
            sleep(Duration::from_millis(number % 500)).await;
            RESTED.fetch_add(1, Ordering::Relaxed);
        });
    }
    block_on(async { sleep(Duration::from_millis(500)).await });
    println!("sleeps   {RESTED:?} tasks have slept, and not one thread was started for them");

    spawn(async {
        let (mut silent, _peer) = UnixStream::pair().unwrap();
        let patience = Some(Duration::from_millis(200));
        silent.set_read_timeout(patience).unwrap();
        silent.read(&mut [0]).unwrap_err();
    });
    let start = Instant::now();
    block_on(sleep(Duration::from_millis(10)));
    let time = start.elapsed().as_millis();
    println!(
        "cannot   beside a task that reads from a silent socket, a sleep of 10 ms takes {time} ms"
    );
}

// # What this cannot
//
// There is one thing that the thread can wait for, its queue, and one that it can limit the wait by, the time. Who waits for
// a socket, in `read`, waits with the whole thread. Rung 4 waits for the queue and for all sockets at once, in the kernel.
