//! A server that is told to stop, and finishes what it has begun. Run with
//! `cargo run --example graceful_shutdown --features signal`: after two seconds, or Ctrl-C, no new order is taken, and every
//! order that was begun is served. Other seconds go behind `--`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, io};

use samovar::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use samovar::net::{TcpListener, TcpStream};
use samovar::signal::ctrl_c;
use samovar::sync::watch;
use samovar::task::JoinSet;
use samovar::time::{Duration, sleep, timeout};

const GUESTS: usize = 20;

/// How long a cup takes.
const STEEP: Duration = Duration::from_millis(300);

/// How long the last orders may take. Some limit there must be, or one guest who never drinks up keeps the house open.
const GRACE: Duration = Duration::from_secs(5);

/// What the house has done.
#[derive(Default)]
struct Orders {
    begun: AtomicUsize,
    served: AtomicUsize,
}

#[samovar::main]
async fn main() -> ExitCode {
    let seconds = match env::args().nth(1).map(|argument| argument.parse::<f64>()) {
        None => 2.0,
        Some(Ok(seconds)) if (0.0..1e6).contains(&seconds) => seconds,
        Some(_) => {
            eprintln!("The argument is a number of seconds, like this: graceful_shutdown -- 10");
            return ExitCode::FAILURE;
        }
    };
    match run(Duration::from_secs_f64(seconds)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(open: Duration) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let orders = Arc::new(Orders::default());
    // A value that everybody can watch: `false` is open, `true` is closing.
    let (closing, watched) = watch::channel(false);
    let house = samovar::spawn(serve(listener, orders.clone(), watched));
    let guests: Vec<_> = (0..GUESTS)
        .map(|_| samovar::spawn(drink(address)))
        .collect();

    samovar::select! {
        // In this order: so Ctrl-C is listened to before anybody can read that it works.
        biased;
        pressed = ctrl_c() => {
            pressed?;
            println!("closing    Ctrl-C was pressed");
        }
        () = late(open) => println!("closing    it is late"),
    }
    // 1. Say it. (Nobody watches only if the house has burnt down already, which `house` reports below.)
    let _ = closing.send(true);
    // 2. Wait for what is under way; not for ever, and not against a second Ctrl-C. Whoever handles the signal once has to
    //    handle it always: from the first `ctrl_c` on it does not end the process by itself.
    samovar::select! {
        ended = timeout(GRACE, house) => match ended {
            Ok(ended) => ended??,
            Err(_elapsed) => println!("closed     some orders took too long"),
        },
        pressed = ctrl_c() => {
            pressed?;
            println!("closed     at once");
        }
    }
    // 3. What is still there is dropped with the runtime.
    let mut drunk = 0;
    for guest in guests {
        drunk += guest.await?;
    }
    println!(
        "closed     {} orders begun, {} served, {drunk} cups drunk",
        orders.begun.load(Ordering::Relaxed),
        orders.served.load(Ordering::Relaxed)
    );
    Ok(())
}

async fn late(open: Duration) {
    println!("open       until Ctrl-C, or for {} s", open.as_secs_f64());
    sleep(open).await;
}

/// Takes guests until it closes, then waits for those it has.
async fn serve(
    listener: TcpListener,
    orders: Arc<Orders>,
    mut closing: watch::Receiver<bool>,
) -> io::Result<()> {
    // The set knows its tasks, where detached ones could not be waited for.
    let mut guests = JoinSet::new();
    loop {
        samovar::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                guests.spawn(visit(stream, orders.clone(), closing.clone()));
            }
            // Those who have left are taken out, or the set would grow for ever.
            Some(_) = guests.join_next() => {}
            _ = closing.changed() => break,
        }
    }
    // Closed: who knocks now is refused by the system, instead of waiting for a house that will not open.
    drop(listener);
    while guests.join_next().await.is_some() {}
    Ok(())
}

/// Serves one guest. It stops between orders, where nothing is lost, never within one.
async fn visit(
    mut stream: TcpStream,
    orders: Arc<Orders>,
    mut closing: watch::Receiver<bool>,
) -> io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    loop {
        let order = samovar::select! {
            order = lines.next_line() => order?,
            _ = closing.changed() => return Ok(()),
        };
        let Some(order) = order else {
            return Ok(());
        };
        orders.begun.fetch_add(1, Ordering::Relaxed);
        sleep(STEEP).await;
        writer.write_all(format!("{order}\n").as_bytes()).await?;
        orders.served.fetch_add(1, Ordering::Relaxed);
    }
}

/// A guest who orders until the house closes, and says how many cups it were. That the house closes, between two orders
/// or in the face of the next, is what he reckons with, hence no error.
async fn drink(house: SocketAddr) -> usize {
    let mut cups = 0;
    let Ok(mut stream) = TcpStream::connect(house).await else {
        return cups;
    };
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    while writer.write_all(b"one cup\n").await.is_ok() {
        match lines.next_line().await {
            Ok(Some(_)) => cups += 1,
            _ => break,
        }
    }
    cups
}
