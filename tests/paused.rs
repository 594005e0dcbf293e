//! The paused clock: what moves it, what keeps it, and how it says that nothing will ever happen again.
#![cfg(feature = "macros")]

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use samovar::io::{AsyncReadExt, AsyncWriteExt};
use samovar::net::{TcpListener, TcpStream};
use samovar::runtime::{Builder, Handle};
use samovar::sync::oneshot;
use samovar::task::{spawn_blocking, yield_now};
use samovar::time::{
    self, Duration, Instant, MissedTickBehavior, advance, interval, sleep, sleep_until, timeout,
};

mod support;

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// The message of a panic.
fn message<R>(run: impl FnOnce() -> R) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(run)) else {
        panic!("no panic");
    };
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.unwrap_or_else(|| *panic.downcast::<String>().expect("a message"))
}

/// Runs a future on a runtime whose clock stands still, under a watchdog.
fn paused<F: Future>(future: F) -> F::Output {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.start_paused(true).build().unwrap();
    support::watchdog(60, || runtime.block_on(future))
}

// It jumps when nothing can run.

#[samovar::test(start_paused = true)]
async fn sleeps_are_exact_to_the_nanosecond_and_take_no_time() {
    let began = std::time::Instant::now();
    let start = Instant::now();
    let mut slept = Duration::ZERO;
    for nanos in [1, 999, 65_536, 100_000_000, 86_400_000_000_001] {
        sleep(Duration::from_nanos(nanos)).await;
        slept += Duration::from_nanos(nanos);
        assert_eq!(start.elapsed(), slept);
    }
    assert!(began.elapsed() < 3600 * Duration::from_secs(1));
}

#[samovar::test(start_paused = true)]
async fn an_hour_of_ticks_comes_at_once_and_in_order() {
    let start = Instant::now();
    let mut seconds = interval(Duration::from_secs(1));
    let mut minutes = interval(Duration::from_secs(60));
    let (mut ticks, mut last) = ([0, 0], start);
    while start.elapsed() < HOUR {
        let now = samovar::select! {
            tick = seconds.tick() => { ticks[0] += 1; tick }
            tick = minutes.tick() => { ticks[1] += 1; tick }
        };
        assert_eq!(Instant::now(), now);
        assert!(now >= last);
        last = now;
    }
    assert!(ticks[0] >= 3600 && ticks[1] >= 60, "{ticks:?}");
}

#[samovar::test(start_paused = true)]
async fn it_stops_at_every_timer_on_the_way() {
    let start = Instant::now();
    let mut tasks = Vec::new();
    for n in 0..100u32 {
        tasks.push(samovar::spawn(async move {
            let deadline = start + n * 37 % 100 * MS;
            sleep_until(deadline).await;
            assert_eq!(Instant::now(), deadline);
        }));
    }
    sleep(HOUR).await;
    for task in tasks {
        assert!(task.is_finished());
        task.await.unwrap();
    }
}

#[samovar::test(start_paused = true)]
async fn it_does_not_jump_while_a_task_can_run() {
    let start = Instant::now();
    let busy = samovar::spawn(async {
        for _ in 0..10_000 {
            yield_now().await;
        }
        Instant::now()
    });
    sleep(MS).await;
    assert_eq!(busy.await.unwrap(), start);
    assert_eq!(start.elapsed(), MS);
}

#[samovar::test(start_paused = true)]
async fn a_timeout_ends_what_never_comes() {
    let start = Instant::now();
    assert!(timeout(HOUR, pending::<()>()).await.is_err());
    assert_eq!(start.elapsed(), HOUR);
    assert_eq!(timeout(HOUR, async { "tea" }).await, Ok("tea"));
    assert_eq!(timeout(2 * MS, sleep(MS)).await, Ok(()));
    assert_eq!(start.elapsed(), HOUR + MS);
}

#[samovar::test(start_paused = true)]
async fn a_timer_that_was_dropped_is_not_jumped_to() {
    let start = Instant::now();
    for _ in 0..10 {
        let _ = timeout(MS, sleep(HOUR)).await;
        let _ = timeout(HOUR, sleep(MS)).await;
    }
    assert_eq!(start.elapsed(), 20 * MS);
}

// By hand.

