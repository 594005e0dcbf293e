//! The jump: what a worker with nothing to do does while the clock is paused.
//!
//! With the system's clock it waits for the next timer. With a paused one that would be for ever: so it moves the clock to
//! that timer. But the real world goes on, and what it is about to bring must come first:
//!
//! ```text
//!   nothing can run ─► a wake, or an event of a socket, is there already ──────────────► go on
//!                   ─► a blocking job is outstanding: wait for it, however long ───────► go on
//!                   ─► a task waits for a socket: wait 20 ms ── something came ────────► go on
//!                   ─► a timer is set: the clock says its time, it fires ──────────────► go on
//!                   ─► nothing: wait 2 s for a thread that nobody knows ── it came ────► go on
//!                                                          └─ it did not: all are asleep for ever, panic
//! ```
//!
//! A clock that is more careful (never jumps while a socket is waited for) would stand still beside every server that
//! waits for a connection. One that is less careful (Tokio's asks the kernel once, and jumps) lets a timeout win
//! against a peer in another thread, always. Trio has the same compromise under the name of `autojump_threshold`.

use std::task::Waker;
use std::time::{Duration, Instant};

use super::{Home, Shared};
use crate::context;
use crate::shim::now;

/// How long a socket that is waited for must be quiet until the clock jumps.
pub(super) const QUIET: Duration = Duration::from_millis(20);

/// How long threads of the program have to call a waker when nothing else can.
const PATIENCE: Duration = Duration::from_secs(2);

impl Shared {
    /// The clock.
    pub(crate) fn clock(&self) -> &super::Clock {
        &self.clock
    }

    /// Whether the workers are simulated.
    pub(crate) fn is_simulated(&self) -> bool {
        self.simulation.is_some()
    }

    /// Stops the clock. `false`: it stood still already.
    pub(super) fn pause_clock(&self) -> bool {
        for remote in &self.remotes {
            remote.timers.refine();
        }
        self.clock.pause()
    }

    /// The clock was set forward: wakes whoever has waited for that, the earliest first.
    pub(crate) fn fire_due_timers(&self) {
        let mut woken = Vec::new();
        for remote in &self.remotes {
            remote.timers.fire(|| self.clock.now(), &mut woken);
        }
        match context::worker() {
            Some(worker) => worker.wake(woken, 0),
            None => super::wake_all(&mut woken, 0),
        }
    }

    /// Worker 0, the only one, has nothing to do and the clock is paused. See the [module](self). Adds to `woken`
    /// what there is to wake, and returns how many of it are the reactor's. `None`: there is nothing, and never will be.
    pub(super) fn wait_and_jump(&self, woken: &mut Vec<Waker>) -> Option<usize> {
        let is_over = self.wait_for_the_real_world(woken);
        let from_reactor = woken.len();
        if is_over == Some(false) {
            self.jump(woken);
        }
        (is_over != Some(true)).then_some(from_reactor)
    }

    /// Waits for what comes from outside. `None`: something came, or may have; else whether it is all over.
    fn wait_for_the_real_world(&self, woken: &mut Vec<Waker>) -> Option<bool> {
        let reactor = &self.remotes[0].reactor;
        if reactor.park(Some(Duration::ZERO), woken) || !woken.is_empty() {
            return None;
        }
        if self.pool.is_busy() {
            // The pool calls when a job has ended.
            reactor.park(None, woken);
            return None;
        }
        let waits_for_socket = reactor.is_waited_for();
        if self.next_deadline().is_some() {
            let is_quiet = !waits_for_socket || self.is_quiet(QUIET, woken);
            return is_quiet.then_some(false);
        }
        if waits_for_socket {
            reactor.park(None, woken);
            return None;
        }
        self.is_quiet(PATIENCE, woken).then_some(true)
    }

    /// Whether nothing comes from outside for so long, in real time.
    pub(super) fn is_quiet(&self, duration: Duration, woken: &mut Vec<Waker>) -> bool {
        let end = now() + duration;
        let mut left = duration;
        while !left.is_zero() {
            if self.remotes[0].reactor.park(Some(left), woken) || !woken.is_empty() {
                return false;
            }
            // A signal may have ended the wait.
            left = end.saturating_duration_since(now());
        }
        true
    }

    /// When the next timer of all workers is due.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let timers = self.remotes.iter().map(|remote| &remote.timers);
        timers.filter_map(|timers| timers.next_deadline()).min()
    }

    /// Sets the clock to the next timer, and adds what that is to wake to `woken`.
    fn jump(&self, woken: &mut Vec<Waker>) {
        if let Some(deadline) = self.next_deadline() {
            self.clock.jump(deadline);
        }
        self.remotes[0].timers.fire(|| self.clock.now(), woken);
    }

    /// Nothing can run any more, for ever.
    ///
    /// # Panics
    ///
    /// Always.
    pub(super) fn fail_asleep(&self) -> ! {
        panic!(
            "all are asleep: nothing can run, no timer is set, no socket is waited for and no blocking job runs. Who of these was \
             to wake the others? (A thread of your own is not seen under a virtual clock: use `spawn_blocking`.)\n{}",
            self.dump()
        );
    }
}

impl Home {
    /// Whether the clock of this runtime can be stopped.
    pub(crate) fn can_pause(&self) -> bool {
        self.shared.is_simulated() || !self.is_multi_thread()
    }

    /// Stops the clock. `false`: it stood still already.
    pub(crate) fn pause(&self) -> bool {
        self.shared.pause_clock()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::runtime::{Builder, Runtime};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    fn paused() -> Runtime {
        let mut builder = Builder::new_current_thread();
        builder.start_paused(true).build().unwrap()
    }

    #[test]
    fn who_is_called_in_the_moment_before_the_jump_does_not_jump() {
        let runtime = paused();
        let shared = runtime.handle().home().shared();
        let start = shared.clock.now();
        let hour = Duration::from_secs(3600);
        shared.remotes[0]
            .timers
            .set(start + hour, Waker::noop().clone());
        let mut woken = Vec::new();
        // Nobody is inside `block_on`: this thread goes to sleep in its place.
        shared.remotes[0].reactor.unpark();
        assert_eq!(shared.wait_and_jump(&mut woken), Some(0));
        assert_eq!(
            (shared.clock.now() - start, woken.len()),
            (Duration::ZERO, 0)
        );
        assert_eq!(shared.wait_and_jump(&mut woken), Some(0));
        assert_eq!((shared.clock.now() - start, woken.len()), (hour, 1));
    }

    #[test]
    fn a_wait_that_ends_too_soon_is_not_quiet_yet() {
        let runtime = paused();
        let shared = runtime.handle().home().shared();
        let reactor = &shared.remotes[0].reactor;
        // It can be written to, which ends the wait at once, as a signal does; but nobody waits for that.
        let (socket, _peer) = UnixStream::pair().unwrap();
        reactor
            .register(socket.as_raw_fd(), || "a socket".into())
            .unwrap();
        let real = Instant::now();
        assert!(shared.is_quiet(QUIET, &mut Vec::new()));
        assert!(real.elapsed() >= QUIET);
        reactor.unpark();
        assert!(!shared.is_quiet(PATIENCE, &mut Vec::new()), "called");
    }
}
