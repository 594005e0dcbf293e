//! What a system may do to a program: no descriptors, a stop in the middle, a peer that never pauses, a clock that is far
//! ahead. And what a program may do to itself: panics wherever foreign code runs, wakers that outlive their runtime.
//!
//! Threads that cannot be started are in `faults_threads.rs`. `.ci/faults` has what needs a tracer or a machine of its own.

mod runtime_support;
#[allow(clippy::duplicate_mod, reason = "both have the watchdog")]
mod support;

use std::fs::File;
use std::future::{Future, pending, poll_fn};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::pin::pin;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use runtime_support::{
    Counter, current_thread, holding, multi_thread, on_drop, on_each, wait_until,
};
use samovar::io::{AsyncReadExt, AsyncWriteExt};
use samovar::net::{TcpListener, TcpStream, UdpSocket};
use samovar::runtime::{Builder, Runtime};
use samovar::task::yield_now;
use samovar::time::{
    Instant, MissedTickBehavior, Sleep, interval, interval_at, sleep, sleep_until, timeout,
    timeout_at,
};
use support::in_child;

const MILLI: Duration = Duration::from_millis(1);

/// What the system says when there is no descriptor left.
const EMFILE: Option<i32> = Some(24);

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Takes all descriptors that there are.
fn take_all_descriptors() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

/// Two ends of one connection.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ours, theirs) = samovar::join!(TcpStream::connect(address), listener.accept());
    (ours.unwrap(), theirs.unwrap().0)
}

/// Sends a byte to and fro, and counts.
async fn ping_pong(rounds: Arc<AtomicU64>) {
    let (mut ours, mut theirs) = pair().await;
    samovar::spawn(async move {
        let mut byte = [0];
        while theirs.read(&mut byte).await.unwrap() == 1 {
            theirs.write_all(&byte).await.unwrap();
        }
    });
    for round in 0_u64.. {
        ours.write_all(&[round as u8]).await.unwrap();
        let mut byte = [0];
        ours.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte, [round as u8]);
        rounds.store(round, SeqCst);
        sleep(MILLI).await;
    }
}

/// Waits until the connection that is counted has gone on for so many rounds.
async fn go_on(rounds: &AtomicU64, more: u64) {
    let goal = rounds.load(SeqCst) + more;
    while rounds.load(SeqCst) < goal {
        sleep(MILLI).await;
    }
}

// Descriptors

/// How often the workers have waited for events.
fn parks(rt: &Runtime) -> u64 {
    let metrics = rt.metrics();
    let workers = 0..metrics.num_workers();
    workers
        .map(|worker| metrics.worker_park_count(worker))
        .sum()
}

#[test]
fn connections_that_wait_while_there_are_no_descriptors_are_served_when_there_are() {
    const WAITING: usize = 20;
    in_child(
        "connections_that_wait_while_there_are_no_descriptors_are_served_when_there_are",
        128,
        || {
            for rt in [current_thread(), multi_thread(2)] {
                rt.block_on(async {
                    let rounds = Arc::new(AtomicU64::new(0));
                    let others = samovar::spawn(ping_pong(rounds.clone()));
                    go_on(&rounds, 3).await;
                    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                    let address = listener.local_addr().unwrap();
                    let clients: Vec<_> = (0..WAITING)
                        .map(|_| std::net::TcpStream::connect(address).unwrap())
                        .collect();
                    let files = take_all_descriptors();
                    let refused = Arc::new(AtomicU64::new(0));
                    let server = samovar::spawn(serve(listener, WAITING, refused.clone()));

                    // Many refusals later, everything else has gone on.
                    let (before, start) = (parks(&rt), Instant::now());
                    go_on(&rounds, 50).await;
                    while refused.load(SeqCst) < 50 {
                        sleep(MILLI).await;
                    }
                    // And nobody was in a busy loop: some timers a millisecond and some events are all that there was.
                    let (parks, passed) = (parks(&rt) - before, start.elapsed());
                    let most = 10 * passed.as_millis() as u64 + 2000;
                    assert!(parks < most, "{parks} waits in {passed:?}");
                    drop(files);
                    server.await.unwrap();
                    for mut client in clients {
                        let mut answer = String::new();
                        client.read_to_string(&mut answer).unwrap();
                        assert_eq!(answer, "tea");
                    }
                    others.abort();
                });
            }
        },
    );
}

/// Serves so many; what cannot be accepted is tried again after a while, as the documentation of `accept` says.
async fn serve(listener: TcpListener, count: usize, refused: Arc<AtomicU64>) {
    let mut served = 0;
    while served < count {
        match listener.accept().await {
            Ok((mut stream, _)) => {
                stream.write_all(b"tea").await.unwrap();
                served += 1;
            }
            Err(error) => {
                assert_eq!(error.raw_os_error(), EMFILE, "{error}");
                refused.fetch_add(1, SeqCst);
                sleep(5 * MILLI).await;
            }
        }
    }
}

