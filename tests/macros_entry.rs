//! `#[samovar::main]` and `#[samovar::test]`: what they expand to, shown on a builder that only keeps a record, and
//! what they say when they are used wrongly. Whether a real runtime runs behind them is shown in `attributes.rs`.
#![cfg(feature = "macros")]
#![deny(unused)]
#![allow(missing_docs)]

use std::cell::RefCell;
use std::process::{ExitCode, Termination};

thread_local! {
    /// The calls that the builders of this thread received.
    static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn record(call: impl Into<String>) {
    CALLS.with_borrow_mut(|calls| calls.push(call.into()));
}

/// What was recorded since the last look.
fn calls() -> String {
    CALLS.take().join(" ")
}

/// In the place of the crate: a builder that records.
mod fake {
    pub mod runtime {
        use crate::record;

        pub struct Builder;
        pub struct Runtime;

        impl Builder {
            pub fn new_multi_thread() -> Self {
                record("multi_thread");
                Builder
            }
            pub fn new_current_thread() -> Self {
                record("current_thread");
                Builder
            }
            pub fn worker_threads(&mut self, number: usize) -> &mut Self {
                record(format!("worker_threads({number})"));
                self
            }
            pub fn enable_all(&mut self) -> &mut Self {
                record("enable_all");
                self
            }
            pub fn build(&mut self) -> std::io::Result<Runtime> {
                record("build");
                Ok(Runtime)
            }
        }

        impl Runtime {
            pub fn block_on<F: Future>(&self, future: F) -> F::Output {
                record("block_on");
                futures::executor::block_on(future)
            }
        }
    }

    /// The same, but it cannot be built.
    pub mod broken {
        pub mod runtime {
            pub struct Builder;

            impl Builder {
                pub fn new_multi_thread() -> Self {
                    Builder
                }
                pub fn enable_all(&mut self) -> &mut Self {
                    self
                }
                pub fn build(&mut self) -> std::io::Result<super::super::runtime::Runtime> {
                    Err(std::io::Error::other("no threads left"))
                }
            }
        }
    }
}

#[test]
fn main_builds_a_runtime_of_many_threads() {
    #[samovar::main(crate = "fake")]
    async fn entry() -> u32 {
        std::future::ready(42).await
    }
    assert_eq!(entry(), 42);
    assert_eq!(calls(), "multi_thread enable_all build block_on");
}

#[test]
fn main_takes_a_flavor() {
    #[samovar::main(flavor = "current_thread", crate = "fake")]
    async fn one() {}
    #[samovar::main(flavor = "multi_thread", crate = "fake")]
    async fn many() {}
    one();
    assert_eq!(calls(), "current_thread enable_all build block_on");
    many();
    assert_eq!(calls(), "multi_thread enable_all build block_on");
}

#[test]
fn worker_threads_is_an_expression() {
    const NUMBER: usize = 2;
    #[samovar::main(worker_threads = NUMBER + 1, crate = "fake")]
    async fn entry() {}
    entry();
    assert_eq!(
        calls(),
        "multi_thread worker_threads(3) enable_all build block_on"
    );
}

#[test]
fn the_path_of_the_crate_needs_no_quotes() {
    #[samovar::main(crate = crate::fake)]
    async fn entry() -> u32 {
        7
    }
    assert_eq!(entry(), 7);
}

#[samovar::test(crate = "fake")]
async fn a_test_has_one_thread() {
    assert_eq!(calls(), "current_thread enable_all build block_on");
}

#[samovar::test(flavor = "multi_thread", worker_threads = 2, crate = "fake")]
async fn a_test_may_have_many_threads() {
    assert_eq!(
        calls(),
        "multi_thread worker_threads(2) enable_all build block_on"
    );
}

#[samovar::test(crate = "fake")]
#[should_panic(expected = "boiled dry")]
async fn should_panic_is_kept() {
    panic!("boiled dry");
}

#[samovar::test(crate = "fake")]
#[ignore = "it would fail: this shows that `#[ignore]` is kept"]
async fn ignore_is_kept() {
    panic!("ran although it is ignored");
}

#[samovar::test(crate = "fake")]
async fn a_test_may_return_a_result() -> Result<(), std::num::ParseIntError> {
    let number: u32 = "12".parse()?;
    assert_eq!(number, 12);
    Ok(())
}

#[samovar::test(crate = "fake")]
async fn r#match() {
    assert_eq!(calls(), "current_thread enable_all build block_on");
}

#[test]
fn errors_and_early_returns_come_out() {
    #[samovar::main(crate = "fake")]
    async fn entry() -> Result<u32, Box<dyn std::error::Error>> {
        if std::future::ready(false).await {
            return Ok(1);
        }
        let number: u32 = "not a number".parse()?;
        Ok(number)
    }
    assert!(entry().is_err());
}

#[test]
fn the_output_may_be_opaque() {
    #[samovar::main(crate = "fake")]
    async fn entry() -> impl Termination {
        ExitCode::from(3)
    }
    assert_eq!(
        format!("{:?}", entry().report()),
        format!("{:?}", ExitCode::from(3))
    );
}

