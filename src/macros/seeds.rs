//! What `#[samovar::test(seeds = ..)]` calls: the same test under one seed after the other.
//!
//! A function, and no text of the macro: it is compiled once, and not in every test. What is printed when a seed fails is a
//! command to be copied, for the run has to be repeated before anybody can understand it.

use std::env;
use std::ffi::OsStr;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{ExitCode, Termination};

use crate::runtime::Runtime;

/// Replaces the seeds of every test: a number, or a range.
const VARIABLE: &str = "SAMOVAR_SEED";

/// Runs a test under each seed, and says which one failed and how to repeat that.
///
/// # Panics
///
/// With the test's own panic; when it returns an error; when there are no seeds or `SAMOVAR_SEED` is none.
#[track_caller]
pub fn run_seeds<F>(
    module: &str,
    name: &str,
    seeds: Range<u64>,
    build: impl Fn(u64) -> io::Result<Runtime>,
    test: impl Fn() -> F,
) where
    F: Future<Output: Termination>,
{
    let seeds = env::var_os(VARIABLE).map_or(seeds, |value| parse(&value));
    assert!(
        !seeds.is_empty(),
        "there is no seed in {seeds:?}: the test would not run"
    );
    for seed in seeds.clone() {
        let run = || {
            let runtime = build(seed).expect("failed to build the runtime");
            runtime.block_on(test()).report()
        };
        let explain = || eprintln!("{}", explanation(seed, &seeds, module, name));
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(ExitCode::SUCCESS) => {}
            Ok(_) => {
                explain();
                panic!("the test has returned an error with seed {seed}");
            }
            Err(panic) => {
                explain();
                resume_unwind(panic);
            }
        }
    }
}

/// The seeds that the environment asks for.
#[track_caller]
fn parse(value: &OsStr) -> Range<u64> {
    let value = value.to_string_lossy();
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let seeds = match value.split_once("..") {
        Some((first, end)) => number(first)
            .zip(number(end))
            .map(|(first, end)| first..end),
        None => number(&value).map(|seed| seed..seed.saturating_add(1)),
    };
    match seeds {
        Some(seeds) => seeds,
        None => panic!("{VARIABLE} is `{value}`: it must be a number, or a range like 0..1000"),
    }
}

/// Which seed failed, and the command that runs it again.
fn explanation(seed: u64, seeds: &Range<u64>, module: &str, name: &str) -> String {
    // The test harness names tests without their crate.
    let path = match module.split_once("::") {
        Some((_, module)) => format!("{module}::{name}"),
        None => name.to_owned(),
    };
    let package = env::var("CARGO_PKG_NAME").map_or(String::new(), |name| format!(" -p {name}"));
    format!(
        "seed {seed} of {seeds:?} fails; to repeat this run:\n    \
         {VARIABLE}={seed} cargo test{package} {path} -- --exact --nocapture"
    )
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn the_environment_says_a_number_or_a_range() {
        assert_eq!(parse("17".as_ref()), 17..18);
        assert_eq!(parse(" 3..9 ".as_ref()), 3..9);
    }

    #[test]
    #[should_panic(
        expected = "SAMOVAR_SEED is `tea`: it must be a number, or a range like 0..1000"
    )]
    fn anything_else_is_refused() {
        parse("tea".as_ref());
    }

    #[test]
    #[should_panic(expected = "SAMOVAR_SEED is `\u{fffd}`")]
    fn what_is_no_text_is_refused_too() {
        parse(OsStr::from_bytes(&[0xff]));
    }

    #[test]
    fn the_command_names_the_test_as_the_harness_does() {
        let command = explanation(17, &(0..1000), "kitchen::tests", "two_cooks");
        assert!(command.starts_with("seed 17 of 0..1000 fails"), "{command}");
        assert!(
            command.contains("SAMOVAR_SEED=17 cargo test -p samovar tests::two_cooks -- --exact")
        );
        assert!(explanation(1, &(0..2), "kitchen", "tea").contains(" tea -- "));
    }
}
