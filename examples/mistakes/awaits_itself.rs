//! A task that waits for its own end. Run with `cargo run --example mistake_awaits_itself`; it hangs until Ctrl-C.
//!
//! ```text
//! samovar: everything is asleep, for ever.
//!   `block_on` waits; no task can run, no timer is set, no socket is registered, no blocking job is
//!   there, and nobody else is left who could wake anybody. Who waits for what:
//!
//! WHO       SPAWNED AT                                STATE    WAITS FOR             SINCE  POLLS  IN POLLS  LONGEST
//! block_on  examples/mistakes/awaits_itself.rs:21:1   waiting  oneshot recv          1.0s   1      70.8µs    70.8µs
//! task 1    examples/mistakes/awaits_itself.rs:25:17  waiting  JoinHandle of task 1  1.0s   1      11.4µs    11.4µs
//!
//!   Silence: `Builder::warn_all_asleep(false)`.
//! ```
//!
//! So plain it is seldom written; but a list of "all tasks, to be awaited at the end" that reaches one of them is the same.
//! A handle is awaited by whoever stays, never by one of those for whom it waits.

use samovar::sync::oneshot;
use samovar::task::JoinHandle;

#[samovar::main]
async fn main() {
    let (give, take) = oneshot::channel::<JoinHandle<()>>();
    let (tell, told) = oneshot::channel::<()>();
    let waits = samovar::spawn(async move {
        let myself = take.await.unwrap();
        // The mistake.
        myself.await.unwrap();
        tell.send(()).unwrap();
    });
    give.send(waits).unwrap();
    told.await.unwrap();
    println!("all have ended");
}
