//! The figures of a run, and what follows from them: medians, ratios, their spread, their mean.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Failure;

/// Where they are kept, in the target directory.
pub const FILE: &str = "bench-results.tsv";

/// Which runtime of Samovar is compared with which of Tokio.
pub struct Flavor {
    /// The place in lists of flavors.
    pub index: usize,
    /// What both call it.
    pub name: &'static str,
    /// Samovar's name in the suite.
    pub ours: &'static str,
    /// Tokio's.
    pub theirs: &'static str,
    /// Where its plot goes.
    pub plot: &'static str,
}

/// The two comparisons.
pub static FLAVORS: [&Flavor; 2] = [
    &Flavor {
        index: 0,
        name: "multi_thread",
        ours: "samovar",
        theirs: "tokio",
        plot: "docs/benchmarks.svg",
    },
    &Flavor {
        index: 1,
        name: "current_thread",
        ours: "samovar_ct",
        theirs: "tokio_ct",
        plot: "docs/benchmarks_current_thread.svg",
    },
];

/// A whole run.
#[derive(Debug, Default, PartialEq)]
pub struct Results {
    /// What is to be known about it: date, machine, and so on. In the order in which the page says it.
    pub facts: Vec<(String, String)>,
    /// In the order of measurement.
    pub figures: Vec<Figure>,
}

/// One measured value.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// In which round.
    pub round: u32,
    /// Which program measured it.
    pub section: String,
    /// What was measured.
    pub row: String,
    /// On which runtime.
    pub runtime: String,
    /// Nanoseconds, or bytes.
    pub value: f64,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which program measured it.
    pub section: String,
    /// Its name.
    pub name: String,
}

/// What a row's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The time of one operation.
    Time,
    /// Time until something happened.
    Latency,
    /// Processor time of one operation.
    Cpu,
    /// Bytes.
    Memory,
}

/// One runtime's time over another's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The median of the rounds' ratios.
    pub median: f64,
    /// The smallest of them.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Row {
    /// Whether it is of the ladder of executors, which stands beside the comparison and not in it.
    pub fn is_of_the_ladder(&self) -> bool {
        self.section == "ladder"
    }

    /// What its values are: the suite says it by the end of the name.
    pub fn kind(&self) -> Kind {
        let ends = |ends: &[&str]| ends.iter().any(|end| self.name.ends_with(end));
        if self.section == "memory" {
            Kind::Memory
        } else if ends(&["_p99", "_p50", "_lateness"]) {
            Kind::Latency
        } else if ends(&["_cpu", "_user"]) {
            Kind::Cpu
        } else {
            Kind::Time
        }
    }
}

impl Results {
    /// The rows in the order of the suite.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for figure in &self.figures {
            let row = Row {
                section: figure.section.clone(),
                name: figure.row.clone(),
            };
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        // Programs of later rounds may have rows that failed in the first.
        let sections: Vec<String> = rows.iter().map(|row| row.section.clone()).collect();
        rows.sort_by_key(|row| sections.iter().position(|other| *other == row.section));
        rows
    }

    /// Whether there is any figure of a runtime.
    pub fn has(&self, runtime: &str) -> bool {
        self.figures.iter().any(|figure| figure.runtime == runtime)
    }

    /// The median over the rounds.
    pub fn value(&self, row: &Row, runtime: &str) -> Option<f64> {
        median(self.rounds(row, runtime).into_values().collect())
    }

    /// One runtime's values over another's, round by round.
    pub fn ratio(&self, row: &Row, one: &str, other: &str) -> Option<Ratio> {
        let others = self.rounds(row, other);
        let ratios: Vec<f64> = self
            .rounds(row, one)
            .into_iter()
            .filter_map(|(round, value)| Some(value / others.get(&round)?))
            .filter(|ratio| ratio.is_finite())
            .collect();
        Some(Ratio {
            min: ratios.iter().copied().reduce(f64::min)?,
            max: ratios.iter().copied().reduce(f64::max)?,
            median: median(ratios)?,
        })
    }

    /// The ratios of a flavor, of the rows of the comparison that have one.
    pub fn ratios(&self, flavor: &Flavor) -> Vec<(Row, Ratio)> {
        self.rows()
            .into_iter()
            .filter(|row| !row.is_of_the_ladder())
            .filter_map(|row| {
                let ratio = self.ratio(&row, flavor.ours, flavor.theirs)?;
                Some((row, ratio))
            })
            .collect()
    }

    /// How many rounds there are.
    pub fn rounds_run(&self) -> u32 {
        let rounds = self.figures.iter().map(|figure| figure.round);
        rounds.max().unwrap_or(0)
    }

    /// The programs that did not run to their end, each with why.
    pub fn failed(&self) -> Vec<String> {
        let failed = self.facts.iter().filter(|(name, _)| name == "failed");
        failed.map(|(_, what)| what.clone()).collect()
    }

    fn rounds(&self, row: &Row, runtime: &str) -> BTreeMap<u32, f64> {
        self.figures
            .iter()
            .filter(|figure| figure.runtime == runtime)
            .filter(|figure| figure.row == row.name && figure.section == row.section)
            .map(|figure| (figure.round, figure.value))
            .collect()
    }

    /// Reads a file that `write` has written.
    pub fn read(path: &Path) -> Result<Results, Failure> {
        Results::parse(&crate::read(path)?).map_err(|line| {
            let path = path.display();
            format!("{path}: not a result: {line}")
        })
    }

    /// Writes them to a file.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        crate::write(path, &self.text())
    }

    fn text(&self) -> String {
        let facts = self
            .facts
            .iter()
            .map(|(name, fact)| format!("fact\t{name}\t{fact}\n"));
        let figures = self.figures.iter().map(|figure| {
            let Figure {
                round,
                section,
                row,
                runtime,
                value,
            } = figure;
            format!("{round}\t{section}\t{row}\t{runtime}\t{value}\n")
        });
        facts.chain(figures).collect()
    }

    /// Gives back a line that it does not understand.
    fn parse(text: &str) -> Result<Results, String> {
        let mut results = Results::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split('\t').collect();
            match words.as_slice() {
                ["fact", name, fact] => results.facts.push((name.to_string(), fact.to_string())),
                [round, section, row, runtime, value] => results.figures.push(Figure {
                    round: round.parse().map_err(|_| line.to_owned())?,
                    section: section.to_string(),
                    row: row.to_string(),
                    runtime: runtime.to_string(),
                    value: value.parse().map_err(|_| line.to_owned())?,
                }),
                _ => return Err(line.to_owned()),
            }
        }
        Ok(results)
    }
}

