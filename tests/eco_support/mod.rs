//! What the tests of the wider ecosystem share: a runtime under a watchdog.
#![allow(dead_code)]

use std::future::Future;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use samovar::runtime::Builder;

/// Runs `body` on a thread of its own, and fails when it does not end.
pub fn watchdog(body: impl FnOnce() + Send + 'static) {
    let (done, finished) = channel();
    let thread = thread::spawn(move || {
        body();
        let _ = done.send(());
    });
    match finished.recv_timeout(Duration::from_secs(60)) {
        Err(RecvTimeoutError::Timeout) => panic!("hangs: a wake-up was lost, or nobody answers"),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// Runs a future on a runtime with two workers and on a current-thread one, and fails when it hangs.
pub fn on_both<F, Fut>(make: F)
where
    F: Fn() -> Fut + Send + 'static,
    Fut: Future<Output = ()>,
{
    watchdog(move || {
        for mut builder in [Builder::new_multi_thread(), Builder::new_current_thread()] {
            builder.worker_threads(2).build().unwrap().block_on(make());
        }
    });
}

/// As [`on_both`], and on simulated workers under some seeds.
pub fn on_all<F, Fut>(make: F)
where
    F: Fn() -> Fut + Send + Clone + 'static,
    Fut: Future<Output = ()>,
{
    on_both(make.clone());
    watchdog(move || {
        for seed in 0..30 {
            let runtime = Builder::new_multi_thread().seed(seed).build().unwrap();
            runtime.block_on(make());
        }
    });
}
