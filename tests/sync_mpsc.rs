//! `samovar::sync::mpsc`: order, capacity, closing, cancellation, and what is dropped when.

mod channels_support;

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;

use channels_support::{
    Hooks, Tally, assert_send, assert_sync, assert_unpin, counter, poll, poll_once, watchdog,
};
use futures::FutureExt;
use samovar::sync::mpsc::error::{SendError, TryRecvError, TrySendError};
use samovar::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender};

#[test]
fn values_come_out_in_the_order_in_which_they_went_in() {
    let (sender, mut receiver) = mpsc::channel(100);
    let (unbounded, mut from_unbounded) = mpsc::unbounded_channel();
    for number in 0..100 {
        sender.try_send(number).unwrap();
        unbounded.send(number).unwrap();
    }
    for number in 0..100 {
        assert_eq!(receiver.recv().now_or_never(), Some(Some(number)));
        assert_eq!(from_unbounded.recv().now_or_never(), Some(Some(number)));
    }
}

#[test]
#[should_panic(expected = "must be at least 1")]
fn a_channel_without_slots_is_refused() {
    let _ = mpsc::channel::<u64>(0);
}

#[test]
fn a_huge_capacity_costs_nothing_until_it_is_used() {
    let (sender, receiver) = mpsc::channel(usize::MAX);
    sender.try_send(1).unwrap();
    assert_eq!((sender.capacity(), receiver.len()), (usize::MAX - 1, 1));
}

#[test]
fn len_and_capacity_are_exact_through_sends_permits_and_closing() {
    let (sender, mut receiver) = mpsc::channel(4);
    let count =
        |receiver: &Receiver<u64>| (receiver.len(), receiver.capacity(), receiver.is_empty());
    assert_eq!(count(&receiver), (0, 4, true));
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    let permit = sender.try_reserve().unwrap();
    assert_eq!(count(&receiver), (2, 1, false));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(count(&receiver), (1, 2, false));
    receiver.close();
    assert_eq!(count(&receiver), (1, 2, false));
    permit.send(3);
    assert_eq!(count(&receiver), (2, 2, false));
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(2), Ok(3)));
    assert_eq!(count(&receiver), (0, 4, true));
    assert_eq!(
        (
            sender.capacity(),
            sender.max_capacity(),
            receiver.max_capacity()
        ),
        (4, 4, 4)
    );
}

#[test]
fn sending_wakes_the_waiting_receiver_once() {
    let (counter, waker) = counter();
    let (sender, mut receiver) = mpsc::channel(4);
    let mut recv = Box::pin(receiver.recv());
    assert!(poll(&mut recv, &waker).is_pending());
    assert!(poll(&mut recv, &waker).is_pending());
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    assert_eq!(counter.wakes(), 1);
    assert_eq!(poll(&mut recv, &waker), Poll::Ready(Some(1)));
}

#[test]
fn the_newest_waker_is_the_one_that_is_woken() {
    let ((old, old_waker), (new, new_waker)) = (counter(), counter());
    let (sender, mut receiver) = mpsc::channel(1);
    assert!(
        receiver
            .poll_recv(&mut Context::from_waker(&old_waker))
            .is_pending()
    );
    assert!(
        receiver
            .poll_recv(&mut Context::from_waker(&new_waker))
            .is_pending()
    );
    sender.try_send(1).unwrap();
    assert_eq!((old.wakes(), new.wakes()), (0, 1));

    let mut send = Box::pin(sender.send(2));
    assert!(poll(&mut send, &old_waker).is_pending());
    assert!(poll(&mut send, &new_waker).is_pending());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!((old.wakes(), new.wakes()), (0, 2));
}

