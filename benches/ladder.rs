//! What each idea costs and buys: the executors of `examples/ladder` beside the library and Tokio.
//!
//! `cargo bench --bench ladder`. The files are included, so what is measured is what people read. A rung takes part where it can;
//! rungs 1 to 5 have one thread, as have `samovar_ct` and `tokio_ct`, and rung 6 has two workers, as have `samovar` and `tokio`.
//! Nothing here is Tokio's or the library's but the executor: tasks talk through the channels of `futures`, and a `Countdown`.
//!
//! | group | one operation is |
//! |---|---|
//! | `ladder_yield_main` | the future in `block_on` wakes itself, and is polled again |
//! | `ladder_spawn_many` | one of 10,000 empty tasks; the last one tells |
//! | `ladder_yield_many` | one of 1,000 yields of 200 tasks that do nothing else |
//! | `ladder_ping_pong` | one of 1,000 pairs of tasks that send each other one message |
//! | `ladder_wake_from_thread` | a thread wakes the runtime, which has gone to sleep, and is answered |
//! | `ladder_sleep_cancel` | a sleep of 30 s: made, polled once, dropped |
//! | `ladder_sleep_fire_cpu` | one of 10,000 tasks that sleep for up to 100 ms: *the processor time* |
//! | `ladder_echo_1`, `_64` | 64 bytes to a server in a process of its own and back, on so many connections at once |
//! | `ladder_join_many` | one of 10,000 empty tasks, spawned and awaited |
//! | `ladder_parallel_cpu` | one of 16 tasks that compute for a millisecond |

#[path = "../tests/rungs/mod.rs"]
mod rungs;
mod support;

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use mio::net::TcpListener;
use rungs::{rung_1, rung_2, rung_3, rung_4, rung_5, rung_6};
use support::bell::{Bell, Countdown};
use support::load::{self, Load};
use support::server::{self, Server};
use support::{Runtime, WORKERS, cpu};

const TASKS: usize = 10_000;
const PAIRS: usize = 1_000;
const YIELDING_TASKS: usize = 200;
const YIELDS: usize = 1_000;
const SLEEPS: u64 = 10_000;
const COMPUTING_TASKS: usize = 16;

/// Wakes itself, and is ready when it is polled again.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The future in `block_on` alone: every rung can do that.
async fn yield_main(rounds: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        yield_now().await;
    }
    start.elapsed()
}

/// The thread spins while it waits for the answer, so only the runtime's has to be woken.
async fn wake_from_thread(rounds: u64) -> Duration {
    let bell = Arc::new(Bell::default());
    let answers = Arc::new(AtomicU64::new(0));
    let thread = thread::spawn({
        let (bell, answers) = (bell.clone(), answers.clone());
        move || {
            let mut elapsed = Duration::ZERO;
            for round in 1..=rounds {
                cpu::spin(Duration::from_micros(50));
                let start = Instant::now();
                bell.ring();
                while answers.load(Acquire) < round {
                    std::hint::spin_loop();
                }
                elapsed += start.elapsed();
            }
            elapsed
        }
    });
    for round in 1..=rounds {
        bell.wait().await;
        answers.store(round, Release);
    }
    thread.join().expect("the waking thread has panicked")
}

/// What needs tasks: written once, for whatever has `spawn`.
macro_rules! workloads {
    ($name:ident, $spawn:path) => {
        mod $name {
            use super::*;

            pub async fn spawn_many(rounds: u64) -> Duration {
                let start = Instant::now();
                for _ in 0..rounds {
                    let countdown = Arc::new(Countdown::new(TASKS));
                    for _ in 0..TASKS {
                        let countdown = countdown.clone();
                        $spawn(async move { countdown.tick() });
                    }
                    countdown.wait().await;
                }
                start.elapsed()
            }

            pub async fn yield_many(rounds: u64) -> Duration {
                let start = Instant::now();
                for _ in 0..rounds {
                    let countdown = Arc::new(Countdown::new(YIELDING_TASKS));
                    for _ in 0..YIELDING_TASKS {
                        let countdown = countdown.clone();
                        $spawn(async move {
                            for _ in 0..YIELDS {
                                yield_now().await;
                            }
                            countdown.tick();
                        });
                    }
                    countdown.wait().await;
                }
                start.elapsed()
            }

            pub async fn ping_pong(rounds: u64) -> Duration {
                let start = Instant::now();
                for _ in 0..rounds {
                    let countdown = Arc::new(Countdown::new(PAIRS));
                    for _ in 0..PAIRS {
                        let countdown = countdown.clone();
                        $spawn(async move {
                            let (ping, pinged) = futures::channel::oneshot::channel();
                            let (pong, ponged) = futures::channel::oneshot::channel();
                            $spawn(async move {
                                pinged.await.expect("the first task is gone");
                                pong.send(()).expect("the first task is gone");
                            });
                            ping.send(()).expect("the second task is gone");
                            ponged.await.expect("the second task is gone");
                            countdown.tick();
                        });
                    }
                    countdown.wait().await;
                }
                start.elapsed()
            }

            pub async fn parallel_cpu(rounds: u64) -> Duration {
                cpu::calibrate();
                let start = Instant::now();
                for _ in 0..rounds {
                    let countdown = Arc::new(Countdown::new(COMPUTING_TASKS));
                    for _ in 0..COMPUTING_TASKS {
                        let countdown = countdown.clone();
                        $spawn(async move {
                            cpu::work(Duration::from_millis(1));
                            countdown.tick();
                        });
                    }
                    countdown.wait().await;
                }
                start.elapsed()
            }
        }
    };
}
workloads!(tasks_2, rung_2::spawn);
workloads!(tasks_3, rung_3::spawn);
workloads!(tasks_4, rung_4::spawn);
workloads!(tasks_5, rung_5::spawn);
workloads!(tasks_6, rung_6::spawn);
workloads!(tasks_samovar, samovar::spawn);
workloads!(tasks_tokio, tokio::spawn);

