//! How a runtime's threads are called and how large their stacks are; starts one.

use std::io;

use crate::shim::thread;

/// What the threads of a runtime have in common.
#[derive(Debug, Clone)]
pub(crate) struct Threads {
    /// What their names begin with; the role follows.
    pub(crate) name: String,
    /// Their stacks in bytes; `None`: as the standard library has them.
    pub(crate) stack_size: Option<usize>,
}

impl Threads {
    /// Starts a thread.
    ///
    /// # Errors
    ///
    /// The system's, when it has none to give; it says which thread.
    pub(crate) fn start(
        &self,
        role: &str,
        run: impl FnOnce() + Send + 'static,
    ) -> io::Result<thread::JoinHandle<()>> {
        let name = format!("{}-{role}", self.name);
        let mut builder = thread::Builder::new().name(name.clone());
        if let Some(bytes) = self.stack_size {
            builder = builder.stack_size(bytes);
        }
        builder.spawn(run).map_err(|error| {
            let message = format!("the thread `{name}` cannot be started: {error}");
            io::Error::new(error.kind(), message)
        })
    }
}
