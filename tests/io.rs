//! Reading and writing: in memory, against readers and writers that do what they are told.

#[path = "io/buffers.rs"]
mod buffers;
#[path = "io/copying.rs"]
mod copying;
#[path = "io/duplex.rs"]
mod duplex;
#[path = "io/lines.rs"]
mod lines;
#[path = "io/reading.rs"]
mod reading;
#[path = "io/script.rs"]
mod script;
#[path = "io/splitting.rs"]
mod splitting;
#[path = "io/stdio.rs"]
mod stdio;
mod watchdog;
#[path = "io/writing.rs"]
mod writing;

use samovar::io;

/// Every type can go to another thread, and none is pinned for ever.
#[test]
fn types_are_send_sync_and_unpin() {
    fn check<T: Send + Sync + Unpin>() {}
    check::<io::BufReader<&[u8]>>();
    check::<io::BufWriter<Vec<u8>>>();
    check::<io::BufStream<io::DuplexStream>>();
    check::<io::Chain<&[u8], &[u8]>>();
    check::<io::DuplexStream>();
    check::<io::Empty>();
    check::<io::Lines<&[u8]>>();
    check::<io::ReadHalf<io::DuplexStream>>();
    check::<io::Repeat>();
    check::<io::Sink>();
    check::<io::Split<&[u8]>>();
    check::<io::Stderr>();
    check::<io::Stdin>();
    check::<io::Stdout>();
    check::<io::Take<&[u8]>>();
    check::<io::WriteHalf<io::DuplexStream>>();
}

/// The methods work on trait objects, as they do on types.
#[test]
fn methods_work_on_trait_objects() {
    use samovar::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
    futures::executor::block_on(async {
        let mut reader: Box<dyn io::AsyncBufRead + Unpin> = Box::new(&b"tea\npot"[..]);
        let mut line = String::new();
        reader.read_line(&mut line).await.unwrap();
        reader.read_to_string(&mut line).await.unwrap();
        assert_eq!(line, "tea\npot");

        let mut bytes = Vec::new();
        let writer: &mut (dyn io::AsyncWrite + Unpin) = &mut bytes;
        writer.write_all(b"tea").await.unwrap();
        writer.shutdown().await.unwrap();
        assert_eq!(bytes, b"tea");
    });
}
