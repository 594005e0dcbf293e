//! Unix signals.
//!
//! # How a signal becomes an event
//!
//! A signal handler may interrupt any instruction, also one that holds the lock of the allocator; hardly anything is
//! allowed in it. What is allowed is to write to a socket. So the handler writes a byte, and the other end lies in the
//! reactor like every socket ("self-pipe"). The crate `signal-hook` installs the handler, which safe code cannot; here is
//! one pair of sockets for each [`Signal`].
//!
//! A pair for the whole process (as in Tokio) would spare descriptors, but needs a registry, and a runtime that owns the
//! reading end; a pair each needs neither, and works with any number of runtimes.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll, ready};

use signal_hook::SigId;
use signal_hook::consts::{self, FORBIDDEN};
use signal_hook::low_level;

use crate::context;
use crate::reactor::{Direction, Io};

/// Listens to a signal from now on.
///
/// The process no longer does what it would do by default when the signal comes (most end it), **for the rest of its
/// life**, also after the [`Signal`] is dropped. Any number of `Signal`s can listen to the same one, and all hear it.
///
/// # Errors
///
/// When the signal cannot be caught (`SIGKILL`, `SIGSTOP`) or must not be (`SIGSEGV`, `SIGILL`, `SIGFPE`), when there is
/// none of this number, or when the system has no descriptors left.
///
/// # Panics
///
/// Outside a runtime.
///
/// ```no_run
/// use samovar::signal::unix::{SignalKind, signal};
///
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let mut hangup = signal(SignalKind::hangup())?;
/// while let Some(()) = hangup.recv().await {
///     println!("reading the configuration again");
/// }
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
#[track_caller]
pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    context::expect_runtime("listen to a signal");
    if kind.0 <= 0 || FORBIDDEN.contains(&kind.0) {
        return Err(io::Error::other(format!(
            "signal {} cannot be listened to",
            kind.0
        )));
    }
    let (events, handlers_end) = UnixStream::pair()?;
    events.set_nonblocking(true)?;
    let registered = low_level::pipe::register(kind.0, handlers_end)?;
    Ok(Signal {
        kind,
        registered,
        events: Io::new(mio::net::UnixStream::from_std(events)),
    })
}

/// Hears one kind of signal. Made by [`signal`].
///
/// Signals that come while nobody looks are one event: a `recv` says that there was at least one since the last.
///
/// ```
/// use samovar::signal::unix::{Signal, SignalKind, signal};
///
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let kind = SignalKind::window_change();
/// let mut resized: Signal = signal(kind)?;
/// signal_hook::low_level::raise(kind.as_raw_value())?;
/// signal_hook::low_level::raise(kind.as_raw_value())?; // nobody has looked since the first
/// assert_eq!(resized.recv().await, Some(()));
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
#[must_use = "a `Signal` that is dropped hears nothing, and the signal's default stays switched off"]
pub struct Signal {
    /// Which one.
    kind: SignalKind,
    /// The handler's registration.
    registered: SigId,
    /// What the handler writes comes out here.
    events: Io<mio::net::UnixStream>,
}

impl Signal {
    /// Waits for the signal. `None`: none will ever come, because the runtime is shut down.
    ///
    /// ```
    /// use samovar::signal::unix::{SignalKind, signal};
    ///
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let kind = SignalKind::window_change();
    /// let mut resized = signal(kind)?;
    /// signal_hook::low_level::raise(kind.as_raw_value())?; // as if the window had been pulled larger
    /// assert_eq!(resized.recv().await, Some(()));
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// When it is polled outside a runtime.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a signal that comes while nobody waits is told by the next call.
    pub async fn recv(&mut self) -> Option<()> {
        std::future::poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`recv`](Signal::recv) for hand-written futures. The task that polled last is woken.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    ///
    /// ```
    /// use samovar::signal::unix::{SignalKind, signal};
    ///
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let kind = SignalKind::window_change();
    /// let mut resized = signal(kind)?;
    /// signal_hook::low_level::raise(kind.as_raw_value())?;
    /// assert_eq!(std::future::poll_fn(|cx| resized.poll_recv(cx)).await, Some(()));
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let bytes = ready!(self.events.poll_io(Direction::Read, cx, take_all));
        Poll::Ready(match bytes {
            Ok(()) => Some(()),
            Err(_) => None,
        })
    }
}

