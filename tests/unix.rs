//! Unix sockets: files, names, pairs.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{AsyncReadExt, AsyncWriteExt};
use samovar::net::{UnixListener, UnixStream};
use support::on_both;

/// A path for one socket, which is removed again.
struct SocketPath(PathBuf);

impl SocketPath {
    fn new() -> SocketPath {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("samovar-{}-{count}.socket", std::process::id());
        SocketPath(std::env::temp_dir().join(name))
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_client_of_the_standard_library_is_served() {
    on_both(|| async {
        let path = SocketPath::new();
        let listener = UnixListener::bind(&path.0).unwrap();
        assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(&*path.0));
        let file = path.0.clone();
        let client = std::thread::spawn(move || {
            let mut stream = std::os::unix::net::UnixStream::connect(file).unwrap();
            stream.write_all(b"one cup").unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let (mut stream, peer) = listener.accept().await.unwrap();
        assert!(peer.is_unnamed());
        let mut order = String::new();
        stream.read_to_string(&mut order).await.unwrap();
        stream
            .write_all(order.to_uppercase().as_bytes())
            .await
            .unwrap();
        stream.close().await.unwrap();
        stream.close().await.unwrap();
        assert_eq!(client.join().unwrap(), "ONE CUP");
    });
}

#[test]
fn errors_name_the_file() {
    on_both(|| async {
        let path = SocketPath::new();
        let shown = path.0.display().to_string();
        let error = UnixStream::connect(&path.0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(
            error
                .to_string()
                .starts_with(&format!("cannot connect to {shown}: ")),
            "{error}"
        );

        let listener = UnixListener::bind(&path.0).unwrap();
        let error = UnixListener::bind(&path.0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(
            error
                .to_string()
                .starts_with(&format!("cannot listen on {shown}: ")),
            "{error}"
        );

        drop(listener);
        let error = UnixStream::connect(&path.0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);

        let error = UnixListener::bind("x".repeat(1_000)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(
            error.to_string().starts_with("invalid Unix socket path "),
            "{error}"
        );
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_name_that_begins_with_nul_needs_no_file() {
    on_both(|| async {
        let name = format!("\0samovar-{}", std::process::id());
        let listener = UnixListener::bind(&name).unwrap();
        let mut client = UnixStream::connect(&name).await.unwrap();
        client.write_all(b"tea").await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 3);
    });
}

#[test]
fn a_pair_carries_megabytes_both_ways_through_its_halves() {
    on_both(|| async {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (mut reader, mut writer) = ours.into_split();
        let write =
            samovar::spawn(async move { writer.write_all(&vec![1; 2 << 20]).await.unwrap() });
        let read = samovar::spawn(async move {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).await.unwrap();
            all.len()
        });
        let (mut their_reader, mut their_writer) = UnixStream::split(&mut theirs);
        let echo = async {
            futures::io::copy(&mut their_reader, &mut their_writer)
                .await
                .unwrap();
            their_writer.close().await.unwrap();
        };
        echo.await;
        // The writing half was dropped at the end of its task, and that ended the stream.
        write.await.unwrap();
        assert_eq!(read.await.unwrap(), 2 << 20);
    });
}

#[test]
fn readiness_and_trying_work_without_the_traits() {
    on_both(|| async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        assert_eq!(
            ours.try_read(&mut [0; 8]).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        theirs.writable().await.unwrap();
        assert_eq!(theirs.try_write(b"tea").unwrap(), 3);
        ours.readable().await.unwrap();
        assert_eq!(ours.try_read(&mut [0; 8]).unwrap(), 3);
        drop(theirs);
        assert_eq!(ours.into_std().unwrap().read(&mut [0; 8]).unwrap(), 0);
    });
}

#[test]
fn halves_of_one_stream_are_reunited() {
    on_both(|| async {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (reader, writer) = ours.into_split();
        assert!(writer.local_addr().unwrap().is_unnamed());
        let mut ours = reader.reunite(writer).unwrap();
        ours.write_all(b"tea").await.unwrap();
        assert_eq!(theirs.read(&mut [0; 8]).await.unwrap(), 3);
    });
}
