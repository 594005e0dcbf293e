//! Simulated workers: the same seed gives the same run, and seeds find what plain runs miss.
#![cfg(feature = "macros")]

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use samovar::runtime::{Builder, Handle, RuntimeFlavor};
use samovar::sync::{self, Notify, mpsc, oneshot};
use samovar::task::{JoinSet, yield_now};
use samovar::time::{Duration, Instant, interval, sleep, timeout};

const MS: Duration = Duration::from_millis(1);

/// Runs a program under a seed.
fn simulate<F: Future>(seed: u64, program: F) -> F::Output {
    let runtime = Builder::new_multi_thread().seed(seed).build().unwrap();
    runtime.block_on(program)
}

/// Runs a program as usual, on one worker, where nothing is left to chance.
fn plainly<F: Future>(program: F) -> F::Output {
    let runtime = Builder::new_current_thread()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(program)
}

/// Whether a program panics. What it says goes to the test's output.
fn fails<R>(run: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

/// The message of a panic.
fn message<R>(run: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(_) => panic!("no panic"),
        Err(panic) => *panic.downcast::<String>().expect("a formatted message"),
    }
}

/// What happened in a run, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Something of everything: tasks that spawn tasks, channels, a lock, timers, `select!`, a blocking job, an abort.
async fn busy_program(log: Log) {
    let start = Instant::now();
    let (sender, mut receiver) = mpsc::channel(3);
    let lock = Arc::new(sync::Mutex::new(0));
    for n in 0..8u64 {
        let (log, sender, lock) = (log.clone(), sender.clone(), lock.clone());
        samovar::spawn(async move {
            let mut ticks = interval((n % 3 + 1) as u32 * MS);
            for round in 0..4 {
                samovar::select! {
                    _ = ticks.tick() => log.note(format!("{n} tick {round}")),
                    () = yield_now() => log.note(format!("{n} yield {round}")),
                    mut guard = lock.lock() => {
                        *guard += 1;
                        yield_now().await;
                        log.note(format!("{n} locked {round}: {}", *guard));
                    }
                }
                let child = samovar::spawn(async move { n * 10 + round });
                let id = child.id();
                sender.send((id, child.await.unwrap())).await.unwrap();
            }
        });
    }
    drop(sender);
    let sleeper = samovar::spawn(pending::<()>());
    let job = samovar::task::spawn_blocking(|| "job");
    while let Some((id, number)) = receiver.recv().await {
        log.note(format!("{id} {number} after {:?}", start.elapsed()));
    }
    sleeper.abort();
    assert!(sleeper.await.unwrap_err().is_cancelled());
    log.note(job.await.unwrap());
}

#[test]
fn the_same_seed_gives_the_same_run_and_others_give_others() {
    let run = |seed| {
        let log = Log::default();
        simulate(seed, busy_program(log.clone()));
        log.take()
    };
    let mut runs = Vec::new();
    for seed in 0..50 {
        let first = run(seed);
        // In between the thread does something else: nothing of that may show.
        simulate(seed + 1000, busy_program(Log::default()));
        plainly(busy_program(Log::default()));
        assert_eq!(first, run(seed), "seed {seed}");
        runs.push(first);
    }
    runs.sort();
    runs.dedup();
    assert_eq!(runs.len(), 50, "all seeds are different here");
}

#[test]
fn a_run_is_the_same_on_another_thread() {
    let run = || {
        let log = Log::default();
        simulate(7, busy_program(log.clone()));
        log.take()
    };
    let there = std::thread::spawn(run).join().unwrap();
    assert_eq!(run(), there);
}

#[test]
fn a_second_block_on_goes_on_where_the_first_ended() {
    let run = || {
        let runtime = Builder::new_multi_thread().seed(3).build().unwrap();
        let log = Log::default();
        let outside = runtime.spawn(async {});
        log.note(outside.id().to_string());
        for _ in 0..3 {
            runtime.block_on(busy_program(log.clone()));
        }
        log.take()
    };
    assert_eq!(run(), run());
}

#[test]
fn ids_count_from_one_and_none_is_given_twice() {
    let runtime = Builder::new_multi_thread().seed(1).build().unwrap();
    let outside = runtime.spawn(async {}).id();
    let mut ids = runtime.block_on(async {
        let tasks = [(); 5].map(|()| samovar::spawn(async {}));
        let from_afar = Handle::current();
        let afar = std::thread::spawn(move || from_afar.spawn(async {}).id());
        let mut ids: Vec<_> = tasks.iter().map(|task| task.id()).collect();
        ids.push(afar.join().unwrap());
        ids
    });
    ids.push(outside);
    ids.sort();
    let numbers: Vec<_> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7"]);
}

