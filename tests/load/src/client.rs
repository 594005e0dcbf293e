//! One connection, as its client makes it.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::time::Duration;

use samovar::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use samovar::net::TcpStream;
use samovar::sync::Notify;
use samovar::time::sleep;

use crate::bytes::{CLOSING, Closing, Random, Stream, Sum, answer};
use crate::ledger::Side;
use crate::plan::{End, Plan};

/// A connection of this client.
#[derive(Debug)]
pub struct Client<'a> {
    /// Its number, which it tells the server first.
    pub id: u64,
    /// What it sends.
    pub stream: Stream,
    /// What it does.
    pub plan: Plan,
    /// The run is over: it hurries to its end.
    pub stop: &'a AtomicBool,
}

/// What the two directions of a connection know of each other.
#[derive(Default)]
struct Shared {
    /// How many bytes were sent.
    sent: AtomicU64,
    /// How many answers have come back.
    got: AtomicU64,
    /// No more will be sent.
    all_sent: AtomicBool,
    /// For the direction that waits for the other.
    progress: Notify,
}

impl Client<'_> {
    /// Makes the connection, from the connect to its end. Returns what there is to say of it, and of what was wrong.
    pub async fn run(&self, server: SocketAddr, random: &mut Random) -> Result<Side, String> {
        let failed = |what: &str, error: &dyn Display| format!("{:x}: {what}: {error}", self.id);
        let mut stream = TcpStream::connect(server)
            .await
            .map_err(|error| failed("connect", &error))?;
        let shared = Shared::default();
        let (mut sent, mut got) = (Sum::default(), Sum::default());
        // Each direction has dice of its own: so what one throws does not depend on how fast the other is.
        let [mut write_dice, mut read_dice] = [(); 2].map(|()| random.split());
        let (reader, writer) = stream.split();
        let write = self.write(writer, &shared, &mut sent, &mut write_dice);
        let read = self.read(reader, &shared, &mut got, &mut read_dice);
        let end = self.plan.end;
        match end {
            End::InOrder => {
                let write = async { write.await.map_err(|error| failed("write", &error)) };
                let read = async { read.await.map_err(|error| failed("read", &error)) };
                let ((), closing) = samovar::try_join!(write, read)?;
                let expected = Closing {
                    read: sent,
                    answered: got,
                };
                if closing != expected.to_bytes() {
                    return Err(failed("the server's closing words are wrong", &got.count));
                }
            }
            End::Closed(_) | End::Reset(_) => {
                // The writer, done, waits for the reader to have what it wants.
                let cut = async {
                    write.await?;
                    std::future::pending::<io::Result<()>>().await
                };
                samovar::select! {
                    result = cut => result.map_err(|error| failed("write", &error))?,
                    result = read => {
                        result.map_err(|error| failed("read", &error))?;
                    }
                }
                if matches!(end, End::Reset(_)) {
                    stream
                        .set_zero_linger()
                        .map_err(|error| failed("linger", &error))?;
                }
            }
        }
        Ok(Side::Client { sent, got, end })
    }

    /// Sends the number, then the bytes as planned, then the end.
    async fn write(
        &self,
        mut writer: impl AsyncWrite + Unpin,
        shared: &Shared,
        sent: &mut Sum,
        dice: &mut Random,
    ) -> io::Result<()> {
        let plan = &self.plan;
        writer.write_all(&self.id.to_le_bytes()).await?;
        let mut buffer = vec![0; plan.write];
        while sent.count < plan.bytes && !self.stop.load(Relaxed) {
            let left = (plan.bytes - sent.count).min(plan.write as u64);
            let part = &mut buffer[..dice.between(1, left) as usize];
            self.stream.fill(part, sent.count);
            let count = writer.write(part).await?;
            sent.add(&part[..count]);
            shared.sent.store(sent.count, SeqCst);
            while plan.takes_turns && shared.got.load(SeqCst) < sent.count {
                shared.progress.notified().await;
            }
            self.pause(plan.write_pause, dice).await;
        }
        shared.all_sent.store(true, SeqCst);
        writer.shutdown().await?;
        shared.progress.notify_one();
        Ok(())
    }

    /// Reads and compares the answers; returns the server's closing words. A connection that is to be cut off ends
    /// where it is planned.
    async fn read(
        &self,
        mut reader: impl AsyncRead + Unpin,
        shared: &Shared,
        got: &mut Sum,
        dice: &mut Random,
    ) -> io::Result<[u8; CLOSING]> {
        let plan = &self.plan;
        while plan.reads_last && !shared.all_sent.load(SeqCst) {
            shared.progress.notified().await;
        }
        let (mut buffer, mut expected) = (vec![0; plan.read], vec![0; plan.read]);
        let mut closing = Vec::new();
        while !plan.is_cut_at(got.count) {
            self.pause(plan.read_pause, dice).await;
            let count = reader.read(&mut buffer).await?;
            if count == 0 {
                break;
            }
            // What was sent before the read is at least what it can answer; the closing words come after all of it.
            let answers = (shared.sent.load(SeqCst) - got.count).min(count as u64) as usize;
            let (answers, rest) = buffer[..count].split_at(answers);
            let expected = &mut expected[..answers.len()];
            self.stream.fill(expected, got.count);
            answer(expected);
            if answers != expected {
                return Err(wrong("an answer is wrong", got.count));
            }
            got.add(answers);
            closing.extend_from_slice(rest);
            if closing.len() > CLOSING {
                return Err(wrong("there is more than was sent", got.count));
            }
            shared.got.store(got.count, SeqCst);
            shared.progress.notify_one();
        }
        if plan.end != End::InOrder {
            return Ok([0; CLOSING]);
        }
        let length = closing.len();
        closing
            .try_into()
            .map_err(|_| wrong("the closing words are cut off", length as u64))
    }

    /// Waits a while, unless there is hurry.
    async fn pause(&self, longest: Duration, dice: &mut Random) {
        if !longest.is_zero() && !self.stop.load(Relaxed) {
            let micros = dice.between(0, longest.as_micros() as u64);
            sleep(Duration::from_micros(micros)).await;
        }
    }
}

/// Something came that should not have come.
fn wrong(what: &str, at: u64) -> io::Error {
    io::Error::other(format!("{what}, after {at} bytes"))
}

impl Plan {
    /// Whether the connection is to be dropped here.
    fn is_cut_at(&self, got: u64) -> bool {
        match self.end {
            End::InOrder => false,
            End::Closed(at) | End::Reset(at) => got >= at,
        }
    }
}
