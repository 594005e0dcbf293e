//! Behaviour of the locks and channels that could once be changed without a test noticing: found by `.ci/mutants`.

mod sync_support;

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use samovar::runtime::Builder;
use samovar::sync::{Mutex, Notify, OnceCell, RwLock, Semaphore, broadcast, mpsc, oneshot, watch};
use sync_support::{Counter, task, watchdog};

/// Polls the future once with a waker of its own, drops it, and tells whether the waker is gone as well.
fn leaves_no_waker<F: Future>(future: F) -> bool {
    let counter = Arc::new(Counter::default());
    let mut task = task(future);
    assert!(task.poll_with(&Waker::from(counter.clone())).is_pending());
    assert!(Arc::strong_count(&counter) > 1, "it keeps the waker");
    drop(task);
    Arc::strong_count(&counter) == 1
}

#[test]
fn bounded_ends_know_their_channel_and_each_other() {
    let (one, one_receiver) = mpsc::channel::<u8>(2);
    let (two, _two_receiver) = mpsc::channel::<u8>(2);
    assert!(one.same_channel(&one.clone()) && !one.same_channel(&two));
    let (second, third) = (one.clone(), one.clone());
    assert_eq!((one.strong_count(), one.weak_count()), (3, 0));
    let weak = one.downgrade();
    let (other_weak, third_weak) = (weak.clone(), second.downgrade());
    assert_eq!((weak.strong_count(), weak.weak_count()), (3, 3));
    assert_eq!(one_receiver.sender_strong_count(), 3);
    assert_eq!(one_receiver.sender_weak_count(), 3);
    drop((second, other_weak));
    assert_eq!((one.strong_count(), one.weak_count()), (2, 2));
    drop((third, third_weak));
    assert_eq!((one.strong_count(), one.weak_count()), (1, 1));
    drop((one, weak));
    assert_eq!(one_receiver.sender_strong_count(), 0);
    assert_eq!(one_receiver.sender_weak_count(), 0);
}

#[test]
fn owned_permits_know_their_channel() {
    let (one, _one_receiver) = mpsc::channel::<u8>(3);
    let (two, _two_receiver) = mpsc::channel::<u8>(3);
    let [first, second] =
        [one.clone(), one.clone()].map(|sender| sender.try_reserve_owned().unwrap());
    let other = two.clone().try_reserve_owned().unwrap();
    assert!(first.same_channel(&second) && !first.same_channel(&other));
    assert!(first.same_channel_as_sender(&one) && !first.same_channel_as_sender(&two));
    assert!(other.same_channel_as_sender(&two));
}

#[test]
fn unbounded_ends_know_their_channel_and_each_other() {
    let (one, mut receiver) = mpsc::unbounded_channel::<u8>();
    let (two, _two_receiver) = mpsc::unbounded_channel::<u8>();
    assert!(one.same_channel(&one.clone()) && !one.same_channel(&two));
    let (second, third) = (one.clone(), one.clone());
    let (weak, other_weak, third_weak) = (one.downgrade(), one.downgrade(), one.downgrade());
    assert_eq!((one.strong_count(), one.weak_count()), (3, 3));
    assert_eq!((weak.strong_count(), weak.weak_count()), (3, 3));
    assert_eq!(receiver.sender_strong_count(), 3);
    assert_eq!(receiver.sender_weak_count(), 3);
    drop((second, third, other_weak, third_weak));
    assert_eq!((one.strong_count(), one.weak_count()), (1, 1));
    assert_eq!((weak.strong_count(), weak.weak_count()), (1, 1));
    assert!(
        weak.upgrade()
            .is_some_and(|sender| sender.same_channel(&one))
    );

    assert!(receiver.is_empty());
    assert_eq!(receiver.len(), 0);
    for number in 0..3 {
        one.send(number).unwrap();
    }
    assert!(!receiver.is_empty() && receiver.len() == 3);
    assert!(!one.is_closed() && !receiver.is_closed());
    receiver.close();
    assert!(one.is_closed() && receiver.is_closed());
    assert_eq!(one.send(9).unwrap_err().0, 9);
    assert_eq!(receiver.len(), 3);
    drop(one);
    assert_eq!(receiver.sender_strong_count(), 0);
    drop(weak);
    assert_eq!(receiver.sender_weak_count(), 0);
}

