//! `samovar::sync::Semaphore`: order, batches, closing, cancellation, counts.

#[macro_use]
mod sync_support;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::thread;

use futures::executor::block_on;
use proptest::prelude::*;
use samovar::sync::{
    AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError,
};
use sync_support::{Bomb, Random, nosy, task, watchdog};

#[test]
fn permits_are_served_in_order_and_never_to_a_latecomer() {
    let semaphore = Semaphore::new(1);
    let held = semaphore.try_acquire().unwrap();
    let (mut first, mut second) = (task(semaphore.acquire()), task(semaphore.acquire()));
    second.pending();
    first.pending();
    drop(held);
    assert_eq!(
        semaphore.try_acquire().unwrap_err(),
        TryAcquireError::NoPermits
    );
    first.pending();
    drop(second.ready().unwrap());
    drop(first.ready().unwrap());
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn a_batch_is_not_overtaken_by_smaller_requests() {
    let semaphore = Semaphore::new(3);
    let held = semaphore.try_acquire().unwrap();
    let mut batch = task(semaphore.acquire_many(3));
    batch.pending();
    assert_eq!(semaphore.available_permits(), 0);
    assert!(semaphore.try_acquire().is_err());
    let mut late = task(semaphore.acquire());
    late.pending();
    drop(held);
    assert_eq!((batch.wakes(), late.wakes()), (1, 0));
    late.pending();
    assert_eq!(batch.ready().unwrap().num_permits(), 3);
    assert_eq!(late.wakes(), 1);
    drop(late.ready().unwrap());
    assert_eq!(semaphore.available_permits(), 3);
}

#[test]
fn a_batch_that_gives_up_passes_on_what_it_had_collected() {
    let semaphore = Semaphore::new(2);
    let mut batch = task(semaphore.acquire_many(5));
    batch.pending();
    semaphore.add_permits(1);
    let (mut one, mut two) = (task(semaphore.acquire()), task(semaphore.acquire_many(2)));
    one.pending();
    two.pending();
    drop(batch);
    assert_eq!((one.wakes(), two.wakes()), (1, 1));
    drop((one, two));
    assert_eq!(semaphore.available_permits(), 3);
}

#[test]
fn one_release_serves_as_many_waiters_as_it_can() {
    let semaphore = Semaphore::new(0);
    let mut waiters: Vec<_> = [1, 2, 3].map(|n| task(semaphore.acquire_many(n))).into();
    waiters.iter_mut().for_each(|waiter| waiter.pending());
    semaphore.add_permits(5);
    assert_eq!(
        waiters
            .iter()
            .map(|waiter| waiter.wakes())
            .collect::<Vec<_>>(),
        [1, 1, 0]
    );
    semaphore.add_permits(1);
    assert_eq!(waiters[2].wakes(), 1);
}

#[test]
fn zero_permits_are_always_free() {
    let semaphore = Semaphore::new(0);
    let mut queued = task(semaphore.acquire());
    queued.pending();
    assert_eq!(
        task(semaphore.acquire_many(0))
            .ready()
            .unwrap()
            .num_permits(),
        0
    );
    assert!(semaphore.try_acquire_many(0).is_ok());
}

#[test]
fn closing_wakes_everybody_and_is_final() {
    let semaphore = Semaphore::new(2);
    let held = semaphore.try_acquire().unwrap();
    let (mut batch, mut one) = (task(semaphore.acquire_many(2)), task(semaphore.acquire()));
    batch.pending();
    one.pending();
    semaphore.close();
    semaphore.close();
    assert_eq!((batch.wakes(), one.wakes()), (1, 1));
    assert!(batch.ready().is_err());
    assert!(one.ready().is_err());
    assert_eq!(
        semaphore.available_permits(),
        1,
        "the batch gave back what it had collected"
    );
    assert!(semaphore.is_closed());
    semaphore.add_permits(3);
    held.forget();
    semaphore.forget_permits(1);
    assert_eq!(semaphore.available_permits(), 3);
    assert!(semaphore.is_closed());
    assert!(block_on(semaphore.acquire()).is_err());
    assert_eq!(
        semaphore.try_acquire().unwrap_err(),
        TryAcquireError::Closed
    );
}

#[test]
fn a_waiter_dropped_after_the_closing_gives_its_permits_back() {
    let semaphore = Semaphore::new(2);
    let mut batch = task(semaphore.acquire_many(3));
    batch.pending();
    semaphore.close();
    drop(batch);
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn permits_given_to_a_waiter_before_the_closing_are_not_lost() {
    let semaphore = Semaphore::new(0);
    let mut waiter = task(semaphore.acquire());
    waiter.pending();
    semaphore.add_permits(1);
    semaphore.close();
    assert!(waiter.ready().is_err());
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn forget_merge_and_split_keep_the_sum() {
    let semaphore = Arc::new(Semaphore::new(10));
    let mut permit = semaphore.try_acquire_many(4).unwrap();
    permit.merge(semaphore.try_acquire_many(3).unwrap());
    assert!(permit.split(8).is_none());
    permit.split(2).unwrap().forget();
    assert_eq!(permit.num_permits(), 5);
    drop(permit);
    assert_eq!(semaphore.available_permits(), 8);

    let mut owned = semaphore.clone().try_acquire_many_owned(4).unwrap();
    owned.merge(semaphore.clone().try_acquire_owned().unwrap());
    assert!(owned.split(usize::MAX).is_none());
    owned.split(1).unwrap().forget();
    drop(owned);
    assert_eq!(semaphore.available_permits(), 7);
    assert_eq!(semaphore.forget_permits(9), 7);
}

#[test]
fn permits_of_different_semaphores_do_not_merge() {
    let (one, two) = (Semaphore::new(1), Semaphore::new(1));
    let mut permit = one.try_acquire().unwrap();
    let merged = catch_unwind(AssertUnwindSafe(|| {
        permit.merge(two.try_acquire().unwrap())
    }));
    assert!(merged.is_err());
    assert_eq!(two.available_permits(), 1);
}

#[test]
fn more_permits_than_fit_are_refused() {
    assert!(catch_unwind(|| Semaphore::new(Semaphore::MAX_PERMITS + 1)).is_err());
    let full = Semaphore::new(Semaphore::MAX_PERMITS);
    assert!(catch_unwind(AssertUnwindSafe(|| full.add_permits(1))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| full.add_permits(usize::MAX))).is_err());
    assert_eq!(full.available_permits(), Semaphore::MAX_PERMITS);
    assert!(full.try_acquire().is_ok());
}

#[test]
fn owned_permits_outlive_the_scope_that_acquired_them() {
    let semaphore = Arc::new(Semaphore::new(3));
    let permit = block_on(semaphore.clone().acquire_many_owned(2)).unwrap();
    let mut waiter = task(semaphore.clone().acquire_many_owned(2));
    waiter.pending();
    thread::spawn(move || drop(permit)).join().unwrap();
    assert_eq!(waiter.ready().unwrap().num_permits(), 2);
    semaphore.close();
    assert!(block_on(semaphore.clone().acquire_owned()).is_err());
}

#[test]
fn wakers_may_use_the_semaphore_and_may_panic() {
    watchdog(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let look = || {
            let semaphore = semaphore.clone();
            nosy(move || drop(task(semaphore.acquire_many(100)).poll()))
        };
        let mut waiters: Vec<_> = (0..4).map(|_| task(semaphore.acquire())).collect();
        assert!(waiters[0].poll_with(&look()).is_pending());
        assert!(waiters[0].poll_with(&look()).is_pending());
        assert!(
            waiters[1]
                .poll_with(&Waker::from(Arc::new(Bomb)))
                .is_pending()
        );
        waiters[2].pending();
        assert!(waiters[3].poll_with(&look()).is_pending());
        let mut cancelled = task(semaphore.acquire());
        assert!(cancelled.poll_with(&look()).is_pending());
        drop(cancelled);
        assert!(catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(3))).is_err());
        assert_eq!(
            waiters[2].wakes(),
            1,
            "the waiter behind the panicking waker is woken"
        );
        drop(waiters);
        assert_eq!(semaphore.available_permits(), 3);
    });
}

