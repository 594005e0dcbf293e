//! The tutorials' TCP server: one task per connection, an HTTP greeting. Run with `cargo run --example hello_server`, then
//! open <http://127.0.0.1:8080> or `curl http://127.0.0.1:8080`. Another address goes behind `--`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::{env, io};

use samovar::io::{AsyncReadExt, AsyncWriteExt};
use samovar::net::{TcpListener, TcpStream};
use samovar::time::{Duration, sleep, timeout};

/// What every visitor gets.
const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Samovar</title>\
<body style=\"font:1.5em sans-serif;text-align:center;margin-top:20vh\">\
<h1>Hello from the samovar</h1><p>One boiler, many cups.</p>\n";

/// A request whose head is longer is refused.
const MAX_HEAD: usize = 8 * 1024;

/// A connection that says nothing for so long is closed.
const PATIENCE: Duration = Duration::from_secs(30);

#[samovar::main]
async fn main() -> ExitCode {
    let address = env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = match TcpListener::bind(&address).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("{error}");
            eprintln!("Give another address: cargo run --example hello_server -- 127.0.0.1:8081");
            return ExitCode::FAILURE;
        }
    };
    match listener.local_addr() {
        Ok(address) => println!("listening on http://{address}"),
        Err(_) => println!("listening on {address}"),
    }
    #[cfg(feature = "signal")]
    samovar::spawn(tell_on_signal());
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // The task runs on its own; its handle is dropped, which detaches it.
                samovar::spawn(visit(stream, peer));
            }
            Err(error) => {
                // Out of descriptors, most likely: visitors that are here must leave before others can come.
                eprintln!("cannot accept: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// On `kill -USR1`, prints who waits for what. More of it with `SAMOVAR_TRACE=observe`. (With `--features signal`.)
#[cfg(feature = "signal")]
async fn tell_on_signal() -> io::Result<()> {
    use samovar::runtime::Handle;
    use samovar::signal::unix::{SignalKind, signal};

    let mut asked = signal(SignalKind::user_defined1())?;
    while asked.recv().await.is_some() {
        eprintln!("{}", Handle::current().dump());
    }
    Ok(())
}

/// One visitor, from the first request to the last.
async fn visit(mut stream: TcpStream, peer: SocketAddr) {
    match serve(&mut stream).await {
        Ok(()) => {}
        // The browser was closed, or left the connection open and never came back: nobody's fault.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::TimedOut
            ) => {}
        Err(error) => eprintln!("{peer}: {error}"),
    }
}

/// Answers requests until the visitor has enough.
async fn serve(stream: &mut TcpStream) -> io::Result<()> {
    let mut input = Vec::with_capacity(1024);
    let mut chunk = [0; 1024];
    loop {
        let Some(end) = end_of_head(&input) else {
            if input.len() > MAX_HEAD {
                return stream
                    .write_all(&response("431 Request Header Fields Too Large", "", false))
                    .await;
            }
            match timeout(PATIENCE, stream.read(&mut chunk)).await?? {
                0 => return Ok(()),
                read => input.extend_from_slice(&chunk[..read]),
            }
            continue;
        };
        let keep = answer(stream, &input[..end]).await?;
        if !keep {
            return stream.shutdown().await;
        }
        input.drain(..end);
    }
}

/// Answers one request. `false`: the connection is to be closed.
async fn answer(stream: &mut TcpStream, head: &[u8]) -> io::Result<bool> {
    let head = String::from_utf8_lossy(head);
    let mut words = head.lines().next().unwrap_or("").split_whitespace();
    let (method, version) = (words.next().unwrap_or(""), words.nth(1).unwrap_or(""));
    if !version.starts_with("HTTP/1.") {
        stream
            .write_all(&response("400 Bad Request", "", false))
            .await?;
        return Ok(false);
    }
    let keep = version != "HTTP/1.0" && !head.to_ascii_lowercase().contains("connection: close");
    let answer = match method {
        "GET" | "HEAD" => response("200 OK", PAGE, keep),
        _ => response("405 Method Not Allowed", "", false),
    };
    let length = if method == "HEAD" {
        answer.len() - PAGE.len()
    } else {
        answer.len()
    };
    stream.write_all(&answer[..length]).await?;
    Ok(keep && (method == "GET" || method == "HEAD"))
}

/// Where the request's head ends, if all of it is there.
fn end_of_head(input: &[u8]) -> Option<usize> {
    input
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .map(|at| at + 4)
}

/// A whole answer.
fn response(status: &str, body: &str, keep: bool) -> Vec<u8> {
    let connection = if keep { "keep-alive" } else { "close" };
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: {connection}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
