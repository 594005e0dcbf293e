//! A task: a future, its state, and the place where its output waits for the join handle.
//!
//! One `Arc<Task>` is all three things that a runtime needs: the entry in a run queue ([`Run`]), the waker that a
//! future leaves with whatever it waits for (`ArcWake`), and the thing that a join handle looks at ([`Join`]).
//!
//! # Why there is a lock that nobody waits for
//!
//! Only the worker that holds RUNNING touches the future (see [`State`]), so the state machine alone would do; but the
//! compiler cannot know that. The `Mutex` around the future turns the proof into a check: it costs two uncontended
//! atomic operations per poll, and it is what this crate has instead of a promise to the compiler. The other price is
//! the box: a future must not move once it was polled, and in safe code only a `Pin<Box<_>>` can promise that behind a
//! lock. (Rejected: to look with `try_lock` whether somebody else is polling. It is right for one worker, and
//! panics or loses a wake with two.)
//!
//! # Why a joiner looks twice
//!
//! ```text
//!   the joiner                         the runner
//!   complete? no
//!                                      stores the output, completes; has a joiner left a waker? no
//!   stores its waker                   ... and is never woken
//! ```
//! So [`Join::poll_join`] stores its waker first and then looks again, by an exchange on the same word on which the runner
//! completes (`State::leave_waker`). The second of the two sees the first.
//!
//! # What is dropped when
//!
//! The future is dropped as soon as it is done, before the joiner can know (so a destructor's effects are visible to
//! whoever awaited the task). Its drop may panic, so may the output's, and the panic's payload may panic again when
//! dropped: all of them are contained here, and a worker never dies of them.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_task::{ArcWake, waker_ref};

use super::error::Payload;
use super::foreign::{drop_in_turn, quietly};
use super::roles::{Join, Run, Runnable, Schedule, Spawned, Ticket};
use super::stage::Stage;
use super::state::{Complete, Pause, Start, State, Wake};
use super::{Id, JoinError, Place, budget, current};
use crate::ablation;
use crate::shim::atomic::{AtomicU32, Ordering::Relaxed};
use crate::shim::{Mutex, MutexGuard, lock};
use crate::trace::{self, Kind, Outcome, Who};

/// A spawned future `F` on the scheduler `S`.
pub(crate) struct Task<F: Future, S> {
    /// Who may do what.
    state: State,
    /// Where the scheduler keeps the task, once it has waited for something; else [`NOWHERE`]. Only the holder of RUNNING
    /// touches it, and the transitions of `state` order one after the other, hence relaxed. It is an atomic because here, beside
    /// the state, it costs no memory: a task is 112 bytes of the allocator's, the next larger size is 128.
    ticket: AtomicU32,
    /// Who the task is.
    id: Id,
    /// The line that spawned it: what people know it by.
    place: Place,
    /// Where it goes when it is woken.
    scheduler: S,
    /// What the holder of RUNNING works on, and then the output. Never contended: see the module's first lines.
    cell: Mutex<Cell<F>>,
    /// The waker of whoever awaits the join handle. Guards nothing else; held only to move the waker in or out.
    joiner: Mutex<Option<Waker>>,
}

/// What is behind the task's uncontended lock.
struct Cell<F: Future> {
    /// The future, until it is done. Its box stays: the next task of the same type moves in.
    future: Pin<Box<Option<F>>>,
    /// The output, from when it is there until the joiner takes it.
    output: Option<Result<F::Output, JoinError>>,
}

/// The ticket of a task that has not waited yet. A table never has so many tasks.
const NOWHERE: u32 = u32::MAX;

impl<F: Spawned, S: Schedule> Task<F, S> {
    /// A task that is not in any queue yet: the caller pushes it.
    pub(crate) fn new(future: F, scheduler: S, id: Id, place: Place) -> Arc<Self> {
        Arc::new(Task {
            state: State::new(),
            ticket: AtomicU32::new(NOWHERE),
            id,
            place,
            scheduler,
            cell: Mutex::new(Cell {
                future: Box::pin(Some(future)),
                output: None,
            }),
            joiner: Mutex::new(None),
        })
    }

    /// Makes a new task of one that is complete and that nobody else refers to any more: see `spare.rs`. Gives the future
    /// back if somebody does.
    pub(crate) fn renew(self: &mut Arc<Self>, future: F, id: Id, place: Place) -> Result<(), F> {
        let Some(task) = Arc::get_mut(self) else {
            return Err(future);
        };
        task.state = State::new();
        task.id = id;
        task.place = place;
        lock(&task.cell).future.as_mut().set(Some(future));
        Ok(())
    }

