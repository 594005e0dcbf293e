//! The blocking pool.

mod runtime_support;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use runtime_support::{Counter, current_thread, on_each, wait_until, watchdog};
use samovar::runtime::{Builder, Handle, Runtime};
use samovar::task::spawn_blocking;
use samovar::time::sleep;

const MILLI: Duration = Duration::from_millis(1);

/// A current-thread runtime, which has no threads but those of its pool.
fn with_pool(name: &str, threads: usize, keep_alive: Duration) -> Runtime {
    Builder::new_current_thread()
        .max_blocking_threads(threads)
        .thread_keep_alive(keep_alive)
        .thread_name(name)
        .build()
        .unwrap()
}

/// How many threads of this process have such a name.
fn threads_named(name: &str) -> usize {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        // A thread may end while it is looked at.
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|found| found.starts_with(name))
        .count()
}

#[test]
fn closures_run_on_threads_of_their_own_and_return() {
    on_each(|rt| {
        let here = thread::current().id();
        let sum = rt.block_on(async {
            let job = spawn_blocking(move || {
                assert_ne!(thread::current().id(), here);
                42
            });
            job.await.unwrap()
        });
        assert_eq!(sum, 42);
        let error = rt
            .block_on(rt.spawn_blocking(|| panic!("the closure")))
            .unwrap_err();
        assert!(error.is_panic());
        assert_eq!(
            rt.block_on(rt.handle().spawn_blocking(|| "again")).unwrap(),
            "again"
        );
    });
}

#[test]
fn closures_that_wait_for_each_other_all_get_a_thread() {
    on_each(|rt| {
        const JOBS: usize = 50;
        let barrier = Arc::new(Barrier::new(JOBS));
        let jobs: Vec<_> = (0..JOBS)
            .map(|_| {
                let barrier = barrier.clone();
                rt.spawn_blocking(move || {
                    barrier.wait();
                })
            })
            .collect();
        for job in jobs {
            rt.block_on(job).unwrap();
        }
    });
}

#[test]
fn there_are_never_more_threads_than_allowed() {
    watchdog(60, || {
        let rt = with_pool("at-most-three", 3, Duration::from_secs(10));
        let (running, most) = (Counter::new(), Arc::new(std::sync::Mutex::new(0)));
        let left = Counter::new();
        let jobs: Vec<_> = (0..30)
            .map(|_| {
                let (running, left, most) = (running.clone(), left.clone(), most.clone());
                rt.spawn_blocking(move || {
                    running.add();
                    {
                        let mut most = most.lock().unwrap();
                        *most = (*most).max(running.get() - left.get());
                    }
                    thread::sleep(MILLI);
                    left.add();
                })
            })
            .collect();
        for job in jobs {
            rt.block_on(job).unwrap();
        }
        assert!((1..=3).contains(&*most.lock().unwrap()));
    });
}

#[test]
fn a_job_that_comes_while_the_last_thread_leaves_is_not_stranded() {
    watchdog(60, || {
        for keep_alive in [Duration::ZERO, Duration::from_micros(20)] {
            let rt = with_pool("leaves-at-once", 1, keep_alive);
            for number in 0..1_000_u32 {
                let (tell, told) = mpsc::channel();
                drop(rt.spawn_blocking(move || tell.send(number).unwrap()));
                assert_eq!(told.recv().unwrap(), number);
                // Over the rounds the next job comes at every moment of the thread's end.
                thread::sleep(Duration::from_nanos(u64::from(number % 100) * 1_000));
            }
        }
    });
}

#[test]
fn threads_without_a_job_leave_and_new_ones_come() {
    if !cfg!(target_os = "linux") {
        return;
    }
    watchdog(60, || {
        let rt = with_pool("short-lived", 8, MILLI);
        for _ in 0..3 {
            let barrier = Arc::new(Barrier::new(5));
            for _ in 0..4 {
                let barrier = barrier.clone();
                drop(rt.spawn_blocking(move || {
                    barrier.wait();
                }));
            }
            wait_until(|| threads_named("short-lived") >= 4);
            barrier.wait();
            wait_until(|| threads_named("short-lived") == 0);
        }
    });
}

