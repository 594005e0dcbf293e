//! `AsyncReadExt`, `Take` and `Chain`.

use std::io::ErrorKind;

use futures::executor::block_on;
use proptest::prelude::*;
use samovar::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use super::script::{Fail, Liar, Step, Wait, cancel, give, reader};

#[test]
fn read_returns_what_there_is_and_then_the_end() {
    block_on(async {
        let mut reader = reader([give("te"), Wait, give("a")]);
        let mut buf = [0; 8];
        assert_eq!(reader.read(&mut buf).await.unwrap(), 2);
        assert_eq!(reader.read(&mut buf).await.unwrap(), 1);
        assert_eq!(reader.read(&mut buf).await.unwrap(), 0);
    });
}

#[test]
fn interrupted_reads_are_tried_again_and_other_errors_are_not() {
    block_on(async {
        let mut reader = reader([
            Fail(ErrorKind::Interrupted),
            Fail(ErrorKind::Interrupted),
            give("a"),
            Fail(ErrorKind::WouldBlock),
            give("b"),
        ]);
        let mut buf = [0; 8];
        assert_eq!(reader.read(&mut buf).await.unwrap(), 1);
        let error = reader.read(&mut buf).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert_eq!(reader.read(&mut buf).await.unwrap(), 1);
    });
}

#[test]
fn a_cancelled_read_has_read_nothing() {
    let mut reader = reader([Wait, give("tea")]);
    cancel(reader.read(&mut [0; 8]));
    let mut buf = [0; 3];
    block_on(reader.read_exact(&mut buf)).unwrap();
    assert_eq!(&buf, b"tea");
}

#[test]
fn read_exact_joins_pieces_and_leaves_the_rest() {
    block_on(async {
        let mut reader = reader([
            give("gr"),
            Wait,
            Fail(ErrorKind::Interrupted),
            give("een tea"),
        ]);
        let mut buf = [0; 5];
        assert_eq!(reader.read_exact(&mut buf).await.unwrap(), 5);
        assert_eq!(&buf, b"green");
        assert_eq!(reader.read_u8().await.unwrap(), b' ');
        assert_eq!(reader.read_exact(&mut []).await.unwrap(), 0);
    });
}

