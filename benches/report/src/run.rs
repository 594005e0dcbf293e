//! Builds the benchmarks and runs them, round after round.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::criterion::{self, after, text};
use crate::results::{Figure, Results};
use crate::{Failure, read};

/// The order of the page. What else there is comes after.
const ORDER: [&str; 6] = [
    "executor", "channels", "timers", "network", "memory", "ladder",
];

/// So long may one program take; then something hangs, and the others are to have their turn.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// A benchmark that is built.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// Its name in `Cargo.toml`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Where cargo builds.
pub fn target_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from)
}

/// Runs the whole suite, or some of it, so many times. `keep` is called after each program with what there is.
pub fn rounds(
    rounds: u32,
    only: &[&str],
    options: &[&str],
    keep: impl Fn(&Results) -> Result<(), Failure>,
) -> Result<Results, Failure> {
    warn_if_busy();
    let mut results = Results {
        facts: facts(),
        figures: Vec::new(),
    };
    let began = Instant::now();
    let programs = build(only, None)?;
    eprintln!("built after {} s", began.elapsed().as_secs());
    for round in 1..=rounds {
        for program in &programs {
            let (name, load, start) = (&program.name, load(), Instant::now());
            match run(program, options, round) {
                Ok(measured) => results.figures.extend(measured),
                Err(failure) => {
                    eprintln!("{failure}");
                    let failure = failure.lines().next().unwrap_or_default();
                    let failure = format!("{failure} (round {round})");
                    results.facts.push(("failed".into(), failure));
                }
            }
            keep(&results)?;
            let (took, all) = (start.elapsed().as_secs(), began.elapsed().as_secs());
            eprintln!(
                "round {round} of {rounds}: {name} took {took} s, {all} s in all, load {load}"
            );
        }
    }
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    results
        .facts
        .push(("time".into(), format!("{minutes:.0} minutes")));
    keep(&results)?;
    Ok(results)
}

/// Builds the benchmarks of these names, or all. `wrapper`: what to call instead of the compiler for this workspace.
pub fn build(only: &[&str], wrapper: Option<&Path>) -> Result<Vec<Program>, Failure> {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "bench",
        "--locked",
        "--no-run",
        "--message-format=json-render-diagnostics",
    ]);
    for name in only {
        cargo.args(["--bench", name]);
    }
    // This program is run by cargo, which tells it about itself; build scripts that look at that would run again each time.
    for (name, _) in std::env::vars_os() {
        let tells = |start| name.to_string_lossy().starts_with(start);
        if tells("CARGO_PKG_") || tells("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    if let Some(wrapper) = wrapper {
        cargo.env("RUSTC_WORKSPACE_WRAPPER", wrapper);
    }
    let output = cargo.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err("the benchmarks do not compile".into());
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut programs: Vec<Program> = messages.lines().filter_map(built).collect();
    let place = |name: &str| {
        ORDER
            .iter()
            .position(|other| *other == name)
            .unwrap_or(ORDER.len())
    };
    programs.sort_by(|one, other| {
        (place(&one.name), &one.name).cmp(&(place(&other.name), &other.name))
    });
    Ok(programs)
}

/// A benchmark, if that is what cargo's message is about.
fn built(message: &str) -> Option<Program> {
    let target = message.split_once(r#""kind":["bench"]"#)?.1;
    Some(Program {
        name: text(after(target, "name")?)?,
        path: text(after(target, "executable")?)?.into(),
    })
}

/// Runs one program once, and returns what it measured.
pub fn run(program: &Program, options: &[&str], round: u32) -> Result<Vec<Figure>, Failure> {
    let name = &program.name;
    // The program is in `target/release/deps`.
    let target = program
        .path
        .ancestors()
        .nth(3)
        .unwrap_or(Path::new("target"));
    let log_path = target.join(format!("bench-{name}.log"));
    let log =
        || File::create(&log_path).map_err(|error| format!("{}: {error}", log_path.display()));
    let output = log()?;
    let errors = output.try_clone().map_err(|error| error.to_string())?;
    // The clock of the file system may be some milliseconds behind.
    let since = SystemTime::now();
    thread::sleep(Duration::from_millis(20));
    let mut child = Command::new(&program.path)
        .arg("--bench")
        .args(options)
        .env("CARGO_TARGET_DIR", target)
        .env("CRITERION_HOME", target.join("criterion"))
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(|error| format!("{name}: {error}"))?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < LIMIT => thread::sleep(Duration::from_millis(50)),
            _ => {
                let _ = child.kill();
                break child.wait().map_err(|error| error.to_string())?;
            }
        }
    };
    if !status.success() {
        let last = last_lines(&log_path, 8);
        return Err(format!(
            "{name} ended with {status}; its last lines:\n{last}"
        ));
    }
    let figure = |(row, runtime, value)| Figure {
        round,
        section: name.clone(),
        row,
        runtime,
        value,
    };
    let times = criterion::since(since, &target.join("criterion"));
    let times = times.into_iter().map(|it| (it.group, it.runtime, it.value));
    let table = target.join(format!("{name}.tsv"));
    let is_new = fs::metadata(&table)
        .and_then(|file| file.modified())
        .is_ok_and(|at| at >= since);
    let others = if is_new {
        lines(&read(&table)?)
    } else {
        Vec::new()
    };
    Ok(times.chain(others).map(figure).collect())
}

