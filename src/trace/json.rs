//! A run in the Chrome trace event format, which <https://ui.perfetto.dev> and chrome://tracing read.
//!
//! Every lane is a thread of one process. What lasts is a complete event (`X`), a wake or a spawn a flow (`s` to `f`), the
//! rest an instant (`i`). Times are microseconds; fractions keep the nanoseconds.
//!
//! A flow must start and end inside an `X` of its thread, or the viewers drop it. What happens outside of one (a wake by a
//! thread that is no worker) therefore gets an `X` of no length, or rather of one nanosecond: one of none encloses nothing.

use std::fmt::{self, Display, Write};
use std::time::Duration;

use super::Trace;
use super::event::Kind;
use super::timeline::{Span, SpanKind, Timeline};
use super::words::{outcome_name, short_name};

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
        json(&Timeline::new(&self.events(), self.lost()))
    }
}

/// One line an event.
fn json(timeline: &Timeline<'_>) -> String {
    let mut out = Lines(String::from(
        "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n",
    ));
    out.line(metadata("process_name", 0, "name", "\"samovar\""));
    for (lane, name) in timeline.lanes.iter().enumerate() {
        let name = quoted(&name.to_string());
        out.line(metadata("thread_name", lane, "name", &name));
        let place = lane.to_string();
        out.line(metadata("thread_sort_index", lane, "sort_index", &place));
    }
    for span in &timeline.spans {
        complete(&mut out, timeline, span);
    }
    flows(&mut out, timeline);
    for mark in &timeline.marks {
        let event = &timeline.events[mark.event];
        out.line(format_args!(
            r#"{{"ph":"i","s":"t","name":{},"cat":{},{},"args":{{"story":{}}}}}"#,
            quoted(short_name(&event.kind)),
            quoted(category(&event.kind)),
            Spot(event.at, mark.lane),
            quoted(&timeline.sentence(mark.event)),
        ));
    }
    let lost = timeline.lost;
    format!("{}\n],\"otherData\":{{\"lost\":{lost}}}}}\n", out.0)
}

/// A span: an event that is complete in itself, with its length.
fn complete(out: &mut Lines, timeline: &Timeline<'_>, span: &Span) {
    let category = match span.kind {
        SpanKind::Poll(..) => "poll",
        SpanKind::Job(_) => "job",
        SpanKind::Park => "park",
        SpanKind::Serve => "serve",
    };
    let mut args = String::new();
    let mut arg = |key: &str, value: &str| {
        let comma = if args.is_empty() { "" } else { "," };
        let _ = write!(args, "{comma}{}:{}", quoted(key), quoted(value));
    };
    if let SpanKind::Poll(actor, _) | SpanKind::Job(actor) = span.kind {
        if let Some(place) = &timeline.actors[actor].place {
            arg("spawned at", place);
        }
    }
    if let SpanKind::Poll(_, Some(outcome)) = span.kind {
        arg("outcome", outcome_name(outcome));
    }
    for (key, event) in [("began", span.first), ("ended", span.last)] {
        match event {
            Some(event) => arg(key, &timeline.sentence(event)),
            None => arg(key, "not in the recording"),
        }
    }
    out.line(format_args!(
        r#"{{"ph":"X","name":{},"cat":"{category}",{},"dur":{},"args":{{{args}}}}}"#,
        quoted(&timeline.span_name(span)),
        Spot(timeline.begin(span), span.lane),
        Micros(timeline.length(span).max(MOMENT)),
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
            short_name(&event.kind),
            timeline.actors[arrow.actor].label()
        );
        if let Some(from) = arrow.from.map(|from| &timeline.spans[from]) {
            // The viewers count the last nanosecond as outside.
            let last = timeline.end(from).saturating_sub(MOMENT);
            at = at.min(last).max(timeline.begin(from));
        } else {
            out.line(format_args!(
                r#"{{"ph":"X","name":{},"cat":"{category}",{},"dur":{},"args":{{"story":{}}}}}"#,
                quoted(&name),
                Spot(at, lane),
                Micros(MOMENT),
                quoted(&timeline.sentence(arrow.event)),
            ));
        }
        let head = format!(r#""name":{},"cat":"{category}","id":{id}"#, quoted(&name));
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

/// The lines of an array of objects.
struct Lines(
    /// The file so far; it ends with `}` if a line came before.
    String,
);

impl Lines {
    fn line(&mut self, line: impl Display) {
        if self.0.ends_with('}') {
            self.0.push_str(",\n");
        }
        let _ = write!(self.0, "{line}");
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
pub(super) fn quoted(text: &str) -> String {
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
