//! UDP: datagrams whole, empty, cut off, refused.

mod support;

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use samovar::net::{Interest, UdpSocket};
use support::on_both;

/// Two sockets that are connected to each other.
async fn pair() -> (UdpSocket, UdpSocket) {
    let ours = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let theirs = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    ours.connect(theirs.local_addr().unwrap()).await.unwrap();
    theirs.connect(ours.local_addr().unwrap()).await.unwrap();
    (ours, theirs)
}

#[test]
fn datagrams_arrive_whole_and_with_their_sender() {
    on_both(|| async {
        let ours = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let theirs = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
        let mut buffer = [0; 64];
        for text in ["tea", "", "two cups"] {
            let address = theirs.local_addr().unwrap();
            assert_eq!(
                ours.send_to(text.as_bytes(), address).await.unwrap(),
                text.len()
            );
            let (length, from) = theirs.recv_from(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], text.as_bytes());
            assert_eq!(from, ours.local_addr().unwrap());
        }
        assert_eq!(
            ours.peer_addr().unwrap_err().kind(),
            ErrorKind::NotConnected
        );
    });
}

#[test]
fn a_datagram_that_is_too_large_for_the_buffer_is_cut_off_and_the_next_is_whole() {
    on_both(|| async {
        let (ours, theirs) = pair().await;
        ours.send(b"a samovar").await.unwrap();
        ours.send(b"tea").await.unwrap();
        let mut buffer = [0; 5];
        assert_eq!(theirs.recv(&mut buffer).await.unwrap(), 5);
        assert_eq!(&buffer, b"a sam");
        assert_eq!(theirs.recv(&mut buffer).await.unwrap(), 3);
    });
}

#[test]
fn peeking_leaves_the_datagram_there() {
    on_both(|| async {
        let (ours, theirs) = pair().await;
        let mut buffer = [0; 8];
        let wait = async { assert_eq!(theirs.peek(&mut buffer).await.unwrap(), 3) };
        let send = async { assert_eq!(ours.send(b"tea").await.unwrap(), 3) };
        futures::join!(wait, send);
        let (length, from) = theirs.peek_from(&mut buffer).await.unwrap();
        assert_eq!((length, from), (3, ours.local_addr().unwrap()));
        assert_eq!(theirs.try_recv(&mut buffer).unwrap(), 3);
        assert_eq!(
            theirs.try_recv(&mut buffer).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        assert_eq!(
            theirs.try_peek_from(&mut buffer).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_refusal_is_told_and_the_socket_stays_usable() {
    on_both(|| async {
        let ours = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        // An address where no other test takes the port that is given up.
        let theirs = UdpSocket::bind("127.0.0.2:0").await.unwrap();
        ours.connect(theirs.local_addr().unwrap()).await.unwrap();
        // Registered before, so that the refusal is an event too.
        let mut buffer = [0; 8];
        assert!(futures::poll!(Box::pin(ours.recv(&mut buffer))).is_pending());
        drop(theirs);
        ours.send(b"anybody?").await.unwrap();
        let error = ours.recv(&mut buffer).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);

        let theirs = UdpSocket::bind("127.0.0.2:0").await.unwrap();
        ours.connect(theirs.local_addr().unwrap()).await.unwrap();
        ours.send(b"tea").await.unwrap();
        assert_eq!(theirs.recv(&mut buffer).await.unwrap(), 3);
        theirs
            .send_to(b"cup", ours.local_addr().unwrap())
            .await
            .unwrap();
        assert_eq!(ours.recv(&mut buffer).await.unwrap(), 3);
    });
}

#[test]
fn a_task_whose_socket_is_always_ready_lets_others_run() {
    support::watchdog(60, || {
        support::current_thread().block_on(async {
            let (ours, theirs) = pair().await;
            let other_ran = Arc::new(AtomicBool::new(false));
            let busy = samovar::spawn({
                let other_ran = other_ran.clone();
                async move {
                    while !other_ran.load(Ordering::SeqCst) {
                        ours.send(b"tea").await.unwrap();
                        theirs.recv(&mut [0; 8]).await.unwrap();
                    }
                }
            });
            samovar::spawn(async move { other_ran.store(true, Ordering::SeqCst) })
                .await
                .unwrap();
            busy.await.unwrap();
        });
    });
}

#[test]
fn several_tasks_receive_and_no_datagram_is_lost() {
    on_both(|| async {
        let (ours, theirs) = pair().await;
        let theirs = Arc::new(theirs);
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let theirs = theirs.clone();
                samovar::spawn(async move {
                    for _ in 0..10 {
                        theirs.recv(&mut [0; 8]).await.unwrap();
                    }
                })
            })
            .collect();
        samovar::task::yield_now().await;
        for _ in 0..40 {
            ours.send(b"tea").await.unwrap();
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn receiving_that_is_dropped_takes_no_datagram() {
    on_both(|| async {
        let (ours, theirs) = pair().await;
        let mut buffer = [0; 8];
        let mut receive = Box::pin(theirs.recv(&mut buffer));
        assert!(futures::poll!(&mut receive).is_pending());
        ours.send(b"tea").await.unwrap();
        drop(receive);
        assert_eq!(theirs.recv(&mut buffer).await.unwrap(), 3);
        assert!(
            theirs
                .ready(Interest::WRITABLE)
                .await
                .unwrap()
                .is_writable()
        );
    });
}

#[test]
fn the_polling_forms_do_the_same() {
    on_both(|| async {
        let (ours, theirs) = pair().await;
        let mut buffer = [0; 8];
        let address = theirs.local_addr().unwrap();
        std::future::poll_fn(|cx| ours.poll_send_to(cx, b"tea", address))
            .await
            .unwrap();
        let mut polled = 0;
        let (length, from) = std::future::poll_fn(|cx| {
            polled += 1;
            theirs.poll_recv_from(cx, &mut buffer)
        })
        .await
        .unwrap();
        assert_eq!((length, from), (3, ours.local_addr().unwrap()));
        let pending =
            std::future::poll_fn(|cx| Poll::Ready(theirs.poll_recv(cx, &mut buffer).is_pending()));
        assert!(pending.await);
    });
}

#[test]
fn options_are_set_and_told() {
    on_both(|| async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.set_ttl(77).unwrap();
        assert_eq!(socket.ttl().unwrap(), 77);
        socket.set_multicast_loop_v4(false).unwrap();
        assert!(!socket.multicast_loop_v4().unwrap());
        socket.set_multicast_ttl_v4(3).unwrap();
        assert_eq!(socket.multicast_ttl_v4().unwrap(), 3);
        assert!(socket.take_error().unwrap().is_none());
        // No such group: the call reached the system.
        let nowhere = Ipv4Addr::new(10, 0, 0, 1);
        socket
            .join_multicast_v4(nowhere, Ipv4Addr::UNSPECIFIED)
            .unwrap_err();
        socket
            .leave_multicast_v4(nowhere, Ipv4Addr::UNSPECIFIED)
            .unwrap_err();

        let socket = socket.into_std().unwrap();
        socket.set_nonblocking(false).unwrap();
        let socket = UdpSocket::from_std(socket).unwrap();
        assert_eq!(
            socket.try_recv(&mut [0; 8]).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
    });
}

#[test]
fn a_taken_port_is_named_in_the_error() {
    on_both(|| async {
        let first = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = first.local_addr().unwrap();
        let error = UdpSocket::bind(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(
            error
                .to_string()
                .starts_with(&format!("cannot bind {address}: ")),
            "{error}"
        );
    });
}
