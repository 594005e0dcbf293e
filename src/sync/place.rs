//! Where an unlocked lock keeps its value: a place that one atomic exchange empties or fills.
//!
//! The exchange is a read-modify-write with acquire and release. All exchanges at one place come one after the other, and
//! each sees what was written before the one in front of it. The locks' way around their queues rests on that.

#[cfg(not(loom))]
use crossbeam_utils::atomic::AtomicCell;

/// A place for a `P`, which is a `Box` or an `Arc`: a pointer, so that this is a lock-free atomic.
#[cfg(not(loom))]
pub(crate) struct Place<P> {
    /// What is there.
    value: AtomicCell<Option<P>>,
}

#[cfg(not(loom))]
impl<P> Place<P> {
    /// A place that holds `value`.
    pub(crate) const fn new(value: Option<P>) -> Self {
        Self {
            value: AtomicCell::new(value),
        }
    }

    /// Puts `value` there, and returns what was there.
    pub(crate) fn swap(&self, value: Option<P>) -> Option<P> {
        self.value.swap(value)
    }
}

/// The same for loom, which does not know `AtomicCell`: exchanges in sequence, each seeing what came before.
#[cfg(loom)]
pub(crate) struct Place<P> {
    /// A lock orders its holders as the exchange orders its callers.
    value: loom::sync::Mutex<Option<P>>,
}

#[cfg(loom)]
impl<P> Place<P> {
    /// A place that holds `value`.
    pub(crate) fn new(value: Option<P>) -> Self {
        Self {
            value: loom::sync::Mutex::new(value),
        }
    }

    /// Puts `value` there, and returns what was there.
    pub(crate) fn swap(&self, value: Option<P>) -> Option<P> {
        std::mem::replace(&mut *crate::shim::lock(&self.value), value)
    }
}
