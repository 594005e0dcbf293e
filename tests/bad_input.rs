//! Wrong uses: each panics at once, says what to do instead, and points at the caller.

mod runtime_support;

use std::any::Any;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook, take_hook};
use std::sync::{Mutex, Once};
use std::time::Duration;

use runtime_support::{current_thread, multi_thread, on_each, watchdog};
use samovar::net::{TcpListener, TcpStream, UdpSocket};
use samovar::runtime::{Builder, Handle, Runtime};
use samovar::task::{self, JoinHandle};
use samovar::time;

std::thread_local! {
    /// Where this thread panicked last.
    static PLACE: Mutex<Option<(String, u32)>> = const { Mutex::new(None) };
}

/// What a panic says and where it points.
struct Panic {
    message: String,
    file: String,
    line: u32,
}

fn text(payload: &(dyn Any + Send)) -> String {
    match payload.downcast_ref::<&str>() {
        Some(text) => (*text).to_owned(),
        None => payload.downcast_ref::<String>().unwrap().clone(),
    }
}

/// The panic of `wrong`.
#[track_caller]
fn panic_of<T>(wrong: impl FnOnce() -> T) -> Panic {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let former = take_hook();
        set_hook(Box::new(move |info| {
            let place = info
                .location()
                .map(|place| (place.file().to_owned(), place.line()));
            let _ = PLACE.try_with(|last| *last.lock().unwrap() = place);
            former(info);
        }));
    });
    match catch_unwind(AssertUnwindSafe(wrong)) {
        Ok(_) => panic!("no panic"),
        Err(payload) => {
            let (file, line) = PLACE.with(|last| last.lock().unwrap().take()).unwrap();
            Panic {
                message: text(&*payload),
                file,
                line,
            }
        }
    }
}

/// `wrong` is on one line with this call: its panic says all of `words` and points at that line.
#[track_caller]
fn check<T>(words: &[&str], wrong: impl FnOnce() -> T) {
    let here = Location::caller();
    let panic = panic_of(wrong);
    for word in words {
        assert!(
            panic.message.contains(word),
            "{:?} lacks {word:?}",
            panic.message
        );
    }
    assert_eq!((&*panic.file, panic.line), (here.file(), here.line()));
}

const NOWHERE: &[&str] = &["no samovar runtime", "Runtime::enter", "block_on"];

#[rustfmt::skip]
#[test]
fn outside_a_runtime() {
    let second = Duration::from_secs(1);
    check(NOWHERE, || samovar::spawn(async {}));
    check(NOWHERE, || task::spawn(async {}));
    check(NOWHERE, || task::spawn_blocking(|| ()));
    check(NOWHERE, || time::sleep(second));
    check(NOWHERE, || time::sleep_until(time::Instant::now()));
    check(NOWHERE, || time::interval(second));
    check(NOWHERE, || time::interval_at(time::Instant::now(), second));
    check(NOWHERE, || { Handle::current(); });
    check(&["spawn a task"], || samovar::spawn(async {}));
    check(&["set a timer"], || time::sleep(second));
    check(&["task::try_id"], || { task::id(); });
    assert!(Handle::try_current().is_err());
    // `samovar::block_on` is no runtime, and a guard that is gone is none either.
    check(NOWHERE, || samovar::block_on(async { drop(samovar::spawn(async {})) }));
    let rt = current_thread();
    drop(rt.enter());
    check(NOWHERE, || samovar::spawn(async {}));
    rt.block_on(async {});
    check(NOWHERE, || { Handle::current(); });
}

/// A panic inside a poll points into the library, so its message says where the future was made.
#[test]
fn futures_outside_a_runtime_say_where_they_were_made() {
    fn check<F: Future>(make: impl FnOnce() -> F, line: u32) {
        let panic = panic_of(|| samovar::block_on(make()));
        let here = format!("{}:{line}", file!());
        assert!(
            panic.message.contains("no samovar runtime"),
            "{:?}",
            panic.message
        );
        assert!(
            panic.message.contains(&here),
            "{:?} lacks {here:?}",
            panic.message
        );
    }
    check(|| TcpListener::bind("127.0.0.1:0"), line!());
    check(|| TcpStream::connect("127.0.0.1:1"), line!());
    check(|| UdpSocket::bind("127.0.0.1:0"), line!());
    check(|| time::timeout(Duration::MAX, pending::<()>()), line!());
}

