//! A worker: the event loop. **This is the heart of the runtime.**
//!
//! [`Worker::run`] is all that a worker ever does, again and again, in these four steps:
//!
//! 1. its *purpose*: inside `block_on` that is the main future, if it was woken;
//! 2. every 61 polls, a look at what it would otherwise see only when idle: reactor, timers, inbox;
//! 3. tasks: the first from its own queue, the inbox, or another worker's queue, and then what is in its own, until that is
//!    empty or it is time to look. So a main future that awaits a thousand tasks is polled once per 61 of them, not
//!    after each;
//! 4. nothing to run: wait in the reactor until an event, a timer or another thread ends the wait.
//!
//! Rejected: a thread for the reactor and one for the timers, that hand what they find to the workers. Each event would
//! then wake a second thread, which costs more than to serve it.
//!
//! # When a worker wakes another
//!
//! When its queue is worth it: see `search.rs` and `pace.rs`. A queue that waits behind a long poll is found by the watchdog.

mod search;

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use super::asleep::PROBE;
use super::pace::Watch;
use super::queue::Queue;
use super::seated::Seated;
use super::simulation::Simulation;
use super::spare::Spare;
use super::spin::Waits;
use super::{Home, Remote, Shared, wake_all};
use crate::shim;
use crate::task::cell::Task;
use crate::task::roles::{Runnable, Spawned};
use crate::task::stage::Stage;
use crate::task::{Id, JoinHandle, Place};
use crate::trace::{self, Doing, Kind, QueueName, WakeUp};

/// How many polls until a look at the reactor, the timers and the inbox. Tokio's number: prime, so that it does not
/// resonate with a program's own rhythm.
const POLLS_PER_LOOK: u32 = 61;

/// How many tasks at most one look takes from the inbox.
const INBOX_BATCH: usize = 1024;

/// What a thread is a worker for: why it runs the loop, and when it stops.
pub(crate) trait Purpose {
    /// Called between polls. `true`: the loop is to end.
    fn step(&mut self, worker: &Worker) -> bool;
    /// Whether `step` has something to do, so that the worker must not sleep.
    fn is_pressing(&self) -> bool;
}

/// A worker's own half: what only its thread touches.
pub(crate) struct Worker {
    /// The way into the runtime that this worker's tasks get.
    home: Arc<Home>,
    /// What is to be run.
    queue: Queue,
    /// Where it shows whom it polls.
    stage: Arc<CachePadded<Stage>>,
    /// How many are left until the next look.
    until_look: Cell<u32>,
    /// Times its polls.
    watch: Watch,
    /// It was woken to find work, and has not found it yet.
    searching: Cell<bool>,
    /// Whether it is handing out events: their tasks queue in order, and none goes to the front.
    serving: Cell<bool>,
    /// How long its last wait was.
    waits: Waits,
    /// When it ended.
    awake_since: Cell<Instant>,
    /// The memory of tasks that have ended.
    spare: Spare,
    /// The wakers of one look; kept for its memory.
    woken: RefCell<Vec<Waker>>,
    /// In a simulation, with worker 0: the others, while nobody runs them.
    pub(super) crew: Cell<Vec<Worker>>,
}

/// The life of a worker's thread.
pub(super) fn work(worker: Worker) {
    /// Counts the worker out also when a bug of the runtime makes it panic: else the shutdown would wait for it for ever.
    struct CountedOut(Arc<Shared>);
    impl Drop for CountedOut {
        fn drop(&mut self) {
            self.0.worker_left();
        }
    }
    let shared = CountedOut(worker.home.shared.clone());
    let worker = Seated::new(worker);
    worker.run(&mut UntilClosed(&shared.0));
    worker.shut_down();
    drop(worker.leave());
}

/// The purpose of a worker that has a thread of its own.
struct UntilClosed<'a>(&'a Shared);

impl Purpose for UntilClosed<'_> {
    fn step(&mut self, _: &Worker) -> bool {
        self.0.is_closed()
    }

    fn is_pressing(&self) -> bool {
        self.0.is_closed()
    }
}

impl Worker {
    /// The worker of `home`, with its queue.
    pub(super) fn new(home: Arc<Home>, queue: Queue) -> Worker {
        let stage = home.shared.remotes[home.worker].stage.clone();
        Worker {
            home,
            queue,
            stage,
            until_look: Cell::new(POLLS_PER_LOOK),
            watch: Watch::default(),
            searching: Cell::new(false),
            serving: Cell::new(false),
            waits: Waits::default(),
            awake_since: Cell::new(shim::now()),
            spare: Spare::new(),
            woken: RefCell::new(Vec::new()),
            crew: Cell::new(Vec::new()),
        }
    }

