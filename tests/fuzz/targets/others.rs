//! Fuzzes the cell that is written once, the set of tasks, intervals, and the connection in memory.
#![no_main]

#[path = "../../scripts/mod.rs"]
mod scripts;

libfuzzer_sys::fuzz_target!(|script: &[u8]| scripts::run_one_of(scripts::OTHERS, script));
