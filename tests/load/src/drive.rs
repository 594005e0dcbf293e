//! A run: starts the server, makes the connections, and judges what has come of them.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio, exit};
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{env, thread};

use samovar::runtime::Runtime;
use samovar::task::JoinSet;
use samovar::time::{sleep, timeout};

use crate::bytes::{Closing, Random, Stream, Sum, mix};
use crate::client::Client;
use crate::ledger::{Ledger, Side, Totals};
use crate::plan::Plan;
use crate::process::{Memory, Process, STUCK};
use crate::server::ADDRESSES;
use crate::settings::Settings;

/// How long the connections may take to their end when the time is over, and the server to its own. Most take a moment; on a
/// busy machine with 10,000 of them all that takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The time between the first connections of two slots: so fast they come.
const COMING: Duration = Duration::from_micros(100);

/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The server, as the driver sees it.
struct Server {
    child: Child,
    orders: ChildStdin,
    /// What it says, but for the ends of connections, which go to the ledger.
    says: mpsc::Receiver<String>,
}

/// What all slots share.
struct Run {
    settings: Settings,
    servers: Vec<SocketAddr>,
    ledger: Arc<Ledger>,
    /// The time is over.
    stop: AtomicBool,
    /// Connections that were made.
    made: AtomicU64,
}

/// What the server says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Report {
    tasks: usize,
    longest_nap: Duration,
}

/// The whole run. Its row goes to the standard output; the error is what was wrong.
pub fn run(settings: &Settings) -> Result<(), String> {
    watchdog(settings.duration + 2 * PATIENCE);
    let ledger = Arc::new(Ledger::new(settings.seed));
    let (mut server, servers) = Server::start(&ledger)?;
    let process = Process(server.child.id());
    let here = Process::this();
    let descriptors = here.descriptors();
    let runtime = settings.runtime()?;
    let base = (server.report()?.tasks, process.descriptors());

    let mut memory = [process, here].map(Memory::new);
    let run = Arc::new(Run {
        settings: settings.clone(),
        servers,
        ledger: ledger.clone(),
        stop: AtomicBool::new(false),
        made: AtomicU64::new(0),
    });
    server.order("forget naps")?;
    runtime.block_on(run.clone().make_connections(&mut memory));
    let report = server.settle(base, &ledger)?;
    if !ledger.is_wrong() {
        judge_left(&ledger, runtime, descriptors);
    }
    let gone = server.end()?;
    if gone != "gone 0 0" {
        ledger.blame(format!(
            "the server's runtime was dropped, and of its threads and descriptors are left: {gone}"
        ));
    }
    for (memory, whose) in memory.iter().zip(["server", "client"]) {
        if memory.is_flat() == Some(false) {
            ledger.blame(format!("the {whose}'s memory grows: {memory:?}"));
        }
    }
    let totals = ledger.close();
    println!("{}", row(&run, &totals, &memory[0], report.longest_nap));
    if totals.wrongs == 0 {
        Ok(())
    } else {
        let told = totals.wrong.join("\n");
        Err(format!(
            "{} mistakes, seed {}:\n{told}",
            totals.wrongs, settings.seed
        ))
    }
}

/// Ends the process when the run does not end by itself.
fn watchdog(limit: Duration) {
    thread::spawn(move || {
        thread::sleep(limit);
        eprintln!("hangs: it has not ended after {} s", limit.as_secs());
        exit(1);
    });
}

/// The client's own tasks and descriptors: none are left.
fn judge_left(ledger: &Ledger, runtime: Runtime, before: usize) {
    let start = Instant::now();
    let tasks = || runtime.metrics().num_alive_tasks();
    // A task that was awaited may not have been counted yet.
    while tasks() > 0 && start.elapsed() < STUCK {
        thread::sleep(LOOK);
    }
    let tasks = tasks();
    drop(runtime);
    let left = (tasks, Process::this().left(before));
    if left != (0, (0, 0)) {
        ledger.blame(format!(
            "of the client are left: tasks, (threads, descriptors): {left:?}"
        ));
    }
}

impl Run {
    /// Keeps so many connections going for the time of the run, and looks at the memory.
    async fn make_connections(self: Arc<Self>, memory: &mut [Memory; 2]) {
        let Settings {
            connections,
            duration,
            made,
            ..
        } = self.settings;
        let start = Instant::now();
        let mut slots = JoinSet::new();
        for slot in 0..connections {
            slots.spawn(self.clone().fill_slot(slot));
        }
        let mut progress = 0.0;
        while progress < 1.0 && !self.ledger.is_wrong() {
            sleep(LOOK).await;
            let so_far = self.made.load(Relaxed);
            progress = match made {
                Some(made) => so_far as f64 / made as f64,
                None => start.elapsed().as_secs_f64() / duration.as_secs_f64(),
            };
            for memory in &mut *memory {
                memory.look(progress, so_far as f64 / connections as f64);
            }
        }
        self.stop.store(true, SeqCst);
        if self.ledger.is_wrong() {
            // Some may wait for ever for what was lost.
            return;
        }
        let all = async {
            while let Some(slot) = slots.join_next().await {
                if let Err(error) = slot {
                    self.ledger.blame(format!("a client panicked: {error}"));
                }
            }
        };
        if timeout(PATIENCE, all).await.is_err() {
            let left = slots.len();
            self.ledger.blame(format!("{left} connections do not end"));
        }
    }

