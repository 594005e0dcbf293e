//! The scheduler: some workers, each an event loop of its own, that share what they have when it is worth it.
//!
//! ```text
//!         spawn ─┐                    ┌──────────── worker 0 = the thread inside block_on
//!                ▼                    ▼
//!   ┌──────────────────────── one worker = one event loop ───────────────────────┐
//!   │  run queue (line + place in front)  ──►  poll task  ──► Ready: join         │
//!   │      ▲            ▲         ▲                 │                             │
//!   │      │ steal      │ wake    │ wake            ▼ Pending                     │
//!   │      │        timer wheel   reactor  ◄── the future left its waker here     │
//!   │      │        (next deadline = how long the reactor may wait)               │
//!   └──────┼──────────────────────────────────────────────────────────────────────┘
//!          │                 idle: announce it, look again, then wait in the reactor
//!   other workers · inbox (wakes and spawns from other threads) · watchdog
//! ```
//!
//! `worker.rs` is the loop; read it first, and then `worker/search.rs`, where it looks for a task. `queue.rs`, `inbox.rs` and
//! `registry.rs` are where tasks are; `home.rs` is what a task keeps of it all; `idle.rs` is whom to wake, and `pace.rs` when;
//! `seat.rs`, `seated.rs` and `main_waker.rs` are how a thread inside `block_on` becomes worker 0, and is woken; `watchdog.rs`
//! looks after blocked workers; `shutdown.rs` is the end. `spare.rs` and `spin.rs` save time. `counts.rs`, `census.rs`,
//! `asleep.rs` and `warnings.rs` only look: for metrics, dumps and mistakes. `jump.rs` and `simulation.rs` are for tests: a
//! clock that jumps, and workers that are simulated.

mod asleep;
mod census;
mod counts;
mod home;
mod idle;
mod inbox;
mod jump;
#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, loom))]
mod loom_tests_seat;
mod main_waker;
mod pace;
mod queue;
mod registry;
mod seat;
mod seated;
mod shutdown;
#[cfg(all(test, shuttle))]
mod shuttle_tests;
mod simulation;
mod spare;
mod spin;
mod warnings;
mod watchdog;
mod worker;

use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use self::counts::Counts;
pub(crate) use self::home::Home;
use self::idle::Idle;
use self::inbox::Inbox;
use self::pace::Pace;
use self::queue::{Queue, Stealers};
use self::registry::Registry;
use self::seat::Seat;
pub(crate) use self::seat::block_on;
use self::shutdown::Latch;
pub(crate) use self::shutdown::{Shutdown, shut_down};
use self::simulation::Simulation;
use self::spin::Spinner;
use self::warnings::Told;
pub(crate) use self::warnings::Warnings;
use self::watchdog::Watchdog;
pub(crate) use self::worker::Worker;

use crate::blocking::Pool;
use crate::reactor::Reactor;
use crate::shim::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use crate::shim::{Mutex, lock, thread};
use crate::task::foreign::quietly;
use crate::task::roles::Runnable;
use crate::task::stage::Stage;
use crate::threads::Threads;
use crate::time::clock::Clock;
use crate::time::timers::Timers;
use crate::trace::environment::Tracing;
use crate::trace::record::Recorder;
use crate::trace::{self, Doing, Kind, QueueName, Traced};

/// How a runtime is to be, from its builder.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// How many workers.
    pub(crate) workers: usize,
    /// Whether tasks run also while nobody is inside `block_on`.
    pub(crate) multi_thread: bool,
    /// How its threads are started.
    pub(crate) threads: Threads,
    /// How long a worker waits awake at most before it sleeps.
    pub(crate) spin: Duration,
    /// Whether the clock stands still from the beginning.
    pub(crate) start_paused: bool,
    /// Simulates the workers, with this seed.
    pub(crate) seed: Option<u64>,
    /// What it is to warn of.
    pub(crate) warnings: Warnings,
}

