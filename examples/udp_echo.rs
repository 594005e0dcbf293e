//! Datagrams and their echo. Run with `cargo run --example udp_echo`: ten clients send, one socket answers all of them.
//! `cargo run --example udp_echo -- 127.0.0.1:7001` only serves, for `nc -u 127.0.0.1 7001`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::{env, io};

use samovar::net::UdpSocket;
use samovar::time::{Duration, timeout};

const CLIENTS: usize = 10;

#[samovar::main]
async fn main() -> ExitCode {
    let ended = match env::args().nth(1) {
        None => demo().await,
        Some(address) => serve(&address).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(address: &str) -> io::Result<()> {
    let socket = UdpSocket::bind(address).await?;
    println!("echoes on {}   (Ctrl-C ends it)", socket.local_addr()?);
    echo(socket).await
}

/// No connections, hence no task for each: one socket hears everybody, and the address says whom to answer.
async fn echo(socket: UdpSocket) -> io::Result<()> {
    // The largest datagram there can be. What does not fit into the buffer would be cut off.
    let mut buffer = vec![0; 65_535];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        // A client that is gone must not end the server.
        if let Err(error) = socket.send_to(&buffer[..length], from).await {
            eprintln!("{from}: {error}");
        }
    }
}

async fn demo() -> io::Result<()> {
    let server = UdpSocket::bind("127.0.0.1:0").await?;
    let address = server.local_addr()?;
    let server = samovar::spawn(echo(server));

    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| samovar::spawn(ask(address, format!("cup number {number}"))))
        .collect();
    for client in clients {
        println!("came back: {}", client.await??);
    }
    server.abort();
    Ok(())
}

/// Sends, and sends again if nothing comes back: datagrams get lost, and nobody says so. Whoever waits without a limit
/// waits for ever.
async fn ask(server: SocketAddr, message: String) -> io::Result<String> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    // Sends go to the server by themselves now, and what comes from elsewhere is not heard.
    socket.connect(server).await?;
    let mut buffer = [0; 1024];
    for _attempt in 0..5 {
        socket.send(message.as_bytes()).await?;
        if let Ok(received) = timeout(Duration::from_secs(1), socket.recv(&mut buffer)).await {
            return Ok(String::from_utf8_lossy(&buffer[..received?]).into_owned());
        }
    }
    Err(io::Error::new(
        io::ErrorKind::TimedOut,
        format!("{server} does not answer"),
    ))
}
