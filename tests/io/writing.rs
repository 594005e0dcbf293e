//! `AsyncWriteExt`.

use std::io::{ErrorKind, IoSlice};

use futures::executor::block_on;
use samovar::io::AsyncWriteExt;

use super::script::{Fail, Liar, Take, Wait, cancel, writer};

#[test]
fn write_all_goes_on_after_part_of_it_was_taken() {
    let mut writer = writer([Take(2), Wait, Fail(ErrorKind::Interrupted), Take(1), Wait]);
    block_on(writer.write_all(b"teapot")).unwrap();
    assert_eq!(writer.written, b"teapot");
    assert_eq!(writer.offered, [6, 4, 4, 4, 3, 3]);
}

#[test]
fn write_all_tells_a_writer_that_takes_no_more() {
    let mut writer = writer([Take(2), Take(0)]);
    let error = block_on(writer.write_all(b"tea")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    assert_eq!(writer.written, b"te");
    // Nothing to write is no error, even then.
    writer.steps.push_back(Take(0));
    block_on(writer.write_all(b"")).unwrap();
}

#[test]
fn write_passes_a_short_count_on() {
    let mut writer = writer([Fail(ErrorKind::Interrupted), Take(2), Take(0)]);
    assert_eq!(block_on(writer.write(b"tea")).unwrap(), 2);
    assert_eq!(block_on(writer.write(b"a")).unwrap(), 0);
}

#[test]
fn a_cancelled_write_has_written_nothing() {
    let mut writer = writer([Wait]);
    cancel(writer.write(b"tea"));
    assert_eq!(writer.written, b"");
}

#[test]
fn write_vectored_writes_at_least_the_first_that_is_not_empty() {
    let bufs = [
        IoSlice::new(b""),
        IoSlice::new(b"tea"),
        IoSlice::new(b"pot"),
    ];
    let mut scripted = writer([Fail(ErrorKind::Interrupted)]);
    assert_eq!(block_on(scripted.write_vectored(&bufs)).unwrap(), 3);
    let mut vector = Vec::new();
    assert_eq!(block_on(vector.write_vectored(&bufs)).unwrap(), 6);
    assert_eq!(vector, b"teapot");
}

#[test]
fn numbers_go_in_both_orders_and_in_pieces() {
    block_on(async {
        let mut writer = writer([Take(1), Wait, Take(1), Take(1)]);
        writer.write_u16(0x0102).await.unwrap();
        writer.write_u16_le(0x0403).await.unwrap();
        writer.write_u32(0x05060708).await.unwrap();
        writer.write_i16(-2).await.unwrap();
        writer.write_i8(-1).await.unwrap();
        writer.write_u8(7).await.unwrap();
        writer.write_f32_le(1.0).await.unwrap();
        let expected = [
            1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xfe, 0xff, 7, 0, 0, 0x80, 0x3f,
        ];
        assert_eq!(writer.written, expected);
        let error = super::script::writer([Take(1), Take(0)])
            .write_u16(1)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
    });
}

#[test]
fn flush_and_shutdown_are_tried_again_when_interrupted() {
    block_on(async {
        let mut writer = writer([]);
        writer.flush_steps = [Fail(ErrorKind::Interrupted), Wait].into();
        writer.flush().await.unwrap();
        assert_eq!(writer.flushed_at, [0]);
        writer.flush_steps = [Wait, Fail(ErrorKind::Interrupted)].into();
        writer.shutdown().await.unwrap();
        assert!(writer.closed);
        writer.flush_steps = [Fail(ErrorKind::NotConnected)].into();
        let error = writer.shutdown().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
    });
}

#[test]
#[should_panic(expected = "a writer says that it took 4 bytes of a buffer of 3")]
fn a_writer_that_lies_is_found_out() {
    let _ = block_on(Liar.write_all(b"tea"));
}

#[test]
#[should_panic(expected = "a writer says that it took 4 bytes of a buffer of 3")]
fn a_writer_that_lies_of_several_buffers_is_found_out() {
    let bufs = [IoSlice::new(b""), IoSlice::new(b"tea")];
    let _ = block_on(Liar.write_vectored(&bufs));
}
