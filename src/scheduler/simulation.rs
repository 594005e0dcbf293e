//! The simulation: several workers on one thread, whose every choice comes from a seed.
//!
//! What a program of many tasks does depends on who is polled when. Real workers decide that by how fast they happen to
//! be: the run that fails comes once in a thousand, and not again. Here one thread plays all the workers, on the same
//! queues, tasks, timers and clock as in earnest, and a random number decides each time who acts, and what he does:
//!
//! ```text
//!   ┌─► who acts? ─┬─ the future in block_on: poll it, if it was woken
//!   │              └─ a worker ─┬─ poll any task of its queue
//!   │                           ├─ take one from the inbox
//!   │                           ├─ steal half of another's queue
//!   │                           └─ fire its timers that are due
//!   │   nobody can: the clock jumps to the next timer; without one, all are asleep for ever: panic
//!   └───────┘
//! ```
//!
//! The numbers come from the thread's generator (`random.rs`), whose state is the seed's while the simulation runs; so
//! `select!` asks it too. Nothing else decides anything: task ids count from 1 in each simulated runtime, blocking jobs run
//! here as tasks that are polled once, and time passes only by jumps. So the same seed gives the same run.
//!
//! # Why a task anywhere in the queue
//!
//! In earnest a queue is first in, first out. But a task may be far ahead of another because the other's worker is slow, or
//! was preempted; and two tasks that were woken in one order may run in the other because one was stolen. Any of the ready
//! tasks may be the next, and so it is here. A run may therefore be one that is improbable in earnest; none is impossible.
//!
//! # Interruptions
//!
//! An operation that is ready at once (a lock that is free, a channel that has room) does not let others run; unless
//! the budget of the poll is spent, after 128 operations, which may be anywhere. So every poll gets a budget by chance here:
//! one in two, four or sixteen operations (by the seed) is interrupted, and every such `.await` is sometimes a place where
//! the others come in between.
//!
//! # Slow tasks
//!
//! When each choice is fair, all tasks go forward at about the same pace, and a bug that needs one of them to stay far
//! behind hides. So in half of the runs (by the seed) one task in four is slow: when it is chosen, another is tried
//! three times in four. (Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS
//! 2010, has the theory of it.)
//!
//! # What is not simulated
//!
//! Threads of the program, sockets and everything else outside the runtime: they work, but when they call a waker is
//! not in the seed.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::Shared;
use super::jump::QUIET;
use super::worker::{Purpose, Worker};
use crate::context;
use crate::random;
use crate::shim::atomic::{AtomicU64, Ordering::Relaxed};
use crate::task::roles::Runnable;
use crate::task::{Id, budget};

/// One in so many tasks is slow, in a run that has slow tasks.
const SLOW: u64 = 4;

/// One in so many operations is interrupted: a run has one of these.
const INTERRUPTED: [u32; 3] = [2, 4, 16];

/// A poll may complete so many operations at most.
const LONGEST: u8 = 128;

/// What a simulated runtime keeps between two calls of `block_on`.
pub(super) struct Simulation {
    /// The state of the generator. One thread runs at a time, and the seat's lock orders them: hence relaxed.
    random: AtomicU64,
    /// The last id that was given out. Relaxed: only its own count matters.
    last_id: AtomicU64,
    /// One in so many operations is interrupted.
    interrupted: u32,
    /// The ids of slow tasks: those with this remainder by `SLOW`. If it is `SLOW` itself, there are none.
    slow: u64,
}

impl Simulation {
    /// The beginning of the run that belongs to `seed`.
    pub(super) fn new(seed: u64) -> Simulation {
        let state = random::from_seed(seed);
        let has_slow = seed % 2 == 1;
        Simulation {
            random: AtomicU64::new(state),
            last_id: AtomicU64::new(0),
            interrupted: INTERRUPTED[(state >> 32) as usize % INTERRUPTED.len()],
            slow: if has_slow { state % SLOW } else { SLOW },
        }
    }

    /// An id that no other task of this runtime has.
    pub(super) fn next_id(&self) -> Id {
        Id::numbered(self.last_id.fetch_add(1, Relaxed) + 1)
    }

    /// How many operations the next poll may complete.
    fn ration(&self) -> u8 {
        let completes = |_: &u8| random::below(self.interrupted) != 0;
        (0..LONGEST).take_while(completes).count() as u8
    }

    /// Plays all the workers on this thread, of which `first` is worker 0.
    pub(super) fn run(&self, first: &Worker, purpose: &mut dyn Purpose) {
        let shared = first.shared();
        let play = Play::new(self, first);
        let mut able = Vec::new();
        while !shared.is_closed() {
            able.clear();
            able.extend((0..play.crew.len()).filter(|worker| shared.can_act(*worker)));
            let main_can = purpose.is_pressing();
            let choices = able.len() + usize::from(main_can);
            budget::ration(Some(self.ration()));
            match able.get(random::below(choices as u32) as usize) {
                Some(worker) => self.act(play.seat(*worker)),
                None if main_can => {
                    if purpose.step(play.seat(0)) {
                        return;
                    }
                }
                None => play.wait(purpose),
            }
        }
    }

