//! From what was asked for to addresses: at once where possible, else by the system's resolver on the blocking pool.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::panic::Location;

use super::ToSocketAddrs;
use super::addr::Target;
use super::error::{at, invalid};
use crate::context;
use crate::task::spawn_blocking;

/// Looks up the addresses of a host; the port goes into each of them.
///
/// Literal addresses are returned as they are. Names go to the system's resolver (`getaddrinfo`), which blocks and so runs
/// on a thread for blocking jobs.
///
/// # Errors
///
/// When the address cannot be understood, or the resolver does not know the name.
///
/// # Panics
///
/// When it is polled outside a runtime; the message names the line of this call.
///
/// # Cancel safety
///
/// Cancel safe; but the resolver cannot be interrupted: it goes on, and its answer is lost.
///
/// ```
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// for address in samovar::net::lookup_host("localhost:80").await? {
///     assert!(address.ip().is_loopback());
/// }
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[track_caller]
pub fn lookup_host<T: ToSocketAddrs>(
    host: T,
) -> impl Future<Output = io::Result<impl Iterator<Item = SocketAddr>>> {
    let caller = Location::caller();
    let target = host.to_target();
    async move {
        context::expect_runtime_for("look up a host", caller);
        resolve(target).await
    }
}

/// The addresses of one host.
#[derive(Debug)]
pub(super) enum Addresses {
    /// One, so that it costs no memory.
    One(Option<SocketAddr>),
    /// Any number.
    Many(std::vec::IntoIter<SocketAddr>),
}

impl Iterator for Addresses {
    type Item = SocketAddr;

    fn next(&mut self) -> Option<SocketAddr> {
        match self {
            Addresses::One(one) => one.take(),
            Addresses::Many(rest) => rest.next(),
        }
    }
}

/// The addresses of what `to_target` returned. It takes that, and not the host, so that it keeps no part of the host.
pub(super) async fn resolve(target: io::Result<Target>) -> io::Result<Addresses> {
    match target? {
        Target::One(address) => Ok(Addresses::One(Some(address))),
        Target::Many(all) => Ok(Addresses::Many(all.into_iter())),
        Target::Name(name, port) => by_name(name, port).await,
    }
}

/// Asks the system's resolver.
async fn by_name(name: String, port: u16) -> io::Result<Addresses> {
    let host = name.clone();
    let found = spawn_blocking(move || (host.as_str(), port).to_socket_addrs()).await;
    match found {
        Ok(Ok(found)) => Ok(Addresses::Many(found)),
        Ok(Err(error)) => Err(at("cannot look up", format!("{name:?}"), error)),
        Err(gone) => Err(at(
            "cannot look up",
            format!("{name:?}"),
            io::Error::other(gone),
        )),
    }
}

/// Calls `open` with one address after the other until it succeeds.
///
/// # Errors
///
/// The last one, with `what` and the address in front; one of its own when there are no addresses.
pub(super) fn first<T>(
    what: &'static str,
    addresses: Addresses,
    mut open: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = None;
    for address in addresses {
        match open(address) {
            Ok(opened) => return Ok(opened),
            Err(error) => last = Some(at(what, address, error)),
        }
    }
    Err(last.unwrap_or_else(no_addresses))
}

/// The error when there was nothing to try.
pub(super) fn no_addresses() -> io::Error {
    invalid("there is no address to try: the list is empty".to_owned())
}
