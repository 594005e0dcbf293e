//! The recording: what happened, in one bounded ring per thread, and what is known of each living task.
//!
//! A ring forgets its oldest events when it is full, and counts them. (Rejected: one ring for all. A thread that does much
//! would push out what one that does little had to say.) Threads share nothing but a counter that numbers the
//! events, so the numbers are in an order in which every cause comes before its effect: an event is numbered *before* what it
//! tells of can be seen by another thread (see [`stamp`](Recorder::stamp)).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use super::event::{Event, Kind, Lane, Outcome, Who};
use super::story::Teller;
use crate::time::clock;

/// Over how many locks the rings are spread, so that workers seldom meet at one.
const SHARDS: usize = 16;

/// A recording: what a [`Trace`](super::Trace) and the runtimes that write to it share.
pub(crate) struct Recorder {
    /// How many events a ring holds.
    capacity: usize,
    /// When the first runtime was built; set by that.
    start: OnceLock<Instant>,
    /// The number of the next event. Relaxed: events of one cause and effect are ordered by whatever hands one to the other.
    next: AtomicU64,
    /// The rings. Each lock guards its rings alone.
    shards: [CachePadded<Mutex<BTreeMap<Lane, Ring>>>; SHARDS],
    /// What is known of the tasks that are not complete. Guards nothing else.
    tasks: Mutex<HashMap<Who, About>>,
    /// Tells each event as it happens, if somebody listens. The lock keeps lines whole.
    live: OnceLock<Mutex<Teller>>,
    /// How many threads of the blocking pool were seen. Relaxed: each gets another number, in whatever order.
    blocking: AtomicUsize,
}

/// The events of one thread.
#[derive(Default)]
struct Ring {
    /// The newest of them.
    events: VecDeque<(Stamp, Kind)>,
    /// How many older ones were forgotten.
    lost: u64,
}

/// When an event happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    /// Since the start.
    pub(crate) at: Duration,
    /// Among all events.
    pub(crate) number: u64,
}

/// What a recording knows of a task, besides what the task itself has.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    /// Its name, if it has one.
    pub(crate) name: Option<Arc<str>>,
    /// When its current poll began, or the last one ended.
    pub(crate) since: Duration,
    /// What it waits for, if its last poll said so.
    pub(crate) waits_for: Option<Arc<str>>,
    /// How many polls it has begun.
    pub(crate) polls: u64,
    /// How long all ended polls took.
    pub(crate) busy: Duration,
    /// How long the longest of them took.
    pub(crate) longest: Duration,
}

impl Recorder {
    /// An empty recording.
    pub(crate) fn new(capacity: usize) -> Recorder {
        Recorder {
            capacity,
            start: OnceLock::new(),
            next: AtomicU64::new(0),
            shards: Default::default(),
            tasks: Mutex::default(),
            live: OnceLock::new(),
            blocking: AtomicUsize::new(0),
        }
    }

    /// A runtime that writes to it is built. Its clock says `now`.
    pub(crate) fn begin(&self, now: Instant) {
        let _ = self.start.set(now);
    }

    /// From now on every event is also told.
    pub(crate) fn tell(&self, teller: Teller) {
        let _ = self.live.set(Mutex::new(teller));
    }

    /// The number of a thread of the blocking pool.
    pub(crate) fn next_blocking(&self) -> usize {
        self.blocking.fetch_add(1, Relaxed)
    }

    /// How long ago the recording began.
    pub(crate) fn now(&self) -> Duration {
        let start = self.start.get_or_init(clock::now);
        clock::now().saturating_duration_since(*start)
    }

    /// How long after the recording began that is.
    pub(crate) fn since_start(&self, instant: Instant) -> Duration {
        let start = self.start.get_or_init(clock::now);
        instant.saturating_duration_since(*start)
    }

    /// The time and number of an event that is about to happen. To be taken before others can see its effect; what came
    /// of it is recorded afterwards.
    pub(crate) fn stamp(&self) -> Stamp {
        let at = self.now();
        let number = self.next.fetch_add(1, Relaxed);
        Stamp { at, number }
    }

    /// Records what happened.
    pub(crate) fn record(&self, lane: Lane, stamp: Stamp, kind: Kind) {
        self.note(stamp.at, &kind);
        if let Some(live) = self.live.get() {
            let event = Event::new(stamp, lane.clone(), kind.clone());
            lock(live).tell_live(&event);
        }
        let mut shard = lock(&self.shards[shard(&lane)]);
        let ring = shard.entry(lane).or_default();
        if ring.events.len() >= self.capacity {
            ring.events.pop_front();
            ring.lost += 1;
        }
        if self.capacity > 0 {
            ring.events.push_back((stamp, kind));
        }
    }

    /// Keeps the table of living tasks.
    fn note(&self, at: Duration, kind: &Kind) {
        match kind {
            Kind::Spawned { task, name, .. } => {
                let about = About {
                    name: name.clone(),
                    since: at,
                    ..About::default()
                };
                lock(&self.tasks).insert(Who::Task(*task), about);
            }
            Kind::PollBegan { who } => {
                let mut tasks = lock(&self.tasks);
                if *who == Who::Main {
                    // Nobody spawns it.
                    tasks.entry(Who::Main).or_default();
                }
                if let Some(about) = tasks.get_mut(who) {
                    about.polls += 1;
                    about.since = at;
                    about.waits_for = None;
                }
            }
            Kind::PollEnded {
                who,
                outcome: Outcome::Pending,
                waits_for,
            } => {
                if let Some(about) = lock(&self.tasks).get_mut(who) {
                    let took = at.saturating_sub(about.since);
                    about.busy += took;
                    about.longest = about.longest.max(took);
                    about.since = at;
                    about.waits_for.clone_from(waits_for);
                }
            }
            Kind::PollEnded { who, .. } => {
                lock(&self.tasks).remove(who);
            }
            Kind::Cancelled { task: id } | Kind::JobEnded { job: id } => {
                lock(&self.tasks).remove(&Who::Task(*id));
            }
            _ => {}
        }
    }

    /// What is known of a task that is not complete and was spawned while this was recorded, or of the future inside `block_on`.
    pub(crate) fn about(&self, who: Who) -> Option<About> {
        lock(&self.tasks).get(&who).cloned()
    }

    /// All events that are kept, in the order of their numbers.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for shard in &self.shards {
            for (lane, ring) in &*lock(shard) {
                let of_lane = ring.events.iter();
                events.extend(
                    of_lane.map(|(stamp, kind)| Event::new(*stamp, lane.clone(), kind.clone())),
                );
            }
        }
        events.sort_unstable_by_key(|event| event.number);
        events
    }

    /// How many events were forgotten.
    pub(crate) fn lost(&self) -> u64 {
        let lost_in = |shard: &Mutex<BTreeMap<Lane, Ring>>| -> u64 {
            lock(shard).values().map(|ring| ring.lost).sum()
        };
        self.shards.iter().map(|shard| lost_in(shard)).sum()
    }
}

/// Which lock a thread's ring is behind.
fn shard(lane: &Lane) -> usize {
    match lane {
        Lane::Worker(number) | Lane::Blocking(number) => number % SHARDS,
        Lane::Watchdog | Lane::Thread(_) => SHARDS - 1,
    }
}

/// Locks; a panic under the lock leaves what it guards whole enough to be read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("capacity", &self.capacity)
            .field("numbered", &self.next.load(Relaxed))
            .finish_non_exhaustive()
    }
}
