//! The reactor: asks the kernel which sockets are ready, and wakes whoever waits for them.
//!
//! Every worker has one, and waits in it when it has nothing to run: waiting for work *is* waiting for I/O. There is no
//! I/O thread. The same wait is cut short by [`Reactor::unpark`] (a task for this worker) and by a timeout (its next
//! timer).
//!
//! ```text
//!   socket ──WouldBlock──► register ──► sources[key] ◄──event(token = key)── kernel (epoll, kqueue: through mio)
//!                                          │
//!                                          └─► wakers of that direction ──► run queue
//! ```
//!
//! A socket registers with the worker that first has to wait for it, so connections spread over the workers by
//! themselves, and a socket that never has to wait never registers.
//!
//! Its limit: there the socket stays, also when its task has moved to another worker for good. Each event then wakes the task
//! where the socket is. To move the registration along would cost two system calls each time, and is not done.
//!
//! Read `source.rs` for the readiness protocol and `io.rs` for what a socket does with it.

mod io;
#[cfg(all(test, loom))]
mod loom_tests;
mod sleep;
mod source;
#[cfg(all(test, not(loom)))]
mod table_tests;

use std::collections::HashMap;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;
use std::{fmt, io as std_io};

use slab::Slab;

pub(crate) use io::Io;
use sleep::Sleep;
use source::Change;
pub(crate) use source::{Direction, Source};

use crate::shim::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::shim::kernel::unix::SourceFd;
use crate::shim::kernel::{self, Events, Interest, Token, event::Event};
use crate::shim::{Mutex, MutexGuard, lock};
use crate::trace::{self, Kind};

/// The token of the `mio::Waker`: no key is ever this.
const UNPARK: Token = Token(usize::MAX);

/// What every socket is registered for. Urgent data too, where the kernel tells of it: see `source.rs`.
#[cfg(any(target_os = "linux", target_os = "android"))]
const EVERYTHING: Interest = Interest::READABLE
    .add(Interest::WRITABLE)
    .add(Interest::PRIORITY);
/// What every socket is registered for.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const EVERYTHING: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// How many events one turn takes from the kernel: the rest waits for the next turn, and nobody starves.
const EVENTS_PER_TURN: usize = 1024;

/// One worker's view of the kernel.
pub(crate) struct Reactor {
    /// The right to wait. The worker holds it while it waits; the watchdog takes it, if it is free, to serve a worker that
    /// is blocked in a task.
    driver: Mutex<Driver>,
    /// For registering from any thread, also while the worker waits.
    registry: kernel::Registry,
    /// Ends the worker's wait.
    waker: kernel::Waker,
    /// Whether the worker waits.
    sleep: Sleep,
    /// How many sockets are registered. A hint that spares the system call where there are none, hence relaxed.
    registered: AtomicUsize,
    /// Every registered socket. Guards the table only; held together with a source's waiters, always in this order.
    sources: Mutex<Sources>,
}

/// What the thread that waits needs.
struct Driver {
    /// The kernel's side.
    poll: kernel::Poll,
    /// What it said in this turn; kept for its memory.
    events: Events,
}

/// The table of sources.
#[derive(Default)]
struct Sources {
    /// The sources by the lower half of their key, each with the upper half.
    table: Slab<(u32, Arc<Source>)>,
    /// The upper half of the last key: an event for a socket that was closed in the same turn finds another number,
    /// although the kernel and the slab reuse theirs.
    generation: u32,
    /// The runtime is shut down: nobody registers any more.
    closed: bool,
    /// What the sockets are called that were registered while somebody traced.
    labels: HashMap<usize, Arc<str>>,
}

/// A source's place in the table, and its token with the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(usize);

impl Key {
    /// Half of a `usize`.
    const HALF: u32 = usize::BITS / 2;

    /// The bits of a generation: one less than half, so that no key is ever [`UNPARK`].
    const GENERATIONS: u32 = (usize::MAX >> (Self::HALF + 1)) as u32;

    /// The key of slot `index`, for the registration that is the `generation`th of all.
    fn new(index: usize, generation: u32) -> Key {
        Key(((generation as usize) << Self::HALF) | index)
    }

    /// The slot.
    fn index(self) -> usize {
        self.0 & (usize::MAX >> Self::HALF)
    }

    /// The use of the slot, as far as it fits.
    fn generation(self) -> usize {
        self.0 >> Self::HALF
    }
}

/// The error of an operation whose runtime was shut down.
pub(crate) fn gone() -> std_io::Error {
    std_io::Error::other("the runtime on which this socket waits has been shut down")
}

impl Reactor {
    /// A reactor without sockets.
    ///
    /// # Errors
    ///
    /// When the kernel gives no descriptors.
    pub(crate) fn new() -> std_io::Result<Reactor> {
        let poll = kernel::Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = kernel::Waker::new(&registry, UNPARK)?;
        Ok(Reactor {
            driver: Mutex::new(Driver {
                poll,
                events: Events::with_capacity(EVENTS_PER_TURN),
            }),
            registry,
            waker,
            sleep: Sleep::new(),
            registered: AtomicUsize::new(0),
            sources: Mutex::new(Sources::default()),
        })
    }

