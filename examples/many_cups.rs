//! A hundred thousand cups steep at the same time, then a million, on a handful of threads. Run with
//! `cargo run --release --example many_cups`: see what one of them costs. Another number goes behind `--`.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs};

use samovar::sync::Notify;
use samovar::task::JoinError;
use samovar::task::yield_now;
use samovar::time::{Duration, Instant, sleep_until};

#[samovar::main]
async fn main() -> ExitCode {
    let parties = match env::args().nth(1).map(|argument| argument.parse()) {
        None => vec![100_000, 1_000_000],
        Some(Ok(cups)) if cups > 0 => vec![cups],
        Some(_) => {
            eprintln!("The argument is how many cups there are, like this: many_cups -- 20000");
            return ExitCode::FAILURE;
        }
    };
    for cups in parties {
        if let Err(error) = party(cups).await {
            eprintln!("a cup broke: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

async fn party(cups: usize) -> Result<(), JoinError> {
    // The list of handles is ours, not the runtime's: it is there before the first look at the memory.
    let mut handles = Vec::with_capacity(cups);
    let before = memory();
    let start = Instant::now();
    // All at the same moment, so late that the last cup is poured before the first is drunk.
    let drunk_at = start + Duration::from_millis(500) + Duration::from_micros(3) * cups as u32;
    let steeping = Arc::new(AtomicUsize::new(0));
    let all_poured = Arc::new(Notify::new());

    for _ in 0..cups {
        let (steeping, all_poured) = (steeping.clone(), all_poured.clone());
        handles.push(samovar::spawn(async move {
            // Only the count matters, and the notification orders what follows it.
            if steeping.fetch_add(1, Ordering::Relaxed) + 1 == cups {
                all_poured.notify_one();
            }
            sleep_until(drunk_at).await;
            Instant::now() < drunk_at
        }));
        // To pour for all of them takes long. The others want the worker meanwhile.
        if handles.len() % 1000 == 0 {
            yield_now().await;
        }
    }
    all_poured.notified().await;
    let poured = start.elapsed();
    let bytes = match (before, memory()) {
        (Some(before), Some(after)) => format!("{} bytes", after.saturating_sub(before) / cups),
        _ => "an unknown amount of memory".to_owned(),
    };

    let mut early = 0;
    for handle in handles {
        early += usize::from(handle.await?);
    }
    println!(
        "{cups} cups poured in {:.2} s, {bytes} each, on {} threads",
        poured.as_secs_f64(),
        threads()
    );
    if start + poured > drunk_at {
        println!(
            "(a slow machine: some were drunk before the last was poured, and each costs more than that)"
        );
    }
    println!(
        "{cups} cups drunk after {:.2} s, {early} of them too early, the last {} ms late",
        start.elapsed().as_secs_f64(),
        (Instant::now() - drunk_at).as_millis()
    );
    Ok(())
}

/// How much memory this process has in use, in bytes, where the system tells.
///
/// The second number of `statm` counts pages in memory. A page has 4 KiB on nearly every machine; where it is larger, the
/// figures are so much larger too.
fn memory() -> Option<usize> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let resident: usize = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(resident * 4096)
}

/// How many threads this process has, as the system counts them.
fn threads() -> String {
    match fs::read_dir("/proc/self/task") {
        Ok(threads) => threads.count().to_string(),
        Err(_) => "a handful of".to_owned(),
    }
}
