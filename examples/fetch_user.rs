//! An HTTP client, with and without TLS, made of hyper and rustls. Run with `cargo run --example fetch_user --features hyper`:
//! it asks servers of its own, over http and https. Behind `--` goes the URL of a user elsewhere, such as
//! `https://jsonplaceholder.typicode.com/users/1`.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, io};

use futures_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use futures_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use futures_rustls::{TlsAcceptor, TlsConnector};
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri, client, header, server};
use samovar::hyper::Io;
use samovar::io::{AsyncRead, AsyncWrite};
use samovar::net::{TcpListener, TcpStream};
use samovar::time::{Duration, timeout};
use serde::Deserialize;

/// Whatever goes wrong on the way, for people to read.
type Problem = Box<dyn Error + Send + Sync>;

/// The part of the answer that we want; the rest of the JSON is skipped.
#[derive(Debug, Deserialize)]
struct User {
    id: u64,
    name: String,
}

/// For the whole request: name, connection, TLS, answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// A user that is larger is none.
const LARGEST_BODY: usize = 1024 * 1024;

#[samovar::main]
async fn main() -> ExitCode {
    let ended = match env::args().nth(1) {
        Some(url) => fetch_and_tell(&url, &public_roots()).await,
        None => demo().await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn fetch_and_tell(url: &str, tls: &TlsConnector) -> Result<(), Problem> {
    let user = fetch_user(url, tls).await?;
    println!("{url}: user {} is {}", user.id, user.name);
    Ok(())
}

/// The whole of it: a URL in, a user out.
async fn fetch_user(url: &str, tls: &TlsConnector) -> Result<User, Problem> {
    let uri: Uri = url
        .parse()
        .map_err(|error| format!("{url} is not a URL: {error}"))?;
    let (status, body) = timeout(PATIENCE, get(&uri, tls))
        .await
        .map_err(|_elapsed| format!("{url}: no answer within {PATIENCE:?}"))?
        .map_err(|problem| format!("{url}: {problem}"))?;
    if !status.is_success() {
        return Err(format!("{url}: the server says {status}").into());
    }
    serde_json::from_slice(&body).map_err(|error| format!("{url}: not a user: {error}").into())
}

/// Connects, with TLS if the URL wants it, and asks.
async fn get(uri: &Uri, tls: &TlsConnector) -> Result<(StatusCode, Bytes), Problem> {
    let host = uri
        .host()
        .ok_or("a URL starts with http://host or https://host")?;
    let secure = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err("only http and https are spoken here".into()),
    };
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await?;
    if !secure {
        return ask(stream, uri).await;
    }
    // TLS is a stream around a stream: `futures-rustls` wants the traits of `futures-io`, and gives them. The name is what
    // the server's certificate has to be made out to.
    let name = ServerName::try_from(host.to_owned())?;
    ask(tls.connect(name, stream).await?, uri).await
}

/// One request over a stream of whatever kind.
async fn ask<S>(stream: S, uri: &Uri) -> Result<(StatusCode, Bytes), Problem>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = client::conn::http1::handshake(Io::new(stream)).await?;
    // Two ends: `sender` takes requests, `connection` moves the bytes, and must be polled for anything to happen. It ends
    // when `sender` is dropped; its errors also come out of `send_request`.
    samovar::spawn(connection);

    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().map_or("", |host| host.as_str());
    let request = Request::get(path)
        .header(header::HOST, host)
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, "samovar-fetch-user")
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LARGEST_BODY);
    Ok((status, body.collect().await?.to_bytes()))
}

/// Trusts whom the browsers trust.
fn public_roots() -> TlsConnector {
    trust(RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    })
}

fn trust(roots: RootCertStore) -> TlsConnector {
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// A server on a free port, with and without TLS, and questions to it.
async fn demo() -> Result<(), Problem> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = made.cert.der().clone();
    let acceptor = acceptor(
        certificate.clone(),
        PrivateKeyDer::try_from(made.signing_key.serialize_der())?,
    )?;
    let plain = serve(None).await?;
    let secure = serve(Some(acceptor)).await?;

    // Nobody has vouched for this certificate, so we have to say that we trust it.
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    let tls = trust(roots);
    fetch_and_tell(&format!("http://localhost:{}/users/7", plain.port()), &tls).await?;
    fetch_and_tell(
        &format!("https://localhost:{}/users/7", secure.port()),
        &tls,
    )
    .await?;

    println!("and what goes wrong is said:");
    for (url, tls) in [
        (format!("http://localhost:{}/users/8", plain.port()), &tls),
        // Browsers would refuse this certificate too.
        (
            format!("https://localhost:{}/users/7", secure.port()),
            &public_roots(),
        ),
        ("localhost/users/7".to_owned(), &tls),
    ] {
        match fetch_user(&url, tls).await {
            Ok(user) => println!("  {user:?}, of all things"),
            Err(problem) => println!("  {problem}"),
        }
    }
    Ok(())
}

fn acceptor(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> Result<TlsAcceptor, Problem> {
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Starts a server that knows one user.
async fn serve(tls: Option<TlsAcceptor>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("localhost:0").await?;
    let address = listener.local_addr()?;
    samovar::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            samovar::spawn(async move {
                // A client that goes away, or distrusts our certificate, has the right to: nothing to report.
                let _ = match tls {
                    None => answer(stream).await,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => answer(stream).await,
                        Err(_) => Ok(()),
                    },
                };
            });
        }
    });
    Ok(address)
}

async fn answer<S>(stream: S) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request: Request<Incoming>| async move {
        let mut response = Response::new(Full::new(Bytes::new()));
        match request.uri().path() {
            "/users/7" => {
                *response.body_mut() = Full::from(r#"{"id": 7, "name": "Anna", "likes": "Assam"}"#)
            }
            _ => *response.status_mut() = StatusCode::NOT_FOUND,
        }
        Ok::<_, Infallible>(response)
    });
    server::conn::http1::Builder::new()
        .serve_connection(Io::new(stream), service)
        .await
}
