//! Which entries of a set have become ready, in that order: what makes a [`JoinSet`](super::JoinSet) cheap.
//!
//! A set that polled all its handles at every wake-up would do a thousand polls for each of a thousand tasks. So every
//! entry is polled with a waker of its own, which does two things: it puts the entry's key on this list, and it wakes the
//! task that waits for the set. That task then polls only the entries on the list.
//!
//! A key may be on the list although its entry is not ready, or has left and given its key to another: a waker may
//! always be called once too often. The set then polls one entry for nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_task::{ArcWake, waker};

use crate::shim::{Mutex, lock};

/// The list, shared by the set and the wakers of its entries.
#[derive(Debug, Default)]
pub(super) struct ReadyKeys {
    /// Guards both fields. No waker is cloned, woken or dropped under it.
    state: Mutex<State>,
}

/// What the lock guards.
#[derive(Debug, Default)]
struct State {
    /// The keys, the first that became ready in front.
    keys: VecDeque<usize>,
    /// The task that waits for one; taken by the waker that adds it.
    waiting: Option<Waker>,
}

impl ReadyKeys {
    /// A waker that puts `key` on the list.
    pub(super) fn waker(self: &Arc<Self>, key: usize) -> Waker {
        waker(Arc::new(KeyWaker {
            key,
            list: Arc::clone(self),
        }))
    }

    /// Puts `key` on the list, and wakes the task that waits.
    pub(super) fn push(&self, key: usize) {
        let waiting = {
            let mut state = lock(&self.state);
            state.keys.push_back(key);
            state.waiting.take()
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Takes the first key, if there is one.
    pub(super) fn pop(&self) -> Option<usize> {
        lock(&self.state).keys.pop_front()
    }

    /// Takes the first key; when there is none, the task of `cx` will be woken by the next.
    pub(super) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<usize> {
        {
            let mut state = lock(&self.state);
            if let Some(key) = state.keys.pop_front() {
                return Poll::Ready(key);
            }
            if matches!(&state.waiting, Some(waiting) if waiting.will_wake(cx.waker())) {
                return Poll::Pending;
            }
        }
        // A waker is foreign code: cloned while the lock is free. So a key may come in between.
        let mut waker = Some(cx.waker().clone());
        let popped = {
            let mut state = lock(&self.state);
            let popped = state.keys.pop_front();
            if popped.is_none() {
                std::mem::swap(&mut state.waiting, &mut waker);
            }
            popped
        };
        // The one that was replaced, or is not needed.
        drop(waker);
        popped.map_or(Poll::Pending, Poll::Ready)
    }
}

/// What stands behind an entry's waker.
struct KeyWaker {
    /// The entry.
    key: usize,
    /// Where its key goes.
    list: Arc<ReadyKeys>,
}

impl ArcWake for KeyWaker {
    fn wake_by_ref(this: &Arc<Self>) {
        this.list.push(this.key);
    }
}
