//! `JoinSet`: the first that finishes comes first, nothing is lost, the drop aborts.

mod eco_support;

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use eco_support::{on_all, on_both, watchdog};
use futures::FutureExt;
use futures::channel::oneshot;
use samovar::runtime::{Builder, Runtime};
use samovar::task::{AbortHandle, JoinSet, yield_now};

/// Counts how many of it were dropped.
#[derive(Debug)]
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A task that ends when its sender says so.
fn gated(set: &mut JoinSet<usize>, number: usize) -> (oneshot::Sender<()>, AbortHandle) {
    let (open, gate) = oneshot::channel();
    let task = set.spawn(async move {
        let _ = gate.await;
        number
    });
    (open, task)
}

#[test]
fn the_first_that_finishes_comes_first() {
    on_all(|| async {
        let mut set = JoinSet::new();
        let mut gates: Vec<_> = (0..4).map(|n| Some(gated(&mut set, n).0)).collect();
        for number in [2, 0, 3, 1] {
            gates[number].take().unwrap().send(()).unwrap();
            assert_eq!(set.join_next().await.unwrap().unwrap(), number);
        }
        assert!(set.join_next().await.is_none());
    });
}

#[test]
fn those_that_finished_unobserved_keep_their_order() {
    // On one worker, so that the order in which they finish is known.
    watchdog(|| {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut set = JoinSet::new();
            let mut gates: Vec<_> = (0..4).map(|n| Some(gated(&mut set, n))).collect();
            for number in [3, 1, 0, 2] {
                let (open, task) = gates[number].take().unwrap();
                open.send(()).unwrap();
                while !task.is_finished() {
                    yield_now().await;
                }
            }
            let mut order = Vec::new();
            while let Some(output) = set.try_join_next() {
                order.push(output.unwrap());
            }
            assert_eq!(order, [3, 1, 0, 2]);
        });
    });
}

#[test]
fn an_event_costs_few_polls_however_many_tasks_there_are() {
    on_both(|| async {
        let mut set = JoinSet::new();
        let gates: Vec<_> = (0..1000).map(|n| gated(&mut set, n).0).collect();
        for (number, gate) in gates.into_iter().enumerate() {
            gate.send(()).unwrap();
            // One waits and is woken; what was woken for another key would make this loop longer.
            let mut polls = 0;
            let output = poll_fn(|cx| {
                polls += 1;
                set.poll_join_next(cx)
            });
            assert_eq!(output.await.unwrap().unwrap(), number);
            assert!(polls <= 3, "{polls} polls for one event");
        }
    });
}

#[test]
fn a_key_that_is_used_again_is_not_confused() {
    on_all(|| async {
        let mut set = JoinSet::new();
        for round in 0..100 {
            let (first, _) = gated(&mut set, round);
            let (_second, aborted) = gated(&mut set, round + 1000);
            aborted.abort();
            assert!(set.join_next().await.unwrap().unwrap_err().is_cancelled());
            first.send(()).unwrap();
            assert_eq!(set.join_next().await.unwrap().unwrap(), round);
        }
    });
}

#[test]
fn join_next_is_cancel_safe() {
    on_all(|| async {
        let mut set = JoinSet::new();
        for number in 0..500 {
            set.spawn(async move {
                for _ in 0..number % 7 {
                    yield_now().await;
                }
                number
            });
        }
        let mut seen = vec![false; 500];
        let mut dropped = 0;
        while !set.is_empty() {
            // Polled once and dropped; every third time really awaited.
            let next = if dropped % 3 == 2 {
                set.join_next().await
            } else {
                match set.join_next().now_or_never() {
                    Some(next) => next,
                    None => {
                        dropped += 1;
                        yield_now().await;
                        continue;
                    }
                }
            };
            dropped += 1;
            let number = next.unwrap().unwrap();
            assert!(
                !std::mem::replace(&mut seen[number], true),
                "{number} came twice"
            );
        }
        assert!(seen.iter().all(|&seen| seen), "an output was lost");
    });
}

#[test]
fn the_last_poller_is_woken() {
    on_all(|| async {
        let mut set = JoinSet::new();
        let (open, _) = gated(&mut set, 7);
        // Polled with a waker that nobody hears.
        let (waker, _count) = futures_test_waker();
        let mut cx = std::task::Context::from_waker(&waker);
        assert!(set.poll_join_next(&mut cx).is_pending());
        let waits = samovar::spawn(async move { set.join_next().await.unwrap().unwrap() });
        yield_now().await;
        open.send(()).unwrap();
        assert_eq!(waits.await.unwrap(), 7);
    });
}

