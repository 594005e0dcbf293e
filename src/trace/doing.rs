//! Who did it: what each thread is *doing*, noted by the thread itself.
//!
//! A waker does not know who calls it. So a thread notes here that it polls a task, hands out the reactor's events, or runs a
//! blocking job, and whatever happens meanwhile is its doing. Rejected: to pass the cause on as an argument, for a waker's
//! `wake` and a program's `spawn` have none.
//!
//! The notes nest: a blocking job may call `block_on`, which polls. And a poll's doing goes on after its end:
//!
//! ```text
//!     poll_began ────────────────────── poll_ended ────────────────────── poll_done
//!              the future runs: what it           who awaits it is woken:
//!              wakes and spawns is its doing      that is its doing too
//! ```

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::event::{Cause, Kind, Lane, News, Outcome, QueueName, Who};
use super::hook::{Here, Traced, enter, here, is_on, lane, place, record, thread_name};
use super::record::{Recorder, Stamp};
use super::wait;
use crate::shim::thread_local;
use crate::task::{Id, Place};

thread_local! {
    /// What this thread is doing.
    static DOING: Cell<Doing> = const { Cell::new(Doing::Nothing) };
    /// The polls that this thread is in, one inside the other; most often one.
    static POLLS: RefCell<Vec<Poll>> = const { RefCell::new(Vec::new()) };
    /// The name of the task that this thread is about to spawn.
    static NAME: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
    /// The number of this thread in its blocking pool, once it was asked for.
    static BLOCKING: Cell<Option<usize>> = const { Cell::new(None) };
}

/// What a thread is doing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Doing {
    /// Nothing for any runtime.
    #[default]
    Nothing,
    /// It polls.
    Poll(Who),
    /// It hands out events of sockets.
    Reactor,
    /// It hands out timers.
    Timer,
    /// It runs a blocking job.
    Job(Id),
    /// It shuts a runtime down.
    Runtime,
}

/// Who does what this thread is doing.
pub(crate) fn cause() -> Cause {
    match DOING.try_with(Cell::get).unwrap_or_default() {
        Doing::Nothing if place().is_some() => Cause::Runtime,
        Doing::Nothing => Cause::Thread(thread_name()),
        Doing::Poll(who) => Cause::Poll(who),
        Doing::Reactor => Cause::Reactor,
        Doing::Timer => Cause::Timer,
        Doing::Job(id) => Cause::Job(id),
        Doing::Runtime => Cause::Runtime,
    }
}

/// Whom this thread polls.
pub(crate) fn polled() -> Option<Who> {
    match DOING.try_with(Cell::get) {
        Ok(Doing::Poll(who)) => Some(who),
        _ => None,
    }
}

/// While it lives, the thread does something else; then it does again what it did before.
#[derive(Debug)]
pub(crate) struct Meanwhile(
    /// What it did before.
    Doing,
);

/// The thread does this, until the guard is dropped.
#[inline]
pub(crate) fn doing(doing: Doing) -> Option<Meanwhile> {
    #[cold]
    fn replace(doing: Doing) -> Option<Meanwhile> {
        DOING.try_with(|cell| Meanwhile(cell.replace(doing))).ok()
    }
    if is_on() { replace(doing) } else { None }
}

impl Drop for Meanwhile {
    fn drop(&mut self) {
        let _ = DOING.try_with(|cell| cell.set(self.0));
    }
}

/// A poll that is told: from its beginning to the moment when all that follows from it is done.
#[derive(Debug)]
struct Poll {
    /// Where it is told; `None`: this runtime is not traced, another one is.
    recorder: Option<Arc<Recorder>>,
    /// Who is polled.
    who: Who,
    /// What the futures of a poll around this one have said.
    outer: Option<wait::Notes>,
    /// Its end was told.
    ended: bool,
    /// Makes the poll what the thread does.
    _meanwhile: Option<Meanwhile>,
}

/// A poll begins: what the thread wakes and spawns is `who`'s doing until [`poll_done`]. To be called only if [`is_on`]
/// said so; and if it was, then so are the other two.
#[cold]
pub(crate) fn poll_began(of: &impl Traced, who: Who) {
    let recorder = of.recorder().cloned();
    record(recorder.as_ref(), Kind::PollBegan { who });
    let is_told = recorder.is_some();
    let poll = Poll {
        recorder,
        who,
        outer: wait::begin(),
        ended: false,
        // Nobody knows the tasks of a runtime that is not traced.
        _meanwhile: is_told.then(|| doing(Doing::Poll(who))).flatten(),
    };
    let _ = POLLS.try_with(|polls| polls.borrow_mut().push(poll));
}

