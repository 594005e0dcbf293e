//! Behaviour of the runtime that could once be changed without a test noticing: found by `.ci/mutants`.

mod runtime_support;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io::Write;
use std::pin::Pin;
use std::sync::mpsc as std_mpsc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use runtime_support::{
    Counter, OnDrop, current_thread, multi_thread, on_drop, on_each, wait_until, watchdog,
};
use samovar::net::UnixStream;
use samovar::runtime::{Builder, Runtime, TaskState};
use samovar::sync::{mpsc, oneshot};
use samovar::task::{self, JoinSet, yield_now};
use samovar::time::{Instant, interval};
use samovar::trace::{Kind, Trace, Who};

const MILLI: Duration = Duration::from_millis(1);

/// A current-thread runtime with a pool of so many threads, which stay.
fn with_pool(threads: usize) -> Runtime {
    Builder::new_current_thread()
        .max_blocking_threads(threads)
        .thread_keep_alive(Duration::from_secs(60))
        .build()
        .unwrap()
}

#[test]
fn jobs_one_after_the_other_share_one_thread() {
    watchdog(60, || {
        let rt = with_pool(8);
        for _ in 0..10 {
            let handle = rt.handle().clone();
            let job = rt.spawn_blocking(move || handle.metrics().num_blocking_threads());
            assert_eq!(rt.block_on(job).unwrap(), 1);
            wait_until(|| rt.metrics().num_idle_blocking_threads() == 1);
        }
    });
}

/// What a thread does last.
type Last = OnDrop<Box<dyn FnOnce()>>;

thread_local! {
    /// Runs when the thread is at its end.
    static AT_THE_END: RefCell<Option<Last>> = const { RefCell::new(None) };
}