#[test]
#[should_panic(
    expected = "failed to build the runtime: Custom { kind: Other, error: \"no threads left\" }"
)]
fn a_runtime_that_cannot_be_built_panics() {
    #[samovar::main(crate = "fake::broken")]
    async fn entry() {}
    entry();
}

mod visible {
    /// Attributes, visibility and inner attributes stay.
    #[samovar::main(crate = "super::fake")]
    #[must_use = "this attribute is kept"]
    pub(super) async fn r#fn() -> u32 {
        #![allow(unused_variables)]
        let unused = 1;
        2
    }
}

#[test]
fn visibility_and_attributes_are_kept() {
    assert_eq!(visible::r#fn(), 2);
}

#[test]
fn names_of_the_user_do_not_meet_those_of_the_expansion() {
    fn runtime() -> usize {
        5
    }
    #[samovar::main(worker_threads = runtime(), crate = "fake")]
    async fn entry() -> usize {
        runtime()
    }
    assert_eq!(entry(), 5);
    assert!(calls().contains("worker_threads(5)"));
}

macro_rules! entry {
    ($function:item) => {
        #[samovar::main(crate = "fake")]
        $function
    };
}

entry! {
    pub(crate) async fn whole() -> u16 {
        3
    }
}

macro_rules! entries {
    ($($flavor:literal $vis:vis $name:ident $output:ty $body:block)*) => {
        $(
            #[samovar::main(flavor = $flavor, crate = "fake")]
            $vis async fn $name() -> $output $body
        )*
    };
}

entries! {
    "current_thread" pub(crate) small u8 { 1 }
    "multi_thread" pub(crate) large u64 { 2 }
}

#[test]
fn a_macro_may_write_the_function() {
    assert_eq!((whole(), small(), large()), (3, 1, 2));
    assert_eq!(
        calls(),
        "multi_thread enable_all build block_on \
         current_thread enable_all build block_on \
         multi_thread enable_all build block_on"
    );
}

/// The errors of the files in `tests/ui`, from the compiler itself.
mod errors {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::sync::OnceLock;

    /// rustc, the one that cargo uses.
    fn rustc() -> Command {
        let mut command =
            Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")));
        command
            .arg("--edition=2024")
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        command
    }

    /// The folder with the macros, under the name of the crate that re-exports them. They are compiled here, and once:
    /// they depend on nothing, and the target folder may hold any number of older ones.
    fn macros() -> &'static Path {
        static FOLDER: OnceLock<PathBuf> = OnceLock::new();
        FOLDER.get_or_init(|| {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("macros_entry");
            std::fs::create_dir_all(&folder).unwrap();
            let output = rustc()
                .args(["--crate-type=proc-macro", "--crate-name=samovar"])
                .args(["--extern=proc_macro", "macros/src/lib.rs", "--out-dir"])
                .arg(&folder)
                .output()
                .expect("rustc runs");
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{errors}");
            folder
        })
    }

    /// Compiles `tests/ui/<name>.rs`, and compares its errors with those it announces, place by place. A warning is an
    /// error more.
    fn check(name: &str) {
        let file = format!("tests/ui/{name}.rs");
        let source =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        let lines: Vec<&str> = source.lines().collect();
        let output = rustc()
            .args(["--crate-type=lib", "--emit=metadata", "--test"])
            .args(["--error-format=short", "--extern=samovar", "-L"])
            .arg(macros())
            .arg("--out-dir")
            .arg(macros())
            .arg(&file)
            .output()
            .expect("rustc runs");
        let stderr = String::from_utf8(output.stderr).unwrap();

        // `file:line:column: error[code]: message`
        let mut errors = Vec::new();
        for error in stderr.lines().filter_map(|line| line.split_once(".rs:")) {
            let mut parts = error.1.splitn(4, ':');
            let line: usize = parts.next().unwrap().parse().unwrap();
            let column: usize = parts.next().unwrap().parse().unwrap();
            let message = parts.nth(1).unwrap().trim();
            errors.push((line, &lines[line - 1][column - 1..], message));
        }
        errors.sort_unstable();
        let expected = lines.iter().enumerate().filter_map(|(at, line)| {
            let (culprit, message) = line.split_once("//~ ")?.1.split_once(" => ")?;
            Some((at + 1, culprit, message))
        });
        let expected: Vec<_> = expected.collect();
        let same = errors.len() == expected.len()
            && errors.iter().zip(&expected).all(|(is, should)| {
                is.0 == should.0 && is.1.starts_with(should.1) && is.2.contains(should.2)
            });
        assert!(same, "expected {expected:#?}\nfound\n{stderr}");
        assert!(!expected.is_empty());
    }

    #[test]
    #[cfg_attr(miri, ignore = "runs the compiler")]
    fn of_arguments_name_the_argument() {
        check("arguments");
    }

    #[test]
    #[cfg_attr(miri, ignore = "runs the compiler")]
    fn of_functions_name_what_is_missing_or_too_much() {
        check("functions");
    }

    #[test]
    #[cfg_attr(miri, ignore = "runs the compiler")]
    fn in_bodies_stand_where_they_were_made() {
        check("bodies");
    }
}
