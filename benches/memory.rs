//! What waiting costs in memory: tasks that wait for nothing, tasks that sleep, connections without traffic.
//!
//! `cargo bench --bench memory`. Criterion measures time, so this is a program of its own. It prints a table, and writes the
//! same to `memory.tsv` in the target directory, as lines "case, runtime, bytes" with tabs between them.
//!
//! | case | the bytes are those of |
//! |---|---|
//! | `task_pending` | one of 1,000,000 tasks that were polled once, without the handles, which are kept |
//! | `task_sleeping` | the same, each in a sleep of up to an hour |
//! | `connection_idle` | one of 10,000 connections of a server, each with a task that waits for a byte; what the kernel keeps is not counted |
//!
//! Each case has a process of its own, whose resident memory is taken before and after. Tasks are spawned a thousand at a
//! time, so that tasks are measured and not the queue in which they wait for their first poll.

mod support;

use std::io::{ErrorKind, Read, Write, stdout};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use support::server::{self, Server};
use support::{Runtime as _, is_test, memory};

const RUNTIMES: [&str; 6] = ["samovar", "tokio", "samovar_ct", "tokio_ct", "smol", "nio"];
/// The variable that makes this program a case: its name, a runtime and how many tasks.
const VARIABLE: &str = "BENCH_MEMORY";

/// The bytes for each of so many, or why there is no figure.
type Bytes = Result<u64, String>;

/// A sleep of up to an hour, as if by chance: the `index`-th of many.
fn up_to_an_hour(index: u64) -> std::time::Duration {
    let micros = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    std::time::Duration::from_secs(3_600) + std::time::Duration::from_micros(micros % 3_600_000_000)
}

macro_rules! cases {
    ($runtime:ident) => {
        mod $runtime {
            use std::future::pending;
            use std::mem::forget;
            use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
            use std::time::Duration;

            use crate::support::{memory, $runtime as rt};
            use crate::up_to_an_hour;

            /// How many tasks were polled.
            static POLLED: AtomicU64 = AtomicU64::new(0);

            /// The resident bytes of each of so many tasks.
            macro_rules! bytes_of {
                ($count:ident, $make:expr) => {{
                    // What a runtime makes for its first task does not count.
                    rt::join(rt::spawn(rt::yield_now())).await;
                    let mut handles = Vec::with_capacity(usize::try_from($count).unwrap_or(0));
                    let before = memory::resident();
                    for index in 0..$count {
                        handles.push(rt::spawn_with($make(index)));
                        while index % 1_000 == 999 && POLLED.load(Relaxed) <= index {
                            rt::sleep(Duration::from_micros(100)).await;
                        }
                    }
                    while POLLED.load(Relaxed) < $count {
                        rt::sleep(Duration::from_millis(1)).await;
                    }
                    let after = memory::resident();
                    let own = u64::try_from(size_of_val(&handles[..])).unwrap_or(0);
                    // The process ends here; nio's tasks may be dropped on their own worker only.
                    forget(handles);
                    after.saturating_sub(before + own) / $count
                }};
            }

            pub async fn bytes(case: &str, count: u64) -> u64 {
                match case {
                    "task_pending" => bytes_of!(count, |_| || async {
                        POLLED.fetch_add(1, Relaxed);
                        pending::<()>().await;
                    }),
                    "task_sleeping" => bytes_of!(count, |index| move || async move {
                        POLLED.fetch_add(1, Relaxed);
                        rt::sleep(up_to_an_hour(index)).await;
                    }),
                    _ => panic!("there is no case of the name {case}"),
                }
            }
        }
    };
}

cases!(samovar);
cases!(tokio);
cases!(smol);
cases!(nio);

