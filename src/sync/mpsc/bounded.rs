//! The bounded channel's two ends. The work is done in `chan.rs`.
//!
//! The unbounded ones have much the same methods. A generic sender and receiver would say them once, and show their type
//! parameter to everybody.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use super::error::{SendError, SendTimeoutError, TryRecvError, TrySendError};
use super::handle::{self, Rx, Tx};
use super::{OwnedPermit, Permit, PermitIterator, WeakSender};
use crate::time::Duration;

/// Makes a channel that holds up to `capacity` values; when it is full, senders wait.
///
/// Memory is taken as it fills, so a large capacity costs nothing by itself.
///
/// # Panics
///
/// When `capacity` is zero.
///
/// # Examples
///
/// ```
/// use samovar::sync::mpsc;
///
/// # samovar::block_on(async {
/// let (sender, mut receiver) = mpsc::channel(2);
/// sender.send("one").await.unwrap();
/// sender.send("two").await.unwrap();
/// assert!(sender.try_send("three").is_err());
/// assert_eq!(receiver.recv().await, Some("one"));
/// # });
/// ```
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(
        capacity > 0,
        "the capacity of an mpsc channel must be at least 1: nothing could ever be sent"
    );
    let (tx, rx) = handle::channel(capacity);
    (Sender { tx }, Receiver { rx })
}

/// Sends to a bounded channel. Made by [`channel`]; clone it for every task that sends.
///
/// ```
/// # samovar::block_on(async {
/// let (sender, mut receiver) = samovar::sync::mpsc::channel(4);
/// for cup in 1..=3 {
///     let sender = sender.clone();
///     std::thread::spawn(move || sender.blocking_send(cup).unwrap());
/// }
/// drop(sender); // or the receiver would wait for what this one may send
/// let mut cups = 0;
/// while let Some(cup) = receiver.recv().await {
///     cups += cup;
/// }
/// assert_eq!(cups, 6);
/// # });
/// ```
pub struct Sender<T> {
    /// The hold on the channel.
    pub(super) tx: Tx<T>,
}

