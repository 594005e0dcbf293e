//! Tasks where it is hard: payloads that panic, chains that are long, futures that are big.

mod runtime_support;

use std::future::{Future, pending};
use std::panic::panic_any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread;

use futures::channel::oneshot;
use runtime_support::{
    Counter, current_thread, holding, multi_thread, on_drop, on_each, wait_until, watchdog,
};
use samovar::runtime::{Handle, Runtime};
use samovar::task::{self, JoinHandle, JoinSet, spawn_blocking, yield_now};

/// Long enough for any recursion to use up a stack of 2 MiB: some twenty bytes a link.
const LINKS: usize = 100_000;

/// Runs whatever is ready.
fn run_a_while(rt: &Runtime) {
    rt.block_on(async {
        for _ in 0..10 {
            yield_now().await;
        }
    });
}

// Wakers

/// Looks at every task of the runtime when it is woken and when it is dropped: for that it takes the locks which guard the
/// wakers of join handles.
struct Nosy(Handle, Counter);

impl Nosy {
    fn look(&self) {
        let _ = self.0.dump();
        self.1.add();
    }
}

impl Wake for Nosy {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        self.look();
    }
}

#[test]
fn a_joiner_s_waker_may_use_the_task_when_it_is_woken_replaced_or_dropped() {
    on_each(|rt| {
        let looks = Counter::new();
        let nosy = || Waker::from(Arc::new(Nosy(rt.handle().clone(), looks.clone())));
        let (open, gate) = oneshot::channel::<()>();
        let mut ends = rt.spawn(async { gate.await.unwrap() });
        let mut waits = rt.spawn(pending::<()>());
        // So that they have waited: then the table of tasks has them.
        run_a_while(rt);
        let poll = |task: &mut JoinHandle<()>| {
            Pin::new(task)
                .poll(&mut Context::from_waker(&nosy()))
                .is_pending()
        };
        assert!(poll(&mut ends) && poll(&mut waits));
        assert!(poll(&mut ends) && poll(&mut waits));
        assert_eq!(looks.get(), 2, "those that were replaced");
        drop(waits);
        assert_eq!(looks.get(), 3, "the one whose handle was dropped");
        open.send(()).unwrap();
        while looks.get() < 5 {
            run_a_while(rt);
        }
        rt.block_on(ends).unwrap();
        assert_eq!(looks.get(), 5, "the one that was woken, and then dropped");
    });
}

// Panics

/// A payload that panics when it is dropped, with a payload that does so too, and so on.
struct Nested {
    left: usize,
    drops: Counter,
}

impl Drop for Nested {
    fn drop(&mut self) {
        self.drops.add();
        if self.left > 0 && !thread::panicking() {
            panic_any(Nested {
                left: self.left - 1,
                drops: self.drops.clone(),
            });
        }
    }
}

#[test]
fn payloads_that_panic_with_payloads_that_panic_are_contained_wherever_they_come_from() {
    on_each(|rt| {
        let drops = Counter::new();
        let nested = || Nested {
            left: 5,
            drops: drops.clone(),
        };
        for round in 1..=10 {
            // In a poll, in the destructor of the future, in that of the output: nobody takes the payload.
            let bad = nested();
            drop(rt.spawn(async move { panic_any(bad) }));
            let bad = nested();
            drop(rt.spawn(async move {
                let _held = on_drop(move || panic_any(bad));
            }));
            let bad = nested();
            drop(rt.spawn(async move { on_drop(move || panic_any(bad)) }));
            let bad = nested();
            let task = rt.spawn(holding(on_drop(move || panic_any(bad)), pending()));
            task.abort();
            drop(task);
            let bad = nested();
            drop(rt.spawn_blocking(move || panic_any(bad)));
            while drops.get() < 5 * round {
                run_a_while(rt);
            }
        }
        let answers = (0..100).map(|number| rt.spawn(async move { number }));
        let answers = rt.block_on(futures::future::join_all(answers));
        assert!(answers.into_iter().map(Result::unwrap).eq(0..100));
    });
}

// Chains

/// Runs `test` on both kinds of runtime, each under a watchdog.
fn on_both(test: fn(&Runtime)) {
    for make in [current_thread, || multi_thread(2)] {
        watchdog(60, move || test(&make()));
    }
}

#[test]
fn a_hundred_thousand_tasks_that_await_each_other_end_one_after_the_other() {
    on_both(|rt| {
        let (open, gate) = oneshot::channel::<usize>();
        let mut last: JoinHandle<usize> = rt.spawn(async { gate.await.unwrap() });
        for _ in 0..LINKS {
            let next = last;
            last = rt.spawn(async move { next.await.unwrap() + 1 });
        }
        run_a_while(rt);
        open.send(0).unwrap();
        assert_eq!(rt.block_on(last).unwrap(), LINKS);
    });
}

