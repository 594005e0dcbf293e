//! Tokio's I/O traits on our sockets, with their best known user: `tokio-util`'s codecs.

mod eco_support;

use std::future::poll_fn;
use std::pin::{Pin, pin};

use eco_support::on_both;
use futures::{SinkExt, StreamExt, TryStreamExt};
use samovar::net::{TcpListener, TcpStream, UnixStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::bytes::{Bytes, BytesMut};
use tokio_util::codec::{
    Framed, FramedRead, FramedWrite, LengthDelimitedCodec, LinesCodec, LinesCodecError,
};

/// Two connected sockets.
async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap());
    let (client, accepted) = futures::join!(client, listener.accept());
    (client.unwrap(), accepted.unwrap().0)
}

#[test]
fn framed_lines_over_tcp() {
    on_both(|| async {
        let (client, server) = connected().await;
        let echo = samovar::spawn(async move {
            let mut lines = Framed::new(server, LinesCodec::new());
            while let Some(line) = lines.next().await {
                lines.send(line?.to_uppercase()).await?;
            }
            Ok::<(), LinesCodecError>(())
        });
        let mut lines = Framed::new(client, LinesCodec::new());
        for number in 0..100 {
            lines.send(format!("cup {number}")).await.unwrap();
            assert_eq!(
                lines.next().await.unwrap().unwrap(),
                format!("CUP {number}")
            );
        }
        SinkExt::<String>::close(&mut lines).await.unwrap();
        assert!(
            lines.next().await.is_none(),
            "shut down, and the other end too"
        );
        echo.await.unwrap().unwrap();
    });
}

#[test]
fn large_frames_through_owned_halves() {
    on_both(|| async {
        let (client, server) = connected().await;
        let (read, write) = client.into_split();
        let (server_read, server_write) = server.into_split();
        samovar::spawn(async move {
            let frames = FramedRead::new(server_read, LengthDelimitedCodec::new());
            let back = FramedWrite::new(server_write, LengthDelimitedCodec::new());
            frames.map_ok(BytesMut::freeze).forward(back).await
        });
        let sent: Vec<Bytes> = (0..20).map(|n| vec![n; 100_000].into()).collect();
        let frames = sent.clone();
        let sender = samovar::spawn(async move {
            let mut out = FramedWrite::new(write, LengthDelimitedCodec::new());
            for frame in frames {
                out.send(frame).await.unwrap();
            }
            SinkExt::<Bytes>::close(&mut out).await.unwrap();
        });
        let mut back = FramedRead::new(read, LengthDelimitedCodec::new());
        for expected in sent {
            assert_eq!(back.next().await.unwrap().unwrap(), expected);
        }
        assert!(back.next().await.is_none());
        sender.await.unwrap();
    });
}

#[test]
fn framed_over_unix_and_borrowed_halves() {
    on_both(|| async {
        let (left, mut right) = UnixStream::pair().unwrap();
        let (read, write) = right.split();
        let mut left = Framed::new(left, LinesCodec::new());
        let mut ask = FramedWrite::new(write, LinesCodec::new());
        let mut answer = FramedRead::new(read, LinesCodec::new());
        ask.send("tea?").await.unwrap();
        assert_eq!(left.next().await.unwrap().unwrap(), "tea?");
        left.send("green").await.unwrap();
        assert_eq!(answer.next().await.unwrap().unwrap(), "green");
    });
}

#[test]
fn a_read_into_initialised_memory_takes_all_that_is_there() {
    on_both(|| async {
        let (mut client, server) = connected().await;
        let sent = vec![7; 100_000];
        let writes = async {
            let mut bytes = &sent[..];
            while !bytes.is_empty() {
                let written =
                    poll_fn(|cx| AsyncWrite::poll_write(Pin::new(&mut client), cx, bytes));
                bytes = &bytes[written.await.unwrap()..];
            }
            poll_fn(|cx| AsyncWrite::poll_shutdown(Pin::new(&mut client), cx)).await
        };
        let reads = async {
            let mut server = pin!(server);
            // Wait until all of it lies in the socket, as far as that is possible.
            let mut memory = vec![0; 200_000];
            let mut buffer = ReadBuf::new(&mut memory);
            loop {
                let before = buffer.filled().len();
                poll_fn(|cx| AsyncRead::poll_read(server.as_mut(), cx, &mut buffer))
                    .await
                    .unwrap();
                if buffer.filled().len() == before {
                    break buffer.filled().len();
                }
            }
        };
        let (written, read) = futures::join!(writes, reads);
        written.unwrap();
        assert_eq!(read, sent.len());
    });
}

#[test]
fn a_read_into_uninitialised_memory_zeroes_only_a_part() {
    on_both(|| async {
        let (mut client, server) = connected().await;
        poll_fn(|cx| AsyncWrite::poll_write(Pin::new(&mut client), cx, b"tea"))
            .await
            .unwrap();
        let mut memory = vec![std::mem::MaybeUninit::uninit(); 1 << 20];
        let mut buffer = ReadBuf::uninit(&mut memory);
        let mut server = pin!(server);
        poll_fn(|cx| AsyncRead::poll_read(server.as_mut(), cx, &mut buffer))
            .await
            .unwrap();
        assert_eq!(buffer.filled(), b"tea");
        assert!(buffer.initialized().len() < 1 << 16);
    });
}
