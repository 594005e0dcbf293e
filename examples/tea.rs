//! The kettle of every async tutorial, then a party. Run with `cargo run --example tea`.
//!
//! `cargo run --example tea -- 3` invites three to the party instead of a hundred thousand, and with `SAMOVAR_TRACE=tell`
//! before it the runtime tells what it does meanwhile.
//!
//! You see that three things that take a second each take one second together, and that a hundred thousand cups steep
//! at once on a handful of threads.

use std::time::Duration;

use samovar::task::{Builder, JoinHandle, yield_now};
use samovar::time::{Instant, sleep};

async fn boil_water() -> &'static str {
    println!("kettle   on");
    // This is a wait, not work: the task hands its waker to a timer and lets the thread go.
    sleep(Duration::from_millis(1000)).await;
    println!("kettle   boils");
    "hot water"
}

async fn fetch_leaves() -> &'static str {
    println!("leaves   where are they?");
    sleep(Duration::from_millis(500)).await;
    println!("leaves   found");
    "black leaves"
}

async fn warm_pot() -> &'static str {
    println!("pot      warming");
    sleep(Duration::from_millis(700)).await;
    println!("pot      warm");
    "a warm pot"
}

#[samovar::main]
async fn main() {
    let guests = guests();
    let start = Instant::now();

    // `spawn` below makes each of them a task: all three are on their way before we wait for the first.
    let water = spawn("kettle", boil_water());
    let leaves = spawn("leaves", fetch_leaves());
    let pot = spawn("pot", warm_pot());
    let (water, leaves, pot) = (
        water.await.unwrap(),
        leaves.await.unwrap(),
        pot.await.unwrap(),
    );
    println!(
        "tea      of {water}, {leaves} and {pot}, after {:.2} s (one after the other: 2.20 s)",
        start.elapsed().as_secs_f64()
    );

    party(guests).await;
}

/// `samovar::spawn`, and a name besides: the story and the picture of the run call the task so.
#[track_caller]
fn spawn(
    name: &str,
    future: impl Future<Output = &'static str> + Send + 'static,
) -> JoinHandle<&'static str> {
    let task = Builder::new().name(name).spawn(future);
    task.expect("this never fails")
}

/// Everybody comes at once. A task is some hundred bytes, not a thread.
async fn party(guests: u32) {
    let start = Instant::now();
    let mut cups = Vec::new();
    for guest in 0..guests {
        cups.push(samovar::spawn(async move {
            sleep(Duration::from_millis(500 + u64::from(guest % 500))).await;
            1
        }));
        // To pour for all of them takes long. The others want the worker meanwhile.
        if guest % 1000 == 999 {
            yield_now().await;
        }
    }
    let poured = start.elapsed();
    let mut drunk = 0;
    for cup in cups {
        drunk += cup.await.unwrap();
    }
    println!(
        "party    {drunk} cups, poured in {:.2} s, all drunk after {:.2} s, on {} threads",
        poured.as_secs_f64(),
        start.elapsed().as_secs_f64(),
        threads(),
    );
}

/// How many come: the program's argument, or a hundred thousand.
fn guests() -> u32 {
    match std::env::args().nth(1).map(|argument| argument.parse()) {
        None => 100_000,
        Some(Ok(guests)) => guests,
        Some(Err(error)) => {
            eprintln!("tea wants the number of guests, if anything: {error}");
            std::process::exit(2);
        }
    }
}

/// How many threads this process has, as the system counts them.
fn threads() -> String {
    match std::fs::read_dir("/proc/self/task") {
        Ok(threads) => threads.count().to_string(),
        Err(_) => "a handful of".to_owned(),
    }
}
