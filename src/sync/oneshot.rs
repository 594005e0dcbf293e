//! One value, from one task to another: the answer to a request, the end of a piece of work.
//!
//! [`channel`] gives a [`Sender`] and a [`Receiver`]. The sender sends once, without waiting; the receiver is itself the
//! future of the value. When one side goes away the other learns of it at once: the receiver gets an error, and the
//! sender gets its value back (or, before it computes the value, may wait for [`Sender::closed`] and save the work).
//!
//! ```
//! use samovar::sync::oneshot;
//!
//! # samovar::block_on(async {
//! let (answer, question) = oneshot::channel();
//! answer.send(42).unwrap();
//! assert_eq!(question.await, Ok(42));
//! # });
//! ```
//!
//! # How it works
//!
//! Both sides hold an `Arc` of one small locked slot. Whoever changes the slot takes the other side's waker out of it,
//! unlocks, and wakes. A sender lets go of its `Arc` when it has sent, so a receiver that comes later finds itself the
//! only owner: it takes the slot apart without locking, and the release of the memory is all the synchronisation there is.
//!
//! Rejected: an atomic state word beside cells for value and wakers, as Tokio has it. It saves one atomic operation and
//! needs unchecked access to each cell; all known memory bugs of oneshot channels lived in such words.

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker, ready};

use crate::shim::{Arc, Mutex, lock};
use crate::task::budget;
use crate::trace::wait;

use self::error::{RecvError, TryRecvError};

/// Makes a channel for one value.
///
/// # Examples
///
/// ```
/// use samovar::sync::oneshot;
///
/// let (sender, receiver) = oneshot::channel();
/// std::thread::spawn(move || sender.send("done").unwrap());
/// assert_eq!(samovar::block_on(receiver), Ok("done"));
/// ```
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Mutex::new(Slot {
        stage: Stage::Open(None),
        sender: None,
    }));
    (
        Sender {
            shared: Some(shared.clone()),
        },
        Receiver {
            shared: Some(shared),
        },
    )
}

/// What the two sides share.
struct Slot<T> {
    /// How far the channel has come.
    stage: Stage<T>,
    /// The sender's waker, while it waits for the receiver to go away.
    sender: Option<Waker>,
}

/// How far the channel has come. It leaves `Open` once, by whoever is first, and never returns to it.
enum Stage<T> {
    /// Nothing has happened; the waker is the receiver's, if it waits.
    Open(Option<Waker>),
    /// Sent and not yet received.
    Sent(T),
    /// The receiver closed or went away first: nothing can be sent.
    Closed,
    /// The sender went away without sending, or the value was received.
    Over,
}

impl<T> Slot<T> {
    /// Puts the waiter's newest waker in, if the channel is open. What was there comes back in `waker`,
    /// for the caller to drop after unlocking.
    fn receive(&mut self, waker: &mut Option<Waker>) -> Result<T, TryRecvError> {
        match &mut self.stage {
            Stage::Open(waiting) => {
                if waker.is_some() {
                    mem::swap(waiting, waker);
                }
                Err(TryRecvError::Empty)
            }
            Stage::Sent(_) => match mem::replace(&mut self.stage, Stage::Over) {
                Stage::Sent(value) => Ok(value),
                _ => unreachable!("looked at under the same lock"),
            },
            Stage::Closed | Stage::Over => Err(TryRecvError::Closed),
        }
    }
}

/// The half that sends. Made by [`channel`].
///
/// Dropping it without sending gives the receiver a [`RecvError`].
///
/// ```
/// use samovar::sync::oneshot;
///
/// let (answer, question) = oneshot::channel::<u64>();
/// drop(answer);
/// assert!(samovar::block_on(question).is_err());
/// ```
pub struct Sender<T> {
    /// Gone once the value was sent.
    shared: Option<Arc<Mutex<Slot<T>>>>,
}