#[test]
fn every_handle_resolves_when_the_runtime_ends_meanwhile() {
    watchdog(60, || {
        for round in 0..100_u32 {
            let rt = with_pool("racing", 2, Duration::from_secs(10));
            let handle = rt.handle().clone();
            let (ran, dropped) = (Counter::new(), Counter::new());
            let spawner = {
                let (ran, dropped) = (ran.clone(), dropped.clone());
                thread::spawn(move || {
                    (0..200)
                        .map(|_| {
                            let (ran, probe) = (ran.clone(), dropped.on_drop());
                            handle.spawn_blocking(move || {
                                let _probe = probe;
                                ran.add();
                            })
                        })
                        .collect::<Vec<_>>()
                })
            };
            thread::sleep(round * MILLI / 100);
            drop(rt);
            let results: Vec<_> = spawner
                .join()
                .unwrap()
                .into_iter()
                .map(samovar::block_on)
                .collect();
            let ended = results.iter().filter(|result| result.is_ok()).count();
            assert!(
                results
                    .iter()
                    .flat_map(|result| result.as_ref().err())
                    .all(|error| error.is_cancelled())
            );
            assert_eq!(ran.get(), ended);
            assert_eq!(dropped.get(), 200);
        }
    });
}

#[test]
fn a_drop_of_the_runtime_waits_for_jobs_that_have_started() {
    on_each(|rt| {
        let (started, start) = mpsc::channel();
        let done = Arc::new(AtomicBool::new(false));
        let job = done.clone();
        let other = current_thread();
        drop(other.spawn_blocking(move || {
            started.send(()).unwrap();
            thread::sleep(5 * MILLI);
            job.store(true, SeqCst);
        }));
        start.recv().unwrap();
        rt.block_on(rt.spawn_blocking(move || drop(other))).unwrap();
        assert!(done.load(SeqCst));
    });
}

#[test]
fn a_closure_may_use_its_runtime() {
    on_each(|rt| {
        let job = rt.spawn_blocking(|| {
            let handle = Handle::current();
            let task = samovar::spawn(async {
                sleep(MILLI).await;
                1
            });
            let sum = handle.block_on(async {
                sleep(MILLI).await;
                task.await.unwrap() + samovar::spawn(async { 2 }).await.unwrap()
            });
            let nested = spawn_blocking(|| 4);
            sum + handle.block_on(nested).unwrap() + samovar::block_on(async { 8 })
        });
        assert_eq!(rt.block_on(job).unwrap(), 15);
    });
}

#[test]
fn a_closure_on_a_multi_thread_runtime_may_block_on_without_any_main_future() {
    watchdog(60, || {
        let rt = runtime_support::multi_thread(3);
        for _ in 0..30 {
            let (tell, told) = mpsc::channel();
            // From a task: the closure's handle is that of whichever worker runs it.
            rt.spawn(async move {
                drop(spawn_blocking(move || {
                    let sum = Handle::current().block_on(async {
                        let task = samovar::spawn(async {
                            sleep(MILLI / 10).await;
                            1
                        });
                        sleep(MILLI / 10).await;
                        task.await.unwrap() + 1
                    });
                    tell.send(sum).unwrap();
                }));
            });
            assert_eq!(told.recv().unwrap(), 2);
        }
    });
}

#[test]
fn a_job_can_be_aborted_until_it_starts() {
    watchdog(60, || {
        let rt = with_pool("busy", 1, Duration::from_secs(10));
        let (started, start) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        let running = rt.spawn_blocking(move || {
            started.send(()).unwrap();
            gate.recv().unwrap();
            "not stopped"
        });
        start.recv().unwrap();
        let ran = Counter::new();
        let waiting = {
            let ran = ran.clone();
            rt.spawn_blocking(move || ran.add())
        };
        waiting.abort();
        running.abort();
        open.send(()).unwrap();
        assert!(rt.block_on(waiting).unwrap_err().is_cancelled());
        assert_eq!(rt.block_on(running).unwrap(), "not stopped");
        assert_eq!(ran.get(), 0);
    });
}

#[test]
fn without_a_thread_the_call_panics_and_nothing_hangs() {
    if !cfg!(target_os = "linux") {
        return;
    }
    watchdog(60, || {
        let rt = Builder::new_current_thread()
            // More than there is address space: no thread can start.
            .thread_stack_size(1 << 60)
            .build()
            .unwrap();
        let dropped = Counter::new();
        let probe = dropped.on_drop();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            rt.spawn_blocking(move || drop(probe))
        }));
        let message = *result.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("no thread can be started"), "{message}");
        assert_eq!(dropped.get(), 1);
        assert_eq!(rt.block_on(async { 1 }), 1);
    });
}

#[test]
fn a_thousand_short_jobs() {
    on_each(|rt| {
        let jobs: Vec<_> = (0..1000_usize)
            .map(|number| rt.spawn_blocking(move || number))
            .collect();
        let sum: usize = rt.block_on(async {
            let mut sum = 0;
            for job in jobs {
                sum += job.await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 999 * 500);
    });
}
