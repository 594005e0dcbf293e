//! How each connection gets its service.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, poll_fn, ready};
use std::task::{Context, Poll};

use axum::Router;
use axum::handler::HandlerService;
use axum::routing::MethodRouter;
use tower_service::Service;

use crate::serve::Listener;

/// A connection that was accepted just now, as it is shown to whatever makes its service.
pub struct IncomingStream<'a, L: Listener> {
    /// The connection.
    io: &'a L::Io,
    /// Where it comes from.
    remote_addr: L::Addr,
}

impl<L: Listener> IncomingStream<'_, L> {
    /// The connection.
    pub fn io(&self) -> &L::Io {
        self.io
    }

    /// Where it comes from.
    pub fn remote_addr(&self) -> &L::Addr {
        &self.remote_addr
    }
}

impl<L: Listener<Addr: fmt::Debug>> fmt::Debug for IncomingStream<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingStream")
            .field("remote_addr", &self.remote_addr)
            .finish_non_exhaustive()
    }
}

/// Asks `make_service` for the service of one connection.
// The connection goes through by value: a reference that were held while waiting would have to be `Send`, for which the
// connection would have to be `Sync`.
pub(crate) async fn service_for<L, M, S>(
    make_service: &mut M,
    io: L::Io,
    remote_addr: L::Addr,
) -> (L::Io, S)
where
    L: Listener,
    M: for<'a> Service<IncomingStream<'a, L>, Error = Infallible, Response = S>,
{
    let Ok(()) = poll_fn(|cx| make_service.poll_ready(cx)).await;
    let stream = IncomingStream {
        io: &io,
        remote_addr,
    };
    let Ok(service) = make_service.call(stream).await;
    (io, service)
}

/// What an application gives each of its connections: itself, cloned.
macro_rules! serves_itself {
    ([$($generics:tt)*] $type:ty, $prepared:expr) => {
        impl<$($generics)*> Service<IncomingStream<'_, L>> for $type {
            type Response = Self;
            type Error = Infallible;
            type Future = Ready<Result<Self, Infallible>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, _: IncomingStream<'_, L>) -> Self::Future {
                ready(Ok(($prepared)(self.clone())))
            }
        }
    };
}

// `with_state` does once per connection what would else be done per request.
serves_itself!([L: Listener] Router<()>, |app: Self| app.with_state(()));
serves_itself!([L: Listener] MethodRouter<()>, |routes: Self| routes.with_state(()));
serves_itself!([H: Clone, T, S: Clone, L: Listener] HandlerService<H, T, S>, |handler| handler);
