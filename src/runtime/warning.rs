//! What a runtime says when it sees a mistake that would otherwise be a silent hang or a stutter.

use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::Dump;
use crate::trace::Who;

/// A mistake that the runtime has seen. It changes nothing of what the runtime does.
///
/// By default, programs with debug assertions (`cargo run`, not `cargo run --release`) print it to stderr, once for each
/// place in the source. [`Builder::on_warning`](super::Builder::on_warning) has it sent elsewhere, to a log for example.
///
/// ```
/// use samovar::runtime::{Builder, Warning};
///
/// let runtime = Builder::new_multi_thread()
///     .on_warning(|warning| match warning {
///         Warning::Blocking { place, since, .. } => eprintln!("{place} takes long: {since:?}"),
///         other => eprintln!("{other}"),
///     })
///     .build()
///     .unwrap();
/// # drop(runtime);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Warning {
    /// `poll` returned `Pending`, and nobody holds the waker that it was given: nobody can ever wake this future.
    ///
    /// There is no false alarm: if anybody, anywhere, kept the waker, the runtime knows, and is silent. (It is silent also
    /// when an [`AbortHandle`](crate::task::AbortHandle) of the task exists, which counts like a waker.) To wait for ever on
    /// purpose, there is [`task::pending`](crate::task::pending).
    ///
    /// Switched by [`Builder::warn_never_woken`](super::Builder::warn_never_woken).
    #[non_exhaustive]
    NeverWoken {
        /// Whose `poll`.
        who: Who,
        /// Where the task was spawned, or `block_on` was called.
        place: &'static Location<'static>,
    },
    /// The future inside `block_on` waits, and so does everything else: no task can run, no timer is set, no socket is
    /// registered, no blocking job is there, and nobody else is left who could wake anybody. The wait can never end.
    ///
    /// Said when the runtime has been so for a second. Switched by
    /// [`Builder::warn_all_asleep`](super::Builder::warn_all_asleep), which tells what can be known and what not.
    #[non_exhaustive]
    AllAsleep {
        /// Who waits for what.
        dump: Dump,
    },
    /// A worker has been inside one `poll` for long: the future computes, or calls something that blocks.
    ///
    /// Switched by [`Builder::warn_blocking_after`](super::Builder::warn_blocking_after).
    #[non_exhaustive]
    Blocking {
        /// The worker.
        worker: usize,
        /// Whose `poll`.
        who: Who,
        /// Where the task was spawned, or `block_on` was called.
        place: &'static Location<'static>,
        /// For so long at least.
        since: Duration,
    },
    /// The thread that is worker 0 while nobody is inside `block_on` could not be started, and there is something to do for it.
    ///
    /// Nothing is lost: the next `block_on` does it, or the thread, which the next task that is spawned or woken from outside
    /// has tried again. Said once, in programs of all kinds.
    #[non_exhaustive]
    NoStandIn {
        /// Why not.
        error: Arc<io::Error>,
    },
}

impl fmt::Display for Warning {
    /// The mistake, the place, the remedy, and how to have silence, in a few lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::NeverWoken { who, place } => write!(
                f,
                "{} can never wake.\n  \
                 Its `poll` returned `Pending` without handing on `cx.waker()`. Whoever will know that there is\n  \
                 progress needs a clone of the waker, and must call `wake`; or await a future that does so.\n  \
                 To wait for ever on purpose: `samovar::task::pending()`.\n  \
                 Silence: `Builder::warn_never_woken(false)`.",
                Subject(*who, place)
            ),
            Warning::AllAsleep { dump } => write!(
                f,
                "everything is asleep, for ever.\n  \
                 `block_on` waits; no task can run, no timer is set, no socket is registered, no blocking job is\n  \
                 there, and nobody else is left who could wake anybody. Who waits for what:\n\n{dump}\n  \
                 Silence: `Builder::warn_all_asleep(false)`."
            ),
            Warning::Blocking {
                worker,
                who,
                place,
                since,
            } => write!(
                f,
                "{} blocks worker {worker}.\n  \
                 One `poll` of it has taken {} ms and is not over: meanwhile the worker runs nothing else.\n  \
                 Use the async kind of what blocks (`samovar::time::sleep`, `samovar::sync::Mutex`), or\n  \
                 `samovar::task::spawn_blocking`; in a long calculation, `samovar::task::yield_now().await`.\n  \
                 Silence: `Builder::warn_blocking_after(Duration::MAX)`.",
                Subject(*who, place),
                since.as_millis()
            ),
            Warning::NoStandIn { error } => write!(
                f,
                "nobody runs worker 0.\n  \
                 No thread is inside `block_on`, and {error}.\n  \
                 Its tasks, timers and sockets rest until the next `block_on`, or until the thread can be started: that is\n  \
                 tried again at the next spawn or wake from another thread.\n  \
                 Remedy: fewer threads, smaller stacks (`Builder::thread_stack_size`), or stay inside `block_on`."
            ),
        }
    }
}

/// Whom a sentence begins with.
struct Subject(Who, &'static Location<'static>);

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Who::Main => write!(f, "the future inside `block_on` ({})", self.1),
            Who::Task(_) => write!(f, "the task spawned at {}", self.1),
        }
    }
}
