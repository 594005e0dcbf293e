//! The load: a client with one thread and one mio poll, hence the same for all servers.
//!
//! Each connection has one request under way: it sends a message, waits until the server has sent all of it back, and sends
//! the next. So the load is what the server can bear (a closed loop), and a late answer delays the requests after it on that
//! connection only.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// How many connections one run opens at most: a closed one keeps its port for a minute, of which the system has 28,000
/// for each server.
const MOST_OPENED: usize = 10_000;

#[derive(Clone, Copy)]
pub struct Load {
    pub connections: usize,
    /// The length of a message.
    pub message: usize,
    /// Whether each request opens a connection and closes it; else they stay open.
    pub reconnect: bool,
}

/// What the client has seen.
pub struct Seen {
    pub requests: usize,
    /// From the beginning to the end.
    pub time: Duration,
    /// How long the slowest requests but one in a hundred have taken, from the first byte sent (from the connect, if each
    /// has its own connection) to the last received.
    pub p99: Duration,
}

/// Loads the server for `warm_up`, then for `window`, which counts; `mark` is called at the window's beginning and end.
pub fn run(
    server: SocketAddr,
    load: Load,
    warm_up: Duration,
    window: Duration,
    mut mark: impl FnMut(),
) -> Seen {
    let mut client = Client::new(server, load);
    client.run(warm_up);
    client.latencies.clear();
    mark();
    let start = Instant::now();
    client.run(window);
    let time = start.elapsed();
    mark();
    let mut latencies = client.latencies;
    let requests = latencies.len();
    assert!(requests > 0, "the server has not answered in {window:?}");
    let (_, p99, _) = latencies.select_nth_unstable(requests * 99 / 100);
    Seen {
        requests,
        time,
        p99: *p99,
    }
}

struct Client {
    server: SocketAddr,
    load: Load,
    poll: Poll,
    /// The token of a connection is its index.
    connections: Vec<Connection>,
    /// How many were opened so far.
    opened: usize,
    /// What every connection sends.
    message: Vec<u8>,
    /// Where all receive: longer than a message, so that a short read is seen to be one.
    buffer: Vec<u8>,
    /// Of all requests that were answered.
    latencies: Vec<Duration>,
}

/// A connection with the request that is under way.
struct Connection {
    stream: TcpStream,
    since: Instant,
    sent: usize,
    received: usize,
}

impl Client {
    fn new(server: SocketAddr, load: Load) -> Client {
        let mut client = Client {
            server,
            load,
            poll: Poll::new().expect("the system gives no descriptors"),
            connections: Vec::with_capacity(load.connections),
            opened: 0,
            message: (0..load.message).map(|index| index as u8).collect(),
            buffer: vec![0; load.message + 1],
            latencies: Vec::with_capacity(1 << 18),
        };
        for token in 0..load.connections {
            let connection = if load.reconnect {
                client.open(token)
            } else {
                client.open_checked(token)
            };
            client.connections.push(connection);
        }
        client
    }

    /// Begins to connect.
    fn open(&mut self, token: usize) -> Connection {
        let since = Instant::now();
        let stream = TcpStream::connect(self.server).expect("cannot connect");
        self.register(token, stream, since)
    }

    /// Connects, and looks whether the server sends back what it gets: connections one after the other, since no listener
    /// has room for a thousand that wait.
    fn open_checked(&mut self, token: usize) -> Connection {
        let since = Instant::now();
        let mut stream = std::net::TcpStream::connect(self.server).expect("cannot connect");
        let limit = Some(Duration::from_secs(10));
        stream.set_read_timeout(limit).expect("it is not zero");
        stream.set_nodelay(true).expect("it is a TCP socket");
        stream.write_all(&self.message).expect("cannot send");
        let answer = &mut self.buffer[..self.load.message];
        stream.read_exact(answer).expect("the server is silent");
        assert_eq!(answer, self.message, "that is no echo");
        stream.set_nonblocking(true).expect("it is a socket");
        self.register(token, TcpStream::from_std(stream), since)
    }

    /// Has the poll tell when the connection can be written, whereupon its first request begins, and whatever follows.
    fn register(&mut self, token: usize, mut stream: TcpStream, since: Instant) -> Connection {
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        let registered = registry.register(&mut stream, Token(token), both);
        registered.expect("the system watches no more sockets");
        self.opened += 1;
        Connection {
            stream,
            since,
            sent: 0,
            received: 0,
        }
    }

    fn run(&mut self, duration: Duration) {
        let mut events = Events::with_capacity(1024);
        let end = Instant::now() + duration;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if self.opened >= MOST_OPENED {
                break;
            }
            match self.poll.poll(&mut events, Some(left)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => result.expect("the poll does not work"),
            }
            for event in &events {
                self.serve(event);
            }
        }
    }

    /// Sends and receives what goes; if the answer is complete, begins the next request.
    fn serve(&mut self, event: &Event) {
        let token = event.token().0;
        let connection = &mut self.connections[token];
        if event.is_writable() {
            connection.send(&self.message);
        }
        if event.is_readable() {
            connection.receive(&mut self.buffer);
        }
        if connection.received < self.load.message {
            return;
        }
        let now = Instant::now();
        self.latencies.push(now - connection.since);
        if self.load.reconnect {
            self.connections[token] = self.open(token);
        } else {
            connection.since = now;
            (connection.sent, connection.received) = (0, 0);
            connection.send(&self.message);
        }
    }
}

impl Connection {
    fn send(&mut self, message: &[u8]) {
        while self.sent < message.len() {
            match self.stream.write(&message[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("cannot send: {error}"),
            }
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) {
        // A read that does not fill the buffer has emptied the socket.
        match self.stream.read(buffer) {
            Ok(0) => panic!("the server has closed a connection"),
            Ok(count) => self.received += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("cannot receive: {error}"),
        }
    }
}
