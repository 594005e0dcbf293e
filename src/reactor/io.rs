//! A socket on the reactor: tries the system call, and waits only when the kernel says `WouldBlock`.
//!
//! The socket starts unregistered, and a call that succeeds leaves it so: an accepted connection whose request is
//! already there is answered without the reactor ever hearing of it. The first `WouldBlock` registers it with the
//! worker that is polling.

use std::any;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use socket2::SockRef;

use super::source::{Seen, WaiterKey};
use super::{Direction, Key, Source};
use crate::ablation;
use crate::context;
use crate::scheduler::Home;
use crate::shim::{Mutex, lock};
use crate::task::budget;
use crate::trace;

/// A non-blocking socket `E`, and its place in a reactor once it had to wait.
// `pub`, though nobody outside can name it: a sealed trait of `net` has it in a signature.
pub struct Io<E: AsFd> {
    /// The socket; `None` only while `into_inner` takes it out.
    inner: Option<E>,
    /// Its registration, made by the first wait.
    registered: OnceLock<Registered>,
    /// Held while registering, so that two tasks that find the socket unregistered do it once. Guards no data.
    registering: Mutex<()>,
}

/// Where a socket is registered.
struct Registered {
    /// The worker whose reactor it is, and what keeps that reactor alive.
    home: Arc<Home>,
    /// Its place there.
    key: Key,
    /// What is known of its readiness.
    source: Arc<Source>,
}

impl<E: AsFd> Io<E> {
    /// A socket that is non-blocking already.
    pub(crate) fn new(inner: E) -> Io<E> {
        Io {
            inner: Some(inner),
            registered: OnceLock::new(),
            registering: Mutex::new(()),
        }
    }

    /// The socket itself.
    pub(crate) fn get(&self) -> &E {
        self.inner
            .as_ref()
            .expect("the socket is there until `into_inner`")
    }

    /// Takes the socket back from the reactor.
    pub(crate) fn into_inner(mut self) -> E {
        self.deregister();
        self.inner
            .take()
            .expect("the socket is there until `into_inner`")
    }

