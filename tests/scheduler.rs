//! The scheduler: parking, `block_on`, fairness, blocked workers.

mod runtime_support;

use std::future::{pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::{mpsc as channel, oneshot};
use futures::future::{join_all, select};
use futures::stream::{FuturesUnordered, StreamExt};
use runtime_support::{
    Counter, current_thread, multi_thread, on_drop, on_each, wait_until, watchdog,
};
use samovar::io::{AsyncReadExt, AsyncWriteExt};
use samovar::net::{TcpListener, TcpStream};
use samovar::runtime::{Builder, Handle, Runtime};
use samovar::task::yield_now;
use samovar::time::sleep;

const MILLI: Duration = Duration::from_millis(1);

/// How long a test that blocks a worker waits for the others at most before it says that they are stuck.
const TOO_LONG: Duration = Duration::from_secs(20);

// Parking

#[test]
fn tokens_of_the_thread_are_not_those_of_block_on() {
    on_each(|rt| {
        let steals_and_litters = |left: usize| {
            let mut left = left;
            poll_fn(move |cx| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                let waker = cx.waker().clone();
                let polling = thread::current();
                thread::spawn(move || {
                    // Ends no wait, for it is nobody's waker.
                    polling.unpark();
                    waker.wake();
                    polling.unpark();
                });
                // Takes what lies there, as code that a future calls may do.
                thread::park_timeout(MILLI);
                Poll::Pending
            })
        };
        samovar::block_on(steals_and_litters(20));
        rt.block_on(steals_and_litters(20));
        // Littered, it waits nevertheless.
        thread::current().unpark();
        let (open, gate) = oneshot::channel();
        let opener = thread::spawn(move || {
            thread::sleep(MILLI);
            open.send(()).unwrap();
        });
        samovar::block_on(gate).unwrap();
        opener.join().unwrap();
    });
}

/// A future as the closure that polls it.
type Poller<'a> = dyn FnMut(&mut Context<'_>) -> Poll<()> + 'a;

/// Polls of a future that waits for another thread's wake, exactly one, inside `block_on`.
fn polls_of_one_wait(block_on: &dyn Fn(&mut Poller<'_>)) -> usize {
    let mut polls = 0;
    let woken = Arc::new(AtomicBool::new(false));
    block_on(&mut |cx| {
        polls += 1;
        if polls == 1 {
            let (waker, woken) = (cx.waker().clone(), woken.clone());
            thread::spawn(move || {
                thread::sleep(5 * MILLI);
                woken.store(true, SeqCst);
                waker.wake();
            });
        }
        match woken.load(SeqCst) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    });
    polls
}

#[test]
fn a_wake_left_by_one_block_on_does_not_reach_the_next() {
    on_each(|rt| {
        let wakes_itself_and_is_ready = || {
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                Poll::Ready(())
            })
        };
        samovar::block_on(wakes_itself_and_is_ready());
        assert_eq!(
            polls_of_one_wait(&|poll| samovar::block_on(poll_fn(|cx| poll(cx)))),
            2
        );
        rt.block_on(wakes_itself_and_is_ready());
        assert_eq!(
            polls_of_one_wait(&|poll| rt.block_on(poll_fn(|cx| poll(cx)))),
            2
        );
    });
}

#[test]
fn a_block_on_inside_another_has_a_wake_of_its_own() {
    watchdog(60, || {
        let outer_polls = Counter::new();
        samovar::block_on(poll_fn(|outer| {
            outer_polls.add();
            if outer_polls.get() == 2 {
                return Poll::Ready(());
            }
            // The outer wake does not end the inner wait, and the inner wait does not consume the outer wake.
            outer.waker().wake_by_ref();
            let inner = polls_of_one_wait(&|poll| samovar::block_on(poll_fn(|cx| poll(cx))));
            assert_eq!(inner, 2);
            Poll::Pending
        }));
        assert_eq!(outer_polls.get(), 2);
    });
}

