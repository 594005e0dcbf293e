//! The channels where they need the runtime: time limits, the budget, and calls that block.

mod channels_support;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use channels_support::watchdog;
use samovar::runtime::Builder;
use samovar::sync::mpsc::error::SendTimeoutError;
use samovar::sync::{Mutex, RwLock, broadcast, mpsc, oneshot};

/// Runs a test on one worker, and fails instead of hanging.
fn on_one_worker<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    watchdog(|| {
        Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(test())
    });
}

/// What a call panics with.
fn message<R>(call: impl FnOnce() -> R) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(call)) else {
        panic!("it must not block a worker")
    };
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap()
}

#[test]
fn locks_that_block_panic_in_async_code_and_say_who_they_are() {
    on_one_worker(|| async {
        let mutex = Arc::new(Mutex::new(1));
        let rwlock = RwLock::new(1);
        assert!(message(|| drop(mutex.blocking_lock())).contains("Mutex::blocking_lock"));
        assert!(
            message(|| drop(mutex.clone().blocking_lock_owned()))
                .contains("Mutex::blocking_lock_owned")
        );
        assert!(message(|| drop(rwlock.blocking_read())).contains("RwLock::blocking_read"));
        assert!(message(|| drop(rwlock.blocking_write())).contains("RwLock::blocking_write"));
        // Nothing is locked for that.
        assert!(mutex.try_lock().is_ok() && rwlock.try_write().is_ok());
    });
}

#[test]
fn calls_that_block_panic_in_async_code_and_say_who_they_are() {
    on_one_worker(|| async {
        let (sender, mut receiver) = mpsc::channel(1);
        let (_unbounded, mut from_unbounded) = mpsc::unbounded_channel::<u64>();
        let (_answer, question) = oneshot::channel::<u64>();
        let (_broadcast, mut listener) = broadcast::channel::<u64>(1);
        sender.try_send(1).unwrap();
        assert!(message(|| sender.blocking_send(2)).contains("mpsc::Sender::blocking_send"));
        assert!(message(|| receiver.blocking_recv()).contains("mpsc::Receiver::blocking_recv"));
        assert!(
            message(|| receiver.blocking_recv_many(&mut Vec::new(), 1))
                .contains("mpsc::Receiver::blocking_recv_many")
        );
        assert!(
            message(|| from_unbounded.blocking_recv())
                .contains("mpsc::UnboundedReceiver::blocking_recv")
        );
        assert!(message(|| question.blocking_recv()).contains("oneshot::Receiver::blocking_recv"));
        assert!(
            message(|| listener.blocking_recv()).contains("broadcast::Receiver::blocking_recv")
        );
        // Nothing was lost, and the runtime goes on.
        assert_eq!(receiver.recv().await, Some(1));
    });
}

#[test]
fn send_timeout_gives_the_value_back_when_it_is_late_or_refused() {
    on_one_worker(|| async {
        let (sender, mut receiver) = mpsc::channel(1);
        let short = Duration::from_millis(1);
        assert_eq!(sender.send_timeout(1, short).await, Ok(()));
        assert_eq!(
            sender.send_timeout(2, short).await,
            Err(SendTimeoutError::Timeout(2))
        );
        assert_eq!(receiver.recv().await, Some(1));
        assert_eq!(
            sender.capacity(),
            1,
            "whoever gave up waiting holds no slot"
        );
        drop(receiver);
        assert_eq!(
            sender.send_timeout(3, short).await,
            Err(SendTimeoutError::Closed(3))
        );
        assert_eq!(
            SendTimeoutError::Timeout(()).to_string(),
            "timed out waiting on send operation"
        );
    });
}

#[test]
fn a_task_that_always_finds_its_channel_ready_lets_others_run() {
    on_one_worker(|| async {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        for number in 0..100_000 {
            sender.send(number).unwrap();
        }
        drop(sender);
        let (done, mut finished) = oneshot::channel();
        let other = samovar::spawn(async move { done.send(()).unwrap() });
        let mut before_the_other_ran = 0;
        while receiver.recv().await.is_some() {
            before_the_other_ran += usize::from(finished.is_empty() && !finished.is_terminated());
            let _ = finished.try_recv();
        }
        other.await.unwrap();
        assert!(
            before_the_other_ran < 100_000,
            "the budget never made it yield"
        );
    });
}

#[test]
fn tasks_talk_through_all_kinds_of_channels() {
    on_one_worker(|| async {
        let (sender, mut receiver) = mpsc::channel(2);
        let (answer, question) = oneshot::channel();
        let (news, mut reader) = samovar::sync::watch::channel(0);
        let (radio, mut listener) = broadcast::channel(4);
        let task = samovar::spawn(async move {
            let mut sum = 0;
            while let Some(number) = receiver.recv().await {
                sum += number;
            }
            news.send(sum).unwrap();
            radio.send(sum).unwrap();
            answer.send(sum).unwrap();
        });
        for number in 1..=100 {
            sender.send(number).await.unwrap();
        }
        drop(sender);
        assert_eq!(question.await, Ok(5050));
        assert_eq!(*reader.wait_for(|sum| *sum > 0).await.unwrap(), 5050);
        assert_eq!(listener.recv().await, Ok(5050));
        task.await.unwrap();
    });
}