    /// The worker has nothing to run: waits for an event, for [`unpark`](Reactor::unpark) or for the timeout. Adds the
    /// wakers of whatever became ready to `woken`; the caller wakes them, with no lock held. `true`: `unpark` was called.
    pub(crate) fn park(&self, timeout: Option<Duration>, woken: &mut Vec<Waker>) -> bool {
        self.sleep.fall_asleep();
        let driver = lock(&self.driver);
        // Looked at under the lock: the watchdog may have had the driver until now, and have taken from the kernel the very
        // event that was to end this wait.
        let timeout = if self.sleep.is_notified() {
            Some(Duration::ZERO)
        } else {
            timeout
        };
        self.turn_with(driver, timeout, woken);
        self.sleep.wake_up()
    }

    /// Ends the worker's wait, or its next one if it does not wait. Costs a system call only if it sleeps.
    pub(crate) fn unpark(&self) {
        if self.sleep.notify() {
            // The only failure is a full counter, which means that the event is there already.
            let _ = self.waker.wake();
        }
    }

    /// Whether somebody wants the worker, so that its next wait would return at once.
    pub(crate) fn is_wanted(&self) -> bool {
        self.sleep.is_notified()
    }

    /// Whether the worker waits here.
    pub(crate) fn is_asleep(&self) -> bool {
        self.sleep.is_asleep()
    }

    /// Takes the events that are there, without waiting. Nothing, if another thread is at it.
    pub(crate) fn turn(&self, woken: &mut Vec<Waker>) {
        if self.sources() == 0 {
            return;
        }
        if let Ok(driver) = self.driver.try_lock() {
            self.turn_with(driver, Some(Duration::ZERO), woken);
        }
    }

    /// One turn: asks the kernel, and hands out what it says.
    fn turn_with(
        &self,
        mut driver: MutexGuard<'_, Driver>,
        timeout: Option<Duration>,
        woken: &mut Vec<Waker>,
    ) {
        let Driver { poll, events } = &mut *driver;
        // The one error of a correct call is EINTR: a signal came. Then there are no events, and the caller looks at its
        // timers and waits again.
        if poll.poll(events, timeout).is_err() || events.is_empty() {
            return;
        }
        let sources = lock(&self.sources);
        for event in events.iter() {
            if let Some(source) = sources.find(event.token()) {
                trace::here(|| sources.ready(event));
                dispatch(event, source, woken);
            }
        }
    }

    /// Tells the kernel that somebody waits for `fd`. `label`: what a trace calls it.
    ///
    /// # Errors
    ///
    /// When the runtime is shut down, and whatever the kernel says (a descriptor that cannot be waited for, no memory).
    pub(crate) fn register(
        &self,
        fd: RawFd,
        label: impl FnOnce() -> Arc<str>,
    ) -> std_io::Result<(Key, Arc<Source>)> {
        let source = Arc::new(Source::default());
        let key = {
            let mut sources = lock(&self.sources);
            if sources.closed {
                return Err(gone());
            }
            sources.generation = sources.generation.wrapping_add(1) & Key::GENERATIONS;
            let generation = sources.generation;
            let index = sources.table.insert((generation, source.clone()));
            self.registered.store(sources.table.len(), Relaxed);
            let key = Key::new(index, generation);
            if trace::is_on() {
                sources.labels.insert(key.0, label());
            }
            key
        };
        match self
            .registry
            .register(&mut SourceFd(&fd), Token(key.0), EVERYTHING)
        {
            Ok(()) => Ok((key, source)),
            Err(error) => {
                self.remove(key);
                Err(error)
            }
        }
    }

    /// The socket is about to be closed. It leaves the kernel's table first: a duplicate of the descriptor would
    /// otherwise keep the entry, and its events, alive.
    pub(crate) fn deregister(&self, fd: RawFd, key: Key) {
        // A failure (the descriptor was closed behind our back) must still free the slot.
        let _ = self.registry.deregister(&mut SourceFd(&fd));
        self.remove(key);
    }

    /// Takes a source out of the table; what it holds is dropped without the lock.
    fn remove(&self, key: Key) {
        let source = {
            let mut sources = lock(&self.sources);
            let source = sources.remove(key);
            self.registered.store(sources.table.len(), Relaxed);
            source
        };
        drop(source);
    }

    /// Whether a task waits for one of the sockets.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.sources() > 0 && {
            let sources = lock(&self.sources);
            let mut table = sources.table.iter();
            table.any(|(_, (_, source))| source.is_waited_for())
        }
    }

    /// How many sockets are registered.
    pub(crate) fn sources(&self) -> usize {
        self.registered.load(Relaxed)
    }

    /// The runtime is gone: every operation on a registered socket fails from now on. Adds all who wait to `woken`.
    pub(crate) fn shut_down(&self, woken: &mut Vec<Waker>) {
        let table = {
            let mut sources = lock(&self.sources);
            sources.closed = true;
            std::mem::take(&mut sources.table)
        };
        for (_, (_, source)) in &table {
            source.shut_down(woken);
        }
    }
}

