//! `samovar::sync::watch`: the newest value, and who learns of it.

mod channels_support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Poll, Waker};
use std::thread;

use channels_support::{
    Hooks, Tally, assert_send, assert_sync, counter, poll, poll_once, watchdog,
};
use futures::FutureExt;
use samovar::sync::watch::{self, Receiver, Sender};

#[test]
fn the_first_value_is_seen_and_each_change_is_news_once() {
    let (sender, mut receiver) = watch::channel(1);
    assert_eq!(*receiver.borrow(), 1);
    assert!(receiver.changed().now_or_never().is_none());
    sender.send(2).unwrap();
    sender.send(3).unwrap();
    assert_eq!(receiver.has_changed(), Ok(true));
    assert_eq!(receiver.changed().now_or_never(), Some(Ok(())));
    assert!(receiver.changed().now_or_never().is_none());
    assert_eq!((*receiver.borrow(), *sender.borrow()), (3, 3));
}

#[test]
fn borrow_leaves_the_news_and_borrow_and_update_takes_it() {
    let (sender, mut receiver) = watch::channel(1);
    sender.send(2).unwrap();
    assert!(receiver.borrow().has_changed());
    assert!(receiver.borrow().has_changed());
    assert!(receiver.borrow_and_update().has_changed());
    assert!(!receiver.borrow().has_changed());
    assert!(!sender.borrow().has_changed());
}

#[test]
fn a_change_wakes_all_who_wait_once() {
    let (sender, mut one) = watch::channel(1);
    let mut two = one.clone();
    let ((first, first_waker), (second, second_waker)) = (counter(), counter());
    let (mut of_one, mut of_two) = (Box::pin(one.changed()), Box::pin(two.changed()));
    assert!(poll(&mut of_one, &first_waker).is_pending());
    assert!(poll(&mut of_one, &first_waker).is_pending());
    assert!(poll(&mut of_two, &second_waker).is_pending());
    sender.send(2).unwrap();
    sender.send(3).unwrap();
    assert_eq!((first.wakes(), second.wakes()), (1, 1));
    assert_eq!(poll(&mut of_one, &first_waker), Poll::Ready(Ok(())));
    assert_eq!(poll(&mut of_two, &second_waker), Poll::Ready(Ok(())));
}

#[test]
fn the_newest_waker_is_woken_and_a_dropped_future_keeps_none() {
    let ((old, old_waker), (new, new_waker)) = (counter(), counter());
    let (sender, mut receiver) = watch::channel(1);
    let mut changed = Box::pin(receiver.changed());
    assert!(poll(&mut changed, &old_waker).is_pending());
    assert!(poll(&mut changed, &new_waker).is_pending());
    drop(old_waker);
    assert_eq!(Arc::strong_count(&old), 1);
    drop((changed, new_waker));
    assert_eq!(Arc::strong_count(&new), 1);
    sender.send(2).unwrap();
    assert_eq!((old.wakes(), new.wakes()), (0, 0));
    assert_eq!(
        receiver.has_changed(),
        Ok(true),
        "a cancelled wait counts nothing as seen"
    );
}

#[test]
fn the_last_senders_drop_ends_it_after_the_last_news() {
    let (counter, waker) = counter();
    let (sender, mut receiver) = watch::channel(1);
    let clone = sender.clone();
    assert_eq!(sender.sender_count(), 2);
    clone.send(2).unwrap();
    drop(sender);
    assert!(!receiver.is_closed());
    drop(clone);
    assert!(receiver.is_closed() && receiver.has_changed().is_err());
    assert_eq!(receiver.changed().now_or_never(), Some(Ok(())));
    assert!(receiver.changed().now_or_never().unwrap().is_err());
    assert_eq!(*receiver.borrow(), 2);

    let (sender, mut receiver) = watch::channel(1);
    let mut changed = Box::pin(receiver.changed());
    assert!(poll(&mut changed, &waker).is_pending());
    drop(sender);
    assert_eq!(counter.wakes(), 1);
    assert!(matches!(poll(&mut changed, &waker), Poll::Ready(Err(_))));
}

#[test]
fn send_needs_a_receiver_and_send_replace_does_not() {
    let (sender, receiver) = watch::channel(1);
    drop(receiver);
    assert!(sender.is_closed());
    let error = sender.send(2).unwrap_err();
    assert_eq!((error.0, error.to_string()), (2, "channel closed".into()));
    assert_eq!(*sender.borrow(), 1);
    assert_eq!(sender.send_replace(3), 1);
    let receiver = sender.subscribe();
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (3, Ok(false)));
    assert_eq!(sender.receiver_count(), 1);
    sender.send(4).unwrap();
}

#[test]
fn only_a_modification_that_says_so_is_news() {
    let (sender, mut receiver) = watch::channel(vec![1]);
    assert!(!sender.send_if_modified(|list| {
        list.push(2);
        false
    }));
    assert_eq!(
        (receiver.has_changed(), receiver.borrow().len()),
        (Ok(false), 2)
    );
    sender.send_modify(Vec::clear);
    assert_eq!(receiver.changed().now_or_never(), Some(Ok(())));
    assert!(receiver.borrow().is_empty());
}

#[test]
fn a_panic_in_a_modification_is_no_news_and_breaks_nothing() {
    let (sender, receiver) = watch::channel(1);
    let panic = catch_unwind(AssertUnwindSafe(|| sender.send_modify(|_| panic!("oops"))));
    assert!(panic.is_err());
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (1, Ok(false)));
    sender.send(2).unwrap();
    assert_eq!(*receiver.borrow(), 2);
}

