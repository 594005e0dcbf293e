//! smol as the workloads see it: its own things under Tokio's names.
//!
//! The executor is smol's, run by two threads as `smol::spawn` runs its own; that one can be told how many threads to
//! start only by the environment, before the first use. What smol does not have is made of what it has, as its users do:
//! a `oneshot` is a channel with room for one message, a timeout or a `select` is a race of two futures.

use std::future::{Future, pending};
use std::io;
use std::sync::Once;
use std::thread;
use std::time::Duration;

use ::smol::{Executor, Task, Timer};

pub use ::smol::future::yield_now;
pub use ::smol::io::{AsyncReadExt, AsyncWriteExt};
pub use ::smol::lock::{Mutex, RwLock, Semaphore};
pub use ::smol::net::{TcpListener, TcpStream};
pub use ::smol::unblock as spawn_blocking;
pub use std::time::Instant;

/// The executor. Its threads are never stopped; without tasks they sleep.
static EXECUTOR: Executor<'static> = Executor::new();
/// Starts them.
static THREADS: Once = Once::new();

/// The executor and its threads.
pub struct Runtime;

pub fn multi_thread() -> Runtime {
    THREADS.call_once(|| {
        for _ in 0..super::WORKERS {
            thread::spawn(|| ::smol::block_on(EXECUTOR.run(pending::<()>())));
        }
    });
    Runtime
}

impl super::Runtime for Runtime {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        ::smol::block_on(future)
    }
}

/// The way in for other threads.
#[derive(Clone)]
pub struct Handle;

impl Handle {
    pub fn current() -> Handle {
        Handle
    }

    pub fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Task<T> {
        spawn(future)
    }
}

pub fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
    EXECUTOR.spawn(future)
}

/// Waits for a task.
pub async fn join<T>(task: Task<T>) -> T {
    task.await
}

/// Lets a task run alone.
pub fn detach<T>(task: Task<T>) {
    task.detach();
}

/// Runs the workload as a task, hence on a worker.
pub async fn in_task(workload: impl Future<Output = Duration> + Send + 'static) -> Duration {
    join(spawn(workload)).await
}

/// Spawns the task that `make` makes: on nio it may hold what is not `Send`.
pub fn spawn_with<F>(make: impl FnOnce() -> F + Send) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    spawn(make())
}

/// Accepts a connection, to be opened by the task that serves it.
pub async fn accept(listener: &mut TcpListener) -> io::Result<TcpStream> {
    Ok(listener.accept().await?.0)
}

pub async fn open(accepted: TcpStream) -> io::Result<TcpStream> {
    Ok(accepted)
}

/// Waits for the first of two futures.
pub async fn first(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    ::smol::future::or(one, other).await;
}

pub fn sleep(duration: Duration) -> impl Future + Send + Unpin {
    Timer::after(duration)
}

pub fn sleep_until(deadline: Instant) -> impl Future + Send + Unpin {
    Timer::at(deadline)
}

pub async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
    let in_time = async { Some(future.await) };
    let too_late = async {
        Timer::after(duration).await;
        None
    };
    ::smol::future::or(in_time, too_late).await
}

pub mod mpsc {
    pub use ::smol::channel::Sender;

    pub struct Receiver<T>(::smol::channel::Receiver<T>);

    pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = ::smol::channel::bounded(capacity);
        (sender, Receiver(receiver))
    }

    impl<T> Receiver<T> {
        pub async fn recv(&mut self) -> Option<T> {
            self.0.recv().await.ok()
        }
    }
}

pub mod oneshot {
    pub use ::smol::channel::Receiver;

    pub struct Sender<T>(::smol::channel::Sender<T>);

    pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = ::smol::channel::bounded(1);
        (Sender(sender), receiver)
    }

    impl<T> Sender<T> {
        pub fn send(self, value: T) -> Result<(), T> {
            self.0
                .try_send(value)
                .map_err(::smol::channel::TrySendError::into_inner)
        }
    }
}

/// Waits for the value of a `oneshot` channel.
pub async fn receive<T>(receiver: oneshot::Receiver<T>) -> T {
    receiver.recv().await.expect("the sender is gone")
}
