//! All mutants of cargo-mutants in one build, each behind a switch.
//!
//! cargo-mutants builds the library and its tests once per mutant. Here that is a minute for each of a thousand. So this
//! tool takes the list that cargo-mutants makes, and plants all of it into one copy of the sources:
//!
//! ```text
//! fn is_empty(&self) -> bool {                   fn is_empty(&self) -> bool {
//!     self.queued == 0               ──►             if on(7) { return true; } if on(8) { return false; }
//! }                                                  (if on(9) { (self.queued) != (0) } else { self.queued == 0 })
//!                                                }
//! ```
//!
//! One build, and then a mutant is an environment variable. One more run of each test binary tells which mutants it comes
//! past at all, so that each mutant is run only against tests that can notice it, and is left at the first that does.
//!
//! Rejected: to believe the tests when a mutant hangs them. A run that ends by the clock is a timeout, and is listed as one.
//!
//! What a switch cannot do is listed as not planted: constants and `const fn`, which are computed before there is an
//! environment, and fields left out of a literal. One thing differs: `a && b && c` with `||` for the first operator is
//! `(a || b) && c` here, and `a || (b && c)` when the text is changed.
//!
//! ```text
//! mutate LIST GROUPS DIR [again | more] [GROUP..]
//! ```
//!
//! `LIST` is what `cargo mutants --list --json` wrote, `GROUPS` says which tests belong to which files, `DIR` is where to work.
//! `again`: only those that survived the last time. `more`: only those that were never run: a run may be broken off.

mod compile;
mod groups;
mod plant;
mod report;
mod run;

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use serde_json::Value;

/// One change that cargo-mutants would make.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// The number of its switch.
    pub number: u32,
    /// The file, from the root of the repository.
    pub file: String,
    /// What kind of change.
    pub genre: String,
    /// Where it begins: line and column, both from 1.
    pub start: (usize, usize),
    /// The new text.
    pub replacement: String,
    /// As cargo-mutants prints it.
    pub name: String,
    /// The group's number.
    pub group: usize,
}

fn main() {
    let mut args = env::args().skip(1);
    let mut next = || {
        args.next()
            .expect("mutate LIST GROUPS DIR [again | more] [GROUP..]")
    };
    let (list, groups, dir) = (next(), next(), next());
    let mut rest: Vec<String> = args.collect();
    let which = match rest.first() {
        Some(word) if word == "again" || word == "more" => rest.remove(0),
        _ => String::new(),
    };
    let dir = Path::new(&dir);
    let groups = groups::read(&groups, &rest);
    let mutants = read(&list, &groups);
    println!("{} mutants", mutants.len());

    // What does not compile is known from the last time, as long as the sources are the same.
    let mut known = report::load(&dir.join("results.txt"));
    let can_be = |mutant: &&Mutant| {
        !known
            .get(&mutant.name)
            .is_some_and(report::Outcome::is_impossible)
    };
    let possible: Vec<Mutant> = mutants.iter().filter(can_be).cloned().collect();
    let (mut planted, impossible) = compile::until_it_compiles(dir, &possible);
    known.extend(impossible);
    report::save(&dir.join("results.txt"), &known);
    let binaries = compile::tests(dir, &groups);
    planted.retain(|mutant| match &*which {
        "again" => known.get(&mutant.name).is_none_or(report::Outcome::is_open),
        "more" => !known.contains_key(&mutant.name),
        _ => true,
    });
    planted.sort_by_key(|mutant| mutant.group);
    known.extend(run::all(dir, &groups, &planted, &binaries));
    report::save(&dir.join("results.txt"), &known);
    report::print(&known, &mutants);
}

/// The mutants in the files of the groups.
fn read(list: &str, groups: &[groups::Group]) -> Vec<Mutant> {
    let text = fs::read_to_string(list).expect("the list of mutants");
    let list: Vec<Value> =
        serde_json::from_str(&text).expect("what `cargo mutants --list --json` wrote");
    let number = |value: &Value| value.as_u64().expect("a number") as usize;
    let mut mutants = Vec::new();
    let mut tests_from = BTreeMap::new();
    for value in &list {
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        let file = text("file");
        let Some(group) = groups::of(groups, &file) else {
            continue;
        };
        let start = &value["span"]["start"];
        let start = (number(&start["line"]), number(&start["column"]));
        // Which cargo-mutants knows only when that is all that `cfg` says.
        if start.0
            > *tests_from
                .entry(file.clone())
                .or_insert_with(|| tests(&file))
        {
            continue;
        }
        let function = value["function"]["function_name"]
            .as_str()
            .unwrap_or("a constant");
        let (genre, replacement) = (text("genre"), text("replacement"));
        let name = match value["name"].as_str() {
            Some(name) => name.to_owned(),
            None => format!(
                "{file}:{}:{}: {genre} {replacement} in {function}",
                start.0, start.1
            ),
        };
        mutants.push(Mutant {
            number: mutants.len() as u32 + 1,
            file,
            genre,
            start,
            replacement,
            name,
            group,
        });
    }
    mutants
}

/// The line at which the unit tests of a file begin: they are the last thing in it.
fn tests(file: &str) -> usize {
    let text = fs::read_to_string(file).expect("the mutant's file");
    let lines: Vec<&str> = text.lines().collect();
    let is_start = |pair: &[&str]| {
        pair[0].starts_with("#[cfg(") && pair[0].contains("test") && pair[1] == "mod tests {"
    };
    let start = lines.windows(2).position(is_start);
    start.map_or(usize::MAX, |line| line + 1)
}