    /// Makes it the first of the simulated workers; the others go with it.
    pub(super) fn simulate(&self, others: Vec<Worker>) {
        self.crew.set(others);
    }

    /// The way into the runtime.
    pub(crate) fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// The event loop. See the [module](self).
    pub(super) fn run(&self, purpose: &mut dyn Purpose) {
        if let Some(simulation) = &self.shared().simulation {
            return simulation.run(self, purpose);
        }
        self.awake_since.set(shim::now());
        self.shared().watchdog.stir();
        // 1.
        while !purpose.step(self) {
            // 2.
            if self.is_time_to_look() {
                self.look();
            }
            // 3.
            let ran = self.run_tasks();
            // 4.
            if !ran && !purpose.is_pressing() {
                self.park(purpose);
            }
        }
        self.stop_searching();
        self.count_busy();
    }

    /// Counts the time since the last wait as busy, and returns the present.
    fn count_busy(&self) -> Instant {
        let now = shim::now();
        let busy = now.saturating_duration_since(self.awake_since.get());
        let nanos = u64::try_from(busy.as_nanos()).unwrap_or(u64::MAX);
        self.remote().counts.busy.add(nanos);
        now
    }

    /// Runs tasks until the queue is empty or it is time to look. `false`: there was none.
    fn run_tasks(&self) -> bool {
        let Some(first) = self.find() else {
            return false;
        };
        self.poll(first);
        while !self.is_time_to_look() && !self.shared().is_closed() {
            let Some(task) = self.queue.pop() else {
                break;
            };
            self.share();
            self.poll(task);
        }
        true
    }

    /// Runs a task. One that was woken meanwhile goes to the back of the line.
    pub(super) fn poll(&self, task: Runnable) {
        self.count_poll();
        let again = task.run(&self.stage);
        self.stage.leave();
        if let Some(again) = again {
            self.queue.push(again);
        }
    }

    /// Tells the watchdog that another poll begins.
    pub(super) fn count_poll(&self) {
        self.stage.polls.add(1);
        self.until_look.set(self.until_look.get().saturating_sub(1));
    }

    /// Whether so many polls have passed that it is time to look at what waits outside the queue.
    pub(super) fn is_time_to_look(&self) -> bool {
        self.until_look.get() == 0
    }

    /// Hands out the events and timers that are there, and takes tasks from the inbox.
    pub(super) fn look(&self) {
        self.until_look.set(POLLS_PER_LOOK);
        let mut woken = self.woken.take();
        let from_reactor = self.remote().serve(&self.shared().clock, &mut woken);
        self.wake(woken, from_reactor);
        self.empty_inbox();
    }

    /// Calls wakers of the reactor or the timers.
    pub(super) fn wake(&self, mut woken: Vec<Waker>, from_reactor: usize) {
        self.serving.set(true);
        wake_all(&mut woken, from_reactor);
        self.serving.set(false);
        self.woken.replace(woken);
    }

    /// Announces that the worker goes to sleep, looks again, and sleeps: see `idle.rs` for why in this order.
    fn park(&self, purpose: &dyn Purpose) {
        let shared = self.shared();
        self.watch.stop();
        shared
            .idle
            .announce(self.home.worker, self.searching.replace(false));
        let is_over = !purpose.is_pressing() && !self.sees_work() && self.sleep();
        if shared.idle.retract(self.home.worker) {
            self.searching.set(true);
        }
        shared.watchdog.stir();
        if is_over {
            shared.fail_asleep();
        }
    }

    /// Waits in the reactor until an event, a timer or another thread ends the wait, and wakes whoever waited for that.
    /// `true`: the clock is paused, and nothing will ever come.
    fn sleep(&self) -> bool {
        let shared = self.shared();
        let remote = self.remote();
        let mut woken = self.woken.take();
        let timeout = remote.timers.timeout(|| shared.clock.now());
        trace::event(&self.home, || Kind::Parked {
            longest: timeout,
            sockets: remote.reactor.sources(),
            timers: remote.timers.len(),
        });
        remote.counts.parks.add(1);
        let asleep_since = self.count_busy();
        let (from_reactor, awake_since, called) = if shared.clock.is_paused() {
            (shared.wait_and_jump(&mut woken), shim::now(), true)
        } else {
            let (awake_since, called) = self.wait(asleep_since, timeout, &mut woken);
            (Some(woken.len()), awake_since, called)
        };
        self.awake_since.set(awake_since);
        let is_over = from_reactor.is_none();
        let from_reactor = from_reactor.unwrap_or(0);
        remote.timers.awake();
        trace::event(&self.home, || Kind::Unparked {
            why: self.why_awake(from_reactor, &woken, called),
        });
        remote.timers.fire(|| shared.clock.now(), &mut woken);
        self.until_look.set(POLLS_PER_LOOK);
        self.wake(woken, from_reactor);
        is_over
    }

