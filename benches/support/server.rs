//! A server in a process of its own: this program once more, which its environment tells what to serve.
//!
//! ```text
//! the benchmark                              the server
//! start  ── runtime and kind ─────────────►  its runtime; its first line says on which port it listens
//! used   ── a line ───────────────────────►  a thread beside the runtime, which answers with figures
//! drop   ── the end of standard input ────►  the same thread ends the process
//! ```
//!
//! So no server outlives its benchmark, whatever ends that.

use std::io::{BufRead, BufReader, Lines, Write, stdin, stdout};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio, exit};
use std::time::Duration;
use std::{env, thread};

use super::{cpu, memory, serve};

/// The variable that makes this program a server: the names of a runtime and of a kind.
pub const VARIABLE: &str = "BENCH_SERVER";

/// Serves, if this process was started for that; does not return then.
pub fn serve_if_asked() {
    if let Ok(job) = env::var(VARIABLE) {
        let (runtime, kind) = job.split_once(' ').expect("a runtime and a kind");
        serve::run(runtime, kind);
    }
}

/// What a server does when it listens.
pub fn announce(address: SocketAddr) {
    println!("{}", address.port());
    thread::spawn(|| {
        for question in stdin().lines() {
            let answer = match question.as_deref() {
                Ok("cpu") => format!("{} {}", cpu::used().as_nanos(), cpu::user().as_nanos()),
                Ok("memory") => memory::resident().to_string(),
                _ => break,
            };
            if writeln!(stdout(), "{answer}").is_err() {
                break;
            }
        }
        exit(0);
    });
}

/// The processor time that a server has used.
#[derive(Clone, Copy)]
pub struct Used {
    pub cpu: Duration,
    /// The part of it outside the kernel.
    pub user: Duration,
}

/// A server, seen from the benchmark.
pub struct Server {
    pub address: SocketAddr,
    process: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Server {
    pub fn start(runtime: &str, kind: &str) -> Server {
        let mut process = Command::new(env::current_exe().expect("this program has a path"))
            .env(VARIABLE, format!("{runtime} {kind}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server cannot be started");
        let mut server = Server {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            questions: process.stdin.take().expect("it is piped"),
            answers: BufReader::new(process.stdout.take().expect("it is piped")).lines(),
            process,
        };
        let port = server.answer()[0];
        server
            .address
            .set_port(u16::try_from(port).expect("a port"));
        server
    }

    pub fn used(&mut self) -> Used {
        let answer = self.ask("cpu");
        Used {
            cpu: Duration::from_nanos(answer[0]),
            user: Duration::from_nanos(answer[1]),
        }
    }

    /// The bytes of memory that the server occupies.
    pub fn resident(&mut self) -> u64 {
        self.ask("memory")[0]
    }

    fn ask(&mut self, question: &str) -> Vec<u64> {
        writeln!(self.questions, "{question}").expect("the server has ended");
        self.answer()
    }

    fn answer(&mut self) -> Vec<u64> {
        let line = self.answers.next().expect("the server has ended");
        line.expect("the server has written text")
            .split(' ')
            .map(|number| number.parse().expect("the server has written numbers"))
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its standard input stays open until after this.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
