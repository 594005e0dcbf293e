//! What the tests of the wider ecosystem share: a runtime under a watchdog.
#![allow(dead_code)]

#[path = "../watchdog/mod.rs"]
mod watchdog;

use std::future::Future;

use samovar::runtime::Builder;
pub use watchdog::watchdog_minute as watchdog;

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
