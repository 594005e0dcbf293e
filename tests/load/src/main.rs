//! A load that behaves badly: thousands of connections that come and go, some slowly, some in bursts, some cut off in the
//! middle, on a server and on clients that both run on Samovar. `.ci/load` runs it in many settings.
//!
//! ```text
//!   this process: the clients                         the server, a process of its own
//!   ┌──────────────────────────┐   id, bytes ──►     ┌──────────────────────────────┐
//!   │ N slots, each a task that│   ◄── answers       │ a task (or two) for each     │
//!   │ makes one connection     │   ◄── sums, at the  │ connection; hogs beside them │
//!   │ after the other          │       end in order  └──────────────┬───────────────┘
//!   └────────────┬─────────────┘                                    │ standard output:
//!                └────────► ledger: both sides' sums agree ◄────────┘ the sums of each connection
//! ```
//!
//! What is checked:
//!
//! - **bytes**: what a client sends is random but known ([`bytes`]), so it compares each answer as it comes. When a
//!   connection ends in order, count and checksum are the same at both ends, in both directions. When it was cut off, what
//!   the server has read is the beginning of what was sent, and what it answered is the answer to that ([`ledger`]);
//! - **memory**: the resident size of both processes is flat once they are warm ([`process`] has the rule);
//! - **what is left**: when the last connection has ended, both have the tasks and the descriptors that they had before the
//!   first one; when the runtime is dropped, no thread and no descriptor of it is left;
//! - **time**: nothing hangs. How long a sleep of 5 ms took at most is told, not judged: that depends on the machine.
//!
//! `--plant byte` (or `task`, `descriptor`, `memory`) makes the server do wrong, to show that it would be noticed.

mod bytes;
mod client;
mod drive;
mod hogs;
mod ledger;
mod plan;
mod process;
mod server;
mod settings;

use std::env;
use std::process::ExitCode;

use settings::Settings;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1).peekable();
    let serves = arguments.next_if(|first| first == "serve").is_some();
    let done = Settings::parse(arguments).and_then(|settings| {
        process::allow_descriptors(settings.connections + 200)?;
        if serves {
            server::run(&settings)
        } else {
            drive::run(&settings)
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::FAILURE
        }
    }
}