    /// Runs `operation` when it can go on, for the one task that polls this direction. Only the last waker is kept.
    ///
    /// `operation` returns `WouldBlock` to wait. Any other error leaves the readiness as it is.
    pub(crate) fn poll_io<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        operation: impl FnMut(&E) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_at(direction, &mut WaiterKey::Poller, cx, operation)
    }

    /// As [`poll_io`](Io::poll_io), for `read` and `write`, which say by a short count that the next call would block.
    /// Believing that saves the call: an echo is then three system calls, wait, read and write.
    pub(crate) fn poll_transfer(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        wanted: usize,
        mut operation: impl FnMut(&E) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        self.poll_seeing(direction, &mut WaiterKey::Poller, cx, |socket, source| {
            let moved = operation(socket)?;
            if let Some((source, seen)) = source {
                if ablation::SHORT_READ && moved > 0 && moved < wanted && seen.trusts_short() {
                    source.clear(direction, seen);
                }
            }
            Ok(moved)
        })
    }

    /// Runs `operation` when it can go on, for any number of tasks at once. Cancel safe.
    pub(crate) async fn io<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&E) -> io::Result<R>,
    ) -> io::Result<R> {
        let mut waiter = Waiter {
            io: self,
            direction,
            key: WaiterKey::Future(None),
        };
        poll_fn(|cx| self.poll_at(direction, &mut waiter.key, cx, &mut operation)).await
    }

    /// Waits until the direction may be ready, for any number of tasks at once. Cancel safe.
    pub(crate) async fn ready(&self, direction: Direction) -> io::Result<()> {
        let mut waiter = Waiter {
            io: self,
            direction,
            key: WaiterKey::Future(None),
        };
        poll_fn(|cx| self.poll_ready_at(direction, &mut waiter.key, cx)).await
    }

    /// Waits until the direction may be ready, for the one task that polls it.
    pub(crate) fn poll_ready(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_ready_at(direction, &mut WaiterKey::Poller, cx)
    }

    /// What a trace calls the socket: its type, and whom it talks to or, if it talks to all the world, where it is.
    fn label(&self) -> String {
        let path = any::type_name::<E>();
        let kind = path.rsplit("::").next().unwrap_or(path);
        let socket = SockRef::from(self.get());
        let address = socket.peer_addr().or_else(|_| socket.local_addr());
        match address.ok().and_then(|address| address.as_socket()) {
            Some(address) => format!("{kind} {address}"),
            None => kind.to_owned(),
        }
    }

    /// Says what the running poll waits for.
    fn note(&self, direction: Direction) {
        trace::wait::note(|| {
            let what = match direction {
                Direction::Read => "readable",
                Direction::Write => "writable",
            };
            format!("{} {what}", self.label())
        });
    }

    /// Whether the direction may be ready, without waiting. Unregistered sockets are asked about by trying.
    pub(crate) fn is_ready(&self, direction: Direction) -> bool {
        self.registered
            .get()
            .is_none_or(|at| at.source.ready(direction).is_some())
    }

    /// Whether the peer has closed the direction, as far as the reactor has heard.
    pub(crate) fn is_closed(&self, direction: Direction) -> bool {
        self.registered.get().is_some_and(
            |at| matches!(at.source.ready(direction), Some(Ok(seen)) if seen.is_closed()),
        )
    }

    /// Tries `operation` once, without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, when the direction is not ready; else what `operation` says.
    pub(crate) fn try_io<R>(
        &self,
        direction: Direction,
        operation: impl FnOnce(&E) -> io::Result<R>,
    ) -> io::Result<R> {
        let seen = match self.registered.get() {
            None => None,
            Some(at) => match at.source.ready(direction) {
                Some(seen) => Some((at, seen?)),
                None => return Err(io::ErrorKind::WouldBlock.into()),
            },
        };
        let result = operation(self.get());
        if let (Some((at, seen)), Err(error)) = (seen, &result) {
            if error.kind() == io::ErrorKind::WouldBlock {
                at.source.clear(direction, seen);
            }
        }
        result
    }

    /// Waits for readiness; registers the socket, for to know whether it is ready is to have asked.
    fn poll_ready_at(
        &self,
        direction: Direction,
        key: &mut WaiterKey,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let unit = ready!(budget::spend(cx));
        let source = self.source()?;
        let Poll::Ready(seen) = source.poll_ready(direction, key, cx) else {
            self.note(direction);
            return Poll::Pending;
        };
        seen?;
        unit.made_progress();
        Poll::Ready(Ok(()))
    }

    /// [`poll_seeing`](Io::poll_seeing) for operations that do not care what was seen.
    fn poll_at<R>(
        &self,
        direction: Direction,
        key: &mut WaiterKey,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&E) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_seeing(direction, key, cx, |socket, _| operation(socket))
    }

    /// The loop of every operation: ready? try; `WouldBlock`? take the guess back and wait.
    fn poll_seeing<R>(
        &self,
        direction: Direction,
        key: &mut WaiterKey,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&E, Option<(&Source, Seen)>) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let unit = ready!(budget::spend(cx));
        loop {
            let seen = match self.registered.get() {
                None => None,
                Some(at) => match at.source.poll_ready(direction, key, cx) {
                    Poll::Ready(seen) => Some((&*at.source, seen?)),
                    Poll::Pending => {
                        self.note(direction);
                        return Poll::Pending;
                    }
                },
            };
            match operation(self.get(), seen) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match seen {
                    Some((source, seen)) => source.clear(direction, seen),
                    None => drop(self.source()?),
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    // An error too: a loop that only logs the errors of `accept` must not keep its worker.
                    unit.made_progress();
                    return Poll::Ready(result);
                }
            }
        }
    }

    /// The registered source; registers the socket with the reactor of the worker that polls now.
    fn source(&self) -> io::Result<&Source> {
        if let Some(at) = self.registered.get() {
            return Ok(&at.source);
        }
        let once = lock(&self.registering);
        if self.registered.get().is_none() {
            let home = context::home("wait for a socket");
            let (key, source) = home
                .reactor()
                .register(self.get().as_fd().as_raw_fd(), || self.label().into())?;
            let attended = home.clone();
            let _ = self.registered.set(Registered { home, key, source });
            drop(once);
            attended.attend();
        }
        Ok(&self
            .registered
            .get()
            .expect("registered just now, or by another task")
            .source)
    }

    /// Leaves the reactor, before the descriptor is closed or given away.
    fn deregister(&mut self) {
        if let (Some(at), Some(inner)) = (self.registered.take(), &self.inner) {
            at.home
                .reactor()
                .deregister(inner.as_fd().as_raw_fd(), at.key);
        }
    }
}

impl<E: AsFd> Drop for Io<E> {
    fn drop(&mut self) {
        self.deregister();
    }
}

impl<E: AsFd + fmt::Debug> fmt::Debug for Io<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// A future that waits on a socket: takes its waker back when it is dropped.
struct Waiter<'a, E: AsFd> {
    /// What it waits on.
    io: &'a Io<E>,
    /// For what.
    direction: Direction,
    /// Which of the waiters it is.
    key: WaiterKey,
}

impl<E: AsFd> Drop for Waiter<'_, E> {
    fn drop(&mut self) {
        if let Some(at) = self.io.registered.get() {
            at.source.forget(self.direction, self.key);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::runtime::Builder;
    use std::os::unix::net::UnixStream;
    use std::task::Waker;

    fn poll<R>(
        io: &Io<UnixStream>,
        operation: impl FnMut(&UnixStream) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let mut cx = Context::from_waker(Waker::noop());
        io.poll_io(Direction::Read, &mut cx, operation)
    }

    #[test]
    fn a_call_that_a_signal_interrupts_is_made_again() {
        let io = Io::new(UnixStream::pair().unwrap().0);
        let mut results = [Err(io::ErrorKind::Interrupted.into()), Ok(7)].into_iter();
        let polled = poll(&io, |_| results.next().unwrap());
        assert!(matches!(polled, Poll::Ready(Ok(7))));
    }

    #[test]
    fn a_socket_that_goes_tells_its_reactor() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let _entered = runtime.enter();
        let reactor = runtime.handle().home().reactor();
        for dropped in [true, false] {
            let (one, _other) = UnixStream::pair().unwrap();
            let io = Io::new(one);
            let waits = poll(&io, |_| Err::<(), _>(io::ErrorKind::WouldBlock.into()));
            assert!(waits.is_pending());
            assert_eq!(reactor.sources(), 1);
            if dropped {
                drop(io);
            } else {
                drop(io.into_inner());
            }
            assert_eq!(reactor.sources(), 0);
        }
    }
}
