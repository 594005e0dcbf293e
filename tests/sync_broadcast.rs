//! `samovar::sync::broadcast`: every value for everybody, and what the slow miss.

mod channels_support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Poll, Waker};
use std::thread;

use channels_support::{
    Hooks, Tally, assert_send, assert_sync, counter, poll, poll_once, watchdog,
};
use futures::FutureExt;
use proptest::prelude::*;
use samovar::sync::broadcast::error::{RecvError, TryRecvError};
use samovar::sync::broadcast::{self, Receiver, Sender};

#[test]
fn every_receiver_gets_every_value_from_its_subscription_on() {
    let (sender, mut one) = broadcast::channel(8);
    assert_eq!(sender.send(1).unwrap(), 1);
    let mut two = sender.subscribe();
    assert_eq!(sender.send(2).unwrap(), 2);
    let mut three = two.resubscribe();
    assert_eq!(
        (one.len(), two.len(), three.len(), sender.len()),
        (2, 1, 0, 2)
    );
    assert_eq!(
        (one.try_recv(), one.try_recv(), one.try_recv()),
        (Ok(1), Ok(2), Err(TryRecvError::Empty))
    );
    assert_eq!(
        (two.try_recv(), two.try_recv()),
        (Ok(2), Err(TryRecvError::Empty))
    );
    assert_eq!(three.try_recv(), Err(TryRecvError::Empty));
    assert!(sender.is_empty());
}

#[test]
fn the_slow_learn_how_much_they_missed_and_go_on_with_the_oldest() {
    let (sender, mut slow) = broadcast::channel(2);
    let mut fast = sender.subscribe();
    for number in 1..=5 {
        sender.send(number).unwrap();
        assert_eq!(fast.recv().now_or_never(), Some(Ok(number)));
    }
    assert_eq!((slow.len(), sender.len()), (5, 2));
    assert_eq!(slow.recv().now_or_never(), Some(Err(RecvError::Lagged(3))));
    assert_eq!(slow.len(), 2);
    assert_eq!((slow.try_recv(), slow.try_recv()), (Ok(4), Ok(5)));
    assert_eq!(slow.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn without_receivers_the_value_comes_back_until_somebody_subscribes() {
    let (sender, receiver) = broadcast::channel(2);
    drop(receiver);
    let error = sender.send(1).unwrap_err();
    assert_eq!((error.0, error.to_string()), (1, "channel closed".into()));
    let mut receiver = sender.subscribe();
    assert_eq!((sender.receiver_count(), sender.send(2).unwrap()), (1, 1));
    assert_eq!(receiver.try_recv(), Ok(2));
}

#[test]
fn sending_wakes_all_who_wait_once() {
    let (sender, mut one) = broadcast::channel(4);
    let mut two = sender.subscribe();
    let ((first, first_waker), (second, second_waker)) = (counter(), counter());
    let (mut of_one, mut of_two) = (Box::pin(one.recv()), Box::pin(two.recv()));
    assert!(poll(&mut of_one, &first_waker).is_pending());
    assert!(poll(&mut of_one, &first_waker).is_pending());
    assert!(poll(&mut of_two, &second_waker).is_pending());
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!((first.wakes(), second.wakes()), (1, 1));
    assert_eq!(poll(&mut of_one, &first_waker), Poll::Ready(Ok(1)));
    assert_eq!(poll(&mut of_two, &second_waker), Poll::Ready(Ok(1)));
}

#[test]
fn the_newest_waker_is_woken_and_a_dropped_future_keeps_none() {
    let ((old, old_waker), (new, new_waker)) = (counter(), counter());
    let (sender, mut receiver) = broadcast::channel(2);
    let mut recv = Box::pin(receiver.recv());
    assert!(poll(&mut recv, &old_waker).is_pending());
    assert!(poll(&mut recv, &new_waker).is_pending());
    drop((recv, old_waker, new_waker));
    assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (1, 1));
    sender.send(1).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1), "a cancelled wait takes nothing");
}

#[test]
fn the_last_senders_drop_ends_it_after_what_was_sent() {
    let (counter, waker) = counter();
    let (sender, mut receiver) = broadcast::channel(2);
    let mut late = sender.subscribe();
    let clone = sender.clone();
    clone.send(1).unwrap();
    drop(sender);
    assert!(!receiver.is_closed());
    assert_eq!(late.try_recv(), Ok(1));
    let mut recv = Box::pin(late.recv());
    assert!(poll(&mut recv, &waker).is_pending());
    drop(clone);
    assert!(receiver.is_closed());
    assert_eq!(
        (counter.wakes(), poll(&mut recv, &waker)),
        (1, Poll::Ready(Err(RecvError::Closed)))
    );
    assert_eq!(
        (receiver.try_recv(), receiver.try_recv()),
        (Ok(1), Err(TryRecvError::Closed))
    );
}

