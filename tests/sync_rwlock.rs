//! `samovar::sync::RwLock`: readers share, writers are alone, and nobody overtakes.

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
use samovar::sync::{
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use sync_support::{Bomb, Random, nosy, task, watchdog};

#[test]
fn readers_share_and_a_writer_is_alone() {
    let lock = RwLock::new(1);
    let (one, two) = (task(lock.read()).ready(), lock.try_read().unwrap());
    assert_eq!(*one + *two, 2);
    assert!(lock.try_write().is_err());
    drop((one, two));
    let mut writer = lock.try_write().unwrap();
    *writer += 1;
    assert!(lock.try_read().is_err());
    assert!(lock.try_write().is_err());
    drop(writer);
    assert_eq!(*lock.try_read().unwrap(), 2);
}

#[test]
fn a_reader_waits_behind_a_waiting_writer() {
    let lock = RwLock::new(());
    let reading = lock.try_read().unwrap();
    let (mut writer, mut late) = (task(lock.write()), task(lock.read()));
    writer.pending();
    assert!(lock.try_read().is_err());
    late.pending();
    drop(reading);
    late.pending();
    let writing = writer.ready();
    late.pending();
    drop(writing);
    drop(late.ready());
}

#[test]
fn readers_up_to_the_next_writer_go_together() {
    let lock = RwLock::new(());
    let writing = lock.try_write().unwrap();
    let (mut one, mut two) = (task(lock.read()), task(lock.read()));
    let (mut writer, mut last) = (task(lock.write()), task(lock.read()));
    for reader in [&mut one, &mut two] {
        reader.pending();
    }
    writer.pending();
    last.pending();
    drop(writing);
    assert_eq!(
        (one.wakes(), two.wakes(), writer.wakes(), last.wakes()),
        (1, 1, 0, 0)
    );
    let guards = (one.ready(), two.ready());
    drop(guards.0);
    assert_eq!(writer.wakes(), 0);
    drop(guards.1);
    assert_eq!((writer.wakes(), last.wakes()), (1, 0));
    drop(writer.ready());
    drop(last.ready());
}

#[test]
fn a_writer_that_gives_up_lets_the_readers_behind_it_go() {
    let lock = RwLock::new(());
    let reading = lock.try_read().unwrap();
    let (mut writer, mut reader) = (task(lock.write()), task(lock.read()));
    writer.pending();
    reader.pending();
    drop(writer);
    assert_eq!(reader.wakes(), 1);
    drop((reader.ready(), reading));
    assert!(lock.try_write().is_ok());
}

#[test]
fn whoever_was_given_the_lock_and_is_dropped_passes_it_on() {
    let lock = RwLock::new(5);
    let writing = lock.try_write().unwrap();
    let (mut writer, mut reader, mut other) =
        (task(lock.write()), task(lock.read()), task(lock.write()));
    writer.pending();
    reader.pending();
    other.pending();
    drop(writing);
    assert_eq!((writer.wakes(), reader.wakes(), other.wakes()), (1, 0, 0));
    drop(writer);
    assert_eq!((reader.wakes(), other.wakes()), (1, 0));
    drop(reader);
    assert_eq!(other.wakes(), 1);
    *other.ready() += 1;
    drop(other);
    assert_eq!(lock.into_inner(), 6);
}

#[test]
fn a_downgraded_writer_keeps_later_writers_out_and_lets_readers_in() {
    let lock = Arc::new(RwLock::new(5));
    let mut writing = lock.try_write().unwrap();
    *writing += 1;
    let (mut reader, mut writer) = (task(lock.read()), task(lock.write()));
    reader.pending();
    writer.pending();
    let reading = writing.downgrade();
    assert_eq!((*reading, *reader.ready()), (6, 6));
    writer.pending();
    drop(reading);
    drop(writer.ready());
    let reading = lock.clone().try_write_owned().unwrap().downgrade();
    assert!(lock.try_write().is_err());
    assert_eq!(*reading, *lock.try_read().unwrap());
    drop(reading);
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_panic_unlocks_and_poisons_nothing() {
    let lock = RwLock::new(0);
    for write in [false, true] {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            block_on(async {
                if write {
                    let mut guard = lock.write().await;
                    *guard += 1;
                    panic!("while writing");
                }
                let _guard = lock.read().await;
                panic!("while reading");
            })
        }));
        assert!(panicked.is_err());
    }
    assert_eq!(*lock.try_write().unwrap(), 1);
}

