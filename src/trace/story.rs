//! The story: what happened, in lines that a person reads from top to bottom.
//!
//! Everything is said once. What a word means is explained where it comes up for the first time; the fourth task that is
//! spawned at the same place does what the first three did, and a task that waits for the same thing again and again is
//! left alone after the third time. Whatever is left out is counted, and the story says so.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::env;
use std::fmt::Write;
use std::io::{IsTerminal, stderr};
use std::time::Duration;

use super::event::{Cause, Event, Kind, Lane, News, Outcome, QueueName, Who};
use super::words::{Subject, millis, predicate, subject};
use crate::task::{Id, Place};

/// So many tasks of the same place are told of, and so many times the same wait.
const TOLD: usize = 3;
/// How many different waits of somebody are remembered.
const KNOWN_WAITS: usize = 8;
/// The longest line.
const WIDTH: usize = 110;
/// Where the last column begins: after time, thread and task.
const INDENT: usize = 10 + 2 + 10 + 2 + WHO + 2;
/// The width of the column that says who.
const WHO: usize = 19;
/// How many of those who are done are remembered, for somebody may still speak of them.
const DONE: usize = 64;

/// Makes lines of events.
pub(crate) struct Teller {
    /// Leave nothing out.
    all: bool,
    /// In colour.
    colour: bool,
    /// What the first words were has been said.
    begun: bool,
    /// Who is told of.
    cast: HashMap<Who, Person>,
    /// How many tasks each place has spawned.
    crowds: HashMap<Place, usize>,
    /// Those who were done last.
    done: VecDeque<Who>,
    /// What the next event on a thread may complete.
    held: BTreeMap<Lane, Event>,
    /// How late the timers were that have just rung on a thread.
    late: BTreeMap<Lane, VecDeque<Duration>>,
    /// The threads of which something was told since they last slept; of the others it is not told that they sleep again.
    lively: HashSet<Lane>,
    /// The threads of which it was told that they sleep.
    asleep: HashSet<Lane>,
    /// How often such news of sockets were told.
    sources: HashMap<String, usize>,
    /// What was explained.
    explained: HashSet<&'static str>,
    /// How many events were left out since the last line.
    left_out: u64,
}

/// Somebody in the story.
#[derive(Default)]
struct Person {
    /// What others call it.
    name: String,
    /// How it is called in its column.
    title: String,
    /// It does what others did before it.
    is_extra: bool,
    /// Whether it was polled before.
    was_polled: bool,
    /// What it has waited for, without numbers, and how often; the last one is the current.
    waits: Vec<(String, usize)>,
}

impl Person {
    /// It waits. Returns how often it did so for the same thing.
    fn wait(&mut self, waits_for: String) -> usize {
        let known = self.waits.iter().position(|(known, _)| *known == waits_for);
        let times = known.map_or(0, |at| self.waits.remove(at).1) + 1;
        if self.waits.len() >= KNOWN_WAITS {
            self.waits.remove(0);
        }
        self.waits.push((waits_for, times));
        times
    }
}

/// The story of these events.
pub(super) fn of(events: &[Event], lost: u64) -> String {
    let mut teller = Teller::new(false, false);
    let mut story = String::new();
    if lost > 0 {
        let _ = writeln!(
            story,
            "({lost} earlier events did not fit into the recording)"
        );
    }
    for event in events {
        story += &teller.tell(event);
    }
    story += &teller.end();
    story
}

impl Teller {
    /// Nothing is told yet.
    fn new(all: bool, colour: bool) -> Teller {
        Teller {
            all,
            colour,
            begun: false,
            cast: HashMap::new(),
            crowds: HashMap::new(),
            done: VecDeque::new(),
            held: BTreeMap::new(),
            late: BTreeMap::new(),
            lively: HashSet::new(),
            asleep: HashSet::new(),
            sources: HashMap::new(),
            explained: HashSet::new(),
            left_out: 0,
        }
    }

    /// A teller for stderr. `all`: leaves nothing out.
    pub(crate) fn on_stderr(all: bool) -> Teller {
        let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Teller::new(all, !plain && stderr().is_terminal())
    }

    /// Tells an event at once.
    pub(crate) fn tell_live(&mut self, event: &Event) {
        let told = self.tell(event);
        if !told.is_empty() {
            eprint!("{told}");
        }
    }

    /// The lines of an event, and of what was held back before it.
    fn tell(&mut self, event: &Event) -> String {
        let mut out = String::new();
        if let Some(held) = self.held.remove(&event.lane) {
            let goes_on = match &event.kind {
                Kind::Queued { task, .. } => subject(&held.kind) == Subject::Who(Who::Task(*task)),
                _ => false,
            };
            self.tell_one(&held, goes_on.then_some(event), &mut out);
            if goes_on {
                return out;
            }
        }
        match &event.kind {
            Kind::TimerFired { late } if !self.all => {
                let late_ones = self.late.entry(event.lane.clone()).or_default();
                late_ones.push_back(*late);
                late_ones.truncate(DONE);
            }
            Kind::Spawned { .. }
            | Kind::Woken {
                who: Who::Task(_),
                news: News::Queues,
                ..
            } => {
                self.held.insert(event.lane.clone(), event.clone());
            }
            _ => self.tell_one(event, None, &mut out),
        }
        out
    }