/// The middle one, or the mean of the two in the middle.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

/// The geometric mean: what the mean of ratios is, so that twice as fast and twice as slow cancel out.
pub fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    let logarithms: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (!ratios.is_empty()).then(|| (logarithms / ratios.len() as f64).exp())
}

/// A ratio as the table shows it: two digits that count, three decimals where it is small.
pub fn as_shown(ratio: f64) -> f64 {
    let steps = if ratio < 0.0995 { 1_000.0 } else { 100.0 };
    (ratio * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(round: u32, row: &str, runtime: &str, value: f64) -> Figure {
        Figure {
            round,
            section: "executor".into(),
            row: row.into(),
            runtime: runtime.into(),
            value,
        }
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0]), Some(3.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 100.0]), Some(3.0));
    }

    #[test]
    fn twice_as_fast_and_twice_as_slow_cancel_out() {
        assert_eq!(geometric_mean(&[]), None);
        assert!((geometric_mean(&[0.5, 2.0, 1.0]).unwrap() - 1.0).abs() < 1e-12);
        assert!((geometric_mean(&[0.1, 0.4]).unwrap() - 0.2).abs() < 1e-12);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // In the second round the whole machine was ten times slower, and in the third Tokio is missing.
        let figures = vec![
            figure(1, "yield_one", "samovar", 1.0),
            figure(1, "yield_one", "tokio", 2.0),
            figure(2, "yield_one", "samovar", 10.0),
            figure(2, "yield_one", "tokio", 50.0),
            figure(3, "yield_one", "samovar", 99.0),
        ];
        let results = Results {
            figures,
            ..Results::default()
        };
        let row = &results.rows()[0];
        let ratio = results.ratio(row, "samovar", "tokio").unwrap();
        assert_eq!((ratio.min, ratio.median, ratio.max), (0.2, 0.35, 0.5));
        assert_eq!(results.value(row, "samovar"), Some(10.0));
        assert_eq!(results.ratio(row, "samovar", "smol"), None);
        assert!(results.has("tokio") && !results.has("smol"));
    }

    #[test]
    fn rows_keep_the_order_of_the_suite_and_their_section() {
        let mut figures = vec![figure(1, "b", "tokio", 1.0), figure(1, "z", "tokio", 1.0)];
        figures[1].section = "timers".into();
        figures.push(figure(2, "a", "tokio", 1.0));
        let results = Results {
            figures,
            ..Results::default()
        };
        let names: Vec<String> = results.rows().into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["b", "a", "z"]);
    }

    #[test]
    fn the_name_says_what_is_measured() {
        let kind = |section: &str, name: &str| {
            let (section, name) = (section.into(), name.into());
            Row { section, name }.kind()
        };
        assert_eq!(kind("executor", "parallel_cpu_50us"), Kind::Time);
        assert_eq!(kind("network", "echo_64_p99"), Kind::Latency);
        assert_eq!(kind("network", "echo_64_cpu"), Kind::Cpu);
        assert_eq!(kind("network", "echo_64_user"), Kind::Cpu);
        assert_eq!(kind("timers", "sleep_1ms_lateness"), Kind::Latency);
        assert_eq!(kind("memory", "task_pending"), Kind::Memory);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let results = Results {
            facts: vec![("machine".into(), "2 x CPU | fast".into())],
            figures: vec![figure(1, "yield_one", "samovar", 1.234_567_891_2)],
        };
        assert_eq!(Results::parse(&results.text()), Ok(results));
        assert_eq!(Results::parse("1\ta\tb"), Err("1\ta\tb".into()));
    }

    #[test]
    fn shown_ratios_have_two_digits_that_count() {
        assert_eq!(as_shown(0.012_34), 0.012);
        assert_eq!(as_shown(0.0996), 0.1);
        assert_eq!(as_shown(1.004), 1.0);
        assert_eq!(as_shown(1.806), 1.81);
    }
}
