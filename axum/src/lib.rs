//! [axum](https://docs.rs/axum/0.8) on [Samovar](samovar): [`serve`](serve()) runs an axum application without Tokio's
//! runtime.
//!
//! Everything of axum is here under its own path, so a program changes one line of its `Cargo.toml` and none of its source:
//!
//! ```toml
//! axum = { package = "samovar-axum", version = "0.1" }
//! ```
//!
//! ```no_run
//! # use samovar_axum as axum;
//! use axum::{Router, routing::get};
//!
//! #[samovar::main]
//! async fn main() {
//!     let app = Router::new().route("/", get(|| async { "Hello, World!" }));
//!     let listener = samovar::net::TcpListener::bind("127.0.0.1:3000").await.unwrap();
//!     axum::serve(listener, app).await.unwrap();
//! }
//! ```
//!
//! # What is our own
//!
//! axum's handlers, extractors and routes know nothing of a runtime; only its server does, and the extractor that depends
//! on it. These are here anew, under the same names: [`serve`](serve()), [`extract::ConnectInfo`] and
//! [`extract::connect_info`]. Where they differ from axum's:
//!
//! - HTTP/1 only.
//! - A connection that does not send the head of a request within 30 seconds is closed, also between two requests.
//! - After an error of `accept`, such as having too many open files, the server waits 5 ms at first, and a second only when
//!   the error stays.
//!
//! WebSockets (`extract::ws`) are not here: axum's are built on Tokio's runtime.
//!
//! axum depends on hyper, and hyper on Tokio's package, for a channel. None of Tokio's runtime is compiled.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod connect_info;
mod connection;
mod make_service;
pub mod serve;

pub use axum::*;
pub use connect_info::ConnectInfoExt;
pub use serve::serve;

/// Extractors: axum's own, with a [`ConnectInfo`](extract::ConnectInfo) that works with [`serve`](crate::serve()).
pub mod extract {
    #[doc(no_inline)]
    pub use axum::extract::*;

    #[doc(inline)]
    pub use self::connect_info::ConnectInfo;

    /// What a handler can know of the connection, the client's address above all.
    pub mod connect_info {
        pub use crate::connect_info::{
            ConnectInfo, Connected, IntoMakeServiceWithConnectInfo, MockConnectInfo,
        };
    }
}

/// Routes: axum's own.
pub mod routing {
    #[doc(no_inline)]
    pub use axum::routing::*;

    // `Router::into_make_service_with_connect_info` is a method of a trait here, where in axum it is inherent, and a trait
    // has to be imported. Programs import `get` or `post`, which are functions; under the same names, which traits may
    // share with functions, they get the trait too.
    #[doc(hidden)]
    pub use crate::connect_info::ConnectInfoExt as any;
    #[doc(hidden)]
    pub use crate::connect_info::ConnectInfoExt as get;
    #[doc(hidden)]
    pub use crate::connect_info::ConnectInfoExt as post;
}
