//! What timers cost: those that are taken back, as most timeouts are, and those that fire; and how late they are.
//!
//! `cargo bench --bench timers`. The rules of the comparison are in `support/mod.rs`. Everything runs in
//! tasks; those are made by `spawn_with`, since a future that holds one of nio's timers is not `Send`.
//!
//! | group | one operation is |
//! |---|---|
//! | `sleep_cancel` | a sleep of 30 s: made, polled once, dropped |
//! | `sleep_cancel_background` | the same while 100,000 other sleeps wait |
//! | `sleep_mass_100k`, `_1m` | one of 100,000 (1,000,000) sleeps of up to an hour: made and polled once; their drop does not count |
//! | `sleep_fire_cpu` | one of 20,000 tasks whose sleeps end within a fifth of a second: *the processor time* from the first end to the last task's |
//! | `sleep_fire_lateness` | the same; the time is *by how much the sleeps end too late*, on average |
//! | `sleep_1ms_lateness` | a sleep of 1 ms in an idle runtime; the time is *by how much it ends too late* |
//! | `timeout_ready` | a timeout of 1 s around a future that is ready |
//! | `timeout_pending` | a timeout of 1 s around a future that is ready when polled again |

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::compare;

/// How many sleeps wait in the background.
const BACKGROUND: u64 = 100_000;
/// How many sleeps a round makes and drops beside them: enough, for the background is made anew for each sample.
const CANCELS: u64 = 100_000;

/// How many sleeps fire, in how many per millisecond.
fn firing() -> (u64, u64) {
    if support::is_test() {
        (2_000, 100)
    } else {
        (20_000, 100)
    }
}

/// A sleep of up to an hour, as if by chance: the `index`-th of many.
fn up_to_an_hour(index: u64) -> std::time::Duration {
    let micros = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    std::time::Duration::from_secs(60) + std::time::Duration::from_micros(micros % 3_540_000_000)
}

