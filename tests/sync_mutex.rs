//! `samovar::sync::Mutex`: order, hand-off, cancellation, panics, misbehaving wakers.

#[macro_use]
mod sync_support;

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;

use futures::executor::block_on;
use proptest::prelude::*;
use samovar::sync::{Mutex, MutexGuard, OwnedMutexGuard};
use sync_support::{Bomb, Random, nosy, task, watchdog};

#[test]
fn waiters_are_served_in_order_of_their_first_poll() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let (mut first, mut second, mut third) =
        (task(mutex.lock()), task(mutex.lock()), task(mutex.lock()));
    second.pending();
    first.pending();
    third.pending();
    second.pending(); // a second poll does not cost the place
    drop(held);
    first.pending();
    let held = second.ready();
    third.pending();
    drop(held);
    let held = first.ready();
    drop(held);
    drop(third.ready());
    assert_eq!((first.wakes(), second.wakes(), third.wakes()), (1, 1, 1));
}

#[test]
fn a_latecomer_cannot_overtake_the_waiter_that_was_woken() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let mut waiter = task(mutex.lock());
    waiter.pending();
    drop(held);
    assert!(mutex.try_lock().is_err());
    let mut late = task(mutex.lock());
    late.pending();
    drop(waiter.ready());
    drop(late.ready());
}

#[test]
fn a_queued_waiter_that_is_dropped_leaves_the_queue() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let (mut first, mut second) = (task(mutex.lock()), task(mutex.lock()));
    first.pending();
    second.pending();
    drop(first);
    assert_eq!(second.wakes(), 0);
    drop(held);
    assert_eq!(second.wakes(), 1);
    drop(second.ready());
}

#[test]
fn a_waiter_that_was_given_the_lock_and_is_dropped_passes_it_on() {
    let mutex = Mutex::new(String::from("tea"));
    let held = mutex.try_lock().unwrap();
    let (mut first, mut second) = (task(mutex.lock()), task(mutex.lock()));
    first.pending();
    second.pending();
    drop(held);
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    drop(first);
    assert_eq!(second.wakes(), 1);
    drop(second);
    assert_eq!(*mutex.try_lock().unwrap(), "tea");
}

#[test]
fn a_waiter_that_is_not_polled_again_holds_the_lock_until_it_is_dropped() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let mut asleep = task(mutex.lock());
    asleep.pending();
    drop(held);
    let mut other = task(mutex.lock());
    for _ in 0..3 {
        other.pending();
    }
    drop(asleep);
    drop(other.ready());
}

#[test]
fn a_future_that_was_never_polled_has_no_effect() {
    let mutex = Mutex::new(());
    let (idle, dropped) = (mutex.lock(), mutex.lock());
    drop(dropped);
    drop(mutex.try_lock().unwrap());
    let held = mutex.try_lock().unwrap();
    let mut second = task(mutex.lock());
    second.pending();
    let mut first = task(idle);
    first.pending();
    drop(held);
    drop(second.ready());
    drop(first.ready());
}

#[test]
fn a_panic_unlocks_and_poisons_nothing() {
    let mutex = Arc::new(Mutex::new(0));
    for owned in [false, true] {
        let mutex = mutex.clone();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            block_on(async {
                if owned {
                    *mutex.clone().lock_owned().await += 1;
                    let _guard = mutex.clone().lock_owned().await;
                    panic!("while locked");
                }
                let mut guard = mutex.lock().await;
                *guard += 1;
                panic!("while locked");
            })
        }));
        assert!(panicked.is_err());
    }
    assert_eq!(*mutex.try_lock().unwrap(), 2);
}

#[test]
fn the_newest_waker_is_woken() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let (mut waiter, other) = (
        task(mutex.lock()),
        Arc::new(sync_support::Counter::default()),
    );
    waiter.pending();
    assert!(waiter.poll_with(&Waker::from(other.clone())).is_pending());
    drop(held);
    assert_eq!((waiter.wakes(), other.count()), (0, 1));
}

