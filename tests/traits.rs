//! Which threads the public types may cross, and what else they promise to all code that is generic over them.

#[macro_use]
mod has_traits;

use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

use samovar::runtime::{Builder, EnterGuard, Handle, Runtime, RuntimeFlavor, TryCurrentError};
use samovar::task::{AbortHandle, Id, JoinError, JoinHandle, JoinSet, YieldNow};
use samovar::time::error::Elapsed;
use samovar::time::{Instant, Interval, MissedTickBehavior, Sleep};

/// Compiles only if the value's type has the traits.
macro_rules! assert_value_is {
    ($value:expr, $($traits:tt)+) => {{
        fn check<T: $($traits)+>(_: impl FnOnce() -> T) {}
        check(|| $value);
    }};
}

/// May be sent, but not shared.
type OnlySend = std::cell::Cell<u8>;
/// May be neither.
type Neither = Rc<u8>;

#[test]
fn runtime() {
    assert_is!(Runtime: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Debug);
    assert_is!(Handle: Clone + Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Debug);
    assert_is!(Builder: Clone + Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Debug);
    assert_is!(EnterGuard<'static>: Unpin + Debug);
    assert_is_not!(EnterGuard<'static>: Send);
    assert_is!(RuntimeFlavor: Copy + Eq + Debug + Send + Sync);
    assert_is!(TryCurrentError: Error + Display + Debug + Clone + Send + Sync + Unpin);
}

#[test]
fn task() {
    assert_is!(JoinHandle<()>: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Debug);
    assert_is!(JoinHandle<OnlySend>: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Debug);
    assert_is!(JoinHandle<std::marker::PhantomPinned>: Unpin);
    assert_is!(AbortHandle: Clone + Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Debug);
    assert_is!(JoinError: Error + Display + Debug + Send + Sync + Unpin);
    assert_is!(JoinError: Into<std::io::Error>);
    assert_is!(JoinSet<()>: Send + Sync + Unpin + Debug + Default);
    assert_is!(JoinSet<OnlySend>: Send + Unpin + Debug);
    assert_is!(Id: Copy + Eq + Ord + Hash + Debug + Display + Send + Sync + Unpin);
    assert_is!(YieldNow: Send + Sync + Debug);
    assert_value_is!(samovar::task::yield_now(), Future<Output = ()> + Send);
}

#[test]
fn time() {
    assert_is!(Sleep: Future<Output = ()> + Send + Sync + Debug);
    assert_is!(Interval: Send + Sync + Unpin + Debug);
    assert_is!(Instant: Copy + Ord + Hash + Debug + Send + Sync + Unpin);
    assert_is!(MissedTickBehavior: Copy + Eq + Debug + Default + Send + Sync);
    assert_is!(Elapsed: Error + Display + Debug + Eq + Send + Sync + Unpin);
    assert_is!(Elapsed: Into<std::io::Error>);
    let moment = samovar::time::Duration::ZERO;
    assert_value_is!(
        samovar::time::timeout(moment, async {}),
        Future<Output = Result<(), Elapsed>> + Send + Sync
    );
    assert_value_is!(
        samovar::time::timeout_at(Instant::now(), std::future::pending::<Neither>()),
        Future<Output = Result<Neither, Elapsed>>
    );
}

/// Whole programs' futures may be spawned.
#[test]
fn futures_are_send() {
    fn is_send<T: Send>(_: impl FnOnce() -> T) {}
    is_send(|| async {
        samovar::task::yield_now().await;
        samovar::time::sleep(samovar::time::Duration::ZERO).await;
        let mut ticks = samovar::time::interval(samovar::time::Duration::MAX);
        ticks.tick().await;
        let _ = samovar::spawn(async {}).await;
        let _ = samovar::task::spawn_blocking(|| ()).await;
        let mut set = JoinSet::<OnlySend>::new();
        set.spawn(async { OnlySend::new(1) });
        let _ = set.join_next().await;
        Handle::current()
    });
}

#[test]
fn net_and_io() {
    use samovar::io;
    use samovar::net::{Interest, Ready, TcpListener, TcpStream, UdpSocket, tcp};
    assert_is!(TcpListener: Send + Sync + Unpin + Debug);
    assert_is!(TcpStream: io::AsyncRead + io::AsyncWrite + Send + Sync + Unpin + Debug);
    assert_is!(tcp::ReadHalf<'static>: io::AsyncRead + Send + Sync + Unpin + Debug);
    assert_is!(tcp::WriteHalf<'static>: io::AsyncWrite + Send + Sync + Unpin + Debug);
    assert_is!(tcp::OwnedReadHalf: io::AsyncRead + Send + Sync + Unpin + Debug);
    assert_is!(tcp::OwnedWriteHalf: io::AsyncWrite + Send + Sync + Unpin + Debug);
    assert_is!(tcp::ReuniteError: Error + Send + Sync);
    assert_is!(UdpSocket: Send + Sync + Unpin + Debug);
    assert_is!(Interest: Copy + Eq + Debug + Send + Sync);
    assert_is!(Ready: Copy + Eq + Debug + Send + Sync);
    assert_is!(io::BufReader<TcpStream>: io::AsyncBufRead + io::AsyncWrite + Send + Sync + Unpin + Debug);
    assert_is!(io::BufWriter<TcpStream>: io::AsyncWrite + Send + Sync + Unpin + Debug);
    assert_is!(io::DuplexStream: io::AsyncRead + io::AsyncWrite + Send + Sync + Unpin + Debug);
    assert_is!(io::ReadHalf<TcpStream>: io::AsyncRead + Send + Sync + Debug);
    assert_is!(io::WriteHalf<TcpStream>: io::AsyncWrite + Send + Sync + Debug);
    assert_value_is!(
        TcpStream::connect("localhost:1"),
        Future<Output = io::Result<TcpStream>> + Send
    );
    assert_value_is!(
        TcpListener::bind("localhost:1"),
        Future<Output = io::Result<TcpListener>> + Send
    );
}
