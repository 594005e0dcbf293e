//! The server: a process of its own, driven through its standard input, heard through its standard output.
//!
//! It says where it listens; then, for every connection that has ended, what it has read and answered; asked to `report`,
//! how many tasks there are and how long a nap took at most. When its input ends it drops its runtime, and says what is
//! left of it.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, BufRead, BufWriter, Write};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use samovar::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use samovar::net::{TcpListener, TcpStream};
use samovar::runtime::Handle;
use samovar::sync::{mpsc as channel, oneshot};

use crate::bytes::{Closing, Sum, answer};
use crate::hogs;
use crate::process::Process;
use crate::settings::{Plant, Settings};

/// On how many addresses it listens, 127.0.0.1 and those that follow: for each, the clients' system has 28,000 ports, and
/// a port rests for a minute after it was used.
pub const ADDRESSES: u8 = 8;

/// How long its end may take.
const LAST_WORDS: Duration = Duration::from_secs(60);

/// How much a connection reads at once.
const BUFFER: usize = 8 << 10;

/// How many parts the two halves of a connection have between them at most.
const PARTS: usize = 4;

/// One in so many connections is where a planted mistake happens.
const PLANTED: u64 = 20;

/// What all connections know.
struct Server {
    /// Lines for the standard output.
    tell: mpsc::Sender<String>,
    /// The mistake to make.
    plant: Option<Plant>,
}

/// The server's life.
pub fn run(settings: &Settings) -> Result<(), String> {
    let (tell, told) = mpsc::channel();
    let teller = thread::spawn(move || write_lines(&told));
    let before = Process::this().descriptors();
    let runtime = settings.runtime()?;
    let longest = hogs::start(&runtime, settings);
    let server = Arc::new(Server {
        tell: tell.clone(),
        plant: settings.plant,
    });
    let (end, ended) = oneshot::channel();
    let (answers, handle) = (tell.clone(), runtime.handle().clone());
    let obeys = thread::spawn(move || obey(&answers, &handle, &longest, end));
    runtime.block_on(async {
        for last in 1..=ADDRESSES {
            let address = (Ipv4Addr::new(127, 0, 0, last), 0);
            let listener = TcpListener::bind(address)
                .await
                .map_err(|error| error.to_string())?;
            let here = listener.local_addr().map_err(|error| error.to_string())?;
            samovar::spawn(server.clone().accept(listener));
            let _ = tell.send(format!("listens {here}"));
        }
        let _ = ended.await;
        Ok::<_, String>(())
    })?;
    let _ = obeys.join();
    drop(runtime);
    let (threads, descriptors) = Process::this().left(before);
    let _ = tell.send(format!("gone {threads} {descriptors}"));
    drop((tell, server));
    let _ = teller.join();
    Ok(())
}

/// Writes the lines, many at once when there are many, until nobody has more to say, or nobody listens.
fn write_lines(told: &mpsc::Receiver<String>) {
    let mut out = BufWriter::new(io::stdout());
    while let Ok(line) = told.recv() {
        for line in std::iter::once(line).chain(told.try_iter()) {
            if writeln!(out, "{line}").is_err() {
                return;
            }
        }
        if out.flush().is_err() {
            return;
        }
    }
}

/// Does what the standard input says, until that ends.
fn obey(
    tell: &mpsc::Sender<String>,
    runtime: &Handle,
    longest: &AtomicU64,
    end: oneshot::Sender<()>,
) {
    for line in io::stdin().lock().lines() {
        match line.as_deref() {
            Ok("report") => {
                let tasks = runtime.metrics().num_alive_tasks();
                let _ = tell.send(format!("report {tasks} {}", longest.load(Relaxed)));
            }
            Ok("forget naps") => longest.store(0, Relaxed),
            _ => break,
        }
    }
    let _ = end.send(());
    // Nobody else would end it if it hung.
    thread::spawn(|| {
        thread::sleep(LAST_WORDS);
        std::process::exit(1);
    });
}

impl Server {
    /// Serves whoever comes to one address.
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(samovar::spawn(self.clone().serve(stream))),
                Err(error) => {
                    // One connection's, or it passes: whoever waits is served later.
                    eprintln!("accept: {error}");
                    samovar::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
    }

