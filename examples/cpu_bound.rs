//! A calculation beside something that must not wait. Run with `cargo run --example cpu_bound`: watch how long the heart
//! misses its beat when the calculation runs in the midst of async code, and how it beats on with `spawn_blocking`.

use samovar::sync::oneshot;
use samovar::task::{JoinError, spawn_blocking};
use samovar::time::{Duration, Instant, sleep};

/// Big enough to be felt, with or without `--release`.
const UP_TO: u32 = 500_000;

/// Counts primes the slow way: it never awaits, so once it runs its thread can do nothing else.
fn primes() -> usize {
    (2..UP_TO)
        .filter(|number| {
            (2..)
                .take_while(|divisor| divisor * divisor <= *number)
                .all(|divisor| number % divisor != 0)
        })
        .count()
}

/// Beats every 5 ms until it is told to stop, and says the longest it has gone without a beat.
async fn heart(mut stop: oneshot::Receiver<()>) -> Duration {
    let mut last = Instant::now();
    let mut longest = Duration::ZERO;
    loop {
        let stopped = samovar::select! {
            _ = &mut stop => true,
            () = sleep(Duration::from_millis(5)) => false,
        };
        longest = longest.max(last.elapsed());
        last = Instant::now();
        if stopped {
            return longest;
        }
    }
}

/// The mistake. Async code shares its thread by giving it back at every `.await`; in here there is none.
///
/// What sits in the same task, as here by `join!`, cannot run at all meanwhile. Other tasks are luckier: this runtime's
/// watchdog sees the blocked worker and hands what waits there to the others. But that takes it some time, and a worker
/// is missing until the calculation ends.
async fn in_the_midst() -> (Duration, Duration) {
    let (stop, stopped) = oneshot::channel();
    let start = Instant::now();
    let (longest, ()) = samovar::join!(heart(stopped), async {
        // The heart has begun to beat, and then:
        sleep(Duration::from_millis(20)).await;
        println!("midst    {} primes below {UP_TO}", primes());
        // An error would mean that the heart has stopped already.
        let _ = stop.send(());
    });
    (longest, start.elapsed())
}

/// The way: a thread made for blocking does it, and its handle is awaited like any other.
///
/// For much of this kind, take a pool as large as the machine has cores (`rayon`) and bring the result back through a
/// `oneshot`: the blocking pool grows to hundreds of threads, which suits waiting better than computing.
async fn on_the_side() -> Result<(Duration, Duration), JoinError> {
    let (stop, stopped) = oneshot::channel();
    let start = Instant::now();
    let (longest, primes) = samovar::join!(heart(stopped), async {
        sleep(Duration::from_millis(20)).await;
        let primes = spawn_blocking(primes).await;
        let _ = stop.send(());
        primes
    });
    println!("aside    {} primes below {UP_TO}", primes?);
    Ok((longest, start.elapsed()))
}

#[samovar::main]
async fn main() -> Result<(), JoinError> {
    let (longest, whole) = in_the_midst().await;
    report("midst", longest, whole);
    let (longest, whole) = on_the_side().await?;
    report("aside", longest, whole);
    Ok(())
}

fn report(way: &str, longest: Duration, whole: Duration) {
    println!(
        "{way:8} the longest time without a beat: {} ms of {} ms",
        longest.as_millis(),
        whole.as_millis()
    );
}
