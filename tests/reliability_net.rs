//! Sockets in the situations that have broken reactors elsewhere: errors that are no `WouldBlock`, urgent bytes, half-closed
//! peers, other threads, a process that is stopped. `docs/reliability.md` says which case each test stands for.
#![cfg(target_os = "linux")]

mod support;

use std::env;
use std::fs::File;
use std::future::poll_fn;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::thread;

use futures::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use rustix::process::{Pid, Signal, kill_process};
use samovar::net::{Interest, TcpListener, TcpStream, UdpSocket, UnixStream};
use samovar::runtime::{Handle, Runtime};
use samovar::sync::oneshot;
use samovar::task::yield_now;
use samovar::time::{Duration, Instant, MissedTickBehavior, interval_at, sleep};
use socket2::SockRef;
use support::{current_thread, in_child, multi_thread, on_both, processor_time, watchdog};

const MS: Duration = Duration::from_millis(1);

/// One end of ours, and one of the standard library.
async fn with_std() -> (TcpStream, std::net::TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let theirs = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (ours, _) = listener.accept().await.unwrap();
    (ours, theirs)
}

/// Waits for so long, with nothing to run, and fails when the only worker did not sleep meanwhile.
async fn expect_sleep(wait: Duration) {
    let metrics = Handle::current().metrics();
    let rounds = || metrics.worker_park_count(0) + metrics.worker_poll_count(0);
    // Not a timer: its own wait would hide one that returns at once, again and again.
    let (done, ended) = oneshot::channel();
    let other = thread::spawn(move || {
        thread::sleep(wait);
        done.send(()).unwrap();
    });
    let before = (rounds(), processor_time());
    ended.await.unwrap();
    let (rounds, used) = (rounds() - before.0, processor_time() - before.1);
    // Who spins goes round thousands of times, however busy the machine is.
    assert!(rounds < 100, "it woke {rounds} times in {wait:?}");
    assert!(
        used < wait / 2,
        "it took {used:?} of processor time to wait for {wait:?}"
    );
    other.join().unwrap();
}

// Errors.

#[test]
fn an_error_that_is_not_would_block_leaves_the_socket_ready() {
    on_both(|| async {
        let (ours, mut theirs) = with_std().await;
        theirs.write_all(b"tea").unwrap();
        ours.readable().await.unwrap();
        for kind in [
            ErrorKind::ConnectionReset,
            ErrorKind::Interrupted,
            ErrorKind::Other,
        ] {
            let tried = ours.try_io::<()>(Interest::READABLE, || Err(kind.into()));
            assert_eq!(tried.unwrap_err().kind(), kind);
            assert!(matches!(
                futures::poll!(Box::pin(ours.readable())),
                Poll::Ready(Ok(()))
            ));
        }
        assert_eq!(ours.try_read(&mut [0; 8]).unwrap(), 3);
    });
}

#[test]
fn a_listener_that_waited_and_finds_no_descriptor_left_tries_again_without_an_event() {
    in_child(
        "a_listener_that_waited_and_finds_no_descriptor_left_tries_again_without_an_event",
        64,
        || {
            current_thread().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let mut accept = Box::pin(listener.accept());
                // Registered from here on: the one event of the connection comes while there are no descriptors.
                assert!(futures::poll!(&mut accept).is_pending());
                let mut client = std::net::TcpStream::connect(address).unwrap();
                let mut files = Vec::new();
                while let Ok(file) = File::open("/dev/null") {
                    files.push(file);
                }
                let error = accept.await.unwrap_err();
                assert_eq!(error.raw_os_error(), Some(24), "{error}");
                assert!(listener.accept().await.is_err());
                drop(files);
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(b"at last").await.unwrap();
                drop(stream);
                let mut answer = String::new();
                client.read_to_string(&mut answer).unwrap();
                assert_eq!(answer, "at last");
            });
        },
    );
}

