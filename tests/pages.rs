//! The pages keep what they say: quoted code stands in the source, files and headings that are named exist, sizes are right.
//!
//! A quote is a code block under a line like `<!-- src/scheduler/worker.rs: fn run_tasks -->`. Its lines must stand in that
//! item of that file, one after the other, verbatim but for the indentation. Blank lines and lines that are comments may be
//! left out, and where a line says `// ..` anything may. An item is named by the beginning of its first line, without its
//! visibility; `//!` is the file's own documentation. Blocks of Rust under `<!-- the standard library -->` are not ours.
//!
//! Sizes are counted by `.ci/lines`; `.ci/lines update` writes them into the pages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the repository is.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A page: where it is, and its text.
struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    fn read(path: &str) -> Page {
        let path = root().join(path);
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Page { path, text }
    }

    /// README.md, docs/*.md and the ladder's page.
    fn all() -> Vec<Page> {
        let mut paths = vec![String::from("README.md")];
        for folder in ["docs", "examples/ladder"] {
            let files = fs::read_dir(root().join(folder)).into_iter().flatten();
            let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            let pages = names.filter(|name| name.ends_with(".md"));
            paths.extend(pages.map(|name| format!("{folder}/{name}")));
        }
        paths.sort();
        paths.iter().map(|path| Page::read(path)).collect()
    }

    /// What is wrong with it, for the message of a failed test.
    fn complaint(&self, number: usize, what: &str) -> String {
        let path = self.path.strip_prefix(root()).unwrap().display();
        format!("{path}:{}: {what}", number + 1)
    }

    /// Its lines outside code blocks, with their numbers.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut in_code = false;
        self.text.lines().enumerate().filter(move |(_, line)| {
            let is_fence = line.trim_start().starts_with("```");
            in_code ^= is_fence;
            !in_code && !is_fence
        })
    }

    /// Its code blocks: the number of the fence's line, its language, the line before it, and the code.
    fn blocks(&self) -> Vec<(usize, &str, &str, Vec<&str>)> {
        let (mut blocks, mut before) = (Vec::new(), "");
        let mut lines = self.text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                let code = lines.by_ref().map(|(_, line)| line);
                let code = code.take_while(|line| !line.trim_start().starts_with("```"));
                blocks.push((number, language, before, code.collect()));
            }
            before = line;
        }
        blocks
    }
}

/// Fails with all complaints at once.
fn report(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// The items of a source file whose first line begins with `name`, each from its first line to its last.
fn items<'a>(source: &'a str, name: &str) -> Vec<Vec<&'a str>> {
    let lines: Vec<&str> = source.lines().collect();
    if name == "//!" {
        let docs = lines.iter().filter_map(|line| line.strip_prefix("//!"));
        return vec![docs.collect()];
    }
    let begins = |line: &str| {
        let line = line.trim_start();
        let is_visibility = |word: &str| word == "pub" || word.starts_with("pub(");
        let bare = line.split_once(' ').filter(|(word, _)| is_visibility(word));
        let rest = bare.map_or(line, |(_, rest)| rest).strip_prefix(name);
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    let end = |first: usize| {
        let indent = lines[first].len() - lines[first].trim_start().len();
        let closes = |line: &str| {
            line.len() - line.trim_start().len() == indent
                && (line.trim_end().ends_with(['}', ';']))
                || line.trim() == ");"
        };
        (first..lines.len())
            .find(|at| closes(lines[*at]))
            .unwrap_or(first)
    };
    let first = (0..lines.len()).filter(|at| begins(lines[*at]));
    first.map(|at| lines[at..=end(at)].to_vec()).collect()
}

/// The first line of `quote` that does not stand in `item`, at its place.
fn missing<'a>(quote: &[&'a str], item: &[&str]) -> Option<&'a str> {
    let item: Vec<&str> = item.iter().map(|line| line.trim()).collect();
    // Where the quote may go on: at each of these lines. A quote begins anywhere.
    let mut places: Vec<usize> = (0..item.len()).collect();
    for &line in quote.iter().filter(|line| !line.trim().is_empty()) {
        if line.trim() == "// .." {
            let first = places[0];
            places = (first..=item.len()).collect();
            continue;
        }
        let may_skip = |at: &usize| item[*at].is_empty() || item[*at].starts_with("//");
        let reachable = places.iter().flat_map(|&from| {
            let skipped = (from..item.len()).take_while(may_skip).count();
            from..(from + skipped + 1).min(item.len())
        });
        let mut next: Vec<usize> = reachable
            .filter(|at| item[*at] == line.trim())
            .map(|at| at + 1)
            .collect();
        next.sort_unstable();
        next.dedup();
        if next.is_empty() {
            return Some(line);
        }
        places = next;
    }
    None
}

/// Checks a quote of `item` in `file`.
fn check(file: &str, item: &str, quote: &[&str]) -> Result<(), String> {
    let source =
        fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"))?;
    let items = items(&source, item);
    // Of several with this name the one that says most of it.
    let misses = items.iter().map(|item| missing(quote, item));
    let found = misses.min_by_key(|miss| {
        miss.map(|line| quote.len() - quote.iter().position(|l| *l == line).unwrap())
    });
    match found {
        None => Err(format!("{file} has no `{item}`")),
        Some(None) => Ok(()),
        Some(Some(line)) => Err(format!(
            "`{item}` of {file} has no such line here:\n    {line}"
        )),
    }
}

