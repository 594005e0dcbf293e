//! The futures of a broadcast channel: they wait for the next value, and for the last receiver to go.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc as Value;
use std::task::{Context, Poll, ready};

use super::error::{RecvError, TryRecvError};
use super::{Receiver, Shared};
use crate::shim::lock;
use crate::sync::waiters::Key;
use crate::task::budget;
use crate::trace::wait;

/// Waits for the next value.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub(super) struct Recv<'a, T> {
    /// For whom.
    pub(super) receiver: &'a mut Receiver<T>,
    /// The place among those who wait.
    pub(super) key: Option<Key>,
}

impl<T> Future for Recv<'_, T> {
    type Output = Result<Value<T>, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { receiver, key } = &mut *self;
        let Receiver { shared, next } = &mut **receiver;
        let unit = ready!(budget::spend(cx));
        let mut spare = None;
        loop {
            let mut state = lock(&shared.state);
            let result = match state.take(next) {
                Ok(value) => Ok(value),
                Err(TryRecvError::Closed) => Err(RecvError::Closed),
                Err(TryRecvError::Lagged(missed)) => Err(RecvError::Lagged(missed)),
                Err(TryRecvError::Empty) => {
                    if state.waiting.enroll(key, cx.waker(), &mut spare, || ()) {
                        return wait::pending(|| "broadcast recv".to_owned());
                    }
                    drop(state);
                    spare = Some(cx.waker().clone());
                    continue;
                }
            };
            unit.made_progress();
            return Poll::Ready(result);
        }
    }
}

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let removed = lock(&self.receiver.shared.state).waiting.remove(key);
        drop(removed);
    }
}

/// Waits for the last receiver to go.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub(super) struct Closed<'a, T> {
    /// The channel.
    pub(super) shared: &'a Shared<T>,
    /// The place among those who wait.
    pub(super) key: Option<Key>,
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let unit = ready!(budget::spend(cx));
        let mut spare = None;
        loop {
            let mut state = lock(&this.shared.state);
            if state.receivers == 0 {
                unit.made_progress();
                return Poll::Ready(());
            }
            if state
                .watchers
                .enroll(&mut this.key, cx.waker(), &mut spare, || ())
            {
                return wait::pending(|| "broadcast closed".to_owned());
            }
            drop(state);
            spare = Some(cx.waker().clone());
        }
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let removed = lock(&self.shared.state).watchers.remove(key);
        drop(removed);
    }
}
