//! The story.

use super::event::Event;

/// Tells events as they happen.
pub(crate) struct Teller {}

impl Teller {
    /// On stderr.
    pub(crate) fn on_stderr(_all: bool) -> Teller {
        Teller {}
    }

    /// Tells one.
    pub(crate) fn tell(&mut self, event: &Event) {
        eprintln!("{:?} {event}", event.lane);
    }
}

/// The story of these events.
pub(super) fn of(events: &[Event], _lost: u64) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}