/// Reads what is there, so that all signals until now are one event.
fn take_all(mut events: &mio::net::UnixStream) -> io::Result<()> {
    let mut bytes = [0; 64];
    let mut any = false;
    loop {
        match events.read(&mut bytes) {
            // The handler keeps its end open as long as this one is.
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) if count == bytes.len() => any = true,
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && any => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        low_level::unregister(self.registered);
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Which signal.
///
/// ```
/// use samovar::signal::unix::SignalKind;
///
/// assert_eq!(SignalKind::from_raw(2), SignalKind::interrupt());
/// assert_eq!(SignalKind::terminate().as_raw_value(), 15);
/// ```
#[derive(Debug, Clone, Copy, Hash, PartialEq, Eq)]
pub struct SignalKind(
    /// The system's number.
    i32,
);

impl SignalKind {
    /// The signal of this number.
    ///
    /// ```
    /// use samovar::signal::unix::SignalKind;
    ///
    /// assert_eq!(SignalKind::from_raw(15), SignalKind::terminate());
    /// ```
    pub const fn from_raw(number: i32) -> SignalKind {
        SignalKind(number)
    }

    /// The signal's number.
    ///
    /// ```
    /// use samovar::signal::unix::SignalKind;
    ///
    /// assert_eq!(SignalKind::hangup().as_raw_value(), 1);
    /// ```
    pub const fn as_raw_value(&self) -> i32 {
        self.0
    }
}

/// A constructor for each named signal.
macro_rules! kinds {
    ($($name:ident = $number:ident, $what:literal;)*) => {
        impl SignalKind {
            $(
                #[doc = concat!("`", stringify!($number), "`: ", $what)]
                #[doc = ""]
                #[doc = "```"]
                #[doc = "use samovar::signal::unix::SignalKind;"]
                #[doc = ""]
                #[doc = concat!("let kind = SignalKind::", stringify!($name), "();")]
                #[doc = concat!("let number = signal_hook::consts::", stringify!($number), ";")]
                #[doc = "assert_eq!(kind.as_raw_value(), number);"]
                #[doc = "```"]
                pub const fn $name() -> SignalKind {
                    SignalKind(consts::$number)
                }
            )*
        }
    };
}

kinds! {
    alarm = SIGALRM, "a timer of the system has run out. Ends the process by default.";
    child = SIGCHLD, "the state of a child process has changed. Ignored by default.";
    hangup = SIGHUP, "the terminal is gone; to daemons: read the configuration again. Ends the process by default.";
    interrupt = SIGINT, "Ctrl-C. Ends the process by default.";
    io = SIGIO, "a descriptor is ready. Ends the process by default on some systems.";
    pipe = SIGPIPE, "wrote to a pipe that nobody reads. Rust programs ignore it by default.";
    quit = SIGQUIT, "Ctrl-\\. Ends the process by default, with a core dump.";
    terminate = SIGTERM, "please end, sent by `kill` and service managers. Ends the process by default.";
    user_defined1 = SIGUSR1, "whatever the program makes of it. Ends the process by default.";
    user_defined2 = SIGUSR2, "whatever the program makes of it. Ends the process by default.";
    window_change = SIGWINCH, "the terminal's size has changed. Ignored by default.";
}

impl From<i32> for SignalKind {
    fn from(number: i32) -> SignalKind {
        SignalKind::from_raw(number)
    }
}

impl From<SignalKind> for i32 {
    fn from(kind: SignalKind) -> i32 {
        kind.as_raw_value()
    }
}
