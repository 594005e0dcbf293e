//! Words for events: a sentence each, for the story, the pictures' tooltips, and `Event`'s `Display`; and a name for each
//! kind, for labels.
//!
//! A sentence is a subject, which [`subject`] finds, and a [`predicate`]. They are apart because each reader of them calls a
//! task something else: `task 7` here, its name in the pictures, its place in the story's column.

use std::fmt;
use std::time::Duration;

use super::event::{Cause, Event, Kind, Lane, News, Outcome, QueueName, WakeUp, Who};
use crate::task::Id;

/// What a sentence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// The main future, a task, or a blocking job, whose number is a task's.
    Who(Who),
    /// The thread on which it happened.
    Lane,
}

/// Who an event is about.
pub(super) fn subject(kind: &Kind) -> Subject {
    match kind {
        Kind::Spawned { task, .. }
        | Kind::Queued { task, .. }
        | Kind::Stolen { task, .. }
        | Kind::Cancelled { task }
        | Kind::Aborted { task, .. }
        | Kind::JobBegan { job: task }
        | Kind::JobEnded { job: task } => Subject::Who(Who::Task(*task)),
        Kind::PollBegan { who }
        | Kind::PollEnded { who, .. }
        | Kind::Woken { who, .. }
        | Kind::NeverWakes { who }
        | Kind::TimerSet { who: Some(who), .. }
        | Kind::Blocked { who: Some(who), .. } => Subject::Who(*who),
        _ => Subject::Lane,
    }
}

/// What happened, without its subject. `name` knows what tasks are called.
pub(super) fn predicate(event: &Event, name: &dyn Fn(Id) -> String) -> String {
    match &event.kind {
        Kind::Spawned { place, by, .. } => {
            let (file, line) = (place.file(), place.line());
            format!("is spawned by {} at {file}:{line}", cause(by, name))
        }
        Kind::PollBegan { .. } => "is polled".to_owned(),
        Kind::PollEnded {
            outcome, waits_for, ..
        } => poll_ended(*outcome, waits_for.as_deref(), name),
        Kind::Woken { who, by, news } => {
            format!("is woken by {}{}", cause(by, name), came_of_it(*who, *news))
        }
        Kind::Queued { queue, .. } => place_in(*queue, &event.lane),
        Kind::Stolen { from, more: 0, .. } => format!("is stolen from worker {from}'s line"),
        Kind::Stolen { from, more, .. } => {
            format!("is stolen from worker {from}'s line, and {more} more with it")
        }
        Kind::Parked {
            longest, sockets, ..
        } => parked(*longest, *sockets),
        Kind::Unparked { why } => match why {
            WakeUp::Events => "wakes up: the kernel has news of sockets",
            WakeUp::Timer => "wakes up: it is time for a timer",
            WakeUp::Called => "wakes up: another thread has called",
            WakeUp::Nobody => "wakes up: no task waits for what came",
        }
        .to_owned(),
        Kind::Ready { source } => format!("hears from the kernel: {source}"),
        Kind::TimerSet { after, .. } => {
            format!("gives its waker to a timer, to ring in {}", millis(*after))
        }
        Kind::TimerFired { late } => format!("a timer rings, {} late", millis(*late)),
        Kind::JobBegan { .. } => "begins, on a thread that may block".to_owned(),
        Kind::JobEnded { .. } => "has ended, and the thread is free for the next job".to_owned(),
        Kind::Cancelled { .. } => "is dropped where it last waited: it is cancelled".to_owned(),
        Kind::Aborted { by, .. } => format!("is asked to end, by {}", cause(by, name)),
        Kind::Blocked { worker, since, .. } => {
            format!("has kept worker {worker} for {}: it blocks", millis(*since))
        }
        Kind::NeverWakes { .. } => {
            "can never be woken: it returned Pending, and nobody has its waker".to_owned()
        }
    }
}

/// How a poll ended.
fn poll_ended(outcome: Outcome, waits_for: Option<&str>, name: &dyn Fn(Id) -> String) -> String {
    match (outcome, waits_for) {
        (Outcome::Ready, _) => "returns Ready: it is done".to_owned(),
        (Outcome::Panicked, _) => {
            "panics: it is over, and whoever awaits it hears of it".to_owned()
        }
        (Outcome::Pending, Some(what)) => {
            format!("returns Pending, waits for: {}", renamed(what, name))
        }
        (Outcome::Pending, None) => {
            "returns Pending, and does not say what it waits for".to_owned()
        }
    }
}

/// What follows from a wake.
fn came_of_it(who: Who, news: News) -> &'static str {
    match (news, who) {
        (News::Queues, Who::Main) => ", and is polled before any task",
        (News::Queues, Who::Task(_)) => "",
        (News::AlreadyQueued, Who::Main) => ", which it was already",
        (News::AlreadyQueued, Who::Task(_)) => ", but is in a queue already",
        (News::AfterThisPoll, _) => ": once more after this poll",
        (News::TooLate, _) => ", too late: it is done",
    }
}

/// Where a task went.
fn place_in(queue: QueueName, lane: &Lane) -> String {
    match queue {
        QueueName::Line(worker) if *lane == Lane::Worker(worker) => "stands in line".to_owned(),
        QueueName::Front(worker) if *lane == Lane::Worker(worker) => "is next in line".to_owned(),
        QueueName::Line(worker) => format!("stands in worker {worker}'s line"),
        QueueName::Front(worker) => format!("is next in worker {worker}'s line"),
        QueueName::Inbox => "lies in the inbox".to_owned(),
        QueueName::Pool => "waits for a thread of the blocking pool".to_owned(),
    }
}

