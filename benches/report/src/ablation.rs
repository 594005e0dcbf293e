//! The ablation: what each mechanism of the runtime brings, by building the runtime without it.
//!
//! `src/ablation.rs` of the library has the switches. They are set by a wrapper around the compiler that cargo calls for the
//! crates of this workspace alone, so what those depend on is compiled once for all. In each round the usual
//! build runs twice, and its second time over its first is the noise.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Instant;

use crate::page::{amount, ratio};
use crate::results::{Figure, Results};
use crate::run::{self, Program};
use crate::{Failure, write};

/// Where the table goes.
const PAGE: &str = "docs/ablation.md";

/// The usual build, and the same again.
const USUAL: &str = "usual";
const AGAIN: &str = "again";

/// No mechanism has a part in it.
const CONTROL: Measure = ("channels", "mpsc_uncontended");

/// A program, and a row of it.
type Measure = (&'static str, &'static str);

/// A mechanism that can be left out.
struct Switch {
    /// As in `--cfg samovar_without="..."`.
    name: &'static str,
    /// What it is, and what is there without it.
    what: &'static str,
    /// Where it should show.
    rows: &'static [Measure],
}

const SWITCHES: [Switch; 5] = [
    Switch {
        name: "next_slot",
        what: "**The place in front.** The task woken last runs next, while its data is in the cache. Without it, it goes to the \
               back of the queue.",
        rows: &[
            ("executor", "ping_pong"),
            ("channels", "mpsc_ping_pong"),
            ("channels", "mpsc_fanin_32"),
        ],
    },
    Switch {
        name: "stealing",
        what: "**Stealing.** A worker without work takes half of another's queue. Without it only from a worker that is blocked in \
               a poll. It is made for tasks that compute, and should cost short ones nothing.",
        rows: &[
            ("executor", "parallel_cpu_50us"),
            ("executor", "parallel_cpu_1ms"),
            ("executor", "spawn_many_worker"),
            ("executor", "yield_many"),
        ],
    },
    Switch {
        name: "waker_ref",
        what: "**The borrowed waker.** A poll lends the task's `Arc` to the future. Without it, it takes a reference per poll and \
               gives it back: two atomic operations.",
        rows: &[
            ("executor", "yield_one"),
            ("executor", "yield_many"),
            ("executor", "spawn_many_local"),
        ],
    },
    Switch {
        name: "lazy_registration",
        what: "**Late registration.** A task is entered into the list of what the shutdown must drop when it first waits. Without it, \
               before its first poll: a lock and a place in a table for each task, also for those that never wait.",
        rows: &[
            ("executor", "spawn_many_local"),
            ("executor", "spawn_many_worker"),
            ("executor", "spawn_join_worker"),
        ],
    },
    Switch {
        name: "short_read",
        what: "**The short read.** A read that brings less than there was room for has emptied the socket, so the task waits at once. \
               Without it the kernel is asked again, and says `WouldBlock`: one system call more per request.",
        rows: &[("network", "echo_64"), ("network", "echo_64_cpu")],
    },
];

/// One build, and what it is to run.
struct Build {
    name: &'static str,
    programs: Vec<Program>,
    rows: Vec<Measure>,
}

/// Builds the runtime without each of these mechanisms, or without each there is, runs what it should show in so many times,
/// and prints the table; writes the page if it has all of them.
pub fn measure(rounds: u32, only: &[&str]) -> Result<(), Failure> {
    let switches: Vec<&Switch> = SWITCHES
        .iter()
        .filter(|switch| only.is_empty() || only.contains(&switch.name))
        .collect();
    if switches.len() < only.len() {
        let names = SWITCHES.map(|switch| switch.name).join(", ");
        return Err(format!("there is: {names}"));
    }
    run::warn_if_busy();
    let mut results = Results {
        facts: run::facts(),
        figures: Vec::new(),
    };
    let began = Instant::now();
    let builds = builds(&switches)?;
    for round in 1..=rounds {
        for build in &builds {
            let measured = build.run(round)?;
            results
                .figures
                .extend(measured.into_iter().map(|figure| Figure {
                    runtime: build.name.into(),
                    ..figure
                }));
        }
        let all = began.elapsed().as_secs();
        eprintln!("round {round} of {rounds}: {all} s in all");
    }
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    results
        .facts
        .push(("time".into(), format!("{minutes:.0} minutes")));
    let page = page(&results, &switches);
    println!("{page}");
    if !only.is_empty() {
        return Ok(());
    }
    fs::create_dir_all("docs").map_err(|error| format!("docs: {error}"))?;
    write(PAGE, &page)
}

