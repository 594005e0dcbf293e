//! A source: one socket as the reactor sees it. What is known of its readiness, and who waits for it.
//!
//! # The protocol
//!
//! The kernel tells about a change once (edge-triggered). So readiness is remembered here, per direction, as a *guess*:
//! "ready" means that the next system call may succeed, "not ready" that it would certainly say `WouldBlock`. An
//! operation that meets `WouldBlock` takes the guess back, and waits for the next event. The trap is in between:
//!
//! ```text
//!   task                           reactor
//!   read() says WouldBlock
//!                                  data! ready = true, nobody to wake
//!   ready = false                  ... and the event is forgotten: the task waits for ever
//! ```
//! So the word holds a *tick* beside the bit, which every event advances; the task takes back only the guess that it
//! saw. 32 bits of it, for a tick of 8 bits comes round while a thread is preempted (Tokio, number 8331).
//!
//! The second trap is that of everybody who waits:
//!
//! ```text
//!   task                           reactor
//!   ready? no
//!                                  ready = true; is a waker stored? no: done
//!   stores its waker               ... too late: the task waits for ever
//! ```
//! So a waiter stores its waker *first*, then sets WAITING in the word, and with that same step looks at the word again
//! before it returns `Pending`: an event in between is either seen by that look, or sees the bit and wakes whoever is stored.
//! Without the bit an event takes no lock: most tell of a socket that is writable, as it was before, and for which nobody
//! waits.

use std::io;
use std::task::{Context, Poll, Waker};

use crate::shim::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Acquire},
};
use crate::shim::{Mutex, lock};

/// The next system call may succeed.
const READY: u64 = 1;
/// The peer has closed this direction: it stays ready, for every call from now on says so.
const CLOSED: u64 = 1 << 1;
/// The runtime is gone: no event will ever come again.
const SHUTDOWN: u64 = 1 << 2;
/// The peer has sent urgent data. A read ends where that was, although more follows: a short read says nothing any more.
const URGENT: u64 = 1 << 3;
/// A waker may be stored: the next event is to look.
const WAITING: u64 = 1 << 4;
/// One step of the tick, which fills the upper half of the word.
const TICK: u64 = 1 << 32;

/// Reading and writing are waited for separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Data, a connection to accept, or the end of the stream.
    Read,
    /// Space in the send buffer, or the end of a connect.
    Write,
}

/// What an event says of one direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    /// The peer has closed it.
    pub(crate) closed: bool,
    /// There is urgent data.
    pub(crate) urgent: bool,
}

/// What an operation saw before its system call, for [`Source::clear`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen(u64);

impl Seen {
    /// Whether a short read or write says that the next one would block. Not when the peer has closed: then the end of
    /// the stream is still to be read, and no event tells.
    pub(crate) fn trusts_short(self) -> bool {
        self.0 & (CLOSED | URGENT) == 0
    }

    /// Whether the peer had closed this direction.
    pub(crate) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }
}

/// One registered socket.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Readers.
    read: Side,
    /// Writers.
    write: Side,
}

/// One direction of a source.
#[derive(Debug, Default)]
struct Side {
    /// READY, CLOSED, SHUTDOWN, URGENT, WAITING and the tick.
    word: AtomicU64,
    /// Who waits. Guards the wakers only; they are cloned before it and woken after it.
    waiters: Mutex<Waiters>,
}

/// The wakers of one direction.
#[derive(Debug, Default)]
struct Waiters {
    /// The task that called `poll_read` or `poll_write`: one at a time, the latest counts.
    poller: Option<Waker>,
    /// The futures of `readable().await`, `accept().await` and so on: any number.
    others: Vec<(u64, Waker)>,
    /// The key of the next one of them.
    next_key: u64,
}

/// Which of a direction's waiters one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaiterKey {
    /// The one that polls.
    Poller,
    /// A future, without a key until it first waits.
    Future(Option<u64>),
}

impl Source {
    /// One direction.
    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    /// The reactor: an event came. Adds whoever waited to `woken`.
    pub(crate) fn set_ready(&self, direction: Direction, change: Change, woken: &mut Vec<Waker>) {
        let closed = if change.closed { CLOSED } else { 0 };
        let urgent = if change.urgent { URGENT } else { 0 };
        let bits = READY | closed | urgent;
        self.side(direction).set(bits, woken);
    }

    /// The reactor: no event will come any more.
    pub(crate) fn shut_down(&self, woken: &mut Vec<Waker>) {
        self.read.set(SHUTDOWN, woken);
        self.write.set(SHUTDOWN, woken);
    }

