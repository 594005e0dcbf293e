//! Channels and locks under many schedules: what each promises holds whoever is polled when, and wherever it is interrupted
//! or given up.
#![cfg(feature = "macros")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use samovar::sync::{
    Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore, broadcast, mpsc, oneshot, watch,
};
use samovar::task::{JoinSet, yield_now};
use samovar::time::{Duration, sleep, timeout};

const MS: Duration = Duration::from_millis(1);

/// Waits for all tasks, and takes over their panics.
async fn finish<T: 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut outputs = Vec::new();
    while let Some(output) = tasks.join_next().await {
        outputs.push(output.unwrap());
    }
    outputs
}

#[samovar::test(seeds = 0..100)]
async fn a_mutex_is_held_by_one_though_waiters_give_up() {
    let mutex = Arc::new(Mutex::new(0u32));
    let inside = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for n in 0..12u32 {
        let (mutex, inside) = (mutex.clone(), inside.clone());
        tasks.spawn(async move {
            let mut done = 0;
            for _ in 0..5 {
                let Ok(mut guard) = timeout(n % 4 * MS, mutex.lock()).await else {
                    continue;
                };
                assert!(!inside.swap(true, SeqCst), "two are inside");
                *guard += 1;
                done += 1;
                sleep(n % 3 * MS).await;
                assert!(inside.swap(false, SeqCst));
            }
            done
        });
    }
    let done: u32 = finish(tasks).await.iter().sum();
    assert_eq!(*mutex.lock().await, done);
}

#[samovar::test(seeds = 0..100)]
async fn a_writer_is_alone_and_readers_are_not() {
    let lock = Arc::new(RwLock::new(0u32));
    let (readers, writers) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for n in 0..12u32 {
        let (lock, readers, writers) = (lock.clone(), readers.clone(), writers.clone());
        tasks.spawn(async move {
            for _ in 0..5 {
                if n % 3 == 0 {
                    let Ok(mut guard) = timeout(2 * MS, lock.write()).await else {
                        continue;
                    };
                    assert_eq!((writers.fetch_add(1, SeqCst), readers.load(SeqCst)), (0, 0));
                    *guard += 1;
                    yield_now().await;
                    writers.fetch_sub(1, SeqCst);
                } else {
                    let before = *lock.read().await;
                    let guard = lock.read().await;
                    readers.fetch_add(1, SeqCst);
                    sleep(n % 2 * MS).await;
                    assert_eq!(writers.load(SeqCst), 0);
                    assert!(*guard >= before);
                    readers.fetch_sub(1, SeqCst);
                }
            }
        });
    }
    finish(tasks).await;
}

#[samovar::test(seeds = 0..100)]
async fn a_semaphore_gives_no_more_than_it_has_and_loses_none() {
    let semaphore = Arc::new(Semaphore::new(5));
    let given = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for n in 0..20u32 {
        let (semaphore, given) = (semaphore.clone(), given.clone());
        tasks.spawn(async move {
            let many = n % 5 + 1;
            let acquired = timeout(n % 7 * MS, semaphore.acquire_many(many)).await;
            let Ok(permit) = acquired else {
                return;
            };
            let _permit = permit.unwrap();
            assert!(given.fetch_add(many as usize, SeqCst) + many as usize <= 5);
            sleep(n % 3 * MS).await;
            given.fetch_sub(many as usize, SeqCst);
        });
    }
    finish(tasks).await;
    assert_eq!(semaphore.available_permits(), 5);
}

#[samovar::test(seeds = 0..100)]
async fn a_channel_keeps_the_order_of_each_sender_and_loses_nothing() {
    let (sender, mut receiver) = mpsc::channel(3);
    let mut tasks = JoinSet::new();
    for from in 0..6usize {
        let sender = sender.clone();
        tasks.spawn(async move {
            let mut number = 0;
            while number < 8 {
                // A send that is given up has sent nothing.
                if let Ok(permit) = timeout(MS, sender.reserve()).await {
                    permit.unwrap().send((from, number));
                    number += 1;
                }
                if number % 3 == from % 3 {
                    sleep(MS / 2).await;
                }
            }
        });
    }
    drop(sender);
    let mut next = [0; 6];
    loop {
        match timeout(MS / 3, receiver.recv()).await {
            Ok(Some((from, number))) => {
                assert_eq!(number, next[from]);
                next[from] += 1;
            }
            Ok(None) => break,
            Err(_) => sleep(MS).await,
        }
    }
    assert_eq!(next, [8; 6]);
    finish(tasks).await;
}

