//! The channel itself, which the bounded and the unbounded kind share: a queue, and those who wait beside it.
//!
//! Everything that changes together is under one lock: the queue, the count of slots, the receiver's waker and the waiting
//! senders. So "the queue is empty" and "here is my waker" are one step, and no wakeup can fall between them. One
//! uncontended lock costs two atomic operations, as much as the cleverest lock-free queue pays for its own counters.
//!
//! **Slots.** A slot is free, or reserved (by a permit, or for a waiting sender whose turn has come), or filled:
//! `free + reserved + filled = capacity`. A slot is free again when its value has been received. While senders wait no
//! slot is free: whoever frees one gives it to the first of them, under the lock. That makes the order strict.
//! The unbounded channel is the same with a capacity that nobody fills.
//!
//! Rejected: a semaphore beside a list of blocks, as Tokio has it. It is two structures with an order between them, and
//! every race that its tests name lives in that order.

use std::collections::VecDeque;
use std::mem;
use std::task::{Context, Poll, Waker, ready};

use super::error::{TryRecvError, TrySendError};
use crate::shim::{Mutex, lock};
use crate::sync::one_by_one::one_by_one;
use crate::sync::until::until;
use crate::sync::waiters::{Waiters, WakeList};
use crate::task::budget;
use crate::trace::wait;

/// A channel.
pub(super) struct Chan<T> {
    /// Guards all that changes.
    pub(super) state: Mutex<State<T>>,
    /// How many slots there are.
    pub(super) capacity: usize,
}

/// What changes, all under one lock.
pub(super) struct State<T> {
    /// The filled slots, oldest first.
    queue: VecDeque<T>,
    /// How many slots are promised and not filled.
    pub(super) reserved: usize,
    /// How many slots there are; a copy, so that the counting needs nothing but the state.
    capacity: usize,
    /// The receiver takes no more: it was closed or dropped.
    pub(super) closed: bool,
    /// The last sender is gone.
    finished: bool,
    /// The receiver is gone: what a permit still sends is dropped.
    abandoned: bool,
    /// The receiver's waker, while it waits. There is none while the queue holds something.
    receiver: Option<Waker>,
    /// The senders that wait for slots.
    pub(super) senders: Waiters<Want>,
    /// Those who wait for the receiver to close.
    watchers: Waiters<()>,
}

/// What a waiting sender wants.
pub(super) struct Want {
    /// How many slots.
    pub(super) slots: usize,
    /// How many of them it has not been given.
    pub(super) missing: usize,
}

impl Want {
    /// How many slots it has been given.
    pub(super) fn given(&self) -> usize {
        self.slots - self.missing
    }
}

impl<T> State<T> {
    /// How many slots are neither promised nor filled.
    pub(super) fn free(&self) -> usize {
        self.capacity - self.reserved - self.queue.len()
    }

    /// What a trace says of one who waits for `what`.
    pub(super) fn describe(&self, what: &str) -> String {
        match (self.queue.len(), self.capacity) {
            (queued, usize::MAX) => format!("mpsc {what}, {queued} queued"),
            (queued, capacity) => format!("mpsc {what}, {queued} of {capacity}"),
        }
    }

    /// Fills a slot that was promised.
    pub(super) fn fill_reserved(&mut self, value: T, wakers: &mut WakeList) {
        self.reserved -= 1;
        self.queue.push_back(value);
        self.wake_receiver(wakers);
    }

    /// Gives slots that came free to those who wait, first come, first served; what is left over is free.
    fn hand_on(&mut self, mut slots: usize, wakers: &mut WakeList) {
        while slots > 0 {
            let Some(want) = self.senders.front_mut() else {
                return;
            };
            let given = slots.min(want.missing);
            want.missing -= given;
            slots -= given;
            self.reserved += given;
            if want.missing == 0 {
                self.senders.assign_front(wakers);
            }
        }
    }

    /// Takes promised slots back. On a closed channel this may be what the receiver waits for.
    pub(super) fn give_back(&mut self, slots: usize, wakers: &mut WakeList) {
        self.reserved -= slots;
        self.hand_on(slots, wakers);
        if self.is_over() {
            self.wake_receiver(wakers);
        }
    }

    /// Whether nothing will come any more: nothing is queued, and nobody can send.
    fn is_over(&self) -> bool {
        // A permit borrows or owns its sender, so without senders there are none, except forgotten ones.
        self.queue.is_empty() && (self.finished || (self.closed && self.reserved == 0))
    }

    /// Has the receiver woken, if it waits.
    fn wake_receiver(&mut self, wakers: &mut WakeList) {
        if let Some(waker) = self.receiver.take() {
            wakers.push(waker);
        }
    }

    /// Refuses all further sends, and wakes those who wait to send or wait for this.
    fn close(&mut self, wakers: &mut WakeList) {
        self.closed = true;
        while let Some(want) = self.senders.pop_front(wakers) {
            self.reserved -= want.given();
        }
        while self.watchers.pop_front(wakers).is_some() {}
    }

    /// Whether the receiver's waker is in place. If not, it takes a clone, made outside the lock, in `spare`.
    fn enroll_receiver(&mut self, waker: &Waker, spare: &mut Option<Waker>) -> bool {
        if self
            .receiver
            .as_ref()
            .is_some_and(|stored| stored.will_wake(waker))
        {
            return true;
        }
        let ready = spare.is_some();
        if ready {
            mem::swap(&mut self.receiver, spare);
        }
        ready
    }
}