#[test]
fn without_descriptors_whatever_needs_one_fails_and_works_later() {
    in_child(
        "without_descriptors_whatever_needs_one_fails_and_works_later",
        128,
        || {
            let rt = current_thread();
            let try_all = || {
                rt.block_on(async {
                    let listener = TcpListener::bind("127.0.0.1:0").await?;
                    let address = listener.local_addr()?;
                    TcpStream::connect(address).await.map(drop)
                })
                .and(rt.block_on(UdpSocket::bind("127.0.0.1:0")).map(drop))
                .and(
                    Builder::new_multi_thread()
                        .worker_threads(2)
                        .build()
                        .map(drop),
                )
            };
            try_all().unwrap();
            let listener = rt.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
            let address = listener.local_addr().unwrap();
            let mut files = take_all_descriptors();
            // From none that is free to enough for all of it: each time something fails a step later, and leaves nothing.
            let mut steps = 0;
            while try_all().is_err() {
                steps += 1;
                let free = take_all_descriptors().len();
                assert_eq!(free, steps - 1, "some were not given back");
                files.pop();
            }
            assert!(steps > 3, "a runtime alone needs more");
            files.extend(take_all_descriptors());
            let error = rt.block_on(TcpStream::connect(address)).unwrap_err();
            assert!(
                error.to_string().contains("cannot connect to 127.0.0.1"),
                "{error}"
            );
        },
    );
}

// A stop in the middle

/// Has a shell do something to this process: one that is stopped cannot start itself again.
fn to_this_process(script: &str) {
    let pid = std::process::id().to_string();
    let status = Command::new("sh").args(["-c", script, "sh", &pid]).status();
    assert!(status.unwrap().success());
}

/// Notes all ticks until the interval is dropped.
async fn note_ticks(behavior: MissedTickBehavior, ticks: Arc<Mutex<Vec<Instant>>>) {
    let mut interval = interval(50 * MILLI);
    interval.set_missed_tick_behavior(behavior);
    loop {
        let tick = interval.tick().await;
        ticks.lock().unwrap().push(tick);
    }
}

#[test]
fn a_process_that_is_stopped_and_continued_goes_on_as_if_it_had_been_slow() {
    const STOP: Duration = Duration::from_secs(2);
    in_child(
        "a_process_that_is_stopped_and_continued_goes_on_as_if_it_had_been_slow",
        256,
        || {
            let rt = multi_thread(2);
            let rounds = Arc::new(AtomicU64::new(0));
            rt.spawn(ping_pong(rounds.clone()));
            let ticks = [
                MissedTickBehavior::Burst,
                MissedTickBehavior::Skip,
                MissedTickBehavior::Delay,
            ]
            .map(|behavior| {
                let ticks = Arc::default();
                rt.spawn(note_ticks(behavior, Arc::clone(&ticks)));
                ticks
            });
            rt.block_on(go_on(&rounds, 10));
            // A thread that is stopped and continued while it waits for events finds its call interrupted.
            to_this_process("for i in $(seq 200); do kill -STOP $1; kill -CONT $1; done");
            rt.block_on(go_on(&rounds, 10));
            let nap = rt.spawn(async { sleep(STOP / 4).await });
            let start = Instant::now();
            to_this_process("kill -STOP $1; sleep 2; kill -CONT $1");
            assert!(start.elapsed() >= STOP);
            rt.block_on(async {
                nap.await.unwrap();
                go_on(&rounds, 10).await;
                sleep(100 * MILLI).await;
            });
            drop(rt);

            let [burst, skip, delay] =
                ticks.map(|ticks| std::mem::take(&mut *ticks.lock().unwrap()));
            let gaps = |ticks: &[Instant]| -> Vec<Duration> {
                ticks.windows(2).map(|pair| pair[1] - pair[0]).collect()
            };
            assert!(
                gaps(&burst).iter().all(|gap| *gap == 50 * MILLI),
                "none is left out"
            );
            let whole = |gap: &Duration| gap.as_millis() % 50 == 0;
            assert!(gaps(&skip).iter().all(whole), "all are on the marks");
            let missed = |ticks: &[Instant]| gaps(ticks).iter().any(|gap| *gap > STOP / 2);
            assert!(missed(&skip), "the stop is left out");
            assert!(gaps(&delay).iter().all(|gap| *gap >= 50 * MILLI));
        },
    );
}

// A peer that never pauses

