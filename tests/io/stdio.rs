//! The standard streams, in a process of their own.

use std::io::Write;
use std::process::{Command, Stdio};

use samovar::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, stderr, stdin, stdout};

use super::watchdog::watchdog_minute as watchdog;

/// Set in the process that a test below starts.
const CHILD: &str = "SAMOVAR_TEST_STDIO_CHILD";

#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    watchdog(|| samovar::runtime::Runtime::new().unwrap().block_on(echo()));
}

/// What that process does: a line and the rest come in, and go out again.
async fn echo() {
    let mut input = BufReader::new(stdin());
    let mut line = String::new();
    input.read_line(&mut line).await.unwrap();
    let mut rest = Vec::new();
    input.read_to_end(&mut rest).await.unwrap();
    assert_eq!(input.read(&mut [0; 8]).await.unwrap(), 0);

    let mut errors = stderr();
    errors.write_all(line.as_bytes()).await.unwrap();
    errors.flush().await.unwrap();
    let mut output = stdout();
    output.write_all(b"<<").await.unwrap();
    output.write_all(&rest).await.unwrap();
    output.write_all(b">>").await.unwrap();
    output.shutdown().await.unwrap();
}

#[test]
fn the_standard_streams_carry_bytes_through() {
    watchdog(pipe_through_the_child);
}

fn pipe_through_the_child() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stdio::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // More than one job carries. The child reads all of it before it answers, so neither waits for the other.
    let body = "0123456789abcdef".repeat(12_000);
    let mut input = child.stdin.take().unwrap();
    write!(input, "first line\n{body}").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains(&format!("<<{body}>>")), "the output differs");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("first line\n"), "{errors}");
}
