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

/// The part of it that was spent outside the kernel; zero where only the system knows.
///
/// Linux looks every few milliseconds whether the process is in the kernel, and divides the exact total accordingly: only
/// the sum over some seconds means anything. It tells both parts in whole ticks of 10 ms, rounded down; together with the
/// total they give bounds for the part, of which this is the middle, so that many readings are right on average.
pub fn user() -> Duration {
    const TICK: Duration = Duration::from_millis(10);
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return Duration::ZERO;
    };
    // The second field is the name of the program, in parentheses; the times are the fields 14 and 15.
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let mut times = after_name
        .split(' ')
        .skip(11)
        .map(|ticks| TICK * ticks.parse().unwrap_or_default());
    let (user, system) = (
        times.next().unwrap_or_default(),
        times.next().unwrap_or_default(),
    );
    let total = used();
    let least = user.max(total.saturating_sub(system + TICK));
    let most = (user + TICK).min(total.saturating_sub(system));
    (least + most.max(least)) / 2
}
