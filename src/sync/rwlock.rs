//! The async readers-writer lock: many may read at the same time, or one write.
//!
//! **In safe code** the guards share the value in an `Arc`: each reader has a clone of it, and the writer has the only
//! one, taken out of the lock. `Arc::get_mut` then proves at every write what the lock promises, that nobody else looks.
//!
//! While there are only writers, one after the other, the value passes through a cell of one atomic exchange, as in the
//! mutex. Readers enter under the lock, and leave without it while nobody waits.
//!
//! **No waiter is overlooked** (the mutex shows how one could be). A reader that leaves counts itself out, a writer puts the
//! value back, and then they look whether anyone queues; queueing says so and then tries to enter. Both "then" follow a
//! read-modify-write of the same atomic (`left` or `idle`), so one comes first. If that of who leaves does, who queues finds
//! the way free; if not, who leaves sees all that was written before.
//!
//! **First come, first served**, readers and writers in one queue. A writer that waits lets no later reader pass, so a
//! stream of readers cannot starve it; when it is done, all readers up to the next writer go together. The price is that
//! a task that holds a read guard and asks for another waits for ever if a writer asked in between.
//! Preferring readers was rejected for the starving writer, and preferring writers for the starving reader.

mod guard;
mod request;

pub use guard::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLockReadGuard, RwLockWriteGuard};

use std::fmt;
use std::mem;
use std::sync::{Arc, PoisonError};

use super::TryLockError;
use crate::shim::atomic::AtomicUsize;
use crate::shim::atomic::Ordering::{AcqRel, Relaxed};
use crate::shim::{self, lock};
use crate::sync::swap_cell::SwapCell;
use crate::sync::waiters::{Waiters, WakeList};
use request::Request;

/// What `get_mut` and `into_inner` say when the value is gone for good.
const LEAKED: &str =
    "the value of this lock was leaked: a guard, or a future that was to lock it, was forgotten";

/// A lock that many may hold for reading, or one for writing, across `.await`.
///
/// Who asks first is served first: a reader waits behind a writer that waits. So do not ask for a second read guard while
/// holding one; if a writer asked in between, the two wait for each other. The lock is never poisoned: a panic unlocks it.
///
/// **Differences from Tokio.** `T` is `Sized`, and the lock is `Send` and `Sync` when `T` is both. The value lives in an
/// [`Arc`], so locking a lock that was made by `const_new` allocates once. A guard that is leaked with
/// [`std::mem::forget`] takes the value with it, and [`RwLock::get_mut`] and [`RwLock::into_inner`] panic then.
///
/// # Examples
///
/// ```
/// use samovar::sync::RwLock;
///
/// samovar::block_on(async {
///     let menu = RwLock::new(vec!["tea"]);
///     {
///         let (one, two) = (menu.read().await, menu.read().await);
///         assert_eq!(one[0], two[0]);
///     }
///     menu.write().await.push("jam");
/// });
/// ```
pub struct RwLock<T> {
    /// The value, while the lock is free and its last holder wrote.
    idle: SwapCell<Arc<T>>,
    /// How many readers have left, wrapping. Each acquires and releases: who enters to write sees that their clones of the
    /// value are gone; and see above.
    left: AtomicUsize,
    /// How many are queued: tells without the lock that the queue is empty. Changed under the lock. Relaxed: the changes of
    /// `idle` and `left` give the order that matters.
    queued: AtomicUsize,
    /// Guards the queue and those who enter; held for a few instructions, and never while foreign code runs.
    state: shim::Mutex<State<T>>,
}

/// Who waits and who entered.
struct State<T> {
    /// The value, while readers have it, or none has since they left.
    shared: Shared<T>,
    /// How many readers have entered, wrapping. As many as have left: then nobody reads.
    entered: usize,
    /// Who waits for what.
    waiters: Waiters<Wish<T>>,
}

/// The value, for readers to clone.
enum Shared<T> {
    /// It is idle, or with a writer.
    Nothing,
    /// Here, and with each reader a clone.
    Here(Arc<T>),
    /// Here, and not in an `Arc` yet: a `const fn` cannot allocate. The first lock will.
    #[cfg_attr(loom, allow(dead_code))] // there is no `const_new` under loom
    Unshared(T),
}

/// What a waiter waits for.
struct Wish<T> {
    /// To write, rather than to read.
    write: bool,
    /// The value, once it is the waiter's turn.
    value: Option<Arc<T>>,
}

impl<T> RwLock<T> {
    /// Creates an unlocked lock.
    ///
    /// ```
    /// let lock = samovar::sync::RwLock::new(5);
    /// assert_eq!(*lock.try_read().unwrap(), 5);
    /// ```
    pub fn new(value: T) -> Self {
        Self {
            idle: SwapCell::new(Some(Arc::new(value))),
            left: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            state: shim::Mutex::new(State::new(Shared::Nothing)),
        }
    }

