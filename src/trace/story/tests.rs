//! The story against small recordings, written by hand.

use std::time::Duration;

use super::of;
use crate::task::Id;
use crate::trace::event::{Cause, Kind, Outcome, Who};
use crate::trace::timeline_tests::{began, ended, events, spawned, woken};

#[test]
fn a_wake_is_as_late_as_its_own_timer_though_others_are_left_out() {
    let tasks: Vec<Id> = (0..4).map(|_| Id::next()).collect();
    let mut kinds: Vec<Kind> = tasks.iter().map(|task| spawned(*task)).collect();
    kinds.extend([1, 2].map(|millis| Kind::TimerFired {
        late: Duration::from_millis(millis),
    }));
    // The fourth task of its line is left out, and with it the first timer.
    kinds.push(woken(Who::Task(tasks[3]), Cause::Timer));
    kinds.push(woken(Who::Main, Cause::Timer));
    let story = of(&events(kinds), 0);
    assert!(story.contains(", 2.00 ms"), "{story}");
    assert!(!story.contains(", 1.00 ms"), "{story}");
}

#[test]
fn news_that_differ_only_in_the_address_are_told_three_times() {
    let ready = |host| Kind::Ready {
        source: format!("TcpStream [fe80::{host}]:80 readable").into(),
    };
    let story = of(&events(["a", "b", "c", "d", "e"].map(ready).into()), 0);
    assert_eq!(story.matches("fe80::").count(), 3, "{story}");
}

#[test]
fn the_future_of_the_next_block_on_is_another_one() {
    let main = [began(Who::Main), ended(Who::Main, Outcome::Ready)];
    let story = of(&events([main.clone(), main].concat()), 0);
    assert_eq!(story.matches("for the first time").count(), 2, "{story}");
}
