//! The hook: what the rest of the crate calls when something happens. **Off, it is one relaxed load.**
//!
//! Hot code says `trace::event(home, || Kind::Parked { .. })` and knows nothing more. No traced runtime in this process:
//! the closure is never called, and all that was spent is a load and a branch that is always predicted. Else a cold
//! function looks whether *this* runtime is traced, and records.
//!
//! Rejected: a field in each worker, for wakes come from threads that have none; a list of listeners, for one recording
//! from which everything else is made is enough; a feature, for the program that misbehaves is the one that was built
//! without it.
//!
//! # Who did it
//!
//! A waker does not know who calls it. So a thread notes here what it is *doing*: polling a task, handing out the reactor's
//! events, running a blocking job. Whatever happens meanwhile is the doing's.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::event::{Cause, Kind, Lane, News, Outcome, QueueName, Who};
use super::record::{Recorder, Stamp};
use super::wait;
use crate::shim::thread_local;
use crate::task::{Id, Place};

/// How many traced runtimes this process has. Relaxed: a runtime's own threads are started after it is counted, and what
/// other threads miss in the first moment is missed.
static TRACED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The recording to which this thread belongs, and what it is called there.
    static HERE: RefCell<Option<(Arc<Recorder>, Lane)>> = const { RefCell::new(None) };
    /// What this thread is doing.
    static DOING: Cell<Doing> = const { Cell::new(Doing::Nothing) };
    /// The polls that this thread is in, one inside the other; most often one.
    static POLLS: RefCell<Vec<Poll>> = const { RefCell::new(Vec::new()) };
    /// The name of the task that this thread is about to spawn.
    static NAME: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
    /// The number of this thread in its blocking pool, once it was asked for.
    static BLOCKING: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Whether a runtime of this process is traced.
#[inline]
pub(crate) fn is_on() -> bool {
    TRACED.load(Relaxed) != 0
}

/// What leads to a recording, perhaps.
pub(crate) trait Traced {
    /// The recording, if this runtime is traced.
    fn recorder(&self) -> Option<&Arc<Recorder>> {
        None
    }
}

/// A runtime is traced as long as it holds this.
#[derive(Debug)]
pub(crate) struct Attached(Arc<Recorder>);

impl Attached {
    /// A runtime that is about to be built will write to `recorder`.
    pub(crate) fn new(recorder: Arc<Recorder>) -> Attached {
        TRACED.fetch_add(1, Relaxed);
        Attached(recorder)
    }

    /// Where it writes.
    pub(crate) fn recorder(&self) -> &Arc<Recorder> {
        &self.0
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        TRACED.fetch_sub(1, Relaxed);
    }
}

/// Something happened in the runtime to which `of` leads.
// The closure is inlined into the branch that is never taken, so that nothing which it looks at has to be in memory.
#[inline(always)]
pub(crate) fn event(of: &impl Traced, kind: impl FnOnce() -> Kind) {
    if is_on() {
        record(of.recorder(), kind());
    }
}

/// The other half of [`event`].
#[cold]
fn record(recorder: Option<&Arc<Recorder>>, kind: Kind) {
    if let Some(recorder) = recorder {
        recorder.record(lane(recorder), recorder.stamp(), kind);
    }
}

/// Something happened on a thread that works for a runtime.
#[inline(always)]
pub(crate) fn here(kind: impl FnOnce() -> Kind) {
    if is_on() {
        record_here(kind());
    }
}

/// The other half of [`here`].
#[cold]
fn record_here(kind: Kind) {
    let here = HERE.try_with(|here| here.borrow().clone());
    if let Ok(Some((recorder, lane))) = here {
        recorder.record(lane, recorder.stamp(), kind);
    }
}

/// An instant as the recording has it to which this thread belongs.
pub(super) fn since_start(instant: Instant) -> Option<Duration> {
    let at = HERE.try_with(|here| Some(here.borrow().as_ref()?.0.since_start(instant)));
    at.ok().flatten()
}

/// What this thread is called in the recording.
fn lane(recorder: &Arc<Recorder>) -> Lane {
    let known = HERE.try_with(|here| match &*here.borrow() {
        Some((mine, lane)) if Arc::ptr_eq(mine, recorder) => Some(lane.clone()),
        _ => None,
    });
    known
        .ok()
        .flatten()
        .unwrap_or_else(|| Lane::Thread(thread_name()))
}

/// What a stranger is called.
fn thread_name() -> Arc<str> {
    thread::current().name().unwrap_or("unnamed").into()
}

/// While it lives, the thread belongs to a recording.
#[derive(Debug)]
pub(crate) struct Here(Option<(Arc<Recorder>, Lane)>);

/// The thread works for the runtime to which `of` leads, until the guard is dropped.
pub(crate) fn enter(of: &impl Traced, lane: Lane) -> Option<Here> {
    let recorder = of.recorder()?.clone();
    let before = HERE.try_with(|here| here.replace(Some((recorder, lane))));
    before.ok().map(Here)
}

impl Drop for Here {
    fn drop(&mut self) {
        let _ = HERE.try_with(|here| here.replace(self.0.take()));
    }
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
        Doing::Nothing
            if HERE
                .try_with(|here| here.borrow().is_some())
                .unwrap_or(false) =>
        {
            Cause::Runtime
        }
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

/// Restores what the thread was doing before.
#[derive(Debug)]
pub(crate) struct As(Doing);

/// The thread does this, until the guard is dropped.
#[inline]
pub(crate) fn doing(doing: Doing) -> Option<As> {
    #[cold]
    fn replace(doing: Doing) -> Option<As> {
        DOING.try_with(|cell| As(cell.replace(doing))).ok()
    }
    if is_on() { replace(doing) } else { None }
}

impl Drop for As {
    fn drop(&mut self) {
        let _ = DOING.try_with(|cell| cell.set(self.0));
    }
}

/// A poll that is told: from its begin to the moment when all that follows from it is done.
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
    /// Makes the thread do what it did before.
    _as: Option<As>,
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
        _as: is_told.then(|| doing(Doing::Poll(who))).flatten(),
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
        let here = HERE.try_with(|here| here.borrow().clone());
        if let Ok(Some((recorder, Lane::Worker(worker)))) = here {
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
    /// Makes the thread do what it did before.
    _as: Option<As>,
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
        let here = enter(of, Lane::Blocking(number))?;
        self::here(|| Kind::JobBegan { job: id });
        Some(Job {
            id,
            _as: doing(Doing::Job(id)),
            _here: here,
        })
    }
    if is_on() { begin(of, id()) } else { None }
}

impl Drop for Job {
    fn drop(&mut self) {
        here(|| Kind::JobEnded { job: self.id });
    }
}
