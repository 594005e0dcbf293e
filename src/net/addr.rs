//! What can be said for a socket's address: an address, a text, a name with a port.
//!
//! Tokio gives each kind of input a future type of its own. Here each becomes a [`Target`], a plain value, and one function
//! in `lookup.rs` makes addresses of it. So nothing that was passed in has to live on, or be `'static`, and only a name
//! that has to be looked up costs a thread. A single address, which is what is sent to with every datagram, costs no memory.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::error::invalid;

/// Whatever can name a socket's address: `"127.0.0.1:8080"`, `"localhost:8080"`, `("::1", 8080)`, a
/// [`SocketAddr`], several of them.
///
/// Literal addresses are understood at once. Names are looked up by the system's resolver, on a thread for blocking jobs;
/// to use another resolver pass the addresses that it found.
///
/// The trait is sealed: it is implemented for what stands below, and for references to it.
///
/// ```
/// use samovar::net::TcpListener;
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// TcpListener::bind("127.0.0.1:0").await?;
/// TcpListener::bind(("127.0.0.1", 0)).await?;
/// TcpListener::bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0))).await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub trait ToSocketAddrs: sealed::ToTarget {}

/// What one asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// An address.
    One(SocketAddr),
    /// Several, in the order in which they are tried.
    Many(Vec<SocketAddr>),
    /// A name to be looked up, and a port.
    Name(String, u16),
}

pub(super) mod sealed {
    //! Keeps the trait's method, and the right to implement it, in the crate.

    /// See [`ToSocketAddrs`](super::ToSocketAddrs).
    pub trait ToTarget {
        /// What is asked for.
        fn to_target(&self) -> std::io::Result<super::Target>;
    }
}

/// Types that are, or become, one address.
macro_rules! one {
    ($($type:ty),*) => {$(
        impl ToSocketAddrs for $type {}
        impl sealed::ToTarget for $type {
            fn to_target(&self) -> io::Result<Target> {
                Ok(Target::One(SocketAddr::from(*self)))
            }
        }
    )*};
}
one!(
    SocketAddr,
    SocketAddrV4,
    SocketAddrV6,
    (IpAddr, u16),
    (Ipv4Addr, u16),
    (Ipv6Addr, u16)
);

impl ToSocketAddrs for [SocketAddr] {}
impl sealed::ToTarget for [SocketAddr] {
    fn to_target(&self) -> io::Result<Target> {
        Ok(Target::Many(self.to_vec()))
    }
}

impl ToSocketAddrs for (&str, u16) {}
impl sealed::ToTarget for (&str, u16) {
    fn to_target(&self) -> io::Result<Target> {
        host_and_port(self.0, self.1)
    }
}

impl ToSocketAddrs for (String, u16) {}
impl sealed::ToTarget for (String, u16) {
    fn to_target(&self) -> io::Result<Target> {
        host_and_port(&self.0, self.1)
    }
}

impl ToSocketAddrs for str {}
impl sealed::ToTarget for str {
    fn to_target(&self) -> io::Result<Target> {
        parse(self)
    }
}