#[test]
fn waiting_senders_are_served_in_order_and_nobody_overtakes_them() {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(0).unwrap();
    let mut waiting: Vec<_> = (1..=3)
        .map(|number| {
            let (counter, waker) = counter();
            let mut send = Box::pin(sender.send(number));
            assert!(poll(&mut send, &waker).is_pending());
            (counter, waker, send)
        })
        .collect();
    assert_eq!(receiver.try_recv(), Ok(0));
    let wakes: Vec<_> = waiting
        .iter()
        .map(|(counter, ..)| counter.wakes())
        .collect();
    assert_eq!(wakes, [1, 0, 0]);
    // The slot is the first one's, although nothing is in it yet.
    assert_eq!(sender.try_send(9), Err(TrySendError::Full(9)));
    assert_eq!((sender.capacity(), receiver.len()), (0, 0));
    let (_, waker, second) = &mut waiting[1];
    assert!(poll(second, waker).is_pending());
    let (_, waker, first) = &mut waiting[0];
    assert_eq!(poll(first, waker), Poll::Ready(Ok(())));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(waiting[1].0.wakes(), 1);
}

#[test]
fn a_cancelled_sender_passes_its_slot_on() {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(0).unwrap();
    let (counter, waker) = counter();
    let mut first = Box::pin(sender.send(1));
    let mut second = Box::pin(sender.send(2));
    assert!(poll_once(&mut first).is_pending());
    assert!(poll(&mut second, &waker).is_pending());
    assert_eq!(receiver.try_recv(), Ok(0));
    assert_eq!(counter.wakes(), 0);
    drop(first);
    assert_eq!(counter.wakes(), 1);
    assert_eq!(poll(&mut second, &waker), Poll::Ready(Ok(())));
    assert_eq!(receiver.try_recv(), Ok(2));

    // One that had nothing yet just leaves.
    sender.try_send(3).unwrap();
    let mut third = Box::pin(sender.send(4));
    assert!(poll_once(&mut third).is_pending());
    drop(third);
    assert_eq!(receiver.try_recv(), Ok(3));
    assert_eq!(sender.capacity(), 1);
}

#[test]
fn a_cancelled_send_drops_its_value_and_a_cancelled_reserve_has_none() {
    let drops = Arc::new(AtomicUsize::new(0));
    let (sender, mut receiver) = mpsc::channel(1);
    assert!(sender.try_send(Tally::new(&drops)).is_ok());
    let mut send = Box::pin(sender.send(Tally::new(&drops)));
    assert!(poll_once(&mut send).is_pending());
    drop(send);
    assert_eq!((drops.load(SeqCst), receiver.len()), (1, 1));
    let mut reserve = Box::pin(sender.reserve());
    assert!(poll_once(&mut reserve).is_pending());
    drop(reserve);
    assert!(receiver.try_recv().is_ok());
    assert_eq!(sender.capacity(), 1);
}

#[test]
fn the_last_senders_drop_ends_the_channel_after_what_was_sent() {
    let (counter, waker) = counter();
    let (sender, mut receiver) = mpsc::channel(2);
    let clone = sender.clone();
    clone.try_send(1).unwrap();
    drop(sender);
    assert!(!receiver.is_closed());
    drop(clone);
    assert!(receiver.is_closed());
    assert_eq!(receiver.recv().now_or_never(), Some(Some(1)));
    assert_eq!(receiver.recv().now_or_never(), Some(None));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));

    let (sender, mut receiver) = mpsc::unbounded_channel::<u64>();
    let mut recv = Box::pin(receiver.recv());
    assert!(poll(&mut recv, &waker).is_pending());
    drop(sender);
    assert_eq!(
        (counter.wakes(), poll(&mut recv, &waker)),
        (1, Poll::Ready(None))
    );
}

#[test]
fn closing_refuses_senders_and_still_delivers_what_is_queued() {
    let ((waiting, waker), (watching, watcher)) = (counter(), counter());
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(1).unwrap();
    let mut send = Box::pin(sender.send(2));
    let mut closed = Box::pin(sender.closed());
    assert!(poll(&mut send, &waker).is_pending());
    assert!(poll(&mut closed, &watcher).is_pending());
    receiver.close();
    assert_eq!((waiting.wakes(), watching.wakes()), (1, 1));
    assert_eq!(poll(&mut send, &waker), Poll::Ready(Err(SendError(2))));
    assert!(poll(&mut closed, &watcher).is_ready());
    assert!(sender.is_closed() && receiver.is_closed());
    assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
    assert_eq!(sender.try_reserve().unwrap_err(), TrySendError::Closed(()));
    assert_eq!(receiver.recv().now_or_never(), Some(Some(1)));
    assert_eq!(receiver.recv().now_or_never(), Some(None));
}

