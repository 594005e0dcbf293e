//! Models of a task's life: loom runs them in every order of their steps (`RUSTFLAGS="--cfg loom"`).
//!
//! The task is the real one; its scheduler is a queue and nothing more. What the threads tell each other beside the
//! task's own state is written and read *relaxed*, so that a wake which fails to carry it over leaves the task asleep:
//! loom then reports a deadlock.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::Location;
use std::sync::{Arc as StdArc, Mutex as StdMutex};
use std::task::{Context, Poll, Waker};

use futures_task::{ArcWake, waker};
use loom::thread;

use super::cell::Task;
use super::roles::{Join, Runnable, Schedule, Spawned, Ticket};
use super::stage::Stage;
use super::{Id, JoinError};
use crate::park::Parker;
use crate::shim::atomic::{AtomicU32, Ordering::Relaxed};
use crate::shim::{Condvar, Mutex, lock, wait};
use crate::trace::Traced;

/// One queue, for any number of workers.
#[derive(Default)]
struct Queue {
    /// What is queued.
    state: Mutex<QueueState>,
    /// What the workers sleep on.
    pushed: Condvar,
}

/// What the queue's lock guards.
#[derive(Default)]
struct QueueState {
    /// The entries.
    tasks: VecDeque<Runnable>,
    /// How many entries there ever were.
    entries: u32,
    /// The workers are to leave.
    closed: bool,
}

impl Queue {
    /// Adds an entry.
    fn push(&self, task: Runnable) {
        let mut state = lock(&self.state);
        state.tasks.push_back(task);
        state.entries += 1;
        self.pushed.notify_all();
    }

    /// Waits for an entry. `None`: the queue is closed.
    fn pop(&self) -> Option<Runnable> {
        let mut state = lock(&self.state);
        loop {
            if let Some(task) = state.tasks.pop_front() {
                return Some(task);
            }
            if state.closed {
                return None;
            }
            state = wait(&self.pushed, state);
        }
    }

    /// Sends the workers home, once the queue is empty.
    fn close(&self) {
        lock(&self.state).closed = true;
        self.pushed.notify_all();
    }

    /// Runs entries until the task is complete. If nobody queues it any more, that is a deadlock.
    fn work(&self) {
        while let Some(task) = self.pop() {
            match task.clone().run(&Stage::default()) {
                Some(again) => self.push(again),
                None if task.is_finished() => self.close(),
                None => {}
            }
        }
    }

    /// How many entries there ever were.
    fn entries(&self) -> u32 {
        lock(&self.state).entries
    }
}

/// The way to the queue, as tasks see it.
#[derive(Clone, Default)]
struct Line(StdArc<Queue>);

impl Traced for Line {}

impl Schedule for Line {
    fn woken<F: Spawned>(task: StdArc<Task<F, Self>>) {
        let queue = task.scheduler().0.clone();
        queue.push(task);
    }

    fn done<F: Spawned>(task: StdArc<Task<F, Self>>) {
        drop(task);
    }

    fn keep(&self, _: Runnable) -> Option<Ticket> {
        Some(Ticket(0))
    }

    fn release(&self, _: Ticket) -> Option<Runnable> {
        None
    }
}

/// What the threads of a model tell each other, and what they count. Everything is relaxed.
#[derive(Default)]
struct Facts {
    /// What the future waits for, a bit for each waker.
    said: AtomicU32,
    /// How often it was polled.
    polls: AtomicU32,
    /// How often it was dropped.
    futures_dropped: AtomicU32,
    /// The thread that dropped it.
    dropped_by: StdMutex<Option<thread::ThreadId>>,
    /// How often its output was dropped.
    outputs_dropped: AtomicU32,
}

impl Facts {
    /// Asserts that this thread, the only worker, dropped the future.
    fn assert_dropped_here(&self) {
        let dropped_by = *self.dropped_by.lock().unwrap();
        assert_eq!(
            dropped_by,
            Some(thread::current().id()),
            "dropped by a stranger"
        );
    }

    /// Asserts that the future is gone, and the output too, each dropped once.
    fn assert_all_dropped_once(&self, outputs: u32) {
        assert_eq!(self.futures_dropped.load(Relaxed), 1, "futures dropped");
        assert_eq!(
            self.outputs_dropped.load(Relaxed),
            outputs,
            "outputs dropped"
        );
    }
}

/// The output; also what the future holds. Counts its end.
struct Counted {
    /// Where it counts.
    facts: StdArc<Facts>,
    /// It is the output.
    is_output: bool,
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.is_output {
            self.facts.outputs_dropped.fetch_add(1, Relaxed);
        } else {
            *self.facts.dropped_by.lock().unwrap() = Some(thread::current().id());
            self.facts.futures_dropped.fetch_add(1, Relaxed);
        }
    }
}

