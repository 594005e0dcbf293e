//! The newest value, for all who look: a configuration, a state, "shut down now".
//!
//! [`channel`] gives a [`Sender`] and a [`Receiver`], and both can be cloned. Receivers see the newest value whenever they
//! look, and can wait until it changes; values in between that they did not look at are gone. So a slow receiver costs
//! nothing and misses nothing that still matters.
//!
//! ```
//! use samovar::sync::watch;
//!
//! # samovar::block_on(async {
//! let (sender, mut receiver) = watch::channel("cold");
//! std::thread::spawn(move || sender.send("hot").unwrap());
//! receiver.changed().await.unwrap();
//! assert_eq!(*receiver.borrow_and_update(), "hot");
//! # });
//! ```
//!
//! # How it works
//!
//! A value behind a reader-writer lock, a version that counts the changes, and a list of those who wait. A receiver
//! remembers the version that it saw last; "changed" means that the two differ. The list has a lock of its own, so this must
//! not happen:
//!
//! ```text
//!   receiver                           sender
//!   is the version another? no
//!                                      counts it up; does anybody wait? no
//!   joins the list                     ... and waits for the change after this one
//! ```
//! So a receiver looks at the version with the list locked, and the sender counts up *before* it locks the list: either the
//! receiver sees the new version, or the sender finds it in the list.
//!
//! [`Ref`] holds the reader-writer lock while it lives, and senders wait for it, *blocking their thread*. Look, copy what you
//! need, let go; never keep a [`Ref`] while you send or take another on the same thread. Rejected: a value in an `Arc` that
//! senders replace. It would never block, but neither could `send_modify` change the value in place.

pub mod error;

use std::fmt;
use std::future::Future;
use std::mem;
use std::ops::Deref;
use std::sync::PoisonError;

use crate::shim::atomic::AtomicUsize;
use crate::shim::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::shim::{Arc, Mutex, RwLock, RwLockReadGuard, lock};
use crate::sync::until::until;
use crate::sync::waiters::{Waiters, WakeList};

use self::error::{RecvError, SendError};

/// In the version word: the last sender is gone.
const CLOSED: usize = 1;

/// In the version word: one change.
const CHANGE: usize = 2;

/// Makes a channel with a first value, which the receiver counts as seen.
///
/// # Examples
///
/// ```
/// let (sender, receiver) = samovar::sync::watch::channel(1);
/// sender.send(2).unwrap();
/// assert_eq!(*receiver.borrow(), 2);
/// ```
pub fn channel<T>(init: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(init);
    let receiver = sender.subscribe();
    (sender, receiver)
}

/// What all sides share.
struct Shared<T> {
    /// The value. Poison is ignored: a closure that panicked in `send_modify` leaves what it left.
    value: RwLock<T>,
    /// [`CHANGE`] times the number of changes, wrapping, and [`CLOSED`]. Counted up under the value's write lock.
    version: AtomicUsize,
    /// Guards the lists of those who wait. Never held together with the value's lock.
    waiting: Mutex<Waiting>,
    /// How many receivers there are.
    receivers: AtomicUsize,
    /// How many senders there are.
    senders: AtomicUsize,
}

/// Those who wait.
struct Waiting {
    /// For a change, or the end.
    receivers: Waiters<()>,
    /// For the last receiver to go.
    senders: Waiters<()>,
}

impl<T> Shared<T> {
    /// Locks the value to look at it.
    fn read(&self) -> RwLockReadGuard<'_, T> {
        self.value.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version without the closed bit.
    fn version(&self) -> usize {
        // Acquire pairs with the Release of the change, for those who look without the value's lock.
        self.version.load(Acquire) & !CLOSED
    }

    /// The news since the version `seen`, if there are any; they count as seen.
    fn news(&self, seen: &mut usize) -> Option<Result<(), RecvError>> {
        // Acquire pairs with the Release of the change and of the last sender's drop.
        let word = self.version.load(Acquire);
        let version = word & !CLOSED;
        if version != *seen {
            *seen = version;
            return Some(Ok(()));
        }
        (word & CLOSED != 0).then_some(Err(RecvError(())))
    }

    /// Waits for news since the version `seen`; they count as seen.
    fn changed<'a>(
        &'a self,
        seen: &'a mut usize,
    ) -> impl Future<Output = Result<(), RecvError>> + use<'a, T> {
        until(
            &self.waiting,
            |waiting| &mut waiting.receivers,
            "watch changed",
            |_| self.news(seen),
        )
    }

    /// Wakes all who wait in one of the lists.
    fn wake_all(&self, list: impl FnOnce(&mut Waiting) -> &mut Waiters<()>) {
        let mut wakers = WakeList::new();
        let mut waiting = lock(&self.waiting);
        let list = list(&mut waiting);
        while list.pop_front(&mut wakers).is_some() {}
    }
}

