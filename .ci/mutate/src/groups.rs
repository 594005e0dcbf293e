//! Which tests belong to which files: one line per group, `name | files | tests`.

use std::fs;

/// A line of the table.
#[derive(Debug)]
pub struct Group {
    /// What it is called.
    pub name: String,
    /// What the paths of its files begin with.
    pub files: Vec<String>,
    /// Its test binaries, in the order in which they are tried. `lib` are the unit tests.
    pub tests: Vec<String>,
}

/// Reads the table, or the groups of it that are `wanted`; none means all.
pub fn read(path: &str, wanted: &[String]) -> Vec<Group> {
    let text = fs::read_to_string(path).expect("the table of groups");
    let words = |part: &str| part.split_whitespace().map(str::to_owned).collect();
    let mut groups = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.split('|');
        let (Some(name), Some(files), Some(tests)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let name = name.trim().to_owned();
        if wanted.is_empty() || wanted.contains(&name) {
            let (files, tests) = (words(files), words(tests));
            groups.push(Group { name, files, tests });
        }
    }
    assert!(!groups.is_empty(), "there is no such group");
    groups
}

/// The first group to which the file belongs.
pub fn of(groups: &[Group], file: &str) -> Option<usize> {
    let has = |group: &Group| {
        group
            .files
            .iter()
            .any(|prefix| file.starts_with(prefix.as_str()))
    };
    groups.iter().position(has)
}
