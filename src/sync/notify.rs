//! `Notify`: wakes tasks, and carries no data. The other half of a condition that the user keeps elsewhere.
//!
//! Two kinds of notification, and they differ in what happens when nobody waits:
//!
//! * `notify_one` leaves a permit (at most one) for the next who waits. It is never lost: a future that was chosen and is
//!   dropped before it could tell its task passes the notification on.
//! * `notify_waiters` reaches everybody whose future exists, polled or not, and leaves nothing. A future learns of it by
//!   comparing the number of such calls with the number it saw when it was created; that is why the count is looked at
//!   before the permit, which then stays for somebody else.
//!
//! **No waiter is overlooked.** `notify_one` leaves the permit and then looks whether anyone queues; queueing says so and
//! then takes the permit if there is one. Both "then" follow an exchange of the permit, so one comes first. If the
//! notifier's does, the waiter finds the permit; if the waiter's does, the notifier sees all that was written before it, so
//! the number of waiters.

mod notified;

pub use notified::{Notified, OwnedNotified};

use std::fmt;
use std::sync::Arc;

use crate::shim::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::shim::atomic::{AtomicBool, AtomicUsize};
use crate::shim::{Mutex, lock};
use crate::sync::waiters::{Waiters, WakeList};

/// Wakes one task, or all that wait.
///
/// # Examples
///
/// A permit waits for who comes later:
///
/// ```
/// use samovar::sync::Notify;
///
/// samovar::block_on(async {
///     let notify = Notify::new();
///     notify.notify_one();
///     notify.notified().await;
/// });
/// ```
///
/// Waiting for a condition that others set. The future is created *before* the condition is looked at, so a call of
/// `notify_waiters` in between reaches it:
///
/// ```
/// use samovar::sync::Notify;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// async fn wait_for(flag: &AtomicBool, notify: &Notify) {
///     loop {
///         let notified = notify.notified();
///         if flag.load(Ordering::Acquire) {
///             return;
///         }
///         notified.await;
///     }
/// }
///
/// let (flag, notify) = (AtomicBool::new(true), Notify::new());
/// samovar::block_on(wait_for(&flag, &notify));
/// ```
pub struct Notify {
    /// How many times `notify_waiters` was called. Changed under the lock, read also without it: see
    /// [`Notify::current_round`].
    rounds: AtomicUsize,
    /// A notification that nobody has received yet. Not for those that come later while anyone is queued. Each exchange
    /// acquires and releases: what the notifier did is seen by who takes the permit, and see above.
    permit: AtomicBool,
    /// How many are queued: tells without the lock that the queue is empty. Changed under the lock. Relaxed: the exchanges
    /// of `permit` give the order that matters.
    queued: AtomicUsize,
    /// Guards the queue, in which an assigned waiter finds what reached it, and the changes of `rounds`; held for a few
    /// instructions per waiter, and never while foreign code runs.
    queue: Mutex<Queue>,
}

/// Who waits.
type Queue = Waiters<Option<Cause>>;

/// Which notification reached a waiter, and so what becomes of it if the waiter goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// `notify_one`: it belongs to the first who waits.
    First,
    /// `notify_last`: it belongs to the last who waits.
    Last,
    /// `notify_waiters`: everybody has his own.
    All,
}

impl Notify {
    /// Creates a `Notify` without a permit.
    ///
    /// ```
    /// let notify = samovar::sync::Notify::new();
    /// notify.notify_one();
    /// ```
    pub fn new() -> Self {
        Self {
            rounds: AtomicUsize::new(0),
            permit: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
            queue: Mutex::new(Waiters::new()),
        }
    }

    /// [`Notify::new`] for a `static`.
    ///
    /// ```
    /// static DONE: samovar::sync::Notify = samovar::sync::Notify::const_new();
    /// DONE.notify_one();
    /// ```
    #[cfg(not(loom))]
    pub const fn const_new() -> Self {
        Self {
            rounds: AtomicUsize::new(0),
            permit: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
            queue: Mutex::new(Waiters::new()),
        }
    }

