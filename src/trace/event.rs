//! What can happen in a runtime: the events of a trace.
//!
//! An event says what happened in the program's terms: tasks, threads, queues, sockets. It has no texts, which would cost
//! every event time and memory; `words.rs` makes them when somebody reads. (What a socket is called and what a poll waits for
//! are texts, for there is nothing else to remember of them.)

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::doing::{cause, given_name};
use super::record::Stamp;
use crate::task::state::Wake;
use crate::task::{Id, Place};

/// One thing that happened.
///
/// ```
/// use samovar::trace::Trace;
///
/// let trace = Trace::new();
/// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
/// runtime.block_on(async { samovar::spawn(async {}).await.unwrap() });
/// let events = trace.events();
/// assert!(events.windows(2).all(|pair| pair[0].number < pair[1].number));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// When, counted from the start of the runtime.
    pub at: Duration,
    /// Its place in the order of all events of the trace: no two have the same, and a cause comes before its effect.
    pub number: u64,
    /// The thread on which it happened.
    pub lane: Lane,
    /// What happened.
    pub kind: Kind,
}

impl Event {
    /// What happened, with when and where.
    pub(super) fn new(stamp: Stamp, lane: Lane, kind: Kind) -> Event {
        Event {
            at: stamp.at,
            number: stamp.number,
            lane,
            kind,
        }
    }
}

/// A thread, as the trace calls it.
///
/// ```
/// use samovar::trace::{Kind, Lane, Trace};
///
/// let trace = Trace::new();
/// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
/// runtime.block_on(async { samovar::spawn(async {}).await.unwrap() });
/// let events = trace.events();
/// let poll = events.iter().find(|event| matches!(event.kind, Kind::PollBegan { .. })).unwrap();
/// assert_eq!(poll.lane, Lane::Worker(0)); // the thread inside `block_on`
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Lane {
    /// A worker of the runtime. Worker 0 is whoever sits inside `block_on`.
    Worker(usize),
    /// The thread that looks after blocked workers.
    Watchdog,
    /// A thread of the blocking pool, numbered in the order in which they were first seen.
    Blocking(usize),
    /// Any other thread, by its name.
    Thread(Arc<str>),
}

/// Who is polled: a task, or the future that `block_on` was given.
///
/// ```
/// use samovar::trace::{Kind, Trace, Who};
///
/// let trace = Trace::new();
/// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
/// let id = runtime.block_on(async {
///     let cup = samovar::spawn(async {});
///     let id = cup.id();
///     cup.await.unwrap();
///     id
/// });
/// let poll = Kind::PollBegan { who: Who::Task(id) };
/// assert!(trace.events().iter().any(|event| event.kind == poll));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Who {
    /// The future inside `block_on`.
    Main,
    /// A spawned task.
    Task(Id),
}

/// Who or what did it.
///
/// ```
/// use samovar::trace::{Cause, Kind, Trace, Who};
///
/// let trace = Trace::new();
/// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
/// runtime.block_on(async { samovar::spawn(async {}).await.unwrap() });
/// let spawner = trace.events().into_iter().find_map(|event| match event.kind {
///     Kind::Spawned { by, .. } => Some(by),
///     _ => None,
/// });
/// assert_eq!(spawner, Some(Cause::Poll(Who::Main)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// A future, while it was polled.
    Poll(Who),
    /// The reactor: a socket became ready.
    Reactor,
    /// A timer.
    Timer,
    /// A blocking job.
    Job(Id),
    /// A thread that polls nothing of this runtime.
    Thread(Arc<str>),
    /// The runtime itself (shutdown, the watchdog).
    Runtime,
}

/// What happened.
///
/// ```
/// use samovar::trace::{Kind, Trace};
///
/// let trace = Trace::new();
/// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
/// runtime.block_on(async {
///     samovar::task::Builder::new().name("kettle").spawn(async {}).unwrap().await.unwrap();
/// });
/// let name = trace.events().into_iter().find_map(|event| match event.kind {
///     Kind::Spawned { name, .. } => name,
///     _ => None,
/// });
/// assert_eq!(name.as_deref(), Some("kettle"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A task was spawned, or a blocking job was handed in: [`Queued`](Kind::Queued) follows, and says which.
    Spawned {
        /// Its number.
        task: Id,
        /// Its name, if [`task::Builder`](crate::task::Builder) gave it one.
        name: Option<Arc<str>>,
        /// The line that called `spawn`.
        place: &'static Location<'static>,
        /// Who called it.
        by: Cause,
    },
    /// A poll began.
    PollBegan {
        /// Of whom.
        who: Who,
    },
    /// A poll ended.
    PollEnded {
        /// Of whom.
        who: Who,
        /// How.
        outcome: Outcome,
        /// With [`Outcome::Pending`]: what it waits for, in words, as far as the futures inside said so.
        waits_for: Option<Arc<str>>,
    },
    /// A waker was called.
    Woken {
        /// Whose.
        who: Who,
        /// Who called it.
        by: Cause,
        /// What came of it.
        news: News,
    },
    /// A task was put into a queue.
    Queued {
        /// Which task.
        task: Id,
        /// Which queue.
        queue: QueueName,
    },
    /// A worker took tasks from another's queue.
    Stolen {
        /// The one that it runs at once.
        task: Id,
        /// From whom.
        from: usize,
        /// How many came with it, into the thief's own queue.
        more: usize,
    },
    /// A worker has nothing to run, and waits in its reactor.
    Parked {
        /// For so long at most: until its next timer is due. `None`: until somebody calls.
        longest: Option<Duration>,
        /// How many sockets are registered with it.
        sockets: usize,
        /// How many of its timers are set.
        timers: usize,
    },
    /// Its wait is over.
    Unparked {
        /// Why.
        why: WakeUp,
    },
    /// A socket became ready: the kernel said so to the reactor.
    Ready {
        /// Which, and for what.
        source: Arc<str>,
    },
    /// A timer was set.
    TimerSet {
        /// By whom; `None`: by no future of this runtime.
        who: Option<Who>,
        /// It will fire in so long.
        after: Duration,
    },
    /// A timer fired.
    TimerFired {
        /// So long after its time.
        late: Duration,
    },
    /// A blocking job began on this thread.
    JobBegan {
        /// Its number.
        job: Id,
    },
    /// It ended.
    JobEnded {
        /// Its number.
        job: Id,
    },
    /// A task's future was dropped before it was complete: aborted, or the runtime was dropped.
    Cancelled {
        /// Which task.
        task: Id,
    },
    /// Somebody asked a task to end.
    Aborted {
        /// Which task.
        task: Id,
        /// Who asked.
        by: Cause,
    },
    /// A worker is stuck in a poll.
    Blocked {
        /// Which worker.
        worker: usize,
        /// In whose poll, if that is known.
        who: Option<Who>,
        /// For how long already.
        since: Duration,
    },
    /// A poll returned `Pending` and nobody holds the waker.
    NeverWakes {
        /// Whose poll.
        who: Who,
    },
}