/// What needs timers.
macro_rules! sleeping {
    ($name:ident, $spawn:path, $sleep:path) => {
        mod $name {
            use super::*;

            pub async fn cancel(rounds: u64) -> Duration {
                let start = Instant::now();
                for _ in 0..rounds {
                    let sleep = pin!($sleep(Duration::from_secs(30)));
                    assert!(futures::poll!(sleep).is_pending());
                }
                start.elapsed()
            }

            pub async fn fire(rounds: u64) -> Duration {
                let before = cpu::used();
                for _ in 0..rounds {
                    let countdown = Arc::new(Countdown::new(SLEEPS as usize));
                    for number in 0..SLEEPS {
                        let countdown = countdown.clone();
                        $spawn(async move {
                            $sleep(Duration::from_micros(number * 7_919 % SLEEPS * 10)).await;
                            countdown.tick();
                        });
                    }
                    countdown.wait().await;
                }
                cpu::used() - before
            }
        }
    };
}
sleeping!(sleeps_3, rung_3::spawn, rung_3::sleep);
sleeping!(sleeps_samovar, samovar::spawn, samovar::time::sleep);
sleeping!(sleeps_tokio, tokio::spawn, tokio::time::sleep);

/// What needs join handles.
macro_rules! joining {
    ($name:ident, $spawn:path) => {
        async fn $name(rounds: u64) -> Duration {
            let mut handles = Vec::with_capacity(TASKS);
            let start = Instant::now();
            for _ in 0..rounds {
                handles.extend((0..TASKS).map(|_| $spawn(async {})));
                for handle in handles.drain(..) {
                    assert!(handle.await.is_ok());
                }
            }
            start.elapsed()
        }
    };
}
joining!(join_5, rung_5::spawn);
joining!(join_samovar, samovar::spawn);
joining!(join_tokio, tokio::spawn);

/// One row of a group. A rung's event loop is the thread's; a runtime is built before the measurement.
fn row<F: Future<Output = Duration>>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    workload: impl Fn(u64) -> F,
    block_on: impl Fn(F) -> Duration,
) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|rounds| block_on(workload(rounds)));
    });
}

/// The row of a runtime.
fn of<R: Runtime, F: Future<Output = Duration>>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    build: impl Fn() -> R,
    workload: impl Fn(u64) -> F,
) {
    support::measure(group, name, build, workload);
}

fn futures_alone(criterion: &mut Criterion) {
    for (name, is_yield) in [
        ("ladder_yield_main", true),
        ("ladder_wake_from_thread", false),
    ] {
        let workload = |rounds| async move {
            match is_yield {
                true => yield_main(rounds).await,
                false => wake_from_thread(rounds).await,
            }
        };
        let mut group = support::group(criterion, name, 1);
        row(&mut group, "rung_1", workload, rung_1::block_on);
        row(&mut group, "rung_2", workload, rung_2::block_on);
        row(&mut group, "rung_3", workload, rung_3::block_on);
        row(&mut group, "rung_4", workload, rung_4::block_on);
        row(&mut group, "rung_5", workload, rung_5::block_on);
        of(
            &mut group,
            "samovar_ct",
            support::samovar::current_thread,
            workload,
        );
        of(
            &mut group,
            "tokio_ct",
            support::tokio::current_thread,
            workload,
        );
        group.finish();
    }
}

