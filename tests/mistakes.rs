//! The classic mistakes of `examples/mistakes`: each program gets the message that its first lines show.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// How long a program may be silent. Far longer than any is, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The message that the first lines of the program promise.
fn promised(source: &Path) -> Vec<String> {
    let source = fs::read_to_string(source).unwrap();
    source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .skip_while(|line| *line != "```text")
        .skip(1)
        .take_while(|line| *line != "```")
        .map(alike)
        .collect()
}

/// The line without what differs from run to run: numbers of tasks and workers, times, and the widths of columns, which follow from
/// them. The place in the source stays.
fn alike(line: &str) -> String {
    let words = line.split_whitespace().map(|word| {
        if word.contains(".rs:") || !word.starts_with(|first: char| first.is_ascii_digit()) {
            return word.to_owned();
        }
        "#".to_owned()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Runs the program until it has said what it promises; most would never end by themselves.
fn check(name: &str) {
    let source = PathBuf::from("examples/mistakes")
        .join(name)
        .with_extension("rs");
    let promised = promised(&source);
    assert!(!promised.is_empty(), "{name} promises nothing");
    let this = env::current_exe().unwrap();
    let examples = this.parent().unwrap().with_file_name("examples");
    let program = examples.join(format!("mistake_{name}"));
    let mut child = Command::new(&program)
        .env("SAMOVAR_TRACE", "observe")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!(
                "{}: {error}; see `cargo build --examples`",
                program.display()
            )
        });
    let (tell, told) = channel();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let reader = thread::spawn(move || {
        for line in stderr.lines() {
            let _ = tell.send(line.unwrap());
        }
    });
    let mut said = Vec::new();
    while !said.ends_with(&promised) {
        match told.recv_timeout(PATIENCE) {
            Ok(line) => said.push(alike(&line)),
            Err(error) => {
                let _ = child.kill();
                panic!(
                    "{name}: {error}; it said\n{}\ninstead of\n{}",
                    said.join("\n"),
                    promised.join("\n")
                );
            }
        }
    }
    let _ = child.kill();
    child.wait().unwrap();
    reader.join().unwrap();
}

/// One test for each program.
macro_rules! programs {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            check(stringify!($name));
        }
    )*};
}

// Without debug assertions nobody is warned; and only Linux counts threads.
#[cfg(all(debug_assertions, target_os = "linux"))]
programs! {
    awaits_itself
    blocking_sleep
    forgotten_waker
    kept_sender
    lock_across_await
    std_mutex
    two_channels
}
