//! A run as a still picture, for a README: light or dark as the reader's screen is.
//!
//! [`Layout`] says where everything stands, and a [`Pen`] writes the shapes; here is what is drawn: a lane per worker, polls as
//! blocks with their names and lengths, arrows for wakes and spawns, thin lines for parks, signs for timers and sockets, a
//! legend that says what is not to scale. The sentences of the events are in the titles of the shapes, which a browser shows
//! under the mouse.
//!
//! ```text
//!       lane        ┌──────┐      ↷ arrow   ┌──────┐
//!       worker 0    │ poll │ ───── park ─── │ poll │         row 0
//!                   └──────┘ ⏲ mark         └──────┘
//!                   ┴ 3.1 µs     120 ms later ┴ 120.04 ms
//!       worker 0    ...                                      row 1, where row 0 is full
//! ```

mod layout;
mod legend;
mod pen;

use std::fmt::Write;
use std::time::Duration;

use super::Trace;
use super::event::Kind;
use super::timeline::{Arrow, Mark, Span, SpanKind, Timeline};
use super::words::{outcome_name, short_name};
use layout::{Layout, WIDTH, duration, moment, shortened};
use legend::{hue, legend};
use pen::{BLOCK, Part, Pen, STYLE};

/// Where the rows begin: left of that are the names of the lanes.
const LEFT: f64 = 112.0;
/// Where the first row begins.
const TOP: f64 = 54.0;
/// How wide the picture is.
const RIGHT: f64 = LEFT + WIDTH + 28.0;
/// The height of a lane, and of the free space over its blocks.
const LANE: f64 = 76.0;
const OVER: f64 = 22.0;
/// The height of a row's time axis.
const AXIS: f64 = 40.0;

impl Trace {
    /// The run as a picture in SVG. A run of more than some hundred events is cut, and the picture says so;
    /// [`to_html`](Trace::to_html) shows all of it.
    ///
    /// ```
    /// let trace = samovar::trace::Trace::new();
    /// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
    /// runtime.block_on(samovar::task::yield_now());
    /// std::fs::write(std::env::temp_dir().join("yield.svg"), trace.to_svg()).unwrap();
    /// ```
    #[must_use]
    pub fn to_svg(&self) -> String {
        svg(&Timeline::new(&self.events(), self.lost()))
    }
}

/// Draws the parts of the picture one over the other: blocks, then rows and breaks, then signs and arrows.
fn svg(timeline: &Timeline<'_>) -> String {
    let layout = Layout::new(timeline);
    let shown = layout.shown;
    let mut picture = Picture {
        lanes: used(timeline, shown),
        layout,
        timeline,
        pen: Pen::default(),
    };
    picture.headline();
    for span in timeline
        .spans
        .iter()
        .filter(|span| timeline.first(span) < shown)
    {
        picture.span(span);
    }
    picture.rows();
    for mark in timeline.marks.iter().filter(|mark| mark.event < shown) {
        picture.mark(mark);
    }
    for arrow in timeline.arrows.iter().filter(|arrow| arrow.event < shown) {
        picture.arrow(arrow);
    }
    let Picture {
        mut pen,
        layout,
        lanes,
        ..
    } = picture;
    let bottom = TOP + (layout.rows.len() - 1) as f64 * row_height(&lanes) + 14.0;
    let height = legend(&mut pen, timeline, &layout, bottom, RIGHT);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {RIGHT} {height}\" width=\"{RIGHT}\" role=\"img\">\n\
         <title>A run of samovar</title>\n<style>{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{RIGHT}\" height=\"{height}\" rx=\"10\"/>\n{}</svg>\n",
        pen.out
    )
}

