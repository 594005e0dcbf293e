//! A room in which everybody hears everybody. Run with `cargo run --example chat`: two hundred guests join, each says one
//! thing, and all hear all of it. `cargo run --example chat -- serve 127.0.0.1:7000` opens it to `nc 127.0.0.1 7000`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, io};

use samovar::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use samovar::net::{TcpListener, TcpStream};
use samovar::sync::broadcast::error::RecvError;
use samovar::sync::{Barrier, broadcast};
use samovar::time::{Duration, Instant, sleep};

const GUESTS: usize = 200;

/// A line that is longer ends the visit: nobody may fill our memory.
const LONGEST_LINE: u64 = 4096;

/// How many messages a slow guest may be behind. What is older is lost for him; the others do not wait.
const BEHIND: usize = 1024;

/// What everybody hears, and who said it. In an `Arc`, because every guest gets a clone.
type Message = Arc<(SocketAddr, String)>;

#[samovar::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match arguments[..] {
        [] => demo().await,
        ["serve", address] => open(address).await,
        _ => {
            eprintln!("Either no arguments, for a demonstration, or: chat serve 127.0.0.1:7000");
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

async fn open(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    println!(
        "the room is open: nc {} {}   (Ctrl-C closes it)",
        address.ip(),
        address.port()
    );
    room(listener).await;
    Ok(())
}

/// The server: a task for each guest, and one channel to all of them.
async fn room(listener: TcpListener) {
    let (everybody, _) = broadcast::channel(BEHIND);
    loop {
        match listener.accept().await {
            Ok((stream, guest)) => {
                let everybody = everybody.clone();
                samovar::spawn(async move {
                    // A guest whose connection breaks has left; that is his own affair.
                    let _ = visit(stream, guest, &everybody).await;
                    // An error means that nobody is there to hear it.
                    let _ = everybody.send(Arc::new((guest, "has left".to_owned())));
                });
            }
            Err(error) => {
                // Out of descriptors, most likely: others must leave before somebody can come.
                eprintln!("cannot accept: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// One guest: hears and speaks at the same time, until he leaves.
async fn visit(
    mut stream: TcpStream,
    guest: SocketAddr,
    everybody: &broadcast::Sender<Message>,
) -> io::Result<()> {
    // Subscribed before he is welcomed: he misses nothing that is said after the welcome.
    let mut ears = everybody.subscribe();
    let (reader, mut mouth) = stream.split();
    mouth.write_all(b"welcome to the samovar\n").await?;

    let mut reader = BufReader::new(reader);
    let mut said = Vec::new();
    loop {
        // What is left of the longest line. It ends the visit like a connection that ends: without a newline.
        let mut rest = (&mut reader).take(LONGEST_LINE - said.len() as u64);
        // Each time one of the branches is dropped halfway, which both must bear: `recv` then loses nothing, and
        // `read_until` leaves in `said` what it has read.
        samovar::select! {
            read = rest.read_until(b'\n', &mut said) => {
                read?;
                if said.last() != Some(&b'\n') {
                    return Ok(());
                }
                let line = String::from_utf8_lossy(&said).trim_end().to_owned();
                said.clear();
                let _ = everybody.send(Arc::new((guest, line)));
            }
            heard = ears.recv() => match heard {
                Ok(message) => {
                    let line = format!("{}: {}\n", message.0, message.1);
                    mouth.write_all(line.as_bytes()).await?;
                }
                Err(RecvError::Lagged(missed)) => {
                    let line = format!("(you were too slow for {missed} messages)\n");
                    mouth.write_all(line.as_bytes()).await?;
                }
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}

/// The room and all its guests in one program.
async fn demo() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let room = samovar::spawn(room(listener));

    let start = Instant::now();
    let all_are_here = Arc::new(Barrier::new(GUESTS));
    let guests: Vec<_> = (0..GUESTS)
        .map(|number| samovar::spawn(talk(address, number, all_are_here.clone())))
        .collect();
    let mut heard = 0;
    for guest in guests {
        heard += guest.await??;
    }
    println!(
        "{GUESTS} guests said one thing each, and heard {heard} in all ({GUESTS} x {GUESTS} = {}), in {:.2} s",
        GUESTS * GUESTS,
        start.elapsed().as_secs_f64()
    );
    room.abort();
    Ok(())
}

/// A guest who waits until all are here, says one thing, and stays until he has heard everybody once.
async fn talk(room: SocketAddr, number: usize, all_are_here: Arc<Barrier>) -> io::Result<usize> {
    let mut stream = TcpStream::connect(room).await?;
    let (reader, mut mouth) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    lines.next_line().await?; // The welcome.
    all_are_here.wait().await;

    mouth
        .write_all(format!("guest {number} likes it strong\n").as_bytes())
        .await?;
    let mut heard = 0;
    while heard < GUESTS {
        match lines.next_line().await? {
            Some(line) if line.ends_with("likes it strong") => heard += 1,
            // Somebody who has heard enough has left.
            Some(_) => {}
            None => break,
        }
    }
    Ok(heard)
}
