//! What is left of a thousand runtimes, and of a million tasks: nothing. Each test is alone in the process meanwhile, for it
//! counts what the process has.
#![cfg(target_os = "linux")]

mod runtime_support;

use std::fs::{read_dir, read_to_string};
use std::future::pending;
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use runtime_support::{Counter, current_thread, multi_thread, watchdog};
use samovar::io::{AsyncReadExt, AsyncWriteExt};
use samovar::net::{TcpListener, TcpStream, UdpSocket};
use samovar::runtime::Runtime;
use samovar::sync::mpsc;
use samovar::task::{JoinSet, spawn_blocking, yield_now};
use samovar::time::{interval, sleep, timeout};

/// Whoever holds it is alone.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs `test` alone and under a watchdog.
fn alone(test: fn()) {
    let _alone = ALONE.lock().unwrap_or_else(|error| error.into_inner());
    watchdog(300, test);
}

fn descriptors() -> usize {
    read_dir("/proc/self/fd").unwrap().count()
}

/// The threads of runtimes in this process, by their names: the test harness has threads of its own.
fn runtime_threads() -> usize {
    let threads = read_dir("/proc/self/task").unwrap().flatten();
    threads
        // A thread may end meanwhile.
        .filter_map(|thread| read_to_string(thread.path().join("comm")).ok())
        .filter(|name| name.starts_with("samovar"))
        .count()
}

/// The memory that the process has in use, in bytes.
fn resident() -> usize {
    let pages = read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn runtime(number: usize) -> Runtime {
    match number % 3 {
        0 => current_thread(),
        workers => multi_thread(workers),
    }
}

/// Something of everything, begun and not ended. Each task holds a clone of `mark`.
async fn work(mark: &Arc<()>) {
    let mut set = JoinSet::new();
    for number in 0..20_u64 {
        let mark = mark.clone();
        set.spawn(async move {
            let _mark = mark;
            sleep(Duration::from_micros(number)).await;
        });
    }
    let (send, mut receive) = mpsc::channel(1);
    let held = mark.clone();
    samovar::spawn(async move {
        let _held = held;
        let mut ticks = interval(Duration::from_secs(1));
        ticks.tick().await;
        send.send(1).await.unwrap();
        // Nobody takes it.
        let _ = timeout(Duration::MAX, send.send(2)).await;
        pending::<()>().await;
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let held = mark.clone();
    samovar::spawn(async move {
        let _held = held;
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut byte = [0];
        while stream.read_exact(&mut byte).await.is_ok() {
            stream.write_all(&byte).await.unwrap();
        }
    });
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[7]).await.unwrap();
    stream.read_exact(&mut [0]).await.unwrap();
    let held = (mark.clone(), stream);
    samovar::spawn(async move {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let _held = held;
        let _ = socket.recv(&mut [0]).await;
    });
    let held = mark.clone();
    drop(spawn_blocking(move || drop(held)));
    assert_eq!(receive.recv().await, Some(1));
    while set.join_next().await.is_some() {}
    yield_now().await;
}

#[test]
fn a_thousand_runtimes_leave_no_thread_descriptor_task_nor_memory() {
    alone(|| {
        let one = |number: usize| {
            let rt = runtime(number);
            let mark = Arc::new(());
            let left: Weak<()> = Arc::downgrade(&mark);
            let metrics = rt.metrics();
            rt.block_on(async { work(&mark).await });
            drop(mark);
            assert!(left.upgrade().is_some(), "some tasks are not over");
            drop(rt);
            // At once: a drop waits.
            assert!(left.upgrade().is_none(), "a task is left");
            assert_eq!(metrics.num_alive_tasks(), 0);
        };
        // Until the allocator has an arena for every thread.
        (0..200).for_each(one);
        let before = (descriptors(), runtime_threads(), resident());
        (0..1000).for_each(one);
        // The kernel takes a thread out of the list a moment after it was joined.
        let more = || descriptors() > before.0 || runtime_threads() > before.1;
        let start = Instant::now();
        while more() && start.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(1));
        }
        let after = (descriptors(), runtime_threads(), resident());
        eprintln!("descriptors, threads, bytes: {before:?} before, {after:?} after");
        assert!(!more(), "{before:?} before, {after:?} after");
        // Twenty tasks of two hundred bytes in each of a thousand runtimes would be four megabytes, a queue's first block
        // and the like some more.
        let grown = after.2.saturating_sub(before.2);
        assert!(grown < 3 << 20, "{grown} bytes more");
    });
}

#[test]
fn a_million_tasks_one_after_the_other_leave_no_memory() {
    alone(|| {
        for rt in [current_thread(), multi_thread(2)] {
            let ended = Counter::new();
            let thousand = async || {
                for number in 0..1000 {
                    let ended = ended.clone();
                    samovar::spawn(async move {
                        if number % 10 == 0 {
                            yield_now().await;
                        }
                        ended.add();
                    });
                }
                let target = ended.get() / 1000 * 1000 + 1000;
                while ended.get() < target {
                    yield_now().await;
                }
            };
            rt.block_on(async {
                for _ in 0..100 {
                    thousand().await;
                }
                let before = resident();
                for _ in 0..500 {
                    thousand().await;
                }
                assert_eq!(ended.get(), 600_000);
                let grown = resident().saturating_sub(before);
                eprintln!("{grown} bytes more after half a million tasks");
                // Two bytes for each task would be a megabyte.
                assert!(grown < 1 << 20, "{grown} bytes more");
            });
        }
    });
}

#[test]
fn a_million_tasks_two_hundred_thousand_at_once_all_run_and_their_memory_is_used_again() {
    const TASKS: usize = 200_000;
    alone(|| {
        for rt in [current_thread(), multi_thread(2)] {
            let all_at_once = || {
                let (ran, dropped) = (Counter::new(), Counter::new());
                rt.block_on(async {
                    for number in 0..TASKS {
                        let (ran, probe) = (ran.clone(), dropped.on_drop());
                        samovar::spawn(async move {
                            let _probe = probe;
                            if number % 2 == 0 {
                                yield_now().await;
                            }
                            ran.add();
                        });
                    }
                    while dropped.get() < TASKS {
                        yield_now().await;
                    }
                });
                assert_eq!(ran.get(), TASKS);
            };
            // Until the queue has had its largest block twice.
            all_at_once();
            all_at_once();
            let before = resident();
            for _ in 0..3 {
                all_at_once();
            }
            let grown = resident().saturating_sub(before);
            eprintln!("{grown} bytes more after {} tasks", 3 * TASKS);
            // Each of six hundred thousand tasks would be sixteen bytes at the least.
            assert!(grown < 6 << 20, "{grown} bytes more");
        }
    });
}
