//! The end of a runtime where it is hard: sockets in its tasks, events that keep coming, threads and processes that end.
#![cfg(unix)]

mod runtime_support;

use std::cell::RefCell;
use std::future::{Future, pending};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier, OnceLock, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use runtime_support::{Counter, holding, multi_thread, on_drop, runtime, watchdog, with_workers};
use samovar::io::{AsyncReadExt, AsyncWriteExt};
use samovar::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use samovar::runtime::{Builder, Handle, Runtime};
use samovar::sync::{
    Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, mpsc as channel, oneshot,
};
use samovar::task::{JoinHandle, yield_now};
use samovar::time::{Interval, Sleep, interval, sleep};

const MILLI: Duration = Duration::from_millis(1);

/// Runs whatever is ready.
fn run_a_while(rt: &Runtime) {
    rt.block_on(async {
        for _ in 0..10 {
            yield_now().await;
        }
    });
}

// What tasks hold

/// All that a runtime gives. Uses it once more when it is dropped.
struct Everything {
    stream: TcpStream,
    datagrams: UdpSocket,
    /// Not registered with any reactor yet.
    fresh: UnixStream,
    sleep: Pin<Box<Sleep>>,
    ticks: Interval,
    _guard: OwnedMutexGuard<u8>,
    _permit: OwnedSemaphorePermit,
    dropped: Counter,
}

impl Everything {
    /// With the peer of its stream.
    async fn new(
        lock: &Arc<Mutex<u8>>,
        permits: &Arc<Semaphore>,
        dropped: &Counter,
    ) -> (Everything, std::net::TcpStream) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let all = Everything {
            stream,
            datagrams: UdpSocket::bind("127.0.0.1:0").await.unwrap(),
            fresh: UnixStream::pair().unwrap().0,
            sleep: Box::pin(sleep(Duration::from_secs(3600))),
            ticks: interval(Duration::from_secs(3600)),
            _guard: lock.clone().lock_owned().await,
            _permit: permits.clone().acquire_owned().await.unwrap(),
            dropped: dropped.clone(),
        };
        (all, listener.accept().unwrap().0)
    }

    /// Waits for ever, for all of it.
    async fn wait(mut self) {
        self.ticks.tick().await;
        let mut byte = [0];
        samovar::select! {
            _ = self.stream.readable() => {}
            _ = self.datagrams.recv(&mut byte) => {}
            () = self.sleep.as_mut() => {}
            _ = self.ticks.tick() => {}
        }
    }
}

impl Drop for Everything {
    fn drop(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        // The runtime is there, its timers and its reactor take what is new, and the socket writes.
        assert!(Handle::try_current().is_ok());
        let mut another = Box::pin(sleep(Duration::from_secs(3600)));
        assert!(another.as_mut().poll(&mut cx).is_pending());
        // A pair whose other end is gone: it is readable, and says so, or waits for its first event. No error.
        if let Poll::Ready(result) = self.fresh.poll_read_ready(&mut cx) {
            result.unwrap();
        }
        self.stream.try_write(b"bye").unwrap();
        self.dropped.add();
    }
}

#[test]
fn destructors_find_their_sockets_timers_and_locks_working() {
    with_workers(|rt| {
        let permits = Arc::new(Semaphore::new(3));
        let locks = [0, 1, 2].map(|number| Arc::new(Mutex::new(number)));
        let dropped = Counter::new();
        let mut peers = Vec::new();
        let mut futures = Vec::new();
        for lock in &locks {
            let (all, peer) = rt.block_on(Everything::new(lock, &permits, &dropped));
            futures.push(all.wait());
            peers.push(peer);
        }
        assert_eq!(permits.available_permits(), 0);
        // One waits, one is in a worker's queue or on its way there, one in the inbox.
        drop(rt.spawn(futures.pop().unwrap()));
        run_a_while(&rt);
        let queued = futures.pop().unwrap();
        rt.block_on(async move { drop(samovar::spawn(queued)) });
        drop(rt.spawn(futures.pop().unwrap()));
        drop(rt);
        assert_eq!(dropped.get(), 3);
        assert_eq!(permits.available_permits(), 3);
        assert!(locks.iter().all(|lock| lock.try_lock().is_ok()));
        for mut peer in peers {
            let mut heard = String::new();
            peer.read_to_string(&mut heard).unwrap();
            assert_eq!(heard, "bye", "the last word, and the end of the stream");
        }
    });
}

