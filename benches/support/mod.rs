//! What the benchmarks share: the runtimes, the rules of the comparison, and a few tools.
//!
//! # The rules
//!
//! - Every workload is written once, in a macro that takes a runtime's name; inside, `rt` is that runtime. For Samovar and
//!   Tokio `rt` is little more than a list of `pub use`, for smol and nio a thin layer of the same names: see
//!   `runtimes.rs`, `smol.rs` and `nio.rs`.
//! - A group is one workload on all runtimes, one after the other, so that a group is one page of the report.
//! - A runtime is built before the measurement and dropped after it. A sample is one `block_on`, and the workload reads
//!   the clock itself, inside: neither the start of threads nor `block_on` counts.
//! - Multi-thread runtimes have two workers. In Tokio and smol the thread inside `block_on` comes on top; in Samovar and
//!   nio it is one of the two.
//! - Criterion's times are per round of the workload; its throughput is in the operations that the group counts.

// Each benchmark is a crate of its own, and none uses everything.
#![allow(dead_code, unused_imports, unused_macros)]

pub mod bell;
pub mod cpu;
pub mod load;
pub mod memory;
pub mod nio;
mod runtimes;
mod serve;
pub mod server;
pub mod smol;

use std::future::Future;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};

pub use self::runtimes::{samovar, tokio};

/// How many workers a multi-thread runtime has.
pub const WORKERS: usize = 2;

/// What a runtime must be able to do to be measured.
pub trait Runtime {
    /// Runs a future on the calling thread.
    fn block_on<F: Future>(&self, future: F) -> F::Output;
}

/// Short settings, for the suite is run several times: rounds tell more than a longer measurement at one moment does. For
/// more precision in one run, say so on the command line: `cargo bench -- --measurement-time 10 --sample-size 50`.
pub fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300))
        .sample_size(10)
        .nresamples(2_000)
        .noise_threshold(0.05)
}

/// Whether this is `cargo bench -- --test`, which only shows that everything runs: workloads may be smaller then.
pub fn is_test() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

/// The group of one workload, of which one round is `operations` operations.
pub fn group<'a>(
    criterion: &'a mut Criterion,
    name: &str,
    operations: u64,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    // Every sample has the same number of rounds: the slow workloads have few anyway.
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(operations));
    group
}

/// Measures one workload on one runtime. `workload` is given a number of rounds, and returns what they took.
pub fn measure<R: Runtime, F: Future<Output = Duration>>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    build: impl Fn() -> R,
    workload: impl Fn(u64) -> F,
) {
    group.bench_function(name, |bencher| {
        let runtime = build();
        bencher.iter_custom(|rounds| runtime.block_on(workload(rounds)));
    });
}

/// `compare!(criterion, "group", operations, workload)` measures `samovar::workload`, `tokio::workload` and so on, which
/// `workloads!` has made, on all runtimes; with `multi_thread` before the name only on those with more than one worker, with
/// `without_nio` on all others.
macro_rules! compare {
    ($criterion:expr, multi_thread $name:expr, $operations:expr, $($workload:tt)+) => {{
        let mut group = support::group($criterion, $name, $operations);
        compare!(@on group, samovar, multi_thread, "samovar", $($workload)+);
        compare!(@on group, tokio, multi_thread, "tokio", $($workload)+);
        compare!(@on group, smol, multi_thread, "smol", $($workload)+);
        compare!(@on group, nio, multi_thread, "nio", $($workload)+);
        group.finish();
    }};
    ($criterion:expr, without_nio $name:expr, $operations:expr, $($workload:tt)+) => {{
        let mut group = support::group($criterion, $name, $operations);
        compare!(@on group, samovar, multi_thread, "samovar", $($workload)+);
        compare!(@on group, tokio, multi_thread, "tokio", $($workload)+);
        compare!(@on group, samovar, current_thread, "samovar_ct", $($workload)+);
        compare!(@on group, tokio, current_thread, "tokio_ct", $($workload)+);
        compare!(@on group, smol, multi_thread, "smol", $($workload)+);
        group.finish();
    }};
    ($criterion:expr, $name:expr, $operations:expr, $($workload:tt)+) => {{
        let mut group = support::group($criterion, $name, $operations);
        compare!(@on group, samovar, multi_thread, "samovar", $($workload)+);
        compare!(@on group, tokio, multi_thread, "tokio", $($workload)+);
        compare!(@on group, samovar, current_thread, "samovar_ct", $($workload)+);
        compare!(@on group, tokio, current_thread, "tokio_ct", $($workload)+);
        compare!(@on group, smol, multi_thread, "smol", $($workload)+);
        compare!(@on group, nio, multi_thread, "nio", $($workload)+);
        group.finish();
    }};
    (@on $group:ident, $runtime:ident, $flavor:ident, $name:literal, $workload:ident $(, $argument:expr)?) => {
        support::measure(&mut $group, $name, support::$runtime::$flavor, |rounds| {
            $runtime::$workload(rounds $(, $argument)?)
        })
    };
}
pub(crate) use compare;
