//! The blocking pool where the system gives no more threads, and where its settings are extreme. `docs/reliability.md` says
//! which case each test stands for.

mod support;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use samovar::runtime::Builder;
use support::{in_limited_child, watchdog};

#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn jobs_wait_for_the_thread_that_is_there_when_no_other_can_be_started() {
    // A stack of 2 GiB fits once into 3.5.
    let limit = "ulimit -v 3670016";
    in_limited_child(
        "jobs_wait_for_the_thread_that_is_there_when_no_other_can_be_started",
        limit,
        || {
            let runtime = Builder::new_current_thread()
                .thread_stack_size(2 << 30)
                .build()
                .unwrap();
            let (started, start) = mpsc::channel();
            let (open, gate) = mpsc::channel::<()>();
            let first = runtime.spawn_blocking(move || {
                started.send(()).unwrap();
                gate.recv().unwrap();
                thread::current().id()
            });
            start.recv().unwrap();
            let others: Vec<_> = (0..10)
                .map(|_| runtime.spawn_blocking(|| thread::current().id()))
                .collect();
            let metrics = runtime.metrics();
            assert_eq!(
                (
                    metrics.num_blocking_threads(),
                    metrics.blocking_queue_depth()
                ),
                (1, 10)
            );
            open.send(()).unwrap();
            let thread = runtime.block_on(first).unwrap();
            for other in others {
                assert_eq!(runtime.block_on(other).unwrap(), thread);
            }
        },
    );
}

#[test]
fn a_thread_that_is_kept_for_ever_ends_with_its_runtime() {
    watchdog(60, || {
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(1)
            .thread_keep_alive(Duration::MAX)
            .build()
            .unwrap();
        for number in 0..3 {
            let job = runtime.spawn_blocking(move || number);
            assert_eq!(runtime.block_on(job).unwrap(), number);
        }
        assert_eq!(runtime.metrics().num_blocking_threads(), 1);
    });
}
