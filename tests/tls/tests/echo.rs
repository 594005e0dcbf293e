//! TLS by `futures-rustls` between two of our own sockets: a real user of the `futures-io` traits, which reads and writes
//! in its own pieces, at its own times, and closes with a message of its own.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt};
use futures_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
use futures_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use futures_rustls::{TlsAcceptor, TlsConnector};
use samovar::net::{TcpListener, TcpStream};
use samovar::runtime::Builder;
use samovar::time::timeout;

/// Both ends of TLS, for a certificate made just now.
fn ends() -> (TlsAcceptor, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server).into(), Arc::new(client).into())
}

/// Runs on both kinds of runtime, and fails when it hangs.
fn on_both<F: Future<Output = ()>>(make: impl Fn() -> F) {
    for mut builder in [Builder::new_multi_thread(), Builder::new_current_thread()] {
        let runtime = builder.worker_threads(2).build().unwrap();
        let limited = async { timeout(Duration::from_secs(60), make()).await };
        runtime.block_on(limited).expect("hangs");
    }
}

/// A server that sends everything back, and a way to connect to it.
async fn echo_server(acceptor: TlsAcceptor) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    samovar::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            samovar::spawn(async move {
                // A client that distrusts us ends the handshake; that is its right.
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let (reader, mut writer) = stream.split();
                futures::io::copy(reader, &mut writer).await.unwrap();
                writer.close().await.unwrap();
            });
        }
    });
    address
}

#[test]
fn bytes_come_back_over_tls() {
    on_both(|| async {
        let (acceptor, connector) = ends();
        let address = echo_server(acceptor).await;
        let clients = (0..4).map(|number: u8| {
            let connector = connector.clone();
            samovar::spawn(async move {
                let stream = TcpStream::connect(address).await.unwrap();
                let name = ServerName::try_from("localhost").unwrap();
                let stream = connector.connect(name, stream).await.unwrap();
                let (mut reader, mut writer) = stream.split();
                // More than the buffers on the way hold, so that both ends have to wait, in both directions.
                let sent: Vec<u8> = (0..2_000_000u32)
                    .map(|n| (n % 251) as u8 ^ number)
                    .collect();
                let write = async {
                    writer.write_all(&sent).await.unwrap();
                    writer.close().await.unwrap();
                };
                let mut back = Vec::new();
                let read = async { reader.read_to_end(&mut back).await.unwrap() };
                futures::join!(write, read);
                assert!(back == sent, "came back different");
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
    });
}

#[test]
fn a_certificate_of_somebody_else_is_refused() {
    on_both(|| async {
        let (acceptor, _) = ends();
        let (_, connector_of_another) = ends();
        let address = echo_server(acceptor).await;
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let error = connector_of_another
            .connect(name, stream)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
    });
}
