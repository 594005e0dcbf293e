//! What it costs that tasks talk to each other: channels and locks.
//!
//! `cargo bench --bench channels`. The rules of the comparison are in `support/mod.rs`. Everything runs in tasks.
//!
//! | group | one operation is |
//! |---|---|
//! | `mpsc_uncontended` | one message that a task sends and receives itself |
//! | `mpsc_fanin_32` | one of 10,000 messages from four tasks to a fifth; the channel has room for 32 |
//! | `mpsc_fanin_100k` | the same with room for 100,000, so that nobody has to wait for room |
//! | `mpsc_ping_pong` | a message and its answer between two tasks, by two channels with room for one |
//! | `oneshot_pair` | a channel: made, sent to, received from, in one task |
//! | `mutex_uncontended` | to lock and unlock a lock that nobody else wants |
//! | `mutex_contended` | the same with four tasks that want it, 1,000 times each; none waits while it holds it |
//! | `mutex_across_yield` | the same, but each holder yields once before it unlocks |
//! | `semaphore_contended` | to take and give back one of two permits that four tasks want, 1,000 times each, over a yield |
//! | `rwlock_read_heavy` | one access of four tasks, 1,000 times each, of which one in a hundred writes |

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::compare;

/// How many tasks want the same thing.
const TASKS: u64 = 4;
/// How often each of them wants it.
const TIMES: u64 = 1_000;
/// How many messages each of them sends.
const MESSAGES: u64 = 2_500;

