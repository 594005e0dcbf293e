//! The end of a runtime: everything is dropped, nothing hangs, nothing is left.

mod runtime_support;

use std::cell::RefCell;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, RwLock, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use runtime_support::{
    Counter, block_for, current_thread, holding, multi_thread, on_drop, runtime, wait_until,
    watchdog,
};
use samovar::runtime::{Builder, Handle, Runtime};
use samovar::task::{JoinHandle, spawn_blocking, yield_now};
use samovar::time::{Sleep, interval, sleep};

const MILLI: Duration = Duration::from_millis(1);

/// Whoever counts what the whole process has is alone in it; the other tests share.
static PROCESS: RwLock<()> = RwLock::new(());

/// Runs `test` beside others, with each of some numbers of workers.
#[track_caller]
fn with_workers(test: fn(Runtime)) {
    let _shared = PROCESS.read().unwrap_or_else(|error| error.into_inner());
    runtime_support::with_workers(test);
}

/// A timer for `rt` that does not fire.
fn far_timer(rt: &Runtime) -> Sleep {
    let _guard = rt.enter();
    sleep(Duration::from_secs(3600))
}

/// Runs whatever is ready.
fn run_a_while(rt: &Runtime) {
    rt.block_on(async {
        for _ in 0..10 {
            yield_now().await;
        }
    });
}

fn count(directory: &str) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

// What tasks hold and do when they are dropped

#[test]
fn destructors_may_lock_and_wake_each_other() {
    with_workers(|rt| {
        let lock = Arc::new(Mutex::new(()));
        let dropped = Counter::new();
        for _ in 0..20 {
            let (wake_a, woken_a) = oneshot::channel::<()>();
            let (wake_b, woken_b) = oneshot::channel::<()>();
            for (wake, woken) in [(wake_a, woken_b), (wake_b, woken_a)] {
                let (lock, dropped) = (lock.clone(), dropped.clone());
                let probe = on_drop(move || {
                    let _locked = lock.lock().unwrap();
                    // Wakes the other task, which may be dropped already, or not yet.
                    let _ = wake.send(());
                    dropped.add();
                });
                rt.spawn(holding(probe, async {
                    let _ = woken.await;
                    pending::<()>().await;
                }));
            }
        }
        run_a_while(&rt);
        drop(rt);
        assert_eq!(dropped.get(), 40);
    });
}

#[test]
fn tasks_may_hold_timers_and_each_other_s_handles() {
    with_workers(|rt| {
        let dropped = Counter::new();
        let mut handles = Vec::<JoinHandle<()>>::new();
        for number in 0..100_u32 {
            let (probe, waits) = (dropped.on_drop(), handles.pop());
            handles.push(rt.spawn(holding(probe, async move {
                let mut ticks = interval(Duration::from_secs(3600));
                ticks.tick().await;
                sleep(number * MILLI / 10).await;
                let _also = sleep(Duration::MAX);
                let blocking = spawn_blocking(|| 1);
                assert_eq!(blocking.await.unwrap(), 1);
                if let Some(waits) = waits {
                    let _ = waits.await;
                }
                ticks.tick().await;
            })));
        }
        run_a_while(&rt);
        drop(rt);
        assert_eq!(dropped.get(), 100);
        assert!(
            samovar::block_on(handles.remove(0))
                .unwrap_err()
                .is_cancelled()
        );
    });
}

#[test]
fn destructors_find_the_runtime_of_their_task() {
    with_workers(|rt| {
        let (tell, told) = mpsc::channel();
        let probe = |tell: mpsc::Sender<bool>| {
            on_drop(move || tell.send(Handle::try_current().is_ok()).unwrap())
        };
        // One that waits, one that is in a queue of a worker, one that nobody has looked at yet.
        rt.spawn(holding(probe(tell.clone()), pending()));
        run_a_while(&rt);
        let again = tell.clone();
        rt.block_on(async move { drop(samovar::spawn(holding(probe(again), pending()))) });
        drop(rt.spawn(holding(probe(tell), pending())));
        drop(rt);
        assert_eq!(told.iter().collect::<Vec<_>>(), [true; 3]);
    });
}

#[test]
fn timers_that_fire_during_the_shutdown_do_no_harm() {
    with_workers(|rt| {
        for round in 0..100_u32 {
            for _ in 0..10 {
                rt.spawn(async move {
                    loop {
                        sleep(round * MILLI / 50).await;
                    }
                });
            }
        }
        rt.block_on(async { sleep(MILLI).await });
    });
}

