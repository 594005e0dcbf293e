//! The semaphore: a number of permits, handed out strictly first come, first served.
//!
//! While nobody waits, the count is one atomic number: taking and giving back is one step each. Permits that come back
//! while somebody waits go to the first in the queue straight away. This is what keeps a batch of many permits from
//! starving behind a stream of single ones: it collects what is freed, and those that came later wait until it is full.
//!
//! **No waiter is overlooked.** Giving back adds to the count and then looks whether anyone queues; queueing says so and
//! then empties the count. Both "then" follow a read-modify-write of the count, so one comes first. If the giver's does, the
//! waiter finds the permits; if the waiter's does, the giver sees all that was written before it, so the number of waiters.
//! A count under the lock of the queue would need no such thought, and twice as many atomic operations.

mod acquire;
mod permit;

pub use permit::{OwnedSemaphorePermit, SemaphorePermit};

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::shim::atomic::AtomicUsize;
use crate::shim::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::shim::{Mutex, lock};
use crate::sync::waiters::{Waiters, WakeList};
use acquire::Acquisition;

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
    /// The free permits, and `CLOSED`. No permit stays here while anyone is queued: the first in the queue takes them all.
    /// Each change acquires and releases, and a look acquires: what a holder of a permit did is seen by the next; and see above.
    permits: AtomicUsize,
    /// How many are queued: tells without the lock that the queue is empty. Changed under the lock. Relaxed: the changes of
    /// `permits` give the order that matters.
    queued: AtomicUsize,
    /// Guards the queue, in which each has the number of permits it still misses, and the closing; held for a few
    /// instructions, and never while foreign code runs.
    queue: Mutex<Waiters<u32>>,
}