    /// Where the task goes when it is woken.
    pub(crate) fn scheduler(&self) -> &S {
        &self.scheduler
    }

    /// Polls the future under the waker of this task. A panic is a result like another.
    #[inline(always)]
    fn poll_future(self: &Arc<Self>, cell: &mut Cell<F>) -> Poll<Result<F::Output, JoinError>> {
        // Borrows the Arc: a poll costs no reference count unless the future keeps the waker.
        let waker = waker_ref(self);
        // To measure what that saves.
        let _reference = (!ablation::WAKER_REF).then(|| self.clone());
        let mut cx = Context::from_waker(&waker);
        let future = cell.future.as_mut().as_pin_mut();
        let future = future.expect("the holder of RUNNING found no future");
        let polled = catch_unwind(AssertUnwindSafe(|| {
            current::with(self.id, || budget::with_fresh(|| future.poll(&mut cx)))
        }));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(payload) => Poll::Ready(Err(JoinError::panic(self.id, payload))),
        }
    }

    /// Drops the future. Its destructor is foreign code under the lock, as its `poll` was: the caller holds RUNNING, so
    /// nobody else wants the lock before the task is complete.
    fn drop_future(&self, cell: &mut Cell<F>) -> Result<(), Payload> {
        catch_unwind(AssertUnwindSafe(|| {
            current::with(self.id, || cell.future.as_mut().set(None))
        }))
    }

    /// Makes sure that the scheduler can find the task while it waits. `false`: the runtime is shut down.
    fn keep(self: &Arc<Self>) -> bool {
        if self.ticket.load(Relaxed) != NOWHERE {
            return true;
        }
        let ticket = self.scheduler.keep(self.clone());
        let kept = ticket.is_some();
        self.ticket
            .store(ticket.map_or(NOWHERE, |ticket| ticket.0), Relaxed);
        kept
    }

    /// Drops the future and ends the task as cancelled. The caller holds RUNNING.
    fn finish_cancelled(self: Arc<Self>) {
        trace::event(&self.scheduler, || Kind::Cancelled { task: self.id });
        let mut cell = lock(&self.cell);
        let error = match self.drop_future(&mut cell) {
            Ok(()) => JoinError::cancelled(self.id),
            Err(payload) => JoinError::panic(self.id, payload),
        };
        let unwanted = self.store(cell, Err(error));
        self.finish(unwanted);
    }

    /// Polls the future, and does what follows. The caller holds RUNNING. `told`: the trace listens.
    #[inline(always)]
    fn poll_once(self: Arc<Self>, told: bool, stage: &Stage) -> Option<Runnable> {
        let mut cell = lock(&self.cell);
        if !ablation::LAZY_REGISTRATION {
            self.keep();
        }
        let polled = self.poll_future(&mut cell);
        if told {
            trace::poll_ended(outcome(&polled));
        }
        if let Poll::Ready(result) = polled {
            if let Err(payload) = self.drop_future(&mut cell) {
                quietly(|| drop(payload));
            }
            let unwanted = self.store(cell, result);
            stage.finished.add(1);
            self.finish(unwanted);
            return None;
        }
        drop(cell);
        let kept = self.keep();
        let next = if kept {
            self.state.pause()
        } else {
            Pause::Cancel
        };
        match next {
            Pause::Idle => {
                // The runner and the registry, and the handle; a waker is one more. Mostly there is one.
                let holders = Arc::strong_count(&self);
                if holders <= 3 - usize::from(self.state.is_detached())
                    && self.state.is_forgotten(|| Arc::strong_count(&self), 2)
                {
                    self.scheduler.forgotten(self.id, self.place);
                }
                None
            }
            Pause::Queue => Some(self),
            Pause::Cancel => {
                stage.finished.add(1);
                self.finish_cancelled();
                None
            }
        }
    }

    /// Stores the result for the joiner, or gives it back if there is none.
    #[must_use]
    fn store(
        &self,
        mut cell: MutexGuard<'_, Cell<F>>,
        result: Result<F::Output, JoinError>,
    ) -> Option<Result<F::Output, JoinError>> {
        if self.state.is_detached() {
            return Some(result);
        }
        cell.output = Some(result);
        None
    }

    /// Publishes the result, wakes the joiner, and lets the task go. The caller holds RUNNING; the future is gone.
    fn finish(self: Arc<Self>, unwanted: Option<Result<F::Output, JoinError>>) {
        // Before the task is complete: then it may be anybody's, and made anew.
        let ticket = self.ticket.load(Relaxed);
        self.ticket.store(NOWHERE, Relaxed);
        match self.state.complete() {
            Complete::Keep => {}
            Complete::WakeJoiner => {
                let joiner = lock(&self.joiner).take();
                if let Some(joiner) = joiner {
                    quietly(|| joiner.wake());
                }
            }
            Complete::DropOutput if unwanted.is_some() => {}
            Complete::DropOutput => self.drop_output(),
        }
        match unwanted {
            None => {}
            // Apart, for most outputs need no drop, and the `Result` always does.
            Some(Ok(output)) => drop_in_turn(output),
            Some(Err(error)) => drop_in_turn(error),
        }
        if ticket != NOWHERE {
            drop(self.scheduler.release(Ticket(ticket)));
        }
        S::done(self);
    }

    /// Drops an output that nobody will take.
    fn drop_output(&self) {
        let output = lock(&self.cell).output.take();
        if let Some(output) = output {
            drop_in_turn(output);
        }
    }

    /// As `wake`, and tells the trace. The wake is numbered before it has an effect.
    #[cold]
    fn wake_told(self: Arc<Self>) {
        let begun = trace::wake_begins(&self.scheduler);
        let wake = self.state.wake();
        trace::wake_ended(begun, Who::Task(self.id), wake.into());
        if wake == Wake::Queue {
            S::woken(self);
        }
    }

    /// The output of a complete task.
    fn take_output(&self) -> Result<F::Output, JoinError> {
        lock(&self.cell)
            .output
            .take()
            .expect("the output is taken only once")
    }
}