impl<T> Sender<T> {
    /// Sends a value, waiting for a slot when the channel is full.
    ///
    /// `Ok` means that it is queued, not that it will be looked at.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value when the receiver is dropped or closed.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the value is not sent and is dropped with it, and the place in the queue is lost. Use
    /// [`reserve`](Self::reserve) to keep the value.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
    /// sender.send(7).await.unwrap();
    /// assert_eq!(receiver.recv().await, Some(7));
    /// drop(receiver);
    /// assert_eq!(sender.send(8).await.unwrap_err().0, 8);
    /// # });
    /// ```
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.tx.chan().send(value).await
    }

    /// Sends a value if a slot is free.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] or [`TrySendError::Closed`], with the value.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::mpsc::{self, error::TrySendError};
    ///
    /// let (sender, receiver) = mpsc::channel(1);
    /// assert_eq!(sender.try_send(1), Ok(()));
    /// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    /// drop(receiver);
    /// assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
    /// ```
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.tx.chan().try_send(value)
    }

    /// Sends a value, waiting for a slot for `timeout` at most.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError::Timeout`] or [`SendTimeoutError::Closed`], with the value.
    ///
    /// # Panics
    ///
    /// Outside a runtime: the time is its own.
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::mpsc::{self, error::SendTimeoutError};
    /// use samovar::time::Duration;
    ///
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let (sender, _receiver) = mpsc::channel(1);
    /// sender.send(1).await.unwrap();
    /// let late = sender.send_timeout(2, Duration::from_millis(5)).await;
    /// assert_eq!(late, Err(SendTimeoutError::Timeout(2)));
    /// # });
    /// ```
    pub async fn send_timeout(
        &self,
        value: T,
        timeout: Duration,
    ) -> Result<(), SendTimeoutError<T>> {
        match crate::time::timeout(timeout, self.reserve()).await {
            Ok(Ok(permit)) => {
                permit.send(value);
                Ok(())
            }
            Ok(Err(SendError(()))) => Err(SendTimeoutError::Closed(value)),
            Err(_elapsed) => Err(SendTimeoutError::Timeout(value)),
        }
    }

    /// Sends a value from a thread that runs no async code, blocking it while the channel is full.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value when the receiver is dropped or closed.
    ///
    /// # Panics
    ///
    /// Inside async code, where it would block the worker.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
    /// std::thread::spawn(move || sender.blocking_send(1).unwrap());
    /// assert_eq!(receiver.blocking_recv(), Some(1));
    /// ```
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        crate::context::forbid_blocking("mpsc::Sender::blocking_send");
        crate::block_on(self.send(value))
    }

    /// Waits for a slot, and holds it until the value is ready.
    ///
    /// # Errors
    ///
    /// [`SendError`] when the receiver is dropped or closed.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, only the place in the queue is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
    /// let permit = sender.reserve().await.unwrap();
    /// permit.send(1); // Neither waits nor fails.
    /// assert_eq!(receiver.recv().await, Some(1));
    /// # });
    /// ```
    pub async fn reserve(&self) -> Result<Permit<'_, T>, SendError<()>> {
        let chan = self.tx.chan();
        chan.reserve(1).await?;
        Ok(Permit::new(chan))
    }

    /// Waits for `n` slots. While it waits, slots that come free are its own, and later senders do not overtake it.
    ///
    /// # Errors
    ///
    /// [`SendError`] when the receiver is dropped or closed, or when the channel has less than `n` slots.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, only the place in the queue is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(2);
    /// for (number, permit) in sender.reserve_many(2).await.unwrap().enumerate() {
    ///     permit.send(number);
    /// }
    /// assert_eq!(receiver.recv().await, Some(0));
    /// assert_eq!(receiver.recv().await, Some(1));
    /// # });
    /// ```
    pub async fn reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, SendError<()>> {
        let chan = self.tx.chan();
        if n > chan.capacity {
            return Err(SendError(()));
        }
        chan.reserve(n).await?;
        Ok(PermitIterator::new(chan, n))
    }

    /// [`reserve`](Self::reserve) with a permit that owns the sender, and gives it back when it sends.
    ///
    /// # Errors
    ///
    /// [`SendError`] when the receiver is dropped or closed; the sender is dropped then.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the sender is dropped with it: clone it first.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
    /// let permit = sender.reserve_owned().await.unwrap();
    /// let _sender = permit.send(1);
    /// assert_eq!(receiver.recv().await, Some(1));
    /// # });
    /// ```
    pub async fn reserve_owned(self) -> Result<OwnedPermit<T>, SendError<()>> {
        self.tx.chan().reserve(1).await?;
        Ok(OwnedPermit::new(self))
    }

    /// Takes a slot if one is free.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] or [`TrySendError::Closed`].
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
    /// let permit = sender.try_reserve().unwrap();
    /// assert!(sender.try_reserve().is_err());
    /// permit.send(1);
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        let chan = self.tx.chan();
        chan.try_reserve(1)?;
        Ok(Permit::new(chan))
    }

    /// Takes `n` slots if so many are free.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] or [`TrySendError::Closed`].
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::channel::<u64>(3);
    /// let permits = sender.try_reserve_many(2).unwrap();
    /// assert_eq!((permits.len(), sender.capacity()), (2, 1));
    /// ```
    pub fn try_reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, TrySendError<()>> {
        let chan = self.tx.chan();
        chan.try_reserve(n)?;
        Ok(PermitIterator::new(chan, n))
    }

    /// [`try_reserve`](Self::try_reserve) with a permit that owns the sender.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] or [`TrySendError::Closed`], with the sender.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
    /// let permit = sender.clone().try_reserve_owned().unwrap();
    /// assert!(sender.try_reserve_owned().is_err());
    /// permit.send(1);
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Self>> {
        match self.tx.chan().try_reserve(1) {
            Ok(()) => Ok(OwnedPermit::new(self)),
            Err(TrySendError::Full(())) => Err(TrySendError::Full(self)),
            Err(TrySendError::Closed(())) => Err(TrySendError::Closed(self)),
        }
    }

    /// Waits until the receiver is dropped or closed.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, receiver) = samovar::sync::mpsc::channel::<u64>(1);
    /// drop(receiver);
    /// sender.closed().await;
    /// # });
    /// ```
    pub async fn closed(&self) {
        self.tx.chan().closed().await;
    }

    /// Whether the receiver is dropped or closed, so that sending would fail.
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::mpsc::channel::<u64>(2);
    /// assert!(!sender.is_closed());
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.tx.chan().is_closed()
    }

    /// How many values could be sent now without waiting: slots that are neither filled nor promised.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::channel(5);
    /// sender.try_send(1).unwrap();
    /// let _permit = sender.try_reserve().unwrap();
    /// assert_eq!((sender.capacity(), sender.max_capacity()), (3, 5));
    /// ```
    pub fn capacity(&self) -> usize {
        self.tx.chan().free()
    }

    /// How many slots the channel was made with.
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::channel(5);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(sender.max_capacity(), 5, "a filled slot counts too");
    /// ```
    pub fn max_capacity(&self) -> usize {
        self.tx.chan().capacity
    }

    /// Whether both send to one channel.
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::channel::<u64>(2);
    /// let (other, _others) = samovar::sync::mpsc::channel::<u64>(2);
    /// assert!(sender.same_channel(&sender.clone()));
    /// assert!(!sender.same_channel(&other));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        self.tx.same_channel(&other.tx)
    }

    /// A sender that does not keep the channel open.
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel::<u64>(1);
    /// let weak = sender.downgrade();
    /// assert_eq!((sender.strong_count(), sender.weak_count()), (1, 1));
    /// drop(sender);
    /// assert_eq!(receiver.recv().await, None);
    /// # drop(weak);
    /// # });
    /// ```
    #[must_use = "the weak sender is dropped at once, and this one goes on"]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender {
            weak: self.tx.downgrade(),
        }
    }

    /// How many senders there are, this one included.
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::channel::<u64>(2);
    /// let other = sender.clone();
    /// assert_eq!(sender.strong_count(), 2);
    /// drop(other);
    /// assert_eq!(sender.strong_count(), 1);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.tx.counts().0
    }

    /// How many weak senders there are.
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::channel::<u64>(2);
    /// assert_eq!(sender.weak_count(), 0);
    /// let _weak = sender.downgrade();
    /// assert_eq!(sender.weak_count(), 1);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.tx.counts().1
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self {
            tx: self.tx.clone(),
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("mpsc::Sender")
            .field("capacity", &self.capacity())
            .field("max_capacity", &self.max_capacity())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}

