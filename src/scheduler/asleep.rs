//! Everything is asleep: nothing in the runtime can go on by itself, and perhaps nobody else is left to wake it.
//!
//! The last worker that goes to sleep sees that nothing is left: no queue, no timer, no socket, no blocking job. That alone
//! says little, for another thread may hold a waker, and a program that talks to its own threads is so all the time. So it
//! sleeps for a second only ([`PROBE`]), once, and looks again. Then it is certain that the wait can never end in two cases:
//!
//! - The wakers that there are lie in the join slots of tasks that are themselves asleep for ever. The reference counts
//!   prove it: whatever else held a waker would be counted.
//! - The process has no other thread. Locks and channels keep their wakers where no count says who will call them; but
//!   somebody has to, and all who are there sleep.
//!
//! Else nothing is said: a warning that is sometimes wrong is soon read by nobody.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::census::{Census, address, is_forgotten};
use crate::runtime::{Dump, Warning};
use crate::shim::atomic::Ordering::Relaxed;
use crate::shim::lock;

/// How long nothing must happen until somebody asks why.
pub(super) const PROBE: Duration = Duration::from_secs(1);

impl Shared {
    /// Whether a worker that has announced its sleep should look again after [`PROBE`]: all sleep, there is nothing that
    /// could wake them, and nobody has looked since the last poll.
    pub(super) fn should_probe(&self) -> bool {
        self.config.warnings.all_asleep && self.nothing_is_left() && {
            let polls = self.all_polls();
            self.probed.swap(polls, Relaxed) != polls
        }
    }

    /// Warns if everything is asleep for ever.
    pub(super) fn probe(&self) {
        let polls = self.all_polls();
        let Some(dump) = self.all_asleep() else {
            return;
        };
        let census = Census::take(self);
        let Some(main) = census.mains.first() else {
            return;
        };
        let certain = census.is_dead() || self.has_no_strangers();
        // Nothing moved while this looked from one to the other.
        if certain && self.nothing_is_left() && self.all_polls() == polls && !main.is_set() {
            self.warn_once(main.place(), &Warning::AllAsleep { dump });
        }
    }

    /// Who waits for what, if a future inside `block_on` waits and nothing in the runtime can wake it: no task can run, no
    /// timer is set, no socket is registered, no blocking job is there. Another thread could.
    pub(crate) fn all_asleep(&self) -> Option<Dump> {
        let pool = self.pool.numbers();
        let asleep = self.nothing_is_left() && pool.jobs == 0 && pool.threads == pool.idle;
        asleep.then(|| self.dump())
    }

    /// Whether all workers sleep, somebody is inside `block_on`, and no queue, reactor or wheel has anything.
    fn nothing_is_left(&self) -> bool {
        self.idle.sleepers() == self.remotes.len()
            && self.inbox.is_empty()
            && self.remotes.iter().all(|remote| {
                remote.reactor.sources() == 0
                    && remote.stealers.is_empty(true)
                    && remote.timers.is_empty()
            })
            && self.seat.has_main()
            && !self.is_closed()
    }

    /// How many polls there have been.
    fn all_polls(&self) -> u64 {
        let polls = self.remotes.iter().map(|remote| remote.stage.polls.get());
        polls.sum()
    }

    /// Whether the process has no thread but those of this runtime and the one inside `block_on`. (Threads of the pool and
    /// others that are about to end count as strangers.)
    fn has_no_strangers(&self) -> bool {
        let own = 1 + lock(&self.threads).len() + self.pool.numbers().threads;
        match std::fs::read_dir("/proc/self/task") {
            Ok(threads) if cfg!(target_os = "linux") => threads.count() <= own,
            _ => false,
        }
    }
}