/// The usual build, twice, and one without each mechanism.
fn builds(switches: &[&Switch]) -> Result<Vec<Build>, Failure> {
    let mut all: Vec<Measure> = switches
        .iter()
        .flat_map(|switch| switch.rows)
        .copied()
        .collect();
    all.push(CONTROL);
    all.sort_unstable();
    all.dedup();
    let mut builds = Vec::new();
    let programs = run::build(&programs_of(&all)?, None)?;
    for name in [USUAL, AGAIN] {
        let (programs, rows) = (programs.clone(), all.clone());
        builds.push(Build {
            name,
            programs,
            rows,
        });
    }
    for switch in switches {
        let mut rows = switch.rows.to_vec();
        rows.push(CONTROL);
        let began = Instant::now();
        let programs = run::build(&programs_of(&rows)?, Some(&wrapper(switch)?))?;
        let (name, took) = (switch.name, began.elapsed().as_secs());
        eprintln!("built without {name} in {took} s");
        builds.push(Build {
            name,
            programs,
            rows,
        });
    }
    Ok(builds)
}

/// The programs that have these rows, as far as there are such programs.
fn programs_of(rows: &[Measure]) -> Result<Vec<&'static str>, Failure> {
    let manifest = crate::read("Cargo.toml")?;
    let is_there = |name: &str| manifest.contains(&format!("[[bench]]\nname = \"{name}\""));
    let mut names: Vec<&str> = rows.iter().map(|(program, _)| *program).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| is_there(name));
    Ok(names)
}

