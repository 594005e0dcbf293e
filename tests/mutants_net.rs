//! Behaviour of the sockets that could once be changed without a test noticing: found by `.ci/mutants`.

mod sync_support;

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
