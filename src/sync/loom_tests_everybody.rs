//! Models of the channels whose values everybody gets, `watch` and `broadcast`: loom runs them in every order of their steps
//! (`RUSTFLAGS="--cfg loom"`).
//!
//! A value that is missed, or an end that is not told, leaves a receiver asleep for ever, which loom reports as a deadlock.
//!
//! | model | a planted bug that it finds |
//! |---|---|
//! | [`watch_changed_and_send`] | the receiver looks at the version before it locks the list |
//! | [`watch_changed_and_the_end`] | the last sender does not wake those who wait |
//! | [`watch_value_and_version_belong_together`] | the version is counted up after the lock of the value |
//! | [`watch_closed_and_drop_of_two_receivers`] | the list is emptied before the count is taken down |
//! | [`watch_a_waiter_that_goes_takes_nothing_along`] | `send` wakes one waiter, not all; it wakes before it counts up |
//! | [`broadcast_recv_and_send`] | `recv` looks in one lock and enrols in another |
//! | [`broadcast_two_receivers_get_each_value_once`] | a receiver that leaves does not take back its share of what it has not seen |
//! | [`broadcast_closed_and_drop_of_two_receivers`] | the last receiver does not wake those who wait for that |

use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::sync::atomic::Ordering::SeqCst;
use loom::thread;

use super::broadcast;
use super::broadcast::error::{RecvError, TryRecvError};
use super::loom_tests_channels::{Tally, block_on};
use super::watch;

/// Ends a model: waits for its threads.
fn join_all<const N: usize>(threads: [thread::JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn watch_changed_and_send() {
    loom::model(|| {
        let (sender, mut receiver) = watch::channel(0);
        let sending = thread::spawn(move || {
            sender.send(1).unwrap();
            sender.send(2).unwrap();
            sender
        });
        while *receiver.borrow_and_update() < 2 {
            block_on(receiver.changed()).unwrap();
        }
        drop(sending.join().unwrap());
    });
}

#[test]
fn watch_changed_and_the_end() {
    loom::model(|| {
        let (sender, mut receiver) = watch::channel(0);
        let sending = thread::spawn(move || {
            sender.send(1).unwrap();
            drop(sender);
        });
        assert!(block_on(receiver.changed()).is_ok());
        assert_eq!(*receiver.borrow(), 1);
        assert!(block_on(receiver.changed()).is_err());
        sending.join().unwrap();
    });
}

#[test]
fn watch_value_and_version_belong_together() {
    loom::model(|| {
        let (sender, mut receiver) = watch::channel(0);
        let sending = thread::spawn(move || {
            sender.send(1).unwrap();
            sender
        });
        let early = *receiver.borrow_and_update();
        let sender = sending.join().unwrap();
        // What was seen counts as seen, and what was not does not.
        assert_eq!(receiver.has_changed(), Ok(early == 0));
        drop(sender);
    });
}

#[test]
fn watch_closed_and_drop_of_two_receivers() {
    loom::model(|| {
        let (sender, receiver) = watch::channel(0);
        let second = receiver.clone();
        let dropping = [receiver, second].map(|receiver| thread::spawn(move || drop(receiver)));
        block_on(sender.closed());
        assert!(sender.send(1).is_err());
        join_all(dropping);
    });
}

#[test]
fn watch_a_waiter_that_goes_takes_nothing_along() {
    loom::model(|| {
        let (sender, mut receiver) = watch::channel(0);
        let mut second = receiver.clone();
        let sending = thread::spawn(move || {
            sender.send(1).unwrap();
            sender
        });
        let waiting = thread::spawn(move || block_on(second.changed()).unwrap());
        // Is in the list, or has been woken already, and is dropped.
        super::loom_tests_channels::poll_once(receiver.changed());
        waiting.join().unwrap();
        drop(sending.join().unwrap());
    });
}

#[test]
fn broadcast_recv_and_send() {
    loom::model(|| {
        let (sender, mut receiver) = broadcast::channel(2);
        let sending = thread::spawn(move || {
            sender.send(1).unwrap();
            sender.send(2).unwrap();
            sender
        });
        assert_eq!(block_on(receiver.recv()), Ok(1));
        assert_eq!(block_on(receiver.recv()), Ok(2));
        drop(sending.join().unwrap());
    });
}

#[test]
fn broadcast_recv_and_the_end() {
    loom::model(|| {
        let (sender, mut receiver) = broadcast::channel(1);
        let second = sender.clone();
        let sending = [
            thread::spawn(move || {
                let _ = sender.send(1);
            }),
            thread::spawn(move || drop(second)),
        ];
        assert_eq!(block_on(receiver.recv()), Ok(1));
        assert_eq!(block_on(receiver.recv()), Err(RecvError::Closed));
        join_all(sending);
    });
}

#[test]
fn broadcast_two_receivers_get_each_value_once() {
    loom::model(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let (sender, one) = broadcast::channel(1);
        let mut two = sender.subscribe();
        let value = std::sync::Arc::new(Tally(drops.clone()));
        let sending = thread::spawn(move || {
            let _ = sender.send(value);
        });
        // Before, between or after: its share of the value goes with it.
        let dropping = thread::spawn(move || drop(one));
        let received = block_on(two.recv()).unwrap();
        assert!(matches!(
            two.try_recv(),
            Err(TryRecvError::Empty | TryRecvError::Closed)
        ));
        sending.join().unwrap();
        dropping.join().unwrap();
        assert!(two.is_empty(), "a value that all have seen was kept");
        drop(received);
        assert_eq!(drops.load(SeqCst), 1);
    });
}

#[test]
fn broadcast_closed_and_drop_of_two_receivers() {
    loom::model(|| {
        let (sender, one) = broadcast::channel::<u32>(1);
        let two = sender.subscribe();
        let dropping = [one, two].map(|receiver| thread::spawn(move || drop(receiver)));
        block_on(sender.closed());
        assert!(sender.send(1).is_err());
        join_all(dropping);
    });
}
