//! What the rows must reach: `.ci/bench-targets`.

use std::fmt;

use crate::Failure;
use crate::page::{amount, ratio};
use crate::results::{Flavor, Kind, Results, as_shown};

/// The lines of the file, in order.
pub struct Targets(Vec<Line>);

struct Line {
    /// A row's name; a `*` at its beginning or end stands for anything.
    pattern: String,
    /// By flavor; `None`: this line says nothing, a later one may.
    musts: [Option<Must>; 2],
}

/// What one row must reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Must {
    /// At most this of Tokio's.
    Ratio(f64),
    /// At most so many bytes.
    Bytes(f64),
}

impl Targets {
    /// Reads lines of `row multi_thread [current_thread]`; `#` begins a comment.
    pub fn parse(file: &str) -> Result<Targets, Failure> {
        let lines = file
            .lines()
            .enumerate()
            .map(|(at, line)| (at, line.split('#').next().unwrap_or_default().trim()))
            .filter(|(_, line)| !line.is_empty());
        lines
            .map(|(at, line)| {
                Line::parse(line).ok_or_else(|| {
                    let at = at + 1;
                    format!(".ci/bench-targets, line {at}: not `row multi_thread [current_thread]`")
                })
            })
            .collect::<Result<_, _>>()
            .map(Targets)
    }

    /// What a row must reach: what the first line says that says something.
    pub fn find(&self, row: &str, flavor: &Flavor) -> Option<Must> {
        self.0
            .iter()
            .filter(|line| line.matches(row))
            .find_map(|line| line.musts[flavor.index])
    }

    /// The names without a `*` of which there is no row: a benchmark is missing, or was renamed.
    pub fn without_row(&self, results: &Results) -> Vec<&str> {
        let names = self.0.iter().map(|line| line.pattern.as_str());
        names
            .filter(|name| {
                !name.contains('*') && results.rows().iter().all(|row| row.name != *name)
            })
            .collect()
    }
}

impl Line {
    fn parse(line: &str) -> Option<Line> {
        let mut words = line.split_whitespace();
        let pattern = words.next()?.to_owned();
        let musts = [
            Some(must(words.next()?)?),
            words.next().map(must).unwrap_or_default(),
        ];
        words.next().is_none().then_some(Line { pattern, musts })
    }

    fn matches(&self, row: &str) -> bool {
        if let Some(end) = self.pattern.strip_prefix('*') {
            row.ends_with(end)
        } else if let Some(start) = self.pattern.strip_suffix('*') {
            row.starts_with(start)
        } else {
            row == self.pattern
        }
    }
}

fn must(word: &str) -> Option<Must> {
    match word.strip_suffix('B') {
        Some(bytes) => bytes.parse().ok().map(Must::Bytes),
        None => word.parse().ok().map(Must::Ratio),
    }
}

impl Must {
    /// Whether it is reached, by the figures as the table shows them. `value`: Samovar's own.
    pub fn is_met(self, ratio: f64, value: f64) -> bool {
        match self {
            Must::Ratio(most) => as_shown(ratio) <= most,
            Must::Bytes(most) => value.round() <= most,
        }
    }

    /// As a ratio to Tokio's `other`, for the plot.
    pub fn as_ratio(self, other: f64) -> f64 {
        match self {
            Must::Ratio(most) => most,
            Must::Bytes(most) => most / other,
        }
    }
}

impl fmt::Display for Must {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Must::Ratio(most) => f.write_str(&ratio(*most)),
            Must::Bytes(most) => f.write_str(&amount(*most, Kind::Memory)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::FLAVORS;

    #[test]
    fn the_first_line_that_says_something_counts() {
        let targets = Targets::parse(
            "# rows\nyield_one 0.2\nmem_sleep 200B # bytes\n*_user 0.75\n* 1.0 0.9\n",
        )
        .unwrap();
        let [many, one] = FLAVORS;
        assert_eq!(targets.find("yield_one", many), Some(Must::Ratio(0.2)));
        assert_eq!(targets.find("yield_one", one), Some(Must::Ratio(0.9)));
        assert_eq!(targets.find("mem_sleep", many), Some(Must::Bytes(200.0)));
        assert_eq!(targets.find("echo_1_user", many), Some(Must::Ratio(0.75)));
        assert_eq!(targets.find("echo_1", many), Some(Must::Ratio(1.0)));
    }

    #[test]
    fn a_bad_line_is_named() {
        for bad in ["yield_one", "yield_one fast", "yield_one 0.2 0.9 1"] {
            let error = Targets::parse(&format!("\n{bad}")).err().unwrap();
            assert!(error.contains("line 2"), "{error}");
        }
    }

    #[test]
    fn the_projects_own_targets_can_be_read() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.ci/bench-targets");
        assert!(Targets::parse(&crate::read(file).unwrap()).is_ok());
    }

    #[test]
    fn what_is_met_is_judged_as_shown() {
        assert!(Must::Ratio(0.4).is_met(0.404, 1.0));
        assert!(!Must::Ratio(0.4).is_met(0.406, 1.0));
        assert!(!Must::Ratio(0.02).is_met(0.0206, 1.0));
        assert!(Must::Bytes(128.0).is_met(3.0, 128.4));
        assert!(!Must::Bytes(128.0).is_met(0.1, 129.0));
    }
}