/// A hundred thousand tasks, each of which holds a set with the next one.
async fn sets_in_sets(dropped: &Counter) -> JoinSet<()> {
    let mut set = JoinSet::new();
    for _ in 0..LINKS {
        let held = (dropped.on_drop(), std::mem::take(&mut set));
        set.spawn(holding(held, pending()));
    }
    set
}

#[test]
fn a_hundred_thousand_sets_inside_each_other_abort_one_after_the_other() {
    on_both(|rt| {
        let dropped = Counter::new();
        rt.block_on(async {
            let set = sets_in_sets(&dropped).await;
            yield_now().await;
            drop(set);
            while dropped.get() < LINKS {
                yield_now().await;
            }
        });
    });
    watchdog(60, || {
        // These are dropped with their runtime.
        let dropped = Counter::new();
        let rt = multi_thread(2);
        let kept = rt.block_on(sets_in_sets(&dropped));
        drop(rt);
        assert_eq!(dropped.get(), LINKS);
        drop(kept);
    });
}

/// Spawns, when it is dropped, a task that holds another of the kind, or a blocking job.
struct Matryoshka {
    left: usize,
    is_job: bool,
    dropped: Counter,
}

impl Drop for Matryoshka {
    fn drop(&mut self) {
        self.dropped.add();
        if self.left == 0 {
            return;
        }
        let smaller = Matryoshka {
            left: self.left - 1,
            is_job: self.is_job,
            dropped: self.dropped.clone(),
        };
        if self.is_job {
            drop(spawn_blocking(move || drop(smaller)));
        } else {
            drop(samovar::spawn(holding(smaller, task::pending())));
        }
    }
}

#[test]
fn a_hundred_thousand_destructors_that_spawn_need_no_deep_stack() {
    for make in [current_thread, || multi_thread(2)] {
        watchdog(60, move || {
            for is_job in [false, true] {
                let dropped = Counter::new();
                let largest = || Matryoshka {
                    left: LINKS - 1,
                    is_job,
                    dropped: dropped.clone(),
                };
                // While the runtime ends.
                let rt = make();
                drop(rt.spawn(holding(largest(), task::pending())));
                run_a_while(&rt);
                let handle = rt.handle().clone();
                drop(rt);
                wait_until(|| dropped.get() == LINKS);
                // And afterwards.
                drop(handle.spawn(holding(largest(), task::pending())));
                assert_eq!(dropped.get(), 2 * LINKS);
            }
        });
    }
}

// Sizes

/// A future of so many bytes.
async fn as_big_as<const BYTES: usize>() -> usize {
    let buffer = [1_u8; BYTES];
    yield_now().await;
    buffer.iter().map(|byte| usize::from(*byte)).sum()
}

#[test]
fn a_future_of_a_hundred_kilobytes_needs_no_big_stack() {
    const BYTES: usize = 100 * 1024;
    for make in [current_thread, || multi_thread(2)] {
        // What threads have by default. Without optimization each function that a future passes through copies it.
        let small = thread::Builder::new().stack_size(2 << 20);
        let test = small.spawn(move || {
            let rt = make();
            assert_eq!(rt.block_on(as_big_as::<BYTES>()), BYTES);
            assert_eq!(samovar::block_on(as_big_as::<BYTES>()), BYTES);
            let (in_task, in_set) = rt.block_on(async {
                let in_task = samovar::spawn(as_big_as::<BYTES>()).await.unwrap();
                let mut set = JoinSet::new();
                set.spawn(as_big_as::<BYTES>());
                (in_task, set.join_next().await.unwrap().unwrap())
            });
            assert_eq!((in_task, in_set), (BYTES, BYTES));
            let outside = rt.spawn(as_big_as::<BYTES>());
            assert_eq!(rt.block_on(outside).unwrap(), BYTES);
            // Dropped unpolled, and with the runtime.
            drop(rt.spawn(as_big_as::<BYTES>()));
        });
        test.unwrap().join().unwrap();
    }
}

#[test]
fn a_task_without_size_and_an_output_of_a_megabyte() {
    on_each(|rt| {
        rt.block_on(rt.spawn(std::future::ready(()))).unwrap();
        let boxed: Pin<Box<dyn Future<Output = Vec<u8>> + Send>> =
            Box::pin(async { vec![1; 1 << 20] });
        assert_eq!(rt.block_on(rt.spawn(boxed)).unwrap().len(), 1 << 20);
    });
}
