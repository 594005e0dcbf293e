//! Senders that do not keep the channel open: for those who may send while others do, as a task that sends to itself.

use std::fmt;

use super::handle::WeakTx;
use super::{Sender, UnboundedSender};

/// A [`Sender`] that does not keep the channel open. Made by [`Sender::downgrade`].
///
/// # Examples
///
/// ```
/// # samovar::block_on(async {
/// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
/// let weak = sender.downgrade();
/// weak.upgrade().expect("a sender is there").send(1).await.unwrap();
/// drop(sender);
/// assert!(weak.upgrade().is_none());
/// assert_eq!(receiver.recv().await, Some(1));
/// assert_eq!(receiver.recv().await, None);
/// # });
/// ```
pub struct WeakSender<T> {
    /// The hold on the channel.
    pub(super) weak: WeakTx<T>,
}

/// An [`UnboundedSender`] that does not keep the channel open. Made by [`UnboundedSender::downgrade`].
///
/// # Examples
///
/// ```
/// let (sender, receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
/// let weak = sender.downgrade();
/// drop(sender);
/// assert!(receiver.is_closed());
/// assert!(weak.upgrade().is_none());
/// ```
pub struct WeakUnboundedSender<T> {
    /// The hold on the channel.
    pub(super) weak: WeakTx<T>,
}

impl<T> WeakSender<T> {
    /// A sender, unless the last one is gone.
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::channel::<u64>(1);
    /// let weak = sender.downgrade();
    /// assert!(weak.upgrade().is_some());
    /// drop(sender);
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[must_use = "the sender that is made is dropped at once"]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        self.weak.upgrade().map(|tx| Sender { tx })
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::channel::<u64>(2);
    /// let weak = sender.downgrade();
    /// assert_eq!(weak.strong_count(), 1);
    /// drop(sender);
    /// assert_eq!(weak.strong_count(), 0);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.weak.counts().0
    }

    /// How many weak senders there are, this one included.
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::channel::<u64>(2);
    /// let weak = sender.downgrade();
    /// let _other = weak.clone();
    /// assert_eq!(weak.weak_count(), 2);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.weak.counts().1
    }
}

impl<T> WeakUnboundedSender<T> {
    /// A sender, unless the last one is gone.
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
    /// let weak = sender.downgrade();
    /// assert!(weak.upgrade().is_some());
    /// drop(sender);
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[must_use = "the sender that is made is dropped at once"]
    pub fn upgrade(&self) -> Option<UnboundedSender<T>> {
        self.weak.upgrade().map(|tx| UnboundedSender { tx })
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
    /// let weak = sender.downgrade();
    /// assert_eq!(weak.strong_count(), 1);
    /// drop(sender);
    /// assert_eq!(weak.strong_count(), 0);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.weak.counts().0
    }

    /// How many weak senders there are, this one included.
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
    /// let weak = sender.downgrade();
    /// let _other = weak.clone();
    /// assert_eq!(weak.weak_count(), 2);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.weak.counts().1
    }
}

// By hand: the derived ones would ask the same of `T`.
impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        Self {
            weak: self.weak.clone(),
        }
    }
}

impl<T> Clone for WeakUnboundedSender<T> {
    fn clone(&self) -> Self {
        Self {
            weak: self.weak.clone(),
        }
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("mpsc::WeakSender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for WeakUnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("mpsc::WeakUnboundedSender")
            .finish_non_exhaustive()
    }
}
