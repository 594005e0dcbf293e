//! The async mutex: waiting for it blocks the task, not the thread, and its guard may be held across an `.await`.
//!
//! **In safe code** a guard cannot point into the mutex. So the value travels: it lives in a `Box`, the guard takes
//! the box out of the mutex when it locks, and puts it back when it is dropped. An empty mutex is a locked mutex; no flag
//! can disagree with that. While nobody waits each way is one atomic exchange; the contents of the box never move.
//!
//! **Hand-off.** If anyone waits, an unlocking guard does not put the box back but gives it to the first waiter. So the
//! order is strictly first come, first served, and a cancelled waiter that was given the box passes it on.
//! It also means that a lock future which is kept but never polled again holds the mutex, as in Tokio ("futurelock").
//!
//! **No waiter is overlooked**, though unlocking takes no lock while nobody waits:
//!
//! ```text
//!   who unlocks                        who wants to lock
//!                                      is the box there? no
//!   does anyone queue? no: puts it back
//!                                      queues             ... beside a mutex that is free
//! ```
//! So unlocking puts the box back and *then* looks whether anyone queues; queueing says so and *then* looks for the box again.
//! Both do so by an exchange of the same cell, and one comes first. If the unlocker's does, the waiter finds the box; if the
//! waiter's does, the unlocker sees all that was written before it, so the number of waiters. (The semaphore, `Notify` and
//! `RwLock` do the same.)
//!
//! Rejected: `std::sync::Mutex<T>` around the value with a guard that holds its guard (not `Send`, and a contended lock
//! would block the thread); a semaphore of one permit beside the value (two states, and still no safe way to the value);
//! the box under the lock of the queue (simpler; four atomic operations for a lock and unlock instead of two).

mod guard;

pub use guard::{MutexGuard, OwnedMutexGuard};

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::shim::atomic::AtomicUsize;
use crate::shim::atomic::Ordering::Relaxed;
use crate::shim::{self, lock};
use crate::sync::swap_cell::SwapCell;
use crate::sync::turn::poll_turn;
use crate::sync::waiters::{Key, Waiters, WakeList};
use crate::trace::wait;

/// What `get_mut` and `into_inner` say when the value is gone for good.
const LEAKED: &str =
    "the value of this mutex was leaked: its guard, or a future that was to lock it, was forgotten";

/// A mutual exclusion lock whose guard may be held across `.await`.
///
/// Use it when the lock must be held while something is awaited. For data that is only looked at and changed,
/// [`std::sync::Mutex`] is the better choice, also in async code.
///
/// Who asks first is served first. A mutex is never poisoned: a panic unlocks it.
///
/// **Differences from Tokio.** `T` is `Sized`. The value lives in a `Box`, so locking a mutex that was made by
/// `const_new` allocates once. A guard that is leaked with [`std::mem::forget`] takes the value with it, and
/// [`Mutex::get_mut`] and [`Mutex::into_inner`] panic then.
///
/// # Examples
///
/// ```
/// use samovar::sync::Mutex;
///
/// samovar::block_on(async {
///     let count = Mutex::new(0);
///     *count.lock().await += 1;
///     assert_eq!(*count.lock().await, 1);
/// });
/// ```
pub struct Mutex<T> {
    /// The value, while the mutex is unlocked and was locked before.
    value: SwapCell<Box<T>>,
    /// How many are queued: tells without the lock that the queue is empty. Changed under the lock. Relaxed: the exchanges
    /// of `value` give the order that matters.
    queued: AtomicUsize,
    /// Guards the queue; held for a few instructions, and never while foreign code runs.
    queue: shim::Mutex<Queue<T>>,
}

/// Who waits, and what is out of the fast path.
struct Queue<T> {
    /// Who waits; an assigned waiter finds the box in its payload.
    waiters: Waiters<Option<Box<T>>>,
    /// The value, when it is neither in its cell nor out.
    aside: Aside<T>,
}

/// The value beside its cell.
enum Aside<T> {
    /// It is not here.
    Nothing,
    /// In no box yet: a `const fn` cannot allocate. The first lock will.
    #[cfg_attr(loom, allow(dead_code))] // there is no `const_new` under loom
    Unboxed(T),
    /// Where `get_mut` lends it from; the next lock takes it.
    Boxed(Box<T>),
}

