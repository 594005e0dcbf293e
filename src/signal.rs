//! Signals of the operating system, awaited: Ctrl-C above all.
//!
//! ```no_run
//! #[samovar::main]
//! async fn main() {
//!     println!("serving; Ctrl-C ends it");
//!     samovar::signal::ctrl_c().await.expect("Ctrl-C can be listened to");
//!     println!("good bye");
//! }
//! ```
//!
//! [`unix`] has the others: `SIGTERM`, which service managers send, `SIGHUP` and so on.

pub mod unix;

use std::io;

/// Completes when the process is asked to stop by Ctrl-C (`SIGINT`).
///
/// It hears what comes after its first poll. From then on, **and for the rest of the process's life**, Ctrl-C no longer
/// ends the process by itself, also when nobody waits for it any more.
///
/// # Errors
///
/// When the system refuses the handler, or has no descriptors left; and when the runtime is shut down meanwhile.
///
/// # Panics
///
/// When it is polled outside a runtime.
///
/// # Cancel safety
///
/// A signal that comes between two calls is not heard by the second; to hear all, keep a [`unix::Signal`].
///
/// ```no_run
/// # async fn serve() {}
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// samovar::select! {
///     _ = serve() => {}
///     stop = samovar::signal::ctrl_c() => stop.expect("Ctrl-C can be listened to"),
/// }
/// # });
/// ```
pub async fn ctrl_c() -> io::Result<()> {
    let mut interrupt = unix::signal(unix::SignalKind::interrupt())?;
    match interrupt.recv().await {
        Some(()) => Ok(()),
        None => Err(io::Error::other(
            "the runtime was shut down while waiting for Ctrl-C",
        )),
    }
}
