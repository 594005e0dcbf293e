//! Every value, for everybody: what one sends, all receivers get.
//!
//! [`channel`] gives a [`Sender`] and a [`Receiver`]; senders are cloned, further receivers come from
//! [`Sender::subscribe`] and see what is sent from then on. The channel keeps a value until all have seen it, but no more
//! values than its capacity: then the oldest goes, and a receiver that had not seen it learns with
//! [`RecvError::Lagged`] how many it missed. So one slow receiver cannot stop the others, and
//! sending never waits.
//!
//! ```
//! use samovar::sync::broadcast;
//!
//! # samovar::block_on(async {
//! let (sender, mut one) = broadcast::channel(16);
//! let mut two = sender.subscribe();
//! sender.send("tea is ready").unwrap();
//! assert_eq!(one.recv().await, Ok("tea is ready"));
//! assert_eq!(two.recv().await, Ok("tea is ready"));
//! # });
//! ```
//!
//! # How it works
//!
//! One queue under one lock. Each value has a number and the count of those who have not seen it; a receiver is the number
//! of its next value. Who has not seen a value has not seen the later ones either, so the counts only grow from the front
//! to the back, and what all have seen is always at the front.
//!
//! Values are in an `Arc`: cloning one is the user's code, which may panic or use this channel, so it happens after the
//! lock. Rejected: Tokio's lock per slot, which saves the allocation and clones under a lock.

pub mod error;

use std::collections::VecDeque;
use std::fmt;
// The values' own; no model looks inside.
use std::sync::Arc as Value;

use crate::shim::atomic::AtomicUsize;
use crate::shim::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::shim::{Arc, Mutex, lock};
use crate::sync::one_by_one::one_by_one;
use crate::sync::until::until;
use crate::sync::waiters::{Waiters, WakeList};

use self::error::{RecvError, SendError, TryRecvError};

/// Makes a channel that keeps up to `capacity` values for those who have not seen them.
///
/// Memory is taken as it fills.
///
/// # Panics
///
/// When `capacity` is zero, or more than `usize::MAX / 2`.
///
/// # Examples
///
/// ```
/// use samovar::sync::broadcast::{self, error::TryRecvError};
///
/// let (sender, mut receiver) = broadcast::channel(2);
/// for number in 1..=3 {
///     sender.send(number).unwrap();
/// }
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
/// assert_eq!(receiver.try_recv(), Ok(2));
/// ```
#[track_caller]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(capacity);
    let receiver = sender.subscribe();
    (sender, receiver)
}

/// What all sides share.
struct Shared<T> {
    /// Guards all that changes but the counts of senders.
    state: Mutex<State<T>>,
    /// How many values are kept at most.
    capacity: usize,
    /// How many senders there are; once zero, always zero.
    senders: AtomicUsize,
    /// How many weak senders there are, for the curious.
    weak_senders: AtomicUsize,
}

/// What changes, all under one lock.
struct State<T> {
    /// The values that somebody has not seen, oldest first.
    queue: VecDeque<Slot<T>>,
    /// The number of the next value.
    next: u64,
    /// How many receivers there are.
    receivers: usize,
    /// The last sender is gone.
    finished: bool,
    /// The receivers that wait for a value.
    waiting: Waiters<()>,
    /// Those who wait for the last receiver to go.
    watchers: Waiters<()>,
}

/// A value that somebody has not seen.
struct Slot<T> {
    /// The value.
    value: Value<T>,
    /// How many receivers have not seen it.
    unseen: usize,
}

impl<T> State<T> {
    /// The number of the oldest value.
    fn oldest(&self) -> u64 {
        self.next - self.queue.len() as u64
    }

    /// The value with the number `next`, which counts up.
    fn take(&mut self, next: &mut u64) -> Result<Value<T>, TryRecvError> {
        let oldest = self.oldest();
        if *next < oldest {
            let missed = oldest - *next;
            *next = oldest;
            return Err(TryRecvError::Lagged(missed));
        }
        let index = (*next - oldest) as usize;
        let Some(slot) = self.queue.get_mut(index) else {
            return Err(if self.finished {
                TryRecvError::Closed
            } else {
                TryRecvError::Empty
            });
        };
        *next += 1;
        slot.unseen -= 1;
        let value = slot.value.clone();
        if slot.unseen == 0 {
            // Then it is the front, for those before it have been seen by as many. Ours is the only `Arc` left.
            self.queue.pop_front();
        }
        Ok(value)
    }

