//! An echo server and its clients in one program. Run with `cargo run --example echo`.
//!
//! You see a hundred clients talk to the server at the same time, and each get its own words back.

use std::io;
use std::net::SocketAddr;

use samovar::io::{AsyncReadExt, AsyncWriteExt, copy};
use samovar::net::{TcpListener, TcpStream};

const CLIENTS: usize = 100;
const MESSAGES: usize = 50;

#[samovar::main]
async fn main() -> io::Result<()> {
    // Port 0: the system chooses a free one.
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    println!("server   listens on {address}");
    let server = samovar::spawn(serve(listener));

    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| samovar::spawn(talk(address, number)))
        .collect();
    let mut bytes = 0;
    for client in clients {
        bytes += client.await??;
    }
    println!(
        "clients  {CLIENTS} at once, {MESSAGES} messages each: {bytes} bytes came back unharmed"
    );

    // Otherwise it would listen for ever.
    server.abort();
    Ok(())
}

/// Accepts, and gives each connection a task of its own.
async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        samovar::spawn(async move {
            let (mut reader, mut writer) = stream.split();
            copy(&mut reader, &mut writer).await
        });
    }
}

/// Sends messages and compares what comes back.
async fn talk(address: SocketAddr, number: usize) -> io::Result<usize> {
    let mut stream = TcpStream::connect(address).await?;
    let mut bytes = 0;
    for message in 0..MESSAGES {
        let sent = format!("client {number}, message {message}");
        stream.write_all(sent.as_bytes()).await?;
        let mut back = vec![0; sent.len()];
        stream.read_exact(&mut back).await?;
        assert_eq!(back, sent.as_bytes());
        bytes += back.len();
    }
    Ok(bytes)
}
