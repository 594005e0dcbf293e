//! Models of the whole runtime: shuttle runs them in thousands of orders (`RUSTFLAGS="--cfg shuttle"`; `.ci/shuttle`).
//!
//! # What is checked
//!
//! Everything here is the real code: `Runtime`, workers, seat, stand-in, watchdog, blocking pool, timers, reactor, tasks,
//! channels. Only what shuttle cannot see through is a stand-in: crossbeam's queues, mio, and the time (`shim/`). A model is
//! a small program with a promise. It fails when the promise is broken, or when all its threads sleep and none will ever
//! be woken, which shuttle calls a deadlock: that is what a lost wakeup looks like.
//!
//! loom (`loom_tests.rs`) takes one handshake and tries every order; this takes the machine that is made of them and tries
//! some. So it finds what is between the parts: a wake that meets a worker on its way from one queue to the next, a task
//! that is spawned while the last worker shuts down. It does not see weak memory.
//!
//! Each model runs under two schedulers. *Random* picks any thread at each step; it is good at bugs that need many switches.
//! *PCT* gives the threads priorities, and lowers one at [`DEPTH`] - 1 random steps: it is good at bugs that need one
//! thread to stand still for long at a bad moment (Burckhardt et al., <https://doi.org/10.1145/1736020.1736040>).
//!
//! # How it was tried
//!
//! A model that cannot fail proves nothing. Planted bugs, and the first schedule in which a model failed:
//!
//! | the bug | found by (the schedule) |
//! |---|---|
//! | a worker does not look again after it has announced its sleep | [`shuttle_a_task_beside_one_that_blocks_its_worker_is_run_by_another`] (15), [`shuttle_an_abort_at_any_moment_drops_the_future_once_before_the_join`] (26), two others |
//! | a push from outside wakes nobody | ten models, most in the first schedule |
//! | `State::pause` loses the SCHEDULED bit | eight models, four in the first schedule |
//! | a worker that falls asleep forgets that it was called (`sleep.rs`) | eighteen models, in schedules 1 to 44 |
//! | who leaves the seat calls no stand-in | [`shuttle_tasks_go_on_after_block_on_has_returned`] (1) |
//! | who leaves the seat does not offer it | [`shuttle_three_threads_inside_block_on_take_turns_as_worker_0`] (1), six others |
//! | who leaves the line does not offer the seat on | [`shuttle_three_threads_inside_block_on_take_turns_as_worker_0`] (283) |
//! | who leaves the seat is still called in its reactor (`Bell::set_seated`) | [`shuttle_a_main_future_is_woken_also_after_its_runtime_has_gone`] (39) |
//! | a worker that was picked does not count as searching: it counts for ever | [`shuttle_a_stranger_and_tasks_of_two_workers_talk_to_each_other`] (1), five others |
//! | an abort does not queue a task that waits | [`shuttle_an_abort_at_any_moment_drops_the_future_once_before_the_join`] (1) |
//! | the joiner's waker is stored, but the task not asked again | thirteen models, in schedules 1 to 344 |
//! | what is pushed to the inbox after its end stays there | [`shuttle_a_shutdown_at_any_moment_ends_every_task_once`] (1) |
//! | the registry can be entered after the shutdown | the same (256) |
//! | the shutdown cancels no task that waits | the same (9) |
//! | a thread of the pool leaves although a job is queued | [`shuttle_a_job_given_to_a_thread_that_is_about_to_leave_is_done`] (10) |
//! | a waiter that gives up keeps the permit that it was given | [`shuttle_a_permit_is_not_lost_when_the_task_that_waits_for_it_is_aborted`] (19) |
//! | the watchdog does not serve the reactor of a blocked worker | [`shuttle_a_socket_of_a_blocked_worker_is_served_by_the_watchdog`] (1) |
//! | the watchdog wakes nobody for the queue of a blocked worker | the same (2), [`shuttle_a_task_beside_one_that_blocks_its_worker_is_run_by_another`] (4) |
//! | the last waker of a look is not called | [`shuttle_an_event_of_a_socket_at_any_moment_wakes_its_task`] (4), two of timers |
//! | a paused clock does not wait for a job; the pool does not tell it of the job's end | [`shuttle_paused_clock_waits_for_a_job_that_nobody_waits_for`] (1) |
//!
//! Not found, for other machinery makes up for it: the last searcher wakes no other (the watchdog does, later; loom finds it), a
//! timer of a stranger does not end the worker's wait (loom finds it), `clear` ignores the tick (loom finds it).
//!
//! One bug was not planted. In the moment between the two steps of [`Shared::close`](super::Shared), the stand-in sat down and
//! stood up again without end, until the thread that shuts down had its turn. PCT, which did not give it one, made
//! [`shuttle_a_wake_during_the_shutdown_finds_the_task_or_nobody`] run in circles in its second schedule.
//!
//! # To repeat a failure
//!
//! Shuttle writes the schedule to a file in `target` and says which. Put `shuttle::replay_from_file(model, "...")`, after
//! `time::begin`, in the place of the run in [`check`].