/// The error of [`Mutex::try_lock`], [`RwLock::try_read`](super::RwLock::try_read) and their relatives: somebody holds
/// the lock, or waits for it.
///
/// ```
/// let mutex = samovar::sync::Mutex::new(());
/// let _guard = mutex.try_lock().unwrap();
/// assert_eq!(mutex.try_lock().unwrap_err().to_string(), "the lock is taken");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TryLockError(pub(super) ());

impl<T> Mutex<T> {
    /// Creates an unlocked mutex.
    ///
    /// ```
    /// let mutex = samovar::sync::Mutex::new(5);
    /// assert_eq!(*mutex.try_lock().unwrap(), 5);
    /// ```
    pub fn new(value: T) -> Self {
        Self {
            value: SwapCell::new(Some(Box::new(value))),
            queued: AtomicUsize::new(0),
            queue: shim::Mutex::new(Queue {
                waiters: Waiters::new(),
                aside: Aside::Nothing,
            }),
        }
    }

    /// [`Mutex::new`] for a `static`.
    ///
    /// ```
    /// use samovar::sync::Mutex;
    ///
    /// static NAMES: Mutex<Vec<String>> = Mutex::const_new(Vec::new());
    /// samovar::block_on(async { NAMES.lock().await.push("Ivan".into()) });
    /// ```
    #[cfg(not(loom))]
    pub const fn const_new(value: T) -> Self {
        let aside = Aside::Unboxed(value);
        Self {
            value: SwapCell::new(None),
            queued: AtomicUsize::new(0),
            queue: shim::Mutex::new(Queue {
                waiters: Waiters::new(),
                aside,
            }),
        }
    }

