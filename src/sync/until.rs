//! To wait until what a lock guards is as one wishes: `watch`, `broadcast`, and the `closed` of every channel.
//!
//! The wish is looked at, and the waiter put on the list, under one lock. Whoever makes it come true does that first, and
//! then wakes the list under the same lock. So either the wish is seen to be true, or the waiter is found on the list.
//!
//! The locks and the senders of `mpsc` wait in ways of their own, for they are *given* something by the one who wakes them.
//! Here everybody on the list is woken, and looks for himself.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::waiters::{Key, Waiters};
use crate::shim::{Mutex, lock};
use crate::task::budget;
use crate::trace::wait;

/// Waits until `wish` has something to return. It is asked with the lock held, at each poll; `what` is for the trace.
pub(super) fn until<'a, S, R, L, W>(
    state: &'a Mutex<S>,
    list: L,
    what: &'static str,
    wish: W,
) -> Until<'a, S, L, W>
where
    L: Fn(&mut S) -> &mut Waiters<()> + Unpin,
    W: FnMut(&mut S) -> Option<R> + Unpin,
{
    Until {
        state,
        list,
        what,
        wish,
        key: None,
    }
}

/// The future of [`until`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub(super) struct Until<'a, S, L, W>
where
    L: Fn(&mut S) -> &mut Waiters<()>,
{
    /// What the lock guards, the list included.
    state: &'a Mutex<S>,
    /// Those who wait with this one.
    list: L,
    /// What one waits for, in words.
    what: &'static str,
    /// What one waits for.
    wish: W,
    /// The place on the list.
    key: Option<Key>,
}

impl<S, R, L, W> Future for Until<'_, S, L, W>
where
    L: Fn(&mut S) -> &mut Waiters<()> + Unpin,
    W: FnMut(&mut S) -> Option<R> + Unpin,
{
    type Output = R;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let this = self.get_mut();
        let unit = ready!(budget::spend(cx));
        let mut spare = None;
        loop {
            // A look without the lock would only be a short cut: it is this one that no change can slip past.
            let mut state = lock(this.state);
            if let Some(result) = (this.wish)(&mut state) {
                unit.made_progress();
                return Poll::Ready(result);
            }
            if (this.list)(&mut state).enroll(&mut this.key, cx.waker(), &mut spare, || ()) {
                return wait::pending(|| this.what.to_owned());
            }
            drop(state);
            spare = Some(cx.waker().clone());
        }
    }
}

impl<S, L, W> Drop for Until<'_, S, L, W>
where
    L: Fn(&mut S) -> &mut Waiters<()>,
{
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let removed = (self.list)(&mut lock(self.state)).remove(key);
        // Its waker is foreign code: the lock is released by now.
        drop(removed);
    }
}
