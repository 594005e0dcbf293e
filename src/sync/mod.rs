//! What tasks say to each other, and how they keep out of each other's way.
//!
//! # Which one?
//!
//! | there is | take |
//! |---|---|
//! | one value, once: an answer, a result, "done" | [`oneshot`] |
//! | a stream of values for one task to work on | [`mpsc`] |
//! | a stream of values, each for everybody | [`broadcast`] |
//! | a value that changes, of which only the newest matters | [`watch`] |
//! | data that several tasks change, and a change waits for something | [`Mutex`], [`RwLock`] |
//! | data that several tasks change, and a change takes no `.await` | `std::sync::Mutex` |
//! | a number of things to share: connections, memory, cores | [`Semaphore`] |
//! | an event without data | [`Notify`] |
//! | a point that all must reach before any goes on | [`Barrier`] |
//! | a value that is made once, by whoever comes first | [`OnceCell`] |
//!
//! The usual shape of a program is not a lock at all: one task owns the data, takes requests from an [`mpsc`] channel, and
//! answers through the [`oneshot`] that came with the request.
//!
//! ```
//! use samovar::sync::{mpsc, oneshot};
//!
//! enum Request {
//!     Pour(u64),
//!     Left(oneshot::Sender<u64>),
//! }
//!
//! async fn boiler(mut requests: mpsc::Receiver<Request>) {
//!     let mut cups = 10;
//!     while let Some(request) = requests.recv().await {
//!         match request {
//!             Request::Pour(some) => cups -= some,
//!             // Nobody may be waiting for the answer any more: that is no error of ours.
//!             Request::Left(answer) => drop(answer.send(cups)),
//!         }
//!     }
//! }
//!
//! let (requests, inbox) = mpsc::channel(8);
//! let thread = std::thread::spawn(|| samovar::block_on(boiler(inbox)));
//! samovar::block_on(async {
//!     requests.send(Request::Pour(3)).await.ok().unwrap();
//!     let (answer, left) = oneshot::channel();
//!     requests.send(Request::Left(answer)).await.ok().unwrap();
//!     assert_eq!(left.await, Ok(7));
//! });
//! drop(requests); // The boiler ends when nobody can ask any more.
//! thread.join().unwrap();
//! ```
//!
//! # Without a runtime
//!
//! Nothing here belongs to a runtime, but for the calls that take a time limit. Channels and locks connect tasks of
//! different runtimes, and tasks with threads: `blocking_send`, `blocking_recv` and their kin are for threads that run no
//! async code, and panic where they would block a worker.
//!
//! # What is lost when a future is dropped
//!
//! `select!` and `timeout` drop futures that have not finished. Safe means that the program is then as if the call had
//! never been made; `tests/cancel_safety.rs` has a test for each that is.
//!
//! | call | safe? |
//! |---|---|
//! | [`mpsc::Receiver::recv`], [`recv_many`](mpsc::Receiver::recv_many), [`broadcast::Receiver::recv`] | yes: a value is taken only when it is returned |
//! | `&mut` [`oneshot::Receiver`] | yes |
//! | [`oneshot::Receiver`] itself | dropping it closes the channel |
//! | [`watch::Receiver::changed`] | yes |
//! | [`watch::Receiver::wait_for`] | values that did not fit count as seen |
//! | `closed` of every sender | yes |
//! | [`mpsc::Sender::send`] | the value is dropped unsent, and the place in the queue is lost |
//! | [`mpsc::Sender::reserve`], [`reserve_many`](mpsc::Sender::reserve_many) | only the place in the queue is lost |
//! | [`mpsc::Sender::reserve_owned`] | the sender is dropped, and the place in the queue is lost |
//! | [`Mutex::lock`], [`RwLock::read`], [`RwLock::write`], [`Semaphore::acquire`] | only the place in the queue is lost |
//! | [`Notify::notified`] | only the place in the queue is lost; a notification it was given goes to the next |
//! | [`Barrier::wait`] | yes: whoever leaves has not arrived |
//! | [`OnceCell::get_or_init`] | the attempt is given up; the next caller makes its own |
//!
//! # How they are made
//!
//! Each is plain data under a `std::sync::Mutex`, with a list of those who wait (`waiters.rs`). What is waited for and who
//! waits for it change together under that lock, so no wakeup can be lost between them. `Mutex`, `RwLock`, `Semaphore` and
//! `Notify` take no lock as long as nobody waits; there a second look does it (`mutex.rs`). The lock is held for some
//! nanoseconds, never across an `.await`. Values and wakers are somebody else's code, which may panic or come back to the same
//! channel; none of it runs under the lock. (The closures of `watch` run under another, that of the value, and say so.) What
//! comes free is handed to the first who waits, before it is woken: strictly first come, first served.
//!
//! Read `waiters.rs` first, then `mutex.rs` for the locks, whose futures pay as `turn.rs` says, and `until.rs` and
//! `mpsc/chan.rs` for the channels. `oneshot.rs` stands by itself.

mod barrier;
pub mod broadcast;
#[cfg(all(test, loom))]
mod loom_tests_channels;
#[cfg(all(test, loom))]
mod loom_tests_everybody;
#[cfg(all(test, loom))]
mod loom_tests_locks;
pub mod mpsc;
mod mutex;
mod notify;
mod once_cell;
mod one_by_one;
pub mod oneshot;
mod rwlock;
mod semaphore;
mod send_error;
mod swap_cell;
mod turn;
mod until;
mod waiters;
pub mod watch;

pub use barrier::{Barrier, BarrierWaitResult};
pub use mutex::{Mutex, MutexGuard, OwnedMutexGuard, TryLockError};
pub use notify::Notify;
pub use once_cell::{OnceCell, SetError};
pub use rwlock::{
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
pub use semaphore::{
    AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError,
};

/// The futures that have names, for those who store them.
pub mod futures {
    pub use super::notify::{Notified, OwnedNotified};
}