#[test]
fn a_finished_waiter_leaves_no_waker_behind() {
    let mutex = Mutex::new(());
    let counter = Arc::new(sync_support::Counter::default());
    let waker = Waker::from(counter.clone());
    let held = mutex.try_lock().unwrap();
    let (mut finished, mut cancelled) = (task(mutex.lock()), task(mutex.lock()));
    assert!(finished.poll_with(&waker).is_pending());
    assert!(cancelled.poll_with(&waker).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&counter), 3);
    drop(cancelled);
    drop(held);
    assert_eq!(Arc::strong_count(&counter), 1);
    drop(finished.ready());
}

#[test]
fn a_waker_that_uses_the_mutex_when_woken_or_dropped_does_not_deadlock() {
    watchdog(|| {
        let mutex = Arc::new(Mutex::new(()));
        let look = || {
            let mutex = mutex.clone();
            nosy(move || drop(task(mutex.lock()).poll()))
        };
        let held = mutex.try_lock().unwrap();
        let (mut replaced, mut cancelled) = (task(mutex.lock()), task(mutex.lock()));
        assert!(replaced.poll_with(&look()).is_pending());
        assert!(replaced.poll_with(&look()).is_pending());
        assert!(cancelled.poll_with(&look()).is_pending());
        drop(cancelled);
        drop(held);
        drop(replaced.ready());
    });
}

#[test]
fn a_waker_that_panics_leaves_the_mutex_usable() {
    let mutex = Mutex::new(5);
    let held = mutex.try_lock().unwrap();
    let (mut bomb, mut next) = (task(mutex.lock()), task(mutex.lock()));
    assert!(bomb.poll_with(&Waker::from(Arc::new(Bomb))).is_pending());
    next.pending();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(held))).is_err());
    assert_eq!(*bomb.ready(), 5);
    assert_eq!(*next.ready(), 5);
}

#[test]
fn a_guard_dropped_during_a_panic_does_not_abort_when_the_waker_panics_too() {
    let mutex = Mutex::new(5);
    let mut bomb = task(mutex.lock());
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _held = mutex.try_lock().unwrap();
        assert!(bomb.poll_with(&Waker::from(Arc::new(Bomb))).is_pending());
        panic!("the first panic");
    }));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"the first panic"));
    assert_eq!(*bomb.ready(), 5);
}

#[test]
fn the_value_can_be_reached_without_locking_and_from_a_static() {
    static COUNT: Mutex<u32> = Mutex::const_new(5);
    *COUNT.try_lock().unwrap() += 1;
    assert_eq!(*COUNT.blocking_lock(), 6);
    let mut unlocked = Mutex::const_new(1);
    *unlocked.get_mut() += 1;
    *unlocked.try_lock().unwrap() += 1;
    *unlocked.get_mut() += 1;
    assert_eq!(unlocked.into_inner(), 4);
    assert_eq!(Mutex::const_new("tea").into_inner(), "tea");
    assert_eq!(
        Mutex::<u32>::default().into_inner() + Mutex::from(1).into_inner(),
        1
    );
}

#[test]
fn a_leaked_guard_keeps_the_mutex_locked_and_get_mut_says_so() {
    let mut mutex = Mutex::new(5);
    std::mem::forget(mutex.try_lock().unwrap());
    assert!(mutex.try_lock().is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| *mutex.get_mut())).is_err());
}

#[test]
fn debug_and_display_show_the_value_or_that_it_is_locked() {
    let mutex = Arc::new(Mutex::new(5));
    assert_eq!(format!("{mutex:?}"), "Mutex { data: 5 }");
    let guard = mutex.try_lock().unwrap();
    assert_eq!(format!("{mutex:?}"), "Mutex { data: <locked> }");
    assert_eq!(format!("{guard} {guard:?}"), "5 5");
    drop(guard);
    let guard = mutex.try_lock_owned().unwrap();
    assert_eq!(format!("{guard} {guard:?}"), "5 5");
}

