//! Samovar is a small async runtime, written by hand and to be read. *One boiler, many cups.*
//!
//! It has what the programs of the usual Tokio tutorials need (tasks, timers, TCP, channels, locks, `select!`), under the
//! same names, and shows in ordinary, safe Rust what a runtime does.
//!
//! ```
//! use samovar::time::{Duration, sleep};
//!
//! #[samovar::main]
//! async fn main() {
//!     let kettle = samovar::spawn(async {
//!         sleep(Duration::from_millis(20)).await;
//!         "hot water"
//!     });
//!     println!("meanwhile, the leaves");
//!     println!("then {}", kettle.await.unwrap());
//! }
//! ```
//!
//! # To read it
//!
//! Each question that is answered raises the next; the files answer them in this order:
//!
//! | question | file |
//! |---|---|
//! | Who calls `poll`, and when? | `block_on.rs`, `park.rs` |
//! | What is a task, and what does a waker do? | `task/state.rs`, `task/cell.rs`, `task/join_handle.rs` |
//! | Who polls many tasks? On many threads? | `scheduler/worker.rs`, `scheduler/queue.rs`, `scheduler/mod.rs` |
//! | What if there is nothing to do? | `scheduler/idle.rs`, `scheduler/seat.rs` |
//! | Who wakes me when time has passed? | `time/sleep.rs`, `time/timers.rs`, `time/wheel.rs` |
//! | Who wakes me when bytes have come? | `reactor/mod.rs`, `reactor/source.rs`, `reactor/io.rs` |
//! | Who wakes me when another task is done with something? | `sync/waiters.rs`, `sync/mutex.rs` |
//! | What if a task blocks? | `scheduler/watchdog.rs`, `blocking.rs` |
//! | Who waits for what, and who can never wake? | `scheduler/census.rs`, `scheduler/asleep.rs` |
//! | How does it end? | `scheduler/shutdown.rs` |
//! | And in a test? | `time/clock.rs`, `scheduler/jump.rs`, `scheduler/simulation.rs` |
//! | Can I watch it? | `trace/hook.rs`, `trace/record.rs`, `trace/story.rs` |
//!
//! `cargo doc --document-private-items --open` shows them with their drawings.
//!
//! # To use it
//!
//! Replace `tokio` by `samovar`. What differs is said where it differs; [`runtime`], [`task`], [`time`], [`net`], [`io`] and
//! [`sync`] are the places to look.
//!
//! # Features
//!
//! | feature | gives |
//! |---|---|
//! | `macros` (default) | [`#[samovar::main]`](main) and [`#[samovar::test]`](test) |
//! | `hyper` | `samovar::hyper`: connections, tasks and time-outs for hyper; `samovar-axum` is built on it |
//! | `signal` | `samovar::signal`: Ctrl-C, `SIGTERM` and the like |
//! | `tokio-io` | Tokio's `AsyncRead` and `AsyncWrite` for the sockets, for `tokio-util` and others; no part of its runtime |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod ablation;
mod block_on;
mod blocking;
mod context;
#[cfg(feature = "hyper")]
#[cfg_attr(docsrs, doc(cfg(feature = "hyper")))]
pub mod hyper;
pub mod io;
#[doc(hidden)]
pub mod macros;
pub mod net;
mod park;
mod random;
mod reactor;
pub mod runtime;
mod scheduler;
mod shim;
#[cfg(feature = "signal")]
#[cfg_attr(docsrs, doc(cfg(feature = "signal")))]
pub mod signal;
pub mod sync;
pub mod task;
#[cfg(all(feature = "macros", any(doc, doctest)))]
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}
pub mod time;
#[cfg(feature = "tokio-io")]
mod tokio_io;
pub mod trace;

pub use block_on::block_on;
pub use task::spawn;

#[cfg(feature = "macros")]
#[cfg_attr(docsrs, doc(cfg(feature = "macros")))]
pub use macros::{main, test};