/// For each lane its line in the picture. Lanes on which nothing is to be seen among the first `shown` events have none.
fn used(timeline: &Timeline<'_>, shown: usize) -> Vec<Option<usize>> {
    let mut seen = vec![false; timeline.lanes.len()];
    let marks = timeline.marks.iter().map(|mark| (mark.lane, mark.event));
    let arrows = timeline
        .arrows
        .iter()
        .map(|arrow| (timeline.lane_of[arrow.event], arrow.event));
    let spans = timeline
        .spans
        .iter()
        .map(|span| (span.lane, timeline.first(span)));
    for (lane, event) in marks.chain(arrows).chain(spans) {
        seen[lane] |= event < shown;
    }
    let mut lines = 0..;
    let line = |seen: bool| seen.then(|| lines.next()).flatten();
    seen.into_iter().map(line).collect()
}

/// The height of a row of these lanes.
fn row_height(lanes: &[Option<usize>]) -> f64 {
    lanes.iter().flatten().count() as f64 * LANE + AXIS
}

/// What is drawn, and where.
struct Picture<'a> {
    /// What is drawn.
    timeline: &'a Timeline<'a>,
    /// Where it stands.
    layout: Layout,
    /// For each lane its line in a row.
    lanes: Vec<Option<usize>>,
    /// What has drawn it so far.
    pen: Pen,
}

