//! Three ways to do several things at once: `join!`, tasks and `select!`. Run with `cargo run --example concurrent`:
//! each says who finished, and `select!` whom it dropped. One cup breaks on purpose: its panic is a message, not the end.

use samovar::task::JoinError;
use samovar::time::{Duration, sleep};

/// Says on the way out whether it got to the end.
struct Cup {
    name: &'static str,
    full: bool,
}

impl Drop for Cup {
    fn drop(&mut self) {
        if !self.full {
            println!("         {} is taken away half full", self.name);
        }
    }
}

async fn pour(name: &'static str, milliseconds: u64) -> &'static str {
    let mut cup = Cup { name, full: false };
    sleep(Duration::from_millis(milliseconds)).await;
    cup.full = true;
    println!("         {name} is full");
    name
}

#[samovar::main]
async fn main() -> Result<(), JoinError> {
    // `join!`: one task, several futures, and all results at the end. They take turns on one thread, may borrow from
    // here, and none runs while another computes.
    println!("join!    waits for all");
    let guests = String::from("the guests");
    let (first, second) = samovar::join!(pour("green", 60), async {
        sleep(Duration::from_millis(20)).await;
        // Borrowed: these futures live no longer than `join!`.
        guests.len()
    });
    println!("         got {first} and {second}");

    // Tasks: each runs by itself, on any worker, also in parallel. So it must own what it uses.
    println!("spawn    starts at once, and is awaited later");
    let black = samovar::spawn(pour("black", 60));
    let herbal = samovar::spawn(pour("herbal", 20));
    let broken = samovar::spawn(async { panic!("the handle broke off") });
    println!("         got {} and {}", black.await?, herbal.await?);
    // A panic ends its task, not the program: the handle reports it. (The message above it is the panic's own.)
    match broken.await {
        Ok(()) => println!("         the third was fine"),
        Err(error) => println!("         the third: {error}"),
    }

    // `select!`: the first wins, the others are dropped where they are. This is what cancelling is in async Rust:
    // a future that is no longer polled, and whose destructors run.
    println!("select!  takes the first");
    let winner = samovar::select! {
        name = pour("slow oolong", 5000) => name,
        name = pour("quick mate", 20) => name,
    };
    println!("         got {winner}");
    Ok(())
}