#[test]
fn destructors_of_what_comes_too_late_find_the_runtime_too() {
    with_workers(|rt| {
        let seen = Counter::new();
        let probe = || {
            let seen = seen.clone();
            on_drop(move || {
                assert!(Handle::try_current().is_ok());
                drop(samovar::spawn(async {}));
                seen.add();
            })
        };
        // A job that waits for its turn behind one that ends with the runtime.
        let (open, gate) = mpsc::channel::<()>();
        let (started, start) = mpsc::channel();
        let only_thread = Builder::new_current_thread()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        let first = only_thread.spawn_blocking(move || {
            started.send(()).unwrap();
            let _ = gate.recv();
        });
        start.recv().unwrap();
        let held = probe();
        let waits = only_thread.spawn_blocking(move || drop(held));
        only_thread.shutdown_background();
        assert!(samovar::block_on(waits).unwrap_err().is_cancelled());
        drop(open);
        samovar::block_on(first).unwrap();
        // What is spawned on a runtime that has gone, by a thread that belongs to none.
        let handle = rt.handle().clone();
        drop(rt);
        let late = handle.spawn(holding(probe(), pending()));
        assert!(samovar::block_on(late).unwrap_err().is_cancelled());
        let held = probe();
        let late = handle.spawn_blocking(move || drop(held));
        assert!(samovar::block_on(late).unwrap_err().is_cancelled());
        assert_eq!(seen.get(), 3);
        assert!(Handle::try_current().is_err());
    });
}

#[test]
fn a_channel_s_ends_in_two_tasks_are_dropped_in_either_order() {
    with_workers(|rt| {
        /// Sends when it is dropped.
        struct Sends(Option<oneshot::Sender<()>>, oneshot::Receiver<()>);
        impl Drop for Sends {
            fn drop(&mut self) {
                self.1.close();
                let _ = self.0.take().unwrap().send(());
            }
        }
        let dropped = Counter::new();
        for _ in 0..50 {
            let ((a, at_b), (b, at_a)) = (oneshot::channel(), oneshot::channel());
            for (send, receive) in [(a, at_a), (b, at_b)] {
                let held = (Sends(Some(send), receive), dropped.on_drop());
                rt.spawn(async move {
                    let mut held = held;
                    let _ = (&mut held.0.1).await;
                });
            }
        }
        run_a_while(&rt);
        drop(rt);
        assert_eq!(dropped.get(), 100);
    });
}

// What keeps coming

#[test]
fn sockets_that_get_events_all_the_time_do_not_hinder_the_end() {
    with_workers(|first| {
        drop(first);
        for round in 0..24 {
            let rt = runtime(round % 3);
            let address = {
                let (tell, told) = mpsc::channel();
                rt.spawn(async move {
                    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                    tell.send(listener.local_addr().unwrap()).unwrap();
                    loop {
                        let (mut stream, _) = listener.accept().await.unwrap();
                        samovar::spawn(async move {
                            let mut bytes = [0; 16];
                            while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                                let _ = stream.write_all(&bytes[..count]).await;
                                sleep(MILLI / 100).await;
                            }
                        });
                    }
                });
                run_a_while(&rt);
                told.recv().unwrap()
            };
            let clients: Vec<_> = (0..4)
                .map(|_| {
                    thread::spawn(move || {
                        let Ok(mut stream) = std::net::TcpStream::connect(address) else {
                            return;
                        };
                        let mut answer = [0; 16];
                        // Until the runtime has gone: then there is an end, or an error.
                        while stream.write_all(&[1; 16]).is_ok()
                            && matches!(stream.read(&mut answer), Ok(1..))
                        {}
                    })
                })
                .collect();
            rt.block_on(async { sleep(round as u32 * MILLI / 10).await });
            drop(rt);
            for client in clients {
                client.join().unwrap();
            }
        }
    });
}

// Threads that end

/// What a thread that is none of the runtime's holds of it until its last moment.
struct LastWords {
    message: channel::UnboundedSender<&'static str>,
    answer: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    handle: Handle,
    spawned: Counter,
}

impl Drop for LastWords {
    fn drop(&mut self) {
        self.message.send("farewell").unwrap();
        self.answer.take().unwrap().send(()).unwrap();
        self.task.abort();
        let spawned = self.spawned.clone();
        self.handle.spawn(async move { spawned.add() });
    }
}

#[test]
fn a_thread_that_ends_may_send_answer_abort_and_spawn() {
    thread_local! {
        static LAST: RefCell<Option<LastWords>> = const { RefCell::new(None) };
    }
    with_workers(|rt| {
        for uses_the_runtime_first in [false, true] {
            let (message, mut inbox) = channel::unbounded_channel();
            let (answer, answered) = oneshot::channel();
            let (spawned, dropped) = (Counter::new(), Counter::new());
            let words = LastWords {
                message,
                answer: Some(answer),
                task: rt.spawn(holding(dropped.on_drop(), pending())),
                handle: rt.handle().clone(),
                spawned: spawned.clone(),
            };
            // Whichever thread-local is used first is destroyed last.
            let uses_the_runtime = |words: &LastWords| words.handle.block_on(async {});
            let thread = thread::spawn(move || {
                if uses_the_runtime_first {
                    uses_the_runtime(&words);
                }
                LAST.with(|_| ());
                if !uses_the_runtime_first {
                    uses_the_runtime(&words);
                }
                LAST.with(|last| *last.borrow_mut() = Some(words));
            });
            rt.block_on(async {
                assert_eq!(inbox.recv().await, Some("farewell"));
                answered.await.unwrap();
                while spawned.get() == 0 || dropped.get() == 0 {
                    sleep(MILLI).await;
                }
            });
            thread.join().unwrap();
        }
    });
}

