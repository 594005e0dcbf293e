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
use super::event::{Lane, Outcome};
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
    let (sentences, story) = sentences(timeline);
    let kind = |mark: &Mark| short_name(&timeline.events[mark.event].kind);
    let mut kinds: Vec<&str> = timeline.marks.iter().map(kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let of_mark = |mark: &Mark| {
        let kind = kinds.binary_search(&kind(mark));
        let kind = kind.expect("every kind was collected");
        format!(
            "{kind},{},{},{}",
            mark.event,
            mark.lane,
            or_none(mark.actor)
        )
    };
    let of_lane = |lane: &&Lane| quoted(&lane.to_string());
    let at = timeline.events.iter().map(|event| event.at.as_nanos());

    let mut out = format!("{{\"lost\":{}", timeline.lost);
    list(&mut out, "lanes", timeline.lanes.iter().map(of_lane));
    list(&mut out, "actors", timeline.actors.iter().map(of_actor));
    list(&mut out, "kinds", kinds.iter().map(|kind| quoted(kind)));
    list(&mut out, "sentences", sentences.iter());
    list(&mut out, "at", at);
    list(&mut out, "lane", timeline.lane_of.iter());
    list(&mut out, "story", story.iter());
    list(&mut out, "spans", timeline.spans.iter().map(of_span));
    let of_arrow = |arrow| of_arrow(arrow, timeline.is_spawn(arrow));
    list(&mut out, "arrows", timeline.arrows.iter().map(of_arrow));
    list(&mut out, "marks", timeline.marks.iter().map(of_mark));
    out.push('}');
    out
}

/// Every different sentence, and for each event which one is its own.
fn sentences(timeline: &Timeline<'_>) -> (Vec<String>, Vec<usize>) {
    let mut sentences = Vec::new();
    let mut known = HashMap::new();
    let index = |event| {
        let known = known.entry(timeline.sentence(event));
        *known.or_insert_with_key(|sentence| {
            sentences.push(quoted(sentence));
            sentences.len() - 1
        })
    };
    let story = (0..timeline.events.len()).map(index).collect();
    (sentences, story)
}

/// Its label and its place.
fn of_actor(actor: &Actor<'_>) -> String {
    let place = actor.place.as_deref().unwrap_or("");
    format!("[{},{}]", quoted(&actor.label()), quoted(place))
}

/// Its six numbers.
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
    let numbers = [actor, span.first, span.last, outcome].map(or_none);
    format!("{kind},{},{}", span.lane, numbers.join(","))
}

/// Its five numbers.
fn of_arrow(arrow: &Arrow, is_spawn: bool) -> String {
    let (spawn, from, to) = (u8::from(is_spawn), or_none(arrow.from), or_none(arrow.to));
    format!("{spawn},{},{},{from},{to}", arrow.event, arrow.actor)
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
