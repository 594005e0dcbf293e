//! A run as a still picture, for a README: light or dark as the reader's screen is.
//!
//! `Layout` says where everything stands; here it is drawn: a lane per worker, polls as blocks with their names and lengths,
//! arrows for wakes and spawns, thin lines for parks, signs for timers and sockets, a legend that says what is not to scale.
//! The sentences of the events are in the `<title>` of each shape, which a browser shows under the mouse.

use std::fmt::{self, Write};
use std::time::Duration;

use super::Trace;
use super::event::{Event, Kind, Outcome};
use super::json::{outcome_word, word};
use super::layout::{Layout, WIDTH, duration, shortened};
use super::timeline::{Arrow, Mark, Span, Timeline, What, lane_name};

/// Where the rows begin: left of that are the names of the lanes.
const LEFT: f64 = 112.0;
/// Where the first row begins.
const TOP: f64 = 54.0;
/// The height of a lane, of its blocks, and of the free space over them.
const LANE: f64 = 76.0;
const BLOCK: f64 = 36.0;
const OVER: f64 = 22.0;
/// The height of a row's time axis.
const AXIS: f64 = 40.0;
/// So many hues tell tasks apart; then they repeat. `main` has the first.
const HUES: [u32; 9] = [38, 200, 140, 330, 265, 15, 175, 85, 235];
/// So many tasks are in the legend.
const LISTED: usize = 12;

/// The parts that are the same in every picture. A block's colours come from its hue `--h`.
const STYLE: &str = "\
svg{--paper:#fbfaf6;--line:#ddd7ca;--ink:#29241c;--soft:#7a7264;--park:#b3aa99;--wake:#c2571a;--spawn:#5f7f2c;\
--timer:#8a4fb0;--ready:#1f7fa8;--alarm:#c62f2f;--brass:#a86c1d;--s:68%;--l:84%;--es:48%;--el:44%}\
@media(prefers-color-scheme:dark){svg{--paper:#171512;--line:#39342c;--ink:#ece5d8;--soft:#9c9382;--park:#6b6357;\
--wake:#f29455;--spawn:#a3c765;--timer:#c79be6;--ready:#63c0e6;--alarm:#ff7b72;--brass:#d9a350;--s:38%;--l:28%;--es:52%;--el:60%}}\
text{font:12px system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:var(--ink)}\
.soft,.length{fill:var(--soft);font-size:10px}.title{font-size:15px;font-weight:600}\
.block{fill:hsl(var(--h),var(--s),var(--l));stroke:hsl(var(--h),var(--es),var(--el))}\
.done{fill:hsl(var(--h),var(--es),var(--el))}.panicked .block{stroke:var(--alarm);stroke-width:2.5}\
.poll text,.job text{font-weight:600}.poll .length,.job .length{font-weight:400;fill:var(--ink);opacity:.75}\
.park{stroke:var(--park);stroke-width:1.5}.serve{fill:var(--park)}\
.wake,.spawn{fill:none;stroke-width:1.5}.wake{stroke:var(--wake)}.spawn{stroke:var(--spawn);stroke-dasharray:4 3}\
.wake-head{fill:var(--wake)}.spawn-head{fill:var(--spawn)}\
.timer{stroke:var(--timer);fill:none;stroke-width:1.5}.fired{fill:var(--timer)}.ready{fill:var(--ready)}\
.other{fill:var(--spawn)}.alarm{fill:var(--alarm)}.grid{stroke:var(--line);fill:none}.paper{fill:var(--paper)}\
.break{stroke:var(--soft);fill:none}.later{fill:var(--brass);font-size:10px}";

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
        svg(&self.events(), self.lost())
    }
}

fn svg(events: &[Event], lost: u64) -> String {
    let timeline = Timeline::new(events, lost);
    let picture = Picture {
        layout: Layout::new(&timeline),
        lanes: used(&timeline),
        timeline: &timeline,
    };
    let mut out = String::new();
    for span in timeline
        .spans
        .iter()
        .filter(|span| picture.shows(span.first.unwrap_or(timeline.first_of[span.lane])))
    {
        picture.span(&mut out, span);
    }
    picture.rows(&mut out);
    for mark in timeline
        .marks
        .iter()
        .filter(|mark| picture.shows(mark.event))
    {
        picture.mark(&mut out, mark);
    }
    for arrow in timeline
        .arrows
        .iter()
        .filter(|arrow| picture.shows(arrow.event))
    {
        picture.arrow(&mut out, arrow);
    }
    let height = picture.legend(&mut out);
    let width = LEFT + WIDTH + 28.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\">\n\
         <title>A run of samovar</title>\n<style>{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{width}\" height=\"{height}\" rx=\"10\"/>\n{out}</svg>\n"
    )
}