impl Census {
    /// Whether the futures inside `block_on`, and all on which they wait, are known to sleep for ever: the wakers of each
    /// lie in join slots of others of whom that is known, and nowhere else.
    fn is_dead(&self) -> bool {
        // Begin with all, and take out whoever has a waker elsewhere, until nothing changes.
        let mut dead: HashSet<usize> = (0..self.tasks.len()).collect();
        let in_slots = |address: usize, dead: &HashSet<usize>| {
            let slots = self.joins.get(&address).into_iter().flatten();
            slots.filter(|task| dead.contains(task)).count()
        };
        loop {
            let before = dead.len();
            for (index, task) in self.tasks.iter().enumerate() {
                if !is_forgotten(task, in_slots(address(task), &dead)) {
                    dead.remove(&index);
                }
            }
            if dead.len() == before {
                break;
            }
        }
        self.mains.iter().all(|main| {
            // Besides: this census, the thread inside `block_on`, and the seat or the line.
            let slots = in_slots(Arc::as_ptr(main).cast::<()>() as usize, &dead);
            main.is_forgotten(3 + slots)
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::runtime::{Builder, Runtime};
    use crate::sync::oneshot;
    use crate::task::Id;
    use crate::task::cell::Task;
    use crate::time::timers::Set;
    use std::env;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;
    use std::panic::Location;
    use std::process::Command;
    use std::sync::mpsc;
    use std::task::Waker;
    use std::thread;
    use std::time::Instant;

    /// A runtime in which everything is asleep: its workers, and a thread inside `block_on`, which waits for the sender that
    /// this thread has in its hands. It asks nobody by itself whether that is for ever.
    struct Asleep {
        runtime: Runtime,
        told: mpsc::Receiver<Warning>,
        wake: oneshot::Sender<()>,
        main: thread::JoinHandle<()>,
    }

    impl Asleep {
        fn new() -> Asleep {
            let (tell, told) = mpsc::channel();
            let runtime = Builder::new_multi_thread()
                .worker_threads(2)
                .max_blocking_threads(1)
                .warn_all_asleep(false)
                .on_warning(move |warning| drop(tell.send(warning.clone())))
                .build()
                .unwrap();
            let (wake, woken) = oneshot::channel();
            let handle = runtime.handle().clone();
            let main = thread::spawn(move || handle.block_on(woken).unwrap());
            let asleep = Asleep {
                runtime,
                told,
                wake,
                main,
            };
            asleep.wait();
            asleep
        }

        fn shared(&self) -> &Arc<Shared> {
            self.runtime.handle().home().shared()
        }

        /// Until all workers sleep, and have looked at everything once more before.
        fn wait(&self) {
            let shared = self.shared();
            let sleeps = || {
                let mut reactors = shared.remotes.iter().map(|remote| &remote.reactor);
                shared.idle.sleepers() == 2 && reactors.all(|reactor| reactor.is_asleep())
            };
            wait_until(sleeps);
        }

        /// Nothing is left. (An event that nobody waits for may still wake a worker for a moment.)
        fn expect_nothing(&self) {
            let shared = self.shared();
            wait_until(|| shared.nothing_is_left() && shared.all_asleep().is_some());
        }

        /// Something is left, although all workers sleep.
        fn expect_something(&self) {
            self.wait();
            assert!(!self.shared().nothing_is_left());
            assert!(self.shared().all_asleep().is_none());
        }

        fn end(self) {
            self.wake.send(()).unwrap();
            self.main.join().unwrap();
        }
    }

    fn wait_until(condition: impl Fn() -> bool) {
        let patience = Instant::now() + Duration::from_secs(60);
        while !condition() {
            assert!(Instant::now() < patience, "it never came");
            thread::yield_now();
        }
    }

    #[test]
    fn who_has_a_timer_a_socket_or_a_task_is_not_asleep_for_ever() {
        let asleep = Asleep::new();
        let shared = asleep.shared();
        asleep.expect_nothing();
        for remote in &shared.remotes {
            let hour = shared.clock.now() + Duration::from_secs(3600);
            let Set::Done { key, .. } = remote.timers.set(hour, Waker::noop().clone()) else {
                panic!("the runtime is open");
            };
            asleep.expect_something();
            remote.timers.cancel(key);
            asleep.expect_nothing();

            let (socket, _peer) = UnixStream::pair().unwrap();
            let label = || "a socket".into();
            let (key, _source) = remote.reactor.register(socket.as_raw_fd(), label).unwrap();
            asleep.expect_something();
            remote.reactor.deregister(socket.as_raw_fd(), key);
            asleep.expect_nothing();
        }
        let home = asleep.runtime.handle().home().clone();
        let task = Task::new(async {}, home, Id::next(), Location::caller());
        // Nobody is told of it, so that all sleep on.
        assert!(shared.inbox.push(task));
        asleep.expect_something();
        shared.inbox.cancel_all();
        asleep.expect_nothing();
        asleep.end();
    }

    #[test]
    fn who_has_a_blocking_job_is_not_asleep_for_ever() {
        let asleep = Asleep::new();
        let (go, wait) = mpsc::channel();
        let job = asleep.runtime.spawn_blocking(move || wait.recv());
        assert!(asleep.shared().all_asleep().is_none());
        let second = asleep.runtime.spawn_blocking(|| ());
        assert!(asleep.shared().all_asleep().is_none());
        drop(second);
        go.send(()).unwrap();
        crate::block_on(job).unwrap().unwrap();
        asleep.expect_nothing();
        asleep.end();
    }

    #[test]
    fn who_wants_no_warning_is_not_woken_to_look() {
        let asleep = Asleep::new();
        asleep.expect_nothing();
        let never = u64::MAX;
        assert_eq!(asleep.shared().probed.load(Relaxed), never);
        assert!(!asleep.shared().should_probe());
        asleep.end();
    }

    #[test]
    fn all_polls_of_all_workers_count() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let shared = runtime.handle().home().shared();
        runtime.block_on(async {
            for before in 0..10 {
                assert_eq!(shared.all_polls(), before + 1);
                crate::task::yield_now().await;
            }
        });
    }

    #[test]
    fn nobody_is_accused_while_another_thread_has_the_waker() {
        let asleep = Asleep::new();
        assert!(!Census::take(asleep.shared()).is_dead());
        asleep.shared().probe();
        assert!(asleep.told.try_recv().is_err(), "this thread has it");
        asleep.end();
    }

    #[test]
    fn who_waits_for_one_who_waits_for_one_that_is_forgotten_is_dead_too() {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .warn_all_asleep(false)
            .warn_never_woken(false)
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        // Nothing ends it; so the thread is left behind.
        drop(thread::spawn(move || {
            handle.block_on(async {
                let forgotten = crate::spawn(std::future::pending::<()>());
                crate::spawn(forgotten).await.unwrap().unwrap();
            });
        }));
        let shared = runtime.handle().home().shared();
        wait_until(|| shared.nothing_is_left() && Census::take(shared).is_dead());
        runtime.shutdown_background();
    }

    /// How many threads the process has.
    fn threads() -> usize {
        std::fs::read_dir("/proc/self/task").unwrap().count()
    }

    /// Set for the child.
    const ALONE: &str = "SAMOVAR_TEST_ALONE";

    #[test]
    fn without_any_other_thread_nobody_is_left_to_wake_them() {
        if !cfg!(target_os = "linux") {
            return;
        }
        if env::var_os(ALONE).is_none() {
            // In a process whose other threads do not come and go.
            let name =
                "scheduler::asleep::tests::without_any_other_thread_nobody_is_left_to_wake_them";
            let output = Command::new(env::current_exe().unwrap())
                .args(["--exact", name, "--test-threads=1"])
                .env(ALONE, "1")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success() && said.contains("1 passed"),
                "{said}"
            );
            return;
        }
        let before = threads();
        let asleep = Asleep::new();
        let shared = asleep.shared();
        let all = threads();
        // The one inside `block_on`, a worker, the watchdog.
        assert_eq!(all, before + 3);
        // For each stranger here a thread that was the runtime's, and has ended: the list of the threads still has it.
        for _ in 0..before {
            assert!(!shared.has_no_strangers());
            shared.probe();
            assert!(asleep.told.try_recv().is_err());
            shared.start_thread("none", || ()).unwrap();
            wait_until(|| threads() == all);
        }
        assert!(shared.has_no_strangers());
        let (go, wait) = mpsc::channel::<()>();
        let job = asleep.runtime.spawn_blocking(move || wait.recv());
        assert_eq!(threads(), all + 1);
        assert!(shared.has_no_strangers(), "a thread of the pool is none");
        go.send(()).unwrap();
        crate::block_on(job).unwrap().unwrap();
        asleep.expect_nothing();

        shared.probe();
        let warning = asleep.told.try_recv();
        assert!(
            matches!(warning, Ok(Warning::AllAsleep { .. })),
            "{warning:?}"
        );
        asleep.end();
    }
}
