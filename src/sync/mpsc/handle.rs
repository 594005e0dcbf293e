//! The counted handles under the public ones: they know when the first sender is the last one, and when the receiver goes.
//!
//! The counts are atomics beside the lock, because cloning a sender changes nothing else. Only the last drop takes the
//! lock, to tell the receiver. `Arc`'s own counts would not do: weak senders and the receiver hold the channel too.

use super::chan::Chan;
use crate::shim::Arc;
use crate::shim::atomic::AtomicUsize;
use crate::shim::atomic::Ordering::{AcqRel, Acquire, Relaxed};

/// A channel and the counts of its handles.
struct Shared<T> {
    /// The channel.
    chan: Chan<T>,
    /// How many `Tx` there are; once zero, always zero.
    senders: AtomicUsize,
    /// How many `WeakTx` there are; for the curious only.
    weak_senders: AtomicUsize,
}

/// A new channel's two ends.
pub(super) fn channel<T>(capacity: usize) -> (Tx<T>, Rx<T>) {
    let chan = Chan::new(capacity);
    let shared = Arc::new(Shared {
        chan,
        senders: AtomicUsize::new(1),
        weak_senders: AtomicUsize::new(0),
    });
    (
        Tx {
            shared: shared.clone(),
        },
        Rx { shared },
    )
}

/// A sender's hold on the channel: while there is one, the receiver waits.
pub(super) struct Tx<T> {
    /// The channel.
    shared: Arc<Shared<T>>,
}

impl<T> Tx<T> {
    /// The channel.
    pub(super) fn chan(&self) -> &Chan<T> {
        &self.shared.chan
    }

    /// A handle that does not keep the receiver waiting.
    pub(super) fn downgrade(&self) -> WeakTx<T> {
        // A count, nothing is published through it.
        self.shared.weak_senders.fetch_add(1, Relaxed);
        WeakTx {
            shared: self.shared.clone(),
        }
    }

    /// Whether both belong to one channel.
    pub(super) fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// How many senders and weak senders there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        self.shared.counts()
    }
}

impl<T> Clone for Tx<T> {
    fn clone(&self) -> Self {
        // A count: this sender keeps it above zero.
        self.shared.senders.fetch_add(1, Relaxed);
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<T> Drop for Tx<T> {
    fn drop(&mut self) {
        // Release: what this sender did is before its leaving. Acquire, for the last one: all others' leavings are before
        // the end of the channel. The partners are the same operation in the other senders.
        if self.shared.senders.fetch_sub(1, AcqRel) == 1 {
            self.shared.chan.finish();
        }
    }
}

/// A sender's address: it can become a sender again, while another one exists.
pub(super) struct WeakTx<T> {
    /// The channel.
    shared: Arc<Shared<T>>,
}

impl<T> WeakTx<T> {
    /// A sender, unless the last one is gone.
    pub(super) fn upgrade(&self) -> Option<Tx<T>> {
        let more = |count: usize| (count > 0).then(|| count + 1);
        // Acquire on failure pairs with the last drop: who learns that all are gone sees what they did.
        self.shared
            .senders
            .fetch_update(Relaxed, Acquire, more)
            .ok()?;
        Some(Tx {
            shared: self.shared.clone(),
        })
    }

    /// How many senders and weak senders there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        self.shared.counts()
    }
}

impl<T> Clone for WeakTx<T> {
    fn clone(&self) -> Self {
        // A count, nothing is published through it.
        self.shared.weak_senders.fetch_add(1, Relaxed);
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<T> Drop for WeakTx<T> {
    fn drop(&mut self) {
        // A count, nothing is published through it.
        self.shared.weak_senders.fetch_sub(1, Relaxed);
    }
}

/// The receiver's hold on the channel.
pub(super) struct Rx<T> {
    /// The channel.
    shared: Arc<Shared<T>>,
}

impl<T> Rx<T> {
    /// The channel.
    pub(super) fn chan(&self) -> &Chan<T> {
        &self.shared.chan
    }

    /// How many senders and weak senders there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        self.shared.counts()
    }
}

impl<T> Drop for Rx<T> {
    fn drop(&mut self) {
        self.shared.chan.abandon();
    }
}

impl<T> Shared<T> {
    /// How many senders and weak senders there are.
    fn counts(&self) -> (usize, usize) {
        // Acquire pairs with the drops: who sees that a sender is gone sees what it sent.
        (self.senders.load(Acquire), self.weak_senders.load(Relaxed))
    }
}
