//! Ten thousand connections that say nothing, and are there when they are spoken to. Server and clients are two processes,
//! because each needs a descriptor for every connection.

mod watchdog;

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio, exit};
use std::thread;

use samovar::io::{AsyncReadExt, AsyncWriteExt};
use samovar::net::TcpListener;
use samovar::runtime::Builder;
use watchdog::Watchdog;

const CONNECTIONS: usize = 10_000;

/// How many connect without waiting for the server.
const WAVE: usize = 100;

/// One for each connection, and some for the rest.
const DESCRIPTORS: usize = CONNECTIONS + 200;

/// What this process is: nothing in particular, `clients` or `server`. The test starts itself again as each.
const ROLE: &str = "SAMOVAR_TEST_ROLE";

/// What a process ends with that cannot have so many descriptors.
const NOT_HERE: i32 = 77;

#[test]
fn ten_thousand_idle_connections_stay_open_and_answer() {
    match env::var(ROLE).as_deref() {
        Ok("clients") => clients(),
        Ok("server") => server(),
        _ => {
            // std cannot raise the limit of descriptors; a shell can.
            let script = format!("ulimit -n {DESCRIPTORS} || exit {NOT_HERE}; exec \"$0\" \"$@\"");
            let status = again(
                "clients",
                Command::new("sh").args(["-c", &script]).arg(this()),
            )
            .status()
            .unwrap();
            if status.code() == Some(NOT_HERE) {
                eprintln!("not run: no {DESCRIPTORS} descriptors here");
                return;
            }
            assert!(status.success(), "the clients end with {status}");
        }
    }
}

/// This test program.
fn this() -> std::path::PathBuf {
    env::current_exe().unwrap()
}

/// The command with what makes this program run the one test in another role.
fn again<'a>(role: &str, command: &'a mut Command) -> &'a mut Command {
    command
        .args([
            "--exact",
            "ten_thousand_idle_connections_stay_open_and_answer",
        ])
        .args(["--test-threads=1", "--nocapture"])
        .env(ROLE, role)
}

/// Says its address, and answers every byte with the next larger one, until its standard input is closed.
fn server() {
    // Whoever started it is gone then, for whatever reason.
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        exit(0);
    });
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // The harness has left its own words on the line before.
        println!("\naddress {}", listener.local_addr().unwrap());
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            samovar::spawn(async move {
                let mut byte = [0];
                while stream.read(&mut byte).await? == 1 {
                    stream.write_all(&[byte[0].wrapping_add(1)]).await?;
                }
                Ok::<_, std::io::Error>(())
            });
        }
    });
}

/// Connects all, then talks to each of them.
fn clients() {
    let calm = Watchdog::new(120);
    let mut server = again("server", &mut Command::new(this()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let address = lines
        .map(|line| line.unwrap())
        .find_map(|line| Some(line.strip_prefix("address ")?.to_owned()))
        .expect("the server says where it is");

    let mut connections = Vec::with_capacity(CONNECTIONS);
    connect(&mut connections, &address);
    // All at once: every one of the server's tasks has something to do.
    say(&mut connections, 1);
    // A few, one after the other: all the rest is idle meanwhile.
    for stream in connections.iter_mut().step_by(CONNECTIONS / 50) {
        say(std::slice::from_mut(stream), 3);
    }
    // Half of them go; the others notice nothing, and newcomers are served.
    connections.truncate(CONNECTIONS / 2);
    connect(&mut connections, &address);
    say(&mut connections, 5);

    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
    drop(calm);
}

/// Adds connections until all are there.
///
/// In waves that are answered before the next: a system keeps only so many connections that nobody has accepted yet, often
/// 128, and the client whose first packet is dropped tries again after a second.
fn connect(connections: &mut Vec<TcpStream>, address: &str) {
    while connections.len() < CONNECTIONS {
        let here = connections.len();
        for number in here..(here + WAVE).min(CONNECTIONS) {
            match TcpStream::connect(address) {
                Ok(stream) => connections.push(stream),
                Err(error) => panic!("connection {number}: {error}"),
            }
        }
        say(&mut connections[here..], 7);
    }
}

/// Says it to all, then hears all.
fn say(connections: &mut [TcpStream], byte: u8) {
    for stream in &mut *connections {
        stream.write_all(&[byte]).unwrap();
    }
    for stream in connections {
        let mut answer = [0];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer[0], byte + 1);
    }
}
