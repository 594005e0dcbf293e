//! See what a runtime does: every spawn, poll, wake, steal and wait, recorded, told as a story, or drawn.
//!
//! ```
//! use samovar::runtime::Builder;
//! use samovar::trace::{Kind, Trace};
//!
//! let trace = Trace::new();
//! let runtime = Builder::new_current_thread().trace(&trace).build().unwrap();
//! runtime.block_on(async {
//!     samovar::spawn(async { "tea" }).await.unwrap();
//! });
//! drop(runtime);
//!
//! let polls = trace.events().iter().filter(|event| matches!(event.kind, Kind::PollBegan { .. })).count();
//! assert_eq!(polls, 3); // the future in `block_on`, the task, and the future again
//! print!("{}", trace.story());
//! ```
//!
//! # Without a change to the program
//!
//! The environment variable `SAMOVAR_TRACE` does the same for every runtime of a program: see [`Trace`].
//!
//! # To read it
//!
//! The way of an event, from where it happens to what one sees:
//!
//! ```text
//!     a worker, a waker, a timer, ...        trace::event(home, || Kind::Parked { .. })
//!                    │
//!     hook.rs        │  is anything traced? No: that was one load, and all
//!     doing.rs       │  who did it: what this thread is doing
//!     wait.rs        │  what a poll waits for: notes that the futures in it have left
//!                    ▼
//!     record.rs      numbers it, and keeps it in the thread's ring
//!                    │
//!                    │  Event (event.rs)          environment.rs: what SAMOVAR_TRACE asks for
//!            ┌───────┴────────┐
//!            ▼                ▼
//!         story.rs       timeline.rs    what lasts, what causes what
//!         in lines            │
//!                   ┌─────────┼─────────┐
//!                   ▼         ▼         ▼
//!                html.rs   svg.rs    json.rs
//!                a page    a picture for Perfetto
//! ```
//!
//! `words.rs` has a sentence for each event, which all of them use.

mod doing;
pub(crate) mod environment;
pub(crate) mod event;
pub(crate) mod hook;
mod html;
mod json;
pub(crate) mod record;
mod story;
mod svg;
mod timeline;
#[cfg(all(test, not(loom)))]
mod timeline_tests;
pub(crate) mod wait;
mod words;

use std::fmt;
use std::sync::Arc;

pub use event::{Cause, Event, Kind, Lane, News, Outcome, QueueName, WakeUp, Who};

pub(crate) use doing::{
    Doing, cause, doing, job, name, poll_began, poll_done, poll_ended, polled, spawned,
    wake_begins, wake_ended,
};
pub(crate) use hook::{Here, Traced, enter, event, here, is_on};
use record::Recorder;
pub(crate) use words::printable;

/// How many events of each thread a recording keeps, if nobody says otherwise.
const CAPACITY: usize = 1 << 16;

/// A recording of what runtimes do. It is given to [`Builder::trace`](crate::runtime::Builder::trace), and can be read at
/// any time, also after the runtime is gone. Clones are the same recording.
///
/// It keeps the last 65,536 events of each thread; [`with_capacity`](Trace::with_capacity) says otherwise. Recording costs
/// a few hundred nanoseconds an event: it is for looking at a program, not for measuring it. One recording for several runtimes is
/// possible; their workers then share their names.
///
/// # `SAMOVAR_TRACE`
///
/// The environment variable asks for a recording of every runtime that is built. Its value is one or several of these,
/// separated by commas:
///
/// | value | what happens |
/// |---|---|
/// | `tell` | the story is told on stderr while it happens, in colour on a terminal (unless `NO_COLOR` is set) |
/// | `tell-all` | the same, with nothing left out |
/// | `observe` | no events; notes for dumps and warnings, as with [`Builder::observe`](crate::runtime::Builder::observe) |
/// | `run.html` | a page to look at in a browser |
/// | `run.svg` | a picture |
/// | `run.json` | for Perfetto and chrome://tracing |
///
/// A file is written when a `block_on` ends (once a second at most), and when the runtime is dropped. The second runtime
/// of a process writes to `run-2.html`, and so on.
///
/// A recording that the program asks for itself:
///
/// ```
/// use samovar::runtime::Builder;
///
/// let trace = samovar::trace::Trace::new();
/// let runtime = Builder::new_current_thread().trace(&trace).build().unwrap();
/// runtime.block_on(async {});
/// drop(runtime);
/// assert!(!trace.events().is_empty());
/// ```
#[derive(Clone)]
pub struct Trace {
    /// What the runtimes write to.
    recorder: Arc<Recorder>,
}

impl Trace {
    /// An empty recording.
    ///
    /// ```
    /// let trace = samovar::trace::Trace::new();
    /// assert!(trace.events().is_empty());
    /// assert_eq!(trace.lost(), 0);
    /// ```
    #[must_use]
    pub fn new() -> Trace {
        Trace::with_capacity(CAPACITY)
    }

    /// An empty recording that keeps the last `events` of each thread.
    ///
    /// ```
    /// let trace = samovar::trace::Trace::with_capacity(1000);
    /// assert!(trace.events().is_empty());
    /// ```
    #[must_use]
    pub fn with_capacity(events: usize) -> Trace {
        Trace::of(Arc::new(Recorder::new(events)))
    }

    /// The recording of a runtime.
    pub(crate) fn of(recorder: Arc<Recorder>) -> Trace {
        Trace { recorder }
    }

    /// What the runtimes write to.
    pub(crate) fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// What happened so far, in the order of the events' numbers: a cause comes before its effect.
    ///
    /// ```
    /// use samovar::trace::{Kind, Trace};
    ///
    /// let trace = Trace::new();
    /// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
    /// runtime.block_on(async { samovar::spawn(async {}).await.unwrap() });
    /// let spawned = |kind: &Kind| matches!(kind, Kind::Spawned { .. });
    /// assert_eq!(trace.events().iter().filter(|event| spawned(&event.kind)).count(), 1);
    /// ```
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.recorder.events()
    }

    /// How many events were forgotten, for want of room: the oldest of each thread.
    ///
    /// ```
    /// let trace = samovar::trace::Trace::with_capacity(1);
    /// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
    /// runtime.block_on(async {});
    /// assert!(trace.lost() > 0); // that the poll began; that it ended is kept
    /// ```
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.recorder.lost()
    }

    /// What happened so far, as a story: a line an event, without colours. What repeats itself is left out, and the story
    /// says so.
    ///
    /// ```
    /// let trace = samovar::trace::Trace::new();
    /// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
    /// runtime.block_on(async { samovar::spawn(async {}).await.unwrap() });
    /// assert!(trace.story().contains("is polled for the first time"));
    /// ```
    #[must_use]
    pub fn story(&self) -> String {
        story::of(&self.events(), self.lost())
    }
}

impl Default for Trace {
    fn default() -> Trace {
        Trace::new()
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.recorder.fmt(f)
    }
}
