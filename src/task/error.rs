//! Why a task has no output: it panicked, or it was cancelled.

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};

use super::Id;

/// What awaiting a [`JoinHandle`](super::JoinHandle) gives when the task did not run to its end.
///
/// ```
/// # samovar::runtime::Runtime::new().unwrap().block_on(async {
/// let broken = samovar::spawn(async { panic!("the cup is cracked") });
/// let error = broken.await.unwrap_err();
/// assert!(error.is_panic() && !error.is_cancelled());
/// assert!(error.to_string().contains("the cup is cracked"));
/// # });
/// ```
// One pointer wide, so that a `Result` of it adds no more than that to each task.
pub struct JoinError(Box<Inner>);

/// What the error says.
struct Inner {
    /// The task it speaks of.
    id: Id,
    /// What the task panicked with; `None` when it was cancelled. The lock makes the error `Sync`, which the payload
    /// need not be; nobody ever waits for it.
    payload: Option<Mutex<Payload>>,
}

/// What `panic!` threw.
pub(super) type Payload = Box<dyn Any + Send + 'static>;

impl JoinError {
    /// The task was aborted, or its runtime shut down.
    pub(crate) fn cancelled(id: Id) -> JoinError {
        JoinError(Box::new(Inner { id, payload: None }))
    }

    /// The task panicked with `payload`.
    pub(crate) fn panic(id: Id, payload: Payload) -> JoinError {
        JoinError(Box::new(Inner {
            id,
            payload: Some(Mutex::new(payload)),
        }))
    }

    /// Whether the task was aborted, or dropped by the shutdown of its runtime.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let cup = samovar::spawn(samovar::task::pending::<()>());
    /// cup.abort();
    /// assert!(cup.await.unwrap_err().is_cancelled());
    /// # });
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.0.payload.is_none()
    }

    /// Whether the task panicked.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let cup = samovar::spawn(async { panic!("the cup is broken") });
    /// assert!(cup.await.unwrap_err().is_panic());
    /// # });
    /// ```
    pub fn is_panic(&self) -> bool {
        self.0.payload.is_some()
    }

    /// What the task panicked with, for [`std::panic::resume_unwind`].
    ///
    /// # Panics
    ///
    /// If the task did not panic: see [`try_into_panic`](JoinError::try_into_panic).
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let cup = samovar::spawn(async { panic!("the cup is broken") });
    /// let payload = cup.await.unwrap_err().into_panic();
    /// assert_eq!(payload.downcast_ref(), Some(&"the cup is broken"));
    /// # });
    /// ```
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        match self.try_into_panic() {
            Ok(payload) => payload,
            Err(_) => panic!(
                "`JoinError::into_panic` on a task that was cancelled: check `is_panic` first"
            ),
        }
    }

    /// What the task panicked with.
    ///
    /// # Errors
    ///
    /// The error itself, when the task did not panic.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let cup = samovar::spawn(async { panic!("the cup is broken") });
    /// let payload = cup.await.unwrap_err().try_into_panic().unwrap();
    /// assert_eq!(payload.downcast_ref(), Some(&"the cup is broken"));
    /// # });
    /// ```
    pub fn try_into_panic(mut self) -> Result<Box<dyn Any + Send + 'static>, JoinError> {
        match self.0.payload.take() {
            Some(payload) => Ok(payload.into_inner().unwrap_or_else(PoisonError::into_inner)),
            None => Err(self),
        }
    }

    /// The task's number.
    ///
    /// ```
    /// # samovar::runtime::Runtime::new().unwrap().block_on(async {
    /// let cup = samovar::spawn(samovar::task::pending::<()>());
    /// let id = cup.id();
    /// cup.abort();
    /// assert_eq!(cup.await.unwrap_err().id(), id);
    /// # });
    /// ```
    pub fn id(&self) -> Id {
        self.0.id
    }

    /// The panic's message, if it is a string, as it nearly always is.
    fn message(&self) -> Option<String> {
        let payload = self
            .0
            .payload
            .as_ref()?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        payload
            .downcast_ref::<&'static str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0.id;
        match (self.is_panic(), self.message()) {
            (false, _) => write!(f, "task {id} was cancelled"),
            (true, None) => write!(f, "task {id} panicked"),
            (true, Some(message)) => write!(f, "task {id} panicked with message {message:?}"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_panic(), self.message()) {
            (false, _) => write!(f, "JoinError::Cancelled({:?})", self.0.id),
            (true, None) => write!(f, "JoinError::Panic({:?}, ...)", self.0.id),
            (true, Some(message)) => {
                write!(f, "JoinError::Panic({:?}, {message:?}, ...)", self.0.id)
            }
        }
    }
}

impl std::error::Error for JoinError {}

impl From<JoinError> for io::Error {
    fn from(error: JoinError) -> io::Error {
        io::Error::other(error.to_string())
    }
}