#[test]
fn marks_set_and_clear_the_news() {
    let (sender, mut receiver) = watch::channel(1);
    receiver.mark_changed();
    assert_eq!(receiver.has_changed(), Ok(true));
    assert_eq!(receiver.changed().now_or_never(), Some(Ok(())));
    sender.send(2).unwrap();
    receiver.mark_unchanged();
    assert!(receiver.changed().now_or_never().is_none());
    assert!(receiver.same_channel(&receiver.clone()) && sender.same_channel(&sender.clone()));
}

#[test]
fn wait_for_asks_about_the_first_value_each_change_and_the_last() {
    let (counter, waker) = counter();
    let (sender, mut receiver) = watch::channel(1);
    assert_eq!(
        *receiver
            .wait_for(|value| *value == 1)
            .now_or_never()
            .unwrap()
            .unwrap(),
        1
    );
    let mut wait = Box::pin(receiver.wait_for(|value| *value > 2));
    assert!(poll(&mut wait, &waker).is_pending());
    sender.send(2).unwrap();
    assert!(poll(&mut wait, &waker).is_pending());
    sender.send(3).unwrap();
    assert_eq!(counter.wakes(), 2);
    let Poll::Ready(Ok(value)) = poll(&mut wait, &waker) else {
        panic!("three is more than two")
    };
    assert_eq!(*value, 3);
    drop(value);
    drop(wait);
    // A last value that comes together with the end is asked about.
    let mut wait = Box::pin(receiver.wait_for(|value| *value == 4));
    assert!(poll(&mut wait, &waker).is_pending());
    sender.send(4).unwrap();
    drop(sender);
    assert!(matches!(poll(&mut wait, &waker), Poll::Ready(Ok(_))));
    drop(wait);
    assert!(
        receiver
            .wait_for(|_| false)
            .now_or_never()
            .unwrap()
            .is_err()
    );
}

#[test]
fn closed_waits_for_the_last_receiver_and_notes_a_new_one() {
    let (counter, waker) = counter();
    let (sender, receiver) = watch::channel(1);
    let clone = receiver.clone();
    let mut closed = Box::pin(sender.closed());
    assert!(poll(&mut closed, &waker).is_pending());
    drop(receiver);
    assert_eq!(counter.wakes(), 0);
    drop(clone);
    assert_eq!(counter.wakes(), 1);
    // Somebody subscribed before the task ran: it waits again.
    let receiver = sender.subscribe();
    assert!(poll(&mut closed, &waker).is_pending());
    drop(receiver);
    assert_eq!(counter.wakes(), 2);
    assert!(poll(&mut closed, &waker).is_ready());
}

#[test]
fn replaced_values_are_dropped_once_and_outside_the_lock() {
    watchdog(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = watch::channel(Tally::new(&drops));
        sender.send(Tally::new(&drops)).ok().unwrap();
        assert_eq!(drops.load(SeqCst), 1);
        drop((sender, receiver));
        assert_eq!(drops.load(SeqCst), 2);

        // The replaced value's destructor looks at the channel.
        struct Reads(Option<Receiver<Option<Reads>>>);
        impl Drop for Reads {
            fn drop(&mut self) {
                assert!(
                    self.0
                        .as_ref()
                        .is_none_or(|receiver| receiver.borrow().is_none())
                );
            }
        }
        let (sender, receiver) = watch::channel(None);
        sender
            .send(Some(Reads(Some(receiver.clone()))))
            .ok()
            .unwrap();
        sender.send(None).ok().unwrap();
    });
    let drops = Arc::new(AtomicUsize::new(0));
    let (sender, _receiver) = watch::channel(Tally::bomb(&drops));
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send(Tally::new(&drops)).is_ok())).is_err());
    assert_eq!(drops.load(SeqCst), 1);
    assert!(!sender.borrow().panics, "the new value is in place");
}

#[test]
fn wakers_may_use_the_channel() {
    watchdog(|| {
        let (sender, mut receiver) = watch::channel(1);
        let (on_wake, on_drop) = (receiver.clone(), receiver.clone());
        let hooks = Hooks {
            on_wake: move || assert_eq!(*on_wake.borrow(), 2),
            on_drop: move || assert!(on_drop.clone().same_channel(&on_drop)),
        };
        let mut changed = Box::pin(receiver.changed());
        assert!(poll(&mut changed, &Waker::from(Arc::new(hooks))).is_pending());
        sender.send(2).unwrap();
        assert!(poll_once(&mut changed).is_ready());
    });
}

#[test]
fn a_waiting_thread_always_sees_the_last_value() {
    watchdog(|| {
        for _ in 0..200 {
            let (sender, mut receiver) = watch::channel(0);
            let thread = thread::spawn(move || {
                samovar::block_on(async {
                    let mut last = 0;
                    while receiver.changed().await.is_ok() {
                        let value = *receiver.borrow_and_update();
                        assert!(value > last, "values only go up");
                        last = value;
                    }
                    last
                })
            });
            for value in 1..=20 {
                sender.send_replace(value);
            }
            drop(sender);
            assert_eq!(thread.join().unwrap(), 20);
        }
    });
}

#[test]
fn handles_go_where_values_may_go_and_debug_asks_nothing() {
    assert_send::<Sender<u64>>();
    assert_sync::<Receiver<u64>>();
    struct Opaque;
    let (sender, receiver) = watch::channel(Opaque);
    assert_eq!(
        format!("{sender:?}"),
        "watch::Sender { receiver_count: 1, .. }"
    );
    assert_eq!(
        format!("{receiver:?}"),
        "watch::Receiver { has_changed: Ok(false), .. }"
    );
    assert_eq!(*Sender::<u64>::default().borrow(), 0);
}
