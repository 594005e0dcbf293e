//! What connections cost: servers on all runtimes, loaded over loopback.
//!
//! `cargo bench --bench network`. Each server is a process of its own with two workers (`support/serve.rs`), the load comes
//! from one thread of this process that uses no runtime (`support/load.rs`), for HTTP from `wrk`; where that is not
//! installed, the HTTP rows are left out. Client and server share the machine: on two processors a closed loop measures both.
//!
//! | group | one operation is |
//! |---|---|
//! | `echo_1`, `echo_64`, `echo_1000` | 64 bytes there and back, on so many connections at once |
//! | `bulk` | 64 KiB there and back, on four connections at once |
//! | `accept` | a connection: opened, 64 bytes there and back, closed; 16 at once |
//! | `http_64`, `http_1000` | a request of `wrk` and its answer, on so many connections at once |
//!
//! The time is the time of the run divided by the requests. From the same runs come the rows whose names end in
//!
//! | | |
//! |---|---|
//! | `_p99` | how long the slowest requests but one in a hundred took, seen from the client |
//! | `_cpu` | *the processor time of the server* for a request, in and outside the kernel |
//! | `_user` | the part of it outside the kernel. It comes from samples of the system, some 10 to 60 of a group's runs, and is no better than 10 to 30 percent |
//!
//! The runtimes take turns, each with a new process; one turn is one of criterion's samples. All turns of a group come
//! before its first row, and what the command line says about times and samples has no effect here. For `_user` a sample is
//! all turns but one, for a single turn is too short: its confidence interval is too narrow.

mod support;

use std::cell::OnceCell;
use std::process::Command;
use std::thread;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use support::load::{self, Load};
use support::memory;
use support::server::{self, Server};

const RUNTIMES: [&str; 6] = ["samovar", "tokio", "samovar_ct", "tokio_ct", "smol", "nio"];
/// Criterion wants ten samples.
const SAMPLES: usize = 10;
/// `wrk` counts in whole seconds, so it has fewer turns, and each is two of the samples.
const WRK_TURNS: usize = 5;

/// What one turn of one runtime has shown, in nanoseconds.
struct Turn {
    requests: f64,
    /// For one request.
    time: f64,
    p99: f64,
    cpu: f64,
    /// For all requests.
    user: f64,
}

/// The rows of a group: how each is called, and what its sample of that number is.
type Row = (&'static str, fn(&[Turn], usize) -> f64);
const ROWS: [Row; 4] = [
    ("", |turns, number| turns[number].time),
    ("_p99", |turns, number| turns[number].p99),
    ("_cpu", |turns, number| turns[number].cpu),
    ("_user", |turns, number| {
        let others = turns
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number || turns.len() == 1);
        let (user, requests) = others.fold((0.0, 0.0), |(user, requests), (_, turn)| {
            (user + turn.user, requests + turn.requests)
        });
        user / requests
    }),
];

/// Measures one load on all runtimes.
fn group(criterion: &mut Criterion, name: &str, turns: usize, turn: impl Fn(&str) -> Turn + Sync) {
    let measured = OnceCell::new();
    for (row, sample) in ROWS {
        let mut group = criterion.benchmark_group(format!("{name}{row}"));
        group.throughput(Throughput::Elements(1));
        // Criterion is handed what is known already: without warm-up, one sample after the other.
        group.sampling_mode(SamplingMode::Flat).sample_size(SAMPLES);
        group.warm_up_time(Duration::from_nanos(1));
        group.measurement_time(Duration::from_millis(10));
        for (index, runtime) in RUNTIMES.iter().enumerate() {
            let mut calls = 0;
            group.bench_function(*runtime, |bencher| {
                let measured = measured.get_or_init(|| take_turns(turns, &turn));
                let turns = &measured[index];
                let nanos = sample(turns, calls % turns.len());
                calls += 1;
                bencher.iter_custom(|rounds| Duration::from_nanos((nanos * rounds as f64) as u64));
            });
        }
        group.finish();
    }
}