/// The bit of `permits` that says that the semaphore is closed, for good.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// What is said when there are too many permits.
const TOO_MANY: &str = "a semaphore holds at most Semaphore::MAX_PERMITS permits";

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
    ///
    /// ```
    /// use samovar::sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(Semaphore::MAX_PERMITS); // one more, and it would panic
    /// assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS);
    /// ```
    pub const MAX_PERMITS: usize = usize::MAX >> 3;

    /// Creates a semaphore with `permits` free permits.
    ///
    /// # Panics
    ///
    /// If `permits` is more than [`Semaphore::MAX_PERMITS`].
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(2);
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        assert!(permits <= Self::MAX_PERMITS, "{TOO_MANY}");
        let (permits, queued) = (AtomicUsize::new(permits), AtomicUsize::new(0));
        Self {
            permits,
            queued,
            queue: Mutex::new(Waiters::new()),
        }
    }

    /// [`Semaphore::new`] for a `static`.
    ///
    /// # Panics
    ///
    /// If `permits` is more than [`Semaphore::MAX_PERMITS`]; in a `static` this is a compile error.
    ///
    /// ```
    /// use samovar::sync::Semaphore;
    ///
    /// static PRINTERS: Semaphore = Semaphore::const_new(2);
    /// assert_eq!(PRINTERS.available_permits(), 2);
    /// ```
    #[cfg(not(loom))]
    #[track_caller]
    pub const fn const_new(permits: usize) -> Self {
        // A `const fn` cannot format `TOO_MANY`.
        assert!(
            permits <= Self::MAX_PERMITS,
            "too many permits for a semaphore"
        );
        Self {
            permits: AtomicUsize::new(permits),
            queued: AtomicUsize::new(0),
            queue: Mutex::new(Waiters::new()),
        }
    }

    /// How many permits are free. Zero while a task is queued, which then has reserved what there is.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(3);
    /// let _permit = semaphore.try_acquire_many(2).unwrap();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    pub fn available_permits(&self) -> usize {
        self.permits.load(Acquire) & !CLOSED
    }

    /// Adds `n` new permits. They go to the tasks in the queue first.
    ///
    /// # Panics
    ///
    /// If more than [`Semaphore::MAX_PERMITS`] would be free.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(0);
    /// semaphore.add_permits(2);
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        assert!(n <= Self::MAX_PERMITS, "{TOO_MANY}");
        if n == 0 {
            return;
        }
        let mut wakers = WakeList::new();
        let fits = if self.queued.load(Relaxed) > 0 {
            self.serve(n, &mut lock(&self.queue), &mut wakers)
        } else {
            // Those that queue between the two looks may have missed the permits.
            self.put(n)
                && (self.queued.load(Relaxed) == 0
                    || self.serve(0, &mut lock(&self.queue), &mut wakers))
        };
        drop(wakers);
        assert!(fits, "{TOO_MANY}");
    }

    /// Removes up to `n` of the free permits for good, and returns how many it found.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(3);
    /// assert_eq!(semaphore.forget_permits(5), 3);
    /// assert_eq!(semaphore.available_permits(), 0);
    /// ```
    pub fn forget_permits(&self, n: usize) -> usize {
        let mut found = self.permits.load(Acquire);
        loop {
            let forgotten = n.min(found & !CLOSED);
            match self
                .permits
                .compare_exchange_weak(found, found - forgotten, AcqRel, Acquire)
            {
                Ok(_) => return forgotten,
                Err(changed) => found = changed,
            }
        }
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
        Acquisition::new(self, 1).await
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
        Acquisition::new(self, n).await
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
        self.try_take(n)?;
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
        Acquisition::new(&self, n).await?.forget();
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
        self.try_take(n)?;
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
        let mut queue = lock(&self.queue);
        self.permits.fetch_or(CLOSED, AcqRel);
        while queue.assign_front(&mut wakers).is_some() {}
        self.queued.store(0, Relaxed);
    }

    /// Whether [`Semaphore::close`] was called.
    ///
    /// ```
    /// assert!(!samovar::sync::Semaphore::new(1).is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.permits.load(Acquire) & CLOSED != 0
    }

    /// Takes `wanted` permits if nobody waits for them.
    fn try_take(&self, wanted: u32) -> Result<(), TryAcquireError> {
        let wanted = wanted as usize;
        let mut found = self.permits.load(Acquire);
        loop {
            if found & CLOSED != 0 {
                return Err(TryAcquireError::Closed);
            }
            if found < wanted || wanted > 0 && self.queued.load(Relaxed) > 0 {
                return Err(TryAcquireError::NoPermits);
            }
            match self
                .permits
                .compare_exchange_weak(found, found - wanted, AcqRel, Acquire)
            {
                Ok(_) => return Ok(()),
                Err(changed) => found = changed,
            }
        }
    }

    /// Adds to the free permits; `false` if they would be too many.
    fn put(&self, n: usize) -> bool {
        let mut found = self.permits.load(Acquire);
        loop {
            if (found & !CLOSED) + n > Self::MAX_PERMITS {
                return false;
            }
            match self
                .permits
                .compare_exchange_weak(found, found + n, AcqRel, Acquire)
            {
                Ok(_) => return true,
                Err(changed) => found = changed,
            }
        }
    }

    /// Hands `permits`, and all that are free, to those in the queue, in order. The rest becomes free; `false` if that would
    /// be too many, and then the rest is lost.
    fn serve(&self, mut permits: usize, queue: &mut Waiters<u32>, wakers: &mut WakeList) -> bool {
        if !queue.is_empty() {
            permits += self.permits.fetch_and(CLOSED, AcqRel) & !CLOSED;
        }
        while let Some(missing) = queue.front_mut() {
            if permits < *missing as usize {
                // Fits: it is less than a `u32`.
                *missing -= permits as u32;
                permits = 0;
                break;
            }
            permits -= *missing as usize;
            *missing = 0;
            queue.assign_front(wakers);
        }
        self.queued.store(queue.len(), Relaxed);
        permits == 0 || self.put(permits)
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (permits, closed) = (self.available_permits(), self.is_closed());
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
