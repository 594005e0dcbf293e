//! The bytes of a connection, what the server makes of them, and the sum over them.
//!
//! Every byte is a function of its place: so both ends can be compared at any point, also where a connection was cut off,
//! and nothing that was sent has to be kept.

/// Spreads a number over all 64 bits: the end of SplitMix64.
pub fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Numbers that look random.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Random {
        Random(mix(seed))
    }

    /// From `low` to `high`, with both.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        low + mix(self.0) % (high - low + 1)
    }

    /// Others, which do not depend on how these go on.
    pub fn split(&mut self) -> Random {
        self.0 = self.0.wrapping_add(1);
        Random::new(!mix(self.0))
    }
}

/// What one connection sends: endless, random, and known at every place.
#[derive(Debug, Clone, Copy)]
pub struct Stream(u64);

impl Stream {
    /// What connection `id` sends in a run with this seed.
    pub fn of(id: u64, seed: u64) -> Stream {
        Stream(mix(id ^ mix(seed)))
    }

    /// The bytes from place `from` on.
    pub fn fill(self, buffer: &mut [u8], from: u64) {
        let mut block = 0;
        for (index, byte) in buffer.iter_mut().enumerate() {
            let at = from + index as u64;
            if index == 0 || at % 8 == 0 {
                block = mix(self.0 ^ (at / 8));
            }
            *byte = (block >> (at % 8 * 8)) as u8;
        }
    }

    /// The sums over the first `count` bytes, and over the answer to them.
    pub fn prefix(self, count: u64) -> (Sum, Sum) {
        let (mut sent, mut answered) = (Sum::default(), Sum::default());
        let mut buffer = [0; 4096];
        while sent.count < count {
            let left = count - sent.count;
            let part = &mut buffer[..left.min(4096) as usize];
            self.fill(part, sent.count);
            sent.add(part);
            answer(part);
            answered.add(part);
        }
        (sent, answered)
    }
}

/// What the server makes of what it gets: no mere echo, so that nothing can come back without it.
pub fn answer(bytes: &mut [u8]) {
    for byte in bytes {
        *byte = !*byte;
    }
}

/// How many bytes there were, and a checksum over them in their order (FNV-1a).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// Their checksum.
    pub hash: u64,
}

impl Default for Sum {
    fn default() -> Sum {
        Sum {
            count: 0,
            hash: 0xcbf2_9ce4_8422_2325,
        }
    }
}

impl Sum {
    /// Goes on with these.
    pub fn add(&mut self, bytes: &[u8]) {
        self.count += bytes.len() as u64;
        self.hash = bytes.iter().fold(self.hash, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    }
}

/// How long the [`Closing`] words of the server are.
pub const CLOSING: usize = 32;

/// What the server says at the end of a connection that ends in order: what it has read, and what it has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// What it has read.
    pub read: Sum,
    /// What it has answered.
    pub answered: Sum,
}

impl Closing {
    /// As it is sent.
    pub fn to_bytes(self) -> [u8; CLOSING] {
        let numbers = [
            self.read.count,
            self.read.hash,
            self.answered.count,
            self.answered.hash,
        ];
        let mut bytes = [0; CLOSING];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_in_whatever_parts_it_is_made() {
        let stream = Stream::of(7, 1);
        let mut whole = [0; 100];
        stream.fill(&mut whole, 0);
        for cut in 0..100 {
            let mut parts = [0; 100];
            let (begin, end) = parts.split_at_mut(cut);
            stream.fill(begin, 0);
            stream.fill(end, cut as u64);
            assert_eq!(whole, parts);
        }
        let mut sum = Sum::default();
        sum.add(&whole);
        assert_eq!(stream.prefix(100).0, sum);
    }

    #[test]
    fn a_sum_notices_a_lost_byte_a_wrong_one_and_two_that_changed_places() {
        let sum = |bytes: &[u8]| {
            let mut sum = Sum::default();
            sum.add(bytes);
            sum
        };
        let right = sum(&[1, 2, 3, 0]);
        for wrong in [&[1, 2, 3][..], &[1, 2, 4, 0], &[2, 1, 3, 0]] {
            assert_ne!(right, sum(wrong));
        }
    }
}