// Processes that end

/// Says to this program, when it starts itself again, that it is the child.
const CHILD: &str = "SAMOVAR_TEST_CHILD";

/// Runs the test of this name once more, alone and as the child. It must end, and pass.
fn in_child(test: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the process does not end");
        }
        thread::sleep(MILLI);
    };
    assert!(status.success(), "{status}");
}

/// Leaves `rt`, which nobody will ever drop, with a thousand tasks that are at it.
fn leave_a_thousand_tasks(rt: &'static Runtime) {
    rt.block_on(async {
        for number in 0..1000_u32 {
            samovar::spawn(async move {
                loop {
                    match number % 3 {
                        0 => yield_now().await,
                        1 => sleep((number % 10) * MILLI / 10).await,
                        _ => drop(samovar::task::spawn_blocking(|| ()).await),
                    }
                }
            });
        }
        sleep(5 * MILLI).await;
    });
}

#[test]
fn a_process_whose_main_returns_ends_though_a_static_runtime_is_at_work() {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if std::env::var_os(CHILD).is_some() {
        leave_a_thousand_tasks(RUNTIME.get_or_init(|| multi_thread(2)));
        // The test harness returns from `main`.
        return;
    }
    in_child("a_process_whose_main_returns_ends_though_a_static_runtime_is_at_work");
}

#[test]
fn a_process_that_exits_in_a_task_ends() {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if std::env::var_os(CHILD).is_some() {
        let rt = RUNTIME.get_or_init(|| multi_thread(2));
        leave_a_thousand_tasks(rt);
        rt.block_on(async {
            samovar::spawn(async { std::process::exit(0) })
                .await
                .unwrap()
        });
    }
    in_child("a_process_that_exits_in_a_task_ends");
}

// Processes that are started

/// How many sockets, pollers and events a program has open that this process starts by `fork` and `exec`.
fn descriptors_of_a_child() -> usize {
    let output = forking(Command::new("ls").args(["-l", "/proc/self/fd"]))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success());
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(listed.contains("/dev/null"), "{listed}");
    let ours = |line: &&str| line.contains("socket:") || line.contains("anon_inode:");
    listed.lines().filter(ours).count()
}

/// A command that std starts by `fork` proper, not by the kernel's shortcut: that one cannot set a user.
fn forking(command: &mut Command) -> &mut Command {
    command.uid(rustix::process::getuid().as_raw())
}

#[test]
fn a_program_that_is_started_beside_a_runtime_inherits_nothing_and_harms_nobody() {
    if !cfg!(target_os = "linux") {
        return;
    }
    watchdog(60, || {
        let before = descriptors_of_a_child();
        let rt = multi_thread(2);
        let ticks = Counter::new();
        let (sockets, server) = rt.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let connected = samovar::spawn(TcpStream::connect(address));
            let (accepted, _) = listener.accept().await.unwrap();
            let connected = connected.await.unwrap().unwrap();
            let datagrams = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let pair = UnixStream::pair().unwrap();
            let ticks = ticks.clone();
            let server = samovar::spawn(async move {
                loop {
                    sleep(MILLI / 10).await;
                    ticks.add();
                }
            });
            ((listener, accepted, connected, datagrams, pair), server)
        });
        assert_eq!(descriptors_of_a_child(), before);
        for _ in 0..20 {
            // A child that ends at once, for there is no such program.
            let error = forking(&mut Command::new("/no/such/program"))
                .spawn()
                .unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
            let seen = ticks.get();
            rt.block_on(async {
                while ticks.get() < seen + 2 {
                    sleep(MILLI / 10).await;
                }
            });
        }
        server.abort();
        drop((rt, sockets));
    });
}

// Threads that meet at the end

#[test]
fn many_threads_drop_the_last_reference_at_once() {
    with_workers(|first| {
        drop(first);
        for round in 0..30 {
            let rt = Arc::new(runtime(round % 3));
            let dropped = Counter::new();
            for _ in 0..20 {
                let probe = dropped.on_drop();
                rt.spawn(async move {
                    let _probe = probe;
                    sleep(Duration::from_secs(3600)).await;
                });
            }
            let start = Arc::new(Barrier::new(4));
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (rt, start) = (rt.clone(), start.clone());
                    thread::spawn(move || {
                        rt.block_on(yield_now());
                        start.wait();
                        drop(rt);
                    })
                })
                .collect();
            drop(rt);
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(dropped.get(), 20);
        }
    });
}
