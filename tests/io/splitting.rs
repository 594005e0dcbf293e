//! `split` and its halves.

use std::io;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use futures::executor::block_on;
use samovar::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, duplex, split};

use super::watchdog::watchdog_minute as watchdog;

#[test]
fn the_halves_work_on_two_threads() {
    watchdog(|| {
        let (near, far) = duplex(16);
        let (mut far_reader, mut far_writer) = split(far);
        let echo = thread::spawn(move || {
            block_on(async {
                copy(&mut far_reader, &mut far_writer).await.unwrap();
                far_writer.shutdown().await.unwrap();
            });
        });
        let sent: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
        let expected = sent.clone();
        let (mut reader, mut writer) = split(near);
        let sender = thread::spawn(move || {
            block_on(async {
                writer.write_all(&sent).await.unwrap();
                writer.shutdown().await.unwrap();
            });
        });
        let mut received = Vec::new();
        block_on(reader.read_to_end(&mut received)).unwrap();
        sender.join().unwrap();
        echo.join().unwrap();
        assert_eq!(received, expected);
    });
}

#[test]
fn the_halves_know_each_other_and_make_the_stream_again() {
    let (one, other) = duplex(16);
    let (mut reader, mut writer) = split(one);
    let (other_reader, mut other_writer) = split(other);
    assert!(reader.is_pair_of(&writer) && writer.is_pair_of(&reader));
    assert!(!reader.is_pair_of(&other_writer) && !other_writer.is_pair_of(&reader));
    block_on(async {
        writer.write_all(b"tea").await.unwrap();
        other_writer.write_all(b"yes").await.unwrap();
        assert_eq!(reader.read_u8().await.unwrap(), b'y');
        let mut one = reader.unsplit(writer);
        let mut other = other_reader.unsplit(other_writer);
        assert_eq!(one.read_u16().await.unwrap(), u16::from_be_bytes(*b"es"));
        drop(one);
        let mut text = String::new();
        other.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "tea");
    });
}

#[test]
#[should_panic(expected = "not of the same stream")]
fn strangers_do_not_make_a_stream() {
    let (one, other) = duplex(16);
    let (reader, _writer) = split(one);
    let (_reader, writer) = split(other);
    reader.unsplit(writer);
}

#[test]
fn the_stream_lives_as_long_as_one_half() {
    let (near, mut far) = duplex(16);
    let (reader, mut writer) = split(near);
    drop(reader);
    block_on(async {
        writer.write_all(b"tea").await.unwrap();
        far.write_all(b"kept").await.unwrap();
        drop(writer);
        let error = far.write(b"lost").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    });
}

/// A stream that must stay where it is.
struct Pinned(PhantomPinned);

impl AsyncRead for Pinned {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        buf[0] = b'p';
        Poll::Ready(Ok(1))
    }
}

impl AsyncWrite for Pinned {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len().min(1)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_stream_need_not_be_unpin() {
    let (mut reader, mut writer) = split(Pinned(PhantomPinned));
    assert_eq!(block_on(reader.read_u8()).unwrap(), b'p');
    assert_eq!(block_on(writer.write(b"abc")).unwrap(), 1);
}