/// A waker that does nothing but be one.
fn futures_test_waker() -> (std::task::Waker, Arc<AtomicUsize>) {
    struct Silent(Arc<AtomicUsize>);
    impl std::task::Wake for Silent {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let count = Arc::new(AtomicUsize::new(0));
    (Arc::new(Silent(count.clone())).into(), count)
}

#[test]
fn a_panic_is_one_tasks_error() {
    on_all(|| async {
        let mut set = JoinSet::new();
        let broken = set.spawn(async { panic!("the cup is cracked") });
        let error = set.join_next().await.unwrap().unwrap_err();
        assert!(error.is_panic());
        assert_eq!(error.id(), broken.id());
        set.spawn(async { 1 });
        assert_eq!(set.join_next().await.unwrap().unwrap(), 1);
    });
}

#[test]
fn join_all_panics_with_the_tasks_panic_and_aborts_the_others() {
    on_all(|| async {
        let drops = Arc::new(AtomicUsize::new(0));
        let mut set = JoinSet::new();
        let other = Dropped(drops.clone());
        set.spawn(async move {
            pending::<()>().await;
            drop(other);
        });
        set.spawn(async { panic!("the cup is cracked") });
        let all = std::panic::AssertUnwindSafe(set.join_all()).catch_unwind();
        let payload = all.await.unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"the cup is cracked"));
        while drops.load(SeqCst) == 0 {
            yield_now().await;
        }
    });
}

#[test]
fn dropping_the_set_aborts_its_tasks() {
    on_all(|| async {
        let drops = Arc::new(AtomicUsize::new(0));
        let mut set = JoinSet::new();
        for _ in 0..10 {
            let held = Dropped(drops.clone());
            set.spawn(async move {
                pending::<()>().await;
                drop(held);
            });
        }
        drop(set);
        while drops.load(SeqCst) < 10 {
            yield_now().await;
        }
    });
}

#[test]
fn outputs_that_nobody_takes_are_dropped_once() {
    on_all(|| async {
        let drops = Arc::new(AtomicUsize::new(0));
        let mut set = JoinSet::new();
        for _ in 0..10 {
            let output = Dropped(drops.clone());
            let task = set.spawn(async move { output });
            while !task.is_finished() {
                yield_now().await;
            }
        }
        assert!(set.join_next().await.unwrap().is_ok());
        assert_eq!(drops.load(SeqCst), 1);
        drop(set);
        assert_eq!(drops.load(SeqCst), 10);
    });
}

#[test]
fn detached_tasks_run_on() {
    on_all(|| async {
        let (open, gate) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let mut set = JoinSet::new();
        set.spawn(async move {
            gate.await.unwrap();
            tell.send("still here").unwrap();
        });
        set.detach_all();
        assert!(set.is_empty());
        drop(set);
        open.send(()).unwrap();
        assert_eq!(told.await.unwrap(), "still here");
    });
}

#[test]
fn those_that_were_let_go_do_not_change_the_order_of_the_others() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut set = JoinSet::new();
        // Until it has ended, which nobody wants to know.
        let ended = set.spawn(async { 0 });
        while !ended.is_finished() {
            yield_now().await;
        }
        set.detach_all();
        let (gates, tasks): (Vec<_>, Vec<_>) = (1..=2).map(|n| gated(&mut set, n)).unzip();
        // The second ends before the first, which has the place of the one that was let go.
        for (gate, task) in gates.into_iter().zip(tasks).rev() {
            gate.send(()).unwrap();
            while !task.is_finished() {
                yield_now().await;
            }
        }
        assert_eq!(set.join_next().await.unwrap().unwrap(), 2);
        assert_eq!(set.join_next().await.unwrap().unwrap(), 1);
    });
}

#[test]
fn shutdown_empties_the_set() {
    on_all(|| async {
        let drops = Arc::new(AtomicUsize::new(0));
        let mut set = JoinSet::new();
        for _ in 0..10 {
            let held = Dropped(drops.clone());
            set.spawn(async move {
                pending::<()>().await;
                drop(held);
            });
        }
        set.shutdown().await;
        assert!(set.is_empty());
        assert_eq!(drops.load(SeqCst), 10);
    });
}

