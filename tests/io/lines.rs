//! `AsyncBufReadExt`, `Lines` and `Split`.

use std::io::{BufRead, ErrorKind};

use futures::executor::block_on;
use proptest::prelude::*;
use samovar::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};

use super::reading::pieces;
use super::script::{Fail, Reader, Step, Wait, cancel, give, reader};

/// A buffer small enough to make lines cross its end.
fn lines(steps: impl IntoIterator<Item = Step>) -> Lines<BufReader<Reader>> {
    BufReader::with_capacity(4, reader(steps)).lines()
}

#[test]
fn next_line_loses_nothing_when_cancelled() {
    let mut lines = lines([give("green "), Wait, give("tea"), Wait, give("\nend")]);
    cancel(lines.next_line());
    cancel(lines.next_line());
    assert_eq!(block_on(lines.next_line()).unwrap().unwrap(), "green tea");
    assert_eq!(block_on(lines.next_line()).unwrap().unwrap(), "end");
    assert_eq!(block_on(lines.next_line()).unwrap(), None);
}

#[test]
fn next_line_goes_on_after_an_error() {
    let mut lines = lines([give("gre"), Fail(ErrorKind::TimedOut), give("en\n")]);
    let error = block_on(lines.next_line()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(block_on(lines.next_line()).unwrap().unwrap(), "green");
}

#[test]
fn next_line_skips_a_line_that_is_not_utf8() {
    let mut lines = lines([give(b"tea\n\xff\xfe\npot\r\n")]);
    assert_eq!(block_on(lines.next_line()).unwrap().unwrap(), "tea");
    let error = block_on(lines.next_line()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(block_on(lines.next_line()).unwrap().unwrap(), "pot");
}

#[test]
fn read_line_appends_and_says_how_much() {
    block_on(async {
        let mut reader =
            BufReader::with_capacity(4, reader([give("green\r\n"), Wait, give("tea")]));
        let mut text = "> ".to_string();
        assert_eq!(reader.read_line(&mut text).await.unwrap(), 7);
        assert_eq!(reader.read_line(&mut text).await.unwrap(), 3);
        assert_eq!(reader.read_line(&mut text).await.unwrap(), 0);
        assert_eq!(text, "> green\r\ntea");
    });
}

#[test]
fn read_line_gives_the_string_back_when_it_fails() {
    let cases = [
        (vec![give(b"tea\xff\n")], ErrorKind::InvalidData, "> "),
        (
            vec![give("tea"), Fail(ErrorKind::BrokenPipe)],
            ErrorKind::BrokenPipe,
            "> tea",
        ),
        (
            vec![give(b"\xd0"), Fail(ErrorKind::BrokenPipe)],
            ErrorKind::BrokenPipe,
            "> ",
        ),
    ];
    for (steps, kind, left) in cases {
        let mut text = "> ".to_string();
        let error = block_on(BufReader::new(reader(steps)).read_line(&mut text)).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(text, left);
    }
    let mut text = "> ".to_string();
    cancel(BufReader::new(reader([give("tea"), Wait])).read_line(&mut text));
    assert_eq!(text, "> ");
}

#[test]
fn a_string_keeps_its_memory_at_the_end_of_the_stream() {
    let mut text = String::with_capacity(100);
    block_on(BufReader::new(&b""[..]).read_line(&mut text)).unwrap();
    assert_eq!(text.capacity(), 100);
    block_on((&b""[..]).read_to_string(&mut text)).unwrap();
    assert_eq!(text.capacity(), 100);
}

#[test]
fn read_until_keeps_what_it_read_when_cancelled() {
    let mut reader = BufReader::new(reader([give("ool"), Wait, give("ong,white")]));
    let mut bytes = Vec::new();
    cancel(reader.read_until(b',', &mut bytes));
    assert_eq!(bytes, b"ool");
    assert_eq!(block_on(reader.read_until(b',', &mut bytes)).unwrap(), 4);
    assert_eq!(bytes, b"oolong,");
    // What is in `bytes` already is not taken for the delimiter.
    assert_eq!(block_on(reader.read_until(b',', &mut bytes)).unwrap(), 5);
    assert_eq!(bytes, b"oolong,white");
}

#[test]
fn fill_buf_lends_until_it_is_consumed() {
    block_on(async {
        let steps = [Wait, Fail(ErrorKind::Interrupted), give("tea")];
        let mut reader = BufReader::new(reader(steps));
        assert_eq!(reader.fill_buf().await.unwrap(), b"tea");
        reader.consume(2);
        assert_eq!(reader.fill_buf().await.unwrap(), b"a");
        assert_eq!(reader.read_u8().await.unwrap(), b'a');
        assert_eq!(reader.fill_buf().await.unwrap(), b"");
        let mut failing = BufReader::new(super::script::reader([Fail(ErrorKind::TimedOut)]));
        let error = failing.fill_buf().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    });
}

/// Text with many line ends, some of it not UTF-8.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => Just(b'\n'),
        1 => Just(b'\r'),
        4 => any::<u8>(),
        8 => b'a'..=b'z',
    ];
    prop::collection::vec(byte, 0..300)
}

/// A line, or the kind of the error.
type Line = Result<String, ErrorKind>;

proptest! {
    #[test]
    fn lines_are_those_of_std((bytes, steps) in pieces(text()), capacity in 1..50usize) {
        let expected: Vec<Line> = BufRead::lines(&bytes[..]).map(|line| line.map_err(|e| e.kind())).collect();
        let mut lines = BufReader::with_capacity(capacity, reader(steps)).lines();
        let mut found: Vec<Line> = Vec::new();
        while let Some(line) = block_on(lines.next_line()).map_err(|e| e.kind()).transpose() {
            found.push(line);
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn segments_are_those_of_std((bytes, steps) in pieces(text()), capacity in 1..50usize) {
        let expected: Vec<Vec<u8>> = BufRead::split(&bytes[..], b'\n').map(Result::unwrap).collect();
        let mut segments = BufReader::with_capacity(capacity, reader(steps)).split(b'\n');
        let mut found = Vec::new();
        while let Some(segment) = block_on(segments.next_segment()).unwrap() {
            found.push(segment);
        }
        prop_assert_eq!(found, expected);
    }
}