#[test]
fn a_permit_outlives_the_closing_and_the_end_waits_for_it() {
    for send in [true, false] {
        let (counter, waker) = counter();
        let (sender, mut receiver) = mpsc::channel(2);
        let permit = sender.try_reserve().unwrap();
        receiver.close();
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        assert!(
            receiver
                .poll_recv(&mut Context::from_waker(&waker))
                .is_pending()
        );
        if send {
            permit.send(7);
            assert_eq!(counter.wakes(), 1);
            assert_eq!(receiver.recv().now_or_never(), Some(Some(7)));
        } else {
            drop(permit);
            assert_eq!(counter.wakes(), 1);
        }
        assert_eq!(receiver.recv().now_or_never(), Some(None));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    }
}

#[test]
fn a_sender_that_was_given_a_slot_just_before_the_closing_gives_it_back() {
    let (counter, waker) = counter();
    for polled in [true, false] {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(1).unwrap();
        let mut send = Box::pin(sender.send(2));
        assert!(poll_once(&mut send).is_pending());
        assert_eq!(receiver.try_recv(), Ok(1));
        receiver.close();
        assert!(
            receiver
                .poll_recv(&mut Context::from_waker(&waker))
                .is_pending()
        );
        let before = counter.wakes();
        if polled {
            assert_eq!(poll_once(&mut send), Poll::Ready(Err(SendError(2))));
        }
        drop(send);
        assert_eq!(counter.wakes(), before + 1);
        assert_eq!(receiver.recv().now_or_never(), Some(None));
    }
}

#[test]
fn owned_permits_keep_the_channel_open_and_give_the_sender_back() {
    let (sender, mut receiver) = mpsc::channel(1);
    let permit = sender.reserve_owned().now_or_never().unwrap().unwrap();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let sender = permit.send(1);
    let full = sender.clone().try_reserve_owned().unwrap_err();
    assert!(matches!(full, TrySendError::Full(_)));
    drop(full);
    assert_eq!(receiver.try_recv(), Ok(1));
    let sender = sender.try_reserve_owned().unwrap().release();
    assert_eq!((sender.capacity(), sender.strong_count()), (1, 1));
    let permit = sender.try_reserve_owned().unwrap();
    drop(permit);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(receiver.capacity(), 1);
}

