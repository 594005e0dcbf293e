//! `#[samovar::main]` and `#[samovar::test]` on the runtime they are for. What they expand to, and their errors, are shown
//! in `macros_entry.rs`.
#![cfg(feature = "macros")]
#![deny(unused)]
#![allow(missing_docs)]

mod watchdog;

use samovar::task::yield_now;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Barrier};
use std::thread;
use watchdog::Watchdog;

#[samovar::test]
async fn a_test_runs_tasks_on_its_own_thread() {
    let _watchdog = Watchdog::new(60);
    for _ in 0..50 {
        let thread = samovar::spawn(async {
            yield_now().await;
            thread::current().id()
        });
        assert_eq!(thread.await.unwrap(), thread::current().id());
    }
}

#[samovar::test]
async fn the_body_of_a_test_need_not_be_send() {
    let count = Rc::new(Cell::new(0));
    yield_now().await;
    count.set(count.get() + 1);
    assert_eq!(count.get(), 1);
}

#[samovar::test(flavor = "multi_thread", worker_threads = 3)]
async fn workers_run_at_the_same_time() {
    let _watchdog = Watchdog::new(60);
    let meeting = Arc::new(Barrier::new(3));
    // Each of the tasks blocks its thread until all three are there.
    let tasks = [(); 3].map(|()| {
        let meeting = Arc::clone(&meeting);
        samovar::spawn(async move { meeting.wait().is_leader() })
    });
    let mut leaders = 0;
    for task in tasks {
        leaders += u32::from(task.await.unwrap());
    }
    assert_eq!(leaders, 1);
}

#[test]
fn main_has_many_threads_and_an_output() {
    const WORKERS: usize = 2;
    #[samovar::main(worker_threads = WORKERS)]
    async fn entry() -> bool {
        let meeting = Arc::new(Barrier::new(WORKERS));
        let tasks = [(); WORKERS].map(|()| {
            let meeting = Arc::clone(&meeting);
            samovar::spawn(async move { meeting.wait().is_leader() })
        });
        let (a, b) = {
            let [a, b] = tasks;
            samovar::join!(a, b)
        };
        a.unwrap() != b.unwrap()
    }
    let _watchdog = Watchdog::new(60);
    assert!(entry());
}

#[test]
fn main_may_be_called_again() {
    #[samovar::main(flavor = "current_thread")]
    async fn entry(/* no arguments */) -> u32 {
        samovar::spawn(async { 1 }).await.unwrap()
    }
    assert_eq!(entry() + entry(), 2);
}

#[test]
fn errors_come_out_of_main() {
    #[samovar::main]
    async fn entry() -> Result<u32, Box<dyn std::error::Error>> {
        let number = samovar::spawn(async { "x".parse::<u32>() }).await??;
        Ok(number)
    }
    let error = entry().unwrap_err();
    assert!(error.is::<std::num::ParseIntError>(), "{error}");
}

#[samovar::test]
async fn a_test_may_return_a_result() -> Result<(), Box<dyn std::error::Error>> {
    assert_eq!(samovar::spawn(async { "12".parse::<u32>() }).await??, 12);
    Ok(())
}

#[samovar::test]
#[should_panic(expected = "boiled dry")]
async fn a_panic_comes_out() {
    yield_now().await;
    panic!("boiled dry");
}

/// The runtime under another path, as a crate sees it that re-exports it.
mod renamed {
    pub mod inner {
        pub use samovar::runtime;
    }
}

#[samovar::test(crate = "renamed::inner")]
async fn the_runtime_may_have_another_path() {
    assert_eq!(samovar::spawn(async { 6 * 7 }).await.unwrap(), 42);
}

#[samovar::test(flavor = "multi_thread", crate = "crate::renamed::inner")]
async fn the_path_may_begin_at_the_crate() {
    assert_eq!(samovar::spawn(async { 6 * 7 }).await.unwrap(), 42);
}

#[samovar::test]
async fn select_and_join_wait_for_tasks() {
    let _watchdog = Watchdog::new(60);
    let (go_on, wait) = samovar::sync::oneshot::channel();
    let slow = samovar::spawn(async {
        wait.await.unwrap();
        "slow"
    });
    samovar::pin!(slow);
    let first = samovar::select! {
        name = &mut slow => name,
        name = samovar::spawn(async { "quick" }) => name,
    };
    assert_eq!(first.unwrap(), "quick");
    go_on.send(()).unwrap();
    let (slow, other) = samovar::join!(slow, samovar::spawn(async { "other" }));
    assert_eq!((slow.unwrap(), other.unwrap()), ("slow", "other"));
}
