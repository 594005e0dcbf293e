//! What the expansions of `select!`, `join!` and `try_join!` call: public for their sake alone, and no promise to
//! anybody.
//!
//! A macro's text lands in the user's crate, where nothing is known about names: somebody's `Some` or `Poll` may be in
//! scope. So the expansions reach everything through `$crate::macros::support`, and what can be a function is one here,
//! where it is compiled once, can be tested, and reads better than between `$` signs.

use std::convert::Infallible;

pub use std::future::{Future, IntoFuture, poll_fn};
pub use std::option::Option::{None, Some};
pub use std::pin::{Pin, pin};
pub use std::result::Result::{Err, Ok};
pub use std::task::{Context, Poll};

pub use super::seeds::run_seeds;
use crate::random;
use crate::task::budget;

/// Polls from a random branch on: `select!`.
///
/// A fixed order would let a first branch that is always ready starve the others; so would a turn that is kept in the
/// future, because a `select!` in a loop is a new future each time.
#[derive(Debug, Default)]
pub struct Random;

impl Random {
    /// An order for one `select!`.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Random
    }

    /// The branch to poll first.
    #[inline]
    pub fn first(&mut self, branches: u32) -> u32 {
        random::below(branches)
    }
}

/// Polls from the next branch on each time: `join!`, whose future lives long enough to keep the turn.
#[derive(Debug, Default)]
pub struct Rotating {
    /// The branch that is first at the next poll.
    next: u32,
}

impl Rotating {
    /// An order for one `join!`, whose first poll begins with the first branch.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Rotating { next: 0 }
    }

    /// The branch to poll first.
    #[inline]
    pub fn first(&mut self, branches: u32) -> u32 {
        let first = self.next;
        self.next = if first + 1 == branches { 0 } else { first + 1 };
        first
    }
}

/// Polls in the order of the text: `biased;`.
#[derive(Debug, Default)]
pub struct InOrder;

impl InOrder {
    /// An order for any of the macros.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        InOrder
    }

    /// The branch to poll first.
    #[inline]
    pub fn first(&mut self, _branches: u32) -> u32 {
        0
    }
}

/// `Pending`, with the task woken, if this poll has used up its budget: its leaf operations would refuse to go on, and
/// `select!` would take what is left (a future that keeps no budget) for the only thing that is ready.
#[inline]
pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    budget::check(cx)
}

/// One branch of `join!` (`T` is what the future returns) or `try_join!` (`T` is what its `Ok` holds).
///
/// The future sits in a pinned `Option`, so that it can be dropped where it is as soon as it is done: what it owns
/// (a sender that somebody waits to see closed) must not live as long as its slowest neighbour.
#[derive(Debug)]
pub struct Branch<'a, F, T> {
    /// The future, until it is done.
    future: Pin<&'a mut Option<F>>,
    /// What came out, from then on.
    output: Option<T>,
}

impl<'a, F, T> Branch<'a, F, T> {
    /// A branch that has not been polled.
    #[inline]
    pub fn new(future: Pin<&'a mut Option<F>>) -> Self {
        Branch {
            future,
            output: None,
        }
    }

    /// Takes the output out.
    ///
    /// # Panics
    ///
    /// If the branch is not done; the macros ask when all are.
    #[inline]
    pub fn take(&mut self) -> T {
        self.output
            .take()
            .expect("a joined branch is asked for its output once, when it is done")
    }
}

impl<F: Future> Branch<'_, F, F::Output> {
    /// Polls the future unless it is done. Cannot fail: the type lets both macros share their text.
    #[inline]
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if let Some(future) = self.future.as_mut().as_pin_mut() {
            let Poll::Ready(output) = future.poll(cx) else {
                return Poll::Pending;
            };
            self.future.set(None);
            self.output = Some(output);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T, E, F: Future<Output = Result<T, E>>> Branch<'_, F, T> {
    /// Polls the future unless it is done, and hands an error out at once.
    #[inline]
    pub fn try_poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        if let Some(future) = self.future.as_mut().as_pin_mut() {
            let Poll::Ready(result) = future.poll(cx) else {
                return Poll::Pending;
            };
            self.future.set(None);
            self.output = Some(result?);
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::task::{ArcWake, waker_ref};
    use std::cell::Cell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A waker that counts its calls.
    struct Count(AtomicU32);

    impl ArcWake for Count {
        fn wake_by_ref(arc_self: &Arc<Self>) {
            arc_self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn rotating_gives_every_branch_its_turn() {
        let mut order = Rotating::new();
        let firsts = [(); 7].map(|()| order.first(3));
        assert_eq!(firsts, [0, 1, 2, 0, 1, 2, 0]);
        assert_eq!(Rotating::new().first(1), 0);
    }

    #[test]
    fn select_yields_when_the_budget_is_spent_and_polls_no_branch() {
        let count = Arc::new(Count(AtomicU32::new(0)));
        let waker = waker_ref(&count);
        let mut cx = Context::from_waker(&waker);
        let polled = Cell::new(false);
        let mut select = pin!(async {
            crate::select! {
                () = async { polled.set(true) } => 1,
                () = std::future::pending() => 2,
            }
        });
        budget::with_fresh(|| {
            while let Poll::Ready(unit) = budget::spend(&mut cx) {
                unit.made_progress();
            }
            let woken = count.0.load(Ordering::Relaxed);
            assert!(select.as_mut().poll(&mut cx).is_pending());
            assert!(!polled.get());
            assert_eq!(count.0.load(Ordering::Relaxed), woken + 1);
        });
        // The next poll of the task has a budget again: the select was late, not stuck.
        let next = budget::with_fresh(|| select.as_mut().poll(&mut cx));
        assert_eq!(next, Poll::Ready(1));
    }

    #[test]
    fn a_select_in_a_loop_lets_a_task_stop_after_its_budget() {
        let count = Arc::new(Count(AtomicU32::new(0)));
        let waker = waker_ref(&count);
        let mut cx = Context::from_waker(&waker);
        // A leaf that is always ready, beside one that is ready and keeps no budget.
        let leaf = || poll_fn(|cx| budget::spend(cx).map(budget::Unit::made_progress));
        let mut rounds = 0;
        let mut task = pin!(async {
            loop {
                crate::select! {
                    biased;
                    () = leaf() => rounds += 1,
                    () = std::future::ready(()) => rounds += 1,
                }
            }
        });
        let poll: Poll<()> = budget::with_fresh(|| task.as_mut().poll(&mut cx));
        assert!(poll.is_pending());
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert_eq!(rounds, 128);
    }
}