/// For each lane its line in the picture: lanes on which nothing is to be seen have none.
fn used(timeline: &Timeline<'_>) -> Vec<Option<usize>> {
    let mut lines = 0;
    let lanes = 0..timeline.lanes.len();
    lanes
        .map(|lane| {
            let seen = timeline.spans.iter().any(|span| span.lane == lane)
                || timeline
                    .arrows
                    .iter()
                    .any(|arrow| timeline.lane_of[arrow.event] == lane)
                || timeline.marks.iter().any(|mark| mark.lane == lane);
            lines += usize::from(seen);
            seen.then(|| lines - 1)
        })
        .collect()
}

/// What is drawn, and where.
struct Picture<'a> {
    timeline: &'a Timeline<'a>,
    layout: Layout,
    /// For each lane its line in a row.
    lanes: Vec<Option<usize>>,
}

impl Picture<'_> {
    /// Whether an event is inside the picture.
    fn shows(&self, event: usize) -> bool {
        event < self.layout.shown
    }

    /// The height of a row.
    fn row_height(&self) -> f64 {
        self.lanes.iter().flatten().count() as f64 * LANE + AXIS
    }

    /// The upper edge of the blocks of a lane.
    fn y(&self, row: usize, lane: usize) -> f64 {
        TOP + row as f64 * self.row_height() + self.lanes[lane].unwrap_or(0) as f64 * LANE + OVER
    }

    /// The title, and for each row the names of the lanes, the breaks and the times.
    fn rows(&self, out: &mut String) {
        let polls = self
            .timeline
            .spans
            .iter()
            .filter(|span| matches!(span.what, What::Poll(..)))
            .count();
        let length = match self.timeline.events {
            [first, .., last] => last.at.saturating_sub(first.at),
            _ => Duration::ZERO,
        };
        let all = self.timeline.events.len();
        put(
            out,
            format_args!(r#"<text class="title" x="16" y="30">A run of samovar</text>"#),
        );
        let mut facts = format!("{all} events, {polls} polls, {}", duration(length));
        if self.layout.shown < all {
            let _ = write!(
                facts,
                "; here are the first {} events, the page (.html) shows all",
                self.layout.shown
            );
        }
        if self.timeline.lost > 0 {
            let _ = write!(facts, "; {} older events are lost", self.timeline.lost);
        }
        put(
            out,
            format_args!(r#"<text class="soft" x="176" y="30">{facts}</text>"#),
        );
        for row in 0..self.layout.rows.len() - 1 {
            let (top, bottom) = (
                TOP + row as f64 * self.row_height(),
                TOP + (row + 1) as f64 * self.row_height() - AXIS,
            );
            for (lane, name) in self
                .timeline
                .lanes
                .iter()
                .enumerate()
                .filter(|(lane, _)| self.lanes[*lane].is_some())
            {
                let y = self.y(row, lane) + BLOCK / 2.0 + 4.0;
                put(
                    out,
                    format_args!(
                        r#"<text x="16" y="{y}">{}</text>"#,
                        Xml(&shortened(&lane_name(name)))
                    ),
                );
            }
            let (right, baseline) = (
                LEFT + self.layout.rows[row + 1] - self.layout.rows[row],
                bottom + 6.0,
            );
            put(
                out,
                format_args!(r#"<path class="grid" d="M{LEFT} {top}V{baseline}H{right:.1}"/>"#),
            );
        }
        self.times(out);
    }

    /// The breaks with their lengths, and the moments at which blocks begin, where there is room to write them.
    fn times(&self, out: &mut String) {
        let y = |row: usize| TOP + (row + 1) as f64 * self.row_height() - AXIS + 6.0;
        let mut taken: Vec<(usize, f64, f64)> = Vec::new();
        let end = self.layout.rows[self.layout.rows.len() - 1];
        for &(middle, length) in self
            .layout
            .breaks
            .iter()
            .filter(|(middle, _)| *middle < end)
        {
            let (row, x) = self.layout.place(middle);
            let (x, top, bottom) = (LEFT + x, y(row) - self.row_height() + AXIS, y(row));
            let (left, height) = (x - 8.0, bottom - top - 1.0);
            put(
                out,
                format_args!(
                    r#"<rect class="paper" x="{left:.1}" y="{top}" width="16" height="{height}"/>"#
                ),
            );
            for x in [x - 8.0, x + 8.0] {
                let mut zigzag = format!("M{:.1} {:.1}", x - 2.5, top + 4.0);
                for step in 1..((bottom - top) / 7.0) as usize + 1 {
                    let _ = write!(zigzag, "l{} 7", if step % 2 == 1 { 5 } else { -5 });
                }
                put(out, format_args!(r#"<path class="break" d="{zigzag}"/>"#));
            }
            put(
                out,
                format_args!(
                    r#"<text class="later" text-anchor="middle" x="{x:.1}" y="{:.1}">{} later</text>"#,
                    bottom + 15.0,
                    duration(length)
                ),
            );
            taken.push((row, x - 34.0, x + 34.0));
        }
        for span in self
            .timeline
            .spans
            .iter()
            .filter(|span| matches!(span.what, What::Poll(..) | What::Job(_)))
        {
            let Some(first) = span.first.filter(|first| self.shows(*first)) else {
                continue;
            };
            let (row, x) = self.layout.place(self.layout.x[first]);
            let (left, right) = (LEFT + x - 4.0, LEFT + x + 62.0);
            if taken
                .iter()
                .all(|&(r, a, b)| r != row || right < a || left > b)
            {
                let (x, y, at) = (LEFT + x, y(row), moment(self.timeline.events[first].at));
                put(
                    out,
                    format_args!(
                        r#"<path class="grid" d="M{x:.1} {y}v6"/><text class="soft" x="{x:.1}" y="{:.1}">{at}</text>"#,
                        y + 15.0
                    ),
                );
                taken.push((row, left, right));
            }
        }
    }

    fn span(&self, out: &mut String, span: &Span) {
        let (begin, end) = self.layout.span(self.timeline, span);
        let parts = self.layout.stretches(begin, end);
        let (class, actor, outcome) = match span.what {
            What::Poll(actor, outcome) => ("poll", actor, outcome),
            What::Job(actor) => ("job", actor, None),
            What::Park | What::Serve => return self.thin(out, span, &parts),
        };
        let length = duration(
            self.timeline
                .end(span)
                .saturating_sub(self.timeline.begin(span)),
        );
        let state = outcome.map_or("", outcome_word);
        put(
            out,
            format_args!(r#"<g class="{class} {state}" style="--h:{}">"#, hue(actor)),
        );
        let label = self.timeline.actors[actor].label();
        self.title(out, &format!("{label}: {length}"), [span.first, span.last]);
        for &(row, a, b) in &parts {
            let (x, y, width) = (LEFT + a, self.y(row, span.lane), b - a);
            put(
                out,
                format_args!(
                    r#"<rect class="block" x="{x:.1}" y="{y}" width="{width:.1}" height="{BLOCK}" rx="5"/>"#
                ),
            );
        }
        let &(row, _, b) = &parts[parts.len() - 1];
        if outcome == Some(Outcome::Ready) {
            let (x, y) = (LEFT + b - 5.0, self.y(row, span.lane));
            put(
                out,
                format_args!(
                    r#"<path class="done" d="M{x:.1} {y}v{BLOCK}a5 5 0 0 0 5 -5v-26a5 5 0 0 0 -5 -5"/>"#
                ),
            );
        }
        // The name goes where there is the most room.
        let widest = parts
            .iter()
            .max_by(|(_, a, b), (_, c, d)| (b - a).total_cmp(&(d - c)));
        let &(row, a, _) = widest.expect("a span has at least one part");
        let (x, y) = (LEFT + a + 7.0, self.y(row, span.lane));
        put(
            out,
            format_args!(
                r#"<text x="{x:.1}" y="{}">{}</text>"#,
                y + 15.0,
                Xml(&shortened(&label))
            ),
        );
        put(
            out,
            format_args!(
                r#"<text class="length" x="{x:.1}" y="{}">{length}</text></g>"#,
                y + 29.0
            ),
        );
    }

    /// A park is a line, and what a worker does between polls a bar.
    fn thin(&self, out: &mut String, span: &Span, parts: &[(usize, f64, f64)]) {
        let (class, name) = if span.what == What::Park {
            ("park", "parked")
        } else {
            ("serve", "serves reactor and timers")
        };
        put(out, format_args!("<g>"));
        let length = duration(
            self.timeline
                .end(span)
                .saturating_sub(self.timeline.begin(span)),
        );
        self.title(out, &format!("{name}: {length}"), [span.first, span.last]);
        for &(row, a, b) in parts {
            let (x, y) = (LEFT + a, self.y(row, span.lane) + BLOCK / 2.0);
            if span.what == What::Park {
                put(
                    out,
                    format_args!(r#"<path class="{class}" d="M{x:.1} {y}H{:.1}"/>"#, LEFT + b),
                );
            } else {
                put(
                    out,
                    format_args!(
                        r#"<rect class="{class}" x="{x:.1}" y="{}" width="{:.1}" height="8"/>"#,
                        y - 4.0,
                        b - a
                    ),
                );
            }
        }
        put(out, format_args!("</g>"));
    }

    /// What the mouse shows: a headline, and the sentences of these events.
    fn title(&self, out: &mut String, headline: &str, events: [Option<usize>; 2]) {
        let mut text = headline.to_owned();
        for event in events
            .into_iter()
            .flatten()
            .map(|event| &self.timeline.events[event])
        {
            let _ = write!(text, "\n{}  {event}", moment(event.at));
        }
        put(out, format_args!("<title>{}</title>", Xml(&text)));
    }

    /// Under the block in which it happened, or on the line of the worker.
    fn mark(&self, out: &mut String, mark: &Mark) {
        let event = &self.timeline.events[mark.event];
        let (row, x) = self.layout.place(self.layout.x[mark.event]);
        let (x, under) = (LEFT + x, self.layout.in_poll[mark.event]);
        let y = self.y(row, mark.lane) + if under { BLOCK + 9.0 } else { BLOCK / 2.0 };
        put(out, format_args!("<g>"));
        self.title(out, word(&event.kind), [Some(mark.event), None]);
        sign(out, &event.kind, x + 5.0, y);
        if let (Kind::TimerSet { after, .. }, true) = (&event.kind, under) {
            put(
                out,
                format_args!(
                    r#"<text class="soft" x="{:.1}" y="{:.1}">{}</text>"#,
                    x + 13.0,
                    y + 3.5,
                    duration(*after)
                ),
            );
        }
        put(out, format_args!("</g>"));
    }

    /// From the event to the beginning of the poll. Where that is in another row, only its ends are drawn.
    fn arrow(&self, out: &mut String, arrow: &Arrow) {
        let Some(to) = arrow
            .to
            .map(|to| &self.timeline.spans[to])
            .filter(|to| to.first.is_some_and(|event| self.shows(event)))
        else {
            return;
        };
        let kind = &self.timeline.events[arrow.event].kind;
        let class = if matches!(kind, Kind::Spawned { .. }) {
            "spawn"
        } else {
            "wake"
        };
        let from_lane = self.timeline.lane_of[arrow.event];
        let poll = arrow
            .from
            .map(|from| &self.timeline.spans[from])
            .filter(|from| matches!(from.what, What::Poll(..) | What::Job(_)));
        // A wake right after a poll leaves from its edge.
        let last = poll.map_or(f64::INFINITY, |poll| {
            self.layout.span(self.timeline, poll).1 - 8.0
        });
        let (from_row, a) = self.layout.place(self.layout.x[arrow.event].min(last));
        let (to_row, b) = self.layout.place(self.layout.span(self.timeline, to).0);
        let (a, b) = (LEFT + a + 4.0, LEFT + b + 4.0);
        let (above, below) = if poll.is_some() {
            (0.0, BLOCK)
        } else {
            (BLOCK / 2.0 - 5.0, BLOCK / 2.0 + 5.0)
        };
        let (from, arrival) = (self.y(from_row, from_lane), self.y(to_row, to.lane));
        put(out, format_args!("<g>"));
        let name = self.timeline.actors[arrow.actor].label();
        self.title(
            out,
            &format!("{class} of {name}"),
            [Some(arrow.event), to.first],
        );
        let path = if from_row != to_row {
            let (leave, over) = (from + above, arrival - 10.0);
            format!(
                "M{a:.1} {leave:.1}q0 -10 12 -10M{:.1} {over:.1}Q{b:.1} {over:.1} {b:.1} {:.1}",
                b - 12.0,
                arrival - 4.0
            )
        } else if from_lane == to.lane {
            let rise = (6.0 + (b - a).abs() / 14.0).min(17.0);
            let top = arrival - rise;
            format!(
                "M{a:.1} {:.1}C{a:.1} {top:.1} {b:.1} {top:.1} {b:.1} {:.1}",
                from + above,
                arrival - 4.0
            )
        } else {
            let down = arrival > from;
            let (leave, arrive) = if down {
                (from + below, arrival - 4.0)
            } else {
                (from + above, arrival + BLOCK + 4.0)
            };
            let bow = (arrive - leave) * 0.6;
            format!(
                "M{a:.1} {leave:.1}C{a:.1} {:.1} {b:.1} {:.1} {b:.1} {arrive:.1}",
                leave + bow,
                arrive - bow
            )
        };
        put(out, format_args!(r#"<path class="{class}" d="{path}"/>"#));
        let from_below = from_row == to_row && arrival < from;
        let (tip, back) = if from_below {
            (arrival + BLOCK, 7.0)
        } else {
            (arrival, -7.0)
        };
        put(
            out,
            format_args!(r#"<path class="{class}-head" d="M{b:.1} {tip:.1}l-3.5 {back}h7z"/></g>"#),
        );
    }

    /// What the signs mean, and which task has which colour. Returns the height of the picture.
    fn legend(&self, out: &mut String) -> f64 {
        let top = TOP + (self.layout.rows.len() - 1) as f64 * self.row_height() + 14.0;
        let mut line = Line {
            out,
            x: 16.0,
            y: top,
        };
        line.item(30.0, "a poll: name, and how long it took", |out, x, y| {
            put(out, format_args!(r#"<g style="--h:200"><rect class="block" x="{x}" y="{}" width="24" height="13" rx="3"/></g>"#, y - 10.0));
        });
        line.item(30.0, "a task's last poll", |out, x, y| {
            put(out, format_args!(r#"<g style="--h:200"><rect class="block" x="{x}" y="{}" width="24" height="13" rx="3"/><rect class="done" x="{}" y="{}" width="5" height="13"/></g>"#, y - 10.0, x + 19.0, y - 10.0));
        });
        for (class, text) in [("spawn", "spawn"), ("wake", "wake")] {
            line.item(30.0, text, |out, x, y| {
                let (end, y) = (x + 24.0, y - 4.0);
                put(out, format_args!(r#"<path class="{class}" d="M{x} {y}h18"/><path class="{class}-head" d="M{end} {y}l-7 -3.5v7z"/>"#));
            });
        }
        line.item(30.0, "parked", |out, x, y| {
            put(
                out,
                format_args!(r#"<path class="park" d="M{x} {}h24"/>"#, y - 4.0),
            )
        });
        line.item(30.0, "serves reactor and timers", |out, x, y| {
            put(
                out,
                format_args!(
                    r#"<rect class="serve" x="{x}" y="{}" width="24" height="8"/>"#,
                    y - 8.0
                ),
            )
        });
        let mut seen = Vec::new();
        for mark in &self.timeline.marks {
            let kind = &self.timeline.events[mark.event].kind;
            if !seen.contains(&word(kind)) {
                seen.push(word(kind));
                let text = if matches!(kind, Kind::Woken { .. }) {
                    "a wake that changed nothing"
                } else {
                    word(kind)
                };
                line.item(17.0, text, |out, x, y| sign(out, kind, x + 6.0, y - 4.0));
            }
        }
        if !self.layout.breaks.is_empty() {
            line.item(17.0, "a wait of everybody, cut short", |out, x, y| {
                put(
                    out,
                    format_args!(
                        r#"<path class="break" d="M{x} {0}l4 4l-4 4l4 4M{1} {0}l4 4l-4 4l4 4"/>"#,
                        y - 10.0,
                        x + 7.0
                    ),
                );
            });
        }
        line.item(
            0.0,
            "time runs to the right, not to scale: the numbers are true",
            |_, _, _| (),
        );
        line.next();
        self.who(&mut line);
        line.y + 20.0
    }

    /// The colours of a few tasks; of many, only how many were spawned where.
    fn who(&self, line: &mut Line<'_>) {
        let actors = &self.timeline.actors;
        if actors.len() <= LISTED {
            for (actor, known) in actors.iter().enumerate() {
                let place = known
                    .place
                    .as_deref()
                    .map_or(String::new(), |place| format!(", spawned at {place}"));
                line.item(18.0, &format!("{}{place}", known.label()), |out, x, y| {
                    put(out, format_args!(r#"<g style="--h:{}"><rect class="block" x="{x}" y="{}" width="11" height="11" rx="3"/></g>"#, hue(actor), y - 9.5));
                });
            }
            return;
        }
        let mut places: Vec<(&str, usize)> = Vec::new();
        for place in actors.iter().filter_map(|actor| actor.place.as_deref()) {
            match places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, count)) => *count += 1,
                None => places.push((place, 1)),
            }
        }
        for (place, count) in places.iter().take(LISTED) {
            line.item(0.0, &format!("{count} spawned at {place}"), |_, _, _| ());
        }
    }
}

/// A line of the legend, which goes on in the next where it is full.
struct Line<'a> {
    out: &'a mut String,
    x: f64,
    y: f64,
}

impl Line<'_> {
    /// A sign of this width, and what it means.
    fn item(&mut self, width: f64, text: &str, draw: impl FnOnce(&mut String, f64, f64)) {
        let needs = width + text.chars().count() as f64 * 5.7 + 20.0;
        if self.x + needs > LEFT + WIDTH + 28.0 {
            self.next();
        }
        draw(self.out, self.x, self.y);
        let x = self.x + width;
        put(
            self.out,
            format_args!(
                r#"<text class="soft" x="{x:.1}" y="{}">{}</text>"#,
                self.y,
                Xml(text)
            ),
        );
        self.x += needs;
    }

    fn next(&mut self) {
        (self.x, self.y) = (16.0, self.y + 20.0);
    }
}

/// The sign of a moment.
fn sign(out: &mut String, kind: &Kind, x: f64, y: f64) {
    match kind {
        Kind::TimerSet { .. } => put(
            out,
            format_args!(
                r#"<circle class="timer" cx="{x:.1}" cy="{y:.1}" r="4.5"/><path class="timer" d="M{x:.1} {:.1}v2.8h2"/>"#,
                y - 2.8
            ),
        ),
        Kind::TimerFired { .. } => put(
            out,
            format_args!(r#"<circle class="fired" cx="{x:.1}" cy="{y:.1}" r="5"/>"#),
        ),
        Kind::Ready { .. } => put(
            out,
            format_args!(
                r#"<rect class="ready" x="{:.1}" y="{:.1}" width="9" height="9"/>"#,
                x - 4.5,
                y - 4.5
            ),
        ),
        Kind::Woken { .. } => put(
            out,
            format_args!(r#"<circle class="wake-head" cx="{x:.1}" cy="{y:.1}" r="2.2"/>"#),
        ),
        Kind::Stolen { .. } => put(
            out,
            format_args!(
                r#"<path class="other" d="M{x:.1} {:.1}l5 9h-10z"/>"#,
                y - 5.0
            ),
        ),
        _ => put(
            out,
            format_args!(
                r#"<path class="alarm" d="M{x:.1} {:.1}l5 5l-5 5l-5 -5z"/>"#,
                y - 5.0
            ),
        ),
    }
}

/// The hue of `main` or a task.
fn hue(actor: usize) -> u32 {
    HUES[actor % HUES.len()]
}

/// A moment of the run, to a tenth of a microsecond.
fn moment(at: Duration) -> String {
    match at.as_nanos() {
        0..1_000_000 => format!("{:.1} µs", at.as_secs_f64() * 1e6),
        1_000_000..1_000_000_000 => format!("{:.3} ms", at.as_secs_f64() * 1e3),
        _ => format!("{:.6} s", at.as_secs_f64()),
    }
}

fn put(out: &mut String, line: fmt::Arguments<'_>) {
    let _ = out.write_fmt(line);
    out.push('\n');
}

/// Text inside XML.
struct Xml<'a>(&'a str);

impl fmt::Display for Xml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                // XML cannot say these, not even escaped.
                '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {
                    f.write_char('\u{fffd}')?
                }
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
