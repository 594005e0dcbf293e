//! Random scripts on channels, locks, macros and tasks, against Tokio's and against plain models: see `scripts`.
//!
//! Each property runs 256 scripts here; `PROPTEST_CASES=100000 cargo test --release --test properties` runs more, and
//! `.ci/fuzz` goes on for as long as one likes, led by what it has covered.

mod scripts;

use proptest::prelude::*;

/// A script: bytes, that shrink by two, since that is an operation.
fn script() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<[u8; 2]>(), 0..150).prop_map(|steps| steps.concat())
}

/// One property for each interpreter.
macro_rules! agree {
    ($($name:ident: $run:path;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
            $(
                #[test]
                fn $name(script in script()) {
                    $run(&script);
                }
            )*
        }
    };
}

agree! {
    mpsc_agrees: scripts::mpsc::run;
    unbounded_agrees: scripts::unbounded::run;
    oneshot_agrees: scripts::oneshot::run;
    broadcast_agrees: scripts::broadcast::run;
    watch_agrees: scripts::watch::run;
    mutex_agrees: scripts::mutex::run;
    rwlock_agrees: scripts::rwlock::run;
    semaphore_agrees: scripts::semaphore::run;
    notify_agrees: scripts::notify::run;
    barrier_agrees: scripts::barrier::run;
    select_agrees: scripts::macros::select;
    join_agrees: scripts::macros::join;
    tasks_agree: scripts::tasks::run;
    timers_agree: scripts::timers::run;
    once_cell_agrees: scripts::once_cell::run;
    join_set_agrees: scripts::join_set::run;
    interval_agrees: scripts::interval::run;
    duplex_agrees: scripts::duplex::run;
}

// The scripts that the fuzzer kept: together they go all the ways that it has found.

#[test]
fn the_corpus_of_the_channels_agrees() {
    scripts::run_corpus(scripts::CHANNELS, include_str!("scripts/corpus/channels"));
}

#[test]
fn the_corpus_of_the_locks_agrees() {
    scripts::run_corpus(scripts::LOCKS, include_str!("scripts/corpus/locks"));
}

#[test]
fn the_corpus_of_the_macros_agrees() {
    scripts::run_corpus(scripts::MACROS, include_str!("scripts/corpus/macros"));
}

#[test]
fn the_corpus_of_the_tasks_agrees() {
    scripts::run_corpus(scripts::TASKS, include_str!("scripts/corpus/tasks"));
}

#[test]
fn the_corpus_of_the_others_agrees() {
    scripts::run_corpus(scripts::OTHERS, include_str!("scripts/corpus/others"));
}
