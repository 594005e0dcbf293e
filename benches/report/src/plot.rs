//! The plot: a bar per row from 1.0, where both take the same time, to Samovar's share of Tokio's time, on a logarithmic scale.
//!
//! Bars to the left are rows on which Samovar takes less; bars to the right, in another colour, those on which it takes
//! more. A thin line over a bar is the spread over the rounds, a small upright one the target. The colours follow the
//! reader's scheme, light or dark.

use std::fmt::Write;

use crate::page;
use crate::results::{Flavor, Kind, Ratio, Results, Row};
use crate::targets::Targets;

/// The width of the picture, and where its scale begins and ends.
const WIDTH: f64 = 900.0;
const LEFT: f64 = 255.0;
const RIGHT: f64 = 880.0;
/// Where the figures end.
const VALUE: f64 = 240.0;
/// The height of what is above the rows, of a row, and of a section's name.
const TOP: f64 = 92.0;
const STEP: f64 = 17.0;
const HEADING: f64 = 31.0;

/// Light, and dark for those who like it.
const STYLE: &str = "\
    .paper { fill: #fbfaf7; stroke: #e3dfd6; }
    text { font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; fill: #2b2a27; }
    .title { font-size: 17px; font-weight: 600; }
    .heading { font-size: 12px; font-weight: 600; letter-spacing: .06em; fill: #6d6a63; }
    .quiet { fill: #6d6a63; font-size: 11px; }
    .value { font-size: 11px; font-variant-numeric: tabular-nums; }
    .grid { stroke: #e7e3da; }
    .one { stroke: #2b2a27; stroke-width: 1.5; }
    .less { fill: #2f8f83; }
    .more { fill: #cf5b2e; }
    text.more { font-weight: 600; }
    .spread { stroke: #2b2a27; stroke-opacity: .55; }
    .must { stroke: #b8860b; stroke-width: 2; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #1b1d20; stroke: #34373c; }
      text { fill: #e8e6e1; }
      .heading, .quiet { fill: #a09d96; }
      .grid { stroke: #303338; }
      .one, .spread { stroke: #e8e6e1; }
      .less { fill: #3fae9f; }
      .more { fill: #f08a5d; }
      .must { stroke: #e8b931; }
    }";

/// The scale: from which ratio to which.
struct Scale {
    low: f64,
    high: f64,
}

/// The plot of one flavor as SVG.
pub fn draw(results: &Results, targets: &Targets, flavor: &Flavor) -> String {
    let rows: Vec<_> = results
        .ratios(flavor)
        .into_iter()
        .map(|(row, ratio)| {
            let theirs = results.value(&row, flavor.theirs).unwrap_or(f64::NAN);
            let must = targets.find(&row.name, flavor);
            (row, ratio, must.map(|must| must.as_ratio(theirs)))
        })
        .collect();
    let scale = Scale::of(rows.iter().flat_map(|(_, ratio, must)| {
        [Some(ratio.min), Some(ratio.max), *must]
            .into_iter()
            .flatten()
    }));
    let mut body = String::new();
    let mut y = TOP;
    let mut section = "";
    for (row, ratio, must) in &rows {
        if row.section != section {
            section = &row.section;
            y += HEADING;
            let name = escape(&section.to_uppercase());
            let text_y = y - 10.0;
            let _ = writeln!(
                body,
                r#"  <text class="heading" x="20" y="{text_y}">{name}</text>"#
            );
        }
        body += &scale.bar(row, ratio, *must, y);
        y += STEP;
    }
    let bottom = y + 8.0;
    let height = bottom + 26.0;
    let grid = scale.grid(bottom);
    let title = format!("Samovar over Tokio, {}", flavor.name);
    let summary = escape(&page::summary(results, flavor).replace("**", ""));
    let explanation = legend();
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="{title}">
  <style>
    {STYLE}
  </style>
  <rect class="paper" x=".5" y=".5" width="{}" height="{}" rx="8"/>
  <text class="title" x="20" y="32">{title}</text>
  <text class="quiet" x="20" y="52">{summary}</text>
{explanation}{grid}{body}</svg>
"#,
        WIDTH - 1.0,
        height - 1.0,
    )
}

/// What the colours and lines mean.
fn legend() -> String {
    r#"  <rect class="less" x="20" y="67" width="10" height="10" rx="2"/>
  <text class="quiet" x="35" y="76">Samovar takes less</text>
  <rect class="more" x="165" y="67" width="10" height="10" rx="2"/>
  <text class="quiet" x="180" y="76">Samovar takes more</text>
  <line class="spread" x1="315" y1="72" x2="339" y2="72"/>
  <text class="quiet" x="346" y="76">lowest to highest round</text>
  <line class="must" x1="495" y1="66" x2="495" y2="78"/>
  <text class="quiet" x="503" y="76">target</text>
"#
    .into()
}

impl Scale {
    /// One on which all of these have room, and some more at both ends.
    fn of(ratios: impl Iterator<Item = f64>) -> Scale {
        let (mut low, mut high) = (0.1_f64, 2.0_f64);
        for ratio in ratios {
            low = low.min(ratio);
            high = high.max(ratio);
        }
        Scale {
            low: low.max(1e-6) / 1.15,
            high: high.min(1e6) * 1.15,
        }
    }

    fn x(&self, ratio: f64) -> f64 {
        let share = (ratio / self.low).ln() / (self.high / self.low).ln();
        let x = LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT);
        (x * 10.0).round() / 10.0
    }

    /// The upright lines, with their ratios below.
    fn grid(&self, bottom: f64) -> String {
        const LINES: [f64; 13] = [
            0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
        ];
        let mut grid = String::new();
        for ratio in LINES
            .into_iter()
            .filter(|ratio| (self.low..self.high).contains(ratio))
        {
            let x = self.x(ratio);
            let class = if ratio == 1.0 { "one" } else { "grid" };
            let top = TOP + 8.0;
            let text_y = bottom + 15.0;
            let _ = write!(
                grid,
                r#"  <line class="{class}" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>
  <text class="quiet" x="{x}" y="{text_y}" text-anchor="middle">{ratio}</text>
"#
            );
        }
        grid
    }

    /// One row: its name, its bar, and what is on it. `y` is its upper edge.
    fn bar(&self, row: &Row, ratio: &Ratio, must: Option<f64>, y: f64) -> String {
        let (one, end) = (self.x(1.0), self.x(ratio.median));
        let (low, high) = (self.x(ratio.min), self.x(ratio.max));
        let class = if page::is_over(ratio) { "more" } else { "less" };
        let (bar_x, width) = (one.min(end), (one - end).abs().max(0.5));
        let (bar_y, middle, base) = (y + 2.5, y + 8.5, y + 12.5);
        // What is no time of an operation says what it is.
        let kind = match row.kind() {
            Kind::Time => "",
            Kind::Latency => " (latency)",
            Kind::Cpu => " (processor)",
            Kind::Memory => " (bytes)",
        };
        let name = escape(&row.name);
        let value = page::ratio(ratio.median);
        let value_class = if class == "more" {
            "value more"
        } else {
            "value"
        };
        let mut bar = format!(
            r#"  <text x="20" y="{base}">{name}</text>
  <text class="{value_class}" x="{VALUE}" y="{base}" text-anchor="end">{value}</text>
  <rect class="{class}" x="{bar_x}" y="{bar_y}" width="{width:.1}" height="12" rx="1.5"><title>{name}{kind}: {value}</title></rect>
"#
        );
        if high - low > 1.0 {
            let _ = writeln!(
                bar,
                r#"  <line class="spread" x1="{low}" y1="{middle}" x2="{high}" y2="{middle}"/>"#
            );
        }
        if let Some(must) = must.filter(|must| must.is_finite() && *must != 1.0) {
            let (x, must_end) = (self.x(must), y + 15.5);
            let _ = writeln!(
                bar,
                r#"  <line class="must" x1="{x}" y1="{}" x2="{x}" y2="{must_end}"/>"#,
                y + 1.5
            );
        }
        bar
    }
}

/// Text as XML wants it.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::some_results;
    use crate::results::FLAVORS;

    fn attribute(node: &roxmltree::Node<'_, '_>, name: &str) -> f64 {
        node.attribute(name).unwrap().parse().unwrap()
    }

    #[test]
    fn the_plot_is_well_formed_also_when_names_are_odd_or_nothing_was_measured() {
        let targets = Targets::parse("yield_one 0.2\n* 1.0 0.9").unwrap();
        let mut odd = some_results();
        for figure in &mut odd.figures {
            figure.section = "<a> & \"b\"".into();
        }
        for results in [some_results(), odd, Results::default()] {
            for flavor in FLAVORS {
                let plot = draw(&results, &targets, flavor);
                let document = roxmltree::Document::parse(&plot).unwrap();
                assert_eq!(document.root_element().tag_name().name(), "svg");
                assert!(!plot.contains("NaN") && !plot.contains("inf"), "{plot}");
            }
        }
    }

    #[test]
    fn bars_go_left_of_one_or_right_in_another_colour() {
        let targets = Targets::parse("").unwrap();
        let plot = draw(&some_results(), &targets, FLAVORS[0]);
        let document = roxmltree::Document::parse(&plot).unwrap();
        let one = document
            .descendants()
            .find(|node| node.attribute("class") == Some("one"))
            .map(|node| attribute(&node, "x1"))
            .unwrap();
        let bar = |name: &str| {
            document
                .descendants()
                .find(|node| {
                    node.has_tag_name("rect") && {
                        let title = node.descendants().find_map(|node| node.text());
                        title.is_some_and(|title| title.trim().starts_with(name))
                    }
                })
                .unwrap()
        };
        let (faster, slower) = (bar("yield_one"), bar("oneshot_pair"));
        let end = attribute(&faster, "x") + attribute(&faster, "width");
        assert_eq!(faster.attribute("class"), Some("less"));
        assert!((end - one).abs() < 0.2, "{end} {one}");
        assert_eq!(slower.attribute("class"), Some("more"));
        assert_eq!(attribute(&slower, "x"), one);
    }
}