/// All turns of all runtimes. In a test there is one of each, all at once.
fn take_turns(turns: usize, turn: &(impl Fn(&str) -> Turn + Sync)) -> Vec<Vec<Turn>> {
    if support::is_test() {
        return thread::scope(|scope| {
            let threads = RUNTIMES.map(|runtime| scope.spawn(move || vec![turn(runtime)]));
            let turns = threads.map(|thread| thread.join().expect("a turn has panicked"));
            turns.into()
        });
    }
    let mut all: Vec<_> = RUNTIMES.iter().map(|_| Vec::new()).collect();
    for _ in 0..turns {
        for (runtime, turns) in RUNTIMES.iter().zip(&mut all) {
            turns.push(turn(runtime));
        }
    }
    all
}

/// A turn under the load of this process.
fn loaded(runtime: &str, kind: &str, load: Load) -> Turn {
    let (warm_up, window) = if support::is_test() {
        (5, 20)
    } else {
        (50, 300)
    };
    let (warm_up, window) = (
        Duration::from_millis(warm_up),
        Duration::from_millis(window),
    );
    let mut server = Server::start(runtime, kind);
    let mut used = Vec::new();
    let seen = load::run(server.address, load, warm_up, window, || {
        used.push(server.used())
    });
    let nanos = |duration: Duration| duration.as_secs_f64() * 1e9;
    let requests = seen.requests as f64;
    Turn {
        requests,
        time: nanos(seen.time) / requests,
        p99: nanos(seen.p99),
        cpu: nanos(used[1].cpu - used[0].cpu) / requests,
        user: nanos(used[1].user.saturating_sub(used[0].user)),
    }
}

/// A turn under the load of `wrk`.
fn loaded_by_wrk(runtime: &str, connections: usize) -> Turn {
    let mut server = Server::start(runtime, "http");
    let before = server.used();
    let output = Command::new("wrk")
        .args(["--threads=1", "--duration=1s", "--latency"])
        .arg(format!("--connections={connections}"))
        .arg(format!("http://{}/", server.address))
        .output()
        .expect("wrk cannot be started");
    let after = server.used();
    let text = String::from_utf8_lossy(&output.stdout);
    for complaint in ["Socket errors", "Non-2xx"] {
        assert!(!text.contains(complaint), "{runtime}: wrk says\n{text}");
    }
    // "  123456 requests in 1.00s, 10.00MB read", "Requests/sec: 123456.78", "     99%  850.00us"
    let find = |word: &str| {
        let mut words = text.split_whitespace().zip(text.split_whitespace().skip(1));
        words.find_map(|(one, next)| match word {
            "requests" => (next == word).then_some(one),
            _ => (one == word).then_some(next),
        })
    };
    let number = |word| find(word).and_then(|number| number.parse::<f64>().ok());
    let read = || {
        let requests = number("requests").filter(|&requests| requests > 0.0)?;
        Some(Turn {
            requests,
            time: 1e9 / number("Requests/sec:")?,
            p99: nanos(find("99%")?)?,
            cpu: (after.cpu - before.cpu).as_secs_f64() * 1e9 / requests,
            user: after.user.saturating_sub(before.user).as_secs_f64() * 1e9,
        })
    };
    read().unwrap_or_else(|| panic!("{runtime}: wrk says\n{text}"))
}

/// A time as `wrk` writes it.
fn nanos(time: &str) -> Option<f64> {
    let unit_at = time.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = time.split_at(unit_at);
    let nanos = match unit {
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * nanos)
}

fn network(criterion: &mut Criterion) {
    let load = |connections, message, reconnect| Load {
        connections,
        message,
        reconnect,
    };
    for (name, kind, load) in [
        ("echo_1", "echo", load(1, 64, false)),
        ("echo_64", "echo", load(64, 64, false)),
        ("echo_1000", "echo", load(1_000, 64, false)),
        ("bulk", "bulk", load(4, 64 * 1024, false)),
        ("accept", "echo", load(16, 64, true)),
    ] {
        group(criterion, name, SAMPLES, |runtime| {
            loaded(runtime, kind, load)
        });
    }
    if Command::new("wrk").arg("-v").output().is_err() {
        eprintln!("http_64 and http_1000 are left out: wrk is not installed");
        return;
    }
    for connections in [64, 1_000] {
        let name = format!("http_{connections}");
        group(criterion, &name, WRK_TURNS, |runtime| {
            loaded_by_wrk(runtime, connections)
        });
    }
}

fn main() {
    server::serve_if_asked();
    // Some systems allow 1,024 unless asked for more.
    memory::raise_open_files();
    let mut criterion = support::criterion().configure_from_args();
    network(&mut criterion);
    criterion.final_summary();
}
