//! What one connection does, thrown with dice.

use std::time::Duration;

use crate::bytes::Random;

/// How a client behaves from its connect to its end.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many bytes it sends, if nothing comes between.
    pub bytes: u64,
    /// How many it hands over in one write at most.
    pub write: usize,
    /// The longest pause after a write.
    pub write_pause: Duration,
    /// It sends nothing more until all answers are there.
    pub takes_turns: bool,
    /// How many it takes in one read at most.
    pub read: usize,
    /// The longest pause before a read.
    pub read_pause: Duration,
    /// It begins to read when it has sent everything, and has said so.
    pub reads_last: bool,
    /// How it ends.
    pub end: End,
}

/// The end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It shuts its sending direction down, and reads the rest of the answers, the server's closing words, and the end.
    InOrder,
    /// It is dropped as soon as so many bytes have come back: the server finds out by itself.
    Closed(u64),
    /// The same, with `SO_LINGER` 0: the server is told by a reset.
    Reset(u64),
}

impl Plan {
    /// Throws the dice. `pause`: the longest between two steps.
    pub fn new(random: &mut Random, pause: Duration) -> Plan {
        let calm = Plan {
            bytes: random.between(0, 20_000),
            write: 2048,
            write_pause: pause,
            takes_turns: true,
            read: 8192,
            read_pause: Duration::ZERO,
            reads_last: false,
            end: End::InOrder,
        };
        let burst = Plan {
            bytes: random.between(64 << 10, 512 << 10),
            write: 16 << 10,
            write_pause: Duration::ZERO,
            takes_turns: false,
            read: 16 << 10,
            ..calm.clone()
        };
        match random.between(0, 99) {
            0..35 => calm,
            // Slow writer.
            35..50 => Plan {
                bytes: random.between(1, 300),
                write: 10,
                takes_turns: false,
                ..calm
            },
            // Slow reader: the answers pile up, until the server cannot write.
            50..60 => Plan {
                bytes: random.between(16 << 10, 256 << 10),
                read_pause: pause,
                ..burst
            },
            60..70 => burst,
            // Half-closed before the first answer is read.
            70..80 => Plan {
                bytes: random.between(0, 16 << 10),
                reads_last: true,
                ..burst
            },
            // Says nothing, and goes.
            80..84 => Plan {
                end: End::Closed(0),
                ..calm
            },
            84..88 => Plan {
                end: End::Reset(0),
                ..calm
            },
            // Cut off in the middle, while it is quiet or while much is under way.
            cut => {
                let plan = if cut % 2 == 0 { calm } else { burst };
                let at = random.between(0, plan.bytes);
                let end = if cut < 94 {
                    End::Closed(at)
                } else {
                    End::Reset(at)
                };
                Plan { end, ..plan }
            }
        }
    }
}
