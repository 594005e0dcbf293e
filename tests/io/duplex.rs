//! `duplex`, and its wakers.

use std::io::{ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use futures::executor::block_on;
use futures::join;
use proptest::prelude::*;
use samovar::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};

use super::watchdog::watchdog_minute as watchdog;

/// Counts how often it was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn poll_read(stream: &mut DuplexStream, waker: &Waker) -> Poll<std::io::Result<usize>> {
    Pin::new(stream).poll_read(&mut Context::from_waker(waker), &mut [0; 8])
}

fn poll_write(stream: &mut DuplexStream, waker: &Waker) -> Poll<std::io::Result<usize>> {
    Pin::new(stream).poll_write(&mut Context::from_waker(waker), b"tea")
}

#[test]
fn a_full_pipe_makes_the_writer_wait_until_something_is_read() {
    let (mut guest, mut host) = duplex(4);
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    assert!(matches!(poll_write(&mut guest, &waker), Poll::Ready(Ok(3))));
    assert!(matches!(poll_write(&mut guest, &waker), Poll::Ready(Ok(1))));
    assert!(poll_write(&mut guest, &waker).is_pending());
    assert_eq!(count.get(), 0);
    let mut two = [0; 2];
    block_on(host.read_exact(&mut two)).unwrap();
    assert_eq!(count.get(), 1);
    assert!(matches!(poll_write(&mut guest, &waker), Poll::Ready(Ok(2))));
    let mut rest = [0; 4];
    block_on(host.read_exact(&mut rest)).unwrap();
    assert_eq!((&two, &rest), (b"te", b"atte"));
}

#[test]
fn the_reader_that_polled_last_is_woken_once() {
    let (mut guest, mut host) = duplex(4);
    let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
    assert!(poll_read(&mut host, &first.clone().into()).is_pending());
    assert!(poll_read(&mut host, &last.clone().into()).is_pending());
    block_on(guest.write_all(b"a")).unwrap();
    block_on(guest.write_all(b"b")).unwrap();
    assert_eq!((first.get(), last.get()), (0, 1));
}

#[test]
fn nothing_to_do_is_done_at_once() {
    let (mut guest, _host) = duplex(1);
    block_on(async {
        assert_eq!(guest.read(&mut []).await.unwrap(), 0);
        guest.write_all(b"x").await.unwrap();
        assert_eq!(guest.write(b"").await.unwrap(), 0);
        assert_eq!(guest.write_vectored(&[IoSlice::new(b"")]).await.unwrap(), 0);
        guest.flush().await.unwrap();
    });
}

#[test]
fn vectored_writes_fill_the_room_there_is() {
    let (mut guest, mut host) = duplex(5);
    let bufs = [
        IoSlice::new(b"tea"),
        IoSlice::new(b""),
        IoSlice::new(b"pot"),
    ];
    assert_eq!(block_on(guest.write_vectored(&bufs)).unwrap(), 5);
    drop(guest);
    let mut text = String::new();
    block_on(host.read_to_string(&mut text)).unwrap();
    assert_eq!(text, "teapo");
}

