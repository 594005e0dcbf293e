//! Behaviour of the sockets that could once be changed without a test noticing: found by `.ci/mutants`.

mod sync_support;

use std::io::ErrorKind;
use std::sync::Arc;
use std::task::Waker;

use samovar::net::{Interest, UdpSocket, UnixStream};
use samovar::runtime::Runtime;
use sync_support::{Counter, task, watchdog};

#[test]
fn who_no_longer_waits_for_a_socket_leaves_no_waker() {
    let rt = Runtime::new().unwrap();
    let socket = rt.block_on(UdpSocket::bind("127.0.0.1:0")).unwrap();
    let _entered = rt.enter();
    let counter = Arc::new(Counter::default());
    let mut buffer = [0; 8];
    let mut receives = task(socket.recv(&mut buffer));
    assert!(
        receives
            .poll_with(&Waker::from(counter.clone()))
            .is_pending()
    );
    assert_eq!(Arc::strong_count(&counter), 2);
    drop(receives);
    assert_eq!(Arc::strong_count(&counter), 1);
}

#[test]
fn what_is_ready_is_not_closed_until_it_is() {
    watchdog(|| {
        Runtime::new().unwrap().block_on(async {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let ready = ours.ready(Interest::WRITABLE).await.unwrap();
            assert!(ready.is_writable() && !ready.is_write_closed());
            assert_eq!(theirs.try_write(b"tea").unwrap(), 3);
            let ready = ours.ready(Interest::READABLE).await.unwrap();
            assert!(ready.is_readable() && !ready.is_read_closed());
            drop(theirs);
            while !ours
                .ready(Interest::READABLE)
                .await
                .unwrap()
                .is_read_closed()
            {
                samovar::task::yield_now().await;
            }
        });
    });
}

#[test]
fn an_attempt_in_both_directions_takes_the_one_that_is_ready() {
    watchdog(|| {
        Runtime::new().unwrap().block_on(async {
            let both = Interest::READABLE | Interest::WRITABLE;
            let (ours, theirs) = UnixStream::pair().unwrap();
            // There is room to write, and nothing to read.
            ours.ready(Interest::WRITABLE).await.unwrap();
            let read = ours.try_io(Interest::READABLE, || Ok("read"));
            assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock);
            assert_eq!(ours.try_io(both, || Ok("wrote")).unwrap(), "wrote");
            // There is something to read, and no room to write.
            while ours.try_write(&[0; 65_536]).is_ok() {}
            let write = ours.try_io(Interest::WRITABLE, || Ok("wrote"));
            assert_eq!(write.unwrap_err().kind(), ErrorKind::WouldBlock);
            assert_eq!(theirs.try_write(b"tea").unwrap(), 3);
            ours.ready(Interest::READABLE).await.unwrap();
            assert_eq!(ours.try_io(both, || Ok("read")).unwrap(), "read");
        });
    });
}