#[samovar::test(seeds = 0..100)]
async fn every_permit_of_a_notify_wakes_one() {
    let notify = Arc::new(Notify::new());
    let woken = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for n in 0..8u32 {
        let (notify, woken) = (notify.clone(), woken.clone());
        tasks.spawn(async move {
            // Those that give up hand a wake that they were given to another.
            while timeout((n % 3 + 1) * MS, notify.notified()).await.is_err() {}
            woken.fetch_add(1, SeqCst);
        });
    }
    let mut rung = 0;
    while woken.load(SeqCst) < 8 {
        notify.notify_one();
        rung += 1;
        sleep(MS).await;
    }
    finish(tasks).await;
    assert_eq!(rung, 8, "a wake was lost on the way");
}

#[samovar::test(seeds = 0..100)]
async fn a_barrier_has_one_leader_per_round() {
    let barrier = Arc::new(Barrier::new(4));
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let barrier = barrier.clone();
        tasks.spawn(async move {
            let mut led = 0;
            for _ in 0..5 {
                led += u32::from(barrier.wait().await.is_leader());
            }
            led
        });
    }
    assert_eq!(finish(tasks).await.iter().sum::<u32>(), 5);
}

#[samovar::test(seeds = 0..100)]
async fn whoever_watches_sees_the_last_value() {
    let (sender, receiver) = watch::channel(0);
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let mut receiver = receiver.clone();
        tasks.spawn(async move {
            let mut last = 0;
            while receiver.changed().await.is_ok() {
                let seen = *receiver.borrow_and_update();
                assert!(seen > last);
                last = seen;
            }
            last
        });
    }
    drop(receiver);
    for value in 1..=10 {
        sender.send(value).unwrap();
        yield_now().await;
    }
    drop(sender);
    assert_eq!(finish(tasks).await, [10; 4]);
}

#[samovar::test(seeds = 0..100)]
async fn a_broadcast_reaches_everybody_in_order() {
    let (sender, first) = broadcast::channel(16);
    let mut tasks = JoinSet::new();
    for mut receiver in [sender.subscribe(), sender.subscribe(), first] {
        tasks.spawn(async move {
            let mut all = Vec::new();
            while let Ok(value) = receiver.recv().await {
                all.push(value);
            }
            all
        });
    }
    for value in 0..16 {
        sender.send(value).unwrap();
        yield_now().await;
    }
    drop(sender);
    for all in finish(tasks).await {
        assert_eq!(all, (0..16).collect::<Vec<_>>());
    }
}

#[samovar::test(seeds = 0..100)]
async fn a_cell_is_filled_once_though_the_first_gives_up() {
    let cell = Arc::new(OnceCell::new());
    let filled = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for n in 0..6u32 {
        let (cell, filled) = (cell.clone(), filled.clone());
        tasks.spawn(async move {
            let fill = cell.get_or_init(|| async {
                sleep(2 * MS).await;
                filled.fetch_add(1, SeqCst);
                "tea"
            });
            if let Ok(value) = timeout((3 * n + 1) * MS, fill).await {
                assert_eq!(*value, "tea");
            }
        });
    }
    finish(tasks).await;
    assert_eq!(filled.load(SeqCst), 1);
}

#[samovar::test(seeds = 0..100)]
async fn a_oneshot_is_received_closed_or_given_back() {
    let mut tasks = JoinSet::new();
    for n in 0..12u32 {
        let (sender, receiver) = oneshot::channel();
        let receiving = samovar::spawn(async move { timeout(n % 3 * MS, receiver).await });
        tasks.spawn(async move {
            sleep(n % 4 * MS).await;
            let sent = sender.send(n);
            match receiving.await.unwrap() {
                Ok(received) => assert_eq!(received, Ok(n)),
                // Given up: then it was too late, or just sent.
                Err(_) => assert!(sent == Err(n) || n % 4 <= n % 3),
            }
        });
    }
    finish(tasks).await;
}
