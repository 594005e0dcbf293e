//! The watchdog: looks after workers that are stuck in a poll.
//!
//! A task that computes for a second, or calls something that blocks, keeps its worker's thread. What it must not keep is
//! everything else that happens to be at that worker: sockets that registered there, timers that were set there, tasks
//! in its queue. So one thread looks every 10 ms which workers are still in the poll in which they were at the last look,
//! and does for them what they cannot: it hands out their events and timers, and has others take their tasks. While one
//! worker has a queue and another rests it looks every millisecond: if the polls are long, it wakes the one that rests.
//!
//! While all workers sleep it sleeps too, and costs nothing; the first that goes to work wakes it. A runtime of one worker
//! has none, for there would be nobody to run the tasks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pace::LONG_POLL;
use super::{Remote, Shared, wake_all};
use crate::shim::atomic::{
    AtomicBool,
    Ordering::{Relaxed, SeqCst},
    fence,
};
use crate::shim::{self, Condvar, Mutex, lock, wait};
use crate::time::clock::Clock;
use crate::trace::{self, Kind, Lane};

/// The time between two looks. A poll that takes longer is called blocking.
const INTERVAL: Duration = Duration::from_millis(10);

/// The time between two looks while one worker has a queue and another rests: so long at most does a queue wait behind a
/// long poll.
const SHORT_INTERVAL: Duration = Duration::from_millis(1);

/// How many polls fit into the short interval if they are just long.
const LONG_POLLS: u64 = (SHORT_INTERVAL.as_nanos() / LONG_POLL.as_nanos()) as u64;

/// How many tasks one look takes from a blocked worker: its poll may be spawning more all the time.
const RESCUED_PER_LOOK: usize = 1024;

/// The watchdog as the workers see it.
pub(crate) struct Watchdog {
    /// It looks every 10 ms, and need not be woken.
    awake: AtomicBool,
    /// Whether the runtime is shut down. Guards nothing else: it is what `call` belongs to.
    closed: Mutex<bool>,
    /// What the watchdog sleeps on.
    call: Condvar,
}

impl Watchdog {
    /// One that sleeps.
    pub(super) fn new() -> Watchdog {
        Watchdog {
            awake: AtomicBool::new(false),
            closed: Mutex::new(false),
            call: Condvar::new(),
        }
    }

    /// A worker goes to work.
    pub(super) fn stir(&self) {
        // Pairs with the fence in `falls_asleep`: either the watchdog sees that the worker is awake, or the worker sees that
        // the watchdog goes to sleep.
        fence(SeqCst);
        if !self.awake.load(Relaxed) {
            let _closed = lock(&self.closed);
            self.awake.store(true, Relaxed);
            self.call.notify_all();
        }
    }

    /// The runtime shuts down.
    pub(super) fn close(&self) {
        *lock(&self.closed) = true;
        self.call.notify_all();
    }

    /// Waits for the time of the next look, or less. `false`: the runtime is shut down.
    fn wait(&self, interval: Duration) -> bool {
        let mut closed = lock(&self.closed);
        if !*closed {
            closed = shim::wait_timeout(&self.call, &self.closed, closed, interval);
        }
        !*closed
    }

    /// Says that the watchdog sleeps, unless a worker went to work meanwhile: `true` if `all_rest` is still so.
    pub(super) fn falls_asleep(&self, all_rest: impl FnOnce() -> bool) -> bool {
        self.awake.store(false, Relaxed);
        // Pairs with the fence in `stir`.
        fence(SeqCst);
        let all_rest = all_rest();
        if !all_rest {
            self.awake.store(true, Relaxed);
        }
        all_rest
    }

    /// Waits until a worker goes to work. `false`: the runtime is shut down.
    pub(super) fn sleep(&self) -> bool {
        let mut closed = lock(&self.closed);
        while !*closed && !self.awake.load(Relaxed) {
            closed = wait(&self.call, closed);
        }
        !*closed
    }
}

/// The life of the watchdog's thread.
pub(super) fn watch(shared: &Arc<Shared>) {
    let _here = trace::enter(&**shared, Lane::Watchdog);
    let mut seen: Vec<Seen> = shared.remotes.iter().map(|_| Seen::default()).collect();
    let all_rest = || (0..shared.remotes.len()).all(|worker| shared.rests(worker));
    loop {
        let go_on = match look(shared, &mut seen) {
            Next::Sleep if shared.watchdog.falls_asleep(all_rest) => {
                seen.fill(Seen::default());
                shared.watchdog.sleep()
            }
            Next::Sleep | Next::Look => shared.watchdog.wait(INTERVAL),
            Next::LookSoon => shared.watchdog.wait(SHORT_INTERVAL),
        };
        if !go_on {
            return;
        }
    }
}

/// What the watchdog remembers of a worker.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// Its count of polls at the last look.
    polls: u64,
    /// When that count was first seen; `None` while it rests.
    since: Option<Instant>,
    /// How long the poll has lasted, as the warning counts it: see [`note`](Seen::note).
    lasted: Duration,
    /// When that was counted last.
    counted: Option<Instant>,
    /// The trace has been told of this poll.
    traced: bool,
    /// Whoever is warned has been told, too.
    warned: bool,
}

