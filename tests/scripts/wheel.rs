//! Scripts of the timer wheel, beside a sorted map that must agree with it.
//!
//! Nobody outside of the library can see the wheel. So this file is not a module of `scripts`: the wheel's own tests
//! (`src/time/wheel_tests.rs`) and the fuzz target take it in, and have `Key` and `Wheel` in scope.

use std::collections::BTreeMap;

use super::{Key, Wheel};

/// Every turn of a wheel of eleven levels moves an entry down or fires it.
const TURNS_PER_ENTRY: usize = 12;

/// Distances at which digits carry: the powers of 64 and their neighbours.
pub fn edges() -> Vec<u64> {
    let powers = (0..11).map(|level| 1u64 << (6 * level));
    let mut edges: Vec<u64> = powers
        .flat_map(|power| [power - 1, power, power + 1])
        .collect();
    edges.extend([1 << 41, u64::MAX - 1, u64::MAX]);
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// What may happen. Entries are chosen among all that ever were, so that keys are stale as well.
#[derive(Clone, Copy, Debug)]
enum Op {
    Insert(u64),
    InsertPast(u64),
    Remove(usize),
    Replace(usize),
    /// Removes and inserts again: what resetting a sleep does.
    Reset(usize, u64),
    Advance(u64),
    AdvanceToNext,
    ClockGoesBack(u64),
    /// Counts in finer ticks: what pausing a clock does.
    Refine(u32),
    Drain,
}

/// A distance: small, at an edge, or anything.
fn distance(edges: &[u64], class: u8, size: u8) -> u64 {
    match class % 4 {
        0 => u64::from(size),
        1 => u64::from(size) * 79,
        2 => edges[usize::from(size) % edges.len()],
        _ => u64::from(size).wrapping_mul(0x0101_0101_0101_0101) >> (class >> 2),
    }
}

fn op(edges: &[u64], step: &[u8]) -> Op {
    let distance = distance(edges, step[1], step[2]);
    let entry = usize::from(step[1]) / 4 + usize::from(step[2]) * 64;
    match step[0] % 32 {
        0..=8 => Op::Insert(distance),
        9 => Op::InsertPast(distance),
        10..=12 => Op::Remove(entry),
        13 => Op::Replace(entry),
        14..=16 => Op::Reset(entry, distance),
        17..=20 => Op::Advance(distance),
        21..=27 => Op::AdvanceToNext,
        28 => Op::ClockGoesBack(distance),
        29 => Op::Refine(u32::from(step[2]) % 21),
        30 if step[2] % 8 == 0 => Op::Drain,
        _ => Op::AdvanceToNext,
    }
}

/// A wheel and the map.
struct Pair {
    wheel: Wheel<u64>,
    /// Payloads by deadline and order of insertion.
    model: BTreeMap<(u64, u64), u64>,
    /// Every key that was ever given out, with what it names in the model.
    keys: Vec<(Key, (u64, u64))>,
    elapsed: u64,
    /// Whether nothing was removed since the wheel was last empty, so that the next deadline must be exact.
    exact: bool,
}

impl Pair {
    fn new(start: u64) -> Self {
        let mut wheel = Wheel::new();
        wheel.advance(start, &mut Vec::new());
        Pair {
            wheel,
            model: BTreeMap::new(),
            keys: Vec::new(),
            elapsed: start,
            exact: true,
        }
    }

    fn insert(&mut self, deadline: u64) {
        let number = self.keys.len() as u64;
        let name = (deadline.max(self.elapsed), number);
        let key = self.wheel.insert(deadline, number);
        self.keys.push((key, name));
        self.model.insert(name, number);
    }

    fn chosen(&self, entry: usize) -> Option<(Key, (u64, u64))> {
        (!self.keys.is_empty()).then(|| self.keys[entry % self.keys.len()])
    }

    fn remove(&mut self, entry: usize) {
        if let Some((key, name)) = self.chosen(entry) {
            assert_eq!(self.wheel.remove(key), self.model.remove(&name));
            self.exact = false;
        }
    }

    fn replace(&mut self, entry: usize) {
        if let Some((key, name)) = self.chosen(entry) {
            let (payload, model) = (self.wheel.get_mut(key), self.model.get_mut(&name));
            assert_eq!(payload, model);
            if let (Some(payload), Some(model)) = (payload, model) {
                (*payload, *model) = (*payload + 1_000_000, *model + 1_000_000);
            }
        }
    }

    fn advance(&mut self, now: u64) {
        self.elapsed = self.elapsed.max(now);
        let mut due = Vec::new();
        self.wheel.advance(now, &mut due);
        let later = match self.elapsed.checked_add(1) {
            Some(next) => self.model.split_off(&(next, 0)),
            None => BTreeMap::new(),
        };
        let expected: Vec<u64> = std::mem::replace(&mut self.model, later)
            .into_values()
            .collect();
        assert_eq!(due, expected, "what is due at {now}");
        let next = self.wheel.next_deadline();
        assert!(next.is_none_or(|next| next > self.elapsed), "no progress");
    }

    /// As far as the deadlines leave room.
    fn refine(&mut self, shift: u32) {
        let latest = self.model.keys().next_back().map_or(0, |name| name.0);
        if latest.max(self.elapsed).leading_zeros() < shift {
            return;
        }
        self.wheel.refine(shift);
        self.elapsed <<= shift;
        let model = std::mem::take(&mut self.model).into_iter();
        self.model = model
            .map(|((deadline, number), payload)| ((deadline << shift, number), payload))
            .collect();
        for (_, name) in &mut self.keys {
            // Those of entries that are gone name nothing, whatever becomes of them.
            name.0 = name.0.wrapping_shl(shift);
        }
        self.exact = true;
    }

    fn drain(&mut self) {
        let mut out = Vec::new();
        self.wheel.drain(&mut out);
        out.sort_unstable();
        let mut expected: Vec<u64> = std::mem::take(&mut self.model).into_values().collect();
        expected.sort_unstable();
        assert_eq!(out, expected);
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Insert(after) => self.insert(self.elapsed.saturating_add(after)),
            Op::InsertPast(before) => self.insert(self.elapsed.saturating_sub(before)),
            Op::Remove(entry) => self.remove(entry),
            Op::Replace(entry) => self.replace(entry),
            Op::Reset(entry, after) => {
                self.remove(entry);
                self.insert(self.elapsed.saturating_add(after));
            }
            Op::Advance(by) => self.advance(self.elapsed.saturating_add(by)),
            Op::AdvanceToNext => {
                if let Some(next) = self.wheel.next_deadline() {
                    self.advance(next);
                }
            }
            Op::ClockGoesBack(by) => self.advance(self.elapsed.saturating_sub(by)),
            Op::Refine(shift) => self.refine(shift),
            Op::Drain => self.drain(),
        }
    }

    fn check(&mut self) {
        assert_eq!(self.wheel.len(), self.model.len());
        assert_eq!(self.wheel.is_empty(), self.model.is_empty());
        self.exact |= self.model.is_empty();
        let earliest = self.model.keys().next().map(|&(deadline, _)| deadline);
        match (self.wheel.next_deadline(), earliest) {
            (None, None) => {}
            (Some(next), Some(earliest)) => {
                assert!(next <= earliest, "would wake at {next} for {earliest}");
                assert!(next >= self.elapsed);
                let exact = next == earliest;
                assert!(exact || !self.exact, "would wake at {next} for {earliest}");
            }
            (next, earliest) => panic!("next deadline {next:?}, but {earliest:?} is the earliest"),
        }
    }
}

