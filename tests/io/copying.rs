//! `copy` and `copy_bidirectional`.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures::executor::block_on;
use futures::join;
use proptest::prelude::*;
use samovar::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, copy_bidirectional,
    copy_bidirectional_with_sizes, duplex, repeat, sink,
};

use super::reading::pieces;
use super::script::{Both, Fail, Take, Wait, give, reader, writer};
use super::watchdog::watchdog_minute as watchdog;

#[test]
fn copy_moves_everything_and_flushes() {
    let steps = [
        give("green "),
        Wait,
        Fail(ErrorKind::Interrupted),
        give("tea"),
    ];
    let mut writer = writer([Take(1), Wait, Fail(ErrorKind::Interrupted)]);
    assert_eq!(block_on(copy(&mut reader(steps), &mut writer)).unwrap(), 9);
    assert_eq!(writer.written, b"green tea");
    assert_eq!(writer.flushed_at.last(), Some(&9));
    assert!(!writer.closed);
}

#[test]
fn copy_flushes_while_the_reader_makes_it_wait() {
    let mut writer = writer([]);
    let steps = [give("tea"), Wait, Wait, give("pot"), Wait];
    block_on(copy(&mut reader(steps), &mut writer)).unwrap();
    // Once for each thing to flush, not for each wait; and at the end.
    assert_eq!(writer.flushed_at, [3, 6, 6]);
}

#[test]
fn copy_goes_on_reading_while_the_writer_makes_it_wait() {
    let mut writer = writer([Wait, Wait]);
    block_on(copy(
        &mut reader([give("a"), give("b"), give("c")]),
        &mut writer,
    ))
    .unwrap();
    assert_eq!(writer.offered, [1, 2, 3]);
    assert_eq!(writer.written, b"abc");
}

#[test]
fn copy_of_nothing_flushes_too() {
    let mut writer = writer([]);
    assert_eq!(block_on(copy(&mut reader([]), &mut writer)).unwrap(), 0);
    assert_eq!(writer.flushed_at, [0]);
}

#[test]
fn copy_tells_the_errors_of_both() {
    let broken = [give("tea"), Fail(ErrorKind::ConnectionReset)];
    let error = block_on(copy(&mut reader(broken), &mut sink())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let error = block_on(copy(&mut repeat(1), &mut writer([Take(0)]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    let mut full = writer([]);
    full.flush_steps = [Fail(ErrorKind::StorageFull)].into();
    let error = block_on(copy(&mut &b"tea"[..], &mut full)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
}

#[test]
fn a_proxy_passes_each_end_on_by_itself() {
    watchdog(|| {
        block_on(async {
            let (mut guest, mut front) = duplex(4);
            let (mut back, mut kitchen) = duplex(4);
            let proxy = copy_bidirectional(&mut front, &mut back);
            let guest = async {
                guest.write_all(b"tea, please").await.unwrap();
                guest.shutdown().await.unwrap();
                let mut answer = String::new();
                guest.read_to_string(&mut answer).await.unwrap();
                answer
            };
            let kitchen = async {
                // The guest has said all, and only then is answered.
                let mut order = String::new();
                kitchen.read_to_string(&mut order).await.unwrap();
                kitchen.write_all(b"here you are").await.unwrap();
                kitchen.shutdown().await.unwrap();
                order
            };
            let (counts, answer, order) = join!(proxy, guest, kitchen);
            assert_eq!(counts.unwrap(), (11, 12));
            assert_eq!(
                (order.as_str(), answer.as_str()),
                ("tea, please", "here you are")
            );
        });
    });
}

#[test]
fn an_error_of_one_direction_ends_the_proxy() {
    block_on(async {
        let (mut front, _guest) = duplex(64);
        let mut back = Both {
            reader: reader([Wait, Fail(ErrorKind::ConnectionReset)]),
            writer: writer([]),
        };
        let error = copy_bidirectional(&mut front, &mut back).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
#[should_panic(expected = "needs two buffers")]
fn a_proxy_without_a_buffer_is_refused_at_the_call() {
    let ((mut front, _guest), (mut back, _kitchen)) = (duplex(64), duplex(64));
    drop(copy_bidirectional_with_sizes(&mut front, &mut back, 8, 0));
}

/// Is always ready, without end, and knows nothing of the budget.
#[derive(Default)]
struct Torrent {
    /// How many bytes were written to it.
    taken: Arc<AtomicUsize>,
}

impl AsyncRead for Torrent {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }
}

impl AsyncWrite for Torrent {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.taken.fetch_add(buf.len(), Ordering::Relaxed);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs `body` on a runtime of one worker.
fn on_one_worker(body: impl Future<Output = ()> + Send + 'static) {
    watchdog(|| {
        let runtime = samovar::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(body);
    });
}

#[test]
fn an_endless_copy_lets_other_tasks_run() {
    on_one_worker(async {
        let torrent = samovar::spawn(async {
            let _ = copy(&mut Torrent::default(), &mut Torrent::default()).await;
        });
        for _ in 0..10 {
            samovar::spawn(async {}).await.unwrap();
        }
        torrent.abort();
    });
}

/// Copies a torrent one way, and waits for three bytes the other way.
fn proxy_beside_a_torrent(torrent_first: bool) {
    on_one_worker(async move {
        let taken = Arc::new(AtomicUsize::new(0));
        let (mut peer, near) = duplex(64);
        let mut torrent = Torrent {
            taken: taken.clone(),
        };
        let mut trickle = Both {
            reader: near,
            writer: Torrent::default(),
        };
        let proxy = samovar::spawn(async move {
            let _ = match torrent_first {
                true => copy_bidirectional(&mut torrent, &mut trickle).await,
                false => copy_bidirectional(&mut trickle, &mut torrent).await,
            };
        });
        peer.write_all(b"tea").await.unwrap();
        while taken.load(Ordering::Relaxed) < 3 {
            samovar::task::yield_now().await;
        }
        proxy.abort();
    });
}

#[test]
fn a_torrent_one_way_does_not_dam_the_other() {
    proxy_beside_a_torrent(true);
    proxy_beside_a_torrent(false);
}

proptest! {
    #[test]
    fn copy_keeps_any_bytes(
        (bytes, steps) in pieces(prop::collection::vec(any::<u8>(), 0..500)),
        takes in prop::collection::vec(prop_oneof![(1..30usize).prop_map(Take), Just(Wait)], 0..60),
    ) {
        let mut writer = writer(takes);
        let count = block_on(copy(&mut reader(steps), &mut writer)).unwrap();
        prop_assert_eq!(count, bytes.len() as u64);
        prop_assert_eq!(writer.written, bytes);
    }

    #[test]
    fn a_proxy_keeps_any_bytes(
        (there, steps_there) in pieces(prop::collection::vec(any::<u8>(), 0..300)),
        (back, steps_back) in pieces(prop::collection::vec(any::<u8>(), 0..300)),
        sizes in (1..40usize, 1..40usize),
    ) {
        let mut a = Both { reader: reader(steps_there), writer: writer([Take(1), Wait]) };
        let mut b = Both { reader: reader(steps_back), writer: writer([Wait, Take(3)]) };
        let copy = copy_bidirectional_with_sizes(&mut a, &mut b, sizes.0, sizes.1);
        let counts = block_on(copy).unwrap();
        prop_assert_eq!(counts, (there.len() as u64, back.len() as u64));
        prop_assert_eq!(b.writer.written, there);
        prop_assert_eq!(a.writer.written, back);
        prop_assert!(a.writer.closed && b.writer.closed);
    }
}