use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::reactor::{Direction, Io};
use crate::runtime::{Builder, Handle, Runtime};
use crate::shim::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use crate::shim::{Condvar, Mutex, kernel, lock, thread, time, wait};
use crate::sync::{Notify, Semaphore, mpsc, oneshot};
use crate::task::{JoinHandle, yield_now};
use crate::time::{Instant, Sleep, sleep, timeout};

/// How many schedules of each kind, if `SHUTTLE_SCHEDULES` does not say otherwise.
const SCHEDULES: usize = 500;

/// The depth of the bugs that PCT looks for: two threads that are held up at bad moments, and one that has the worst priority.
const DEPTH: usize = 3;

/// Where chance begins, if `SHUTTLE_RANDOM_SEED` does not say otherwise: a brief run is the same every time.
const SEED: u64 = 1;

/// No model needs so many steps. One that takes more runs in circles.
const STEPS: usize = 200_000;

/// Runs a model under both schedulers. `time_passes`: whether timed waits end; see `shim/time.rs`.
fn check(time_passes: bool, model: fn()) {
    let schedules = std::env::var("SHUTTLE_SCHEDULES")
        .map_or(SCHEDULES, |number| number.parse().expect("a number"));
    run(
        RandomScheduler::new_from_seed(SEED, schedules),
        time_passes,
        model,
    );
    run(
        PctScheduler::new_from_seed(SEED, DEPTH, schedules),
        time_passes,
        model,
    );
}

/// Runs a model as a scheduler will have it.
fn run(scheduler: impl Scheduler + 'static, time_passes: bool, model: fn()) {
    let mut config = Config::new();
    config.stack_size = 1 << 18;
    config.max_steps = MaxSteps::FailAfter(STEPS);
    config.silence_warnings = true;
    config.failure_persistence = FailurePersistence::File(Some("target".into()));
    let schedule = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Counted(schedule.clone());
    Runner::new(scheduler, config).run(move || {
        schedule.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        time::begin(time_passes);
        model();
    });
    drop(counted);
}

/// Says in which schedule a model has failed.
struct Counted(Arc<std::sync::atomic::AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let schedules = self.0.load(std::sync::atomic::Ordering::Relaxed);
            eprintln!("failed in schedule {schedules}");
        }
    }
}

/// A runtime of so many workers.
fn workers(count: usize) -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(count);
    quiet(builder)
}

/// A runtime of the current-thread flavour.
fn current_thread() -> Runtime {
    quiet(Builder::new_current_thread())
}

/// Without warnings: that all are asleep is shuttle's to say.
fn quiet(mut builder: Builder) -> Runtime {
    builder.warn_all_asleep(false).warn_never_woken(false);
    builder.warn_blocking_after(Duration::MAX);
    builder.max_blocking_threads(2);
    builder.build().unwrap()
}