    /// One step of a worker that can do something.
    fn act(&self, worker: &Worker) {
        // The look fires timers: sooner or later than the tasks that are ready.
        if worker.is_time_to_look()
            || (worker.shared().is_due(worker.number()) && random::below(4) == 0)
        {
            return worker.look();
        }
        match self.choose(worker) {
            Some(task) => worker.poll(task),
            None => worker.look(),
        }
    }

    /// The task that a worker polls next: a slow one only after some hesitation.
    fn choose(&self, worker: &Worker) -> Option<Runnable> {
        let mut task = find(worker)?;
        for _ in 0..3 {
            if task.id().number() % SLOW != self.slow || random::below(4) == 0 {
                break;
            }
            worker.queue().push(task);
            task = find(worker)?;
        }
        Some(task)
    }
}

/// Any task that the worker could run: of its own queue, from the inbox, or another's.
fn find(worker: &Worker) -> Option<Runnable> {
    let (shared, queue) = (worker.shared(), worker.queue());
    if queue.is_empty() || (!shared.inbox.is_empty() && random::below(4) == 0) {
        let found = shared.inbox.pop().or_else(|| {
            let workers = shared.remotes.len();
            let start = random::below(workers as u32) as usize;
            let victims = (0..workers).map(|step| (start + step) % workers);
            let mut others = victims.filter(|number| *number != worker.number());
            others.find_map(|number| queue.steal(&shared.remotes[number].stealers, true))
        });
        if found.is_some() {
            return found;
        }
    }
    queue.take_any()
}

impl Shared {
    /// Whether a worker has something to do.
    fn can_act(&self, worker: usize) -> bool {
        self.has_ready_task() || self.is_due(worker)
    }

    /// Whether a timer of this worker is due.
    fn is_due(&self, worker: usize) -> bool {
        self.remotes[worker].timers.is_due(|| self.clock.now())
    }

    /// Whether a task is in any queue.
    fn has_ready_task(&self) -> bool {
        let mut queues = self.remotes.iter().map(|remote| &remote.stealers);
        !self.inbox.is_empty() || queues.any(|queue| !queue.is_empty(true))
    }
}

/// All workers, while a thread plays them.
struct Play<'a> {
    /// The simulation.
    simulation: &'a Simulation,
    /// Worker 0.
    first: &'a Worker,
    /// All workers by their numbers.
    crew: Vec<Rc<Worker>>,
    /// The state of the thread's generator before.
    random: u64,
}

impl<'a> Play<'a> {
    /// Puts the simulation's numbers in the place of the thread's.
    fn new(simulation: &'a Simulation, first: &'a Worker) -> Play<'a> {
        Id::give_up_block();
        let mut crew: Vec<_> = context::worker().into_iter().collect();
        crew.extend(first.crew.take().into_iter().map(Rc::new));
        Play {
            simulation,
            first,
            crew,
            random: random::replace(simulation.random.load(Relaxed)),
        }
    }

    /// Makes the thread this worker.
    fn seat(&self, number: usize) -> &Worker {
        let worker = &self.crew[number];
        drop(context::set_worker(Some(worker.clone())));
        worker
    }

    /// Nobody can act: lets the real world have its say, and then moves the clock to the next timer.
    fn wait(&self, purpose: &dyn Purpose) {
        let shared = self.first.shared();
        for number in 0..self.crew.len() {
            self.seat(number).look();
        }
        if purpose.is_pressing() || shared.has_ready_task() {
            return;
        }
        let mut reactors = shared.remotes.iter().map(|remote| &remote.reactor);
        let waits_for_socket = reactors.any(|reactor| reactor.is_waited_for());
        if waits_for_socket && !self.is_quiet(QUIET) {
            return;
        }
        match shared.next_deadline() {
            Some(deadline) => shared.clock.jump(deadline),
            None if waits_for_socket => {}
            None => shared.fail_asleep(),
        }
    }

    /// Whether nothing comes from outside for so long, in real time.
    fn is_quiet(&self, duration: Duration) -> bool {
        let end = Instant::now() + duration;
        while Instant::now() < end {
            for number in 0..self.crew.len() {
                let worker = self.seat(number);
                let mut woken = Vec::new();
                let reactor = &worker.remote().reactor;
                let called = reactor.park(Some(Duration::from_millis(1)), &mut woken);
                let is_quiet = !called && woken.is_empty();
                let from_reactor = woken.len();
                worker.wake(woken, from_reactor);
                if !is_quiet {
                    return false;
                }
            }
        }
        true
    }
}

impl Drop for Play<'_> {
    fn drop(&mut self) {
        budget::ration(None);
        let state = random::replace(self.random);
        self.simulation.random.store(state, Relaxed);
        drop(context::set_worker(Some(self.crew.remove(0))));
        // Nobody else holds them: what the thread was last is worker 0 now.
        let others = self.crew.drain(..).filter_map(Rc::into_inner);
        self.first.crew.set(others.collect());
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::runtime::Builder;

    #[test]
    fn a_call_from_another_thread_ends_the_wait_for_a_socket() {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).seed(1).build().unwrap();
        let shared = runtime.handle().home().shared();
        runtime.block_on(async {
            let worker = context::worker().expect("inside `block_on`");
            let simulation = shared.simulation.as_ref().expect("it has a seed");
            let play = Play::new(simulation, &worker);
            assert!(play.is_quiet(Duration::from_millis(1)));
            shared.remotes[0].reactor.unpark();
            assert!(!play.is_quiet(Duration::from_secs(60)));
        });
    }
}
