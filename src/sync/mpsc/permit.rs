//! Permits: slots of a bounded channel that are promised to their holder.
//!
//! Reserve first, then produce the value: a `send` that is cancelled drops its value, a `reserve` that is cancelled has
//! none to lose. A permit sends without waiting and without failing, even after the receiver has closed the channel.

use std::fmt;
use std::iter::FusedIterator;
use std::mem;

use super::Sender;
use super::chan::Chan;

/// A promised slot. Made by [`Sender::reserve`] and [`Sender::try_reserve`].
///
/// Dropped unused, it gives the slot to the next sender that waits.
///
/// ```
/// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
/// let permit = sender.try_reserve().unwrap();
/// assert!(sender.try_send(1).is_err(), "the slot is promised");
/// permit.send(2);
/// assert_eq!(receiver.try_recv(), Ok(2));
/// ```
#[must_use = "a permit that is dropped gives its slot back: call `send`"]
pub struct Permit<'a, T> {
    /// The channel.
    chan: &'a Chan<T>,
}

impl<'a, T> Permit<'a, T> {
    /// The permit for a slot that is reserved.
    pub(super) fn new(chan: &'a Chan<T>) -> Self {
        Self { chan }
    }

    /// Sends the value in the promised slot.
    ///
    /// A receiver that has closed the channel still gets it; when the receiver is gone the value is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
    /// let permit = sender.reserve().await.unwrap();
    /// assert!(sender.try_send(1).is_err(), "the only slot is promised");
    /// permit.send(2);
    /// assert_eq!(receiver.recv().await, Some(2));
    /// # });
    /// ```
    pub fn send(self, value: T) {
        let chan = self.chan;
        // First: what follows runs foreign code, and a panic of that must not give the slot back a second time.
        mem::forget(self);
        chan.send_reserved(value);
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        self.chan.give_back(1);
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("mpsc::Permit").finish_non_exhaustive()
    }
}

/// Several promised slots, taken one by one. Made by [`Sender::reserve_many`] and [`Sender::try_reserve_many`].
///
/// Those that are not taken go to the next senders that wait.
///
/// ```
/// let (sender, mut receiver) = samovar::sync::mpsc::channel(3);
/// for (number, permit) in sender.try_reserve_many(3).unwrap().enumerate().take(2) {
///     permit.send(number);
/// }
/// assert_eq!((receiver.len(), receiver.capacity()), (2, 1)); // the third was not used
/// ```
#[must_use = "permits that are dropped give their slots back: take them and call `send`"]
pub struct PermitIterator<'a, T> {
    /// The channel.
    chan: &'a Chan<T>,
    /// How many slots are left.
    left: usize,
}

impl<'a, T> PermitIterator<'a, T> {
    /// The permits for slots that are reserved.
    pub(super) fn new(chan: &'a Chan<T>, left: usize) -> Self {
        Self { chan, left }
    }
}

impl<'a, T> Iterator for PermitIterator<'a, T> {
    type Item = Permit<'a, T>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(Permit::new(self.chan))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for PermitIterator<'_, T> {}
impl<T> FusedIterator for PermitIterator<'_, T> {}

impl<T> Drop for PermitIterator<'_, T> {
    fn drop(&mut self) {
        if self.left > 0 {
            self.chan.give_back(self.left);
        }
    }
}

impl<T> fmt::Debug for PermitIterator<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("mpsc::PermitIterator")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// A promised slot that owns its sender. Made by [`Sender::reserve_owned`] and [`Sender::try_reserve_owned`].
///
/// Dropped unused, it gives the slot to the next sender that waits, and drops the sender.
///
/// ```
/// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
/// let permit = sender.try_reserve_owned().unwrap();
/// std::thread::spawn(|| permit.send("from elsewhere"));
/// assert_eq!(receiver.blocking_recv(), Some("from elsewhere"));
/// ```
#[must_use = "a permit that is dropped gives its slot back: call `send`"]
pub struct OwnedPermit<T> {
    /// The sender; gone once it was given back to the user.
    sender: Option<Sender<T>>,
}

impl<T> OwnedPermit<T> {
    /// The permit for a slot that is reserved.
    pub(super) fn new(sender: Sender<T>) -> Self {
        Self {
            sender: Some(sender),
        }
    }

    /// Sends the value in the promised slot, and gives the sender back.
    ///
    /// A receiver that has closed the channel still gets it; when the receiver is gone the value is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
    /// let permit = sender.reserve_owned().await.unwrap();
    /// let sender = permit.send(1);
    /// assert_eq!(receiver.recv().await, Some(1));
    /// drop(sender);
    /// assert_eq!(receiver.recv().await, None);
    /// # });
    /// ```
    pub fn send(mut self, value: T) -> Sender<T> {
        let sender = self.take();
        sender.tx.chan().send_reserved(value);
        sender
    }

    /// Gives the slot back unused, and the sender too.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, _receiver) = samovar::sync::mpsc::channel::<u64>(1);
    /// let permit = sender.reserve_owned().await.unwrap();
    /// let sender = permit.release();
    /// assert_eq!(sender.capacity(), 1);
    /// # });
    /// ```
    pub fn release(mut self) -> Sender<T> {
        let sender = self.take();
        sender.tx.chan().give_back(1);
        sender
    }

    /// Whether both permits are for one channel.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::channel::<u64>(2);
    /// let one = sender.clone().try_reserve_owned().unwrap();
    /// let two = sender.try_reserve_owned().unwrap();
    /// assert!(one.same_channel(&two));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        match (&self.sender, &other.sender) {
            (Some(one), Some(two)) => one.same_channel(two),
            _ => false,
        }
    }

    /// Whether the permit is for the channel of this sender.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::channel::<u64>(2);
    /// let permit = sender.clone().try_reserve_owned().unwrap();
    /// assert!(permit.same_channel_as_sender(&sender));
    /// ```
    pub fn same_channel_as_sender(&self, sender: &Sender<T>) -> bool {
        self.sender
            .as_ref()
            .is_some_and(|own| own.same_channel(sender))
    }

    /// The sender, out of a permit that is about to go.
    fn take(&mut self) -> Sender<T> {
        self.sender
            .take()
            .expect("taken only by the methods that consume the permit")
    }
}

impl<T> Drop for OwnedPermit<T> {
    fn drop(&mut self) {
        if let Some(sender) = &self.sender {
            sender.tx.chan().give_back(1);
        }
    }
}

impl<T> fmt::Debug for OwnedPermit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("mpsc::OwnedPermit").finish_non_exhaustive()
    }
}
