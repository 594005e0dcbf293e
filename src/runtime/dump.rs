//! Who waits for what: the tasks of a runtime as a table.
//!
//! Here is only what the table is, plain data with public fields, so that a program may look for itself; how it looks when it
//! is printed is at the end. Who collects it is `scheduler/census.rs`.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::trace::{Who, printable};

/// The tasks of a runtime at one moment. Made by [`Handle::dump`](super::Handle::dump); printed, it is a table.
///
/// What is known depends on the runtime:
///
/// | always | only if it is [observed](super::Builder::observe) or traced |
/// |---|---|
/// | number, place, state; who can never wake; which task's join handle it waits for | name, what else it waits for, since when, its polls |
///
/// While it is made the runtime goes on, so two lines of it may be of slightly different moments.
///
/// ```
/// use samovar::runtime::{Builder, Handle, TaskState};
/// use samovar::sync::oneshot;
///
/// let runtime = Builder::new_current_thread().observe(true).build().unwrap();
/// let dump = runtime.block_on(async {
///     let (_kettle, boils) = oneshot::channel::<()>();
///     samovar::spawn(boils);
///     samovar::task::yield_now().await;
///     Handle::current().dump()
/// });
/// let cup = &dump.tasks[1]; // the first is the future inside `block_on`
/// assert_eq!(cup.state, TaskState::Waiting);
/// assert_eq!(cup.polls.unwrap().count, 1);
/// println!("{dump}");
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Dump {
    /// The futures inside `block_on`, then the tasks by their numbers. Tasks that were not polled yet are missing, for they
    /// are in no table.
    pub tasks: Vec<TaskDump>,
    /// How many tasks are missing.
    pub not_polled_yet: usize,
    /// Whether all is known: the runtime is observed or traced.
    pub observed: bool,
}

/// One line of a [`Dump`].
///
/// ```
/// use samovar::runtime::{Builder, Handle, TaskState};
///
/// let runtime = Builder::new_current_thread().observe(true).build().unwrap();
/// let dump = runtime.block_on(async {
///     let (_kettle, boils) = samovar::sync::oneshot::channel::<()>();
///     samovar::task::Builder::new().name("cup").spawn(boils).unwrap();
///     samovar::task::yield_now().await;
///     Handle::current().dump()
/// });
/// let cup = dump.tasks.iter().find(|task| task.name.as_deref() == Some("cup")).unwrap();
/// assert_eq!(cup.state, TaskState::Waiting);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TaskDump {
    /// Which task, or the future inside `block_on`.
    pub who: Who,
    /// Its name: see [`task::Builder`](crate::task::Builder).
    pub name: Option<Arc<str>>,
    /// Where it was spawned, or `block_on` was called.
    pub place: &'static Location<'static>,
    /// What it does.
    pub state: TaskState,
    /// What it waits for.
    pub waits_for: Option<Arc<str>>,
    /// For how long it has been waiting or running.
    pub since: Option<Duration>,
    /// What its polls were like.
    pub polls: Option<Polls>,
}

/// What a task does.
///
/// ```
/// use samovar::runtime::{Builder, Handle, TaskState};
///
/// let runtime = Builder::new_current_thread().build().unwrap();
/// let dump = runtime.block_on(async {
///     let (_kettle, boils) = samovar::sync::oneshot::channel::<()>();
///     samovar::spawn(boils);
///     samovar::task::yield_now().await;
///     Handle::current().dump()
/// });
/// assert_eq!(dump.tasks[1].state, TaskState::Waiting); // the first is the future inside `block_on`
/// assert_eq!(dump.tasks[1].state.to_string(), "waiting");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskState {
    /// It is being polled.
    Running {
        /// By which worker. `None`: it has just begun, or ended.
        worker: Option<usize>,
    },
    /// It was woken, and is in a queue.
    Queued,
    /// It waits to be woken.
    Waiting,
    /// It waits, and nobody holds its waker: see [`Warning::NeverWoken`](super::Warning::NeverWoken).
    Forgotten,
}

