//! The server, seen by clients that know nothing of it.

mod client;

use std::future::{Future, IntoFuture};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use client::Client;
use futures::{AsyncReadExt, AsyncWriteExt};
use samovar::net::TcpListener;
use samovar::runtime::Runtime;
use samovar::sync::oneshot;
use samovar::task::JoinHandle;
// As in a program whose Cargo.toml renames the package.
use samovar_axum as axum;
use serde::{Deserialize, Serialize};

/// A runtime with a server on it.
struct Server {
    runtime: Runtime,
    address: SocketAddr,
    served: JoinHandle<io::Result<()>>,
    /// Tells it to end.
    end: Option<oneshot::Sender<()>>,
}

impl Server {
    fn start(app: Router) -> Server {
        Server::start_with(|listener, end| {
            let ended = async { drop(end.await) };
            axum::serve(listener, app)
                .with_graceful_shutdown(ended)
                .into_future()
        })
    }

    fn start_with<F>(serve: impl FnOnce(TcpListener, oneshot::Receiver<()>) -> F) -> Server
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        client::watchdog();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel();
        Server {
            served: runtime.spawn(serve(listener, ended)),
            runtime,
            address,
            end: Some(end),
        }
    }

    fn client(&self) -> Client {
        Client::connect(self.address)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cup {
    tea: String,
    sugar: u8,
}

/// Cups, by number.
fn cups() -> Router {
    type Shelf = Arc<Mutex<Vec<Cup>>>;

    async fn add(State(shelf): State<Shelf>, Json(cup): Json<Cup>) -> (StatusCode, Json<usize>) {
        let mut shelf = shelf.lock().unwrap();
        shelf.push(cup);
        (StatusCode::CREATED, Json(shelf.len() - 1))
    }

    async fn one(
        State(shelf): State<Shelf>,
        Path(number): Path<usize>,
    ) -> Result<Json<Cup>, StatusCode> {
        let shelf = shelf.lock().unwrap();
        shelf
            .get(number)
            .cloned()
            .map(Json)
            .ok_or(StatusCode::NOT_FOUND)
    }

    #[derive(Deserialize)]
    struct Sweet {
        more_than: u8,
    }

    async fn sweet(State(shelf): State<Shelf>, Query(sweet): Query<Sweet>) -> Json<usize> {
        let shelf = shelf.lock().unwrap();
        Json(
            shelf
                .iter()
                .filter(|cup| cup.sugar > sweet.more_than)
                .count(),
        )
    }

    Router::new()
        .route("/cups", post(add))
        .route("/cups/{number}", get(one))
        .route("/sweet", get(sweet))
        .with_state(Shelf::default())
}

#[test]
fn json_in_and_out_with_state_path_and_query() {
    let server = Server::start(cups());
    let mut client = server.client();
    let answer = client.post_json("/cups", r#"{"tea": "green", "sugar": 0}"#);
    assert_eq!((answer.status, answer.body.as_str()), (201, "0"));
    let answer = client.post_json("/cups", r#"{"tea": "black", "sugar": 3}"#);
    assert_eq!((answer.status, answer.body.as_str()), (201, "1"));
    let answer = client.get("/cups/1");
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: application/json"));
    let cup: Cup = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((cup.tea.as_str(), cup.sugar), ("black", 3));
    assert_eq!(client.get("/sweet?more_than=1").body, "1");
}

#[test]
fn what_is_not_there_is_404_and_what_is_not_allowed_405() {
    let server = Server::start(cups());
    let mut client = server.client();
    assert_eq!(client.get("/nothing").status, 404);
    assert_eq!(client.get("/cups/7").status, 404);
    assert_eq!(client.get("/cups").status, 405);
}

#[test]
fn what_cannot_be_understood_is_the_clients_error() {
    let server = Server::start(cups());
    let mut client = server.client();
    assert_eq!(client.post_json("/cups", r#"{"tea": "gre"#).status, 400);
    assert_eq!(client.post_json("/cups", r#"{"tea": "green"}"#).status, 422);
    client.send("POST /cups", &["content-type: text/plain"], "tea");
    assert_eq!(client.receive().status, 415);
    assert_eq!(client.get("/cups/one").status, 400);
    assert_eq!(client.get("/sweet").status, 400);
    // And what is no HTTP at all ends the connection, but not the server.
    let mut other = server.client();
    other
        .stream()
        .get_mut()
        .write_all(b"tea, please\r\n\r\n")
        .unwrap();
    assert_eq!(other.receive().status, 400);
    assert!(other.is_closed());
    assert_eq!(client.get("/sweet?more_than=0").status, 200);
}

#[test]
fn a_connection_is_kept_until_the_client_wants_it_closed() {
    let server = Server::start(cups());
    let mut client = server.client();
    for _ in 0..100 {
        assert_eq!(client.get("/sweet?more_than=0").status, 200);
    }
    client.send("GET /sweet?more_than=0", &["connection: close"], "");
    assert_eq!(client.receive().status, 200);
    assert!(client.is_closed());
}

#[test]
fn requests_sent_together_are_answered_in_order() {
    let server = Server::start(Router::new().route(
        "/{number}",
        get(|Path(number): Path<u32>| async move { number.to_string() }),
    ));
    let mut client = server.client();
    for number in 0..50 {
        client.send(&format!("GET /{number}"), &[], "");
    }
    for number in 0..50 {
        assert_eq!(client.receive().body, number.to_string());
    }
}

#[test]
fn many_clients_at_once() {
    let server = Server::start(cups());
    let address = server.address;
    let threads = (0..8).map(|_| {
        thread::spawn(move || {
            for _ in 0..5 {
                let mut client = Client::connect(address);
                for _ in 0..20 {
                    let answer = client.post_json("/cups", r#"{"tea": "oolong", "sugar": 1}"#);
                    assert_eq!(answer.status, 201);
                }
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    assert_eq!(server.client().get("/sweet?more_than=0").body, "800");
}

#[test]
fn a_large_body_goes_in_and_out() {
    let app = Router::new()
        .route("/", post(|body: String| async move { body }))
        .layer(axum::extract::DefaultBodyLimit::disable());
    let server = Server::start(app);
    let body: String = (0..3_000_000u32)
        .map(|n| char::from(b'a' + (n % 26) as u8))
        .collect();
    let mut client = server.client();
    client.send("POST /", &[], &body);
    assert!(client.receive().body == body);
}

#[test]
fn a_handler_that_panics_takes_only_its_connection_along() {
    async fn broken() -> &'static str {
        panic!("the cup is cracked")
    }
    let server = Server::start(Router::new().route("/", get(broken)).merge(cups()));
    let mut unlucky = server.client();
    let mut other = server.client();
    assert_eq!(other.get("/nothing").status, 404);
    unlucky.send("GET /", &[], "");
    assert!(unlucky.is_closed());
    assert_eq!(other.get("/sweet?more_than=0").status, 200);
}

/// A request that is answered when the test says so.
fn slow() -> (Router, oneshot::Receiver<()>, oneshot::Sender<&'static str>) {
    let (started, is_started) = oneshot::channel();
    let (answer, answered) = oneshot::channel();
    let gates = Arc::new(Mutex::new(Some((started, answered))));
    let handler = async move || {
        let (started, answered) = gates.lock().unwrap().take().unwrap();
        started.send(()).unwrap();
        answered.await.unwrap()
    };
    let app = Router::new().route("/slow", get(handler)).merge(cups());
    (app, is_started, answer)
}

#[test]
fn graceful_shutdown_finishes_what_is_under_way_and_closes_the_rest() {
    let (app, started, answer) = slow();
    let mut server = Server::start(app);
    let mut idle = server.client();
    assert_eq!(idle.get("/nothing").status, 404);
    let mut silent = server.client();
    let mut busy = server.client();
    busy.send("GET /slow", &[], "");
    server.runtime.block_on(started).unwrap();

    server.end.take().unwrap().send(()).unwrap();
    assert!(idle.is_closed(), "one that waits for its next request");
    assert!(silent.is_closed(), "one that has not sent anything");
    assert!(!server.served.is_finished(), "a request is under way");

    answer.send("finished").unwrap();
    let answered = busy.receive();
    assert_eq!((answered.status, answered.body.as_str()), (200, "finished"));
    assert!(busy.is_closed());
    server.runtime.block_on(server.served).unwrap().unwrap();
    let refused = std::net::TcpStream::connect(server.address);
    assert_eq!(
        refused.unwrap_err().kind(),
        io::ErrorKind::ConnectionRefused
    );
}

#[test]
fn graceful_shutdown_without_connections_is_immediate() {
    let mut server = Server::start(cups());
    server.end.take().unwrap().send(()).unwrap();
    server.runtime.block_on(server.served).unwrap().unwrap();
}

#[test]
fn connections_outlive_a_server_that_is_dropped() {
    let server = Server::start(cups());
    let mut client = server.client();
    assert_eq!(client.get("/nothing").status, 404);
    server.served.abort();
    assert!(
        server
            .runtime
            .block_on(server.served)
            .unwrap_err()
            .is_cancelled()
    );
    assert_eq!(client.get("/nothing").status, 404);
}

#[test]
fn handlers_can_know_the_clients_address() {
    async fn who(ConnectInfo(address): ConnectInfo<SocketAddr>) -> String {
        address.to_string()
    }
    let app = Router::new().route("/", get(who));
    let server = Server::start_with(|listener, _| {
        axum::serve(
            listener,
            app.into_make_service_with_connect_info::<SocketAddr>(),
        )
        .into_future()
    });
    for _ in 0..2 {
        let mut client = server.client();
        let own = client.stream().get_ref().local_addr().unwrap();
        assert_eq!(client.get("/").body, own.to_string());
    }
    // Without it, the handler cannot be called.
    let server = Server::start(Router::new().route("/", get(who)));
    assert_eq!(server.client().get("/").status, 500);
}

#[test]
fn a_connection_can_be_upgraded() {
    async fn tea(mut request: Request) -> (StatusCode, [(&'static str, &'static str); 2]) {
        let upgrade = hyper::upgrade::on(&mut request);
        samovar::spawn(async move {
            let mut io = samovar::hyper::Io::new(upgrade.await.unwrap());
            let mut asked = [0; 4];
            io.read_exact(&mut asked).await.unwrap();
            assert_eq!(&asked, b"tea?");
            io.write_all(b"green").await.unwrap();
        });
        let headers = [("connection", "upgrade"), ("upgrade", "tea")];
        (StatusCode::SWITCHING_PROTOCOLS, headers)
    }
    let server = Server::start(Router::new().route("/", get(tea)));
    let mut client = server.client();
    client.send("GET /", &["connection: upgrade", "upgrade: tea"], "");
    assert_eq!(client.receive().status, 101);
    client.stream().get_mut().write_all(b"tea?").unwrap();
    let mut answer = String::new();
    client.stream().read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "green");
}

#[cfg(unix)]
#[test]
fn a_unix_socket_serves_as_well() {
    use std::os::unix::net::UnixStream;

    let path = std::env::temp_dir().join(format!("samovar-axum-{}.socket", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(async { samovar::net::UnixListener::bind(&path) });
    runtime.spawn(axum::serve(listener.unwrap(), cups()).into_future());
    let mut stream = UnixStream::connect(&path).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let request = b"GET /sweet?more_than=0 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    std::fs::remove_file(&path).unwrap();
}

/// Whatever axum's `serve` takes.
#[test]
fn method_routers_handlers_and_tapped_listeners_are_served() {
    use axum::handler::HandlerWithoutStateExt;
    use axum::serve::ListenerExt;

    async fn hello() -> &'static str {
        "Hello, World!"
    }
    let servers = [
        Server::start_with(|listener, _| axum::serve(listener, get(hello)).into_future()),
        Server::start_with(|listener, _| {
            axum::serve(listener, get(hello).into_make_service()).into_future()
        }),
        Server::start_with(|listener, _| {
            axum::serve(listener, hello.into_make_service()).into_future()
        }),
        Server::start_with(|listener, _| {
            let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
            let app = Router::new().route("/", get(hello));
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, app).into_future()
        }),
    ];
    for server in servers {
        assert_eq!(server.client().get("/").body, "Hello, World!");
    }
}

#[test]
fn the_address_is_known_before_the_server_runs() {
    Runtime::new().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = axum::serve(listener, cups());
        let address = server.local_addr().unwrap();
        assert_ne!(address.port(), 0);
        let server = server.with_graceful_shutdown(std::future::pending());
        assert_eq!(server.local_addr().unwrap(), address);
    });
}