    /// One receiver less, whose next value had the number `next`. Returns what nobody else wants.
    fn leave(&mut self, next: u64, wakers: &mut WakeList) -> Vec<Value<T>> {
        self.receivers -= 1;
        let seen = next.saturating_sub(self.oldest()) as usize;
        for slot in self.queue.iter_mut().skip(seen) {
            slot.unseen -= 1;
        }
        if self.receivers == 0 {
            while self.watchers.pop_front(wakers).is_some() {}
        }
        let unwanted = self
            .queue
            .iter()
            .take_while(|slot| slot.unseen == 0)
            .count();
        self.queue
            .drain(..unwanted)
            .map(|slot| slot.value)
            .collect()
    }
}

impl<T> Shared<T> {
    /// How many senders and weak senders there are.
    fn counts(&self) -> (usize, usize) {
        // Acquire pairs with the drops: who sees that a sender is gone sees what it sent.
        (self.senders.load(Acquire), self.weak_senders.load(Relaxed))
    }
}

/// Sends to all receivers. Made by [`channel`]; it can be cloned.
///
/// ```
/// let (news, mut ears) = samovar::sync::broadcast::channel(4);
/// let other = news.clone();
/// news.send("tea").unwrap();
/// other.send("jam").unwrap();
/// assert_eq!((ears.try_recv(), ears.try_recv()), (Ok("tea"), Ok("jam")));
/// ```
pub struct Sender<T> {
    /// The channel.
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// A channel without a receiver yet; [`subscribe`](Self::subscribe) makes them.
    ///
    /// # Panics
    ///
    /// When `capacity` is zero, or more than `usize::MAX / 2`.
    ///
    /// # Examples
    ///
    /// ```
    /// let sender = samovar::sync::broadcast::Sender::new(16);
    /// let mut receiver = sender.subscribe();
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        assert!(
            capacity > 0,
            "the capacity of a broadcast channel must be at least 1: every value would be lost"
        );
        assert!(
            capacity <= usize::MAX / 2,
            "broadcast channel capacity exceeded `usize::MAX / 2`"
        );
        let state = State {
            queue: VecDeque::new(),
            next: 0,
            receivers: 0,
            finished: false,
            waiting: Waiters::new(),
            watchers: Waiters::new(),
        };
        let shared = Shared {
            state: Mutex::new(state),
            capacity,
            senders: AtomicUsize::new(1),
            weak_senders: AtomicUsize::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Sends a value to all receivers, without waiting. Returns how many there are.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value when there is no receiver; later there may be one again.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::broadcast::channel(1);
    /// assert_eq!(sender.send(1).unwrap(), 1);
    /// drop(receiver);
    /// assert_eq!(sender.send(2).unwrap_err().0, 2);
    /// ```
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        let mut wakers = WakeList::new();
        let mut state = lock(&self.shared.state);
        let receivers = state.receivers;
        if receivers == 0 {
            return Err(SendError(value));
        }
        let full = state.queue.len() == self.shared.capacity;
        let lost = if full { state.queue.pop_front() } else { None };
        state.queue.push_back(Slot {
            value: Value::new(value),
            unseen: receivers,
        });
        state.next += 1;
        while state.waiting.pop_front(&mut wakers).is_some() {}
        drop(state);
        drop(wakers);
        drop(lost);
        Ok(receivers)
    }

