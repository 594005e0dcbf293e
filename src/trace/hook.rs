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
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use super::event::{Cause, Kind, Lane, News, Outcome, Who};
use super::record::{Recorder, Stamp};
use super::wait;
use crate::task::Id;

/// How many traced runtimes this process has. Relaxed: a runtime's own threads are started after it is counted, and what
/// other threads miss in the first moment is missed.
static TRACED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The recording to which this thread belongs, and what it is called there.
    static HERE: RefCell<Option<(Arc<Recorder>, Lane)>> = const { RefCell::new(None) };
    /// What this thread is doing.
    static DOING: Cell<Doing> = const { Cell::new(Doing::Nothing) };
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
        recorder.begin();
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
#[inline]
pub(crate) fn event(of: &impl Traced, kind: impl FnOnce() -> Kind) {
    if is_on() {
        record(of, kind);
    }
}

/// The other half of [`event`].
#[cold]
fn record(of: &impl Traced, kind: impl FnOnce() -> Kind) {
    if let Some(recorder) = of.recorder() {
        recorder.record(lane(recorder), recorder.stamp(), kind());
    }
}

/// Something happened on a thread that works for a runtime.
#[inline]
pub(crate) fn here(kind: impl FnOnce() -> Kind) {
    #[cold]
    fn record_here(kind: impl FnOnce() -> Kind) {
        let here = HERE.try_with(|here| here.borrow().clone());
        if let Ok(Some((recorder, lane))) = here {
            recorder.record(lane, recorder.stamp(), kind());
        }
    }
    if is_on() {
        record_here(kind);
    }
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

/// A poll that is told: from its begin to the moment when all that follows from it is done. A box, so that where nothing is
/// traced it is a null pointer.
#[derive(Debug)]
pub(crate) struct Poll {
    /// Where it is told.
    recorder: Arc<Recorder>,
    /// Who is polled.
    who: Who,
    /// What the futures of a poll around this one have said.
    outer: Option<wait::Notes>,
    /// Its end was told.
    ended: bool,
    /// Makes the thread do what it did before.
    _as: Option<As>,
}

/// A poll begins. To be kept until it is over: what it wakes and spawns is `who`'s doing.
#[inline]
pub(crate) fn poll(of: &impl Traced, who: Who) -> Option<Box<Poll>> {
    #[cold]
    fn begin(of: &impl Traced, who: Who) -> Option<Box<Poll>> {
        let recorder = of.recorder()?.clone();
        recorder.record(lane(&recorder), recorder.stamp(), Kind::PollBegan { who });
        Some(Box::new(Poll {
            recorder,
            who,
            outer: wait::begin(),
            ended: false,
            _as: doing(Doing::Poll(who)),
        }))
    }
    if is_on() { begin(of, who) } else { None }
}

/// The poll is over, but not yet what follows from it.
#[inline]
pub(crate) fn ended(poll: &mut Option<Box<Poll>>, outcome: Outcome) {
    if let Some(poll) = poll {
        poll.end(outcome);
    }
}

impl Poll {
    /// Tells the end.
    #[cold]
    fn end(&mut self, outcome: Outcome) {
        if mem::replace(&mut self.ended, true) {
            return;
        }
        let said = wait::end(self.outer.take());
        let kind = Kind::PollEnded {
            who: self.who,
            outcome,
            waits_for: said.filter(|_| outcome == Outcome::Pending),
        };
        let recorder = &self.recorder;
        recorder.record(lane(recorder), recorder.stamp(), kind);
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        // Not told yet: a panic has passed by.
        self.end(Outcome::Panicked);
    }
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
