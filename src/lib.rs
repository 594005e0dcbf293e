//! Samovar is a small async runtime, written by hand and to be read: one boiler, many cups.
#![forbid(unsafe_code)]

mod block_on;
mod blocking;
mod context;
#[doc(hidden)]
pub mod macros;
pub mod net;
mod park;
mod reactor;
pub mod runtime;
mod scheduler;
mod shim;
pub mod task;
pub mod time;

pub use block_on::block_on;
pub use task::spawn;

#[cfg(feature = "macros")]
pub use macros::{main, test};
