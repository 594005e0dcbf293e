//! `docs/reliability.md` is true as far as a program can tell: every test that it names exists, and every file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What stands between single backticks on a page, outside blocks of code.
fn code_spans(page: &str) -> Vec<&str> {
    let mut spans = Vec::new();
    let mut in_block = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            spans.extend(line.split('`').skip(1).step_by(2));
        }
    }
    spans
}

/// The folders of this repository whose files a page names.
const FOLDERS: [&str; 10] = [
    "src/",
    "tests/",
    "docs/",
    "examples/",
    "benches/",
    "axum/",
    "macros/",
    "fuzz/",
    ".ci/",
    "shuttle/",
];

/// A file of this repository, and a test in it if one is named: `tests/task.rs: wakes_after_the_end_do_nothing`. Several
/// tests of one file are separated by commas.
fn reference(span: &str) -> Option<(&str, Vec<&str>)> {
    if !FOLDERS.iter().any(|folder| span.starts_with(folder)) {
        return None;
    }
    match span.split_once(": ") {
        Some((file, tests)) => Some((file, tests.split(',').map(str::trim).collect())),
        // Without the arguments of a command.
        None => Some((span.split(' ').next().unwrap_or(span), Vec::new())),
    }
}

/// The functions of a source file that are tests: an attribute right above says so.
fn tests_in(source: &str) -> Vec<&str> {
    let mut tests = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if let Some(attribute) = line.strip_prefix("#[") {
            is_test |= attribute.contains("test");
        } else if line.starts_with("//") || line.starts_with("#!") {
            // Between the attribute and the function.
        } else {
            let name = line
                .split_once("fn ")
                .map(|(_, rest)| rest.split(['(', '<']).next().unwrap_or(rest));
            tests.extend(name.filter(|_| is_test));
            is_test = false;
            // An entry of a list of which a macro makes tests: `name: what::it::runs;`.
            if source.contains("fn $name(") && line.ends_with(';') {
                let entry = line.split_once(": ").map(|(name, _)| name);
                tests.extend(entry.filter(|name| !name.contains(' ')));
            }
        }
    }
    tests
}

fn pages() -> Vec<PathBuf> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let is_page = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("reliability") && name.ends_with(".md")
    };
    let mut pages: Vec<_> = fs::read_dir(docs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(is_page)
        .collect();
    pages.sort();
    pages
}

#[test]
fn every_test_and_every_file_that_the_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut named = 0;
    assert!(!pages().is_empty(), "there is no page");
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for (file, tests) in code_spans(&text).into_iter().filter_map(reference) {
            let path = root.join(file);
            if !path.exists() {
                wrong.push(format!("{}: there is no {file}", page.display()));
                continue;
            }
            for test in tests {
                let source = sources
                    .entry(file.to_owned())
                    .or_insert_with(|| fs::read_to_string(&path).unwrap());
                named += 1;
                if !tests_in(source).contains(&test) {
                    wrong.push(format!("{}: {file} has no test {test}", page.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        named > 50,
        "only {named} tests are named: has the form changed?"
    );
}

#[test]
fn what_is_a_reference_and_what_is_a_test() {
    let page = "a `b` and `tests/x.rs: one, two`\n```\n`tests/no.rs: no`\n```\n`.ci/run all`, `std::fmt`\n";
    let references: Vec<_> = code_spans(page).into_iter().filter_map(reference).collect();
    assert_eq!(
        references,
        [("tests/x.rs", vec!["one", "two"]), (".ci/run", vec![])]
    );
    let source =
        "#[test]\nfn a() {}\nfn b() {}\n#[samovar::test]\n// why\n#[ignore]\nasync fn c() {}\n";
    assert_eq!(tests_in(source), ["a", "c"]);
}
