//! What tasks cost: to spawn them, to join them, to switch between them, to wake them.
//!
//! `cargo bench --bench executor`. The rules of the comparison are in `support/mod.rs`. Names that Tokio's own benchmarks
//! have mean the same here, with one difference: those wait for the end with a blocking channel, inside `block_on`, and
//! these with a future.
//!
//! | group | one operation is |
//! |---|---|
//! | `spawn_many_local` | one of 10,000 empty tasks spawned from `block_on`, then joined |
//! | `spawn_many_worker` | the same from inside a task |
//! | `spawn_many_detached` | the same from `block_on`, handles dropped; the last task to end tells |
//! | `spawn_many_512` | the same as the first, with futures of 512 bytes |
//! | `spawn_many_remote_idle` | one of 10,000 tasks spawned by a thread outside the runtime, which has nothing else to do |
//! | `spawn_many_remote_busy` | the same while two tasks compute for 10 us at a time, and yield |
//! | `chained_spawn` | one of 1,000 tasks each of which spawns the next |
//! | `ping_pong` | one of 1,000 pairs of tasks that send each other one message, by two `oneshot` channels |
//! | `yield_many` | one `yield_now` of 200 tasks that do nothing else, 1,000 times each |
//! | `yield_one` | one `yield_now` of a task that is alone |
//! | `spawn_join` | a task spawned from `block_on` and awaited at once |
//! | `spawn_join_worker` | the same from inside a task |
//! | `select_ready` | a `select!` of two futures that are ready |
//! | `select_pending` | a `select!` of one future that is ready when polled again, and one that never is |
//! | `wake_from_thread_50us` | from a thread's wake to the task's answer, 50 us after the last: the runtime has gone to sleep |
//! | `wake_from_thread_2us` | the same 2 us after the last |
//! | `spawn_blocking` | an empty blocking job, awaited at once |
//! | `spawn_blocking_many` | one of 1,000 empty blocking jobs at once |
//! | `parallel_cpu_50us`, `_1ms`, `_20ms` | one of 64 (16, 4) tasks that compute for so long, on two workers |
//! | `parallel_cpu_behind_long` | one of 16 tasks of 1 ms that are queued behind one of 20 ms |

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::compare;

/// How many tasks `spawn_many` spawns.
const TASKS: usize = 10_000;
/// How long the chain of `chained_spawn` is.
const CHAIN: usize = 1_000;
/// How many pairs play `ping_pong`.
const PAIRS: usize = 1_000;
/// How many tasks yield in `yield_many`, and how often.
const YIELDING_TASKS: u64 = 200;
const YIELDS: u64 = 1_000;
/// How many jobs `spawn_blocking_many` has.
const JOBS: usize = 1_000;

