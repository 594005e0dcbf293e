//! Signals: each test has one of its own, for they concern the whole process.
#![cfg(unix)]

mod eco_support;

use std::process::Command;

use eco_support::{on_both, watchdog};
use futures::FutureExt;
use samovar::runtime::{Builder, Runtime};
use samovar::signal::ctrl_c;
use samovar::signal::unix::{Signal, SignalKind, signal};
use samovar::task::yield_now;

/// Sends the signal to this thread; the handler has run when this returns.
fn raise(kind: SignalKind) {
    signal_hook::low_level::raise(kind.as_raw_value()).unwrap();
}

#[test]
fn a_signal_from_another_process_is_heard() {
    watchdog(|| {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut terminate = signal(SignalKind::terminate()).unwrap();
            let task = samovar::spawn(async move { terminate.recv().await });
            let kill = Command::new("kill")
                .args(["-TERM", &std::process::id().to_string()])
                .status();
            assert!(kill.unwrap().success());
            assert_eq!(task.await.unwrap(), Some(()));
        });
    });
}

#[test]
fn ctrl_c_completes_and_no_longer_ends_the_process() {
    on_both(|| async {
        let waits = samovar::spawn(ctrl_c());
        // It listens from its first poll on. A Ctrl-C before it would end the process, so another one listens already.
        let listens = signal(SignalKind::interrupt()).unwrap();
        while !waits.is_finished() {
            raise(SignalKind::interrupt());
            yield_now().await;
        }
        waits.await.unwrap().unwrap();
        drop(listens);
        raise(SignalKind::interrupt());
    });
}

#[test]
fn signals_that_come_unseen_are_one_event() {
    on_both(|| async {
        let kind = SignalKind::user_defined1();
        let mut signals = signal(kind).unwrap();
        assert_eq!(signals.recv().now_or_never(), None);
        for times in [1, 3, 64, 65, 1000] {
            for _ in 0..times {
                raise(kind);
            }
            assert_eq!(signals.recv().await, Some(()), "{times} times");
            assert_eq!(signals.recv().now_or_never(), None, "{times} times");
        }
    });
}

#[test]
fn every_listener_of_every_runtime_hears() {
    watchdog(|| {
        let kind = SignalKind::user_defined2();
        let runtimes = [Runtime::new().unwrap(), Runtime::new().unwrap()];
        let waits: Vec<_> = runtimes
            .iter()
            .flat_map(|runtime| [runtime, runtime])
            .map(|runtime| {
                let mut signals = runtime.block_on(async { signal(kind).unwrap() });
                runtime.spawn(async move { signals.recv().await })
            })
            .collect();
        raise(kind);
        for wait in waits {
            assert_eq!(runtimes[0].block_on(wait).unwrap(), Some(()));
        }
    });
}

#[test]
fn a_signal_between_two_calls_is_not_lost() {
    on_both(|| async {
        let kind = SignalKind::hangup();
        let mut signals = signal(kind).unwrap();
        for _ in 0..100 {
            assert_eq!(signals.recv().now_or_never(), None);
            raise(kind);
            assert_eq!(signals.recv().await, Some(()));
        }
    });
}

#[test]
fn a_listener_that_is_gone_takes_nothing_along() {
    on_both(|| async {
        let kind = SignalKind::window_change();
        let gone = signal(kind).unwrap();
        let mut stays = signal(kind).unwrap();
        drop(gone);
        raise(kind);
        assert_eq!(stays.recv().await, Some(()));
        drop(stays);
        raise(kind);
    });
}

#[test]
fn after_the_runtimes_end_none_will_come() {
    watchdog(|| {
        let first = Runtime::new().unwrap();
        let mut signals = first.block_on(async {
            let mut signals: Signal = signal(SignalKind::alarm()).unwrap();
            assert_eq!(signals.recv().now_or_never(), None);
            signals
        });
        drop(first);
        let second = Runtime::new().unwrap();
        assert_eq!(second.block_on(signals.recv()), None);
    });
}

#[test]
fn what_cannot_be_caught_is_an_error() {
    on_both(|| async {
        for number in [-1, 0, 4, 8, 9, 11, 19, 4096] {
            let error = signal(SignalKind::from_raw(number)).unwrap_err();
            assert!(!error.to_string().is_empty(), "{number}");
        }
    });
}

#[test]
#[should_panic(expected = "there is no samovar runtime here to listen to a signal")]
fn outside_a_runtime_it_panics() {
    let _ = signal(SignalKind::quit());
}
