//! The state of a task: one atomic word, and the only ways in which it may change.
//!
//! ```text
//!                     (1) wake, (6) abort                (2) start                (7) complete
//!            ┌─► IDLE ───────────────────► SCHEDULED ──────────────► RUNNING ───────────────────► COMPLETE
//!            │                                 ▲                     │ │ │ ▲
//!            │                                 │   (4) pause:        │ │ │ │ (5) wake, (6) abort:
//!            │                                 └── woken meanwhile ──┘ │ └─┘ noted, and the runner sees it
//!            │   (3) pause: nobody woke it                             │
//!            └─────────────────────────────────────────────────────────┘
//!
//!   With the mark of (6) the runner does not poll: after (2), or instead of (3) and (4), it drops the future and
//!   completes the task. (8) claim does the same to a task in any place, when the runtime ends.
//! ```
//!
//! 1. [`State::wake`]: the caller that finds the task idle, and only that one, gets [`Wake::Queue`] and pushes it.
//! 2. [`State::start`]: the worker that popped the task gets the exclusive right to touch its future.
//! 3. [`State::pause`]: `poll` returned `Pending`, and nobody woke the task meanwhile: [`Pause::Idle`].
//! 4. [`State::pause`]: somebody did: [`Pause::Queue`], and the worker pushes it. This is why a wake between the
//!    end of `poll` and the moment the task is idle again is never lost.
//! 5. [`State::wake`] on a running task only sets a bit: the runner will see it in (4).
//! 6. [`State::abort`] never drops the future itself, which may be `!Sync` and in use: it queues the task, and the
//!    worker that starts it finds the mark.
//! 7. [`State::complete`]: the output is stored, then the bit is set, then the joiner is woken.
//! 8. [`State::claim`]: the shutdown takes RUNNING, whether the task is queued or not.
//!
//! # Why a wake of a running task must leave a trace
//!
//! With only "idle", "queued" and "running", where a wake of a running task has nothing to do:
//!
//! ```text
//!   worker                                    timer
//!   poll() returns Pending
//!                                             wake: it is RUNNING, somebody is at it already: nothing to do
//!   state = IDLE                              ... and nobody ever queues the task
//! ```
//! So (5) sets SCHEDULED beside RUNNING, and (4) finds it.
//!
//! Every transition is a read-modify-write. That gives all of them one order, and makes even a wake that changes
//! nothing *release* what the waker wrote before it, so that the next poll sees it (a plain load here was a bug in
//! Tokio, number 7622).
//!
//! # Who owns what
//!
//! SCHEDULED means that exactly one queue entry exists or, while RUNNING, that the runner will make one. RUNNING is the
//! right to touch the future. COMPLETE hands the output over: to the [`JoinHandle`](super::JoinHandle) while
//! JOIN_INTEREST is set, else to the runner, who drops it.

use crate::shim::atomic::{
    AtomicU32,
    Ordering::{AcqRel, Acquire, Relaxed},
    fence,
};

/// In a queue; or, while RUNNING, to be queued again after the poll. --> RUNNING, by `start` or `claim`.
const SCHEDULED: u32 = 1;
/// A worker has the right to touch the future. --> idle or SCHEDULED, by `pause`; COMPLETE, by `complete`.
const RUNNING: u32 = 1 << 1;
/// The future is gone and the output is there. --> nothing: final.
const COMPLETE: u32 = 1 << 2;
/// Somebody asked to abort: the next worker to hold RUNNING drops the future. --> never cleared; COMPLETE follows.
const CANCELLED: u32 = 1 << 3;
/// The join handle lives and owns the output. --> cleared once, by `detach`.
const JOIN_INTEREST: u32 = 1 << 4;
/// The join handle has left a waker in the task's join slot. --> never cleared; who takes the waker out is told by `complete`
/// and `detach`.
const JOIN_WAKER: u32 = 1 << 5;

/// What the caller of [`State::wake`] or [`State::abort`] must do.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The task was idle: push it to a queue.
    Queue,
    /// It is queued already: nothing.
    Queued,
    /// It runs: the runner will see to it.
    Running,
    /// It is complete: nothing.
    Complete,
}

impl Wake {
    /// What follows from the bits that were there before.
    #[inline]
    fn of(before: u32) -> Wake {
        if before & (SCHEDULED | RUNNING | COMPLETE) == 0 {
            Wake::Queue
        } else if before & COMPLETE != 0 {
            Wake::Complete
        } else if before & RUNNING != 0 {
            Wake::Running
        } else {
            Wake::Queued
        }
    }
}

