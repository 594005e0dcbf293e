//! `Handle::metrics`: each number, where it can be known.

mod support;

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use samovar::runtime::{Builder, Handle, RuntimeMetrics};
use samovar::sync::oneshot;
use samovar::task::{spawn_blocking, yield_now};
use samovar::time::sleep;
use support::{current_thread, multi_thread, watchdog};

const MILLI: Duration = Duration::from_millis(1);

/// Waits until something that another thread does has been done.
fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        thread::sleep(MILLI);
    }
}

#[test]
fn alive_tasks_are_those_that_were_spawned_and_have_not_ended() {
    watchdog(60, || {
        let rt = current_thread();
        let metrics = rt.metrics();
        rt.block_on(async {
            let ends = samovar::spawn(async {});
            let panics = samovar::spawn(async { panic!("of the test") });
            let (wake, woken) = oneshot::channel::<()>();
            let waits = samovar::spawn(async move { woken.await.is_ok() });
            let aborted = samovar::spawn(sleep(Duration::from_secs(3600)));
            drop(samovar::spawn(async {}));
            assert_eq!(metrics.num_alive_tasks(), 5);
            assert!(ends.await.is_ok());
            assert!(panics.await.is_err());
            yield_now().await;
            assert_eq!(metrics.num_alive_tasks(), 2);
            aborted.abort();
            assert!(aborted.await.is_err());
            assert_eq!(metrics.num_alive_tasks(), 1);
            wake.send(()).unwrap();
            assert!(waits.await.unwrap());
            assert_eq!(metrics.num_alive_tasks(), 0);
            assert_eq!(metrics.spawned_tasks_count(), 5);
        });
    });
}

#[test]
fn tasks_spawned_and_dropped_by_other_threads_are_counted() {
    watchdog(60, || {
        let rt = multi_thread();
        let metrics = rt.metrics();
        let spawners: Vec<_> = (0..4)
            .map(|number: usize| {
                let handle = rt.handle().clone();
                thread::spawn(move || {
                    for task in 0..100 {
                        handle.spawn(async move {
                            if task % 4 == number {
                                yield_now().await;
                            }
                        });
                    }
                })
            })
            .collect();
        for spawner in spawners {
            spawner.join().unwrap();
        }
        until(|| metrics.num_alive_tasks() == 0);
        assert_eq!(metrics.spawned_tasks_count(), 400);

        // Those that the shutdown drops, wherever they are, and those that are refused afterwards.
        let handle = rt.handle().clone();
        for _ in 0..10 {
            handle.spawn(async { sleep(Duration::from_secs(3600)).await });
        }
        assert_eq!(metrics.num_alive_tasks(), 10);
        drop(rt);
        handle.spawn(async {});
        assert_eq!(metrics.num_alive_tasks(), 0);
        assert_eq!(metrics.spawned_tasks_count(), 411);
    });
}

#[test]
fn a_worker_s_polls_and_queue() {
    watchdog(60, || {
        let rt = current_thread();
        let metrics = rt.metrics();
        assert_eq!(metrics.num_workers(), 1);
        rt.block_on(async {
            for _ in 0..7 {
                samovar::spawn(async {});
            }
            assert_eq!(metrics.worker_local_queue_depth(0), 7);
            // The main future's own poll.
            assert_eq!(metrics.worker_poll_count(0), 1);
            yield_now().await;
            assert_eq!(metrics.worker_poll_count(0), 9);
            assert_eq!(metrics.worker_local_queue_depth(0), 0);
        });
        // From another thread, while nobody is the worker.
        let handle = rt.handle().clone();
        thread::spawn(move || drop(handle.spawn(async {})))
            .join()
            .unwrap();
        assert_eq!(metrics.global_queue_depth(), 1);
        rt.block_on(yield_now());
        assert_eq!(metrics.global_queue_depth(), 0);
    });
}

#[test]
fn a_worker_that_waits_is_not_busy() {
    watchdog(60, || {
        let rt = current_thread();
        let metrics = rt.metrics();
        let (send, receive) = oneshot::channel();
        let waker = {
            let metrics = metrics.clone();
            thread::spawn(move || {
                until(|| metrics.worker_park_count(0) > 0);
                thread::sleep(50 * MILLI);
                send.send(()).unwrap();
            })
        };
        let start = Instant::now();
        rt.block_on(async {
            thread::sleep(20 * MILLI);
            receive.await.unwrap();
        });
        let inside = start.elapsed();
        waker.join().unwrap();
        let busy = metrics.worker_total_busy_duration(0);
        assert!(busy >= 20 * MILLI, "{busy:?}");
        assert!(busy <= inside - 50 * MILLI, "{busy:?} of {inside:?}");

        // Nor is one that nobody is.
        thread::sleep(20 * MILLI);
        let start = Instant::now();
        rt.block_on(async {});
        let more = metrics.worker_total_busy_duration(0) - busy;
        assert!(more <= start.elapsed(), "{more:?}");
    });
}

#[test]
fn thefts_are_counted() {
    watchdog(60, || {
        let rt = multi_thread();
        let metrics = rt.metrics();
        let sum =
            |count: fn(&RuntimeMetrics, usize) -> u64| count(&metrics, 0) + count(&metrics, 1);
        // In rare cases the watchdog is faster than the thief.
        while sum(RuntimeMetrics::worker_steal_operations) == 0 {
            rt.block_on(async {
                let (tell, told) = mpsc::channel();
                for _ in 0..100 {
                    let tell = tell.clone();
                    samovar::spawn(async move { tell.send(()).unwrap() });
                }
                for _ in 0..100 {
                    told.recv().unwrap();
                }
            });
        }
        let (thefts, tasks) = (
            sum(RuntimeMetrics::worker_steal_operations),
            sum(RuntimeMetrics::worker_steal_count),
        );
        assert!(
            thefts <= tasks && tasks <= metrics.spawned_tasks_count(),
            "{thefts} {tasks}"
        );
    });
}

#[test]
fn blocking_threads_and_their_queue() {
    watchdog(60, || {
        let rt = Builder::new_current_thread()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        let metrics = rt.metrics();
        assert_eq!(metrics.num_blocking_threads(), 0);
        rt.block_on(async {
            let (go, wait) = mpsc::channel::<()>();
            let (tell, told) = mpsc::channel();
            let first = spawn_blocking(move || {
                tell.send(()).unwrap();
                wait.recv()
            });
            told.recv().unwrap();
            let second = spawn_blocking(|| ());
            assert_eq!(Handle::current().metrics().blocking_queue_depth(), 1);
            assert_eq!(metrics.num_blocking_threads(), 1);
            assert_eq!(metrics.num_idle_blocking_threads(), 0);
            assert_eq!(metrics.num_alive_tasks(), 0);
            go.send(()).unwrap();
            first.await.unwrap().unwrap();
            second.await.unwrap();
            until(|| metrics.num_idle_blocking_threads() == 1);
        });
    });
}

#[test]
#[should_panic(expected = "there is no worker 2: the runtime has 2, counted from 0")]
fn a_worker_that_does_not_exist() {
    multi_thread().metrics().worker_poll_count(2);
}