    /// A future that completes when a notification reaches it.
    ///
    /// It receives every [`Notify::notify_waiters`] from now on, and takes its place in the queue for
    /// [`Notify::notify_one`] when it is polled first, or with [`Notified::enable`].
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped passes the notification of a `notify_one` on, and loses its place in the queue.
    ///
    /// # Examples
    ///
    /// ```
    /// let notify = samovar::sync::Notify::new();
    /// let notified = notify.notified();
    /// notify.notify_waiters();
    /// samovar::block_on(notified);
    /// ```
    pub fn notified(&self) -> Notified<'_> {
        Notified::new(self, self.current_round())
    }

    /// [`Notify::notified`] on an [`Arc`], for a future that can move into a task.
    ///
    /// # Cancel safety
    ///
    /// As for [`Notify::notified`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// let notify = Arc::new(samovar::sync::Notify::new());
    /// let notified = notify.clone().notified_owned();
    /// let waiter = std::thread::spawn(|| samovar::block_on(notified));
    /// notify.notify_waiters();
    /// waiter.join().unwrap();
    /// ```
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        let round = self.current_round();
        OwnedNotified::new(self, round)
    }

    /// Notifies the task that has waited longest; if none waits, leaves a permit for the next. Permits do not add up.
    ///
    /// ```
    /// let notify = samovar::sync::Notify::new();
    /// notify.notify_one();
    /// notify.notify_one();
    /// samovar::block_on(notify.notified()); // takes the one permit
    /// ```
    pub fn notify_one(&self) {
        self.give(Cause::First);
    }

    /// [`Notify::notify_one`] for the task that has waited shortest: its data may still be in the cache.
    ///
    /// ```
    /// let notify = samovar::sync::Notify::new();
    /// notify.notify_last();
    /// samovar::block_on(notify.notified());
    /// ```
    pub fn notify_last(&self) {
        self.give(Cause::Last);
    }

    /// Notifies all whose [`Notified`] exists, as one step. Leaves no permit.
    ///
    /// ```
    /// use samovar::sync::Notify;
    ///
    /// let notify = Notify::new();
    /// let (one, two) = (notify.notified(), notify.notified());
    /// notify.notify_waiters();
    /// samovar::block_on(async { (one.await, two.await) });
    /// ```
    pub fn notify_waiters(&self) {
        let mut wakers = WakeList::new();
        let mut queue = lock(&self.queue);
        // Release, for the Acquire in `current_round`.
        self.rounds
            .store(self.rounds.load(Relaxed).wrapping_add(1), Release);
        while let Some(cause) = queue.assign_front(&mut wakers) {
            *cause = Some(Cause::All);
        }
        self.queued.store(0, Relaxed);
    }

    /// How many `notify_waiters` there have been. Acquire, for the Release there: a future that counts a call as past must
    /// also see what was written before that call, or it would look at an old condition and wait for a call that was.
    fn current_round(&self) -> usize {
        self.rounds.load(Acquire)
    }

    /// Notifies one waiter or leaves the permit; for [`Cause::All`] there is nothing to give.
    fn give(&self, cause: Cause) {
        if cause == Cause::All {
            return;
        }
        let mut wakers = WakeList::new();
        if self.queued.load(Relaxed) > 0 {
            self.hand_over(cause, &mut lock(&self.queue), &mut wakers);
            return;
        }
        self.permit.swap(true, AcqRel);
        if self.queued.load(Relaxed) > 0 {
            // They queued between the two looks and may have missed it.
            let mut queue = lock(&self.queue);
            if self.take_permit() {
                self.hand_over(cause, &mut queue, &mut wakers);
            }
        }
    }

    /// Notifies one waiter or leaves the permit.
    fn hand_over(&self, cause: Cause, queue: &mut Queue, wakers: &mut WakeList) {
        let chosen = match cause {
            Cause::Last => queue.assign_back(wakers),
            Cause::First | Cause::All => queue.assign_front(wakers),
        };
        match chosen {
            Some(given) => *given = Some(cause),
            None => drop(self.permit.swap(true, AcqRel)),
        }
        self.queued.store(queue.len(), Relaxed);
    }

    /// Takes the permit if there is one.
    fn take_permit(&self) -> bool {
        self.permit.swap(false, AcqRel)
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (permit, waiting) = (self.permit.load(Relaxed), self.queued.load(Relaxed));
        f.debug_struct("Notify")
            .field("permit", &permit)
            .field("waiting", &waiting)
            .finish()
    }
}
