//! What the runtime says of mistakes: it must say it, say it once, and never say it of a program that makes none.

mod support;

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use samovar::runtime::{Builder, Runtime, TaskState, Warning};
use samovar::sync::{Notify, mpsc, oneshot};
use samovar::task::{JoinSet, spawn_blocking, yield_now};
use samovar::time::{sleep, timeout};
use samovar::trace::{Kind, Trace, Who};
use support::watchdog;

const MILLI: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A runtime that warns of everything, also in release builds, and its warnings.
fn warned(mut builder: Builder) -> (Runtime, Receiver<Warning>) {
    let (tell, told) = channel();
    let runtime = builder
        .worker_threads(2)
        .warn_never_woken(true)
        .warn_all_asleep(true)
        .on_warning(move |warning| drop(tell.send(warning.clone())))
        .build()
        .unwrap();
    (runtime, told)
}

/// Runs the test on both kinds of runtime, under a watchdog.
fn on_each(test: impl Fn(Runtime, Receiver<Warning>)) {
    watchdog(60, || {
        for builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            let (runtime, told) = warned(builder);
            test(runtime, told);
        }
    });
}

/// The warnings of a program: all that were given until its runtime was gone.
fn of(main: impl AsyncFn()) -> Vec<Warning> {
    let mut all = Vec::new();
    for builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let (runtime, told) = warned(builder);
        runtime.block_on(main());
        drop(runtime);
        all.extend(told);
    }
    all
}

/// The next warning; until then the runtime goes on.
async fn next(told: &Receiver<Warning>) -> Warning {
    loop {
        match told.try_recv() {
            Ok(warning) => return warning,
            Err(_) => yield_now().await,
        }
    }
}

// Who can never wake

#[test]
fn a_task_that_forgets_its_waker_is_named_once_per_place() {
    on_each(|runtime, told| {
        let line = line!() + 4;
        runtime.block_on(async {
            let mut forgetful = JoinSet::new();
            for _ in 0..3 {
                forgetful.spawn(poll_fn(|_| Poll::<()>::Pending));
            }
            let Warning::NeverWoken { who, place, .. } = next(&told).await else {
                panic!("another warning");
            };
            assert!(matches!(who, Who::Task(_)));
            assert_eq!((place.file(), place.line()), ("tests/diagnoses.rs", line));
            // It stays as long as it would without the warning.
            forgetful.abort_all();
            while let Some(ended) = forgetful.join_next().await {
                assert!(ended.unwrap_err().is_cancelled());
            }
        });
        drop(runtime);
        assert!(told.recv().is_err(), "said twice");
    });
}

#[test]
fn also_a_detached_one_and_one_that_waited_before() {
    on_each(|runtime, told| {
        runtime.block_on(async {
            let mut polls = 0;
            drop(samovar::spawn(poll_fn(move |cx| {
                polls += 1;
                if polls < 3 {
                    cx.waker().wake_by_ref();
                }
                Poll::<()>::Pending
            })));
            assert!(matches!(next(&told).await, Warning::NeverWoken { .. }));

            drop(samovar::spawn(async {
                sleep(MILLI).await;
                pending::<()>().await;
            }));
            assert!(matches!(next(&told).await, Warning::NeverWoken { .. }));
        });
    });
}

#[test]
fn the_future_inside_block_on_is_named() {
    on_each(|runtime, told| {
        let handle = runtime.handle().clone();
        let line = line!() + 4;
        // Nothing can end this but the shutdown; so the thread is left behind.
        let stuck = thread::spawn(move || {
            let stop = Notify::new();
            handle.block_on(async {
                let mut stopped = pin!(stop.notified());
                let mut polls = 0;
                poll_fn(|cx| {
                    polls += 1;
                    match polls {
                        1 => Poll::Pending,
                        _ => stopped.as_mut().poll_unpin(cx),
                    }
                })
                .await;
            });
        });
        let Warning::NeverWoken { who, place, .. } = told.recv().unwrap() else {
            panic!("another warning");
        };
        assert_eq!(who, Who::Main);
        assert_eq!((place.file(), place.line()), ("tests/diagnoses.rs", line));
        runtime.shutdown_background();
        drop(stuck);
    });
}

