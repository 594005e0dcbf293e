//! A run in the Chrome trace event format, which <https://ui.perfetto.dev> and chrome://tracing read.
//!
//! Every lane is a thread of one process. What lasts is a complete event (`X`), a wake or a spawn a flow (`s` to `f`), the
//! rest an instant (`i`). Times are microseconds; fractions keep the nanoseconds.
//!
//! A flow must start and end inside an `X` of its thread, or the viewers drop it. What happens outside of one (a wake by a
//! thread that is no worker) therefore gets an `X` of no length, or rather of one nanosecond: one of none encloses nothing.

use std::fmt::{self, Write};
use std::time::Duration;

use super::Trace;
use super::event::{Event, Kind, Outcome};
use super::timeline::{Span, Timeline, What};

impl Trace {
    /// The run in the Chrome trace event format: for <https://ui.perfetto.dev> or chrome://tracing.
    ///
    /// ```
    /// let trace = samovar::trace::Trace::new();
    /// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
    /// runtime.block_on(samovar::task::yield_now());
    /// std::fs::write(std::env::temp_dir().join("yield.json"), trace.to_json()).unwrap();
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        json(&self.events(), self.lost())
    }
}

/// One line an event.
fn json(events: &[Event], lost: u64) -> String {
    let timeline = Timeline::new(events, lost);
    let mut out = Lines(String::from(
        "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n",
    ));
    out.line(format_args!(
        "{}",
        metadata("process_name", 0, "name", &text("samovar"))
    ));
    for (lane, name) in timeline.lanes.iter().enumerate() {
        out.line(format_args!(
            "{}",
            metadata("thread_name", lane, "name", &text(&name.to_string()))
        ));
        out.line(format_args!(
            "{}",
            metadata("thread_sort_index", lane, "sort_index", &lane.to_string())
        ));
    }
    for span in &timeline.spans {
        complete(&mut out, &timeline, span);
    }
    flows(&mut out, &timeline);
    for mark in &timeline.marks {
        let event = &timeline.events[mark.event];
        out.line(format_args!(
            r#"{{"ph":"i","s":"t","name":{},"cat":{},{},"args":{{"story":{}}}}}"#,
            text(word(&event.kind)),
            text(category(&event.kind)),
            Spot(event.at, mark.lane),
            text(&timeline.sentence(mark.event)),
        ));
    }
    format!("{}\n],\"otherData\":{{\"lost\":{lost}}}}}\n", out.0)
}

/// A span.
fn complete(out: &mut Lines, timeline: &Timeline<'_>, span: &Span) {
    let (name, category, outcome) = match span.what {
        What::Poll(actor, outcome) => (timeline.actors[actor].label(), "poll", outcome),
        What::Job(actor) => (timeline.actors[actor].label(), "job", None),
        What::Park => ("parked".to_owned(), "park", None),
        What::Serve => ("serves reactor and timers".to_owned(), "serve", None),
    };
    let mut args = String::new();
    let mut arg = |key: &str, value: &str| {
        let comma = if args.is_empty() { "" } else { "," };
        let _ = write!(args, "{comma}{}:{}", text(key), text(value));
    };
    if let What::Poll(actor, _) | What::Job(actor) = span.what {
        if let Some(place) = &timeline.actors[actor].place {
            arg("spawned at", place);
        }
    }
    if let Some(outcome) = outcome {
        arg("outcome", outcome_word(outcome));
    }
    for (key, event) in [("began", span.first), ("ended", span.last)] {
        match event {
            Some(event) => arg(key, &timeline.sentence(event)),
            None => arg(key, "not in the recording"),
        }
    }
    let (begin, end) = (timeline.begin(span), timeline.end(span));
    let duration = end.saturating_sub(begin).max(MOMENT);
    out.line(format_args!(
        r#"{{"ph":"X","name":{},"cat":"{category}",{},"dur":{},"args":{{{args}}}}}"#,
        text(&name),
        Spot(begin, span.lane),
        Micros(duration),
    ));
}

/// The arrows that arrive.
fn flows(out: &mut Lines, timeline: &Timeline<'_>) {
    for (id, arrow) in timeline.arrows.iter().enumerate() {
        let Some(to) = arrow.to.map(|to| &timeline.spans[to]) else {
            continue;
        };
        let event = &timeline.events[arrow.event];
        let (lane, mut at) = (timeline.lane_of[arrow.event], event.at);
        let category = category(&event.kind);
        let name = format!(
            "{} {}",
            word(&event.kind),
            timeline.actors[arrow.actor].label()
        );
        if let Some(from) = arrow.from.map(|from| &timeline.spans[from]) {
            // The viewers count the last nanosecond as outside.
            let last = timeline.end(from).saturating_sub(MOMENT);
            at = at.min(last).max(timeline.begin(from));
        } else {
            out.line(format_args!(
                r#"{{"ph":"X","name":{},"cat":"{category}",{},"dur":{},"args":{{"story":{}}}}}"#,
                text(&name),
                Spot(at, lane),
                Micros(MOMENT),
                text(&timeline.sentence(arrow.event)),
            ));
        }
        let head = format!(r#""name":{},"cat":"{category}","id":{id}"#, text(&name));
        out.line(format_args!(r#"{{"ph":"s",{head},{}}}"#, Spot(at, lane)));
        // `bp`: it ends at the span around this moment, not at the next one.
        let arrival = Spot(timeline.begin(to), to.lane);
        out.line(format_args!(r#"{{"ph":"f","bp":"e",{head},{arrival}}}"#));
    }
}

/// The shortest that a viewer sees.
const MOMENT: Duration = Duration::from_nanos(1);

/// What names a process or a thread.
fn metadata(name: &str, lane: usize, key: &str, value: &str) -> String {
    format!(r#"{{"ph":"M","name":"{name}","pid":1,"tid":{lane},"args":{{"{key}":{value}}}}}"#)
}

/// How a poll ended, in a word.
pub(super) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ready => "ready",
        Outcome::Pending => "pending",
        Outcome::Panicked => "panicked",
    }
}

/// An event of a moment, in a word or two.
pub(super) fn word(kind: &Kind) -> &'static str {
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

/// What a viewer can filter by.
fn category(kind: &Kind) -> &'static str {
    match kind {
        Kind::Spawned { .. } => "spawn",
        Kind::Woken { .. } => "wake",
        Kind::Stolen { .. } => "queue",
        Kind::Ready { .. } => "reactor",
        Kind::TimerSet { .. } | Kind::TimerFired { .. } => "timer",
        Kind::Blocked { .. } | Kind::NeverWakes { .. } => "warning",
        _ => "task",
    }
}

/// The lines of an array.
struct Lines(String);

impl Lines {
    fn line(&mut self, line: fmt::Arguments<'_>) {
        if self.0.ends_with('}') {
            self.0.push_str(",\n");
        }
        let _ = self.0.write_fmt(line);
    }
}

/// When and where, as the format has it.
struct Spot(Duration, usize);

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#""pid":1,"tid":{},"ts":{}"#, self.1, Micros(self.0))
    }
}

/// Microseconds, exact.
struct Micros(Duration);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:03}",
            self.0.as_micros(),
            self.0.subsec_nanos() % 1000
        )
    }
}

/// A JSON string. `<` and `>` are escaped too, so that no name can end the `<script>` element of the page.
pub(super) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '<' | '>' | '\u{2028}' | '\u{2029}' | '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