    /// Waits until the next system call may succeed.
    ///
    /// # Errors
    ///
    /// When the runtime was shut down.
    pub(crate) fn poll_ready(
        &self,
        direction: Direction,
        key: &mut WaiterKey,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Seen>> {
        let side = self.side(direction);
        if let Some(seen) = side.seen() {
            return Poll::Ready(seen);
        }
        let replaced = side.store(key, cx.waker().clone());
        drop(replaced);
        // Release: an event that sees the bit finds the waker. Acquire pairs with the release in `set`.
        let word = side.word.fetch_or(WAITING, AcqRel) | WAITING;
        match Side::read(word) {
            Some(seen) => Poll::Ready(seen),
            None => Poll::Pending,
        }
    }

    /// What is known right now, without waiting; `None`: a system call would block.
    pub(crate) fn ready(&self, direction: Direction) -> Option<io::Result<Seen>> {
        self.side(direction).seen()
    }

    /// Whether somebody waits for either direction.
    pub(crate) fn is_waited_for(&self) -> bool {
        [&self.read, &self.write].iter().any(|side| {
            let waiters = lock(&side.waiters);
            waiters.poller.is_some() || !waiters.others.is_empty()
        })
    }

    /// A system call said `WouldBlock`: takes back what was seen, unless an event came since.
    pub(crate) fn clear(&self, direction: Direction, seen: Seen) {
        let word = &self.side(direction).word;
        // Failure means that an event has advanced the tick, so that the direction may well be ready; or that somebody
        // waits, whose bit has changed the word. The next call finds out. The orderings have no
        // partner: nothing is told here but the word itself.
        let _ = word.compare_exchange(seen.0, seen.0 & !READY, AcqRel, Acquire);
    }

    /// A future that waited goes away.
    pub(crate) fn forget(&self, direction: Direction, key: WaiterKey) {
        if let WaiterKey::Future(Some(key)) = key {
            let mut waiters = lock(&self.side(direction).waiters);
            let gone = waiters
                .others
                .iter()
                .position(|(other, _)| *other == key)
                .map(|at| waiters.others.swap_remove(at));
            drop(waiters);
            drop(gone);
        }
    }
}

impl Side {
    /// Adds `bits`, advances the tick, and takes all wakers out.
    fn set(&self, bits: u64, woken: &mut Vec<Waker>) {
        // Release pairs with the acquire in `seen` and in `poll_ready`; acquire with the release of a waiter there.
        let before = self.word.fetch_update(AcqRel, Acquire, |word| {
            Some((word.wrapping_add(TICK) | bits) & !WAITING)
        });
        if before.is_ok_and(|word| word & WAITING == 0) {
            return;
        }
        let mut waiters = lock(&self.waiters);
        woken.extend(waiters.poller.take());
        if !waiters.others.is_empty() {
            woken.extend(waiters.others.drain(..).map(|(_, waker)| waker));
        }
    }

    /// What the word says, if it says ready.
    fn seen(&self) -> Option<io::Result<Seen>> {
        Side::read(self.word.load(Acquire))
    }

    /// What a word says, if it says ready.
    fn read(word: u64) -> Option<io::Result<Seen>> {
        if word & SHUTDOWN != 0 {
            return Some(Err(super::gone()));
        }
        (word & (READY | CLOSED) != 0).then_some(Ok(Seen(word)))
    }

