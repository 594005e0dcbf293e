//! Permits of a semaphore: what is held, and goes back when dropped.
//!
//! Two types with the same methods: one borrows the semaphore, the other shares it. A generic one would say it once, and
//! show its type parameter to everybody.

use std::sync::Arc;

use super::Semaphore;

/// Permits of a [`Semaphore`], returned by [`Semaphore::acquire`]. They go back when this is dropped.
///
/// ```
/// let semaphore = samovar::sync::Semaphore::new(1);
/// let permit = semaphore.try_acquire().unwrap();
/// drop(permit);
/// assert_eq!(semaphore.available_permits(), 1);
/// ```
#[must_use = "a permit that is dropped goes back at once"]
#[derive(Debug)]
pub struct SemaphorePermit<'a> {
    /// Where they go back to.
    semaphore: &'a Semaphore,
    /// How many.
    permits: u32,
}

/// Permits of a shared [`Semaphore`], returned by [`Semaphore::acquire_owned`]. They go back when this is dropped.
///
/// ```
/// use std::sync::Arc;
/// use samovar::sync::Semaphore;
///
/// let semaphore = Arc::new(Semaphore::new(1));
/// let permit = semaphore.clone().try_acquire_owned().unwrap();
/// drop(permit);
/// assert_eq!(semaphore.available_permits(), 1);
/// ```
#[must_use = "a permit that is dropped goes back at once"]
#[derive(Debug)]
pub struct OwnedSemaphorePermit {
    /// Where they go back to.
    semaphore: Arc<Semaphore>,
    /// How many.
    permits: u32,
}

impl<'a> SemaphorePermit<'a> {
    /// The caller has taken `permits` out of the semaphore.
    pub(super) fn new(semaphore: &'a Semaphore, permits: u32) -> Self {
        Self { semaphore, permits }
    }

    /// Keeps the permits from ever going back: the semaphore has that many fewer from now on.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(2);
    /// semaphore.try_acquire().unwrap().forget();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    pub fn forget(mut self) {
        self.permits = 0;
    }

    /// Adds the permits of `other` to these.
    ///
    /// # Panics
    ///
    /// If they are of different semaphores, or more than `u32::MAX` together.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(2);
    /// let mut permit = semaphore.try_acquire().unwrap();
    /// permit.merge(semaphore.try_acquire().unwrap());
    /// assert_eq!(permit.num_permits(), 2);
    /// ```
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(
            std::ptr::eq(self.semaphore, other.semaphore),
            "merging permits from different semaphores"
        );
        self.permits = self
            .permits
            .checked_add(other.permits)
            .expect("too many permits in one");
        other.permits = 0;
    }

    /// Splits `n` permits off, or returns `None` if there are fewer.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(3);
    /// let mut permit = semaphore.try_acquire_many(3).unwrap();
    /// let one = permit.split(1).unwrap();
    /// assert_eq!((permit.num_permits(), one.num_permits()), (2, 1));
    /// ```
    pub fn split(&mut self, n: usize) -> Option<Self> {
        let n = u32::try_from(n).ok()?;
        self.permits = self.permits.checked_sub(n)?;
        Some(Self {
            semaphore: self.semaphore,
            permits: n,
        })
    }

    /// The semaphore.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(2);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert_eq!(permit.semaphore().available_permits(), 1);
    /// ```
    pub fn semaphore(&self) -> &Semaphore {
        self.semaphore
    }

    /// How many permits these are.
    ///
    /// ```
    /// let semaphore = samovar::sync::Semaphore::new(2);
    /// assert_eq!(semaphore.try_acquire_many(2).unwrap().num_permits(), 2);
    /// ```
    pub fn num_permits(&self) -> usize {
        self.permits as usize
    }
}

impl OwnedSemaphorePermit {
    /// The caller has taken `permits` out of the semaphore.
    pub(super) fn new(semaphore: Arc<Semaphore>, permits: u32) -> Self {
        Self { semaphore, permits }
    }

    /// Keeps the permits from ever going back: the semaphore has that many fewer from now on.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// let semaphore = Arc::new(samovar::sync::Semaphore::new(2));
    /// semaphore.clone().try_acquire_owned().unwrap().forget();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    pub fn forget(mut self) {
        self.permits = 0;
    }

    /// Adds the permits of `other` to these.
    ///
    /// # Panics
    ///
    /// If they are of different semaphores, or more than `u32::MAX` together.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// let semaphore = Arc::new(samovar::sync::Semaphore::new(2));
    /// let mut permit = semaphore.clone().try_acquire_owned().unwrap();
    /// permit.merge(semaphore.clone().try_acquire_owned().unwrap());
    /// assert_eq!(permit.num_permits(), 2);
    /// ```
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(
            Arc::ptr_eq(&self.semaphore, &other.semaphore),
            "merging permits from different semaphores"
        );
        self.permits = self
            .permits
            .checked_add(other.permits)
            .expect("too many permits in one");
        other.permits = 0;
    }

    /// Splits `n` permits off, or returns `None` if there are fewer.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// let semaphore = Arc::new(samovar::sync::Semaphore::new(3));
    /// let mut permit = semaphore.clone().try_acquire_many_owned(3).unwrap();
    /// let one = permit.split(1).unwrap();
    /// assert_eq!((permit.num_permits(), one.num_permits()), (2, 1));
    /// ```
    pub fn split(&mut self, n: usize) -> Option<Self> {
        let n = u32::try_from(n).ok()?;
        self.permits = self.permits.checked_sub(n)?;
        Some(Self {
            semaphore: self.semaphore.clone(),
            permits: n,
        })
    }

    /// The semaphore.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// let semaphore = Arc::new(samovar::sync::Semaphore::new(2));
    /// let permit = semaphore.clone().try_acquire_owned().unwrap();
    /// assert!(Arc::ptr_eq(permit.semaphore(), &semaphore));
    /// ```
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }

    /// How many permits these are.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// let semaphore = Arc::new(samovar::sync::Semaphore::new(2));
    /// assert_eq!(semaphore.try_acquire_many_owned(2).unwrap().num_permits(), 2);
    /// ```
    pub fn num_permits(&self) -> usize {
        self.permits as usize
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        self.semaphore.add_permits(self.permits as usize);
    }
}

impl Drop for OwnedSemaphorePermit {
    fn drop(&mut self) {
        self.semaphore.add_permits(self.permits as usize);
    }
}