    /// Locks, waiting for its turn.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing but the place in the queue.
    ///
    /// A future that is kept but not polled any more keeps its place, and in time the lock itself: do not hold one in a
    /// `select!` loop while another branch locks the same mutex.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::Mutex;
    ///
    /// samovar::block_on(async {
    ///     let mutex = Mutex::new(String::from("tea"));
    ///     let mut guard = mutex.lock().await;
    ///     guard.push_str(" with lemon");
    /// });
    /// ```
    pub async fn lock(&self) -> MutexGuard<'_, T> {
        Lock::new(self).await
    }

    /// [`Mutex::lock`] on an [`Arc`], for a guard that can move into a task.
    ///
    /// # Cancel safety
    ///
    /// As for [`Mutex::lock`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::Mutex;
    ///
    /// let mutex = Arc::new(Mutex::new(1));
    /// let mut guard = samovar::block_on(mutex.clone().lock_owned());
    /// std::thread::spawn(move || *guard += 1).join().unwrap();
    /// assert_eq!(*mutex.try_lock().unwrap(), 2);
    /// ```
    pub async fn lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        let value = Lock::new(&self).await.into_box();
        OwnedMutexGuard::new(self, value)
    }

    /// Locks, if nobody holds the lock or waits for it.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] if somebody does.
    ///
    /// ```
    /// let mutex = samovar::sync::Mutex::new(5);
    /// let guard = mutex.try_lock().unwrap();
    /// assert!(mutex.try_lock().is_err());
    /// # drop(guard);
    /// ```
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        match self.take() {
            Some(value) => Ok(MutexGuard::new(self, value)),
            None => Err(TryLockError(())),
        }
    }

    /// [`Mutex::try_lock`] on an [`Arc`], for a guard that can move into a task.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] if somebody holds the lock or waits for it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::Mutex;
    ///
    /// let mutex = Arc::new(Mutex::new(5));
    /// assert_eq!(*mutex.clone().try_lock_owned().unwrap(), 5);
    /// ```
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        match self.take() {
            Some(value) => Ok(OwnedMutexGuard::new(self, value)),
            None => Err(TryLockError(())),
        }
    }

    /// Locks from a thread outside the runtime, which is blocked while it waits.
    ///
    /// # Panics
    ///
    /// In async code: it would block the tasks that could unlock. Use [`Mutex::lock`] there.
    ///
    /// # Examples
    ///
    /// ```
    /// let mutex = samovar::sync::Mutex::new(5);
    /// assert_eq!(*mutex.blocking_lock(), 5);
    /// ```
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        crate::context::forbid_blocking("Mutex::blocking_lock");
        crate::block_on(self.lock())
    }

    /// [`Mutex::blocking_lock`] on an [`Arc`], for a guard that can move into a task.
    ///
    /// # Panics
    ///
    /// In async code, as [`Mutex::blocking_lock`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::Mutex;
    ///
    /// let mutex = Arc::new(Mutex::new(5));
    /// assert_eq!(*mutex.blocking_lock_owned(), 5);
    /// ```
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        crate::context::forbid_blocking("Mutex::blocking_lock_owned");
        crate::block_on(self.lock_owned())
    }

    /// The value, without locking: that `self` is borrowed mutably shows that nobody holds the lock.
    ///
    /// # Panics
    ///
    /// If a guard, or a lock future that was given the lock, was leaked with [`std::mem::forget`].
    ///
    /// ```
    /// let mut mutex = samovar::sync::Mutex::new(5);
    /// *mutex.get_mut() += 1;
    /// assert_eq!(mutex.into_inner(), 6);
    /// ```
    #[track_caller]
    pub fn get_mut(&mut self) -> &mut T {
        let queue = self.queue.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = self.value.swap(None) {
            queue.aside = Aside::Boxed(value);
        }
        match &mut queue.aside {
            Aside::Boxed(value) => value,
            Aside::Unboxed(value) => value,
            Aside::Nothing => panic!("{LEAKED}"),
        }
    }

    /// The value, out of the mutex.
    ///
    /// # Panics
    ///
    /// If a guard, or a lock future that was given the lock, was leaked with [`std::mem::forget`].
    ///
    /// ```
    /// assert_eq!(samovar::sync::Mutex::new(5).into_inner(), 5);
    /// ```
    #[track_caller]
    pub fn into_inner(self) -> T {
        match self.take() {
            Some(value) => *value,
            None => panic!("{LEAKED}"),
        }
    }

    /// Takes the value out if it is here and nobody waits for it.
    fn take(&self) -> Option<Box<T>> {
        if self.queued.load(Relaxed) > 0 {
            return None;
        }
        self.value
            .swap(None)
            .or_else(|| lock(&self.queue).aside.take())
    }

    /// Unlocks: gives the value to the first waiter, or puts it back.
    fn give(&self, value: Box<T>) {
        let mut wakers = WakeList::new();
        if self.queued.load(Relaxed) > 0 {
            self.hand_over(value, &mut lock(&self.queue), &mut wakers);
            return;
        }
        self.value.swap(Some(value));
        if self.queued.load(Relaxed) > 0 {
            // They queued between the two looks and may have missed it. If it is gone, whoever has it will see them.
            let mut queue = lock(&self.queue);
            if let Some(value) = self.value.swap(None) {
                self.hand_over(value, &mut queue, &mut wakers);
            }
        }
    }

    /// Gives the value to the first waiter, or puts it back.
    fn hand_over(&self, value: Box<T>, queue: &mut Queue<T>, wakers: &mut WakeList) {
        match queue.waiters.assign_front(wakers) {
            Some(share) => *share = Some(value),
            None => drop(self.value.swap(Some(value))),
        }
        self.queued.store(queue.waiters.len(), Relaxed);
    }
}

impl<T> Aside<T> {
    /// Takes the value out if it is here.
    fn take(&mut self) -> Option<Box<T>> {
        match mem::replace(self, Aside::Nothing) {
            Aside::Boxed(value) => Some(value),
            Aside::Unboxed(value) => Some(Box::new(value)),
            Aside::Nothing => None,
        }
    }
}

/// The future of [`Mutex::lock`].
struct Lock<'a, T> {
    /// What to lock.
    mutex: &'a Mutex<T>,
    /// The place in the queue.
    key: Option<Key>,
    /// The guard, when it came in a poll that had no budget left to return it: the turn is not lost.
    guard: Option<MutexGuard<'a, T>>,
}

impl<'a, T> Lock<'a, T> {
    /// Does nothing until it is polled.
    fn new(mutex: &'a Mutex<T>) -> Self {
        Self {
            mutex,
            key: None,
            guard: None,
        }
    }