/// A task that is ready when all bits of `awaited` are said; queued, as after a spawn.
struct Model {
    /// The queue.
    line: Line,
    /// What happens.
    facts: StdArc<Facts>,
    /// The task as a queue sees it.
    run: Runnable,
    /// The task as its join handle sees it.
    join: StdArc<dyn Join<Counted>>,
    /// Its waker.
    waker: Waker,
}

impl Model {
    /// Spawns it.
    fn new(awaited: u32) -> Model {
        let line = Line::default();
        let facts = StdArc::new(Facts::default());
        let held = Counted {
            facts: facts.clone(),
            is_output: false,
        };
        let future = poll_fn(move |_| {
            held.facts.polls.fetch_add(1, Relaxed);
            if held.facts.said.load(Relaxed) & awaited != awaited {
                return Poll::Pending;
            }
            Poll::Ready(Counted {
                facts: held.facts.clone(),
                is_output: true,
            })
        });
        let task = Task::new(future, line.clone(), Id::next(), Location::caller());
        line.0.push(task.clone());
        Model {
            line,
            facts,
            run: task.clone(),
            join: task.clone(),
            waker: waker(task),
        }
    }

    /// A thread that says one bit and then wakes.
    fn spawn_waker(&self, bit: u32) -> thread::JoinHandle<()> {
        let (facts, waker) = (self.facts.clone(), self.waker.clone());
        thread::spawn(move || {
            facts.said.fetch_or(bit, Relaxed);
            waker.wake();
        })
    }

    /// A thread that is a worker until the task is complete.
    fn spawn_worker(&self) -> thread::JoinHandle<()> {
        let line = self.line.clone();
        thread::spawn(move || line.0.work())
    }

    /// The output of the finished task.
    fn output(&self) -> Result<Counted, JoinError> {
        match self.join.poll_join(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("a finished task has an output"),
        }
    }
}

/// A thread as a waker sees it.
#[derive(Default)]
struct Sleeper(Parker);

impl ArcWake for Sleeper {
    fn wake_by_ref(sleeper: &StdArc<Sleeper>) {
        sleeper.0.unpark();
    }
}

/// Waits for the output on this thread.
fn join(task: &dyn Join<Counted>, sleeper: &StdArc<Sleeper>) -> Result<Counted, JoinError> {
    let waker = waker(sleeper.clone());
    loop {
        match task.poll_join(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => sleeper.0.park(),
        }
    }
}

