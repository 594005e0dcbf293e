//! `select!`: what becomes of the futures, what handlers may do, and names and types. Without a runtime: futures
//! polled by hand, so that nothing here depends on time or threads.
#![deny(unused)]
#![allow(missing_docs)]

mod macros_support;

use futures::channel::{mpsc, oneshot};
use futures::future::{pending, ready};
use futures::{SinkExt, StreamExt};
use macros_support::{later, run};
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::sync::Mutex;

/// Notes its name when it is dropped.
struct Tell<'a>(&'static str, &'a RefCell<Vec<&'static str>>);

impl Drop for Tell<'_> {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

// ----- What becomes of the futures

#[test]
fn all_futures_are_dropped_before_the_handler_runs() {
    let told = RefCell::new(Vec::new());
    run(async {
        let (winner, loser, disabled) = (Tell("w", &told), Tell("l", &told), Tell("d", &told));
        samovar::select! {
            () = async move { let _winner = winner; } => {
                let mut names = told.take();
                names.sort_unstable();
                assert_eq!(names, ["d", "l", "w"]);
                later(1, ()).await;
            }
            () = async move { let _loser = loser; pending().await } => unreachable!(),
            () = async move { let _disabled = disabled; }, if false => unreachable!(),
        }
    });
}

#[test]
fn a_handler_may_use_what_a_losing_future_borrowed() {
    async fn change(value: &mut u32) {
        *value += 1;
        pending().await
    }
    let mut value = 1;
    run(async {
        samovar::select! {
            biased;
            () = change(&mut value) => unreachable!(),
            () = ready(()) => value *= 10,
            else => value = 0,
        }
    });
    assert_eq!(value, 20);
}

#[test]
fn a_handler_may_move_the_futures_that_were_only_lent() {
    run(async {
        let (one, mut first) = oneshot::channel();
        let (two, mut second) = oneshot::channel();
        one.send(1).unwrap();
        two.send(2).unwrap();
        samovar::select! {
            x = &mut first => assert_eq!((x, second.await), (Ok(1), Ok(2))),
            x = &mut second => assert_eq!((first.await, x), (Ok(1), Ok(2))),
        }
    });
}

#[test]
fn a_lent_future_goes_on_where_it_was() {
    let polls = Cell::new(0);
    let mut long = pin!(async {
        for _ in 0..10 {
            polls.set(polls.get() + 1);
            later(1, ()).await;
        }
        "done"
    });
    let mut interruptions = 0;
    let result = run(async {
        loop {
            samovar::select! {
                biased;
                result = &mut long => break result,
                () = later(1, ()) => interruptions += 1,
            }
        }
    });
    assert_eq!((result, polls.get()), ("done", 10));
    assert!(interruptions > 0);
}

#[test]
fn a_condition_keeps_a_finished_future_from_being_polled_again() {
    let outputs = run(async {
        let (mut first, mut second) = (
            pin!(async {
                later(3, ()).await;
                1
            }),
            pin!(async {
                later(1, ()).await;
                2
            }),
        );
        let (mut a, mut b) = (None, None);
        while a.is_none() || b.is_none() {
            samovar::select! {
                x = &mut first, if a.is_none() => a = Some(x),
                x = &mut second, if b.is_none() => b = Some(x),
            }
        }
        (a, b)
    });
    assert_eq!(outputs, (Some(1), Some(2)));
}

#[test]
fn no_message_is_lost_between_two_channels() {
    let (mut left, mut from_left) = mpsc::channel(1);
    let (mut right, mut from_right) = mpsc::channel(1);
    let send = async move {
        for n in 0..500 {
            left.send(2 * n).await.unwrap();
            right.send(2 * n + 1).await.unwrap();
        }
    };
    let receive = async {
        let mut received = Vec::new();
        loop {
            samovar::select! {
                Some(n) = from_left.next() => received.push(n),
                Some(n) = from_right.next() => received.push(n),
                else => break received,
            }
        }
    };
    let (mut received, ()) = run(futures::future::join(receive, send));
    received.sort_unstable();
    assert_eq!(received, (0..1_000).collect::<Vec<_>>());
}

