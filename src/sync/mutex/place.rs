//! Where an unlocked mutex keeps its value: a place that one atomic exchange empties or fills.
//!
//! The exchange is a read-modify-write with acquire and release. All exchanges at one place come one after the other, and
//! each sees what was written before the one in front of it. The mutex's way around its queue rests on that.

#[cfg(not(loom))]
use crossbeam_utils::atomic::AtomicCell;

/// A place for a box.
#[cfg(not(loom))]
pub(super) struct Place<T> {
    /// A box is a pointer, so this is a lock-free atomic.
    value: AtomicCell<Option<Box<T>>>,
}

#[cfg(not(loom))]
impl<T> Place<T> {
    /// A place that holds `value`.
    pub(super) const fn new(value: Option<Box<T>>) -> Self {
        Self {
            value: AtomicCell::new(value),
        }
    }

    /// Puts `value` there, and returns what was there.
    pub(super) fn swap(&self, value: Option<Box<T>>) -> Option<Box<T>> {
        self.value.swap(value)
    }
}

/// The same for loom, which does not know `AtomicCell`: exchanges in sequence, each seeing what came before.
#[cfg(loom)]
pub(super) struct Place<T> {
    /// A lock orders its holders as the exchange orders its callers.
    value: loom::sync::Mutex<Option<Box<T>>>,
}

#[cfg(loom)]
impl<T> Place<T> {
    /// A place that holds `value`.
    pub(super) fn new(value: Option<Box<T>>) -> Self {
        Self {
            value: loom::sync::Mutex::new(value),
        }
    }

    /// Puts `value` there, and returns what was there.
    pub(super) fn swap(&self, value: Option<Box<T>>) -> Option<Box<T>> {
        std::mem::replace(&mut *crate::shim::lock(&self.value), value)
    }
}
