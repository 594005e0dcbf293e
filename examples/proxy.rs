//! A TCP proxy: what comes in on one side goes out on the other, both ways. Run with `cargo run --example proxy`: a client
//! talks to a server through it. `cargo run --example proxy -- 127.0.0.1:8081 example.com:80` stands before a real one.

use std::process::ExitCode;
use std::{env, io};

use samovar::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use samovar::net::{TcpListener, TcpStream};
use samovar::time::{Duration, sleep, timeout};

/// A server that does not answer by then is out of reach.
const PATIENCE: Duration = Duration::from_secs(10);

#[samovar::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let ended = match &arguments[..] {
        [] => demo().await,
        [listen, upstream] => open(listen, upstream).await,
        _ => {
            eprintln!("Either no arguments, for a demonstration, or: proxy LISTEN UPSTREAM");
            eprintln!("for example: proxy 127.0.0.1:8081 example.com:80");
            return ExitCode::FAILURE;
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn open(listen: &str, upstream: &str) -> io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    println!(
        "{} leads to {upstream}   (Ctrl-C ends it)",
        listener.local_addr()?
    );
    proxy(listener, upstream.to_owned()).await;
    Ok(())
}

/// Takes connections, and gives each a task.
async fn proxy(listener: TcpListener, upstream: String) {
    loop {
        match listener.accept().await {
            Ok((client, peer)) => {
                let upstream = upstream.clone();
                samovar::spawn(async move {
                    match pass(client, &upstream).await {
                        Ok((up, down)) => println!("{peer}: {up} bytes up, {down} bytes down"),
                        Err(error) => eprintln!("{peer}: {error}"),
                    }
                });
            }
            Err(error) => {
                eprintln!("cannot accept: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// One connection, to the end of both directions.
///
/// They end one by one: a client may say "that was all" and still wait for the answer. `copy_bidirectional` passes that on
/// by shutting down the other side's writing, and goes on with the other direction.
async fn pass(mut client: TcpStream, upstream: &str) -> io::Result<(u64, u64)> {
    let mut server = timeout(PATIENCE, TcpStream::connect(upstream)).await??;
    // What the two ends wait for, if anything, is their own affair; a proxy should add nothing.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await
}

/// A server, the proxy before it, and a client.
async fn demo() -> io::Result<()> {
    let server = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = TcpListener::bind("127.0.0.1:0").await?;
    let (upstream, entrance) = (server.local_addr()?, proxy.local_addr()?);
    let server = samovar::spawn(shout(server));
    let proxy = samovar::spawn(async move {
        let (client, _) = proxy.accept().await?;
        pass(client, &upstream.to_string()).await
    });

    let mut client = TcpStream::connect(entrance).await?;
    client.write_all(b"one more cup, please").await?;
    // "That was all": the server hears it through the proxy.
    client.shutdown().await?;
    let mut answer = String::new();
    client.read_to_string(&mut answer).await?;
    println!("client   heard {answer:?}");

    server.await??;
    let (up, down) = proxy.await??;
    println!("proxy    passed {up} bytes up and {down} bytes down");
    Ok(())
}

/// A server that reads all before it answers once: it shows that the end of one direction gets through.
async fn shout(listener: TcpListener) -> io::Result<()> {
    let (mut stream, _) = listener.accept().await?;
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await?;
    println!("server   heard {heard:?}, and then the end");
    stream.write_all(heard.to_uppercase().as_bytes()).await?;
    stream.shutdown().await
}
