//! The shapes of the still picture, written as SVG.
//!
//! Colours are in the style sheet alone, once for light and once for dark screens; a block's come from its hue `--h`.

use std::fmt::{self, Display, Write};

use crate::trace::event::{Kind, Outcome};
use crate::trace::timeline::SpanKind;

/// The style sheet.
pub(super) const STYLE: &str = "\
svg{--paper:#fbfaf6;--line:#ddd7ca;--ink:#29241c;--soft:#7a7264;--park:#b3aa99;--wake:#c2571a;--spawn:#5f7f2c;\
--timer:#8a4fb0;--ready:#1f7fa8;--alarm:#c62f2f;--brass:#a86c1d;--s:68%;--l:84%;--es:48%;--el:44%}\
@media(prefers-color-scheme:dark){svg{--paper:#171512;--line:#39342c;--ink:#ece5d8;--soft:#9c9382;--park:#6b6357;\
--wake:#f29455;--spawn:#a3c765;--timer:#c79be6;--ready:#63c0e6;--alarm:#ff7b72;--brass:#d9a350;--s:38%;--l:28%;--es:52%;\
--el:60%}}\
text{font:12px system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:var(--ink)}\
.soft,.length,.later{fill:var(--soft);font-size:10px}.later{fill:var(--brass);text-anchor:middle}\
.headline{font-size:15px;font-weight:600}\
.block{fill:hsl(var(--h),var(--s),var(--l));stroke:hsl(var(--h),var(--es),var(--el))}\
.edge{fill:hsl(var(--h),var(--es),var(--el))}.panicked .block{stroke:var(--alarm);stroke-width:2.5}\
.name{font-weight:600}.length{fill:var(--ink);opacity:.75}\
.park{stroke:var(--park);stroke-width:1.5}.serve{fill:var(--park)}\
.wake,.spawn,.timer{fill:none;stroke-width:1.5}.wake{stroke:var(--wake)}.spawn{stroke:var(--spawn);stroke-dasharray:4 3}\
.wake-head{fill:var(--wake)}.spawn-head{fill:var(--spawn)}.timer{stroke:var(--timer)}.fired{fill:var(--timer)}\
.ready{fill:var(--ready)}.stolen{fill:var(--brass)}.alarm{fill:var(--alarm)}.paper{fill:var(--paper)}\
.grid,.break{stroke:var(--line);fill:none}.break{stroke:var(--soft)}";

/// The height of a block.
pub(super) const BLOCK: f64 = 36.0;

/// What of a span is in one row.
pub(super) struct Part {
    /// Its left edge.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// How far right it goes.
    pub width: f64,
}

/// Writes shapes, one a line.
#[derive(Default)]
pub(super) struct Pen {
    /// What is drawn so far.
    pub out: String,
}

impl Pen {
    /// Shapes that belong together: under the mouse a browser shows `title`.
    pub fn group(&mut self, class: &str, hue: u32, title: &str, draw: impl FnOnce(&mut Pen)) {
        self.line(format_args!(
            "<g class=\"{class}\" style=\"--h:{hue}\"><title>{}</title>",
            Xml(title)
        ));
        draw(self);
        self.line(format_args!("</g>"));
    }

    pub fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let text = Xml(text);
        self.line(format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"
        ));
    }

    pub fn rect(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        round: f64,
    ) {
        self.line(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round}\"/>"
        ));
    }

    pub fn circle(&mut self, class: &str, x: f64, y: f64, radius: f64) {
        self.line(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>"
        ));
    }

    pub fn path(&mut self, class: &str, path: impl Display) {
        self.line(format_args!("<path class=\"{class}\" d=\"{path}\"/>"));
    }

    /// A poll or a job: its name stands where there is the most room, and a task's last poll has a thick right edge.
    pub fn block(&mut self, parts: &[Part], name: &str, length: &str, kind: SpanKind) {
        let round = if matches!(kind, SpanKind::Job(_)) {
            0.0
        } else {
            5.0
        };
        for part in parts {
            self.rect("block", (part.x, part.y), (part.width, BLOCK), round);
        }
        if let (SpanKind::Poll(_, Some(Outcome::Ready)), Some(part)) = (kind, parts.last()) {
            let x = part.x + part.width - 5.0;
            self.path(
                "edge",
                format_args!(
                    "M{x:.1} {}v{BLOCK}a5 5 0 0 0 5 -5v-26a5 5 0 0 0 -5 -5",
                    part.y
                ),
            );
        }
        if let Some(part) = parts.iter().max_by(|a, b| a.width.total_cmp(&b.width)) {
            self.text("name", part.x + 7.0, part.y + 15.0, name);
            self.text("length", part.x + 7.0, part.y + 29.0, length);
        }
    }

    /// The tip of an arrow, pointing by `(dx, dy)`: right `(1, 0)`, down `(0, 1)`, up `(0, -1)`.
    pub fn tip(&mut self, class: &str, (x, y): (f64, f64), (dx, dy): (f64, f64)) {
        let (back_x, back_y) = (x - 7.0 * dx, y - 7.0 * dy);
        let (side_x, side_y) = (3.5 * dy, 3.5 * dx);
        self.path(
            &format!("{class}-head"),
            format_args!(
                "M{x:.1} {y:.1}L{:.1} {:.1}L{:.1} {:.1}z",
                back_x + side_x,
                back_y + side_y,
                back_x - side_x,
                back_y - side_y
            ),
        );
    }

    /// The edge of a break.
    pub fn zigzag(&mut self, x: f64, top: f64, teeth: usize) {
        let mut path = format!("M{:.1} {top:.1}", x - 2.5);
        for tooth in 0..teeth {
            path.push_str(if tooth % 2 == 0 { "l5 7" } else { "l-5 7" });
        }
        self.path("break", path);
    }

    /// The sign of a moment.
    pub fn sign(&mut self, kind: &Kind, x: f64, y: f64) {
        match kind {
            Kind::TimerSet { .. } => {
                self.circle("timer", x, y, 4.5);
                self.path("timer", format_args!("M{x:.1} {:.1}v2.8h2", y - 2.8));
            }
            Kind::TimerFired { .. } => self.circle("fired", x, y, 5.0),
            Kind::Ready { .. } => self.rect("ready", (x - 4.5, y - 4.5), (9.0, 9.0), 0.0),
            Kind::Woken { .. } => self.circle("wake-head", x, y, 2.2),
            Kind::Stolen { .. } => {
                self.path("stolen", format_args!("M{x:.1} {:.1}l5 9h-10z", y - 5.0))
            }
            _ => self.path(
                "alarm",
                format_args!("M{x:.1} {:.1}l5 5l-5 5l-5 -5z", y - 5.0),
            ),
        }
    }

    /// A line of the file.
    fn line(&mut self, line: fmt::Arguments<'_>) {
        let _ = self.out.write_fmt(line);
        self.out.push('\n');
    }
}

/// Text inside an element. (An attribute would need quotes escaped too; no text of a program goes into one.)
struct Xml<'a>(&'a str);

impl Display for Xml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                // XML cannot say these, not even escaped.
                '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {
                    f.write_char('\u{fffd}')?;
                }
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
