//! How a runtime is to be: what is set here holds for all its life.
//!
//! A setting that makes no sense by itself panics in the call that gives it, whose line the message names; two that contradict
//! each other panic in `build`. What the machine refuses (threads, descriptors) is an error of `build`.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Handle, Runtime, Warning};
use crate::blocking::{Pool, PoolConfig};
use crate::scheduler::{self, Config, Warnings};
use crate::threads::Threads;
use crate::trace::{self, Trace};

/// How many workers a simulation has by default: enough for one to be slow, one to steal, and two that meet.
const SIMULATED_WORKERS: usize = 4;

/// Builds a [`Runtime`] with other settings than the default.
///
/// ```
/// use samovar::runtime::Builder;
///
/// let runtime = Builder::new_multi_thread()
///     .worker_threads(2)
///     .thread_name("kitchen")
///     .build()
///     .unwrap();
/// runtime.block_on(async { /* ... */ });
/// ```
#[derive(Clone)]
pub struct Builder {
    /// Whether tasks run also while nobody is inside `block_on`.
    multi_thread: bool,
    /// How many workers; `None`: one per core.
    workers: Option<usize>,
    /// How many threads for blocking jobs at most.
    max_blocking_threads: usize,
    /// How long such a thread stays without a job.
    keep_alive: Duration,
    /// What all threads' names begin with.
    thread_name: String,
    /// The threads' stacks in bytes; `None`: as the standard library has them.
    stack_size: Option<usize>,
    /// How long a worker waits awake before it sleeps.
    spin: Duration,
    /// Whether the clock stands still from the beginning.
    start_paused: bool,
    /// Simulates the workers.
    seed: Option<u64>,
    /// Where what happens is recorded, if anywhere.
    trace: Option<Trace>,
    /// Whether to take notes for a dump.
    observe: bool,
    /// What it is to warn of.
    warnings: Warnings,
}

impl Builder {
    /// A runtime with several workers, that also runs tasks while no thread is inside
    /// [`block_on`](Runtime::block_on).
    ///
    /// One of its workers is the thread inside `block_on`; so `worker_threads(1)` is an ordinary choice.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    /// assert_eq!(runtime.metrics().num_workers(), 2);
    /// ```
    pub fn new_multi_thread() -> Builder {
        Builder::new(true)
    }

    /// A runtime whose tasks run on the thread inside [`block_on`](Runtime::block_on), and only then. It starts no thread,
    /// except for [`spawn_blocking`](crate::task::spawn_blocking).
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().build().unwrap();
    /// let here = std::thread::current().id();
    /// let there = runtime.spawn(async { std::thread::current().id() }); // waits for a `block_on`
    /// assert_eq!(runtime.block_on(there).unwrap(), here);
    /// ```
    pub fn new_current_thread() -> Builder {
        Builder::new(false)
    }

    /// The defaults.
    fn new(multi_thread: bool) -> Builder {
        Builder {
            multi_thread,
            workers: None,
            max_blocking_threads: 512,
            keep_alive: Duration::from_secs(10),
            thread_name: "samovar".to_owned(),
            stack_size: None,
            spin: Duration::from_micros(50),
            start_paused: false,
            seed: None,
            trace: None,
            observe: false,
            warnings: Warnings::default(),
        }
    }

    /// How many workers run tasks, the thread inside `block_on` among them. By default as many as the machine has cores.
    ///
    /// A current-thread runtime always has one, and ignores this.
    ///
    /// # Panics
    ///
    /// When `count` is 0.
    ///
    /// ```should_panic
    /// samovar::runtime::Builder::new_multi_thread().worker_threads(0);
    /// ```
    #[track_caller]
    pub fn worker_threads(&mut self, count: usize) -> &mut Builder {
        assert!(
            count > 0,
            "`worker_threads` must be at least 1: without a worker no task would ever run"
        );
        self.workers = Some(count);
        self
    }

    /// How many threads [`spawn_blocking`](crate::task::spawn_blocking) uses at most; 512 by default.
    ///
    /// # Panics
    ///
    /// When `count` is 0.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_multi_thread().max_blocking_threads(4).build().unwrap();
    /// # drop(runtime);
    /// ```
    #[track_caller]
    pub fn max_blocking_threads(&mut self, count: usize) -> &mut Builder {
        assert!(
            count > 0,
            "`max_blocking_threads` must be at least 1: without a thread no blocking job would ever run"
        );
        self.max_blocking_threads = count;
        self
    }