#[test]
fn a_batch_collects_slots_and_small_wishes_do_not_overtake_it() {
    let (sender, mut receiver) = mpsc::channel(3);
    for number in 0..2 {
        sender.try_send(number).unwrap();
    }
    let mut batch = Box::pin(sender.reserve_many(3));
    assert!(poll_once(&mut batch).is_pending());
    // The free slot is the batch's already.
    assert_eq!(sender.try_send(9), Err(TrySendError::Full(9)));
    let mut late = Box::pin(sender.send(8));
    assert!(poll_once(&mut late).is_pending());
    assert_eq!(receiver.try_recv(), Ok(0));
    assert!(poll_once(&mut batch).is_pending());
    assert_eq!(receiver.try_recv(), Ok(1));
    let Poll::Ready(Ok(mut permits)) = poll_once(&mut batch) else {
        panic!("three slots are free")
    };
    assert_eq!(permits.len(), 3);
    permits.next().unwrap().send(2);
    assert!(poll_once(&mut late).is_pending());
    drop(permits);
    assert_eq!(poll_once(&mut late), Poll::Ready(Ok(())));
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(2), Ok(8)));
    assert_eq!(sender.capacity(), 3);
    drop(batch);

    // Half served and cancelled.
    sender.try_send(1).unwrap();
    let mut batch = Box::pin(sender.reserve_many(3));
    assert!(poll_once(&mut batch).is_pending());
    assert_eq!(sender.capacity(), 0);
    drop(batch);
    assert_eq!(sender.capacity(), 2);
    assert!(
        sender.reserve_many(4).now_or_never().unwrap().is_err(),
        "there never are four"
    );
    assert_eq!(
        sender
            .reserve_many(0)
            .now_or_never()
            .unwrap()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn recv_many_takes_what_there_is_and_frees_as_many_slots() {
    let (sender, mut receiver) = mpsc::channel(3);
    let mut buffer = vec![9];
    assert_eq!(receiver.recv_many(&mut buffer, 0).now_or_never(), Some(0));
    assert_eq!(receiver.recv_many(&mut buffer, 5).now_or_never(), None);
    for number in 0..3 {
        sender.try_send(number).unwrap();
    }
    let (counters, mut waiting): (Vec<_>, Vec<_>) = (3..6)
        .map(|number| {
            let (counter, waker) = counter();
            let mut send = Box::pin(sender.send(number));
            assert!(poll(&mut send, &waker).is_pending());
            (counter, send)
        })
        .unzip();
    assert_eq!(receiver.recv_many(&mut buffer, 2).now_or_never(), Some(2));
    assert_eq!(buffer, [9, 0, 1]);
    let wakes: Vec<_> = counters.iter().map(|counter| counter.wakes()).collect();
    assert_eq!(wakes, [1, 1, 0]);
    for send in &mut waiting[..2] {
        assert_eq!(poll_once(send), Poll::Ready(Ok(())));
    }
    drop(waiting);
    assert_eq!(receiver.recv_many(&mut buffer, 9).now_or_never(), Some(3));
    assert_eq!(buffer, [9, 0, 1, 2, 3, 4]);
    drop(sender);
    assert_eq!(receiver.recv_many(&mut buffer, 9).now_or_never(), Some(0));
}

#[test]
fn a_dropped_receiver_lets_everything_go_while_senders_live() {
    let (kept, waker) = counter();
    let ((waiting, sender_waker), drops) = (counter(), Arc::new(AtomicUsize::new(0)));
    let (sender, mut receiver) = mpsc::channel(1);
    assert!(
        receiver
            .poll_recv(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop((receiver, waker));
    assert_eq!(Arc::strong_count(&kept), 1, "the waker is gone");
    assert!(sender.try_send(Tally::new(&drops)).is_err());

    let (sender, receiver) = mpsc::channel(2);
    let permit = sender.try_reserve().unwrap();
    assert!(sender.try_send(Tally::new(&drops)).is_ok());
    let mut send = Box::pin(sender.send(Tally::new(&drops)));
    assert!(poll(&mut send, &sender_waker).is_pending());
    let before = drops.load(SeqCst);
    drop(receiver);
    assert_eq!(drops.load(SeqCst), before + 1, "what was queued is gone");
    assert_eq!(waiting.wakes(), 1);
    assert!(matches!(
        poll(&mut send, &sender_waker),
        Poll::Ready(Err(_))
    ));
    permit.send(Tally::new(&drops));
    assert_eq!(
        drops.load(SeqCst),
        before + 3,
        "what a permit sends now is gone at once"
    );
}

#[test]
fn a_panicking_destructor_does_not_keep_the_others_from_being_dropped() {
    let drops = Arc::new(AtomicUsize::new(0));
    let fill = || {
        let (sender, receiver) = mpsc::channel(5);
        for bomb in [false, true, false, true, false] {
            let value = if bomb {
                Tally::bomb(&drops)
            } else {
                Tally::new(&drops)
            };
            assert!(sender.try_send(value).is_ok());
        }
        (sender, receiver)
    };
    let (sender, receiver) = fill();
    let panic = catch_unwind(AssertUnwindSafe(|| drop(receiver))).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"bomb"));
    assert_eq!((drops.swap(0, SeqCst), sender.is_closed()), (5, true));

    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _unwound = fill();
        panic!("first");
    }))
    .unwrap_err();
    assert_eq!(
        panic.downcast_ref(),
        Some(&"first"),
        "a second panic would have ended the process"
    );
    assert_eq!(drops.load(SeqCst), 5);
}

