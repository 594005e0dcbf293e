//! The waiter list: tasks in a queue, first come, first served.
//!
//! Every lock and channel of `sync` has one. It is plain data, kept under its owner's mutex. A list with a lock of its own would
//! lose wakeups:
//!
//! ```text
//!   waiter                             owner
//!   is it free? no
//!                                      frees it; does anybody wait? no
//!   queues                             ... and is never woken
//! ```
//! So what is waited for and who waits are under one lock; whoever queues looks under that lock whether it is there. (Where the
//! first look takes no lock, as that of `Mutex`, there is a second one, in the queue already.)
//!
//! **Hand-off.** To wake the first waiter and let it try is not enough:
//!
//! ```text
//!   waiter                             owner                     a latecomer
//!                                      frees it, wakes
//!                                                                is it free? yes: takes it
//!   is it free? no: queues again       ... at the back, again and again: it starves
//! ```
//! So whoever frees something gives it to the first waiter *under the lock* ([`Waiters::assign_front`]), and only then wakes it.
//! The price: a waiter that goes away with something assigned must pass it on; [`Removed::payload`] tells it so.
//!
//! **A slab, not nodes inside the futures.** Tokio links the futures themselves and needs raw pointers and pinning for it.
//! Here the links are indices into one `Vec`: push, pop and removal from the middle are still O(1), a list that nobody
//! waits on has allocated nothing, and one that was waited on keeps a few slots to use again. `VecDeque` cannot remove
//! from the middle in O(1), and cancelled waiters are common under `select!` and `timeout`.
//!
//! **Foreign code.** Cloning, waking and dropping a waker runs code of somebody else, which may come back to this very
//! lock. So none of it happens here: clones come in from outside ([`Waiters::enroll`]), and wakers leave through a
//! [`WakeList`] that outlives the lock's guard.

use std::task::Waker;
use std::{iter, mem};

use super::one_by_one::one_by_one;

/// "No slot", in every link.
const NIL: u32 = u32::MAX;

/// How many slots an empty list keeps. More go back to the allocator, so that one crowded moment does not stay in memory.
const KEPT_SLOTS: usize = 32;

/// Where a waiter stands. The ticket is never used twice, so the key of a waiter that was popped finds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The slot.
    index: u32,
    /// Which of the slot's successive tenants.
    ticket: u64,
}

/// A FIFO queue of waiters, each with a waker and a payload `P`: what it wants, or what it was given.
#[derive(Debug)]
pub(crate) struct Waiters<P> {
    /// All waiters, queued and assigned, and the free slots between them.
    slots: Vec<Slot<P>>,
    /// The first free slot; the others follow from there.
    free: u32,
    /// The waiter that is served next.
    head: u32,
    /// The waiter that came last.
    tail: u32,
    /// How many are queued.
    queued: usize,
    /// How many slots are taken: the queued waiters, and the assigned ones that have not come for their share yet.
    taken: usize,
    /// The ticket of the next waiter.
    next_ticket: u64,
}

/// A place for a waiter.
#[derive(Debug)]
enum Slot<P> {
    /// Nobody's.
    Free {
        /// The next free slot.
        next: u32,
    },
    /// Somebody's.
    Taken(Waiter<P>),
}

/// One who waits.
#[derive(Debug)]
struct Waiter<P> {
    /// Tells this tenant of the slot from earlier ones.
    ticket: u64,
    /// The waiter in front; meaningless once assigned.
    prev: u32,
    /// The waiter behind; meaningless once assigned.
    next: u32,
    /// Left the queue with something in its hands; the slot stays until the owner comes for it.
    assigned: bool,
    /// Whom to wake: the newest waker. `None` once woken, or when the waiter enrolled without being polled.
    waker: Option<Waker>,
    /// What it wants or got.
    payload: P,
}

/// A waiter that left, whole: its waker and payload are to be dropped after the lock is released.
#[derive(Debug)]
pub(crate) struct Removed<P> {
    /// What it wanted or got; what it got is now the caller's to pass on.
    pub(crate) payload: P,
    /// Kept only so that it is dropped with the rest, after the lock.
    _waker: Option<Waker>,
}

