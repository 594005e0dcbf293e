//! What the runtime can be built without, to measure what each mechanism brings.
//!
//! `.ci/ablation` builds the library once per mechanism with `--cfg samovar_without="..."` and runs the benchmarks that it
//! should show in; `docs/ablation.md` has the figures. A constant is known when the library is compiled: without the
//! option, which nobody else sets, nothing of all this is left in the program.

/// The place in front of a worker's queue, for the task woken last. Without it every task goes to the back.
pub(crate) const NEXT_SLOT: bool = !cfg!(samovar_without = "next_slot");

/// Workers take from each other's queues. Without it only from a worker that is blocked, which is rescue and not sharing.
pub(crate) const STEALING: bool = !cfg!(samovar_without = "stealing");

/// A poll borrows the task's `Arc` for its waker. Without it each poll takes a reference and gives it back.
pub(crate) const WAKER_REF: bool = !cfg!(samovar_without = "waker_ref");

/// A task enters the registry when it first has to wait. Without it before its first poll.
pub(crate) const LAZY_REGISTRATION: bool = !cfg!(samovar_without = "lazy_registration");

/// A short read or write says that the next one would block. Without it the kernel is asked.
pub(crate) const SHORT_READ: bool = !cfg!(samovar_without = "short_read");
