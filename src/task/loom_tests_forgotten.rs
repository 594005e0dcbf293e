//! Models of "nobody can ever wake this task": loom runs them in every order of their steps (`RUSTFLAGS="--cfg loom"`).
//!
//! [`State::is_forgotten`] proves it by two numbers that others change meanwhile: how many refer to the task, and whether
//! its join handle is one of them. A proof that is wrong once is a warning that nobody believes again. Here the reference
//! count is an atomic that loom knows, counted down by those who let the task go as an `Arc` does it, with Release.
//!
//! | model | a planted bug that it finds |
//! |---|---|
//! | [`a_task_that_is_woken_and_then_let_go_is_not_forgotten`] | no `fence(Acquire)` after the count; the bits are read before the count |
//! | [`a_waker_is_not_taken_for_the_handle_that_goes`] | the same two; the handle is counted also when it is gone |
//! | [`a_task_that_everybody_lets_go_is_forgotten`] | the handle is counted also when it is gone |

use std::sync::Arc;

use loom::thread;

use super::state::{Pause, Phase, Start, State};
use crate::shim::atomic::{
    AtomicUsize,
    Ordering::{Relaxed, Release},
};

/// Who refers to every task here: its runner, and the registry.
const KNOWN: usize = 2;

/// A task that runs, and the references to it.
struct Model {
    /// What is asked.
    state: State,
    /// How many refer to it.
    holders: AtomicUsize,
}

impl Model {
    /// A running task with a join handle and so many wakers.
    fn new(wakers: usize) -> Arc<Model> {
        let state = State::new();
        assert_eq!(state.start(), Start::Poll);
        Arc::new(Model {
            state,
            holders: AtomicUsize::new(KNOWN + 1 + wakers),
        })
    }

    /// A reference is dropped.
    fn let_go(&self) {
        self.holders.fetch_sub(1, Release);
    }

    /// A waker is called, and dropped.
    fn wake(&self) {
        let _ = self.state.wake();
        self.let_go();
    }

    /// The join handle is dropped.
    fn detach(&self) {
        let _ = self.state.detach();
        self.let_go();
    }

    /// The end of a poll that returned `Pending`. Whether nobody will ever wake the task, as it says.
    fn pause(&self) -> bool {
        self.state.pause() == Pause::Idle && self.is_forgotten()
    }

    /// The question.
    fn is_forgotten(&self) -> bool {
        let holders = || self.holders.load(Relaxed);
        self.state.is_forgotten(holders, KNOWN)
    }
}

#[test]
fn a_task_that_is_woken_and_then_let_go_is_not_forgotten() {
    loom::model(|| {
        let model = Model::new(1);
        let waking = model.clone();
        let thread = thread::spawn(move || waking.wake());
        let forgotten = model.pause();
        thread.join().unwrap();
        // It was woken, before or after: this is its next turn.
        assert_eq!(model.state.phase(), Phase::Queued);
        assert!(!forgotten, "a task that is to run was called forgotten");
    });
}

#[test]
fn a_waker_is_not_taken_for_the_handle_that_goes() {
    loom::model(|| {
        let model = Model::new(1);
        let detaching = model.clone();
        let thread = thread::spawn(move || detaching.detach());
        let forgotten = model.pause();
        thread.join().unwrap();
        assert!(!forgotten, "this thread holds a waker");
    });
}

#[test]
fn a_task_that_everybody_lets_go_is_forgotten() {
    loom::model(|| {
        let model = Model::new(1);
        let (detaching, dropping) = (model.clone(), model.clone());
        let threads = [
            thread::spawn(move || detaching.detach()),
            // A waker that is dropped without being called.
            thread::spawn(move || dropping.let_go()),
        ];
        let early = model.pause();
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(model.is_forgotten());
        assert!(!early || model.state.phase() == Phase::Sleeping);
    });
}