impl<T> Chan<T> {
    /// An empty channel.
    pub(super) fn new(capacity: usize) -> Self {
        let state = State {
            queue: VecDeque::new(),
            reserved: 0,
            capacity,
            closed: false,
            finished: false,
            abandoned: false,
            receiver: None,
            senders: Waiters::new(),
            watchers: Waiters::new(),
        };
        Self {
            state: Mutex::new(state),
            capacity,
        }
    }

    /// Fills a free slot.
    pub(super) fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(TrySendError::Closed(value));
        }
        if state.free() == 0 {
            return Err(TrySendError::Full(value));
        }
        state.queue.push_back(value);
        let receiver = state.receiver.take();
        drop(state);
        if let Some(waker) = receiver {
            waker.wake();
        }
        Ok(())
    }

    /// Fills a slot that was promised.
    pub(super) fn send_reserved(&self, value: T) {
        let mut wakers = WakeList::new();
        let mut state = lock(&self.state);
        if state.abandoned {
            state.reserved -= 1;
            drop(state);
            drop(value);
        } else {
            state.fill_reserved(value, &mut wakers);
        }
    }

    /// Promises free slots.
    pub(super) fn try_reserve(&self, slots: usize) -> Result<(), TrySendError<()>> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(TrySendError::Closed(()));
        }
        if state.free() < slots {
            return Err(TrySendError::Full(()));
        }
        state.reserved += slots;
        Ok(())
    }

    /// Takes promised slots back.
    pub(super) fn give_back(&self, slots: usize) {
        let mut wakers = WakeList::new();
        lock(&self.state).give_back(slots, &mut wakers);
    }

    /// The last sender is gone.
    pub(super) fn finish(&self) {
        let mut wakers = WakeList::new();
        let mut state = lock(&self.state);
        state.finished = true;
        state.wake_receiver(&mut wakers);
    }

    /// The receiver takes no more.
    pub(super) fn close(&self) {
        let mut wakers = WakeList::new();
        lock(&self.state).close(&mut wakers);
    }

    /// The receiver is gone.
    pub(super) fn abandon(&self) {
        let mut wakers = WakeList::new();
        let mut state = lock(&self.state);
        state.close(&mut wakers);
        state.abandoned = true;
        let own = state.receiver.take();
        let left = mem::take(&mut state.queue);
        drop(state);
        // The senders first: a destructor may panic, and they must know all the same.
        drop(wakers);
        drop(own);
        one_by_one(left, drop);
    }

    /// The next value, or why there is none.
    pub(super) fn try_recv(&self) -> Result<T, TryRecvError> {
        let mut wakers = WakeList::new();
        let mut state = lock(&self.state);
        match state.queue.pop_front() {
            Some(value) => {
                state.hand_on(1, &mut wakers);
                Ok(value)
            }
            None if state.is_over() => Err(TryRecvError::Disconnected),
            None => Err(TryRecvError::Empty),
        }
    }

    /// The next value; `None` when nothing will come any more.
    pub(super) fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_take(cx, |queue| queue.pop_front().map(|value| (value, 1)))
    }

    /// Up to `limit` values into `buffer`, at least one; how many. Zero when nothing will come any more.
    pub(super) fn poll_recv_many(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        if limit == 0 {
            return Poll::Ready(0);
        }
        let taken = self.poll_take(cx, |queue| {
            let count = limit.min(queue.len());
            buffer.extend(queue.drain(..count));
            (count > 0).then_some((count, count))
        });
        taken.map(|count| count.unwrap_or(0))
    }

    /// Takes from the queue what `take` wants (and how many values that were), or leaves the waker.
    fn poll_take<R>(
        &self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&mut VecDeque<T>) -> Option<(R, usize)>,
    ) -> Poll<Option<R>> {
        let unit = ready!(budget::spend(cx));
        let mut spare = None;
        loop {
            let mut wakers = WakeList::new();
            let mut state = lock(&self.state);
            if let Some((result, count)) = take(&mut state.queue) {
                state.hand_on(count, &mut wakers);
                unit.made_progress();
                return Poll::Ready(Some(result));
            }
            if state.is_over() {
                let own = state.receiver.take();
                drop(state);
                drop(own);
                unit.made_progress();
                return Poll::Ready(None);
            }
            if state.enroll_receiver(cx.waker(), &mut spare) {
                return wait::pending(|| state.describe("recv"));
            }
            drop(state);
            spare = Some(cx.waker().clone());
        }
    }

    /// Waits until the receiver takes no more.
    pub(super) async fn closed(&self) {
        let closed = |state: &mut State<T>| state.closed.then_some(());
        until(
            &self.state,
            |state| &mut state.watchers,
            "mpsc closed",
            closed,
        )
        .await;
    }

    /// How many values are queued.
    pub(super) fn len(&self) -> usize {
        lock(&self.state).queue.len()
    }

    /// How many slots are free.
    pub(super) fn free(&self) -> usize {
        lock(&self.state).free()
    }

    /// Whether the receiver takes no more.
    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Whether nothing new can be sent: the receiver takes no more, or no sender is left.
    pub(super) fn is_ended(&self) -> bool {
        let state = lock(&self.state);
        state.closed || state.finished
    }
}
