//! A worker on its way to sleep, seen from inside `block_on`: there this thread is the worker.

use std::panic::Location;
use std::rc::Rc;
use std::sync::mpsc;

use super::*;
use crate::context;
use crate::runtime::Builder;
use crate::shim::atomic::Ordering::Relaxed;

/// The worker that this thread is.
fn worker() -> Rc<Worker> {
    context::worker().expect("inside `block_on`")
}

/// A purpose that presses, or does not.
struct Pressing(bool);

impl Purpose for Pressing {
    fn step(&mut self, _: &Worker) -> bool {
        unreachable!("nobody runs the loop")
    }

    fn is_pressing(&self) -> bool {
        self.0
    }
}

#[test]
fn what_came_before_the_sleep_was_announced_is_seen_afterwards() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let worker = worker();
        let remote = worker.remote();
        let sleeps = |pressing| {
            // If it does, it wakes at once.
            remote.reactor.unpark();
            let before = remote.counts.parks.get();
            worker.park(&Pressing(pressing));
            remote.counts.parks.get() > before
        };
        assert!(sleeps(false));
        assert!(!sleeps(true));

        let home = worker.home().clone();
        let task = Task::new(async {}, home, Id::next(), Location::caller());
        // Nobody slept then, so nobody was to be woken.
        assert!(worker.shared().inbox.push(task));
        assert!(!sleeps(false));
        worker.shared().inbox.cancel_all();
        assert!(sleeps(false));

        drop(crate::spawn(async {}));
        assert!(!sleeps(false));
    });
}

#[test]
fn who_has_slept_for_long_asks_why_if_somebody_wants_to_know() {
    for wanted in [false, true] {
        let (tell, told) = mpsc::channel();
        let runtime = Builder::new_current_thread()
            .warn_never_woken(false)
            .warn_all_asleep(wanted)
            .on_warning(move |warning| tell.send(warning.clone()).unwrap())
            .build()
            .unwrap();
        runtime.block_on(async {
            let (worker, now) = (worker(), shim::now());
            let shared = worker.shared();
            // As if it had begun to sleep at `since`, and woke now.
            let asks = |since, timeout| {
                shared.probed.store(u64::MAX, Relaxed);
                worker.remote().reactor.unpark();
                worker.wait(since, timeout, &mut Vec::new());
                told.try_recv().is_ok()
            };
            shared.idle.announce(0, false);
            let (long_ago, still_to_come) = (now - 2 * PROBE, now + Duration::from_secs(3600));
            assert!(!asks(still_to_come, None), "it has not slept");
            assert!(!asks(long_ago, Some(Duration::ZERO)), "a timer is set");
            assert_eq!(asks(long_ago, None), wanted);
            assert!(!shared.idle.retract(0));
        });
    }
}

#[test]
fn the_trace_knows_what_ended_a_wait() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let worker = worker();
        let woken = [Waker::noop().clone()];
        assert_eq!(worker.why_awake(1, &woken, true), WakeUp::Events);
        assert_eq!(worker.why_awake(0, &woken, true), WakeUp::Timer);
        assert_eq!(worker.why_awake(0, &[], true), WakeUp::Called);
        assert_eq!(worker.why_awake(0, &[], false), WakeUp::Nobody);
        // It will fire at once: the wait was cut a little short, for the kernel.
        let timers = &worker.remote().timers;
        timers.set(shim::now(), Waker::noop().clone());
        assert_eq!(worker.why_awake(0, &[], true), WakeUp::Timer);
    });
}
