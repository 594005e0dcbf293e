//! The first two rungs of the ladder in every interleaving, word for word as they stand in `examples/ladder`.
//!
//! `RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=3 cargo test --release --test ladder_models`
//!
//! The rungs say `use std::sync::...`, as programs do, and know nothing of loom. But what `std` is, that decides the crate
//! which includes them: here it is this crate itself, with loom's flag and loom's threads in the place of the real
//! ones. So is `crossbeam_channel`, whose own atomics loom does not see: its place takes a queue behind a lock.
#![cfg(loom)]

extern crate std as real_std;
// Whoever writes `std` or `crossbeam_channel` in a module of this crate means this crate.
extern crate self as crossbeam_channel;
extern crate self as std;

pub(crate) use real_std::{cell, future, marker, pin, task, time};

/// Modelled is what threads share: the flags. The lock of a task's future is only ever taken by one thread, and the
/// demonstrations have statics, which loom's types cannot be.
pub(crate) mod sync {
    pub(crate) use real_std::sync::{Arc, Mutex};

    pub(crate) mod atomic {
        pub(crate) use loom::sync::atomic::AtomicBool;
        pub(crate) use real_std::sync::atomic::{AtomicUsize, Ordering};
    }
}

/// Threads of the model, in which no time passes.
pub(crate) mod thread {
    pub(crate) use loom::thread::{Thread, current, park, spawn};

    pub(crate) fn sleep(_: real_std::time::Duration) {}
}

/// A thread of the model has locals of its own.
macro_rules! thread_local {
    ($($locals:tt)*) => {
        loom::thread_local! { $($locals)* }
    };
}

#[allow(dead_code, unused_imports, reason = "it is a program, too")]
#[path = "../examples/ladder/1_block_on.rs"]
mod rung_1;
#[allow(dead_code, unused_imports, reason = "it is a program, too")]
#[path = "../examples/ladder/2_tasks.rs"]
mod rung_2;

/// The part of `crossbeam_channel` that rung 2 uses.
mod channel {
    use loom::sync::{Condvar, Mutex};
    use real_std::cell::Cell;
    use real_std::collections::VecDeque;
    use real_std::sync::Arc;

    struct Channel<T> {
        messages: Mutex<VecDeque<T>>,
        not_empty: Condvar,
    }

    pub(crate) struct Sender<T>(Arc<Channel<T>>);
    pub(crate) struct Receiver<T>(Arc<Channel<T>>);

    pub(crate) fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
        let channel = Arc::new(Channel {
            messages: Mutex::new(VecDeque::new()),
            not_empty: Condvar::new(),
        });
        (Sender(channel.clone()), Receiver(channel))
    }

    impl<T> Clone for Sender<T> {
        fn clone(&self) -> Sender<T> {
            Sender(self.0.clone())
        }
    }

    impl<T> Sender<T> {
        pub(crate) fn send(&self, message: T) -> Result<(), T> {
            let mut messages = self.0.messages.lock().unwrap();
            messages.push_back(message);
            let tasks = crate::TASKS.with(Cell::get);
            assert!(messages.len() <= tasks, "a task is queued twice");
            drop(messages);
            self.0.not_empty.notify_one();
            Ok(())
        }
    }

    impl<T> Receiver<T> {
        pub(crate) fn recv(&self) -> Result<T, ()> {
            let mut messages = self.0.messages.lock().unwrap();
            loop {
                if let Some(message) = messages.pop_front() {
                    return Ok(message);
                }
                messages = self.0.not_empty.wait(messages).unwrap();
            }
        }
    }
}
pub(crate) use channel::{Receiver, Sender, unbounded};

use loom::sync::atomic::AtomicUsize;
use loom::sync::atomic::Ordering::Relaxed;
use real_std::cell::Cell;
use real_std::future::poll_fn;
use real_std::sync::{Arc, Mutex};
use real_std::task::{Poll, Poll::Pending, Poll::Ready, Waker};

real_std::thread_local! {
    /// How many tasks the model has: so many may be queued. A real local, for a model runs on one real thread.
    static TASKS: Cell<usize> = const { Cell::new(0) };
}

/// Hands its waker to so many threads, each of which writes news and then wakes. Ready when it has seen the news of all: they
/// are written without an order of their own, so it is the wake that must bring them.
fn news_of<const THREADS: usize>(at_first: impl Fn()) -> impl Future<Output = usize> {
    let news: Arc<[AtomicUsize; THREADS]> = Arc::new([(); THREADS].map(|()| AtomicUsize::new(0)));
    let mut polls = 0;
    poll_fn(move |cx| {
        polls += 1;
        if polls == 1 {
            for number in 0..THREADS {
                let (news, waker) = (news.clone(), cx.waker().clone());
                loom::thread::spawn(move || {
                    news[number].store(1, Relaxed);
                    waker.wake();
                });
            }
            at_first();
            return Pending;
        }
        let seen = news.iter().filter(|it| it.load(Relaxed) == 1).count();
        // Each poll is there for one wake at least, and what came before that wake is there to be seen.
        assert!(
            seen + 1 >= polls.min(THREADS + 1),
            "{seen} news in poll {polls}"
        );
        assert!(polls <= THREADS + 1, "a poll that nobody asked for");
        if seen == THREADS {
            Ready(polls)
        } else {
            Pending
        }
    })
}

#[test]
fn loom_block_on_loses_no_wake_and_sees_why_it_was_woken() {
    loom::model(|| {
        rung_1::block_on(news_of::<1>(|| ()));
    });
}

#[test]
fn loom_block_on_is_woken_by_two_threads_at_once() {
    loom::model(|| {
        rung_1::block_on(news_of::<2>(|| ()));
    });
}

#[test]
fn loom_block_on_does_not_need_the_threads_token() {
    loom::model(|| {
        rung_1::block_on(news_of::<1>(|| {
            // The waker may be called here, and leave the thread a token.
            loom::thread::yield_now();
            // The future parks this thread for its own sake, and the token goes that way.
            loom::thread::current().unpark();
            loom::thread::park();
        }));
    });
}

#[test]
fn loom_a_main_task_is_queued_once_and_loses_no_wake() {
    TASKS.with(|tasks| tasks.set(1));
    loom::model(|| {
        rung_2::block_on(news_of::<2>(|| ()));
    });
}

#[test]
fn loom_a_task_is_queued_once_and_loses_no_wake() {
    TASKS.with(|tasks| tasks.set(2));
    loom::model(|| {
        // Only the thread of the event loop touches these.
        let main = Arc::new(Mutex::new((false, None::<Waker>)));
        let tell = main.clone();
        rung_2::spawn(async move {
            news_of::<2>(|| ()).await;
            let waker = {
                let mut main = tell.lock().unwrap();
                main.0 = true;
                main.1.take()
            };
            waker.expect("the main future was polled first").wake();
        });
        let polls = Cell::new(0);
        rung_2::block_on(poll_fn(|cx| -> Poll<()> {
            polls.set(polls.get() + 1);
            let mut main = main.lock().unwrap();
            main.1 = Some(cx.waker().clone());
            if main.0 { Ready(()) } else { Pending }
        }));
        assert!(polls.get() <= 2, "a poll that nobody asked for");
    });
}
