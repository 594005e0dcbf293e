//! What the runtimes promise, tried on all three: Samovar, Tokio and smol.

mod runtime_support;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use runtime_support::{Counter, multi_thread, watchdog};

const MILLI: Duration = Duration::from_millis(1);

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a scenario needs of a runtime.
trait Peer: Copy + Send + Sync + 'static {
    const NAME: &'static str;
    /// Runs it on a runtime of two workers.
    fn run(self, main: Boxed);
    fn spawn(self, future: Boxed);
    fn sleep(self, duration: Duration) -> Boxed;
}

#[derive(Clone, Copy)]
struct Samovar;

impl Peer for Samovar {
    const NAME: &'static str = "Samovar";

    fn run(self, main: Boxed) {
        multi_thread(2).block_on(main);
    }

    fn spawn(self, future: Boxed) {
        drop(samovar::spawn(future));
    }

    fn sleep(self, duration: Duration) -> Boxed {
        Box::pin(samovar::time::sleep(duration))
    }
}

#[derive(Clone, Copy)]
struct Tokio;

impl Tokio {
    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    }
}

impl Peer for Tokio {
    const NAME: &'static str = "Tokio";

    fn run(self, main: Boxed) {
        Tokio::runtime().block_on(main);
    }

    fn spawn(self, future: Boxed) {
        drop(tokio::spawn(future));
    }

    fn sleep(self, duration: Duration) -> Boxed {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// smol's global executor, with as many threads as `SMOL_THREADS` says: the command of the measurement says 2.
#[derive(Clone, Copy)]
struct Smol;

impl Peer for Smol {
    const NAME: &'static str = "smol";

    fn run(self, main: Boxed) {
        smol::block_on(smol::spawn(main));
    }

    fn spawn(self, future: Boxed) {
        smol::spawn(future).detach();
    }

    fn sleep(self, duration: Duration) -> Boxed {
        Box::pin(async move {
            smol::Timer::after(duration).await;
        })
    }
}

#[test]
fn what_a_dropped_handle_means() {
    watchdog(60, || {
        let ran = Counter::new();
        /// Gives way once, and then counts.
        async fn later(ran: Counter) {
            runtime_support::YieldOnce::default().await;
            ran.add();
        }
        let rt = multi_thread(2);
        rt.block_on(async { drop(samovar::spawn(later(ran.clone()))) });
        runtime_support::wait_until(|| ran.get() == 1);
        let rt = Tokio::runtime();
        rt.block_on(async { drop(tokio::spawn(later(ran.clone()))) });
        runtime_support::wait_until(|| ran.get() == 2);
        // smol's is cancelled: on an executor that nobody has run yet it is never polled.
        let executor = smol::Executor::new();
        drop(executor.spawn(later(ran.clone())));
        smol::block_on(executor.run(async {
            for _ in 0..10 {
                smol::future::yield_now().await;
            }
        }));
        assert_eq!(ran.get(), 2);
    });
}

#[test]
fn where_a_panic_in_a_task_goes() {
    watchdog(60, || {
        let error = multi_thread(2)
            .block_on(async { samovar::spawn(async { panic!("cup") }).await })
            .unwrap_err();
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "cup");
        let error = Tokio::runtime()
            .block_on(async { tokio::spawn(async { panic!("cup") }).await })
            .unwrap_err();
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "cup");
        // Raised again in whoever awaits the task.
        let payload = catch_unwind(AssertUnwindSafe(|| {
            smol::block_on(smol::spawn(async { panic!("cup") }))
        }))
        .unwrap_err();
        assert_eq!(*payload.downcast::<&str>().unwrap(), "cup");
    });
}

#[test]
fn what_becomes_of_a_blocking_socket() {
    let blocking = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = multi_thread(1).block_on(async {
        samovar::net::TcpListener::from_std(blocking())
            .unwrap()
            .into_std()
            .unwrap()
    });
    // It does not wait for somebody who will never come.
    assert_eq!(
        ours.accept().unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock
    );
    let theirs = Tokio::runtime()
        .block_on(async { catch_unwind(|| tokio::net::TcpListener::from_std(blocking()).is_ok()) });
    assert_eq!(theirs.is_err(), cfg!(debug_assertions));
}

#[test]
fn no_sleep_is_early() {
    fn check(peer: impl Peer) {
        peer.run(Box::pin(async move {
            for micros in [0, 1, 500, 999, 1000, 1001, 2500, 4999] {
                let duration = Duration::from_micros(micros);
                let start = Instant::now();
                peer.sleep(duration).await;
                assert!(start.elapsed() >= duration);
            }
        }));
    }
    watchdog(60, || {
        check(Samovar);
        check(Tokio);
        check(Smol);
    });
}

/// Beside four loops of 5 ms sleeps a task sleeps a while, and then blocks its worker for 250 ms. How long did the longest of the
/// other sleeps take?
fn longest_sleep_beside_a_blocked_worker(peer: impl Peer) -> Duration {
    let longest = Arc::new(AtomicU64::new(0));
    let result = longest.clone();
    peer.run(Box::pin(async move {
        for _ in 0..4 {
            let longest = longest.clone();
            peer.spawn(Box::pin(async move {
                loop {
                    let start = Instant::now();
                    peer.sleep(5 * MILLI).await;
                    longest.fetch_max(start.elapsed().as_micros() as u64, SeqCst);
                }
            }));
        }
        peer.sleep(50 * MILLI).await;
        longest.store(0, SeqCst);
        let ended = Arc::new(AtomicU64::new(0));
        let end = ended.clone();
        peer.spawn(Box::pin(async move {
            peer.sleep(5 * MILLI).await;
            thread::sleep(250 * MILLI);
            end.store(1, SeqCst);
        }));
        while ended.load(SeqCst) == 0 {
            peer.sleep(20 * MILLI).await;
        }
        peer.sleep(20 * MILLI).await;
    }));
    Duration::from_micros(result.load(SeqCst))
}

#[test]
#[ignore = "it measures: SMOL_THREADS=2 cargo test --test reliability_beside -- --ignored --nocapture"]
fn how_long_a_sleep_takes_beside_a_blocked_worker() {
    fn measure<P: Peer>(peer: P) {
        let mut all: Vec<_> = (0..11)
            .map(|_| longest_sleep_beside_a_blocked_worker(peer))
            .collect();
        all.sort_unstable();
        println!(
            "{:8} shortest {:?}, median {:?}, longest {:?}",
            P::NAME,
            all[0],
            all[all.len() / 2],
            all[all.len() - 1]
        );
    }
    measure(Samovar);
    measure(Tokio);
    measure(Smol);
}
