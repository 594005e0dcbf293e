//! A network that may be slow, and a cache that may be old: who answers? Run with `cargo run --example race`: the network
//! when it keeps its time, the cache when it does not, an error when there is neither.

use std::fmt;

use samovar::time::{Duration, sleep, timeout};

/// How long fresh is worth waiting for.
const PATIENCE: Duration = Duration::from_millis(250);

/// A price list, and where it comes from.
enum Prices {
    Fresh(String),
    Old(String),
}

impl fmt::Display for Prices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Prices::Fresh(list) => write!(f, "{list}, from the network"),
            Prices::Old(list) => write!(f, "{list}, from the cache"),
        }
    }
}

/// Why there are none.
enum NoPrices {
    /// The network took longer than [`PATIENCE`], and nothing was cached.
    TooLate,
}

impl fmt::Display for NoPrices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoPrices::TooLate => {
                write!(f, "no answer within {PATIENCE:?}, and nothing in the cache")
            }
        }
    }
}

/// Stands for a request to the tea merchant.
async fn network(takes: Duration) -> String {
    sleep(takes).await;
    "today's prices".to_owned()
}

/// Stands for a file or a local database.
async fn cache(filled: bool) -> Option<String> {
    sleep(Duration::from_millis(5)).await;
    filled.then(|| "last week's prices".to_owned())
}

/// Fresh if it comes in time, else what was kept.
///
/// Both are asked at the same time, so that the cache's answer is there when patience ends: to look into it only then
/// would add its time to the time already lost.
async fn prices(network_takes: Duration, cached: bool) -> Result<Prices, NoPrices> {
    let (fresh, old) = samovar::join!(timeout(PATIENCE, network(network_takes)), cache(cached),);
    match (fresh, old) {
        (Ok(fresh), _) => Ok(Prices::Fresh(fresh)),
        (Err(_elapsed), Some(old)) => Ok(Prices::Old(old)),
        (Err(_elapsed), None) => Err(NoPrices::TooLate),
    }
}

/// A race pure and simple: whoever is first, however old. The loser is dropped, its request cancelled.
async fn any_prices(network_takes: Duration) -> Prices {
    samovar::select! {
        fresh = network(network_takes) => Prices::Fresh(fresh),
        // Not a cache without an answer: then this branch is out, and the network alone is waited for.
        Some(old) = cache(true) => Prices::Old(old),
    }
}

#[samovar::main]
async fn main() {
    let (quick, slow) = (Duration::from_millis(1), Duration::from_secs(30));
    for (situation, takes, cached) in [
        ("quick network, full cache", quick, true),
        ("slow network, full cache", slow, true),
        ("slow network, empty cache", slow, false),
    ] {
        match prices(takes, cached).await {
            Ok(prices) => println!("{situation:27} {prices}"),
            Err(error) => println!("{situation:27} {error}"),
        }
    }
    println!("{:27} {}", "whoever is first", any_prices(slow).await);
}
