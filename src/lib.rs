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
//! # To use it
//!
//! Replace `tokio` by `samovar`. What differs is said where it differs: in [`runtime`], [`task`], [`time`], [`net`], [`io`]
//! and [`sync`]. Every call says what is lost when its future is dropped. [`trace`] shows what a program does,
//! [`runtime::Warning`] is what it is told of its mistakes.
//!
//! | to | see |
//! |---|---|
//! | run something beside | [`spawn`](spawn()), [`task::JoinSet`] |
//! | wait, and not for ever | [`time::sleep`], [`time::timeout`] |
//! | serve TCP | [`net::TcpListener`] |
//! | pass messages, share | [`sync`] |
//! | call what blocks | [`task::spawn_blocking`] |
//! | test, with a clock that stops and schedules that can be repeated | [testing](testing/index.html) |
//!
//! # Features
//!
//! | feature | gives |
//! |---|---|
//! | `macros` (default) | [`#[samovar::main]`](main) and [`#[samovar::test]`](test) |
//! | `hyper` | `samovar::hyper`: connections, tasks and time-outs for hyper; `samovar-axum` is built on it |
//! | `signal` | `samovar::signal`: Ctrl-C, `SIGTERM` and the like |
//! | `tokio-io` | Tokio's `AsyncRead` and `AsyncWrite` for the sockets, for `tokio-util` and others; no part of its runtime |
//!
//! # To read it
//!
//! `docs/tour.md` in the repository goes through the source in twelve stops, with the broken version before the one that works, and
//! then follows one `read()` from the socket to the line after the `.await`; `examples/ladder` builds an executor from nothing, in
//! six steps. These are the stops, and two questions beyond them, with the files (and their lines of code) that answer. Each
//! question that is answered raises the next:
//!
//! | question | file |
//! |---|---|
//! | Who polls? | `block_on.rs` (28), `park.rs` (69) |
//! | What is a task, and what does its waker do? | `task/state.rs` (174), `task/cell.rs` (323), `task/join_handle.rs` (104) |
//! | Who polls many tasks? | `scheduler/worker.rs` (308), `scheduler/queue.rs` (97), `task/budget.rs` (102) |
//! | And on many threads? | `scheduler/worker/search.rs` (91), `scheduler/mod.rs` (251), `scheduler/pace.rs` (73), `scheduler/seat.rs` (333) |
//! | What if there is nothing to do? | `scheduler/idle.rs` (77) |
//! | Who wakes me when time has passed? | `time/sleep.rs` (97), `time/timers.rs` (191), `time/wheel.rs` (274) |
//! | Who wakes me when bytes have come? | `reactor/mod.rs` (251), `reactor/source.rs` (156), `reactor/io.rs` (254) |
//! | Who wakes me from another thread? | `scheduler/home.rs` (136), `scheduler/inbox.rs` (53), `reactor/sleep.rs` (34), `scheduler/main_waker.rs` (106) |
//! | Who wakes me when another task is done with something? | `sync/waiters.rs` (239), `sync/mutex.rs` (238) |
//! | What if a task blocks? | `scheduler/watchdog.rs` (196), `blocking.rs` (242) |
//! | How does it end? | `scheduler/shutdown.rs` (112), `scheduler/registry.rs` (44) |
//! | And in a test? | `time/clock.rs` (129), `scheduler/jump.rs` (95), `scheduler/simulation.rs` (180) |
//! | Who waits for what, and who can never wake? | `scheduler/census.rs` (125), `scheduler/asleep.rs` (82) |
//! | Can I watch it? | `trace/hook.rs` (92), `trace/doing.rs` (172), `trace/record.rs` (171), `trace/story.rs` (237) |
//!
//! `cargo doc --document-private-items --open` shows them with their drawings.

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
mod threads;
#[cfg(all(feature = "macros", any(doc, doctest)))]
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}
pub mod time;
#[cfg(feature = "tokio-io")]
mod tokio_io;
pub mod trace;

/// The programs of README.md compile and run, as tests of this crate.
#[cfg(all(doctest, feature = "macros"))]
#[doc = include_str!("../README.md")]
mod readme {}

pub use block_on::block_on;
pub use task::spawn;

#[cfg(feature = "macros")]
#[cfg_attr(docsrs, doc(cfg(feature = "macros")))]
pub use macros::{main, test};
