//! `samovar::sync::Barrier`: everybody or nobody, one leader, again and again.

#[macro_use]
mod sync_support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::thread;

use futures::executor::block_on;
use samovar::sync::{Barrier, BarrierWaitResult};
use sync_support::{Bomb, nosy, task, watchdog};

#[test]
fn nobody_goes_before_all_have_arrived_and_the_last_is_the_leader() {
    let barrier = Barrier::new(3);
    let (mut one, mut two, mut three) = (
        task(barrier.wait()),
        task(barrier.wait()),
        task(barrier.wait()),
    );
    two.pending();
    one.pending();
    one.pending(); // a second poll is not a second arrival
    assert!(three.ready().is_leader());
    assert_eq!((one.wakes(), two.wakes()), (1, 1));
    assert!(!one.ready().is_leader());
    assert!(!two.ready().is_leader());
}

#[test]
fn the_next_round_does_not_mix_with_those_that_have_not_left_yet() {
    let barrier = Barrier::new(2);
    let mut slow = task(barrier.wait());
    slow.pending();
    assert!(task(barrier.wait()).ready().is_leader());
    let mut next = task(barrier.wait());
    next.pending();
    assert!(!slow.ready().is_leader());
    next.pending();
    assert!(task(barrier.wait()).ready().is_leader());
    assert!(!next.ready().is_leader());
}

#[test]
fn one_or_zero_never_wait() {
    for size in [0, 1] {
        let barrier = Barrier::new(size);
        for _ in 0..3 {
            assert!(task(barrier.wait()).ready().is_leader());
        }
    }
}

#[test]
fn a_wait_that_is_dropped_has_not_arrived() {
    let barrier = Barrier::new(2);
    let mut dropped = task(barrier.wait());
    dropped.pending();
    drop(dropped);
    let mut one = task(barrier.wait());
    one.pending();
    assert!(task(barrier.wait()).ready().is_leader());
    drop(one); // it was let go already: the next round starts from nothing
    task(barrier.wait()).pending();
}

#[test]
fn wakers_may_use_the_barrier_and_may_panic() {
    watchdog(|| {
        let barrier = Arc::new(Barrier::new(4));
        let look = || {
            let barrier = barrier.clone();
            nosy(move || drop(format!("{barrier:?}")))
        };
        let mut waiting: Vec<_> = (0..3).map(|_| task(barrier.wait())).collect();
        assert!(waiting[0].poll_with(&look()).is_pending());
        assert!(waiting[0].poll_with(&look()).is_pending());
        assert!(
            waiting[1]
                .poll_with(&Waker::from(Arc::new(Bomb)))
                .is_pending()
        );
        let mut cancelled = task(barrier.wait());
        assert!(cancelled.poll_with(&look()).is_pending());
        drop(cancelled);
        waiting[2].pending();
        let mut dropped = task(barrier.wait());
        assert!(catch_unwind(AssertUnwindSafe(|| drop(dropped.poll()))).is_err());
        assert_eq!(waiting[2].wakes(), 1);
        waiting
            .iter_mut()
            .for_each(|wait| assert!(!wait.ready().is_leader()));
    });
}

#[test]
fn threads_go_round_after_round_with_one_leader_each() {
    watchdog(|| {
        const THREADS: usize = 4;
        const ROUNDS: usize = 300;
        let barrier = Arc::new(Barrier::new(THREADS));
        let (arrived, leaders) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (barrier, arrived, leaders) =
                    (barrier.clone(), arrived.clone(), leaders.clone());
                thread::spawn(move || {
                    for round in 1..=ROUNDS {
                        arrived.fetch_add(1, Ordering::SeqCst);
                        if block_on(barrier.wait()).is_leader() {
                            leaders.fetch_add(1, Ordering::SeqCst);
                        }
                        assert!(arrived.load(Ordering::SeqCst) >= round * THREADS);
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(leaders.load(Ordering::SeqCst), ROUNDS);
    });
}

#[test]
fn barriers_are_shared_between_threads_and_describe_themselves() {
    assert_is!(Barrier: Send + Sync);
    assert_is!(BarrierWaitResult: Send + Sync + Clone);
    let barrier = Barrier::new(3);
    let mut wait = task(barrier.wait());
    wait.pending();
    assert_eq!(format!("{barrier:?}"), "Barrier { size: 3, arrived: 1 }");
    fn send<T: Send>(_: T) {}
    send(barrier.wait());
}
