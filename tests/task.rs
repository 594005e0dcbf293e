//! Tasks: wakers, join handles, abort, panics.

mod runtime_support;

use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use futures::channel::oneshot;
use futures::future::join_all;
use runtime_support::{
    Counter, current_thread, holding, multi_thread, on_drop, on_each, wait_until, watchdog,
};
use samovar::runtime::Runtime;
use samovar::task::{self, JoinHandle, yield_now};

/// Polls a handle outside of any task, with a waker of the test's choice.
fn poll_with<T>(
    handle: &mut JoinHandle<T>,
    waker: &Waker,
) -> Poll<Result<T, samovar::task::JoinError>> {
    Pin::new(handle).poll(&mut Context::from_waker(waker))
}

/// Runs whatever is ready.
fn run_a_while(rt: &Runtime) {
    rt.block_on(async {
        for _ in 0..10 {
            yield_now().await;
        }
    });
}

/// A waker that panics when it is woken.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("this waker panics");
    }
}

// Wakers

/// A place where a thread waits for a waker, and answers it at once.
#[derive(Default)]
struct Bell {
    state: Mutex<(Option<Waker>, usize)>,
    hung: Condvar,
}

impl Bell {
    /// Answers so many wakers.
    fn answer(&self, times: usize) {
        for _ in 0..times {
            let mut state = self.state.lock().unwrap();
            let waker = loop {
                match state.0.take() {
                    Some(waker) => break waker,
                    None => state = self.hung.wait(state).unwrap(),
                }
            };
            state.1 += 1;
            drop(state);
            waker.wake();
        }
    }

    /// Waits for the next answer.
    async fn ring(&self) {
        let before = self.state.lock().unwrap().1;
        poll_fn(|cx| {
            let mut state = self.state.lock().unwrap();
            if state.1 > before {
                return Poll::Ready(());
            }
            state.0 = Some(cx.waker().clone());
            self.hung.notify_one();
            Poll::Pending
        })
        .await;
    }
}

#[test]
fn a_wake_from_another_thread_while_poll_returns_is_not_lost() {
    const ROUNDS: usize = 3_000;
    on_each(|rt| {
        let bell = Arc::new(Bell::default());
        let answering = thread::spawn({
            let bell = bell.clone();
            move || bell.answer(2 * ROUNDS)
        });
        let task = rt.spawn({
            let bell = bell.clone();
            async move {
                for _ in 0..ROUNDS {
                    bell.ring().await;
                }
            }
        });
        rt.block_on(async {
            task.await.unwrap();
            for _ in 0..ROUNDS {
                bell.ring().await;
            }
        });
        answering.join().unwrap();
    });
}

#[test]
fn a_task_that_wakes_itself_goes_to_the_back_of_the_queue_once() {
    watchdog(60, || {
        let log = Arc::new(Mutex::new(Vec::new()));
        let rt = current_thread();
        let polled = Counter::new();
        let selfish = {
            let (log, polled) = (log.clone(), polled.clone());
            rt.spawn(poll_fn(move |cx| {
                log.lock().unwrap().push("selfish");
                polled.add();
                if polled.get() == 2 {
                    return Poll::Ready(());
                }
                for _ in 0..3 {
                    cx.waker().wake_by_ref();
                    let by_value = cx.waker().clone();
                    by_value.wake();
                }
                Poll::Pending
            }))
        };
        let others = ["first", "second"].map(|name| {
            let log = log.clone();
            rt.spawn(async move { log.lock().unwrap().push(name) })
        });
        rt.block_on(async {
            selfish.await.unwrap();
            for other in others {
                other.await.unwrap();
            }
        });
        run_a_while(&rt);
        assert_eq!(
            *log.lock().unwrap(),
            ["selfish", "first", "second", "selfish"]
        );
        assert_eq!(polled.get(), 2);
    });
}

