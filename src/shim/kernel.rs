//! Stands in for mio in models, and so for the kernel: a thread waits here for events, and others bring them.
//!
//! Like epoll it tells of each event once, and keeps those that came while nobody waited. There are no sockets behind it: a
//! model says itself when a descriptor is ready, by [`ready`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::os::fd::RawFd;
use std::sync::{Arc, Weak};
use std::time::Duration;

pub(crate) use mio::unix;
pub(crate) use mio::{Interest, Token};

use self::event::Event;
use super::{Condvar, Mutex, lock, now, wait, wait_timeout};

/// What an event says.
pub(crate) mod event {
    use super::Token;

    /// A descriptor is ready, or somebody called the waiting thread.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Event {
        /// Which.
        pub(super) token: Token,
    }

    impl Event {
        /// Which.
        pub(crate) fn token(&self) -> Token {
            self.token
        }

        /// Of a descriptor, always.
        pub(crate) fn is_readable(&self) -> bool {
            true
        }

        /// Of a descriptor, always.
        pub(crate) fn is_writable(&self) -> bool {
            true
        }

        /// Never.
        pub(crate) fn is_read_closed(&self) -> bool {
            false
        }

        /// Never.
        pub(crate) fn is_write_closed(&self) -> bool {
            false
        }

        /// Never.
        pub(crate) fn is_error(&self) -> bool {
            false
        }

        /// Never.
        pub(crate) fn is_priority(&self) -> bool {
            false
        }
    }
}

/// One epoll instance.
#[derive(Debug)]
struct Instance {
    /// Guards the events that nobody has taken.
    pending: Mutex<Vec<Event>>,
    /// Told of each event.
    came: Condvar,
}

impl Instance {
    /// An event.
    fn tell(&self, token: Token) {
        lock(&self.pending).push(Event { token });
        self.came.notify_one();
    }
}

std::thread_local! {
    /// Who has to be told of a descriptor. (std's thread-local: all threads of a model run on one thread.)
    static DESCRIPTORS: RefCell<HashMap<RawFd, (Weak<Instance>, Token)>> = RefCell::default();
}

/// A descriptor becomes ready. Nobody is told if it is not registered, as with the real kernel.
#[cfg(all(test, shuttle))]
pub(crate) fn ready(descriptor: RawFd) {
    let registered = DESCRIPTORS.with(|all| all.borrow().get(&descriptor).cloned());
    if let Some((instance, token)) = registered {
        if let Some(instance) = instance.upgrade() {
            instance.tell(token);
        }
    }
}

/// Waits for events.
#[derive(Debug)]
pub(crate) struct Poll(Registry);

impl Poll {
    /// A new instance.
    pub(crate) fn new() -> io::Result<Poll> {
        Ok(Poll(Registry(Arc::new(Instance {
            pending: Mutex::new(Vec::new()),
            came: Condvar::new(),
        }))))
    }

    /// For registering.
    pub(crate) fn registry(&self) -> &Registry {
        &self.0
    }

    /// Waits for events, for ever (`None`) or for so long.
    pub(crate) fn poll(
        &mut self,
        events: &mut Events,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let Instance { pending, came } = &*self.0.0;
        let end = timeout.map(|timeout| now() + timeout);
        let mut guard = lock(pending);
        while guard.is_empty() {
            let left = end.map(|end| end.saturating_duration_since(now()));
            guard = match left {
                None => wait(came, guard),
                Some(Duration::ZERO) => break,
                Some(left) => wait_timeout(came, pending, guard, left),
            };
        }
        events.0 = std::mem::take(&mut guard);
        Ok(())
    }
}

/// Registers descriptors.
#[derive(Debug)]
pub(crate) struct Registry(Arc<Instance>);

impl Registry {
    /// Another way to the same instance.
    pub(crate) fn try_clone(&self) -> io::Result<Registry> {
        Ok(Registry(self.0.clone()))
    }

    /// Events of this descriptor come here from now on. The first comes at once, as for every socket to which one may write.
    pub(crate) fn register(
        &self,
        source: &mut unix::SourceFd<'_>,
        token: Token,
        _: Interest,
    ) -> io::Result<()> {
        let here = (Arc::downgrade(&self.0), token);
        DESCRIPTORS.with(|all| all.borrow_mut().insert(*source.0, here));
        self.0.tell(token);
        Ok(())
    }

    /// They do no longer.
    pub(crate) fn deregister(&self, source: &mut unix::SourceFd<'_>) -> io::Result<()> {
        DESCRIPTORS.with(|all| all.borrow_mut().remove(source.0));
        Ok(())
    }
}

/// Ends another thread's wait.
#[derive(Debug)]
pub(crate) struct Waker(Arc<Instance>, Token);

impl Waker {
    /// For the waits of this instance.
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Waker> {
        Ok(Waker(registry.0.clone(), token))
    }

    /// Ends the wait, or the next one.
    pub(crate) fn wake(&self) -> io::Result<()> {
        self.0.tell(self.1);
        Ok(())
    }
}

/// What a wait has brought.
#[derive(Debug)]
pub(crate) struct Events(Vec<Event>);

impl Events {
    /// Room for events; there is always enough.
    pub(crate) fn with_capacity(_: usize) -> Events {
        Events(Vec::new())
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The events.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Event> {
        self.0.iter()
    }
}