/// What the worker that popped a task must do.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Poll the future.
    Poll,
    /// Drop the future and complete the task as cancelled.
    Cancel,
    /// The entry is stale (the task is complete or runs elsewhere): forget it.
    Discard,
}

/// What the worker must do after `poll` returned `Pending`.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// Nothing: the task sleeps until it is woken.
    Idle,
    /// It was woken during the poll: push it to the back of a queue.
    Queue,
    /// It was aborted during the poll: drop the future and complete the task as cancelled.
    Cancel,
}

/// What the runner must do after [`State::complete`].
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Complete {
    /// Wake whoever waits on the join handle: it has left a waker.
    WakeJoiner,
    /// The handle lives but nobody waits on it.
    Keep,
    /// The handle is gone: the output belongs to the runner, who drops it.
    DropOutput,
}

/// What a dropped join handle must do.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Detach {
    /// The task is complete: the output is the handle's to drop.
    pub(crate) drop_output: bool,
    /// A waker lies in the join slot and must not stay there: it may keep another task alive.
    pub(crate) drop_waker: bool,
}

/// What a task does, for those who only look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It waits to be woken.
    Sleeping,
    /// It is in a queue.
    Queued,
    /// It is being polled.
    Running,
    /// It has ended.
    Complete,
}

/// The word. See the [module](self) for its states.
#[derive(Debug)]
pub(crate) struct State {
    /// The bits above.
    bits: AtomicU32,
}

impl State {
    /// A task as `spawn` makes it: on its way into a queue, with a join handle.
    pub(crate) fn new() -> State {
        State {
            bits: AtomicU32::new(SCHEDULED | JOIN_INTEREST),
        }
    }

    /// (1), (5): somebody wants the task polled.
    pub(crate) fn wake(&self) -> Wake {
        // Release: what the waker wrote before is seen by the poll that follows, whose `start` or `pause` acquires.
        let before = self.bits.fetch_or(SCHEDULED, AcqRel);
        Wake::of(before)
    }

    /// (2): a worker popped the task's queue entry.
    pub(crate) fn start(&self) -> Start {
        // Acquire pairs with the release in `wake` (and in `pause`, for a task that moves between workers).
        let before = self.bits.fetch_update(AcqRel, Relaxed, |bits| {
            (bits & SCHEDULED != 0 && bits & (RUNNING | COMPLETE) == 0)
                .then_some((bits & !SCHEDULED) | RUNNING)
        });
        match before {
            Ok(bits) if bits & CANCELLED != 0 => Start::Cancel,
            Ok(_) => Start::Poll,
            Err(_) => Start::Discard,
        }
    }

    /// (3), (4): `poll` returned `Pending`. On [`Pause::Cancel`] the caller keeps RUNNING.
    pub(crate) fn pause(&self) -> Pause {
        // Release: the future's new state is seen by the next `start`. Acquire pairs with a `wake` during the poll.
        let before = self.bits.fetch_update(AcqRel, Acquire, |bits| {
            (bits & CANCELLED == 0).then_some(bits & !RUNNING)
        });
        match before {
            Ok(bits) if bits & SCHEDULED != 0 => Pause::Queue,
            Ok(_) => Pause::Idle,
            Err(_) => Pause::Cancel,
        }
    }

    /// (7): the output is in its place. The caller holds RUNNING, and gives it up.
    pub(crate) fn complete(&self) -> Complete {
        // Release: the output is seen by the joiner, whose `is_complete` or `leave_waker` acquires.
        // Acquire: the joiner's waker, stored before its `leave_waker`, is seen here.
        let before = self.bits.fetch_xor(RUNNING | COMPLETE, AcqRel);
        debug_assert!(before & RUNNING != 0 && before & COMPLETE == 0);
        if before & JOIN_INTEREST == 0 {
            Complete::DropOutput
        } else if before & JOIN_WAKER != 0 {
            Complete::WakeJoiner
        } else {
            Complete::Keep
        }
    }

