//! `BufReader`, `BufWriter` and `BufStream`.

use std::io::{ErrorKind, IoSlice, IoSliceMut};

use futures::executor::block_on;
use proptest::prelude::*;
use samovar::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufStream, BufWriter, duplex,
};

use super::reading::pieces;
use super::script::{Both, Fail, Step, Take, Wait, cancel, give, reader, writer};

#[test]
fn small_reads_make_one_large_one() {
    block_on(async {
        let mut reader = BufReader::with_capacity(16, reader([give("green tea")]));
        for byte in b"green" {
            assert_eq!(reader.read_u8().await.unwrap(), *byte);
        }
        assert_eq!(reader.get_ref().asked, [16]);
        assert_eq!(reader.buffer(), b" tea");
    });
}

#[test]
fn a_large_read_goes_past_an_empty_buffer_only() {
    block_on(async {
        let mut reader = BufReader::with_capacity(4, reader([give("abc"), give("defghi")]));
        assert_eq!(reader.read_u8().await.unwrap(), b'a');
        let mut buf = [0; 8];
        assert_eq!(reader.read(&mut buf).await.unwrap(), 2);
        assert_eq!(reader.read(&mut buf).await.unwrap(), 6);
        assert_eq!(&buf[..6], b"defghi");
        assert_eq!(reader.get_ref().asked, [4, 8]);
    });
}

#[test]
fn a_read_of_nothing_waits_for_nothing() {
    let mut reader = BufReader::new(reader([Wait, give("tea")]));
    assert_eq!(block_on(reader.read(&mut [])).unwrap(), 0);
    assert_eq!(reader.get_ref().asked, [0; 0]);
}

#[test]
#[should_panic(expected = "a BufReader needs a buffer")]
fn a_reader_without_a_buffer_is_refused() {
    let _ = BufReader::with_capacity(0, &b""[..]);
}

#[test]
fn small_writes_make_one_large_one() {
    block_on(async {
        let mut writer = BufWriter::with_capacity(8, writer([]));
        for byte in b"teapot" {
            writer.write_u8(*byte).await.unwrap();
        }
        assert_eq!(writer.buffer(), b"teapot");
        assert_eq!(writer.get_ref().offered, [0; 0]);
        writer.write_all(b"abc").await.unwrap();
        assert_eq!(writer.get_ref().written, b"teapot");
        writer.flush().await.unwrap();
        assert_eq!(writer.get_ref().offered, [6, 3]);
        assert_eq!(writer.get_ref().flushed_at, [9]);
        assert_eq!(writer.buffer(), b"");
    });
}

#[test]
fn a_large_write_goes_past_the_buffer_after_what_is_in_it() {
    block_on(async {
        let mut writer = BufWriter::with_capacity(4, writer([]));
        writer.write_all(b"abc").await.unwrap();
        writer.write_all(b"defghi").await.unwrap();
        assert_eq!(writer.get_ref().written, b"abcdefghi");
        assert_eq!(writer.get_ref().offered, [3, 6]);
        let bufs = [IoSlice::new(b"j"), IoSlice::new(b"k")];
        assert_eq!(writer.write_vectored(&bufs).await.unwrap(), 2);
        assert_eq!(writer.buffer(), b"jk");
        let bufs = [IoSlice::new(b"lmno"), IoSlice::new(b"p")];
        assert_eq!(writer.write_vectored(&bufs).await.unwrap(), 4);
        assert_eq!(writer.get_ref().written, b"abcdefghijklmno");
    });
}

