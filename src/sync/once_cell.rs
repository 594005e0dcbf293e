//! A cell that is written once, by an async initializer.
//!
//! Two parts, each good at its half: `std::sync::OnceLock` gives out `&T` without a lock, but its initializer would block
//! the thread; a semaphore of one permit lets one task at a time initialize while the others wait as tasks. Whoever has
//! the permit is alone with the `OnceLock`, so that never blocks. The semaphore is closed when the value is there.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::mem;
use std::sync::OnceLock;

use super::{Semaphore, SemaphorePermit, TryAcquireError};

/// A cell that is initialized once, by whoever needs its value first.
///
/// # Examples
///
/// ```
/// use samovar::sync::OnceCell;
///
/// static CONFIG: OnceCell<String> = OnceCell::const_new();
///
/// async fn config() -> &'static str {
///     CONFIG.get_or_init(|| async { "port = 80".to_string() }).await
/// }
///
/// assert_eq!(samovar::block_on(config()), "port = 80");
/// ```
pub struct OnceCell<T> {
    /// The value, once it is there.
    value: OnceLock<T>,
    /// One permit: the right to write the value. Closed once that is done.
    right: Semaphore,
}

/// The error of [`OnceCell::set`], with the value that was not stored.
///
/// ```
/// let cell = samovar::sync::OnceCell::new_with(Some(1));
/// assert!(cell.set(2).unwrap_err().is_already_init_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetError<T> {
    /// The cell has a value.
    AlreadyInitializedError(T),
    /// Somebody is about to give it one.
    InitializingError(T),
}

impl<T> OnceCell<T> {
    /// Creates an empty cell.
    ///
    /// ```
    /// let cell = samovar::sync::OnceCell::<u32>::new();
    /// assert!(cell.get().is_none());
    /// ```
    pub fn new() -> Self {
        Self {
            value: OnceLock::new(),
            right: Semaphore::new(1),
        }
    }

    /// [`OnceCell::new`] for a `static`.
    ///
    /// ```
    /// static CELL: samovar::sync::OnceCell<u32> = samovar::sync::OnceCell::const_new();
    /// CELL.set(5).unwrap();
    /// ```
    #[cfg(not(loom))]
    pub const fn const_new() -> Self {
        Self {
            value: OnceLock::new(),
            right: Semaphore::const_new(1),
        }
    }

    /// Creates a cell that holds `value`, or an empty one.
    ///
    /// ```
    /// let cell = samovar::sync::OnceCell::new_with(Some(5));
    /// assert_eq!(cell.get(), Some(&5));
    /// ```
    pub fn new_with(value: Option<T>) -> Self {
        value.map_or_else(Self::new, Self::from)
    }

    /// Whether there is a value.
    ///
    /// ```
    /// let cell = samovar::sync::OnceCell::new();
    /// cell.set(5).unwrap();
    /// assert!(cell.initialized());
    /// ```
    pub fn initialized(&self) -> bool {
        self.value.get().is_some()
    }

