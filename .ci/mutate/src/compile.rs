//! Plants, compiles, and leaves out what does not compile, until everything does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Mutant;
use crate::groups::Group;
use crate::plant::plant;
use crate::report::Outcome;

/// What is appended to the library: the switches.
const SWITCHES: &str = include_str!("switches.txt");

/// The mutants that are now in `dir/tree`, and what became of the others.
pub fn until_it_compiles(
    dir: &Path,
    mutants: &[Mutant],
) -> (Vec<Mutant>, BTreeMap<String, Outcome>) {
    let tree = dir.join("tree");
    let mut out = BTreeMap::new();
    // Also those whose last mutant goes are written again.
    let files: BTreeSet<String> = mutants.iter().map(|mutant| mutant.file.clone()).collect();
    let mut mutants = mutants.to_vec();
    copy(&tree, &files);
    loop {
        let (places, left) = plant_all(&tree, &files, &mutants);
        let failed = check(&tree, &places);
        mutants.retain(|mutant| {
            let outcome = if left.contains(&mutant.number) {
                Outcome::NotPlanted
            } else if failed.contains(&mutant.number) {
                Outcome::Unviable
            } else {
                return true;
            };
            out.insert(mutant.name.clone(), outcome);
            false
        });
        println!(
            "{} compile, or seem to; {} do not",
            mutants.len(),
            failed.len()
        );
        if failed.is_empty() {
            return (mutants, out);
        }
    }
}

/// By file: the number of each mutant and where it is.
type Places = BTreeMap<String, Vec<(u32, Range<usize>)>>;

/// Copies the repository, all but `planted` and the library.
fn copy(tree: &Path, planted: &BTreeSet<String>) {
    let output = Command::new("git").arg("ls-files").output().expect("git");
    let list = String::from_utf8(output.stdout).expect("paths");
    for path in list
        .lines()
        .filter(|path| *path != "src/lib.rs" && !planted.contains(*path))
    {
        write(
            &tree.join(path),
            fs::read(path).expect("a file of the repository"),
        );
    }
}

/// Writes a file if that changes it: cargo builds again what is new.
fn write(path: &Path, text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    if fs::read(path).is_ok_and(|old| old == text) {
        return;
    }
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder in the copy");
    fs::write(path, text).expect("a file in the copy");
}

/// Writes all files that have mutants, and the switches.
fn plant_all(tree: &Path, files: &BTreeSet<String>, mutants: &[Mutant]) -> (Places, BTreeSet<u32>) {
    let (mut places, mut left) = (Places::new(), BTreeSet::new());
    for file in files {
        let source = fs::read_to_string(file).expect("the mutant's file");
        let here: Vec<&Mutant> = mutants
            .iter()
            .filter(|mutant| mutant.file == *file)
            .collect();
        let planted = plant(&source, &here);
        write(&tree.join(file), &planted.text);
        places.insert(file.clone(), planted.places);
        left.extend(planted.left);
    }
    let library = fs::read_to_string("src/lib.rs").expect("the library");
    let most = mutants
        .iter()
        .map(|mutant| mutant.number)
        .max()
        .unwrap_or(0)
        + 1;
    let switches = SWITCHES.replace("MOST", &most.to_string());
    write(&tree.join("src/lib.rs"), &(library + &switches));
    (places, left)
}

/// Runs cargo and gives its messages.
fn cargo(tree: &Path, args: &[&str], set: &[(&str, &str)]) -> Vec<Value> {
    let output = Command::new("cargo")
        .args(args)
        .args(["--locked", "--message-format=json"])
        .envs(set.iter().copied())
        .current_dir(tree)
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Checks the library, and gives the mutants with which it does not compile.
fn check(tree: &Path, places: &Places) -> BTreeSet<u32> {
    let mut failed = BTreeSet::new();
    for value in cargo(tree, &["check", "--lib"], &[]) {
        let message = &value["message"];
        let spans = message["spans"].as_array();
        let Some(spans) = spans.filter(|spans| message["level"] == "error" && !spans.is_empty())
        else {
            continue;
        };
        let about = |primary: bool| {
            let chosen = spans
                .iter()
                .filter(move |span| span["is_primary"] == primary);
            chosen
                .flat_map(|span| blamed(span, places))
                .collect::<Vec<_>>()
        };
        let mut blamed = about(true);
        if blamed.is_empty() {
            blamed = about(false);
        }
        assert!(
            !blamed.is_empty(),
            "no mutant is to blame for this:\n{}",
            message["rendered"]
        );
        failed.extend(blamed);
    }
    failed
}

/// The mutants that are at a span: those around it, else those that it touches.
fn blamed(span: &Value, places: &Places) -> Vec<u32> {
    let byte = |field: &str| span[field].as_u64().unwrap_or(0) as usize;
    let (start, end) = (byte("byte_start"), byte("byte_end"));
    let Some(places) = places.get(span["file_name"].as_str().unwrap_or_default()) else {
        return Vec::new();
    };
    let numbers = |is: &dyn Fn(&Range<usize>) -> bool| -> Vec<u32> {
        let found = places.iter().filter(|(_, place)| is(place));
        found.map(|(number, _)| *number).collect()
    };
    let around = numbers(&|place| place.start <= start && end <= place.end);
    if around.is_empty() {
        return numbers(&|place| place.start < end && start < place.end);
    }
    around
}

/// Builds the test binaries of the groups: by name, `lib` for the unit tests, `loom` for the models.
pub fn tests(dir: &Path, groups: &[Group]) -> BTreeMap<String, PathBuf> {
    let names: BTreeSet<&str> = groups
        .iter()
        .flat_map(|group| &group.tests)
        .map(String::as_str)
        .collect();
    let mut args = vec!["test", "--no-run"];
    for name in &names {
        match *name {
            "loom" => {}
            "lib" => args.push("--lib"),
            name => args.extend(["--test", name]),
        }
    }
    let tree = dir.join("tree");
    let mut binaries = executables(cargo(&tree, &args, &[]));
    if names.contains("loom") {
        let set = [
            ("RUSTFLAGS", "--cfg loom"),
            ("CARGO_TARGET_DIR", "target/loom"),
        ];
        let args = ["test", "--no-run", "--release", "--lib"];
        let models = executables(cargo(&tree, &args, &set)).remove("lib");
        binaries.insert("loom".to_owned(), models.expect("the models compile"));
    }
    binaries
}

/// The test binaries in the messages of cargo.
fn executables(messages: Vec<Value>) -> BTreeMap<String, PathBuf> {
    let mut binaries = BTreeMap::new();
    for value in messages {
        assert!(
            value["message"]["level"] != "error",
            "{}",
            value["message"]["rendered"]
        );
        if let (Some(path), true) = (
            value["executable"].as_str(),
            value["profile"]["test"] == true,
        ) {
            let target = &value["target"];
            let is_lib = target["kind"][0] == "lib";
            let name = if is_lib {
                "lib"
            } else {
                target["name"].as_str().expect("a name")
            };
            binaries.insert(name.to_owned(), PathBuf::from(path));
        }
    }
    binaries
}
