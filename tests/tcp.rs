//! TCP: connections, their ends, and what goes wrong with them.

mod support;

use std::fs::File;
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use samovar::net::{Interest, TcpListener, TcpStream, UnixStream, lookup_host};
use samovar::time::{sleep, timeout};
use support::{current_thread, in_child, multi_thread, on_both, watchdog};

/// Two ends of one connection.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (theirs, _) = listener.accept().await.unwrap();
    (ours, theirs)
}

/// One end of ours, and one of the standard library, which is an independent opinion.
async fn with_std() -> (TcpStream, std::net::TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let theirs = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (ours, peer) = listener.accept().await.unwrap();
    assert_eq!(peer, theirs.local_addr().unwrap());
    (ours, theirs)
}

/// A port at which nobody listens, nor will another test that binds port 0 meanwhile: the system gives out none so low, and
/// nobody has served this one, tcpmux, for decades.
fn closed_port() -> SocketAddr {
    "127.0.0.1:1".parse().unwrap()
}

/// Waits until somebody waits in the reactor for the socket: nothing tells, so it lets everything run.
async fn let_others_wait() {
    for _ in 0..100 {
        samovar::task::yield_now().await;
    }
    sleep(Duration::from_millis(10)).await;
}

// Addresses.

#[test]
fn every_kind_of_address_can_be_bound() {
    on_both(|| async {
        let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
        TcpListener::bind("127.0.0.1:0").await.unwrap();
        TcpListener::bind(&String::from("127.0.0.1:0"))
            .await
            .unwrap();
        TcpListener::bind((String::from("127.0.0.1"), 0))
            .await
            .unwrap();
        TcpListener::bind(("localhost", 0)).await.unwrap();
        TcpListener::bind("localhost:0").await.unwrap();
        TcpListener::bind(&address).await.unwrap();
        TcpListener::bind(&[address][..]).await.unwrap();
        assert!(
            lookup_host("localhost:80")
                .await
                .unwrap()
                .all(|found| found.ip().is_loopback())
        );
    });
}

#[test]
fn a_future_with_a_borrowed_address_can_be_awaited_in_a_task() {
    on_both(|| async {
        samovar::spawn(async {
            let text = String::from("127.0.0.1:0");
            TcpListener::bind(text.as_str()).await.unwrap();
        })
        .await
        .unwrap();
    });
}

#[test]
fn the_second_listener_is_told_which_address_is_taken() {
    on_both(|| async {
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = first.local_addr().unwrap();
        let error = TcpListener::bind(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(
            error
                .to_string()
                .starts_with(&format!("cannot listen on {address}: ")),
            "{error}"
        );
    });
}

#[test]
fn of_several_addresses_the_first_that_works_is_taken() {
    on_both(|| async {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = closed_port();
        let addresses = [taken.local_addr().unwrap(), "127.0.0.1:0".parse().unwrap()];
        let listener = TcpListener::bind(&addresses[..]).await.unwrap();
        let addresses = [closed, listener.local_addr().unwrap()];
        let stream = TcpStream::connect(&addresses[..]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), addresses[1]);

        let error = TcpStream::connect(&[][..]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

// Connecting and accepting.

#[test]
fn a_closed_port_refuses_in_connect_not_in_the_first_write() {
    on_both(|| async {
        let closed = closed_port();
        for _ in 0..50 {
            let error = TcpStream::connect(closed).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            assert!(error.to_string().contains(&closed.to_string()), "{error}");
        }
    });
}

#[test]
fn a_connect_that_gets_no_answer_is_ended_by_a_timeout_and_leaves_no_descriptor() {
    in_child(
        "a_connect_that_gets_no_answer_is_ended_by_a_timeout_and_leaves_no_descriptor",
        500,
        || {
            // Where the queue of a listener is full, the kernel answers no more.
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let moment = Duration::from_millis(300);
            let mut queued = Vec::new();
            while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, moment) {
                queued.push(stream);
                assert!(queued.len() < 400, "the queue has no end");
            }
            current_thread().block_on(async {
                for _ in 0..500 {
                    // More often than there are descriptors. The kernel keeps what it began only while we do.
                    let connect = TcpStream::connect(address);
                    let ended = timeout(Duration::from_micros(100), connect).await;
                    assert!(ended.is_err(), "{ended:?}");
                }
            });
        },
    );
}

#[test]
fn accept_that_is_dropped_takes_no_connection() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut accept = Box::pin(listener.accept());
        assert!(futures::poll!(&mut accept).is_pending());
        let client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        drop(accept);
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
    });
}

