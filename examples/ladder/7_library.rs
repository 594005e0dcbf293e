//! Rung 7: the library. `cargo run --example ladder_7_library`.
//!
//! # What rung 6 could not
//!
//! ```text
//! cannot   4 workers: behind 4 tasks that hold a thread for 50 ms each, a task waits 50 ms
//! ```
//!
//! # The ideas
//!
//! Samovar is the six rungs below in one: each worker is an event loop with a queue (2), a wheel (3) and a reactor (4), tasks
//! have ends (5), and idle workers steal (6). What it adds to them, with the file to read:
//!
//! - **A blocked worker stalls nobody else.** A *watchdog* looks every 10 ms whether a worker is still in the poll in which it
//!   was at the last look; then it serves that worker's timers and sockets in its place, and others take its tasks
//!   (`src/scheduler/watchdog.rs`). What is known to block goes to threads of its own: `spawn_blocking` (`src/blocking.rs`).
//! - **Time obeys the test.** The wheel does not ask what time it is; it is told. So a test may tell it
//!   (`src/time/clock.rs`), and draw the order of events from a seed (`src/scheduler/simulation.rs`).
//! - **It says what goes wrong.** A task whose waker nobody has is told by counting references; a task that blocks
//!   by the watchdog (`src/scheduler/warnings.rs`).
//! - **It wakes few threads.** To wake one costs more than a hundred task switches: at most one searches at a time
//!   (`src/scheduler/idle.rs`), short tasks are not worth sharing (`pace.rs`), and a worker in a conversation
//!   spins for some microseconds before it sleeps (`spin.rs`).
//! - **It is fair.** 61 polls, then a look at the sockets; 128 operations, then a task gives way (`src/task/budget.rs`).
//! - Channels, locks, `select!`, UDP, signals, a trace that draws what happened: see `src/lib.rs`.
#![forbid(unsafe_code)]

use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use samovar::io::{AsyncReadExt, AsyncWriteExt, copy};
use samovar::net::{TcpListener, TcpStream};
use samovar::runtime::Builder;
use samovar::task::{spawn, spawn_blocking};
use samovar::time::sleep;

/// For so long a thread is held.
const HELD: Duration = Duration::from_millis(500);

fn main() -> io::Result<()> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .warn_blocking_after(Duration::MAX)
        .build()?;
    runtime.block_on(rungs_2_to_5())?;
    runtime.block_on(a_blocked_worker());
    runtime.block_on(blocking_jobs());

    let paused = Builder::new_current_thread().start_paused(true).build()?;
    let start = Instant::now();
    paused.block_on(async { sleep(Duration::from_secs(3600)).await });
    let time = start.elapsed().as_millis();
    println!(
        "paused   with a clock that jumps when nothing can run, a sleep of an hour takes {time} ms"
    );

    let strict = Builder::new_current_thread()
        .warn_never_woken(true)
        .on_warning(|warning| println!("mistake  {}", warning.to_string().lines().next().unwrap()))
        .build()?;
    strict.block_on(async {
        spawn(poll_fn(|_| Poll::<()>::Pending));
        sleep(Duration::from_millis(1)).await;
    });
    Ok(())
}

/// A server, its client, and an end for both.
async fn rungs_2_to_5() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            spawn(async move {
                let (mut reader, mut writer) = stream.split();
                copy(&mut reader, &mut writer).await
            });
        }
    });
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"one more cup").await?;
    let mut heard = [0; 12];
    stream.read_exact(&mut heard).await?;
    server.abort();
    let (heard, end) = (String::from_utf8_lossy(&heard), server.await.unwrap_err());
    println!("echo     {heard:?} came back; the server: {end}");
    Ok(())
}

/// One worker is blocked in a task. The timers of both go on.
async fn a_blocked_worker() {
    let start = Instant::now();
    let timers = [(); 10].map(|()| {
        spawn(async move {
            sleep(Duration::from_millis(5)).await;
            start.elapsed().as_millis()
        })
    });
    spawn(async { thread::sleep(HELD) }).await.unwrap();
    let mut longest = 0;
    for timer in timers {
        longest = longest.max(timer.await.unwrap());
    }
    println!(
        "blocked  beside a task that holds its worker for 500 ms, sleeps of 5 ms take {longest} ms"
    );
}

/// More jobs than workers block, and a task that needs no time takes none.
async fn blocking_jobs() {
    let start = Instant::now();
    let jobs = [(); 8].map(|()| spawn_blocking(|| thread::sleep(HELD)));
    spawn(async {}).await.unwrap();
    let quick = start.elapsed().as_millis();
    for job in jobs {
        job.await.unwrap();
    }
    let all = start.elapsed().as_millis();
    println!(
        "jobs     beside 8 blocking jobs a task takes {quick} ms, and all 8 together {all} ms"
    );
}
