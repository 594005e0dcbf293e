//! Where an unlocked lock keeps its value: a cell that one atomic exchange empties or fills.
//!
//! The exchange is a read-modify-write with acquire and release. All exchanges of one cell come one after the other, and
//! each sees what was written before the one in front of it. The locks' way around their queues rests on that.

#[cfg(not(any(loom, shuttle)))]
use crossbeam_utils::atomic::AtomicCell;

#[cfg(any(loom, shuttle))]
use crate::shim::{Mutex, lock};

/// A cell for a `P`, which is a `Box` or an `Arc`: a pointer, so that this is a lock-free atomic.
#[cfg(not(any(loom, shuttle)))]
pub(crate) struct SwapCell<P> {
    /// What is in it.
    value: AtomicCell<Option<P>>,
}

#[cfg(not(any(loom, shuttle)))]
impl<P> SwapCell<P> {
    /// A cell that holds `value`.
    pub(crate) const fn new(value: Option<P>) -> Self {
        Self {
            value: AtomicCell::new(value),
        }
    }

    /// Puts `value` in, and returns what was there.
    pub(crate) fn swap(&self, value: Option<P>) -> Option<P> {
        self.value.swap(value)
    }
}

/// The same for models, whose checkers do not know `AtomicCell`: exchanges in sequence, each seeing what came before.
#[cfg(any(loom, shuttle))]
pub(crate) struct SwapCell<P> {
    /// A lock orders its holders as the exchange orders its callers.
    value: Mutex<Option<P>>,
}

#[cfg(any(loom, shuttle))]
impl<P> SwapCell<P> {
    /// A cell that holds `value`.
    #[cfg(loom)]
    pub(crate) fn new(value: Option<P>) -> Self {
        Self {
            value: Mutex::new(value),
        }
    }

    /// A cell that holds `value`.
    #[cfg(shuttle)]
    pub(crate) const fn new(value: Option<P>) -> Self {
        Self {
            value: Mutex::new(value),
        }
    }

    /// Puts `value` in, and returns what was there.
    pub(crate) fn swap(&self, value: Option<P>) -> Option<P> {
        std::mem::replace(&mut *lock(&self.value), value)
    }
}