#[test]
fn a_runtime_survives_the_panic_of_its_main_future() {
    on_each(|rt| {
        let ticks = Counter::new();
        let ticking = {
            let ticks = ticks.clone();
            rt.spawn(async move {
                loop {
                    ticks.add();
                    sleep(MILLI).await;
                }
            })
        };
        for _ in 0..20 {
            let result = catch_unwind(AssertUnwindSafe(|| {
                rt.block_on(async {
                    samovar::spawn(yield_now());
                    sleep(MILLI).await;
                    panic!("the main future");
                })
            }));
            assert!(result.is_err());
            let before = ticks.get();
            rt.block_on(async {
                while ticks.get() < before + 2 {
                    sleep(MILLI).await;
                }
            });
        }
        ticking.abort();
    });
}

// block_on

#[test]
fn block_on_runs_tasks_on_the_calling_thread() {
    watchdog(60, || {
        for rt in [current_thread(), multi_thread(1)] {
            let here = thread::current().id();
            let there = rt.block_on(async {
                samovar::spawn(async { thread::current().id() })
                    .await
                    .unwrap()
            });
            assert_eq!(there, here);
        }
    });
}

#[test]
fn a_current_thread_runtime_runs_tasks_inside_block_on_only() {
    watchdog(60, || {
        let rt = current_thread();
        let steps = Counter::new();
        {
            let steps = steps.clone();
            rt.spawn(async move {
                loop {
                    steps.add();
                    yield_now().await;
                }
            });
        }
        thread::sleep(20 * MILLI);
        assert_eq!(steps.get(), 0);
        rt.block_on(async {
            while steps.get() < 3 {
                yield_now().await;
            }
        });
        let after = steps.get();
        thread::sleep(20 * MILLI);
        assert_eq!(steps.get(), after);
        rt.block_on(async {
            while steps.get() == after {
                yield_now().await;
            }
        });
    });
}

#[test]
fn a_multi_thread_runtime_runs_tasks_also_outside_block_on() {
    watchdog(60, || {
        for workers in [1, 2] {
            let rt = multi_thread(workers);
            // Never was inside.
            let (tell, told) = mpsc::channel();
            let first = tell.clone();
            rt.spawn(async move {
                sleep(MILLI).await;
                first.send(()).unwrap();
            });
            told.recv().unwrap();
            // Left with tasks in the queue, and with tasks that wait for timers and for each other.
            rt.block_on(async {
                for _ in 0..50 {
                    let tell = tell.clone();
                    let (open, gate) = oneshot::channel();
                    samovar::spawn(async move {
                        sleep(MILLI).await;
                        yield_now().await;
                        open.send(()).unwrap();
                    });
                    samovar::spawn(async move {
                        gate.await.unwrap();
                        tell.send(()).unwrap();
                    });
                }
            });
            for _ in 0..50 {
                told.recv().unwrap();
            }
        }
    });
}

#[test]
fn a_handle_taken_on_any_worker_can_block_on() {
    watchdog(60, || {
        let rt = multi_thread(3);
        for _ in 0..30 {
            // Nobody is inside `block_on`: the task runs on a worker with a thread of its own.
            let (tell, told) = mpsc::channel();
            rt.spawn(async move { tell.send(Handle::current()).unwrap() });
            let handle = told.recv().unwrap();
            let (open, gate) = oneshot::channel();
            let opener = thread::spawn(move || {
                thread::sleep(MILLI);
                open.send(1).unwrap();
            });
            assert_eq!(handle.block_on(gate).unwrap(), 1);
            opener.join().unwrap();
            // Woken by another worker.
            let slow = handle.spawn(async {
                sleep(MILLI).await;
                2
            });
            assert_eq!(handle.block_on(slow).unwrap(), 2);
        }
    });
}

