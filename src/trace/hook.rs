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
//! Where an event goes is decided here: to which recording, and under which name of the thread. *Who* did it is the matter of
//! `doing.rs`.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::event::{Kind, Lane};
use super::record::Recorder;
use crate::shim::thread_local;

/// How many traced runtimes this process has. Relaxed: a runtime's own threads are started after it is counted, and what
/// other threads miss in the first moment is missed.
static TRACED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The recording to which this thread belongs, and what it is called there.
    static HERE: RefCell<Option<(Arc<Recorder>, Lane)>> = const { RefCell::new(None) };
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
pub(crate) struct Attached(
    /// Where it writes.
    Arc<Recorder>,
);

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
pub(super) fn record(recorder: Option<&Arc<Recorder>>, kind: Kind) {
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
    if let Some((recorder, lane)) = place() {
        recorder.record(lane, recorder.stamp(), kind);
    }
}

/// The recording to which this thread belongs, and what it is called there.
pub(super) fn place() -> Option<(Arc<Recorder>, Lane)> {
    HERE.try_with(|here| here.borrow().clone()).ok().flatten()
}

/// What this thread is called in `recorder`, to which it need not belong.
pub(super) fn lane(recorder: &Arc<Recorder>) -> Lane {
    match place() {
        Some((mine, lane)) if Arc::ptr_eq(&mine, recorder) => lane,
        _ => Lane::Thread(thread_name()),
    }
}

/// What a stranger is called.
pub(super) fn thread_name() -> Arc<str> {
    thread::current().name().unwrap_or("unnamed").into()
}

/// An instant as the recording has it to which this thread belongs.
pub(super) fn since_start(instant: Instant) -> Option<Duration> {
    place().map(|(recorder, _)| recorder.since_start(instant))
}

/// While it lives, the thread belongs to a recording.
#[derive(Debug)]
pub(crate) struct Here(
    /// Where it belonged before.
    Option<(Arc<Recorder>, Lane)>,
);

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