    /// What is still held back.
    fn end(&mut self) -> String {
        let mut out = String::new();
        for (_, held) in std::mem::take(&mut self.held) {
            self.tell_one(&held, None, &mut out);
        }
        self.tell_left_out(&mut out);
        out
    }

    /// Tells an event, and with it the one that completes it.
    fn tell_one(&mut self, event: &Event, queued: Option<&Event>, out: &mut String) {
        let is_told = self.meet(event) || self.all;
        if is_told {
            self.tell_left_out(out);
            self.begin(out);
            self.line(event, queued, out);
            self.explain(event, queued, out);
        } else if !matches!(event.kind, Kind::Parked { .. } | Kind::Unparked { .. }) {
            self.left_out += 1 + u64::from(queued.is_some());
        }
        self.part(&event.kind);
    }

    /// Takes note of an event. `false`: it need not be told.
    fn meet(&mut self, event: &Event) -> bool {
        let is_told = match &event.kind {
            Kind::Parked { .. } => {
                let is_told = self.lively.remove(&event.lane);
                if is_told {
                    self.asleep.insert(event.lane.clone());
                }
                return is_told;
            }
            Kind::Unparked { .. } => {
                self.late.remove(&event.lane);
                return self.asleep.remove(&event.lane);
            }
            Kind::Ready { source } => {
                let times = self.sources.entry(without_digits(source)).or_default();
                *times += 1;
                *times <= TOLD
            }
            Kind::Spawned {
                task, name, place, ..
            } => self.introduce(*task, name.as_deref(), place),
            kind => match subject(kind) {
                Subject::Who(who) => self.is_worth_it(who, kind),
                Subject::Lane => true,
            },
        };
        if is_told {
            self.lively.insert(event.lane.clone());
        }
        is_told
    }

    /// Somebody new. `false`: it is an extra.
    fn introduce(&mut self, task: Id, name: Option<&str>, place: Place) -> bool {
        let crowd = self.crowds.entry(place).or_default();
        *crowd += 1;
        let is_extra = *crowd > TOLD;
        let file = place.file().rsplit(['/', '\\']).next().unwrap_or_default();
        let (name, title) = match name {
            Some(name) => (name.to_owned(), name.to_owned()),
            None => (
                format!("task {task}"),
                format!("task {task} {file}:{}", place.line()),
            ),
        };
        let person = Person {
            name,
            title,
            is_extra,
            ..Person::default()
        };
        self.cast.insert(Who::Task(task), person);
        !is_extra
    }

    /// Whether this part of somebody's life is told.
    fn is_worth_it(&mut self, who: Who, kind: &Kind) -> bool {
        if let Kind::Woken {
            by: Cause::Poll(waker @ Who::Task(_)),
            ..
        } = kind
        {
            if self.cast.get(waker).is_some_and(|waker| waker.is_extra) {
                return false;
            }
        }
        let person = self.cast.entry(who).or_insert_with(|| Person {
            name: who.to_string(),
            title: who.to_string(),
            ..Person::default()
        });
        if person.is_extra {
            return false;
        }
        match kind {
            Kind::PollEnded {
                outcome: Outcome::Pending,
                waits_for,
                ..
            } => {
                let waits_for = waits_for.as_deref().unwrap_or_default();
                let waits_for = without_digits(waits_for);
                person.wait(waits_for) <= TOLD
            }
            Kind::PollBegan { .. }
            | Kind::Queued { .. }
            | Kind::TimerSet { .. }
            | Kind::Woken { .. } => person.waits.last().is_none_or(|(_, times)| *times < TOLD),
            _ => true,
        }
    }

    /// Who leaves the stage.
    fn part(&mut self, kind: &Kind) {
        match kind {
            Kind::PollBegan { who } => {
                if let Some(person) = self.cast.get_mut(who) {
                    person.was_polled = true;
                }
            }
            Kind::PollEnded {
                who,
                outcome: Outcome::Ready | Outcome::Panicked,
                ..
            } => {
                self.done.push_back(*who);
                if self.done.len() > DONE {
                    self.done.pop_front().map(|who| self.cast.remove(&who));
                }
            }
            Kind::Cancelled { task } | Kind::JobEnded { job: task } => {
                self.cast.remove(&Who::Task(*task));
            }
            _ => {}
        }
    }

    /// What a task is called.
    fn name(&self, id: Id) -> String {
        let person = self.cast.get(&Who::Task(id));
        person.map_or_else(|| format!("task {id}"), |person| person.name.clone())
    }