/// What cargo is to call instead of the compiler: a script per switch, for cargo tells builds apart by its path.
fn wrapper(switch: &Switch) -> Result<PathBuf, Failure> {
    let name = switch.name;
    let write = || {
        let directory = std::path::absolute(run::target_directory().join("ablation"))?;
        fs::create_dir_all(&directory)?;
        let path = directory.join(format!("without_{name}.sh"));
        let script = format!("#!/bin/sh\nexec \"$@\" --cfg 'samovar_without=\"{name}\"'\n");
        // Only if it is another: cargo looks at the time of the change.
        if fs::read_to_string(&path).ok() != Some(script.clone()) {
            fs::write(&path, script)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        Ok(path)
    };
    write().map_err(|error: std::io::Error| format!("the wrapper without {name}: {error}"))
}

impl Build {
    /// Runs its rows once.
    fn run(&self, round: u32) -> Result<Vec<Figure>, Failure> {
        let mut figures = Vec::new();
        for program in &self.programs {
            let rows: Vec<&str> = self
                .rows
                .iter()
                .filter(|(name, _)| *name == program.name)
                .map(|(_, row)| *row)
                .collect();
            let filter = format!("^({})/samovar$", rows.join("|"));
            let measured = run::run(program, &[&filter], round)?;
            // A program may measure more than it was asked for.
            figures.extend(measured.into_iter().filter(|figure| {
                figure.runtime == "samovar" && rows.contains(&figure.row.as_str())
            }));
        }
        Ok(figures)
    }
}

/// The page.
fn page(results: &Results, switches: &[&Switch]) -> String {
    let mut page = String::from(
        "\
# What each mechanism brings

The runtime was built without one mechanism at a time (`src/ablation.rs` has the switches) and ran the benchmarks in which that
should show; two workers. *Loss* is the time without the mechanism over the time with it, the median of the rounds' ratios, and
beside it the lowest and the highest: above 1 the mechanism pays. *Noise* is the same for two runs of the same build: a loss
that is not clearly outside it shows nothing. `mpsc_uncontended` is there as a control: no mechanism has a part in it, so by as
much as it moves the others may have moved for no reason either.

| without | benchmark | with | without | loss | min–max | noise |
|---|---|---:|---:|---:|---:|---:|
",
    );
    let rows: BTreeMap<String, _> = results
        .rows()
        .into_iter()
        .map(|row| (row.name.clone(), row))
        .collect();
    for switch in switches {
        for (_, name) in switch.rows.iter().chain([&CONTROL]) {
            let cells = rows.get(*name).and_then(|row| cells(results, row, switch));
            let cells = cells.unwrap_or_else(|| "– | – | – | – | –".into());
            let _ = writeln!(page, "| `{}` | `{name}` | {cells} |", switch.name);
        }
    }
    page.push('\n');
    for switch in switches {
        let (name, what) = (switch.name, switch.what);
        let shown = shown(results, switch);
        let _ = writeln!(page, "- `{name}`: {what} *{shown}*");
    }
    page.push('\n');
    page += &crate::page::facts(results, ".ci/ablation");
    page
}

/// One sentence on what the figures show: the rows whose every loss is outside the noise, to either side, and outside what moved
/// the control.
fn shown(results: &Results, switch: &Switch) -> String {
    let (mut pays, mut costs) = (Vec::new(), Vec::new());
    let either_way = |it: crate::results::Ratio| it.max.max(1.0 / it.min);
    let (controls, rows): (Vec<_>, Vec<_>) = (results.rows().into_iter())
        .filter(|row| results.ratio(row, switch.name, USUAL).is_some())
        .partition(|row| row.name == CONTROL.1);
    let control = (controls.first())
        .and_then(|row| results.ratio(row, switch.name, USUAL))
        .map_or(1.0, either_way);
    for row in rows {
        let loss = results.ratio(&row, switch.name, USUAL);
        let noise = results.ratio(&row, AGAIN, USUAL);
        if let (Some(loss), Some(noise)) = (loss, noise) {
            let shown = format!("`{}` ({})", row.name, ratio(loss.median));
            let band = either_way(noise).max(control);
            if loss.min > band {
                pays.push(shown);
            } else if loss.max < 1.0 / band {
                costs.push(shown);
            }
        }
    }
    match (pays.join(", "), costs.join(", ")) {
        (pays, costs) if pays.is_empty() && costs.is_empty() => "Nothing outside the noise.".into(),
        (pays, costs) if costs.is_empty() => format!("Without it slower: {pays}."),
        (pays, costs) if pays.is_empty() => format!("Without it faster: {costs}."),
        (pays, costs) => format!("Without it slower: {pays}; faster: {costs}."),
    }
}

fn cells(results: &Results, row: &crate::results::Row, switch: &Switch) -> Option<String> {
    let value = |build| Some(amount(results.value(row, build)?, row.kind()));
    let loss = results.ratio(row, switch.name, USUAL)?;
    let noise = results.ratio(row, AGAIN, USUAL)?;
    let (with, without) = (value(USUAL)?, value(switch.name)?);
    let range = |it: crate::results::Ratio| format!("{}–{}", ratio(it.min), ratio(it.max));
    let (median, spread, noise) = (ratio(loss.median), range(loss), range(noise));
    Some(format!(
        "{with} | {without} | **{median}** | {spread} | {noise}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switches_are_those_of_the_library() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let manifest = crate::read(format!("{root}/Cargo.toml")).unwrap();
        let library = crate::read(format!("{root}/src/ablation.rs")).unwrap();
        for Switch { name, .. } in &SWITCHES {
            assert!(manifest.contains(&format!("\"{name}\"")), "{name}");
            assert!(
                library.contains(&format!("samovar_without = \"{name}\"")),
                "{name}"
            );
        }
        assert_eq!(
            library.matches("samovar_without = ").count(),
            SWITCHES.len()
        );
    }

    #[test]
    fn the_loss_is_without_over_with() {
        let figure = |runtime: &str, value| Figure {
            round: 1,
            section: "executor".into(),
            row: "yield_many".into(),
            runtime: runtime.into(),
            value,
        };
        let figures = vec![
            figure(USUAL, 20.0),
            figure(AGAIN, 21.0),
            figure("waker_ref", 30.0),
        ];
        let results = Results {
            figures,
            facts: Vec::new(),
        };
        let page = page(&results, &[&SWITCHES[1], &SWITCHES[2]]);
        let line =
            "| `waker_ref` | `yield_many` | 20.0 ns | 30.0 ns | **1.50** | 1.50–1.50 | 1.05–1.05 |";
        assert!(page.contains(line), "{page}");
        assert!(page.contains("| `stealing` | `yield_many` | – |"), "{page}");
        assert!(
            page.contains("*Without it slower: `yield_many` (1.50).*"),
            "{page}"
        );
    }

    #[test]
    fn where_the_control_moves_as_much_a_loss_shows_nothing() {
        let figure = |row: &str, runtime: &str, value| Figure {
            round: 1,
            section: "executor".into(),
            row: row.into(),
            runtime: runtime.into(),
            value,
        };
        let rows = [("yield_many", 10.0, 15.0), (CONTROL.1, 10.0, 6.0)];
        let figures = (rows.iter())
            .flat_map(|&(row, with, without)| {
                [(USUAL, with), (AGAIN, with), ("waker_ref", without)]
                    .map(|(build, value)| figure(row, build, value))
            })
            .collect();
        let results = Results {
            figures,
            facts: Vec::new(),
        };
        assert_eq!(shown(&results, &SWITCHES[2]), "Nothing outside the noise.");
    }

    #[test]
    fn a_loss_within_the_noise_shows_nothing() {
        let figure = |round, runtime: &str, value| Figure {
            round,
            section: "executor".into(),
            row: "yield_many".into(),
            runtime: runtime.into(),
            value,
        };
        let mut results = Results::default();
        for (round, again, without) in [(1, 9.0, 11.0), (2, 12.0, 13.0)] {
            let values = [(USUAL, 10.0), (AGAIN, again), ("waker_ref", without)];
            results
                .figures
                .extend(values.map(|(build, value)| figure(round, build, value)));
        }
        assert_eq!(shown(&results, &SWITCHES[2]), "Nothing outside the noise.");
        results
            .figures
            .iter_mut()
            .filter(|it| it.runtime == "waker_ref")
            .for_each(|it| it.value = 5.0);
        assert_eq!(
            shown(&results, &SWITCHES[2]),
            "Without it faster: `yield_many` (0.50)."
        );
    }
}