#[test]
fn several_tasks_accept_and_no_connection_is_lost() {
    on_both(|| async {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.local_addr().unwrap();
        let servers: Vec<_> = (0..4)
            .map(|_| {
                let listener = listener.clone();
                samovar::spawn(async move {
                    for _ in 0..25 {
                        listener
                            .accept()
                            .await
                            .unwrap()
                            .0
                            .write_all(b"t")
                            .await
                            .unwrap();
                    }
                })
            })
            .collect();
        for _ in 0..100 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let mut answer = [0];
            stream.read_exact(&mut answer).await.unwrap();
        }
        for server in servers {
            server.await.unwrap();
        }
    });
}

#[test]
fn without_descriptors_accept_fails_lets_others_run_and_loses_nothing() {
    in_child(
        "without_descriptors_accept_fails_lets_others_run_and_loses_nothing",
        64,
        || {
            current_thread().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let mut client =
                    std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                let mut files = Vec::new();
                while let Ok(file) = File::open("/dev/null") {
                    files.push(file);
                }
                let other_ran = Arc::new(AtomicBool::new(false));
                let server = samovar::spawn({
                    let other_ran = other_ran.clone();
                    async move {
                        while !other_ran.load(Ordering::SeqCst) {
                            let error = listener.accept().await.unwrap_err();
                            assert_eq!(error.raw_os_error(), Some(24), "{error}");
                        }
                        files.pop();
                        let (mut stream, _) = listener.accept().await.unwrap();
                        stream.write_all(b"at last").await.unwrap();
                    }
                });
                let other = samovar::spawn(async move { other_ran.store(true, Ordering::SeqCst) });
                other.await.unwrap();
                server.await.unwrap();
                let mut answer = String::new();
                client.read_to_string(&mut answer).unwrap();
                assert_eq!(answer, "at last");
            });
        },
    );
}

#[test]
fn what_an_accepted_socket_has_already_is_read_at_the_first_poll() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut theirs = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        theirs.write_all(b"tea").unwrap();
        let (mut ours, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 8];
        assert!(matches!(
            futures::poll!(ours.read(&mut buffer)),
            Poll::Ready(Ok(3))
        ));
        assert!(matches!(
            futures::poll!(ours.write(b"cup")),
            Poll::Ready(Ok(3))
        ));
    });
}

// Reading and writing.

#[test]
fn an_echo_of_many_small_messages_loses_no_wakeup() {
    on_both(|| async {
        let (mut ours, mut theirs) = with_std().await;
        theirs.set_nodelay(true).unwrap();
        ours.set_nodelay(true).unwrap();
        let client = thread::spawn(move || {
            let mut buffer = [0; 16];
            for n in 0..2_000_u32 {
                theirs.write_all(&n.to_le_bytes()).unwrap();
                theirs.read_exact(&mut buffer[..4]).unwrap();
                assert_eq!(buffer[..4], n.to_le_bytes());
            }
        });
        let mut buffer = [0; 64];
        loop {
            let count = ours.read(&mut buffer).await.unwrap();
            if count == 0 {
                break;
            }
            ours.write_all(&buffer[..count]).await.unwrap();
        }
        client.join().unwrap();
    });
}