impl Kind {
    /// A task was spawned, by whatever this thread is doing.
    pub(crate) fn spawned(task: Id, place: Place) -> Kind {
        Kind::Spawned {
            task,
            name: given_name(),
            place,
            by: cause(),
        }
    }
}

/// How a poll ended.
///
/// ```
/// use samovar::trace::{Kind, Outcome, Trace, Who};
///
/// let trace = Trace::new();
/// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
/// runtime.block_on(async { samovar::spawn(async {}).await.unwrap() });
/// let ended = |kind: &Kind| matches!(kind, Kind::PollEnded { who: Who::Task(_), outcome: Outcome::Ready, .. });
/// assert_eq!(trace.events().iter().filter(|event| ended(&event.kind)).count(), 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The future is complete.
    Ready,
    /// It waits, and has left its waker with whatever it waits for.
    Pending,
    /// It panicked.
    Panicked,
}

impl Outcome {
    /// How a poll ended that did not panic.
    pub(crate) fn of(is_ready: bool) -> Outcome {
        if is_ready {
            Outcome::Ready
        } else {
            Outcome::Pending
        }
    }
}

/// What came of a wake.
///
/// ```
/// use samovar::trace::{Kind, News, Trace, Who};
///
/// let trace = Trace::new();
/// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
/// runtime.block_on(async {
///     let (whistle, whistles) = samovar::sync::oneshot::channel();
///     let pot = samovar::spawn(whistles);
///     samovar::task::yield_now().await; // the task begins to wait
///     whistle.send(()).unwrap();
///     pot.await.unwrap().unwrap();
/// });
/// let queues = |kind: &Kind| matches!(kind, Kind::Woken { who: Who::Task(_), news: News::Queues, .. });
/// assert!(trace.events().iter().any(|event| queues(&event.kind)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// The task was asleep: it goes into a queue.
    Queues,
    /// It was in a queue already.
    AlreadyQueued,
    /// It is being polled now: it will be queued again after the poll.
    AfterThisPoll,
    /// It is complete: nothing.
    TooLate,
}

impl From<Wake> for News {
    fn from(wake: Wake) -> News {
        match wake {
            Wake::Queue => News::Queues,
            Wake::Queued => News::AlreadyQueued,
            Wake::Running => News::AfterThisPoll,
            Wake::Complete => News::TooLate,
        }
    }
}

/// Which queue.
///
/// ```
/// use samovar::trace::{Kind, QueueName, Trace};
///
/// let trace = Trace::new();
/// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
/// runtime.block_on(async { samovar::spawn(async {}).await.unwrap() });
/// let in_line = |kind: &Kind| matches!(kind, Kind::Queued { queue: QueueName::Line(0), .. });
/// assert!(trace.events().iter().any(|event| in_line(&event.kind)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueName {
    /// The back of a worker's line.
    Line(usize),
    /// The place in front of a worker's line.
    Front(usize),
    /// The inbox, for what comes from other threads.
    Inbox,
    /// The blocking pool's.
    Pool,
}

/// Why a wait in the reactor ended.
///
/// ```
/// use samovar::trace::{Kind, Trace, WakeUp};
///
/// let trace = Trace::new();
/// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
/// runtime.block_on(async { samovar::time::sleep(std::time::Duration::from_millis(20)).await });
/// let timer = Kind::Unparked { why: WakeUp::Timer };
/// assert!(trace.events().iter().any(|event| event.kind == timer));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeUp {
    /// Sockets became ready.
    Events,
    /// Its next timer is due, or nearly so.
    Timer,
    /// Another thread has something for it.
    Called,
    /// What came is for nobody: a socket is ready before anybody waits for it, or a signal came; or it only looks around.
    Nobody,
}
