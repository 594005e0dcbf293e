//! What the signs of the still picture mean, and which task has which colour.

use super::layout::Layout;
use super::pen::Pen;
use crate::trace::event::Kind;
use crate::trace::timeline::Timeline;
use crate::trace::words::short_name;

/// So many tasks are listed with their colours.
const LISTED: usize = 12;

/// So many hues tell tasks apart; then they repeat. `main` has the first.
const HUES: [u32; 9] = [38, 200, 140, 330, 265, 15, 175, 85, 235];

/// The hue of `main` or a task.
pub(super) fn hue(actor: usize) -> u32 {
    HUES[actor % HUES.len()]
}

/// Where lines begin.
const LEFT: f64 = 16.0;

/// Draws the legend from `top` down, between `LEFT` and `right`. Returns where it ends.
pub(super) fn legend(
    pen: &mut Pen,
    timeline: &Timeline<'_>,
    layout: &Layout,
    top: f64,
    right: f64,
) -> f64 {
    let mut legend = Legend {
        pen,
        x: LEFT,
        y: top,
        right,
    };
    legend.shapes();
    legend.signs(timeline, layout.shown);
    if !layout.breaks.is_empty() {
        legend.item(17.0, "a wait of everybody, cut short", |pen, x, y| {
            pen.zigzag(x + 3.0, y - 11.0, 2);
            pen.zigzag(x + 10.0, y - 11.0, 2);
        });
    }
    legend.item(
        0.0,
        "time runs to the right, not to scale: the numbers are true",
        |_, _, _| (),
    );
    legend.next();
    legend.tasks(timeline);
    legend.y + 20.0
}

/// Lines of signs and words.
struct Legend<'a> {
    /// Draws them.
    pen: &'a mut Pen,
    /// Where the next item goes: its left edge.
    x: f64,
    /// And the line that its words stand on.
    y: f64,
    /// Where lines end.
    right: f64,
}

impl Legend<'_> {
    /// A sign of this width, and what it means.
    fn item(&mut self, width: f64, text: &str, draw: impl FnOnce(&mut Pen, f64, f64)) {
        let needs = width + text.chars().count() as f64 * 5.5 + 18.0;
        if self.x + needs > self.right {
            self.next();
        }
        draw(self.pen, self.x, self.y);
        self.pen.text("soft", self.x + width, self.y, text);
        self.x += needs;
    }

    /// Begins a line.
    fn next(&mut self) {
        (self.x, self.y) = (LEFT, self.y + 20.0);
    }

    /// What every picture has.
    fn shapes(&mut self) {
        let block = |pen: &mut Pen, x, y| pen.rect("block", (x, y - 10.0), (24.0, 13.0), 3.0);
        self.item(30.0, "a poll, and how long it took", |pen, x, y| {
            pen.group("", hue(1), "a poll", |pen| block(pen, x, y));
        });
        self.item(30.0, "a task's last poll", |pen, x, y| {
            pen.group("", hue(1), "a task's last poll", |pen| {
                block(pen, x, y);
                pen.rect("edge", (x + 19.0, y - 10.0), (5.0, 13.0), 0.0);
            });
        });
        for class in ["spawn", "wake"] {
            self.item(30.0, class, |pen, x, y| {
                pen.path(class, format_args!("M{x:.1} {:.1}h18", y - 4.0));
                pen.tip(class, (x + 24.0, y - 4.0), (1.0, 0.0));
            });
        }
        self.item(30.0, "parked", |pen, x, y| {
            pen.path("park", format_args!("M{x:.1} {:.1}h24", y - 4.0))
        });
        self.item(30.0, "serves reactor and timers", |pen, x, y| {
            pen.rect("serve", (x, y - 8.0), (24.0, 8.0), 0.0);
        });
    }

    /// The signs of the marks among the first `shown` events, each once.
    fn signs(&mut self, timeline: &Timeline<'_>, shown: usize) {
        let mut seen = Vec::new();
        for mark in timeline.marks.iter().filter(|mark| mark.event < shown) {
            let kind = &timeline.events[mark.event].kind;
            let name = short_name(kind);
            if seen.contains(&name) {
                continue;
            }
            seen.push(name);
            let text = match kind {
                Kind::Woken { .. } => "a wake that changed nothing",
                _ => name,
            };
            self.item(17.0, text, |pen, x, y| pen.sign(kind, x + 6.0, y - 4.0));
        }
    }

    /// The colours of a few tasks; of many, only how many were spawned where.
    fn tasks(&mut self, timeline: &Timeline<'_>) {
        if timeline.actors.len() <= LISTED {
            for (actor, known) in timeline.actors.iter().enumerate() {
                let place = known
                    .place
                    .as_deref()
                    .map_or(String::new(), |place| format!(", spawned at {place}"));
                let label = format!("{}{place}", known.label());
                self.item(18.0, &label, |pen, x, y| {
                    pen.group("", hue(actor), &label, |pen| {
                        pen.rect("block", (x, y - 9.5), (11.0, 11.0), 3.0)
                    });
                });
            }
            return;
        }
        let mut places: Vec<(&str, usize)> = Vec::new();
        for place in timeline
            .actors
            .iter()
            .filter_map(|actor| actor.place.as_deref())
        {
            match places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, count)) => *count += 1,
                None => places.push((place, 1)),
            }
        }
        for (place, count) in places.iter().take(LISTED) {
            let tasks = if *count == 1 { "task" } else { "tasks" };
            self.item(
                0.0,
                &format!("{count} {tasks} spawned at {place}"),
                |_, _, _| (),
            );
        }
    }
}
