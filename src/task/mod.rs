//! Tasks: what `spawn` makes of a future, and the handle that it returns.
//!
//! A task is a future that the runtime owns. It is polled when somebody wakes it, never otherwise, and by one worker
//! at a time. Read in this order: `state.rs` (the life of a task as one word), `cell.rs` (the task itself, with the
//! whole of what a poll does in `run`), `roles.rs` (what others see of it), `join_handle.rs` (how its output gets out).

pub(crate) mod budget;
mod builder;
pub(crate) mod cell;
mod current;
mod error;
pub(crate) mod foreign;
mod id;
mod join_handle;
mod join_set;
#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, loom))]
mod loom_tests_forgotten;
mod pending;
mod ready_keys;
pub(crate) mod roles;
pub(crate) mod spawn;
pub(crate) mod stage;
pub(crate) mod state;
mod yield_now;

pub use builder::Builder;
pub use current::{id, try_id};
pub use error::JoinError;
pub use id::Id;
pub use join_handle::{AbortHandle, JoinHandle};
pub use join_set::JoinSet;
pub use pending::{Pending, pending};
pub use spawn::{spawn, spawn_blocking};
pub use yield_now::{YieldNow, yield_now};

/// The line that called `spawn`.
pub(crate) type Place = &'static std::panic::Location<'static>;