#[test]
fn a_refused_datagram_does_not_end_the_writing() {
    on_both(|| async {
        let ours = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        // An address where no other test takes the port that is given up.
        let theirs = UdpSocket::bind("127.0.0.3:0").await.unwrap();
        ours.connect(theirs.local_addr().unwrap()).await.unwrap();
        let mut buffer = [0; 8];
        // Registered before, so that the refusal is an event, with room to write and an error.
        assert!(futures::poll!(Box::pin(ours.recv(&mut buffer))).is_pending());
        drop(theirs);
        ours.send(b"anybody?").await.unwrap();
        let error = ours.recv(&mut buffer).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let ready = ours.ready(Interest::WRITABLE).await.unwrap();
        assert!(!ready.is_write_closed());
        // When there is no room one day, it is waited for; and not tried for ever.
        let full = ours.try_io::<()>(Interest::WRITABLE, || Err(ErrorKind::WouldBlock.into()));
        assert_eq!(full.unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(futures::poll!(Box::pin(ours.writable())).is_pending());
    });
}

#[test]
fn a_duplicate_that_gets_the_number_of_the_dropped_socket_can_be_registered() {
    // In a process of its own: there nobody else takes the number.
    in_child(
        "a_duplicate_that_gets_the_number_of_the_dropped_socket_can_be_registered",
        64,
        || {
            current_thread().block_on(async {
                let (ours, mut theirs) = with_std().await;
                assert!(futures::poll!(Box::pin(ours.readable())).is_pending());
                let number = ours.as_raw_fd();
                let duplicate = ours.as_fd().try_clone_to_owned().unwrap();
                drop(ours);
                let again = duplicate.try_clone().unwrap();
                assert_eq!(again.as_raw_fd(), number, "the lowest number that is free");
                // The kernel knows it by the open connection and this number: had the dropped one stayed in its table, it
                // would refuse this one.
                let mut again = TcpStream::from_std(again.into()).unwrap();
                let reader = samovar::spawn(async move { again.read(&mut [0; 8]).await.unwrap() });
                yield_now().await;
                theirs.write_all(b"tea").unwrap();
                assert_eq!(reader.await.unwrap(), 3);
            });
        },
    );
}

#[test]
fn a_peer_that_breaks_off_ends_the_write_and_the_read_that_wait() {
    on_both(|| async {
        let (ours, mut theirs) = with_std().await;
        // Closed with data unread: that is a reset.
        let (mut reader, writer) = ours.into_split();
        let waiting = samovar::spawn(write_for_ever(writer));
        let reading = samovar::spawn(async move { reader.read(&mut [0; 8]).await });
        sleep(20 * MS).await;
        theirs.read_exact(&mut [0; 1]).unwrap();
        assert!(!waiting.is_finished() && !reading.is_finished());
        drop(theirs);
        // The connection has one error to tell: who asks second hears that it is over.
        let kind = waiting.await.unwrap();
        assert!(matches!(
            kind,
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
        ));
        match reading.await.unwrap() {
            Ok(count) => assert_eq!(count, 0),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }

        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut reader, writer) = ours.into_split();
        let waiting = samovar::spawn(write_for_ever(writer));
        let reading = samovar::spawn(async move { reader.read(&mut [0; 8]).await });
        sleep(20 * MS).await;
        assert!(!waiting.is_finished() && !reading.is_finished());
        drop(theirs);
        let kind = waiting.await.unwrap();
        assert!(matches!(
            kind,
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
        ));
        match reading.await.unwrap() {
            Ok(count) => assert_eq!(count, 0),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    });
}

/// Writes until an error ends it; once the buffers are full it waits for room.
async fn write_for_ever(mut writer: impl AsyncWrite + Unpin) -> ErrorKind {
    loop {
        if let Err(error) = writer.write_all(&[1; 65_536]).await {
            return error.kind();
        }
    }
}

// Events that are not for everybody.

#[test]
fn room_to_write_does_not_wake_who_reads() {
    const LENGTH: usize = 4 << 20;
    on_both(|| async {
        let (ours, mut theirs) = with_std().await;
        let (mut reader, mut writer) = ours.into_split();
        let polls = Arc::new(AtomicUsize::new(0));
        let counted = polls.clone();
        let reading = samovar::spawn(async move {
            let mut buffer = [0; 8];
            let mut read = reader.read(&mut buffer);
            poll_fn(|cx| {
                counted.fetch_add(1, SeqCst);
                std::future::Future::poll(Pin::new(&mut read), cx)
            })
            .await
            .unwrap()
        });
        let drain = thread::spawn(move || {
            let mut all = vec![0; LENGTH];
            // In pieces, so that the writer waits for room again and again.
            for piece in all.chunks_mut(64 << 10) {
                theirs.read_exact(piece).unwrap();
            }
            theirs
        });
        let writing = samovar::spawn(async move {
            writer.write_all(&vec![1; LENGTH]).await.unwrap();
            writer
        });
        let _writer = writing.await.unwrap();
        assert!(
            polls.load(SeqCst) <= 2,
            "the reader was polled {polls:?} times"
        );
        let mut theirs = drain.join().unwrap();
        theirs.write_all(b"tea").unwrap();
        assert_eq!(reading.await.unwrap(), 3);
    });
}

#[test]
fn a_half_closed_connection_with_an_open_request_costs_no_processor_time() {
    /// More than the buffers of both ends hold.
    const LENGTH: usize = 32 << 20;
    watchdog(60, || {
        current_thread().block_on(async {
            let (mut ours, mut theirs) = with_std().await;
            let mut buffer = [0; 8];
            assert!(futures::poll!(Box::pin(ours.read(&mut buffer))).is_pending());
            theirs.shutdown(std::net::Shutdown::Write).unwrap();
            assert_eq!(ours.read(&mut buffer).await.unwrap(), 0);
            // The answer is not ready yet: nobody waits for the socket.
            expect_sleep(100 * MS).await;
            // The answer is longer than the buffers: a task waits for room, and the peer's end of sending is no room.
            let answer = samovar::spawn(async move {
                ours.write_all(&vec![1; LENGTH]).await.unwrap();
            });
            sleep(50 * MS).await;
            expect_sleep(100 * MS).await;
            let client = thread::spawn(move || {
                let mut all = Vec::new();
                theirs.read_to_end(&mut all).unwrap();
                all.len()
            });
            answer.await.unwrap();
            assert_eq!(client.join().unwrap(), LENGTH);
        });
    });
}

/// Reads to the end.
async fn read_all(mut stream: TcpStream) -> Vec<u8> {
    let mut text = Vec::new();
    let mut buffer = [0; 64];
    loop {
        match stream.read(&mut buffer).await.unwrap() {
            0 => return text,
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
}

#[test]
fn an_urgent_byte_is_no_data_no_end_and_no_reason_to_spin() {
    watchdog(60, || {
        current_thread().block_on(async {
            // Nothing but the byte: whoever waits for data goes on waiting.
            let (ours, mut theirs) = with_std().await;
            let reader = samovar::spawn(read_all(ours));
            yield_now().await;
            SockRef::from(&theirs).send_out_of_band(b"!").unwrap();
            expect_sleep(100 * MS).await;
            assert!(!reader.is_finished());
            theirs.write_all(b"tea").unwrap();
            drop(theirs);
            assert_eq!(reader.await.unwrap(), b"tea");

            // In the middle of data: a read ends there, although more follows and no further event tells.
            let (ours, mut theirs) = with_std().await;
            let reader = samovar::spawn(async move {
                let mut ours = ours;
                let mut text = [0; 64];
                let mut received = 0;
                while received < 8 {
                    received += ours.read(&mut text[received..]).await.unwrap();
                }
                assert_eq!(&text[..received], b"one, two");
                ours
            });
            yield_now().await;
            theirs.write_all(b"one, ").unwrap();
            SockRef::from(&theirs).send_out_of_band(b"!").unwrap();
            theirs.write_all(b"two").unwrap();
            let ours = reader.await.unwrap();

            // And just before the end.
            let reader = samovar::spawn(read_all(ours));
            yield_now().await;
            SockRef::from(&theirs).send_out_of_band(b"!").unwrap();
            drop(theirs);
            assert_eq!(reader.await.unwrap(), b"");
        });
    });
}

// Threads.

#[test]
fn sockets_that_come_and_go_on_other_threads_are_served_while_the_worker_waits() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 200;
    for runtime in [current_thread as fn() -> Runtime, multi_thread] {
        watchdog(60, || {
            let runtime = runtime();
            let (done, finished) = oneshot::channel();
            let running = Arc::new((AtomicUsize::new(THREADS), std::sync::Mutex::new(Some(done))));
            let strangers: Vec<_> = (0..THREADS)
                .map(|_| {
                    let (handle, running) = (runtime.handle().clone(), running.clone());
                    thread::spawn(move || {
                        let _inside = handle.enter();
                        for round in 0..ROUNDS {
                            come_and_go(round);
                        }
                        if running.0.fetch_sub(1, SeqCst) == 1 {
                            let done = running.1.lock().unwrap().take().unwrap();
                            done.send(()).unwrap();
                        }
                    })
                })
                .collect();
            // This thread has nothing to do but to wait in the kernel.
            runtime.block_on(finished).unwrap();
            for stranger in strangers {
                stranger.join().unwrap();
            }
        });
    }
}

/// Registers two sockets on a thread that is no worker, waits for one of them, and takes both back.
fn come_and_go(round: usize) {
    samovar::block_on(async {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let mut buffer = [0; 8];
        if round % 2 == 0 {
            // Taken back while it is waited for.
            assert!(futures::poll!(Box::pin(theirs.readable())).is_pending());
        }
        let read = ours.read(&mut buffer);
        let write = async {
            yield_now().await;
            theirs.write_all(b"tea").await.unwrap();
        };
        let (count, ()) = futures::join!(read, write);
        assert_eq!(count.unwrap(), 3);
    });
}

// A process that is stopped.

/// Set in the process that [`a_process_that_was_stopped_goes_on_as_if_it_had_been_slow`] stops.
const STOPPED: &str = "SAMOVAR_TEST_STOPPED";

#[test]
fn a_process_that_was_stopped_goes_on_as_if_it_had_been_slow() {
    if env::var_os(STOPPED).is_some() {
        return watchdog(60, || multi_thread().block_on(be_stopped()));
    }
    watchdog(60, || {
        let name = "a_process_that_was_stopped_goes_on_as_if_it_had_been_slow";
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", name, "--test-threads=1", "--nocapture"])
            .env(STOPPED, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&child);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .find_map(|line| Some(line.unwrap().strip_prefix("address ")?.to_owned()))
            .expect("the child says where it is");
        // Whatever else it says must not stop it either.
        let rest = thread::spawn(move || lines.map_while(Result::ok).count());
        let mut client = std::net::TcpStream::connect(address).unwrap();
        let mut ask = |question: &[u8]| {
            client.write_all(question).unwrap();
            let mut answer = vec![0; question.len()];
            client.read_exact(&mut answer).unwrap();
            assert_eq!(answer, question);
        };
        ask(b"before");
        for _ in 0..3 {
            kill_process(pid, Signal::STOP).unwrap();
            wait_until_stopped(pid);
            thread::sleep(STOP);
            kill_process(pid, Signal::CONT).unwrap();
            ask(b"after");
        }
        drop(client);
        assert!(child.wait().unwrap().success());
        rest.join().unwrap();
    });
}

/// How long the process is stopped each time.
const STOP: Duration = Duration::from_millis(200);

/// Waits until the kernel says that the process is stopped.
fn wait_until_stopped(pid: Pid) {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    loop {
        let stat = std::fs::read_to_string(&path).unwrap();
        // The state follows the name, which is in parentheses.
        if stat[stat.rfind(')').unwrap()..].starts_with(") T") {
            return;
        }
        thread::sleep(MS);
    }
}

/// Echoes one client until it leaves; meanwhile timers of all kinds run.
async fn be_stopped() {
    let over = Arc::new(AtomicBool::new(false));
    let pacers = [
        MissedTickBehavior::Burst,
        MissedTickBehavior::Delay,
        MissedTickBehavior::Skip,
    ]
    .map(|behavior| samovar::spawn(keep_pace(behavior, over.clone())));
    let sleeper = samovar::spawn({
        let over = over.clone();
        async move {
            while !over.load(SeqCst) {
                let deadline = Instant::now() + 7 * MS;
                sleep(7 * MS).await;
                assert!(Instant::now() >= deadline, "early");
            }
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // The harness has left its own words on the line before.
    println!("\naddress {}", listener.local_addr().unwrap());
    let (stream, _) = listener.accept().await.unwrap();
    let (reader, mut writer) = stream.into_split();
    futures::io::copy(reader, &mut writer).await.unwrap();
    over.store(true, SeqCst);
    for pacer in pacers {
        pacer.await.unwrap();
    }
    sleeper.await.unwrap();
}

/// Takes ticks until it is over, and looks whether they are those that the behavior promises after a stall.
async fn keep_pace(behavior: MissedTickBehavior, over: Arc<AtomicBool>) {
    const PERIOD: Duration = Duration::from_millis(10);
    let start = Instant::now();
    let mut interval = interval_at(start, PERIOD);
    interval.set_missed_tick_behavior(behavior);
    let mut last = interval.tick().await;
    let mut longest = Duration::ZERO;
    // Of the two ticks after the end the first may be the late one, and the second the one that follows it.
    let mut more = 2;
    while more > 0 {
        more -= usize::from(over.load(SeqCst));
        let due = interval.tick().await;
        let step = due - last;
        match behavior {
            MissedTickBehavior::Burst => assert_eq!(step, PERIOD),
            MissedTickBehavior::Delay => assert!(step >= PERIOD),
            MissedTickBehavior::Skip => {
                assert_eq!((due - start).as_nanos() % PERIOD.as_nanos(), 0);
            }
        }
        longest = longest.max(step);
        last = due;
    }
    if behavior == MissedTickBehavior::Burst {
        // It makes up for what was missed: the marks reach the present, without a gap.
        let end = Instant::now();
        while last < end {
            let due = interval.tick().await;
            assert_eq!(due - last, PERIOD);
            last = due;
        }
    } else {
        assert!(longest > STOP - 2 * PERIOD, "no tick was left out");
    }
}