impl Sources {
    /// The source that an event is for, unless it has gone since.
    fn find(&self, token: Token) -> Option<&Source> {
        let key = Key(token.0);
        match self.table.get(key.index()) {
            Some((generation, source)) if *generation as usize == key.generation() => Some(source),
            _ => None,
        }
    }

    /// Takes a source out, unless its slot has a new owner.
    fn remove(&mut self, key: Key) -> Option<Arc<Source>> {
        self.find(Token(key.0))?;
        self.labels.remove(&key.0);
        Some(self.table.remove(key.index()).1)
    }
}

impl Sources {
    /// An event, for the trace.
    fn ready(&self, event: &Event) -> Kind {
        let socket = self.labels.get(&event.token().0);
        let socket = socket.map_or("a socket", |label| label);
        let what = match (event.is_readable(), event.is_writable()) {
            _ if event.is_error() => "failed",
            (true, true) => "readable and writable",
            (false, true) => "writable",
            _ if event.is_read_closed() => "closed by the peer",
            _ => "readable",
        };
        Kind::Ready {
            source: format!("{socket} {what}").into(),
        }
    }
}

/// What one event means. A hang-up or an error makes both directions ready: the next call says what happened.
fn dispatch(event: &Event, source: &Source, woken: &mut Vec<Waker>) {
    let error = event.is_error();
    let urgent = event.is_priority();
    if event.is_readable() || event.is_read_closed() || urgent || error {
        let closed = event.is_read_closed();
        source.set_ready(Direction::Read, Change { closed, urgent }, woken);
    }
    if event.is_writable() || event.is_write_closed() || error {
        // mio takes an error for the end of writing. That of a UDP socket passes, and then `send` can block again: with
        // CLOSED set it would be tried for ever.
        let closed = event.is_write_closed() && (event.is_read_closed() || !error);
        source.set_ready(
            Direction::Write,
            Change {
                closed,
                urgent: false,
            },
            woken,
        );
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor")
            .field("sources", &self.sources())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    fn register(reactor: &Reactor, socket: &impl AsRawFd) -> (Key, Arc<Source>) {
        let label = || Arc::from("a socket");
        reactor.register(socket.as_raw_fd(), label).unwrap()
    }

    #[test]
    fn a_socket_that_has_gone_leaves_nothing() {
        let reactor = Reactor::new().unwrap();
        let (one, other) = UnixStream::pair().unwrap();
        assert_eq!(reactor.sources(), 0);
        let (one_key, one_source) = register(&reactor, &one);
        let (_, other_source) = register(&reactor, &other);
        assert_eq!(reactor.sources(), 2);
        reactor.deregister(one.as_raw_fd(), one_key);
        assert_eq!(reactor.sources(), 1);
        assert_eq!(Arc::strong_count(&one_source), 1);
        assert_eq!(Arc::strong_count(&other_source), 2);
    }

    #[test]
    fn an_event_that_comes_late_does_not_reach_the_next_socket_in_the_same_place() {
        let reactor = Reactor::new().unwrap();
        let (one, other) = UnixStream::pair().unwrap();
        lock(&reactor.sources).generation = Key::GENERATIONS - 2;
        let mut former = register(&reactor, &other).0;
        // Also when the generations begin anew.
        for expected in [Key::GENERATIONS, 0, 1] {
            reactor.deregister(other.as_raw_fd(), former);
            let (key, _) = register(&reactor, &one);
            assert_eq!(key.generation(), expected as usize);
            assert_eq!(key.index(), former.index());
            let mut sources = lock(&reactor.sources);
            assert!(sources.find(Token(former.0)).is_none());
            assert!(sources.remove(former).is_none());
            assert!(sources.find(Token(key.0)).is_some());
            drop(sources);
            reactor.deregister(one.as_raw_fd(), key);
            former = key;
        }
    }

    /// Waits until the kernel has told of the socket.
    fn wait(reactor: &Reactor, source: &Source, direction: Direction) -> source::Seen {
        loop {
            reactor.park(Some(Duration::from_secs(10)), &mut Vec::new());
            if let Some(seen) = source.ready(direction) {
                return seen.unwrap();
            }
        }
    }

    #[test]
    fn the_error_of_a_datagram_does_not_end_its_socket_and_the_end_of_a_stream_does() {
        let reactor = Reactor::new().unwrap();
        let nobody = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(nobody).unwrap();
        socket.send(b"refused").unwrap();
        let (_, source) = register(&reactor, &socket);
        assert!(!wait(&reactor, &source, Direction::Write).is_closed());

        let (one, other) = UnixStream::pair().unwrap();
        let (_, source) = register(&reactor, &one);
        assert!(!wait(&reactor, &source, Direction::Write).is_closed());
        drop(other);
        let is_closed =
            |direction| matches!(source.ready(direction), Some(Ok(seen)) if seen.is_closed());
        while !is_closed(Direction::Read) {
            reactor.park(Some(Duration::from_secs(10)), &mut Vec::new());
        }
        assert!(is_closed(Direction::Write));
    }
}
