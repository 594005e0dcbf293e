//! The semaphore: a number of permits, handed out strictly first come, first served.
//!
//! The count and the queue are one state under one lock, so nothing can happen between "there are too few" and "I wait".
//! Permits that come back go to the first waiter straight away; the pool holds only what nobody waits for. This is what
//! keeps a batch of many permits from starving behind a stream of single ones: it collects what is freed, and those that
//! came later have to wait until it is full.
//!
//! Tokio keeps the count in an atomic and locks only to give back, at the price of two places that must agree. One short
//! lock each way costs about the same, and can be read.

mod acquire;
mod permit;

pub use permit::{OwnedSemaphorePermit, SemaphorePermit};

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::shim::{Mutex, lock};
use crate::sync::waiters::{Waiters, WakeList};
use acquire::Acquire;

/// Limits how many may do something at the same time.
///
/// A permit is acquired, held while the work lasts, and goes back when it is dropped. Who asks first is served first,
/// also when it asks for many permits at once.
///
/// # Examples
///
/// At most two downloads at a time:
///
/// ```
/// use samovar::sync::Semaphore;
///
/// samovar::block_on(async {
///     let downloads = Semaphore::new(2);
///     let first = downloads.acquire().await.unwrap();
///     let _second = downloads.acquire().await.unwrap();
///     assert!(downloads.try_acquire().is_err());
///     drop(first);
///     assert!(downloads.try_acquire().is_ok());
/// });
/// ```
pub struct Semaphore {
    /// Guards everything; held for a few instructions, and never while foreign code runs.
    state: Mutex<State>,
}

/// What a semaphore knows.
struct State {
    /// The free permits. Zero while anyone is queued: the first in the queue takes all there are.
    permits: usize,
    /// Set by `close`, for good.
    closed: bool,
    /// Who waits, and how many permits each still misses.
    waiters: Waiters<u32>,
}

/// The error of acquiring from a closed [`Semaphore`].
///
/// ```
/// use samovar::sync::Semaphore;
///
/// let semaphore = Semaphore::new(1);
/// semaphore.close();
/// let error = samovar::block_on(semaphore.acquire()).unwrap_err();
/// assert_eq!(error.to_string(), "the semaphore is closed");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcquireError(());

/// The error of [`Semaphore::try_acquire`] and its relatives.
///
/// ```
/// use samovar::sync::{Semaphore, TryAcquireError};
///
/// let semaphore = Semaphore::new(0);
/// assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TryAcquireError {
    /// [`Semaphore::close`] was called.
    Closed,
    /// Too few permits are free now.
    NoPermits,
}

impl Semaphore {
    /// The most permits that a semaphore holds: `usize::MAX >> 3`, as in Tokio.
    pub const MAX_PERMITS: usize = usize::MAX >> 3;

