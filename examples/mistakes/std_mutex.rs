//! A lock of the standard library that is held across an `.await`. It hangs until Ctrl-C. Run with
//! `cargo run --example mistake_std_mutex`.
//!
//! ```text
//! samovar: the future inside `block_on` (examples/mistakes/std_mutex.rs:22:1) blocks worker 0.
//!   One `poll` of it has taken 104 ms and is not over: meanwhile the worker runs nothing else.
//!   Use the async kind of what blocks (`samovar::time::sleep`, `samovar::sync::Mutex`), or
//!   `samovar::task::spawn_blocking`; in a long calculation, `samovar::task::yield_now().await`.
//!   Silence: `Builder::warn_blocking_after(Duration::MAX)`.
//! ```
//!
//! The first future locks the pot and waits. Meanwhile the second is polled, on the same thread: `std`'s `lock` blocks that thread,
//! and so the first future can never go on and unlock. (In a `spawn`ed task the compiler refuses: the guard is not `Send`.)
//! Drop the guard before the `.await`, or take `samovar::sync::Mutex`, which waits without blocking.

use std::sync::Mutex;
use std::time::Duration;

use samovar::time::sleep;

#[allow(clippy::await_holding_lock)] // `cargo clippy` finds this one before it runs.
#[samovar::main(worker_threads = 2)]
async fn main() {
    let pot = Mutex::new(Vec::new());
    let leaves = async {
        let mut pot = pot.lock().unwrap();
        // The mistake: the guard lives across this.
        sleep(Duration::from_millis(10)).await;
        pot.push("leaves");
    };
    let water = async {
        pot.lock().unwrap().push("water");
    };
    samovar::join!(leaves, water);
    println!("in the pot: {:?}", pot.lock().unwrap());
}