impl Picture<'_> {
    /// The upper edge of the blocks of a lane.
    fn y(&self, row: usize, lane: usize) -> f64 {
        TOP + row as f64 * row_height(&self.lanes)
            + self.lanes[lane].unwrap_or(0) as f64 * LANE
            + OVER
    }

    /// The upper edge of a row, and the line of its time axis.
    fn frame(&self, row: usize) -> (f64, f64) {
        let top = TOP + row as f64 * row_height(&self.lanes);
        (top, top + row_height(&self.lanes) - AXIS + 6.0)
    }

    /// Where a place of the layout is.
    fn place(&self, x: f64) -> (usize, f64) {
        let (row, x) = self.layout.place(x);
        (row, LEFT + x)
    }

    /// What this is, and what is missing.
    fn headline(&mut self) {
        let Timeline {
            events,
            spans,
            lost,
            ..
        } = self.timeline;
        let polls = spans
            .iter()
            .filter(|span| matches!(span.kind, SpanKind::Poll(..)))
            .count();
        let length = match events {
            [first, .., last] => last.at.saturating_sub(first.at),
            _ => Duration::ZERO,
        };
        let (all, shown) = (events.len(), self.layout.shown);
        let mut facts = format!("{all} events, {polls} polls, {}", duration(length));
        if shown < all {
            let _ = write!(
                facts,
                "; here are the first {shown} events, the page (.html) shows all"
            );
        }
        if *lost > 0 {
            let _ = write!(facts, "; {lost} older events are lost");
        }
        self.pen.text("headline", 16.0, 30.0, "A run of samovar");
        self.pen.text("soft", 176.0, 30.0, &facts);
    }

    /// For each row its axis and the names of the lanes; then the breaks, and the times of blocks where there is room.
    fn rows(&mut self) {
        for row in 0..self.layout.rows.len() - 1 {
            let ((top, axis), right) = (
                self.frame(row),
                LEFT + self.layout.rows[row + 1] - self.layout.rows[row],
            );
            self.pen
                .path("grid", format_args!("M{LEFT} {top}V{axis}H{right:.1}"));
            for lane in (0..self.lanes.len()).filter(|&lane| self.lanes[lane].is_some()) {
                let name = shortened(&self.timeline.lanes[lane].to_string());
                self.pen
                    .text("", 16.0, self.y(row, lane) + BLOCK / 2.0 + 4.0, &name);
            }
        }
        let mut taken = self.breaks();
        for span in &self.timeline.spans {
            let Some(first) = span.first.filter(|&first| first < self.layout.shown) else {
                continue;
            };
            let (row, x) = self.place(self.layout.x[first]);
            let (left, right) = (x - 4.0, x + 62.0);
            let free = taken
                .iter()
                .rev()
                .all(|&(r, a, b)| r != row || right < a || left > b);
            if free && matches!(span.kind, SpanKind::Poll(..) | SpanKind::Job(_)) {
                let axis = self.frame(row).1;
                self.pen.path("grid", format_args!("M{x:.1} {axis}v6"));
                self.pen.text(
                    "soft",
                    x,
                    axis + 15.0,
                    &moment(self.timeline.events[first].at),
                );
                taken.push((row, left, right));
            }
        }
    }

    /// The breaks with their lengths. Returns what they take of the axis: row, begin and end.
    fn breaks(&mut self) -> Vec<(usize, f64, f64)> {
        let end = self.layout.rows[self.layout.rows.len() - 1];
        let mut taken = Vec::new();
        for (middle, length) in self
            .layout
            .breaks
            .clone()
            .into_iter()
            .filter(|(middle, _)| *middle < end)
        {
            let (row, x) = self.place(middle);
            let (top, axis) = self.frame(row);
            self.pen
                .rect("paper", (x - 8.0, top), (16.0, axis - top - 1.0), 0.0);
            for edge in [x - 8.0, x + 8.0] {
                self.pen
                    .zigzag(edge, top + 4.0, ((axis - top - 5.0) / 7.0) as usize);
            }
            self.pen.text(
                "later",
                x,
                axis + 15.0,
                &format!("{} later", duration(length)),
            );
            taken.push((row, x - 34.0, x + 34.0));
        }
        taken
    }

    /// A poll or job is a block, a park a line, and what a worker does between polls a bar.
    fn span(&mut self, span: &Span) {
        let (begin, end) = self.layout.span(self.timeline, span);
        let parts: Vec<Part> = self
            .layout
            .stretches(begin, end)
            .into_iter()
            .map(|(row, begin, end)| Part {
                x: LEFT + begin,
                y: self.y(row, span.lane),
                width: end - begin,
            })
            .collect();
        let name = self.timeline.span_name(span);
        let length = duration(self.timeline.length(span));
        let (class, actor) = match span.kind {
            SpanKind::Poll(actor, outcome) => {
                let outcome = outcome.map_or("", outcome_name);
                (format!("poll {outcome}"), actor)
            }
            SpanKind::Job(actor) => ("job".to_owned(), actor),
            // Its colour is no task's.
            SpanKind::Park | SpanKind::Serve => (String::new(), 0),
        };
        let title = self.story(&format!("{name}: {length}"), [span.first, span.last]);
        let draw = |pen: &mut Pen| match span.kind {
            SpanKind::Park => parts.iter().for_each(|part| {
                let (x, y) = (part.x, part.y + BLOCK / 2.0);
                let width = part.width;
                pen.path("park", format_args!("M{x:.1} {y:.1}h{width:.1}"));
            }),
            SpanKind::Serve => parts.iter().for_each(|part| {
                let y = part.y + BLOCK / 2.0 - 4.0;
                pen.rect("serve", (part.x, y), (part.width, 8.0), 0.0);
            }),
            SpanKind::Poll(..) | SpanKind::Job(_) => {
                pen.block(&parts, &shortened(&name), &length, span.kind);
            }
        };
        self.pen.group(&class, hue(actor), &title, draw);
    }

    /// What the mouse shows: a headline, and the sentences of these events.
    fn story(&self, headline: &str, events: [Option<usize>; 2]) -> String {
        let mut text = headline.to_owned();
        for event in events.into_iter().flatten() {
            let (at, sentence) = (
                moment(self.timeline.events[event].at),
                self.timeline.sentence(event),
            );
            let _ = write!(text, "\n{at}  {sentence}");
        }
        text
    }

    /// Under the block in which it happened, or on the line of the worker.
    fn mark(&mut self, mark: &Mark) {
        let kind = &self.timeline.events[mark.event].kind;
        let (row, x) = self.place(self.layout.x[mark.event]);
        let under = self.layout.in_poll[mark.event];
        let y = self.y(row, mark.lane) + if under { BLOCK + 9.0 } else { BLOCK / 2.0 };
        let title = self.story(short_name(kind), [Some(mark.event), None]);
        self.pen.group("mark", 0, &title, |pen| {
            pen.sign(kind, x + 5.0, y);
            if let (Kind::TimerSet { after, .. }, true) = (kind, under) {
                pen.text("soft", x + 13.0, y + 3.5, &duration(*after));
            }
        });
    }

    /// From the event to the beginning of the poll. Where that is in another row, only the ends are drawn.
    fn arrow(&mut self, arrow: &Arrow) {
        let timeline = self.timeline;
        let arrives = |to: &&Span| to.first.is_some_and(|event| event < self.layout.shown);
        let Some(to) = arrow.to.map(|to| &timeline.spans[to]).filter(arrives) else {
            return;
        };
        let class = if timeline.is_spawn(arrow) {
            "spawn"
        } else {
            "wake"
        };
        let poll = arrow.from.map(|from| &timeline.spans[from]);
        let poll = poll.filter(|from| matches!(from.kind, SpanKind::Poll(..) | SpanKind::Job(_)));
        // A wake right after a poll leaves from its edge.
        let last = poll.map_or(f64::INFINITY, |poll| {
            self.layout.span(timeline, poll).1 - 8.0
        });
        let (row, x) = self.place(self.layout.x[arrow.event].min(last) + 4.0);
        let (to_row, to_x) = self.place(self.layout.span(timeline, to).0 + 4.0);
        let (y, to_y) = (
            self.y(row, timeline.lane_of[arrow.event]),
            self.y(to_row, to.lane),
        );
        let half = if poll.is_some() { BLOCK / 2.0 } else { 5.0 };
        let upwards = row == to_row && to_y < y;
        let tip = (to_x, if upwards { to_y + BLOCK } else { to_y });
        let from = (x, y + BLOCK / 2.0 - half, y + BLOCK / 2.0 + half);
        let path = if row != to_row {
            into_another_row(from, tip)
        } else if y == to_y {
            over_the_blocks(from, tip)
        } else {
            to_another_lane(from, tip, upwards)
        };
        let title = self.story(
            &format!("{class} of {}", timeline.actors[arrow.actor].label()),
            [Some(arrow.event), to.first],
        );
        self.pen.group("arrow", 0, &title, |pen| {
            pen.path(class, path);
            pen.tip(class, tip, (0.0, if upwards { -1.0 } else { 1.0 }));
        });
    }
}