/// Runs a script of the corpus, in hexadecimal digits.
#[cfg(test)]
pub fn run_line(line: &str) {
    let byte = |at: usize| u8::from_str_radix(&line[at..at + 2], 16).expect("two digits");
    let script: Vec<u8> = (0..line.len()).step_by(2).map(byte).collect();
    run(&script);
}

/// Runs a script: two bytes say when the wheel begins its life, at an edge or near it, and three make an operation.
pub fn run(script: &[u8]) {
    let Some((&[edge, near], script)) = script.split_first_chunk() else {
        return;
    };
    let edges = edges();
    let start = edges[usize::from(edge) % edges.len()];
    let start = match near % 8 {
        7 => 0,
        near => start.saturating_sub(3).saturating_add(u64::from(near)),
    };
    let mut pair = Pair::new(start);
    let mut ops = Vec::new();
    for step in script.chunks_exact(3) {
        let op = op(&edges, step);
        ops.push(op);
        pair.apply(op);
        pair.check();
    }
    // Whatever is left is due in the end, turn by turn, and no turn is wasted for ever.
    let mut turns = 0;
    while let Some(next) = pair.wheel.next_deadline() {
        pair.advance(next);
        pair.check();
        turns += 1;
        let most = ops.len() * TURNS_PER_ENTRY;
        assert!(turns <= most, "the wheel turns without end: {ops:?}");
    }
    assert!(pair.model.is_empty());
}