#[test]
fn an_output_that_is_there_survives_abort_all() {
    on_all(|| async {
        let mut set = JoinSet::new();
        let done = set.spawn(async { 1 });
        while !done.is_finished() {
            yield_now().await;
        }
        set.spawn(pending());
        set.abort_all();
        let (mut outputs, mut cancelled) = (0, 0);
        while let Some(next) = set.join_next().await {
            match next {
                Ok(output) => outputs += output,
                Err(error) => cancelled += usize::from(error.is_cancelled()),
            }
        }
        assert_eq!((outputs, cancelled), (1, 1));
    });
}

#[test]
fn an_abort_against_the_end_gives_one_or_the_other() {
    watchdog(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        runtime.block_on(async {
            for _ in 0..500 {
                let drops = Arc::new(AtomicUsize::new(0));
                let mut set = JoinSet::new();
                let output = Dropped(drops.clone());
                let (open, gate) = oneshot::channel::<()>();
                let task = set.spawn(async move {
                    let _ = gate.await;
                    output
                });
                let aborter = samovar::spawn(async move { task.abort() });
                open.send(()).unwrap();
                match set.join_next().await.unwrap() {
                    Ok(output) => drop(output),
                    Err(error) => assert!(error.is_cancelled()),
                }
                aborter.await.unwrap();
                assert!(set.join_next().await.is_none());
                assert_eq!(drops.load(SeqCst), 1, "dropped exactly once");
            }
        });
    });
}

#[test]
fn try_join_next_takes_only_what_is_there() {
    on_all(|| async {
        let mut set = JoinSet::new();
        assert!(set.try_join_next().is_none());
        let (open, task) = gated(&mut set, 5);
        assert!(set.try_join_next().is_none());
        open.send(()).unwrap();
        let (id, number) = loop {
            match set.try_join_next_with_id() {
                Some(next) => break next.unwrap(),
                None => yield_now().await,
            }
        };
        assert_eq!((id, number), (task.id(), 5));
        assert_eq!(set.len(), 0);
    });
}

#[test]
fn a_full_set_does_not_keep_the_worker() {
    // A thousand outputs are there; after 128 of them the budget ends the poll.
    watchdog(|| {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let taken = samovar::spawn(async {
                let mut set: JoinSet<()> = (0..1000).map(|_| async {}).collect();
                while !set.is_empty() && set.try_join_next().is_none() {
                    yield_now().await;
                }
                for _ in 0..10 {
                    yield_now().await;
                }
                let mut in_one_poll = 0;
                poll_fn(|cx| {
                    while let Poll::Ready(Some(_)) = set.poll_join_next(cx) {
                        in_one_poll += 1;
                    }
                    Poll::Ready(())
                })
                .await;
                in_one_poll
            });
            let taken = taken.await.unwrap();
            assert!((1..=128).contains(&taken), "{taken} in one poll");
        });
    });
}

#[test]
fn blocking_jobs_and_other_runtimes_take_part() {
    watchdog(|| {
        let other = Runtime::new().unwrap();
        let runtime = Builder::new_current_thread().build().unwrap();
        let mut set = JoinSet::new();
        set.spawn_on(async { 1 }, other.handle());
        set.spawn_blocking_on(|| 2, other.handle());
        runtime.block_on(async {
            set.spawn(async { 4 });
            set.spawn_blocking(|| 8);
            assert_eq!(set.join_all().await.into_iter().sum::<i32>(), 15);
        });
    });
}

#[test]
fn a_task_for_a_runtime_that_is_gone_is_cancelled() {
    watchdog(|| {
        let gone = Runtime::new().unwrap().handle().clone();
        let mut set = JoinSet::new();
        set.spawn_on(async { 1 }, &gone);
        let error = samovar::block_on(set.join_next()).unwrap().unwrap_err();
        assert!(error.is_cancelled());
    });
}

#[test]
fn collected_and_extended() {
    on_all(|| async {
        let mut set: JoinSet<u32> = (0..3).map(|n| async move { n }).collect();
        set.extend((3..5).map(|n| async move { n }));
        assert_eq!(format!("{set:?}"), "JoinSet { len: 5 }");
        assert_eq!(set.join_all().await.into_iter().sum::<u32>(), 10);
    });
}
