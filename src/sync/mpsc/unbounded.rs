//! The unbounded channel's two ends: the bounded one with more slots than memory can fill.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use super::WeakUnboundedSender;
use super::error::{SendError, TryRecvError};
use super::handle::{self, Rx, Tx};

/// Makes a channel without a limit: sending never waits, and memory is the limit.
///
/// # Examples
///
/// ```
/// use samovar::sync::mpsc;
///
/// # samovar::block_on(async {
/// let (sender, mut receiver) = mpsc::unbounded_channel();
/// sender.send("one").unwrap();
/// assert_eq!(receiver.recv().await, Some("one"));
/// # });
/// ```
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    let (tx, rx) = handle::channel(usize::MAX);
    (UnboundedSender { tx }, UnboundedReceiver { rx })
}

/// Sends to an unbounded channel. Made by [`unbounded_channel`]; clone it for every task that sends.
///
/// ```
/// let (sender, mut receiver) = samovar::sync::mpsc::unbounded_channel();
/// let other = sender.clone();
/// sender.send("one").unwrap();
/// other.send("two").unwrap();
/// assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok("one"), Ok("two")));
/// ```
pub struct UnboundedSender<T> {
    /// The hold on the channel.
    pub(super) tx: Tx<T>,
}

impl<T> UnboundedSender<T> {
    /// Sends a value. Needs no async code, for it never waits.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value when the receiver is dropped or closed.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = samovar::sync::mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// drop(receiver);
    /// assert_eq!(sender.send(2).unwrap_err().0, 2);
    /// ```
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.tx
            .chan()
            .try_send(value)
            .map_err(|error| SendError(error.into_inner()))
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
    /// let (sender, receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
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
    /// let (sender, receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
    /// assert!(!sender.is_closed());
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.tx.chan().is_closed()
    }

    /// Whether both send to one channel.
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
    /// let (other, _others) = samovar::sync::mpsc::unbounded_channel::<u64>();
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
    /// let (sender, mut receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
    /// let weak = sender.downgrade();
    /// drop(sender);
    /// assert_eq!(receiver.recv().await, None);
    /// # drop(weak);
    /// # });
    /// ```
    #[must_use = "the weak sender is dropped at once, and this one goes on"]
    pub fn downgrade(&self) -> WeakUnboundedSender<T> {
        WeakUnboundedSender {
            weak: self.tx.downgrade(),
        }
    }

    /// How many senders there are, this one included.
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
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
    /// let (sender, _receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
    /// assert_eq!(sender.weak_count(), 0);
    /// let _weak = sender.downgrade();
    /// assert_eq!(sender.weak_count(), 1);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.tx.counts().1
    }
}

impl<T> Clone for UnboundedSender<T> {
    fn clone(&self) -> Self {
        Self {
            tx: self.tx.clone(),
        }
    }
}

impl<T> fmt::Debug for UnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("mpsc::UnboundedSender")
            .field("is_closed", &self.is_closed())
            .finish()
    }
}

/// Receives from an unbounded channel. Made by [`unbounded_channel`].
///
/// Dropping it closes the channel, and drops what is queued.
///
/// ```
/// let (sender, mut receiver) = samovar::sync::mpsc::unbounded_channel();
/// std::thread::spawn(move || (1..=3).for_each(|cup| sender.send(cup).unwrap()));
/// samovar::block_on(async {
///     let mut cups = 0;
///     while let Some(cup) = receiver.recv().await {
///         cups += cup;
///     }
///     assert_eq!(cups, 6);
/// });
/// ```
pub struct UnboundedReceiver<T> {
    /// The hold on the channel.
    rx: Rx<T>,
}

impl<T> UnboundedReceiver<T> {
    /// Waits for the next value. `None` means that none will come: the channel is empty, and the last sender is gone or
    /// the channel was [closed](Self::close).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped: a value is taken only when it is returned.
    ///
    /// # Examples
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
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
    /// let (sender, mut receiver) = samovar::sync::mpsc::unbounded_channel();
    /// for number in 1..=3 {
    ///     sender.send(number).unwrap();
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
    /// let (sender, mut receiver) = mpsc::unbounded_channel::<u64>();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// drop(sender);
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
    /// let (sender, mut receiver) = samovar::sync::mpsc::unbounded_channel();
    /// std::thread::spawn(move || sender.send(1).unwrap());
    /// assert_eq!(receiver.blocking_recv(), Some(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<T> {
        crate::context::forbid_blocking("mpsc::UnboundedReceiver::blocking_recv");
        crate::block_on(self.recv())
    }

    /// [`recv_many`](Self::recv_many) for a thread that runs no async code.
    ///
    /// # Panics
    ///
    /// Inside async code, where it would block the worker.
    ///
    /// ```
    /// let (sender, mut receiver) = samovar::sync::mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// let mut numbers = Vec::new();
    /// assert_eq!(receiver.blocking_recv_many(&mut numbers, 9), 1);
    /// assert_eq!(numbers, [1]);
    /// ```
    #[track_caller]
    pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        crate::context::forbid_blocking("mpsc::UnboundedReceiver::blocking_recv_many");
        crate::block_on(self.recv_many(buffer, limit))
    }

    /// [`recv`](Self::recv) for futures written by hand. Only the task of the newest call is woken.
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
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
    /// let (sender, mut receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
    /// sender.send(1).unwrap();
    /// sender.send(2).unwrap();
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

    /// Lets nobody send any more. What is queued can still be received.
    ///
    /// ```
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = samovar::sync::mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// receiver.close();
    /// assert!(sender.send(2).is_err());
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
    /// let (sender, receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
    /// sender.send(1).unwrap();
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
    /// let (sender, receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
    /// assert!(receiver.is_empty());
    /// sender.send(1).unwrap();
    /// assert!(!receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values are queued.
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// assert_eq!((receiver.len(), receiver.is_empty()), (1, false));
    /// ```
    pub fn len(&self) -> usize {
        self.rx.chan().len()
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
    /// let _other = sender.clone();
    /// assert_eq!(receiver.sender_strong_count(), 2);
    /// ```
    pub fn sender_strong_count(&self) -> usize {
        self.rx.counts().0
    }

    /// How many weak senders there are.
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::mpsc::unbounded_channel::<u64>();
    /// let _weak = sender.downgrade();
    /// assert_eq!((receiver.sender_strong_count(), receiver.sender_weak_count()), (1, 1));
    /// ```
    pub fn sender_weak_count(&self) -> usize {
        self.rx.counts().1
    }
}

impl<T> fmt::Debug for UnboundedReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("mpsc::UnboundedReceiver")
            .field("len", &self.len())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}
