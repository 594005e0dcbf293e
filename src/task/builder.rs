//! Gives a task a name before it is spawned.

use std::future::Future;
use std::io;
use std::panic::Location;

use super::JoinHandle;
use super::spawn::{Target, spawn_into};
use crate::context;
use crate::runtime::Handle;
use crate::trace;

/// Spawns a task with a name, which a [trace] shows in place of its number.
///
/// The name is Tokio's idea, and so are the methods and their `io::Result`, which is always `Ok` here.
///
/// ```
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let kettle = samovar::task::Builder::new().name("kettle").spawn(async { "hot water" }).unwrap();
/// assert_eq!(kettle.await.unwrap(), "hot water");
/// # });
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Builder<'a> {
    /// The name. The trace alone keeps it: a word in every task would be much for what few tasks have.
    name: Option<&'a str>,
}

impl<'a> Builder<'a> {
    /// A task without a name.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let cup = samovar::task::Builder::new().spawn(async { "tea" }).unwrap();
    /// assert_eq!(cup.await.unwrap(), "tea");
    /// # });
    /// ```
    #[must_use]
    pub fn new() -> Builder<'a> {
        Builder::default()
    }

    /// What the task is called. Several may have the same name.
    ///
    /// ```
    /// let trace = samovar::trace::Trace::new();
    /// let runtime = samovar::runtime::Builder::new_current_thread().trace(&trace).build().unwrap();
    /// let kettle = samovar::task::Builder::new().name("kettle").spawn_on(async {}, runtime.handle()).unwrap();
    /// runtime.block_on(kettle).unwrap();
    /// assert!(trace.story().contains("kettle"));
    /// ```
    #[must_use]
    pub fn name(self, name: &'a str) -> Builder<'a> {
        Builder { name: Some(name) }
    }

    /// Spawns the task: see [`samovar::spawn`](crate::spawn()).
    ///
    /// # Errors
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// Outside a runtime: use [`spawn_on`](Builder::spawn_on).
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let kettle = samovar::task::Builder::new().name("kettle").spawn(async { "hot water" }).unwrap();
    /// assert_eq!(kettle.await.unwrap(), "hot water");
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let _named = trace::name(self.name);
        Ok(spawn_into(Target::Entered, future, Location::caller()))
    }

    /// Spawns the task on the runtime of `handle`: see [`Handle::spawn`].
    ///
    /// # Errors
    ///
    /// Never.
    ///
    /// ```
    /// let runtime = samovar::runtime::Runtime::new().unwrap();
    /// let cup = samovar::task::Builder::new().name("cup").spawn_on(async { "tea" }, runtime.handle())?;
    /// assert_eq!(runtime.block_on(cup).unwrap(), "tea");
    /// # std::io::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let _named = trace::name(self.name);
        Ok(spawn_into(
            Target::RuntimeOf(handle.home()),
            future,
            Location::caller(),
        ))
    }

    /// Runs a closure that blocks: see [`spawn_blocking`](super::spawn_blocking).
    ///
    /// # Errors
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// Outside a runtime; and when no thread can be started and the pool has none.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let sum = samovar::task::Builder::new().name("sum").spawn_blocking(|| 1 + 1).unwrap();
    /// assert_eq!(sum.await.unwrap(), 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn_blocking<F, R>(self, run: F) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let _named = trace::name(self.name);
        let home = context::home("run a blocking job");
        let pool = home.shared().pool.clone();
        Ok(pool.spawn(home, run, Location::caller()))
    }
}