#[test]
fn errors_and_semaphores_describe_themselves() {
    let semaphore = Semaphore::new(2);
    assert_eq!(
        format!("{semaphore:?}"),
        "Semaphore { permits: 2, closed: false }"
    );
    assert_eq!(
        TryAcquireError::Closed.to_string(),
        "the semaphore is closed"
    );
    assert_eq!(
        TryAcquireError::NoPermits.to_string(),
        "no permits are available"
    );
    assert_is!(AcquireError: std::error::Error + Send + Sync);
    assert_is!(TryAcquireError: std::error::Error + Send + Sync);
    assert_is!(SemaphorePermit<'static>: Send + Sync);
    assert_is!(OwnedSemaphorePermit: Send + Sync);
    fn send<T: Send>(_: T) {}
    send(semaphore.acquire());
    send(Arc::new(Semaphore::new(0)).acquire_owned());
}

#[test]
fn threads_that_acquire_and_give_up_at_random_never_exceed_the_limit() {
    watchdog(|| {
        const LIMIT: usize = 3;
        let semaphore = Arc::new(Semaphore::new(LIMIT));
        let inside = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> = (1..=4_u64)
            .map(|seed| {
                let (semaphore, inside) = (semaphore.clone(), inside.clone());
                thread::spawn(move || {
                    let mut random = Random(seed * 0x9E37_79B9);
                    for _ in 0..5_000 {
                        let n = 1 + random.below(LIMIT as u64) as u32;
                        let mut waiter = task(semaphore.acquire_many(n));
                        let permit = match waiter.poll() {
                            Poll::Ready(permit) => permit.unwrap(),
                            Poll::Pending if random.below(2) == 0 => continue,
                            Poll::Pending => block_on(waiter.into_future()).unwrap(),
                        };
                        let before = inside.fetch_add(n as usize, Ordering::SeqCst);
                        assert!(before + n as usize <= LIMIT);
                        inside.fetch_sub(n as usize, Ordering::SeqCst);
                        drop(permit);
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .for_each(|worker| worker.join().unwrap());
        assert_eq!(semaphore.available_permits(), LIMIT);
    });
}

#[derive(Clone, Debug)]
enum Op {
    Ask(u32),
    Poll(usize),
    Cancel(usize),
    Release(usize),
    Add(usize),
    Forget(usize),
    Try(u32),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (1..5_u32).prop_map(Op::Ask),
        3 => any::<usize>().prop_map(Op::Poll),
        2 => any::<usize>().prop_map(Op::Cancel),
        2 => any::<usize>().prop_map(Op::Release),
        1 => (0..4_usize).prop_map(Op::Add),
        1 => (0..4_usize).prop_map(Op::Forget),
        1 => (1..4_u32).prop_map(Op::Try),
    ]
}

/// Free permits, and who waits for how many, in order. Whoever is first and finds enough has them.
#[derive(Default)]
struct Model {
    free: usize,
    line: VecDeque<(usize, u32)>,
    granted: Vec<usize>,
}

impl Model {
    fn settle(&mut self) {
        while let Some(&(id, wanted)) = self.line.front() {
            if self.free < wanted as usize {
                return;
            }
            self.free -= wanted as usize;
            self.granted.push(id);
            self.line.pop_front();
        }
    }

    fn available(&self) -> usize {
        if self.line.is_empty() { self.free } else { 0 }
    }
}

proptest! {
    #[test]
    fn behaves_like_a_queue_under_random_cancellation(ops in proptest::collection::vec(op(), 1..100)) {
        let semaphore = Semaphore::new(4);
        let mut model = Model { free: 4, ..Model::default() };
        let (mut waiting, mut held) = (Vec::new(), Vec::new());
        for (id, op) in ops.into_iter().enumerate() {
            match op {
                Op::Ask(n) => {
                    model.line.push_back((id, n));
                    model.settle();
                    let mut acquire = task(semaphore.acquire_many(n));
                    match acquire.poll() {
                        Poll::Ready(permit) => {
                            prop_assert_eq!(model.granted.pop(), Some(id));
                            held.push(permit.unwrap());
                        }
                        Poll::Pending => waiting.push((id, n, acquire)),
                    }
                }
                Op::Poll(at) if !waiting.is_empty() => {
                    let at = at % waiting.len();
                    let (id, _, acquire) = &mut waiting[at];
                    let granted = model.granted.contains(id);
                    prop_assert_eq!(acquire.wakes(), usize::from(granted));
                    let polled = acquire.poll();
                    prop_assert_eq!(polled.is_ready(), granted);
                    if let Poll::Ready(permit) = polled {
                        let (id, _, _) = waiting.remove(at);
                        model.granted.retain(|&other| other != id);
                        held.push(permit.unwrap());
                    }
                }
                Op::Cancel(at) if !waiting.is_empty() => {
                    let (id, n, acquire) = waiting.remove(at % waiting.len());
                    drop(acquire);
                    if model.granted.contains(&id) {
                        model.free += n as usize;
                    }
                    model.granted.retain(|&other| other != id);
                    model.line.retain(|&(other, _)| other != id);
                }
                Op::Release(at) if !held.is_empty() => {
                    let permit: SemaphorePermit<'_> = held.remove(at % held.len());
                    model.free += permit.num_permits();
                }
                Op::Add(n) => {
                    semaphore.add_permits(n);
                    model.free += n;
                }
                Op::Forget(n) => {
                    let forgotten = n.min(model.available());
                    prop_assert_eq!(semaphore.forget_permits(n), forgotten);
                    model.free -= forgotten;
                }
                Op::Try(n) => {
                    prop_assert_eq!(semaphore.try_acquire_many(n).is_ok(), n as usize <= model.available());
                }
                Op::Poll(_) | Op::Cancel(_) | Op::Release(_) => {}
            }
            model.settle();
            prop_assert_eq!(semaphore.available_permits(), model.available());
        }
    }
}
