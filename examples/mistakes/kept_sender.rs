//! A channel that is never closed. Run with `SAMOVAR_TRACE=observe cargo run --example mistake_kept_sender`; it hangs until
//! Ctrl-C.
//!
//! ```text
//! samovar: everything is asleep, for ever.
//!   `block_on` waits; no task can run, no timer is set, no socket is registered, no blocking job is
//!   there, and nobody else is left who could wake anybody. Who waits for what:
//!
//! WHO       SPAWNED AT                             STATE    WAITS FOR          SINCE  POLLS  IN POLLS  LONGEST
//! block_on  examples/mistakes/kept_sender.rs:20:1  waiting  mpsc recv, 0 of 8  1.0s   2      92.4µs    80.7µs
//!
//!   Silence: `Builder::warn_all_asleep(false)`.
//! ```
//!
//! `recv` gives `None` when no sender is left; but `main` has one, and holds it while it waits. All tasks have ended, so there is
//! nobody in the table but `main` itself. `drop(order)` before the loop ends it, or moving `order` into the last task.

use samovar::sync::mpsc;

#[samovar::main]
async fn main() {
    let (order, mut orders) = mpsc::channel(8);
    for guest in ["Anna", "Boris", "Olga"] {
        // The mistake: each task gets a clone, and the first sender stays here.
        let order = order.clone();
        samovar::spawn(async move {
            order.send(guest).await.unwrap();
        });
    }
    let mut cups = 0;
    while let Some(guest) = orders.recv().await {
        cups += 1;
        println!("a cup for {guest}");
    }
    println!("{cups} cups in all");
}