    /// Creates a semaphore with `permits` free permits.
    ///
    /// # Panics
    ///
    /// If `permits` is more than [`Semaphore::MAX_PERMITS`].
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        let state = Mutex::new(State::new(permits));
        Self { state }
    }

    /// [`Semaphore::new`] for a `static`.
    ///
    /// ```
    /// use samovar::sync::Semaphore;
    ///
    /// static PRINTERS: Semaphore = Semaphore::const_new(2);
    /// assert_eq!(PRINTERS.available_permits(), 2);
    /// ```
    ///
    /// # Panics
    ///
    /// If `permits` is more than [`Semaphore::MAX_PERMITS`]; in a `static` this is a compile error.
    #[cfg(not(loom))]
    #[track_caller]
    pub const fn const_new(permits: usize) -> Self {
        let state = Mutex::new(State::new(permits));
        Self { state }
    }

    /// How many permits are free. Zero while a task is queued, which then has reserved what there is.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(3);
    /// let _permit = semaphore.try_acquire_many(2).unwrap();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    pub fn available_permits(&self) -> usize {
        lock(&self.state).permits
    }

    /// Adds `n` new permits. They go to the tasks in the queue first.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(0);
    /// semaphore.add_permits(2);
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    ///
    /// # Panics
    ///
    /// If more than [`Semaphore::MAX_PERMITS`] would be free.
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        if n == 0 {
            return;
        }
        let mut wakers = WakeList::new();
        let fits = lock(&self.state).release(n, &mut wakers);
        drop(wakers);
        assert!(
            fits,
            "a semaphore holds at most Semaphore::MAX_PERMITS permits"
        );
    }

    /// Removes up to `n` of the free permits for good, and returns how many it found.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(3);
    /// assert_eq!(semaphore.forget_permits(5), 3);
    /// assert_eq!(semaphore.available_permits(), 0);
    /// ```
    pub fn forget_permits(&self, n: usize) -> usize {
        let mut state = lock(&self.state);
        let forgotten = n.min(state.permits);
        state.permits -= forgotten;
        forgotten
    }

    /// Acquires one permit, waiting for its turn.
    ///
    /// # Errors
    ///
    /// [`AcquireError`] when the semaphore is closed, before the call or while it waits.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no permit, but the place in the queue.
    ///
    /// A future that is kept but not polled keeps its place too, and what it was given: the others then wait for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::Semaphore;
    ///
    /// samovar::block_on(async {
    ///     let semaphore = Semaphore::new(1);
    ///     let permit = semaphore.acquire().await.unwrap();
    ///     assert_eq!(permit.num_permits(), 1);
    /// });
    /// ```
    pub async fn acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        Acquire::new(self, 1).await
    }

    /// Acquires `n` permits at once, waiting for its turn. Those that come later wait behind it.
    ///
    /// # Errors
    ///
    /// [`AcquireError`] when the semaphore is closed, before the call or while it waits.
    ///
    /// # Cancel safety
    ///
    /// As for [`Semaphore::acquire`]; permits collected so far go to the next in the queue.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::Semaphore;
    ///
    /// samovar::block_on(async {
    ///     let megabytes = Semaphore::new(64);
    ///     let permit = megabytes.acquire_many(48).await.unwrap();
    ///     assert_eq!((permit.num_permits(), megabytes.available_permits()), (48, 16));
    /// });
    /// ```
    pub async fn acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        Acquire::new(self, n).await
    }

    /// Acquires one permit if one is free now.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError::Closed`], or [`TryAcquireError::NoPermits`] when none is free or a task is queued for it.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(1);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert!(semaphore.try_acquire().is_err());
    /// # drop(permit);
    /// ```
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Acquires `n` permits if that many are free now.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError::Closed`], or [`TryAcquireError::NoPermits`] when fewer are free or a task is queued for them.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(3);
    /// assert!(semaphore.try_acquire_many(4).is_err());
    /// assert_eq!(semaphore.try_acquire_many(3).unwrap().num_permits(), 3);
    /// ```
    pub fn try_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        lock(&self.state).try_take(n)?;
        Ok(SemaphorePermit::new(self, n))
    }

    /// [`Semaphore::acquire`] on an [`Arc`], for a permit that can move into a task.
    ///
    /// # Errors
    ///
    /// [`AcquireError`] when the semaphore is closed, before the call or while it waits.
    ///
    /// # Cancel safety
    ///
    /// As for [`Semaphore::acquire`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::Semaphore;
    ///
    /// let semaphore = Arc::new(Semaphore::new(1));
    /// let permit = samovar::block_on(semaphore.clone().acquire_owned()).unwrap();
    /// std::thread::spawn(move || drop(permit)).join().unwrap();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    pub async fn acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.acquire_many_owned(1).await
    }

    /// [`Semaphore::acquire_many`] on an [`Arc`], for a permit that can move into a task.
    ///
    /// # Errors
    ///
    /// [`AcquireError`] when the semaphore is closed, before the call or while it waits.
    ///
    /// # Cancel safety
    ///
    /// As for [`Semaphore::acquire_many`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::Semaphore;
    ///
    /// let semaphore = Arc::new(Semaphore::new(5));
    /// let permit = samovar::block_on(semaphore.clone().acquire_many_owned(3)).unwrap();
    /// assert_eq!(semaphore.available_permits(), 2);
    /// # drop(permit);
    /// ```
    pub async fn acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        Acquire::new(&self, n).await?.forget();
        Ok(OwnedSemaphorePermit::new(self, n))
    }

    /// [`Semaphore::try_acquire`] on an [`Arc`], for a permit that can move into a task.
    ///
    /// # Errors
    ///
    /// As [`Semaphore::try_acquire`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::Semaphore;
    ///
    /// let semaphore = Arc::new(Semaphore::new(1));
    /// let permit = semaphore.clone().try_acquire_owned().unwrap();
    /// assert_eq!(permit.num_permits(), 1);
    /// ```
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// [`Semaphore::try_acquire_many`] on an [`Arc`], for a permit that can move into a task.
    ///
    /// # Errors
    ///
    /// As [`Semaphore::try_acquire_many`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::Semaphore;
    ///
    /// let semaphore = Arc::new(Semaphore::new(2));
    /// assert!(semaphore.clone().try_acquire_many_owned(3).is_err());
    /// ```
    pub fn try_acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        lock(&self.state).try_take(n)?;
        Ok(OwnedSemaphorePermit::new(self, n))
    }

    /// Closes the semaphore for good: no permit is issued any more, and all who wait get an error. Permits that are held
    /// stay valid.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(1);
    /// semaphore.close();
    /// assert!(semaphore.try_acquire().is_err());
    /// ```
    pub fn close(&self) {
        let mut wakers = WakeList::new();
        let mut state = lock(&self.state);
        state.closed = true;
        while state.waiters.assign_front(&mut wakers).is_some() {}
    }

    /// Whether [`Semaphore::close`] was called.
    ///
    /// ```
    /// assert!(!samovar::sync::Semaphore::new(1).is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }
}

