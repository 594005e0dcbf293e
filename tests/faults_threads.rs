//! Threads that the system does not give: the first, or one in the middle, or for a while.
//!
//! Each test is a process of its own, whose address space is limited while it runs: threads with large stacks are then the
//! first thing that there is no room for, and how many there are is known.
#![cfg(target_os = "linux")]

mod runtime_support;
#[allow(clippy::duplicate_mod, reason = "both have the watchdog")]
mod support;

use std::fs;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use runtime_support::{Counter, wait_until};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use samovar::runtime::Builder;
use samovar::time::sleep;
use support::in_child;

/// The stack of each thread. It is only reserved, not used.
const STACK: usize = 1 << 30;

/// Lets this process start so many more threads.
fn allow_threads(threads: usize) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kib = size.unwrap().split_whitespace().next().unwrap();
    // Half a stack is left for everything else.
    let more = (threads * STACK + STACK / 2) as u64;
    limit(Some(kib.parse::<u64>().unwrap() * 1024 + more));
}

/// Limits the address space, in bytes.
fn limit(current: Option<u64>) {
    let maximum = getrlimit(Resource::As).maximum;
    setrlimit(Resource::As, Rlimit { current, maximum }).unwrap();
}

/// Descriptors, and threads of runtimes.
fn things() -> (usize, usize) {
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = threads.filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
    let threads = names.filter(|name| name.starts_with("samovar")).count();
    (fs::read_dir("/proc/self/fd").unwrap().count(), threads)
}

#[test]
fn a_runtime_that_gets_only_some_of_its_threads_is_not_built_and_leaves_none() {
    in_child(
        "a_runtime_that_gets_only_some_of_its_threads_is_not_built_and_leaves_none",
        256,
        || {
            for workers in [2, 3] {
                let build = || {
                    Builder::new_multi_thread()
                        .worker_threads(workers)
                        .thread_stack_size(STACK)
                        .build()
                };
                // The calling thread is one of the workers; the watchdog's thread comes last.
                let needed = workers;
                let before = things();
                for allowed in 0..needed {
                    allow_threads(allowed);
                    let error = build().map(drop).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
                    let role = if allowed < workers - 1 {
                        "worker"
                    } else {
                        "watchdog"
                    };
                    let missing = format!("the thread `samovar-{role}` cannot be started");
                    assert!(error.to_string().contains(&missing), "{error}");
                    wait_until(|| things() == before);
                }
                allow_threads(needed);
                let rt = build().unwrap();
                let task = rt.spawn(async { sleep(Duration::from_millis(1)).await });
                rt.block_on(task).unwrap();
                limit(None);
            }
        },
    );
}

#[test]
fn blocking_jobs_without_a_thread_of_their_own_wait_for_one_that_is_there() {
    in_child(
        "blocking_jobs_without_a_thread_of_their_own_wait_for_one_that_is_there",
        256,
        || {
            let rt = Builder::new_current_thread()
                .thread_stack_size(STACK)
                .build()
                .unwrap();
            allow_threads(0);
            let none = catch_unwind(AssertUnwindSafe(|| rt.spawn_blocking(|| ())));
            let message = *none.unwrap_err().downcast::<String>().unwrap();
            assert!(message.contains("no thread can be started"), "{message}");

            allow_threads(1);
            let (start, started) = mpsc::channel();
            let (open, gate) = mpsc::channel::<()>();
            let first = rt.spawn_blocking(move || {
                start.send(thread::current().id()).unwrap();
                gate.recv().unwrap();
            });
            let only = started.recv().unwrap();
            // Each of these asks for a thread in vain.
            let jobs: Vec<_> = (0..20)
                .map(|number| rt.spawn_blocking(move || (number, thread::current().id())))
                .collect();
            open.send(()).unwrap();
            rt.block_on(first).unwrap();
            for (number, job) in jobs.into_iter().enumerate() {
                assert_eq!(rt.block_on(job).unwrap(), (number, only));
            }

            // There is room again: jobs that wait for each other get a thread each.
            limit(None);
            let meet = Arc::new(Barrier::new(3));
            let jobs: Vec<_> = (0..3)
                .map(|_| {
                    let meet = meet.clone();
                    rt.spawn_blocking(move || meet.wait().is_leader())
                })
                .collect();
            for job in jobs {
                rt.block_on(job).unwrap();
            }
        },
    );
}

#[test]
fn a_stand_in_that_cannot_start_is_started_when_there_is_something_to_do() {
    in_child(
        "a_stand_in_that_cannot_start_is_started_when_there_is_something_to_do",
        256,
        || {
            let (tell, told) = mpsc::channel();
            // The only worker is whoever is inside `block_on`, and the stand-in while nobody is.
            let rt = Builder::new_multi_thread()
                .worker_threads(1)
                .thread_stack_size(STACK)
                .on_warning(move |warning| tell.send(warning.to_string()).unwrap())
                .build()
                .unwrap();
            let done = Counter::new();
            let spawn = |count: usize| {
                for _ in 0..count {
                    let done = done.clone();
                    rt.spawn(async move {
                        sleep(Duration::from_millis(5)).await;
                        done.add();
                    });
                }
            };
            allow_threads(0);
            spawn(3);
            rt.block_on(async { samovar::task::yield_now().await });
            spawn(3);
            assert_eq!(done.get(), 0);
            let warnings: Vec<String> = told.try_iter().collect();
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains("the thread `samovar-stand-in` cannot be started"));
            // Whoever blocks is the worker: all of it goes on.
            rt.block_on(async { sleep(Duration::from_millis(20)).await });
            wait_until(|| {
                rt.block_on(samovar::task::yield_now());
                done.get() == 6
            });
            spawn(3);
            limit(None);
            // From now on without any `block_on`.
            spawn(1);
            wait_until(|| done.get() == 10);
        },
    );
}