#[test]
fn an_unbounded_receiver_takes_many_at_a_time_and_blocks_a_thread() {
    watchdog(|| {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        (0..10).for_each(|number| sender.send(number).unwrap());
        let mut taken = Vec::new();
        assert_eq!(task(receiver.recv_many(&mut taken, 4)).ready(), 4);
        let mut poll = task(std::future::poll_fn(|cx| {
            receiver.poll_recv_many(cx, &mut taken, 2)
        }));
        assert_eq!(poll.poll(), Poll::Ready(2));
        drop(poll);
        assert_eq!(receiver.blocking_recv(), Some(6));
        assert_eq!(receiver.blocking_recv_many(&mut taken, 100), 3);
        assert_eq!(taken, [0, 1, 2, 3, 4, 5, 7, 8, 9]);
        let waits = thread::spawn(move || (receiver.blocking_recv(), receiver.blocking_recv()));
        sender.send(10).unwrap();
        drop(sender);
        assert_eq!(waits.join().unwrap(), (Some(10), None));
    });
}

#[test]
fn a_bounded_receiver_takes_many_on_a_thread() {
    watchdog(|| {
        let (sender, mut receiver) = mpsc::channel(8);
        (0..5).for_each(|number| sender.try_send(number).unwrap());
        let mut taken = Vec::new();
        assert_eq!(receiver.blocking_recv_many(&mut taken, 3), 3);
        assert_eq!(receiver.blocking_recv_many(&mut taken, 3), 2);
        assert_eq!(taken, [0, 1, 2, 3, 4]);
        drop(sender);
        assert_eq!(receiver.blocking_recv_many(&mut taken, 3), 0);
    });
}

#[test]
fn sending_with_a_time_limit_sends_gives_up_or_finds_the_channel_closed() {
    let rt = Builder::new_current_thread()
        .start_paused(true)
        .enable_all()
        .build()
        .unwrap();
    rt.block_on(async {
        let (sender, mut receiver) = mpsc::channel(1);
        let minute = Duration::from_secs(60);
        assert_eq!(sender.send_timeout(1, minute).await, Ok(()));
        let late = sender.send_timeout(2, minute).await.unwrap_err();
        assert_eq!(late, mpsc::error::SendTimeoutError::Timeout(2));
        assert_eq!(late.to_string(), "timed out waiting on send operation");
        assert_eq!(receiver.recv().await, Some(1));
        drop(receiver);
        let closed = sender.send_timeout(3, minute).await.unwrap_err();
        assert_eq!(closed, mpsc::error::SendTimeoutError::Closed(3));
        assert_eq!(closed.to_string(), "channel closed");
    });
}

#[test]
fn a_permit_used_after_the_receiver_has_gone_gives_its_place_back() {
    let (sender, receiver) = mpsc::channel(2);
    let permit = sender.try_reserve().unwrap();
    assert_eq!(sender.capacity(), 1);
    drop(receiver);
    permit.send("lost");
    assert_eq!(sender.capacity(), 2);
}

#[test]
fn what_a_waiting_sender_had_collected_is_free_when_the_receiver_closes() {
    let (sender, mut receiver) = mpsc::channel(3);
    sender.try_send(1).unwrap();
    let mut reservation = task(sender.reserve_many(3));
    reservation.pending();
    assert_eq!(
        receiver.capacity(),
        0,
        "it has two, and waits for the third"
    );
    receiver.close();
    assert_eq!(receiver.capacity(), 2);
    assert!(reservation.ready().is_err());
    assert_eq!(task(receiver.recv()).ready(), Some(1));
    assert_eq!(task(receiver.recv()).ready(), None);
}

#[test]
fn who_no_longer_waits_for_the_end_of_a_channel_leaves_no_waker() {
    let (sender, _receiver) = mpsc::channel::<u8>(1);
    assert!(leaves_no_waker(sender.closed()));
    let (sender, _receiver) = mpsc::unbounded_channel::<u8>();
    assert!(leaves_no_waker(sender.closed()));
    let (sender, _receiver) = broadcast::channel::<u8>(1);
    assert!(leaves_no_waker(sender.closed()));
    let (sender, _receiver) = watch::channel(1);
    assert!(leaves_no_waker(sender.closed()));
}