#[test]
fn a_hundred_threads_inside_block_on_at_once() {
    on_each(|rt| {
        let ticks = Counter::new();
        let ticking = {
            let ticks = ticks.clone();
            rt.spawn(async move {
                loop {
                    ticks.add();
                    sleep(MILLI).await;
                }
            })
        };
        let threads: Vec<_> = (0..100_u32)
            .map(|number| {
                let handle = rt.handle().clone();
                thread::spawn(move || {
                    for round in 0..5 {
                        let result = handle.block_on(async move {
                            if number % 3 == 0 {
                                sleep((number % 7) * MILLI).await;
                            }
                            yield_now().await;
                            let task = samovar::spawn(async move {
                                yield_now().await;
                                number + round
                            });
                            task.await.unwrap()
                        });
                        assert_eq!(result, number + round);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        // Nobody has left without telling the next.
        let before = ticks.get();
        if rt.handle().runtime_flavor() == samovar::runtime::RuntimeFlavor::MultiThread {
            wait_until(|| ticks.get() >= before + 3);
        }
        rt.block_on(async {
            while ticks.get() < before + 6 {
                sleep(MILLI).await;
            }
        });
        ticking.abort();
    });
}

#[test]
fn tasks_go_on_when_threads_come_and_go() {
    watchdog(60, || {
        for workers in [1, 2] {
            let rt = multi_thread(workers);
            for _ in 0..300 {
                let (give, mut take) = channel::unbounded::<usize>();
                let done = Arc::new(AtomicBool::new(false));
                let reading = done.clone();
                let threads: Vec<_> = (0..2)
                    .map(|_| {
                        let (handle, give) = (rt.handle().clone(), give.clone());
                        thread::spawn(move || {
                            handle.block_on(async move {
                                yield_now().await;
                                give.unbounded_send(1).unwrap();
                            });
                        })
                    })
                    .collect();
                drop(give);
                rt.spawn(async move {
                    let mut sum = 0;
                    while let Some(one) = take.next().await {
                        sum += one;
                        yield_now().await;
                    }
                    sleep(MILLI / 10).await;
                    assert_eq!(sum, 2);
                    reading.store(true, SeqCst);
                });
                for thread in threads {
                    thread.join().unwrap();
                }
                // Nobody is inside any more, and nobody comes to help.
                while !done.load(SeqCst) {
                    thread::yield_now();
                }
            }
        }
    });
}

#[test]
fn work_left_in_the_queue_is_not_stuck_when_its_driver_leaves() {
    on_each(|rt| {
        let ran = Counter::new();
        for _ in 0..20 {
            let before = ran.get();
            rt.block_on(async {
                for _ in 0..100 {
                    let ran = ran.clone();
                    samovar::spawn(async move {
                        yield_now().await;
                        ran.add();
                    });
                }
            });
            if rt.handle().runtime_flavor() == samovar::runtime::RuntimeFlavor::MultiThread {
                wait_until(|| ran.get() == before + 100);
            } else {
                rt.block_on(async {
                    while ran.get() < before + 100 {
                        yield_now().await;
                    }
                });
            }
        }
    });
}

#[test]
fn two_runtimes_work_together() {
    on_each(|a| {
        let b = multi_thread(2);
        let on_b = b.handle().clone();
        let there = on_b.clone();
        let sum = a.block_on(async move {
            let remote = there.spawn(async {
                sleep(MILLI).await;
                1
            });
            let both = samovar::spawn(async move {
                let inner = there.spawn(async { 2 });
                remote.await.unwrap() + inner.await.unwrap()
            });
            both.await.unwrap()
        });
        assert_eq!(sum, 3);
        // Each thread inside its own.
        let other = thread::spawn(move || on_b.block_on(async { sleep(MILLI).await }));
        a.block_on(async { sleep(MILLI).await });
        other.join().unwrap();
        // A guard says where to spawn, also on a thread that is a worker of the other.
        let name = a.block_on(async {
            let task = {
                let _guard = b.enter();
                samovar::spawn(async {
                    yield_now().await;
                    thread::current().name().map(str::to_owned)
                })
            };
            task.await.unwrap()
        });
        assert!(name.unwrap().starts_with("samovar"));
    });
}

// Fairness

#[test]
fn tasks_that_never_rest_do_not_starve_a_timer_nor_a_thread() {
    on_each(|rt| {
        let stop = Arc::new(AtomicBool::new(false));
        let restless: Vec<_> = (0..64)
            .map(|_| {
                let stop = stop.clone();
                rt.spawn(async move {
                    while !stop.load(SeqCst) {
                        yield_now().await;
                    }
                })
            })
            .collect();
        let handle = rt.handle().clone();
        rt.block_on(async {
            sleep(20 * MILLI).await;
            let sleeper = samovar::spawn(sleep(5 * MILLI));
            let (open, gate) = oneshot::channel();
            let outside = thread::spawn(move || {
                handle.spawn(async move { open.send(()).unwrap() });
            });
            gate.await.unwrap();
            sleeper.await.unwrap();
            outside.join().unwrap();
            stop.store(true, SeqCst);
            for task in restless {
                task.await.unwrap();
            }
        });
    });
}

#[test]
fn two_tasks_that_wake_each_other_do_not_starve_a_third() {
    on_each(|rt| {
        rt.block_on(async {
            let (ping, mut pinged) = channel::unbounded::<()>();
            let (pong, mut ponged) = channel::unbounded::<()>();
            let stop = Arc::new(AtomicBool::new(false));
            let stopped = stop.clone();
            let first = samovar::spawn(async move {
                while !stopped.load(SeqCst) {
                    ping.unbounded_send(()).unwrap();
                    ponged.next().await;
                }
            });
            let second = samovar::spawn(async move {
                while pinged.next().await.is_some() {
                    let _ = pong.unbounded_send(());
                }
            });
            let third = samovar::spawn(async {
                for _ in 0..5 {
                    yield_now().await;
                }
            });
            third.await.unwrap();
            stop.store(true, SeqCst);
            first.await.unwrap();
            second.await.unwrap();
        });
    });
}

#[test]
fn a_task_that_always_finds_its_handles_ready_gives_way() {
    watchdog(60, || {
        let rt = current_thread();
        rt.block_on(async {
            let finished: Vec<_> = (0..1000).map(|_| samovar::spawn(ready(()))).collect();
            while !finished.iter().all(|task| task.is_finished()) {
                yield_now().await;
            }
            let joined = Counter::new();
            let greedy = {
                let joined = joined.clone();
                samovar::spawn(async move {
                    for task in finished {
                        task.await.unwrap();
                        joined.add();
                    }
                })
            };
            let sibling = samovar::spawn(async move { joined.get() });
            let seen = sibling.await.unwrap();
            assert!((1..=200).contains(&seen), "{seen} of 1000 in one poll");
            greedy.await.unwrap();
        });
    });
}

#[test]
fn the_budget_is_each_task_s_own() {
    on_each(|rt| {
        // A thousand handles in one future, each of which spends; joined in one task, and in the main future.
        let many = || (0..1000).map(|n| samovar::spawn(async move { n }));
        rt.block_on(async {
            let sum: usize = join_all(many()).await.into_iter().map(Result::unwrap).sum();
            assert_eq!(sum, 999 * 500);
            let in_task = samovar::spawn(async move {
                let mut unordered: FuturesUnordered<_> = many().collect();
                let mut sum = 0;
                while let Some(number) = unordered.next().await {
                    sum += number.unwrap();
                }
                sum
            });
            assert_eq!(in_task.await.unwrap(), 999 * 500);
        });
        // A blocking job is nobody's poll: it may spend what it likes.
        let job = rt.spawn_blocking(move || {
            let handle = Handle::current();
            (0..300)
                .map(|n| handle.block_on(handle.spawn(async move { n })).unwrap())
                .sum::<usize>()
        });
        assert_eq!(rt.block_on(job).unwrap(), 299 * 150);
    });
}

#[test]
fn yielding_lets_timers_run() {
    on_each(|rt| {
        let done = Arc::new(AtomicBool::new(false));
        let timer = done.clone();
        rt.block_on(async {
            samovar::spawn(async move {
                sleep(2 * MILLI).await;
                timer.store(true, SeqCst);
            });
            let in_task = samovar::spawn(async move {
                while !done.load(SeqCst) {
                    yield_now().await;
                }
            });
            in_task.await.unwrap();
        });
    });
}

// Spawning from everywhere

#[test]
fn each_task_from_outside_wakes_a_sleeping_runtime() {
    watchdog(60, || {
        for workers in [1, 2] {
            let rt = multi_thread(workers);
            for number in 0..2_000 {
                let (tell, told) = mpsc::channel();
                rt.spawn(async move { tell.send(number).unwrap() });
                assert_eq!(told.recv().unwrap(), number);
            }
        }
        // Under load, from several threads.
        let rt = multi_thread(2);
        let ran = Counter::new();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (handle, ran) = (rt.handle().clone(), ran.clone());
                thread::spawn(move || {
                    for _ in 0..5_000 {
                        let ran = ran.clone();
                        handle.spawn(async move { ran.add() });
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        wait_until(|| ran.get() == 20_000);
    });
}

/// Spawns when it is woken.
struct SpawnsWhenWoken(Handle, mpsc::Sender<()>);

impl Wake for SpawnsWhenWoken {
    fn wake(self: Arc<Self>) {
        let tell = self.1.clone();
        self.0.spawn(async move { tell.send(()).unwrap() });
    }
}

#[test]
fn destructors_and_wakers_may_spawn() {
    on_each(|rt| {
        let (tell, told) = mpsc::channel();
        // A destructor, in a task.
        let tell_again = tell.clone();
        rt.block_on(rt.spawn(async move {
            let _spawns = on_drop(move || {
                samovar::spawn(async move { tell_again.send(()).unwrap() });
            });
            yield_now().await;
        }))
        .unwrap();
        // A waker, called by the timers just before the worker would sleep.
        let waker = Waker::from(Arc::new(SpawnsWhenWoken(rt.handle().clone(), tell)));
        rt.block_on(async {
            let mut timer = pin!(sleep(MILLI));
            let mut cx = Context::from_waker(&waker);
            assert!(timer.as_mut().poll(&mut cx).is_pending());
            // Nothing else wakes this before the spawned task has run.
            let (open, gate) = oneshot::channel::<()>();
            let waiter = thread::spawn(move || {
                told.recv().unwrap();
                told.recv().unwrap();
                open.send(()).unwrap();
            });
            gate.await.unwrap();
            waiter.join().unwrap();
        });
    });
}

/// Wakes and spawns while its thread's other thread-locals may be gone already.
struct AtThreadExit(Option<(Waker, Handle, mpsc::Sender<()>)>);

impl Drop for AtThreadExit {
    fn drop(&mut self) {
        if let Some((waker, handle, tell)) = self.0.take() {
            waker.wake();
            drop(handle.spawn(async move { tell.send(()).unwrap() }));
        }
    }
}

#[test]
fn a_thread_that_ends_may_wake_and_spawn() {
    thread_local! {
        static LAST: std::cell::RefCell<AtThreadExit> =
            const { std::cell::RefCell::new(AtThreadExit(None)) };
    }
    watchdog(60, || {
        let rt = multi_thread(2);
        for uses_the_runtime_first in [false, true] {
            let (tell, told) = mpsc::channel();
            let woken = Arc::new(AtomicBool::new(false));
            let seen = woken.clone();
            let (give, take) = mpsc::channel();
            let task = rt.spawn(poll_fn(move |cx| {
                let _ = give.send(cx.waker().clone());
                match seen.load(SeqCst) {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                }
            }));
            let waker = take.recv().unwrap();
            let handle = rt.handle().clone();
            thread::spawn(move || {
                if uses_the_runtime_first {
                    handle.block_on(async {});
                }
                LAST.with(|last| {
                    last.borrow_mut().0 = Some((waker, handle.clone(), tell));
                });
                if !uses_the_runtime_first {
                    handle.block_on(async {});
                }
                woken.store(true, SeqCst);
            })
            .join()
            .unwrap();
            told.recv().unwrap();
            samovar::block_on(task).unwrap();
        }
    });
}

// Queues

#[test]
fn every_task_of_a_long_queue_runs_once() {
    const TASKS: usize = 100_000;
    watchdog(60, || {
        for rt in [current_thread(), multi_thread(4)] {
            let runs: Arc<Vec<AtomicUsize>> =
                Arc::new((0..TASKS).map(|_| AtomicUsize::new(0)).collect());
            let ended = Counter::new();
            rt.block_on(async {
                for number in 0..TASKS {
                    let (runs, ended) = (runs.clone(), ended.clone());
                    samovar::spawn(async move {
                        runs[number].fetch_add(1, SeqCst);
                        if number % 16 == 0 {
                            yield_now().await;
                        }
                        ended.add();
                    });
                }
                while ended.get() < TASKS {
                    yield_now().await;
                }
            });
            assert!(runs.iter().all(|runs| runs.load(SeqCst) == 1));
        }
    });
}

#[test]
fn tasks_that_have_ended_leave_no_memory_behind() {
    fn resident_bytes() -> usize {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    }
    if !cfg!(target_os = "linux") {
        return;
    }
    on_each(|rt| {
        let round = || {
            rt.block_on(async {
                for _ in 0..100 {
                    let batch = (0..100).map(|_| {
                        samovar::spawn(async {
                            let buffer = [1_u8; 1024];
                            yield_now().await;
                            buffer.len()
                        })
                    });
                    join_all(batch).await;
                }
            });
        };
        round();
        let before = resident_bytes();
        for _ in 0..10 {
            round();
        }
        let grown = resident_bytes().saturating_sub(before);
        // 100,000 tasks of a kilobyte would be 100 MB; the other tests of this file run meanwhile.
        assert!(grown < 80 << 20, "{grown} bytes");
    });
}

// Blocked workers

/// Runs `main` inside `block_on` of a runtime of two workers.
fn on_two_workers(main: fn(&Runtime)) {
    watchdog(60, move || main(&multi_thread(2)));
}

#[test]
fn timers_of_a_blocked_worker_fire() {
    on_two_workers(|rt| {
        rt.block_on(async {
            let (tell, told) = mpsc::channel();
            // One task: its timer is set at the worker that it blocks afterwards, and somebody else waits for it.
            let blocking = samovar::spawn(async move {
                let mut timer = Box::pin(sleep(5 * MILLI));
                assert!(futures::poll!(&mut timer).is_pending());
                samovar::spawn(async move {
                    timer.await;
                    for _ in 0..5 {
                        sleep(5 * MILLI).await;
                    }
                    tell.send(()).unwrap();
                });
                told.recv_timeout(TOO_LONG).is_ok()
            });
            assert!(blocking.await.unwrap(), "the timers waited for the worker");
        });
    });
}

/// How often an echo has answered, and a sleep has ended.
type Rounds = Arc<[AtomicUsize; 2]>;

/// Begins an echo with its client, and a loop of short sleeps, that go on until the runtime ends.
async fn begin_echo_and_sleeps(rounds: Rounds) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    samovar::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut byte = [0];
        while stream.read_exact(&mut byte).await.is_ok() {
            stream.write_all(&byte).await.unwrap();
        }
    });
    let asks = rounds.clone();
    samovar::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        loop {
            stream.write_all(&[1]).await.unwrap();
            stream.read_exact(&mut [0]).await.unwrap();
            asks[0].fetch_add(1, SeqCst);
            sleep(MILLI).await;
        }
    });
    samovar::spawn(async move {
        loop {
            sleep(5 * MILLI).await;
            rounds[1].fetch_add(1, SeqCst);
        }
    });
}

/// Blocks the thread until each of them has gone on for ten rounds. `false`: one of them does not.
fn block_until_all_go_on(all: &[Rounds]) -> bool {
    let counts = || -> Vec<usize> {
        all.iter()
            .flat_map(|rounds| rounds.iter().map(|count| count.load(SeqCst)))
            .collect()
    };
    let (before, start) = (counts(), Instant::now());
    while start.elapsed() < TOO_LONG {
        thread::sleep(MILLI);
        if counts()
            .iter()
            .zip(&before)
            .all(|(now, before)| *now >= before + 10)
        {
            return true;
        }
    }
    false
}

#[test]
fn sockets_and_sleeps_go_on_wherever_they_are_while_a_worker_is_blocked() {
    on_two_workers(|rt| {
        let all: Vec<Rounds> = (0..4).map(|_| Arc::default()).collect();
        rt.block_on(async {
            // Some begin on this worker, some perhaps on the other; that is where their sockets and timers are.
            for (number, rounds) in all.iter().enumerate() {
                if number % 2 == 0 {
                    begin_echo_and_sleeps(rounds.clone()).await;
                } else {
                    samovar::spawn(begin_echo_and_sleeps(rounds.clone()))
                        .await
                        .unwrap();
                }
            }
            while all.iter().any(|rounds| rounds[0].load(SeqCst) == 0) {
                sleep(MILLI).await;
            }
            // Now one worker is blocked after the other, as long as it takes: this one, and those that run the tasks.
            assert!(block_until_all_go_on(&all), "somebody waits for worker 0");
            for _ in 0..4 {
                let all = all.clone();
                let blocking = samovar::spawn(async move { block_until_all_go_on(&all) });
                assert!(
                    blocking.await.unwrap(),
                    "somebody waits for the blocked worker"
                );
            }
        });
    });
}

#[test]
fn the_queue_of_a_blocked_worker_is_run_by_the_other() {
    on_two_workers(|rt| {
        rt.block_on(async {
            let blocking = samovar::spawn(async {
                let (tell, told) = mpsc::channel();
                for _ in 0..100 {
                    let tell = tell.clone();
                    samovar::spawn(async move { tell.send(()).unwrap() });
                }
                (0..100).all(|_| told.recv_timeout(TOO_LONG).is_ok())
            });
            assert!(blocking.await.unwrap(), "the queue waited for the worker");
        });
    });
}

#[test]
fn the_task_in_front_of_a_blocked_worker_s_queue_is_run_by_the_other() {
    on_two_workers(|rt| {
        rt.block_on(async {
            let (wake, woken) = oneshot::channel::<()>();
            let (tell, told) = mpsc::channel();
            samovar::spawn(async move {
                woken.await.unwrap();
                tell.send(()).unwrap();
            });
            // So that it waits when it is woken.
            sleep(2 * MILLI).await;
            let blocking = samovar::spawn(async move {
                wake.send(()).unwrap();
                told.recv_timeout(TOO_LONG).is_ok()
            });
            assert!(blocking.await.unwrap(), "the task waited for the worker");
        });
    });
}

#[test]
fn a_blocked_worker_s_tasks_are_run_also_by_one_that_never_rests() {
    on_two_workers(|rt| {
        let stop = Arc::new(AtomicBool::new(false));
        rt.block_on(async {
            let blocking = {
                let stop = stop.clone();
                samovar::spawn(async move {
                    let restless: Vec<_> = (0..8)
                        .map(|_| {
                            let stop = stop.clone();
                            samovar::spawn(async move {
                                while !stop.load(SeqCst) {
                                    yield_now().await;
                                }
                            })
                        })
                        .collect();
                    // The other worker has them by now, or will take them while this one blocks.
                    yield_now().await;
                    let (tell, told) = mpsc::channel();
                    let (wake, woken) = oneshot::channel::<()>();
                    let in_front = tell.clone();
                    samovar::spawn(async move {
                        woken.await.unwrap();
                        in_front.send(()).unwrap();
                    });
                    sleep(5 * MILLI).await;
                    for _ in 0..10 {
                        let tell = tell.clone();
                        samovar::spawn(async move { tell.send(()).unwrap() });
                    }
                    wake.send(()).unwrap();
                    let all = (0..11).all(|_| told.recv_timeout(TOO_LONG).is_ok());
                    stop.store(true, SeqCst);
                    for task in restless {
                        task.await.unwrap();
                    }
                    all
                })
            };
            assert!(blocking.await.unwrap(), "the tasks waited for the worker");
        });
    });
}

#[test]
fn a_main_future_that_blocks_its_thread_stalls_nobody() {
    on_two_workers(|rt| {
        for _ in 0..5 {
            rt.block_on(async {
                let (tell, told) = mpsc::channel();
                for number in 0..20_u32 {
                    let tell = tell.clone();
                    samovar::spawn(async move {
                        sleep((number % 3) * MILLI).await;
                        yield_now().await;
                        tell.send(()).unwrap();
                    });
                }
                // What its own worker has woken for.
                sleep(2 * MILLI).await;
                let (handle, outside) = (Handle::current(), tell.clone());
                thread::spawn(move || {
                    handle.spawn(async move { outside.send(()).unwrap() });
                });
                for _ in 0..21 {
                    told.recv_timeout(TOO_LONG)
                        .expect("a task waited for the main future");
                }
            });
        }
    });
}

#[test]
fn a_main_future_that_blocks_after_it_was_woken_stalls_no_task_from_outside() {
    on_two_workers(|rt| {
        for _ in 0..100 {
            let handle = rt.handle().clone();
            let (open, gate) = oneshot::channel();
            let (tell, told) = mpsc::channel();
            // Both workers sleep. The first wake may go to the main future's, for the task; then the future blocks.
            let outside = thread::spawn(move || {
                thread::sleep(MILLI / 2);
                handle.spawn(async move { tell.send(()).unwrap() });
                open.send(()).unwrap();
            });
            rt.block_on(async {
                gate.await.unwrap();
                told.recv_timeout(TOO_LONG)
                    .expect("the task waited for the main future");
            });
            outside.join().unwrap();
        }
    });
}

#[test]
fn workers_share_long_tasks() {
    on_two_workers(|rt| {
        // Two tasks that need each other's thread: each blocks until the other runs.
        rt.block_on(async {
            for _ in 0..5 {
                let (here, there) = (mpsc::channel(), mpsc::channel());
                let (to_there, to_here) = (there.0, here.0);
                let (at_here, at_there) = (here.1, there.1);
                let first = samovar::spawn(async move {
                    to_there.send(()).unwrap();
                    at_here.recv_timeout(TOO_LONG).is_ok()
                });
                let second = samovar::spawn(async move {
                    to_here.send(()).unwrap();
                    at_there.recv_timeout(TOO_LONG).is_ok()
                });
                assert!(first.await.unwrap() && second.await.unwrap());
            }
        });
    });
}

// Names and sizes

#[test]
fn the_builder_s_settings_reach_the_threads() {
    watchdog(60, || {
        let rt = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("kettle")
            .thread_stack_size(16 << 20)
            .build()
            .unwrap();
        let job = rt.spawn_blocking(|| {
            let buffer = std::hint::black_box([1_u8; 3 << 20]);
            assert_eq!(buffer[buffer.len() - 1], 1);
            thread::current().name().unwrap().to_owned()
        });
        assert!(rt.block_on(job).unwrap().starts_with("kettle"));
        let (tell, told) = mpsc::channel();
        rt.spawn(async move {
            let buffer = std::hint::black_box([1_u8; 3 << 20]);
            assert_eq!(buffer[buffer.len() - 1], 1);
            tell.send(thread::current().name().unwrap().to_owned())
                .unwrap();
        });
        assert!(told.recv().unwrap().starts_with("kettle"));
    });
}

#[test]
fn select_of_a_handle_and_a_timer() {
    on_each(|rt| {
        rt.block_on(async {
            let never = samovar::spawn(pending::<()>());
            let start = Instant::now();
            let timer = pin!(sleep(2 * MILLI));
            let either = select(timer, never).await;
            assert!(matches!(either, futures::future::Either::Left(_)));
            assert!(start.elapsed() >= 2 * MILLI);
        });
    });
}

#[test]
fn order_is_first_in_first_out() {
    watchdog(60, || {
        let rt = current_thread();
        let log = Arc::new(Mutex::new(Vec::new()));
        rt.block_on(async {
            let tasks: Vec<_> = (0..200)
                .map(|number| {
                    let log = log.clone();
                    samovar::spawn(async move {
                        for round in 0..2 {
                            log.lock().unwrap().push((round, number));
                            yield_now().await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        let log = log.lock().unwrap();
        assert!(log.is_sorted(), "{log:?}");
    });
}