#[test]
fn a_socket_that_always_has_more_keeps_no_timer_waiting() {
    /// Reads in small parts what never ends.
    async fn drink(mut stream: TcpStream, bytes: &AtomicU64) {
        let mut buffer = [0; 64];
        loop {
            let count = stream.read(&mut buffer).await.unwrap();
            bytes.fetch_add(count as u64, SeqCst);
        }
    }
    /// Twenty naps, while more and more bytes come.
    async fn naps(bytes: &AtomicU64) {
        let before = bytes.load(SeqCst);
        for _ in 0..20 {
            sleep(5 * MILLI).await;
        }
        while bytes.load(SeqCst) < before + 100_000 {
            sleep(MILLI).await;
        }
    }
    on_each(|rt| {
        let listener = rt.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let hose = thread::spawn(move || spray(address, 2));
        let bytes = Arc::new(AtomicU64::new(0));
        // The reader is a task, beside the timer of the main future.
        let (stream, _) = rt.block_on(listener.accept()).unwrap();
        let counted = bytes.clone();
        let reader = rt.spawn(async move { drink(stream, &counted).await });
        rt.block_on(naps(&bytes));
        reader.abort();
        assert!(rt.block_on(reader).unwrap_err().is_cancelled());
        // And the other way round.
        let counted = bytes.clone();
        let timer = rt.spawn(async move { naps(&counted).await });
        rt.block_on(async {
            let (stream, _) = listener.accept().await.unwrap();
            samovar::select! {
                () = drink(stream, &bytes) => {}
                result = timer => result.unwrap(),
            }
        });
        hose.join().unwrap();
    });
}

/// Sends to so many connections, one after the other, each until it is closed.
fn spray(address: SocketAddr, connections: usize) {
    for _ in 0..connections {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let water = vec![7; 1 << 16];
        while stream.write_all(&water).is_ok() {}
    }
}

// A clock that is far ahead

#[test]
fn deadlines_a_hundred_years_away_are_pending_and_keep_nobody_waiting() {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);
    on_each(|rt| {
        rt.block_on(async {
            let now = Instant::now();
            let mut far: Vec<_> = (0..100)
                .map(|year| Box::pin(sleep_until(now + CENTURY + year * CENTURY / 100)))
                .collect();
            let mut longest = pin!(sleep(Duration::MAX));
            let mut never = pin!(timeout(Duration::MAX, pending::<()>()));
            let mut then = pin!(timeout_at(now + CENTURY, pending::<()>()));
            let mut ticks = interval_at(now + CENTURY, CENTURY);
            assert!(futures::poll!(pin!(ticks.tick())).is_pending());
            for sleep in &mut far {
                assert!(futures::poll!(sleep.as_mut()).is_pending());
            }
            for _ in 0..10 {
                assert!(futures::poll!(longest.as_mut()).is_pending());
                assert!(futures::poll!(never.as_mut()).is_pending());
                assert!(futures::poll!(then.as_mut()).is_pending());
                sleep(MILLI).await;
            }
            // Back from there, and away again.
            for sleep in &mut far {
                Sleep::reset(sleep.as_mut(), Instant::now() + MILLI);
            }
            for sleep in &mut far {
                sleep.as_mut().await;
                Sleep::reset(sleep.as_mut(), Instant::now() + CENTURY);
                assert!(futures::poll!(sleep.as_mut()).is_pending());
            }
            longest.as_mut().reset(Instant::now());
            longest.await;
        });
    });
}

// Panics

/// A waker that panics.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("this waker panics");
    }
}

/// Polls once with a waker that panics: nothing is ready.
fn leave_a_bomb<F: Future>(future: std::pin::Pin<&mut F>) {
    let bomb = Waker::from(Arc::new(Bomb));
    assert!(future.poll(&mut Context::from_waker(&bomb)).is_pending());
}

#[test]
fn the_waker_of_a_socket_may_panic_and_the_other_waiters_are_woken() {
    on_each(|rt| {
        rt.block_on(async {
            let (ours, mut theirs) = pair().await;
            let ours = Arc::new(ours);
            let before = samovar::spawn(wait_readable(ours.clone()));
            yield_now().await;
            let mut bomb = pin!(ours.readable());
            leave_a_bomb(bomb.as_mut());
            let after = samovar::spawn(wait_readable(ours.clone()));
            sleep(5 * MILLI).await;
            theirs.write_all(b"tea").await.unwrap();
            before.await.unwrap();
            after.await.unwrap();
            bomb.await.unwrap();
        });
    });
}

async fn wait_readable(stream: Arc<TcpStream>) {
    stream.readable().await.unwrap();
}

/// Panics when it is dropped, and says that it was.
fn bad_drop(dropped: &Counter) -> impl Send + use<> {
    let dropped = dropped.clone();
    on_drop(move || {
        dropped.add();
        panic!("this destructor panics");
    })
}

