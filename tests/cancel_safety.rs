//! What the documentation calls cancel safe: a future that is dropped while it waits leaves everything as if it had never
//! been made. One test for each "yes" of the table in `samovar::sync`, and for those of `net`, `time`, `task` and `io`.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt;
use samovar::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter, duplex};
use samovar::net::{Interest, TcpListener, TcpStream, UdpSocket, UnixListener, UnixStream};
use samovar::sync::{Barrier, broadcast, mpsc, oneshot, watch};
use samovar::task::JoinSet;
use samovar::time::{Instant, interval, sleep_until, timeout};

/// Polls a future once, sees that it waits, and drops it: what `select!` does to the branches that lose.
fn cancel(future: impl Future) {
    assert!(
        pin!(future).now_or_never().is_none(),
        "it should have waited"
    );
}

/// As [`cancel`], but after it has been woken too: the value is there, and nobody takes it.
async fn cancel_when_ready<F: Future>(future: F, event: impl Future<Output = ()>) {
    let mut future = pin!(future);
    assert!(futures::poll!(future.as_mut()).is_pending());
    event.await;
}

/// Runs a test on a runtime, and fails instead of hanging.
fn on_a_runtime(test: impl Future<Output = ()>) {
    let runtime = samovar::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime
        .block_on(async { timeout(Duration::from_secs(60), test).await })
        .expect("the test hangs");
}

#[test]
fn mpsc_recv() {
    on_a_runtime(async {
        let (sender, mut receiver) = mpsc::channel(4);
        cancel(receiver.recv());
        cancel_when_ready(receiver.recv(), async { sender.send(1).await.unwrap() }).await;
        sender.send(2).await.unwrap();
        assert_eq!(
            (receiver.recv().await, receiver.recv().await),
            (Some(1), Some(2))
        );
        let (sender, mut receiver) = mpsc::unbounded_channel();
        cancel_when_ready(receiver.recv(), async { sender.send(1).unwrap() }).await;
        assert_eq!(receiver.recv().await, Some(1));
    });
}

#[test]
fn mpsc_recv_many() {
    on_a_runtime(async {
        let (sender, mut receiver) = mpsc::channel(4);
        let mut lost = Vec::new();
        cancel_when_ready(receiver.recv_many(&mut lost, 8), async {
            sender.send(1).await.unwrap();
            sender.send(2).await.unwrap();
        })
        .await;
        assert!(lost.is_empty());
        let mut values = Vec::new();
        assert_eq!(receiver.recv_many(&mut values, 8).await, 2);
        assert_eq!(values, [1, 2]);
    });
}

#[test]
fn broadcast_recv() {
    on_a_runtime(async {
        let (sender, mut receiver) = broadcast::channel(4);
        cancel_when_ready(receiver.recv(), async { assert_eq!(sender.send(1), Ok(1)) }).await;
        assert_eq!(receiver.recv().await, Ok(1));
    });
}

#[test]
fn oneshot_receiver_by_reference() {
    on_a_runtime(async {
        let (sender, mut receiver) = oneshot::channel();
        cancel(&mut receiver);
        cancel_when_ready(&mut receiver, async { sender.send(1).unwrap() }).await;
        assert_eq!(receiver.await, Ok(1));
    });
}

#[test]
fn watch_changed() {
    on_a_runtime(async {
        let (sender, mut receiver) = watch::channel(0);
        cancel_when_ready(receiver.changed(), async { sender.send(1).unwrap() }).await;
        receiver.changed().await.unwrap();
        assert_eq!(*receiver.borrow(), 1);
    });
}

#[test]
fn closed_of_every_sender() {
    on_a_runtime(async {
        let (sender, receiver) = mpsc::channel::<()>(1);
        cancel_when_ready(sender.closed(), async { drop(receiver) }).await;
        sender.closed().await;
        let (sender, receiver) = mpsc::unbounded_channel::<()>();
        cancel_when_ready(sender.closed(), async { drop(receiver) }).await;
        sender.closed().await;
        let (mut sender, receiver) = oneshot::channel::<()>();
        cancel_when_ready(sender.closed(), async { drop(receiver) }).await;
        sender.closed().await;
        let (sender, receiver) = watch::channel(());
        cancel_when_ready(sender.closed(), async { drop(receiver) }).await;
        sender.closed().await;
        let (sender, receiver) = broadcast::channel::<()>(1);
        cancel_when_ready(sender.closed(), async { drop(receiver) }).await;
        sender.closed().await;
    });
}

#[test]
fn barrier_wait() {
    on_a_runtime(async {
        let barrier = Barrier::new(2);
        cancel(barrier.wait());
        cancel(barrier.wait());
        let (one, other) = samovar::join!(barrier.wait(), barrier.wait());
        assert_ne!(one.is_leader(), other.is_leader());
    });
}

#[test]
fn accept() {
    on_a_runtime(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut clients = Vec::new();
        cancel_when_ready(listener.accept(), async {
            clients.push(TcpStream::connect(address).await.unwrap());
        })
        .await;
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, clients[0].local_addr().unwrap());
    });
}

#[test]
fn read_readable_and_peek() {
    on_a_runtime(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut ours = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (mut theirs, _) = listener.accept().await.unwrap();
        let mut lost = [0; 8];
        cancel(ours.readable());
        cancel(ours.peek(&mut lost));
        cancel_when_ready(ours.read(&mut lost), async {
            theirs.write_all(b"tea").await.unwrap()
        })
        .await;
        assert_eq!(lost, [0; 8]);
        ours.readable().await.unwrap();
        let mut tea = [0; 3];
        ours.read_exact(&mut tea).await.unwrap();
        assert_eq!(&tea, b"tea");
    });
}