    /// One receiver more, for what is sent from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _first) = samovar::sync::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// let mut second = sender.subscribe();
    /// sender.send(2).unwrap();
    /// assert_eq!(second.try_recv(), Ok(2));
    /// ```
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(self.shared.clone())
    }

    /// How many values are kept because somebody has not seen them.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = samovar::sync::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// assert_eq!(sender.len(), 1);
    /// receiver.try_recv().unwrap();
    /// assert!(sender.is_empty());
    /// ```
    pub fn len(&self) -> usize {
        lock(&self.shared.state).queue.len()
    }

    /// Whether everybody has seen everything.
    ///
    /// ```
    /// let (news, mut ears) = samovar::sync::broadcast::channel(4);
    /// news.send("tea").unwrap();
    /// assert!(!news.is_empty());
    /// assert_eq!(ears.try_recv(), Ok("tea"));
    /// assert!(news.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many receivers there are.
    ///
    /// ```
    /// let (news, _ears) = samovar::sync::broadcast::channel::<()>(4);
    /// let _more = news.subscribe();
    /// assert_eq!(news.receiver_count(), 2);
    /// ```
    pub fn receiver_count(&self) -> usize {
        lock(&self.shared.state).receivers
    }

    /// Whether both send to one channel.
    ///
    /// ```
    /// let (news, _ears) = samovar::sync::broadcast::channel::<()>(4);
    /// let (other, _others) = samovar::sync::broadcast::channel::<()>(4);
    /// assert!(news.same_channel(&news.clone()));
    /// assert!(!news.same_channel(&other));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
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
    /// let (sender, receiver) = samovar::sync::broadcast::channel::<u64>(1);
    /// std::thread::spawn(move || drop(receiver));
    /// sender.closed().await;
    /// # });
    /// ```
    pub async fn closed(&self) {
        let closed = |state: &mut State<T>| (state.receivers == 0).then_some(());
        until(
            &self.shared.state,
            |state| &mut state.watchers,
            "broadcast closed",
            closed,
        )
        .await;
    }

    /// A sender that does not keep the channel open.
    ///
    /// ```
    /// let (news, mut ears) = samovar::sync::broadcast::channel::<()>(4);
    /// let weak = news.downgrade();
    /// drop(news);
    /// assert!(weak.upgrade().is_none());
    /// assert!(samovar::block_on(ears.recv()).is_err());
    /// ```
    #[must_use = "the weak sender is dropped at once, and this one goes on"]
    pub fn downgrade(&self) -> WeakSender<T> {
        // A count, nothing is published through it.
        self.shared.weak_senders.fetch_add(1, Relaxed);
        WeakSender {
            shared: self.shared.clone(),
        }
    }

    /// How many senders there are, this one included.
    ///
    /// ```
    /// let (news, _ears) = samovar::sync::broadcast::channel::<()>(4);
    /// let other = news.clone();
    /// assert_eq!(news.strong_count(), 2);
    /// drop(other);
    /// assert_eq!(news.strong_count(), 1);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.shared.counts().0
    }

    /// How many weak senders there are.
    ///
    /// ```
    /// let (news, _ears) = samovar::sync::broadcast::channel::<()>(4);
    /// assert_eq!(news.weak_count(), 0);
    /// let _weak = news.downgrade();
    /// assert_eq!(news.weak_count(), 1);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.shared.counts().1
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

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // AcqRel: what each sender did is before the end; the partners are the other senders' drops.
        if self.shared.senders.fetch_sub(1, AcqRel) == 1 {
            let mut wakers = WakeList::new();
            let mut state = lock(&self.shared.state);
            state.finished = true;
            while state.waiting.pop_front(&mut wakers).is_some() {}
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("broadcast::Sender")
            .field("len", &self.len())
            .field("receiver_count", &self.receiver_count())
            .finish()
    }
}

/// A [`Sender`] that does not keep the channel open. Made by [`Sender::downgrade`].
///
/// ```
/// let (news, mut ears) = samovar::sync::broadcast::channel(4);
/// let weak = news.downgrade();
/// weak.upgrade().expect("a sender is there").send("tea").unwrap();
/// drop(news);
/// assert!(weak.upgrade().is_none());
/// assert_eq!(ears.try_recv(), Ok("tea"));
/// ```
pub struct WeakSender<T> {
    /// The channel.
    shared: Arc<Shared<T>>,
}

impl<T> WeakSender<T> {
    /// A sender, unless the last one is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = samovar::sync::broadcast::channel::<u64>(1);
    /// let weak = sender.downgrade();
    /// assert!(weak.upgrade().is_some());
    /// drop(sender);
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[must_use = "the sender that is made is dropped at once"]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let more = |count: usize| (count > 0).then(|| count + 1);
        // Acquire on failure pairs with the last drop: who learns that all are gone sees what they did.
        self.shared
            .senders
            .fetch_update(Relaxed, Acquire, more)
            .ok()?;
        Some(Sender {
            shared: self.shared.clone(),
        })
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (news, _ears) = samovar::sync::broadcast::channel::<()>(4);
    /// let weak = news.downgrade();
    /// assert_eq!(weak.strong_count(), 1);
    /// drop(news);
    /// assert_eq!(weak.strong_count(), 0);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.shared.counts().0
    }

    /// How many weak senders there are, this one included.
    ///
    /// ```
    /// let (news, _ears) = samovar::sync::broadcast::channel::<()>(4);
    /// let weak = news.downgrade();
    /// let _other = weak.clone();
    /// assert_eq!(weak.weak_count(), 2);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.shared.counts().1
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        // A count, nothing is published through it.
        self.shared.weak_senders.fetch_add(1, Relaxed);
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        // A count, nothing is published through it.
        self.shared.weak_senders.fetch_sub(1, Relaxed);
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("broadcast::WeakSender")
            .finish_non_exhaustive()
    }
}

/// Receives all that is sent from its making on. Made by [`channel`] and [`Sender::subscribe`].
///
/// ```
/// use samovar::sync::broadcast::{channel, error::RecvError};
///
/// # samovar::block_on(async {
/// let (sender, mut receiver) = channel(2);
/// for number in 1..=3 {
///     sender.send(number).unwrap();
/// }
/// drop(sender);
/// let mut seen = Vec::new();
/// loop {
///     match receiver.recv().await {
///         Ok(number) => seen.push(number),
///         Err(RecvError::Lagged(missed)) => println!("too slow for {missed}"),
///         Err(RecvError::Closed) => break,
///     }
/// }
/// assert_eq!(seen, [2, 3]);
/// # });
/// ```
pub struct Receiver<T> {
    /// The channel.
    shared: Arc<Shared<T>>,
    /// The number of the next value.
    next: u64,
}