    /// The line of an event.
    fn line(&mut self, event: &Event, queued: Option<&Event>, out: &mut String) {
        let who = match subject(&event.kind) {
            Subject::Who(who) => self
                .cast
                .get(&who)
                .map_or_else(|| who.to_string(), |person| person.title.clone()),
            Subject::Lane => String::new(),
        };
        let mut what = predicate(event, &|id| self.name(id));
        match &event.kind {
            Kind::PollBegan { who } => {
                let again = self.cast.get(who).is_some_and(|person| person.was_polled);
                what += if again {
                    " again, and goes on where it waited"
                } else {
                    " for the first time"
                };
            }
            Kind::Woken {
                by: Cause::Timer, ..
            } => {
                let late = self.late.get_mut(&event.lane).and_then(VecDeque::pop_front);
                if let Some(late) = late {
                    let _ = write!(what, ", {} late", millis(late));
                }
            }
            _ => {}
        }
        if let Some(queued) = queued {
            what = what + ", and " + &predicate(queued, &|id| self.name(id));
        }
        let lane: String = event.lane.to_string().chars().take(10).collect();
        let who: String = who.chars().take(WHO).collect();
        let start = format!("{:>10}  {lane:<10}  {who:<WHO$}  ", time(event.at));
        self.wrapped(&start, &what, colour(&event.kind), out);
    }

    /// A text in the last column.
    fn wrapped(&self, start: &str, text: &str, colour: &str, out: &mut String) {
        let (on, off) = if self.colour {
            (colour, "\x1b[0m")
        } else {
            ("", "")
        };
        let mut start = start.to_owned();
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && INDENT + line.chars().count() + 1 + word.chars().count() > WIDTH
            {
                let _ = writeln!(out, "{start}{on}{line}{off}");
                start = " ".repeat(INDENT + 2);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line += word;
        }
        let _ = writeln!(out, "{start}{on}{line}{off}");
    }

    /// The first words.
    fn begin(&mut self, out: &mut String) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let _ = writeln!(
            out,
            "What a Samovar runtime does, a line an event: when (since it was built), on which thread, to whom, and \
             what.\nWorker 0 is the thread inside `block_on`; `main` is the future that it was given.\n"
        );
    }

    /// How much was left out.
    fn tell_left_out(&mut self, out: &mut String) {
        let left_out = std::mem::take(&mut self.left_out);
        if left_out == 0 {
            return;
        }
        let mut text = format!("... {left_out} more events of the same sort");
        if self.explained.insert("left out") {
            text += ", left out: tasks from the same line of the program, and waits for the same thing again \
                     (SAMOVAR_TRACE=tell-all tells everything)";
        }
        self.wrapped(&" ".repeat(INDENT), &text, DIM, out);
    }

    /// Explains what comes up for the first time.
    fn explain(&mut self, event: &Event, queued: Option<&Event>, out: &mut String) {
        let kinds = [Some(&event.kind), queued.map(|queued| &queued.kind)];
        for (topic, text) in kinds.into_iter().flatten().filter_map(explanation) {
            if self.explained.insert(topic) {
                for line in text.lines() {
                    self.wrapped(&" ".repeat(INDENT), &format!("| {line}"), DIM, out);
                }
            }
        }
    }
}

/// What there is to know about an event, and the topic, which is explained only once.
fn explanation(kind: &Kind) -> Option<(&'static str, &'static str)> {
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

/// What two texts have in common that differ only in numbers.
fn without_digits(text: &str) -> String {
    text.replace(|c: char| c.is_ascii_digit(), "")
}

/// When it was.
fn time(at: Duration) -> String {
    let millis = at.as_secs_f64() * 1e3;
    if millis < 1e4 {
        format!("{millis:.2} ms")
    } else {
        format!("{:.3} s", at.as_secs_f64())
    }
}

/// For what is beside the point.
const DIM: &str = "\x1b[2m";

/// The colour of an event's kind.
fn colour(kind: &Kind) -> &'static str {
    match kind {
        Kind::Spawned { .. } => "\x1b[35m",
        Kind::PollBegan { .. } | Kind::JobBegan { .. } => "\x1b[32m",
        Kind::PollEnded { outcome, .. } => match outcome {
            Outcome::Ready => "\x1b[1;32m",
            Outcome::Pending => "\x1b[33m",
            Outcome::Panicked => "\x1b[1;31m",
        },
        Kind::Woken { .. } | Kind::Ready { .. } | Kind::TimerFired { .. } => "\x1b[36m",
        Kind::Stolen { .. } => "\x1b[1;35m",
        Kind::Blocked { .. }
        | Kind::NeverWakes { .. }
        | Kind::Cancelled { .. }
        | Kind::Aborted { .. } => "\x1b[31m",
        Kind::Parked { .. } | Kind::Unparked { .. } => "\x1b[34m",
        _ => "",
    }
}