macro_rules! workloads {
    ($runtime:ident) => {
        mod $runtime {
            use std::future::Future;
            use std::hint::black_box;
            use std::sync::Arc;
            use std::time::{Duration, Instant};

            use crate::support::$runtime as rt;
            use crate::{MESSAGES, TASKS, TIMES};

            /// Runs `workload` in a few tasks at once, so many rounds.
            async fn in_tasks<F>(rounds: u64, workload: impl Fn() -> F + Send + 'static) -> Duration
            where
                F: Future<Output = ()> + Send + 'static,
            {
                rt::in_task(async move {
                    let start = Instant::now();
                    for _ in 0..rounds {
                        let tasks: Vec<_> = (0..TASKS).map(|_| rt::spawn(workload())).collect();
                        for task in tasks {
                            rt::join(task).await;
                        }
                    }
                    start.elapsed()
                })
                .await
            }

            pub async fn mpsc_uncontended(rounds: u64) -> Duration {
                rt::in_task(async move {
                    let (sender, mut receiver) = rt::mpsc::channel(32);
                    let start = Instant::now();
                    for round in 0..rounds {
                        let _ = sender.send(round).await;
                        assert_eq!(receiver.recv().await, Some(round));
                    }
                    start.elapsed()
                })
                .await
            }

            pub async fn mpsc_fanin(rounds: u64, capacity: usize) -> Duration {
                rt::in_task(async move {
                    let start = Instant::now();
                    for _ in 0..rounds {
                        let (sender, mut receiver) = rt::mpsc::channel(capacity);
                        for _ in 0..TASKS {
                            let sender = sender.clone();
                            rt::detach(rt::spawn(async move {
                                for message in 0..MESSAGES {
                                    let _ = sender.send(message).await;
                                }
                            }));
                        }
                        drop(sender);
                        let mut received = 0;
                        while let Some(message) = receiver.recv().await {
                            black_box(message);
                            received += 1;
                        }
                        assert_eq!(received, TASKS * MESSAGES);
                    }
                    start.elapsed()
                })
                .await
            }

            pub async fn mpsc_ping_pong(rounds: u64) -> Duration {
                rt::in_task(async move {
                    let (ping, mut pings) = rt::mpsc::channel(1);
                    let (pong, mut pongs) = rt::mpsc::channel(1);
                    let other = rt::spawn(async move {
                        while let Some(message) = pings.recv().await {
                            let _ = pong.send(message).await;
                        }
                    });
                    let start = Instant::now();
                    for round in 0..rounds {
                        let _ = ping.send(round).await;
                        assert_eq!(pongs.recv().await, Some(round));
                    }
                    let elapsed = start.elapsed();
                    drop(ping);
                    rt::join(other).await;
                    elapsed
                })
                .await
            }

            pub async fn oneshot_pair(rounds: u64) -> Duration {
                rt::in_task(async move {
                    let start = Instant::now();
                    for round in 0..rounds {
                        let (sender, receiver) = rt::oneshot::channel();
                        let _ = sender.send(round);
                        assert_eq!(rt::receive(receiver).await, round);
                    }
                    start.elapsed()
                })
                .await
            }

            pub async fn mutex_uncontended(rounds: u64) -> Duration {
                rt::in_task(async move {
                    let mutex = rt::Mutex::new(0_u64);
                    let start = Instant::now();
                    for _ in 0..rounds {
                        *mutex.lock().await += 1;
                    }
                    let elapsed = start.elapsed();
                    assert_eq!(mutex.into_inner(), rounds);
                    elapsed
                })
                .await
            }

            pub async fn mutex_contended(rounds: u64) -> Duration {
                let mutex = Arc::new(rt::Mutex::new(0_u64));
                let count = mutex.clone();
                let elapsed = in_tasks(rounds, move || {
                    let count = count.clone();
                    async move {
                        for _ in 0..TIMES {
                            *count.lock().await += 1;
                        }
                    }
                })
                .await;
                assert_eq!(*mutex.lock().await, rounds * TASKS * TIMES);
                elapsed
            }

            pub async fn mutex_across_yield(rounds: u64) -> Duration {
                let mutex = Arc::new(rt::Mutex::new(0_u64));
                let count = mutex.clone();
                let elapsed = in_tasks(rounds, move || {
                    let count = count.clone();
                    async move {
                        for _ in 0..TIMES {
                            let mut count = count.lock().await;
                            rt::yield_now().await;
                            *count += 1;
                        }
                    }
                })
                .await;
                assert_eq!(*mutex.lock().await, rounds * TASKS * TIMES);
                elapsed
            }

            pub async fn semaphore_contended(rounds: u64) -> Duration {
                let semaphore = Arc::new(rt::Semaphore::new(2));
                in_tasks(rounds, move || {
                    let semaphore = semaphore.clone();
                    async move {
                        for _ in 0..TIMES {
                            let _permit = semaphore.acquire().await;
                            rt::yield_now().await;
                        }
                    }
                })
                .await
            }

            pub async fn rwlock_read_heavy(rounds: u64) -> Duration {
                let lock = Arc::new(rt::RwLock::new(0_u64));
                let count = lock.clone();
                let elapsed = in_tasks(rounds, move || {
                    let count = count.clone();
                    async move {
                        for time in 1..=TIMES {
                            if time % 100 == 0 {
                                *count.write().await += 1;
                            } else {
                                black_box(*count.read().await);
                            }
                        }
                    }
                })
                .await;
                assert_eq!(*lock.read().await, rounds * TASKS * TIMES / 100);
                elapsed
            }
        }
    };
}

workloads!(samovar);
workloads!(tokio);
workloads!(smol);
workloads!(nio);

fn channels(c: &mut Criterion) {
    compare!(c, "mpsc_uncontended", 1, mpsc_uncontended);
    compare!(c, "mpsc_fanin_32", TASKS * MESSAGES, mpsc_fanin, 32);
    compare!(c, "mpsc_fanin_100k", TASKS * MESSAGES, mpsc_fanin, 100_000);
    compare!(c, "mpsc_ping_pong", 1, mpsc_ping_pong);
    compare!(c, "oneshot_pair", 1, oneshot_pair);
}

fn locks(c: &mut Criterion) {
    let contended = TASKS * TIMES;
    compare!(c, "mutex_uncontended", 1, mutex_uncontended);
    compare!(c, "mutex_contended", contended, mutex_contended);
    compare!(c, "mutex_across_yield", contended, mutex_across_yield);
    compare!(c, "semaphore_contended", contended, semaphore_contended);
    compare!(c, "rwlock_read_heavy", contended, rwlock_read_heavy);
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = channels, locks
}
criterion_main!(benches);