/// In a process of its own: the bytes of a task on that runtime.
fn print_case(job: &str) {
    let mut words = job.split(' ');
    let mut word = || words.next().expect("a case, a runtime and a number");
    let (case, runtime) = (word(), word());
    let count = word().parse().expect("a number");
    let bytes = match runtime {
        "samovar" => support::samovar::multi_thread().block_on(samovar::bytes(case, count)),
        "tokio" => support::tokio::multi_thread().block_on(tokio::bytes(case, count)),
        "samovar_ct" => support::samovar::current_thread().block_on(samovar::bytes(case, count)),
        "tokio_ct" => support::tokio::current_thread().block_on(tokio::bytes(case, count)),
        "smol" => support::smol::multi_thread().block_on(smol::bytes(case, count)),
        "nio" => support::nio::multi_thread().block_on(nio::bytes(case, count)),
        _ => panic!("there is no runtime of the name {runtime}"),
    };
    println!("{bytes}");
    // Without the end of a million tasks.
    std::process::exit(0);
}

fn of_task(case: &str, runtime: &str) -> Bytes {
    let count = if is_test() { 10_000 } else { 1_000_000 };
    let output = Command::new(env::current_exe().expect("this program has a path"))
        .env(VARIABLE, format!("{case} {runtime} {count}"))
        .stderr(Stdio::inherit())
        .output()
        .expect("the case cannot be started");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .map_err(|_| format!("ended with {}", output.status))
}

fn of_connection(runtime: &str) -> Bytes {
    let count = if is_test() { 200 } else { 10_000 };
    let limit = memory::raise_open_files();
    // Some are open already, and runtimes have some of their own.
    if limit < count + 100 {
        return Err(format!(
            "{limit} open files are allowed, {} needed",
            count + 100
        ));
    }
    let mut server = Server::start(runtime, "idle");
    let address = server.address;
    let connect = || {
        let mut stream = TcpStream::connect(address).expect("cannot connect");
        // The server's task is there when its byte is.
        stream.read_exact(&mut [0]).expect("the server is silent");
        stream
    };
    // What the server makes for its first connection does not count.
    let _first = connect();
    let before = server.resident();
    let streams: Vec<_> = (0..count).map(|_| connect()).collect();
    let after = server.resident();
    for stream in &streams {
        stream.set_nonblocking(true).expect("it is a socket");
        let open = stream.peek(&mut [0]).map_err(|error| error.kind());
        assert_eq!(open, Err(ErrorKind::WouldBlock), "a connection was closed");
    }
    Ok(after.saturating_sub(before) / count)
}

fn main() {
    server::serve_if_asked();
    if let Ok(job) = env::var(VARIABLE) {
        print_case(&job);
    }
    if !Path::new("/proc/self/smaps_rollup").exists() {
        println!("skipped: this system does not tell the memory of a process as Linux does");
        return;
    }
    // As criterion's programs do it: a word is a filter (a number is some option's), and `--list` only lists.
    let mut words = env::args().skip(1).filter(|word| !word.starts_with('-'));
    let filter = words.find(|word| word.parse::<f64>().is_err());
    let mut cases = vec!["task_pending", "task_sleeping", "connection_idle"];
    cases.retain(|case| filter.as_ref().is_none_or(|filter| case.contains(filter)));
    if env::args().any(|argument| argument == "--list") {
        cases.iter().for_each(|case| println!("{case}: benchmark"));
        return;
    }
    if cases.is_empty() {
        return;
    }
    let mut lines = String::new();
    print!("{:<16}", "bytes");
    for runtime in RUNTIMES {
        print!("{runtime:>12}");
    }
    println!();
    for case in cases {
        print!("{case:<16}");
        let mut reasons = Vec::new();
        for runtime in RUNTIMES {
            let bytes = match case {
                "connection_idle" => of_connection(runtime),
                _ => of_task(case, runtime),
            };
            match bytes {
                Ok(bytes) => {
                    print!("{bytes:>12}");
                    lines += &format!("{case}\t{runtime}\t{bytes}\n");
                }
                Err(reason) => {
                    print!("{:>12}", "–");
                    reasons.push(format!("{case} on {runtime} is left out: {reason}"));
                }
            }
            let _ = stdout().flush();
        }
        println!();
        reasons.iter().for_each(|reason| println!("{reason}"));
    }
    if !is_test() {
        // Cargo names a folder in the target directory.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
        let path = target.unwrap_or(Path::new(".")).join("memory.tsv");
        fs::write(&path, lines).expect("the results cannot be written");
        println!("written to {}", path.display());
    }
}
