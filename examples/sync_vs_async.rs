//! Three fetches that take two seconds each, first one after the other, then together. Run with
//! `cargo run --example sync_vs_async`: six seconds become two, without a thread more.
//!
//! Another delay, in milliseconds, goes behind `--`: `cargo run --example sync_vs_async -- 300`.

use std::process::ExitCode;
use std::{env, thread};

use samovar::time::{Duration, Instant, sleep};

/// A fetch that keeps its thread while it waits, like the blocking calls of `std`.
fn fetch_blocking(what: &'static str, delay: Duration) -> &'static str {
    thread::sleep(delay);
    what
}

/// The same, awaited: while it waits, the thread is free for others.
async fn fetch(what: &'static str, delay: Duration) -> &'static str {
    sleep(delay).await;
    what
}

#[samovar::main]
async fn main() -> ExitCode {
    let Some(delay) = delay() else {
        eprintln!("The delay is a number of milliseconds, like this: sync_vs_async -- 300");
        return ExitCode::FAILURE;
    };

    // Nothing is awaited here, so nothing else could run meanwhile. In a program that has other tasks, a blocking call
    // belongs on `spawn_blocking`: see the example `cpu_bound`.
    let start = Instant::now();
    let tray = [
        fetch_blocking("leaves", delay),
        fetch_blocking("lemon", delay),
        fetch_blocking("sugar", delay),
    ];
    println!("blocking       {tray:?} after {}", seconds(start));

    // `.await` alone does not make anything concurrent: the second future is not even made before the first is done.
    let start = Instant::now();
    let tray = [
        fetch("leaves", delay).await,
        fetch("lemon", delay).await,
        fetch("sugar", delay).await,
    ];
    println!("await, await   {tray:?} after {}", seconds(start));

    // `join!` polls all three, and the waits pass at the same time.
    let start = Instant::now();
    let tray: [&str; 3] = samovar::join!(
        fetch("leaves", delay),
        fetch("lemon", delay),
        fetch("sugar", delay),
    )
    .into();
    println!("join!          {tray:?} after {}", seconds(start));
    ExitCode::SUCCESS
}

/// The argument, or two seconds. `None`: it is no number.
fn delay() -> Option<Duration> {
    match env::args().nth(1) {
        Some(argument) => argument.parse().ok().map(Duration::from_millis),
        None => Some(Duration::from_secs(2)),
    }
}

fn seconds(start: Instant) -> String {
    format!("{:.2} s", start.elapsed().as_secs_f64())
}