impl<T> Receiver<T> {
    /// One receiver more, for what is sent from now on.
    fn new(shared: Arc<Shared<T>>) -> Self {
        let mut state = lock(&shared.state);
        state.receivers += 1;
        let next = state.next;
        drop(state);
        Self { shared, next }
    }

    /// How many values were sent that it has not seen, those included that are lost.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = samovar::sync::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        (lock(&self.shared.state).next - self.next) as usize
    }

    /// Whether it has seen everything.
    ///
    /// ```
    /// let (news, mut ears) = samovar::sync::broadcast::channel(4);
    /// news.send("tea").unwrap();
    /// assert!(!ears.is_empty());
    /// assert_eq!(ears.try_recv(), Ok("tea"));
    /// assert!(ears.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both receive from one channel.
    ///
    /// ```
    /// let (news, ears) = samovar::sync::broadcast::channel::<()>(4);
    /// let (_other, others) = samovar::sync::broadcast::channel::<()>(4);
    /// assert!(ears.same_channel(&news.subscribe()));
    /// assert!(!ears.same_channel(&others));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Whether the last sender is gone. There may be values to see.
    ///
    /// ```
    /// let (news, ears) = samovar::sync::broadcast::channel::<()>(4);
    /// drop(news);
    /// assert!(ears.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.sender_strong_count() == 0
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (news, ears) = samovar::sync::broadcast::channel::<()>(4);
    /// let _other = news.clone();
    /// assert_eq!(ears.sender_strong_count(), 2);
    /// ```
    pub fn sender_strong_count(&self) -> usize {
        self.shared.counts().0
    }

    /// How many weak senders there are.
    ///
    /// ```
    /// let (news, ears) = samovar::sync::broadcast::channel::<()>(4);
    /// let _weak = news.downgrade();
    /// assert_eq!((ears.sender_strong_count(), ears.sender_weak_count()), (1, 1));
    /// ```
    pub fn sender_weak_count(&self) -> usize {
        self.shared.counts().1
    }
}

impl<T: Clone> Receiver<T> {
    /// Waits for the next value.
    ///
    /// # Errors
    ///
    /// [`RecvError::Lagged`] with the number of values that were lost; the next call gives the oldest that is left.
    /// [`RecvError::Closed`] when everything has been seen and the last sender is gone.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped: a value counts as seen only when it is returned.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::broadcast::{self, error::RecvError};
    ///
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = broadcast::channel(1);
    /// sender.send(1).unwrap();
    /// sender.send(2).unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.recv().await, Err(RecvError::Lagged(1)));
    /// assert_eq!(receiver.recv().await, Ok(2));
    /// assert_eq!(receiver.recv().await, Err(RecvError::Closed));
    /// # });
    /// ```
    pub async fn recv(&mut self) -> Result<T, RecvError> {
        let Self { shared, next } = self;
        let taken = |state: &mut State<T>| match state.take(next) {
            Ok(value) => Some(Ok(value)),
            Err(TryRecvError::Closed) => Some(Err(RecvError::Closed)),
            Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
            Err(TryRecvError::Empty) => None,
        };
        let value = until(
            &shared.state,
            |state| &mut state.waiting,
            "broadcast recv",
            taken,
        )
        .await?;
        Ok(Value::unwrap_or_clone(value))
    }

    /// The next value, if there is one.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] when something may come yet; the others as in [`recv`](Self::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::broadcast::{self, error::TryRecvError};
    ///
    /// let (sender, mut receiver) = broadcast::channel(1);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let taken = lock(&self.shared.state).take(&mut self.next);
        taken.map(Value::unwrap_or_clone)
    }

    /// [`recv`](Self::recv) for a thread that runs no async code.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// Inside async code, where it would block the worker.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = samovar::sync::broadcast::channel(1);
    /// std::thread::spawn(move || sender.send(1).unwrap());
    /// assert_eq!(receiver.blocking_recv(), Ok(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        crate::context::forbid_blocking("broadcast::Receiver::blocking_recv");
        crate::block_on(self.recv())
    }

    /// Another receiver of this channel, for what is sent from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, one) = samovar::sync::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// assert!(one.resubscribe().is_empty());
    /// ```
    pub fn resubscribe(&self) -> Self {
        Receiver::new(self.shared.clone())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut wakers = WakeList::new();
        let unwanted = lock(&self.shared.state).leave(self.next, &mut wakers);
        drop(wakers);
        one_by_one(unwanted, drop);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("broadcast::Receiver")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