#[rustfmt::skip]
#[test]
fn settings_that_make_no_sense() {
    check(&["`worker_threads`", "at least 1"], || { Builder::new_multi_thread().worker_threads(0); });
    check(&["`max_blocking_threads`", "at least 1"], || { Builder::new_multi_thread().max_blocking_threads(0); });
    check(&["NUL"], || { Builder::new_multi_thread().thread_name("a\0b"); });
    let rt = current_thread();
    let _guard = rt.enter();
    check(&["period", "zero"], || time::interval(Duration::ZERO));
}

/// Blocks inside async code: refused, and everything goes on.
#[rustfmt::skip]
fn blocks_inside(rt: &Handle, other: &Runtime) {
    const WOULD: &[&str] = &["would block a thread that is running tasks", ".await", "spawn_blocking"];
    check(WOULD, || rt.block_on(async {}));
    check(WOULD, || other.block_on(async {}));
    check(WOULD, || other.handle().block_on(async {}));
    check(WOULD, || samovar::block_on(async {}));
    let third = current_thread();
    check(&["inside a task or a `block_on`"], || third.shutdown_timeout(Duration::ZERO));
}

#[test]
fn block_on_inside_async_code() {
    on_each(|rt| {
        let other = std::sync::Arc::new(current_thread());
        rt.block_on(async { blocks_inside(rt.handle(), &other) });
        let (handle, inner) = (rt.handle().clone(), other.clone());
        rt.block_on(rt.spawn(async move { blocks_inside(&handle, &inner) }))
            .unwrap();
        // Both are as they were.
        assert_eq!(rt.block_on(rt.spawn(async { 1 })).unwrap(), 1);
        assert_eq!(other.block_on(other.spawn(async { 1 })).unwrap(), 1);
    });
}

#[test]
fn block_on_while_a_guard_is_held_is_no_mistake() {
    on_each(|rt| {
        let _guard = rt.enter();
        assert_eq!(rt.block_on(samovar::spawn(async { 1 })).unwrap(), 1);
        assert_eq!(
            samovar::block_on(async {
                Handle::current();
                2
            }),
            2
        );
    });
}

#[test]
fn guards_dropped_out_of_order() {
    watchdog(60, || {
        let (a, b) = (current_thread(), multi_thread(1));
        let in_a = a.enter();
        let in_b = b.enter();
        let panic = panic_of(|| drop(in_a));
        assert!(panic.message.contains("reverse order"), "{}", panic.message);
        // The outer guard has taken the thread to where it was before both, and the inner one leaves it there.
        assert!(Handle::try_current().is_err());
        drop(in_b);
        assert!(Handle::try_current().is_err());
        // In order, everything is as it was at each step.
        let in_a = a.enter();
        let flavor = || Handle::current().runtime_flavor();
        let outside = flavor();
        let in_b = b.enter();
        assert_ne!(flavor(), outside);
        drop(in_b);
        assert_eq!(flavor(), outside);
        drop(in_a);
        assert!(Handle::try_current().is_err());
    });
}

#[test]
fn a_guard_that_leaves_block_on_does_not_break_the_runtime() {
    on_each(|rt| {
        let other = current_thread();
        for _ in 0..3 {
            let guard = rt.block_on(async { other.enter() });
            assert!(Handle::try_current().is_err());
            drop(guard);
            rt.block_on(async { std::mem::forget(other.enter()) });
            assert!(Handle::try_current().is_err());
            assert_eq!(rt.block_on(rt.spawn(async { 1 })).unwrap(), 1);
        }
        let job = rt.spawn_blocking(|| {
            let other = current_thread();
            std::mem::forget(other.enter());
        });
        rt.block_on(job).unwrap();
        assert_eq!(rt.block_on(rt.spawn_blocking(|| 1)).unwrap(), 1);
    });
}

#[test]
fn a_guard_is_dropped_by_a_panic_too() {
    on_each(|rt| {
        let _ = panic_of(|| {
            let _guard = rt.enter();
            panic!("while the guard is held");
        });
        assert!(Handle::try_current().is_err());
    });
}

#[test]
fn a_handle_polled_after_its_output() {
    on_each(|rt| {
        let mut task: JoinHandle<()> = rt.spawn(async {});
        rt.block_on(async {
            (&mut task).await.unwrap();
            assert!(task.is_finished());
            task.abort();
        });
        let panic = panic_of(|| {
            rt.block_on(async {
                let _ = (&mut task).await;
            });
        });
        assert!(panic.message.contains("polled after"), "{}", panic.message);
        let panic = panic_of(|| {
            rt.block_on(async {
                let never = samovar::spawn(std::future::pending::<()>());
                never.abort();
                never.await.unwrap_err().into_panic()
            });
        });
        assert!(panic.message.contains("is_panic"), "{}", panic.message);
    });
}