    /// Stores the newest waker of `key`, and returns the one that it replaces, to be dropped without the lock.
    fn store(&self, key: &mut WaiterKey, waker: Waker) -> Option<Waker> {
        let mut waiters = lock(&self.waiters);
        let key = match key {
            WaiterKey::Poller => return waiters.poller.replace(waker),
            WaiterKey::Future(key) => key,
        };
        if let Some(known) = *key {
            if let Some((_, old)) = waiters.others.iter_mut().find(|(other, _)| *other == known) {
                return Some(std::mem::replace(old, waker));
            }
        }
        let fresh = waiters.next_key;
        waiters.next_key += 1;
        waiters.others.push((fresh, waker));
        *key = Some(fresh);
        None
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use futures_task::noop_waker;

    fn poll(source: &Source, direction: Direction) -> Poll<io::Result<Seen>> {
        source.poll_ready(
            direction,
            &mut WaiterKey::Poller,
            &mut Context::from_waker(&noop_waker()),
        )
    }

    const OPEN: Change = Change {
        closed: false,
        urgent: false,
    };

    #[test]
    fn an_event_between_the_call_and_the_clear_is_kept() {
        let source = Source::default();
        source.set_ready(Direction::Read, OPEN, &mut Vec::new());
        let Poll::Ready(Ok(seen)) = poll(&source, Direction::Read) else {
            panic!("not ready after an event");
        };
        source.set_ready(Direction::Read, OPEN, &mut Vec::new());
        source.clear(Direction::Read, seen);
        assert!(poll(&source, Direction::Read).is_ready());
    }

    #[test]
    fn sixty_five_thousand_events_later_a_stale_clear_is_still_ignored() {
        let source = Source::default();
        source.set_ready(Direction::Read, OPEN, &mut Vec::new());
        let Poll::Ready(Ok(seen)) = poll(&source, Direction::Read) else {
            panic!("not ready after an event");
        };
        for _ in 0..65_536 {
            source.set_ready(Direction::Read, OPEN, &mut Vec::new());
            source.clear(Direction::Read, seen);
            assert!(poll(&source, Direction::Read).is_ready());
        }
    }

    #[test]
    fn events_of_one_direction_do_not_touch_the_other() {
        let source = Source::default();
        source.set_ready(Direction::Write, OPEN, &mut Vec::new());
        assert!(poll(&source, Direction::Read).is_pending());
        assert!(poll(&source, Direction::Write).is_ready());
    }

    #[test]
    fn a_closed_direction_stays_ready() {
        let source = Source::default();
        source.set_ready(
            Direction::Read,
            Change {
                closed: true,
                ..OPEN
            },
            &mut Vec::new(),
        );
        let Poll::Ready(Ok(seen)) = poll(&source, Direction::Read) else {
            panic!("not ready after an event");
        };
        assert!(seen.is_closed());
        source.clear(Direction::Read, seen);
        assert!(poll(&source, Direction::Read).is_ready());
    }

    #[test]
    fn after_urgent_data_a_short_read_proves_nothing() {
        let source = Source::default();
        source.set_ready(Direction::Read, OPEN, &mut Vec::new());
        let Poll::Ready(Ok(seen)) = poll(&source, Direction::Read) else {
            panic!("not ready after an event");
        };
        assert!(seen.trusts_short());
        let urgent = Change {
            urgent: true,
            ..OPEN
        };
        source.set_ready(Direction::Read, urgent, &mut Vec::new());
        let Poll::Ready(Ok(seen)) = poll(&source, Direction::Read) else {
            panic!("not ready after an event");
        };
        assert!(!seen.trusts_short());
    }

    #[test]
    fn everybody_who_waits_is_woken_and_nobody_twice() {
        let source = Source::default();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut keys = [
            WaiterKey::Poller,
            WaiterKey::Future(None),
            WaiterKey::Future(None),
        ];
        for key in &mut keys {
            assert!(
                source
                    .poll_ready(Direction::Read, key, &mut cx)
                    .is_pending()
            );
            assert!(
                source
                    .poll_ready(Direction::Read, key, &mut cx)
                    .is_pending()
            );
        }
        let mut woken = Vec::new();
        source.set_ready(Direction::Read, OPEN, &mut woken);
        assert_eq!(woken.len(), 3);
        source.set_ready(Direction::Read, OPEN, &mut woken);
        assert_eq!(woken.len(), 3);
    }

    #[test]
    fn a_future_that_goes_away_leaves_no_waker_behind() {
        let source = Source::default();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut key = WaiterKey::Future(None);
        assert!(
            source
                .poll_ready(Direction::Read, &mut key, &mut cx)
                .is_pending()
        );
        source.forget(Direction::Read, key);
        let mut woken = Vec::new();
        source.set_ready(Direction::Read, OPEN, &mut woken);
        assert!(woken.is_empty());
    }

    #[test]
    fn after_shutdown_there_is_an_error_and_it_stays() {
        let source = Source::default();
        source.shut_down(&mut Vec::new());
        source.set_ready(Direction::Read, OPEN, &mut Vec::new());
        for _ in 0..2 {
            assert!(matches!(
                poll(&source, Direction::Read),
                Poll::Ready(Err(_))
            ));
        }
    }

    #[test]
    fn it_is_waited_for_as_long_as_somebody_waits() {
        let source = Source::default();
        assert!(!source.is_waited_for());
        assert!(poll(&source, Direction::Write).is_pending());
        assert!(source.is_waited_for());
        source.set_ready(Direction::Write, OPEN, &mut Vec::new());
        assert!(!source.is_waited_for());

        let mut key = WaiterKey::Future(None);
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        let polled = source.poll_ready(Direction::Read, &mut key, &mut cx);
        assert!(polled.is_pending() && source.is_waited_for());
        source.forget(Direction::Read, key);
        assert!(!source.is_waited_for());
    }
}