macro_rules! workloads {
    ($runtime:ident) => {
        mod $runtime {
            use std::future::{pending, ready};
            use std::hint::{black_box, spin_loop};
            use std::sync::Arc;
            use std::sync::atomic::{
                AtomicBool, AtomicU64,
                Ordering::{Acquire, Relaxed, Release},
            };
            use std::thread;
            use std::time::{Duration, Instant};

            use crate::support::bell::{Bell, Countdown};
            use crate::support::cpu;
            use crate::support::$runtime as rt;
            use crate::{CHAIN, JOBS, PAIRS, TASKS, YIELDING_TASKS, YIELDS};

            pub async fn spawn_many(rounds: u64) -> Duration {
                let mut handles = Vec::with_capacity(TASKS);
                let start = Instant::now();
                for _ in 0..rounds {
                    handles.extend((0..TASKS).map(|_| rt::spawn(async {})));
                    for handle in handles.drain(..) {
                        rt::join(handle).await;
                    }
                }
                start.elapsed()
            }

            pub async fn spawn_many_worker(rounds: u64) -> Duration {
                rt::in_task(spawn_many(rounds)).await
            }

            pub async fn spawn_many_detached(rounds: u64) -> Duration {
                let start = Instant::now();
                for _ in 0..rounds {
                    let countdown = Arc::new(Countdown::new(TASKS));
                    for _ in 0..TASKS {
                        let countdown = countdown.clone();
                        rt::detach(rt::spawn(async move { countdown.tick() }));
                    }
                    countdown.wait().await;
                }
                start.elapsed()
            }

            pub async fn spawn_many_512(rounds: u64) -> Duration {
                let mut handles = Vec::with_capacity(TASKS);
                let start = Instant::now();
                for _ in 0..rounds {
                    for _ in 0..TASKS {
                        let ballast = black_box([0_u8; 512]);
                        handles.push(rt::spawn(async move {
                            black_box(&ballast);
                        }));
                    }
                    for handle in handles.drain(..) {
                        rt::join(handle).await;
                    }
                }
                start.elapsed()
            }

            pub async fn spawn_many_remote_idle(rounds: u64) -> Duration {
                let handle = rt::Handle::current();
                let done = Arc::new(Bell::default());
                let thread = thread::spawn({
                    let done = done.clone();
                    move || {
                        let start = Instant::now();
                        for _ in 0..rounds {
                            let countdown = Arc::new(Countdown::new(TASKS));
                            for _ in 0..TASKS {
                                let countdown = countdown.clone();
                                rt::detach(handle.spawn(async move { countdown.tick() }));
                            }
                            futures::executor::block_on(countdown.wait());
                        }
                        let elapsed = start.elapsed();
                        done.ring();
                        elapsed
                    }
                });
                done.wait().await;
                thread.join().expect("the spawning thread has panicked")
            }

            pub async fn spawn_many_remote_busy(rounds: u64) -> Duration {
                let stop = Arc::new(AtomicBool::new(false));
                let busy = [(); crate::support::WORKERS].map(|()| {
                    let stop = stop.clone();
                    rt::spawn(async move {
                        while !stop.load(Relaxed) {
                            cpu::spin(Duration::from_micros(10));
                            rt::yield_now().await;
                        }
                    })
                });
                let elapsed = spawn_many_remote_idle(rounds).await;
                stop.store(true, Relaxed);
                for handle in busy {
                    rt::join(handle).await;
                }
                elapsed
            }

            pub async fn chained_spawn(rounds: u64) -> Duration {
                fn spawn_next(left: usize, end: Arc<Bell>) {
                    if left == 0 {
                        end.ring();
                    } else {
                        rt::detach(rt::spawn(async move { spawn_next(left - 1, end) }));
                    }
                }

                let end = Arc::new(Bell::default());
                let start = Instant::now();
                for _ in 0..rounds {
                    let first = end.clone();
                    rt::detach(rt::spawn(async move { spawn_next(CHAIN - 1, first) }));
                    end.wait().await;
                }
                start.elapsed()
            }

            pub async fn ping_pong(rounds: u64) -> Duration {
                async fn pair(done: Arc<Countdown>) {
                    let (ping, pinged) = rt::oneshot::channel();
                    let (pong, ponged) = rt::oneshot::channel();
                    rt::detach(rt::spawn(async move {
                        rt::receive(pinged).await;
                        pong.send(()).expect("the first task is gone");
                    }));
                    ping.send(()).expect("the second task is gone");
                    rt::receive(ponged).await;
                    done.tick();
                }

                let start = Instant::now();
                for _ in 0..rounds {
                    let done = Arc::new(Countdown::new(PAIRS));
                    let pairs = done.clone();
                    rt::detach(rt::spawn(async move {
                        for _ in 0..PAIRS {
                            rt::detach(rt::spawn(pair(pairs.clone())));
                        }
                    }));
                    done.wait().await;
                }
                start.elapsed()
            }

            pub async fn yield_many(rounds: u64) -> Duration {
                let start = Instant::now();
                for _ in 0..rounds {
                    let tasks: Vec<_> = (0..YIELDING_TASKS)
                        .map(|_| {
                            rt::spawn(async {
                                for _ in 0..YIELDS {
                                    rt::yield_now().await;
                                }
                            })
                        })
                        .collect();
                    for task in tasks {
                        rt::join(task).await;
                    }
                }
                start.elapsed()
            }

            pub async fn yield_one(rounds: u64) -> Duration {
                rt::in_task(async move {
                    let start = Instant::now();
                    for _ in 0..rounds {
                        rt::yield_now().await;
                    }
                    start.elapsed()
                })
                .await
            }

            pub async fn spawn_join(rounds: u64) -> Duration {
                let start = Instant::now();
                for _ in 0..rounds {
                    rt::join(rt::spawn(async {})).await;
                }
                start.elapsed()
            }

            pub async fn spawn_join_worker(rounds: u64) -> Duration {
                rt::in_task(spawn_join(rounds)).await
            }

            pub async fn select_ready(rounds: u64) -> Duration {
                rt::in_task(async move {
                    let start = Instant::now();
                    for _ in 0..rounds {
                        rt::first(ready(black_box(())), ready(black_box(()))).await;
                    }
                    start.elapsed()
                })
                .await
            }

            pub async fn select_pending(rounds: u64) -> Duration {
                rt::in_task(async move {
                    let start = Instant::now();
                    for _ in 0..rounds {
                        rt::first(rt::yield_now(), pending()).await;
                    }
                    start.elapsed()
                })
                .await
            }

            /// The thread spins while it waits for the answer, so only the runtime's thread has to be woken.
            pub async fn wake_from_thread(rounds: u64, gap: Duration) -> Duration {
                let bell = Arc::new(Bell::default());
                let answers = Arc::new(AtomicU64::new(0));
                let thread = thread::spawn({
                    let (bell, answers) = (bell.clone(), answers.clone());
                    move || {
                        let mut elapsed = Duration::ZERO;
                        for round in 1..=rounds {
                            cpu::spin(gap);
                            let start = Instant::now();
                            bell.ring();
                            while answers.load(Acquire) < round {
                                spin_loop();
                            }
                            elapsed += start.elapsed();
                        }
                        elapsed
                    }
                });
                let answering = rt::spawn(async move {
                    for round in 1..=rounds {
                        bell.wait().await;
                        answers.store(round, Release);
                    }
                });
                rt::join(answering).await;
                thread.join().expect("the waking thread has panicked")
            }

            pub async fn spawn_blocking(rounds: u64) -> Duration {
                rt::in_task(async move {
                    let start = Instant::now();
                    for _ in 0..rounds {
                        rt::join(rt::spawn_blocking(|| {})).await;
                    }
                    start.elapsed()
                })
                .await
            }

            pub async fn spawn_blocking_many(rounds: u64) -> Duration {
                rt::in_task(async move {
                    let start = Instant::now();
                    for _ in 0..rounds {
                        let jobs: Vec<_> = (0..JOBS).map(|_| rt::spawn_blocking(|| {})).collect();
                        for job in jobs {
                            rt::join(job).await;
                        }
                    }
                    start.elapsed()
                })
                .await
            }

            /// Tasks that compute for so long each, in this order.
            pub async fn parallel_cpu(rounds: u64, tasks: &[Duration]) -> Duration {
                cpu::calibrate();
                let start = Instant::now();
                for _ in 0..rounds {
                    let tasks: Vec<_> = tasks
                        .iter()
                        .map(|&duration| rt::spawn(async move { cpu::work(duration) }))
                        .collect();
                    for task in tasks {
                        rt::join(task).await;
                    }
                }
                start.elapsed()
            }
        }
    };
}

