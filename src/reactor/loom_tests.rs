//! Models of readiness and of the reactor's sleep: loom runs them in every order of their steps
//! (`RUSTFLAGS="--cfg loom"`).
//!
//! The kernel is a number of bytes that a thread writes and another reads; it tells once about each change, as the real
//! one does. An event that is forgotten leaves the reader asleep for ever, which loom reports as a deadlock.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_task::{ArcWake, waker};
use loom::thread;

use super::Reactor;
use super::sleep::Sleep;
use super::source::{Change, Direction, Seen, Source, WaiterKey};
use crate::park::Parker;
use crate::shim::atomic::{AtomicU32, Ordering::Relaxed};
use crate::shim::{Condvar, Mutex, lock, wait};

/// Ends a model: waits for its threads.
fn join_all<const N: usize>(threads: [thread::JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// A thread as a waker sees it.
#[derive(Default)]
struct Sleeper(Parker);

impl ArcWake for Sleeper {
    fn wake_by_ref(sleeper: &Arc<Sleeper>) {
        sleeper.0.unpark();
    }
}

/// Waits on this thread until the source is ready to be read.
fn wait_ready(source: &Source, mut key: WaiterKey) -> std::io::Result<Seen> {
    let sleeper = Arc::new(Sleeper::default());
    let waker = waker(sleeper.clone());
    let mut cx = Context::from_waker(&waker);
    loop {
        match source.poll_ready(Direction::Read, &mut key, &mut cx) {
            Poll::Ready(seen) => return seen,
            Poll::Pending => sleeper.0.park(),
        }
    }
}

/// A socket: the kernel's side, and the reactor's.
#[derive(Default)]
struct Socket {
    /// How many bytes lie in the kernel.
    bytes: Mutex<u32>,
    /// What the reactor knows of it.
    source: Source,
}

impl Socket {
    /// The peer sends a byte, and the reactor is told.
    fn send(&self) {
        *lock(&self.bytes) += 1;
        self.dispatch();
    }

    /// The reactor hands out an event.
    fn dispatch(&self) {
        let change = Change {
            closed: false,
            urgent: false,
        };
        let mut woken = Vec::new();
        self.source.set_ready(Direction::Read, change, &mut woken);
        woken.into_iter().for_each(Waker::wake);
    }

    /// The runtime ends.
    fn shut_down(&self) {
        let mut woken = Vec::new();
        self.source.shut_down(&mut woken);
        woken.into_iter().for_each(Waker::wake);
    }

    /// The system call: takes a byte, or would block.
    fn try_read(&self) -> bool {
        let mut bytes = lock(&self.bytes);
        let some = *bytes > 0;
        *bytes -= u32::from(some);
        some
    }

    /// Reads a byte, in the steps of `io.rs`.
    fn read(&self, key: WaiterKey) -> std::io::Result<()> {
        loop {
            let seen = wait_ready(&self.source, key)?;
            if self.try_read() {
                return Ok(());
            }
            self.source.clear(Direction::Read, seen);
        }
    }
}

#[test]
fn an_event_between_would_block_and_clear_is_kept() {
    for key in [WaiterKey::Poller, WaiterKey::Future(None)] {
        loom::model(move || {
            let socket = Arc::new(Socket::default());
            let peer = socket.clone();
            let thread = thread::spawn(move || {
                peer.send();
                peer.send();
            });
            socket.read(key).unwrap();
            socket.read(key).unwrap();
            thread.join().unwrap();
        });
    }
}

#[test]
fn an_event_brings_what_was_written_before_it() {
    loom::model(|| {
        let socket = Arc::new((Socket::default(), AtomicU32::new(0)));
        let peer = socket.clone();
        let thread = thread::spawn(move || {
            peer.1.store(1, Relaxed);
            peer.0.dispatch();
        });
        wait_ready(&socket.0.source, WaiterKey::Poller).unwrap();
        assert_eq!(socket.1.load(Relaxed), 1);
        thread.join().unwrap();
    });
}

#[test]
fn one_event_reaches_a_poller_and_a_future() {
    loom::model(|| {
        let socket = Arc::new(Socket::default());
        let (peer, poller) = (socket.clone(), socket.clone());
        let threads = [
            thread::spawn(move || peer.dispatch()),
            thread::spawn(move || assert!(wait_ready(&poller.source, WaiterKey::Poller).is_ok())),
        ];
        wait_ready(&socket.source, WaiterKey::Future(None)).unwrap();
        join_all(threads);
    });
}

#[test]
fn a_future_that_goes_away_leaves_no_waker_and_takes_no_event_from_others() {
    loom::model(|| {
        let socket = Arc::new(Socket::default());
        let (peer, quitter) = (socket.clone(), socket.clone());
        let threads = [
            thread::spawn(move || peer.dispatch()),
            thread::spawn(move || {
                let sleeper = Arc::new(Sleeper::default());
                let waker = waker(sleeper.clone());
                let mut key = WaiterKey::Future(None);
                let mut cx = Context::from_waker(&waker);
                let polled = quitter
                    .source
                    .poll_ready(Direction::Read, &mut key, &mut cx);
                quitter.source.forget(Direction::Read, key);
                if polled.is_pending() && quitter.source.ready(Direction::Read).is_none() {
                    drop(waker);
                    assert_eq!(Arc::strong_count(&sleeper), 1, "a waker was left behind");
                }
            }),
        ];
        wait_ready(&socket.source, WaiterKey::Future(None)).unwrap();
        join_all(threads);
    });
}

#[test]
fn a_shutdown_is_never_cleared() {
    loom::model(|| {
        let socket = Arc::new(Socket::default());
        let (peer, runtime) = (socket.clone(), socket.clone());
        let threads = [
            // An event without a byte: the reader clears it, and waits.
            thread::spawn(move || peer.dispatch()),
            thread::spawn(move || runtime.shut_down()),
        ];
        assert!(socket.read(WaiterKey::Poller).is_err());
        join_all(threads);
    });
}

#[test]
fn a_socket_that_registers_during_the_shutdown_does_not_wait_for_ever() {
    loom::model(|| {
        let reactor = Arc::new(Reactor::new().unwrap());
        let (socket, _peer) = UnixStream::pair().unwrap();
        let runtime = reactor.clone();
        let thread = thread::spawn(move || {
            let mut woken = Vec::new();
            runtime.shut_down(&mut woken);
            woken.into_iter().for_each(Waker::wake);
        });
        if let Ok((key, source)) = reactor.register(socket.as_raw_fd(), || "a socket".into()) {
            assert!(wait_ready(&source, WaiterKey::Poller).is_err());
            reactor.deregister(socket.as_raw_fd(), key);
        }
        thread.join().unwrap();
    });
}

/// A reactor without sockets: the worker's sleep, and the event that ends it.
struct Bed {
    /// The right to take events.
    driver: Mutex<()>,
    /// The handshake.
    sleep: Sleep,
    /// The event of the `mio::Waker`, once it was called.
    event: Mutex<bool>,
    /// Tells of it whoever waits in the kernel.
    came: Condvar,
    /// What the worker is wanted for. Relaxed: only the handshake makes it visible.
    work: AtomicU32,
}

impl Bed {
    /// A reactor whose worker runs.
    fn new() -> Arc<Bed> {
        Arc::new(Bed {
            driver: Mutex::new(()),
            sleep: Sleep::new(),
            event: Mutex::new(false),
            came: Condvar::new(),
            work: AtomicU32::new(0),
        })
    }

    /// `Reactor::park`, without a timeout.
    fn park(&self) {
        self.sleep.fall_asleep();
        let driver = lock(&self.driver);
        let notified = self.sleep.is_notified();
        let mut event = lock(&self.event);
        while !notified && !*event {
            event = wait(&self.came, event);
        }
        *event = false;
        drop((event, driver));
        self.sleep.wake_up();
    }

    /// `Reactor::unpark`.
    fn unpark(&self) {
        if self.sleep.notify() {
            *lock(&self.event) = true;
            self.came.notify_all();
        }
    }

    /// `Reactor::turn`: the watchdog takes what is there, if nobody waits.
    fn turn(&self) {
        if let Ok(_driver) = self.driver.try_lock() {
            *lock(&self.event) = false;
        }
    }

    /// The worker's loop, until there were so many pieces of work.
    fn work_until(&self, pieces: u32) {
        while self.work.load(Relaxed) < pieces {
            self.park();
        }
    }
}

#[test]
fn a_worker_that_falls_asleep_is_woken_though_the_watchdog_takes_its_event() {
    loom::model(|| {
        let bed = Bed::new();
        let (producer, watchdog) = (bed.clone(), bed.clone());
        let threads = [
            thread::spawn(move || {
                producer.work.fetch_add(1, Relaxed);
                producer.unpark();
            }),
            thread::spawn(move || watchdog.turn()),
        ];
        bed.work_until(1);
        join_all(threads);
    });
}

#[test]
fn two_unparks_of_a_sleeping_worker_both_count() {
    loom::model(|| {
        let bed = Bed::new();
        let threads = [bed.clone(), bed.clone()].map(|producer| {
            thread::spawn(move || {
                producer.work.fetch_add(1, Relaxed);
                producer.unpark();
            })
        });
        bed.work_until(2);
        join_all(threads);
    });
}