#[test]
fn accept_of_a_unix_listener() {
    on_a_runtime(async {
        let name = format!("samovar-cancel-{}.socket", std::process::id());
        let path = std::env::temp_dir().join(name);
        let listener = UnixListener::bind(&path).unwrap();
        let mut client = None;
        cancel_when_ready(listener.accept(), async {
            client = Some(UnixStream::connect(&path).await.unwrap());
        })
        .await;
        let (mut server, _) = listener.accept().await.unwrap();
        server.write_all(b"tea").await.unwrap();
        let mut tea = [0; 3];
        client.unwrap().read_exact(&mut tea).await.unwrap();
        std::fs::remove_file(path).unwrap();
    });
}

#[test]
fn write_writable_and_ready() {
    on_a_runtime(async {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let mut written = 0;
        while let Ok(count) = ours.try_write(&[1; 4096]) {
            written += count;
        }
        // The first try of a socket that never waited is a guess; from here on it is known that there is no room.
        cancel(ours.write(&[2]));
        cancel(ours.writable());
        cancel(ours.ready(Interest::READABLE | Interest::WRITABLE));
        let mut all = vec![0; written];
        cancel_when_ready(ours.write(&[2]), async {
            theirs.read_exact(&mut all).await.unwrap();
        })
        .await;
        ours.writable().await.unwrap();
        ours.write_all(&[3]).await.unwrap();
        drop(ours);
        theirs.read_to_end(&mut all).await.unwrap();
        assert_eq!((all.len(), all.pop()), (written + 1, Some(3)));
        assert!(all.iter().all(|byte| *byte == 1));
    });
}

#[test]
fn datagrams() {
    on_a_runtime(async {
        let ours = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let theirs = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        ours.connect(theirs.local_addr().unwrap()).await.unwrap();
        theirs.connect(ours.local_addr().unwrap()).await.unwrap();
        let mut lost = [0; 8];
        cancel(ours.readable());
        cancel(ours.recv_from(&mut lost));
        cancel(ours.peek(&mut lost));
        cancel(ours.peek_from(&mut lost));
        cancel_when_ready(ours.recv(&mut lost), async {
            theirs.send(b"tea").await.unwrap();
        })
        .await;
        assert_eq!(lost, [0; 8]);
        assert_eq!(ours.recv(&mut lost).await.unwrap(), 3);
    });
}

#[test]
fn sleep_by_reference() {
    on_a_runtime(async {
        let deadline = Instant::now() + Duration::from_millis(20);
        let mut sleep = pin!(sleep_until(deadline));
        cancel(&mut sleep);
        sleep.await;
        assert!(Instant::now() >= deadline);
    });
}

#[test]
fn next_line_next_segment_and_fill_buf() {
    on_a_runtime(async {
        let (mut guest, host) = duplex(64);
        let mut lines = BufReader::new(host).lines();
        guest.write_all(b"te").await.unwrap();
        cancel(lines.next_line());
        guest.write_all(b"a\ncu").await.unwrap();
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("tea"));
        cancel(lines.next_line());
        guest.write_all(b"p\n").await.unwrap();
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("cup"));

        let (mut guest, host) = duplex(64);
        let mut segments = BufReader::new(host).split(b',');
        guest.write_all(b"te").await.unwrap();
        cancel(segments.next_segment());
        guest.write_all(b"a,").await.unwrap();
        assert_eq!(
            segments.next_segment().await.unwrap().as_deref(),
            Some(&b"tea"[..])
        );

        let (mut guest, host) = duplex(64);
        let mut reader = BufReader::new(host);
        cancel(reader.fill_buf());
        guest.write_all(b"tea").await.unwrap();
        assert_eq!(reader.fill_buf().await.unwrap(), b"tea");
    });
}

#[test]
fn flush_and_shutdown() {
    on_a_runtime(async {
        let (guest, mut host) = duplex(2);
        let mut writer = BufWriter::new(guest);
        writer.write_all(b"teapot").await.unwrap();
        cancel(writer.flush());
        let mut text = [0; 6];
        host.read_exact(&mut text[..2]).await.unwrap();
        cancel(writer.shutdown());
        host.read_exact(&mut text[2..4]).await.unwrap();
        writer.shutdown().await.unwrap();
        host.read_exact(&mut text[4..]).await.unwrap();
        assert_eq!(&text, b"teapot");
        assert_eq!(host.read(&mut text).await.unwrap(), 0);
    });
}

#[test]
fn interval_tick() {
    on_a_runtime(async {
        let mut ticks = interval(Duration::from_millis(20));
        let first = ticks.tick().await;
        cancel(ticks.tick());
        assert_eq!(ticks.tick().await - first, Duration::from_millis(20));
    });
}

#[test]
fn join_handle_by_reference_and_join_next() {
    on_a_runtime(async {
        let (go_on, wait) = oneshot::channel::<()>();
        let mut handle = samovar::spawn(async { wait.await.is_ok() });
        cancel(&mut handle);
        go_on.send(()).unwrap();
        assert!(handle.await.unwrap());

        let (go_on, wait) = oneshot::channel::<()>();
        let mut set = JoinSet::new();
        set.spawn(async { wait.await.is_ok() });
        cancel_when_ready(set.join_next(), async {
            go_on.send(()).unwrap();
            samovar::task::yield_now().await;
        })
        .await;
        assert!(set.join_next().await.unwrap().unwrap());
        assert!(set.join_next().await.is_none());
    });
}

#[test]
fn shutdown_of_a_join_set() {
    on_a_runtime(async {
        let mut set = JoinSet::new();
        let task = set.spawn(std::future::pending::<()>());
        samovar::task::yield_now().await;
        cancel(set.shutdown());
        while !task.is_finished() {
            samovar::task::yield_now().await;
        }
        set.shutdown().await;
        assert!(set.is_empty());
    });
}