/// Fills a runtime with what panics when the runtime ends: destructors of tasks and of blocking jobs, a poll, and a job.
/// The last two wait for `closing`. Returns how many destructors there are.
fn mine(rt: &Runtime, dropped: &Counter, closing: &Arc<AtomicBool>) -> usize {
    for _ in 0..10 {
        // One that waits, one that waits for a timer or has ended, one in the middle of a connection, one with an output.
        drop(rt.spawn(holding(bad_drop(dropped), pending())));
        drop(rt.spawn(holding(bad_drop(dropped), async { sleep(MILLI).await })));
        drop(rt.spawn(holding(bad_drop(dropped), async { drop(pair().await) })));
        let output = bad_drop(dropped);
        drop(rt.spawn(async move { output }));
        let job = bad_drop(dropped);
        drop(rt.spawn_blocking(move || drop(job)));
    }
    // A panic on top of a panic would be the end of the process, as everywhere: these two destructors are good.
    let (good, closed) = (dropped.on_drop(), closing.clone());
    drop(rt.spawn(async move {
        let _good = good;
        wait_until(|| closed.load(SeqCst));
        panic!("this poll panics");
    }));
    let (good, closed) = (dropped.on_drop(), closing.clone());
    drop(rt.spawn_blocking(move || {
        let _good = good;
        wait_until(|| closed.load(SeqCst));
        panic!("this job panics");
    }));
    52
}

#[test]
fn whatever_panics_at_the_end_everything_is_dropped_and_the_end_comes() {
    for workers in [0, 1, 2] {
        runtime_support::watchdog(60, move || {
            let rt = match workers {
                0 => current_thread(),
                _ => multi_thread(workers),
            };
            let dropped = Counter::new();
            let closing = Arc::new(AtomicBool::new(false));
            let (stream, peer) = rt.block_on(pair());
            let mut readable = pin!(stream.readable());
            let mut timer = pin!({
                let _inside = rt.enter();
                sleep(Duration::from_secs(3600))
            });
            let mut handle = pin!(rt.spawn(holding(bad_drop(&dropped), pending())));
            rt.block_on(async {
                // Wakers that the end itself calls, from the reactor, the timers and the task that is cancelled.
                leave_a_bomb(readable.as_mut());
                leave_a_bomb(timer.as_mut());
                leave_a_bomb(handle.as_mut());
            });
            let count = 1 + mine(&rt, &dropped, &closing);
            let opener = thread::spawn({
                let closing = closing.clone();
                move || {
                    thread::sleep(20 * MILLI);
                    closing.store(true, SeqCst);
                }
            });
            drop(rt);
            opener.join().unwrap();
            assert_eq!(dropped.get(), count);
            drop(peer);
        });
    }
}

// Wakers that outlive their runtime

#[test]
fn a_waker_may_outlive_its_runtime_and_holds_nothing_when_it_goes() {
    in_child(
        "a_waker_may_outlive_its_runtime_and_holds_nothing_when_it_goes",
        256,
        || {
            let before = descriptors();
            for workers in [0, 1, 2] {
                let rt = match workers {
                    0 => current_thread(),
                    _ => multi_thread(workers),
                };
                let wakers = Arc::new(Mutex::new(Vec::<Waker>::new()));
                let keep = |wakers: &Arc<Mutex<Vec<Waker>>>| {
                    let wakers = wakers.clone();
                    poll_fn(move |cx| {
                        wakers.lock().unwrap().push(cx.waker().clone());
                        Poll::<()>::Pending
                    })
                };
                let dropped = Counter::new();
                for _ in 0..20 {
                    rt.spawn(holding(dropped.on_drop(), keep(&wakers)));
                }
                rt.block_on(async {
                    assert!(futures::poll!(keep(&wakers)).is_pending());
                    while wakers.lock().unwrap().len() < 21 {
                        yield_now().await;
                    }
                });
                let stop = Arc::new(AtomicBool::new(false));
                // They are woken before, while and after the runtime ends.
                let (some, stopped) = (wakers.lock().unwrap().clone(), stop.clone());
                let other = thread::spawn(move || {
                    while !stopped.load(SeqCst) {
                        some.iter().for_each(Waker::wake_by_ref);
                    }
                });
                drop(rt);
                assert_eq!(dropped.get(), 20);
                thread::sleep(5 * MILLI);
                stop.store(true, SeqCst);
                other.join().unwrap();
                for waker in std::mem::take(&mut *wakers.lock().unwrap()) {
                    let again = waker.clone();
                    assert!(again.will_wake(&waker));
                    waker.wake();
                    again.wake_by_ref();
                }
                assert_eq!(descriptors(), before, "{workers} workers");
            }
        },
    );
}