/// What a program that does without criterion has written: `row<TAB>runtime<TAB>value`. Other lines are headings.
fn lines(table: &str) -> Vec<(String, String, f64)> {
    table
        .lines()
        .filter_map(
            |line| match line.split('\t').collect::<Vec<_>>().as_slice() {
                [row, runtime, value] => {
                    Some((row.to_string(), runtime.to_string(), value.parse().ok()?))
                }
                _ => None,
            },
        )
        .collect()
}

fn last_lines(path: &Path, count: usize) -> String {
    let log = fs::read(path).unwrap_or_default();
    let mut last = VecDeque::new();
    for line in String::from_utf8_lossy(&log).lines() {
        last.push_back(format!("    {line}\n"));
        if last.len() > count {
            last.pop_front();
        }
    }
    last.into_iter().collect()
}

/// What is to be known about a run before it begins.
pub fn facts() -> Vec<(String, String)> {
    let cpus = thread::available_parallelism().map_or(0, usize::from);
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown", |(_, model)| model);
    let versions = ["samovar", "tokio", "smol", "nio"]
        .iter()
        .filter_map(|name| Some(format!("{name} {}", version(name)?)));
    let fact = |name: &str, fact: String| (name.to_owned(), fact);
    vec![
        fact("date", said_by("date", &["-u", "+%Y-%m-%d"])),
        fact(
            "machine",
            format!("{cpus} x {model}, {}", said_by("uname", &["-sr"])),
        ),
        fact("load when it began", load()),
        fact("versions", versions.collect::<Vec<_>>().join(", ")),
        fact("compiler", said_by("rustc", &["--version"])),
    ]
}

/// The version of a package in `Cargo.lock`.
fn version(name: &str) -> Option<String> {
    let lock = fs::read_to_string("Cargo.lock").ok()?;
    let start = format!("name = \"{name}\"\nversion = ");
    text(lock.split_once(&start)?.1)
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| "unknown".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ')
        .next()
        .filter(|load| !load.is_empty())
        .unwrap_or("unknown")
        .to_owned()
}

/// Says so when the figures will not mean much.
pub fn warn_if_busy() {
    let load = load();
    if load.parse().is_ok_and(|load: f64| load > 0.5) {
        eprintln!("warning: this machine is busy (load {load}); the figures will not mean much");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_benchmarks_are_found_among_cargos_messages() {
        let bench = r#"{"reason":"compiler-artifact","package_id":"path+file:///x#samovar@0.1.0","target":{"kind":["bench"],"crate_types":["bin"],"name":"timers","src_path":"/x/benches/timers.rs","edition":"2024"},"profile":{"opt_level":"3"},"filenames":["/x/target/release/deps/timers-1"],"executable":"/x/target/release/deps/timers-1","fresh":true}"#;
        let path = PathBuf::from("/x/target/release/deps/timers-1");
        let name = "timers".to_owned();
        assert_eq!(built(bench), Some(Program { name, path }));
        assert_eq!(built(&bench.replace("bench\"]", "lib\"]")), None);
        assert_eq!(built(r#"{"reason":"build-finished","success":true}"#), None);
    }

    #[test]
    fn a_table_of_bytes_may_have_a_heading() {
        let table = "case\truntime\tbytes\ntask_pending\ttokio\t320\n\nno table\n";
        let read = lines(table);
        assert_eq!(
            read,
            [("task_pending".to_owned(), "tokio".to_owned(), 320.0)]
        );
    }
}