#[test]
fn data_and_the_end_in_one_event_are_both_read() {
    on_both(|| async {
        for _ in 0..100 {
            let (mut ours, mut theirs) = with_std().await;
            // Registered, and waiting, when both arrive.
            let reader = samovar::spawn(async move {
                let mut text = Vec::new();
                let mut buffer = [0; 64];
                loop {
                    match ours.read(&mut buffer).await.unwrap() {
                        0 => break text,
                        count => text.extend_from_slice(&buffer[..count]),
                    }
                }
            });
            samovar::task::yield_now().await;
            theirs.write_all(b"short").unwrap();
            drop(theirs);
            assert_eq!(reader.await.unwrap(), b"short");
        }
    });
}

#[test]
fn both_peers_write_four_megabytes_at_the_same_time() {
    const LENGTH: usize = 4 << 20;

    async fn fill(mut writer: impl AsyncWrite + Unpin, byte: u8) {
        writer.write_all(&vec![byte; LENGTH]).await.unwrap();
        writer.close().await.unwrap();
    }

    async fn drain(mut reader: impl AsyncRead + Unpin, byte: u8) {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.unwrap();
        assert!(all.len() == LENGTH && all.iter().all(|&each| each == byte));
    }

    on_both(|| async {
        let (ours, mut theirs) = pair().await;
        let (our_reader, our_writer) = ours.into_split();
        let tasks = [
            samovar::spawn(fill(our_writer, 1)),
            samovar::spawn(drain(our_reader, 2)),
            samovar::spawn(async move {
                let (reader, writer) = TcpStream::split(&mut theirs);
                futures::join!(fill(writer, 2), drain(reader, 1));
            }),
        ];
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn after_the_peer_has_ended_sending_it_still_gets_the_answer() {
    on_both(|| async {
        let (mut ours, mut theirs) = with_std().await;
        let client = thread::spawn(move || {
            theirs.write_all(&[1; 100_000]).unwrap();
            theirs.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            theirs.read_to_end(&mut answer).unwrap();
            answer.len()
        });
        let mut request = Vec::new();
        ours.read_to_end(&mut request).await.unwrap();
        assert_eq!(request.len(), 100_000);
        for _ in 0..3 {
            assert_eq!(ours.read(&mut [0; 8]).await.unwrap(), 0);
        }
        ours.write_all(&vec![2; 2_000_000]).await.unwrap();
        drop(ours);
        assert_eq!(client.join().unwrap(), 2_000_000);
    });
}

#[test]
fn a_half_closed_connection_that_waits_does_not_spin() {
    on_both(|| async {
        let (mut ours, theirs) = with_std().await;
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(ours.read(&mut [0; 8]).await.unwrap(), 0);
        let polls = Arc::new(AtomicUsize::new(0));
        let counted = polls.clone();
        let writer = samovar::spawn(async move {
            poll_fn(|cx| {
                counted.fetch_add(1, Ordering::SeqCst);
                loop {
                    // Until the buffers are full; then nothing happens, and nobody must poll.
                    if Pin::new(&mut ours)
                        .poll_write(cx, &[0; 65_536])?
                        .is_pending()
                    {
                        return Poll::<std::io::Result<()>>::Pending;
                    }
                }
            })
            .await
        });
        sleep(Duration::from_millis(200)).await;
        let before = polls.load(Ordering::SeqCst);
        sleep(Duration::from_millis(200)).await;
        assert!(
            polls.load(Ordering::SeqCst) - before <= 2,
            "the idle connection was polled"
        );
        writer.abort();
    });
}

#[test]
fn empty_buffers_are_done_at_once() {
    on_both(|| async {
        let (mut ours, theirs) = pair().await;
        // Nothing is there to be read, so anything but an immediate answer would wait.
        assert_eq!(ours.read(&mut []).await.unwrap(), 0);
        assert_eq!(ours.write(&[]).await.unwrap(), 0);
        let mut nothing: [u8; 0] = [];
        assert_eq!(
            ours.read_vectored(&mut [IoSliceMut::new(&mut nothing)])
                .await
                .unwrap(),
            0
        );
        assert_eq!(ours.write_vectored(&[IoSlice::new(&[])]).await.unwrap(), 0);
        assert_eq!(ours.peek(&mut []).await.unwrap(), 0);
        assert_eq!(ours.try_read(&mut []).unwrap(), 0);
        assert_eq!(
            ours.try_read(&mut [0]).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        drop(theirs);
    });
}

#[test]
fn vectored_calls_use_every_buffer_however_many() {
    on_both(|| async {
        let (mut ours, mut theirs) = pair().await;
        // More than the system takes in one call.
        let parts: Vec<_> = (0..2_000).map(|_| IoSlice::new(b"ab")).collect();
        let mut sent = 0;
        while sent < 4_000 {
            assert_eq!(sent % 2, 0);
            sent += ours.write_vectored(&parts[sent / 2..]).await.unwrap();
        }
        let mut received = 0;
        while received < 4_000 {
            let mut buffers = vec![[0; 1]; 2_000];
            let mut slices: Vec<_> = buffers
                .iter_mut()
                .map(|buffer| IoSliceMut::new(buffer))
                .collect();
            received += theirs.read_vectored(&mut slices).await.unwrap();
        }
        assert_eq!(received, 4_000);
    });
}

#[test]
fn peeking_takes_nothing_and_stops_no_events() {
    on_both(|| async {
        let (mut ours, mut theirs) = pair().await;
        let mut buffer = [0; 8];
        for _ in 0..10 {
            let peeker = async {
                assert_eq!(ours.peek(&mut buffer).await.unwrap(), 3);
            };
            // The peek waits first, then the data comes.
            let writer = async {
                let_others_wait().await;
                theirs.write_all(b"tea").await.unwrap();
            };
            futures::join!(peeker, writer);
            assert_eq!(ours.peek(&mut buffer).await.unwrap(), 3);
            assert_eq!(ours.read(&mut buffer).await.unwrap(), 3);
        }
    });
}

#[test]
fn closing_twice_is_no_error_and_neither_is_closing_what_was_reset() {
    on_both(|| async {
        let (mut ours, theirs) = with_std().await;
        ours.close().await.unwrap();
        ours.close().await.unwrap();
        let error = ours.write(b"late").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        drop(theirs);

        // Closed with data unread: a reset.
        let (mut ours, theirs) = with_std().await;
        ours.write_all(b"unread").await.unwrap();
        theirs.peek(&mut [0; 8]).unwrap();
        drop(theirs);
        let error = ours.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        match ours.close().await {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    });
}

// Readiness.

#[test]
fn three_tasks_that_wait_for_one_socket_are_all_woken() {
    on_both(|| async {
        let (ours, mut theirs) = pair().await;
        let ours = Arc::new(ours);
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let ours = ours.clone();
                samovar::spawn(async move { ours.readable().await.unwrap() })
            })
            .collect();
        let_others_wait().await;
        theirs.write_all(b"tea").await.unwrap();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn ready_tells_the_directions_and_the_end() {
    on_both(|| async {
        let (ours, theirs) = pair().await;
        let both = Interest::READABLE | Interest::WRITABLE;
        let ready = ours.ready(both).await.unwrap();
        assert!(ready.is_writable() && !ready.is_read_closed());
        theirs.try_write(b"tea").unwrap();
        assert!(ours.ready(Interest::READABLE).await.unwrap().is_readable());
        assert_eq!(ours.try_read(&mut [0; 8]).unwrap(), 3);
        drop(theirs);
        // The event of the data may still be on its way, and the end is one of its own.
        while !ours
            .ready(Interest::READABLE)
            .await
            .unwrap()
            .is_read_closed()
        {
            match ours.try_read(&mut [0; 8]) {
                Ok(count) => assert_eq!(count, 0),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            samovar::task::yield_now().await;
        }
    });
}

#[test]
fn an_operation_of_ones_own_that_would_block_makes_the_next_wait_wait() {
    on_both(|| async {
        let (ours, mut theirs) = pair().await;
        theirs.write_all(b"tea").await.unwrap();
        ours.readable().await.unwrap();
        let blocked = ours.try_io::<()>(Interest::READABLE, || Err(ErrorKind::WouldBlock.into()));
        assert_eq!(blocked.unwrap_err().kind(), ErrorKind::WouldBlock);
        let mut again = pin!(ours.readable());
        assert!(futures::poll!(&mut again).is_pending());
        theirs.write_all(b"more").await.unwrap();
        again.await.unwrap();
    });
}

#[test]
fn one_event_among_many_idle_sockets_wakes_one_task() {
    on_both(|| async {
        let wakes = Arc::new(AtomicUsize::new(0));
        let mut peers = Vec::new();
        let mut tasks = Vec::new();
        for _ in 0..100 {
            let (ours, theirs) = pair().await;
            peers.push(theirs);
            let wakes = wakes.clone();
            tasks.push(samovar::spawn(async move {
                ours.readable().await.unwrap();
                wakes.fetch_add(1, Ordering::SeqCst);
            }));
        }
        let_others_wait().await;
        peers[50].write_all(b"tea").await.unwrap();
        tasks.remove(50).await.unwrap();
        let_others_wait().await;
        assert_eq!(wakes.load(Ordering::SeqCst), 1);
        drop(peers);
        for task in tasks {
            task.await.unwrap();
        }
    });
}

// Halves.

#[test]
fn dropping_the_owned_writing_half_ends_the_stream_and_forgetting_it_does_not() {
    on_both(|| async {
        let (ours, mut theirs) = pair().await;
        let (reader, writer) = ours.into_split();
        drop(writer);
        assert_eq!(theirs.read(&mut [0; 8]).await.unwrap(), 0);
        drop(reader);

        let (ours, mut theirs) = pair().await;
        let (mut reader, writer) = ours.into_split();
        writer.forget();
        assert!(futures::poll!(theirs.read(&mut [0; 8])).is_pending());
        theirs.write_all(b"tea").await.unwrap();
        assert_eq!(reader.read(&mut [0; 8]).await.unwrap(), 3);
        assert_eq!(reader.peer_addr().unwrap(), theirs.local_addr().unwrap());
    });
}

#[test]
fn only_the_two_halves_of_one_stream_are_reunited() {
    on_both(|| async {
        let (ours, theirs) = pair().await;
        let (our_reader, our_writer) = ours.into_split();
        let (their_reader, their_writer) = theirs.into_split();
        let error = our_reader.reunite(their_writer).unwrap_err();
        assert_eq!(
            error.to_string(),
            "these are not the two halves of one stream"
        );
        let mut ours = our_writer.reunite(error.0).unwrap();
        let mut theirs = their_reader.reunite(error.1).unwrap();
        // Nothing was shut down on the way.
        ours.write_all(b"tea").await.unwrap();
        assert_eq!(theirs.read(&mut [0; 8]).await.unwrap(), 3);
        theirs.write_all(b"cup").await.unwrap();
        assert_eq!(ours.read(&mut [0; 8]).await.unwrap(), 3);
    });
}

#[test]
fn a_borrowed_writing_half_shuts_nothing_down_when_it_is_dropped() {
    on_both(|| async {
        let (mut ours, mut theirs) = pair().await;
        drop(TcpStream::split(&mut ours));
        ours.write_all(b"tea").await.unwrap();
        assert_eq!(theirs.read(&mut [0; 8]).await.unwrap(), 3);
        TcpStream::split(&mut ours).1.close().await.unwrap();
        assert_eq!(theirs.read(&mut [0; 8]).await.unwrap(), 0);
    });
}

// From and to the standard library, from one runtime to another.

#[test]
fn a_blocking_socket_of_the_standard_library_does_not_block_the_runtime() {
    watchdog(60, || {
        current_thread().block_on(async {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let mut theirs = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let listener = TcpListener::from_std(listener).unwrap();
            let (ours, _) = listener.accept().await.unwrap();
            let ours = ours.into_std().unwrap();
            ours.set_nonblocking(false).unwrap();
            let mut ours = TcpStream::from_std(ours).unwrap();
            // The only worker waits, and still runs the other task.
            let reader = samovar::spawn(async move { ours.read(&mut [0; 8]).await.unwrap() });
            samovar::spawn(async move { theirs.write_all(b"tea").unwrap() })
                .await
                .unwrap();
            assert_eq!(reader.await.unwrap(), 3);
        });
    });
}

#[test]
fn a_stream_moves_to_another_runtime_by_way_of_the_standard_library() {
    watchdog(60, || {
        let first = current_thread();
        let (ours, mut theirs) = first.block_on(async {
            let (mut ours, theirs) = with_std().await;
            assert!(futures::poll!(ours.read(&mut [0; 8])).is_pending());
            (ours.into_std().unwrap(), theirs)
        });
        drop(first);
        assert_eq!(
            (&ours).read(&mut [0; 8]).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        multi_thread().block_on(async {
            let mut ours = TcpStream::from_std(ours).unwrap();
            let reader = samovar::spawn(async move { ours.read(&mut [0; 8]).await.unwrap() });
            let_others_wait().await;
            theirs.write_all(b"tea").unwrap();
            assert_eq!(reader.await.unwrap(), 3);
        });
    });
}

#[test]
fn a_duplicate_of_a_dropped_socket_can_be_used_again() {
    on_both(|| async {
        let (ours, mut theirs) = with_std().await;
        assert!(futures::poll!(Box::pin(ours.readable())).is_pending());
        let duplicate = ours.as_fd().try_clone_to_owned().unwrap();
        drop(ours);
        // What happens to the open connection now is an event for nobody.
        theirs.write_all(b"tea").unwrap();
        let_others_wait().await;
        let mut ours = TcpStream::from_std(duplicate.into()).unwrap();
        ours.readable().await.unwrap();
        assert_eq!(ours.read(&mut [0; 8]).await.unwrap(), 3);
        let reader = samovar::spawn(async move { ours.read(&mut [0; 8]).await.unwrap() });
        let_others_wait().await;
        theirs.write_all(b"cups").unwrap();
        assert_eq!(reader.await.unwrap(), 4);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_waited_for_is_an_error_each_time() {
    on_both(|| async {
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        let file = std::net::TcpStream::from(OwnedFd::from(file));
        let stream = TcpStream::from_std(file).unwrap();
        for _ in 0..3 {
            assert_eq!(
                stream.readable().await.unwrap_err().kind(),
                ErrorKind::PermissionDenied
            );
        }
    });
}

#[test]
fn a_socket_may_be_dropped_by_its_own_waker() {
    /// Drops the socket when it is woken.
    struct Dropper {
        stream: Mutex<Option<TcpStream>>,
        done: AtomicBool,
    }

    impl Wake for Dropper {
        fn wake(self: Arc<Self>) {
            let stream = self.stream.lock().unwrap().take();
            drop(stream);
            self.done.store(true, Ordering::SeqCst);
        }
    }

    on_both(|| async {
        let (ours, mut theirs) = with_std().await;
        let dropper = Arc::new(Dropper {
            stream: Mutex::new(Some(ours)),
            done: AtomicBool::new(false),
        });
        let waker = Waker::from(dropper.clone());
        {
            let stream = dropper.stream.lock().unwrap();
            let stream = stream.as_ref().unwrap();
            assert!(
                stream
                    .poll_read_ready(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        theirs.write_all(b"tea").unwrap();
        while !dropper.done.load(Ordering::SeqCst) {
            samovar::task::yield_now().await;
        }
    });
}

#[test]
fn a_thread_that_is_no_worker_waits_while_the_worker_sleeps() {
    watchdog(60, || {
        let runtime = current_thread();
        let (mut ours, mut theirs) = runtime.block_on(with_std());
        let handle = runtime.handle().clone();
        let (done, finished) = futures::channel::oneshot::channel();
        let stranger = thread::spawn(move || {
            let _inside = handle.enter();
            let count = samovar::block_on(async move { ours.read(&mut [0; 8]).await.unwrap() });
            done.send(count).unwrap();
        });
        let writer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            theirs.write_all(b"tea").unwrap();
            theirs
        });
        // The only worker has nothing to do but to wait for both.
        assert_eq!(runtime.block_on(finished).unwrap(), 3);
        stranger.join().unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn more_sockets_than_one_turn_takes_are_all_served() {
    in_child(
        "more_sockets_than_one_turn_takes_are_all_served",
        4096,
        || {
            current_thread().block_on(async {
                let mut peers = Vec::new();
                let mut tasks = Vec::new();
                for _ in 0..1_500 {
                    let (mut ours, theirs) = UnixStream::pair().unwrap();
                    peers.push(theirs);
                    tasks.push(samovar::spawn(async move {
                        ours.read(&mut [0; 8]).await.unwrap()
                    }));
                }
                let_others_wait().await;
                for peer in &peers {
                    peer.try_write(b"tea").unwrap();
                }
                for task in tasks {
                    assert_eq!(task.await.unwrap(), 3);
                }
            });
        },
    );
}

// Runtimes: none, or none any more.

#[test]
fn outside_a_runtime_the_panic_says_what_was_tried() {
    let message = |f: &mut dyn FnMut()| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_err();
        *panic.downcast::<String>().unwrap()
    };
    let bind = message(&mut || drop(samovar::block_on(TcpListener::bind("127.0.0.1:0"))));
    assert!(
        bind.contains("no samovar runtime") && bind.contains("bind a `TcpListener`"),
        "{bind}"
    );
    let connect = message(&mut || drop(samovar::block_on(TcpStream::connect("127.0.0.1:1"))));
    assert!(connect.contains("connect a `TcpStream`"), "{connect}");
    let unix = message(&mut || drop(samovar::block_on(UnixStream::connect("/tea"))));
    assert!(unix.contains("connect a `UnixStream`"), "{unix}");
    let lookup = message(&mut || drop(samovar::block_on(lookup_host("tea:80"))));
    assert!(lookup.contains("look up a host"), "{lookup}");
    // What panics in a poll names the line on which the future was made.
    for message in [bind, connect, unix, lookup] {
        assert!(
            message.contains(&format!("(the call is at {}:", file!())),
            "{message}"
        );
    }
    let from_std = message(&mut || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        drop(TcpListener::from_std(listener));
    });
    assert!(from_std.contains("use a `TcpListener`"), "{from_std}");
}

#[test]
fn a_socket_that_outlives_its_runtime_fails_and_does_not_hang() {
    watchdog(60, || {
        let runtime = multi_thread();
        let (mut ours, _theirs) = runtime.block_on(async {
            let (mut ours, theirs) = with_std().await;
            assert!(futures::poll!(ours.read(&mut [0; 8])).is_pending());
            (ours, theirs)
        });
        drop(runtime);
        samovar::block_on(ours.read(&mut [0; 8])).unwrap_err();
        samovar::block_on(ours.readable()).unwrap_err();
    });
}

#[test]
fn a_stream_that_does_not_linger_resets_the_connection() {
    on_both(|| async {
        let (ours, mut theirs) = with_std().await;
        assert_eq!(ours.linger().unwrap(), None);
        ours.set_linger(Some(Duration::from_secs(3))).unwrap();
        assert_eq!(ours.linger().unwrap(), Some(Duration::from_secs(3)));
        ours.set_zero_linger().unwrap();
        drop(ours);
        let error = theirs.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}