    /// [`RwLock::new`] for a `static`.
    ///
    /// ```
    /// use samovar::sync::RwLock;
    ///
    /// static LIMIT: RwLock<u32> = RwLock::const_new(10);
    /// samovar::block_on(async { *LIMIT.write().await = 20 });
    /// ```
    #[cfg(not(loom))]
    pub const fn const_new(value: T) -> Self {
        Self {
            idle: SwapCell::new(None),
            left: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            state: shim::Mutex::new(State::new(Shared::Unshared(value))),
        }
    }

    /// Locks for reading, waiting for its turn.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing but the place in the queue.
    ///
    /// A future that is kept but not polled any more keeps its place, and in time the lock itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::RwLock;
    ///
    /// samovar::block_on(async {
    ///     let lock = RwLock::new(5);
    ///     let guard = lock.read().await;
    ///     assert_eq!(*guard, 5);
    /// });
    /// ```
    pub async fn read(&self) -> RwLockReadGuard<'_, T> {
        RwLockReadGuard::new(self, Request::read(self).await)
    }

    /// Locks for writing, waiting for its turn.
    ///
    /// # Cancel safety
    ///
    /// As for [`RwLock::read`].
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::RwLock;
    ///
    /// samovar::block_on(async {
    ///     let lock = RwLock::new(5);
    ///     *lock.write().await += 1;
    ///     assert_eq!(*lock.read().await, 6);
    /// });
    /// ```
    pub async fn write(&self) -> RwLockWriteGuard<'_, T> {
        RwLockWriteGuard::new(self, Request::write(self).await)
    }

    /// [`RwLock::read`] on an [`Arc`], for a guard that can move into a task.
    ///
    /// # Cancel safety
    ///
    /// As for [`RwLock::read`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::RwLock;
    ///
    /// let lock = Arc::new(RwLock::new(5));
    /// let guard = samovar::block_on(lock.clone().read_owned());
    /// std::thread::spawn(move || assert_eq!(*guard, 5)).join().unwrap();
    /// ```
    pub async fn read_owned(self: Arc<Self>) -> OwnedRwLockReadGuard<T> {
        let value = Request::read(&self).await;
        OwnedRwLockReadGuard::new(self, value)
    }

    /// [`RwLock::write`] on an [`Arc`], for a guard that can move into a task.
    ///
    /// # Cancel safety
    ///
    /// As for [`RwLock::read`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::RwLock;
    ///
    /// let lock = Arc::new(RwLock::new(5));
    /// let mut guard = samovar::block_on(lock.clone().write_owned());
    /// std::thread::spawn(move || *guard += 1).join().unwrap();
    /// assert_eq!(*lock.try_read().unwrap(), 6);
    /// ```
    pub async fn write_owned(self: Arc<Self>) -> OwnedRwLockWriteGuard<T> {
        let value = Request::write(&self).await;
        OwnedRwLockWriteGuard::new(self, value)
    }

    /// Locks for reading, if nobody writes or waits.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] if somebody holds the lock for writing, or waits for it.
    ///
    /// ```
    /// let lock = samovar::sync::RwLock::new(5);
    /// let (one, two) = (lock.try_read().unwrap(), lock.try_read().unwrap());
    /// assert_eq!(*one, *two);
    /// ```
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        Ok(RwLockReadGuard::new(self, self.try_take(false)?))
    }

    /// Locks for writing, if nobody holds the lock or waits for it.
    ///
    /// # Errors
    ///
    /// [`TryLockError`] if somebody does.
    ///
    /// ```
    /// let lock = samovar::sync::RwLock::new(5);
    /// let guard = lock.try_read().unwrap();
    /// assert!(lock.try_write().is_err());
    /// # drop(guard);
    /// ```
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        Ok(RwLockWriteGuard::new(self, self.try_take(true)?))
    }

    /// [`RwLock::try_read`] on an [`Arc`], for a guard that can move into a task.
    ///
    /// # Errors
    ///
    /// As [`RwLock::try_read`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::RwLock;
    ///
    /// let lock = Arc::new(RwLock::new(5));
    /// assert_eq!(*lock.clone().try_read_owned().unwrap(), 5);
    /// ```
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        let value = self.try_take(false)?;
        Ok(OwnedRwLockReadGuard::new(self, value))
    }

    /// [`RwLock::try_write`] on an [`Arc`], for a guard that can move into a task.
    ///
    /// # Errors
    ///
    /// As [`RwLock::try_write`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::RwLock;
    ///
    /// let lock = Arc::new(RwLock::new(5));
    /// *lock.clone().try_write_owned().unwrap() += 1;
    /// assert_eq!(*lock.try_read().unwrap(), 6);
    /// ```
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        let value = self.try_take(true)?;
        Ok(OwnedRwLockWriteGuard::new(self, value))
    }

    /// Locks for reading from a thread outside the runtime, which is blocked while it waits.
    ///
    /// # Panics
    ///
    /// In async code: it would block the tasks that could unlock. Use [`RwLock::read`] there.
    ///
    /// # Examples
    ///
    /// ```
    /// let lock = samovar::sync::RwLock::new(5);
    /// assert_eq!(*lock.blocking_read(), 5);
    /// ```
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        crate::context::forbid_blocking("RwLock::blocking_read");
        crate::block_on(self.read())
    }

    /// Locks for writing from a thread outside the runtime, which is blocked while it waits.
    ///
    /// # Panics
    ///
    /// In async code: it would block the tasks that could unlock. Use [`RwLock::write`] there.
    ///
    /// # Examples
    ///
    /// ```
    /// let lock = samovar::sync::RwLock::new(5);
    /// *lock.blocking_write() += 1;
    /// assert_eq!(*lock.blocking_read(), 6);
    /// ```
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        crate::context::forbid_blocking("RwLock::blocking_write");
        crate::block_on(self.write())
    }

    /// The value, without locking: that `self` is borrowed mutably shows that nobody holds the lock.
    ///
    /// # Panics
    ///
    /// If a guard, or a future that was given the lock, was leaked with [`std::mem::forget`].
    ///
    /// ```
    /// let mut lock = samovar::sync::RwLock::new(5);
    /// *lock.get_mut() += 1;
    /// assert_eq!(lock.into_inner(), 6);
    /// ```
    #[track_caller]
    pub fn get_mut(&mut self) -> &mut T {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = self.idle.swap(None) {
            state.shared = Shared::Here(value);
        }
        match &mut state.shared {
            Shared::Here(value) => Arc::get_mut(value).expect(LEAKED),
            Shared::Unshared(value) => value,
            Shared::Nothing => panic!("{LEAKED}"),
        }
    }

    /// The value, out of the lock.
    ///
    /// # Panics
    ///
    /// If a guard, or a future that was given the lock, was leaked with [`std::mem::forget`].
    ///
    /// ```
    /// assert_eq!(samovar::sync::RwLock::new(5).into_inner(), 5);
    /// ```
    #[track_caller]
    pub fn into_inner(self) -> T {
        let value = self.try_take(true).ok();
        value.and_then(Arc::into_inner).expect(LEAKED)
    }

    /// Enters, if nobody is in the way or in the queue.
    fn try_take(&self, write: bool) -> Result<Arc<T>, TryLockError> {
        if self.queued.load(Relaxed) > 0 {
            return Err(TryLockError(()));
        }
        let idle = if write { self.idle.swap(None) } else { None };
        let enter = || {
            let mut state = lock(&self.state);
            if state.waiters.is_empty() {
                self.enter(&mut state, write)
            } else {
                None
            }
        };
        idle.or_else(enter).ok_or(TryLockError(()))
    }

    /// Enters, if nobody is in the way. Looks at what those who leave have changed with a read-modify-write: see above.
    fn enter(&self, state: &mut State<T>, write: bool) -> Option<Arc<T>> {
        if write && self.left.fetch_add(0, AcqRel) != state.entered {
            return None;
        }
        let value = match mem::replace(&mut state.shared, Shared::Nothing) {
            Shared::Here(value) => value,
            Shared::Unshared(value) => Arc::new(value),
            Shared::Nothing => self.idle.swap(None)?,
        };
        if !write {
            state.entered = state.entered.wrapping_add(1);
            state.shared = Shared::Here(value.clone());
        }
        Some(value)
    }

    /// Lets in those at the head of the queue: one writer, or readers up to the next writer.
    fn serve(&self, state: &mut State<T>, wakers: &mut WakeList) {
        while let Some(wish) = state.waiters.front_mut() {
            let write = wish.write;
            let Some(value) = self.enter(state, write) else {
                break;
            };
            if let Some(wish) = state.waiters.assign_front(wakers) {
                wish.value = Some(value);
            }
        }
        self.queued.store(state.waiters.len(), Relaxed);
    }

    /// A reader leaves; it has let go of its clone.
    fn end_read(&self) {
        self.left.fetch_add(1, AcqRel);
        self.look_at_queue();
    }

    /// A writer leaves.
    fn end_write(&self, value: Arc<T>) {
        self.idle.swap(Some(value));
        self.look_at_queue();
    }

    /// A writer goes on as a reader, with a clone.
    fn downgrade(&self, value: Arc<T>) {
        let mut wakers = WakeList::new();
        let mut state = lock(&self.state);
        state.shared = Shared::Here(value);
        state.entered = state.entered.wrapping_add(1);
        self.serve(&mut state, &mut wakers);
    }

    /// After leaving: lets in who waits.
    fn look_at_queue(&self) {
        if self.queued.load(Relaxed) > 0 {
            let mut wakers = WakeList::new();
            self.serve(&mut lock(&self.state), &mut wakers);
        }
    }
}

impl<T> State<T> {
    /// Nobody has entered or waits.
    const fn new(shared: Shared<T>) -> Self {
        Self {
            shared,
            entered: 0,
            waiters: Waiters::new(),
        }
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(guard) => out.field("data", &*guard),
            Err(_) => out.field("data", &format_args!("<locked>")),
        };
        out.finish()
    }
}
