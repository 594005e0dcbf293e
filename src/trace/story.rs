//! The story: what happened, in lines that a person reads from top to bottom.
//!
//! Everything is said once. What a word means is explained where it comes up for the first time; the fourth task that is
//! spawned at the same place does what the first three did, and a task that waits for the same thing again and again is
//! left alone after the third time ([`Told`] knows). Whatever is left out is counted, and the story says so.
//!
//! Events that belong together become one line: a wake is held back until the next event on its thread, which may say into
//! which queue the task went; and a timer that rings is told with the wake that follows.

#[cfg(all(test, not(loom)))]
mod tests;
mod told;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::env;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _, stderr};
use std::time::Duration;

use super::event::{Cause, Event, Kind, Lane, News, Outcome, Who};
use super::words::{Subject, explanation, millis, predicate, printable, subject};
use told::Told;

/// The longest line.
const WIDTH: usize = 110;
/// Where the last column begins: after time, thread and task.
const INDENT: usize = 10 + 2 + 10 + 2 + WHO + 2;
/// The width of the column that says who.
const WHO: usize = 19;
/// How many timers that rang are remembered until somebody is woken for them.
const RUNG: usize = 64;

/// Makes lines of events.
pub(crate) struct Teller {
    /// Leave nothing out.
    all: bool,
    /// In colour.
    colour: bool,
    /// The first words were said.
    begun: bool,
    /// What was told, and so is no news.
    told: Told,
    /// What the next event on a thread may complete.
    held: BTreeMap<Lane, Event>,
    /// How late the timers were that have just rung on a thread.
    late: BTreeMap<Lane, VecDeque<Duration>>,
    /// What was explained.
    explained: HashSet<&'static str>,
    /// How many events were left out since the last line.
    left_out: u64,
}

/// The story of these events, before which `lost` others were forgotten.
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
            told: Told::default(),
            held: BTreeMap::new(),
            late: BTreeMap::new(),
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
            // Not `eprint!`, which panics when nobody reads.
            let _ = stderr().write_all(told.as_bytes());
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
                late_ones.truncate(RUNG);
            }
            Kind::Spawned { .. }
            | Kind::Woken {
                who: Who::Task(_),
                news: News::Queues,
                ..
            } => {
                self.held.insert(event.lane.clone(), event.clone());
            }
            _ => {
                if let Kind::Unparked { .. } = event.kind {
                    self.late.remove(&event.lane);
                }
                self.tell_one(event, None, &mut out);
            }
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
        // Also if the wake is left out: the next one is another timer's.
        let late = match event.kind {
            Kind::Woken {
                by: Cause::Timer, ..
            } => self.late.get_mut(&event.lane).and_then(VecDeque::pop_front),
            _ => None,
        };
        let is_told = self.told.is_news(event) || self.all;
        if is_told {
            self.tell_left_out(out);
            self.begin(out);
            self.line(event, queued, late, out);
            self.explain(event, queued, out);
        } else if !matches!(event.kind, Kind::Parked { .. } | Kind::Unparked { .. }) {
            self.left_out += 1 + u64::from(queued.is_some());
        }
        self.told.is_over(&event.kind);
    }

    /// The line of an event; `late`: so late came the timer whose wake it is.
    fn line(
        &self,
        event: &Event,
        queued: Option<&Event>,
        late: Option<Duration>,
        out: &mut String,
    ) {
        let who = match subject(&event.kind) {
            Subject::Who(who) => self.told.title(who),
            Subject::Lane => String::new(),
        };
        let mut what = predicate(event, &|id| self.told.name(id));
        if let Kind::PollBegan { who } = &event.kind {
            what += if self.told.was_polled(*who) {
                " again, and goes on where it waited"
            } else {
                " for the first time"
            };
        }
        if let Some(late) = late {
            let _ = write!(what, ", {} late", millis(late));
        }
        if let Some(queued) = queued {
            what = what + ", and " + &predicate(queued, &|id| self.told.name(id));
        }
        let lane: String = event.lane.to_string().chars().take(10).collect();
        let who: String = who.chars().take(WHO).collect();
        let start = format!("{:>10}  {lane:<10}  {who:<WHO$}  ", time(event.at));
        self.wrapped(&start, &what, colour(&event.kind), out);
    }

    /// A text in the last column.
    fn wrapped(&self, start: &str, text: &str, colour: &str, out: &mut String) {
        let text = printable(text);
        let (on, off) = if self.colour {
            (colour, "\x1b[0m")
        } else {
            ("", "")
        };
        let mut start = printable(start);
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
        let events = if left_out == 1 { "event" } else { "events" };
        let mut text = format!("... {left_out} more {events} of the same sort");
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