impl<P> Waiters<P> {
    /// An empty list, without memory.
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NIL,
            head: NIL,
            tail: NIL,
            queued: 0,
            taken: 0,
            next_ticket: 0,
        }
    }

    /// Whether nobody is queued. Assigned waiters are not in the queue any more.
    pub(crate) fn is_empty(&self) -> bool {
        self.queued == 0
    }

    /// How many are queued.
    pub(crate) fn len(&self) -> usize {
        self.queued
    }

    /// Joins the queue, or refreshes the waker of one who is in it. Returns `false` when that takes a clone of `waker`
    /// and `spare` holds none: unlock, put a clone into `spare`, lock, look again at what is waited for, and repeat.
    ///
    /// So the usual polls cost no clone (nothing to wait for; the same task again), and no waker is cloned under the
    /// lock. Afterwards `spare` may hold the replaced waker: declare it *before* the guard, and it is dropped after it.
    ///
    /// ```text
    /// let mut spare = None;
    /// loop {
    ///     let mut state = lock(&self.state);
    ///     if let Some(value) = state.try_take() {
    ///         return Poll::Ready(value);
    ///     }
    ///     if state.waiters.enroll(&mut self.key, cx.waker(), &mut spare, || payload) {
    ///         return Poll::Pending;
    ///     }
    ///     drop(state);
    ///     spare = Some(cx.waker().clone());
    /// }
    /// ```
    #[must_use = "`false` means that the waiter is not enrolled yet"]
    pub(crate) fn enroll(
        &mut self,
        key: &mut Option<Key>,
        waker: &Waker,
        spare: &mut Option<Waker>,
        payload: impl FnOnce() -> P,
    ) -> bool {
        if let Some(waiter) = key.and_then(|key| self.get_mut(key)) {
            let newest = waiter
                .waker
                .as_ref()
                .is_some_and(|stored| stored.will_wake(waker));
            if !newest && spare.is_some() {
                mem::swap(&mut waiter.waker, spare);
                return true;
            }
            newest
        } else if spare.is_some() {
            *key = Some(self.push_back(spare.take(), payload()));
            true
        } else {
            false
        }
    }

    /// Joins the queue at its end. Futures use [`Waiters::enroll`]; this is for those that queue up without being polled.
    pub(crate) fn push_back(&mut self, waker: Option<Waker>, payload: P) -> Key {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let prev = self.tail;
        let slot = Slot::Taken(Waiter {
            ticket,
            prev,
            next: NIL,
            assigned: false,
            waker,
            payload,
        });
        let index = self.insert(slot);
        match self.waiter_mut(prev) {
            Some(before) => before.next = index,
            None => self.head = index,
        }
        self.tail = index;
        self.queued += 1;
        Key { index, ticket }
    }

    /// The payload of the waiter that is served next.
    pub(crate) fn front_mut(&mut self) -> Option<&mut P> {
        self.waiter_mut(self.head).map(|waiter| &mut waiter.payload)
    }

    /// Takes the first waiter out of the queue and keeps its slot, for the caller to put its share into; the waiter finds
    /// it there with [`Waiters::take_assigned`]. Its waker goes to `wakers`.
    pub(crate) fn assign_front(&mut self, wakers: &mut WakeList) -> Option<&mut P> {
        self.assign(self.head, wakers)
    }

    /// [`Waiters::assign_front`] for the waiter that came last.
    pub(crate) fn assign_back(&mut self, wakers: &mut WakeList) -> Option<&mut P> {
        self.assign(self.tail, wakers)
    }

    /// Takes the first waiter out of the list altogether: for those that need nothing but to be woken. Its waker goes to
    /// `wakers`; its key finds nobody from now on ([`Waiters::contains`]).
    pub(crate) fn pop_front(&mut self, wakers: &mut WakeList) -> Option<P> {
        let index = self.head;
        self.assign(index, wakers)?;
        self.free_slot(index).map(|waiter| waiter.payload)
    }

    /// Whether `key`'s waiter is here: queued, or assigned and not come for its share yet.
    pub(crate) fn contains(&self, key: Key) -> bool {
        matches!(self.slots.get(key.index as usize), Some(Slot::Taken(waiter)) if waiter.ticket == key.ticket)
    }

    /// If `key`'s waiter was assigned its share: takes it, frees the slot, and clears `key`.
    pub(crate) fn take_assigned(&mut self, key: &mut Option<Key>) -> Option<P> {
        let found = (*key)?;
        if !self.get_mut(found)?.assigned {
            return None;
        }
        *key = None;
        self.free_slot(found.index).map(|waiter| waiter.payload)
    }

    /// Takes a waiter out wherever it stands: for futures that are dropped. `None` when it had been popped.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Removed<P>> {
        if !self.get_mut(key)?.assigned {
            self.unlink(key.index);
        }
        let waiter = self.free_slot(key.index)?;
        Some(Removed {
            payload: waiter.payload,
            _waker: waiter.waker,
        })
    }

    /// Takes the waiter at `index` out of the queue and marks it assigned.
    fn assign(&mut self, index: u32, wakers: &mut WakeList) -> Option<&mut P> {
        self.unlink(index);
        let waiter = self.waiter_mut(index)?;
        waiter.assigned = true;
        if let Some(waker) = waiter.waker.take() {
            wakers.push(waker);
        }
        Some(&mut waiter.payload)
    }

    /// Closes the gap that the waiter at `index` leaves in the queue.
    fn unlink(&mut self, index: u32) {
        let Some(waiter) = self.waiter_mut(index) else {
            return;
        };
        let (prev, next) = (waiter.prev, waiter.next);
        match self.waiter_mut(prev) {
            Some(before) => before.next = next,
            None => self.head = next,
        }
        match self.waiter_mut(next) {
            Some(behind) => behind.prev = prev,
            None => self.tail = prev,
        }
        self.queued -= 1;
    }

    /// Puts a waiter into a free slot, or a new one.
    fn insert(&mut self, slot: Slot<P>) -> u32 {
        self.taken += 1;
        let index = self.free;
        match self.slots.get_mut(index as usize) {
            Some(place) => {
                if let Slot::Free { next } = mem::replace(place, slot) {
                    self.free = next;
                }
                index
            }
            None => {
                let index = u32::try_from(self.slots.len())
                    .ok()
                    .filter(|&index| index != NIL);
                self.slots.push(slot);
                index.expect("more than four billion waiters on one lock")
            }
        }
    }

    /// Empties a slot whose waiter is not in the queue any more.
    fn free_slot(&mut self, index: u32) -> Option<Waiter<P>> {
        let next = self.free;
        let slot = mem::replace(self.slots.get_mut(index as usize)?, Slot::Free { next });
        self.free = index;
        self.taken -= 1;
        if self.taken == 0 && self.slots.len() > KEPT_SLOTS {
            self.slots = Vec::new();
            self.free = NIL;
        }
        match slot {
            Slot::Taken(waiter) => Some(waiter),
            Slot::Free { .. } => None,
        }
    }

    /// The waiter in a slot.
    fn waiter_mut(&mut self, index: u32) -> Option<&mut Waiter<P>> {
        match self.slots.get_mut(index as usize) {
            Some(Slot::Taken(waiter)) => Some(waiter),
            _ => None,
        }
    }

    /// The waiter of a key.
    fn get_mut(&mut self, key: Key) -> Option<&mut Waiter<P>> {
        self.waiter_mut(key.index)
            .filter(|waiter| waiter.ticket == key.ticket)
    }
}