/// Ends a model: waits for its threads.
fn join_all<const N: usize>(threads: [thread::JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_wake_at_any_moment_of_a_poll_is_not_lost() {
    loom::model(|| {
        let model = Model::new(1);
        let thread = model.spawn_waker(1);
        model.line.0.work();
        thread.join().unwrap();
        assert!(model.output().is_ok());
        model.facts.assert_all_dropped_once(1);
    });
}

#[test]
fn two_wakers_make_one_entry_per_poll_and_lose_nothing_they_wrote() {
    loom::model(|| {
        let model = Model::new(0b11);
        let threads = [model.spawn_waker(1), model.spawn_waker(2)];
        model.line.0.work();
        join_all(threads);
        assert_eq!(model.line.0.entries(), model.facts.polls.load(Relaxed));
        assert!(model.output().is_ok());
    });
}

#[test]
fn a_wake_after_the_end_makes_no_entry() {
    loom::model(|| {
        // Either waker suffices: the other one's wake comes at any moment, also after the end.
        let model = Model::new(1);
        let threads = [model.spawn_waker(1), model.spawn_waker(1)];
        model.line.0.work();
        join_all(threads);
        assert_eq!(model.line.0.entries(), model.facts.polls.load(Relaxed));
        model.waker.wake_by_ref();
        assert_eq!(model.line.0.entries(), model.facts.polls.load(Relaxed));
        drop(model.output());
        model.facts.assert_all_dropped_once(1);
    });
}

#[test]
fn two_workers_never_poll_a_task_at_once_nor_after_its_end() {
    loom::model(|| {
        let model = Model::new(0b11);
        let threads = [model.spawn_worker(), model.spawn_waker(1)];
        model.facts.said.fetch_or(2, Relaxed);
        model.waker.wake_by_ref();
        model.line.0.work();
        join_all(threads);
        assert_eq!(model.line.0.entries(), model.facts.polls.load(Relaxed));
        assert!(model.output().is_ok());
        model.facts.assert_all_dropped_once(1);
    });
}

#[test]
fn an_abort_at_any_moment_ends_the_task_once_and_on_a_worker() {
    loom::model(|| {
        let model = Model::new(1);
        let aborted = model.run.clone();
        let aborter = thread::spawn(move || {
            aborted.clone().abort();
            aborted.abort();
        });
        let threads = [aborter, model.spawn_waker(1)];
        model.line.0.work();
        join_all(threads);
        model.facts.assert_dropped_here();
        match model.output() {
            Ok(output) => {
                drop(output);
                model.facts.assert_all_dropped_once(1);
            }
            Err(error) => {
                assert!(error.is_cancelled());
                model.facts.assert_all_dropped_once(0);
            }
        }
    });
}

#[test]
fn an_abort_reaches_a_task_that_nobody_wakes() {
    loom::model(|| {
        let model = Model::new(1);
        let aborted = model.run.clone();
        let thread = thread::spawn(move || aborted.abort());
        model.line.0.work();
        thread.join().unwrap();
        model.facts.assert_dropped_here();
        assert!(model.output().is_err_and(|error| error.is_cancelled()));
        model.facts.assert_all_dropped_once(0);
    });
}

#[test]
fn an_aborted_task_that_waited_is_not_polled_again() {
    loom::model(|| {
        let model = Model::new(1);
        assert!(model.line.0.pop().unwrap().run(&Stage::default()).is_none());
        let aborted = model.run.clone();
        let thread = thread::spawn(move || aborted.abort());
        model.line.0.work();
        thread.join().unwrap();
        assert!(model.output().is_err_and(|error| error.is_cancelled()));
        assert_eq!(model.facts.polls.load(Relaxed), 1);
    });
}

#[test]
fn a_shutdown_reaches_a_task_that_nobody_wakes() {
    loom::model(|| {
        let model = Model::new(1);
        let (task, line) = (model.run.clone(), model.line.clone());
        let shutdown = thread::spawn(move || {
            task.cancel();
            line.0.close();
        });
        model.line.0.work();
        shutdown.join().unwrap();
        assert!(model.output().is_err_and(|error| error.is_cancelled()));
        model.facts.assert_all_dropped_once(0);
    });
}

#[test]
fn a_shutdown_at_any_moment_drops_the_future_once() {
    loom::model(|| {
        let model = Model::new(1);
        let (task, line) = (model.run.clone(), model.line.clone());
        let shutdown = thread::spawn(move || {
            task.cancel();
            line.0.close();
        });
        let threads = [shutdown, model.spawn_waker(1)];
        model.line.0.work();
        join_all(threads);
        // A wake after the worker had left: the shutdown empties the queue, too.
        model.line.0.work();
        assert!(model.run.is_finished());
        let outputs = match model.output() {
            Ok(_) => 1,
            Err(error) => {
                assert!(error.is_cancelled());
                0
            }
        };
        model.facts.assert_all_dropped_once(outputs);
    });
}

#[test]
fn the_newest_waker_of_the_joiner_is_woken() {
    loom::model(|| {
        let model = Model::new(0);
        let worker = model.spawn_worker();
        let old = StdArc::new(Sleeper::default());
        let early = {
            let waker = waker(old.clone());
            let polled = model.join.poll_join(&mut Context::from_waker(&waker));
            matches!(polled, Poll::Ready(Ok(_)))
        };
        if !early {
            let newest = StdArc::new(Sleeper::default());
            assert!(join(&*model.join, &newest).is_ok());
            assert_eq!(StdArc::strong_count(&newest), 1, "a waker was left behind");
        }
        assert_eq!(StdArc::strong_count(&old), 1, "a waker was left behind");
        worker.join().unwrap();
        model.facts.assert_all_dropped_once(1);
    });
}

#[test]
fn a_joiner_sees_what_the_task_did_and_that_its_future_is_gone() {
    loom::model(|| {
        let model = Model::new(1);
        let threads = [model.spawn_worker(), model.spawn_waker(1)];
        let output = join(&*model.join, &StdArc::new(Sleeper::default()));
        assert_eq!(model.facts.futures_dropped.load(Relaxed), 1);
        drop(output);
        join_all(threads);
        model.facts.assert_all_dropped_once(1);
    });
}

#[test]
fn a_handle_dropped_at_any_moment_leaves_nothing_behind() {
    loom::model(|| {
        let model = Model::new(1);
        let threads = [model.spawn_worker(), model.spawn_waker(1)];
        let sleeper = StdArc::new(Sleeper::default());
        let waker = waker(sleeper.clone());
        let polled = model.join.poll_join(&mut Context::from_waker(&waker));
        drop(waker);
        if polled.is_pending() {
            model.join.clone().detach();
        }
        drop(polled);
        model.line.0.work();
        join_all(threads);
        assert_eq!(StdArc::strong_count(&sleeper), 1, "a waker was left behind");
        model.facts.assert_all_dropped_once(1);
    });
}

#[test]
fn a_handle_dropped_while_the_task_is_aborted_leaves_nothing_behind() {
    loom::model(|| {
        let model = Model::new(0);
        let (aborted, detached) = (model.run.clone(), model.join.clone());
        let threads = [
            thread::spawn(move || aborted.abort()),
            thread::spawn(move || detached.detach()),
        ];
        model.line.0.work();
        join_all(threads);
        let outputs = model.facts.outputs_dropped.load(Relaxed);
        assert_eq!(outputs, model.facts.polls.load(Relaxed));
        model.facts.assert_all_dropped_once(outputs);
    });
}
