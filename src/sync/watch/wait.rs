//! The futures of a watch channel: they wait for news, and for the last receiver to go.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Shared;
use super::error::RecvError;
use crate::shim::atomic::Ordering::Acquire;
use crate::shim::lock;
use crate::sync::waiters::Key;
use crate::task::budget;
use crate::trace::wait;

/// Waits for news.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub(super) struct Changed<'a, T> {
    /// The channel.
    pub(super) shared: &'a Shared<T>,
    /// The receiver's version.
    pub(super) version: &'a mut usize,
    /// The place among those who wait.
    pub(super) key: Option<Key>,
}

impl<T> Future for Changed<'_, T> {
    type Output = Result<(), RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let unit = ready!(budget::spend(cx));
        let mut spare = None;
        loop {
            // A look without the lock would only be a short cut: it is this one that no change can slip past.
            let mut waiting = lock(&this.shared.waiting);
            if let Some(news) = this.shared.news(this.version) {
                unit.made_progress();
                return Poll::Ready(news);
            }
            if waiting
                .receivers
                .enroll(&mut this.key, cx.waker(), &mut spare, || ())
            {
                return wait::pending(|| "watch changed".to_owned());
            }
            drop(waiting);
            spare = Some(cx.waker().clone());
        }
    }
}

impl<T> Drop for Changed<'_, T> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let removed = lock(&self.shared.waiting).receivers.remove(key);
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
            let mut waiting = lock(&this.shared.waiting);
            // Acquire pairs with the receivers' drops.
            if this.shared.receivers.load(Acquire) == 0 {
                unit.made_progress();
                return Poll::Ready(());
            }
            if waiting
                .senders
                .enroll(&mut this.key, cx.waker(), &mut spare, || ())
            {
                return wait::pending(|| "watch closed".to_owned());
            }
            drop(waiting);
            spare = Some(cx.waker().clone());
        }
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let removed = lock(&self.shared.waiting).senders.remove(key);
        drop(removed);
    }
}
