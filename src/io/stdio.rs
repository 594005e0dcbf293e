//! [`stdin`], [`stdout`] and [`stderr`]: the standard streams of the process.
//!
//! They may be files, and the system cannot wait for a file as it waits for a socket; so each operation is a blocking call
//! on a thread of the blocking pool. That is right for a program in a pipe. A program that speaks with a person does better
//! with a thread of its own that reads and a channel: a read that has begun cannot be stopped.

use std::io;

use super::blocking::Blocking;
use super::pass_on::{passes_reads_on, passes_writes_on};

/// The standard input of the process.
///
/// A runtime that is dropped waits for jobs that have begun, so a read that nobody answers delays the end of the program
/// until there is a line or an end. [`Runtime::shutdown_background`](crate::runtime::Runtime::shutdown_background) does
/// not wait.
///
/// ```no_run
/// use samovar::io::{AsyncBufReadExt, BufReader, stdin};
///
/// #[samovar::main]
/// async fn main() -> std::io::Result<()> {
///     let mut lines = BufReader::new(stdin()).lines();
///     while let Some(line) = lines.next_line().await? {
///         println!("{} cups of {line}", line.len());
///     }
///     Ok(())
/// }
/// ```
pub fn stdin() -> Stdin {
    Stdin {
        inner: Blocking::new(io::stdin()),
    }
}

/// The standard input of the process: see [`stdin`](stdin()).
///
/// Reads are cancel safe as long as this value lives: what a cancelled read gets after all, the next one returns. Two values
/// share the process's input, but not what each of them has read already: make only one.
///
/// # Panics
///
/// Reading outside a runtime.
///
/// ```
/// let input: samovar::io::Stdin = samovar::io::stdin();
/// # drop(input);
/// ```
#[derive(Debug)]
pub struct Stdin {
    /// The input, here or at work.
    inner: Blocking<io::Stdin>,
}

/// The standard output of the process.
///
/// ```
/// use samovar::io::{AsyncWriteExt, stdout};
///
/// #[samovar::main]
/// async fn main() -> std::io::Result<()> {
///     let mut output = stdout();
///     output.write_all(b"tea is ready\n").await?;
///     output.flush().await
/// }
/// ```
pub fn stdout() -> Stdout {
    Stdout {
        inner: Blocking::new(io::stdout()),
    }
}

/// The standard output of the process: see [`stdout`](stdout()).
///
/// A write returns when it has been handed to a thread; the next operation returns its error. **Flush before the end**: a
/// runtime that ends before that thread came to it drops what was written.
///
/// Up to 64 KiB that are written at once stay together. Two values are not ordered among each other: make one and keep it.
///
/// # Panics
///
/// Writing outside a runtime.
///
/// ```
/// let output: samovar::io::Stdout = samovar::io::stdout();
/// # drop(output);
/// ```
#[derive(Debug)]
pub struct Stdout {
    /// The output, here or at work.
    inner: Blocking<io::Stdout>,
}

/// The standard error output of the process.
///
/// ```
/// use samovar::io::{AsyncWriteExt, stderr};
///
/// #[samovar::main]
/// async fn main() -> std::io::Result<()> {
///     let mut output = stderr();
///     output.write_all(b"the samovar is empty\n").await?;
///     output.flush().await
/// }
/// ```
pub fn stderr() -> Stderr {
    Stderr {
        inner: Blocking::new(io::stderr()),
    }
}

/// The standard error output of the process: see [`stderr`](stderr()).
///
/// It works as [`Stdout`] does. **Flush before the end.**
///
/// # Panics
///
/// Writing outside a runtime.
///
/// ```
/// let output: samovar::io::Stderr = samovar::io::stderr();
/// # drop(output);
/// ```
#[derive(Debug)]
pub struct Stderr {
    /// The output, here or at work.
    inner: Blocking<io::Stderr>,
}

passes_reads_on!([] Stdin);
passes_writes_on!([] Stdout);
passes_writes_on!([] Stderr);
