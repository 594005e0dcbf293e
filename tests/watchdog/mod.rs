//! A watchdog: a test that hangs ends the test program, and says which one it was. A lost wakeup or a deadlock shows up as
//! that.
//!
//! Rejected: to run the test on a thread of its own and panic here. Then a test must be `Send` and may borrow nothing; and the
//! thread that hangs lives on beside the other tests, with its runtime, its descriptors and perhaps a lock.
#![allow(
    dead_code,
    reason = "some call the function, some keep the dog themselves"
)]

use std::io::{Write, stderr};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Ends the test program when it lives for too long.
#[must_use = "it watches until it is dropped"]
pub struct Watchdog {
    /// Dropped, it calls the dog off.
    calm: Option<Sender<()>>,
    /// The dog.
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    pub fn new(seconds: u64) -> Watchdog {
        let (calm, alarm) = channel();
        let test = thread::current().name().unwrap_or("a test").to_owned();
        let thread = thread::spawn(move || {
            if alarm.recv_timeout(Duration::from_secs(seconds)) == Err(RecvTimeoutError::Timeout) {
                // Not `eprintln!`: what a test prints is shown at its end, and this one has none.
                let _ = writeln!(stderr(), "{test} hangs: it has run for {seconds} s");
                std::process::abort();
            }
        });
        Watchdog {
            calm: Some(calm),
            thread: Some(thread),
        }
    }
}

impl Drop for Watchdog {
    /// Afterwards no thread is left: there are tests that count them.
    fn drop(&mut self) {
        self.calm = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Runs a test under a watchdog.
pub fn watchdog<T>(seconds: u64, test: impl FnOnce() -> T) -> T {
    let _dog = Watchdog::new(seconds);
    test()
}

/// As [`watchdog`], for a minute: nothing that ends at all takes so long.
pub fn watchdog_minute<T>(test: impl FnOnce() -> T) -> T {
    watchdog(60, test)
}