/// A runtime's scheduler, shared by its workers.
pub(crate) struct Shared {
    /// What others can reach of each worker.
    remotes: Box<[CachePadded<Remote>]>,
    /// Tasks from outside.
    inbox: Inbox,
    /// What threads that are no workers count.
    outside: Stage,
    /// The workers that sleep.
    idle: Idle,
    /// Worker 0, while nobody is it.
    seat: Seat,
    /// Looks after blocked workers.
    watchdog: Watchdog,
    /// The warnings that were given.
    told: Told,
    /// How many polls there had been when somebody last looked whether everything is asleep: see `asleep.rs`.
    probed: AtomicU64,
    /// The right to wait awake.
    spinner: Spinner,
    /// How long polls take, which decides whether a queue is shared.
    pace: Pace,
    /// How many workers have not finished their part of the shutdown.
    remaining: Latch,
    /// The threads, to be joined at shutdown. Guards the list.
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
    /// The threads for blocking jobs.
    pub(crate) pool: Arc<Pool>,
    /// What time it is.
    clock: Clock,
    /// The workers are simulated.
    simulation: Option<Simulation>,
    /// How the runtime was built.
    config: Config,
    /// Where what happens is recorded, if anywhere.
    tracing: Option<Tracing>,
}

/// What others can reach of a worker.
struct Remote {
    /// Its run queue, for thieves.
    stealers: Stealers,
    /// Its reactor.
    reactor: Reactor,
    /// Its timers.
    timers: Timers,
    /// Its waiting tasks.
    registry: Registry,
    /// It is stuck in a poll, the watchdog says: thieves may take also the task in front. A hint, hence relaxed.
    blocked: AtomicBool,
    /// Whom it is polling, and what it counts there. The worker has its own way to it, which is shorter.
    stage: Arc<CachePadded<Stage>>,
    /// What else it counts.
    counts: Counts,
}

/// Builds a scheduler and starts its threads. The `Home` is worker 0's.
///
/// # Errors
///
/// When the kernel gives no descriptors or threads.
pub(crate) fn start(
    config: Config,
    pool: Arc<Pool>,
    tracing: Option<Tracing>,
) -> io::Result<Arc<Home>> {
    let clock = Clock::new();
    let now = clock.now();
    let queues: Vec<Queue> = (0..config.workers).map(|_| Queue::new()).collect();
    let remotes = queues
        .iter()
        .map(|queue| Ok(CachePadded::new(Remote::new(queue, now)?)))
        .collect::<io::Result<_>>()?;
    let shared = Arc::new(Shared {
        remotes,
        inbox: Inbox::new(),
        outside: Stage::default(),
        idle: Idle::new(),
        seat: Seat::new(),
        watchdog: Watchdog::new(),
        told: Told::default(),
        probed: AtomicU64::new(u64::MAX),
        spinner: Spinner::new(config.spin),
        pace: Pace::new(),
        remaining: Latch::new(config.workers),
        threads: Mutex::new(Vec::new()),
        pool,
        clock,
        simulation: config.seed.map(Simulation::new),
        config,
        tracing,
    });
    if shared.config.start_paused {
        shared.pause_clock();
    }
    if let Some(tracing) = &shared.tracing {
        tracing.recorder().begin(shared.clock.now());
    }
    let mut workers = queues.into_iter().enumerate().map(|(worker, queue)| {
        let home = Arc::new(Home {
            shared: shared.clone(),
            worker,
        });
        Worker::new(home, queue)
    });
    let first = workers.next().expect("a runtime has a worker");
    let home = first.home().clone();
    if shared.is_simulated() {
        first.simulate(workers.collect());
        shared.seat.furnish(first);
        return Ok(home);
    }
    shared.seat.furnish(first);
    for worker in workers {
        let started = shared.start_thread("worker", move || worker::work(worker));
        if let Err(error) = started {
            shared.shut_down_unstarted();
            return Err(error);
        }
    }
    if shared.config.workers > 1 {
        let watched = shared.clone();
        if let Err(error) = shared.start_thread("watchdog", move || watchdog::watch(&watched)) {
            shared.shut_down_unstarted();
            return Err(error);
        }
    }
    Ok(home)
}

