//! `samovar::sync::Notify`: the permit, the queue, everybody at once, and what happens to a notification nobody took.

#[macro_use]
mod sync_support;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use futures::executor::block_on;
use futures::stream::{FuturesUnordered, StreamExt};
use proptest::prelude::*;
use samovar::sync::Notify;
use samovar::sync::futures::{Notified, OwnedNotified};
use sync_support::{Bomb, Counter, Random, nosy, task, watchdog};

#[test]
fn notify_one_leaves_one_permit_when_nobody_waits() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_one();
    task(notify.notified()).ready();
    task(notify.notified()).pending();
}

#[test]
fn notify_one_wakes_in_order_and_notify_last_from_the_other_end() {
    let notify = Notify::new();
    let mut waiters: Vec<_> = (0..4).map(|_| task(notify.notified())).collect();
    waiters.iter_mut().for_each(|waiter| waiter.pending());
    notify.notify_one();
    notify.notify_last();
    assert_eq!(
        waiters
            .iter()
            .map(|waiter| waiter.wakes())
            .collect::<Vec<_>>(),
        [1, 0, 0, 1]
    );
    waiters[0].ready();
    waiters[1].pending();
    waiters[2].pending();
    waiters[3].ready();
}

#[test]
fn a_chosen_waiter_that_is_dropped_passes_the_notification_on() {
    let notify = Notify::new();
    let mut waiters: Vec<_> = (0..4).map(|_| task(notify.notified())).collect();
    waiters.iter_mut().for_each(|waiter| waiter.pending());
    notify.notify_one();
    drop(waiters.remove(0));
    assert_eq!(
        waiters
            .iter()
            .map(|waiter| waiter.wakes())
            .collect::<Vec<_>>(),
        [1, 0, 0]
    );
    notify.notify_last();
    drop(waiters.pop());
    assert_eq!(
        waiters
            .iter()
            .map(|waiter| waiter.wakes())
            .collect::<Vec<_>>(),
        [1, 1]
    );
    drop(waiters);
    task(notify.notified()).ready(); // both went away: one permit remains
    task(notify.notified()).pending();
}

#[test]
fn a_waiter_that_is_dropped_unchosen_takes_nothing_along() {
    let notify = Notify::new();
    let mut waiter = task(notify.notified());
    waiter.pending();
    drop(waiter);
    task(notify.notified()).pending();
    notify.notify_one();
    task(notify.notified()).ready();
}

#[test]
fn notify_waiters_reaches_all_that_exist_and_leaves_no_permit() {
    let notify = Arc::new(Notify::new());
    let (mut polled, mut unpolled) = (task(notify.notified()), task(notify.notified()));
    let mut owned = task(notify.clone().notified_owned());
    polled.pending();
    notify.notify_waiters();
    let mut late = task(notify.notified());
    assert_eq!(polled.wakes(), 1);
    polled.ready();
    unpolled.ready();
    owned.ready();
    late.pending();
    polled.ready(); // completed, and stays so
}

#[test]
fn a_future_reached_by_notify_waiters_leaves_the_permit_to_others() {
    let notify = Notify::new();
    let mut reached = task(notify.notified());
    notify.notify_waiters();
    notify.notify_one();
    reached.ready();
    task(notify.notified()).ready();
}

#[test]
fn one_dropped_after_notify_waiters_passes_nothing_on() {
    let notify = Notify::new();
    let (mut one, mut two) = (task(notify.notified()), task(notify.notified()));
    one.pending();
    two.pending();
    notify.notify_waiters();
    drop((one, two));
    task(notify.notified()).pending();
}

#[test]
fn a_waiter_chosen_by_notify_one_passes_it_on_even_after_notify_waiters() {
    let notify = Notify::new();
    let mut chosen = task(notify.notified());
    chosen.pending();
    notify.notify_one();
    notify.notify_waiters();
    drop(chosen);
    task(notify.notified()).ready();
}

