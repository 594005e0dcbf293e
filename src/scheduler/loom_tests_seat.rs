//! Models of worker 0's seat: loom runs them in every order of their steps (`RUSTFLAGS="--cfg loom"`).
//!
//! Here a whole runtime is under loom, the smallest there is: one worker, no watchdog; mio and the queues are stand-ins
//! (`shim/`). That is many steps, but few of them are of two threads at once, and two preemptions are soon tried: seconds.
//!
//! | model | a planted bug that it finds |
//! |---|---|
//! | [`work_left_by_a_stranger_while_worker_0_leaves_its_seat_is_done`] | who leaves the seat does not call the stand-in |
//! | [`the_seat_goes_to_the_next_in_line`] | who leaves the seat does not offer it |
//!
//! What they do not find is that the two fences of `seat.rs` are gone: the stand-ins of the queues are locks, which order
//! more than the real ones.

use std::sync::Arc;

use loom::model::Builder as Model;
use loom::thread;

use crate::park::Parker;
use crate::runtime::{Builder, Runtime};
use crate::sync::oneshot;

/// Checks a model of a runtime.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut checked = Model::new();
    // A runtime is built and dropped in each.
    checked.max_branches = 20_000;
    checked.check(model);
}

/// Without warnings: that all are asleep is loom's to say.
fn quiet(mut builder: Builder) -> Runtime {
    builder.warn_all_asleep(false).warn_never_woken(false);
    builder.build().unwrap()
}

#[test]
fn work_left_by_a_stranger_while_worker_0_leaves_its_seat_is_done() {
    check(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1);
        let runtime = quiet(builder);
        let done = Arc::new(Parker::default());
        let (handle, ran) = (runtime.handle().clone(), done.clone());
        let stranger = thread::spawn(move || {
            drop(handle.spawn(async move { ran.unpark() }));
        });
        runtime.block_on(async {});
        // Nobody is inside: the main future was worker 0 while it could, or a stand-in has to come.
        done.park();
        stranger.join().unwrap();
    });
}

#[test]
fn the_seat_goes_to_the_next_in_line() {
    check(|| {
        let runtime = Arc::new(quiet(Builder::new_current_thread()));
        let (sender, receiver) = oneshot::channel();
        let (left, after) = oneshot::channel();
        let second = runtime.clone();
        let thread = thread::spawn(move || {
            second.block_on(async {
                let task = crate::spawn(async {
                    sender.send(7).unwrap();
                    // The first has what it came for, and leaves: this must go on.
                    after.await.unwrap();
                });
                task.await.unwrap();
            });
        });
        assert_eq!(runtime.block_on(receiver), Ok(7));
        left.send(()).unwrap();
        thread.join().unwrap();
    });
}