    /// The value, if there is one.
    ///
    /// ```
    /// let cell = samovar::sync::OnceCell::new_with(Some(5));
    /// assert_eq!(cell.get(), Some(&5));
    /// ```
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value, if there is one, to change it.
    ///
    /// ```
    /// let mut cell = samovar::sync::OnceCell::new_with(Some(5));
    /// *cell.get_mut().unwrap() += 1;
    /// assert_eq!(cell.into_inner(), Some(6));
    /// ```
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// Stores the value.
    ///
    /// # Errors
    ///
    /// [`SetError`], with the value, if the cell has one or is being initialized.
    ///
    /// ```
    /// let cell = samovar::sync::OnceCell::new();
    /// assert!(cell.set(5).is_ok());
    /// assert!(cell.set(6).is_err());
    /// ```
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        match self.right.try_acquire() {
            Ok(right) => {
                self.store(value, right);
                Ok(())
            }
            Err(TryAcquireError::NoPermits) => Err(SetError::InitializingError(value)),
            Err(TryAcquireError::Closed) => Err(SetError::AlreadyInitializedError(value)),
        }
    }

    /// The value; if there is none, the one that the future of `init` yields. Those who ask meanwhile wait for it.
    ///
    /// # Cancel safety
    ///
    /// If this future is dropped, or `init` panics, the cell stays empty, and the next who waits runs its own `init`.
    ///
    /// An `init` that asks the same cell waits for itself, for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// let cell = samovar::sync::OnceCell::new();
    /// let value = samovar::block_on(cell.get_or_init(|| async { 5 }));
    /// assert_eq!(*value, 5);
    /// ```
    pub async fn get_or_init<F, Fut>(&self, init: F) -> &T
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        let init = || async { Ok::<T, Infallible>(init().await) };
        match self.get_or_try_init(init).await {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// [`OnceCell::get_or_init`] with an initializer that may fail.
    ///
    /// # Errors
    ///
    /// That of `init`. The cell stays empty then, and the next who waits runs its own `init`.
    ///
    /// # Cancel safety
    ///
    /// As for [`OnceCell::get_or_init`].
    ///
    /// # Examples
    ///
    /// ```
    /// let cell = samovar::sync::OnceCell::new();
    /// samovar::block_on(async {
    ///     assert!(cell.get_or_try_init(|| async { "x".parse::<u32>() }).await.is_err());
    ///     assert_eq!(cell.get_or_try_init(|| async { "5".parse::<u32>() }).await, Ok(&5));
    /// });
    /// ```
    pub async fn get_or_try_init<E, F, Fut>(&self, init: F) -> Result<&T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        match self.right.acquire().await {
            Ok(right) => {
                let value = init().await?;
                Ok(self.store(value, right))
            }
            Err(_) => Ok(self
                .value
                .get()
                .expect("it is closed once the value is stored")),
        }
    }

    /// Takes the value out; the cell is empty then.
    ///
    /// ```
    /// let mut cell = samovar::sync::OnceCell::new_with(Some(5));
    /// assert_eq!(cell.take(), Some(5));
    /// assert!(cell.set(6).is_ok());
    /// ```
    pub fn take(&mut self) -> Option<T> {
        mem::take(self).into_inner()
    }

    /// The value, if there is one, out of the cell.
    ///
    /// ```
    /// assert_eq!(samovar::sync::OnceCell::new_with(Some(5)).into_inner(), Some(5));
    /// ```
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Stores the value: whoever has the right is alone.
    fn store(&self, value: T, right: SemaphorePermit<'_>) -> &T {
        let value = self.value.get_or_init(|| value);
        self.right.close();
        drop(right);
        value
    }
}

impl<T> SetError<T> {
    /// Whether the cell had a value.
    ///
    /// ```
    /// let cell = samovar::sync::OnceCell::new_with(Some(1));
    /// assert!(cell.set(2).unwrap_err().is_already_init_err());
    /// ```
    pub fn is_already_init_err(&self) -> bool {
        matches!(self, SetError::AlreadyInitializedError(_))
    }

    /// Whether somebody was about to give the cell a value.
    ///
    /// ```
    /// let cell = samovar::sync::OnceCell::new_with(Some(1));
    /// assert!(!cell.set(2).unwrap_err().is_initializing_err());
    /// ```
    pub fn is_initializing_err(&self) -> bool {
        matches!(self, SetError::InitializingError(_))
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SetError::AlreadyInitializedError(_) => "the cell has a value already",
            SetError::InitializingError(_) => "the cell is being initialized",
        })
    }
}

impl<T: fmt::Debug> Error for SetError<T> {}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> Self {
        let right = Semaphore::new(1);
        right.close();
        Self {
            value: OnceLock::from(value),
            right,
        }
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    fn clone(&self) -> Self {
        Self::new_with(self.get().cloned())
    }
}

impl<T: PartialEq> PartialEq for OnceCell<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceCell<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell")
            .field("value", &self.get())
            .finish()
    }
}
