//! The timer wheel against a sorted map, and the cases that have broken timer wheels elsewhere.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{KEPT, Key, LEVELS, SLOTS, Wheel, place, slot_start};

/// Distances at which digits carry: the powers of 64 and their neighbours.
fn edges() -> Vec<u64> {
    let powers = (0..LEVELS as u32).map(|level| 1u64 << (6 * level));
    let mut edges: Vec<u64> = powers
        .flat_map(|power| [power - 1, power, power + 1])
        .collect();
    edges.extend([63, 64, 65, 4095, 4096, 1 << 41, u64::MAX - 1, u64::MAX]);
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// A distance: small, at an edge, or anything.
fn distance() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => 0..200u64,
        1 => 0..20_000u64,
        4 => proptest::sample::select(edges()),
        2 => (0..64u32, any::<u64>()).prop_map(|(bits, any)| any >> bits),
    ]
}

/// A tick at which a wheel may begin its life: just below a power of 64, or anywhere.
fn start() -> impl Strategy<Value = u64> {
    prop_oneof![
        2 => Just(0),
        4 => (proptest::sample::select(edges()), 0..3u64).prop_map(|(edge, back)| edge.saturating_sub(back)),
        1 => any::<u64>(),
    ]
}

/// One step of a random history. Entries are chosen among all that ever were, so that keys are stale as well.
#[derive(Clone, Debug)]
enum Step {
    Insert(u64),
    InsertPast(u64),
    Remove(usize),
    Replace(usize),
    /// Removes and inserts again: what resetting a sleep does.
    Reset(usize, u64),
    Advance(u64),
    AdvanceToNext,
    ClockGoesBack(u64),
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => distance().prop_map(Step::Insert),
        1 => distance().prop_map(Step::InsertPast),
        3 => any::<usize>().prop_map(Step::Remove),
        1 => any::<usize>().prop_map(Step::Replace),
        2 => (any::<usize>(), distance()).prop_map(|(entry, after)| Step::Reset(entry, after)),
        3 => distance().prop_map(Step::Advance),
        4 => Just(Step::AdvanceToNext),
        1 => distance().prop_map(Step::ClockGoesBack),
        1 => (0..20u8).prop_map(|dice| if dice == 0 { Step::Drain } else { Step::AdvanceToNext }),
    ]
}

