//! Channels and locks in the situations that have broken them elsewhere: waiting that is no waiting, futures that are
//! forgotten, a `select!` that gives up what it has begun. `docs/reliability.md` says which case each test stands for.
#![cfg(all(target_os = "linux", feature = "macros"))]

mod support;

use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::thread;

use samovar::runtime::Handle;
use samovar::sync::{
    Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore, broadcast, mpsc, oneshot, watch,
};
use samovar::task::{JoinSet, yield_now};
use samovar::time::Duration;
use support::{current_thread, multi_thread, on_both, processor_time, watchdog};

/// Long enough for a thread that does not sleep to be found out, also where many others want the processor.
const WAIT: Duration = Duration::from_millis(200);

/// What somebody who sleeps does not need in that time.
const LITTLE: Duration = Duration::from_millis(5);

// Waiting.

#[test]
fn waiting_for_whatever_costs_no_processor_time() {
    watchdog(60, || {
        current_thread().block_on(async {
            let mut tasks = JoinSet::new();
            // Idle: nothing comes.
            let (mpsc_sender, mut mpsc_receiver) = mpsc::channel::<String>(1);
            let (unbounded_sender, mut unbounded_receiver) = mpsc::unbounded_channel::<String>();
            let (broadcast_sender, mut broadcast_receiver) = broadcast::channel::<()>(1);
            let (watch_sender, mut watch_receiver) = watch::channel(());
            let (oneshot_sender, oneshot_receiver) = oneshot::channel::<()>();
            tasks.spawn(async move { drop(mpsc_receiver.recv().await) });
            tasks.spawn(async move { drop(unbounded_receiver.recv().await) });
            tasks.spawn(async move { drop(broadcast_receiver.recv().await) });
            tasks.spawn(async move { drop(watch_receiver.changed().await) });
            tasks.spawn(async move { drop(oneshot_receiver.await) });
            let (full, _not_read) = mpsc::channel(1);
            full.try_send(String::new()).unwrap();
            // Contended: many want what one has.
            let mutex = Arc::new(Mutex::new(()));
            let rwlock = Arc::new(RwLock::new(()));
            let semaphore = Arc::new(Semaphore::new(1));
            let (notify, cell) = (Arc::new(Notify::new()), Arc::new(OnceCell::new()));
            let barrier = Arc::new(Barrier::new(11));
            let held = (
                mutex.clone().try_lock_owned().unwrap(),
                rwlock.clone().try_read_owned().unwrap(),
                semaphore.clone().try_acquire_owned().unwrap(),
            );
            for n in 0..10 {
                let full = full.clone();
                tasks.spawn(async move { drop(full.send(String::new()).await) });
                let mutex = mutex.clone();
                tasks.spawn(async move { drop(mutex.lock().await) });
                let rwlock = rwlock.clone();
                tasks.spawn(async move {
                    if n % 2 == 0 {
                        drop(rwlock.write().await);
                    } else {
                        drop(rwlock.read().await);
                    }
                });
                let semaphore = semaphore.clone();
                tasks.spawn(async move { drop(semaphore.acquire().await) });
                let notify = notify.clone();
                tasks.spawn(async move { notify.notified().await });
                let cell = cell.clone();
                tasks.spawn(async move {
                    cell.get_or_init(std::future::pending::<()>).await;
                });
                let barrier = barrier.clone();
                tasks.spawn(async move { _ = barrier.wait().await });
            }
            for _ in 0..10 {
                yield_now().await;
            }
            // Not a timer: its own wait would hide one that returns at once, again and again.
            let (done, ended) = oneshot::channel();
            let other = thread::spawn(move || {
                thread::sleep(WAIT);
                done.send(()).unwrap();
            });
            let metrics = Handle::current().metrics();
            let before = (metrics.worker_poll_count(0), processor_time());
            ended.await.unwrap();
            let polls = metrics.worker_poll_count(0) - before.0;
            assert!(polls < 10, "there were {polls} polls though nothing came");
            let used = processor_time() - before.1;
            assert!(
                used < LITTLE,
                "it took {used:?} of processor time to wait for {WAIT:?}"
            );
            other.join().unwrap();
            assert_eq!(tasks.len(), 75, "somebody did not wait");
            drop(held);
            drop((mpsc_sender, unbounded_sender, broadcast_sender));
            drop((watch_sender, oneshot_sender));
            barrier.wait().await;
            notify.notify_waiters();
            // All but those that wait for a slot, and for a cell that nobody fills.
            for _ in 0..55 {
                tasks.join_next().await.unwrap().unwrap();
            }
        });
    });
}