#[test]
fn time_is_virtual_and_exact() {
    let began = std::time::Instant::now();
    for seed in 0..20 {
        simulate(seed, async {
            let start = Instant::now();
            let mut sleeps = JoinSet::new();
            for n in 0..50u32 {
                sleeps.spawn(async move {
                    let duration = n * 7 % 50 * 60_001 * MS;
                    sleep(duration).await;
                    (start.elapsed(), duration)
                });
            }
            while let Some(slept) = sleeps.join_next().await {
                let (slept, asked) = slept.unwrap();
                assert_eq!(slept, asked);
            }
            assert!(timeout(3600 * MS, pending::<()>()).await.is_err());
        });
    }
    assert!(began.elapsed() < Duration::from_secs(40));
}

#[test]
fn every_order_of_three_tasks_comes() {
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let log = Log::default();
        simulate(seed, async {
            let mut tasks = JoinSet::new();
            for name in ["a", "b", "c"] {
                let log = log.clone();
                tasks.spawn(async move { log.note(name) });
            }
            while tasks.join_next().await.is_some() {}
        });
        orders.insert(log.take().concat());
    }
    assert_eq!(orders.len(), 6, "{orders:?}");
}

#[test]
fn on_one_simulated_worker_everything_works_too() {
    for seed in 0..20 {
        let runtime = Builder::new_current_thread().seed(seed).build().unwrap();
        runtime.block_on(busy_program(Log::default()));
        assert_eq!(
            runtime.handle().runtime_flavor(),
            RuntimeFlavor::CurrentThread
        );
    }
}

#[test]
fn the_end_of_the_runtime_drops_the_tasks_of_all_workers() {
    struct Bell(Arc<AtomicU64>);
    impl Drop for Bell {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    for seed in 0..20 {
        let dropped = Arc::new(AtomicU64::new(0));
        let runtime = Builder::new_multi_thread().seed(seed).build().unwrap();
        runtime.block_on(async {
            for n in 0..50u32 {
                let bell = Bell(dropped.clone());
                samovar::spawn(async move {
                    let _bell = bell;
                    sleep(n * n % 7 * MS).await;
                    pending::<()>().await;
                });
            }
            sleep(3 * MS).await;
        });
        assert_eq!(dropped.load(SeqCst), 0);
        drop(runtime);
        assert_eq!(dropped.load(SeqCst), 50, "seed {seed}");
    }
}

#[test]
fn a_runtime_that_is_shut_down_by_a_task_ends() {
    for seed in 0..20 {
        let runtime = Builder::new_multi_thread().seed(seed).build().unwrap();
        let handle = runtime.handle().clone();
        handle.block_on(async {
            let waiting = samovar::spawn(pending::<()>());
            yield_now().await;
            let ended = samovar::spawn(async move { runtime.shutdown_background() });
            ended.await.unwrap();
            assert!(waiting.await.unwrap_err().is_cancelled());
        });
        assert!(handle.spawn(async {}).is_finished());
    }
}

#[test]
fn a_panic_leaves_a_runtime_that_works() {
    let runtime = Builder::new_multi_thread().seed(5).build().unwrap();
    assert!(fails(|| runtime.block_on(async {
        let _task = samovar::spawn(sleep(MS));
        yield_now().await;
        panic!("spilt");
    })));
    runtime.block_on(busy_program(Log::default()));
}

#[test]
fn who_waits_for_ever_is_told_at_once() {
    let said = message(|| {
        simulate(4, async {
            let (_never, receiver) = oneshot::channel::<()>();
            let task = samovar::spawn(receiver);
            let _ = task.await;
        })
    });
    assert!(said.starts_with("all are asleep"), "{said}");
    assert!(said.contains("JoinHandle of task 1"), "{said}");
    assert!(said.contains("oneshot recv"), "{said}");
}

// Real things: they work, but are not simulated.

#[test]
fn a_thread_of_the_program_may_wake_while_something_else_goes_on() {
    simulate(1, async {
        let (sender, mut receiver) = oneshot::channel();
        let thread = std::thread::spawn(move || sender.send("tea"));
        let cup = loop {
            match receiver.try_recv() {
                Ok(cup) => break cup,
                Err(_) => sleep(MS).await,
            }
        };
        assert_eq!(cup, "tea");
        thread.join().unwrap().unwrap();
    });
}

#[test]
fn sockets_work() {
    use samovar::io::{AsyncReadExt, AsyncWriteExt};
    use samovar::net::{TcpListener, TcpStream};
    for seed in 0..5 {
        simulate(seed, async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = samovar::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut said = [0; 3];
                stream.read_exact(&mut said).await.unwrap();
                // Not before a minute has passed: the client waits for it.
                sleep(60_000 * MS).await;
                stream.write_all(&said).await.unwrap();
            });
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"tea").await.unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).await.unwrap();
            assert_eq!(said, "tea");
            server.await.unwrap();
        });
    }
}