/// Ends a model: waits for its threads.
fn join_all<const N: usize>(threads: [thread::JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Counts its ends.
struct Tally(Arc<AtomicUsize>);

impl Drop for Tally {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A number that threads wait for, *blocking*.
#[derive(Default)]
struct Gate {
    /// The number.
    count: Mutex<usize>,
    /// Told of every change.
    changed: Condvar,
}

impl Gate {
    /// One more.
    fn add(&self) {
        *lock(&self.count) += 1;
        self.changed.notify_all();
    }

    /// Waits until there are so many.
    fn wait_for(&self, count: usize) {
        let mut there = lock(&self.count);
        while *there < count {
            there = wait(&self.changed, there);
        }
    }
}

#[test]
fn shuttle_tasks_spawned_inside_end_and_are_joined() {
    check(false, || {
        let runtime = workers(2);
        let sum = runtime.block_on(async {
            let cups: Vec<JoinHandle<usize>> = (0..4)
                .map(|cup| {
                    crate::spawn(async move {
                        for _ in 0..cup {
                            yield_now().await;
                        }
                        cup
                    })
                })
                .collect();
            let mut sum = 0;
            for cup in cups {
                sum += cup.await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 6);
    });
}

#[test]
fn shuttle_a_task_spawned_by_a_stranger_runs_though_nobody_is_inside() {
    check(false, || {
        let runtime = workers(2);
        let gate = Arc::new(Gate::default());
        let strangers = [0, 1].map(|_| {
            let (handle, gate) = (runtime.handle().clone(), gate.clone());
            thread::spawn(move || {
                drop(handle.spawn(async move { gate.add() }));
            })
        });
        gate.wait_for(2);
        join_all(strangers);
    });
}

#[test]
fn shuttle_a_stranger_and_tasks_of_two_workers_talk_to_each_other() {
    check(false, || {
        let runtime = workers(2);
        let (sender, mut receiver) = mpsc::channel(1);
        let (answer, mut answers) = mpsc::unbounded_channel();
        drop(runtime.spawn(async move {
            while let Some(question) = receiver.recv().await {
                let answer = answer.clone();
                crate::spawn(async move { answer.send(question + 1).unwrap() });
            }
        }));
        let stranger = thread::spawn(move || {
            for question in [1, 2, 3] {
                crate::block_on(sender.send(question)).unwrap();
            }
        });
        let sum = runtime.block_on(async {
            let mut sum = 0;
            while let Some(answer) = answers.recv().await {
                sum += answer;
            }
            sum
        });
        assert_eq!(sum, 9);
        stranger.join().unwrap();
    });
}

#[test]
fn shuttle_two_tasks_wake_each_other_in_turn() {
    check(false, || {
        let runtime = workers(2);
        let bats = Arc::new([Notify::new(), Notify::new()]);
        let play = |me: usize| {
            let bats = bats.clone();
            async move {
                for _ in 0..3 {
                    bats[me].notified().await;
                    bats[1 - me].notify_one();
                }
            }
        };
        let players = [runtime.spawn(play(0)), runtime.spawn(play(1))];
        bats[0].notify_one();
        runtime.block_on(async {
            for player in players {
                player.await.unwrap();
            }
        });
    });
}

#[test]
fn shuttle_a_task_beside_one_that_blocks_its_worker_is_run_by_another() {
    // Who finds it: a thief that was woken for it, or the watchdog, whose looks take time.
    check(true, || {
        let runtime = workers(2);
        let gate = Arc::new(Gate::default());
        let (adding, waiting) = (gate.clone(), gate.clone());
        let blocker = runtime.spawn(async move {
            let quick = crate::spawn(async move { adding.add() });
            waiting.wait_for(1);
            quick.await.unwrap();
        });
        runtime.block_on(blocker).unwrap();
    });
}

#[test]
fn shuttle_an_abort_at_any_moment_drops_the_future_once_before_the_join() {
    check(false, || {
        let runtime = workers(2);
        let dropped = Arc::new(AtomicUsize::new(0));
        let held = Tally(dropped.clone());
        let task = runtime.spawn(async move {
            let _held = held;
            for _ in 0..3 {
                yield_now().await;
            }
            std::future::pending::<()>().await;
        });
        let aborted = task.abort_handle();
        let aborter = thread::spawn(move || aborted.abort());
        assert!(runtime.block_on(task).unwrap_err().is_cancelled());
        assert_eq!(dropped.load(Relaxed), 1);
        aborter.join().unwrap();
    });
}

#[test]
fn shuttle_a_permit_is_not_lost_when_the_task_that_waits_for_it_is_aborted() {
    check(false, || {
        let runtime = workers(2);
        let cups = Arc::new(Semaphore::new(1));
        let guests = [0, 1, 2].map(|_| {
            let cups = cups.clone();
            runtime.spawn(async move {
                let _cup = cups.acquire().await.unwrap();
                yield_now().await;
            })
        });
        guests[1].abort();
        runtime.block_on(async {
            for guest in guests {
                let _ = guest.await;
            }
            drop(cups.acquire().await.unwrap());
        });
        assert_eq!(cups.available_permits(), 1);
    });
}

#[test]
fn shuttle_three_threads_inside_block_on_take_turns_as_worker_0() {
    check(false, three_inside_block_on);
}

/// Each waits for a task that another's future wakes.
fn three_inside_block_on() {
    let runtime = Arc::new(current_thread());
    let bells = Arc::new([Notify::new(), Notify::new(), Notify::new()]);
    let others = [1, 2].map(|me: usize| {
        let (runtime, bells) = (runtime.clone(), bells.clone());
        thread::spawn(move || {
            runtime.block_on(async move {
                let heard = bells.clone();
                let task = crate::spawn(async move { heard[me].notified().await });
                bells[me - 1].notify_one();
                task.await.unwrap();
            });
        })
    });
    runtime.block_on(async {
        bells[0].notified().await;
        bells[1].notify_one();
        bells[2].notify_one();
    });
    join_all(others);
}

#[test]
fn shuttle_tasks_go_on_after_block_on_has_returned() {
    check(false, || {
        let runtime = workers(1);
        let gate = Arc::new(Gate::default());
        let (sender, receiver) = oneshot::channel();
        let done = gate.clone();
        runtime.block_on(async move {
            crate::spawn(async move {
                receiver.await.unwrap();
                yield_now().await;
                done.add();
            });
        });
        // Nobody is worker 0 now, or is about to be. The wake comes from a stranger.
        sender.send(()).unwrap();
        gate.wait_for(1);
        // And the seat comes back from the stand-in.
        assert_eq!(runtime.block_on(async { 7 }), 7);
    });
}

#[test]
fn shuttle_a_main_future_that_gives_up_its_place_in_line_stops_nobody() {
    check(true, || {
        let runtime = Arc::new(current_thread());
        let bell = Arc::new(Notify::new());
        let (impatient, patient) = (runtime.clone(), runtime.clone());
        let rung = bell.clone();
        let others = [
            thread::spawn(move || impatient.block_on(async { yield_now().await })),
            thread::spawn(move || {
                patient.block_on(async move {
                    crate::spawn(async move { rung.notify_one() })
                        .await
                        .unwrap();
                });
            }),
        ];
        runtime.block_on(bell.notified());
        join_all(others);
    });
}

#[test]
fn shuttle_a_shutdown_at_any_moment_ends_every_task_once() {
    check(false, || {
        let runtime = workers(2);
        let dropped = Arc::new(AtomicUsize::new(0));
        let (handle, tally) = (runtime.handle().clone(), dropped.clone());
        let stranger = thread::spawn(move || {
            // One that ends, one that waits for ever, one that spawns: each may come too late.
            let quick = handle.spawn(holds(&tally, async {}));
            let stuck = handle.spawn(holds(&tally, std::future::pending()));
            let inner = tally.clone();
            let spawns = handle.spawn(holds(&tally, async move {
                drop(crate::spawn(holds(&inner, std::future::pending())));
                yield_now().await;
            }));
            // No handle waits for ever, whatever became of its task.
            let quick = crate::block_on(quick);
            assert!(quick.map_or_else(|error| error.is_cancelled(), |()| true));
            assert!(crate::block_on(stuck).unwrap_err().is_cancelled());
            let spawned = crate::block_on(spawns);
            assert!(spawned.map_or_else(|error| error.is_cancelled(), |()| true));
        });
        drop(runtime);
        stranger.join().unwrap();
        let tallies = Arc::strong_count(&dropped);
        assert_eq!(tallies, 1, "a future has outlived its runtime");
        assert!((3..=4).contains(&dropped.load(Relaxed)));
    });
}

#[test]
fn shuttle_a_main_future_is_woken_also_after_its_runtime_has_gone() {
    check(false, || {
        let runtime = workers(1);
        let handle = runtime.handle().clone();
        let (sender, receiver) = oneshot::channel();
        let inside = thread::spawn(move || handle.block_on(receiver));
        let waker = thread::spawn(move || sender.send(7).unwrap());
        drop(runtime);
        waker.join().unwrap();
        assert_eq!(inside.join().unwrap(), Ok(7));
    });
}

/// A future that counts its end.
fn holds(
    tally: &Arc<AtomicUsize>,
    future: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    let held = Tally(tally.clone());
    async move {
        let _held = held;
        future.await;
    }
}

#[test]
fn shuttle_a_wake_during_the_shutdown_finds_the_task_or_nobody() {
    check(false, || {
        let runtime = workers(2);
        let dropped = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = oneshot::channel::<()>();
        let task = runtime.spawn(holds(&dropped, async {
            let _ = receiver.await;
        }));
        let waker = thread::spawn(move || {
            let _ = sender.send(());
        });
        let joiner = thread::spawn(move || drop(crate::block_on(task)));
        drop(runtime);
        waker.join().unwrap();
        joiner.join().unwrap();
        assert_eq!(dropped.load(Relaxed), 1);
    });
}

#[test]
fn shuttle_a_timer_set_by_any_thread_fires_and_not_early() {
    check(true, || {
        let runtime = workers(2);
        let (sender, receiver) = oneshot::channel();
        let handle = runtime.handle().clone();
        let stranger = thread::spawn(move || {
            let _inside = handle.enter();
            let start = Instant::now();
            crate::block_on(sleep(Duration::from_millis(3)));
            assert!(start.elapsed() >= Duration::from_millis(3));
            sender.send(()).unwrap();
        });
        runtime.block_on(async {
            let start = Instant::now();
            let task = crate::spawn(async { sleep(Duration::from_millis(1)).await });
            sleep(Duration::from_millis(2)).await;
            assert!(start.elapsed() >= Duration::from_millis(2));
            task.await.unwrap();
            // From here on the worker waits for no timer but the stranger's.
            receiver.await.unwrap();
        });
        stranger.join().unwrap();
    });
}

#[test]
fn shuttle_a_timer_that_moves_to_another_worker_and_is_reset_still_fires() {
    check(true, || {
        let runtime = workers(2);
        let mut tea = {
            let _inside = runtime.enter();
            Box::pin(sleep(Duration::from_millis(1)))
        };
        let polled = poll_once(&runtime, &mut tea);
        runtime.block_on(async move {
            crate::spawn(async move {
                if !polled {
                    tea.as_mut()
                        .reset(Instant::now() + Duration::from_millis(2));
                }
                tea.await;
            })
            .await
            .unwrap();
            let late = timeout(Duration::from_millis(1), std::future::pending::<()>()).await;
            assert!(late.is_err());
        });
    });
}

/// Polls a sleep once inside the runtime. `true`: it is over.
fn poll_once(runtime: &Runtime, sleep: &mut std::pin::Pin<Box<Sleep>>) -> bool {
    runtime.block_on(poll_fn(|cx| {
        Poll::Ready(sleep.as_mut().poll(cx).is_ready())
    }))
}

#[test]
fn shuttle_a_job_given_to_a_thread_that_is_about_to_leave_is_done() {
    check(true, || {
        let runtime = workers(1);
        let handle = runtime.handle().clone();
        let stranger = thread::spawn(move || {
            let job = handle.spawn_blocking(|| 1);
            assert_eq!(crate::block_on(job).unwrap(), 1);
        });
        let sum = runtime.block_on(async {
            let mut sum = 0;
            for cup in [1, 2] {
                sum += crate::task::spawn_blocking(move || cup).await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 3);
        stranger.join().unwrap();
    });
}

#[test]
fn shuttle_a_job_is_done_or_dropped_when_the_pool_shuts_down() {
    check(false, || {
        let runtime = workers(1);
        let (dropped, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let handle: Handle = runtime.handle().clone();
        let (tally, counter) = (dropped.clone(), done.clone());
        let stranger = thread::spawn(move || {
            let jobs = [0, 1, 2].map(|_| {
                let (held, counter) = (Tally(tally.clone()), counter.clone());
                handle.spawn_blocking(move || {
                    let _held = held;
                    counter.fetch_add(1, Relaxed);
                })
            });
            jobs.map(|job| crate::block_on(job).is_ok())
        });
        drop(runtime);
        let ended = stranger.join().unwrap();
        let successes = ended.iter().filter(|done| **done).count();
        assert_eq!(successes, done.load(Relaxed));
        assert_eq!(dropped.load(Relaxed), 3);
    });
}

#[test]
fn shuttle_an_event_of_a_socket_at_any_moment_wakes_its_task() {
    check(false, || {
        let runtime = workers(2);
        let (socket, _peer) = UnixStream::pair().unwrap();
        let descriptor = socket.as_raw_fd();
        let has_data = Arc::new(AtomicBool::new(false));
        let arrived = has_data.clone();
        let task = runtime.spawn(async move {
            let socket = Io::new(socket);
            let read = socket.io(Direction::Read, |_| match arrived.load(SeqCst) {
                true => Ok(7),
                false => Err(io::ErrorKind::WouldBlock.into()),
            });
            pin!(read).await.unwrap()
        });
        let kernel = thread::spawn(move || {
            has_data.store(true, SeqCst);
            kernel::ready(descriptor);
        });
        assert_eq!(runtime.block_on(task).unwrap(), 7);
        kernel.join().unwrap();
    });
}

#[test]
fn shuttle_a_socket_of_a_blocked_worker_is_served_by_the_watchdog() {
    check(true, || {
        let runtime = workers(2);
        let (socket, _peer) = UnixStream::pair().unwrap();
        let descriptor = socket.as_raw_fd();
        let has_data = Arc::new(AtomicBool::new(false));
        let gate = Arc::new(Gate::default());
        let (arrived, read, waiting) = (has_data.clone(), gate.clone(), gate.clone());
        let task = runtime.spawn(async move {
            let socket = Io::new(socket);
            let wait = |socket: Io<UnixStream>| async move {
                let ready = || match arrived.load(SeqCst) {
                    true => Ok(()),
                    false => Err(io::ErrorKind::WouldBlock.into()),
                };
                socket.io(Direction::Read, |_| ready()).await.unwrap();
                read.add();
            };
            // Registers here, then goes to a task of its own; this one blocks the worker until that has read.
            let early = poll_fn(|cx| {
                let never =
                    |_: &UnixStream| io::Result::<()>::Err(io::ErrorKind::WouldBlock.into());
                Poll::Ready(socket.poll_io(Direction::Read, cx, never).is_ready())
            });
            assert!(!early.await);
            let reader = crate::spawn(wait(socket));
            has_data.store(true, SeqCst);
            kernel::ready(descriptor);
            waiting.wait_for(1);
            reader.await.unwrap();
        });
        runtime.block_on(task).unwrap();
    });
}

#[test]
fn shuttle_paused_clock_waits_for_a_job_that_nobody_waits_for() {
    check(false, || {
        let mut builder = Builder::new_current_thread();
        builder.start_paused(true);
        let runtime = quiet(builder);
        let done = Arc::new(AtomicBool::new(false));
        let job = done.clone();
        runtime.block_on(async move {
            drop(crate::task::spawn_blocking(move || {
                thread::yield_now();
                job.store(true, SeqCst);
            }));
            sleep(Duration::from_secs(3600)).await;
        });
        assert!(done.load(SeqCst), "the time has passed before the job");
    });
}

#[test]
fn shuttle_the_models_are_the_same_when_a_schedule_is_repeated() {
    use shuttle::scheduler::UncontrolledNondeterminismCheckScheduler;
    let scheduler = RandomScheduler::new_from_seed(SEED, 20);
    run(
        UncontrolledNondeterminismCheckScheduler::new(scheduler),
        true,
        three_inside_block_on,
    );
}