#[test]
fn it_says_what_to_do() {
    let told = Arc::new(Mutex::new(String::new()));
    let runtime = Builder::new_current_thread()
        .warn_never_woken(true)
        .on_warning({
            let told = told.clone();
            move |warning| *told.lock().unwrap() = warning.to_string()
        })
        .build()
        .unwrap();
    let line = line!() + 2;
    runtime.block_on(async {
        samovar::spawn(pending::<()>());
        yield_now().await;
    });
    let told = told.lock().unwrap();
    for part in [
        &format!("the task spawned at tests/diagnoses.rs:{line}:9 can never wake"),
        "without handing on `cx.waker()`",
        "samovar::task::pending()",
        "Builder::warn_never_woken(false)",
    ] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
}

#[test]
fn the_trace_says_it_too_and_every_time() {
    let trace = Trace::new();
    let runtime = Builder::new_current_thread()
        .trace(&trace)
        .warn_never_woken(false)
        .on_warning(|warning| panic!("switched off: {warning}"))
        .build()
        .unwrap();
    runtime.block_on(async {
        for _ in 0..2 {
            samovar::spawn(pending::<()>());
        }
        yield_now().await;
    });
    let is_one = |kind: &Kind| matches!(kind, Kind::NeverWakes { who: Who::Task(_) });
    let events = trace.events();
    assert_eq!(events.iter().filter(|event| is_one(&event.kind)).count(), 2);
}

#[test]
fn nobody_is_accused_whose_waker_somebody_holds() {
    watchdog(60, || {
        let told = of(async || {
            // Inside the task itself, without anybody outside.
            let unordered = samovar::spawn(async {
                let mut futures: FuturesUnordered<_> = (0..3).map(|_| pending::<()>()).collect();
                futures.next().await;
            });
            let kept: Arc<Mutex<Option<Waker>>> = Arc::default();
            let keeps = samovar::spawn({
                let kept = kept.clone();
                poll_fn(move |cx| {
                    *kept.lock().unwrap() = Some(cx.waker().clone());
                    Poll::<()>::Pending
                })
            });
            // In another task's join slot, in a channel, a timer, a lock, a set.
            let (_send, mut receive) = mpsc::channel::<()>(1);
            let receives = samovar::spawn(async move { receive.recv().await });
            let sleeps = samovar::spawn(sleep(HOUR));
            let joins = samovar::spawn(async { samovar::spawn(sleep(HOUR)).await });
            let selects = samovar::spawn(async {
                samovar::select! {
                    () = pending::<()>() => {}
                    () = sleep(HOUR) => {}
                }
            });
            let on_purpose = samovar::spawn(samovar::task::pending::<()>());
            let timed = samovar::spawn(timeout(HOUR, pending::<()>()));
            for _ in 0..3 {
                sleep(MILLI).await;
            }
            for task in [unordered, keeps, sleeps, selects, on_purpose] {
                task.abort();
                assert!(task.await.unwrap_err().is_cancelled());
            }
            receives.abort();
            joins.abort();
            timed.abort();
        });
        assert!(told.is_empty(), "{told:?}");
    });
}

#[test]
fn nobody_is_accused_who_is_woken_aborted_or_detached_at_that_moment() {
    watchdog(120, || {
        let told = of(async || {
            for round in 0..2000_u32 {
                // From the task's own poll, from another thread during it and after it.
                let (wake, woken) = oneshot::channel::<()>();
                let waits = samovar::spawn(woken);
                let job = spawn_blocking(move || wake.send(()));
                if round % 2 == 0 {
                    drop(waits);
                } else {
                    waits.await.unwrap().unwrap();
                }
                let yields = samovar::spawn(yield_now());
                let aborted = samovar::spawn(sleep(HOUR));
                yield_now().await;
                match round % 4 {
                    0 => drop(aborted),
                    1 => aborted.abort(),
                    2 => {
                        let handle = aborted.abort_handle();
                        drop(aborted);
                        handle.abort();
                    }
                    _ => {
                        aborted.abort();
                        assert!(aborted.await.unwrap_err().is_cancelled());
                    }
                }
                yields.await.unwrap();
                job.await.unwrap().ok();
            }
        });
        assert!(told.is_empty(), "{told:?}");
    });
}

// Who blocks

