//! A producer, a consumer, and a tray between them that holds two cups. Run with `cargo run --example channel`: see what a
//! full channel does to the one who sends, and a closed one to either side.

use samovar::sync::mpsc::error::TrySendError;
use samovar::sync::mpsc::{self, Receiver, Sender};
use samovar::task::JoinError;
use samovar::time::{Duration, sleep};

/// The bound is the point of it: a producer who is faster than the consumer is slowed down, where an unbounded channel
/// would fill the memory.
const TRAY: usize = 2;

#[samovar::main]
async fn main() -> Result<(), JoinError> {
    let (tray, waiter) = mpsc::channel(TRAY);
    let cook = samovar::spawn(produce(tray));
    let drunk = samovar::spawn(consume(waiter)).await?;
    println!("main     {drunk} cups were drunk");
    cook.await?;

    full_and_closed().await;
    Ok(())
}

async fn produce(tray: Sender<u32>) {
    for cup in 1..=5 {
        // Waits while the tray is full. An error means that nobody will ever take the cup, and brings it back.
        if let Err(refused) = tray.send(cup).await {
            println!("cook     nobody is there to drink cup {}", refused.0);
            return;
        }
        println!("cook     cup {cup} is on the tray");
    }
    // `tray` is dropped here: that was the last sender, which is how the consumer learns that it was the last cup.
}

async fn consume(mut tray: Receiver<u32>) -> u32 {
    let mut drunk = 0;
    // Cups that were sent are still delivered after the last sender is gone; then comes `None`.
    while let Some(cup) = tray.recv().await {
        println!("waiter   takes cup {cup}");
        sleep(Duration::from_millis(20)).await;
        println!("waiter   cup {cup} is drunk");
        drunk += 1;
    }
    println!("waiter   the cook has left, the tray is empty");
    drunk
}

/// The two ends of a channel's life, one step at a time.
async fn full_and_closed() {
    let (tray, mut waiter) = mpsc::channel(TRAY);
    for cup in 1..=3 {
        // `try_send` never waits; it says why it could not.
        match tray.try_send(cup) {
            Ok(()) => println!("full?    cup {cup} fits"),
            Err(TrySendError::Full(cup)) => {
                println!("full?    cup {cup} does not: the tray is full")
            }
            Err(TrySendError::Closed(cup)) => println!("full?    nobody wants cup {cup}"),
        }
    }

    // The receiver says that it wants no more, and takes what is there.
    waiter.close();
    if let Err(refused) = tray.send(4).await {
        println!("closed?  cup {} comes back: {refused}", refused.0);
    }
    while let Some(cup) = waiter.recv().await {
        println!("closed?  cup {cup} was there before, and is not lost");
    }
    println!("closed?  and that was all");
}
