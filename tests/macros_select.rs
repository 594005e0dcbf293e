//! `select!`: what can be written, which branch is polled when, which is not. Without a runtime: futures polled by
//! hand, so that nothing here depends on time or threads.
//!
//! That it yields when a task's budget is spent is shown beside `src/macros/support.rs`, where a budget can be set.
#![deny(unused)]
#![allow(missing_docs)]

mod macros_support;

use futures::channel::oneshot;
use futures::future::{pending, ready};
use macros_support::{Flag, later, poll_once, run};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

// ----- Syntax

#[test]
fn handlers_are_expressions_or_blocks_with_or_without_commas() {
    run(async {
        assert_eq!(samovar::select! { x = async { 1 } => x }, 1);
        assert_eq!(samovar::select! { x = async { 1 } => x, }, 1);
        assert_eq!(samovar::select! { x = async { 1 } => { x } }, 1);
        assert_eq!(samovar::select! { x = async { 1 } => { x }, }, 1);
        let sum = samovar::select! {
            biased;
            x = pending::<u32>() => x,
            x = pending::<u32>(), if true => { x }
            x = pending::<u32>() => { x },
            x = pending::<u32>(), if x_is_wanted(3) || x_is_wanted(4) => x + 1,
            x = ready(3), if x_is_wanted(3) => x + { 4 },
            else => 0,
        };
        assert_eq!(sum, 7);
    });
}

fn x_is_wanted(x: u32) -> bool {
    x == 3
}

#[test]
fn else_alone_is_its_value() {
    run(async {
        assert_eq!(samovar::select! { else => 1 }, 1);
        assert_eq!(samovar::select! { else => { 1 }, }, 1);
        assert_eq!(samovar::select! { biased; else => 1, }, 1);
    });
}

#[test]
fn a_select_in_a_handler_and_in_a_branch() {
    let sum = run(async {
        samovar::select! {
            x = async { samovar::select! { y = ready(1) => y + 1 } } => {
                samovar::select! { y = ready(3) => x + y }
            }
        }
    });
    assert_eq!(sum, 5);
}

#[test]
fn whatever_becomes_a_future_is_a_branch() {
    struct Ticket(u32);
    impl IntoFuture for Ticket {
        type Output = u32;
        type IntoFuture = std::future::Ready<u32>;
        fn into_future(self) -> Self::IntoFuture {
            std::future::ready(self.0)
        }
    }
    assert_eq!(
        run(async {
            samovar::select! { x = Ticket(4) => x }
        }),
        4
    );
}

#[test]
fn sixty_four_branches_are_all_reached() {
    /// Selects among 64 futures, of which those whose number is chosen are ready.
    macro_rules! select_of {
        ($chosen:expr, $($number:literal)*) => {
            samovar::select! {
                $( x = ready_if($chosen($number), $number) => x, )*
            }
        };
    }
    async fn ready_if(is_ready: bool, number: usize) -> usize {
        if is_ready { number } else { pending().await }
    }
    async fn select(chosen: impl Fn(usize) -> bool) -> usize {
        select_of!(chosen, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
            32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63)
    }
    for number in 0..64 {
        assert_eq!(run(select(|n| n == number)), number);
    }
    let mut won = [false; 64];
    for _ in 0..64 * 200 {
        won[run(select(|_| true))] = true;
    }
    assert_eq!(won, [true; 64], "a branch that was always ready never won");
}

#[test]
fn patterns_of_every_kind() {
    run(async {
        samovar::select! { mut x = ready(1) => { x += 1; assert_eq!(x, 2); } }
        samovar::select! { Some(mut x) = ready(Some(String::from("a"))) => { x.push('b'); assert_eq!(x, "ab"); } }
        samovar::select! { Some(ref x) = ready(Some(String::from("a"))) => assert_eq!(x, "a") }
        samovar::select! { Some(ref mut x) = ready(Some(String::from("a"))) => { x.push('b'); assert_eq!(x, "ab"); } }
        samovar::select! { (a, ref b) = ready((String::from("a"), 2)) => assert_eq!((a.as_str(), *b), ("a", 2)) }
        samovar::select! { Ok(x) | Err(x) = ready(Err::<u32, u32>(3)) => assert_eq!(x, 3) }
        samovar::select! { whole @ 1..=5 = ready(5) => assert_eq!(whole, 5) }
        samovar::select! { [first, .., last] = ready([1, 2, 3]) => assert_eq!(first + last, 4) }
        samovar::select! { &x = ready(&6) => assert_eq!(x, 6) }
        samovar::select! { "text" = ready("text") => {} }
        samovar::select! { None::<u32> = ready(None) => {} }
        samovar::select! { Context { name, .. } = ready(Context { name: Box::new(7), _rest: () }) => assert_eq!(*name, 7) }
    });
    struct Context {
        name: Box<u32>,
        _rest: (),
    }
}

// ----- Order

