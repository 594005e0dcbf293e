//! The one place that asks what time it is.

use std::time::Instant;

/// The time now.
pub(crate) fn now() -> Instant {
    Instant::now()
}
