//! Many senders, one receiver: a queue between tasks.
//!
//! | | [`channel`] | [`unbounded_channel`] |
//! |---|---|---|
//! | holds | as many values as you say | as many as memory does |
//! | sending | waits while it is full | never waits, and needs no async code |
//! | a fast sender before a slow receiver | is slowed down | fills the memory |
//!
//! Take the bounded one unless you know why not: it is what keeps a program alive under load.
//!
//! Senders are cloned, the receiver is not. The receiver gets `None` when the last sender is gone, or when it has closed
//! the channel itself, and everything sent before has been received. [`WeakSender`]s do not count as senders.
//!
//! ```
//! use samovar::sync::mpsc;
//!
//! # samovar::block_on(async {
//! let (sender, mut receiver) = mpsc::channel(16);
//! std::thread::spawn(move || {
//!     for cup in 1..=3 {
//!         sender.blocking_send(cup).unwrap();
//!     }
//! });
//! let mut cups = 0;
//! while let Some(cup) = receiver.recv().await {
//!     cups += cup;
//! }
//! assert_eq!(cups, 6);
//! # });
//! ```
//!
//! # Order and fairness
//!
//! Values come out in the order in which they went in. Senders that wait for a slot get it strictly first come, first
//! served: a free slot is given to the first of them before it is woken, and nobody can snatch it in between. So a waiting
//! `send` that is kept alive but not polled holds its slot, and whoever waits behind it waits too.
//!
//! # Closing down
//!
//! To finish cleanly, call [`Receiver::close`] and go on receiving until `None`: senders get errors from then on, what is
//! queued is still delivered, and so is what a [`Permit`] sends that was handed out before.
//!
//! # How it works
//!
//! One lock around one queue and its waiting list (`chan.rs`, where the reasons are).

mod bounded;
mod chan;
pub mod error;
mod handle;
mod permit;
mod reserve;
mod unbounded;
mod weak;

pub use bounded::{Receiver, Sender, channel};
pub use permit::{OwnedPermit, Permit, PermitIterator};
pub use unbounded::{UnboundedReceiver, UnboundedSender, unbounded_channel};
pub use weak::{WeakSender, WeakUnboundedSender};
