//! hyper on our sockets, tasks and timers: HTTP/1 and HTTP/2, server and client.

mod eco_support;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use eco_support::{on_both, watchdog};
use futures::{AsyncReadExt, AsyncWriteExt};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::rt::Timer as _;
use hyper::service::service_fn;
use hyper::{Request, Response, client, server};
use samovar::hyper::{Executor, Io, Timer};
use samovar::net::{TcpListener, TcpStream};
use samovar::runtime::Runtime;

/// Answers with what it was sent.
async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert("path", path.parse().unwrap());
    Ok(response)
}

/// A request with a body.
fn request(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(path)
        .header("host", "localhost")
        .body(Full::new(body.into()))
        .unwrap()
}

/// Serves one HTTP/1 connection after the other.
async fn serve_http1(vectored: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    samovar::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let io = if vectored {
                Io::vectored(stream)
            } else {
                Io::new(stream)
            };
            samovar::spawn(
                server::conn::http1::Builder::new()
                    .timer(Timer)
                    .serve_connection(io, service_fn(echo)),
            );
        }
    });
    address
}

#[test]
fn http1_keeps_its_connection_and_carries_large_bodies() {
    for vectored in [false, true] {
        on_both(move || async move {
            let address = serve_http1(vectored).await;
            let stream = Io::vectored(TcpStream::connect(address).await.unwrap());
            let (mut sender, connection) = client::conn::http1::handshake(stream).await.unwrap();
            samovar::spawn(connection);
            for size in [0, 1, 1_000, 8_192, 100_000, 3_000_000] {
                let body: Bytes = (0..size).map(|n| (n % 251) as u8).collect();
                let response = sender.send_request(request("/echo", body.clone()));
                let response = response.await.unwrap();
                assert_eq!(response.headers()["path"], "/echo");
                let answer = response.into_body().collect().await.unwrap().to_bytes();
                assert!(answer == body, "a body of {size} bytes came back different");
                sender.ready().await.unwrap();
            }
        });
    }
}

#[test]
fn http2_runs_its_streams_on_our_executor() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        samovar::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let serve = server::conn::http2::Builder::new(Executor)
                .timer(Timer)
                .serve_connection(Io::vectored(stream), service_fn(echo));
            serve.await.unwrap();
        });
        let stream = Io::vectored(TcpStream::connect(address).await.unwrap());
        let (sender, connection) = client::conn::http2::Builder::new(Executor)
            .timer(Timer)
            .handshake(stream)
            .await
            .unwrap();
        samovar::spawn(connection);
        let streams = (0..50).map(|number| {
            let mut sender = sender.clone();
            samovar::spawn(async move {
                let body = vec![number; 10_000];
                let path = format!("http://localhost/{number}");
                let response = sender.send_request(request(&path, body.clone()));
                let body_back = response.await.unwrap().into_body().collect().await.unwrap();
                assert!(body_back.to_bytes() == body);
            })
        });
        for stream in streams.collect::<Vec<_>>() {
            stream.await.unwrap();
        }
    });
}

#[test]
fn a_head_that_does_not_come_times_out() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
        let error = server::conn::http1::Builder::new()
            .timer(Timer)
            .header_read_timeout(Duration::from_millis(20))
            .serve_connection(Io::vectored(stream), service_fn(echo))
            .await
            .unwrap_err();
        assert!(error.is_timeout(), "{error}");
    });
}

#[test]
fn a_timer_is_reset_in_place() {
    watchdog(|| {
        Runtime::new().unwrap().block_on(async {
            let timer = Timer;
            let start = timer.now();
            let mut sleep = timer.sleep(Duration::from_secs(3600));
            assert!(futures::poll!(&mut sleep).is_pending());
            timer.reset(&mut sleep, start + Duration::from_millis(10));
            sleep.await;
            assert!(timer.now() >= start + Duration::from_millis(10));
        });
    });
}

#[test]
fn an_upgraded_connection_is_a_stream_again() {
    on_both(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        samovar::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let service = service_fn(|request: Request<Incoming>| async {
                samovar::spawn(async {
                    let mut io = Io::new(hyper::upgrade::on(request).await.unwrap());
                    let mut asked = [0; 4];
                    io.read_exact(&mut asked).await.unwrap();
                    assert_eq!(&asked, b"tea?");
                    io.write_all(b"green").await.unwrap();
                    io.close().await.unwrap();
                });
                let response = Response::builder().status(101).header("upgrade", "tea");
                Ok::<_, Infallible>(response.body(Full::<Bytes>::default()).unwrap())
            });
            let http1 = server::conn::http1::Builder::new();
            let connection = http1.serve_connection(Io::vectored(stream), service);
            connection.with_upgrades().await.unwrap();
        });
        let mut client = TcpStream::connect(address).await.unwrap();
        client
            .write_all(
                b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: tea\r\n\r\ntea?",
            )
            .await
            .unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        assert!(answer.ends_with("green"), "{answer}");
    });
}