/// A wheel beside a sorted map that must agree with it.
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
        assert!(
            self.wheel
                .next_deadline()
                .is_none_or(|next| next > self.elapsed),
            "it did not get on"
        );
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Insert(after) => self.insert(self.elapsed.saturating_add(after)),
            Step::InsertPast(before) => self.insert(self.elapsed.saturating_sub(before)),
            Step::Remove(entry) => self.remove(entry),
            Step::Replace(entry) => {
                if let Some((key, name)) = self.chosen(entry) {
                    let (payload, model) = (self.wheel.get_mut(key), self.model.get_mut(&name));
                    assert_eq!(payload, model);
                    if let (Some(payload), Some(model)) = (payload, model) {
                        (*payload, *model) = (*payload + 1_000_000, *model + 1_000_000);
                    }
                }
            }
            Step::Reset(entry, after) => {
                self.remove(entry);
                self.insert(self.elapsed.saturating_add(after));
            }
            Step::Advance(by) => self.advance(self.elapsed.saturating_add(by)),
            Step::AdvanceToNext => {
                if let Some(next) = self.wheel.next_deadline() {
                    self.advance(next);
                }
            }
            Step::ClockGoesBack(by) => self.advance(self.elapsed.saturating_sub(by)),
            Step::Drain => {
                let mut out = Vec::new();
                self.wheel.drain(&mut out);
                out.sort_unstable();
                let mut expected: Vec<u64> =
                    std::mem::take(&mut self.model).into_values().collect();
                expected.sort_unstable();
                assert_eq!(out, expected);
            }
        }
    }

    fn check(&mut self) {
        assert_eq!(self.wheel.len(), self.model.len());
        assert_eq!(self.wheel.is_empty(), self.model.is_empty());
        assert_eq!(self.wheel.elapsed(), self.elapsed);
        self.exact |= self.model.is_empty();
        let earliest = self.model.keys().next().map(|&(deadline, _)| deadline);
        match (self.wheel.next_deadline(), earliest) {
            (None, None) => {}
            (Some(next), Some(earliest)) => {
                assert!(
                    next <= earliest,
                    "would wake at {next}, too late for {earliest}"
                );
                assert!(next >= self.elapsed);
                assert!(
                    next == earliest || !self.exact,
                    "would wake at {next} for {earliest}"
                );
            }
            (next, earliest) => panic!("next deadline {next:?}, but {earliest:?} is the earliest"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_a_sorted_map(start in start(), steps in prop::collection::vec(step(), 1..120)) {
        let mut pair = Pair::new(start);
        for step in &steps {
            pair.apply(step);
            pair.check();
        }
        // Whatever is left is due in the end, turn by turn, and no turn is wasted for ever.
        let mut turns = 0;
        while let Some(next) = pair.wheel.next_deadline() {
            pair.advance(next);
            pair.check();
            turns += 1;
            prop_assert!(turns <= steps.len() * (LEVELS + 1), "the wheel turns without end");
        }
        prop_assert!(pair.model.is_empty());
    }

    #[test]
    fn a_slot_begins_after_now_and_not_after_its_entries(elapsed in start(), after in distance()) {
        let deadline = elapsed.saturating_add(after);
        let (level, slot) = place(elapsed, deadline);
        prop_assert!(level * 64 + slot < SLOTS);
        let begin = slot_start(elapsed, level, slot);
        prop_assert!(begin <= deadline);
        prop_assert!(begin > elapsed || (level == 0 && begin == deadline));
    }
}

#[test]
fn every_edge_from_every_edge_is_neither_early_nor_late() {
    for start in edges()
        .into_iter()
        .flat_map(|edge| [edge.saturating_sub(2), edge])
    {
        for after in edges() {
            let Some(deadline) = start.checked_add(after) else {
                continue;
            };
            if after == 0 {
                continue;
            }
            let mut wheel = Wheel::new();
            let mut due = Vec::new();
            wheel.advance(start, &mut due);
            wheel.insert(deadline, ());
            wheel.advance(deadline - 1, &mut due);
            assert!(due.is_empty(), "from {start}: {deadline} is early");
            assert_eq!(wheel.next_deadline(), Some(deadline));
            wheel.advance(deadline, &mut due);
            assert_eq!(due.len(), 1, "from {start}: {deadline} is late");
        }
    }
}

#[test]
fn one_jump_over_everything_keeps_the_order() {
    let mut wheel = Wheel::new();
    let mut deadlines = edges();
    for &deadline in deadlines.iter().rev() {
        wheel.insert(deadline, deadline);
    }
    let mut due = Vec::new();
    // Would take centuries if the cost were that of the ticks.
    wheel.advance(u64::MAX, &mut due);
    deadlines.sort_unstable();
    assert_eq!(due, deadlines);
    assert!(wheel.is_empty());
}

#[test]
fn an_empty_wheel_allocates_nothing() {
    let mut wheel = Wheel::<u64>::new();
    wheel.advance(1 << 40, &mut Vec::new());
    assert_eq!((wheel.slots.capacity(), wheel.entries.capacity()), (0, 0));
    assert_eq!(wheel.next_deadline(), None);
}

#[test]
fn an_entry_takes_forty_bytes_at_most() {
    use std::mem::size_of;
    assert!(size_of::<super::Entry<std::task::Waker>>() <= 40);
    assert_eq!(size_of::<Option<Key>>(), size_of::<Key>());
}

#[test]
fn a_far_deadline_never_hides_a_near_one() {
    // The near and the far lie in slots of the same number on many levels.
    for bits in [30u32, 36, 42, 48, 54, 60] {
        for elapsed in [0, 5 << 24, (1 << 30) - 1, 5 << 30, (1u64 << 36) - 1] {
            let mut wheel = Wheel::new();
            wheel.advance(elapsed, &mut Vec::new());
            wheel.insert(elapsed.saturating_add(1 << bits), "far");
            wheel.insert(u64::MAX, "never");
            wheel.insert(elapsed + 100, "near");
            assert_eq!(wheel.next_deadline(), Some(elapsed + 100));
            let mut due = Vec::new();
            wheel.advance(elapsed + 100, &mut due);
            assert_eq!(due, ["near"]);
            assert_eq!(wheel.next_deadline(), Some(elapsed + (1 << bits)));
        }
    }
}

#[test]
fn a_lone_far_deadline_costs_one_wake_up() {
    let mut wheel = Wheel::new();
    let deadline = 3 * (1 << 30) + 7 * (1 << 18) + 5 * 4096 + 9;
    wheel.insert(deadline, ());
    assert_eq!(wheel.next_deadline(), Some(deadline));
    let mut due = Vec::new();
    wheel.advance(deadline, &mut due);
    assert_eq!(due.len(), 1);
}

#[test]
fn removing_the_earliest_costs_one_early_turn_at_most() {
    let mut wheel = Wheel::new();
    let first = wheel.insert(4096 + 10, "first");
    wheel.insert(4096 + 70, "second");
    wheel.remove(first);
    let mut due = Vec::new();
    if let Some(next) = wheel.next_deadline().filter(|&next| next < 4096 + 70) {
        wheel.advance(next, &mut due);
        assert!(due.is_empty());
    }
    assert_eq!(wheel.next_deadline(), Some(4096 + 70));
    wheel.advance(4096 + 70, &mut due);
    assert_eq!(due, ["second"]);
}

#[test]
fn past_deadlines_are_due_at_the_next_advance_even_when_no_time_passes() {
    let mut wheel = Wheel::new();
    wheel.advance(1000, &mut Vec::new());
    wheel.insert(0, 0);
    wheel.insert(999, 999);
    wheel.insert(1000, 1000);
    wheel.insert(1001, 1001);
    assert_eq!(wheel.next_deadline(), Some(1000));
    let mut due = Vec::new();
    wheel.advance(1000, &mut due);
    assert_eq!(due, [0, 999, 1000]);
}

#[test]
fn a_clock_that_goes_back_changes_nothing() {
    let mut wheel = Wheel::new();
    let mut due = Vec::new();
    wheel.insert(5000, ());
    wheel.advance(4999, &mut due);
    for now in [4999, 4000, 0, 4999] {
        wheel.advance(now, &mut due);
        assert_eq!(
            (wheel.elapsed(), due.len(), wheel.next_deadline()),
            (4999, 0, Some(5000))
        );
    }
    wheel.advance(5000, &mut due);
    assert_eq!(due.len(), 1);
}

#[test]
fn the_largest_deadline_is_never_in_practice_and_due_at_the_end_of_time() {
    let mut wheel = Wheel::new();
    wheel.insert(u64::MAX, ());
    let mut due = Vec::new();
    wheel.advance(u64::MAX - 1, &mut due);
    assert!(due.is_empty());
    wheel.advance(u64::MAX, &mut due);
    assert_eq!(due.len(), 1);
    wheel.insert(7, ());
    wheel.advance(u64::MAX, &mut due);
    assert_eq!(due.len(), 2);
}

#[test]
fn half_of_ten_thousand_in_one_slot_can_go_and_the_others_fire_in_order() {
    for parity in [0, 1] {
        let mut wheel = Wheel::new();
        let keys: Vec<Key> = (0..10_000).map(|n| wheel.insert(70, n)).collect();
        for n in (0..10_000).filter(|n| n % 2 == parity) {
            assert_eq!(wheel.remove(keys[n]), Some(n));
        }
        let mut due = Vec::new();
        wheel.advance(70, &mut due);
        assert!(
            due.iter()
                .copied()
                .eq((0..10_000).filter(|n| n % 2 != parity))
        );
        assert!(wheel.is_empty());
    }
}

#[test]
fn removing_at_the_very_tick_of_firing_finds_nothing_and_harms_nobody() {
    let mut wheel = Wheel::new();
    let keys: Vec<Key> = (0..100).map(|n| wheel.insert(70, n)).collect();
    let later = wheel.insert(71, 1000);
    let mut due = Vec::new();
    wheel.advance(70, &mut due);
    assert_eq!(due.len(), 100);
    // The places are taken again before the stale keys come.
    let new: Vec<Key> = (0..100).map(|n| wheel.insert(72, 2000 + n)).collect();
    for key in keys {
        assert_eq!(wheel.get_mut(key), None);
        assert_eq!(wheel.remove(key), None);
    }
    assert_eq!(wheel.remove(later), Some(1000));
    for (n, key) in new.into_iter().enumerate() {
        assert_eq!(wheel.remove(key), Some(2000 + n));
    }
}

#[test]
fn a_stale_key_stays_stale_when_the_memory_was_given_back() {
    let mut wheel = Wheel::new();
    let old = wheel.insert(10, "old");
    wheel.remove(old);
    assert_eq!(wheel.remove(old), None);
    let new = wheel.insert(10, "new");
    assert_eq!(old.index, new.index);
    assert_eq!(wheel.remove(old), None);
    wheel.drain(&mut Vec::new());
    assert_eq!(wheel.remove(new), None);
    wheel.insert(10, "newest");
    assert_eq!(
        (wheel.remove(old), wheel.remove(new), wheel.len()),
        (None, None, 1)
    );
}

#[test]
fn an_entry_that_is_reset_fires_once_per_arming() {
    let mut wheel = Wheel::new();
    let mut due = Vec::new();
    let mut key = wheel.insert(100, 0);
    // To the same slot, later, earlier, to the past, beyond the horizon, and back.
    for (arming, deadline) in [100, 5000, 90, 0, 1 << 50, 200].into_iter().enumerate() {
        assert!(wheel.remove(key).is_some());
        key = wheel.insert(deadline, arming + 1);
    }
    wheel.advance(199, &mut due);
    assert!(due.is_empty());
    wheel.advance(200, &mut due);
    assert_eq!(due, [6]);
    // After it fired.
    assert_eq!(wheel.remove(key), None);
    wheel.insert(300, 7);
    wheel.advance(1 << 60, &mut due);
    assert_eq!(due, [6, 7]);
}

#[test]
fn the_payload_can_be_replaced_until_it_fires() {
    let mut wheel = Wheel::new();
    let key = wheel.insert(100, "first");
    *wheel.get_mut(key).expect("it is pending") = "last";
    let mut due = Vec::new();
    wheel.advance(100, &mut due);
    assert_eq!(due, ["last"]);
    assert_eq!(wheel.get_mut(key), None);
}

#[test]
fn a_rush_of_timers_leaves_no_memory_behind() {
    let mut wheel = Wheel::new();
    let mut keys: Vec<Key> = (0..100_000u64)
        .map(|n| wheel.insert(n * 37 % 50_000, n))
        .collect();
    assert_eq!(wheel.len(), 100_000);
    // In an order unlike that of insertion.
    keys.sort_by_key(|key| key.index.reverse_bits());
    for key in keys {
        assert!(wheel.remove(key).is_some());
    }
    assert_eq!((wheel.len(), wheel.next_deadline()), (0, None));
    assert!(wheel.entries.capacity() <= KEPT);

    for n in 0..100_000 {
        wheel.insert(n, n);
    }
    let mut due = Vec::new();
    wheel.advance(100_000, &mut due);
    assert!(due.into_iter().eq(0..100_000));
    assert!(wheel.entries.capacity() <= KEPT);
}

#[test]
fn places_are_used_again_while_others_wait() {
    let mut wheel = Wheel::new();
    wheel.insert(1 << 40, 0);
    for n in 0..100_000 {
        let key = wheel.insert(n, n);
        wheel.remove(key);
    }
    assert_eq!((wheel.len(), wheel.entries.len()), (1, 2));
}

#[test]
fn the_timer_of_a_thousand_repetitions_fires_at_each() {
    let mut wheel = Wheel::new();
    let mut due = Vec::new();
    for n in 1..=1000 {
        wheel.insert(n * 61, n);
        wheel.advance(n * 61, &mut due);
    }
    assert!(due.into_iter().eq(1..=1000));
}