#[test]
fn a_thousand_wakes_are_one_poll() {
    watchdog(60, || {
        let rt = current_thread();
        let polls = Counter::new();
        let waker = Arc::new(Mutex::new(None::<Waker>));
        let _task = {
            let (polls, waker) = (polls.clone(), waker.clone());
            rt.spawn(poll_fn(move |cx| {
                polls.add();
                *waker.lock().unwrap() = Some(cx.waker().clone());
                Poll::<()>::Pending
            }))
        };
        run_a_while(&rt);
        assert_eq!(polls.get(), 1);
        let waker = waker.lock().unwrap().clone().unwrap();
        // From outside, and from the worker itself.
        for _ in 0..1000 {
            waker.wake_by_ref();
        }
        run_a_while(&rt);
        assert_eq!(polls.get(), 2);
        rt.block_on(async {
            for _ in 0..1000 {
                waker.wake_by_ref();
            }
        });
        run_a_while(&rt);
        assert_eq!(polls.get(), 3);
    });
}

#[test]
fn wakes_after_the_end_do_nothing() {
    on_each(|rt| {
        let polls = Counter::new();
        let dropped = Counter::new();
        let waker = Arc::new(Mutex::new(None::<Waker>));
        let task = {
            let (polls, waker, probe) = (polls.clone(), waker.clone(), dropped.on_drop());
            rt.spawn(poll_fn(move |cx| {
                let _probe = &probe;
                polls.add();
                *waker.lock().unwrap() = Some(cx.waker().clone());
                // Woken and ready in one poll: nothing may be left in a queue.
                cx.waker().wake_by_ref();
                Poll::Ready(())
            }))
        };
        rt.block_on(task).unwrap();
        assert_eq!(dropped.get(), 1, "the future goes before its joiner knows");
        let waker = waker.lock().unwrap().take().unwrap();
        thread::spawn(move || {
            waker.wake_by_ref();
            let by_value = waker.clone();
            by_value.wake();
            drop(waker.clone());
            waker.wake();
        })
        .join()
        .unwrap();
        run_a_while(rt);
        assert_eq!(polls.get(), 1);
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn what_was_written_before_a_wake_is_seen_by_the_next_poll() {
    const ROUNDS: usize = 300;
    on_each(|rt| {
        for _ in 0..ROUNDS {
            let waker = Arc::new(Mutex::new(None::<Waker>));
            let written = Arc::new(AtomicUsize::new(0));
            let task = {
                let (waker, written) = (waker.clone(), written.clone());
                rt.spawn(poll_fn(move |cx| {
                    if written.load(Relaxed) == 2 {
                        return Poll::Ready(());
                    }
                    // The lock is not taken again by the writers after they have written: only the wake orders.
                    *waker.lock().unwrap() = Some(cx.waker().clone());
                    Poll::Pending
                }))
            };
            let writers: Vec<_> = (0..2)
                .map(|_| {
                    let (waker, written) = (waker.clone(), written.clone());
                    let handle = rt.handle().clone();
                    thread::spawn(move || {
                        let waker = loop {
                            if let Some(waker) = waker.lock().unwrap().clone() {
                                break waker;
                            }
                            // On a current-thread runtime somebody has to run the task for a first time.
                            handle.block_on(yield_now());
                        };
                        written.fetch_add(1, Relaxed);
                        waker.wake();
                    })
                })
                .collect();
            rt.block_on(task).unwrap();
            for writer in writers {
                writer.join().unwrap();
            }
        }
    });
}

#[test]
fn all_wakers_of_a_task_are_the_same_waker() {
    fn same_in_all_polls() -> impl Future<Output = ()> + Send {
        let mut first = None::<Waker>;
        let mut polls = 0;
        poll_fn(move |cx| {
            let known = first.get_or_insert_with(|| cx.waker().clone());
            assert!(known.will_wake(cx.waker()));
            assert!(cx.waker().will_wake(known));
            assert!(known.clone().will_wake(cx.waker()));
            polls += 1;
            if polls == 5 {
                return Poll::Ready(());
            }
            known.wake_by_ref();
            Poll::Pending
        })
    }
    on_each(|rt| {
        rt.block_on(same_in_all_polls());
        rt.block_on(rt.spawn(same_in_all_polls())).unwrap();
        samovar::block_on(same_in_all_polls());
        let foreign = Arc::new(Mutex::new(None::<Waker>));
        let keep = foreign.clone();
        rt.block_on(rt.spawn(poll_fn(move |cx| {
            *keep.lock().unwrap() = Some(cx.waker().clone());
            Poll::Ready(())
        })))
        .unwrap();
        let foreign = foreign.lock().unwrap().take().unwrap();
        rt.block_on(poll_fn(move |cx| {
            assert!(!foreign.will_wake(cx.waker()));
            Poll::Ready(())
        }));
    });
}

#[test]
fn a_task_that_nobody_can_wake_is_dropped_with_the_runtime() {
    on_each(|rt| {
        let dropped = Counter::new();
        // The waker is dropped with the receiver, and the handle at once: nobody refers to the task.
        drop(rt.spawn(holding(dropped.on_drop(), pending())));
        // The task owns what would wake it.
        let (sender, receiver) = oneshot::channel::<()>();
        let both = (dropped.on_drop(), sender);
        drop(rt.spawn(holding(both, async {
            let _ = receiver.await;
        })));
        run_a_while(rt);
        assert_eq!(dropped.get(), 0);
        let probe = dropped.clone();
        // Checked when the runtime is dropped: after this function. The second runtime stands for it.
        let other = multi_thread(2);
        drop(other.spawn(holding(probe.on_drop(), pending())));
        drop(other);
        assert_eq!(dropped.get(), 1);
    });
    for make in [current_thread, || multi_thread(2)] {
        let dropped = watchdog(60, move || {
            let dropped = Counter::new();
            let rt = make();
            let (sender, receiver) = oneshot::channel::<()>();
            let both = (dropped.on_drop(), sender);
            drop(rt.spawn(holding(both, async {
                let _ = receiver.await;
            })));
            run_a_while(&rt);
            drop(rt);
            dropped.get()
        });
        assert_eq!(dropped, 1);
    }
}

#[test]
fn a_waker_that_panics_harms_nobody_else() {
    on_each(|rt| {
        let bomb = Waker::from(Arc::new(Bomb));
        // As the waker of a joiner.
        let (open, gate) = oneshot::channel::<()>();
        let mut task = rt.spawn(async {
            let _ = gate.await;
            "done"
        });
        assert!(poll_with(&mut task, &bomb).is_pending());
        open.send(()).unwrap();
        assert_eq!(rt.block_on(task).unwrap(), "done");
        // As the waker of a timer, between two others.
        rt.block_on(async {
            let short = std::time::Duration::from_millis(1);
            let sleepers: Vec<_> = (0..10)
                .map(|_| samovar::spawn(samovar::time::sleep(short)))
                .collect();
            let mut sleep = pin!(samovar::time::sleep(short));
            assert!(
                sleep
                    .as_mut()
                    .poll(&mut Context::from_waker(&bomb))
                    .is_pending()
            );
            for sleeper in sleepers {
                sleeper.await.unwrap();
            }
            samovar::time::sleep(short).await;
            sleep.await;
        });
        let answers = rt.block_on(join_all((0..100).map(|n| samovar_spawn(rt, n))));
        assert_eq!(answers, (0..100).collect::<Vec<_>>());
    });
}

/// Spawns on `rt`; gives the number back.
async fn samovar_spawn(rt: &Runtime, number: usize) -> usize {
    rt.spawn(async move { number }).await.unwrap()
}

#[test]
fn futures_of_every_size_run() {
    on_each(|rt| {
        let big = || async {
            let buffer = [1_u8; 100 * 1024];
            yield_now().await;
            buffer.iter().map(|byte| usize::from(*byte)).sum::<usize>()
        };
        assert_eq!(rt.block_on(big()), 100 * 1024);
        assert_eq!(samovar::block_on(rt.spawn_join(big())), 100 * 1024);
        rt.block_on(rt.spawn(std::future::ready(()))).unwrap();
        let sum: usize = rt
            .block_on(join_all((0..50).map(|_| rt.spawn(big()))))
            .into_iter()
            .map(Result::unwrap)
            .sum();
        assert_eq!(sum, 50 * 100 * 1024);
    });
}

/// Spawns and joins on a runtime that may have nobody to drive it but the caller.
trait SpawnJoin {
    fn spawn_join<F>(&self, future: F) -> impl Future<Output = F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;
}

impl SpawnJoin for Runtime {
    fn spawn_join<F>(&self, future: F) -> impl Future<Output = F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let handle = self.spawn(future);
        run_a_while(self);
        async move { handle.await.unwrap() }
    }
}

// Abort

#[test]
fn abort_from_outside_drops_the_future_on_the_runtime_s_thread() {
    watchdog(60, || {
        for rt in [multi_thread(1), multi_thread(2)] {
            let (tell, dropped_on) = std::sync::mpsc::channel();
            let started = Arc::new(AtomicBool::new(false));
            let task = {
                let started = started.clone();
                let probe = on_drop(move || tell.send(thread::current().id()).unwrap());
                rt.spawn(async move {
                    let _probe = probe;
                    started.store(true, SeqCst);
                    // Never wakes itself.
                    pending::<()>().await;
                })
            };
            wait_until(|| started.load(SeqCst));
            task.abort();
            assert_ne!(dropped_on.recv().unwrap(), thread::current().id());
            assert!(samovar::block_on(task).unwrap_err().is_cancelled());
        }
    });
}

#[test]
fn abort_before_the_first_poll_means_no_poll() {
    watchdog(60, || {
        let rt = current_thread();
        let dropped = Counter::new();
        let probe = dropped.on_drop();
        let task = rt.spawn(async move {
            let _probe = probe;
            panic!("was polled");
        });
        task.abort();
        assert_eq!(dropped.get(), 0, "the aborter drops nothing itself");
        let error = rt.block_on(task).unwrap_err();
        assert!(error.is_cancelled() && !error.is_panic());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn abort_inside_the_own_poll_takes_effect_at_the_next_await() {
    on_each(|rt| {
        let reached = Counter::new();
        let (give, take) = oneshot::channel::<samovar::task::AbortHandle>();
        let task = {
            let reached = reached.clone();
            rt.spawn(async move {
                let me = take.await.unwrap();
                me.abort();
                me.abort();
                assert!(!me.is_finished());
                reached.add();
                yield_now().await;
                reached.add();
            })
        };
        give.send(task.abort_handle()).unwrap();
        assert!(rt.block_on(task).unwrap_err().is_cancelled());
        assert_eq!(reached.get(), 1);
    });
}

#[test]
fn abort_of_a_task_that_ends_in_its_running_poll_comes_too_late() {
    on_each(|rt| {
        let (give, take) = oneshot::channel::<samovar::task::AbortHandle>();
        let task = rt.spawn(async move {
            let me = take.await.unwrap();
            me.abort();
            "the output is not lost"
        });
        let other = task.abort_handle();
        give.send(task.abort_handle()).unwrap();
        assert_eq!(rt.block_on(task).unwrap(), "the output is not lost");
        assert!(other.is_finished());
        other.abort();
    });
}

#[test]
fn abort_after_the_end_leaves_the_output_alone() {
    on_each(|rt| {
        let task = rt.spawn(async { 7 });
        while !task.is_finished() {
            run_a_while(rt);
        }
        task.abort();
        task.abort_handle().abort();
        assert_eq!(rt.block_on(task).unwrap(), 7);
    });
}

#[test]
fn the_destructor_s_effects_are_visible_to_the_joiner() {
    on_each(|rt| {
        for abort in [false, true] {
            let flag = Arc::new(AtomicUsize::new(0));
            let probe = {
                let flag = flag.clone();
                on_drop(move || flag.store(1, Relaxed))
            };
            let task = rt.spawn(holding(probe, async move {
                yield_now().await;
                if abort {
                    pending::<()>().await;
                }
            }));
            if abort {
                task.abort();
            }
            let result = rt.block_on(task);
            assert_eq!(result.is_err(), abort);
            assert_eq!(flag.load(Relaxed), 1);
        }
    });
}

// Panics

/// Panics when dropped, unless the thread is panicking already.
struct BadDrop(Counter);

impl Drop for BadDrop {
    fn drop(&mut self) {
        self.0.add();
        if !thread::panicking() {
            panic!("this destructor panics");
        }
    }
}

#[test]
fn a_panic_reaches_the_joiner_with_its_payload() {
    on_each(|rt| {
        let error = rt
            .block_on(rt.spawn(async { panic_any("cup 3".to_owned()) }))
            .unwrap_err();
        assert!(error.is_panic() && !error.is_cancelled());
        assert!(error.to_string().contains("cup 3"), "{error}");
        assert!(format!("{error:?}").contains("cup 3"), "{error:?}");
        let payload = error.into_panic();
        assert_eq!(payload.downcast_ref::<String>().unwrap(), "cup 3");

        let error = rt
            .block_on(rt.spawn(async { panic_any(41_u8) }))
            .unwrap_err();
        assert_eq!(
            *error
                .try_into_panic()
                .unwrap()
                .downcast_ref::<u8>()
                .unwrap(),
            41
        );

        let task = rt.spawn(pending::<()>());
        task.abort();
        let error = rt.block_on(task).unwrap_err();
        assert!(error.to_string().contains("cancelled"), "{error}");
        assert!(error.try_into_panic().unwrap_err().is_cancelled());
    });
}

#[test]
fn panics_everywhere_and_the_workers_live_on() {
    on_each(|rt| {
        let drops = Counter::new();
        for _ in 0..20 {
            drop(rt.spawn(async { panic!("in poll") }));
            // In the destructor of the future, when it is aborted.
            let task = rt.spawn(holding(BadDrop(drops.clone()), pending()));
            run_a_while(rt);
            task.abort();
            assert!(rt.block_on(task).unwrap_err().is_panic());
            // In the destructor of the future, when it is done.
            let task = rt.spawn(holding(BadDrop(drops.clone()), async {}));
            assert!(rt.block_on(task).is_err());
            // In the destructor of the output, before and after the end.
            let bad = BadDrop(drops.clone());
            drop(rt.spawn(async move { bad }));
            let bad = BadDrop(drops.clone());
            let task = rt.spawn(async move { bad });
            while !task.is_finished() {
                run_a_while(rt);
            }
            drop(task);
        }
        let sum: usize = rt
            .block_on(join_all((0..1000).map(|n| rt.spawn(async move { n }))))
            .into_iter()
            .map(Result::unwrap)
            .sum();
        assert_eq!(sum, 999 * 500);
        assert_eq!(drops.get(), 80);
    });
}

#[test]
fn a_panic_payload_that_panics_when_dropped_is_contained() {
    on_each(|rt| {
        let drops = Counter::new();
        let bad = BadDrop(drops.clone());
        // The handle is gone: the runtime drops the payload.
        let task = rt.spawn(async move { panic_any(bad) });
        let ended = task.abort_handle();
        drop(task);
        while !ended.is_finished() {
            run_a_while(rt);
        }
        // The handle is there but the output is not taken.
        let bad = BadDrop(drops.clone());
        let task = rt.spawn(async move { panic_any(bad) });
        while !task.is_finished() {
            run_a_while(rt);
        }
        drop(task);
        assert_eq!(rt.block_on(rt.spawn(async { 1 })).unwrap(), 1);
        wait_until(|| drops.get() == 2);
    });
}

// Everything with everything

#[derive(Clone, Copy, Debug, PartialEq)]
enum Body {
    Completes,
    Waits,
    Panics,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Abort {
    Never,
    BeforeTheFirstPoll,
    WhileItWaits,
    AfterTheEnd,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Awaited,
    DroppedAtOnce,
    PolledAndDropped,
    DroppedAtTheEnd,
    KeptUntilTheRuntimeIsGone,
}

/// Counts its drop, and panics then if it is told to.
struct Probe {
    drops: Counter,
    panics: bool,
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.drops.add();
        if self.panics && !thread::panicking() {
            panic!("this destructor panics");
        }
    }
}

/// A future with a destructor. (As a variable inside the future it would be dropped in its last poll.)
struct Probed<T> {
    body: Pin<Box<dyn Future<Output = T> + Send>>,
    _probe: Probe,
}

impl<T> Future for Probed<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.body.as_mut().poll(cx)
    }
}

#[derive(Clone, Copy, Debug)]
struct Case {
    body: Body,
    abort: Abort,
    fate: Fate,
    future_panics: bool,
    output_panics: bool,
}

impl Case {
    fn is_aborted(self) -> bool {
        matches!(self.abort, Abort::BeforeTheFirstPoll | Abort::WhileItWaits)
    }

    fn ends(self) -> bool {
        self.is_aborted() || self.body != Body::Waits
    }

    fn check(self, rt: Runtime) {
        let (futures, outputs, made) = (Counter::new(), Counter::new(), Counter::new());
        let (open, gate) = oneshot::channel::<()>();
        let started = Counter::new();
        let handle = {
            let (outputs, made, started) = (outputs.clone(), made.clone(), started.clone());
            let probe = Probe {
                drops: futures.clone(),
                panics: self.future_panics,
            };
            let body = async move {
                started.add();
                let _ = gate.await;
                match self.body {
                    Body::Waits => pending().await,
                    Body::Panics => panic!("the task panics"),
                    Body::Completes => {
                        made.add();
                        Probe {
                            drops: outputs,
                            panics: self.output_panics,
                        }
                    }
                }
            };
            rt.spawn(Probed {
                body: Box::pin(body),
                _probe: probe,
            })
        };
        let remote = handle.abort_handle();
        let mut handle = Some(handle);
        let woken = Arc::new(Counter::new());
        let waker = Waker::from(woken.clone());
        if self.fate == Fate::DroppedAtOnce {
            handle = None;
        }
        if self.abort == Abort::BeforeTheFirstPoll {
            remote.abort();
        } else {
            while started.get() == 0 {
                run_a_while(&rt);
            }
        }
        if self.fate == Fate::PolledAndDropped {
            // It leaves a waker behind, unless the task was quicker.
            let mut polled = handle.take().unwrap();
            if let Poll::Ready(result) = poll_with(&mut polled, &waker) {
                self.check_result(result);
            }
        }
        if self.abort == Abort::WhileItWaits {
            remote.abort();
        }
        if !self.is_aborted() {
            open.send(()).unwrap();
        }
        while self.ends() && !remote.is_finished() {
            run_a_while(&rt);
        }
        if self.abort == Abort::AfterTheEnd && self.ends() {
            remote.abort();
        }
        if self.fate == Fate::DroppedAtTheEnd {
            handle = None;
        }
        // Either end can come first.
        if self.ends() && self.fate != Fate::KeptUntilTheRuntimeIsGone {
            if let Some(handle) = handle.take() {
                self.check_result(rt.block_on(handle));
            }
        }
        drop(rt);
        if let Some(handle) = handle.take() {
            self.check_result(samovar::block_on(handle));
        }
        assert_eq!(futures.get(), 1, "{self:?}");
        assert_eq!(outputs.get(), made.get(), "{self:?}");
        assert_eq!(Arc::strong_count(&woken), 2, "{self:?} kept the waker");
        if self.ends() && !self.is_aborted() {
            assert_eq!(
                made.get(),
                usize::from(self.body == Body::Completes),
                "{self:?}"
            );
        }
    }

    fn check_result(self, result: Result<Probe, samovar::task::JoinError>) {
        match result {
            Ok(output) => {
                assert!(
                    self.body == Body::Completes && !self.is_aborted(),
                    "{self:?}"
                );
                let _ = catch_unwind(AssertUnwindSafe(|| drop(output)));
            }
            Err(error) if error.is_panic() => {
                let in_poll = self.body == Body::Panics && !self.is_aborted();
                let cancelled = self.is_aborted() || self.body == Body::Waits;
                assert!(in_poll || (cancelled && self.future_panics), "{self:?}");
            }
            Err(_) => {
                assert!(self.is_aborted() || self.body == Body::Waits, "{self:?}");
                assert!(!self.future_panics, "{self:?}");
            }
        }
    }
}

#[test]
fn every_destructor_runs_exactly_once_whatever_happens() {
    for make in [current_thread, || multi_thread(2)] {
        watchdog(60, move || {
            for body in [Body::Completes, Body::Waits, Body::Panics] {
                for abort in [
                    Abort::Never,
                    Abort::BeforeTheFirstPoll,
                    Abort::WhileItWaits,
                    Abort::AfterTheEnd,
                ] {
                    for fate in [
                        Fate::Awaited,
                        Fate::DroppedAtOnce,
                        Fate::PolledAndDropped,
                        Fate::DroppedAtTheEnd,
                        Fate::KeptUntilTheRuntimeIsGone,
                    ] {
                        for bits in 0..4 {
                            let case = Case {
                                body,
                                abort,
                                fate,
                                future_panics: bits & 1 != 0,
                                output_panics: bits & 2 != 0,
                            };
                            case.check(make());
                        }
                    }
                }
            }
        });
    }
}

// Join handles

#[test]
fn a_task_whose_handle_is_dropped_runs_on() {
    on_each(|rt| {
        let (ran, outputs) = (Counter::new(), Counter::new());
        let future = |gate: oneshot::Receiver<()>| {
            let (ran, output) = (ran.clone(), outputs.on_drop());
            async move {
                let _ = gate.await;
                ran.add();
                output
            }
        };
        // At once.
        let (open, gate) = oneshot::channel();
        drop(rt.spawn(future(gate)));
        open.send(()).unwrap();
        // While it waits, after the handle was polled.
        let (open, gate) = oneshot::channel();
        let mut task = rt.spawn(future(gate));
        rt.block_on(async {
            yield_now().await;
            assert!(futures::poll!(&mut task).is_pending());
        });
        drop(task);
        open.send(()).unwrap();
        // After the end.
        let (open, gate) = oneshot::channel();
        let task = rt.spawn(future(gate));
        open.send(()).unwrap();
        while !task.is_finished() {
            run_a_while(rt);
        }
        drop(task);
        while outputs.get() < 3 {
            run_a_while(rt);
        }
        assert_eq!((ran.get(), outputs.get()), (3, 3));
    });
}

#[test]
fn handles_dropped_while_their_tasks_end_leak_nothing() {
    watchdog(60, || {
        let rt = multi_thread(2);
        let outputs = Counter::new();
        const ROUNDS: usize = 3_000;
        for round in 0..ROUNDS {
            let output = outputs.on_drop();
            let mut task = rt.spawn(async move { output });
            if round % 2 == 0 {
                let ignored = Waker::from(Arc::new(Counter::new()));
                let _ = poll_with(&mut task, &ignored);
            }
            drop(task);
        }
        drop(rt);
        assert_eq!(outputs.get(), ROUNDS);
    });
}

#[test]
fn two_tasks_that_await_each_other_are_freed_with_the_runtime() {
    for make in [current_thread, || multi_thread(2)] {
        watchdog(60, move || {
            let dropped = Counter::new();
            let rt = make();
            let (give_a, take_a) = oneshot::channel::<JoinHandle<()>>();
            let (give_b, take_b) = oneshot::channel::<JoinHandle<()>>();
            let a = rt.spawn(holding(dropped.on_drop(), async move {
                let _ = take_b.await.unwrap().await;
            }));
            let b = rt.spawn(holding(dropped.on_drop(), async move {
                let _ = take_a.await.unwrap().await;
            }));
            give_a.send(a).unwrap();
            give_b.send(b).unwrap();
            run_a_while(&rt);
            assert_eq!(dropped.get(), 0);
            drop(rt);
            assert_eq!(dropped.get(), 2);
        });
    }
}

#[test]
fn the_last_waker_of_a_join_handle_is_the_one_that_is_woken() {
    on_each(|rt| {
        let (open, gate) = oneshot::channel::<()>();
        let mut task = rt.spawn(async {
            let _ = gate.await;
        });
        let (first, last) = (Arc::new(Counter::new()), Arc::new(Counter::new()));
        assert!(poll_with(&mut task, &Waker::from(first.clone())).is_pending());
        assert_eq!(Arc::strong_count(&first), 2);
        assert!(poll_with(&mut task, &Waker::from(last.clone())).is_pending());
        assert_eq!(
            Arc::strong_count(&first),
            1,
            "the replaced waker is dropped"
        );
        open.send(()).unwrap();
        while last.get() == 0 {
            run_a_while(rt);
        }
        assert_eq!((first.get(), last.get()), (0, 1));
        assert!(poll_with(&mut task, &Waker::from(first.clone())).is_ready());
        drop(task);
        wait_until(|| Arc::strong_count(&first) == 1 && Arc::strong_count(&last) == 1);
    });
}

#[test]
fn a_join_waker_replaced_while_the_task_ends_is_not_lost() {
    watchdog(60, || {
        let rt = multi_thread(2);
        for _ in 0..2_000 {
            let (open, gate) = oneshot::channel::<()>();
            let mut task = rt.spawn(async {
                let _ = gate.await;
            });
            let first = Waker::from(Arc::new(Counter::new()));
            let _ = poll_with(&mut task, &first);
            open.send(()).unwrap();
            let last = Arc::new(Counter::new());
            if poll_with(&mut task, &Waker::from(last.clone())).is_pending() {
                wait_until(|| last.get() == 1);
                assert!(poll_with(&mut task, &first).is_ready());
            }
        }
    });
}

#[test]
fn a_waker_dropped_with_its_handle_does_not_stay_in_the_task() {
    on_each(|rt| {
        let waker = Arc::new(Counter::new());
        let mut task = rt.spawn(pending::<()>());
        assert!(poll_with(&mut task, &Waker::from(waker.clone())).is_pending());
        assert_eq!(Arc::strong_count(&waker), 2);
        drop(task);
        assert_eq!(Arc::strong_count(&waker), 1);
    });
}

#[test]
fn awaiting_a_handle_in_vain_loses_nothing() {
    on_each(|rt| {
        let (open, gate) = oneshot::channel::<()>();
        let mut task = rt.spawn(async {
            let _ = gate.await;
            5
        });
        rt.block_on(async {
            for _ in 0..3 {
                assert!(futures::poll!(&mut task).is_pending());
                yield_now().await;
            }
            open.send(()).unwrap();
            assert_eq!(task.await.unwrap(), 5);
        });
    });
}

// Ids

#[test]
fn a_task_has_its_id_while_it_is_polled_and_dropped() {
    on_each(|rt| {
        assert_eq!(task::try_id(), None);
        rt.block_on(async { assert_eq!(task::try_id(), None) });
        let in_drop = Arc::new(Mutex::new(None));
        let probe = {
            let in_drop = in_drop.clone();
            on_drop(move || *in_drop.lock().unwrap() = task::try_id())
        };
        let task = rt.spawn(async move {
            let _probe = probe;
            yield_now().await;
            task::id()
        });
        let (id, remote) = (task.id(), task.abort_handle());
        assert_eq!(rt.block_on(task).unwrap(), id);
        assert_eq!(remote.id(), id);
        assert_eq!(*in_drop.lock().unwrap(), Some(id));
        let failed = rt.spawn(async { panic!() });
        let id = failed.id();
        assert_eq!(rt.block_on(failed).unwrap_err().id(), id);
        let closure = rt.spawn_blocking(task::id);
        let id = closure.id();
        assert_eq!(rt.block_on(closure).unwrap(), id);
    });
}

#[test]
fn no_two_tasks_have_the_same_id() {
    watchdog(60, || {
        let rt = multi_thread(2);
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let handle = rt.handle().clone();
                thread::spawn(move || {
                    (0..3_000)
                        .map(|_| handle.spawn(async {}).id())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let mut ids: Vec<_> = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 9_000);
    });
}