/// Changes the value. Made by [`channel`]; it can be cloned.
///
/// When the last one is dropped, receivers learn that nothing will change any more.
///
/// ```
/// let (price, shown) = samovar::sync::watch::channel(3);
/// let other = price.clone();
/// price.send(4).unwrap();
/// other.send(5).unwrap();
/// assert_eq!(*shown.borrow(), 5);
/// ```
pub struct Sender<T> {
    /// The channel.
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// A channel without a receiver yet; [`subscribe`](Self::subscribe) makes them.
    ///
    /// # Examples
    ///
    /// ```
    /// let sender = samovar::sync::watch::Sender::new(1);
    /// assert_eq!(sender.receiver_count(), 0);
    /// assert_eq!(*sender.subscribe().borrow(), 1);
    /// ```
    pub fn new(init: T) -> Self {
        let waiting = Waiting {
            receivers: Waiters::new(),
            senders: Waiters::new(),
        };
        let shared = Shared {
            value: RwLock::new(init),
            version: AtomicUsize::new(0),
            waiting: Mutex::new(waiting),
            receivers: AtomicUsize::new(0),
            senders: AtomicUsize::new(1),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Replaces the value and wakes those who wait for a change.
    ///
    /// # Errors
    ///
    /// Gives the value back, unused, when there is no receiver; [`send_replace`](Self::send_replace) puts it in all the
    /// same.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// drop(receiver);
    /// assert_eq!(sender.send(3).unwrap_err().0, 3);
    /// ```
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.is_closed() {
            return Err(SendError(value));
        }
        drop(self.send_replace(value));
        Ok(())
    }

    /// Changes the value in place and wakes those who wait for a change, whether there are receivers or not.
    ///
    /// # Panics
    ///
    /// When `modify` does. The value stays as `modify` left it, and nobody is told.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::watch::channel(vec![1]);
    /// sender.send_modify(|list| list.push(2));
    /// assert_eq!(*receiver.borrow(), [1, 2]);
    /// ```
    pub fn send_modify(&self, modify: impl FnOnce(&mut T)) {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    /// Changes the value in place; those who wait are woken only if `modify` says `true`, which is also returned.
    ///
    /// `modify` runs with the value locked: it must not use this channel.
    ///
    /// # Panics
    ///
    /// When `modify` does. The value stays as `modify` left it, and nobody is told.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::watch::channel(1);
    /// let raise = |value: &mut u64| {
    ///     let low = *value < 2;
    ///     *value = (*value).max(2);
    ///     low
    /// };
    /// assert!(sender.send_if_modified(raise));
    /// assert!(!sender.send_if_modified(raise));
    /// ```
    pub fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        let mut value = self
            .shared
            .value
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if !modify(&mut value) {
            return false;
        }
        // Under the lock, so that a reader's value and version belong together. Release pairs with `Shared::version`.
        self.shared.version.fetch_add(CHANGE, Release);
        drop(value);
        self.shared.wake_all(|waiting| &mut waiting.receivers);
        true
    }

    /// Replaces the value, whether there are receivers or not, and returns the one before.
    ///
    /// # Examples
    ///
    /// ```
    /// let sender = samovar::sync::watch::Sender::new(1);
    /// assert_eq!(sender.send_replace(2), 1);
    /// assert_eq!(*sender.borrow(), 2);
    /// ```
    pub fn send_replace(&self, mut value: T) -> T {
        self.send_modify(|current| mem::swap(current, &mut value));
        value
    }

    /// Looks at the value. Senders wait while the [`Ref`] lives, so let it go soon.
    ///
    /// ```
    /// let (price, _shown) = samovar::sync::watch::channel(3);
    /// assert_eq!(*price.borrow(), 3);
    /// ```
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref {
            value: self.shared.read(),
            has_changed: false,
        }
    }

