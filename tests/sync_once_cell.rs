//! `samovar::sync::OnceCell`: one initializer, whatever becomes of it.

#[macro_use]
mod sync_support;

use std::cell::Cell;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use futures::executor::block_on;
use samovar::sync::{Notify, OnceCell, SetError};
use sync_support::{task, watchdog};

#[test]
fn the_first_initializer_wins_and_the_others_do_not_run() {
    let cell = OnceCell::new();
    assert_eq!(cell.get(), None);
    assert_eq!(*block_on(cell.get_or_init(|| async { 1 })), 1);
    let value = block_on(cell.get_or_init(|| async { unreachable!("there is a value") }));
    assert_eq!((*value, cell.initialized()), (1, true));
}

#[test]
fn those_who_ask_meanwhile_wait_for_the_value() {
    let (cell, go) = (OnceCell::new(), Notify::new());
    let mut first = task(cell.get_or_init(|| async {
        go.notified().await;
        1
    }));
    let mut second = task(cell.get_or_init(|| async { 2 }));
    let mut third = task(cell.get_or_try_init(|| async { Err::<i32, _>("unused") }));
    first.pending();
    second.pending();
    third.pending();
    assert_eq!(cell.set(3), Err(SetError::InitializingError(3)));
    go.notify_one();
    assert_eq!(*first.ready(), 1);
    assert_eq!((second.wakes(), third.wakes()), (1, 1));
    assert_eq!((*second.ready(), third.ready()), (1, Ok(&1)));
    assert_eq!(cell.set(3), Err(SetError::AlreadyInitializedError(3)));
}

#[test]
fn an_initializer_that_fails_leaves_the_turn_to_the_next() {
    let (cell, go) = (OnceCell::new(), Notify::new());
    let mut first = task(cell.get_or_try_init(|| async {
        go.notified().await;
        Err("no tea")
    }));
    let mut second = task(cell.get_or_init(|| async { 2 }));
    first.pending();
    second.pending();
    go.notify_one();
    assert_eq!(first.ready(), Err("no tea"));
    assert_eq!(*second.ready(), 2);
}

#[test]
fn an_initializer_that_is_dropped_leaves_the_turn_to_the_next() {
    let cell = OnceCell::new();
    let mut first = task(cell.get_or_init(pending));
    let (mut second, mut third) = (
        task(cell.get_or_init(|| async { 2 })),
        task(cell.get_or_init(|| async { 3 })),
    );
    first.pending();
    second.pending();
    third.pending();
    drop(first);
    drop(second); // it had the turn already
    assert_eq!(*third.ready(), 3);
}

#[test]
fn an_initializer_that_panics_leaves_the_turn_to_the_next() {
    let cell = OnceCell::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        block_on(cell.get_or_init(|| async { panic!("no tea") }));
    }));
    assert!(panicked.is_err());
    assert!(cell.set(2).is_ok());
    assert_eq!(cell.get(), Some(&2));
}

#[test]
fn a_cell_can_be_emptied_and_filled_again() {
    let mut cell = OnceCell::new_with(Some(1));
    *cell.get_mut().unwrap() += 1;
    assert_eq!(cell.take(), Some(2));
    assert_eq!((cell.take(), cell.initialized()), (None, false));
    assert_eq!(cell.get_mut(), None);
    assert_eq!(*block_on(cell.get_or_init(|| async { 3 })), 3);
    assert_eq!(cell.clone(), OnceCell::from(3));
    assert_eq!(cell.into_inner(), Some(3));
    assert_eq!(OnceCell::<u32>::new_with(None), OnceCell::default());
}

#[test]
fn errors_and_cells_describe_themselves() {
    let cell = OnceCell::from(5);
    assert_eq!(format!("{cell:?}"), "OnceCell { value: Some(5) }");
    let error = cell.set(6).unwrap_err();
    assert!(error.is_already_init_err() && !error.is_initializing_err());
    assert_eq!(error.to_string(), "the cell has a value already");
    assert_eq!(
        SetError::InitializingError(1).to_string(),
        "the cell is being initialized"
    );
    assert_is!(SetError<u32>: std::error::Error);
    assert_is!(OnceCell<u32>: Send + Sync);
    assert_is!(OnceCell<Cell<u32>>: Send);
    assert_is_not!(OnceCell<Cell<u32>>: Sync);
}

#[test]
fn threads_that_race_initialize_a_static_once() {
    static CELL: OnceCell<usize> = OnceCell::const_new();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    watchdog(|| {
        let start = Arc::new(std::sync::Barrier::new(4));
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let start = start.clone();
                thread::spawn(move || {
                    start.wait();
                    *block_on(CELL.get_or_init(|| async {
                        RUNS.fetch_add(1, Ordering::SeqCst);
                        number
                    }))
                })
            })
            .collect();
        let values: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        assert_eq!(RUNS.load(Ordering::SeqCst), 1);
        assert!(values.iter().all(|&value| Some(&value) == CELL.get()));
    });
}
