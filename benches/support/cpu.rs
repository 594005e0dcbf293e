//! The processor: work of a known size, and how much time of it the process has used.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// How many steps of `compute` take a microsecond: the fastest of some attempts, found once, so that the work is the same
/// for all runtimes.
static STEPS_PER_MICRO: LazyLock<u64> = LazyLock::new(|| {
    const STEPS: u64 = 1_000_000;
    let fastest = (0..20)
        .map(|_| {
            let start = Instant::now();
            compute(STEPS);
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    STEPS * 1_000 / u64::try_from(fastest.as_nanos()).unwrap_or(u64::MAX)
});

/// Measures the processor, if that is not done yet; to be called before a measurement.
pub fn calibrate() {
    LazyLock::force(&STEPS_PER_MICRO);
}

/// Computes something for about so long: a fixed amount of work, and not a look at the clock, so that a thread that was
/// put aside by the system has to make up for it.
pub fn work(duration: Duration) {
    compute(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX) * *STEPS_PER_MICRO);
}

/// So many steps of a chain in which each needs the result of the last (Marsaglia's xorshift).
fn compute(steps: u64) {
    let mut x = black_box(88_172_645_463_325_252_u64);
    for _ in 0..steps {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    black_box(x);
}

/// Keeps the thread busy until so much time has passed.
pub fn spin(duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration {
        std::hint::spin_loop();
    }
}

/// The processor time that all threads of this process have used.
pub fn used() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