    /// Takes the value, or queues for it.
    fn poll_guard(&mut self, cx: &mut Context<'_>) -> Poll<MutexGuard<'a, T>> {
        let mutex = self.mutex;
        let mut spare: Option<Waker> = None;
        if self.key.is_none() {
            if let Some(value) = mutex.take() {
                return Poll::Ready(MutexGuard::new(mutex, value));
            }
            spare = Some(cx.waker().clone());
        }
        loop {
            let mut wakers = WakeList::new();
            let mut queue = lock(&mutex.queue);
            let queueing = self.key.is_none();
            let enrolled = queue
                .waiters
                .enroll(&mut self.key, cx.waker(), &mut spare, || None);
            if enrolled && queueing {
                mutex.queued.store(queue.waiters.len(), Relaxed);
                // Unlocked since the first look? Then the one in front has it, which usually is this one.
                if let Some(value) = mutex.value.swap(None) {
                    mutex.hand_over(value, &mut queue, &mut wakers);
                }
            }
            if let Some(value) = queue.waiters.take_assigned(&mut self.key).flatten() {
                return Poll::Ready(MutexGuard::new(mutex, value));
            }
            if enrolled {
                return wait::pending(|| "Mutex lock".to_owned());
            }
            drop(queue);
            spare = Some(cx.waker().clone());
        }
    }
}

impl<'a, T> Future for Lock<'a, T> {
    type Output = MutexGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'a, T>> {
        let this = self.get_mut();
        let alone = this.key.is_none() && this.mutex.queued.load(Relaxed) == 0;
        poll_turn(this, cx, alone, |this| &mut this.guard, Self::poll_guard)
    }
}

impl<T> Drop for Lock<'_, T> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let mut wakers = WakeList::new();
        let mut queue = lock(&self.mutex.queue);
        let mut removed = queue.waiters.remove(key);
        match removed.as_mut().and_then(|removed| removed.payload.take()) {
            Some(value) => self.mutex.hand_over(value, &mut queue, &mut wakers),
            None => self.mutex.queued.store(queue.waiters.len(), Relaxed),
        }
        drop(queue);
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Mutex");
        match self.try_lock() {
            Ok(guard) => out.field("data", &*guard),
            Err(_) => out.field("data", &format_args!("<locked>")),
        };
        out.finish()
    }
}

impl fmt::Display for TryLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock is taken")
    }
}

impl Error for TryLockError {}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::task::budget;
    use std::pin::pin;

    #[test]
    fn a_spent_budget_costs_neither_the_place_in_the_queue_nor_the_lock() {
        let mutex = Mutex::new(5);
        let mut cx = Context::from_waker(Waker::noop());
        let (mut first, mut second) = (pin!(mutex.lock()), pin!(mutex.lock()));
        let (mut head, held) = (pin!(mutex.lock()), mutex.try_lock());
        assert!(head.as_mut().poll(&mut cx).is_pending());
        budget::with_fresh(|| {
            while pin!(Mutex::new(()).lock()).poll(&mut cx).is_ready() {}
            assert!(first.as_mut().poll(&mut cx).is_pending());
            drop(held);
            assert!(head.as_mut().poll(&mut cx).is_pending());
        });
        assert!(second.as_mut().poll(&mut cx).is_pending());
        assert!(
            mutex.try_lock().is_err(),
            "it is the head's, who says so later"
        );
        assert!(head.as_mut().poll(&mut cx).is_ready());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        assert!(matches!(first.as_mut().poll(&mut cx), Poll::Ready(guard) if *guard == 5));
        assert!(second.as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn a_newcomer_without_budget_leaves_a_free_lock_to_others() {
        let mutex = Mutex::new(5);
        let mut cx = Context::from_waker(Waker::noop());
        let mut spent = pin!(mutex.lock());
        budget::with_fresh(|| {
            while pin!(mutex.lock()).poll(&mut cx).is_ready() {}
            assert!(spent.as_mut().poll(&mut cx).is_pending());
        });
        assert!(pin!(mutex.lock()).poll(&mut cx).is_ready());
        assert!(spent.as_mut().poll(&mut cx).is_ready());
    }
}
