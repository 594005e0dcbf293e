//! Which mistakes a runtime tells, to whom, and which it has told already.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use crate::runtime::Warning;
use crate::shim::{Mutex, lock};
use crate::task::Place;
use crate::task::foreign::quietly;
use crate::trace::{self, Kind, Who};

/// Who is told, instead of stderr.
pub(crate) type Listener = Arc<dyn Fn(&Warning) + Send + Sync>;

/// How a runtime is to warn, from its builder.
#[derive(Clone)]
pub(crate) struct Warnings {
    /// Of futures that nobody can wake.
    pub(crate) never_woken: bool,
    /// Of a program in which everything waits.
    pub(crate) all_asleep: bool,
    /// Of polls that take so long.
    pub(crate) blocking_after: Duration,
    /// Who is told; `None`: stderr.
    pub(crate) listener: Option<Listener>,
}

impl Default for Warnings {
    /// All of them in programs with debug assertions, none in others.
    fn default() -> Warnings {
        let debug = cfg!(debug_assertions);
        Warnings {
            never_woken: debug,
            all_asleep: debug,
            blocking_after: if debug {
                Duration::from_millis(100)
            } else {
                Duration::MAX
            },
            listener: None,
        }
    }
}

// A listener's panic ends at the runtime.
impl UnwindSafe for Warnings {}
impl RefUnwindSafe for Warnings {}

impl fmt::Debug for Warnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warnings")
            .field("never_woken", &self.never_woken)
            .field("all_asleep", &self.all_asleep)
            .field("blocking_after", &self.blocking_after)
            .finish_non_exhaustive()
    }
}

/// What has been told.
#[derive(Default)]
pub(super) struct Told {
    /// The kinds of warning by name, and the places. Guards nothing else, and is not held while somebody is told.
    places: Mutex<HashSet<(&'static str, Place)>>,
}

impl Shared {
    /// A `poll` has returned `Pending`, and nobody holds the waker.
    pub(super) fn never_woken(&self, who: Who, place: Place) {
        if self.is_closed() {
            return;
        }
        trace::event(self, || Kind::NeverWakes { who });
        if self.config.warnings.never_woken {
            self.warn_once(place, &Warning::NeverWoken { who, place });
        }
    }

    /// A worker has been inside one poll for so long.
    pub(super) fn blocking(&self, worker: usize, who: Who, place: Place, since: Duration) {
        self.warn_once(
            place,
            &Warning::Blocking {
                worker,
                who,
                place,
                since,
            },
        );
    }

    /// There is no thread for worker 0 while nobody is inside `block_on`.
    #[cold]
    pub(super) fn no_stand_in(&self, error: io::Error) {
        let error = Arc::new(error);
        self.warn_once(Location::caller(), &Warning::NoStandIn { error });
    }

    /// Tells `warning`, unless one of its kind was told of this place.
    pub(super) fn warn_once(&self, place: Place, warning: &Warning) {
        let kind = match warning {
            Warning::NeverWoken { .. } => "never woken",
            Warning::Blocking { .. } => "blocking",
            Warning::AllAsleep { .. } => "all asleep",
            Warning::NoStandIn { .. } => "no stand-in",
        };
        if !lock(&self.told.places).insert((kind, place)) {
            return;
        }
        // A listener may panic, and so does `eprintln!` when stderr is closed.
        quietly(|| match &self.config.warnings.listener {
            Some(listener) => listener(warning),
            None => eprintln!("samovar: {warning}"),
        });
    }
}
