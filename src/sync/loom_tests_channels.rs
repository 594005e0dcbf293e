//! Every interleaving of two or three threads on a channel. Run by
//! `RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=2 cargo test --release --lib`.
//!
//! A lost wakeup is a deadlock here, and loom reports it: `block_on` parks until it is woken.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::atomic::AtomicUsize;
use loom::sync::atomic::Ordering::SeqCst;
use loom::sync::{Arc, Notify};
use loom::thread;

use super::mpsc::error::TryRecvError;
use super::{mpsc, oneshot};

/// A thread that sleeps until it is woken.
struct Thread(Notify);

impl Wake for Thread {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.notify();
    }
}

/// Runs a future on this thread of the model.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let thread = std::sync::Arc::new(Thread(Notify::new()));
    let waker = Waker::from(thread.clone());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread.0.wait();
    }
}

/// Polls a future once, and drops it.
pub(super) fn poll_once<F: Future>(future: F) {
    let _ = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
}

/// A value that counts its drops. Every value ends once, wherever the race sends it.
pub(super) struct Tally(pub(super) Arc<AtomicUsize>);

impl Drop for Tally {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn oneshot_send_and_recv() {
    loom::model(|| {
        let (sender, receiver) = oneshot::channel();
        let sending = thread::spawn(move || sender.send(7).unwrap());
        assert_eq!(block_on(receiver), Ok(7));
        sending.join().unwrap();
    });
}

#[test]
fn oneshot_drop_and_recv() {
    loom::model(|| {
        let (sender, receiver) = oneshot::channel::<u64>();
        let dropping = thread::spawn(move || drop(sender));
        assert!(block_on(receiver).is_err());
        dropping.join().unwrap();
    });
}

#[test]
fn oneshot_send_and_close() {
    loom::model(|| {
        let (sender, mut receiver) = oneshot::channel();
        let sending = thread::spawn(move || sender.send(7));
        receiver.close();
        let received = receiver.try_recv();
        match sending.join().unwrap() {
            Ok(()) => assert_eq!(received, Ok(7)),
            Err(value) => assert!(value == 7 && received.is_err()),
        }
    });
}

#[test]
fn oneshot_send_and_drop_of_the_receiver() {
    loom::model(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = oneshot::channel();
        let value = Tally(drops.clone());
        let sending = thread::spawn(move || drop(sender.send(value)));
        drop(receiver);
        sending.join().unwrap();
        assert_eq!(drops.load(SeqCst), 1);
    });
}

#[test]
fn oneshot_closed_and_drop_of_the_receiver() {
    loom::model(|| {
        let (mut sender, receiver) = oneshot::channel::<u64>();
        let dropping = thread::spawn(move || drop(receiver));
        block_on(sender.closed());
        assert_eq!(sender.send(7), Err(7));
        dropping.join().unwrap();
    });
}

#[test]
fn oneshot_polled_once_and_then_from_another_task() {
    loom::model(|| {
        let (sender, mut receiver) = oneshot::channel();
        let sending = thread::spawn(move || sender.send(7).unwrap());
        let early = block_on(poll_fn(|cx| {
            Poll::Ready(std::pin::Pin::new(&mut receiver).poll(cx))
        }));
        let moved = thread::spawn(move || match early {
            Poll::Ready(value) => assert_eq!(value, Ok(7)),
            Poll::Pending => assert_eq!(block_on(receiver), Ok(7)),
        });
        sending.join().unwrap();
        moved.join().unwrap();
    });
}

#[test]
fn mpsc_the_last_senders_drop_and_recv() {
    loom::model(|| {
        let (sender, mut receiver) = mpsc::channel(2);
        let threads: Vec<_> = (0..2)
            .map(|number| {
                let sender = sender.clone();
                thread::spawn(move || sender.try_send(number).unwrap())
            })
            .collect();
        drop(sender);
        let mut sum = 0;
        while let Some(number) = block_on(receiver.recv()) {
            sum += number + 1;
        }
        assert_eq!(sum, 3);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn mpsc_upgrade_and_the_last_senders_drop() {
    loom::model(|| {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let weak = sender.downgrade();
        let upgrading =
            thread::spawn(move || weak.upgrade().is_some_and(|sender| sender.send(7).is_ok()));
        drop(sender);
        let received = block_on(receiver.recv());
        assert_eq!(received.is_some(), upgrading.join().unwrap());
        assert_eq!(block_on(receiver.recv()), None);
    });
}

#[test]
fn mpsc_a_full_channel_and_recv() {
    loom::model(|| {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(0).unwrap();
        let sending = thread::spawn(move || block_on(sender.send(1)).unwrap());
        assert_eq!(block_on(receiver.recv()), Some(0));
        assert_eq!(block_on(receiver.recv()), Some(1));
        assert_eq!(block_on(receiver.recv()), None);
        sending.join().unwrap();
    });
}

#[test]
fn mpsc_two_waiting_senders_of_which_one_gives_up() {
    loom::model(|| {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(0).unwrap();
        let other = sender.clone();
        let giving_up = thread::spawn(move || {
            let mut send = Box::pin(other.send(1));
            block_on(poll_fn(|cx| Poll::Ready(send.as_mut().poll(cx).is_ready())))
        });
        let staying = thread::spawn(move || block_on(sender.send(2)).unwrap());
        assert_eq!(block_on(receiver.recv()), Some(0));
        let mut sum = 0;
        while let Some(number) = block_on(receiver.recv()) {
            sum += number;
        }
        staying.join().unwrap();
        assert_eq!(sum, if giving_up.join().unwrap() { 3 } else { 2 });
    });
}

#[test]
fn mpsc_drop_of_the_receiver_and_send() {
    loom::model(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = mpsc::channel(1);
        assert!(sender.try_send(Tally(drops.clone())).is_ok());
        let value = Tally(drops.clone());
        // Waits for a slot, and must learn that none will come.
        let sending = thread::spawn(move || assert!(block_on(sender.send(value)).is_err()));
        drop(receiver);
        sending.join().unwrap();
        assert_eq!(drops.load(SeqCst), 2);
    });
}

#[test]
fn mpsc_a_permit_and_closing() {
    loom::model(|| {
        let (sender, mut receiver) = mpsc::channel(1);
        let reserving = thread::spawn(move || match block_on(sender.reserve()) {
            Ok(permit) => {
                permit.send(7);
                true
            }
            Err(_) => false,
        });
        receiver.close();
        let received = block_on(receiver.recv());
        assert_eq!(received.is_some(), reserving.join().unwrap());
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    });
}

#[test]
fn mpsc_an_unused_permit_and_closing() {
    loom::model(|| {
        let (sender, mut receiver) = mpsc::channel::<u64>(1);
        let permit = sender.try_reserve_owned().unwrap();
        let dropping = thread::spawn(move || permit.release());
        receiver.close();
        assert_eq!(block_on(receiver.recv()), None);
        drop(dropping.join().unwrap());
    });
}

#[test]
fn mpsc_closed_and_drop_of_the_receiver() {
    loom::model(|| {
        let (sender, receiver) = mpsc::channel::<u64>(1);
        let dropping = thread::spawn(move || drop(receiver));
        block_on(sender.closed());
        assert!(sender.is_closed());
        dropping.join().unwrap();
    });
}
