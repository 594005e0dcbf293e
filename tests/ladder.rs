//! The ladder of executors in `examples/ladder`: each rung prints what it promises, is as short as it says, and is right.
//!
//! The files are included as modules, so what is tested is what people read. The first rungs are also checked in every
//! interleaving: `tests/ladder_models.rs`.
#![cfg(not(loom))]

mod examples_support;
mod rungs;
mod watchdog;

use std::fs;
use std::future::{pending, poll_fn};
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use rungs::{rung_1, rung_2, rung_3, rung_4, rung_5, rung_6};
use rustix::time::{ClockId, clock_gettime};
use watchdog::watchdog;

/// How long anything may take. Far longer than it does, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs the test on a thread of its own, with its own event loop, and fails when it hangs.
fn watched(test: impl FnOnce() + Send + 'static) {
    let ended = watchdog(PATIENCE.as_secs(), || thread::spawn(test).join());
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// Gives way once: woken during the poll.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(move |cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Is awaited until `ring`: the waker is replaced on each poll, and called outside the lock.
#[derive(Default)]
struct Bell(Mutex<(bool, Option<Waker>)>);

impl Bell {
    fn ring(&self) {
        let waker = {
            let mut bell = self.0.lock().unwrap();
            bell.0 = true;
            bell.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn wait(&self) {
        poll_fn(|cx| {
            let (rung, _older) = {
                let mut bell = self.0.lock().unwrap();
                let rung = std::mem::take(&mut bell.0);
                (rung, bell.1.replace(cx.waker().clone()))
            };
            if rung { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Counts down, and rings at zero.
struct Countdown(AtomicUsize, Bell);

impl Countdown {
    fn new(count: usize) -> Arc<Countdown> {
        Arc::new(Countdown(AtomicUsize::new(count), Bell::default()))
    }

    fn tick(&self) {
        if self.0.fetch_sub(1, SeqCst) == 1 {
            self.1.ring();
        }
    }
}

/// Tells when it is dropped.
struct Dropped(Sender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// A waker that counts.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// The processor time of this thread.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The files.
const RUNGS: [&str; 7] = [
    "1_block_on",
    "2_tasks",
    "3_timers",
    "4_reactor",
    "5_join",
    "6_workers",
    "7_library",
];

fn source(rung: &str) -> String {
    fs::read_to_string(format!("examples/ladder/{rung}.rs")).unwrap()
}

/// As `.ci/lines` counts: without comments and blanks.
fn is_code(line: &&str) -> bool {
    !line.trim().is_empty() && !line.trim().starts_with("//")
}

/// The line without its numbers, which differ from run to run.
fn alike(line: &str) -> String {
    line.chars()
        .filter(|char| !char.is_ascii_digit())
        .collect::<String>()
        .trim()
        .to_owned()
}

mod files {
    use super::*;

    #[test]
    fn a_rung_is_at_most_120_lines_and_the_table_says_how_many() {
        let readme = fs::read_to_string("examples/ladder/README.md").unwrap();
        for rung in RUNGS {
            let lines = source(rung).lines().filter(is_code).count();
            assert!(lines <= 120, "{rung}: {lines} lines");
            let row = readme
                .lines()
                .find(|line| line.contains(&format!("({rung}.rs)")))
                .unwrap_or_else(|| panic!("{rung} is not in the table"));
            let said = format!("| {lines} |");
            assert!(row.contains(&said), "{rung} has {lines}, and not: {row}");
        }
    }

    #[test]
    fn no_rung_has_what_the_ladder_must_not_teach() {
        for rung in RUNGS {
            let source = source(rung);
            assert!(source.contains("#![forbid(unsafe_code)]"), "{rung}");
            for word in ["noop", "spin_loop", "yield_now", "process::exit"] {
                assert!(!source.contains(word), "{rung} has {word}");
            }
        }
    }

    #[test]
    fn a_rung_opens_with_what_the_last_one_prints_and_ends_with_what_it_cannot() {
        for rungs in RUNGS.windows(2) {
            let [last, next] = rungs else { unreachable!() };
            assert!(source(last).contains("\n// # What this cannot\n"), "{last}");
            let said = examples_support::output(&format!("ladder_{last}"), &[]);
            let source = source(next);
            let quoted = source
                .lines()
                .find_map(|line| line.strip_prefix("//! cannot "))
                .unwrap_or_else(|| panic!("{next} quotes nothing"));
            assert!(
                said.lines()
                    .any(|line| alike(line) == alike(&format!("cannot {quoted}"))),
                "{next} quotes {quoted:?}, and {last} says:\n{said}"
            );
        }
    }
}

mod programs {
    use super::examples_support::output;

    /// The last number before `unit`, in the line that starts so.
    fn number(said: &str, start: &str, unit: &str) -> f64 {
        let line = said.lines().find(|line| line.starts_with(start));
        let line = line.unwrap_or_else(|| panic!("no {start:?} in:\n{said}"));
        let before = line.rsplit_once(unit).unwrap().0.trim();
        before.rsplit(' ').next().unwrap().parse().unwrap()
    }

    fn has(said: &str, lines: &[&str]) {
        for line in lines {
            assert!(said.contains(line), "no {line:?} in:\n{said}");
        }
    }

    #[test]
    fn rung_1_polls_all_for_each_wake() {
        let said = output("ladder_1_block_on", &[]);
        has(&said, &["nothing  ", "kettle   ", " and 2 polls; "]);
        assert!(!said.contains("never printed"));
        assert!(number(&said, "cannot", "polls") > 200.0, "{said}");
    }

    #[test]
    fn rung_2_polls_one_for_each_wake() {
        let said = output("ladder_2_tasks", &[]);
        assert!(number(&said, "kettles", "polls") <= 200.0, "{said}");
    }

    #[test]
    fn rung_3_sleeps_without_threads() {
        let said = output("ladder_3_timers", &[]);
        has(&said, &["sleeps   10000 tasks have slept"]);
        assert!(number(&said, "cannot", "ms") >= 200.0, "{said}");
    }

    #[test]
    fn rung_4_echoes() {
        let said = output("ladder_4_reactor", &[]);
        has(&said, &["echo     100 clients are connected at once"]);
        has(
            &said,
            &["cannot   one task panics, and the server with all"],
        );
    }

    #[test]
    fn rung_5_tells_how_tasks_end() {
        let said = output("ladder_5_join", &[]);
        let lines = [
            "output   Ok(42)\n",
            "panic    Err(JoinError { panicked: true })\n",
            "nobody   Err(JoinError { panicked: false })",
            "abort    panicked: false\n",
        ];
        has(&said, &lines);
        assert!(!said.contains("never printed"));
        assert!(number(&said, "cannot", "ms") >= 200.0, "{said}");
    }

    #[test]
    fn rung_6_shares_the_work() {
        let said = output("ladder_6_workers", &[]);
        assert!(number(&said, "1 worker", "ms") >= 200.0, "{said}");
        assert!(number(&said, "2 worker", "ms") >= 50.0, "{said}");
        assert!(number(&said, "5 worker", "ms") < 200.0, "{said}");
        assert!(number(&said, "cannot", "ms") >= 50.0, "{said}");
    }

    #[test]
    fn rung_7_waits_for_nobody() {
        let said = output("ladder_7_library", &[]);
        has(
            &said,
            &["echo     \"one more cup\" came back", "was cancelled"],
        );
        assert!(number(&said, "blocked", "ms") < 500.0, "{said}");
        assert!(number(&said, "jobs", "ms, and") < 500.0, "{said}");
        has(&said, &["7_library.rs:", " can never wake"]);
        assert!(number(&said, "paused", "ms") < 60_000.0, "{said}");
    }
}

/// What every rung must do with the future in `block_on`.
macro_rules! one_future {
    ($name:ident, $block_on:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn gives_the_output() {
                watched(|| assert_eq!($block_on(async { 6 * 7 }), 42));
            }

            #[test]
            fn a_wake_during_the_poll_counts() {
                watched(|| {
                    $block_on(async {
                        for _ in 0..1000 {
                            yield_now().await;
                        }
                    });
                });
            }

            #[test]
            fn many_wakes_are_one_poll() {
                watched(|| {
                    static POLLS: AtomicUsize = AtomicUsize::new(0);
                    $block_on(poll_fn(|cx| {
                        for _ in 0..1000 {
                            cx.waker().wake_by_ref();
                        }
                        if POLLS.fetch_add(1, SeqCst) == 9 {
                            Poll::Ready(())
                        } else {
                            Poll::Pending
                        }
                    }));
                    assert_eq!(POLLS.load(SeqCst), 10);
                });
            }

            #[test]
            fn no_wake_of_another_thread_is_lost() {
                watched(|| {
                    let (there, back) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
                    let thread = thread::spawn({
                        let (there, back) = (there.clone(), back.clone());
                        move || {
                            for _ in 0..1000 {
                                rung_1::block_on(there.wait());
                                back.ring();
                            }
                        }
                    });
                    $block_on(async move {
                        for _ in 0..1000 {
                            there.ring();
                            back.wait().await;
                        }
                    });
                    thread.join().unwrap();
                });
            }

            #[test]
            fn a_token_that_the_future_takes_is_not_needed() {
                watched(|| {
                    let mut polls = 0;
                    $block_on(poll_fn(move |cx| {
                        polls += 1;
                        if polls == 2 {
                            return Poll::Ready(());
                        }
                        cx.waker().wake_by_ref();
                        // As code does that parks this thread for its own sake.
                        thread::current().unpark();
                        thread::park();
                        Poll::Pending
                    }));
                });
            }

            #[test]
            fn a_panic_comes_out_and_the_next_future_runs() {
                watched(|| {
                    let panic = catch_unwind(|| $block_on(async { assert_eq!(6 * 7, 54) }));
                    assert!(panic.is_err());
                    assert_eq!($block_on(async { 6 * 7 }), 42);
                });
            }

            #[test]
            fn waiting_takes_no_processor_time() {
                watched(|| {
                    let bell = Arc::new(Bell::default());
                    let ringer = bell.clone();
                    thread::spawn(move || {
                        thread::sleep(Duration::from_millis(500));
                        ringer.ring();
                    });
                    let before = thread_time();
                    $block_on(async move { bell.wait().await });
                    let used = thread_time() - before;
                    assert!(used < Duration::from_millis(100), "{used:?}");
                });
            }
        }
    };
}
one_future!(one_future_on_1, rung_1::block_on);
one_future!(one_future_on_2, rung_2::block_on);
one_future!(one_future_on_3, rung_3::block_on);
one_future!(one_future_on_4, rung_4::block_on);
one_future!(one_future_on_5, rung_5::block_on);
one_future!(one_future_on_6, |main| rung_6::block_on(3, main));

/// What every rung must do that has tasks.
macro_rules! many_tasks {
    ($name:ident, $block_on:expr, $spawn:path) => {
        mod $name {
            use super::*;

            #[test]
            fn all_run_and_each_once() {
                watched(|| {
                    static RUNS: AtomicUsize = AtomicUsize::new(0);
                    let done = Countdown::new(10_000);
                    $block_on(async move {
                        for _ in 0..10_000 {
                            let done = done.clone();
                            $spawn(async move {
                                RUNS.fetch_add(1, SeqCst);
                                done.tick();
                            });
                        }
                        done.1.wait().await;
                    });
                    assert_eq!(RUNS.load(SeqCst), 10_000);
                });
            }

            #[test]
            fn tasks_spawn_tasks() {
                fn chain(left: usize, done: Arc<Countdown>) {
                    if left == 0 {
                        return done.tick();
                    }
                    $spawn(async move { chain(left - 1, done) });
                }
                watched(|| {
                    let done = Countdown::new(1);
                    $block_on(async move {
                        chain(1000, done.clone());
                        done.1.wait().await;
                    });
                });
            }

            #[test]
            fn a_thousand_wakes_of_a_waiting_task_are_one_poll() {
                watched(|| {
                    static POLLS: AtomicUsize = AtomicUsize::new(0);
                    let (give, given) = channel();
                    let polled = Countdown::new(1);
                    let first = polled.clone();
                    let waker: Waker = $block_on(async move {
                        $spawn(async move {
                            poll_fn(|cx| {
                                POLLS.fetch_add(1, SeqCst);
                                give.send(cx.waker().clone()).unwrap();
                                first.tick();
                                Poll::<()>::Pending
                            })
                            .await
                        });
                        polled.1.wait().await;
                        let waker = given.recv().unwrap();
                        // On one thread nothing is polled meanwhile; on several a wake may find the task running.
                        let before = POLLS.load(SeqCst);
                        for _ in 0..1000 {
                            waker.wake_by_ref();
                        }
                        while POLLS.load(SeqCst) == before {
                            yield_now().await;
                        }
                        waker
                    });
                    if !stringify!($name).ends_with('6') {
                        assert_eq!(POLLS.load(SeqCst), 2);
                    }
                    drop(waker);
                });
            }

            #[test]
            fn a_future_is_dropped_when_it_is_ready_though_wakers_are_left() {
                watched(|| {
                    let (tell, told) = channel();
                    let (give, given) = channel();
                    let guard = Dropped(tell);
                    $block_on(async move {
                        $spawn(async move {
                            let _guard = guard;
                            poll_fn(|cx| Poll::Ready(give.send(cx.waker().clone()).unwrap())).await
                        });
                        while told.try_recv().is_err() {
                            yield_now().await;
                        }
                        let waker: Waker = given.recv().unwrap();
                        for _ in 0..10 {
                            waker.wake_by_ref();
                            yield_now().await;
                        }
                    });
                });
            }

            #[test]
            fn nobody_starves_beside_a_task_that_never_stops() {
                watched(|| {
                    let stop = Arc::new(AtomicBool::new(false));
                    let stopped = stop.clone();
                    let done = Countdown::new(100);
                    $block_on(async move {
                        for _ in 0..4 {
                            let stopped = stopped.clone();
                            $spawn(async move {
                                while !stopped.load(SeqCst) {
                                    yield_now().await;
                                }
                            });
                        }
                        for _ in 0..100 {
                            let done = done.clone();
                            $spawn(async move {
                                yield_now().await;
                                done.tick();
                            });
                        }
                        done.1.wait().await;
                        stop.store(true, SeqCst);
                    });
                });
            }

            #[test]
            fn tasks_and_threads_ring_each_other() {
                watched(|| {
                    let done = Countdown::new(64);
                    $block_on(async move {
                        for _ in 0..32 {
                            let (one, other) =
                                (Arc::new(Bell::default()), Arc::new(Bell::default()));
                            for (mine, theirs) in
                                [(one.clone(), other.clone()), (other, one.clone())]
                            {
                                let done = done.clone();
                                $spawn(async move {
                                    for _ in 0..200 {
                                        mine.wait().await;
                                        theirs.ring();
                                    }
                                    done.tick();
                                });
                            }
                            thread::spawn(move || one.ring());
                        }
                        done.1.wait().await;
                    });
                });
            }

            #[test]
            fn a_wake_after_the_end_is_nothing() {
                watched(|| {
                    let (give, given) = channel();
                    let polled = Countdown::new(1);
                    let first = polled.clone();
                    let thread = thread::spawn(move || {
                        $block_on(async move {
                            $spawn(async move {
                                poll_fn(|cx| {
                                    let _ = give.send(cx.waker().clone());
                                    first.tick();
                                    Poll::<()>::Pending
                                })
                                .await
                            });
                            polled.1.wait().await;
                        });
                    });
                    thread.join().unwrap();
                    let waker: Waker = given.recv().unwrap();
                    waker.wake_by_ref();
                    waker.wake();
                });
            }
        }
    };
}
many_tasks!(many_tasks_on_2, rung_2::block_on, rung_2::spawn);
many_tasks!(many_tasks_on_3, rung_3::block_on, rung_3::spawn);
many_tasks!(many_tasks_on_4, rung_4::block_on, rung_4::spawn);
many_tasks!(many_tasks_on_5, rung_5::block_on, rung_5::spawn);
many_tasks!(
    many_tasks_on_6,
    |main| rung_6::block_on(3, main),
    rung_6::spawn
);

mod nested {
    use super::*;

    macro_rules! refuses {
        ($name:ident, $rung:ident, $says:literal) => {
            #[test]
            fn $name() {
                watched(|| {
                    let panic =
                        catch_unwind(|| $rung::block_on(async { $rung::block_on(async {}) }));
                    let message = *panic.unwrap_err().downcast::<String>().unwrap();
                    assert!(message.contains($says), "{message}");
                    $rung::block_on(yield_now());
                });
            }
        };
    }
    refuses!(rung_2_refuses, rung_2, "`block_on` in a task");
    refuses!(rung_3_refuses, rung_3, "`block_on` in a task");
    refuses!(rung_4_refuses, rung_4, "`block_on` in a task");
    // There the panic is the task's, and goes to the standard error.
    refuses!(rung_5_refuses, rung_5, "the main task has ended");
}

mod timers {
    use super::rung_3::{block_on, sleep, spawn};
    use super::*;

    #[test]
    fn none_is_early_and_they_come_in_order() {
        watched(|| {
            let done = Countdown::new(2000);
            let order = Arc::new(Mutex::new(Vec::new()));
            let ends = order.clone();
            block_on(async move {
                let start = Instant::now();
                for number in 0..2000_u64 {
                    // As if by chance, and never the same millisecond twice near each other.
                    let millis = number * 7919 % 300;
                    let (done, ends) = (done.clone(), ends.clone());
                    spawn(async move {
                        let time = Duration::from_millis(millis);
                        let begun = Instant::now();
                        sleep(time).await;
                        assert!(begun.elapsed() >= time);
                        ends.lock().unwrap().push(start.elapsed());
                        done.tick();
                    });
                }
                done.1.wait().await;
            });
            let order = order.lock().unwrap();
            assert_eq!(order.len(), 2000);
            assert!(order.is_sorted());
        });
    }

    #[test]
    fn those_that_move_down_are_in_time() {
        watched(|| {
            // Passes a boundary of each of the three lowest levels.
            let time = Duration::from_millis(4200);
            let start = Instant::now();
            let polls = block_on(async move {
                let mut sleep = std::pin::pin!(sleep(time));
                let mut polls = 0;
                poll_fn(|cx| {
                    polls += 1;
                    sleep.as_mut().poll(cx)
                })
                .await;
                polls
            });
            assert!(start.elapsed() >= time);
            // It was woken once per level at most, and otherwise the thread slept.
            assert!(polls <= 12, "{polls} polls");
        });
    }

    #[test]
    fn a_dropped_sleep_leaves_no_waker_behind() {
        watched(|| {
            let count = Arc::new(Count::default());
            let waker = Waker::from(count.clone());
            let mut cx = Context::from_waker(&waker);
            for seconds in [0, 1, 100, 10_000, 1_000_000] {
                let mut sleep = Box::pin(sleep(
                    Duration::from_secs(seconds) + Duration::from_millis(50),
                ));
                assert!(sleep.as_mut().poll(&mut cx).is_pending());
                assert_eq!(Arc::strong_count(&count), 3);
                drop(sleep);
                assert_eq!(Arc::strong_count(&count), 2);
            }
        });
    }

    #[test]
    fn the_newest_waker_is_called_and_the_older_is_gone() {
        watched(|| {
            let (old, new) = (Arc::new(Count::default()), Arc::new(Count::default()));
            let mut nap = Box::pin(sleep(Duration::from_millis(20)));
            for count in [&old, &new] {
                let waker = Waker::from(count.clone());
                let mut cx = Context::from_waker(&waker);
                assert!(nap.as_mut().poll(&mut cx).is_pending());
            }
            assert_eq!(Arc::strong_count(&old), 1);
            block_on(async { sleep(Duration::from_millis(40)).await });
            assert_eq!((old.0.load(SeqCst), new.0.load(SeqCst)), (0, 1));
            block_on(nap);
        });
    }

    #[test]
    fn for_ever_is_very_long() {
        watched(|| {
            let count = Waker::from(Arc::new(Count::default()));
            let mut endless = Box::pin(sleep(Duration::MAX));
            assert!(
                endless
                    .as_mut()
                    .poll(&mut Context::from_waker(&count))
                    .is_pending()
            );
            block_on(async { sleep(Duration::from_millis(1)).await });
            assert!(
                endless
                    .as_mut()
                    .poll(&mut Context::from_waker(&count))
                    .is_pending()
            );
        });
    }

    #[test]
    fn a_thread_may_end_while_its_tasks_sleep() {
        watched(|| {
            let (tell, told) = channel();
            let guard = Dropped(tell);
            thread::spawn(move || {
                spawn(async move {
                    let _guard = guard;
                    sleep(Duration::from_secs(3600)).await;
                });
                block_on(yield_now());
            })
            .join()
            .unwrap();
            told.recv_timeout(PATIENCE).expect("the task is left");
        });
    }
}

mod sockets {
    use std::io::{Read, Write};
    use std::net::SocketAddr;

    use mio::net::{TcpListener, TcpStream};

    use super::rung_4::{Socket, block_on, spawn};
    use super::*;

    fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// Accepts so many connections, and gives each to a task that sends back what comes.
    async fn serve(listener: TcpListener, connections: usize) {
        let mut listener = Socket::new(listener).unwrap();
        let done = Countdown::new(connections);
        for _ in 0..connections {
            let (stream, _) = listener.ready(TcpListener::accept).await.unwrap();
            let done = done.clone();
            let mut stream = Socket::new(stream).unwrap();
            spawn(async move {
                let mut buffer = [0; 4096];
                loop {
                    let read = stream.ready(|mut it| it.read(&mut buffer)).await;
                    let Ok(count @ 1..) = read else { break };
                    let mut sent = 0;
                    while sent < count {
                        let rest = &buffer[sent..count];
                        let Ok(more) = stream.ready(|mut it| it.write(rest)).await else {
                            break;
                        };
                        sent += more;
                    }
                }
                done.tick();
            });
        }
        done.1.wait().await;
    }

    #[test]
    fn a_megabyte_comes_back_from_a_server_whose_client_reads_late() {
        watched(|| {
            let (listener, address) = listen();
            let client = thread::spawn(move || {
                let stream = std::net::TcpStream::connect(address).unwrap();
                let mut reader = stream.try_clone().unwrap();
                let said: Vec<u8> = (0..1 << 20).map(|index| (index % 251) as u8).collect();
                let writer = thread::spawn({
                    let said = said.clone();
                    move || {
                        (&stream).write_all(&said).unwrap();
                        stream.shutdown(std::net::Shutdown::Write).unwrap();
                    }
                });
                // Until then the server cannot send, and waits for that.
                thread::sleep(Duration::from_millis(200));
                let mut heard = Vec::new();
                reader.read_to_end(&mut heard).unwrap();
                writer.join().unwrap();
                assert!(heard == said);
            });
            block_on(serve(listener, 1));
            client.join().unwrap();
        });
    }

    #[test]
    fn connections_come_and_go_and_no_event_finds_the_wrong_one() {
        watched(|| {
            let (listener, address) = listen();
            let clients = (0..4).map(|client| {
                thread::spawn(move || {
                    for round in 0..100 {
                        let mut stream = std::net::TcpStream::connect(address).unwrap();
                        let said = [client, round];
                        stream.write_all(&said).unwrap();
                        let mut heard = [0; 2];
                        stream.read_exact(&mut heard).unwrap();
                        assert_eq!(heard, said);
                    }
                })
            });
            let clients: Vec<_> = clients.collect();
            block_on(serve(listener, 400));
            for client in clients {
                client.join().unwrap();
            }
        });
    }

    #[test]
    fn a_task_that_never_stops_does_not_keep_the_thread_from_the_sockets() {
        watched(|| {
            let (listener, address) = listen();
            let stop = Arc::new(AtomicBool::new(false));
            let stopped = stop.clone();
            spawn(async move {
                while !stopped.load(SeqCst) {
                    yield_now().await;
                }
            });
            let client = thread::spawn(move || {
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                stream.write_all(b"tea").unwrap();
                stream.read_exact(&mut [0; 3]).unwrap();
            });
            block_on(serve(listener, 1));
            stop.store(true, SeqCst);
            client.join().unwrap();
        });
    }

    #[test]
    fn the_newest_waker_is_called() {
        watched(|| {
            let (listener, address) = listen();
            let (old, new) = (Arc::new(Count::default()), Arc::new(Count::default()));
            block_on(async move {
                let mut listener = Socket::new(listener).unwrap();
                let mut accept = Box::pin(listener.ready(TcpListener::accept));
                for count in [&old, &new] {
                    let waker = Waker::from(count.clone());
                    let mut cx = Context::from_waker(&waker);
                    assert!(accept.as_mut().poll(&mut cx).is_pending());
                }
                assert_eq!(Arc::strong_count(&old), 1);
                let _client = TcpStream::connect(address).unwrap();
                while new.0.load(SeqCst) == 0 {
                    yield_now().await;
                }
                assert_eq!(old.0.load(SeqCst), 0);
                accept.await.unwrap();
            });
        });
    }

    #[test]
    fn a_socket_that_waits_on_another_thread_is_refused() {
        watched(|| {
            let mut listener = Socket::new(listen().0).unwrap();
            let thread = thread::spawn(move || {
                block_on(async move { listener.ready(TcpListener::accept).await.is_ok() })
            });
            let panic = thread.join().unwrap_err();
            assert_eq!(*panic.downcast::<&str>().unwrap(), "not its thread");
        });
    }

    #[test]
    fn a_dropped_socket_leaves_no_waker_behind() {
        watched(|| {
            let count = Arc::new(Count::default());
            let waker = Waker::from(count.clone());
            let mut listener = Socket::new(listen().0).unwrap();
            let mut cx = Context::from_waker(&waker);
            {
                let mut accept = std::pin::pin!(listener.ready(TcpListener::accept));
                assert!(accept.as_mut().poll(&mut cx).is_pending());
            }
            assert_eq!(Arc::strong_count(&count), 3);
            drop(listener);
            assert_eq!(Arc::strong_count(&count), 2);
        });
    }
}

mod ends {
    use super::rung_5::{JoinError, block_on, spawn};
    use super::*;

    #[test]
    fn a_panic_is_the_tasks_and_all_others_go_on() {
        watched(|| {
            block_on(async {
                let tasks: Vec<_> = (0..10)
                    .map(|number| {
                        spawn(async move {
                            yield_now().await;
                            assert_ne!(number, 5, "five");
                            number
                        })
                    })
                    .collect();
                for (number, task) in tasks.into_iter().enumerate() {
                    match task.await {
                        Ok(output) => assert_eq!(output, number),
                        Err(error) => {
                            assert!(number == 5 && error.panicked);
                        }
                    }
                }
            });
        });
    }

    #[test]
    fn destructors_may_panic() {
        struct Grenade;
        impl Drop for Grenade {
            fn drop(&mut self) {
                assert_eq!(6 * 7, 54, "boom");
            }
        }
        watched(|| {
            block_on(async {
                let grenade = Grenade;
                let ready = spawn(async move { drop(grenade) });
                assert!(matches!(ready.await, Err(JoinError { panicked: true })));

                let bell = Arc::new(Bell::default());
                let (grenade, waits) = (Grenade, bell.clone());
                let aborted = spawn(async move {
                    let _grenade = grenade;
                    waits.wait().await;
                });
                yield_now().await;
                aborted.abort();
                assert!(aborted.await.is_err());

                let grenade = Grenade;
                let forgotten = spawn(async move {
                    let _grenade = grenade;
                    pending::<()>().await;
                });
                assert!(forgotten.await.is_err());

                // The output of a task that nobody waits for.
                drop(spawn(async { Grenade }));
                yield_now().await;
                assert_eq!(spawn(async { 6 * 7 }).await.unwrap(), 42);
            });
        });
    }

    #[test]
    fn abort_before_the_first_poll_and_after_the_last() {
        watched(|| {
            block_on(async {
                let task = spawn(async { assert_eq!(6 * 7, 54, "it is polled") });
                task.abort();
                assert!(matches!(task.await, Err(JoinError { panicked: false })));

                let task = spawn(async { 6 * 7 });
                yield_now().await;
                task.abort();
                assert_eq!(task.await.unwrap(), 42);
            });
        });
    }

    #[test]
    fn abort_of_a_waiting_task_drops_its_future_first() {
        watched(|| {
            let (tell, told) = channel();
            let guard = Dropped(tell);
            let bell = Arc::new(Bell::default());
            let waits = bell.clone();
            block_on(async move {
                let task = spawn(async move {
                    let _guard = guard;
                    waits.wait().await;
                });
                yield_now().await;
                task.abort();
                assert!(matches!(task.await, Err(JoinError { panicked: false })));
                told.try_recv().expect("the future is left");
            });
            bell.ring();
        });
    }

    #[test]
    fn abort_from_other_threads_ends_busy_tasks() {
        watched(|| {
            block_on(async {
                let done = Countdown::new(50);
                let (mut aborts, mut ends) = (Vec::new(), Vec::new());
                for _ in 0..50 {
                    let task = Arc::new(spawn(async {
                        loop {
                            yield_now().await;
                        }
                    }));
                    let done = done.clone();
                    aborts.push(task.clone());
                    ends.push((task, done));
                }
                let thread = thread::spawn(move || {
                    for task in aborts {
                        task.abort();
                    }
                });
                for (task, done) in ends {
                    spawn(async move {
                        // The other thread lets the handle go when it has aborted the task.
                        let mut task = Some(task);
                        let task = loop {
                            match Arc::try_unwrap(task.take().unwrap()) {
                                Ok(task) => break task,
                                Err(shared) => task = Some(shared),
                            }
                            yield_now().await;
                        };
                        assert!(matches!(task.await, Err(JoinError { panicked: false })));
                        done.tick();
                    });
                }
                done.1.wait().await;
                thread.join().unwrap();
            });
        });
    }

    #[test]
    fn a_task_goes_on_when_its_handle_is_dropped() {
        watched(|| {
            let done = Countdown::new(1);
            let ticks = done.clone();
            block_on(async move {
                drop(spawn(async move {
                    yield_now().await;
                    ticks.tick();
                }));
                done.1.wait().await;
            });
        });
    }

    #[test]
    fn a_handle_may_be_awaited_on_another_thread() {
        watched(|| {
            let task = spawn(async {
                yield_now().await;
                6 * 7
            });
            let thread = thread::spawn(move || rung_1::block_on(task).unwrap());
            block_on(async move {
                while !thread.is_finished() {
                    yield_now().await;
                }
                assert_eq!(thread.join().unwrap(), 42);
            });
        });
    }

    #[test]
    fn a_main_task_that_nobody_can_wake_is_told() {
        watched(|| {
            let panic = catch_unwind(|| block_on(pending::<()>()));
            let message = *panic.unwrap_err().downcast::<String>().unwrap();
            assert!(message.contains("the main task has ended"), "{message}");
        });
    }

    #[test]
    fn who_awaits_a_task_whose_thread_has_ended_hears_of_it() {
        watched(|| {
            let task = thread::spawn(|| spawn(async {})).join().unwrap();
            assert!(matches!(
                rung_1::block_on(task),
                Err(JoinError { panicked: false })
            ));
        });
    }
}

mod workers {
    use super::rung_6::{block_on, spawn};
    use super::*;

    #[test]
    fn no_task_is_polled_on_two_threads_at_once() {
        watched(|| {
            block_on(4, async {
                let done = Countdown::new(64);
                for _ in 0..64 {
                    let done = done.clone();
                    spawn(async move {
                        let polled = AtomicBool::new(false);
                        let mut left = 200;
                        poll_fn(move |cx| {
                            assert!(!polled.swap(true, SeqCst), "two threads poll one task");
                            left -= 1;
                            // From a thread, at the worst time, and from here.
                            if left % 20 == 0 {
                                let waker = cx.waker().clone();
                                thread::spawn(move || waker.wake());
                            }
                            cx.waker().wake_by_ref();
                            thread::yield_now();
                            polled.store(false, SeqCst);
                            if left == 0 {
                                Poll::Ready(())
                            } else {
                                Poll::Pending
                            }
                        })
                        .await;
                        done.tick();
                    });
                }
                done.1.wait().await;
            });
        });
    }

    #[test]
    fn a_task_woken_during_its_poll_does_not_hold_a_second_worker() {
        watched(|| {
            block_on(2, async {
                let done = Countdown::new(1);
                let ends = done.clone();
                spawn(async move {
                    let gate = Arc::new((Mutex::new(false), std::sync::Condvar::new()));
                    let mut polls = 0;
                    poll_fn(move |cx| {
                        polls += 1;
                        if polls == 2 {
                            return Poll::Ready(());
                        }
                        // Who takes this task now would wait for the end of this poll; and this poll waits for the next task.
                        cx.waker().wake_by_ref();
                        let other = gate.clone();
                        spawn(async move {
                            *other.0.lock().unwrap() = true;
                            other.1.notify_all();
                        });
                        let closed = gate.0.lock().unwrap();
                        drop(gate.1.wait_while(closed, |open| !*open).unwrap());
                        Poll::Pending
                    })
                    .await;
                    ends.tick();
                });
                done.1.wait().await;
            });
        });
    }

    #[test]
    fn what_stands_behind_a_long_poll_is_stolen() {
        watched(|| {
            block_on(2, async {
                let done = Countdown::new(200);
                let bell = Arc::new((Mutex::new(false), std::sync::Condvar::new()));
                let open = bell.clone();
                for number in 0..200 {
                    let (done, bell) = (done.clone(), bell.clone());
                    spawn(async move {
                        // The first one holds its worker until the last one has run, wherever they stand.
                        if number == 0 {
                            let (lock, condvar) = &*bell;
                            let held = lock.lock().unwrap();
                            drop(condvar.wait_while(held, |open| !*open).unwrap());
                        } else if number == 199 {
                            *bell.0.lock().unwrap() = true;
                            bell.1.notify_all();
                        }
                        done.tick();
                    });
                }
                drop(open);
                done.1.wait().await;
            });
        });
    }

    #[test]
    fn workers_outlive_the_panics_of_their_tasks() {
        watched(|| {
            block_on(2, async {
                let done = Countdown::new(100);
                for number in 0..200 {
                    let done = done.clone();
                    spawn(async move {
                        yield_now().await;
                        assert_eq!(number % 2, 0, "odd");
                        done.tick();
                    });
                }
                done.1.wait().await;
            });
        });
    }

    #[test]
    fn the_end_does_not_wait_for_tasks_that_never_end() {
        watched(|| {
            for _ in 0..50 {
                block_on(2, async {
                    for _ in 0..4 {
                        spawn(async {
                            loop {
                                yield_now().await;
                            }
                        });
                    }
                });
            }
        });
    }

    #[test]
    fn a_main_task_that_nobody_can_wake_is_told() {
        watched(|| {
            let panic = catch_unwind(|| block_on(2, pending::<()>()));
            let message = *panic.unwrap_err().downcast::<String>().unwrap();
            assert!(message.contains("nobody can wake it"), "{message}");
        });
    }

    #[test]
    fn many_short_lives() {
        watched(|| {
            for round in 0..300 {
                let sum = block_on(1 + round % 4, async move {
                    let done = Countdown::new(10);
                    let sum = Arc::new(AtomicUsize::new(0));
                    for number in 0..10 {
                        let (done, sum) = (done.clone(), sum.clone());
                        spawn(async move {
                            yield_now().await;
                            sum.fetch_add(number, SeqCst);
                            done.tick();
                        });
                    }
                    done.1.wait().await;
                    sum.load(SeqCst)
                });
                assert_eq!(sum, 45);
            }
        });
    }

    /// All threads of a process count, so it is one of its own: see the next.
    #[test]
    #[ignore = "run by the next test"]
    fn idle_in_a_process_of_its_own() {
        let bell = Arc::new(Bell::default());
        let ringer = bell.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(500));
            ringer.ring();
        });
        let before = clock_gettime(ClockId::ProcessCPUTime);
        block_on(4, async move { bell.wait().await });
        let after = clock_gettime(ClockId::ProcessCPUTime);
        let nanos = (after.tv_sec - before.tv_sec) * 1_000_000_000 + after.tv_nsec - before.tv_nsec;
        assert!(nanos < 200_000_000, "{nanos} ns");
    }

    #[test]
    fn idle_workers_take_no_processor_time() {
        let test = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "workers::idle_in_a_process_of_its_own",
                "--ignored",
            ])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&test.stdout).into_owned();
        assert!(test.status.success(), "{said}");
        assert!(said.contains("1 passed"), "{said}");
    }
}
