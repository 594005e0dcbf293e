//! What stands beside the connections: tasks that block their worker, threads that take its processor away, and a clock
//! that tells how long everything else has to wait for that.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use samovar::runtime::Runtime;
use samovar::time::sleep;

use crate::bytes::Random;
use crate::settings::Settings;

/// How long the sleep is that is measured.
const NAP: Duration = Duration::from_millis(5);

/// Starts all of it. The threads end with the process.
pub fn start(runtime: &Runtime, settings: &Settings) -> Arc<AtomicU64> {
    for hog in 0..settings.hogs {
        runtime.spawn(hog_worker(Random::new(settings.seed ^ hog as u64)));
    }
    for _ in 0..settings.burners {
        thread::spawn(|| {
            loop {
                spin_loop();
            }
        });
    }
    let longest = Arc::new(AtomicU64::new(0));
    runtime.spawn(nap(longest.clone()));
    longest
}

/// Computes for up to 100 ms without giving way, again and again.
async fn hog_worker(mut random: Random) {
    loop {
        let end = Instant::now() + Duration::from_millis(random.between(10, 100));
        while Instant::now() < end {
            spin_loop();
        }
        sleep(Duration::from_millis(random.between(1, 50))).await;
    }
}

/// Notes how many microseconds the longest nap takes.
async fn nap(longest: Arc<AtomicU64>) {
    loop {
        let start = Instant::now();
        sleep(NAP).await;
        longest.fetch_max(start.elapsed().as_micros() as u64, Relaxed);
    }
}