#[samovar::test]
async fn timers_that_were_set_before_the_pause_fire_at_their_time() {
    let (before, mut tasks) = (Instant::now(), Vec::new());
    for n in (1..=50u32).rev() {
        tasks.push(samovar::spawn(async move {
            sleep(n * HOUR).await;
            Instant::now()
        }));
    }
    yield_now().await;
    yield_now().await;
    time::pause();
    for (task, n) in tasks.into_iter().rev().zip(1..) {
        let end = task.await.unwrap();
        assert!(end >= before + n * HOUR, "early");
        assert!(end < before + n * HOUR + HOUR / 2);
    }
    let start = Instant::now();
    sleep(7 * MS).await;
    assert_eq!(start.elapsed(), 7 * MS);
}

#[samovar::test(start_paused = true)]
async fn advance_sets_the_clock_and_fires_what_is_due() {
    let start = Instant::now();
    let woken = [1, 2, 3].map(|n| {
        samovar::spawn(async move {
            sleep(n * HOUR).await;
            start.elapsed()
        })
    });
    yield_now().await;
    advance(2 * HOUR).await;
    assert_eq!(start.elapsed(), 2 * HOUR);
    assert_eq!(
        woken.each_ref().map(|task| task.is_finished()),
        [true, true, false]
    );
    let mut ends = Vec::new();
    for task in woken {
        ends.push(task.await.unwrap());
    }
    assert_eq!(ends, [2 * HOUR, 2 * HOUR, 3 * HOUR]);
}

#[samovar::test(start_paused = true)]
async fn advance_over_many_ticks_is_a_stall() {
    let start = Instant::now();
    let mut ticks = interval(MS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    advance(100 * MS).await;
    assert_eq!(ticks.tick().await, start + MS);
    assert_eq!(ticks.tick().await, start + 101 * MS);
}

#[samovar::test(start_paused = true)]
async fn a_task_may_advance_the_clock_for_others() {
    let start = Instant::now();
    let sleeper = samovar::spawn(async move {
        sleep(HOUR).await;
        start.elapsed()
    });
    let hand = samovar::spawn(async {
        yield_now().await;
        advance(2 * HOUR).await;
    });
    hand.await.unwrap();
    assert_eq!(sleeper.await.unwrap(), 2 * HOUR);
}

#[samovar::test]
async fn after_resume_time_is_real_and_goes_on_from_there() {
    time::pause();
    let start = Instant::now();
    sleep(HOUR).await;
    time::resume();
    let real = std::time::Instant::now();
    sleep(5 * MS).await;
    assert!(real.elapsed() >= 5 * MS);
    assert!(start.elapsed() >= HOUR + 5 * MS);
    time::pause();
    let frozen = Instant::now();
    thread::sleep(MS);
    assert_eq!(Instant::now(), frozen);
}

#[test]
fn runtimes_have_clocks_of_their_own() {
    paused(async {
        sleep(HOUR).await;
    });
    let before = std::time::Instant::now();
    assert!(
        Instant::now().into_std() - before < HOUR / 2,
        "outside a runtime it is the system's"
    );
    support::current_thread().block_on(async {
        let start = Instant::now();
        assert!(start.into_std() - before < HOUR / 2);
        sleep(5 * MS).await;
        assert!(start.elapsed() >= 5 * MS && before.elapsed() >= 5 * MS);
    });
}

// It stands still while the real world is at work.

#[samovar::test(start_paused = true)]
async fn it_stands_still_while_a_blocking_job_runs() {
    let start = Instant::now();
    let job = spawn_blocking(move || {
        thread::sleep(30 * MS);
        start.elapsed()
    });
    // The timeout is shorter than the job; but no time passes.
    let inside = timeout(MS, job)
        .await
        .expect("jumped beside a job")
        .unwrap();
    assert_eq!((inside, start.elapsed()), (Duration::ZERO, Duration::ZERO));
}

#[samovar::test(start_paused = true)]
async fn it_stands_still_for_a_job_that_nobody_awaits_and_goes_on_after_it() {
    let start = Instant::now();
    let done = Arc::new(AtomicUsize::new(0));
    for _ in 0..20 {
        let done = done.clone();
        drop(spawn_blocking(move || {
            thread::sleep(2 * MS);
            assert_eq!(start.elapsed(), Duration::ZERO);
            done.fetch_add(1, SeqCst);
        }));
    }
    sleep(HOUR).await;
    assert_eq!(done.load(SeqCst), 20);
    assert_eq!(start.elapsed(), HOUR);
}

#[samovar::test(start_paused = true)]
async fn a_job_may_wait_for_a_task_that_waits_for_it() {
    let handle = Handle::current();
    let (sender, receiver) = oneshot::channel();
    let task = samovar::spawn(async move { receiver.await.unwrap() });
    let job = spawn_blocking(move || {
        sender.send("tea").unwrap();
        handle.block_on(task).unwrap()
    });
    assert_eq!(timeout(MS, job).await.unwrap().unwrap(), "tea");
}

#[test]
fn a_job_may_resume_the_clock() {
    paused(async {
        let start = std::time::Instant::now();
        let job = spawn_blocking(|| {
            time::resume();
            thread::sleep(20 * MS);
        });
        sleep(5 * MS).await;
        assert!(start.elapsed() >= 5 * MS);
        job.await.unwrap();
    });
}

#[samovar::test(start_paused = true)]
async fn a_peer_in_another_task_is_faster_than_a_timeout() {
    let start = Instant::now();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = samovar::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut said = [0; 3];
        while stream.read_exact(&mut said).await.is_ok() {
            stream.write_all(&said).await.unwrap();
        }
    });
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..100 {
        let mut said = [0; 3];
        stream.write_all(b"tea").await.unwrap();
        timeout(MS, stream.read_exact(&mut said))
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    drop(stream);
    server.await.unwrap();
}