    /// One receiver more, which counts the value as seen.
    ///
    /// # Examples
    ///
    /// ```
    /// let sender = samovar::sync::watch::Sender::new(1);
    /// let receiver = sender.subscribe();
    /// sender.send(2).unwrap();
    /// assert!(receiver.has_changed().unwrap());
    /// ```
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(self.shared.clone(), self.shared.version())
    }

    /// Whether there is no receiver.
    ///
    /// ```
    /// let (price, shown) = samovar::sync::watch::channel(3);
    /// assert!(!price.is_closed());
    /// drop(shown);
    /// assert!(price.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// Waits until there is no receiver.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, receiver) = samovar::sync::watch::channel(1);
    /// std::thread::spawn(move || drop(receiver));
    /// sender.closed().await;
    /// # });
    /// ```
    pub async fn closed(&self) {
        until(
            &self.shared.waiting,
            |waiting| &mut waiting.senders,
            "watch closed",
            |_| self.is_closed().then_some(()),
        )
        .await;
    }

    /// How many receivers there are.
    ///
    /// ```
    /// let (price, shown) = samovar::sync::watch::channel(3);
    /// let _second = shown.clone();
    /// assert_eq!(price.receiver_count(), 2);
    /// ```
    pub fn receiver_count(&self) -> usize {
        // Acquire pairs with the receivers' drops.
        self.shared.receivers.load(Acquire)
    }

    /// How many senders there are, this one included.
    ///
    /// ```
    /// let (price, _shown) = samovar::sync::watch::channel(3);
    /// let other = price.clone();
    /// assert_eq!(price.sender_count(), 2);
    /// drop(other);
    /// assert_eq!(price.sender_count(), 1);
    /// ```
    pub fn sender_count(&self) -> usize {
        // A count, for the curious.
        self.shared.senders.load(Relaxed)
    }

    /// Whether both send to one channel.
    ///
    /// ```
    /// let (price, _shown) = samovar::sync::watch::channel(3);
    /// let other = samovar::sync::watch::Sender::new(3);
    /// assert!(price.same_channel(&price.clone()));
    /// assert!(!price.same_channel(&other), "though the values are equal");
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        // A count: this sender keeps it above zero.
        self.shared.senders.fetch_add(1, Relaxed);
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<T: Default> Default for Sender<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // AcqRel: what each sender did is before the end; the partners are the other senders' drops.
        if self.shared.senders.fetch_sub(1, AcqRel) == 1 {
            // Release pairs with the loads in `news` and `has_changed`.
            self.shared.version.fetch_or(CLOSED, Release);
            self.shared.wake_all(|waiting| &mut waiting.receivers);
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("watch::Sender")
            .field("receiver_count", &self.receiver_count())
            .finish_non_exhaustive()
    }
}

/// Looks at the value, and waits for changes. Made by [`channel`] and [`Sender::subscribe`]; a clone has seen what its
/// original has.
///
/// ```
/// # samovar::block_on(async {
/// let (price, mut shown) = samovar::sync::watch::channel(3);
/// std::thread::spawn(move || (4..9).for_each(|new| price.send(new).unwrap()));
/// // Until the sender is gone. It sees the last price, and maybe some before.
/// while shown.changed().await.is_ok() {
///     println!("{}", *shown.borrow_and_update());
/// }
/// assert_eq!(*shown.borrow(), 8);
/// # });
/// ```
pub struct Receiver<T> {
    /// The channel.
    shared: Arc<Shared<T>>,
    /// The version that was seen last.
    version: usize,
}

impl<T> Receiver<T> {
    /// One receiver more, which has seen everything up to `version`.
    fn new(shared: Arc<Shared<T>>, version: usize) -> Self {
        // A count, nothing is published through it.
        shared.receivers.fetch_add(1, Relaxed);
        Self { shared, version }
    }

