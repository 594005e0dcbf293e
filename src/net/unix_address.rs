//! From a path to the address of a Unix socket.
//!
//! The standard library takes a path that begins with a NUL byte for a mistake; Tokio takes it for an abstract name.

use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use super::error::at;

/// The address of a path. On Linux one that begins with a NUL byte is a name in the abstract namespace, as with Tokio.
pub(super) fn address(path: &Path) -> io::Result<SocketAddr> {
    let address = match abstract_name(path) {
        Some(address) => address,
        None => SocketAddr::from_pathname(path),
    };
    address.map_err(|error| at("invalid Unix socket path", format!("{path:?}"), error))
}

/// The abstract address, if it is one.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_name(path: &Path) -> Option<io::Result<SocketAddr>> {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;

    let name = path.as_os_str().as_bytes().strip_prefix(b"\0")?;
    Some(SocketAddr::from_abstract_name(name))
}

/// There are none here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn abstract_name(_: &Path) -> Option<io::Result<SocketAddr>> {
    None
}

/// The address as an error names it.
pub(super) fn shown(address: &SocketAddr) -> String {
    match address.as_pathname() {
        Some(path) => path.display().to_string(),
        None => format!("{address:?}"),
    }
}