#[test]
fn enable_takes_a_place_without_a_waker_and_a_later_poll_brings_one() {
    let notify = Notify::new();
    let mut enabled = Box::pin(notify.notified());
    let mut second = task(notify.notified());
    assert!(!enabled.as_mut().enable());
    assert!(!enabled.as_mut().enable());
    second.pending();
    notify.notify_one();
    assert_eq!(second.wakes(), 0, "the enabled future is first");
    assert!(enabled.as_mut().enable());
    task(enabled).ready();

    let counter = Arc::new(Counter::default());
    let mut enabled = Box::pin(notify.notified());
    assert!(!enabled.as_mut().enable());
    assert!(poll(&mut enabled, &counter).is_pending());
    notify.notify_waiters();
    assert_eq!((counter.count(), second.wakes()), (1, 1));
    assert!(poll(&mut enabled, &counter).is_ready());

    notify.notify_one();
    assert!(
        !Box::pin(Arc::new(Notify::new()).notified_owned())
            .as_mut()
            .enable()
    );
    assert!(
        Box::pin(notify.notified()).as_mut().enable(),
        "there was a permit"
    );
}

fn poll(future: &mut Pin<Box<Notified<'_>>>, counter: &Arc<Counter>) -> Poll<()> {
    let waker = Waker::from(counter.clone());
    std::future::Future::poll(future.as_mut(), &mut Context::from_waker(&waker))
}

#[test]
fn the_newest_waker_is_woken() {
    let notify = Notify::new();
    let (mut waiter, other) = (task(notify.notified()), Arc::new(Counter::default()));
    waiter.pending();
    assert!(waiter.poll_with(&Waker::from(other.clone())).is_pending());
    notify.notify_one();
    assert_eq!((waiter.wakes(), other.count()), (0, 1));
}

#[test]
fn notify_waiters_wakes_all_others_when_wakers_panic_or_come_back() {
    watchdog(|| {
        let notify = Arc::new(Notify::new());
        let look = || {
            let notify = notify.clone();
            nosy(move || assert!(task(notify.notified()).poll().is_pending()))
        };
        let mut waiters: Vec<_> = (0..100).map(|_| task(notify.notified())).collect();
        for (at, waiter) in waiters.iter_mut().enumerate() {
            let polled = match at % 10 {
                0 => waiter.poll_with(&Waker::from(Arc::new(Bomb))),
                1 => waiter.poll_with(&look()),
                _ => waiter.poll(),
            };
            assert!(polled.is_pending());
            if at % 10 == 1 {
                assert!(waiter.poll_with(&look()).is_pending());
            }
        }
        let mut cancelled = task(notify.notified());
        assert!(cancelled.poll_with(&look()).is_pending());
        drop(cancelled);
        assert!(catch_unwind(AssertUnwindSafe(|| notify.notify_waiters())).is_err());
        assert_eq!(
            waiters.iter().filter(|waiter| waiter.wakes() == 1).count(),
            80
        );
        waiters.iter_mut().for_each(|waiter| waiter.ready());
        notify.notify_one();
        task(notify.notified()).ready();
    });
}

