//! What one may ask of a socket's readiness, and the answer.
//!
//! Tokio's types, cut down to the two directions that every system has.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::ops::{BitAnd, BitOr, BitOrAssign, Sub};
use std::os::fd::AsFd;
use std::pin::pin;
use std::task::Poll;

use crate::reactor::{Direction, Io};

/// Reading, writing, or both: what a call of `ready` waits for.
///
/// ```
/// use samovar::net::Interest;
/// let both = Interest::READABLE | Interest::WRITABLE;
/// assert!(both.is_readable() && both.is_writable());
/// assert!(!Interest::READABLE.is_writable());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Interest(u8);

impl Interest {
    /// Data, a connection, the end of the stream or an error are there to be read.
    ///
    /// ```
    /// # use samovar::net::Interest;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let (ours, theirs) = samovar::net::UnixStream::pair()?;
    /// theirs.try_write(b"tea")?;
    /// assert!(ours.ready(Interest::READABLE).await?.is_readable());
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub const READABLE: Interest = Interest(Ready::READABLE.0);
    /// There is room to write, or an error to be told by writing.
    ///
    /// ```
    /// # use samovar::net::Interest;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let (ours, _theirs) = samovar::net::UnixStream::pair()?;
    /// assert!(ours.ready(Interest::WRITABLE).await?.is_writable());
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub const WRITABLE: Interest = Interest(Ready::WRITABLE.0);

    /// Whether it includes [`READABLE`](Interest::READABLE).
    ///
    /// ```
    /// use samovar::net::Interest;
    /// assert!((Interest::READABLE | Interest::WRITABLE).is_readable());
    /// assert!(!Interest::WRITABLE.is_readable());
    /// ```
    pub const fn is_readable(self) -> bool {
        self.0 & Interest::READABLE.0 != 0
    }

    /// Whether it includes [`WRITABLE`](Interest::WRITABLE).
    ///
    /// ```
    /// use samovar::net::Interest;
    /// assert!((Interest::READABLE | Interest::WRITABLE).is_writable());
    /// assert!(!Interest::READABLE.is_writable());
    /// ```
    pub const fn is_writable(self) -> bool {
        self.0 & Interest::WRITABLE.0 != 0
    }

    /// Both of them. The same as `|`, but can be used in constants.
    ///
    /// ```
    /// use samovar::net::Interest;
    /// const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);
    /// assert_eq!(BOTH, Interest::READABLE | Interest::WRITABLE);
    /// ```
    #[must_use = "the sum is returned, not stored"]
    pub const fn add(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }
}

impl BitOr for Interest {
    type Output = Interest;

    fn bitor(self, other: Interest) -> Interest {
        self.add(other)
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        names(self.0, f)
    }
}

/// What a socket is ready for. It is a hint: the next call may still say `WouldBlock`.
///
/// ```
/// use samovar::net::Ready;
/// let ready = Ready::READABLE | Ready::WRITABLE;
/// assert!(ready.is_readable());
/// assert_eq!(ready - Ready::READABLE, Ready::WRITABLE);
/// assert_eq!(format!("{ready:?}"), "READABLE | WRITABLE");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ready(u8);

impl Ready {
    /// Nothing.
    ///
    /// ```
    /// use samovar::net::Ready;
    /// let mut seen = Ready::EMPTY; // to collect in
    /// seen |= Ready::READABLE;
    /// assert_eq!(seen, Ready::READABLE);
    /// ```
    pub const EMPTY: Ready = Ready(0);
    /// A read may succeed.
    ///
    /// ```
    /// use samovar::net::Ready;
    /// assert!(Ready::READABLE.is_readable());
    /// assert!(!Ready::READABLE.is_read_closed()); // there may be more to come
    /// ```
    pub const READABLE: Ready = Ready(1);
    /// A write may succeed.
    ///
    /// ```
    /// use samovar::net::Ready;
    /// assert!(Ready::WRITABLE.is_writable());
    /// assert!(!Ready::WRITABLE.is_write_closed());
    /// ```
    pub const WRITABLE: Ready = Ready(2);
    /// The peer will send no more, or the connection is broken.
    ///
    /// ```
    /// use samovar::net::Ready;
    /// assert!(Ready::READ_CLOSED.is_read_closed());
    /// assert!(Ready::READ_CLOSED.is_readable()); // a read does not wait: it tells the end
    /// ```
    pub const READ_CLOSED: Ready = Ready(4);
    /// Writing is over: the connection is broken, or this side has shut it down.
    ///
    /// ```
    /// use samovar::net::Ready;
    /// assert!(Ready::WRITE_CLOSED.is_write_closed());
    /// assert!(Ready::WRITE_CLOSED.is_writable()); // a write does not wait: it fails at once
    /// ```
    pub const WRITE_CLOSED: Ready = Ready(8);
    /// Everything.
    ///
    /// ```
    /// use samovar::net::Ready;
    /// let closed = Ready::ALL - (Ready::READABLE | Ready::WRITABLE);
    /// assert_eq!(closed, Ready::READ_CLOSED | Ready::WRITE_CLOSED);
    /// ```
    pub const ALL: Ready = Ready(15);