#[test]
fn after_a_drop_the_rest_is_read_and_nothing_can_be_written() {
    let (mut guest, mut host) = duplex(4);
    let reads = Arc::new(Count::default());
    let writes = Arc::new(Count::default());
    block_on(guest.write_all(b"bye")).unwrap();
    block_on(host.write_all(b"full")).unwrap();
    assert!(poll_write(&mut host, &writes.clone().into()).is_pending());
    let mut bye = [0; 3];
    block_on(host.read_exact(&mut bye)).unwrap();
    assert!(poll_read(&mut host, &reads.clone().into()).is_pending());
    drop(guest);
    assert_eq!((reads.get(), writes.get()), (1, 1));
    block_on(async {
        assert_eq!(host.read(&mut [0; 8]).await.unwrap(), 0);
        let error = host.write(b"hello?").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn what_was_written_before_a_drop_arrives() {
    let (mut guest, mut host) = duplex(8);
    block_on(guest.write_all(b"bye")).unwrap();
    drop(guest);
    let mut text = String::new();
    block_on(host.read_to_string(&mut text)).unwrap();
    assert_eq!(text, "bye");
}

#[test]
fn a_shutdown_closes_one_direction() {
    let (mut guest, mut host) = duplex(64);
    let reads = Arc::new(Count::default());
    assert!(poll_read(&mut host, &reads.clone().into()).is_pending());
    block_on(async {
        guest.shutdown().await.unwrap();
        guest.shutdown().await.unwrap();
        assert_eq!(reads.get(), 1);
        assert_eq!(host.read(&mut [0; 8]).await.unwrap(), 0);
        let error = guest.write(b"more").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        host.write_all(b"still here").await.unwrap();
        let mut answer = [0; 10];
        guest.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"still here");
    });
}

#[test]
#[should_panic(expected = "a duplex needs room for a byte")]
fn a_duplex_without_room_is_refused() {
    duplex(0);
}

/// A waker that uses the pipe it waits for, when it is woken and when it is dropped.
struct Reenters(Arc<Mutex<DuplexStream>>);

impl Reenters {
    fn reenter(&self) {
        // Busy when one of these wakes another: once is enough.
        if let Ok(mut stream) = self.0.try_lock() {
            let _ = poll_write(&mut stream, &Arc::new(Count::default()).into());
        }
    }
}

impl Wake for Reenters {
    fn wake(self: Arc<Self>) {
        self.reenter();
    }
}

impl Drop for Reenters {
    fn drop(&mut self) {
        self.reenter();
    }
}

#[test]
fn wakers_may_use_the_pipe_they_wait_for() {
    watchdog(|| {
        let (guest, mut host) = duplex(3);
        let guest = Arc::new(Mutex::new(guest));
        let reenters = || Waker::from(Arc::new(Reenters(guest.clone())));
        // Replaced by another, which then is dropped: that writes.
        assert!(poll_read(&mut host, &reenters()).is_pending());
        assert!(poll_read(&mut host, &reenters()).is_pending());
        let mut word = [0; 3];
        block_on(host.read_exact(&mut word)).unwrap();
        assert_eq!(&word, b"tea");
        // Left behind by the end that is dropped.
        let _ = poll_read(&mut host, &reenters());
        drop(host);
        let error = block_on(guest.lock().unwrap().write(b"?")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

/// A waker that panics.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker that panics");
    }
}

#[test]
fn a_waker_that_panics_does_not_keep_the_other_asleep() {
    let (guest, mut host) = duplex(3);
    let writes = Arc::new(Count::default());
    block_on(host.write_all(b"tea")).unwrap();
    assert!(poll_write(&mut host, &writes.clone().into()).is_pending());
    assert!(poll_read(&mut host, &Arc::new(Panics).into()).is_pending());
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(guest)));
    assert!(panic.is_err());
    assert_eq!(writes.get(), 1);
    assert_eq!(block_on(host.read(&mut [0; 8])).unwrap(), 0);
}

#[test]
fn two_threads_talk_through_a_narrow_pipe() {
    watchdog(|| {
        let (mut guest, mut host) = duplex(7);
        let sent: Vec<u8> = (0..50_000u32).map(|n| n as u8).collect();
        let expected = sent.clone();
        let thread = thread::spawn(move || {
            block_on(async {
                guest.write_all(&sent).await.unwrap();
                guest.shutdown().await.unwrap();
            });
        });
        let mut received = Vec::new();
        block_on(host.read_to_end(&mut received)).unwrap();
        thread.join().unwrap();
        assert_eq!(received, expected);
    });
}

proptest! {
    #[test]
    fn a_pipe_is_a_queue(
        limit in 1..20usize,
        writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
        sizes in prop::collection::vec(1..30usize, 1..10),
    ) {
        let (mut guest, mut host) = duplex(limit);
        let send = async {
            for piece in &writes {
                guest.write_all(piece).await.unwrap();
            }
            drop(guest);
        };
        let receive = async {
            let mut received = Vec::new();
            for size in sizes.iter().cycle() {
                let mut buf = vec![0; *size];
                match host.read(&mut buf).await.unwrap() {
                    0 => break,
                    count => received.extend_from_slice(&buf[..count]),
                }
            }
            received
        };
        let ((), received) = block_on(async { join!(send, receive) });
        prop_assert_eq!(received, writes.concat());
    }
}