#[test]
fn branches_that_are_always_ready_take_turns_at_random() {
    let mut wins = [0; 2];
    run(async {
        for _ in 0..4_000 {
            samovar::select! {
                () = ready(()) => wins[0] += 1,
                () = ready(()) => wins[1] += 1,
            }
        }
    });
    assert_eq!(wins[0] + wins[1], 4_000);
    assert!(wins.iter().all(|&n| n > 1_000), "unfair: {wins:?}");
}

#[test]
fn biased_polls_in_the_order_of_the_text() {
    let polls = RefCell::new(Vec::new());
    let poll = |name| {
        let polls = &polls;
        poll_fn(move |_| {
            polls.borrow_mut().push(name);
            Poll::<()>::Pending
        })
    };
    run(async {
        for _ in 0..100 {
            samovar::select! {
                biased;
                () = poll(1) => unreachable!(),
                () = poll(2) => unreachable!(),
                () = ready(()) => {}
                () = poll(3) => unreachable!("a branch after a ready one was polled"),
            }
        }
    });
    assert_eq!(*polls.borrow(), [1, 2].repeat(100));
}

#[test]
fn biased_starves_the_second_branch_until_the_first_is_pending() {
    let (mut first, mut second) = (0, 0);
    run(async {
        for turn in 0..1_000 {
            samovar::select! {
                biased;
                () = later(u32::from(turn == 999), ()) => first += 1,
                () = ready(()) => second += 1,
            }
        }
    });
    assert_eq!((first, second), (999, 1));
}

#[test]
fn every_poll_polls_every_pending_branch_once() {
    let polls = Cell::new(0);
    let branch = || {
        poll_fn(|_| {
            polls.set(polls.get() + 1);
            Poll::<()>::Pending
        })
    };
    let mut select = pin!(async {
        samovar::select! {
            () = branch() => {}
            () = branch() => {}
            () = branch() => {}
        }
    });
    for round in 1..=50 {
        assert!(poll_once(select.as_mut()).0.is_pending());
        assert_eq!(polls.get(), 3 * round);
    }
}

#[test]
fn each_branch_can_wake_the_select() {
    for winner in 0..2 {
        let (one, first) = oneshot::channel::<u32>();
        let (two, second) = oneshot::channel::<u32>();
        let mut select = pin!(async {
            samovar::select! {
                Ok(x) = first => x,
                Ok(x) = second => x,
            }
        });
        let flag = Arc::new(Flag::default());
        let waker = Arc::clone(&flag).into();
        let mut cx = Context::from_waker(&waker);
        assert!(select.as_mut().poll(&mut cx).is_pending());
        assert!(!flag.0.load(Ordering::SeqCst));
        let [winning, losing] = if winner == 0 { [one, two] } else { [two, one] };
        winning.send(winner).unwrap();
        assert!(flag.0.load(Ordering::SeqCst));
        assert_eq!(select.as_mut().poll(&mut cx), Poll::Ready(winner));
        assert!(losing.is_canceled(), "the loser's future was not dropped");
    }
}

// ----- Branches that are disabled

#[test]
fn a_false_condition_disables_its_branch_whose_expression_is_still_evaluated() {
    let evaluated = Cell::new(false);
    let unpolled = || {
        evaluated.set(true);
        poll_fn(|_| -> Poll<()> { panic!("a disabled branch was polled") })
    };
    run(async {
        samovar::select! {
            () = unpolled(), if evaluated.get() => unreachable!(),
            () = later(3, ()) => {}
        }
    });
    assert!(evaluated.get(), "conditions come first, then expressions");
}

#[test]
fn a_value_that_does_not_match_disables_its_branch_until_the_next_select() {
    let polls = Cell::new(0);
    let mismatch = || {
        let mut done = false;
        let polls = &polls;
        poll_fn(move |_| {
            assert!(!done, "polled after it was done");
            done = true;
            polls.set(polls.get() + 1);
            Poll::Ready(None::<u32>)
        })
    };
    run(async {
        for round in 1..=10 {
            samovar::select! {
                biased;
                Some(_) = mismatch() => unreachable!(),
                () = later(5, ()) => {}
            }
            assert_eq!(polls.get(), round);
        }
    });
}

#[test]
fn else_runs_when_every_branch_is_disabled() {
    run(async {
        let by_condition = samovar::select! {
            x = ready(1), if false => x,
            x = pending(), if false => x,
            else => 2,
        };
        let by_pattern = samovar::select! {
            Some(x) = ready(None) => x,
            Ok::<u32, ()>(x) = async { later(2, ()).await; Err(()) } => x,
            else => { later(2, ()).await; 3 }
        };
        assert_eq!((by_condition, by_pattern), (2, 3));
    });
}

#[test]
#[should_panic(expected = "all branches are disabled and there is no else branch")]
fn without_else_a_select_of_false_conditions_panics() {
    run(async {
        samovar::select! {
            () = ready(()), if false => {}
        }
    });
}

#[test]
#[should_panic(expected = "all branches are disabled and there is no else branch")]
fn without_else_a_select_of_mismatches_panics() {
    run(async {
        samovar::select! {
            Some(()) = ready(None) => {}
            1 = ready(2) => {}
        }
    });
}