/// A workload on all that have tasks.
macro_rules! on_all {
    ($criterion:expr, $name:literal, $operations:expr, $workload:ident) => {{
        let mut group = support::group($criterion, $name, $operations as u64);
        row(&mut group, "rung_2", tasks_2::$workload, rung_2::block_on);
        row(&mut group, "rung_3", tasks_3::$workload, rung_3::block_on);
        row(&mut group, "rung_4", tasks_4::$workload, rung_4::block_on);
        row(&mut group, "rung_5", tasks_5::$workload, rung_5::block_on);
        of(
            &mut group,
            "samovar_ct",
            support::samovar::current_thread,
            tasks_samovar::$workload,
        );
        of(
            &mut group,
            "tokio_ct",
            support::tokio::current_thread,
            tasks_tokio::$workload,
        );
        row(&mut group, "rung_6", tasks_6::$workload, |main| {
            rung_6::block_on(WORKERS, main)
        });
        of(
            &mut group,
            "samovar",
            support::samovar::multi_thread,
            tasks_samovar::$workload,
        );
        of(
            &mut group,
            "tokio",
            support::tokio::multi_thread,
            tasks_tokio::$workload,
        );
        group.finish();
    }};
}

fn tasks(criterion: &mut Criterion) {
    on_all!(criterion, "ladder_spawn_many", TASKS, spawn_many);
    on_all!(
        criterion,
        "ladder_yield_many",
        YIELDING_TASKS * YIELDS,
        yield_many
    );
    on_all!(criterion, "ladder_ping_pong", PAIRS, ping_pong);
    on_all!(
        criterion,
        "ladder_parallel_cpu",
        COMPUTING_TASKS,
        parallel_cpu
    );
}

fn one_idea(criterion: &mut Criterion) {
    macro_rules! on_one_thread {
        ($name:literal, $operations:expr, $rung:ident: $on_rung:path, $on_samovar:path, $on_tokio:path) => {{
            let mut group = support::group(criterion, $name, $operations as u64);
            row(&mut group, stringify!($rung), $on_rung, $rung::block_on);
            of(
                &mut group,
                "samovar_ct",
                support::samovar::current_thread,
                $on_samovar,
            );
            of(
                &mut group,
                "tokio_ct",
                support::tokio::current_thread,
                $on_tokio,
            );
            group.finish();
        }};
    }
    on_one_thread!("ladder_sleep_cancel", 1, rung_3: sleeps_3::cancel, sleeps_samovar::cancel, sleeps_tokio::cancel);
    on_one_thread!("ladder_sleep_fire_cpu", SLEEPS, rung_3: sleeps_3::fire, sleeps_samovar::fire, sleeps_tokio::fire);
    on_one_thread!("ladder_join_many", TASKS, rung_5: join_5, join_samovar, join_tokio);
}

/// The server of rung 4, as `support/serve.rs` has it for the runtimes.
async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0".parse().expect("an address"));
    let listener = listener.expect("the system gives no port");
    server::announce(listener.local_addr().expect("a listener has an address"));
    let mut listener = rung_4::Socket::new(listener).expect("the kernel watches it");
    loop {
        let accepted = listener.ready(TcpListener::accept).await;
        let (stream, _) = accepted.expect("a connection cannot be accepted");
        rung_4::spawn(async {
            // That the client has gone is no error.
            let _ = send_back(stream).await;
        });
    }
}

async fn send_back(stream: mio::net::TcpStream) -> io::Result<()> {
    let mut stream = rung_4::Socket::new(stream)?;
    let mut buffer = [0; 1024];
    loop {
        let count = stream.ready(|mut it| it.read(&mut buffer)).await?;
        if count == 0 {
            return Ok(());
        }
        let mut sent = 0;
        while sent < count {
            sent += stream
                .ready(|mut it| it.write(&buffer[sent..count]))
                .await?;
        }
    }
}

fn echo(criterion: &mut Criterion) {
    for connections in [1, 64] {
        let load = Load {
            connections,
            message: 64,
            reconnect: false,
        };
        let (warm_up, window) = if support::is_test() {
            (5, 20)
        } else {
            (20, 100)
        };
        let mut group = support::group(criterion, &format!("ladder_echo_{connections}"), 1);
        for runtime in ["rung_4", "samovar_ct", "tokio_ct"] {
            group.bench_function(runtime, |bencher| {
                let server = Server::start(runtime, "echo");
                bencher.iter_custom(|rounds| {
                    let (warm_up, window) = (
                        Duration::from_millis(warm_up),
                        Duration::from_millis(window),
                    );
                    let seen = load::run(server.address, load, warm_up, window, || ());
                    seen.time.mul_f64(rounds as f64 / seen.requests as f64)
                });
            });
        }
        group.finish();
    }
}

fn main() {
    if std::env::var(server::VARIABLE).is_ok_and(|job| job == "rung_4 echo") {
        return rung_4::block_on(serve());
    }
    server::serve_if_asked();
    let mut criterion = support::criterion().configure_from_args();
    futures_alone(&mut criterion);
    tasks(&mut criterion);
    one_idea(&mut criterion);
    echo(&mut criterion);
    criterion.final_summary();
}