impl<T> Sender<T> {
    /// Sends the value, without waiting.
    ///
    /// `Ok` means that the receiver was there, not that it will look at the value.
    ///
    /// # Errors
    ///
    /// Gives the value back when the receiver has been dropped or closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::oneshot;
    ///
    /// let (sender, receiver) = oneshot::channel();
    /// drop(receiver);
    /// assert_eq!(sender.send(1), Err(1));
    /// ```
    pub fn send(mut self, value: T) -> Result<(), T> {
        let Some(shared) = self.shared.take() else {
            unreachable!("only `send` takes it, and `send` takes the sender too")
        };
        let mut slot = lock(&shared);
        let Stage::Open(waiting) = &mut slot.stage else {
            return Err(value);
        };
        let receiver = waiting.take();
        let own = slot.sender.take();
        slot.stage = Stage::Sent(value);
        drop(slot);
        // Before the wake, so that the receiver finds itself the only owner.
        drop(shared);
        if let Some(waker) = receiver {
            waker.wake();
        }
        // Last: its destructor may panic, and the receiver must know all the same.
        drop(own);
        Ok(())
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
    /// use samovar::sync::oneshot;
    ///
    /// # samovar::block_on(async {
    /// let (mut sender, receiver) = oneshot::channel::<u64>();
    /// drop(receiver);
    /// sender.closed().await; // Nobody wants the value any more: it need not be computed.
    /// # });
    /// ```
    pub async fn closed(&mut self) {
        poll_fn(|cx| self.poll_closed(cx)).await;
    }

    /// Asks whether the receiver is dropped or closed, and if not, has the task woken when that happens.
    ///
    /// Only the task of the newest call is woken.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::oneshot;
    ///
    /// # samovar::block_on(async {
    /// let (mut sender, mut receiver) = oneshot::channel::<u64>();
    /// receiver.close();
    /// std::future::poll_fn(|cx| sender.poll_closed(cx)).await;
    /// # });
    /// ```
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let unit = ready!(budget::spend(cx));
        if !self.is_closed() {
            let waker = cx.waker().clone();
            let Some(shared) = &self.shared else {
                return Poll::Pending;
            };
            let mut slot = lock(shared);
            if let Stage::Open(_) = slot.stage {
                let replaced = slot.sender.replace(waker);
                drop(slot);
                drop(replaced);
                return wait::pending(|| "oneshot closed".to_owned());
            }
        }
        unit.made_progress();
        Poll::Ready(())
    }

    /// Whether the receiver has been dropped or closed, so that [`send`](Self::send) would fail.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::oneshot;
    ///
    /// let (sender, receiver) = oneshot::channel::<u64>();
    /// assert!(!sender.is_closed());
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.shared
            .as_ref()
            .is_none_or(|shared| matches!(lock(shared).stage, Stage::Closed))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let Some(shared) = &self.shared else { return };
        let mut slot = lock(shared);
        let own = slot.sender.take();
        let mut receiver = None;
        if let Stage::Open(waiting) = &mut slot.stage {
            receiver = waiting.take();
            slot.stage = Stage::Over;
        }
        drop(slot);
        if let Some(waker) = receiver {
            waker.wake();
        }
        drop(own);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("oneshot::Sender")
            .field("is_closed", &self.is_closed())
            .finish()
    }
}

/// The half that receives: the future of the value. Made by [`channel`].
///
/// # Errors
///
/// The future ends with a [`RecvError`] when the sender was dropped without sending, or when [`close`](Self::close) was
/// first.
///
/// # Panics
///
/// When it is polled after it has given its result.
///
/// # Cancel safety
///
/// Await it through `&mut receiver` (in `select!`, say) and nothing is lost when the other branch wins. Dropping the
/// receiver itself closes the channel.
///
/// ```
/// use samovar::sync::oneshot;
///
/// # samovar::block_on(async {
/// let (answer, mut question) = oneshot::channel();
/// std::thread::spawn(move || answer.send(42));
/// // Through `&mut`, to have it again if something else comes first.
/// assert_eq!((&mut question).await, Ok(42));
/// # });
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Receiver<T> {
    /// Gone once the result has been given.
    shared: Option<Arc<Mutex<Slot<T>>>>,
}