#[test]
fn the_table_of_tasks_tells_how_full_the_channel_is_that_one_waits_for() {
    let rt = Builder::new_current_thread().observe(true).build().unwrap();
    rt.block_on(async {
        let (full, _receiver) = mpsc::channel(2);
        full.try_send(1).unwrap();
        full.try_send(2).unwrap();
        let (_sender, mut empty) = mpsc::channel::<u8>(3);
        let (_unbounded, mut boundless) = mpsc::unbounded_channel::<u8>();
        let tasks = [
            samovar::spawn(async move { full.send(3).await.is_ok() }),
            samovar::spawn(async move { empty.recv().await.is_some() }),
            samovar::spawn(async move { boundless.recv().await.is_some() }),
        ];
        samovar::task::yield_now().await;
        samovar::time::sleep(Duration::from_millis(1)).await;
        let table = rt.handle().dump().to_string();
        for what in [
            "mpsc send, 2 of 2",
            "mpsc recv, 0 of 3",
            "mpsc recv, 0 queued",
        ] {
            assert!(table.contains(what), "{what}:\n{table}");
        }
        tasks.iter().for_each(|task| task.abort());
    });
}

#[test]
fn broadcast_ends_know_their_channel_and_each_other() {
    let (one, mut receiver) = broadcast::channel::<u8>(4);
    let (two, two_receiver) = broadcast::channel::<u8>(4);
    assert!(one.same_channel(&one.clone()) && !one.same_channel(&two));
    assert!(receiver.same_channel(&one.subscribe()) && !receiver.same_channel(&two_receiver));
    let (second, third) = (one.clone(), one.clone());
    let (weak, other_weak, third_weak) = (one.downgrade(), one.downgrade(), one.downgrade());
    assert_eq!((one.strong_count(), one.weak_count()), (3, 3));
    assert_eq!((weak.strong_count(), weak.weak_count()), (3, 3));
    assert_eq!(receiver.sender_strong_count(), 3);
    assert_eq!(receiver.sender_weak_count(), 3);
    drop((second, third, other_weak, third_weak));
    assert_eq!((one.strong_count(), one.weak_count()), (1, 1));
    assert_eq!((weak.strong_count(), weak.weak_count()), (1, 1));

    assert!(one.is_empty() && receiver.is_empty());
    one.send(1).unwrap();
    assert!(!one.is_empty() && !receiver.is_empty());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(one.is_empty() && receiver.is_empty());
}

#[test]
fn a_cell_says_why_it_cannot_be_set_and_what_it_equals() {
    let cell = OnceCell::new();
    let mut initializes = task(cell.get_or_init(std::future::pending::<u8>));
    initializes.pending();
    let early = cell.set(1).unwrap_err();
    assert!(early.is_initializing_err() && !early.is_already_init_err());
    drop(initializes);
    assert_ne!(cell, OnceCell::from(1));
    assert_eq!(cell, OnceCell::new());
    cell.set(1).unwrap();
    let late = cell.set(2).unwrap_err();
    assert!(late.is_already_init_err() && !late.is_initializing_err());
    assert_eq!(cell, OnceCell::from(1));
    assert_ne!(cell, OnceCell::from(2));
}

#[test]
fn errors_say_what_is_wrong() {
    let mutex = Mutex::new(());
    let _guard = mutex.try_lock().unwrap();
    assert_eq!(
        mutex.try_lock().unwrap_err().to_string(),
        "the lock is taken"
    );
    let lock = RwLock::new(());
    let _guard = lock.try_write().unwrap();
    assert_eq!(
        lock.try_read().unwrap_err().to_string(),
        "the lock is taken"
    );

    let semaphore = Semaphore::new(0);
    let nothing = semaphore.try_acquire().unwrap_err();
    assert_eq!(nothing.to_string(), "no permits are available");
    semaphore.close();
    let closed = semaphore.try_acquire().unwrap_err();
    assert_eq!(closed.to_string(), "the semaphore is closed");
    let closed = task(semaphore.acquire()).ready().unwrap_err();
    assert_eq!(closed.to_string(), "the semaphore is closed");

    let (sender, mut receiver) = oneshot::channel::<u8>();
    assert_eq!(
        receiver.try_recv().unwrap_err().to_string(),
        "channel empty"
    );
    drop(sender);
    assert_eq!(
        receiver.try_recv().unwrap_err().to_string(),
        "channel closed"
    );
}

