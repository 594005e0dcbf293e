//! What became of the mutants, kept in a file and printed as a table.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::Mutant;

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This test failed.
    Caught(String),
    /// This test binary did not end.
    Timeout(String),
    /// All tests passed.
    Survived,
    /// No test of the group comes past it.
    Unreached,
    /// It does not compile.
    Unviable,
    /// It cannot have a switch.
    NotPlanted,
}

impl Outcome {
    /// Whether there is something left to do.
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            Outcome::Survived | Outcome::Unreached | Outcome::Timeout(_)
        )
    }

    /// Whether it cannot even be tried.
    pub fn is_impossible(&self) -> bool {
        matches!(self, Outcome::Unviable | Outcome::NotPlanted)
    }

    /// As a word.
    fn word(&self) -> &'static str {
        match self {
            Outcome::Caught(_) => "caught",
            Outcome::Timeout(_) => "timeout",
            Outcome::Survived => "survived",
            Outcome::Unreached => "unreached",
            Outcome::Unviable => "unviable",
            Outcome::NotPlanted => "not planted",
        }
    }

    /// As a line of the file.
    pub fn line(&self, name: &str) -> String {
        let by = match self {
            Outcome::Caught(by) | Outcome::Timeout(by) => by,
            _ => "",
        };
        format!("{}\t{name}\t{by}\n", self.word())
    }

    /// From a line of the file.
    fn read(line: &str) -> Option<(String, Outcome)> {
        let mut parts = line.split('\t').map(str::to_owned);
        let (word, name, by) = (parts.next()?, parts.next()?, parts.next()?);
        let outcome = match word.as_str() {
            "caught" => Outcome::Caught(by),
            "timeout" => Outcome::Timeout(by),
            "survived" => Outcome::Survived,
            "unreached" => Outcome::Unreached,
            "unviable" => Outcome::Unviable,
            _ => Outcome::NotPlanted,
        };
        Some((name, outcome))
    }
}

/// The outcomes of earlier runs, by the mutant's name. A later line counts.
pub fn load(path: &Path) -> BTreeMap<String, Outcome> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(Outcome::read).collect()
}

/// Keeps the outcomes.
pub fn save(path: &Path, outcomes: &BTreeMap<String, Outcome>) {
    let lines: String = outcomes
        .iter()
        .map(|(name, outcome)| outcome.line(name))
        .collect();
    fs::write(path, lines).expect("the file of the results");
}

/// Prints the table by file, and the names of those that were not caught.
pub fn print(outcomes: &BTreeMap<String, Outcome>, mutants: &[Mutant]) {
    let columns = [
        "caught",
        "timeout",
        "survived",
        "unreached",
        "unviable",
        "not planted",
    ];
    let mut files: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for mutant in mutants {
        if let Some(outcome) = outcomes.get(&mutant.name) {
            let file = files.entry(&mutant.file).or_default();
            *file.entry(outcome.word()).or_default() += 1;
            *files
                .entry("all")
                .or_default()
                .entry(outcome.word())
                .or_default() += 1;
        }
    }
    println!("| file | mutants | {} |", columns.join(" | "));
    println!("|---|{}", "---:|".repeat(columns.len() + 1));
    for (file, counts) in &files {
        let cells = columns.map(|column| counts.get(column).unwrap_or(&0).to_string());
        let sum: usize = counts.values().sum();
        println!("| {file} | {sum} | {} |", cells.join(" | "));
    }
    for mutant in mutants {
        match outcomes.get(&mutant.name) {
            Some(outcome) if outcome.is_open() || *outcome == Outcome::NotPlanted => {
                print!("{}", outcome.line(&mutant.name));
            }
            _ => {}
        }
    }
}
