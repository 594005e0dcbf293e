//! The memory that a process occupies, and how many files it may open.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The resident bytes of this process: from the page tables, since the counters of `/proc/self/statm` lag behind. Only
/// Linux tells.
pub fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/smaps_rollup").expect("only Linux tells the memory");
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    kilobytes
        .and_then(|number| number.parse::<u64>().ok())
        .expect("a line with the resident memory")
        * 1024
}

/// Lets this process and those it starts open as many files as they ever may; how many that is.
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let _ = setrlimit(Resource::Nofile, most);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