#[samovar::test(start_paused = true)]
async fn beside_a_socket_that_stays_quiet_it_jumps_after_a_moment() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = samovar::spawn(async move { listener.accept().await.map(drop) });
    let (start, real) = (Instant::now(), std::time::Instant::now());
    sleep(HOUR).await;
    assert_eq!(start.elapsed(), HOUR);
    assert!(real.elapsed() >= 20 * MS, "it did not wait for the socket");
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
}

#[test]
fn a_thread_may_wake_what_waits_without_a_timer() {
    paused(async {
        let (sender, receiver) = oneshot::channel();
        let thread = thread::spawn(move || {
            thread::sleep(30 * MS);
            sender.send("tea")
        });
        assert_eq!(receiver.await, Ok("tea"));
        thread.join().unwrap().unwrap();
    });
}

// Nothing can happen any more.

#[test]
fn that_all_are_asleep_is_a_panic_and_the_runtime_works_on() {
    support::watchdog(60, || {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.start_paused(true).build().unwrap();
        for _ in 0..2 {
            let said = message(|| {
                runtime.block_on(async {
                    let (_never, receiver) = oneshot::channel::<()>();
                    let task = samovar::spawn(receiver);
                    // What can still happen happens first.
                    sleep(HOUR).await;
                    let _ = task.await;
                })
            });
            assert!(said.starts_with("all are asleep"), "{said}");
        }
        runtime.block_on(async {
            samovar::spawn(sleep(MS)).await.unwrap();
        });
    });
}

// What is refused.

#[test]
fn misuse_is_a_panic_that_says_what_to_do() {
    assert!(message(time::pause).contains("there is no samovar runtime here to stop the clock of"));
    let twice = || paused(async { time::pause() });
    assert!(message(twice).contains("paused already"));
    let plain = support::current_thread();
    assert!(message(|| plain.block_on(async { time::resume() })).contains("not paused"));
    let said = message(|| plain.block_on(advance(MS)));
    assert!(
        said.contains("not paused") && said.contains("tests/paused.rs"),
        "{said}"
    );
    let too_far = || paused(advance(Duration::MAX));
    assert!(message(too_far).contains("cannot represent"));
    let several = support::multi_thread();
    let pause = || several.block_on(async { time::pause() });
    assert!(message(pause).contains("needs a runtime of the current-thread flavour"));
    let mut builder = Builder::new_multi_thread();
    let said = message(|| builder.start_paused(true).build());
    assert!(
        said.contains("`start_paused` needs a runtime of the current-thread flavour, or a `seed`")
    );
    let simulated = Builder::new_multi_thread().seed(0).build().unwrap();
    let resume = || simulated.block_on(async { time::resume() });
    assert!(message(resume).contains("always virtual"));
}
