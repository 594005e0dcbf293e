//! What a handler can know of its connection: axum's `ConnectInfo`, which axum has only together with Tokio's runtime.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::task::{Context, Poll};

use axum::Extension;
use axum::extract::FromRequestParts;
use axum::handler::HandlerService;
use axum::http::request::Parts;
use axum::middleware::AddExtension;
use axum::routing::{MethodRouter, Router};
use tower_layer::Layer;
use tower_service::Service;

use crate::serve::{IncomingStream, Listener, TapIo};

/// Extracts what is known of the connection: the client's address, or what [`Connected`] makes of it.
///
/// The application has to be served with
/// [`into_make_service_with_connect_info`](ConnectInfoExt::into_make_service_with_connect_info); else the request is
/// answered with an error of the server (500).
///
/// ```no_run
/// # use samovar_axum as axum;
/// use std::net::SocketAddr;
///
/// use axum::{Router, extract::ConnectInfo, routing::get};
///
/// async fn who(ConnectInfo(address): ConnectInfo<SocketAddr>) -> String {
///     format!("you are {address}")
/// }
///
/// # async fn example(listener: samovar::net::TcpListener) {
/// let app = Router::new().route("/", get(who));
/// let app = app.into_make_service_with_connect_info::<SocketAddr>();
/// axum::serve(listener, app).await.unwrap();
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ConnectInfo<T>(
    /// What is known.
    pub T,
);

impl<T> Deref for ConnectInfo<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for ConnectInfo<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<S, T> FromRequestParts<S> for ConnectInfo<T>
where
    S: Send + Sync,
    T: Clone + Send + Sync + 'static,
{
    type Rejection = <Extension<Self> as FromRequestParts<S>>::Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        match Extension::<Self>::from_request_parts(parts, state).await {
            Ok(Extension(info)) => Ok(info),
            Err(rejection) => match parts.extensions.get::<MockConnectInfo<T>>() {
                Some(MockConnectInfo(info)) => Ok(ConnectInfo(info.clone())),
                None => Err(rejection),
            },
        }
    }
}

/// A layer for tests without a connection: [`ConnectInfo`] then extracts this.
///
/// ```
/// # use samovar_axum as axum;
/// use std::net::SocketAddr;
///
/// use axum::body::Body;
/// use axum::extract::{ConnectInfo, Request, connect_info::MockConnectInfo};
/// use axum::{Router, routing::get};
/// use tower_service::Service;
///
/// async fn who(ConnectInfo(address): ConnectInfo<SocketAddr>) -> String {
///     format!("you are {address}")
/// }
///
/// # samovar::block_on(async {
/// let guest = SocketAddr::from(([192, 0, 2, 1], 1234));
/// let mut app = Router::new().route("/", get(who)).layer(MockConnectInfo(guest));
/// let response = app.call(Request::new(Body::empty())).await.unwrap();
/// assert!(response.status().is_success());
/// # });
/// ```
#[derive(Debug, Clone, Copy)]
pub struct MockConnectInfo<T>(
    /// What is extracted.
    pub T,
);

impl<S, T: Clone + Send + Sync + 'static> Layer<S> for MockConnectInfo<T> {
    type Service = <Extension<Self> as Layer<S>>::Service;

    fn layer(&self, inner: S) -> Self::Service {
        Extension(self.clone()).layer(inner)
    }
}

/// What can be made of a connection `T`: implement it for a type of your own to extract that.
///
/// ```
/// # use samovar_axum as axum;
/// use axum::extract::connect_info::Connected;
/// use axum::serve::IncomingStream;
/// use samovar::net::TcpListener;
///
/// #[derive(Clone)]
/// struct Port(u16);
///
/// impl Connected<IncomingStream<'_, TcpListener>> for Port {
///     fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Port {
///         Port(stream.remote_addr().port())
///     }
/// }
/// ```
pub trait Connected<T>: Clone + Send + Sync + 'static {
    /// Makes it.
    fn connect_info(stream: T) -> Self;
}

impl Connected<IncomingStream<'_, samovar::net::TcpListener>> for SocketAddr {
    fn connect_info(stream: IncomingStream<'_, samovar::net::TcpListener>) -> SocketAddr {
        *stream.remote_addr()
    }
}

impl<'a, L, F> Connected<IncomingStream<'a, TapIo<L, F>>> for SocketAddr
where
    L: Listener<Addr = SocketAddr>,
    F: FnMut(&mut L::Io) + Send + 'static,
{
    fn connect_info(stream: IncomingStream<'a, TapIo<L, F>>) -> SocketAddr {
        *stream.remote_addr()
    }
}

impl Connected<SocketAddr> for SocketAddr {
    fn connect_info(address: SocketAddr) -> SocketAddr {
        address
    }
}

/// The methods that make an application tell its handlers about their connections. They are called as axum's are, where
/// this trait or a function of [`routing`](crate::routing) is imported.
pub trait ConnectInfoExt: Sized {
    /// Makes a service for each connection that tells it about the connection: see [`ConnectInfo`].
    fn into_make_service_with_connect_info<C>(self) -> IntoMakeServiceWithConnectInfo<Self, C> {
        IntoMakeServiceWithConnectInfo {
            app: self,
            info: PhantomData,
        }
    }
}

impl ConnectInfoExt for Router<()> {}
impl ConnectInfoExt for MethodRouter<()> {}
impl<H, T, S> ConnectInfoExt for HandlerService<H, T, S> {}

/// Makes a service for each connection that tells it about the connection. Made by
/// [`into_make_service_with_connect_info`](ConnectInfoExt::into_make_service_with_connect_info).
pub struct IntoMakeServiceWithConnectInfo<S, C> {
    /// The application.
    app: S,
    /// What it is told.
    info: PhantomData<fn() -> C>,
}

impl<S, C, T> Service<T> for IntoMakeServiceWithConnectInfo<S, C>
where
    S: Clone,
    C: Connected<T>,
{
    type Response = AddExtension<S, ConnectInfo<C>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, stream: T) -> Self::Future {
        let info = ConnectInfo(C::connect_info(stream));
        ready(Ok(Extension(info).layer(self.app.clone())))
    }
}

impl<S: Clone, C> Clone for IntoMakeServiceWithConnectInfo<S, C> {
    fn clone(&self) -> Self {
        IntoMakeServiceWithConnectInfo {
            app: self.app.clone(),
            info: PhantomData,
        }
    }
}

impl<S: fmt::Debug, C> fmt::Debug for IntoMakeServiceWithConnectInfo<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoMakeServiceWithConnectInfo")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}