#[test]
fn a_task_that_blocks_its_worker_is_named_while_it_does() {
    watchdog(60, || {
        let (tell, told) = channel();
        let trace = Trace::new();
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .trace(&trace)
            .warn_blocking_after(50 * MILLI)
            .on_warning(move |warning| drop(tell.send(warning.clone())))
            .build()
            .unwrap();
        let line = line!() + 3;
        let told = runtime.block_on(async {
            // In its first poll: it has never waited, and is in no table.
            let blocking = samovar::spawn(async move {
                let warning = told.recv();
                // Not again, however long it lasts.
                let again = told.recv_timeout(100 * MILLI);
                (warning, again.is_ok(), told)
            });
            let id = blocking.id();
            let (warning, again, told) = blocking.await.unwrap();
            let Ok(Warning::Blocking {
                who, place, since, ..
            }) = warning
            else {
                panic!("another warning: {warning:?}");
            };
            assert_eq!(who, Who::Task(id));
            assert_eq!((place.file(), place.line()), ("tests/diagnoses.rs", line));
            assert!(since >= 50 * MILLI);
            assert!(!again);
            told
        });
        // The future inside `block_on` may block as well.
        let line = line!() + 1;
        runtime.block_on(async {
            let Ok(Warning::Blocking {
                who, place, worker, ..
            }) = told.recv()
            else {
                panic!("another warning");
            };
            assert_eq!((who, place.line(), worker), (Who::Main, line, 0));
        });
        let is_one = |kind: &Kind| matches!(kind, Kind::Blocked { who: Some(_), .. });
        assert!(trace.events().iter().any(|event| is_one(&event.kind)));
    });
}

// Everything is asleep

#[test]
fn tasks_that_wait_for_each_other_s_handles_never_end_and_the_table_says_so() {
    on_each(|runtime, told| {
        let handle = runtime.handle().clone();
        let line = line!() + 2;
        let stuck = thread::spawn(move || {
            handle.block_on(async {
                let (give, take) = oneshot::channel();
                // Each gets the other's handle.
                let black = samovar::spawn(async move {
                    let green: samovar::task::JoinHandle<()> = take.await.unwrap();
                    green.await.unwrap();
                });
                let (give_back, take_back) = oneshot::channel();
                let green = samovar::spawn(async move {
                    let black: samovar::task::JoinHandle<()> = take_back.await.unwrap();
                    black.await.unwrap();
                });
                let waits = samovar::spawn(pending::<()>());
                give.send(green).unwrap();
                give_back.send(black).unwrap();
                waits.await.unwrap();
            });
        });
        // The one who forgets its waker, and then the whole.
        let first = told.recv().unwrap();
        assert!(matches!(first, Warning::NeverWoken { .. }), "{first:?}");
        let Warning::AllAsleep { dump, .. } = told.recv().unwrap() else {
            panic!("another warning");
        };
        assert_eq!(dump.tasks.len(), 4, "{dump}");
        let main = &dump.tasks[0];
        assert_eq!((main.who, main.place.line()), (Who::Main, line));
        assert_eq!(main.state, TaskState::Waiting);
        let waits_for: Vec<_> = dump
            .tasks
            .iter()
            .map(|task| task.waits_for.clone())
            .collect();
        let name = |task: usize| match dump.tasks[task].who {
            Who::Task(id) => Some(format!("JoinHandle of task {id}").into()),
            Who::Main => None,
        };
        let mut expected = vec![name(1), name(2), name(3)];
        expected.sort();
        let mut found = waits_for[..].to_vec();
        found.retain(Option::is_some);
        found.sort();
        assert_eq!(found, expected, "{dump}");
        let forgotten = dump
            .tasks
            .iter()
            .filter(|task| task.state == TaskState::Forgotten);
        assert_eq!(forgotten.count(), 1, "{dump}");
        runtime.shutdown_background();
        drop(stuck);
    });
}

#[test]
fn a_wait_that_another_thread_ends_is_none_for_ever() {
    on_each(|runtime, told| {
        // Longer than the time after which the runtime asks itself.
        let (wake, woken) = oneshot::channel();
        let waker = thread::spawn(move || {
            thread::sleep(1300 * MILLI);
            wake.send("tea").unwrap();
        });
        let cup = runtime.block_on(async { samovar::spawn(woken).await.unwrap().unwrap() });
        assert_eq!(cup, "tea");
        waker.join().unwrap();
        drop(runtime);
        assert!(told.recv().is_err());
    });
}

#[test]
fn a_wait_for_a_timer_a_socket_or_a_job_is_none_for_ever() {
    on_each(|runtime, told| {
        runtime.block_on(async {
            sleep(1100 * MILLI).await;
            spawn_blocking(|| thread::sleep(1100 * MILLI))
                .await
                .unwrap();
            let listener = samovar::net::TcpListener::bind("127.0.0.1:0")
                .await
                .unwrap();
            let address = listener.local_addr().unwrap();
            let caller = thread::spawn(move || {
                thread::sleep(1100 * MILLI);
                std::net::TcpStream::connect(address).unwrap()
            });
            listener.accept().await.unwrap();
            caller.join().unwrap();
        });
        drop(runtime);
        assert!(told.recv().is_err());
    });
}
