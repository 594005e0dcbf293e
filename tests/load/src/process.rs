//! What a process has: memory, descriptors, threads.
//!
//! **Memory is flat** if the largest resident size of the last quarter of the run is at most that of the second quarter plus a
//! tenth and 8 MiB. In the first quarter the connections come and every buffer and table grows to its size; the tenth is for
//! the dice, which may ask for more bytes at a time later than before; the 8 MiB are for runs with few connections, where an
//! allocator's arenas weigh more than what they hold. It is judged only if the first quarter was long enough to be a
//! warm-up: so many connections must have ended in it as there are at a time.

use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How long what is to go away may stay as it is.
pub const STUCK: Duration = Duration::from_secs(5);

/// Makes sure that this process may have so many descriptors.
pub fn allow_descriptors(wanted: usize) -> Result<(), String> {
    let wanted = wanted as u64;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(wanted),
        // Who may, raises the hard limit too.
        maximum: limit.maximum.map(|maximum| maximum.max(wanted)),
    };
    setrlimit(Resource::Nofile, raised).map_err(|error| {
        let now = limit.current.unwrap_or_default();
        format!(
            "{wanted} descriptors are needed, the limit is {now} and cannot be raised ({error}): ask for fewer connections, or \
             raise it (`ulimit -n {wanted}`, as root if need be)"
        )
    })
}

/// The process with this id, seen through `/proc`.
#[derive(Debug, Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    /// The one that asks.
    pub fn this() -> Process {
        Process(std::process::id())
    }

    /// How many descriptors are open.
    pub fn descriptors(self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.0)).map_or(0, Iterator::count)
    }

    /// How many of its threads belong to a runtime, by their names.
    fn runtime_threads(self) -> usize {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0))
            .into_iter()
            .flatten();
        // A thread may end meanwhile.
        let names = tasks
            .flatten()
            .filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.starts_with("samovar")).count()
    }

    /// What is left when a runtime was dropped: threads of it, and descriptors beyond those that there were `before`. What goes
    /// away in a moment is not left: the kernel lists a thread a little longer than it runs.
    pub fn left(self, before: usize) -> (usize, usize) {
        let start = Instant::now();
        loop {
            let descriptors = self.descriptors().saturating_sub(before);
            let left = (self.runtime_threads(), descriptors);
            if left == (0, 0) || start.elapsed() > STUCK {
                return left;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Its resident size in KiB.
    fn resident(self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
            .unwrap_or(0)
    }
}

/// The resident size of a process in the course of a run, in KiB.
#[derive(Debug)]
pub struct Memory {
    /// Whose.
    process: Process,
    /// Before the first connection.
    pub begin: u64,
    /// The largest of each quarter of the run.
    quarters: [u64; 4],
    /// The first quarter was a warm-up.
    is_warm: bool,
}

impl Memory {
    /// Looks for the first time.
    pub fn new(process: Process) -> Memory {
        Memory {
            process,
            begin: process.resident(),
            quarters: [0; 4],
            is_warm: false,
        }
    }

    /// Looks again, when this part of the run is over, and so many connections have ended in each slot.
    pub fn look(&mut self, progress: f64, rounds: f64) {
        let quarter = ((4.0 * progress) as usize).min(3);
        if self.quarters[1..] == [0; 3] {
            // In the first quarter, or just after it.
            self.is_warm = rounds >= 1.0;
        }
        let largest = &mut self.quarters[quarter];
        *largest = self.process.resident().max(*largest);
    }

    /// The largest size of the second quarter.
    pub fn warm(&self) -> u64 {
        self.quarters[1]
    }

    /// The largest size of the last quarter.
    pub fn end(&self) -> u64 {
        self.quarters[3]
    }

    /// Whether it was flat; `None`: it was not even warm, or nobody could look in time.
    pub fn is_flat(&self) -> Option<bool> {
        let limit = self.warm() + self.warm() / 10 + (8 << 10);
        (self.is_warm && self.warm() > 0).then_some(self.end() <= limit)
    }
}