impl<F: Spawned, S: Schedule> Run for Task<F, S> {
    fn run(self: Arc<Self>, stage: &Stage) -> Option<Runnable> {
        match self.state.start() {
            Start::Poll => {}
            Start::Discard => return None,
            Start::Cancel => {
                stage.finished.add(1);
                self.finish_cancelled();
                return None;
            }
        }
        stage.enter(self.id, self.place);
        let told = trace::is_on();
        if told {
            trace::poll_began(&self.scheduler, Who::Task(self.id));
        }
        let again = self.poll_once(told, stage);
        if told {
            trace::poll_done(again.is_some());
        }
        again
    }

    fn cancel(self: Arc<Self>) {
        if self.state.claim() {
            self.scheduler.cancelled();
            self.finish_cancelled();
        }
    }

    fn abort(self: Arc<Self>) {
        trace::event(&self.scheduler, || Kind::Aborted {
            task: self.id,
            by: trace::cause(),
        });
        if self.state.abort() == Wake::Queue {
            S::woken(self);
        }
    }

    fn id(&self) -> Id {
        self.id
    }

    fn place(&self) -> Place {
        self.place
    }

    fn is_finished(&self) -> bool {
        self.state.is_complete()
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn joiner(&self) -> Option<usize> {
        let joiner = lock(&self.joiner);
        joiner.as_ref().map(|waker| waker.data() as usize)
    }
}

impl<F: Spawned, S: Schedule> Join<F::Output> for Task<F, S> {
    fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Result<F::Output, JoinError>> {
        if self.state.is_complete() {
            return Poll::Ready(self.take_output());
        }
        // Cloned before the lock and the old one dropped after it: both are foreign code.
        let newest = cx.waker().clone();
        let replaced = lock(&self.joiner).replace(newest);
        drop(replaced);
        if self.state.leave_waker() {
            let unneeded = lock(&self.joiner).take();
            drop(unneeded);
            return Poll::Ready(self.take_output());
        }
        Poll::Pending
    }

    fn joined(self: Arc<Self>) {
        S::done(self);
    }

    fn detach(self: Arc<Self>) {
        let todo = self.state.detach();
        if todo.drop_waker {
            let joiner = lock(&self.joiner).take();
            quietly(|| drop(joiner));
        }
        if todo.drop_output {
            self.drop_output();
        }
        S::done(self);
    }

    fn as_run(self: Arc<Self>) -> Runnable {
        self
    }
}

impl<F: Spawned, S: Schedule> ArcWake for Task<F, S> {
    fn wake(self: Arc<Self>) {
        if trace::is_on() {
            return self.wake_told();
        }
        if self.state.wake() == Wake::Queue {
            S::woken(self);
        }
    }

    fn wake_by_ref(this: &Arc<Self>) {
        if trace::is_on() {
            return this.clone().wake_told();
        }
        if this.state.wake() == Wake::Queue {
            S::woken(this.clone());
        }
    }
}

impl<F: Future, S> fmt::Debug for Task<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// How a poll ended, for the trace.
#[inline]
fn outcome<T>(polled: &Poll<Result<T, JoinError>>) -> Outcome {
    match polled {
        Poll::Pending => Outcome::Pending,
        Poll::Ready(Ok(_)) => Outcome::Ready,
        Poll::Ready(Err(_)) => Outcome::Panicked,
    }
}
