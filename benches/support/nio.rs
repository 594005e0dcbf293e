//! nio as the workloads see it: its own things under Tokio's names.
//!
//! nio is the nearest peer: several threads, each with a queue, a mio poll and timers of its own, of which no other thread
//! takes anything. Therein lies its speed: the thread inside `block_on` is one of the workers, so a join needs no other
//! thread, and timers and sockets belong to the worker that made them, without locks and atomics (with `unsafe`, and
//! the futures are not `Send`). The price: `spawn` and every wake of such a task hand it to the worker with the shortest
//! queue, mostly another one, which has to be woken for it (`ping_pong`, the channels), and a blocked worker holds up all
//! that it has.
//!
//! A sleep begins at the time that the worker has last read, which spares a look at the clock, but that was before the
//! worker waited for sockets and before the tasks of this turn ran. So a sleep is too short by what has passed since: of
//! 200 sleeps of 5 ms that each followed a read that had waited for 20 ms, all 200 ended early, by up to 5 ms; alone in a loop, without
//! sockets, none of 3,000 was early.
//!
//! nio has no channels and locks; those are smol's, which run on any runtime, as are `yield_now` and the race of two
//! futures that serves as `select`.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::time::Duration;

use ::nio::net::TcpConnection;
use ::nio::{LocalRuntime, RuntimeBuilder};

pub use super::smol::{
    AsyncReadExt, AsyncWriteExt, Mutex, RwLock, Semaphore, first, mpsc, oneshot, receive, yield_now,
};
pub use ::nio::net::{TcpListener, TcpStream};
pub use ::nio::{
    JoinHandle, RuntimeContext as Handle, sleep, spawn, spawn_blocking, spawn_pinned as spawn_with,
    timeout,
};
pub use std::time::Instant;

thread_local! {
    /// The runtime. It is made once, since its threads are never stopped, and never dropped: that would be after the
    /// context that the drop needs.
    static RUNTIME: &'static RefCell<LocalRuntime> = Box::leak(Box::new(RefCell::new(
        RuntimeBuilder::new()
            .worker_threads(u8::try_from(super::WORKERS).unwrap_or(u8::MAX))
            .build()
            .expect("the system gives no threads"),
    )));
}

/// The runtime of this thread.
pub struct Runtime;

pub fn multi_thread() -> Runtime {
    RUNTIME.with(|_| Runtime)
}

impl super::Runtime for Runtime {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        RUNTIME.with(|runtime| runtime.borrow_mut().block_on(future))
    }
}

/// Waits for a task.
pub async fn join<T>(handle: JoinHandle<T>) -> T {
    handle.await.expect("a task has panicked")
}

/// Lets a task run alone.
pub fn detach<T>(handle: JoinHandle<T>) {
    drop(handle);
}

/// Runs the workload as a task, hence on a worker.
pub async fn in_task(workload: impl Future<Output = Duration> + Send + 'static) -> Duration {
    join(spawn(workload)).await
}

/// Sleeps until then.
pub fn sleep_until(deadline: Instant) -> ::nio::Sleep {
    ::nio::Sleep::at(deadline)
}

/// Accepts a connection, to be opened by the task that serves it: a socket belongs to the worker that has opened it.
pub async fn accept(listener: &mut TcpListener) -> io::Result<TcpConnection> {
    listener.accept().await
}

pub async fn open(accepted: TcpConnection) -> io::Result<TcpStream> {
    accepted.connect().await
}
