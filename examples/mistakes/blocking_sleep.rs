//! A task that blocks its worker. Run with `cargo run --example mistake_blocking_sleep`.
//!
//! ```text
//! samovar: the task spawned at examples/mistakes/blocking_sleep.rs:19:16 blocks worker 0.
//!   One `poll` of it has taken 101 ms and is not over: meanwhile the worker runs nothing else.
//!   Use the async kind of what blocks (`samovar::time::sleep`, `samovar::sync::Mutex`), or
//!   `samovar::task::spawn_blocking`; in a long calculation, `samovar::task::yield_now().await`.
//!   Silence: `Builder::warn_blocking_after(Duration::MAX)`.
//! ```
//!
//! `std::thread::sleep` puts the worker's thread to sleep, and with it every task that this worker would run. (The other
//! worker takes them over, so here nobody is late. With more such tasks than workers, everybody is.) The same is true of
//! `std::fs`, of blocking sockets, of a long calculation.

use std::time::Duration;

#[samovar::main(worker_threads = 2)]
async fn main() {
    let brew = samovar::spawn(async {
        // The mistake. `samovar::time::sleep(...).await` lets the worker go meanwhile.
        std::thread::sleep(Duration::from_millis(500));
        "tea"
    });
    println!("{} is ready", brew.await.unwrap());
}