#[test]
fn read_exact_tells_an_early_end() {
    let error = block_on(reader([give("te")]).read_exact(&mut [0; 3])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(
        error.to_string(),
        "early eof: the stream ended after 2 of 3 bytes"
    );
    let error = block_on(reader([give("t")]).read_u16()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn numbers_come_in_both_orders_and_in_pieces() {
    block_on(async {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xfe, 9, 8, 0xff];
        let mut reader = reader(bytes.iter().flat_map(|byte| [Wait, give([*byte])]));
        assert_eq!(reader.read_u16().await.unwrap(), 0x0102);
        assert_eq!(reader.read_u16_le().await.unwrap(), 0x0403);
        assert_eq!(reader.read_u32().await.unwrap(), 0x05060708);
        assert_eq!(reader.read_i16().await.unwrap(), -2);
        assert_eq!(reader.read_i16_le().await.unwrap(), 0x0809);
        assert_eq!(reader.read_i8().await.unwrap(), -1);
    });
}

#[test]
fn read_to_end_keeps_what_came_before_an_error() {
    let mut bytes = b"> ".to_vec();
    let steps = [give("tea"), Wait, Fail(ErrorKind::ConnectionReset)];
    let error = block_on(reader(steps).read_to_end(&mut bytes)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(bytes, b"> tea");
}

#[test]
fn read_to_end_loses_nothing_when_cancelled() {
    let mut reader = reader([give("tea"), Wait, give("pot")]);
    let mut bytes = b"> ".to_vec();
    cancel(reader.read_to_end(&mut bytes));
    assert_eq!(bytes, b"> tea");
    assert_eq!(block_on(reader.read_to_end(&mut bytes)).unwrap(), 3);
    assert_eq!(bytes, b"> teapot");
}

#[test]
fn read_to_end_does_not_grow_a_vector_that_is_large_enough() {
    let mut bytes = Vec::with_capacity(10_000);
    let count = block_on(reader([give([7; 10_000])]).read_to_end(&mut bytes)).unwrap();
    assert_eq!(count, 10_000);
    assert_eq!(bytes.capacity(), 10_000);
}

#[test]
fn read_to_string_leaves_the_string_alone_when_it_fails() {
    let cut_short = &"Улун".as_bytes()[..7];
    let cases: [(Vec<Step>, ErrorKind); 2] = [
        (vec![give(cut_short)], ErrorKind::InvalidData),
        (
            vec![give("tea"), Fail(ErrorKind::BrokenPipe)],
            ErrorKind::BrokenPipe,
        ),
    ];
    for (steps, kind) in cases {
        let mut text = "> ".to_string();
        let error = block_on(reader(steps).read_to_string(&mut text)).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(text, "> ");
    }
    let mut text = "> ".to_string();
    cancel(reader([give("tea"), Wait]).read_to_string(&mut text));
    assert_eq!(text, "> ");
}

#[test]
fn read_to_string_joins_characters_that_come_in_pieces() {
    let steps = "Улун"
        .as_bytes()
        .iter()
        .flat_map(|byte| [give([*byte]), Wait]);
    let mut text = "> ".to_string();
    assert_eq!(
        block_on(reader(steps).read_to_string(&mut text)).unwrap(),
        8
    );
    assert_eq!(text, "> Улун");
}

#[test]
fn take_asks_for_no_more_than_its_limit() {
    block_on(async {
        let mut source = reader([give("teapot")]);
        let mut few = (&mut source).take(3);
        let mut buf = [0; 8];
        assert_eq!(few.read(&mut buf).await.unwrap(), 3);
        assert_eq!(few.read(&mut buf).await.unwrap(), 0);
        few.set_limit(1);
        assert_eq!(few.read(&mut buf).await.unwrap(), 1);
        assert_eq!(source.asked, [3, 1]);
    });
}

#[test]
fn take_and_chain_lend_their_buffers() {
    block_on(async {
        let mut both = BufReader::new(&b"tea\npo"[..])
            .take(5)
            .chain(&b"rcelain\ncup"[..]);
        let mut lines = Vec::new();
        let mut line = String::new();
        while both.read_line(&mut line).await.unwrap() > 0 {
            lines.push(std::mem::take(&mut line));
        }
        assert_eq!(lines, ["tea\n", "prcelain\n", "cup"]);
    });
}

#[test]
fn chain_takes_an_empty_buffer_for_no_end() {
    block_on(async {
        let mut both = reader([give("tea")]).chain(&b"pot"[..]);
        assert_eq!(both.read(&mut []).await.unwrap(), 0);
        let mut text = String::new();
        both.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "teapot");
    });
}

#[test]
#[should_panic(expected = "a reader says that it filled 4 bytes of a buffer of 3")]
fn a_reader_that_lies_is_found_out() {
    let _ = block_on(Liar.read_exact(&mut [0; 3]));
}

/// Bytes in random pieces, with waiting and interruptions in between.
pub fn pieces(
    bytes: impl Strategy<Value = Vec<u8>>,
) -> impl Strategy<Value = (Vec<u8>, Vec<Step>)> {
    (bytes, prop::collection::vec((0..3usize, 1..40usize), 1..20)).prop_map(|(bytes, cuts)| {
        let mut steps = Vec::new();
        let mut rest = &bytes[..];
        for (before, size) in cuts.iter().cycle() {
            steps.extend(
                [Wait, Fail(ErrorKind::Interrupted)]
                    .into_iter()
                    .take(*before),
            );
            let (piece, after) = rest.split_at(rest.len().min(*size));
            if piece.is_empty() {
                break;
            }
            steps.push(give(piece));
            rest = after;
        }
        (bytes, steps)
    })
}

proptest! {
    #[test]
    fn read_to_end_joins_any_pieces(
        (bytes, steps) in pieces(prop::collection::vec(any::<u8>(), 0..500)),
        capacity in 0..600usize,
    ) {
        let mut all = Vec::with_capacity(capacity);
        prop_assert_eq!(block_on(reader(steps).read_to_end(&mut all)).unwrap(), bytes.len());
        prop_assert_eq!(all, bytes);
    }
}