#[test]
fn wakers_may_use_the_lock_and_may_panic() {
    watchdog(|| {
        let lock = Arc::new(RwLock::new(5));
        let look = || {
            let lock = lock.clone();
            nosy(move || drop(task(lock.write()).poll()))
        };
        let writing = lock.try_write().unwrap();
        let mut readers: Vec<_> = (0..4).map(|_| task(lock.read())).collect();
        assert!(readers[0].poll_with(&look()).is_pending());
        assert!(readers[0].poll_with(&look()).is_pending());
        assert!(
            readers[1]
                .poll_with(&Waker::from(Arc::new(Bomb)))
                .is_pending()
        );
        readers[2].pending();
        assert!(readers[3].poll_with(&look()).is_pending());
        readers.pop();
        assert!(catch_unwind(AssertUnwindSafe(|| drop(writing))).is_err());
        assert_eq!(
            readers[2].wakes(),
            1,
            "the reader behind the panicking waker is woken"
        );
        assert_eq!(
            readers
                .iter_mut()
                .map(|reader| *reader.ready())
                .sum::<i32>(),
            15
        );
        assert!(lock.try_write().is_ok());
    });
}

#[test]
fn a_panicking_waker_in_downgrade_leaves_the_lock_usable() {
    let lock = RwLock::new(5);
    let writing = lock.try_write().unwrap();
    let mut bomb = task(lock.read());
    assert!(bomb.poll_with(&Waker::from(Arc::new(Bomb))).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| writing.downgrade())).is_err());
    drop(bomb.ready());
    assert!(lock.try_write().is_ok());
}

#[test]
fn the_value_can_be_reached_without_locking_and_from_a_static() {
    static LIMIT: RwLock<u32> = RwLock::const_new(5);
    *LIMIT.blocking_write() += 1;
    assert_eq!(*LIMIT.blocking_read(), 6);
    let mut unlocked = RwLock::const_new(1);
    *unlocked.get_mut() += 1;
    assert_eq!(*unlocked.try_read().unwrap(), 2);
    *unlocked.get_mut() += 1;
    assert_eq!(unlocked.into_inner(), 3);
    assert_eq!(RwLock::const_new("tea").into_inner(), "tea");
    assert_eq!(
        RwLock::<u32>::default().into_inner() + RwLock::from(1).into_inner(),
        1
    );
}

#[test]
fn a_leaked_guard_keeps_the_lock_and_get_mut_says_so() {
    let mut lock = RwLock::new(5);
    std::mem::forget(lock.try_read().unwrap());
    assert!(lock.try_read().is_ok());
    assert!(lock.try_write().is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| *lock.get_mut())).is_err());
}

#[test]
fn debug_and_display_show_the_value_or_that_it_is_locked() {
    let lock = Arc::new(RwLock::new(5));
    let reading = lock.try_read().unwrap();
    assert_eq!(
        format!("{lock:?} {reading} {reading:?}"),
        "RwLock { data: 5 } 5 5"
    );
    drop(reading);
    let writing = lock.clone().try_write_owned().unwrap();
    assert_eq!(
        format!("{lock:?} {writing} {writing:?}"),
        "RwLock { data: <locked> } 5 5"
    );
}

