//! The rungs of `examples/ladder` as modules, for `tests/ladder.rs` and `benches/ladder.rs`: what is tested and measured is
//! what people read.
#![allow(
    dead_code,
    unused_imports,
    private_interfaces,
    reason = "each is a program, too"
)]

#[path = "../../examples/ladder/1_block_on.rs"]
pub mod rung_1;
#[path = "../../examples/ladder/2_tasks.rs"]
pub mod rung_2;
#[path = "../../examples/ladder/3_timers.rs"]
pub mod rung_3;
#[path = "../../examples/ladder/4_reactor.rs"]
pub mod rung_4;
#[path = "../../examples/ladder/5_join.rs"]
pub mod rung_5;
#[path = "../../examples/ladder/6_workers.rs"]
pub mod rung_6;