impl State {
    /// A state with `permits` free.
    #[track_caller]
    const fn new(permits: usize) -> Self {
        assert!(
            permits <= Semaphore::MAX_PERMITS,
            "a semaphore holds at most Semaphore::MAX_PERMITS permits"
        );
        Self {
            permits,
            closed: false,
            waiters: Waiters::new(),
        }
    }

    /// Takes `wanted` permits out of the pool. Nobody is overtaken: while anyone is queued the pool is empty.
    fn try_take(&mut self, wanted: u32) -> Result<(), TryAcquireError> {
        if self.closed {
            return Err(TryAcquireError::Closed);
        }
        match self.permits.checked_sub(wanted as usize) {
            Some(left) => {
                self.permits = left;
                Ok(())
            }
            None => Err(TryAcquireError::NoPermits),
        }
    }

    /// Hands permits to those in the queue, in order, and puts the rest into the pool. `false` when the pool would hold
    /// too many; then the rest is lost.
    fn release(&mut self, mut permits: usize, wakers: &mut WakeList) -> bool {
        while let Some(missing) = self.waiters.front_mut() {
            if permits < *missing as usize {
                // Fits: it is less than a `u32`.
                *missing -= permits as u32;
                return true;
            }
            permits -= *missing as usize;
            *missing = 0;
            self.waiters.assign_front(wakers);
        }
        match self.permits.checked_add(permits) {
            Some(sum) if sum <= Semaphore::MAX_PERMITS => {
                self.permits = sum;
                true
            }
            _ => false,
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (permits, closed) = {
            let state = lock(&self.state);
            (state.permits, state.closed)
        };
        f.debug_struct("Semaphore")
            .field("permits", &permits)
            .field("closed", &closed)
            .finish()
    }
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the semaphore is closed")
    }
}

impl Error for AcquireError {}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryAcquireError::Closed => "the semaphore is closed",
            TryAcquireError::NoPermits => "no permits are available",
        })
    }
}

impl Error for TryAcquireError {}
