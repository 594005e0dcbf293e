//! Stands in for `crossbeam_channel` in models: the part of an unbounded channel that this crate uses, made of a lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::{Condvar, Mutex, lock, now, wait_timeout};

/// A channel of any length, with one sender and one receiver.
pub(crate) fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel {
        state: Mutex::new(State {
            queue: VecDeque::new(),
            has_sender: true,
        }),
        sent: Condvar::new(),
    });
    (Sender(channel.clone()), Receiver(channel))
}

/// What both ends share.
struct Channel<T> {
    /// Guards the queue.
    state: Mutex<State<T>>,
    /// Told of each message, and of the end.
    sent: Condvar,
}

/// What the lock guards.
struct State<T> {
    /// The messages.
    queue: VecDeque<T>,
    /// Whether there can be more.
    has_sender: bool,
}

/// The one way in; this crate clones none.
pub(crate) struct Sender<T>(Arc<Channel<T>>);

/// The one way out.
pub(crate) struct Receiver<T>(Arc<Channel<T>>);

/// Why there is no message.
pub(crate) enum RecvTimeoutError {
    /// None came in time.
    Timeout,
    /// None will ever come.
    Disconnected,
}

impl<T> Sender<T> {
    /// Sends; it never fails, for the receiver outlives the sender wherever this crate has them.
    pub(crate) fn send(&self, message: T) -> Result<(), T> {
        lock(&self.0.state).queue.push_back(message);
        self.0.sent.notify_one();
        Ok(())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        lock(&self.0.state).has_sender = false;
        self.0.sent.notify_all();
    }
}

impl<T> Receiver<T> {
    /// The oldest message, if there is one.
    pub(crate) fn try_recv(&self) -> Result<T, ()> {
        lock(&self.0.state).queue.pop_front().ok_or(())
    }

    /// Waits for a message, so long at most.
    pub(crate) fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        let end = now() + timeout;
        let mut state = lock(&self.0.state);
        loop {
            if let Some(message) = state.queue.pop_front() {
                return Ok(message);
            }
            if !state.has_sender {
                return Err(RecvTimeoutError::Disconnected);
            }
            let left = end.saturating_duration_since(now());
            if left.is_zero() {
                return Err(RecvTimeoutError::Timeout);
            }
            state = wait_timeout(&self.0.sent, &self.0.state, state, left);
        }
    }

    /// How many messages there are.
    pub(crate) fn len(&self) -> usize {
        lock(&self.0.state).queue.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
