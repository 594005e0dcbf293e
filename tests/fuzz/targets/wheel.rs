//! Fuzzes the timer wheel, whose source is taken in as it is: it needs nothing of the library.
#![no_main]
#![allow(dead_code)]

#[path = "../../../src/time/wheel.rs"]
mod wheel;
use wheel::{Key, Wheel};

#[path = "../../scripts/wheel.rs"]
mod script;

libfuzzer_sys::fuzz_target!(|script: &[u8]| script::run(script));