#[test]
fn threads_may_share_exactly_what_is_safe_to_share() {
    assert_is!(RwLock<u32>: Send + Sync);
    assert_is_not!(RwLock<Cell<u32>>: Sync);
    assert_is_not!(RwLock<Rc<u32>>: Send);
    assert_is_not!(RwLock<Rc<u32>>: Sync);
    assert_is!(RwLockReadGuard<'static, u32>: Send + Sync);
    assert_is!(RwLockWriteGuard<'static, u32>: Send + Sync);
    assert_is!(OwnedRwLockReadGuard<u32>: Send + Sync);
    assert_is!(OwnedRwLockWriteGuard<u32>: Send + Sync);
    assert_is_not!(RwLockReadGuard<'static, Cell<u32>>: Send);
    assert_is_not!(RwLockReadGuard<'static, Cell<u32>>: Sync);
    assert_is_not!(RwLockWriteGuard<'static, Cell<u32>>: Sync);
    assert_is_not!(RwLockWriteGuard<'static, Rc<u32>>: Send);
    assert_is_not!(OwnedRwLockReadGuard<Cell<u32>>: Send);
    assert_is_not!(OwnedRwLockWriteGuard<Cell<u32>>: Sync);
    fn send<T: Send>(_: T) {}
    send(RwLock::new(0).read());
    send(RwLock::new(0).write());
    send(Arc::new(RwLock::new(0)).read_owned());
    send(Arc::new(RwLock::new(0)).write_owned());
}

#[test]
fn threads_that_read_write_and_give_up_at_random_see_no_half_done_write() {
    watchdog(|| {
        let lock = Arc::new(RwLock::new((0_u64, 0_u64)));
        let workers: Vec<_> = (1..=4_u64)
            .map(|seed| {
                let lock = lock.clone();
                thread::spawn(move || {
                    let (mut random, mut added) = (Random(seed * 0x9E37_79B9), 0);
                    for _ in 0..4_000 {
                        match random.below(4) {
                            0 => drop(task(lock.write()).poll()),
                            1 => {
                                let mut guard = block_on(lock.write());
                                guard.0 += 1;
                                guard.1 += 1;
                                added += 1;
                            }
                            2 => drop(task(lock.read()).poll()),
                            _ => {
                                let guard = block_on(lock.clone().read_owned());
                                assert_eq!(guard.0, guard.1);
                            }
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
        assert_eq!(*lock.try_write().unwrap(), (added, added));
    });
}

#[derive(Clone, Debug)]
enum Op {
    Ask(bool),
    Poll(usize),
    Cancel(usize),
    Unlock(usize),
    Downgrade,
    Try,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => any::<bool>().prop_map(Op::Ask),
        3 => any::<usize>().prop_map(Op::Poll),
        2 => any::<usize>().prop_map(Op::Cancel),
        3 => any::<usize>().prop_map(Op::Unlock),
        1 => Just(Op::Downgrade),
        1 => Just(Op::Try),
    ]
}

/// Who is inside and who waits, in order, each with whether it writes.
#[derive(Default)]
struct Model {
    inside: Vec<(usize, bool)>,
    line: VecDeque<(usize, bool)>,
}

impl Model {
    fn admits(&self, write: bool) -> bool {
        self.inside.is_empty() || !write && self.inside.iter().all(|&(_, writes)| !writes)
    }

    fn settle(&mut self) {
        while let Some(&(id, write)) = self.line.front() {
            if !self.admits(write) {
                return;
            }
            self.inside.push((id, write));
            self.line.pop_front();
        }
    }

    fn leave(&mut self, id: usize) {
        self.inside.retain(|&(other, _)| other != id);
        self.line.retain(|&(other, _)| other != id);
        self.settle();
    }

    fn is_inside(&self, id: usize) -> bool {
        self.inside.iter().any(|&(other, _)| other == id)
    }
}

enum Guard<'a> {
    Read(RwLockReadGuard<'a, u32>),
    Write(RwLockWriteGuard<'a, u32>),
}

proptest! {
    #[test]
    fn behaves_like_a_queue_under_random_cancellation(ops in proptest::collection::vec(op(), 1..100)) {
        let lock = RwLock::new(0);
        let mut model = Model::default();
        let (mut waiting, mut held, mut writes) = (Vec::new(), Vec::new(), 0);
        for (id, op) in ops.into_iter().enumerate() {
            match op {
                Op::Ask(write) => {
                    model.line.push_back((id, write));
                    model.settle();
                    let lock = &lock;
                    let mut request = task(async move {
                        if write { Guard::Write(lock.write().await) } else { Guard::Read(lock.read().await) }
                    });
                    match request.poll() {
                        Poll::Ready(guard) => {
                            prop_assert!(model.is_inside(id));
                            held.push((id, guard));
                        }
                        Poll::Pending => {
                            prop_assert!(!model.is_inside(id));
                            waiting.push((id, request));
                        }
                    }
                }
                Op::Poll(at) if !waiting.is_empty() => {
                    let at = at % waiting.len();
                    let inside = model.is_inside(waiting[at].0);
                    prop_assert_eq!(waiting[at].1.wakes(), usize::from(inside));
                    let polled = waiting[at].1.poll();
                    prop_assert_eq!(polled.is_ready(), inside);
                    if let Poll::Ready(guard) = polled {
                        held.push((waiting.remove(at).0, guard));
                    }
                }
                Op::Cancel(at) if !waiting.is_empty() => {
                    let (id, request) = waiting.remove(at % waiting.len());
                    drop(request);
                    model.leave(id);
                }
                Op::Unlock(at) if !held.is_empty() => {
                    let (id, mut guard) = held.remove(at % held.len());
                    match &mut guard {
                        Guard::Read(guard) => prop_assert_eq!(**guard, writes),
                        Guard::Write(guard) => {
                            **guard += 1;
                            writes += 1;
                        }
                    }
                    drop(guard);
                    model.leave(id);
                }
                Op::Downgrade => {
                    // A writer is alone, so it is the only one in the list.
                    match held.pop() {
                        Some((id, Guard::Write(guard))) => {
                            held.push((id, Guard::Read(guard.downgrade())));
                            model.inside = vec![(id, false)];
                            model.settle();
                        }
                        reader => held.extend(reader),
                    }
                }
                Op::Try => {
                    let free = model.line.is_empty();
                    prop_assert_eq!(lock.try_read().is_ok(), free && model.admits(false));
                    prop_assert_eq!(lock.try_write().is_ok(), free && model.admits(true));
                }
                Op::Poll(_) | Op::Cancel(_) | Op::Unlock(_) => {}
            }
        }
        drop(held);
        drop(waiting);
        prop_assert!(lock.try_write().is_ok());
    }
}
