//! One connection: hyper's HTTP/1 between the socket and the application.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::pin;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use samovar::hyper::{Io, Timer};
use samovar::sync::watch;
use tower_service::Service;

use crate::serve::Listener;

/// Serves a connection in a task of its own. `ending` tells it to end, and is dropped when it has.
pub(crate) fn spawn<L, S>(io: L::Io, service: S, ending: Option<watch::Receiver<()>>)
where
    L: Listener,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let io = if L::VECTORED {
        Io::vectored(io)
    } else {
        Io::new(io)
    };
    let service = service_fn(move |request| answer(service.clone(), request));
    // The timer gives hyper's default its effect: 30 seconds for the head of a request.
    let connection = http1::Builder::new()
        .timer(Timer)
        .serve_connection(io, service)
        .with_upgrades();
    // What goes wrong on a connection concerns its client alone, and there is no one here to be told.
    samovar::spawn(async move {
        let Some(mut ending) = ending else {
            let _ = connection.await;
            return;
        };
        let mut connection = pin!(connection);
        samovar::select! {
            _ = connection.as_mut() => return,
            () = told_to_end(&mut ending) => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    });
}

/// One request. The service is asked whether it is ready first, as tower's limits want it.
async fn answer<S>(mut service: S, request: Request<Incoming>) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(request.map(Body::new)).await
}

/// Completes when the server is ending; not when it was dropped without a signal.
async fn told_to_end(ending: &mut watch::Receiver<()>) {
    if ending.changed().await.is_err() {
        pending::<()>().await;
    }
}
