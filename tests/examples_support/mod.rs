//! Runs an example as a program of its own, and listens to it under a watchdog.
#![allow(dead_code)]

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// How long an example may be silent. Far longer than any takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where cargo has put the example: beside this program's directory. A plain `cargo test` builds the examples first.
fn program(name: &str) -> PathBuf {
    let this = env::current_exe().unwrap();
    let program = this.parent().unwrap().with_file_name("examples").join(name);
    assert!(
        program.exists(),
        "{} is not built: `cargo test` does it, `cargo test --test ...` does not; see `cargo build --examples`",
        program.display()
    );
    program
}

/// An example that runs.
pub struct Example {
    name: String,
    child: Child,
    /// Lines of the standard output; closed at its end.
    out: Receiver<String>,
    /// All of the standard error, at its end.
    err: Receiver<String>,
}

/// What an example has said, and how it ended.
pub struct Ended {
    pub success: bool,
    pub out: String,
    pub err: String,
}

/// Starts the example.
pub fn start(name: &str, arguments: &[&str]) -> Example {
    start_traced(name, arguments, "")
}

/// Starts the example, with this value of `SAMOVAR_TRACE`.
pub fn start_traced(name: &str, arguments: &[&str], trace: &str) -> Example {
    let mut child = Command::new(program(name))
        .args(arguments)
        .env("SAMOVAR_TRACE", trace)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (lines, out) = channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    thread::spawn(move || {
        for line in stdout.lines() {
            // Nobody listens any more when the test has what it wants.
            let _ = lines.send(line.unwrap());
        }
    });
    let (all, err) = channel();
    let mut stderr = child.stderr.take().unwrap();
    thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        let _ = all.send(text);
    });
    Example {
        name: name.to_owned(),
        child,
        out,
        err,
    }
}

/// Runs the example to its end.
pub fn run(name: &str, arguments: &[&str]) -> Ended {
    start(name, arguments).ends()
}

/// Runs the example, which must succeed, and returns its output.
pub fn output(name: &str, arguments: &[&str]) -> String {
    let ended = run(name, arguments);
    assert!(ended.success, "{name} fails: {}{}", ended.out, ended.err);
    ended.out
}

impl Example {
    /// The rest of the next line that starts so.
    pub fn line(&self, start: &str) -> String {
        loop {
            let line = self.out.recv_timeout(PATIENCE).unwrap_or_else(|error| {
                panic!("{} does not say {start:?}: {error}", self.name);
            });
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }

    /// What Ctrl-C does.
    pub fn interrupt(&self) {
        let sent = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for the end.
    pub fn ends(mut self) -> Ended {
        let mut out = String::new();
        loop {
            match self.out.recv_timeout(PATIENCE) {
                Ok(line) => out = out + &line + "\n",
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    panic!("{} hangs; it has said:\n{out}", self.name)
                }
            }
        }
        // The output is closed, so the program is about to end.
        let err = self.err.recv_timeout(PATIENCE).unwrap();
        let success = self.child.wait().unwrap().success();
        Ended { success, out, err }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // It has ended already, or has to now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// One connection to an HTTP server.
pub struct Connection(BufReader<TcpStream>);

/// Connects to what an example has printed behind `http://`.
pub fn connect(address: &str) -> Connection {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Connection(BufReader::new(stream))
}

impl Connection {
    /// Sends bytes. The server may have enough of them before the last; then it says so in its answer.
    pub fn send(&mut self, bytes: &str) {
        let _ = self.0.get_mut().write_all(bytes.as_bytes());
    }

    /// The next line, without its end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next answer. One to `HEAD` tells a length, but has no body.
    pub fn answer(&mut self, has_body: bool) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.0.read_line(&mut head).unwrap();
            assert!(read > 0, "the connection is closed after {head:?}");
        }
        let length = head
            .lines()
            .find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            })
            .unwrap_or_else(|| panic!("no length in {head:?}"));
        let mut body = vec![0; if has_body { length } else { 0 }];
        self.0.read_exact(&mut body).unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: String::from_utf8(body).unwrap(),
        }
    }

    /// Sends a request and takes the answer.
    pub fn ask(&mut self, request: &str) -> Answer {
        self.send(request);
        self.answer(!request.starts_with("HEAD"))
    }

    /// Whether the server has closed: no byte comes any more. A server that closes while bytes lie unread resets.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.0.fill_buf(), Ok([]) | Err(_))
    }
}