    /// Makes one connection after the other.
    async fn fill_slot(self: Arc<Self>, slot: usize) {
        let seed = self.settings.seed;
        let mut random = Random::new(mix(slot as u64) ^ seed);
        sleep(COMING * slot as u32).await;
        for round in 0.. {
            if self.stop.load(Relaxed) {
                return;
            }
            let id = (round << 32) | slot as u64;
            let client = Client {
                id,
                stream: Stream::of(id, seed),
                plan: Plan::new(&mut random, self.settings.pause()),
                stop: &self.stop,
            };
            let server = self.servers[random.between(0, self.servers.len() as u64 - 1) as usize];
            match client.run(server, &mut random).await {
                Ok(side) => {
                    self.made.fetch_add(1, Relaxed);
                    self.ledger.settle(id, side);
                }
                Err(wrong) => self.ledger.blame(wrong),
            }
        }
    }
}

impl Server {
    /// Starts it; returns also where it listens.
    fn start(ledger: &Arc<Ledger>) -> Result<(Server, Vec<SocketAddr>), String> {
        let program = env::current_exe().map_err(|error| error.to_string())?;
        let mut child = Command::new(program)
            .arg("serve")
            .args(env::args_os().skip(1))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the server does not start: {error}"))?;
        let (out, orders) = (child.stdout.take(), child.stdin.take());
        let (out, orders) = out.zip(orders).ok_or("the server has no pipes")?;
        let (say, says) = mpsc::channel();
        let ledger = ledger.clone();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                match line.split_once(' ') {
                    Some(("end", words)) => note_end(&ledger, words),
                    None => {}
                    Some(_) => drop(say.send(line)),
                }
            }
        });
        let server = Server {
            child,
            orders,
            says,
        };
        let listens = (0..ADDRESSES).map(|_| {
            let line = server.hear()?;
            let address = line.strip_prefix("listens ").map(str::parse);
            let address = address.ok_or_else(|| format!("the server says {line:?}"))?;
            address.map_err(|error| format!("{line}: {error}"))
        });
        let listens = listens.collect::<Result<_, String>>()?;
        Ok((server, listens))
    }

    /// Tells it to do something.
    fn order(&mut self, what: &str) -> Result<(), String> {
        writeln!(self.orders, "{what}").map_err(|error| format!("the server is gone: {error}"))
    }

    /// The next thing that it says.
    fn hear(&self) -> Result<String, String> {
        self.says
            .recv_timeout(PATIENCE)
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => "the server is silent".to_owned(),
                RecvTimeoutError::Disconnected => "the server is gone".to_owned(),
            })
    }

    /// Asks how it is.
    fn report(&mut self) -> Result<Report, String> {
        self.order("report")?;
        let line = self.hear()?;
        let numbers: Vec<u64> = line
            .split(' ')
            .skip(1)
            .filter_map(|number| number.parse().ok())
            .collect();
        match numbers[..] {
            [tasks, nap] => Ok(Report {
                tasks: tasks as usize,
                longest_nap: Duration::from_micros(nap),
            }),
            _ => Err(format!("the server says {line:?}")),
        }
    }

    /// Waits until it has its `base` of tasks and descriptors again: it may still be busy with ends that were cut off. That
    /// is a mistake only when it does not get on.
    fn settle(&mut self, base: (usize, usize), ledger: &Ledger) -> Result<Report, String> {
        let (mut seen, mut since) = (base, Instant::now());
        loop {
            let report = self.report()?;
            let now = (report.tasks, Process(self.child.id()).descriptors());
            if now == base || ledger.is_wrong() {
                return Ok(report);
            }
            if now != seen {
                (seen, since) = (now, Instant::now());
            } else if since.elapsed() > STUCK {
                ledger.blame(format!(
                    "the server's tasks and descriptors: {base:?} before the first connection, {now:?} after the last"
                ));
            }
            thread::sleep(LOOK);
        }
    }

    /// Ends it; returns its last words.
    fn end(self) -> Result<String, String> {
        let Server {
            mut child,
            orders,
            says,
        } = self;
        drop(orders);
        let last = says.recv_timeout(PATIENCE);
        if last.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().map_err(|error| error.to_string())?;
        match last {
            Ok(last) if status.success() => Ok(last),
            _ => Err(format!("the server hangs or fails at its end: {status}")),
        }
    }
}

/// The server has told of the end of a connection.
fn note_end(ledger: &Ledger, words: &str) {
    let numbers: Vec<u64> = words
        .split(' ')
        .filter_map(|number| number.parse().ok())
        .collect();
    let &[id, read, read_hash, answered, answered_hash] = &numbers[..] else {
        ledger.blame(format!("the server says of an end: {words:?}"));
        return;
    };
    let said = Closing {
        read: Sum {
            count: read,
            hash: read_hash,
        },
        answered: Sum {
            count: answered,
            hash: answered_hash,
        },
    };
    let in_order = words.ends_with("order");
    ledger.settle(id, Side::Server { said, in_order });
}

/// The row of the table: see `.ci/load` for its head.
fn row(run: &Run, totals: &Totals, memory: &Memory, longest_nap: Duration) -> String {
    let mib = |kib: u64| kib >> 10;
    let cold = if memory.is_flat().is_none() {
        " (not warm)"
    } else {
        ""
    };
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} / {} / {}{cold} | {:.0} ms |",
        run.settings.name,
        run.settings.connections,
        run.made.load(Relaxed),
        totals.bytes >> 20,
        totals.in_order,
        totals.closed,
        totals.reset,
        mib(memory.begin),
        mib(memory.warm()),
        mib(memory.end()),
        longest_nap.as_secs_f64() * 1e3,
    )
}
