//! Four uses of a deadline: a limit, another try, a limit for the whole, and a task that is given up. Run with
//! `cargo run --example timeouts`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use samovar::time::{Duration, Instant, sleep, timeout, timeout_at};

async fn steep(milliseconds: u64) -> &'static str {
    sleep(Duration::from_millis(milliseconds)).await;
    "tea"
}

#[samovar::main]
async fn main() {
    limit().await;
    retry().await;
    whole().await;
    given_up().await;
}

/// The future is dropped when its time is over: what it was doing has ended, not only our waiting for it.
async fn limit() {
    match timeout(Duration::from_secs(10), steep(10)).await {
        Ok(cup) => println!("limit     {cup} in time"),
        Err(elapsed) => println!("limit     {elapsed}"),
    }
    match timeout(Duration::from_millis(10), steep(60_000)).await {
        Ok(cup) => println!("limit     {cup} in time"),
        Err(elapsed) => println!("limit     {elapsed}"),
    }
}

/// Each try may take twice as long as the one before, so that a slow kettle is not asked ever faster.
async fn retry() {
    let mut patience = Duration::from_millis(10);
    for attempt in 1..=3 {
        // The third answers at once; a future is used up by its try, so each gets a new one.
        let takes = if attempt < 3 { 60_000 } else { 0 };
        match timeout(patience, steep(takes)).await {
            Ok(cup) => println!("retry     {cup} at attempt {attempt}"),
            Err(_elapsed) => println!("retry     attempt {attempt} gave up after {patience:?}"),
        }
        patience *= 2;
    }
}

/// Several steps, one deadline: an instant, where durations would add up.
async fn whole() {
    let deadline = Instant::now() + Duration::from_millis(200);
    for (step, takes) in [("leaves", 1), ("water", 1), ("scones", 60_000)] {
        match timeout_at(deadline, steep(takes)).await {
            Ok(_) => println!("whole     {step} ready"),
            Err(_elapsed) => println!("whole     no time left for the {step}"),
        }
    }
}

/// A task lives by itself: a limit on its handle ends the waiting, not the task. `abort` ends the task.
async fn given_up() {
    let progress = Arc::new(AtomicU32::new(0));
    let mut task = samovar::spawn({
        let progress = progress.clone();
        async move {
            loop {
                sleep(Duration::from_millis(1)).await;
                // A count for people to read; nothing else depends on it.
                progress.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    // `&mut`: the limit borrows the handle, and we still have it afterwards.
    let waited = timeout(Duration::from_millis(20), &mut task).await;
    println!(
        "given up  waited for it: {}, finished: {}",
        if waited.is_ok() { "yes" } else { "no longer" },
        task.is_finished()
    );
    task.abort();
    match task.await {
        Ok(()) => println!("given up  it has ended by itself"),
        Err(error) if error.is_cancelled() => println!("given up  aborted; it is gone"),
        Err(error) => println!("given up  {error}"),
    }
}
