//! Errors that name the address: "Address already in use" alone does not say which of five listeners failed.
//!
//! The kind is kept, and the original error, with its `errno`, is the new one's [`source`](std::error::Error::source).

use std::error::Error;
use std::fmt;
use std::io;

/// What failed, and where.
#[derive(Debug)]
struct At {
    /// "cannot listen on".
    what: &'static str,
    /// The address, or the name, as it was tried.
    address: String,
    /// What the system said.
    cause: io::Error,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.what, self.address, self.cause)
    }
}

impl Error for At {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

/// The error `cause`, with what was tried.
pub(super) fn at(what: &'static str, address: impl fmt::Display, cause: io::Error) -> io::Error {
    let address = address.to_string();
    io::Error::new(
        cause.kind(),
        At {
            what,
            address,
            cause,
        },
    )
}

/// An address that cannot be understood.
pub(super) fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn kind_and_cause_are_kept() {
        let cause = io::Error::from_raw_os_error(98);
        let (kind, text) = (cause.kind(), cause.to_string());
        let error = at("cannot listen on", "127.0.0.1:80", cause);
        assert_eq!(error.kind(), kind);
        assert_eq!(
            error.to_string(),
            format!("cannot listen on 127.0.0.1:80: {text}")
        );
        let source = error.get_ref().unwrap().source().unwrap();
        assert_eq!(
            source.downcast_ref::<io::Error>().unwrap().raw_os_error(),
            Some(98)
        );
    }
}