impl<T> Receiver<T> {
    /// Looks for the value without waiting.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] when nothing has been sent yet, [`TryRecvError::Closed`] when nothing will come (any more).
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::oneshot::{self, error::TryRecvError};
    ///
    /// let (sender, mut receiver) = oneshot::channel();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.look(&mut None)
    }

    /// Looks at the slot once. When it is empty, the waker in `waker` is left there and the one before comes back.
    fn look(&mut self, waker: &mut Option<Waker>) -> Result<T, TryRecvError> {
        let Some(shared) = self.shared.take() else {
            return Err(TryRecvError::Closed);
        };
        let shared = match Arc::try_unwrap(shared) {
            // The sender is gone: nobody is left to lock out, and the memory is released on the way.
            Ok(slot) => {
                return slot
                    .into_inner()
                    .unwrap_or_else(PoisonError::into_inner)
                    .end();
            }
            Err(shared) => shared,
        };
        let result = lock(&shared).receive(waker);
        if let Err(TryRecvError::Empty) = result {
            self.shared = Some(shared);
        }
        result
    }

    /// Refuses a value that has not been sent yet; one that has can still be received.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::oneshot;
    ///
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = oneshot::channel();
    /// receiver.close();
    /// assert_eq!(sender.send(1), Err(1));
    /// assert!(receiver.await.is_err());
    /// # });
    /// ```
    pub fn close(&mut self) {
        let Some(shared) = &self.shared else { return };
        let mut slot = lock(shared);
        let mut own = None;
        if let Stage::Open(waiting) = &mut slot.stage {
            own = waiting.take();
            slot.stage = Stage::Closed;
        }
        let sender = slot.sender.take();
        drop(slot);
        if let Some(waker) = sender {
            waker.wake();
        }
        // A task that waits on the receiver it closes is told at its next look; the waker has no one else to wake.
        drop(own);
    }

    /// Whether there is nothing to receive now: not sent yet, received already, or never to come.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::oneshot;
    ///
    /// let (sender, receiver) = oneshot::channel();
    /// assert!(receiver.is_empty());
    /// sender.send(1).unwrap();
    /// assert!(!receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.shared
            .as_ref()
            .is_none_or(|shared| !matches!(lock(shared).stage, Stage::Sent(_)))
    }

    /// Whether the result has been given, so that the receiver must not be polled again.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::oneshot;
    ///
    /// # samovar::block_on(async {
    /// let (sender, mut receiver) = oneshot::channel();
    /// sender.send(1).unwrap();
    /// assert!(!receiver.is_terminated());
    /// (&mut receiver).await.unwrap();
    /// assert!(receiver.is_terminated());
    /// # });
    /// ```
    pub fn is_terminated(&self) -> bool {
        self.shared.is_none()
    }

    /// Waits for the value on a thread that runs no async code.
    ///
    /// # Errors
    ///
    /// [`RecvError`] when the sender was dropped without sending.
    ///
    /// # Panics
    ///
    /// Inside async code, where it would block the worker.
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::oneshot;
    ///
    /// let (sender, receiver) = oneshot::channel();
    /// let thread = std::thread::spawn(move || receiver.blocking_recv());
    /// sender.send(1).unwrap();
    /// assert_eq!(thread.join().unwrap(), Ok(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(self) -> Result<T, RecvError> {
        crate::context::forbid_blocking("oneshot::Receiver::blocking_recv");
        crate::block_on(self)
    }
}

impl<T> Slot<T> {
    /// The result when the sender is gone.
    fn end(self) -> Result<T, TryRecvError> {
        match self.stage {
            Stage::Sent(value) => Ok(value),
            _ => Err(TryRecvError::Closed),
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(
            !self.is_terminated(),
            "a oneshot::Receiver was polled after it had given its result"
        );
        let unit = ready!(budget::spend(cx));
        let mut result = self.try_recv();
        if let Err(TryRecvError::Empty) = result {
            result = self.look(&mut Some(cx.waker().clone()));
        }
        let result = match result {
            Ok(value) => Ok(value),
            Err(TryRecvError::Closed) => Err(RecvError(())),
            Err(TryRecvError::Empty) => {
                return wait::pending(|| "oneshot recv".to_owned());
            }
        };
        unit.made_progress();
        Poll::Ready(result)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let Some(shared) = &self.shared else { return };
        let mut slot = lock(shared);
        let sender = slot.sender.take();
        let left = mem::replace(&mut slot.stage, Stage::Closed);
        drop(slot);
        if let Some(waker) = sender {
            waker.wake();
        }
        // The user's value, last of all: its destructor may panic.
        drop(left);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("oneshot::Receiver")
            .field("is_empty", &self.is_empty())
            .field("is_terminated", &self.is_terminated())
            .finish()
    }
}

/// What can go wrong.
pub mod error {
    use std::fmt;

    /// The sender was dropped without sending, or the receiver was closed first.
    ///
    /// ```
    /// let (answer, question) = samovar::sync::oneshot::channel::<()>();
    /// drop(answer);
    /// assert!(samovar::block_on(question).is_err());
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct RecvError(pub(super) ());

    impl fmt::Display for RecvError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("channel closed")
        }
    }

    impl std::error::Error for RecvError {}

    /// Why [`Receiver::try_recv`](super::Receiver::try_recv) has no value.
    ///
    /// ```
    /// use samovar::sync::oneshot::{channel, error::TryRecvError};
    /// let (_answer, mut question) = channel::<()>();
    /// assert_eq!(question.try_recv(), Err(TryRecvError::Empty));
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum TryRecvError {
        /// Nothing has been sent yet.
        Empty,
        /// Nothing will come: the sender is gone, the receiver was closed, or the value has been received.
        Closed,
    }

    impl fmt::Display for TryRecvError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(match self {
                TryRecvError::Empty => "channel empty",
                TryRecvError::Closed => "channel closed",
            })
        }
    }

    impl std::error::Error for TryRecvError {}
}