    /// Serves one connection, and tells of its end.
    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let mut id = [0; 8];
        if stream.read_exact(&mut id).await.is_err() {
            let _ = self.tell.send("nameless".to_owned());
            return;
        }
        let id = u64::from_le_bytes(id);
        let planted = self.plant.filter(|_| id % PLANTED == 0);
        plant(planted);
        let drops = planted == Some(Plant::Byte);
        let (said, in_order) = if id % 2 == 0 {
            in_one_task(stream, drops).await
        } else {
            in_two_tasks(stream).await
        };
        let Closing { read, answered } = said;
        let end = if in_order { "order" } else { "cut" };
        let _ = self.tell.send(format!(
            "end {id} {} {} {} {} {end}",
            read.count, read.hash, answered.count, answered.hash
        ));
    }
}

/// Makes the mistake.
fn plant(planted: Option<Plant>) {
    match planted {
        Some(Plant::Task) => drop(samovar::spawn(std::future::pending::<()>())),
        Some(Plant::Descriptor) => std::mem::forget(File::open("/dev/null")),
        Some(Plant::Memory) => std::mem::forget(black_box(vec![1_u8; 4 << 20])),
        Some(Plant::Byte) | None => {}
    }
}

/// Reads, answers, reads. `drops`: loses the last byte of a part.
async fn in_one_task(mut stream: TcpStream, drops: bool) -> (Closing, bool) {
    let mut said = Closing {
        read: Sum::default(),
        answered: Sum::default(),
    };
    let mut buffer = vec![0; BUFFER];
    loop {
        let Ok(count) = stream.read(&mut buffer).await else {
            return (said, false);
        };
        if count == 0 {
            let closed = close(&mut stream, said).await;
            return (said, closed.is_ok());
        }
        let part = &mut buffer[..count];
        said.read.add(part);
        answer(part);
        let part = &part[..count - usize::from(drops)];
        if write(&mut stream, part, &mut said.answered).await.is_err() {
            return (said, false);
        }
    }
}

/// One task reads, another answers, with a channel between them.
async fn in_two_tasks(stream: TcpStream) -> (Closing, bool) {
    let (mut reader, mut writer) = stream.into_split();
    let (give, mut take) = channel::channel::<Vec<u8>>(PARTS);
    let answers = samovar::spawn(async move {
        let mut answered = Sum::default();
        while let Some(mut part) = take.recv().await {
            answer(&mut part);
            if write(&mut writer, &part, &mut answered).await.is_err() {
                return (answered, None);
            }
        }
        (answered, Some(writer))
    });
    let (read, result) = read_parts(&mut reader, give).await;
    let Ok((answered, writer)) = answers.await else {
        return (
            Closing {
                read,
                answered: Sum::default(),
            },
            false,
        );
    };
    let said = Closing { read, answered };
    match (result, writer) {
        (Ok(()), Some(mut writer)) => (said, close(&mut writer, said).await.is_ok()),
        _ => (said, false),
    }
}

/// Gives on what it reads, until the end, or until nobody takes it any more.
async fn read_parts(
    reader: &mut (impl AsyncRead + Unpin),
    give: channel::Sender<Vec<u8>>,
) -> (Sum, io::Result<()>) {
    let mut read = Sum::default();
    let mut buffer = vec![0; BUFFER];
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) => return (read, Ok(())),
            Ok(count) => {
                read.add(&buffer[..count]);
                if give.send(buffer[..count].to_vec()).await.is_err() {
                    return (read, Err(io::ErrorKind::BrokenPipe.into()));
                }
            }
            Err(error) => return (read, Err(error)),
        }
    }
}

/// Writes all of it, and adds up what was written, also if it fails in the middle.
async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    mut part: &[u8],
    answered: &mut Sum,
) -> io::Result<()> {
    while !part.is_empty() {
        let count = stream.write(part).await?;
        answered.add(&part[..count]);
        part = &part[count..];
    }
    Ok(())
}

/// Ends the connection in order.
async fn close(stream: &mut (impl AsyncWrite + Unpin), said: Closing) -> io::Result<()> {
    stream.write_all(&said.to_bytes()).await?;
    stream.shutdown().await
}