#[test]
fn a_panic_while_a_permit_sends_does_not_give_its_slot_back_twice() {
    let drops = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = mpsc::channel(2);
    let permit = sender.try_reserve().unwrap();
    drop(receiver);
    let send = || permit.send(Tally::bomb(&drops));
    assert!(
        catch_unwind(AssertUnwindSafe(send)).is_err(),
        "nobody is there to receive it, so it is dropped"
    );
    assert_eq!((drops.load(SeqCst), sender.capacity()), (1, 2));

    let (sender, mut receiver) = mpsc::channel(2);
    let permit = sender.try_reserve().unwrap();
    let waker = Waker::from(Arc::new(Hooks {
        on_wake: || panic!("bomb"),
        on_drop: || (),
    }));
    assert!(
        receiver
            .poll_recv(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert!(catch_unwind(AssertUnwindSafe(|| permit.send(1))).is_err());
    assert_eq!((sender.capacity(), receiver.try_recv()), (1, Ok(1)));
    assert_eq!(sender.capacity(), 2);
}

#[test]
fn a_million_values_are_dropped_without_recursion() {
    let (sender, receiver) = mpsc::unbounded_channel();
    for number in 0..1_000_000_u32 {
        sender.send(Box::new(number)).unwrap();
    }
    drop(receiver);
    assert!(sender.is_closed());
}

#[test]
fn destructors_and_wakers_may_use_the_channel() {
    struct Sends(UnboundedSender<Sends>);
    impl Drop for Sends {
        fn drop(&mut self) {
            assert!(self.0.is_closed());
            let _ = self.0.strong_count();
        }
    }
    watchdog(|| {
        let (sender, receiver) = mpsc::unbounded_channel();
        assert!(sender.send(Sends(sender.clone())).is_ok());
        drop(receiver);

        let (sender, mut receiver) = mpsc::channel(1);
        let (on_wake, on_drop) = (sender.clone(), sender.clone());
        let hooks = Hooks {
            on_wake: move || assert!(on_wake.try_send(2).is_err()),
            on_drop: move || assert!(on_drop.capacity() <= 1),
        };
        {
            let waker = Waker::from(Arc::new(hooks));
            assert!(
                receiver
                    .poll_recv(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        sender.try_send(1).unwrap();
        // The waker ran, found the channel full, and was dropped. Once more, replaced by another instead of woken:
        assert_eq!(receiver.try_recv(), Ok(1));
        let on_drop = sender.clone();
        let hooks = Hooks {
            on_wake: || (),
            on_drop: move || assert!(on_drop.capacity() <= 1),
        };
        {
            let waker = Waker::from(Arc::new(hooks));
            assert!(
                receiver
                    .poll_recv(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        assert!(
            receiver
                .poll_recv(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
    });
}

#[test]
fn forgotten_futures_stop_nobody_else() {
    let (sender, mut receiver) = mpsc::channel(2);
    let mut recv = Box::pin(receiver.recv());
    assert!(poll_once(&mut recv).is_pending());
    mem::forget(recv);
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
    sender.try_send(3).unwrap();
    // A forgotten sender costs the slot that it is given; the others go on with the rest.
    let mut send = Box::pin(sender.send(4));
    assert!(poll_once(&mut send).is_pending());
    mem::forget(send);
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(2), Ok(3)));
    assert_eq!(sender.capacity(), 1);
    for number in 5..10 {
        sender.try_send(number).unwrap();
        assert_eq!(receiver.try_recv(), Ok(number));
    }
    // The end is the last sender's drop, whatever was promised.
    drop(sender);
    assert_eq!(receiver.recv().now_or_never(), Some(None));
}

#[test]
fn cancelling_recv_any_number_of_times_loses_and_doubles_nothing() {
    const COUNT: u32 = 100_000;
    watchdog(|| {
        let (sender, mut receiver) = mpsc::channel(8);
        let thread = thread::spawn(move || {
            for number in 0..COUNT {
                sender.blocking_send(number).unwrap();
            }
        });
        let mut next = 0;
        while next < COUNT {
            // Polled once and dropped, mostly with nothing to show for it.
            match receiver.recv().now_or_never() {
                Some(number) => {
                    assert_eq!(number, Some(next));
                    next += 1;
                }
                None => thread::yield_now(),
            }
        }
        thread.join().unwrap();
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    });
}

#[test]
fn many_threads_send_and_each_ones_order_is_kept() {
    const THREADS: usize = 4;
    const COUNT: usize = 5000;
    watchdog(|| {
        let (sender, mut receiver) = mpsc::channel(3);
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let sender = sender.clone();
                thread::spawn(move || {
                    (0..COUNT).for_each(|number| sender.blocking_send((thread, number)).unwrap())
                })
            })
            .collect();
        drop(sender);
        let mut next = [0; THREADS];
        while let Some((thread, number)) = receiver.blocking_recv() {
            assert_eq!(number, next[thread]);
            next[thread] += 1;
        }
        assert_eq!(next, [COUNT; THREADS]);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_receiver_that_goes_away_under_fire_lets_all_threads_finish() {
    watchdog(|| {
        for _ in 0..200 {
            let (sender, receiver) = mpsc::channel(1);
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let sender = sender.clone();
                    thread::spawn(move || while sender.blocking_send(()).is_ok() {})
                })
                .collect();
            drop(receiver);
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
        }
    });
}

#[test]
fn weak_senders_count_apart_and_do_not_keep_the_channel_open() {
    let (sender, receiver) = mpsc::channel::<u64>(1);
    let weak = sender.downgrade();
    let other = weak.clone();
    assert_eq!((sender.strong_count(), sender.weak_count()), (1, 2));
    let again = weak.upgrade().unwrap();
    assert!(again.same_channel(&sender));
    assert_eq!((weak.strong_count(), weak.weak_count()), (2, 2));
    assert_eq!(
        (receiver.sender_strong_count(), receiver.sender_weak_count()),
        (2, 2)
    );
    drop((sender, again, other));
    assert!(receiver.is_closed() && weak.upgrade().is_none());
    assert_eq!((weak.strong_count(), weak.weak_count()), (0, 1));

    let (sender, receiver) = mpsc::unbounded_channel::<u64>();
    let weak = sender.downgrade();
    assert_eq!(
        (
            weak.strong_count(),
            weak.weak_count(),
            receiver.sender_weak_count()
        ),
        (1, 1, 1)
    );
    assert!(weak.upgrade().unwrap().same_channel(&sender));
    drop(sender);
    assert!(weak.clone().upgrade().is_none());
}

#[test]
fn handles_and_futures_go_where_values_may_go() {
    assert_send::<Sender<Cell<u64>>>();
    assert_sync::<Sender<Cell<u64>>>();
    assert_send::<Receiver<Cell<u64>>>();
    assert_sync::<UnboundedSender<Cell<u64>>>();
    assert_sync::<UnboundedReceiver<Cell<u64>>>();
    assert_unpin::<Receiver<std::marker::PhantomPinned>>();
    fn send<T: Send>(value: T) -> T {
        value
    }
    let (sender, mut receiver) = mpsc::channel::<Cell<u64>>(1);
    drop(send(sender.send(Cell::new(1))));
    drop(send(sender.reserve()));
    drop(send(sender.closed()));
    drop(send(receiver.recv()));
}

#[test]
fn errors_and_debug_say_what_they_are_without_asking_anything_of_the_value() {
    struct Opaque;
    let (sender, receiver) = mpsc::channel(1);
    assert_eq!(
        format!("{sender:?}"),
        "mpsc::Sender { capacity: 1, max_capacity: 1, is_closed: false }"
    );
    assert!(sender.try_send(Opaque).is_ok());
    assert_eq!(
        format!("{receiver:?}"),
        "mpsc::Receiver { len: 1, max_capacity: 1, is_closed: false }"
    );
    let full = sender.try_send(Opaque).unwrap_err();
    assert_eq!(
        (format!("{full:?}"), full.to_string()),
        ("Full(..)".into(), "no available capacity".into())
    );
    drop(receiver);
    let closed = sender.try_send(Opaque).unwrap_err();
    assert_eq!(
        (format!("{closed:?}"), closed.to_string()),
        ("Closed(..)".into(), "channel closed".into())
    );
    assert_eq!(SendError(Opaque).to_string(), "channel closed");
    assert_eq!(
        TryRecvError::Empty.to_string(),
        "receiving on an empty channel"
    );
    assert_eq!(
        TryRecvError::Disconnected.to_string(),
        "receiving on a closed channel"
    );
}