#[test]
fn what_is_quoted_stands_in_the_source() {
    let mut complaints = Vec::new();
    let mut quotes = 0;
    for page in Page::all() {
        let is_tour =
            page.path.ends_with("docs/tour.md") || page.path.ends_with("docs/questions.md");
        for (number, language, before, code) in page.blocks() {
            let anchor = before
                .trim()
                .strip_prefix("<!--")
                .and_then(|rest| rest.strip_suffix("-->"));
            match anchor
                .map(str::trim)
                .and_then(|anchor| anchor.split_once(": "))
            {
                Some((file, item)) => {
                    quotes += 1;
                    if let Err(what) = check(file, item, &code) {
                        complaints.push(page.complaint(number, &what));
                    }
                }
                None if is_tour
                    && language == "rust"
                    && !before.contains("the standard library") =>
                {
                    complaints.push(page.complaint(number, "Rust without an anchor"));
                }
                None => {}
            }
        }
    }
    report(&complaints);
    assert!(
        quotes > 30,
        "only {quotes} quotes: are the anchors still understood?"
    );
}

/// The name that GitHub gives to a heading.
fn slug(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().replace(' ', "-")
}

/// Whether `target`, a link on `page`, leads somewhere. Links into the web and into the crate's documentation do.
fn leads_somewhere(page: &Page, target: &str) -> bool {
    if target.contains("://") || target.contains("::") {
        return true;
    }
    let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() {
        page.path.clone()
    } else {
        page.path.parent().unwrap().join(file)
    };
    if fragment.is_empty() || path.extension().is_none_or(|extension| extension != "md") {
        return path.exists();
    }
    let Ok(text) = fs::read_to_string(&path) else {
        return false;
    };
    let linked = Page { path, text };
    linked.prose().any(|(_, line)| {
        (line.starts_with('#') && slug(line) == fragment)
            || line.contains(&format!("id=\"{fragment}\""))
    })
}

#[test]
fn every_link_leads_somewhere() {
    let mut complaints = Vec::new();
    for page in Page::all() {
        for (number, line) in page.prose() {
            for link in line.split("](").skip(1) {
                let target = link.split(')').next().unwrap();
                if !leads_somewhere(&page, target) {
                    complaints.push(page.complaint(number, &format!("no {target}")));
                }
            }
        }
    }
    report(&complaints);
}

#[test]
fn files_examples_and_tests_that_are_named_exist() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let ours = [
        "src/",
        "tests/",
        "examples/",
        "docs/",
        "benches/",
        "axum/",
        "macros/",
        ".ci/",
    ];
    let mut complaints = Vec::new();
    for page in Page::all() {
        for (number, line) in page.prose() {
            for code in line.split('`').skip(1).step_by(2) {
                let path = code.split([' ', ':', '*']).next().unwrap();
                // `src/main.rs` is the reader's own.
                let is_ours = ours.iter().any(|start| path.starts_with(start));
                if is_ours && path != "src/main.rs" && !root().join(path).exists() {
                    complaints.push(page.complaint(number, &format!("no {path}")));
                }
            }
        }
        for (number, line) in page.text.lines().enumerate() {
            let words: Vec<&str> = line.split([' ', '`', ')', '"']).collect();
            for pair in words.windows(2) {
                let folder = match pair[0] {
                    "--example" => "examples",
                    "--test" => "tests",
                    "--bench" => "benches",
                    _ => continue,
                };
                let name = pair[1].trim_end_matches(['.', ',', ':']);
                let file = root().join(format!("{folder}/{name}.rs"));
                if !file.exists() && !manifest.contains(&format!("name = \"{name}\"")) {
                    complaints.push(page.complaint(number, &format!("no {folder}/{name}.rs")));
                }
            }
        }
    }
    report(&complaints);
}

#[test]
fn sizes_are_those_that_are_counted() {
    // A package has no hidden files, and its pages are as they were.
    if !root().join(".ci").exists() {
        return;
    }
    let counted = Command::new(root().join(".ci/lines"))
        .arg("check")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&counted.stdout);
    assert!(counted.status.success(), "{said}");
}

#[test]
fn a_quote_that_is_wrong_is_found() {
    let source = "impl A {\n    pub(crate) fn go(&self) {\n        one();\n        // why\n\n        two();\n        three();\n    }\n\n    fn gone() {}\n}\n";
    let found = items(source, "fn go");
    assert_eq!(found.len(), 1, "`gone` is another");
    let miss = |quote: &[&'static str]| missing(quote, &found[0]);
    assert_eq!(
        miss(&["one();", "two();"]),
        None,
        "comments may be left out"
    );
    assert_eq!(miss(&["one();", "// why", "", "two();"]), None);
    assert_eq!(
        miss(&["    fn go(&self) {"]),
        Some("    fn go(&self) {"),
        "a line is quoted whole"
    );
    assert_eq!(
        miss(&["one();", "three();"]),
        Some("three();"),
        "a gap must be marked"
    );
    assert_eq!(miss(&["one();", "// ..", "three();"]), None);
    assert_eq!(
        miss(&["one();", "// ..", "one();"]),
        Some("one();"),
        "the order counts"
    );
    assert_eq!(miss(&["two();", "one();"]), Some("one();"));
    assert_eq!(miss(&["four();"]), Some("four();"));
    assert_eq!(slug("## The life of one `read()`"), "the-life-of-one-read");
}