    /// Whether nothing is ready.
    ///
    /// ```
    /// use samovar::net::Ready;
    /// let ready = Ready::READABLE;
    /// assert!((ready & Ready::WRITABLE).is_empty()); // they have nothing in common
    /// assert!(!ready.is_empty());
    /// ```
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a read may succeed, be it only to tell the end of the stream.
    ///
    /// ```
    /// use samovar::net::Ready;
    /// assert!((Ready::READABLE | Ready::WRITABLE).is_readable());
    /// assert!(Ready::READ_CLOSED.is_readable());
    /// assert!(!Ready::WRITABLE.is_readable());
    /// ```
    pub const fn is_readable(self) -> bool {
        self.0 & (Ready::READABLE.0 | Ready::READ_CLOSED.0) != 0
    }

    /// Whether a write may succeed, or fail at once.
    ///
    /// ```
    /// use samovar::net::Ready;
    /// assert!((Ready::READABLE | Ready::WRITABLE).is_writable());
    /// assert!(Ready::WRITE_CLOSED.is_writable());
    /// assert!(!Ready::READABLE.is_writable());
    /// ```
    pub const fn is_writable(self) -> bool {
        self.0 & (Ready::WRITABLE.0 | Ready::WRITE_CLOSED.0) != 0
    }

    /// Whether the reactor has heard that the peer will send no more.
    ///
    /// ```
    /// # use samovar::net::Interest;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let (ours, theirs) = samovar::net::UnixStream::pair()?;
    /// drop(theirs);
    /// assert!(ours.ready(Interest::READABLE).await?.is_read_closed());
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub const fn is_read_closed(self) -> bool {
        self.0 & Ready::READ_CLOSED.0 != 0
    }

    /// Whether the reactor has heard that writing is over.
    ///
    /// ```
    /// # use samovar::net::Interest;
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let (ours, theirs) = samovar::net::UnixStream::pair()?;
    /// drop(theirs);
    /// assert!(ours.ready(Interest::WRITABLE).await?.is_write_closed());
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub const fn is_write_closed(self) -> bool {
        self.0 & Ready::WRITE_CLOSED.0 != 0
    }
}

impl BitOr for Ready {
    type Output = Ready;

    fn bitor(self, other: Ready) -> Ready {
        Ready(self.0 | other.0)
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, other: Ready) {
        self.0 |= other.0;
    }
}

impl BitAnd for Ready {
    type Output = Ready;

    fn bitand(self, other: Ready) -> Ready {
        Ready(self.0 & other.0)
    }
}

impl Sub for Ready {
    type Output = Ready;

    fn sub(self, other: Ready) -> Ready {
        Ready(self.0 & !other.0)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        names(self.0, f)
    }
}

/// The names of the bits, joined as one would write them.
fn names(bits: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let all = ["READABLE", "WRITABLE", "READ_CLOSED", "WRITE_CLOSED"];
    let mut set = (0..).zip(all).filter(|(bit, _)| bits & (1 << bit) != 0);
    match set.next() {
        None => f.write_str("EMPTY"),
        Some((_, first)) => {
            f.write_str(first)?;
            set.try_for_each(|(_, name)| write!(f, " | {name}"))
        }
    }
}

/// Waits until one of the directions of `interest` may be ready, and says which are. Cancel safe.
pub(super) async fn ready<E: AsFd>(io: &Io<E>, interest: Interest) -> io::Result<Ready> {
    let mut read = pin!(io.ready(Direction::Read));
    let mut write = pin!(io.ready(Direction::Write));
    poll_fn(|cx| {
        let mut ready = Ready::EMPTY;
        if interest.is_readable() && read.as_mut().poll(cx)?.is_ready() {
            ready |= Ready::READABLE;
            if io.is_closed(Direction::Read) {
                ready |= Ready::READ_CLOSED;
            }
        }
        if interest.is_writable() && write.as_mut().poll(cx)?.is_ready() {
            ready |= Ready::WRITABLE;
            if io.is_closed(Direction::Write) {
                ready |= Ready::WRITE_CLOSED;
            }
        }
        if ready.is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(Ok(ready))
        }
    })
    .await
}

/// Tries `operation` if the socket may be ready for `interest`.
///
/// With both directions one that is ready is taken: `WouldBlock` takes its readiness back, and the next try has the other.
pub(super) fn try_io<E: AsFd, R>(
    io: &Io<E>,
    interest: Interest,
    operation: impl FnOnce() -> io::Result<R>,
) -> io::Result<R> {
    let reads = interest.is_readable() && (!interest.is_writable() || io.is_ready(Direction::Read));
    let direction = if reads {
        Direction::Read
    } else {
        Direction::Write
    };
    io.try_io(direction, |_| operation())
}