    /// Looks at the value, without counting it as seen. Senders wait while the [`Ref`] lives, so let it go soon.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::watch::channel(1);
    /// assert_eq!(*receiver.borrow(), 1);
    /// # drop(sender);
    /// ```
    pub fn borrow(&self) -> Ref<'_, T> {
        let value = self.shared.read();
        Ref {
            value,
            has_changed: self.shared.version() != self.version,
        }
    }

    /// Looks at the value and counts it as seen. Senders wait while the [`Ref`] lives, so let it go soon.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = samovar::sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert!(receiver.borrow_and_update().has_changed());
    /// assert!(!receiver.borrow_and_update().has_changed());
    /// ```
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let value = self.shared.read();
        let version = self.shared.version();
        let seen = mem::replace(&mut self.version, version);
        Ref {
            value,
            has_changed: seen != version,
        }
    }

    /// Waits until the value is one that has not been seen, and counts it as seen.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when everything has been seen and the last sender is gone.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, nothing counts as seen.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// drop(sender);
    /// assert!(receiver.changed().await.is_ok());
    /// assert!(receiver.changed().await.is_err());
    /// # });
    /// ```
    pub async fn changed(&mut self) -> Result<(), RecvError> {
        self.shared.changed(&mut self.version).await
    }

    /// Waits until `condition` holds for the value, and counts as seen all that it was asked about.
    ///
    /// `condition` runs with the value locked: it must not use this channel.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when it does not hold for the last value, and the last sender is gone.
    ///
    /// # Panics
    ///
    /// When `condition` does.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, values that `condition` rejected count as seen.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::watch::channel(20);
    /// std::thread::spawn(move || (21..=100).for_each(|degrees| sender.send(degrees).unwrap_or(())));
    /// assert!(*receiver.wait_for(|degrees| *degrees > 90).await.unwrap() > 90);
    /// # });
    /// ```
    pub async fn wait_for(
        &mut self,
        mut condition: impl FnMut(&T) -> bool,
    ) -> Result<Ref<'_, T>, RecvError> {
        let Self { shared, version } = self;
        let mut end = Ok(());
        loop {
            {
                let value = shared.read();
                let newest = shared.version();
                let has_changed = mem::replace(version, newest) != newest;
                // After the end there is nothing new to ask about, unless it came just before.
                if (end.is_ok() || has_changed) && condition(&value) {
                    return Ok(Ref { value, has_changed });
                }
            }
            end?;
            end = shared.changed(version).await;
        }
    }

    /// Whether the value is one that has not been seen.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the last sender is gone, even if there is something to see.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = samovar::sync::watch::channel(1);
    /// assert!(!receiver.has_changed().unwrap());
    /// sender.send(2).unwrap();
    /// assert!(receiver.has_changed().unwrap());
    /// ```
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        // Acquire pairs with the Release of the change and of the last sender's drop.
        let version = self.shared.version.load(Acquire);
        if version & CLOSED != 0 {
            return Err(RecvError(()));
        }
        Ok(version != self.version)
    }

    /// Whether the last sender is gone.
    ///
    /// ```
    /// let (price, shown) = samovar::sync::watch::channel(3);
    /// drop(price);
    /// assert!(shown.is_closed());
    /// assert_eq!(*shown.borrow(), 3, "the last value stays");
    /// ```
    pub fn is_closed(&self) -> bool {
        // Acquire pairs with the Release of the last sender's drop.
        self.shared.version.load(Acquire) & CLOSED != 0
    }

    /// Counts the value as not seen, so that [`changed`](Self::changed) returns at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (_sender, mut receiver) = samovar::sync::watch::channel(1);
    /// receiver.mark_changed();
    /// receiver.changed().await.unwrap();
    /// # });
    /// ```
    pub fn mark_changed(&mut self) {
        self.version = self.version.wrapping_sub(CHANGE);
    }

    /// Counts the value as seen.
    ///
    /// ```
    /// let (price, mut shown) = samovar::sync::watch::channel(3);
    /// price.send(4).unwrap();
    /// shown.mark_unchanged();
    /// assert!(!shown.has_changed().unwrap());
    /// ```
    pub fn mark_unchanged(&mut self) {
        self.version = self.shared.version();
    }

    /// Whether both look at one channel.
    ///
    /// ```
    /// let (price, shown) = samovar::sync::watch::channel(3);
    /// let (_other, others) = samovar::sync::watch::channel(3);
    /// assert!(shown.same_channel(&price.subscribe()));
    /// assert!(!shown.same_channel(&others), "though the values are equal");
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone(), self.version)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // Release pairs with `receiver_count`: who sees that a receiver is gone sees what it did.
        if self.shared.receivers.fetch_sub(1, Release) == 1 {
            self.shared.wake_all(|waiting| &mut waiting.senders);
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("watch::Receiver")
            .field("has_changed", &self.has_changed())
            .finish_non_exhaustive()
    }
}

/// A look at the value. Senders block while it lives; it cannot be sent to another thread.
///
/// ```
/// let (_price, shown) = samovar::sync::watch::channel(vec![3, 4]);
/// let highest = shown.borrow().iter().copied().max(); // a copy; the `Ref` is gone
/// assert_eq!(highest, Some(4));
/// ```
#[derive(Debug)]
pub struct Ref<'a, T> {
    /// The lock.
    value: RwLockReadGuard<'a, T>,
    /// Whether the receiver had not seen this value before.
    has_changed: bool,
}

impl<T> Ref<'_, T> {
    /// Whether the receiver that made it had not seen this value before. Always `false` from a sender.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert!(receiver.borrow().has_changed());
    /// ```
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