/// What a worker without work does.
fn parked(longest: Option<Duration>, sockets: usize) -> String {
    let until = match (longest, sockets) {
        (Some(Duration::ZERO), _) => return "looks again: a timer is nearly due".to_owned(),
        (None, 0) => "until somebody calls".to_owned(),
        (None, _) => "until a socket is ready".to_owned(),
        (Some(longest), 0) => format!("until its next timer, in {}", millis(longest)),
        (Some(longest), _) => format!("for a socket, or a timer in {}", millis(longest)),
    };
    format!("has nothing to run: it sleeps {until}")
}

/// Who did it.
fn cause(by: &Cause, name: &dyn Fn(Id) -> String) -> String {
    match by {
        Cause::Poll(Who::Main) => "main".to_owned(),
        Cause::Poll(Who::Task(id)) | Cause::Job(id) => name(*id),
        Cause::Reactor => "the reactor".to_owned(),
        Cause::Timer => "the timer".to_owned(),
        Cause::Thread(thread) => format!("the thread {thread:?}"),
        Cause::Runtime => "the runtime".to_owned(),
    }
}

/// Puts names in the place of numbers: `task 7` becomes what task 7 is called.
pub(super) fn renamed(text: &str, name: &dyn Fn(Id) -> String) -> String {
    let mut parts = text.split("task ");
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match part[..digits].parse().ok().and_then(Id::from_number) {
            Some(id) => said += &name(id),
            None => said = said + "task " + &part[..digits],
        }
        said += &part[digits..];
    }
    said
}

/// How a poll ended, in a word.
pub(super) fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ready => "ready",
        Outcome::Pending => "pending",
        Outcome::Panicked => "panicked",
    }
}

/// An event of a moment, in a word or two.
pub(super) fn short_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Spawned { .. } => "spawn",
        Kind::Woken { .. } => "wake",
        Kind::Stolen { .. } => "stolen",
        Kind::Ready { .. } => "socket ready",
        Kind::TimerSet { .. } => "timer set",
        Kind::TimerFired { .. } => "timer fired",
        Kind::Cancelled { .. } => "dropped unfinished",
        Kind::Aborted { .. } => "aborted",
        Kind::Blocked { .. } => "blocks its worker",
        Kind::NeverWakes { .. } => "can never wake",
        _ => "event",
    }
}

/// What there is to know about an event, and the topic, which is explained only once.
pub(super) fn explanation(kind: &Kind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        Kind::Spawned { .. } => (
            "spawn",
            "A task is a future that the runtime owns. Nothing of it\nruns yet: for that, a worker has to poll it.",
        ),
        Kind::PollBegan { .. } => (
            "poll",
            "To poll is to call the future: it runs, on this thread,\nuntil it is done or has to wait.",
        ),
        Kind::PollEnded {
            outcome: Outcome::Pending,
            ..
        } => (
            "pending",
            "Pending is \"not yet\". The future has left its waker with\nwhat it waits for. Until that calls it nobody polls this\n\
             future, and its thread is free for others.",
        ),
        Kind::Woken { .. } => (
            "wake",
            "To wake is not to run: who calls the waker only puts the\ntask into a queue, or notes that it is to be polled.",
        ),
        Kind::Queued {
            queue: QueueName::Front(_),
            ..
        } => (
            "front",
            "Who is woken by a running task goes first: it was sent\nsomething, and what it needs is still in the cache.",
        ),
        Kind::Queued {
            queue: QueueName::Inbox,
            ..
        } => (
            "inbox",
            "The inbox is for what other threads bring. They wake a\nworker for it, if one sleeps.",
        ),
        Kind::Parked { .. } => (
            "park",
            "The thread sleeps in the kernel, and costs nothing. A\ntimer, a socket or another thread ends the wait.",
        ),
        Kind::Stolen { .. } => (
            "steal",
            "A worker that has nothing to do takes half of what stands\nin another's line.",
        ),
        Kind::JobBegan { .. } => (
            "job",
            "A closure that blocks would stop a worker, and all its\ntasks. So it has a thread of its own.",
        ),
        Kind::Ready { .. } => (
            "reactor",
            "The reactor is the worker's own: it asked the kernel which\nsockets are ready, and now wakes who waits for them.",
        ),
        _ => return None,
    })
}

/// A text in one line, for a terminal or a table: a name may hold what would begin another line, or give a terminal orders.
pub(crate) fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// A duration, in the unit of the story.
pub(super) fn millis(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1e3;
    match millis {
        0.0..10.0 => format!("{millis:.2} ms"),
        10.0..100.0 => format!("{millis:.1} ms"),
        _ => format!("{millis:.0} ms"),
    }
}

impl fmt::Display for Lane {
    /// `worker 0`, `watchdog`, `blocking 1`, or the thread's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lane::Worker(number) => write!(f, "worker {number}"),
            Lane::Watchdog => f.write_str("watchdog"),
            Lane::Blocking(number) => write!(f, "blocking {number}"),
            Lane::Thread(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Who {
    /// `main`, or `task 7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Main => f.write_str("main"),
            Who::Task(id) => write!(f, "task {id}"),
        }
    }
}

impl fmt::Display for Event {
    /// A sentence: `task 7 is woken by the timer`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match subject(&self.kind) {
            Subject::Who(who) => write!(f, "{who} ")?,
            Subject::Lane => write!(f, "{} ", self.lane)?,
        }
        f.write_str(&predicate(self, &|id| format!("task {id}")))
    }
}
