//! A client that knows nothing of the runtime: HTTP/1.1 over a blocking socket.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Once;
use std::thread;
use std::time::Duration;

/// No answer for so long: the server hangs. Less than the 30 seconds after which it closes idle connections anyway.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ends the test binary when it takes far longer than all its tests together should.
pub fn watchdog() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        thread::spawn(|| {
            thread::sleep(6 * PATIENCE);
            eprintln!("a test hangs: a wake-up was lost, or a connection is never closed");
            std::process::exit(1);
        });
    });
}

/// One connection.
pub struct Client {
    stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client {
            stream: BufReader::new(stream),
        }
    }

    /// Sends a request; its headers are `name: value` lines.
    pub fn send(&mut self, line: &str, headers: &[&str], body: &str) {
        let mut request = format!("{line} HTTP/1.1\r\nhost: localhost\r\n");
        for header in headers {
            request += &format!("{header}\r\n");
        }
        request += &format!("content-length: {}\r\n\r\n{body}", body.len());
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
    }

    /// Reads one answer.
    pub fn receive(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let count = self.stream.read_line(&mut head).unwrap();
            assert!(count > 0, "closed within the head: {head:?}");
        }
        let head = head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        Answer {
            status: head[9..12].parse().unwrap(),
            head,
            body: String::from_utf8(body).unwrap(),
        }
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), &[], "");
        self.receive()
    }

    pub fn post_json(&mut self, path: &str, body: &str) -> Answer {
        let headers = ["content-type: application/json"];
        self.send(&format!("POST {path}"), &headers, body);
        self.receive()
    }

    /// Whether the server has closed the connection: waits until it has, or sends something.
    pub fn is_closed(&mut self) -> bool {
        match self.stream.fill_buf() {
            Ok(bytes) => bytes.is_empty(),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                true
            }
        }
    }

    pub fn stream(&mut self) -> &mut BufReader<TcpStream> {
        &mut self.stream
    }
}
