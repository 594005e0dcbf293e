//! Runs the tests against the mutants.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{env, thread};

use crate::Mutant;
use crate::groups::Group;
use crate::report::Outcome;

/// How much longer than usual tests may take by the clock before they count as hung.
const SLACK: Duration = Duration::from_secs(30);

/// How many seconds of a processor more than usual.
const WORK: u64 = 4;

/// How many tests are tried at a time: first the few that are likely to tell, which most often do.
const BATCHES: [usize; 3] = [4, 20, usize::MAX];

/// A test.
struct Test {
    /// The binary's name.
    of: String,
    /// The binary.
    binary: PathBuf,
    /// Its name in there.
    name: String,
    /// How long it takes by the clock when nothing is wrong.
    time: Duration,
    /// The mutants that it comes past.
    reaches: BTreeSet<u32>,
}

impl Test {
    /// How late it is tried: those first that are quick, and come past few others.
    fn price(&self) -> u128 {
        self.time.as_millis().max(1) * self.reaches.len() as u128
    }
}

/// How tests ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// All passed.
    Passed,
    /// This one failed.
    Failed(String),
    /// The process ended in the midst of them.
    Died,
    /// The clock ended them.
    Hung,
    /// They used up their time on the processor.
    Looped,
}

/// Runs each of `mutants` against the tests of its group, and tells what became of it.
pub fn all(
    dir: &Path,
    groups: &[Group],
    mutants: &[Mutant],
    binaries: &BTreeMap<String, PathBuf>,
) -> BTreeMap<String, Outcome> {
    let tests = look(dir, binaries);
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(dir.join("results.txt"));
    let log = Mutex::new((log.expect("the file of the results"), 0));
    let new = Mutex::new(BTreeMap::new());
    let start = Instant::now();
    in_parallel(mutants, |mutant| {
        let group = &groups[mutant.group];
        let outcome = one(dir, group, mutant, &tests);
        let (log, done) = &mut *log.lock().expect("the log");
        *done += 1;
        let line = outcome.line(&mutant.name);
        log.write_all(line.as_bytes())
            .expect("the file of the results");
        let (of, group) = (mutants.len(), &group.name);
        print!(
            "{group} {done}/{of} after {} s: {line}",
            start.elapsed().as_secs()
        );
        let mut new = new.lock().expect("the outcomes");
        new.insert(mutant.name.clone(), outcome);
    });
    new.into_inner().expect("the outcomes")
}

/// Does something with each, on as many threads as `JOBS` says.
fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let jobs = env::var("JOBS")
        .ok()
        .and_then(|jobs| jobs.parse().ok())
        .unwrap_or(2);
    let items = Mutex::new(items.iter());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let item = items.lock().expect("the items").next();
                    match item {
                        Some(item) => work(item),
                        None => return,
                    }
                }
            });
        }
    });
}

/// Runs each test by itself without a mutant, to see which it comes past. The cheapest test comes first.
fn look(dir: &Path, binaries: &BTreeMap<String, PathBuf>) -> Vec<Test> {
    let mut tests = Vec::new();
    for (of, binary) in binaries {
        let output = Command::new(binary)
            .args(["--list", "--format", "terse"])
            .output();
        let list = String::from_utf8(output.expect("the test binary").stdout).expect("names");
        let names = list.lines().filter_map(|line| line.strip_suffix(": test"));
        let wanted = names.filter(|name| of != "loom" || name.contains("loom"));
        tests.extend(wanted.map(|name| (of.clone(), binary.clone(), name.to_owned())));
    }
    let known = Mutex::new(Vec::new());
    let number = AtomicUsize::new(0);
    in_parallel(&tests, |(of, binary, name)| {
        let file = dir.join(format!("reached-{}", number.fetch_add(1, Relaxed)));
        let _ = fs::remove_file(&file);
        let path = file.to_str().expect("a path").to_owned();
        let start = Instant::now();
        let limit = (Duration::from_secs(120), 60);
        let end = run(dir, binary, &[name], &[("MUTANTS_REACHED", path)], limit);
        let time = start.elapsed();
        let bytes = fs::read(&file).unwrap_or_default();
        let _ = fs::remove_file(&file);
        if end != End::Passed {
            println!("{of}: {name} is left out: {end:?}");
            return;
        }
        let numbers = bytes
            .chunks_exact(4)
            .map(|four| u32::from_le_bytes(four.try_into().expect("four")));
        let test = Test {
            of: of.clone(),
            binary: binary.clone(),
            name: name.clone(),
            time,
            reaches: numbers.collect(),
        };
        known.lock().expect("the tests").push(test);
    });
    let mut known = known.into_inner().expect("the tests");
    known.sort_by_key(Test::price);
    println!("{} tests", known.len());
    known
}