/// What the polls of a task were like.
///
/// ```
/// use samovar::runtime::{Builder, Handle};
///
/// let runtime = Builder::new_current_thread().observe(true).build().unwrap();
/// let dump = runtime.block_on(async {
///     let (_kettle, boils) = samovar::sync::oneshot::channel::<()>();
///     samovar::spawn(boils);
///     samovar::task::yield_now().await;
///     Handle::current().dump()
/// });
/// let polls = dump.tasks[1].polls.unwrap(); // known, for the runtime is observed
/// assert_eq!(polls.count, 1);
/// assert!(polls.longest <= polls.total);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Polls {
    /// How many have begun.
    pub count: u64,
    /// How long they took, without one that is not over.
    pub total: Duration,
    /// How long the longest of them took.
    pub longest: Duration,
}

impl Polls {
    /// From the recording.
    pub(crate) fn new(count: u64, total: Duration, longest: Duration) -> Polls {
        Polls {
            count,
            total,
            longest,
        }
    }
}

impl TaskDump {
    /// A line with what is always known.
    pub(crate) fn new(
        who: Who,
        place: &'static Location<'static>,
        state: TaskState,
        waits_for: Option<Arc<str>>,
    ) -> TaskDump {
        TaskDump {
            who,
            name: None,
            place,
            state,
            waits_for,
            since: None,
            polls: None,
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskState::Running {
                worker: Some(worker),
            } => write!(f, "running on worker {worker}"),
            TaskState::Running { worker: None } => f.write_str("running"),
            TaskState::Queued => f.write_str("queued"),
            TaskState::Waiting => f.write_str("waiting"),
            TaskState::Forgotten => f.write_str("can never wake"),
        }
    }
}

/// The table's head.
const HEAD: [&str; 9] = [
    "WHO",
    "NAME",
    "SPAWNED AT",
    "STATE",
    "WAITS FOR",
    "SINCE",
    "POLLS",
    "IN POLLS",
    "LONGEST",
];

/// What stands for the unknown.
const UNKNOWN: &str = "–";

impl TaskDump {
    /// Its line in the table.
    fn cells(&self) -> [String; HEAD.len()] {
        let or_unknown = |known: Option<String>| known.unwrap_or_else(|| UNKNOWN.to_owned());
        let time = |time: Duration| format!("{time:.1?}");
        let polls = |of: fn(Polls) -> Duration| or_unknown(self.polls.map(of).map(time));
        [
            match self.who {
                Who::Main => "block_on".to_owned(),
                Who::Task(id) => format!("task {id}"),
            },
            or_unknown(self.name.as_deref().map(printable)),
            self.place.to_string(),
            self.state.to_string(),
            or_unknown(self.waits_for.as_ref().map(ToString::to_string)),
            or_unknown(self.since.map(time)),
            or_unknown(self.polls.map(|polls| polls.count.to_string())),
            polls(|polls| polls.total),
            polls(|polls| polls.longest),
        ]
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![HEAD.map(str::to_owned)];
        lines.extend(self.tasks.iter().map(TaskDump::cells));
        // A column in which nothing is known but by its head is left out.
        let shown: Vec<usize> = (0..HEAD.len())
            .filter(|column| lines[1..].iter().any(|line| line[*column] != UNKNOWN))
            .collect();
        let width = |column: &usize| {
            let cells = lines.iter().map(|line| line[*column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = shown.iter().map(width).collect();
        for line in &lines {
            let cells = shown.iter().zip(&widths);
            let text: String = cells
                .map(|(column, width)| format!("{:width$}  ", line[*column]))
                .collect();
            writeln!(f, "{}", text.trim_end())?;
        }
        if self.not_polled_yet > 0 {
            writeln!(f, "{} more not polled yet", self.not_polled_yet)?;
        }
        if !self.observed {
            f.write_str(
                "Names, waits, times and polls are known with `Builder::observe(true)` or SAMOVAR_TRACE=observe.\n",
            )?;
        }
        Ok(())
    }
}
