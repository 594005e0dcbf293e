//! The pace: how long a runtime's polls take, and hence whether a queue is worth another worker.
//!
//! A queue of tasks that take 50 ns each is done before a sleeping worker has even woken up, and two workers that run tasks
//! of one channel take the channel's lock from each other's caches: what takes 5 us alone then takes 40. A queue of tasks
//! that take a millisecond should be shared at once. So a worker with a queue reads the clock now and then, and
//!
//! - a queue is shared when its polls are long ([`LONG_POLL`]) *and* all of it together is worth a wake ([`WORTH_A_WAKE`]);
//! - the pace is raised only by a worker that was *alone* awake, for beside others a poll may be long because of them. A
//!   shorter time is believed at once.
//!
//! A queue behind a single long poll is found by the watchdog, which raises the pace too.
//!
//! Rejected: to let the worker that was woken judge afterwards whether its polls were long enough. It sees the time that
//! they took while it was in the way, calls them long, and comes again.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::ablation;
use crate::shim;
use crate::shim::atomic::{AtomicU64, Ordering::Relaxed};

/// Polls that take less are not shared.
pub(super) const LONG_POLL: Duration = Duration::from_micros(5);

/// A queue is worth another worker if it takes so long: some times what it costs to wake one.
const WORTH_A_WAKE: Duration = Duration::from_micros(100);

/// How many polls a worker lets pass at most between two looks at the clock.
const LONGEST_STRETCH: u16 = 256;

/// How long a runtime's polls take. A hint, hence relaxed throughout.
pub(super) struct Pace {
    /// Nanoseconds per poll.
    nanos: AtomicU64,
}

impl Pace {
    /// Not known yet, which counts as short.
    pub(super) fn new() -> Pace {
        Pace {
            nanos: AtomicU64::new(0),
        }
    }

    /// Whether a queue of so many tasks is worth another worker.
    pub(super) fn is_worth_sharing(&self, queued: impl FnOnce() -> usize) -> bool {
        let nanos = self.nanos.load(Relaxed);
        ablation::STEALING
            && nanos >= nanos_of(LONG_POLL)
            && nanos.saturating_mul(queued() as u64) >= nanos_of(WORTH_A_WAKE)
    }

    /// A poll has taken so long, as a worker that was `alone` says, or others.
    fn learn(&self, nanos: u64, alone: bool) {
        if alone || nanos < self.nanos.load(Relaxed) {
            self.nanos.store(nanos, Relaxed);
        }
    }

    /// The watchdog has seen polls as long as this, and a worker that rests.
    pub(super) fn raise(&self, poll: Duration) {
        self.nanos.fetch_max(nanos_of(poll), Relaxed);
    }
}

/// A worker's watch.
#[derive(Default)]
pub(super) struct Watch {
    /// When the stretch of polls began that is being timed, if one is.
    since: Cell<Option<Instant>>,
    /// How many polls the worker had begun then.
    polls: Cell<u64>,
    /// How many polls the stretch is long.
    stretch: Cell<u16>,
    /// Whether the worker was alone then.
    alone: Cell<bool>,
}

impl Watch {
    /// Another poll begins, after so many. Reads the clock if it is time to.
    #[inline]
    pub(super) fn tick(&self, polls: u64, pace: &Pace, alone: impl FnOnce() -> bool) {
        if polls - self.polls.get() >= u64::from(self.stretch.get()) {
            self.look(polls, pace, alone());
        }
    }

    /// Ends a stretch and begins the next.
    #[cold]
    fn look(&self, polls: u64, pace: &Pace, alone: bool) {
        let now = shim::now();
        let mut stretch = 1;
        if let Some(since) = self.since.get() {
            let passed = (polls - self.polls.get()).max(1);
            let nanos = nanos_of(now.saturating_duration_since(since)) / passed;
            pace.learn(nanos, alone && self.alone.get());
            // Twice the last, so that a short queue is timed too; no longer than it takes to earn a wake.
            let enough = nanos_of(WORTH_A_WAKE) / nanos.max(1);
            let longest = u16::try_from(enough).unwrap_or(LONGEST_STRETCH);
            stretch = (self.stretch.get() * 2)
                .min(longest)
                .clamp(1, LONGEST_STRETCH);
        }
        self.since.set(Some(now));
        self.alone.set(alone);
        self.polls.set(polls);
        self.stretch.set(stretch);
    }

