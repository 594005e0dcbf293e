//! Which task this thread is polling.

use std::cell::Cell;

use super::Id;
use crate::shim::thread_local;

thread_local! {
    /// The task being polled or dropped; `None` between polls and in `block_on`.
    static CURRENT: Cell<Option<Id>> = const { Cell::new(None) };
}

/// Runs `f` as part of the task `id`, and restores the caller's also when `f` panics.
pub(crate) fn with<R>(id: Id, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Id>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let _ = CURRENT.try_with(|current| current.set(self.0));
        }
    }
    let _restore = Restore(
        CURRENT
            .try_with(|current| current.replace(Some(id)))
            .unwrap_or(None),
    );
    f()
}

/// The number of the task that runs on this thread.
///
/// # Panics
///
/// Outside a task, also directly in [`block_on`](crate::runtime::Runtime::block_on): see [`try_id`].
///
/// ```
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let cup = samovar::spawn(async { samovar::task::id() });
/// let id = cup.id();
/// assert_eq!(cup.await.unwrap(), id);
/// # });
/// ```
#[track_caller]
pub fn id() -> Id {
    match try_id() {
        Some(id) => id,
        None => panic!("`task::id` was called outside a task: spawn one, or use `task::try_id`"),
    }
}

/// The number of the task that runs on this thread, if one does.
///
/// ```
/// assert_eq!(samovar::task::try_id(), None);
/// ```
pub fn try_id() -> Option<Id> {
    CURRENT.try_with(Cell::get).unwrap_or(None)
}
