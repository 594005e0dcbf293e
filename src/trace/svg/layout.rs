//! Where the events of a run stand in a picture that is to be read like a score: in rows, each block wide enough for its name.
//!
//! Rejected: a picture to scale, which is unreadable, for polls take microseconds and waits take seconds. So the picture keeps
//! the order, not the scale. Every event stands right of those before it, further the more time has passed (with the
//! logarithm), and far enough for what is written at it. A wait of everybody becomes a break of fixed width. The true lengths
//! are written down.
//!
//! A long run goes on in the next row, as music does, where possible between two polls.

use std::time::Duration;

use crate::trace::event::{Event, Kind, Outcome};
use crate::trace::timeline::{Span, SpanKind, Timeline};

/// How wide a row is.
pub(super) const WIDTH: f64 = 1000.0;

/// From this length on, a wait of everybody is a break.
const LONG: Duration = Duration::from_millis(1);

/// How wide a break is.
const BREAK: f64 = 76.0;

/// More rows are no picture any more.
const MOST_ROWS: usize = 8;

/// Places for all events.
pub(super) struct Layout {
    /// How far right each event stands, as if there was but one row.
    pub x: Vec<f64>,
    /// Whether the event happened inside a poll.
    pub in_poll: Vec<bool>,
    /// The middles of the breaks, and what they cut out.
    pub breaks: Vec<(f64, Duration)>,
    /// Where each row begins; the last entry is where the last row ends.
    pub rows: Vec<f64>,
    /// How many events are left of the end.
    pub shown: usize,
}

impl Layout {
    /// Finds a place for every event.
    pub fn new(timeline: &Timeline<'_>) -> Layout {
        let mut walk = Walk {
            layout: Layout {
                x: Vec::new(),
                in_poll: Vec::new(),
                breaks: Vec::new(),
                rows: vec![0.0],
                shown: 0,
            },
            x: 0.0,
            free: vec![0.0; timeline.lanes.len()],
            polls: vec![0; timeline.lanes.len()],
            cuts: [None; 2],
            at: timeline
                .events
                .first()
                .map_or(Duration::ZERO, |event| event.at),
        };
        let mut ends: Vec<Option<&Span>> = timeline.events.iter().map(|_| None).collect();
        for span in &timeline.spans {
            if let Some(last) = span.last {
                ends[last] = Some(span);
            }
        }
        for (event, ended) in ends.into_iter().enumerate() {
            walk.step(timeline, event, ended);
        }
        walk.x += 20.0;
        walk.turn();
        walk.layout.end(walk.x);
        walk.layout
    }

    /// Fixes where the last row ends, and what is before that.
    fn end(&mut self, end: f64) {
        self.rows.push(end);
        self.rows.truncate(MOST_ROWS + 1);
        let end = self.rows[self.rows.len() - 1];
        self.shown = self.x.partition_point(|&x| x < end);
    }

    /// In which row a place is, and how far right in it.
    pub fn place(&self, x: f64) -> (usize, f64) {
        let row = self
            .rows
            .partition_point(|&row| row <= x)
            .clamp(1, self.rows.len() - 1)
            - 1;
        (row, x - self.rows[row])
    }

    /// A stretch, row by row: row, begin and end in it.
    pub fn stretches(&self, begin: f64, end: f64) -> Vec<(usize, f64, f64)> {
        let rows = self.place(begin).0..=self.place(end).0;
        let part = |row: usize| {
            let (left, right) = (self.rows[row], self.rows[row + 1]);
            (row, begin.max(left) - left, end.min(right) - left)
        };
        rows.map(part).collect()
    }

    /// Where a span begins and ends.
    pub fn span(&self, timeline: &Timeline<'_>, span: &Span) -> (f64, f64) {
        let end = self.rows[self.rows.len() - 1];
        let first = timeline.first(span);
        (
            self.x[first],
            span.last.map_or(end, |event| self.x[event].min(end)),
        )
    }
}

/// Goes through the events from left to right.
struct Walk {
    /// The places found so far.
    layout: Layout,
    /// The place of the last event.
    x: f64,
    /// For each lane, where it is free again.
    free: Vec<f64>,
    /// For each lane, how many polls are open.
    polls: Vec<usize>,
    /// The last places where a new row could have begun: without cutting a poll, and cutting only others' polls.
    cuts: [Option<f64>; 2],
    /// The time of the last event.
    at: Duration,
}

