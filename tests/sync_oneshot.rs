//! `samovar::sync::oneshot`: one value, and what happens when one side goes away.

mod channels_support;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use channels_support::{
    Hooks, Tally, assert_send, assert_sync, assert_unpin, counter, poll, poll_once, watchdog,
};
use futures::FutureExt;
use samovar::sync::oneshot::{self, Receiver, Sender, error::TryRecvError};

#[test]
fn a_value_sent_before_the_first_poll_is_there_at_once() {
    let (sender, receiver) = oneshot::channel();
    sender.send(7).unwrap();
    assert_eq!(receiver.now_or_never(), Some(Ok(7)));
}

#[test]
fn sending_wakes_the_waiting_receiver_once() {
    let (counter, waker) = counter();
    let (sender, receiver) = oneshot::channel();
    let mut receiver = Box::pin(receiver);
    assert!(poll(&mut receiver, &waker).is_pending());
    assert!(poll(&mut receiver, &waker).is_pending());
    sender.send(7).unwrap();
    assert_eq!(counter.wakes(), 1);
    assert_eq!(poll(&mut receiver, &waker), Poll::Ready(Ok(7)));
}

#[test]
fn the_newest_waker_is_the_one_that_is_woken() {
    let ((old, old_waker), (new, new_waker)) = (counter(), counter());
    let (sender, receiver) = oneshot::channel();
    let mut receiver = Box::pin(receiver);
    assert!(poll(&mut receiver, &old_waker).is_pending());
    assert!(poll(&mut receiver, &new_waker).is_pending());
    sender.send(()).unwrap();
    assert_eq!((old.wakes(), new.wakes()), (0, 1));
}

#[test]
fn a_dropped_sender_is_an_error_and_wakes() {
    let (counter, waker) = counter();
    let (sender, receiver) = oneshot::channel::<u64>();
    let mut receiver = Box::pin(receiver);
    assert!(poll(&mut receiver, &waker).is_pending());
    drop(sender);
    assert_eq!(counter.wakes(), 1);
    let Poll::Ready(Err(error)) = poll(&mut receiver, &waker) else {
        panic!("no error")
    };
    assert_eq!(error.to_string(), "channel closed");
}

#[test]
fn a_dropped_receiver_gives_the_value_back() {
    let (sender, receiver) = oneshot::channel();
    assert!(!sender.is_closed());
    drop(receiver);
    assert!(sender.is_closed());
    assert_eq!(sender.send(7), Err(7));
}

#[test]
fn closed_waits_for_the_receiver_to_go_or_close() {
    for close in [false, true] {
        let (counter, waker) = counter();
        let (mut sender, mut receiver) = oneshot::channel::<u64>();
        let mut closed = Box::pin(sender.closed());
        assert!(poll(&mut closed, &waker).is_pending());
        if close {
            receiver.close();
        } else {
            drop(receiver);
        }
        assert_eq!(counter.wakes(), 1);
        assert!(poll(&mut closed, &waker).is_ready());
        drop(closed);
        assert!(sender.is_closed());
    }
}

#[test]
fn a_closed_receiver_takes_what_was_sent_before_and_nothing_after() {
    let (sender, mut receiver) = oneshot::channel();
    sender.send(1).unwrap();
    receiver.close();
    assert_eq!(receiver.now_or_never(), Some(Ok(1)));

    let (sender, mut receiver) = oneshot::channel();
    receiver.close();
    assert_eq!(sender.send(1), Err(1));
    assert!(receiver.now_or_never().unwrap().is_err());

    let (_sender, mut receiver) = oneshot::channel::<u64>();
    receiver.close();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn try_recv_tells_nothing_yet_from_nothing_ever() {
    let (sender, mut receiver) = oneshot::channel();
    assert!(receiver.is_empty() && !receiver.is_terminated());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    sender.send(1).unwrap();
    assert!(!receiver.is_empty());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(receiver.is_empty() && receiver.is_terminated());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));

    let (sender, mut receiver) = oneshot::channel::<u64>();
    drop(sender);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert!(receiver.is_terminated());
}

#[test]
#[should_panic(expected = "polled after it had given its result")]
fn polling_after_the_result_panics() {
    let (sender, mut receiver) = oneshot::channel();
    sender.send(1).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(receiver.poll_unpin(&mut cx).is_ready());
    let _ = receiver.poll_unpin(&mut cx);
}

