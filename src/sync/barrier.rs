//! The barrier: a number of tasks wait until all of them are there.
//!
//! Who has arrived is who is in the queue, so the barrier keeps no count that could disagree with it, and needs no number
//! of rounds: the last to arrive empties the queue, and whoever is not in it any more may go.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::shim::{Mutex, lock};
use crate::sync::turn::poll_turn;
use crate::sync::waiters::{Key, Waiters, WakeList};
use crate::trace::wait;

/// Lets tasks go on when a given number of them have arrived. It can be used again and again.
///
/// # Examples
///
/// ```
/// use futures::join;
/// use samovar::sync::Barrier;
///
/// samovar::block_on(async {
///     let barrier = Barrier::new(2);
///     let (one, two) = join!(barrier.wait(), barrier.wait());
///     assert!(one.is_leader() != two.is_leader());
/// });
/// ```
pub struct Barrier {
    /// How many must arrive.
    size: usize,
    /// Guards the queue of those that have arrived; held for a few instructions per waiter, and never while foreign code
    /// runs.
    arrived: Mutex<Waiters<()>>,
}

/// What [`Barrier::wait`] returns: whether this task is the leader of the round.
///
/// ```
/// let result = samovar::block_on(async { samovar::sync::Barrier::new(1).wait().await });
/// assert!(result.is_leader());
/// ```
#[derive(Debug, Clone)]
pub struct BarrierWaitResult(bool);

impl Barrier {
    /// Creates a barrier for `n` tasks. With 0 or 1 nobody ever waits.
    ///
    /// ```
    /// let barrier = samovar::sync::Barrier::new(0);
    /// assert!(samovar::block_on(barrier.wait()).is_leader());
    /// ```
    pub fn new(n: usize) -> Self {
        Self {
            size: n,
            arrived: Mutex::new(Waiters::new()),
        }
    }

    /// Waits until `n` tasks wait. Exactly one of them, the last to arrive, is told that it is the leader.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped while it waits has not arrived: the others wait for somebody else. (In Tokio it still
    /// counts, and the others go without it.)
    ///
    /// # Examples
    ///
    /// ```
    /// use samovar::sync::Barrier;
    /// use std::sync::Arc;
    ///
    /// let barrier = Arc::new(Barrier::new(3));
    /// let threads: Vec<_> = (0..3)
    ///     .map(|_| {
    ///         let barrier = barrier.clone();
    ///         std::thread::spawn(move || samovar::block_on(barrier.wait()).is_leader())
    ///     })
    ///     .collect();
    /// let leaders = threads.into_iter().map(|thread| thread.join().unwrap());
    /// assert_eq!(leaders.filter(|&leader| leader).count(), 1);
    /// ```
    pub async fn wait(&self) -> BarrierWaitResult {
        Wait {
            barrier: self,
            key: None,
            outcome: None,
        }
        .await
    }
}

impl BarrierWaitResult {
    /// Whether this task arrived last in its round.
    ///
    /// ```
    /// let barrier = samovar::sync::Barrier::new(1);
    /// assert!(samovar::block_on(barrier.wait()).is_leader());
    /// ```
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

/// The future of [`Barrier::wait`].
struct Wait<'a> {
    /// Where to wait.
    barrier: &'a Barrier,
    /// The place among those that have arrived.
    key: Option<Key>,
    /// The outcome, when it came in a poll that had no budget left to return it.
    outcome: Option<BarrierWaitResult>,
}

impl Wait<'_> {
    /// Arrives, or looks whether the others have.
    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<BarrierWaitResult> {
        let mut wakers = WakeList::new();
        let mut spare: Option<Waker> = None;
        loop {
            let mut arrived = lock(&self.barrier.arrived);
            match self.key {
                None if arrived.len() + 1 >= self.barrier.size => {
                    while arrived.pop_front(&mut wakers).is_some() {}
                    return Poll::Ready(BarrierWaitResult(true));
                }
                Some(key) if !arrived.contains(key) => {
                    self.key = None;
                    return Poll::Ready(BarrierWaitResult(false));
                }
                _ => {}
            }
            if arrived.enroll(&mut self.key, cx.waker(), &mut spare, || ()) {
                return wait::pending(|| {
                    format!(
                        "Barrier, {} of {} are there",
                        arrived.len(),
                        self.barrier.size
                    )
                });
            }
            drop(arrived);
            spare = Some(cx.waker().clone());
        }
    }
}

impl Future for Wait<'_> {
    type Output = BarrierWaitResult;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<BarrierWaitResult> {
        // It arrives at once, alone or not: the others wait for it, and nobody waits for what it takes.
        poll_turn(
            self.get_mut(),
            cx,
            false,
            |this| &mut this.outcome,
            Self::poll_outcome,
        )
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let removed = lock(&self.barrier.arrived).remove(key);
            // Its waker is foreign code: the lock is released by now.
            drop(removed);
        }
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrived = lock(&self.arrived).len();
        f.debug_struct("Barrier")
            .field("size", &self.size)
            .field("arrived", &arrived)
            .finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::task::budget;
    use std::pin::pin;

    #[test]
    fn a_spent_budget_changes_no_outcome() {
        let barrier = Barrier::new(2);
        let mut cx = Context::from_waker(Waker::noop());
        let (mut one, mut two) = (pin!(barrier.wait()), pin!(barrier.wait()));
        assert!(one.as_mut().poll(&mut cx).is_pending());
        budget::with_fresh(|| {
            while pin!(Barrier::new(1).wait()).poll(&mut cx).is_ready() {}
            assert!(two.as_mut().poll(&mut cx).is_pending());
            assert!(one.as_mut().poll(&mut cx).is_pending());
        });
        assert!(matches!(one.poll(&mut cx), Poll::Ready(result) if !result.is_leader()));
        assert!(matches!(two.poll(&mut cx), Poll::Ready(result) if result.is_leader()));
    }
}
