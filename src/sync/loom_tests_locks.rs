//! Models of the locks: loom runs them in every order of their steps (`RUSTFLAGS="--cfg loom"`).
//!
//! Each asks what only an unlucky order answers: is somebody left waiting, or something given away lost? A model that
//! leaves a thread waiting is a deadlock, which loom reports.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::{Condvar, Mutex as LoomMutex};
use loom::thread;

use super::{Mutex, Notify, RwLock, Semaphore};
use crate::shim::Arc;
use crate::shim::atomic::AtomicBool;
use crate::shim::atomic::Ordering::Relaxed;

/// A waker for one thread, made of parts that loom knows.
struct Parker {
    /// Whether it was woken.
    woken: LoomMutex<bool>,
    /// Tells the sleeper.
    changed: Condvar,
}

impl Wake for Parker {
    fn wake(self: StdArc<Self>) {
        *self.woken.lock().unwrap() = true;
        self.changed.notify_one();
    }
}

/// Runs a future on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let parker = StdArc::new(Parker {
        woken: LoomMutex::new(false),
        changed: Condvar::new(),
    });
    let waker = Waker::from(parker.clone());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let mut woken = parker.woken.lock().unwrap();
        while !*woken {
            woken = parker.changed.wait(woken).unwrap();
        }
        *woken = false;
    }
}

/// Polls a future once, and drops it.
fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[test]
fn mutex_excludes_and_wakes() {
    loom::model(|| {
        let mutex = Arc::new(Mutex::new(0));
        let other = mutex.clone();
        let thread = thread::spawn(move || *block_on(other.lock()) += 1);
        *block_on(mutex.lock()) += 1;
        thread.join().unwrap();
        assert_eq!(*mutex.try_lock().unwrap(), 2);
    });
}

#[test]
fn mutex_given_to_a_cancelled_waiter_goes_on_to_the_next() {
    loom::model(|| {
        let mutex = Arc::new(Mutex::new(5));
        let held = mutex.try_lock().unwrap();
        let (quitter, patient) = (mutex.clone(), mutex.clone());
        let threads = [
            thread::spawn(move || drop(poll_once(quitter.lock()))),
            thread::spawn(move || assert_eq!(*block_on(patient.lock()), 5)),
        ];
        drop(held);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert!(mutex.try_lock().is_ok());
    });
}

#[test]
fn rwlock_writer_and_readers_all_get_in_when_one_gives_up() {
    loom::model(|| {
        let lock = Arc::new(RwLock::new(0));
        let (quitter, writer) = (lock.clone(), lock.clone());
        let threads = [
            thread::spawn(move || drop(poll_once(quitter.write()))),
            thread::spawn(move || *block_on(writer.write()) += 1),
        ];
        let seen = *block_on(lock.read());
        assert!(seen <= 1);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(*lock.try_write().unwrap(), 1);
    });
}

#[test]
fn rwlock_reader_behind_a_writer_that_gives_up_joins_the_readers() {
    loom::model(|| {
        let lock = Arc::new(RwLock::new(0));
        let reading = lock.try_read().unwrap();
        let (quitter, reader) = (lock.clone(), lock.clone());
        let threads = [
            thread::spawn(move || assert!(poll_once(quitter.write()).is_none())),
            thread::spawn(move || drop(block_on(reader.read()))),
        ];
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        drop(reading);
        assert!(lock.try_write().is_ok());
    });
}

#[test]
fn semaphore_closed_wakes_who_waits_in_vain() {
    loom::model(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let acquirer = semaphore.clone();
        let thread = thread::spawn(move || assert!(block_on(acquirer.acquire_many(2)).is_err()));
        semaphore.close();
        thread.join().unwrap();
        assert_eq!(semaphore.available_permits(), 1);
    });
}

#[test]
fn semaphore_closed_during_an_acquire_leaves_nobody_waiting_and_loses_no_permit() {
    loom::model(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let (acquirer, closer) = (semaphore.clone(), semaphore.clone());
        let threads = [
            thread::spawn(move || drop(block_on(acquirer.acquire_many(2)))),
            thread::spawn(move || closer.close()),
        ];
        semaphore.add_permits(1);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(semaphore.available_permits(), 2);
    });
}

#[test]
fn semaphore_batch_that_gives_up_passes_its_permits_on() {
    loom::model(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let (quitter, patient) = (semaphore.clone(), semaphore.clone());
        let threads = [
            thread::spawn(move || drop(poll_once(quitter.acquire_many(3)))),
            thread::spawn(move || drop(block_on(patient.acquire_many(2)).unwrap())),
        ];
        semaphore.add_permits(1);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(semaphore.available_permits(), 2);
    });
}

#[test]
fn notify_one_survives_the_waiter_it_chose() {
    loom::model(|| {
        let notify = Arc::new(Notify::new());
        let (quitter, patient) = (notify.clone(), notify.clone());
        let threads = [
            thread::spawn(move || {
                if poll_once(quitter.notified()).is_some() {
                    quitter.notify_one(); // it came in the one poll: hand it back
                }
            }),
            thread::spawn(move || block_on(patient.notified())),
        ];
        notify.notify_one();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn notify_waiters_reaches_a_future_that_saw_the_old_condition() {
    loom::model(|| {
        let state = Arc::new((AtomicBool::new(false), Notify::new()));
        let setter = state.clone();
        let thread = thread::spawn(move || {
            setter.0.store(true, Relaxed);
            setter.1.notify_waiters();
        });
        // The flag is relaxed: the notification alone must make the write visible, or this waits for ever.
        while !state.0.load(Relaxed) {
            let notified = state.1.notified();
            if state.0.load(Relaxed) {
                break;
            }
            block_on(notified);
        }
        thread.join().unwrap();
    });
}

#[test]
fn notify_waiters_reaches_all_who_are_enabled_as_one_step() {
    loom::model(|| {
        let notify = Arc::new(Notify::new());
        let (mut one, mut two) = (pin!(notify.notified()), pin!(notify.notified()));
        assert!(!one.as_mut().enable());
        let other = notify.clone();
        let thread = thread::spawn(move || other.notify_waiters());
        let waker = Waker::noop();
        // If the first was reached, so was the second, which was not even in the queue.
        if one
            .as_mut()
            .poll(&mut Context::from_waker(waker))
            .is_ready()
        {
            assert!(
                two.as_mut()
                    .poll(&mut Context::from_waker(waker))
                    .is_ready()
            );
        }
        block_on(one);
        block_on(two);
        thread.join().unwrap();
    });
}
