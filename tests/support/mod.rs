//! What the tests of sockets share: a watchdog, both kinds of runtime, and child processes with other limits.
#![allow(dead_code)]

#[path = "../watchdog/mod.rs"]
mod watchdog;

use std::env;
use std::future::Future;
use std::process::Command;

use samovar::runtime::{Builder, Runtime};
pub use watchdog::watchdog;

/// A runtime on this thread alone.
pub fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A runtime with two workers.
pub fn multi_thread() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Runs the test on both kinds of runtime, under a watchdog.
pub fn on_both<F: Future<Output = ()>>(test: impl Fn() -> F) {
    watchdog(60, || {
        current_thread().block_on(test());
        multi_thread().block_on(test());
    });
}

/// The processor time that this thread has used.
#[cfg(target_os = "linux")]
pub fn processor_time() -> std::time::Duration {
    use rustix::time::{ClockId, clock_gettime};

    let used = clock_gettime(ClockId::ThreadCPUTime);
    std::time::Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}

/// Whether this process is the child that [`in_child`] started.
const CHILD: &str = "SAMOVAR_TEST_CHILD";

/// Runs `body` in a child process that may have `descriptors` open. `test` is the name of the test that calls this.
pub fn in_child(test: &str, descriptors: usize, body: impl FnOnce()) {
    in_limited_child(test, &format!("ulimit -n {descriptors}"), body);
}

/// Runs `body` in a child process under a limit, which std cannot set but a shell can. `test` is the name of the test that
/// calls this. A machine that does not allow so much is let off.
pub fn in_limited_child(test: &str, limit: &str, body: impl FnOnce()) {
    if env::var_os(CHILD).is_some() {
        return watchdog(60, body);
    }
    let script = format!("{limit} || exit 77; exec \"$0\" \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &script])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    if output.status.code() == Some(77) {
        eprintln!("not run: `{limit}` is refused here");
        return;
    }
    assert!(
        output.status.success() && out.contains("1 passed"),
        "{out}{err}"
    );
}
