//! Fuzzes the life of tasks.
#![no_main]

#[path = "../../scripts/mod.rs"]
mod scripts;

libfuzzer_sys::fuzz_target!(|script: &[u8]| scripts::run_one_of(scripts::TASKS, script));