// Planted bugs. Plain runs do not meet them; the seeds do.

/// Asserts that a program passes plainly a hundred times, and fails under one of the first `within` seeds; that its
/// repaired twin passes under all of them; and that the failure can be repeated.
#[track_caller]
fn finds<B, R>(within: u64, buggy: impl Fn() -> B, repaired: impl Fn() -> R)
where
    B: Future<Output = ()>,
    R: Future<Output = ()>,
{
    for _ in 0..100 {
        plainly(buggy());
    }
    let found = (0..within).find(|seed| fails(|| simulate(*seed, buggy())));
    let seed = found.expect("no seed finds the bug");
    eprintln!("found with seed {seed}");
    assert!(
        fails(|| simulate(seed, buggy())),
        "seed {seed} does not fail again"
    );
    for seed in 0..within {
        simulate(seed, repaired());
    }
}

#[test]
fn a_lost_update_across_an_await_is_found_within_20_seeds() {
    async fn deposits(atomic: bool) {
        let balance = Arc::new(AtomicU64::new(0));
        let (log, mut entries) = mpsc::channel(100);
        let mut tasks = JoinSet::new();
        for _ in 0..2 {
            let (balance, log) = (balance.clone(), log.clone());
            tasks.spawn(async move {
                if atomic {
                    balance.fetch_add(1, SeqCst);
                    log.send("deposit").await.unwrap();
                } else {
                    let before = balance.load(SeqCst);
                    // There is always room: nobody ever waits here.
                    log.send("deposit").await.unwrap();
                    balance.store(before + 1, SeqCst);
                }
            });
        }
        drop(log);
        while entries.recv().await.is_some() {}
        while tasks.join_next().await.is_some() {}
        assert_eq!(balance.load(SeqCst), 2);
    }
    finds(20, || deposits(false), || deposits(true));
}

#[test]
fn a_deadlock_of_two_locks_is_found_within_50_seeds() {
    async fn transfer(from: &sync::Mutex<i64>, to: &sync::Mutex<i64>) {
        let mut from = from.lock().await;
        let mut to = to.lock().await;
        *from -= 1;
        *to += 1;
    }
    async fn bank(ordered: bool) {
        let accounts = Arc::new([sync::Mutex::new(0), sync::Mutex::new(0)]);
        let (one, other) = (accounts.clone(), accounts.clone());
        let there = samovar::spawn(async move { transfer(&one[0], &one[1]).await });
        let back = samovar::spawn(async move {
            match ordered {
                false => transfer(&other[1], &other[0]).await,
                true => transfer(&other[0], &other[1]).await,
            }
        });
        there.await.unwrap();
        back.await.unwrap();
    }
    finds(50, || bank(false), || bank(true));
}

#[test]
fn a_select_loop_that_is_not_cancel_safe_is_found_within_50_seeds() {
    async fn pair(receiver: &mut mpsc::Receiver<u64>) -> Option<u64> {
        let first = receiver.recv().await?;
        // Dropped here, it has taken the first and forgets it.
        Some(first + receiver.recv().await?)
    }
    async fn sums(safe: bool) {
        let (sender, mut receiver) = mpsc::channel(10);
        let (hurry, mut hurries) = mpsc::channel(10);
        samovar::spawn(async move {
            for number in 1..=4 {
                sender.send(number).await.unwrap();
            }
        });
        samovar::spawn(async move { hurry.send(()).await.unwrap() });
        let mut sum = 0;
        let mut told = false;
        if safe {
            let mut next = pin!(async {
                let mut sum = 0;
                while let Some(two) = pair(&mut receiver).await {
                    sum += two;
                }
                sum
            });
            while sum == 0 {
                samovar::select! {
                    total = &mut next => sum = total,
                    hurry = hurries.recv(), if !told => told = hurry.is_none(),
                }
            }
        } else {
            loop {
                samovar::select! {
                    two = pair(&mut receiver) => match two {
                        Some(two) => sum += two,
                        None => break,
                    },
                    hurry = hurries.recv(), if !told => told = hurry.is_none(),
                }
            }
        }
        assert_eq!(sum, 10);
    }
    finds(50, || sums(false), || sums(true));
}