    /// The worker waits: that time is no poll's.
    pub(super) fn stop(&self) {
        self.since.set(None);
        self.stretch.set(0);
    }
}

/// A time in nanoseconds, the longest times cut.
fn nanos_of(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(loom), not(samovar_without = "stealing")))]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_worth_a_wake_when_its_polls_are_long_and_there_are_enough() {
        let pace = Pace::new();
        let worth = |queued| pace.is_worth_sharing(|| queued);
        assert!(!worth(usize::MAX), "nothing is known yet");
        pace.learn(4_999, true);
        assert!(!worth(1_000_000), "short polls");
        pace.learn(5_000, true);
        assert!(worth(20) && !worth(19) && !worth(0));
        pace.learn(100_000, true);
        assert!(worth(1) && !worth(0));
    }

    #[test]
    fn only_a_worker_alone_calls_polls_long_and_any_calls_them_short() {
        let pace = Pace::new();
        pace.learn(50_000, false);
        assert!(!pace.is_worth_sharing(|| 1_000));
        pace.learn(50_000, true);
        assert!(pace.is_worth_sharing(|| 1_000));
        pace.learn(90, false);
        assert!(!pace.is_worth_sharing(|| 1_000));
        pace.raise(Duration::from_millis(1));
        pace.raise(Duration::from_micros(5));
        assert!(pace.is_worth_sharing(|| 1), "the longer of the two");
    }

    #[test]
    fn the_watch_reads_the_clock_rarely_when_polls_are_short_and_forgets_a_wait() {
        let (pace, watch) = (Pace::new(), Watch::default());
        let looks = (0..100_000)
            .filter(|poll| {
                let before = watch.polls.get();
                watch.tick(*poll, &pace, || true);
                watch.polls.get() != before
            })
            .count();
        assert!(looks < 10_000, "{looks} looks in 100,000 polls");
        watch.stop();
        watch.tick(100_000, &pace, || true);
        assert_eq!(
            watch.stretch.get(),
            1,
            "a new stretch, of which nothing is learned yet"
        );
    }

    #[test]
    fn the_time_of_a_stretch_is_divided_by_its_polls() {
        let (watch, pace) = (Watch::default(), Pace::new());
        let start = Instant::now();
        watch.tick(1_000_000, &pace, || true);
        std::thread::sleep(Duration::from_millis(5));
        watch.tick(1_001_000, &pace, || true);
        let longest = nanos_of(start.elapsed()) / 1_000;
        let learned = pace.nanos.load(Relaxed);
        assert!(
            (5_000..=longest).contains(&learned),
            "{learned} of {longest}"
        );
    }

    #[test]
    fn a_stretch_counts_only_when_its_worker_was_alone_from_beginning_to_end() {
        for (before, after) in [(false, true), (true, false), (false, false)] {
            let (watch, pace) = (Watch::default(), Pace::new());
            watch.tick(1, &pace, || before);
            std::thread::sleep(Duration::from_millis(1));
            watch.tick(2, &pace, || after);
            assert_eq!(pace.nanos.load(Relaxed), 0, "{before} {after}");
        }
    }

    #[test]
    fn short_polls_are_timed_less_and_less_often_and_long_ones_each_time() {
        let (watch, pace) = (Watch::default(), Pace::new());
        // So many polls that their time is nothing, however slow the machine.
        const MANY: u64 = 1_000_000_000_000;
        let mut stretches = Vec::new();
        for round in 1..=11 {
            watch.tick(round * MANY, &pace, || true);
            stretches.push(watch.stretch.get());
        }
        assert_eq!(stretches, [1, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256]);
        // Within the stretch nobody looks at the clock.
        let now = 11 * MANY;
        watch.tick(now + 255, &pace, || unreachable!("it is too early"));
        watch.tick(now + 256, &pace, || true);
        assert_eq!(watch.polls.get(), now + 256);

        std::thread::sleep(Duration::from_millis(26));
        watch.tick(now + 512, &pace, || true);
        assert_eq!(watch.stretch.get(), 1, "100 us each");

        watch.stop();
        let known = pace.nanos.load(Relaxed);
        watch.tick(now + 513, &pace, || true);
        assert_eq!(
            pace.nanos.load(Relaxed),
            known,
            "what was between is not known"
        );
    }
}