/// Receives from a bounded channel. Made by [`channel`].
///
/// Dropping it closes the channel, and drops what is queued.
///
/// ```
/// let (sender, mut receiver) = samovar::sync::mpsc::channel(4);
/// std::thread::spawn(move || (1..=3).for_each(|cup| sender.blocking_send(cup).unwrap()));
/// samovar::block_on(async {
///     while let Some(cup) = receiver.recv().await {
///         println!("cup {cup}");
///     }
/// });
/// ```
pub struct Receiver<T> {
    /// The hold on the channel.
    rx: Rx<T>,
}

impl<T> Receiver<T> {
    /// Waits for the next value. `None` means that none will come: the channel is empty, and the last sender is gone, or
    /// the channel was [closed](Self::close) and no permit is left.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped: a value is taken only when it is returned.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
    /// sender.send(1).await.unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.recv().await, Some(1));
    /// assert_eq!(receiver.recv().await, None);
    /// # });
    /// ```
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Waits for values and puts up to `limit` of them at the end of `buffer`; how many. Zero means that none will come,
    /// or that `limit` is zero.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(3);
    /// for number in 1..=3 {
    ///     sender.send(number).await.unwrap();
    /// }
    /// let mut numbers = Vec::new();
    /// assert_eq!(receiver.recv_many(&mut numbers, 2).await, 2);
    /// assert_eq!(numbers, [1, 2]);
    /// # });
    /// ```
    pub async fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        poll_fn(|cx| self.poll_recv_many(cx, buffer, limit)).await
    }

    /// The next value, if there is one.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] when something may come yet, [`TryRecvError::Disconnected`] when not.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::mpsc::{self, error::TryRecvError};
    ///
    /// let (sender, mut receiver) = mpsc::channel(1);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.try_send(1).unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.rx.chan().try_recv()
    }

    /// [`recv`](Self::recv) for a thread that runs no async code.
    ///
    /// # Panics
    ///
    /// Inside async code, where it would block the worker.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.blocking_recv(), Some(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<T> {
        crate::context::forbid_blocking("mpsc::Receiver::blocking_recv");
        crate::block_on(self.recv())
    }

    /// [`recv_many`](Self::recv_many) for a thread that runs no async code.
    ///
    /// # Panics
    ///
    /// Inside async code, where it would block the worker.
    ///
    /// ```
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
    /// sender.try_send(1).unwrap();
    /// let mut numbers = Vec::new();
    /// assert_eq!(receiver.blocking_recv_many(&mut numbers, 9), 1);
    /// assert_eq!(numbers, [1]);
    /// ```
    #[track_caller]
    pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        crate::context::forbid_blocking("mpsc::Receiver::blocking_recv_many");
        crate::block_on(self.recv_many(buffer, limit))
    }

    /// [`recv`](Self::recv) for futures written by hand. Only the task of the newest call is woken.
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(1);
    /// sender.try_send(1).unwrap();
    /// let next = std::future::poll_fn(|cx| receiver.poll_recv(cx)).await;
    /// assert_eq!(next, Some(1));
    /// # });
    /// ```
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.rx.chan().poll_recv(cx)
    }

    /// [`recv_many`](Self::recv_many) for futures written by hand. Only the task of the newest call is woken.
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel::<u64>(2);
    /// sender.try_send(1).unwrap();
    /// sender.try_send(2).unwrap();
    /// let mut numbers = Vec::new();
    /// let count = std::future::poll_fn(|cx| receiver.poll_recv_many(cx, &mut numbers, 9)).await;
    /// assert_eq!((count, numbers), (2, vec![1, 2]));
    /// # });
    /// ```
    pub fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        self.rx.chan().poll_recv_many(cx, buffer, limit)
    }

    /// Lets nobody send any more, except those who hold a permit. What is queued can still be received.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(2);
    /// sender.send(1).await.unwrap();
    /// receiver.close();
    /// assert!(sender.send(2).await.is_err());
    /// assert_eq!(receiver.recv().await, Some(1));
    /// assert_eq!(receiver.recv().await, None);
    /// # });
    /// ```
    pub fn close(&mut self) {
        self.rx.chan().close();
    }

    /// Whether the channel was closed, or the last sender is gone. Values may still be queued.
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::mpsc::channel::<u64>(2);
    /// sender.try_send(1).unwrap();
    /// assert!(!receiver.is_closed());
    /// drop(sender);
    /// assert!(receiver.is_closed());
    /// assert_eq!(receiver.len(), 1, "what was sent is still there");
    /// ```
    pub fn is_closed(&self) -> bool {
        self.rx.chan().is_ended()
    }

    /// Whether nothing is queued.
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::mpsc::channel::<u64>(2);
    /// assert!(receiver.is_empty());
    /// sender.try_send(1).unwrap();
    /// assert!(!receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values are queued.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::mpsc::channel(5);
    /// sender.try_send(1).unwrap();
    /// assert_eq!((receiver.len(), receiver.capacity(), receiver.max_capacity()), (1, 4, 5));
    /// ```
    pub fn len(&self) -> usize {
        self.rx.chan().len()
    }

    /// How many values could be sent now without waiting: slots that are neither filled nor promised.
    ///
    /// ```
    /// let (sender, mut receiver) = samovar::sync::mpsc::channel(5);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.capacity(), 4);
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.capacity(), 5);
    /// ```
    pub fn capacity(&self) -> usize {
        self.rx.chan().free()
    }

    /// How many slots the channel was made with.
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::mpsc::channel(5);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.max_capacity(), 5, "a filled slot counts too");
    /// ```
    pub fn max_capacity(&self) -> usize {
        self.rx.chan().capacity
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::mpsc::channel::<u64>(2);
    /// let _other = sender.clone();
    /// assert_eq!(receiver.sender_strong_count(), 2);
    /// ```
    pub fn sender_strong_count(&self) -> usize {
        self.rx.counts().0
    }

    /// How many weak senders there are.
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::mpsc::channel::<u64>(2);
    /// let _weak = sender.downgrade();
    /// assert_eq!((receiver.sender_strong_count(), receiver.sender_weak_count()), (1, 1));
    /// ```
    pub fn sender_weak_count(&self) -> usize {
        self.rx.counts().1
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("mpsc::Receiver")
            .field("len", &self.len())
            .field("max_capacity", &self.max_capacity())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}