// ----- Handlers

#[test]
fn handlers_may_leave_the_function() {
    async fn question_mark() -> Result<u32, std::num::ParseIntError> {
        samovar::select! {
            text = ready("x") => { let number: u32 = text.parse()?; Ok(number) }
        }
    }
    async fn early_return() -> u32 {
        samovar::select! {
            () = pending() => {}
            () = ready(()) => return 5,
        }
        6
    }
    assert!(run(question_mark()).is_err());
    assert_eq!(run(early_return()), 5);
}

#[test]
fn handlers_may_break_and_continue_loops_outside() {
    let rounds = run(async {
        let mut rounds = 0;
        'outer: loop {
            loop {
                rounds += 1;
                samovar::select! {
                    () = ready(()), if rounds < 5 => continue,
                    () = ready(()), if rounds < 9 => continue 'outer,
                    () = ready(()), if rounds == 9 => break,
                    else => break 'outer rounds,
                }
            }
        }
    });
    assert_eq!(rounds, 10);
}

#[test]
fn handlers_may_wait() {
    let waited = run(async {
        samovar::select! {
            x = ready(1) => { later(2, ()).await; x + 1 }
            x = pending() => x,
        }
    });
    assert_eq!(waited, 2);
}

// ----- Names, lives and types

#[test]
fn the_users_names_are_not_ours() {
    let (future, enabled, output, order, pending, first) = (1, 2, 3, 4, 5, 6);
    let (number, second_lap, value, matches, cx) = (7, 8, 9, 10, 11);
    let sum = run(async {
        'search: {
            samovar::select! {
                value = async { future + enabled + output + order + value }, if pending == 5 => {
                    if matches == 0 { break 'search 0; }
                    value + pending + first + number + second_lap + matches + cx
                }
            }
        }
    });
    assert_eq!(sum, 1 + 2 + 3 + 4 + 9 + 5 + 6 + 7 + 8 + 10 + 11);
}

#[no_implicit_prelude]
mod without_a_prelude {
    #[allow(dead_code)]
    enum Shadow {
        Some,
        None,
        Ok,
        Err,
    }
    #[allow(unused_imports)]
    use Shadow::{Err, None, Ok, Some};

    pub(crate) async fn two() -> u32 {
        ::samovar::select! {
            x = async { 2 } => x,
            else => 3,
        }
    }
}

#[test]
fn no_prelude_is_needed() {
    assert_eq!(run(without_a_prelude::two()), 2);
}

#[test]
fn a_reference_to_a_temporary_is_a_branch() {
    run(async {
        samovar::select! { () = &mut ready(()) => {} }
    });
}

#[test]
fn temporaries_of_an_expression_end_before_the_wait() {
    let number = Mutex::new(1);
    let result = run(async {
        samovar::select! {
            biased;
            x = ready(*number.lock().unwrap()), if false => x,
            x = async { *number.try_lock().expect("the first branch's guard is gone") } => x,
        }
    });
    assert_eq!(result, 1);
}

#[test]
fn outputs_that_cannot_exist_or_have_no_type_are_no_trouble() {
    async fn never() -> ! {
        pending().await
    }
    async fn impossible() -> std::convert::Infallible {
        pending().await
    }
    let one = run(async {
        samovar::select! {
            _ = never() => 0,
            _ = impossible() => 0,
            _ = std::future::pending() => 0,
            one = ready(1) => one,
        }
    });
    assert_eq!(one, 1);
}

#[test]
fn a_select_is_send_if_its_futures_are() {
    fn assert_send<T: Send>(_: &T) {}
    let select = async {
        samovar::select! {
            x = later(1, ()) => x,
            () = std::future::pending() => later(1, ()).await,
        }
    };
    assert_send(&select);
    run(select);
}