macro_rules! workloads {
    ($runtime:ident) => {
        mod $runtime {
            use std::future::{Future, ready};
            use std::pin::{Pin, pin};
            use std::sync::Arc;
            use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
            use std::time::{Duration, Instant};

            use crate::support::{cpu, $runtime as rt};
            use crate::{BACKGROUND, CANCELS, up_to_an_hour};

            /// Makes so many sleeps and polls each once; and how long that took.
            async fn waiting_sleeps(count: u64) -> (Duration, Vec<Pin<Box<impl Future>>>) {
                let mut sleeps = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
                let start = Instant::now();
                for index in 0..count {
                    let mut sleep = Box::pin(rt::sleep(up_to_an_hour(index)));
                    assert!(futures::poll!(sleep.as_mut()).is_pending());
                    sleeps.push(sleep);
                }
                (start.elapsed(), sleeps)
            }

            async fn cancel(rounds: u64) -> Duration {
                let start = Instant::now();
                for _ in 0..rounds {
                    let mut sleep = pin!(rt::sleep(Duration::from_secs(30)));
                    assert!(futures::poll!(sleep.as_mut()).is_pending());
                }
                start.elapsed()
            }

            pub async fn sleep_cancel(rounds: u64) -> Duration {
                rt::join(rt::spawn_with(move || cancel(rounds))).await
            }

            pub async fn sleep_cancel_background(rounds: u64) -> Duration {
                rt::join(rt::spawn_with(move || async move {
                    let (_, background) = waiting_sleeps(BACKGROUND).await;
                    let elapsed = cancel(rounds * CANCELS).await;
                    drop(background);
                    elapsed
                }))
                .await
            }

            pub async fn sleep_mass(rounds: u64, count: u64) -> Duration {
                rt::join(rt::spawn_with(move || async move {
                    let mut elapsed = Duration::ZERO;
                    for _ in 0..rounds {
                        let (time, sleeps) = waiting_sleeps(count).await;
                        elapsed += time;
                        drop(sleeps);
                    }
                    elapsed
                }))
                .await
            }

            /// Lets sleeps fire: the processor time that took, and the sum of how late they were. All tasks are asleep
            /// before the first is due.
            async fn fire((count, per_milli): (u64, u64)) -> (Duration, Duration) {
                let before_first = Duration::from_millis(10) + Duration::from_micros(count * 5);
                let first = rt::Instant::now() + before_first;
                let late = Arc::new(AtomicU64::new(0));
                let tasks: Vec<_> = (0..count)
                    .map(|index| {
                        let due = first + Duration::from_micros(index * 1_000 / per_milli);
                        let late = late.clone();
                        rt::spawn_with(move || async move {
                            rt::sleep_until(due).await;
                            let nanos = rt::Instant::now().duration_since(due).as_nanos();
                            late.fetch_add(u64::try_from(nanos).unwrap_or(u64::MAX), Relaxed);
                        })
                    })
                    .collect();
                rt::sleep_until(first).await;
                let before = cpu::used();
                for task in tasks {
                    rt::join(task).await;
                }
                let used = cpu::used() - before;
                (used, Duration::from_nanos(late.load(Relaxed)))
            }

            pub async fn sleep_fire_cpu(rounds: u64, load: (u64, u64)) -> Duration {
                let mut used = Duration::ZERO;
                for _ in 0..rounds {
                    used += fire(load).await.0;
                }
                used
            }

            pub async fn sleep_fire_lateness(rounds: u64, load: (u64, u64)) -> Duration {
                let mut late = Duration::ZERO;
                for _ in 0..rounds {
                    late += fire(load).await.1;
                }
                late
            }

            #[allow(dead_code, reason = "nio's sleeps may end early")]
            pub async fn sleep_1ms_lateness(rounds: u64) -> Duration {
                const MILLI: Duration = Duration::from_millis(1);
                rt::join(rt::spawn_with(move || async move {
                    let mut late = Duration::ZERO;
                    for _ in 0..rounds {
                        let start = Instant::now();
                        rt::sleep(MILLI).await;
                        let took = start.elapsed();
                        late += took.checked_sub(MILLI).expect("the sleep ended early");
                    }
                    late
                }))
                .await
            }

            pub async fn timeout_ready(rounds: u64) -> Duration {
                rt::join(rt::spawn_with(move || async move {
                    let start = Instant::now();
                    for _ in 0..rounds {
                        let _ = rt::timeout(Duration::from_secs(1), ready(())).await;
                    }
                    start.elapsed()
                }))
                .await
            }

            pub async fn timeout_pending(rounds: u64) -> Duration {
                rt::join(rt::spawn_with(move || async move {
                    let start = Instant::now();
                    for _ in 0..rounds {
                        let _ = rt::timeout(Duration::from_secs(1), rt::yield_now()).await;
                    }
                    start.elapsed()
                }))
                .await
            }
        }
    };
}

workloads!(samovar);
workloads!(tokio);
workloads!(smol);
workloads!(nio);

fn cancelled(c: &mut Criterion) {
    compare!(c, "sleep_cancel", 1, sleep_cancel);
    compare!(
        c,
        "sleep_cancel_background",
        CANCELS,
        sleep_cancel_background
    );
    compare!(c, "timeout_ready", 1, timeout_ready);
    compare!(c, "timeout_pending", 1, timeout_pending);
}

fn waiting(c: &mut Criterion) {
    let shrink = if support::is_test() { 100 } else { 1 };
    for (name, count) in [
        ("sleep_mass_100k", 100_000 / shrink),
        ("sleep_mass_1m", 1_000_000 / shrink),
    ] {
        compare!(c, name, count, sleep_mass, count);
    }
}

fn fired(c: &mut Criterion) {
    let load = firing();
    compare!(c, "sleep_fire_cpu", load.0, sleep_fire_cpu, load);
    compare!(c, "sleep_fire_lateness", load.0, sleep_fire_lateness, load);
    // Not on nio: its sleeps may end early (`support/nio.rs` has the figures), and the workload panics when one does.
    compare!(c, without_nio "sleep_1ms_lateness", 1, sleep_1ms_lateness);
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = cancelled, waiting
}
criterion_group! {
    name = slow;
    // A round of `sleep_fire` takes a third of a second.
    config = support::criterion().sample_size(10);
    targets = fired
}
criterion_main!(benches, slow);