    /// (6): the task is to end at its next chance. `Queue`: it was idle, push it.
    pub(crate) fn abort(&self) -> Wake {
        // Ordered like `wake`, whose place it takes: the runner's `start` or `pause` acquires it.
        let before = self.bits.fetch_update(AcqRel, Relaxed, |bits| {
            if bits & (COMPLETE | CANCELLED) != 0 {
                None
            } else if bits & (RUNNING | SCHEDULED) != 0 {
                Some(bits | CANCELLED)
            } else {
                Some(bits | CANCELLED | SCHEDULED)
            }
        });
        match before {
            Ok(bits) => Wake::of(bits),
            // It is marked already, or complete.
            Err(bits) => Wake::of(bits | SCHEDULED),
        }
    }

    /// (8): the runtime shuts down: takes RUNNING, queued or not, so that the caller may drop the future.
    /// `false`: the task is complete, or it runs and its runner will find the mark in `pause`.
    #[must_use]
    pub(crate) fn claim(&self) -> bool {
        // Acquire pairs with the release in `pause`: the future is seen as its last runner left it.
        let before = self.bits.fetch_update(AcqRel, Relaxed, |bits| {
            if bits & COMPLETE != 0 {
                None
            } else if bits & RUNNING != 0 {
                Some(bits | CANCELLED)
            } else {
                Some((bits & !SCHEDULED) | CANCELLED | RUNNING)
            }
        });
        matches!(before, Ok(bits) if bits & RUNNING == 0)
    }

    /// The join handle has put a waker into the join slot. `true`: too late, the task is complete.
    #[must_use]
    pub(crate) fn leave_waker(&self) -> bool {
        // Release: `complete` sees the waker. Acquire: if it came too late, the handle sees the output.
        self.bits.fetch_or(JOIN_WAKER, AcqRel) & COMPLETE != 0
    }

    /// The join handle is dropped.
    pub(crate) fn detach(&self) -> Detach {
        // Whichever of this and `complete` comes second sees the other's bit, and drops the output.
        let before = self.bits.fetch_and(!JOIN_INTEREST, AcqRel);
        Detach {
            drop_output: before & COMPLETE != 0,
            drop_waker: before & JOIN_WAKER != 0,
        }
    }

    /// What the task does, at a moment that is over when the caller knows. Only those ask who print it.
    pub(crate) fn phase(&self) -> Phase {
        match self.bits.load(Acquire) {
            bits if bits & COMPLETE != 0 => Phase::Complete,
            bits if bits & RUNNING != 0 => Phase::Running,
            bits if bits & SCHEDULED != 0 => Phase::Queued,
            _ => Phase::Sleeping,
        }
    }

    /// Whether the task sleeps, and all who refer to it are the join handle, if there is one, and the `known` others: the
    /// registry, the caller, wakers of which he knows. `holders` counts the references.
    ///
    /// Every waker is a reference, and so is an entry in a queue, and every other runner. Each is made of another one of them, so if
    /// the answer is yes, nobody can ever wake the task. (An [`AbortHandle`](super::AbortHandle) cannot be told from a waker:
    /// then the answer is no.)
    pub(crate) fn is_forgotten(&self, holders: impl FnOnce() -> usize, known: usize) -> bool {
        let holders = holders();
        // Pairs with the release with which others let the task go. What they did to the state before is seen below: that
        // the handle was dropped, above all, else its share would be taken for a waker's, or a waker's for its.
        fence(Acquire);
        let bits = self.bits.load(Relaxed);
        let sleeps = bits & (SCHEDULED | RUNNING | COMPLETE | CANCELLED) == 0;
        sleeps && holders == known + usize::from(bits & JOIN_INTEREST != 0)
    }

    /// Whether the output is there. Acquire pairs with the release in `complete`: then the output is seen, too.
    pub(crate) fn is_complete(&self) -> bool {
        self.bits.load(Acquire) & COMPLETE != 0
    }

