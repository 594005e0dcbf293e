//! `join!`, `try_join!` and `pin!`, without a runtime: futures polled by hand.
#![deny(unused)]
#![allow(missing_docs)]

mod macros_support;

use futures::channel::oneshot;
use macros_support::{Flag, later, poll_once, run};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

fn ok<T>(value: T) -> Result<T, String> {
    Ok(value)
}

// ----- join!

#[test]
fn join_returns_a_tuple_in_the_order_of_the_text() {
    run(async {
        assert_eq!(samovar::join!(async { 1 }), (1,));
        assert_eq!(samovar::join!(async { 1 },), (1,));
        assert_eq!(samovar::join!(later(3, 1), later(1, "two")), (1, "two"));
        assert_eq!(samovar::join!(biased; ready(1), later(1, 2),), (1, 2));
        let many = samovar::join!(later(2, 'a'), later(0, 'b'), later(5, 'c'), later(1, 'd'));
        assert_eq!(many, ('a', 'b', 'c', 'd'));
    });
}

#[test]
#[allow(clippy::unit_cmp)]
fn nothing_joined_is_nothing() {
    run(async {
        assert_eq!(samovar::join!(), ());
        assert_eq!(samovar::join!(biased;), ());
        assert_eq!(samovar::try_join!() as Result<(), ()>, Ok(()));
        assert_eq!(samovar::try_join!(biased;) as Result<(), ()>, Ok(()));
    });
}

#[test]
fn sixty_four_branches_are_joined() {
    macro_rules! join_of {
        ($($number:literal)*) => {{
            let sum = Cell::new(0_u32);
            let add = |number: u32| {
                let sum = &sum;
                async move {
                    let number = later(number % 5, number).await;
                    sum.set(sum.get() + number);
                }
            };
            let _units = run(async { samovar::join!($( add($number) ),*) });
            sum.get()
        }};
    }
    let sum = join_of!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
        32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
    assert_eq!(sum, (0..64).sum());
}

#[test]
fn any_branch_wakes_the_join() {
    let (one, first) = oneshot::channel();
    let (two, second) = oneshot::channel();
    let mut join = pin!(async { samovar::join!(first, second) });
    let flag = Arc::new(Flag::default());
    let waker = Arc::clone(&flag).into();
    let mut cx = Context::from_waker(&waker);

    assert!(join.as_mut().poll(&mut cx).is_pending());
    two.send(2).unwrap();
    assert!(flag.0.swap(false, Ordering::SeqCst));
    assert!(join.as_mut().poll(&mut cx).is_pending());
    assert!(!flag.0.load(Ordering::SeqCst));
    one.send(1).unwrap();
    assert!(flag.0.load(Ordering::SeqCst));
    assert_eq!(join.as_mut().poll(&mut cx), Poll::Ready((Ok(1), Ok(2))));
}

/// Four turns of a branch that notes its number and yields.
async fn four_turns(number: u32, order: &RefCell<Vec<u32>>) -> Result<(), String> {
    for _ in 0..4 {
        order.borrow_mut().push(number);
        later(1, ()).await;
    }
    Ok(())
}

#[test]
fn another_branch_is_first_at_every_poll() {
    let rotated = [1, 2, 3, 2, 3, 1, 3, 1, 2, 1, 2, 3];
    let order = RefCell::new(Vec::new());
    let branch = |number| four_turns(number, &order);
    let _ = run(async { samovar::join!(branch(1), branch(2), branch(3)) });
    assert_eq!(order.take(), rotated);
    let _ = run(async { samovar::try_join!(branch(1), branch(2), branch(3)) });
    assert_eq!(order.take(), rotated);
}

#[test]
fn biased_polls_in_the_order_of_the_text() {
    let order = RefCell::new(Vec::new());
    let branch = |number| four_turns(number, &order);
    let _ = run(async { samovar::join!(biased; branch(1), branch(2), branch(3)) });
    assert_eq!(order.take(), [1, 2, 3].repeat(4));
    let _ = run(async { samovar::try_join!(biased; branch(1), branch(2), branch(3)) });
    assert_eq!(order.take(), [1, 2, 3].repeat(4));
}

#[test]
fn a_branch_that_takes_the_whole_budget_starves_nobody() {
    /// As much as the branches of one poll may do together; what a task's budget is in a runtime.
    const BUDGET: u32 = 128;
    let left = Cell::new(BUDGET);
    // What a leaf operation does: spend, or wake its task and wait for the next poll.
    let operation = || {
        poll_fn(|cx| match left.get() {
            0 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            n => {
                left.set(n - 1);
                Poll::Ready(())
            }
        })
    };
    let little_done = Cell::new(0);
    let greedy = async {
        for _ in 0..100 * BUDGET {
            operation().await;
        }
        little_done.get()
    };
    let little = async {
        for n in 1..=5 {
            operation().await;
            little_done.set(n);
        }
    };
    let mut join = pin!(async { samovar::join!(greedy, little) });
    let seen_by_greedy = loop {
        left.set(BUDGET);
        match poll_once(join.as_mut()) {
            (Poll::Ready((seen, ())), _) => break seen,
            (Poll::Pending, woken) => assert!(woken),
        }
    };
    assert_eq!(
        seen_by_greedy, 5,
        "the little branch had to wait for the greedy one"
    );
}

