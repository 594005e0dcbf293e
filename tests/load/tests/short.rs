//! The load for a moment, and its mistakes: what it checks, it notices.

use std::process::{Command, Output};

/// Runs the load; it has a watchdog of its own, which gives it this time and two minutes for the end.
fn load(arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_load"))
        .args(["--seconds", "200"])
        .args(arguments.split(' '))
        .output()
        .unwrap()
}

/// What it has said.
fn text(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn some_hundred_unruly_connections_lose_no_byte_and_leave_nothing() {
    for arguments in [
        "--made 1500 --connections 300 --workers 2 --hogs 1",
        "--made 1000 --connections 200 --workers 0",
    ] {
        let output = load(arguments);
        let text = text(&output);
        println!("{text}");
        assert!(output.status.success(), "{arguments}: {text}");
    }
}

#[test]
fn a_lost_byte_is_noticed() {
    noticed("byte", "an answer is wrong");
}

#[test]
fn a_task_that_stays_is_noticed() {
    noticed("task", "the server's tasks and descriptors");
}

#[test]
fn a_descriptor_that_stays_is_noticed() {
    noticed("descriptor", "the server's tasks and descriptors");
}

#[test]
fn memory_that_is_not_freed_is_noticed() {
    noticed("memory", "the server's memory grows");
}

/// The server makes this mistake, and the load says so.
fn noticed(mistake: &str, says: &str) {
    let output = load(&format!(
        "--made 500 --connections 100 --workers 2 --plant {mistake}"
    ));
    let text = text(&output);
    assert!(!output.status.success() && text.contains(says), "{text}");
}