#[test]
fn watch_ends_know_their_channel_and_whether_the_value_is_new() {
    let (one, mut receiver) = watch::channel(1);
    let (two, two_receiver) = watch::channel(1);
    assert!(one.same_channel(&one.clone()) && !one.same_channel(&two));
    assert!(receiver.same_channel(&one.subscribe()) && !receiver.same_channel(&two_receiver));
    assert!(
        !task(receiver.wait_for(|value| *value == 1))
            .ready()
            .unwrap()
            .has_changed()
    );
    one.send(2).unwrap();
    assert!(
        task(receiver.wait_for(|value| *value == 2))
            .ready()
            .unwrap()
            .has_changed()
    );
    assert!(
        !task(receiver.wait_for(|value| *value == 2))
            .ready()
            .unwrap()
            .has_changed()
    );
    drop(one);
    let end = task(receiver.wait_for(|value| *value == 3))
        .ready()
        .map(|_| ());
    assert_eq!(
        end.unwrap_err().to_string(),
        task(receiver.changed()).ready().unwrap_err().to_string()
    );
    assert!(
        !task(receiver.changed())
            .ready()
            .unwrap_err()
            .to_string()
            .is_empty()
    );
}

#[test]
fn an_owned_notification_waits_is_enabled_and_passes_on_what_it_does_not_use() {
    let notify = Arc::new(Notify::new());
    let mut first = task(notify.clone().notified_owned());
    let mut second = task(notify.clone().notified_owned());
    first.pending();
    second.pending();
    notify.notify_one();
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    drop(first);
    assert_eq!(second.wakes(), 1, "what the first had is the second's");
    second.ready();

    let mut early = Box::pin(notify.clone().notified_owned());
    assert!(!early.as_mut().enable());
    notify.notify_one();
    assert!(early.as_mut().enable());
    task(early).ready();
    assert!(leaves_no_waker(notify.clone().notified_owned()));
}

#[test]
fn owned_permits_merge() {
    let semaphore = Arc::new(Semaphore::new(5));
    let mut two = semaphore.clone().try_acquire_many_owned(2).unwrap();
    let three = semaphore.clone().try_acquire_many_owned(3).unwrap();
    two.merge(three);
    assert_eq!((two.num_permits(), semaphore.available_permits()), (5, 0));
    drop(two);
    assert_eq!(semaphore.available_permits(), 5);
}

/// Polls the future once in a task that has no budget left, where it has to wait.
fn wait_without_budget<F: Future + Unpin>(future: &mut F) {
    let (sender, mut filled) = mpsc::unbounded_channel();
    (0..1_000).for_each(|number| sender.send(number).unwrap());
    samovar::runtime::Runtime::new()
        .unwrap()
        .block_on(std::future::poll_fn(|cx| {
            // It may be empty only in the next poll, which is then not the one that is meant.
            while filled.poll_recv(cx).is_ready() {}
            assert!(!filled.is_empty(), "the budget has an end");
            assert!(std::pin::Pin::new(&mut *future).poll(cx).is_pending());
            Poll::Ready(())
        }));
}

#[test]
fn a_newcomer_without_budget_takes_its_place_behind_those_who_wait() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let (mut first, mut second, mut third) = (
        task(mutex.lock()),
        Box::pin(mutex.lock()),
        task(mutex.lock()),
    );
    first.pending();
    wait_without_budget(&mut second);
    third.pending();
    drop(guard);
    drop(first.ready());
    third.pending();
    drop(task(second).ready());
    drop(third.ready());

    let lock = RwLock::new(());
    let guard = lock.try_write().unwrap();
    let (mut first, mut second, mut third) = (
        task(lock.write()),
        Box::pin(lock.write()),
        task(lock.write()),
    );
    first.pending();
    wait_without_budget(&mut second);
    third.pending();
    drop(guard);
    drop(first.ready());
    third.pending();
    drop(task(second).ready());
    drop(third.ready());

    let semaphore = Semaphore::new(1);
    let permit = semaphore.try_acquire().unwrap();
    let (mut first, mut second, mut third) = (
        task(semaphore.acquire()),
        Box::pin(semaphore.acquire()),
        task(semaphore.acquire()),
    );
    first.pending();
    wait_without_budget(&mut second);
    third.pending();
    drop(permit);
    drop(first.ready());
    third.pending();
    drop(task(second).ready());
    drop(third.ready());
}
