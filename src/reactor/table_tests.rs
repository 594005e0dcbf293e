//! What cannot be seen from outside: the table of sources when the kernel says no or speaks of the dead, and the worker's
//! sleep.

use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::task::Context;
use std::{ptr, thread};

use super::*;

/// What the sources here are called.
fn label() -> Arc<str> {
    "a socket".into()
}

/// Runs `body` on a thread of its own, and fails if it does not end.
fn watchdog(body: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let _done = done;
        body();
    });
    let ended = finished.recv_timeout(Duration::from_secs(60));
    assert_eq!(ended, Err(mpsc::RecvTimeoutError::Disconnected), "hangs");
    thread.join().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_kernel_refuses_to_register_leaves_nothing_behind() {
    let reactor = Reactor::new().unwrap();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let refused = reactor.register(file.as_raw_fd(), label).unwrap_err();
    assert_eq!(refused.kind(), std_io::ErrorKind::PermissionDenied);
    assert_eq!(reactor.sources(), 0);

    let (socket, _peer) = UnixStream::pair().unwrap();
    let (key, source) = reactor.register(socket.as_raw_fd(), label).unwrap();
    let refused = reactor.register(socket.as_raw_fd(), label).unwrap_err();
    assert_eq!(refused.kind(), std_io::ErrorKind::AlreadyExists);
    assert_eq!(reactor.sources(), 1);
    // The first is registered as before.
    reactor.turn(&mut Vec::new());
    assert!(matches!(source.ready(Direction::Write), Some(Ok(_))));
    reactor.deregister(socket.as_raw_fd(), key);
    assert_eq!(reactor.sources(), 0);
}

#[test]
fn a_descriptor_that_was_closed_behind_our_back_still_frees_its_slot() {
    let reactor = Reactor::new().unwrap();
    let (socket, _peer) = UnixStream::pair().unwrap();
    let descriptor = socket.as_raw_fd();
    let (key, source) = reactor.register(descriptor, label).unwrap();
    drop(socket);
    assert!(
        reactor
            .registry
            .deregister(&mut SourceFd(&descriptor))
            .is_err()
    );
    reactor.deregister(descriptor, key);
    assert_eq!((reactor.sources(), Arc::strong_count(&source)), (0, 1));
}

#[test]
fn an_event_for_a_socket_that_went_in_the_same_turn_reaches_nobody() {
    let reactor = Reactor::new().unwrap();
    let (early, mut peer) = UnixStream::pair().unwrap();
    let (late, _late_peer) = UnixStream::pair().unwrap();
    let (gone, _) = reactor.register(early.as_raw_fd(), label).unwrap();
    peer.write_all(b"tea").unwrap();

    let mut driver = lock(&reactor.driver);
    let Driver { poll, events } = &mut *driver;
    poll.poll(events, Some(Duration::ZERO)).unwrap();
    // The events are taken from the kernel, and not handed out yet. Meanwhile another thread closes the socket, and a new one
    // gets its slot.
    reactor.deregister(early.as_raw_fd(), gone);
    let (new, source) = reactor.register(late.as_raw_fd(), label).unwrap();
    assert_eq!(new.index(), gone.index());
    let sources = lock(&reactor.sources);
    assert!(events.iter().any(|event| event.token().0 == gone.0));
    assert!(
        events
            .iter()
            .all(|event| sources.find(event.token()).is_none())
    );
    let found = sources.find(Token(new.0)).unwrap();
    assert!(ptr::eq(found, &*source));
    drop(sources);
    // Nor does a second good-bye of the old one take the new one away.
    reactor.remove(gone);
    assert_eq!(reactor.sources(), 1);
}

#[test]
fn events_for_writing_do_not_keep_a_reader_from_taking_its_guess_back() {
    let open = Change {
        closed: false,
        urgent: false,
    };
    let source = Source::default();
    source.set_ready(Direction::Read, open, &mut Vec::new());
    let Some(Ok(seen)) = source.ready(Direction::Read) else {
        panic!("not ready after an event");
    };
    // One tick for both directions would change here, the clear would fail, and the reader would try for ever.
    source.set_ready(Direction::Write, open, &mut Vec::new());
    source.clear(Direction::Read, seen);
    assert!(source.ready(Direction::Read).is_none());
    assert!(source.ready(Direction::Write).is_some());
}

#[test]
fn an_unpark_is_never_lost_and_a_thousand_are_one() {
    watchdog(|| {
        let reactor = Arc::new(Reactor::new().unwrap());
        let moment = Some(Duration::from_millis(1));
        // Before the wait.
        for _ in 0..1_000 {
            reactor.unpark();
        }
        while !reactor.park(None, &mut Vec::new()) {}
        assert!(!reactor.park(moment, &mut Vec::new()));
        for _ in 0..100 {
            // During it, and perhaps after it: then the next one notices.
            let worker = reactor.clone();
            let waker = thread::spawn(move || {
                while !worker.is_asleep() {
                    thread::yield_now();
                }
                for _ in 0..1_000 {
                    worker.unpark();
                }
            });
            while !reactor.park(None, &mut Vec::new()) {}
            waker.join().unwrap();
            reactor.park(moment, &mut Vec::new());
            assert!(!reactor.park(Some(Duration::ZERO), &mut Vec::new()));
        }
    });
}

#[test]
fn a_socket_for_which_nobody_waits_is_not_waited_for() {
    let reactor = Reactor::new().unwrap();
    assert!(!reactor.is_waited_for());
    let (socket, _peer) = UnixStream::pair().unwrap();
    let (_, source) = reactor.register(socket.as_raw_fd(), label).unwrap();
    assert!(!reactor.is_waited_for());
    let mut waiter = source::WaiterKey::Future(None);
    let mut cx = Context::from_waker(Waker::noop());
    let polled = source.poll_ready(Direction::Read, &mut waiter, &mut cx);
    assert!(polled.is_pending() && reactor.is_waited_for());
    source.forget(Direction::Read, waiter);
    assert!(!reactor.is_waited_for());
}