    /// Whether the handle is already gone, so that an output need not even be stored. Relaxed: it never comes back, and a `no`
    /// that is too old is corrected by `complete`.
    pub(crate) fn is_detached(&self) -> bool {
        self.bits.load(Relaxed) & JOIN_INTEREST == 0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_wakes_make_one_queue_entry() {
        let state = State::new();
        assert_eq!(state.start(), Start::Poll);
        assert_eq!(state.pause(), Pause::Idle);
        assert_eq!(state.wake(), Wake::Queue);
        for _ in 0..1000 {
            assert_eq!(state.wake(), Wake::Queued);
        }
        assert_eq!(state.start(), Start::Poll);
        assert_eq!(state.pause(), Pause::Idle);
    }

    #[test]
    fn a_wake_during_the_poll_queues_the_task_after_it() {
        let state = State::new();
        assert_eq!(state.start(), Start::Poll);
        assert_eq!(state.wake(), Wake::Running);
        assert_eq!(state.wake(), Wake::Running);
        assert_eq!(state.pause(), Pause::Queue);
        assert_eq!(state.start(), Start::Poll);
        assert_eq!(state.pause(), Pause::Idle);
    }

    #[test]
    fn nothing_happens_after_completion() {
        let state = State::new();
        assert_eq!(state.start(), Start::Poll);
        assert_eq!(state.complete(), Complete::Keep);
        assert_eq!(state.wake(), Wake::Complete);
        assert_eq!(state.abort(), Wake::Complete);
        assert_eq!(state.start(), Start::Discard);
        assert!(!state.claim());
        assert_eq!(
            state.detach(),
            Detach {
                drop_output: true,
                drop_waker: false
            }
        );
    }

    #[test]
    fn abort_of_an_idle_task_queues_it_once_and_the_runner_cancels() {
        let state = State::new();
        assert_eq!(state.start(), Start::Poll);
        assert_eq!(state.pause(), Pause::Idle);
        assert_eq!(state.abort(), Wake::Queue);
        assert_eq!(state.abort(), Wake::Queued);
        assert_eq!(state.wake(), Wake::Queued);
        assert_eq!(state.start(), Start::Cancel);
        assert_eq!(state.complete(), Complete::Keep);
    }

    #[test]
    fn abort_of_a_running_task_is_seen_at_its_next_pause_or_comes_too_late() {
        let state = State::new();
        assert_eq!(state.start(), Start::Poll);
        assert_eq!(state.abort(), Wake::Running);
        assert_eq!(state.pause(), Pause::Cancel);
        assert_eq!(state.complete(), Complete::Keep);

        let state = State::new();
        assert_eq!(state.start(), Start::Poll);
        assert_eq!(state.abort(), Wake::Running);
        assert_eq!(state.complete(), Complete::Keep);
    }

    #[test]
    fn the_output_belongs_to_exactly_one_side() {
        let state = State::new();
        assert_eq!(state.start(), Start::Poll);
        assert!(!state.leave_waker());
        assert_eq!(
            state.detach(),
            Detach {
                drop_output: false,
                drop_waker: true
            }
        );
        assert!(state.is_detached());
        assert_eq!(state.complete(), Complete::DropOutput);

        let state = State::new();
        assert_eq!(state.start(), Start::Poll);
        assert!(!state.leave_waker());
        assert_eq!(state.complete(), Complete::WakeJoiner);
        assert!(state.leave_waker());
    }

    #[test]
    fn an_entry_of_a_task_that_nobody_woke_is_stale() {
        let state = State::new();
        assert_eq!(state.start(), Start::Poll);
        assert_eq!(state.start(), Start::Discard);
        assert_eq!(state.pause(), Pause::Idle);
        assert_eq!(state.start(), Start::Discard);
        assert_eq!(state.wake(), Wake::Queue);
        assert_eq!(state.start(), Start::Poll);
    }

    #[test]
    fn only_a_task_that_sleeps_can_be_forgotten() {
        // Two know of it, and the handle.
        let forgotten = |state: &State| state.is_forgotten(|| 3, 2);
        let state = State::new();
        assert!(!forgotten(&state), "queued");
        assert_eq!(state.start(), Start::Poll);
        assert!(!forgotten(&state), "running");
        assert_eq!(state.pause(), Pause::Idle);
        assert!(forgotten(&state));
        assert!(!state.is_forgotten(|| 4, 2), "somebody has a waker");
        assert_eq!(state.abort(), Wake::Queue);
        assert!(!forgotten(&state), "aborted");
        assert_eq!(state.start(), Start::Cancel);
        assert!(!forgotten(&state));
        assert_eq!(state.complete(), Complete::Keep);
        assert!(!forgotten(&state), "complete");

        let detached = State::new();
        assert_eq!(detached.start(), Start::Poll);
        assert_eq!(detached.pause(), Pause::Idle);
        let _ = detached.detach();
        assert!(detached.is_forgotten(|| 2, 2) && !detached.is_forgotten(|| 3, 2));
    }
}