workloads!(samovar);
workloads!(tokio);
workloads!(smol);
workloads!(nio);

fn spawning(c: &mut Criterion) {
    let tasks = TASKS as u64;
    compare!(c, "spawn_many_local", tasks, spawn_many);
    compare!(c, "spawn_many_worker", tasks, spawn_many_worker);
    compare!(c, "spawn_many_detached", tasks, spawn_many_detached);
    compare!(c, "spawn_many_512", tasks, spawn_many_512);
    compare!(c, "spawn_many_remote_idle", tasks, spawn_many_remote_idle);
    compare!(c, "spawn_many_remote_busy", tasks, spawn_many_remote_busy);
    compare!(c, "chained_spawn", CHAIN as u64, chained_spawn);
    compare!(c, "spawn_join", 1, spawn_join);
    compare!(c, "spawn_join_worker", 1, spawn_join_worker);
}

fn switching(c: &mut Criterion) {
    use std::time::Duration;

    compare!(c, "ping_pong", PAIRS as u64, ping_pong);
    compare!(c, "yield_many", YIELDING_TASKS * YIELDS, yield_many);
    compare!(c, "yield_one", 1, yield_one);
    compare!(c, "select_ready", 1, select_ready);
    compare!(c, "select_pending", 1, select_pending);
    for gap in [50, 2] {
        let name = format!("wake_from_thread_{gap}us");
        let gap = Duration::from_micros(gap);
        compare!(c, &name, 1, wake_from_thread, gap);
    }
}

fn threads(c: &mut Criterion) {
    use std::time::Duration;

    compare!(c, "spawn_blocking", 1, spawn_blocking);
    compare!(c, "spawn_blocking_many", JOBS as u64, spawn_blocking_many);

    let equal = |micros, count| vec![Duration::from_micros(micros); count];
    let mut behind_long = equal(1_000, 16);
    behind_long.insert(0, Duration::from_millis(20));
    let cases = [
        ("parallel_cpu_50us", 64, equal(50, 64)),
        ("parallel_cpu_1ms", 16, equal(1_000, 16)),
        ("parallel_cpu_20ms", 4, equal(20_000, 4)),
        ("parallel_cpu_behind_long", 16, behind_long),
    ];
    for (name, count, tasks) in cases {
        compare!(c, multi_thread name, count, parallel_cpu, &tasks);
    }
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = spawning, switching, threads
}
criterion_main!(benches);