impl Remote {
    /// What others can reach of the worker with this queue.
    fn new(queue: &Queue, now: Instant) -> io::Result<Remote> {
        Ok(Remote {
            stealers: queue.stealers(),
            reactor: Reactor::new()?,
            timers: Timers::new(now),
            registry: Registry::default(),
            blocked: AtomicBool::new(false),
            stage: Arc::default(),
            counts: Counts::default(),
        })
    }

    /// Hands out what the reactor and the timers have, to `woken`, without waiting. Returns how many are the reactor's.
    fn serve(&self, clock: &Clock, woken: &mut Vec<Waker>) -> usize {
        self.reactor.turn(woken);
        let from_reactor = woken.len();
        self.timers.fire(|| clock.now(), woken);
        from_reactor
    }
}

impl Shared {
    /// Starts a thread of this runtime.
    fn start_thread(&self, role: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let thread = self.config.threads.start(role, run)?;
        lock(&self.threads).push(thread);
        Ok(())
    }

    /// Queues a task from a thread that is no worker of this runtime.
    fn push_from_outside(self: &Arc<Self>, task: Runnable) {
        trace::event(&**self, || Kind::Queued {
            task: task.id(),
            queue: QueueName::Inbox,
        });
        if self.inbox.push(task) {
            self.wake_for_inbox();
        } else {
            self.cancel_inbox();
        }
    }

    /// Makes sure that somebody looks at the inbox.
    fn wake_for_inbox(self: &Arc<Self>) {
        if self.remotes.len() == 1 || self.is_simulated() {
            self.attend(0);
        } else {
            // With no sleeper to pick, everybody is awake, and looks at the inbox before going to sleep.
            self.wake_one();
        }
    }

    /// Makes sure that somebody looks at this worker's reactor and timers.
    fn attend(self: &Arc<Self>, worker: usize) {
        self.remotes[worker].reactor.unpark();
        if worker == 0 {
            self.call_stand_in_if_vacant();
        }
    }

    /// Wakes one worker that has nothing to do, if there is one and none is searching: a sleeper, or worker 0 if nobody
    /// is it.
    fn wake_one(self: &Arc<Self>) {
        match self.idle.pick() {
            Some(worker) => self.remotes[worker].reactor.unpark(),
            None if self.idle.has_sleepers() => {}
            None => self.call_stand_in_if_vacant(),
        }
    }

    /// Whether a worker has tasks that others should take: its queue is worth it, or it is stuck in a poll.
    fn has_work_for_others(&self, remote: &Remote) -> bool {
        if remote.blocked.load(Relaxed) {
            return !remote.stealers.is_empty(true);
        }
        self.pace.is_worth_sharing(|| remote.stealers.len())
    }

    /// Whether all workers but one sleep; only a hint.
    fn is_one_awake(&self) -> bool {
        self.idle.sleepers() + 1 >= self.remotes.len()
    }

    /// Whether a worker has nothing to do: it sleeps, or it is worker 0 and nobody sits there.
    fn rests(&self, worker: usize) -> bool {
        self.remotes[worker].reactor.is_asleep() || (worker == 0 && self.seat.is_vacant())
    }

    /// Whether the runtime is shutting down.
    pub(crate) fn is_closed(&self) -> bool {
        self.inbox.is_closed()
    }

    /// Where what happens is recorded, if anywhere.
    pub(crate) fn tracing(&self) -> Option<&Tracing> {
        self.tracing.as_ref()
    }
}

impl Traced for Shared {
    fn recorder(&self) -> Option<&Arc<Recorder>> {
        Some(self.tracing.as_ref()?.recorder())
    }
}

/// Calls wakers that were collected under locks; the first of them are the reactor's, the others the timers'. One that
/// panics does not keep the others from being called.
fn wake_all(woken: &mut Vec<Waker>, from_reactor: usize) {
    for (at, waker) in woken.drain(..).enumerate() {
        let _meanwhile = trace::doing(if at < from_reactor {
            Doing::Reactor
        } else {
            Doing::Timer
        });
        quietly(|| waker.wake());
    }
}