#[test]
fn closed_waits_for_the_last_receiver() {
    let (counter, waker) = counter();
    let (sender, receiver) = broadcast::channel::<u64>(2);
    let other = receiver.resubscribe();
    let mut closed = Box::pin(sender.closed());
    assert!(poll(&mut closed, &waker).is_pending());
    drop(receiver);
    assert_eq!(counter.wakes(), 0);
    drop(other);
    assert_eq!(counter.wakes(), 1);
    assert!(poll(&mut closed, &waker).is_ready());
}

#[test]
fn weak_senders_count_apart_and_do_not_keep_the_channel_open() {
    let (sender, receiver) = broadcast::channel::<u64>(2);
    let weak = sender.downgrade();
    let again = weak.clone().upgrade().unwrap();
    assert!(again.same_channel(&sender) && receiver.same_channel(&receiver.resubscribe()));
    assert_eq!(
        (weak.strong_count(), weak.weak_count(), sender.weak_count()),
        (2, 1, 1)
    );
    assert_eq!(
        (receiver.sender_strong_count(), receiver.sender_weak_count()),
        (2, 1)
    );
    drop((sender, again));
    assert!(receiver.is_closed() && weak.upgrade().is_none());
}

#[test]
fn a_value_is_dropped_when_the_last_has_seen_it_or_gone() {
    #[derive(Clone)]
    struct Shared(#[allow(dead_code)] Arc<Tally>);
    let drops = Arc::new(AtomicUsize::new(0));
    let value = || Shared(Arc::new(Tally::new(&drops)));
    let (sender, mut one) = broadcast::channel(2);
    let mut two = sender.subscribe();
    let three = sender.subscribe();
    assert!(sender.send(value()).is_ok());
    assert!(one.try_recv().is_ok() && two.try_recv().is_ok());
    assert_eq!((drops.load(SeqCst), sender.len()), (0, 1));
    drop(three);
    assert_eq!((drops.load(SeqCst), sender.len()), (1, 0));
    for _ in 0..3 {
        assert!(sender.send(value()).is_ok());
    }
    assert_eq!(drops.load(SeqCst), 2, "the oldest made room");
    drop((one, two));
    assert_eq!(drops.load(SeqCst), 4);
}

#[test]
fn the_last_to_see_a_value_gets_it_without_a_clone() {
    struct CountsClones(Arc<AtomicUsize>);
    impl Clone for CountsClones {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, SeqCst);
            Self(self.0.clone())
        }
    }
    let clones = Arc::new(AtomicUsize::new(0));
    let (sender, mut one) = broadcast::channel(2);
    let mut two = sender.subscribe();
    assert!(sender.send(CountsClones(clones.clone())).is_ok());
    assert!(one.try_recv().is_ok());
    assert_eq!(clones.load(SeqCst), 1);
    assert!(two.try_recv().is_ok());
    assert_eq!(clones.load(SeqCst), 1);
}

#[test]
fn clones_and_destructors_and_wakers_may_use_the_channel() {
    #[derive(Default)]
    struct Looks(Option<Sender<Looks>>);
    impl Clone for Looks {
        fn clone(&self) -> Self {
            let length = self.0.as_ref().map(Sender::len);
            assert_ne!(length, Some(0));
            Self(None)
        }
    }
    impl Drop for Looks {
        fn drop(&mut self) {
            let _ = self.0.as_ref().map(Sender::receiver_count);
        }
    }
    watchdog(|| {
        let (sender, mut one) = broadcast::channel(1);
        let two = sender.subscribe();
        assert!(sender.send(Looks(Some(sender.clone()))).is_ok());
        assert!(one.try_recv().is_ok());
        assert!(sender.send(Looks(Some(sender.clone()))).is_ok());
        let hook = sender.clone();
        let hooks = Hooks {
            on_wake: || (),
            on_drop: move || drop(hook.subscribe()),
        };
        assert!(one.try_recv().is_ok());
        let mut recv = Box::pin(one.recv());
        assert!(poll(&mut recv, &Waker::from(Arc::new(hooks))).is_pending());
        assert!(sender.send(Looks::default()).is_ok());
        assert!(poll_once(&mut recv).is_ready());
        drop(two);
    });
}

