//! Samovar and Tokio as the workloads see them: the same lines for both, for the names are the same.

macro_rules! like_tokio {
    ($runtime:ident) => {
        pub mod $runtime {
            use std::future::Future;
            use std::io;
            use std::time::Duration;

            pub use ::$runtime::io::{AsyncReadExt, AsyncWriteExt};
            pub use ::$runtime::net::{TcpListener, TcpStream};
            pub use ::$runtime::runtime::{Handle, Runtime};
            pub use ::$runtime::spawn;
            pub use ::$runtime::sync::{Mutex, RwLock, Semaphore, mpsc, oneshot};
            pub use ::$runtime::task::{JoinHandle, spawn_blocking, yield_now};
            pub use ::$runtime::time::{Instant, sleep, sleep_until, timeout};

            use ::$runtime::runtime::Builder;

            pub fn multi_thread() -> Runtime {
                Builder::new_multi_thread()
                    .worker_threads(crate::support::WORKERS)
                    .enable_all()
                    .build()
                    .expect("the system gives no threads")
            }

            pub fn current_thread() -> Runtime {
                Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("the system gives no descriptors")
            }

            impl crate::support::Runtime for Runtime {
                fn block_on<F: Future>(&self, future: F) -> F::Output {
                    Runtime::block_on(self, future)
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
            pub async fn in_task(
                workload: impl Future<Output = Duration> + Send + 'static,
            ) -> Duration {
                join(spawn(workload)).await
            }

            /// Spawns the task that `make` makes: on nio it may hold what is not `Send`.
            pub fn spawn_with<F>(make: impl FnOnce() -> F + Send) -> JoinHandle<F::Output>
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

            /// Waits for the value of a `oneshot` channel.
            pub async fn receive<T>(receiver: oneshot::Receiver<T>) -> T {
                receiver.await.expect("the sender is gone")
            }

            /// Waits for the first of two futures.
            pub async fn first(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
                ::$runtime::select! {
                    () = one => {}
                    () = other => {}
                }
            }
        }
    };
}

like_tokio!(samovar);
like_tokio!(tokio);
