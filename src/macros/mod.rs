//! The macros: `select!`, `join!`, `try_join!` and `pin!`, all of them plain `macro_rules!`, and the doors to
//! `#[main]` and `#[test]`.
//!
//! Tokio's `select!` needs a procedural macro for two things: an enum with one variant per branch, and a copy of the
//! user's pattern without its `ref` and `mut`, to try a value on. Hygiene (each recursion step names new variables)
//! and a guard that refuses (`$pattern if { matches = true; false }`) do both without one, so a reader can expand
//! everything by eye.

mod join;
mod pin;
mod seeds;
mod select;
#[doc(hidden)]
pub mod support;

/// Runs each block once: from number `$first` to the last, then from the first to the one before `$first`.
///
/// Two laps over the same text, each running its part of it. The numbers are constants once the compiler has unrolled
/// the text, so a branch costs one comparison; a `match` on a number would need the numbers as literals, which a
/// declarative macro cannot count without a table.
#[doc(hidden)]
#[macro_export]
macro_rules! __each_from {
    ($first:expr, $($block:block)+) => {
        let first: u32 = $first;
        let mut second_lap = false;
        loop {
            let mut number = 0_u32;
            $(
                if (number < first) == second_lap $block
                #[allow(unused_assignments)]
                { number += 1; }
            )+
            if second_lap || first == 0 {
                break;
            }
            second_lap = true;
        }
    };
}

/// Runs an async `main` on a runtime.
///
/// # Examples
///
/// ```
/// #[samovar::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let answer = samovar::spawn(async { 6 * 7 }).await?;
///     assert_eq!(answer, 42);
///     Ok(())
/// }
/// ```
///
/// One thread, which is the caller's:
///
/// ```
/// #[samovar::main(flavor = "current_thread")]
/// async fn main() {
///     println!("one boiler, one cup");
/// }
/// ```
///
/// The number of workers is an expression:
///
/// ```
/// const WORKERS: usize = 2;
///
/// #[samovar::main(worker_threads = WORKERS)]
/// async fn main() {
///     println!("one boiler, two cups");
/// }
/// ```
#[cfg(feature = "macros")]
pub use samovar_macros::main;

/// Runs an async test on a runtime.
///
/// # Examples
///
/// ```no_run
/// #[samovar::test]
/// async fn a_task_returns_its_value() {
///     let answer = samovar::spawn(async { 6 * 7 }).await.unwrap();
///     assert_eq!(answer, 42);
/// }
/// ```
///
/// Under a clock that stands still, where a day takes no time:
///
/// ```no_run
/// use samovar::time::{Duration, Instant, sleep};
///
/// #[samovar::test(start_paused = true)]
/// async fn a_day_has_24_hours() {
///     let start = Instant::now();
///     sleep(Duration::from_secs(24 * 60 * 60)).await;
///     assert_eq!(start.elapsed().as_secs(), 86_400);
/// }
/// ```
///
/// A thousand times, in another order each time:
///
/// ```no_run
/// #[samovar::test(seeds = 0..1000)]
/// async fn the_answer_is_always_the_same() {
///     let six = samovar::spawn(async { 6 });
///     let seven = samovar::spawn(async { 7 });
///     assert_eq!(six.await.unwrap() * seven.await.unwrap(), 42);
/// }
/// ```
#[cfg(feature = "macros")]
pub use samovar_macros::test;