#[test]
fn destructors_that_panic_keep_nobody_from_being_dropped() {
    with_workers(|rt| {
        let dropped = Counter::new();
        let handles: Vec<_> = (0..20)
            .map(|number| {
                let dropped = dropped.clone();
                let probe = on_drop(move || {
                    dropped.add();
                    assert!(number % 2 == 0, "this destructor panics");
                });
                rt.spawn(holding(probe, pending()))
            })
            .collect();
        run_a_while(&rt);
        drop(rt);
        assert_eq!(dropped.get(), 20);
        for (number, handle) in handles.into_iter().enumerate() {
            let error = samovar::block_on(handle).unwrap_err();
            assert_eq!(error.is_cancelled(), number % 2 == 0);
        }
    });
}

#[test]
fn a_chain_of_a_hundred_thousand_tasks_ends_without_a_deep_stack() {
    const LINKS: usize = 100_000;
    /// Each task holds the next one's handle and the sender that the next one waits for.
    fn chain(rt: &Runtime, dropped: &Counter) -> JoinHandle<()> {
        let mut next = None::<(JoinHandle<()>, oneshot::Sender<()>)>;
        for _ in 0..LINKS {
            let (give, take) = oneshot::channel::<()>();
            let (probe, behind) = (dropped.on_drop(), next.take());
            let task = rt.spawn(holding((probe, behind), async {
                let _ = take.await;
            }));
            next = Some((task, give));
        }
        let (head, give) = next.unwrap();
        // The sender of the head must live, else it ends at once.
        std::mem::forget(give);
        head
    }
    let _shared = PROCESS.read().unwrap_or_else(|error| error.into_inner());
    watchdog(60, || {
        let dropped = Counter::new();
        // The runtime goes.
        let other = multi_thread(2);
        let head = chain(&other, &dropped);
        drop(other);
        assert_eq!(dropped.get(), LINKS);
        drop(head);
        // The head is aborted, and each task ends the next.
        let rt = current_thread();
        let head = chain(&rt, &dropped);
        run_a_while(&rt);
        head.abort();
        while dropped.get() < 2 * LINKS {
            run_a_while(&rt);
        }
        // Outputs that hold the handle of the next task's output.
        let (open, gate) = oneshot::channel::<()>();
        let gate = futures::FutureExt::shared(gate);
        let ended = Counter::new();
        let mut behind = None::<Box<dyn std::any::Any + Send>>;
        for _ in 0..LINKS {
            let (held, gate, ended) = (behind.take(), gate.clone(), ended.clone());
            behind = Some(Box::new(rt.spawn(async move {
                let _ = gate.await;
                ended.add();
                held
            })));
        }
        open.send(()).unwrap();
        while ended.get() < LINKS {
            run_a_while(&rt);
        }
        run_a_while(&rt);
        drop(behind);
    });
}

// Spawning at the end

#[test]
fn what_is_spawned_after_the_end_is_dropped_at_once() {
    with_workers(|rt| {
        let handle = rt.handle().clone();
        drop(rt);
        let dropped = Counter::new();
        let task = handle.spawn(holding(dropped.on_drop(), pending()));
        assert_eq!(dropped.get(), 1);
        assert!(task.is_finished());
        assert!(samovar::block_on(task).unwrap_err().is_cancelled());
        let probe = dropped.on_drop();
        let job = handle.spawn_blocking(move || drop(probe));
        assert!(samovar::block_on(job).unwrap_err().is_cancelled());
        assert_eq!(dropped.get(), 2);
        let guard = handle.enter();
        assert!(
            samovar::block_on(samovar::spawn(async {}))
                .unwrap_err()
                .is_cancelled()
        );
        drop(guard);
        // A future that needs no runtime still runs.
        assert_eq!(handle.block_on(async { 1 }), 1);
    });
}

/// Spawns, when it is dropped, a task that holds another of the kind.
struct Matryoshka(usize, Counter);

impl Drop for Matryoshka {
    fn drop(&mut self) {
        self.1.add();
        if self.0 > 0 {
            let smaller = Matryoshka(self.0 - 1, self.1.clone());
            drop(samovar::spawn(holding(smaller, pending())));
        }
    }
}

#[test]
fn destructors_that_spawn_at_the_end_come_to_an_end() {
    with_workers(|rt| {
        let dropped = Counter::new();
        for _ in 0..10 {
            rt.spawn(holding(Matryoshka(20, dropped.clone()), pending()));
        }
        run_a_while(&rt);
        drop(rt);
        assert_eq!(dropped.get(), 210);
    });
}

