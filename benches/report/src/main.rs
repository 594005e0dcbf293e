//! Runs the benchmarks, and writes what came out: `.ci/bench` and `.ci/ablation` start it.
//!
//! ```text
//!   cargo bench ──► benches, one after the other ──► target/criterion, target/memory.tsv
//!                   (`run.rs`), once per round              │ `criterion.rs`
//!                                                           ▼
//!   .ci/bench-targets, benches/NOTES.md ──►  target/bench-results.tsv (`results.rs`)
//!                                      │                    │
//!                                      ▼                    ▼
//!                             BENCHMARKS.md (`page.rs`), docs/*.svg (`plot.rs`), README.md
//! ```
//! The results are a file of their own so that the page can be written anew, with another target or a better explanation,
//! without another half hour of measurement. There are no dependencies: what this reads and writes is simple, and it builds in a
//! second.

mod ablation;
mod criterion;
mod page;
mod plot;
mod results;
mod run;
mod targets;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use results::Results;
use targets::Targets;

/// What the command line may say.
const USAGE: &str = "\
usage: .ci/bench [rounds] [--bench NAME]... [-- options of criterion]
       .ci/bench report           writes the pages again from the last results
       .ci/ablation [rounds [mechanism]...]

With `--bench`, options or mechanisms the table is printed and nothing is written.";

/// Why the program ends: a message for the user.
type Failure = String;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match start(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the command line says.
fn start(arguments: &[String]) -> Result<(), Failure> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["report"] => write_pages(&Results::read(
            &run::target_directory().join(results::FILE),
        )?),
        ["ablation"] => ablation::measure(3, &[]),
        ["ablation", rounds, only @ ..] => ablation::measure(number(rounds)?, only),
        words => bench(words),
    }
}

/// Measures, prints the table, and writes the pages if the whole suite was measured.
fn bench(mut words: &[&str]) -> Result<(), Failure> {
    let mut rounds = 3;
    if let Some((first, rest)) = words.split_first() {
        if !first.starts_with('-') {
            rounds = number(first)?;
            words = rest;
        }
    }
    let mut only = Vec::new();
    while let ["--bench", name, rest @ ..] = words {
        only.push(*name);
        words = rest;
    }
    let options = match words {
        [] => &[],
        ["--", options @ ..] => options,
        _ => return Err(USAGE.into()),
    };
    let everything = only.is_empty() && options.is_empty();
    let results = run::rounds(rounds, &only, options, |results| match everything {
        true => results.write(&run::target_directory().join(results::FILE)),
        false => Ok(()),
    })?;
    if everything {
        write_pages(&results)?;
    }
    println!("{}", page::tables(&results, &read_targets()?));
    match results.failed().as_slice() {
        [] => Ok(()),
        failed => Err(format!("not everything ran: {}", failed.join(", "))),
    }
}

/// Writes `BENCHMARKS.md`, the plots and the README's figures.
fn write_pages(results: &Results) -> Result<(), Failure> {
    let targets = read_targets()?;
    let notes = fs::read_to_string("benches/NOTES.md").unwrap_or_default();
    write("BENCHMARKS.md", &page::page(results, &targets, &notes))?;
    fs::create_dir_all("docs").map_err(|error| format!("docs: {error}"))?;
    for flavor in results::FLAVORS {
        write(flavor.plot, &plot::draw(results, &targets, flavor))?;
    }
    let readme = read("README.md")?;
    write("README.md", &page::replace_figures(&readme, results)?)
}

fn read_targets() -> Result<Targets, Failure> {
    Targets::parse(&read(".ci/bench-targets")?)
}

fn number(word: &str) -> Result<u32, Failure> {
    word.parse()
        .ok()
        .filter(|rounds| *rounds > 0)
        .ok_or_else(|| USAGE.into())
}

fn read(path: impl AsRef<Path>) -> Result<String, Failure> {
    let path = path.as_ref();
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: impl AsRef<Path>, text: &str) -> Result<(), Failure> {
    let path = path.as_ref();
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
