//! Three hundred pages fetched one after the other, then fifty at a time with `buffer_unordered`. Run with
//! `cargo run --example scraper`: the same pages, many times faster. The server that they come from is in here too.

use std::io;
use std::net::SocketAddr;

use futures::stream::{self, StreamExt};
use samovar::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use samovar::net::{TcpListener, TcpStream};
use samovar::time::{Duration, Instant, sleep, timeout};

const PAGES: usize = 300;

/// How many requests are under way at most. Without a bound, the server would get all of them at once.
const AT_A_TIME: usize = 50;

/// What a page takes on the server, which is all that makes fetching slow.
const SERVER_THINKS: Duration = Duration::from_millis(5);

/// A page that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(10);

#[samovar::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = samovar::spawn(serve(listener));

    let start = Instant::now();
    let mut titles = Vec::new();
    for page in 0..PAGES {
        titles.push(title_of(address, page).await);
    }
    report("one by one", &titles, start);

    // A stream of futures that are not polled yet; `buffer_unordered` polls up to fifty, and yields results as they come.
    // (`buffered` yields them in the order of the pages, and so waits for the slowest in front.) It is one task: no
    // spawning, no handles, and dropping the stream cancels what is under way.
    let start = Instant::now();
    let titles: Vec<_> = stream::iter(0..PAGES)
        .map(|page| title_of(address, page))
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    report(&format!("{AT_A_TIME} at a time"), &titles, start);

    server.abort();
    Ok(())
}

fn report(way: &str, titles: &[io::Result<String>], start: Instant) {
    let mut failed = 0;
    for error in titles.iter().filter_map(|title| title.as_ref().err()) {
        failed += 1;
        // One page that fails is no reason to lose the others: it is counted, and its reason told.
        eprintln!("{error}");
    }
    println!(
        "{way:13} {} pages, {failed} failed, {:.2} s",
        titles.len() - failed,
        start.elapsed().as_secs_f64()
    );
}

/// One page: a request, an answer, and the title cut out.
async fn title_of(server: SocketAddr, page: usize) -> io::Result<String> {
    // The `timeout` gives `Result<io::Result<_>, Elapsed>`; an `Elapsed` becomes an `io::Error` by itself.
    let page = timeout(PATIENCE, get(server, &format!("/tea/{page}"))).await??;
    page.split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map(|(title, _)| title.to_owned())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a page without a title"))
}

/// The smallest HTTP client there is. For a real one see the example `fetch_user`.
async fn get(server: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    // The server closes after its answer, so the end of the stream is the end of the page.
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.to_owned()),
        _ => Err(io::Error::other(format!(
            "{path}: the server says {:?}",
            answer.lines().next().unwrap_or("nothing")
        ))),
    }
}

/// Serves a page about every tea.
async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        samovar::spawn(async move {
            if let Err(error) = answer(stream).await {
                eprintln!("the server: {error}");
            }
        });
    }
}

async fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut path = String::new();
    let mut lines = BufReader::new(&mut stream).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split(' ').next().unwrap_or("/").to_owned();
        }
        if line.is_empty() {
            break;
        }
    }
    sleep(SERVER_THINKS).await;
    let page = format!("<!doctype html><title>Tea number {path}</title><h1>It is good</h1>");
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        page.len()
    );
    stream.write_all((head + &page).as_bytes()).await?;
    stream.shutdown().await
}