#[test]
fn tasks_spawned_while_the_runtime_ends_run_or_are_cancelled() {
    let _shared = PROCESS.read().unwrap_or_else(|error| error.into_inner());
    watchdog(60, || {
        for round in 0..60 {
            let rt = runtime(round % 3);
            let dropped = Counter::new();
            let stop = Arc::new(AtomicBool::new(false));
            let spawners: Vec<_> = (0..2)
                .map(|_| {
                    let (handle, dropped) = (rt.handle().clone(), dropped.clone());
                    let stop = stop.clone();
                    thread::spawn(move || {
                        let mut tasks = Vec::new();
                        while !stop.load(SeqCst) && tasks.len() < 5_000 {
                            let probe = dropped.on_drop();
                            tasks.push(handle.spawn(holding(probe, yield_now())));
                            let probe = dropped.on_drop();
                            tasks.push(handle.spawn(holding(probe, pending())));
                        }
                        tasks
                    })
                })
                .collect();
            rt.block_on(async { sleep(MILLI / 5).await });
            drop(rt);
            stop.store(true, SeqCst);
            let mut spawned = 0;
            for spawner in spawners {
                for task in spawner.join().unwrap() {
                    let _either = samovar::block_on(task);
                    spawned += 1;
                }
            }
            assert_eq!(dropped.get(), spawned);
        }
    });
}

// Where and when a runtime may be dropped

#[test]
fn a_runtime_dropped_inside_async_code_panics_and_ends_all_the_same() {
    with_workers(|outer| {
        let dropped = Counter::new();
        let inner = |workers: usize| {
            let inner = runtime(workers);
            inner.spawn(holding(dropped.on_drop(), pending()));
            inner
        };
        for workers in [0, 2] {
            let in_main = inner(workers);
            let panic = outer
                .block_on(async { catch_unwind(AssertUnwindSafe(|| drop(in_main))).unwrap_err() });
            let message = panic.downcast_ref::<String>().cloned();
            let message =
                message.unwrap_or_else(|| (*panic.downcast_ref::<&str>().unwrap()).to_owned());
            assert!(message.contains("runtime was dropped inside"), "{message}");
            assert!(message.contains("spawn_blocking"), "{message}");
            let in_task = inner(workers);
            let error = outer
                .block_on(outer.spawn(async move { drop(in_task) }))
                .unwrap_err();
            assert!(error.to_string().contains("runtime was dropped inside"));
            // These may.
            let in_task = inner(workers);
            outer
                .block_on(outer.spawn(async move { in_task.shutdown_background() }))
                .unwrap();
            let elsewhere = inner(workers);
            outer
                .block_on(outer.spawn_blocking(move || drop(elsewhere)))
                .unwrap();
        }
        // The outer one is as it was.
        let sum = outer.block_on(async {
            sleep(MILLI).await;
            samovar::spawn(async { 1 }).await.unwrap()
        });
        assert_eq!(sum, 1);
        wait_until(|| dropped.get() == 8);
    });
}

#[test]
fn a_runtime_may_be_dropped_in_its_own_blocking_job() {
    with_workers(|rt| {
        let rt = Arc::new(rt);
        let (tell, told) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        let last = rt.clone();
        let job = rt.spawn_blocking(move || {
            gate.recv().unwrap();
            drop(last);
            tell.send(()).unwrap();
        });
        drop(rt);
        open.send(()).unwrap();
        told.recv().unwrap();
        let _ = samovar::block_on(job);
    });
}