#[test]
fn a_missed_notification_is_found_within_50_seeds() {
    async fn kitchen(careful: bool) {
        let ready = Arc::new(sync::Mutex::new(false));
        let bell = Arc::new(Notify::new());
        let (log, _entries) = mpsc::channel::<&str>(10);
        let guest = samovar::spawn({
            let (ready, bell) = (ready.clone(), bell.clone());
            async move {
                let rings = bell.notified();
                if !*ready.lock().await {
                    log.send("a guest waits").await.unwrap();
                    match careful {
                        true => rings.await,
                        // Rings that come before this are heard by nobody.
                        false => bell.notified().await,
                    }
                }
            }
        });
        let cook = samovar::spawn(async move {
            *ready.lock().await = true;
            bell.notify_waiters();
        });
        cook.await.unwrap();
        guest.await.unwrap();
    }
    finds(50, || kitchen(false), || kitchen(true));
}

// The attribute.

#[samovar::test(seeds = 0..300)]
async fn a_hundred_tasks_under_every_seed() {
    let mut tasks = JoinSet::new();
    for n in 0..100u64 {
        tasks.spawn(async move {
            yield_now().await;
            sleep(Duration::from_millis(n % 7)).await;
            n
        });
    }
    let mut sum = 0;
    while let Some(n) = tasks.join_next().await {
        sum += n.unwrap();
    }
    assert_eq!(sum, 4950);
}

#[samovar::test(worker_threads = 2, seeds = 0..20)]
async fn a_result_is_an_output_too() -> Result<(), String> {
    samovar::spawn(async { Ok(()) }).await.unwrap()
}

mod inner {
    /// Fails when the second task is first: for the test below.
    #[samovar::test(seeds = 0..100)]
    #[ignore = "fails, to show what is said then"]
    async fn fails_under_some_seeds() -> Result<(), String> {
        let first = samovar::spawn(async { std::time::Instant::now() });
        let second = samovar::spawn(async { std::time::Instant::now() });
        match first.await.unwrap() <= second.await.unwrap() {
            true => Ok(()),
            false => Err("the second task was first".to_owned()),
        }
    }
}

#[test]
fn a_seed_that_fails_is_told_with_the_command_that_repeats_it() {
    const TEST: &str = "inner::fails_under_some_seeds";
    let run = |seed: Option<&str>| {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", TEST, "--ignored", "--nocapture"]);
        command.env_remove("SAMOVAR_SEED");
        command.envs(seed.map(|seed| ("SAMOVAR_SEED", seed)));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), said)
    };
    let (passed, said) = run(None);
    assert!(!passed, "no seed fails");
    let (_, rest) = said.split_once("SAMOVAR_SEED=").expect(&said);
    let (seed, command) = rest.split_once(' ').unwrap();
    assert!(said.contains(&format!("seed {seed} of 0..100 fails; to repeat this run:")));
    assert!(
        command.starts_with(&format!("cargo test -p samovar {TEST} -- --exact")),
        "{said}"
    );
    let (passed, said) = run(Some(seed));
    assert!(
        !passed && said.contains("the second task was first"),
        "{said}"
    );
    let other: u64 = seed.parse().unwrap();
    // The first seed that fails is this one: those before it pass.
    assert!(other == 0 || run(Some(&format!("0..{other}"))).0);
    assert!(run(Some("tea")).1.contains("SAMOVAR_SEED is `tea`"));
}

#[test]
fn the_traces_of_two_runs_of_a_seed_are_the_same_event_for_event() {
    use samovar::trace::Trace;
    let run = |seed| {
        let trace = Trace::new();
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.seed(seed).trace(&trace).build().unwrap();
        runtime.block_on(busy_program(Log::default()));
        drop(runtime);
        assert_eq!(trace.lost(), 0);
        trace.events()
    };
    for seed in 0..10 {
        let (first, second) = (run(seed), run(seed));
        assert!(first.len() > 300);
        for (one, other) in first.iter().zip(&second) {
            assert_eq!(one, other, "seed {seed}");
        }
        assert_eq!(first.len(), second.len());
    }
    assert_ne!(run(1), run(2));
}
