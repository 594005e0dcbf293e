//! The server: accepts connections, and gives each its service and a task.

mod listener;

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use samovar::sync::watch;
use tower_service::Service;

pub use self::listener::{Listener, ListenerExt, TapIo};
pub use crate::make_service::IncomingStream;

use crate::connection;
use crate::make_service::service_for;

/// Serves an application on a listener: a [`Router`](axum::Router), a method router, or what their `into_make_service`
/// methods give.
///
/// Every connection is a task of the runtime on which the returned future is awaited. The future never completes, unless
/// it is given a signal: [`with_graceful_shutdown`](Serve::with_graceful_shutdown). When it is dropped, no connection is
/// accepted any more; those that are there go on.
///
/// ```no_run
/// # use samovar_axum as axum;
/// use axum::{Router, routing::get};
///
/// # async fn example() {
/// let app = Router::new().route("/", get(|| async { "Hello, World!" }));
/// let listener = samovar::net::TcpListener::bind("0.0.0.0:3000").await.unwrap();
/// axum::serve(listener, app).await.unwrap();
/// # }
/// ```
pub fn serve<L, M, S>(listener: L, make_service: M) -> Serve<L, M, S>
where
    L: Listener,
    M: for<'a> Service<IncomingStream<'a, L>, Error = Infallible, Response = S>,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    Serve {
        listener,
        make_service,
        service: PhantomData,
    }
}

/// A server, to be awaited. Made by [`serve`](serve()).
#[must_use = "a server does nothing unless you `.await` it"]
pub struct Serve<L, M, S> {
    /// Where the connections come from.
    listener: L,
    /// Makes a service for each.
    make_service: M,
    /// The service that it makes.
    service: PhantomData<fn() -> S>,
}

impl<L: Listener, M, S> Serve<L, M, S> {
    /// Ends the server when `signal` completes: it accepts no more, closes the connections on which no request is under
    /// way, lets the others finish theirs, and then the future completes.
    ///
    /// ```no_run
    /// # use samovar_axum as axum;
    /// # async fn ctrl_c() {}
    /// # async fn example(listener: samovar::net::TcpListener, app: axum::Router) {
    /// axum::serve(listener, app)
    ///     .with_graceful_shutdown(ctrl_c())
    ///     .await
    ///     .unwrap();
    /// println!("every request was answered");
    /// # }
    /// ```
    pub fn with_graceful_shutdown<F>(self, signal: F) -> WithGracefulShutdown<L, M, S, F>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        WithGracefulShutdown {
            server: self,
            signal,
        }
    }

    /// The address that the server listens on.
    ///
    /// # Errors
    ///
    /// When the system does not tell it.
    pub fn local_addr(&self) -> io::Result<L::Addr> {
        self.listener.local_addr()
    }
}

impl<L, M, S> IntoFuture for Serve<L, M, S>
where
    L: Listener,
    M: for<'a> Service<IncomingStream<'a, L>, Error = Infallible, Response = S> + Send + 'static,
    for<'a> <M as Service<IncomingStream<'a, L>>>::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Output = io::Result<()>;
    type IntoFuture = ServeFuture;

    fn into_future(mut self) -> ServeFuture {
        ServeFuture(Box::pin(async move {
            loop {
                let (io, remote_addr) = self.listener.accept().await;
                let (io, service) = service_for(&mut self.make_service, io, remote_addr).await;
                connection::spawn::<L, S>(io, service, None);
            }
        }))
    }
}

impl<L: fmt::Debug, M: fmt::Debug, S> fmt::Debug for Serve<L, M, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("listener", &self.listener)
            .field("make_service", &self.make_service)
            .finish()
    }
}

/// A server that can be ended, to be awaited. Made by [`Serve::with_graceful_shutdown`].
#[must_use = "a server does nothing unless you `.await` it"]
pub struct WithGracefulShutdown<L, M, S, F> {
    /// The server.
    server: Serve<L, M, S>,
    /// Ends it.
    signal: F,
}

impl<L: Listener, M, S, F> WithGracefulShutdown<L, M, S, F> {
    /// The address that the server listens on.
    ///
    /// # Errors
    ///
    /// When the system does not tell it.
    pub fn local_addr(&self) -> io::Result<L::Addr> {
        self.server.local_addr()
    }
}

impl<L, M, S, F> IntoFuture for WithGracefulShutdown<L, M, S, F>
where
    L: Listener,
    M: for<'a> Service<IncomingStream<'a, L>, Error = Infallible, Response = S> + Send + 'static,
    for<'a> <M as Service<IncomingStream<'a, L>>>::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    F: Future<Output = ()> + Send + 'static,
{
    type Output = io::Result<()>;
    type IntoFuture = ServeFuture;

    fn into_future(self) -> ServeFuture {
        let (mut server, signal) = (self.server, self.signal);
        ServeFuture(Box::pin(async move {
            // One channel for both ways: what is sent tells the connections to end, and each of them drops its receiver
            // when it has.
            let (ending, connections) = watch::channel(());
            let mut signal = pin!(signal);
            loop {
                let (io, remote_addr) = samovar::select! {
                    accepted = server.listener.accept() => accepted,
                    () = &mut signal => break,
                };
                let (io, service) = service_for(&mut server.make_service, io, remote_addr).await;
                connection::spawn::<L, S>(io, service, Some(connections.clone()));
            }
            // From here on the system refuses connections.
            drop(server);
            drop(connections);
            // It fails when no connection is there, which is no error here.
            let _ = ending.send(());
            ending.closed().await;
            Ok(())
        }))
    }
}

impl<L: fmt::Debug, M: fmt::Debug, S, F> fmt::Debug for WithGracefulShutdown<L, M, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithGracefulShutdown")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// A server at work.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ServeFuture(
    /// What it does.
    Pin<Box<dyn Future<Output = io::Result<()>> + Send>>,
);

impl Future for ServeFuture {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for ServeFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeFuture").finish_non_exhaustive()
    }
}