#[test]
fn a_runtime_whose_main_future_panicked_ends_cleanly() {
    with_workers(|rt| {
        let dropped = Counter::new();
        rt.spawn(holding(dropped.on_drop(), pending()));
        let (wake, woken) = oneshot::channel::<()>();
        rt.spawn(async {
            let _ = woken.await;
        });
        let result = catch_unwind(AssertUnwindSafe(move || {
            rt.block_on(async {
                let _wakes = on_drop(move || wake.send(()).unwrap());
                yield_now().await;
                panic!("the main future");
            });
        }));
        assert!(result.is_err());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn a_runtime_in_a_thread_local_ends_with_its_thread() {
    thread_local! {
        static MINE: RefCell<Vec<Runtime>> = const { RefCell::new(Vec::new()) };
    }
    let _shared = PROCESS.read().unwrap_or_else(|error| error.into_inner());
    for workers in [0, 1, 2] {
        for first_touched in ["the runtime", "the thread-local"] {
            let dropped = Counter::new();
            let probe = dropped.on_drop();
            let thread = thread::spawn(move || {
                if first_touched == "the thread-local" {
                    MINE.with(|_| ());
                }
                let rt = runtime(workers);
                rt.spawn(holding(probe, sleep_forever()));
                run_a_while(&rt);
                MINE.with(|mine| {
                    mine.borrow_mut().push(rt);
                    mine.borrow_mut().push(multi_thread(2));
                });
            });
            watchdog(60, || thread.join().unwrap());
            // `join` returns when the thread-locals are gone.
            assert_eq!(dropped.get(), 1);
        }
    }
}

async fn sleep_forever() {
    sleep(Duration::MAX).await;
}

#[test]
fn what_a_thread_local_holds_of_a_dead_runtime_does_no_harm() {
    thread_local! {
        static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
    }
    /// Everything through which a thread can reach a task.
    type Late = (Waker, JoinHandle<()>, oneshot::Sender<()>);
    with_workers(|rt| {
        thread::spawn(move || {
            LATE.with(|_| ());
            let (give, take) = oneshot::channel::<()>();
            let waker = Arc::new(Mutex::new(None));
            let keep = waker.clone();
            let task = rt.spawn(async move {
                std::future::poll_fn(|cx: &mut Context<'_>| {
                    *keep.lock().unwrap() = Some(cx.waker().clone());
                    std::task::Poll::Ready(())
                })
                .await;
                let _ = take.await;
            });
            while waker.lock().unwrap().is_none() {
                run_a_while(&rt);
            }
            let waker = waker.lock().unwrap().take().unwrap();
            waker.wake_by_ref();
            LATE.with(|late| *late.borrow_mut() = Some((waker, task, give)));
            drop(rt);
        })
        .join()
        .unwrap();
    });
}

// Waiting for it

#[test]
fn a_shutdown_with_a_timeout_does_not_wait_for_a_blocking_job() {
    with_workers(|rt| {
        let (open, gate) = mpsc::channel::<()>();
        let (started, start) = mpsc::channel();
        let job = rt.spawn_blocking(move || {
            started.send(()).unwrap();
            gate.recv().unwrap();
            "ran to its end"
        });
        let dropped = Counter::new();
        rt.spawn(holding(dropped.on_drop(), pending()));
        run_a_while(&rt);
        start.recv().unwrap();
        // Would wait for ever otherwise.
        rt.shutdown_timeout(Duration::ZERO);
        wait_until(|| dropped.get() == 1);
        open.send(()).unwrap();
        assert_eq!(samovar::block_on(job).unwrap(), "ran to its end");
    });
    with_workers(|rt| {
        let (started, start) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        rt.spawn_blocking(move || {
            started.send(()).unwrap();
            let _ = gate.recv();
        });
        start.recv().unwrap();
        let before = Instant::now();
        rt.shutdown_timeout(20 * MILLI);
        assert!(before.elapsed() >= 20 * MILLI);
        drop(open);
    });
}

#[test]
fn a_shutdown_with_the_longest_timeout_waits() {
    with_workers(|rt| {
        let ended = Counter::new();
        let job = ended.clone();
        let (started, start) = mpsc::channel();
        rt.spawn_blocking(move || {
            started.send(()).unwrap();
            block_for(5 * MILLI);
            job.add();
        });
        start.recv().unwrap();
        rt.shutdown_timeout(Duration::MAX);
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn a_drop_waits_for_the_running_poll_and_polls_nothing_more() {
    let _shared = PROCESS.read().unwrap_or_else(|error| error.into_inner());
    watchdog(60, || {
        let rt = multi_thread(2);
        let (started, start) = mpsc::channel();
        let polls = Counter::new();
        let polled = polls.clone();
        let dropped = Counter::new();
        rt.spawn(holding(dropped.on_drop(), async move {
            started.send(()).unwrap();
            loop {
                polled.add();
                block_for(10 * MILLI);
                yield_now().await;
            }
        }));
        start.recv().unwrap();
        drop(rt);
        assert_eq!(dropped.get(), 1);
        let after = polls.get();
        thread::sleep(20 * MILLI);
        assert_eq!(polls.get(), after);
    });
}

#[test]
fn a_main_future_on_another_thread_survives_the_end_of_the_runtime() {
    with_workers(|rt| {
        let handle = rt.handle().clone();
        let (open, gate) = oneshot::channel::<()>();
        let (started, start) = mpsc::channel();
        let inside = thread::spawn(move || {
            handle.block_on(async {
                started.send(()).unwrap();
                gate.await.unwrap();
                samovar::spawn(async {}).await.unwrap_err().is_cancelled()
            })
        });
        start.recv().unwrap();
        drop(rt);
        open.send(()).unwrap();
        assert!(inside.join().unwrap());
    });
}

#[test]
fn a_timer_that_outlives_its_runtime_says_so() {
    with_workers(|rt| {
        let mut timer = Box::pin(far_timer(&rt));
        rt.block_on(async {
            assert!(futures::poll!(&mut timer).is_pending());
        });
        drop(rt);
        let other = current_thread();
        let result = catch_unwind(AssertUnwindSafe(|| {
            // Woken by the end of its runtime, if by nothing else: whoever holds it must not hang.
            let mut cx = Context::from_waker(Waker::noop());
            let _guard = other.enter();
            let _ = std::future::Future::poll(timer.as_mut(), &mut cx);
        }));
        // On another runtime it is set again; what it must not do is wait on the dead one.
        drop((result, timer));
        let guard_outlived = catch_unwind(AssertUnwindSafe(|| {
            let dead = {
                let rt = current_thread();
                rt.handle().clone()
            };
            dead.block_on(async { sleep(MILLI).await });
        }));
        let message = guard_outlived.unwrap_err();
        let message = message.downcast_ref::<&str>().unwrap();
        assert!(message.contains("has been shut down"), "{message}");
    });
}

// Nothing is left

/// The threads of runtimes in this process, by their names: the test harness starts threads of its own at any time.
fn runtime_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.flatten().filter_map(|task| {
        // A thread may end meanwhile.
        std::fs::read_to_string(task.path().join("comm")).ok()
    });
    names.filter(|name| name.starts_with("samovar")).count()
}

#[test]
fn a_thousand_runtimes_leave_no_thread_and_no_descriptor() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let _alone = PROCESS.write().unwrap_or_else(|error| error.into_inner());
    watchdog(100, || {
        let one = |number: usize| {
            let rt = runtime(number % 3);
            if number % 2 == 0 {
                rt.block_on(async {
                    let task = samovar::spawn(async {
                        sleep(MILLI / 50).await;
                        1
                    });
                    samovar::spawn(pending::<()>());
                    assert_eq!(task.await.unwrap(), 1);
                });
            }
            if number % 5 == 0 {
                drop(rt.spawn_blocking(|| ()));
            }
        };
        (0..10).for_each(one);
        let counts = || (count("/proc/self/fd"), runtime_threads());
        let before = counts();
        (0..1000).for_each(one);
        // The kernel takes a thread out of the list a moment after it was joined; so there may also be fewer than before.
        let more = || counts().0 > before.0 || counts().1 > before.1;
        let start = Instant::now();
        while more() && start.elapsed() < Duration::from_secs(10) {
            thread::sleep(MILLI);
        }
        assert!(!more(), "{before:?} before, {:?} after", counts());
    });
}

#[test]
fn runtimes_dropped_with_a_thousand_tasks_in_flight() {
    let _shared = PROCESS.read().unwrap_or_else(|error| error.into_inner());
    watchdog(60, || {
        for round in 0..30 {
            let rt = runtime(round % 3);
            let dropped = Counter::new();
            rt.block_on(async {
                for number in 0..1000_u32 {
                    let probe = dropped.on_drop();
                    samovar::spawn(holding(probe, async move {
                        loop {
                            match number % 3 {
                                0 => yield_now().await,
                                1 => sleep((number % 10) * MILLI / 10).await,
                                _ => pending().await,
                            }
                        }
                    }));
                }
                yield_now().await;
            });
            drop(rt);
            assert_eq!(dropped.get(), 1000);
        }
    });
}

#[test]
fn a_runtime_that_cannot_start_its_threads_leaves_nothing() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let _alone = PROCESS.write().unwrap_or_else(|error| error.into_inner());
    watchdog(60, || {
        let before = (count("/proc/self/fd"), runtime_threads());
        for _ in 0..10 {
            let built = Builder::new_multi_thread()
                .worker_threads(3)
                // More than there is address space.
                .thread_stack_size(1 << 60)
                .build();
            assert!(built.is_err());
        }
        let after = (count("/proc/self/fd"), runtime_threads());
        assert!(
            after.0 <= before.0 && after.1 <= before.1,
            "{before:?} before, {after:?} after"
        );
    });
}

#[test]
fn a_pinned_timer_dropped_after_its_runtime_is_no_harm() {
    with_workers(|rt| {
        let mut timer = pin!(far_timer(&rt));
        rt.block_on(async { assert!(futures::poll!(timer.as_mut()).is_pending()) });
        drop(rt);
    });
}