#[test]
fn wakers_are_let_go_as_soon_as_they_have_nobody_to_wake() {
    let (kept, waker) = counter();
    let (sender, receiver) = oneshot::channel::<u64>();
    let mut receiver = Box::pin(receiver);
    assert!(poll(&mut receiver, &waker).is_pending());
    drop((receiver, waker));
    assert_eq!(
        Arc::strong_count(&kept),
        1,
        "the receiver is gone, its waker too"
    );
    drop(sender);

    let (kept, waker) = counter();
    let (mut sender, receiver) = oneshot::channel();
    assert!(
        sender
            .poll_closed(&mut Context::from_waker(&waker))
            .is_pending()
    );
    sender.send(1).unwrap();
    drop(waker);
    assert_eq!(
        Arc::strong_count(&kept),
        1,
        "the sender has sent, its waker is gone"
    );
    drop(receiver);

    let (kept, waker) = counter();
    let (mut sender, receiver) = oneshot::channel::<u64>();
    assert!(
        sender
            .poll_closed(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop((sender, waker));
    assert_eq!(
        Arc::strong_count(&kept),
        1,
        "the sender is gone, its waker too"
    );
    drop(receiver);
}

#[test]
fn a_value_nobody_receives_is_dropped_once() {
    let drops = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = oneshot::channel();
    assert!(sender.send(Tally::new(&drops)).is_ok());
    drop(receiver);
    assert_eq!(drops.load(SeqCst), 1);

    let (sender, receiver) = oneshot::channel();
    drop(receiver);
    drop(sender.send(Tally::new(&drops)));
    assert_eq!(drops.load(SeqCst), 2);
}

#[test]
fn a_value_whose_destructor_panics_is_dropped_once() {
    let drops = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = oneshot::channel();
    assert!(sender.send(Tally::bomb(&drops)).is_ok());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
    assert_eq!(drops.load(SeqCst), 1);
}

#[test]
fn a_waker_whose_destructor_panics_does_not_keep_the_receiver_asleep() {
    let (wakes, waker) = counter();
    let (mut sender, receiver) = oneshot::channel();
    let mut receiver = Box::pin(receiver);
    assert!(poll(&mut receiver, &waker).is_pending());
    {
        let waker = Waker::from(Arc::new(Hooks {
            on_wake: || (),
            on_drop: || panic!("bomb"),
        }));
        assert!(
            sender
                .poll_closed(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send(1))).is_err());
    assert_eq!(wakes.wakes(), 1);
    assert!(matches!(poll_once(&mut receiver), Poll::Ready(Ok(1))));
}

#[test]
fn wakers_may_use_the_channel_when_woken_and_when_dropped() {
    watchdog(|| {
        let shared = Arc::new(Mutex::new(None::<Sender<u64>>));
        let look = {
            let shared = shared.clone();
            move || {
                // Takes the channel's lock.
                let sender = shared.lock().unwrap().take();
                let _ = sender.as_ref().map(Sender::is_closed);
            }
        };
        let hooks = Hooks {
            on_wake: look.clone(),
            on_drop: look,
        };
        let (sender, receiver) = oneshot::channel();
        *shared.lock().unwrap() = Some(sender);
        let mut receiver = Box::pin(receiver);
        assert!(poll(&mut receiver, &Waker::from(Arc::new(hooks))).is_pending());
        // Replaced, and so dropped, by the next poll; that drops the sender, which wakes.
        assert!(poll_once(&mut receiver).is_pending());
        assert!(poll_once(&mut receiver).is_ready());
    });
}

#[test]
fn threads_race_and_the_value_arrives_or_comes_back() {
    watchdog(|| {
        for round in 0..2000 {
            let (sender, mut receiver) = oneshot::channel();
            let sending = thread::spawn(move || sender.send(round));
            match round % 3 {
                0 => assert_eq!(samovar::block_on(receiver), Ok(round)),
                1 => {
                    receiver.close();
                    let received = receiver.try_recv().ok();
                    assert_ne!(sending.join().unwrap().err().is_some(), received.is_some());
                    continue;
                }
                _ => drop(receiver),
            }
            let _ = sending.join().unwrap();
        }
    });
}

#[test]
fn blocking_recv_waits_for_a_thread() {
    watchdog(|| {
        let (sender, receiver) = oneshot::channel();
        let thread = thread::spawn(move || receiver.blocking_recv());
        sender.send(7).unwrap();
        assert_eq!(thread.join().unwrap(), Ok(7));
    });
}

#[test]
fn both_halves_go_where_the_value_may_go() {
    // `Cell` may be sent to another thread and not be shared; so may the channel, whose value is moved and never shared.
    assert_send::<Sender<Cell<u64>>>();
    assert_sync::<Sender<Cell<u64>>>();
    assert_send::<Receiver<Cell<u64>>>();
    assert_unpin::<Receiver<std::marker::PhantomPinned>>();
    let (_sender, mut receiver) = oneshot::channel::<u64>();
    let _pinned = Pin::new(&mut receiver);
}

#[test]
fn debug_needs_nothing_of_the_value() {
    struct Opaque;
    let (sender, receiver) = oneshot::channel::<Opaque>();
    assert_eq!(
        format!("{sender:?}"),
        "oneshot::Sender { is_closed: false }"
    );
    assert_eq!(
        format!("{receiver:?}"),
        "oneshot::Receiver { is_empty: true, is_terminated: false }"
    );
}
