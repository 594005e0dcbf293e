//! A hundred tasks count together. Run with `cargo run --example shared_counter`: without a lock around the whole step,
//! ninety-nine of a hundred counts are lost; with one, none; and when it may be a lock of `std`.

use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use samovar::sync::{Barrier, Mutex};
use samovar::task::{JoinError, JoinSet, yield_now};

const TASKS: usize = 100;

#[samovar::main]
async fn main() -> Result<(), JoinError> {
    println!("no lock held over the await   {}", lost().await?);
    println!("async mutex                   {}", kept().await?);
    println!("std mutex, no await inside    {}", quick().await?);
    Ok(())
}

/// Reads, lets others run, writes: and writes what is no longer true.
async fn lost() -> Result<usize, JoinError> {
    let counter = Arc::new(StdMutex::new(0));
    // Makes the worst case certain: all have read before any writes.
    let all_have_read = Arc::new(Barrier::new(TASKS));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (counter, all_have_read) = (counter.clone(), all_have_read.clone());
        tasks.spawn(async move {
            let read = *lock(&counter);
            all_have_read.wait().await;
            *lock(&counter) = read + 1;
        });
    }
    finish(tasks).await?;
    Ok(*lock(&counter))
}

/// The async mutex may be held over an `.await`: whoever wants it meanwhile waits as a task, and its thread goes on.
async fn kept() -> Result<usize, JoinError> {
    let counter = Arc::new(Mutex::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let counter = counter.clone();
        tasks.spawn(async move {
            let mut count = counter.lock().await;
            let read = *count;
            // Stands for a query, a write to a socket: anything that is awaited in the middle of a change.
            yield_now().await;
            *count = read + 1;
        });
    }
    finish(tasks).await?;
    Ok(*counter.lock().await)
}

/// Where nothing is awaited inside, a mutex of `std` is right, and several times faster.
///
/// Over an `.await` it would be wrong. Its guard belongs to the thread that took it, a task may go on upon another, and so
/// the compiler refuses to `spawn` such a task ("`MutexGuard` cannot be sent between threads safely"). And where that does
/// not stop it, as inside one `block_on`, the next task to lock blocks the thread that the first needs to unlock: a
/// deadlock.
async fn quick() -> Result<usize, JoinError> {
    let counter = Arc::new(StdMutex::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let counter = counter.clone();
        tasks.spawn(async move {
            // The guard is gone at the end of this line, before the next await.
            *lock(&counter) += 1;
            yield_now().await;
        });
    }
    finish(tasks).await?;
    Ok(*lock(&counter))
}

async fn finish(mut tasks: JoinSet<()>) -> Result<(), JoinError> {
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    Ok(())
}

/// A number is never half changed, so a panic elsewhere does not matter here.
fn lock(counter: &StdMutex<usize>) -> std::sync::MutexGuard<'_, usize> {
    counter.lock().unwrap_or_else(PoisonError::into_inner)
}
