//! The attribute macros of the [samovar] runtime: [`macro@main`] and [`macro@test`].
//!
//! Use them through `samovar`, which re-exports them; their expansions need it.
//!
//! No `syn`, no `quote`: these two macros have to find a handful of tokens in a function, and a full parser of Rust for
//! that would be the slowest part of building the runtime. What is taken over token by token also keeps its place in
//! the user's file, so an error in the function is shown where it is.
//!
//! [samovar]: https://docs.rs/samovar
#![forbid(unsafe_code)]

mod arguments;
mod error;
mod expand;
mod function;

use proc_macro::TokenStream;

/// Turns `async fn main` into a `fn main` that builds a runtime and runs the async function on it.
///
/// The function must be `async` and take no arguments. It may return whatever a `main` may return, and may have another
/// name: then it becomes a plain function which builds a runtime at every call. Calling one inside a runtime panics, as
/// `block_on` does there.
///
/// # Arguments
///
/// * `flavor = "multi_thread"` (the default) or `flavor = "current_thread"`: which builder is called,
///   `Builder::new_multi_thread` or `Builder::new_current_thread`.
/// * `worker_threads = <expression>`: how many workers, a `usize`; only for `multi_thread`. Without it, the builder
///   decides.
/// * `start_paused = true`: the clock stands still from the beginning, and time passes only when nothing else can happen
///   (`Builder::start_paused`); only for `current_thread`.
/// * `crate = "path"`: where the runtime is, if it is not `::samovar`: renamed, or re-exported by another crate.
///
/// # Expansion
///
/// ```text
/// #[samovar::main(worker_threads = 2)]
/// async fn main() -> io::Result<()> { .. }
/// ```
///
/// becomes
///
/// ```text
/// fn main() -> io::Result<()> {
///     async fn main() -> io::Result<()> { .. }
///     let runtime = ::samovar::runtime::Builder::new_multi_thread()
///         .worker_threads(2)
///         .enable_all()
///         .build()
///         .expect("failed to build the runtime");
///     runtime.block_on(main())
/// }
/// ```
///
/// # Panics
///
/// The function panics if the runtime cannot be built, for want of threads or file descriptors.
///
/// # Difference from Tokio
///
/// A function not named `main` may take no arguments either.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::entry(false, arguments, item)
}

/// Turns an `async fn` into a test that runs on a runtime of its own.
///
/// Takes the arguments of [`macro@main`], but the flavor is `current_thread` unless it is given. Combines with
/// `#[should_panic]`, `#[ignore]` and every other attribute of a test.
///
/// # Seeds
///
/// * `seeds = 0..1000`: runs the test once for each of these numbers, as a simulation (`Builder::seed`) of several workers
///   under a virtual clock, with another order of events each time. Without a flavor it is `multi_thread` here;
///   `worker_threads` says how many workers are simulated.
///
/// The first seed with which the test panics, or returns an error, ends it, and the command that repeats that one run is
/// printed:
///
/// ```text
/// seed 17 of 0..1000 fails; to repeat this run:
///     SAMOVAR_SEED=17 cargo test -p kitchen tests::two_cooks -- --exact --nocapture
/// ```
///
/// `SAMOVAR_SEED` may also be a range, `SAMOVAR_SEED=0..100000`, for a long search. The value of `seeds` is an expression, a
/// `Range<u64>`.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::entry(true, arguments, item)
}
