//! The timer wheel against a sorted map, and the cases that have broken timer wheels elsewhere.

use proptest::prelude::*;

use super::{KEPT, Key, SLOTS, Wheel, slot_of, slot_start};

#[path = "../../tests/scripts/wheel.rs"]
mod script;
use script::edges;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_a_sorted_map(begin: [u8; 2], steps in prop::collection::vec(any::<[u8; 3]>(), 1..120)) {
        script::run(&[begin.as_slice(), &steps.concat()].concat());
    }

    #[test]
    fn a_slot_begins_after_now_and_not_after_its_entries(
        elapsed in prop_oneof![prop::sample::select(edges()), any::<u64>()],
        before in 0..3u64,
        after in prop_oneof![prop::sample::select(edges()), 0..200u64, (0..64u32, any::<u64>()).prop_map(|(bits, any)| any >> bits)],
    ) {
        let elapsed = elapsed.saturating_sub(before);
        let deadline = elapsed.saturating_add(after);
        let (level, slot) = slot_of(elapsed, deadline);
        prop_assert!(level * 64 + slot < SLOTS);
        let begin = slot_start(elapsed, level, slot);
        prop_assert!(begin <= deadline);
        prop_assert!(begin > elapsed || (level == 0 && begin == deadline));
    }
}

#[test]
fn the_last_slot_is_that_of_the_last_tick() {
    let (level, slot) = slot_of(0, u64::MAX);
    assert_eq!(level * 64 + slot, SLOTS - 1);
}

/// The scripts that a fuzzer kept, because each of them goes another way through the wheel.
#[test]
fn the_corpus_agrees() {
    include_str!("../../tests/scripts/corpus/wheel")
        .lines()
        .for_each(script::run_line);
}

#[test]
fn what_is_pending_keeps_order_and_key_in_finer_ticks() {
    let mut wheel = Wheel::new();
    let mut due = Vec::new();
    wheel.advance(100, &mut due);
    let gone = wheel.insert(110, 0);
    wheel.insert(130, 1);
    wheel.remove(gone);
    // In the place of the one that is gone, before that of its elder.
    wheel.insert(130, 2);
    let other = wheel.insert(120, 3);
    wheel.insert(0, 4);
    wheel.refine(20);
    assert_eq!(wheel.next_deadline(), Some(100 << 20));
    assert_eq!((wheel.remove(gone), wheel.remove(other)), (None, Some(3)));
    wheel.insert(130 << 20, 5);
    wheel.advance((130 << 20) - 1, &mut due);
    assert_eq!(due, [4]);
    wheel.advance(130 << 20, &mut due);
    assert_eq!(due, [4, 1, 2, 5]);
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