    /// How long a thread for blocking jobs stays without one; 10 s by default.
    ///
    /// ```
    /// use std::time::Duration;
    /// let mut builder = samovar::runtime::Builder::new_multi_thread();
    /// builder.thread_keep_alive(Duration::from_millis(100));
    /// ```
    pub fn thread_keep_alive(&mut self, duration: Duration) -> &mut Builder {
        self.keep_alive = duration;
        self
    }

    /// What the names of the runtime's threads begin with; `samovar` by default.
    ///
    /// # Panics
    ///
    /// When the name contains a NUL byte, which no thread's name can.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_multi_thread().thread_name("kitchen").build().unwrap();
    /// let name = runtime.spawn_blocking(|| std::thread::current().name().map(str::to_owned));
    /// assert_eq!(runtime.block_on(name).unwrap().unwrap(), "kitchen-blocking");
    /// ```
    #[track_caller]
    pub fn thread_name(&mut self, name: impl Into<String>) -> &mut Builder {
        let name = name.into();
        assert!(
            !name.contains('\0'),
            "a thread's name cannot contain a NUL byte"
        );
        self.thread_name = name;
        self
    }

    /// The stack of the runtime's threads, in bytes; 2 MiB by default, as the standard library has it.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_multi_thread().thread_stack_size(8 << 20).build().unwrap();
    /// # drop(runtime);
    /// ```
    pub fn thread_stack_size(&mut self, bytes: usize) -> &mut Builder {
        self.stack_size = Some(bytes);
        self
    }

    /// How long a worker that waits for sockets asks the kernel again and again before it lets its thread sleep; 50 us by
    /// default, zero: not at all.
    ///
    /// A conversation with one peer is up to three times as fast with it, for the next message comes sooner than a thread can
    /// sleep and wake. A worker does so only when its last waits were short and woke the same task, more rarely after it was
    /// in vain, and only one worker at a time: an idle program costs nothing. Times below the latency of the conversation,
    /// and above a millisecond, make no sense.
    ///
    /// ```
    /// use std::time::Duration;
    /// let runtime = samovar::runtime::Builder::new_current_thread().spin_before_sleep(Duration::ZERO).build().unwrap();
    /// # drop(runtime);
    /// ```
    pub fn spin_before_sleep(&mut self, duration: Duration) -> &mut Builder {
        self.spin = duration;
        self
    }

    /// Whether the runtime begins with its clock [paused](crate::time::pause), so that time passes only when nothing else
    /// can happen. For tests.
    ///
    /// ```
    /// use samovar::runtime::Builder;
    /// use samovar::time::{Duration, Instant, sleep};
    ///
    /// let runtime = Builder::new_current_thread().start_paused(true).build().unwrap();
    /// runtime.block_on(async {
    ///     let start = Instant::now();
    ///     sleep(Duration::from_secs(3600)).await;
    ///     assert_eq!(start.elapsed(), Duration::from_secs(3600));
    /// });
    /// ```
    pub fn start_paused(&mut self, start_paused: bool) -> &mut Builder {
        self.start_paused = start_paused;
        self
    }

    /// Simulates the workers on the thread inside [`block_on`](Runtime::block_on), and takes every decision of the scheduler
    /// from this number. For tests: the same seed gives the same run, another seed another one.
    ///
    /// On a multi-thread runtime as many workers are simulated as [`worker_threads`](Builder::worker_threads) says, or
    /// four; on a current-thread runtime one. Which worker acts next, which of the ready tasks it polls, from whom it
    /// steals, when it looks at its timers, and with which branch a `select!` begins is decided by the seed. The clock
    /// is [paused](crate::time::pause) from the beginning, for good. Tasks run only inside `block_on`, and
    /// [`Handle::runtime_flavor`] says `CurrentThread`. A job of [`spawn_blocking`](crate::task::spawn_blocking) runs on the same
    /// thread, as a task that is polled once: it cannot wait for another task. Task ids count from 1.
    ///
    /// When all tasks wait and no timer is set, `block_on` panics and names them. Threads of the program and sockets work,
    /// but are not simulated: a wake by one of them comes when it comes. (Waiting for nothing but such a thread is that panic.)
    ///
    /// [`#[samovar::test(seeds = 0..1000)]`](crate::test) runs a test once per seed, and says how to repeat the one that failed.
    ///
    /// ```
    /// use samovar::runtime::Builder;
    ///
    /// let order = |seed| {
    ///     Builder::new_multi_thread().seed(seed).build().unwrap().block_on(async {
    ///         let (sender, mut receiver) = samovar::sync::mpsc::unbounded_channel();
    ///         for cup in 0..5 {
    ///             let sender = sender.clone();
    ///             samovar::spawn(async move { sender.send(cup) });
    ///         }
    ///         drop(sender);
    ///         let mut order = Vec::new();
    ///         while let Some(cup) = receiver.recv().await {
    ///             order.push(cup);
    ///         }
    ///         order
    ///     })
    /// };
    /// assert_eq!(order(7), order(7));
    /// assert!((1..100).any(|seed| order(seed) != order(0)));
    /// ```
    pub fn seed(&mut self, seed: u64) -> &mut Builder {
        self.seed = Some(seed);
        self
    }

