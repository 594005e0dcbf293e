//! A run as a page: one file that needs nothing else.
//!
//! `page.html` is the page, with a hole for the data; the [`Timeline`] is the data. The page draws on a canvas, and only what
//! is in view. Rejected: an element per poll, for that would be 100,000 elements, and a browser takes seconds over them.
//!
//! Data is columns of numbers that point at each other, because names of fields would be most of it:
//!
//! ```text
//!     lost        how many events were forgotten
//!     lanes       the names of the threads
//!     actors      label and place of each task
//!     kinds       the names of the marks' kinds
//!     sentences   every different sentence, once
//!     at, lane, story     for each event: nanoseconds, index of the lane, index of the sentence
//!     spans       kind, lane, actor, first event, last event, outcome    six numbers each
//!     arrows      is it a spawn?, event, actor, from span, to span       five
//!     marks       kind, event, lane, actor                               four
//! ```
//!
//! `-1` says "none". The data stands in a `<script>` element, where a browser reads until `</script>` whatever the JSON says;
//! so [`quoted`] lets no `<` through.

use std::collections::HashMap;
use std::fmt::{Display, Write};

use super::Trace;
use super::event::Outcome;
use super::json::quoted;
use super::timeline::{Actor, Arrow, Mark, Span, SpanKind, Timeline};
use super::words::short_name;

/// The page.
const PAGE: &str = include_str!("page.html");
/// The place in it where the data goes.
const HOLE: &str = "{{the run}}";

impl Trace {
    /// The run as a page to look at in a browser: zoom, drag, click. It is one file, and needs no network.
    ///
    /// ```
    /// let trace = samovar::trace::Trace::new();
    /// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
    /// runtime.block_on(samovar::task::yield_now());
    /// std::fs::write(std::env::temp_dir().join("yield.html"), trace.to_html()).unwrap();
    /// ```
    #[must_use]
    pub fn to_html(&self) -> String {
        let (before, after) = PAGE.split_once(HOLE).expect("the page has a hole");
        let data = data(&Timeline::new(&self.events(), self.lost()));
        format!("{before}{data}{after}")
    }
}

/// The object that the page reads.
fn data(timeline: &Timeline<'_>) -> String {
    let Timeline {
        lanes,
        actors,
        spans,
        arrows,
        marks,
        ..
    } = timeline;
    let (sentences, story) = sentences(timeline);
    let kind = |mark: &Mark| short_name(&timeline.events[mark.event].kind);
    let mut kinds: Vec<&str> = marks.iter().map(kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let index = |mark: &Mark| {
        kinds
            .binary_search(&kind(mark))
            .expect("every kind was collected")
    };

    let mut out = format!("{{\"lost\":{}", timeline.lost);
    list(
        &mut out,
        "lanes",
        lanes.iter().map(|lane| quoted(&lane.to_string())),
    );
    list(&mut out, "actors", actors.iter().map(of_actor));
    list(&mut out, "kinds", kinds.iter().map(|kind| quoted(kind)));
    list(&mut out, "sentences", sentences.iter());
    list(
        &mut out,
        "at",
        timeline.events.iter().map(|event| event.at.as_nanos()),
    );
    list(&mut out, "lane", timeline.lane_of.iter());
    list(&mut out, "story", story.iter());
    list(&mut out, "spans", spans.iter().map(of_span));
    list(
        &mut out,
        "arrows",
        arrows
            .iter()
            .map(|arrow| of_arrow(arrow, timeline.is_spawn(arrow))),
    );
    list(
        &mut out,
        "marks",
        marks.iter().map(|mark| of_mark(mark, index(mark))),
    );
    out.push('}');
    out
}

/// Every different sentence, and for each event which one is its own.
fn sentences(timeline: &Timeline<'_>) -> (Vec<String>, Vec<usize>) {
    let mut sentences = Vec::new();
    let mut known = HashMap::new();
    let mut index = |event| {
        *known
            .entry(timeline.sentence(event))
            .or_insert_with_key(|sentence| {
                sentences.push(quoted(sentence));
                sentences.len() - 1
            })
    };
    let story = (0..timeline.events.len()).map(&mut index).collect();
    (sentences, story)
}

fn of_actor(actor: &Actor<'_>) -> String {
    let place = actor.place.as_deref().unwrap_or("");
    format!("[{},{}]", quoted(&actor.label()), quoted(place))
}

fn of_span(span: &Span) -> String {
    let (kind, actor, outcome) = match span.kind {
        SpanKind::Poll(actor, outcome) => (0, Some(actor), outcome),
        SpanKind::Job(actor) => (1, Some(actor), None),
        SpanKind::Park => (2, None, None),
        SpanKind::Serve => (3, None, None),
    };
    let outcome = outcome.map(|outcome| match outcome {
        Outcome::Ready => 0,
        Outcome::Pending => 1,
        Outcome::Panicked => 2,
    });
    let (lane, actor, outcome) = (span.lane, or_none(actor), or_none(outcome));
    format!(
        "{kind},{lane},{actor},{},{},{outcome}",
        or_none(span.first),
        or_none(span.last)
    )
}

fn of_arrow(arrow: &Arrow, is_spawn: bool) -> String {
    let (
        spawn,
        Arrow {
            event,
            actor,
            from,
            to,
        },
    ) = (u8::from(is_spawn), arrow);
    format!(
        "{spawn},{event},{actor},{},{}",
        or_none(*from),
        or_none(*to)
    )
}

fn of_mark(Mark { event, lane, actor }: &Mark, kind: usize) -> String {
    format!("{kind},{event},{lane},{}", or_none(*actor))
}

/// A field of the object.
fn list<T: Display>(out: &mut String, name: &str, items: impl Iterator<Item = T>) {
    let _ = write!(out, ",\n\"{name}\":[");
    for (number, item) in items.enumerate() {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{item}");
    }
    out.push(']');
}

/// An index, or `-1`.
fn or_none(index: Option<usize>) -> String {
    index.map_or("-1".to_owned(), |index| index.to_string())
}