impl ToSocketAddrs for String {}
impl sealed::ToTarget for String {
    fn to_target(&self) -> io::Result<Target> {
        parse(self)
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {}
impl<T: ToSocketAddrs + ?Sized> sealed::ToTarget for &T {
    fn to_target(&self) -> io::Result<Target> {
        (**self).to_target()
    }
}

/// An IP address or a name, apart from its port.
fn host_and_port(host: &str, port: u16) -> io::Result<Target> {
    match host.parse::<IpAddr>() {
        Ok(ip) => Ok(Target::One(SocketAddr::new(ip, port))),
        Err(_) if host.is_empty() => Err(bad(
            host,
            "the host is empty",
            &format!("(\"localhost\", {port})"),
        )),
        Err(_) => Ok(Target::Name(host.to_owned(), port)),
    }
}

/// `host:port`. The standard library would hand most mistakes to the resolver, whose answer helps nobody.
fn parse(text: &str) -> io::Result<Target> {
    if let Ok(address) = text.parse() {
        return Ok(Target::One(address));
    }
    if text.contains("://") {
        return Err(bad(
            text,
            "this is a URL, not a host and a port",
            "\"example.com:80\"",
        ));
    }
    let Some((host, port)) = text.rsplit_once(':').filter(|_| !text.ends_with(']')) else {
        let example = format!(
            "{:?}",
            format!("{}:8080", if text.is_empty() { "127.0.0.1" } else { text })
        );
        return Err(bad(text, "the port is missing", &example));
    };
    if host.is_empty() {
        let example = format!("{:?} for every interface", format!("0.0.0.0:{port}"));
        return Err(bad(text, "the host is missing", &example));
    }
    let Ok(port) = port.parse() else {
        let wrong = format!("the port {port:?} is not a number from 0 to 65535");
        let example = format!("{:?}", format!("{host}:8080"));
        return Err(bad(text, &wrong, &example));
    };
    if host.starts_with('[') {
        let wrong = "there is no IPv6 address in the brackets";
        return Err(bad(text, wrong, "\"[::1]:8080\""));
    }
    // `::1:8080` is taken as Tokio takes it. A `%` begins a scope, which the resolver understands.
    if host.contains(':') && !host.contains('%') && host.parse::<Ipv6Addr>().is_err() {
        let wrong = "an IPv6 address goes into brackets, before its port";
        return Err(bad(text, wrong, "\"[::1]:8080\""));
    }
    host_and_port(host, port)
}

/// The error of a text that is no address: what is wrong, and what would be right.
fn bad(text: &str, wrong: &str, example: &str) -> io::Error {
    invalid(format!(
        "invalid socket address {text:?}: {wrong}; write for example {example}"
    ))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::sealed::ToTarget;
    use super::*;

    #[test]
    fn literal_addresses_need_no_lookup() {
        let v4 = Target::One("127.0.0.1:80".parse().unwrap());
        assert_eq!("127.0.0.1:80".to_target().unwrap(), v4);
        let text = "127.0.0.1:80".to_string();
        assert_eq!(text.to_target().unwrap(), v4);
        assert_eq!(ToTarget::to_target(&&text).unwrap(), v4);
        assert_eq!(("127.0.0.1", 80).to_target().unwrap(), v4);
        assert_eq!((Ipv4Addr::LOCALHOST, 80).to_target().unwrap(), v4);
        let v6 = Target::One("[::1]:80".parse().unwrap());
        for same in ["[::1]:80", "::1:80"] {
            assert_eq!(same.to_target().unwrap(), v6);
        }
        assert_eq!(("::1".to_string(), 80).to_target().unwrap(), v6);
    }

    #[test]
    fn names_are_kept_for_the_resolver() {
        let name = Target::Name("kettle".to_owned(), 80);
        assert_eq!("kettle:80".to_target().unwrap(), name);
        assert_eq!(("kettle", 80).to_target().unwrap(), name);
    }

    #[test]
    fn a_bad_address_is_told_what_is_wrong_and_what_would_be_right() {
        for (text, wrong, right) in [
            ("localhost", "the port is missing", "\"localhost:8080\""),
            ("", "the port is missing", "\"127.0.0.1:8080\""),
            ("[::1]", "the port is missing", "\"[::1]:8080\""),
            (":8080", "the host is missing", "\"0.0.0.0:8080\""),
            (
                "127.0.0.1:http",
                "the port \"http\" is not a number",
                "\"127.0.0.1:8080\"",
            ),
            (
                "127.0.0.1:65536",
                "the port \"65536\" is not a number",
                "\"127.0.0.1:8080\"",
            ),
            (
                "[::1]:65536",
                "the port \"65536\" is not a number",
                "\"[::1]:8080\"",
            ),
            ("fe80:::1:80", "goes into brackets", "\"[::1]:8080\""),
            (
                "[tea]:80",
                "no IPv6 address in the brackets",
                "\"[::1]:8080\"",
            ),
            (
                "http://localhost:80/",
                "this is a URL",
                "\"example.com:80\"",
            ),
        ] {
            let error = text.to_target().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            let message = error.to_string();
            assert!(
                message.starts_with(&format!("invalid socket address {text:?}: ")),
                "{message}"
            );
            assert!(
                message.contains(wrong) && message.contains(right),
                "{message}"
            );
        }
    }
}