#[test]
fn the_drop_of_the_runtime_waits_for_its_threads_until_their_last_destructor() {
    watchdog(60, || {
        let rt = with_pool(2);
        let ended = Counter::new();
        let (go, wait) = std_mpsc::channel::<()>();
        let count = ended.clone();
        let first = rt.spawn_blocking(move || {
            let late = on_drop(Box::new(move || {
                thread::sleep(300 * MILLI);
                count.add();
            }) as Box<dyn FnOnce()>);
            AT_THE_END.with(|end| *end.borrow_mut() = Some(late));
            wait.recv()
        });
        // Meanwhile another thread is started, and the pool tidies up its list of them.
        rt.block_on(rt.spawn_blocking(|| ())).unwrap();
        go.send(()).unwrap();
        rt.block_on(first).unwrap().unwrap();
        drop(rt);
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn an_operation_that_has_to_wait_costs_no_budget() {
    on_each(|rt| {
        let task = rt.spawn(async {
            let (_sender, mut empty) = mpsc::channel::<()>(1);
            let (sender, mut filled) = mpsc::channel(100);
            for number in 0..100 {
                sender.try_send(number).unwrap();
            }
            // All in one poll, whose budget is 128.
            poll_fn(|cx| {
                for _ in 0..1_000 {
                    assert!(empty.poll_recv(cx).is_pending());
                }
                for number in 0..100 {
                    assert_eq!(filled.poll_recv(cx), Poll::Ready(Some(number)));
                }
                Poll::Ready(())
            })
            .await;
        });
        rt.block_on(task).unwrap();
    });
}

#[test]
fn a_set_of_tasks_tells_who_has_ended() {
    on_each(|rt| {
        rt.block_on(async {
            let mut set = JoinSet::new();
            let first = set.spawn(async { 1 }).id();
            assert_eq!(set.join_next_with_id().await.unwrap().unwrap(), (first, 1));
            let second = set.spawn(async { 2 }).id();
            assert_ne!(first, second);
            assert_eq!(set.join_next_with_id().await.unwrap().unwrap(), (second, 2));
            assert!(set.join_next_with_id().await.is_none());
        });
    });
}

#[test]
fn after_a_task_its_thread_is_in_no_task() {
    on_each(|rt| {
        rt.block_on(async {
            for _ in 0..100 {
                samovar::spawn(async { assert!(task::try_id().is_some()) })
                    .await
                    .unwrap();
                assert_eq!(task::try_id(), None);
            }
        });
    });
}

#[test]
#[expect(clippy::async_yields_async, reason = "the handle is awaited elsewhere")]
fn a_task_that_runs_while_its_runtime_ends_is_cancelled_after_its_poll() {
    for aborted in [false, true] {
        watchdog(60, move || {
            let rt = multi_thread(2);
            let (tell, told) = std_mpsc::channel();
            let (go, wait) = std_mpsc::channel::<()>();
            let handle = rt.block_on(async {
                // Both belong to this thread's worker, which has to keep them, for they wait.
                let runs = samovar::spawn(async move {
                    yield_now().await;
                    tell.send(()).unwrap();
                    wait.recv().unwrap();
                    task::pending::<()>().await;
                });
                // Until it is here, that one runs on the other worker; and there it stays.
                told.recv().unwrap();
                let (tell, told) = oneshot::channel();
                samovar::spawn(async move {
                    let _go = on_drop(move || go.send(()).unwrap());
                    yield_now().await;
                    tell.send(()).unwrap();
                    task::pending::<()>().await;
                });
                told.await.unwrap();
                if aborted {
                    runs.abort();
                }
                runs
            });
            // The tasks of this worker are asked to end in the order in which they began to wait: the second lets the
            // first go on when that has been asked.
            drop(rt);
            assert!(samovar::block_on(handle).unwrap_err().is_cancelled());
        });
    }
}

#[test]
fn an_interval_starts_anew_where_it_is_told_to() {
    let rt = Builder::new_current_thread()
        .start_paused(true)
        .enable_all()
        .build()
        .unwrap();
    rt.block_on(async {
        let second = Duration::from_secs(1);
        let mut interval = interval(10 * second);
        let start = interval.tick().await;
        samovar::time::sleep(4 * second).await;
        interval.reset();
        assert_eq!(interval.tick().await - start, 14 * second);
        interval.reset_after(3 * second);
        assert_eq!(interval.tick().await - start, 17 * second);
        interval.reset_immediately();
        assert_eq!(interval.tick().await - start, 17 * second);
        interval.reset_at(start + 18 * second);
        assert_eq!(interval.tick().await - start, 18 * second);
        assert_eq!(Instant::now() - start, 18 * second);
        assert_eq!(interval.tick().await - start, 28 * second);
    });
}

#[test]
fn instants_can_be_reckoned_with() {
    let start = Instant::now();
    let mut later = start;
    later += 5 * MILLI;
    assert_eq!(later - start, 5 * MILLI);
    assert_eq!(later.checked_duration_since(start), Some(5 * MILLI));
    assert_eq!(start.checked_duration_since(later), None);
    later -= 2 * MILLI;
    assert_eq!(later - start, 3 * MILLI);
}

#[test]
#[expect(clippy::async_yields_async, reason = "the handle is awaited elsewhere")]
fn a_task_spawned_on_another_runtime_runs_there() {
    watchdog(60, || {
        let (here, there) = (current_thread(), current_thread());
        let handle = here.block_on(async {
            let handle = there.handle().spawn(async { task::id() });
            for _ in 0..100 {
                yield_now().await;
            }
            assert!(!handle.is_finished(), "nobody is inside that runtime");
            handle
        });
        let id = handle.id();
        assert_eq!(there.block_on(handle).unwrap(), id);
    });
}

#[test]
fn no_task_moves_into_the_memory_of_one_of_another_runtime() {
    watchdog(60, || {
        let (here, there) = (current_thread(), current_thread());
        let spawn = |rt: &Runtime| {
            let (wake, woken) = oneshot::channel::<()>();
            (rt.spawn(woken), wake)
        };
        let (ended, wake) = spawn(&there);
        wake.send(()).unwrap();
        there.block_on(async {
            while !ended.is_finished() {
                yield_now().await;
            }
        });
        // The last who refers to it lets it go on the worker here.
        here.block_on(ended).unwrap().unwrap();
        here.block_on(async {
            let (waits, wake) = spawn(&here);
            yield_now().await;
            wake.send(()).unwrap();
            for _ in 0..100 {
                yield_now().await;
            }
            assert!(waits.is_finished(), "it goes on in the other runtime");
        });
    });
}

#[test]
fn a_timer_set_by_a_thread_that_is_no_worker_fires_while_nobody_is_inside_block_on() {
    for workers in [1, 2] {
        watchdog(60, move || {
            let rt = multi_thread(workers);
            assert_eq!(rt.metrics().num_workers(), workers);
            let _entered = rt.enter();
            for _ in 0..5 {
                samovar::block_on(samovar::time::sleep(MILLI));
            }
        });
    }
}

#[test]
fn who_is_woken_from_within_another_runtime_goes_on_in_its_own() {
    watchdog(60, || {
        let (here, there) = (current_thread(), current_thread());
        let (wake, woken) = oneshot::channel();
        let waits = there.spawn(woken);
        there.block_on(yield_now());
        here.block_on(async {
            wake.send("tea").unwrap();
            for _ in 0..100 {
                yield_now().await;
            }
            assert!(!waits.is_finished(), "nobody is inside that runtime");
        });
        assert_eq!(there.block_on(waits).unwrap(), Ok("tea"));
    });
}

#[test]
fn a_task_that_runs_again_after_a_wait_is_seen_on_its_worker() {
    watchdog(60, || {
        let rt = multi_thread(2);
        let (tell, told) = std_mpsc::channel();
        let (go, wait) = std_mpsc::channel::<()>();
        let (wake, woken) = oneshot::channel();
        let task = rt.spawn(async move {
            woken.await.unwrap();
            tell.send(()).unwrap();
            wait.recv().unwrap();
        });
        let state = || {
            let dump = rt.handle().dump();
            let mut lines = dump.tasks.iter();
            let line = lines.find(|line| line.who == Who::Task(task.id()));
            assert!(line.is_none() || lines.next().is_none(), "{dump}");
            line.map(|line| line.state)
        };
        wait_until(|| state() == Some(TaskState::Waiting));
        wake.send(()).unwrap();
        told.recv().unwrap();
        let state = state().unwrap();
        assert!(
            matches!(state, TaskState::Running { worker: Some(_) }),
            "{state:?}"
        );
        go.send(()).unwrap();
        rt.block_on(task).unwrap();
    });
}

#[test]
fn each_future_inside_block_on_is_seen_as_it_is() {
    watchdog(60, || {
        let rt = current_thread();
        let states = || -> Vec<_> {
            let dump = rt.handle().dump();
            assert_eq!(dump.not_polled_yet, 0, "{dump}");
            dump.tasks.iter().map(|line| line.state).collect()
        };
        let inside = |future: Pin<Box<dyn Future<Output = ()> + Send>>| {
            let (handle, before) = (rt.handle().clone(), states().len());
            let thread = thread::spawn(move || handle.block_on(future));
            wait_until(|| states().len() > before);
            thread
        };
        let (go, wait) = std_mpsc::channel::<()>();
        let first = inside(Box::pin(async move { wait.recv().unwrap() }));
        // Those who come later stand in line.
        let (wake, woken) = oneshot::channel();
        let second = inside(Box::pin(async { woken.await.unwrap() }));
        let (go_too, wait) = std_mpsc::channel::<()>();
        let third = inside(Box::pin(poll_fn(move |cx| {
            // Woken in a poll that lasts: it is to be polled again.
            cx.waker().wake_by_ref();
            wait.recv().unwrap();
            Poll::Ready(())
        })));
        // Nothing can wake this one: it stays.
        drop(inside(Box::pin(std::future::pending())));
        let expected = [
            TaskState::Running { worker: Some(0) },
            TaskState::Waiting,
            TaskState::Queued,
            TaskState::Forgotten,
        ];
        wait_until(|| states() == expected);
        wake.send(()).unwrap();
        second.join().unwrap();
        go_too.send(()).unwrap();
        third.join().unwrap();
        go.send(()).unwrap();
        first.join().unwrap();
        rt.shutdown_background();
    });
}

#[test]
fn a_shutdown_with_a_time_limit_leaves_a_worker_that_is_blocked() {
    watchdog(60, || {
        for seated in [false, true] {
            let rt = multi_thread(2);
            let (tell, told) = std_mpsc::channel();
            let (go, wait) = std_mpsc::channel::<()>();
            let blocks = async move {
                tell.send(()).unwrap();
                wait.recv()
            };
            if seated {
                // From here, the worker that has a thread of its own is the only one that can have it.
                rt.block_on(async {
                    drop(samovar::spawn(blocks));
                    told.recv().unwrap();
                });
            } else {
                drop(rt.spawn(blocks));
                told.recv().unwrap();
            }
            rt.shutdown_timeout(10 * MILLI);
            // Only now: the shutdown did not wait for it.
            go.send(()).unwrap();
        }
    });
}

#[test]
fn simulated_workers_wait_for_a_socket_before_the_clock_jumps() {
    watchdog(60, || {
        let rt = Builder::new_multi_thread().seed(1).build().unwrap();
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        rt.block_on(async {
            let ours = UnixStream::from_std(ours).unwrap();
            let real = std::time::Instant::now();
            let timeout = samovar::time::timeout(Duration::from_secs(3600), ours.readable());
            assert!(timeout.await.is_err());
            assert!(real.elapsed() >= 20 * MILLI);
            // Without any timer it waits for as long as that takes.
            let peer = thread::spawn(move || {
                thread::sleep(200 * MILLI);
                (&theirs).write_all(b"tea").unwrap();
                theirs
            });
            ours.readable().await.unwrap();
            drop(peer.join().unwrap());
        });
    });
}

#[test]
fn the_trace_tells_of_a_blocked_worker_also_when_nobody_is_to_be_warned() {
    watchdog(60, || {
        let trace = Trace::new();
        let rt = Builder::new_multi_thread()
            .worker_threads(2)
            .trace(&trace)
            .warn_blocking_after(Duration::MAX)
            .on_warning(|warning| panic!("switched off: {warning}"))
            .build()
            .unwrap();
        rt.block_on(async {
            let who = Some(Who::Main);
            let is_told =
                |kind: &Kind| matches!(kind, Kind::Blocked { who: told, .. } if *told == who);
            // Inside one poll, until the watchdog has seen it.
            wait_until(|| trace.events().iter().any(|event| is_told(&event.kind)));
        });
    });
}

#[test]
fn each_theft_takes_at_least_one_task() {
    watchdog(60, || {
        let rt = multi_thread(2);
        rt.block_on(async {
            for _ in 0..10 {
                let (tell, told) = std_mpsc::channel();
                // This worker has the task in its queue, and cannot run it before another has.
                drop(samovar::spawn(async move { tell.send(()).unwrap() }));
                told.recv().unwrap();
                yield_now().await;
            }
        });
        for worker in 0..2 {
            let (thefts, tasks) = (
                rt.metrics().worker_steal_operations(worker),
                rt.metrics().worker_steal_count(worker),
            );
            assert!(tasks >= thefts, "{tasks} tasks in {thefts} thefts");
        }
    });
}

#[test]
fn a_task_in_its_first_poll_is_seen_beside_the_future_inside_block_on() {
    watchdog(60, || {
        let rt = multi_thread(2);
        rt.block_on(async {
            let (tell, told) = std_mpsc::channel();
            let (go, wait) = std_mpsc::channel::<()>();
            let task = samovar::spawn(async move {
                tell.send(()).unwrap();
                wait.recv().unwrap();
            });
            told.recv().unwrap();
            let dump = rt.handle().dump();
            let who: Vec<_> = dump.tasks.iter().map(|line| line.who).collect();
            assert_eq!(who, [Who::Main, Who::Task(task.id())], "{dump}");
            go.send(()).unwrap();
            task.await.unwrap();
        });
    });
}