/// An arrow that leaves its row, and comes into another: only the two ends. `from` has a place of the row, and the upper and
/// the lower edge of what is there.
fn into_another_row((x, above, _): (f64, f64, f64), (to_x, tip): (f64, f64)) -> String {
    let (before, over, arrive) = (to_x - 12.0, tip - 10.0, tip - 4.0);
    format!("M{x:.1} {above}q0 -10 12 -10M{before:.1} {over}Q{to_x:.1} {over} {to_x:.1} {arrive}")
}

/// An arrow inside a lane: an arc over the blocks, higher the further it goes.
fn over_the_blocks((x, above, _): (f64, f64, f64), (to_x, tip): (f64, f64)) -> String {
    let top = tip - (6.0 + (to_x - x).abs() / 14.0).min(17.0);
    let arrive = tip - 4.0;
    format!("M{x:.1} {above}C{x:.1} {top:.1} {to_x:.1} {top:.1} {to_x:.1} {arrive}")
}

/// An arrow from lane to lane: it leaves at the edge that faces its target.
fn to_another_lane(
    (x, above, below): (f64, f64, f64),
    (to_x, tip): (f64, f64),
    upwards: bool,
) -> String {
    let (leave, arrive) = if upwards {
        (above, tip + 4.0)
    } else {
        (below, tip - 4.0)
    };
    let bow = (arrive - leave) * 0.6;
    let (begin, end) = (leave + bow, arrive - bow);
    format!("M{x:.1} {leave}C{x:.1} {begin} {to_x:.1} {end} {to_x:.1} {arrive}")
}