/// The poll is over, but not yet what follows from it.
#[cold]
pub(crate) fn poll_ended(outcome: Outcome) {
    let poll = POLLS.try_with(|polls| {
        let mut polls = polls.borrow_mut();
        let poll = polls.last_mut().filter(|poll| !poll.ended)?;
        poll.ended = true;
        Some((poll.recorder.clone(), poll.who, poll.outer.take()))
    });
    if let Ok(Some((recorder, who, outer))) = poll {
        let said = wait::end(outer);
        let waits_for = said.filter(|_| outcome == Outcome::Pending);
        let kind = Kind::PollEnded {
            who,
            outcome,
            waits_for,
        };
        record(recorder.as_ref(), kind);
    }
}

/// What follows from the poll is done, except that the task is still to be queued again, if it was woken meanwhile. If its
/// end was not told, a panic has passed by.
#[cold]
pub(crate) fn poll_done(is_queued_again: bool) {
    poll_ended(Outcome::Panicked);
    let poll = POLLS.try_with(|polls| polls.borrow_mut().pop());
    let who = poll.ok().flatten().map(|poll| poll.who);
    if let (true, Some(Who::Task(task))) = (is_queued_again, who) {
        if let Some((recorder, Lane::Worker(worker))) = place() {
            let queue = QueueName::Line(worker);
            record(Some(&recorder), Kind::Queued { task, queue });
        }
    }
}

/// A task was spawned, and goes into a queue. To be called only if [`is_on`] said so.
#[cold]
pub(crate) fn spawned(of: &impl Traced, task: Id, place: Place, queue: QueueName) {
    record(of.recorder(), Kind::spawned(task, place));
    record(of.recorder(), Kind::Queued { task, queue });
}

/// A wake that is about to happen, numbered before its effects. `None`: not traced.
pub(crate) fn wake_begins(of: &impl Traced) -> Option<(Arc<Recorder>, Stamp)> {
    let recorder = of.recorder()?;
    Some((recorder.clone(), recorder.stamp()))
}

/// What came of the wake.
pub(crate) fn wake_ended(begun: Option<(Arc<Recorder>, Stamp)>, who: Who, news: News) {
    if let Some((recorder, stamp)) = begun {
        let by = cause();
        recorder.record(lane(&recorder), stamp, Kind::Woken { who, by, news });
    }
}

/// While it lives, what this thread spawns has a name.
#[derive(Debug)]
pub(crate) struct Named;

/// The next task has this name.
pub(crate) fn name(name: Option<&str>) -> Option<Named> {
    let name = name.filter(|_| is_on())?;
    NAME.try_with(|mine| mine.replace(Some(name.into()))).ok()?;
    Some(Named)
}

/// The name of the task that is spawned now.
pub(super) fn given_name() -> Option<Arc<str>> {
    NAME.try_with(|mine| mine.borrow().clone()).ok().flatten()
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = NAME.try_with(|mine| mine.replace(None));
    }
}

/// A blocking job that is told: its end when this is dropped.
#[derive(Debug)]
pub(crate) struct Job {
    /// Which job.
    id: Id,
    /// Makes the job what the thread does.
    _meanwhile: Option<Meanwhile>,
    /// The thread's part in the recording, until after the job's end was told.
    _here: Here,
}

/// A thread of the blocking pool begins a job.
#[inline]
pub(crate) fn job(of: &impl Traced, id: impl FnOnce() -> Id) -> Option<Job> {
    #[cold]
    fn begin(of: &impl Traced, id: Id) -> Option<Job> {
        let recorder = of.recorder()?;
        let number = BLOCKING.with(|mine| {
            let number = mine.get().unwrap_or_else(|| recorder.next_blocking());
            mine.set(Some(number));
            number
        });
        let belongs = enter(of, Lane::Blocking(number))?;
        here(|| Kind::JobBegan { job: id });
        Some(Job {
            id,
            _meanwhile: doing(Doing::Job(id)),
            _here: belongs,
        })
    }
    if is_on() { begin(of, id()) } else { None }
}

impl Drop for Job {
    fn drop(&mut self) {
        here(|| Kind::JobEnded { job: self.id });
    }
}
