//! The guards of a readers-writer lock: readers hold a clone of the `Arc`, the writer holds the only one.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::RwLock;

/// What the guards say if they have no value, which happens only while they are dropped.
const EMPTY: &str = "a guard holds the value until it is dropped";

/// What a write guard says if somebody else holds the value, which the lock excludes.
const NOT_ALONE: &str = "a writer has the value alone";

/// A [`RwLock`] locked for reading. Dropped, it unlocks, also during a panic.
///
/// ```
/// let lock = samovar::sync::RwLock::new(vec![1, 2]);
/// let guard = lock.try_read().unwrap();
/// assert_eq!(guard.len(), 2);
/// ```
#[must_use = "a guard that is dropped at once locks nothing"]
pub struct RwLockReadGuard<'a, T> {
    /// What is locked.
    lock: &'a RwLock<T>,
    /// A clone of the lock's; `None` only while the guard is dropped.
    value: Option<Arc<T>>,
}

/// A [`RwLock`] locked for writing. Dropped, it unlocks, also during a panic.
///
/// ```
/// let lock = samovar::sync::RwLock::new(vec![1]);
/// lock.try_write().unwrap().push(2);
/// assert_eq!(lock.try_read().unwrap().len(), 2);
/// ```
#[must_use = "a guard that is dropped at once locks nothing"]
pub struct RwLockWriteGuard<'a, T> {
    /// What is locked.
    lock: &'a RwLock<T>,
    /// The only one there is; `None` only while the guard is dropped.
    value: Option<Arc<T>>,
}

/// A shared [`RwLock`] locked for reading. Dropped, it unlocks, also during a panic.
///
/// ```
/// use std::sync::Arc;
/// use samovar::sync::RwLock;
///
/// let lock = Arc::new(RwLock::new(5));
/// let guard = lock.clone().try_read_owned().unwrap();
/// assert_eq!(*guard, 5);
/// ```
#[must_use = "a guard that is dropped at once locks nothing"]
pub struct OwnedRwLockReadGuard<T> {
    /// What is locked.
    lock: Arc<RwLock<T>>,
    /// A clone of the lock's; `None` only while the guard is dropped.
    value: Option<Arc<T>>,
}

/// A shared [`RwLock`] locked for writing. Dropped, it unlocks, also during a panic.
///
/// ```
/// use std::sync::Arc;
/// use samovar::sync::RwLock;
///
/// let lock = Arc::new(RwLock::new(5));
/// let mut guard = lock.clone().try_write_owned().unwrap();
/// *guard += 1;
/// assert_eq!(*guard, 6);
/// ```
#[must_use = "a guard that is dropped at once locks nothing"]
pub struct OwnedRwLockWriteGuard<T> {
    /// What is locked.
    lock: Arc<RwLock<T>>,
    /// The only one there is; `None` only while the guard is dropped.
    value: Option<Arc<T>>,
}

impl<'a, T> RwLockReadGuard<'a, T> {
    /// The caller has counted as a reader and cloned `value`.
    pub(super) fn new(lock: &'a RwLock<T>, value: Arc<T>) -> Self {
        Self {
            lock,
            value: Some(value),
        }
    }
}

impl<T> OwnedRwLockReadGuard<T> {
    /// The caller has counted as a reader and cloned `value`.
    pub(super) fn new(lock: Arc<RwLock<T>>, value: Arc<T>) -> Self {
        Self {
            lock,
            value: Some(value),
        }
    }

    /// The lock. An associated function, so that it does not hide a method of the value.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::{OwnedRwLockReadGuard, RwLock};
    ///
    /// let lock = Arc::new(RwLock::new(5));
    /// let guard = lock.clone().try_read_owned().unwrap();
    /// assert!(Arc::ptr_eq(OwnedRwLockReadGuard::rwlock(&guard), &lock));
    /// ```
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }
}

impl<'a, T> RwLockWriteGuard<'a, T> {
    /// The caller has taken `value` out of the lock.
    pub(super) fn new(lock: &'a RwLock<T>, value: Arc<T>) -> Self {
        Self {
            lock,
            value: Some(value),
        }
    }

    /// Goes on as a reader, without letting another writer in between. Readers at the head of the queue join.
    ///
    /// ```
    /// let lock = samovar::sync::RwLock::new(5);
    /// let mut guard = lock.try_write().unwrap();
    /// *guard += 1;
    /// let guard = guard.downgrade();
    /// assert_eq!((*guard, *lock.try_read().unwrap()), (6, 6));
    /// ```
    pub fn downgrade(mut self) -> RwLockReadGuard<'a, T> {
        let value = self.value.take().expect(EMPTY);
        let guard = RwLockReadGuard::new(self.lock, value.clone());
        self.lock.downgrade(value);
        guard
    }
}

impl<T> OwnedRwLockWriteGuard<T> {
    /// The caller has taken `value` out of the lock.
    pub(super) fn new(lock: Arc<RwLock<T>>, value: Arc<T>) -> Self {
        Self {
            lock,
            value: Some(value),
        }
    }

    /// Goes on as a reader, without letting another writer in between. Readers at the head of the queue join.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::RwLock;
    ///
    /// let lock = Arc::new(RwLock::new(5));
    /// let guard = lock.clone().try_write_owned().unwrap().downgrade();
    /// assert_eq!((*guard, *lock.try_read().unwrap()), (5, 5));
    /// ```
    pub fn downgrade(mut self) -> OwnedRwLockReadGuard<T> {
        let value = self.value.take().expect(EMPTY);
        let guard = OwnedRwLockReadGuard::new(self.lock.clone(), value.clone());
        self.lock.downgrade(value);
        guard
    }

    /// The lock. An associated function, so that it does not hide a method of the value.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::{OwnedRwLockWriteGuard, RwLock};
    ///
    /// let lock = Arc::new(RwLock::new(5));
    /// let guard = lock.clone().try_write_owned().unwrap();
    /// assert!(Arc::ptr_eq(OwnedRwLockWriteGuard::rwlock(&guard), &lock));
    /// ```
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.lock
    }
}

/// What all guards do alike.
macro_rules! guard {
    ($($guard:tt)*) => {
        impl<T> Deref for $($guard)* {
            type Target = T;

            fn deref(&self) -> &T {
                self.value.as_ref().expect(EMPTY)
            }
        }

        impl<T: fmt::Debug> fmt::Debug for $($guard)* {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl<T: fmt::Display> fmt::Display for $($guard)* {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&**self, f)
            }
        }
    };
}

/// What readers do alike.
macro_rules! read_guard {
    ($($guard:tt)*) => {
        guard!($($guard)*);

        impl<T> Drop for $($guard)* {
            fn drop(&mut self) {
                // First the clone, then the count: who writes next must find the value alone.
                if self.value.take().is_some() {
                    self.lock.end_read();
                }
            }
        }
    };
}

/// What writers do alike.
macro_rules! write_guard {
    ($($guard:tt)*) => {
        guard!($($guard)*);

        impl<T> Drop for $($guard)* {
            fn drop(&mut self) {
                if let Some(value) = self.value.take() {
                    self.lock.end_write(value);
                }
            }
        }

        impl<T> DerefMut for $($guard)* {
            fn deref_mut(&mut self) -> &mut T {
                self.value.as_mut().and_then(Arc::get_mut).expect(NOT_ALONE)
            }
        }
    };
}

read_guard!(RwLockReadGuard<'_, T>);
read_guard!(OwnedRwLockReadGuard<T>);
write_guard!(RwLockWriteGuard<'_, T>);
write_guard!(OwnedRwLockWriteGuard<T>);