#[test]
fn a_static_one_works_and_all_describe_themselves() {
    static DONE: Notify = Notify::const_new();
    DONE.notify_one();
    block_on(DONE.notified());
    assert_eq!(
        format!("{:?}", Notify::default()),
        "Notify { permit: false, waiting: 0 }"
    );
    assert_is!(Notify: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe);
    assert_is!(Notified<'static>: Send + Sync);
    assert_is!(OwnedNotified: Send + Sync);
}

#[test]
fn a_thousand_futures_in_one_task_are_all_woken() {
    let notify = Notify::new();
    let mut all: FuturesUnordered<_> = (0..1000).map(|_| notify.notified()).collect();
    block_on(async {
        assert!(futures::poll!(all.next()).is_pending());
        notify.notify_one();
        assert!(all.next().await.is_some());
        notify.notify_waiters();
        assert_eq!(all.count().await, 999);
    });
}

#[test]
fn threads_that_wait_and_give_up_at_random_lose_no_notification() {
    watchdog(|| {
        const ROUNDS: usize = 3_000;
        let (notify, ready) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let received = Arc::new(AtomicUsize::new(0));
        let consumers: Vec<_> = (1..=3_u64)
            .map(|seed| {
                let (notify, ready, received) = (notify.clone(), ready.clone(), received.clone());
                thread::spawn(move || {
                    let mut random = Random(seed * 0x9E37_79B9);
                    while received.load(Ordering::SeqCst) < ROUNDS {
                        // A dropped waiter must pass on what it was given, or the next round never comes.
                        let mut done = task(notify.notified()).poll().is_ready();
                        if !done && random.below(2) == 0 {
                            block_on(notify.notified());
                            done = true;
                        }
                        if done {
                            received.fetch_add(1, Ordering::SeqCst);
                            ready.notify_one();
                        }
                    }
                    // The others may wait for a notification that will not come any more.
                    notify.notify_one();
                })
            })
            .collect();
        for _ in 0..ROUNDS {
            notify.notify_one();
            block_on(ready.notified());
        }
        for _ in 0..consumers.len() {
            notify.notify_one();
        }
        consumers
            .into_iter()
            .for_each(|consumer| consumer.join().unwrap());
    });
}

#[derive(Clone, Debug)]
enum Op {
    Create,
    Poll(usize),
    Drop(usize),
    One,
    Last,
    All,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => Just(Op::Create),
        4 => any::<usize>().prop_map(Op::Poll),
        2 => any::<usize>().prop_map(Op::Drop),
        2 => Just(Op::One),
        1 => Just(Op::Last),
        1 => Just(Op::All),
    ]
}

/// What has reached a future.
#[derive(Clone, Copy, PartialEq)]
enum Got {
    First,
    Last,
    All,
}

/// The permit, the line of those that were polled, and what has reached whom.
#[derive(Default)]
struct Model {
    permit: bool,
    line: VecDeque<usize>,
    got: Vec<(usize, Got)>,
}

impl Model {
    fn give(&mut self, got: Got) {
        let chosen = if got == Got::First {
            self.line.pop_front()
        } else {
            self.line.pop_back()
        };
        match chosen {
            Some(id) => self.got.push((id, got)),
            None => self.permit = true,
        }
    }

    fn take(&mut self, id: usize) -> Option<Got> {
        let at = self.got.iter().position(|&(other, _)| other == id)?;
        Some(self.got.remove(at).1)
    }
}

proptest! {
    #[test]
    fn behaves_like_the_model_under_random_cancellation(ops in proptest::collection::vec(op(), 1..100)) {
        let notify = Notify::new();
        let mut model = Model::default();
        let mut futures = Vec::new();
        for (id, op) in ops.into_iter().enumerate() {
            match op {
                Op::Create => futures.push((id, task(notify.notified()))),
                Op::Poll(at) if !futures.is_empty() => {
                    let at = at % futures.len();
                    let id = futures[at].0;
                    let mut reached = model.take(id).is_some();
                    if !reached && !model.line.contains(&id) {
                        reached = std::mem::take(&mut model.permit);
                        if !reached {
                            model.line.push_back(id);
                        }
                    }
                    prop_assert_eq!(futures[at].1.poll().is_ready(), reached);
                    if reached {
                        futures.remove(at);
                    }
                }
                Op::Drop(at) if !futures.is_empty() => {
                    let (id, future) = futures.remove(at % futures.len());
                    drop(future);
                    model.line.retain(|&other| other != id);
                    match model.take(id) {
                        Some(Got::All) | None => {}
                        Some(got) => model.give(got),
                    }
                }
                Op::One => {
                    notify.notify_one();
                    model.give(Got::First);
                }
                Op::Last => {
                    notify.notify_last();
                    model.give(Got::Last);
                }
                Op::All => {
                    notify.notify_waiters();
                    model.line.clear();
                    for (id, _) in &futures {
                        if !model.got.iter().any(|(other, _)| other == id) {
                            model.got.push((*id, Got::All));
                        }
                    }
                }
                Op::Poll(_) | Op::Drop(_) => {}
            }
            for (id, future) in &futures {
                let in_line = model.line.contains(id);
                prop_assert!(!in_line || future.wakes() == 0);
            }
        }
    }
}