#[test]
fn a_panicking_destructor_does_not_keep_the_others_from_being_dropped() {
    #[derive(Clone)]
    struct Shared(#[allow(dead_code)] Arc<Mutex<Tally>>);
    let drops = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = broadcast::channel(4);
    for bomb in [true, false, true, false] {
        let tally = if bomb {
            Tally::bomb(&drops)
        } else {
            Tally::new(&drops)
        };
        assert!(sender.send(Shared(Arc::new(Mutex::new(tally)))).is_ok());
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
    assert_eq!((drops.load(SeqCst), sender.receiver_count()), (4, 0));
}

#[test]
fn threads_get_everything_in_order_or_are_told_what_they_missed() {
    const COUNT: u64 = 5000;
    watchdog(|| {
        let (sender, receiver) = broadcast::channel(16);
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let mut receiver = receiver.resubscribe();
                thread::spawn(move || {
                    let mut next = 0;
                    loop {
                        match receiver.blocking_recv() {
                            Ok(value) => {
                                assert_eq!(value, next);
                                next += 1;
                            }
                            Err(RecvError::Lagged(missed)) => next += missed,
                            Err(RecvError::Closed) => return next,
                        }
                    }
                })
            })
            .collect();
        drop(receiver);
        for value in 0..COUNT {
            sender.send(value).unwrap();
        }
        drop(sender);
        for thread in threads {
            assert_eq!(thread.join().unwrap(), COUNT);
        }
    });
}

#[test]
#[should_panic(expected = "must be at least 1")]
fn a_channel_without_capacity_is_refused() {
    let _ = broadcast::channel::<u64>(0);
}

#[test]
fn handles_go_where_values_may_go_and_debug_and_errors_speak() {
    assert_send::<Sender<u64>>();
    assert_sync::<Receiver<u64>>();
    let (sender, receiver) = broadcast::channel::<u64>(2);
    assert_eq!(
        format!("{sender:?}"),
        "broadcast::Sender { len: 0, receiver_count: 1 }"
    );
    assert_eq!(
        format!("{receiver:?}"),
        "broadcast::Receiver { len: 0, .. }"
    );
    assert_eq!(RecvError::Lagged(3).to_string(), "channel lagged by 3");
    assert_eq!(
        (
            RecvError::Closed.to_string(),
            TryRecvError::Empty.to_string()
        ),
        ("channel closed".into(), "channel empty".into())
    );
}

#[derive(Clone, Debug)]
enum Op {
    Send,
    Recv(usize),
    Subscribe,
    Leave(usize),
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    /// The model: all values ever sent, and each receiver's position among them.
    #[test]
    fn behaves_like_a_log_with_positions(
        capacity in 1..5_usize,
        ops in proptest::collection::vec(prop_oneof![
            4 => Just(Op::Send),
            5 => any::<usize>().prop_map(Op::Recv),
            1 => Just(Op::Subscribe),
            1 => any::<usize>().prop_map(Op::Leave),
        ], 1..120),
    ) {
        let (sender, first) = broadcast::channel(capacity);
        let mut receivers = vec![(first, 0)];
        let mut sent = 0;
        for op in ops {
            match op {
                Op::Send => {
                    let result = sender.send(sent).ok();
                    prop_assert_eq!(result, (!receivers.is_empty()).then_some(receivers.len()));
                    sent += usize::from(result.is_some());
                }
                Op::Recv(at) if !receivers.is_empty() => {
                    let at = at % receivers.len();
                    let (receiver, next) = &mut receivers[at];
                    let oldest = sent.saturating_sub(capacity);
                    let expected = if *next < oldest {
                        let missed = oldest - *next;
                        *next = oldest;
                        Err(TryRecvError::Lagged(missed as u64))
                    } else if *next < sent {
                        *next += 1;
                        Ok(*next - 1)
                    } else {
                        Err(TryRecvError::Empty)
                    };
                    prop_assert_eq!(receiver.try_recv(), expected);
                }
                Op::Subscribe => receivers.push((sender.subscribe(), sent)),
                Op::Leave(at) if !receivers.is_empty() => drop(receivers.remove(at % receivers.len())),
                Op::Recv(_) | Op::Leave(_) => {}
            }
            let slowest = receivers.iter().map(|receiver| receiver.1).min().unwrap_or(sent);
            prop_assert_eq!(sender.len(), (sent - slowest).min(capacity));
            for (receiver, next) in &receivers {
                prop_assert_eq!(receiver.len(), sent - next);
            }
        }
    }
}