    /// Does nothing: here as in Tokio programs, where sockets and timers have to be asked for. A Samovar runtime always has
    /// both, and they cost nothing until they are used.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    /// # drop(runtime);
    /// ```
    pub fn enable_all(&mut self) -> &mut Builder {
        self
    }

    /// Does nothing, as [`enable_all`](Builder::enable_all).
    ///
    /// ```
    /// use samovar::net::TcpListener;
    ///
    /// let runtime = samovar::runtime::Builder::new_current_thread().enable_io().build()?;
    /// let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?; // works without it, too
    /// assert_ne!(listener.local_addr()?.port(), 0);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn enable_io(&mut self) -> &mut Builder {
        self
    }

    /// Does nothing, as [`enable_all`](Builder::enable_all).
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let runtime = samovar::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    /// let start = Instant::now();
    /// runtime.block_on(async { samovar::time::sleep(Duration::from_millis(2)).await }); // works without it, too
    /// assert!(start.elapsed() >= Duration::from_millis(2));
    /// ```
    pub fn enable_time(&mut self) -> &mut Builder {
        self
    }

    /// Records what the runtime does, into `trace`: see [`trace`]. Without this the environment variable
    /// `SAMOVAR_TRACE` decides.
    ///
    /// ```
    /// use samovar::{runtime::Builder, trace::Trace};
    ///
    /// let trace = Trace::new();
    /// Builder::new_current_thread().trace(&trace).build().unwrap().block_on(async {});
    /// assert_eq!(trace.events().len(), 2); // a poll began, and ended
    /// ```
    pub fn trace(&mut self, trace: &Trace) -> &mut Builder {
        self.trace = Some(trace.clone());
        self
    }

    /// Whether to take notes for [`Handle::dump`]: names, what tasks wait for, since when, how long they are polled. Off by
    /// default. A poll then costs some 430 ns more, and a task some 200 bytes. A runtime that is
    /// [traced](Builder::trace) is observed, too.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().observe(true).build().unwrap();
    /// runtime.block_on(async {
    ///     let dump = samovar::runtime::Handle::current().dump();
    ///     assert!(dump.observed && dump.tasks[0].polls.is_some());
    /// });
    /// ```
    pub fn observe(&mut self, on: bool) -> &mut Builder {
        self.observe = on;
        self
    }

    /// Whether to warn of futures that nobody can wake, as [`Warning::NeverWoken`] tells. By default only programs with debug
    /// assertions do; it costs a few instructions in each poll, whether it is on or not.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().warn_never_woken(false).build().unwrap();
    /// # drop(runtime);
    /// ```
    pub fn warn_never_woken(&mut self, on: bool) -> &mut Builder {
        self.warnings.never_woken = on;
        self
    }

    /// Whether to warn of a `block_on` that can never end because everything waits, as [`Warning::AllAsleep`] tells. By
    /// default only programs with debug assertions do.
    ///
    /// It is said when it is certain, never otherwise. It is certain when all who wait are known to wait for each other's
    /// join handles in the end; or when the process has no thread besides the runtime's own and the one inside `block_on`,
    /// for another one might hold a waker, a channel's end or a guard, and a runtime cannot see what. Threads are counted on Linux
    /// only. So in a test, which runs on a thread beside the program's first, locks and channels are not found out.
    ///
    /// ```
    /// let runtime = samovar::runtime::Builder::new_current_thread().warn_all_asleep(false).build().unwrap();
    /// # drop(runtime);
    /// ```
    pub fn warn_all_asleep(&mut self, on: bool) -> &mut Builder {
        self.warnings.all_asleep = on;
        self
    }

    /// After how long to warn of a `poll` that does not end, as [`Warning::Blocking`] tells. 100 ms by default in programs with
    /// debug assertions, never in others; `Duration::MAX` is never.
    ///
    /// It is the watchdog that sees it, every 10 ms, while the poll lasts. A runtime of one worker has none, and sees
    /// nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// let mut builder = samovar::runtime::Builder::new_multi_thread();
    /// builder.warn_blocking_after(Duration::from_secs(1));
    /// ```
    pub fn warn_blocking_after(&mut self, duration: Duration) -> &mut Builder {
        self.warnings.blocking_after = duration;
        self
    }

    /// Who gets the [`Warning`]s, instead of stderr: a log, or a test.
    ///
    /// It is called on the threads of the runtime, or on one that spawns there or wakes a task, and must not block them.
    ///
    /// ```
    /// use samovar::runtime::{Builder, Warning};
    /// use std::sync::mpsc::channel;
    ///
    /// let (tell, told) = channel();
    /// let runtime = Builder::new_current_thread()
    ///     .warn_never_woken(true)
    ///     .on_warning(move |warning| tell.send(warning.clone()).unwrap())
    ///     .build()
    ///     .unwrap();
    /// runtime.block_on(async {
    ///     samovar::spawn(std::future::poll_fn(|_cx| std::task::Poll::<()>::Pending));
    ///     samovar::task::yield_now().await;
    /// });
    /// assert!(matches!(told.recv(), Ok(Warning::NeverWoken { .. })));
    /// ```
    pub fn on_warning(
        &mut self,
        listener: impl Fn(&Warning) + Send + Sync + 'static,
    ) -> &mut Builder {
        self.warnings.listener = Some(Arc::new(listener));
        self
    }

    /// Builds the runtime and starts its threads.
    ///
    /// # Errors
    ///
    /// When the system gives no threads (it says which one is missing) or descriptors (a runtime needs three per worker). Then
    /// nothing is left.
    ///
    /// # Panics
    ///
    /// When the clock of a multi-thread runtime is to [start paused](Builder::start_paused), and no [seed](Builder::seed) is
    /// given.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let runtime = samovar::runtime::Builder::new_current_thread().build()?;
    /// assert_eq!(runtime.block_on(async { "tea" }), "tea");
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn build(&mut self) -> io::Result<Runtime> {
        assert!(
            !(self.start_paused && self.multi_thread && self.seed.is_none()),
            "`start_paused` needs a runtime of the current-thread flavour, or a `seed`: several threads do not agree on when \
             nothing can run"
        );
        let workers = match (self.multi_thread, self.workers) {
            (false, _) => 1,
            (true, Some(count)) => count,
            // Not as many as there are cores: a seed means the same everywhere.
            (true, None) if self.seed.is_some() => SIMULATED_WORKERS,
            (true, None) => thread::available_parallelism().map_or(1, NonZeroUsize::get),
        };
        let threads = Threads {
            name: self.thread_name.clone(),
            stack_size: self.stack_size,
        };
        let pool = Pool::new(PoolConfig {
            max_threads: self.max_blocking_threads,
            keep_alive: self.keep_alive,
            threads: threads.clone(),
        });
        let config = Config {
            workers,
            // Simulated workers run only inside `block_on`.
            multi_thread: self.multi_thread && self.seed.is_none(),
            threads,
            spin: self.spin,
            start_paused: self.start_paused || self.seed.is_some(),
            seed: self.seed,
            warnings: self.warnings.clone(),
        };
        // A test that fails because all are asleep is to say who waits for what.
        let observe = self.observe || config.start_paused;
        let tracing = trace::environment::wanted(self.trace.as_ref(), observe);
        let home = scheduler::start(config, pool, tracing)?;
        Ok(Runtime::from_handle(Handle::from_home(home)))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("multi_thread", &self.multi_thread)
            .field("worker_threads", &self.workers)
            .field("max_blocking_threads", &self.max_blocking_threads)
            .field("thread_keep_alive", &self.keep_alive)
            .field("thread_name", &self.thread_name)
            .field("thread_stack_size", &self.stack_size)
            .field("spin_before_sleep", &self.spin)
            .field("start_paused", &self.start_paused)
            .field("seed", &self.seed)
            .field("trace", &self.trace)
            .field("observe", &self.observe)
            .field("warnings", &self.warnings)
            .finish()
    }
}
