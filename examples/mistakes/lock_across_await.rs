//! A lock that is held while its owner waits for somebody who needs it. Run with
//! `SAMOVAR_TRACE=observe cargo run --example mistake_lock_across_await`; it hangs until Ctrl-C.
//!
//! ```text
//! samovar: everything is asleep, for ever.
//!   `block_on` waits; no task can run, no timer is set, no socket is registered, no blocking job is
//!   there, and nobody else is left who could wake anybody. Who waits for what:
//!
//! WHO       SPAWNED AT                                    STATE    WAITS FOR             SINCE  POLLS  IN POLLS  LONGEST
//! block_on  examples/mistakes/lock_across_await.rs:25:1   waiting  JoinHandle of task 2  1.0s   1      72.6µs    72.6µs
//! task 1    examples/mistakes/lock_across_await.rs:30:17  waiting  oneshot recv          1.0s   1      10.8µs    10.8µs
//! task 2    examples/mistakes/lock_across_await.rs:39:16  waiting  Mutex lock            1.0s   2      11.4µs    6.4µs
//!
//!   Silence: `Builder::warn_all_asleep(false)`.
//! ```
//!
//! The table says it: the guest waits for the cook's word, the cook waits for the guest's lock. Drop the guard before you wait
//! for others. (Without `SAMOVAR_TRACE=observe` the warning comes too, but cannot say what a task waits for.)

use std::sync::Arc;

use samovar::sync::{Mutex, oneshot};
use samovar::task::yield_now;

#[samovar::main(flavor = "current_thread")]
async fn main() {
    let pot = Arc::new(Mutex::new("water"));
    let (tell, told) = oneshot::channel();

    let guest = samovar::spawn({
        let pot = pot.clone();
        async move {
            let pot = pot.lock().await;
            // The mistake: the guard lives across this.
            told.await.unwrap();
            println!("the guest drinks {pot}");
        }
    });
    let cook = samovar::spawn(async move {
        yield_now().await;
        *pot.lock().await = "tea";
        tell.send(()).unwrap();
    });
    cook.await.unwrap();
    guest.await.unwrap();
}