#[test]
fn threads_may_share_exactly_what_is_safe_to_share() {
    assert_is!(Mutex<Cell<u32>>: Send + Sync);
    assert_is_not!(Mutex<Rc<u32>>: Send);
    assert_is_not!(Mutex<Rc<u32>>: Sync);
    assert_is!(MutexGuard<'static, u32>: Send + Sync);
    assert_is!(MutexGuard<'static, Cell<u32>>: Send);
    assert_is_not!(MutexGuard<'static, Cell<u32>>: Sync);
    assert_is_not!(MutexGuard<'static, Rc<u32>>: Send);
    assert_is!(OwnedMutexGuard<Cell<u32>>: Send);
    assert_is_not!(OwnedMutexGuard<Cell<u32>>: Sync);
    assert_is_not!(OwnedMutexGuard<Rc<u32>>: Send);
    fn send<T: Send>(_: T) {}
    send(Mutex::new(0).lock());
    send(Arc::new(Mutex::new(0)).lock_owned());
}

#[test]
fn threads_that_lock_and_give_up_at_random_lose_no_update() {
    watchdog(|| {
        let mutex = Arc::new(Mutex::new(0_u64));
        let workers: Vec<_> = (1..=4_u64)
            .map(|seed| {
                let mutex = mutex.clone();
                thread::spawn(move || {
                    let (mut random, mut added) = (Random(seed * 0x9E37_79B9), 0);
                    for _ in 0..5_000 {
                        if random.below(3) == 0 {
                            let mut waiter = task(mutex.lock());
                            if let Poll::Ready(mut guard) = waiter.poll() {
                                *guard += 1;
                                added += 1;
                            }
                        } else {
                            block_on(async { *mutex.lock().await += 1 });
                            added += 1;
                        }
                    }
                    added
                })
            })
            .collect();
        let added: u64 = workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum();
        assert_eq!(*mutex.try_lock().unwrap(), added);
    });
}

#[derive(Clone, Debug)]
enum Op {
    Ask,
    Poll(usize),
    Cancel(usize),
    Unlock,
    Try,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => Just(Op::Ask),
        2 => any::<usize>().prop_map(Op::Poll),
        2 => any::<usize>().prop_map(Op::Cancel),
        2 => Just(Op::Unlock),
        1 => Just(Op::Try),
    ]
}

proptest! {
    /// The model: who holds the lock, and who has asked, in order. The first in line has the lock.
    #[test]
    fn behaves_like_a_queue_under_random_cancellation(ops in proptest::collection::vec(op(), 1..100)) {
        let mutex = Mutex::new(0_u64);
        let mut line: VecDeque<u64> = VecDeque::new();
        let mut waiting = Vec::new();
        let (mut held, mut holder) = (None, None);
        for (id, op) in (0_u64..).zip(ops) {
            match op {
                Op::Ask => {
                    line.push_back(id);
                    let mut lock = task(mutex.lock());
                    match lock.poll() {
                        Poll::Ready(guard) => {
                            prop_assert_eq!(line.len(), 1);
                            (held, holder) = (Some(guard), Some(id));
                        }
                        Poll::Pending => {
                            prop_assert!(line.len() > 1);
                            waiting.push((id, lock));
                        }
                    }
                }
                Op::Poll(at) if !waiting.is_empty() => {
                    let at = at % waiting.len();
                    let first = line[0] == waiting[at].0;
                    prop_assert_eq!(waiting[at].1.wakes(), usize::from(first));
                    let polled = waiting[at].1.poll();
                    prop_assert_eq!(polled.is_ready(), first);
                    if let Poll::Ready(guard) = polled {
                        let (id, _) = waiting.remove(at);
                        (held, holder) = (Some(guard), Some(id));
                    }
                }
                Op::Cancel(at) if !waiting.is_empty() => {
                    let (id, lock) = waiting.remove(at % waiting.len());
                    drop(lock);
                    line.retain(|&other| other != id);
                }
                Op::Unlock => {
                    if let Some(mut guard) = held.take() {
                        *guard += 1;
                        line.retain(|&other| Some(other) != holder);
                    }
                }
                Op::Try => prop_assert_eq!(mutex.try_lock().is_ok(), line.is_empty()),
                Op::Poll(_) | Op::Cancel(_) => {}
            }
        }
        drop(held);
        drop(waiting);
        prop_assert!(mutex.try_lock().is_ok());
    }
}