#[test]
fn a_thread_that_waits_costs_no_processor_time() {
    fn measured<R>(wait: impl FnOnce() -> R) -> Duration {
        let before = processor_time();
        wait();
        processor_time() - before
    }

    watchdog(60, || {
        let (values, mut receiver) = mpsc::channel::<()>(1);
        let (full, not_read) = mpsc::channel(1);
        full.try_send(()).unwrap();
        let (answer, question) = oneshot::channel::<()>();
        let mutex = Arc::new(Mutex::new(()));
        let held = mutex.try_lock().unwrap();
        let waiters = [
            thread::spawn(move || measured(|| receiver.blocking_recv())),
            thread::spawn({
                let full = full.clone();
                move || measured(|| full.blocking_send(()))
            }),
            thread::spawn(move || measured(|| question.blocking_recv())),
            thread::spawn({
                let mutex = mutex.clone();
                move || measured(|| drop(mutex.blocking_lock()))
            }),
        ];
        thread::sleep(WAIT);
        drop((held, values, answer, not_read));
        for waiter in waiters {
            let used = waiter.join().unwrap();
            assert!(
                used < LITTLE,
                "it took {used:?} of processor time to wait for {WAIT:?}"
            );
        }
    });
}

// Futures that are forgotten. Those of `mpsc` are in `sync_mpsc.rs`.

#[test]
fn a_forgotten_future_keeps_nobody_from_being_woken() {
    /// Polls a future, finds that it waits, and neither polls nor drops it again.
    async fn forget(future: impl Future) {
        let mut future = Box::pin(future);
        assert!(futures::poll!(&mut future).is_pending());
        mem::forget(future);
    }

    on_both(|| async {
        let (sender, mut first) = broadcast::channel(4);
        let mut second = sender.subscribe();
        forget(first.recv()).await;
        let other = samovar::spawn(async move { second.recv().await });
        yield_now().await;
        sender.send(1).unwrap();
        assert_eq!(other.await.unwrap(), Ok(1));
        assert_eq!(first.recv().await, Ok(1));

        let (sender, mut first) = watch::channel(0);
        let mut second = first.clone();
        forget(first.changed()).await;
        let other = samovar::spawn(async move { second.changed().await });
        yield_now().await;
        sender.send(1).unwrap();
        other.await.unwrap().unwrap();
        first.changed().await.unwrap();

        let (sender, receiver) = mpsc::channel::<()>(1);
        forget(sender.closed()).await;
        let closed = sender.clone();
        let other = samovar::spawn(async move { closed.closed().await });
        yield_now().await;
        drop(receiver);
        other.await.unwrap();

        // It keeps what it was given, and no more than that.
        let semaphore = Arc::new(Semaphore::new(0));
        forget(semaphore.acquire()).await;
        semaphore.add_permits(3);
        let _permits = semaphore.acquire_many(2).await.unwrap();
        let notify = Notify::new();
        forget(notify.notified()).await;
        notify.notify_one();
        notify.notify_one();
        notify.notified().await;
    });
}

// Giving up.

#[test]
fn a_hundred_thousand_values_through_a_select_that_gives_up_one_channel_for_the_other() {
    const COUNT: u32 = 50_000;
    watchdog(60, || {
        multi_thread().block_on(async {
            let (left, mut from_left) = mpsc::channel(4);
            let (right, mut from_right) = mpsc::unbounded_channel();
            let senders = [
                samovar::spawn(async move {
                    for number in 0..COUNT {
                        left.send(number).await.unwrap();
                    }
                }),
                samovar::spawn(async move {
                    for number in 0..COUNT {
                        right.send(number).unwrap();
                        if number % 16 == 0 {
                            yield_now().await;
                        }
                    }
                }),
            ];
            let mut next = [0, 0];
            let mut ticks = 0;
            loop {
                let mut tick = pin!(yield_now());
                samovar::select! {
                    Some(number) = from_left.recv() => {
                        assert_eq!(number, next[0]);
                        next[0] += 1;
                    }
                    Some(number) = from_right.recv() => {
                        assert_eq!(number, next[1]);
                        next[1] += 1;
                    }
                    () = &mut tick, if next != [COUNT; 2] => ticks += 1,
                    else => break,
                }
            }
            assert_eq!(next, [COUNT; 2]);
            assert!(ticks > 0, "nothing was given up but for another value");
            for sender in senders {
                sender.await.unwrap();
            }
        });
    });
}