    /// Waits in the reactor by the system's clock; returns the present, and whether somebody called. With nothing to wait for
    /// it wakes now and then to see whether everything sleeps for ever: see `asleep.rs`.
    fn wait(
        &self,
        now: Instant,
        timeout: Option<Duration>,
        woken: &mut Vec<Waker>,
    ) -> (Instant, bool) {
        let shared = self.shared();
        let reactor = &self.remote().reactor;
        let probes = timeout.is_none() && shared.should_probe();
        let timeout = if probes { Some(PROBE) } else { timeout };
        let (until, called) = shared
            .spinner
            .wait(&self.waits, reactor, now, timeout, woken);
        if probes && until.saturating_duration_since(now) >= PROBE {
            shared.probe();
        }
        (until, called)
    }

    /// What ended the wait, for the trace.
    fn why_awake(&self, from_reactor: usize, woken: &[Waker], called: bool) -> WakeUp {
        let timers = &self.remote().timers;
        if from_reactor > 0 {
            WakeUp::Events
        } else if !woken.is_empty() || timers.is_nearly_due(self.shared().clock.now()) {
            WakeUp::Timer
        } else if called {
            WakeUp::Called
        } else {
            WakeUp::Nobody
        }
    }

    /// Spawns a task on this worker; gives the future back when the runtime shuts down.
    pub(crate) fn spawn<F: Spawned>(
        &self,
        future: F,
        place: Place,
    ) -> Result<JoinHandle<F::Output>, F> {
        if self.shared().is_closed() {
            return Err(future);
        }
        let id = Id::next();
        let task = match self.spare.take(future, id, place) {
            Ok(task) => task,
            Err(future) => Task::new(future, self.home.clone(), id, place),
        };
        let handle = JoinHandle::new(task.clone());
        self.stage.spawned.add(1);
        if trace::is_on() {
            trace::spawned(&self.home, id, place, QueueName::Line(self.home.worker));
        }
        self.queue.push(task);
        Ok(handle)
    }

    /// Where the worker shows whom it polls.
    pub(super) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Queues a task that was woken on this thread.
    pub(crate) fn push_woken(&self, task: Runnable) {
        let serving = self.serving.get();
        trace::event(&self.home, || Kind::Queued {
            task: task.id(),
            queue: match serving {
                true => QueueName::Line(self.home.worker),
                false => QueueName::Front(self.home.worker),
            },
        });
        if serving {
            self.queue.push(task);
        } else {
            self.queue.push_front(task);
        }
    }

    /// An id for a task, if the simulation gives them out.
    pub(crate) fn simulated_id(&self) -> Option<Id> {
        self.shared().simulation.as_ref().map(Simulation::next_id)
    }

    /// The memory of tasks that have ended.
    pub(super) fn spare(&self) -> &Spare {
        &self.spare
    }

    /// The queue.
    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Which of the workers it is.
    pub(super) fn number(&self) -> usize {
        self.home.worker
    }

    /// Whether the queue holds a task.
    pub(super) fn has_queue(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The worker's part of the shutdown: drops every task that it knows, one by one, while its reactor and its context are
    /// still there for the destructors.
    pub(super) fn shut_down(&self) {
        let _meanwhile = trace::doing(Doing::Runtime);
        loop {
            let waiting = self.remote().registry.close();
            let none_waited = waiting.is_empty();
            for task in waiting {
                task.cancel();
            }
            // The queue last: the destructors of what comes before may wake tasks into it.
            self.shared().inbox.cancel_all();
            while let Some(task) = self.queue.pop() {
                task.cancel();
            }
            if none_waited {
                self.spare.close();
                return;
            }
        }
    }

    /// The runtime.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.home.shared
    }

    /// What others see of this worker.
    pub(super) fn remote(&self) -> &Remote {
        &self.shared().remotes[self.home.worker]
    }
}

#[cfg(all(test, not(loom)))]
#[path = "worker_tests.rs"]
mod tests;