/// When to look again.
enum Next {
    /// When somebody goes to work: all rest.
    Sleep,
    /// In 10 ms.
    Look,
    /// In a millisecond: one worker has a queue while another rests.
    LookSoon,
}

/// One look at every worker.
fn look(shared: &Arc<Shared>, seen: &mut [Seen]) -> Next {
    let now = shim::now();
    let mut next = Next::Sleep;
    let somebody_rests = (0..shared.remotes.len()).any(|worker| shared.rests(worker));
    for (worker, seen) in seen.iter_mut().enumerate() {
        let remote = &shared.remotes[worker];
        if shared.rests(worker) {
            *seen = Seen::default();
            remote.blocked.store(false, Relaxed);
            continue;
        }
        if matches!(next, Next::Sleep) {
            next = Next::Look;
        }
        let passed = seen.update(remote.stage.polls.get(), now);
        let blocked = seen.is_blocked(now);
        remote.blocked.store(blocked, Relaxed);
        if blocked {
            seen.report(shared, worker, now);
            serve(remote, &shared.clock);
            if !somebody_rests {
                rescue(shared, remote);
            }
        }
        if somebody_rests && !remote.stealers.is_empty(blocked) {
            next = Next::LookSoon;
            if let Some(passed) = passed.filter(|passed| *passed < LONG_POLLS) {
                let passed = u32::try_from(passed).unwrap_or(1).max(1);
                shared.pace.raise(SHORT_INTERVAL / passed);
                if shared.has_work_for_others(remote) {
                    shared.wake_one();
                }
            }
        }
    }
    next
}

impl Seen {
    /// Notes the count of polls, and returns how many passed since the last look, if there was one.
    fn update(&mut self, polls: u64, now: Instant) -> Option<u64> {
        let passed = self.since.map(|_| polls - self.polls);
        if passed != Some(0) {
            *self = Seen {
                polls,
                since: Some(now),
                ..Seen::default()
            };
        }
        passed
    }

    /// Whether the poll has lasted since a look that is long enough ago.
    fn is_blocked(&self, now: Instant) -> bool {
        self.since
            .is_some_and(|since| now.saturating_duration_since(since) >= INTERVAL)
    }

    /// Counts how long the poll lasts. A look that comes late counts for two at most: then the watchdog itself did not
    /// run, because the machine has too much to do, or slept, and the same may be true of the poll.
    fn note(&mut self, now: Instant) {
        let before = self.counted.replace(now).or(self.since);
        let passed = before.map_or(Duration::ZERO, |before| {
            now.saturating_duration_since(before)
        });
        self.lasted += passed.min(2 * INTERVAL);
    }

    /// Tells who blocks the worker, once in each poll.
    fn report(&mut self, shared: &Shared, worker: usize, now: Instant) {
        self.note(now);
        let since = self.lasted;
        let stage = &shared.remotes[worker].stage;
        let warn = !self.warned && since >= shared.config.warnings.blocking_after;
        if self.traced && !warn {
            return;
        }
        let on_stage = stage.look();
        // Else this was perhaps somebody else's poll, or the worker is stuck in something that is none.
        let Some((who, place)) = on_stage.filter(|_| stage.polls.get() == self.polls) else {
            return;
        };
        if !self.traced {
            self.traced = true;
            trace::event(shared, || Kind::Blocked {
                worker,
                who: Some(who),
                since,
            });
        }
        if warn {
            self.warned = true;
            shared.blocking(worker, who, place, since);
        }
    }
}

/// Moves the tasks of a blocked worker to the inbox: a worker that always has tasks of its own steals from nobody, but
/// looks there every 61 polls.
fn rescue(shared: &Arc<Shared>, remote: &Remote) {
    for _ in 0..RESCUED_PER_LOOK {
        let Some(task) = remote.stealers.take() else {
            return;
        };
        shared.push_from_outside(task);
    }
}

/// Does for a blocked worker what it cannot do itself. The tasks that this wakes go to the inbox, for the others.
fn serve(remote: &Remote, clock: &Clock) {
    let mut woken = Vec::new();
    let from_reactor = remote.serve(clock, &mut woken);
    wake_all(&mut woken, from_reactor);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_poll_blocks_when_it_has_lasted_ten_milliseconds_and_not_at_the_second_look() {
        let mut seen = Seen::default();
        let start = Instant::now();
        assert_eq!(seen.update(5, start), None);
        for (polls, millis, blocks) in [
            (5, 0, false),
            (5, 9, false),
            (5, 10, true),
            (5, 1000, true),
            // Another one.
            (6, 1000, false),
            (6, 1009, false),
            (6, 1010, true),
        ] {
            let now = start + Duration::from_millis(millis);
            seen.update(polls, now);
            assert_eq!(seen.is_blocked(now), blocks, "poll {polls} at {millis} ms");
        }
        assert!(!Seen::default().is_blocked(start + Duration::from_secs(1)));
    }
}
