//! The guards of a mutex: each has the value in its hands, and gives it back when dropped.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::Mutex;

/// What the guards say if they have no value, which happens only while they are dropped.
const EMPTY: &str = "a guard holds the value until it is dropped";

/// The lock of a [`Mutex`], and its value. Dropped, it unlocks, also during a panic.
///
/// ```
/// let mutex = samovar::sync::Mutex::new(vec![1]);
/// let mut guard = mutex.try_lock().unwrap();
/// guard.push(2);
/// assert_eq!(guard.len(), 2);
/// ```
#[must_use = "a guard that is dropped at once locks nothing"]
pub struct MutexGuard<'a, T> {
    /// What is locked.
    mutex: &'a Mutex<T>,
    /// The value; `None` only while the guard is dropped.
    value: Option<Box<T>>,
}

/// The lock of a shared [`Mutex`], and its value. Dropped, it unlocks, also during a panic.
///
/// ```
/// use std::sync::Arc;
/// use samovar::sync::Mutex;
///
/// let mutex = Arc::new(Mutex::new(1));
/// let mut guard = mutex.clone().try_lock_owned().unwrap();
/// *guard += 1;
/// assert_eq!(*guard, 2);
/// ```
#[must_use = "a guard that is dropped at once locks nothing"]
pub struct OwnedMutexGuard<T> {
    /// What is locked.
    mutex: Arc<Mutex<T>>,
    /// The value; `None` only while the guard is dropped.
    value: Option<Box<T>>,
}

impl<'a, T> MutexGuard<'a, T> {
    /// The caller has taken `value` out of the mutex.
    pub(super) fn new(mutex: &'a Mutex<T>, value: Box<T>) -> Self {
        Self {
            mutex,
            value: Some(value),
        }
    }

    /// The value, without unlocking.
    pub(super) fn into_box(mut self) -> Box<T> {
        self.value.take().expect(EMPTY)
    }

    /// The mutex. An associated function, so that it does not hide a method of the value.
    ///
    /// ```
    /// use samovar::sync::{Mutex, MutexGuard};
    ///
    /// let mutex = Mutex::new(5);
    /// let guard = mutex.try_lock().unwrap();
    /// assert!(std::ptr::eq(MutexGuard::mutex(&guard), &mutex));
    /// ```
    pub fn mutex(this: &Self) -> &'a Mutex<T> {
        this.mutex
    }
}

impl<T> OwnedMutexGuard<T> {
    /// The caller has taken `value` out of the mutex.
    pub(super) fn new(mutex: Arc<Mutex<T>>, value: Box<T>) -> Self {
        Self {
            mutex,
            value: Some(value),
        }
    }

    /// The mutex. An associated function, so that it does not hide a method of the value.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use samovar::sync::{Mutex, OwnedMutexGuard};
    ///
    /// let mutex = Arc::new(Mutex::new(5));
    /// let guard = mutex.clone().try_lock_owned().unwrap();
    /// assert!(Arc::ptr_eq(OwnedMutexGuard::mutex(&guard), &mutex));
    /// ```
    pub fn mutex(this: &Self) -> &Arc<Mutex<T>> {
        &this.mutex
    }
}

/// What both guards do alike.
macro_rules! guard {
    ($($guard:tt)*) => {
        impl<T> Drop for $($guard)* {
            fn drop(&mut self) {
                if let Some(value) = self.value.take() {
                    self.mutex.give(value);
                }
            }
        }

        impl<T> Deref for $($guard)* {
            type Target = T;

            fn deref(&self) -> &T {
                self.value.as_ref().expect(EMPTY)
            }
        }

        impl<T> DerefMut for $($guard)* {
            fn deref_mut(&mut self) -> &mut T {
                self.value.as_mut().expect(EMPTY)
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

guard!(MutexGuard<'_, T>);
guard!(OwnedMutexGuard<T>);