#[test]
fn a_branch_is_dropped_when_it_is_done_and_never_polled_again() {
    struct Once<'a>(&'a Cell<bool>, bool);
    impl Future for Once<'_> {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            assert!(!self.1, "polled after it was done");
            self.1 = true;
            Poll::Ready(())
        }
    }
    impl Drop for Once<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let dropped = Cell::new(false);
    run(async {
        samovar::join!(Once(&dropped, false), async {
            later(1, ()).await;
            assert!(dropped.get(), "it waits for its slower neighbour");
            later(5, ()).await;
        })
    });
}

// ----- try_join!

#[test]
fn try_join_returns_ok_of_a_tuple() {
    run(async {
        assert_eq!(samovar::try_join!(async { ok(1) }), Ok((1,)));
        assert_eq!(
            samovar::try_join!(later(2, ok(1)), ready(ok("two")),),
            Ok((1, "two"))
        );
        assert_eq!(
            samovar::try_join!(biased; ready(ok(1)), later(1, ok(2))),
            Ok((1, 2))
        );
    });
}

#[test]
fn the_first_error_ends_it() {
    let finished = Cell::new(false);
    let result: Result<((), u32, u32), &str> = run(async {
        samovar::try_join!(
            async {
                later(9, ()).await;
                finished.set(true);
                Ok(())
            },
            later(2, Err("boiled dry")),
            later(4, Err("too late")),
        )
    });
    assert_eq!(result, Err("boiled dry"));
    assert!(!finished.get());
}

#[test]
fn question_mark_works_on_it() {
    async fn sum() -> Result<u32, std::num::ParseIntError> {
        let (a, b) =
            samovar::try_join!(async { "1".parse::<u32>() }, async { "2".parse::<u32>() })?;
        Ok(a + b)
    }
    assert_eq!(run(sum()), Ok(3));
}

// ----- All of them

#[test]
fn whatever_becomes_a_future_is_a_branch() {
    struct Ticket(u32);
    impl IntoFuture for Ticket {
        type Output = Result<u32, String>;
        type IntoFuture = std::future::Ready<Self::Output>;
        fn into_future(self) -> Self::IntoFuture {
            ready(Ok(self.0))
        }
    }
    run(async {
        assert_eq!(samovar::join!(Ticket(4)), (Ok(4),));
        assert_eq!(samovar::try_join!(Ticket(4), &mut ready(ok(5))), Ok((4, 5)));
    });
}

#[test]
fn the_users_names_are_not_ours() {
    const COUNT: u32 = 2;
    let (branch, order, first, pending, index) = (1, 2, 3, 4, 5);
    let (x, y) = run(async {
        samovar::join!(async { branch + order + COUNT }, async {
            first + pending + index
        })
    });
    assert_eq!((x, y), (5, 12));
}

#[no_implicit_prelude]
mod without_a_prelude {
    pub(crate) async fn both() -> (u32, u32) {
        ::samovar::join!(async { 1 }, async { 2 })
    }
    pub(crate) async fn both_ok() -> ::std::result::Result<(u32, u32), ()> {
        ::samovar::try_join!(async { ::std::result::Result::Ok(1) }, async {
            ::std::result::Result::Ok(2)
        })
    }
    pub(crate) async fn pinned() -> u32 {
        let three = async { 3 };
        ::samovar::pin!(three);
        three.await
    }
}

#[test]
fn no_prelude_is_needed() {
    assert_eq!(run(without_a_prelude::both()), (1, 2));
    assert_eq!(run(without_a_prelude::both_ok()), Ok((1, 2)));
    assert_eq!(run(without_a_prelude::pinned()), 3);
}

/// `#![deny(unused)]` is the assertion: no code of the user may be called unreachable.
#[test]
fn outputs_that_cannot_exist_are_no_trouble() {
    let mut first = pin!(async { samovar::join!(pending::<Infallible>(), async { 1 }) });
    assert!(poll_once(first.as_mut()).0.is_pending());
    let mut last = pin!(async { samovar::join!(biased; async { 1 }, pending::<Infallible>()) });
    assert!(poll_once(last.as_mut()).0.is_pending());
    let mut none_ok =
        pin!(async { samovar::try_join!(ready(ok(1)), pending::<Result<Infallible, String>>()) });
    assert!(poll_once(none_ok.as_mut()).0.is_pending());
    let no_error = run(async { samovar::try_join!(ready(Ok::<_, Infallible>(1)), ready(Ok(2))) });
    assert_eq!(no_error, Ok((1, 2)));
}

#[test]
fn a_join_is_send_if_its_futures_are() {
    fn assert_send<T: Send>(_: &T) {}
    let join = async { samovar::join!(later(1, 1), async { later(1, 2).await }) };
    assert_send(&join);
    run(join);
    let try_join = async { samovar::try_join!(later(1, ok(1)), ready(ok(2))) };
    assert_send(&try_join);
    run(try_join).unwrap();
}

// ----- pin!

#[test]
fn pin_pins_variables_by_name() {
    run(async {
        let (one, two) = (later(1, 1), later(1, 2));
        samovar::pin!(one, two);
        let pinned: &mut Pin<&mut _> = &mut one;
        assert_eq!(pinned.await, 1);
        assert_eq!((&mut two).await, 2);
    });
}

#[test]
fn pin_declares_and_pins_at_once() {
    run(async {
        samovar::pin! {
            let one = later(1, 1);
            let two = &mut ready(2);
        }
        let first = samovar::select! {
            biased;
            x = &mut one => x,
            x = &mut two => x,
        };
        assert_eq!((first, one.await), (2, 1));
    });
}