/// Runs the tests that come past a mutant, until one fails.
fn one(dir: &Path, group: &Group, mutant: &Mutant, tests: &[Test]) -> Outcome {
    let knows =
        |test: &&Test| group.tests.contains(&test.of) && test.reaches.contains(&mutant.number);
    let mut tests = tests.iter().filter(knows).peekable();
    if tests.peek().is_none() {
        return Outcome::Unreached;
    }
    let set = [("MUTANT", mutant.number.to_string())];
    for size in BATCHES {
        // The unit tests first: what they see fails there, and hangs elsewhere.
        let mut batch: BTreeMap<(bool, &str), Vec<&Test>> = BTreeMap::new();
        for test in tests.by_ref().take(size) {
            batch
                .entry((test.of != "lib", &test.of))
                .or_default()
                .push(test);
        }
        for ((_, of), tests) in batch {
            let time: Duration = tests.iter().map(|test| test.time).sum();
            let limit = (SLACK + 5 * time, WORK + 5 * time.as_secs());
            let names: Vec<&str> = tests.iter().map(|test| test.name.as_str()).collect();
            let binary = &tests[0].binary;
            match run(dir, binary, &names, &set, limit) {
                End::Passed => {}
                // A test that fails now and then, on a busy machine perhaps, has caught nothing.
                End::Failed(test) if run(dir, binary, &[&test], &set, limit) == End::Passed => {
                    println!("{of}: {test} failed once: {}", mutant.name);
                }
                End::Failed(test) => return Outcome::Caught(format!("{of}: {test}")),
                End::Died => {
                    return Outcome::Caught(format!(
                        "{of}: {}, or one after it, ended the process",
                        names[0]
                    ));
                }
                End::Looped => return Outcome::Timeout(format!("{of}, a loop")),
                End::Hung => {
                    return Outcome::Timeout(format!("{of}: {} or one of the next", names[0]));
                }
            }
        }
    }
    Outcome::Survived
}

/// Runs tests until they end, one fails, or the time is over: so long by the clock, and so many seconds of a processor, for a
/// mutant that loops takes it from the others.
fn run(
    dir: &Path,
    binary: &Path,
    names: &[&str],
    set: &[(&str, String)],
    limit: (Duration, u64),
) -> End {
    let shell = format!(
        "ulimit -c 0 -t {}; exec \"$0\" --exact --test-threads 4 \"$@\"",
        limit.1
    );
    let mut child = Command::new("nice")
        .args(["-n", "10", "bash", "-c", &shell])
        .arg(binary)
        .args(names)
        .envs(set.iter().cloned())
        .env("LOOM_MAX_PREEMPTIONS", "2")
        .current_dir(dir.join("tree"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the test binary");
    let (lines, next) = mpsc::channel();
    let output = BufReader::new(child.stdout.take().expect("its output"));
    thread::spawn(move || {
        for line in output.split(b'\n').map_while(Result::ok) {
            if lines
                .send(String::from_utf8_lossy(&line).into_owned())
                .is_err()
            {
                return;
            }
        }
    });
    let end = Instant::now() + limit.0;
    let outcome = loop {
        match next.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                let failed = line
                    .strip_prefix("test ")
                    .and_then(|rest| rest.strip_suffix(" ... FAILED"));
                if let Some(test) = failed {
                    let name = test.strip_suffix(" - should panic").unwrap_or(test);
                    break Some(End::Failed(name.to_owned()));
                }
            }
            Err(RecvTimeoutError::Timeout) => break Some(End::Hung),
            Err(RecvTimeoutError::Disconnected) => break None,
        }
    };
    if outcome.is_some() {
        let _ = child.kill();
    }
    let status = child.wait().expect("the child");
    /// `SIGXCPU`.
    const OUT_OF_TIME: i32 = 24;
    match outcome {
        Some(outcome) => outcome,
        None if status.success() => End::Passed,
        None if status.signal() == Some(OUT_OF_TIME) => End::Looped,
        None => End::Died,
    }
}
