//! What the servers do: written once, for all runtimes.
//!
//! As programs do, the future in `block_on` accepts, and each connection gets a task.
//!
//! | kind | what it does with a connection |
//! |---|---|
//! | `echo` | sends back what comes, up to 1 KiB at a time |
//! | `bulk` | the same with 64 KiB, and without Nagle's algorithm, which would wait for acknowledgements |
//! | `http` | answers each request with a greeting; knows as much of HTTP as that needs: a request ends with an empty line |
//! | `idle` | sends one byte, then waits for one |

use super::Runtime;
use super::server::announce;

const ECHO_BUFFER: usize = 1024;
const BULK_BUFFER: usize = 64 * 1024;
/// A longer request ends the connection.
const LONGEST_REQUEST: usize = 4 * 1024;
const END: &[u8] = b"\r\n\r\n";
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";

/// How many requests are there, and where the last of them ends.
fn requests(bytes: &[u8]) -> (usize, usize) {
    let (mut count, mut end) = (0, 0);
    while let Some(at) = bytes[end..].windows(END.len()).position(|four| four == END) {
        count += 1;
        end += at + END.len();
    }
    (count, end)
}

/// Accepts connections; the task of each opens it and hands it to the function.
macro_rules! accept_for {
    ($serve:path) => {{
        let listening = rt::TcpListener::bind("127.0.0.1:0").await;
        let mut listener = listening.expect("the system gives no port");
        announce(listener.local_addr().expect("a listener has an address"));
        loop {
            let accepted = rt::accept(&mut listener).await;
            let accepted = accepted.expect("a connection cannot be accepted");
            rt::detach(rt::spawn_with(move || async move {
                let stream = rt::open(accepted).await;
                // That the client has gone is no error.
                let _ = $serve(stream.expect("a connection cannot be opened")).await;
            }));
        }
    }};
}

macro_rules! servers {
    ($runtime:ident) => {
        mod $runtime {
            use std::io;

            use super::*;
            use crate::support::$runtime as rt;
            use crate::support::$runtime::{AsyncReadExt as _, AsyncWriteExt as _};

            pub async fn serve(kind: &str) {
                match kind {
                    "echo" => accept_for!(echo),
                    "bulk" => accept_for!(bulk),
                    "http" => accept_for!(http),
                    "idle" => accept_for!(idle),
                    _ => panic!("there is no server of the kind {kind}"),
                }
            }

            async fn send_back(mut stream: rt::TcpStream, size: usize) -> io::Result<()> {
                let mut buffer = vec![0; size];
                loop {
                    match stream.read(&mut buffer).await? {
                        0 => return Ok(()),
                        count => stream.write_all(&buffer[..count]).await?,
                    }
                }
            }

            async fn echo(stream: rt::TcpStream) -> io::Result<()> {
                send_back(stream, ECHO_BUFFER).await
            }

            async fn bulk(stream: rt::TcpStream) -> io::Result<()> {
                stream.set_nodelay(true)?;
                send_back(stream, BULK_BUFFER).await
            }

            async fn http(mut stream: rt::TcpStream) -> io::Result<()> {
                let mut buffer = vec![0; LONGEST_REQUEST];
                let mut filled = 0;
                loop {
                    match stream.read(&mut buffer[filled..]).await? {
                        0 => return Ok(()),
                        count => filled += count,
                    }
                    let (count, end) = requests(&buffer[..filled]);
                    buffer.copy_within(end..filled, 0);
                    filled -= end;
                    for _ in 0..count {
                        stream.write_all(ANSWER).await?;
                    }
                }
            }

            async fn idle(mut stream: rt::TcpStream) -> io::Result<()> {
                stream.write_all(&[0]).await?;
                stream.read(&mut [0]).await.map(drop)
            }
        }
    };
}

servers!(samovar);
servers!(tokio);
servers!(smol);
servers!(nio);

/// Serves on that runtime until the process ends.
pub fn run(runtime: &str, kind: &str) {
    match runtime {
        "samovar" => super::samovar::multi_thread().block_on(samovar::serve(kind)),
        "tokio" => super::tokio::multi_thread().block_on(tokio::serve(kind)),
        "samovar_ct" => super::samovar::current_thread().block_on(samovar::serve(kind)),
        "tokio_ct" => super::tokio::current_thread().block_on(tokio::serve(kind)),
        "smol" => super::Runtime::block_on(&super::smol::multi_thread(), smol::serve(kind)),
        "nio" => super::Runtime::block_on(&super::nio::multi_thread(), nio::serve(kind)),
        _ => panic!("there is no runtime of the name {runtime}"),
    }
}