/// Wakers on their way out of a lock: collected under it, woken when the list is dropped.
///
/// Declare it *before* the guard. Locals are dropped in reverse order, so the lock is released first and the wakers run
/// after it on every way out, an early `return` and a panic included. One waker, the usual case, needs no memory.
#[derive(Debug, Default)]
pub(crate) struct WakeList {
    /// The first waker.
    first: Option<Waker>,
    /// The others.
    rest: Vec<Waker>,
}

impl WakeList {
    /// An empty list, without memory.
    pub(crate) const fn new() -> Self {
        Self {
            first: None,
            rest: Vec::new(),
        }
    }

    /// Adds a waker.
    pub(crate) fn push(&mut self, waker: Waker) {
        if self.first.is_none() {
            self.first = Some(waker);
        } else {
            self.rest.push(waker);
        }
    }
}

impl Drop for WakeList {
    #[inline]
    fn drop(&mut self) {
        if let Some(first) = self.first.take() {
            one_by_one(
                iter::once(first).chain(mem::take(&mut self.rest)),
                Waker::wake,
            );
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    /// Counts its wakes.
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Panics instead of waking.
    struct Bomb;

    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("bomb");
        }
    }

    #[derive(Clone, Debug)]
    enum Op {
        Push,
        AssignFront,
        AssignBack,
        PopFront,
        Remove(usize),
        Claim(usize),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            4 => Just(Op::Push),
            1 => Just(Op::AssignFront),
            1 => Just(Op::AssignBack),
            1 => Just(Op::PopFront),
            2 => any::<usize>().prop_map(Op::Remove),
            2 => any::<usize>().prop_map(Op::Claim),
        ]
    }

    proptest! {
        /// Against a list of (key, number, assigned) in order of arrival.
        #[test]
        fn behaves_like_a_plain_list(ops in proptest::collection::vec(op(), 1..200)) {
            let mut list = Waiters::new();
            let mut model: Vec<(Key, usize, bool)> = Vec::new();
            let mut gone: Vec<Key> = Vec::new();
            for (number, op) in ops.into_iter().enumerate() {
                let mut wakers = WakeList::new();
                let first = model.iter().position(|entry| !entry.2);
                let last = model.iter().rposition(|entry| !entry.2);
                match op {
                    Op::Push => model.push((list.push_back(Some(Waker::noop().clone()), number), number, false)),
                    Op::AssignFront | Op::AssignBack => {
                        let back = matches!(op, Op::AssignBack);
                        let expected = if back { last } else { first };
                        let got = if back { list.assign_back(&mut wakers) } else { list.assign_front(&mut wakers) };
                        prop_assert_eq!(got.copied(), expected.map(|at| model[at].1));
                        prop_assert_eq!(wakers.first.is_some(), expected.is_some());
                        if let Some(at) = expected {
                            model[at].2 = true;
                        }
                    }
                    Op::PopFront => {
                        prop_assert_eq!(list.pop_front(&mut wakers), first.map(|at| model[at].1));
                        gone.extend(first.map(|at| model.remove(at).0));
                    }
                    Op::Remove(at) if !model.is_empty() => {
                        let (key, number, _) = model.remove(at % model.len());
                        let removed = list.remove(key).expect("it is in the list");
                        prop_assert_eq!(removed.payload, number);
                        gone.push(key);
                    }
                    Op::Claim(at) if !model.is_empty() => {
                        let at = at % model.len();
                        let (key, number, assigned) = model[at];
                        let mut slot = Some(key);
                        prop_assert_eq!(list.take_assigned(&mut slot), assigned.then_some(number));
                        prop_assert_eq!(slot.is_none(), assigned);
                        if assigned {
                            model.remove(at);
                            gone.push(key);
                        }
                    }
                    Op::Remove(_) | Op::Claim(_) => {}
                }
                prop_assert_eq!(list.len(), model.iter().filter(|entry| !entry.2).count());
                prop_assert_eq!(list.taken, model.len());
                prop_assert!(model.iter().all(|entry| list.contains(entry.0)));
                prop_assert!(gone.iter().all(|&key| !list.contains(key) && list.remove(key).is_none()));
            }
        }
    }

    #[test]
    fn an_empty_list_owns_no_memory_and_a_crowd_leaves_none() {
        let mut list = Waiters::new();
        assert_eq!(list.slots.capacity(), 0);
        let keys: Vec<Key> = (0..1000)
            .map(|number| list.push_back(None, number))
            .collect();
        for key in keys {
            assert!(list.remove(key).is_some());
        }
        assert_eq!((list.slots.capacity(), list.taken, list.len()), (0, 0, 0));
        list.push_back(None, 7);
        assert_eq!(list.front_mut(), Some(&mut 7));
    }

    #[test]
    fn a_few_slots_stay_for_those_who_come_next() {
        let mut list = Waiters::new();
        let keys: Vec<Key> = (0..KEPT_SLOTS).map(|_| list.push_back(None, ())).collect();
        for key in keys {
            assert!(list.remove(key).is_some());
        }
        assert_eq!(list.slots.len(), KEPT_SLOTS);
        for _ in 0..KEPT_SLOTS {
            list.push_back(None, ());
        }
        assert_eq!(list.slots.len(), KEPT_SLOTS);
    }

    #[test]
    fn enroll_asks_for_a_clone_only_when_the_stored_waker_is_another() {
        let (one, two) = (
            Waker::from(Arc::new(Count(AtomicUsize::new(0)))),
            Waker::from(Arc::new(Bomb)),
        );
        let (mut list, mut key, mut spare) = (Waiters::new(), None, None);
        assert!(!list.enroll(&mut key, &one, &mut spare, || ()));
        spare = Some(one.clone());
        assert!(list.enroll(&mut key, &one, &mut spare, || ()));
        assert!(spare.is_none());
        assert!(list.enroll(&mut key, &one, &mut spare, || ()));
        assert!(!list.enroll(&mut key, &two, &mut spare, || ()));
        spare = Some(two.clone());
        assert!(list.enroll(&mut key, &two, &mut spare, || ()));
        assert!(spare.is_some_and(|replaced| replaced.will_wake(&one)));
        assert_eq!(list.len(), 1);
    }

    #[test]
    fn what_panicking_wakers_throw_is_dropped() {
        struct Thrower(Arc<()>);

        impl Wake for Thrower {
            fn wake(self: Arc<Self>) {
                resume_unwind(Box::new(self.0.clone()));
            }
        }

        let thrown = Arc::new(());
        let mut wakers = WakeList::new();
        for _ in 0..3 {
            wakers.push(Waker::from(Arc::new(Thrower(thrown.clone()))));
        }
        drop(catch_unwind(AssertUnwindSafe(|| drop(wakers))));
        assert_eq!(Arc::strong_count(&thrown), 1);
    }

    #[test]
    fn what_a_waker_throws_during_an_unwinding_is_dropped_quietly() {
        struct Thrower;
        struct Thrown;

        impl Wake for Thrower {
            fn wake(self: Arc<Self>) {
                resume_unwind(Box::new(Thrown));
            }
        }

        impl Drop for Thrown {
            fn drop(&mut self) {
                resume_unwind(Box::new("worse"));
            }
        }

        let mut wakers = WakeList::new();
        wakers.push(Waker::from(Arc::new(Thrower)));
        let unwinding = catch_unwind(AssertUnwindSafe(|| {
            let _wakers = wakers;
            resume_unwind(Box::new("first"));
        }));
        let payload = unwinding.expect_err("it unwound");
        assert_eq!(payload.downcast_ref(), Some(&"first"));
    }

    #[test]
    fn wakers_behind_a_panicking_one_are_woken() {
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let mut wakers = WakeList::new();
        for _ in 0..3 {
            wakers.push(Waker::from(Arc::new(Bomb)));
            wakers.push(Waker::from(count.clone()));
        }
        let panic =
            catch_unwind(AssertUnwindSafe(|| drop(wakers))).expect_err("the panic is passed on");
        assert_eq!(panic.downcast_ref(), Some(&"bomb"));
        assert_eq!(count.0.load(Ordering::Relaxed), 3);
    }
}