impl Walk {
    /// Finds the place of the next event, and with it the width of the span that it ends.
    fn step(&mut self, timeline: &Timeline<'_>, event: usize, ended: Option<&Span>) {
        let lane = timeline.lane_of[event];
        let Event { at, kind, .. } = &timeline.events[event];
        let passed = at.saturating_sub(self.at);
        let nobody_polls = self.polls.iter().all(|&polls| polls == 0);
        let starts = matches!(kind, Kind::PollBegan { .. } | Kind::JobBegan { .. });
        let ends = matches!(kind, Kind::PollEnded { .. } | Kind::JobEnded { .. });
        if nobody_polls && passed >= LONG {
            self.layout.breaks.push((self.x + BREAK / 2.0, passed));
            self.x += BREAK;
        } else {
            self.x += 3.0 * (1.0 + passed.as_secs_f64() * 1e6).ln();
        }
        self.x = self.x.max(self.free[lane]);
        if let Some((first, span)) = ended.and_then(|span| Some((span.first?, span))) {
            self.x = self.x.max(self.layout.x[first] + width(timeline, span));
        }
        if starts || matches!(kind, Kind::Unparked { .. }) {
            self.turn();
            self.cuts[usize::from(!nobody_polls)] = Some(self.x - 5.0);
        }
        self.at = self.at.max(*at);
        self.polls[lane] = if starts {
            self.polls[lane] + 1
        } else {
            self.polls[lane].saturating_sub(usize::from(ends))
        };
        self.layout.x.push(self.x);
        self.layout.in_poll.push(self.polls[lane] > 0);
        self.free[lane] = self.x + room(kind);
    }

    /// Begins a new row if this one is full: at the last good place, or else where it is full.
    fn turn(&mut self) {
        let full = |rows: &[f64]| rows[rows.len() - 1] + WIDTH;
        while self.x > full(&self.layout.rows) {
            let full = full(&self.layout.rows);
            let good = |cut: &&f64| **cut > full - WIDTH / 2.0;
            let cut = self.cuts.iter().flatten().find(good).copied();
            self.cuts = [None; 2];
            self.layout.rows.push(cut.unwrap_or(full));
        }
    }
}

/// What must fit into a span: its name, and below it how long it took.
fn width(timeline: &Timeline<'_>, span: &Span) -> f64 {
    match span.kind {
        SpanKind::Poll(actor, _) | SpanKind::Job(actor) => {
            let name = shortened(&timeline.actors[actor].label()).chars().count() as f64 * 7.4;
            let length = duration(timeline.length(span)).chars().count() as f64 * 6.0;
            // The last poll of a task has a thick right edge.
            let edge = if matches!(span.kind, SpanKind::Poll(_, Some(Outcome::Ready))) {
                5.0
            } else {
                0.0
            };
            name.max(length) + 14.0 + edge
        }
        SpanKind::Park => 16.0,
        SpanKind::Serve => 12.0,
    }
}

/// What must be free right of an event.
fn room(kind: &Kind) -> f64 {
    match kind {
        Kind::TimerSet { after, .. } => 14.0 + duration(*after).chars().count() as f64 * 5.6,
        Kind::TimerFired { .. }
        | Kind::Ready { .. }
        | Kind::Stolen { .. }
        | Kind::Blocked { .. }
        | Kind::NeverWakes { .. }
        | Kind::Cancelled { .. }
        | Kind::Aborted { .. } => 15.0,
        Kind::PollBegan { .. } | Kind::JobBegan { .. } => 8.0,
        Kind::PollEnded { .. } | Kind::JobEnded { .. } => 7.0,
        Kind::Spawned { .. } | Kind::Woken { .. } => 9.0,
        _ => 0.0,
    }
}

/// A name that fits into a block.
pub(super) fn shortened(name: &str) -> String {
    match name.char_indices().nth(22) {
        Some((end, _)) if name.chars().count() > 23 => format!("{}…", &name[..end]),
        _ => name.to_owned(),
    }
}

/// A length of time in three digits: `17.2 µs`.
pub(super) fn duration(length: Duration) -> String {
    let nanos = length.as_nanos() as f64;
    // 999.7 µs would be rounded to 1000 µs.
    let units = [("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)];
    let unit = units.into_iter().find(|(_, size)| nanos / size < 999.5);
    let (unit, size) = unit.unwrap_or(("s", 1e9));
    let value = nanos / size;
    let digits = match value {
        _ if unit == "ns" => 0,
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let text = if digits > 0 {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text} {unit}")
}

/// A moment of the run, to a tenth of a microsecond.
pub(super) fn moment(at: Duration) -> String {
    match at.as_nanos() {
        0..1_000_000 => format!("{:.1} µs", at.as_secs_f64() * 1e6),
        1_000_000..1_000_000_000 => format!("{:.3} ms", at.as_secs_f64() * 1e3),
        _ => format!("{:.6} s", at.as_secs_f64()),
    }
}
