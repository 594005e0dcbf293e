//! Two tasks, each of which waits for the other to speak first. Run with
//! `SAMOVAR_TRACE=observe cargo run --example mistake_two_channels`; it hangs until Ctrl-C.
//!
//! ```text
//! samovar: everything is asleep, for ever.
//!   `block_on` waits; no task can run, no timer is set, no socket is registered, no blocking job is
//!   there, and nobody else is left who could wake anybody. Who waits for what:
//!
//! WHO       SPAWNED AT                               STATE    WAITS FOR             SINCE  POLLS  IN POLLS  LONGEST
//! block_on  examples/mistakes/two_channels.rs:22:1   waiting  JoinHandle of task 1  1.0s   1      74.6µs    74.6µs
//! task 1    examples/mistakes/two_channels.rs:27:16  waiting  mpsc recv, 0 of 1     1.0s   1      12.3µs    12.3µs
//! task 2    examples/mistakes/two_channels.rs:33:17  waiting  mpsc recv, 0 of 1     1.0s   1      96.0µs    96.0µs
//!
//!   Silence: `Builder::warn_all_asleep(false)`.
//! ```
//!
//! Who speaks first has to be part of every protocol between two. The same happens with bounded channels that are both
//! full: each waits until the other receives.

use samovar::sync::mpsc;

#[samovar::main]
async fn main() {
    let (to_anna, mut anna) = mpsc::channel(1);
    let (to_boris, mut boris) = mpsc::channel(1);

    let anna = samovar::spawn(async move {
        // The mistake: both receive first.
        let heard = anna.recv().await;
        to_boris.send("after you").await.unwrap();
        heard
    });
    let boris = samovar::spawn(async move {
        let heard = boris.recv().await;
        to_anna.send("after you").await.unwrap();
        heard
    });
    println!("Anna heard {:?}", anna.await.unwrap());
    println!("Boris heard {:?}", boris.await.unwrap());
}
