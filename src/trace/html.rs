//! A run as a page: one file that needs nothing else.
//!
//! `page.html` is the page, with a hole for the data; `Timeline` is the data. The page draws on a canvas, and only what is
//! in view: an element per poll would be 100,000 elements, and a browser takes seconds over them.
//!
//! Data is columns of numbers that point at each other, because names of fields would be most of it:
//!
//! ```text
//!     sentences   every different sentence, once
//!     at, lane, story     for each event: nanoseconds, index of the lane, index of the sentence
//!     spans       kind, lane, actor, first event, last event, outcome    six numbers each
//!     arrows      is it a spawn?, event, actor, from span, to span       five
//!     marks       kind, event, lane, actor                               four
//! ```
//!
//! `-1` says "none".

use std::collections::HashMap;
use std::fmt::{Display, Write};

use super::Trace;
use super::event::{Event, Kind, Outcome};
use super::json::{text, word};
use super::timeline::{Timeline, What};

/// The page, and the place in it where the data goes.
const PAGE: &str = include_str!("page.html");
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
        html(&self.events(), self.lost())
    }
}

fn html(events: &[Event], lost: u64) -> String {
    let (before, after) = PAGE.split_once(HOLE).expect("the page has a hole");
    format!("{before}{}{after}", data(&Timeline::new(events, lost)))
}

/// The object that the page reads.
fn data(timeline: &Timeline<'_>) -> String {
    let mut sentences = Vec::new();
    let mut known = HashMap::new();
    let mut story = Vec::new();
    for event in 0..timeline.events.len() {
        let sentence = *known
            .entry(timeline.sentence(event))
            .or_insert_with_key(|sentence| {
                sentences.push(text(sentence));
                sentences.len() - 1
            });
        story.push(sentence);
    }
    let actors = timeline.actors.iter().map(|actor| {
        let place = actor.place.as_deref().unwrap_or("");
        format!("[{},{}]", text(&actor.label()), text(place))
    });
    let spans = timeline.spans.iter().map(|span| {
        let (kind, actor, outcome) = match span.what {
            What::Poll(actor, outcome) => (0, Some(actor), outcome),
            What::Job(actor) => (1, Some(actor), None),
            What::Park => (2, None, None),
            What::Serve => (3, None, None),
        };
        let outcome = match outcome {
            None => -1,
            Some(Outcome::Ready) => 0,
            Some(Outcome::Pending) => 1,
            Some(Outcome::Panicked) => 2,
        };
        format!(
            "{kind},{},{},{},{},{outcome}",
            span.lane,
            or_none(actor),
            or_none(span.first),
            or_none(span.last)
        )
    });
    let arrows = timeline.arrows.iter().map(|arrow| {
        let spawn = matches!(timeline.events[arrow.event].kind, Kind::Spawned { .. });
        format!(
            "{},{},{},{},{}",
            u8::from(spawn),
            arrow.event,
            arrow.actor,
            or_none(arrow.from),
            or_none(arrow.to)
        )
    });
    let words: Vec<&str> = timeline
        .marks
        .iter()
        .map(|mark| word(&timeline.events[mark.event].kind))
        .collect();
    let mut kinds = words.clone();
    kinds.sort_unstable();
    kinds.dedup();
    let marks = timeline.marks.iter().zip(&words).map(|(mark, word)| {
        let kind = kinds.binary_search(word).expect("every kind was collected");
        format!(
            "{kind},{},{},{}",
            mark.event,
            mark.lane,
            or_none(mark.actor)
        )
    });

    let mut out = format!("{{\"lost\":{}", timeline.lost);
    list(
        &mut out,
        "lanes",
        timeline.lanes.iter().map(|lane| text(&lane.to_string())),
    );
    list(&mut out, "actors", actors);
    list(&mut out, "kinds", kinds.iter().map(|kind| text(kind)));
    list(&mut out, "sentences", sentences.iter());
    list(
        &mut out,
        "at",
        timeline.events.iter().map(|event| event.at.as_nanos()),
    );
    list(&mut out, "lane", timeline.lane_of.iter());
    list(&mut out, "story", story.iter());
    list(&mut out, "spans", spans);
    list(&mut out, "arrows", arrows);
    list(&mut out, "marks", marks);
    out.push('}');
    out
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
