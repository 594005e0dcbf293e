//! `futures::task::Spawn` for [`Handle`]: libraries that spawn without knowing on which runtime take one.

use futures_task::{FutureObj, Spawn, SpawnError};

use super::Handle;

/// With `futures::task::SpawnExt`, this gives `spawn` and `spawn_with_handle`.
///
/// ```
/// use futures::task::SpawnExt;
///
/// let runtime = samovar::runtime::Runtime::new().unwrap();
/// let cup = runtime.handle().spawn_with_handle(async { "tea" }).unwrap();
/// assert_eq!(runtime.block_on(cup), "tea");
/// ```
impl Spawn for Handle {
    /// Spawns a task.
    ///
    /// # Errors
    ///
    /// When the runtime has been shut down. One that shuts down at this moment may take the task and drop it at once.
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.status()?;
        // Detached: the caller has its own way to the output.
        drop(Handle::spawn(self, future));
        Ok(())
    }

    /// Whether the runtime is there.
    ///
    /// # Errors
    ///
    /// When it has been shut down.
    fn status(&self) -> Result<(), SpawnError> {
        if self.home().shared().is_closed() {
            Err(SpawnError::shutdown())
        } else {
            Ok(())
        }
    }
}