#[test]
fn a_flush_that_fails_or_is_cancelled_goes_on_where_it_was() {
    let steps = [
        Take(2),
        Wait,
        Take(1),
        Fail(ErrorKind::TimedOut),
        Take(1),
        Take(0),
    ];
    let mut writer = BufWriter::new(writer(steps));
    block_on(writer.write_all(b"teapot")).unwrap();
    cancel(writer.flush());
    assert_eq!(writer.buffer(), b"apot");
    let error = block_on(writer.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let error = block_on(writer.flush()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    assert_eq!(writer.buffer(), b"ot");
    block_on(writer.shutdown()).unwrap();
    assert_eq!(writer.get_ref().written, b"teapot");
    assert!(writer.get_ref().closed);
}

#[test]
fn what_was_not_flushed_is_lost() {
    block_on(async {
        let (guest, mut host) = duplex(64);
        let mut guest = BufWriter::new(guest);
        guest.write_all(b"tea").await.unwrap();
        drop(guest);
        let mut text = String::new();
        host.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "");
    });
}

#[test]
fn buf_stream_buffers_both_ways() {
    block_on(async {
        let stream = Both {
            reader: reader([give("order\nmore")]),
            writer: writer([]),
        };
        let mut stream = BufStream::with_capacity(32, 32, stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        stream.write_all(b"yes").await.unwrap();
        assert_eq!(stream.get_ref().writer.written, b"");
        stream.shutdown().await.unwrap();
        let Both { reader, writer } = stream.into_inner();
        assert_eq!((line.as_str(), reader.asked), ("order\n", vec![32]));
        assert_eq!((writer.written, writer.closed), (b"yes".to_vec(), true));
    });
}

#[test]
fn each_buffer_lets_the_other_direction_through() {
    block_on(async {
        let (guest, host) = duplex(64);
        let mut guest = BufReader::new(guest);
        let mut host = BufWriter::new(BufReader::new(host));
        guest.write_all(b"tea?\n").await.unwrap();
        let mut line = String::new();
        host.read_line(&mut line).await.unwrap();
        assert_eq!(line, "tea?\n");

        // As a whole: into several buffers at once, if what is inside can do that.
        let mut writer = BufWriter::new(futures::io::Cursor::new(b"teapot".to_vec()));
        let (mut one, mut other) = ([0; 3], [0; 3]);
        let mut bufs = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut other)];
        let read = futures::AsyncReadExt::read_vectored(&mut writer, &mut bufs);
        assert_eq!(read.await.unwrap(), 6);
        assert_eq!((&one, &other), (b"tea", b"pot"));
    });
}

/// How a writer takes what it is offered.
fn takes() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1..20usize).prop_map(Take),
        1 => Just(Wait),
        1 => Just(Fail(ErrorKind::Interrupted)),
    ];
    prop::collection::vec(step, 0..100)
}

proptest! {
    #[test]
    fn buf_reader_reads_what_std_reads(
        (bytes, steps) in pieces(prop::collection::vec(any::<u8>(), 0..500)),
        capacity in 1..50usize,
        sizes in prop::collection::vec(1..60usize, 1..20),
    ) {
        let mut expected = &bytes[..];
        let mut reader = BufReader::with_capacity(capacity, reader(steps));
        for size in sizes.iter().cycle() {
            let mut buf = vec![0; *size];
            let count = block_on(reader.read(&mut buf)).unwrap();
            let mut same = vec![0; count];
            std::io::Read::read_exact(&mut expected, &mut same).unwrap();
            prop_assert_eq!(&buf[..count], &same[..]);
            if count == 0 {
                break;
            }
        }
        prop_assert!(expected.is_empty());
    }

    #[test]
    fn buf_writer_keeps_the_order(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..30),
        steps in takes(),
        capacity in 0..50usize,
    ) {
        let mut writer = BufWriter::with_capacity(capacity, writer(steps));
        for (number, piece) in pieces.iter().enumerate() {
            block_on(writer.write_all(piece)).unwrap();
            if number % 7 == 6 {
                block_on(writer.flush()).unwrap();
                prop_assert_eq!(&writer.get_ref().written, &pieces[..=number].concat());
            }
        }
        block_on(writer.flush()).unwrap();
        prop_assert_eq!(&writer.get_ref().written, &pieces.concat());
    }
}
