//! The timeline against small recordings, written by hand.

use std::panic::Location;
use std::time::Duration;

use super::event::{Cause, Event, Kind, Lane, News, Outcome, WakeUp, Who};
use super::timeline::{SpanKind, Timeline};
use crate::task::Id;

/// Events on worker 0, a microsecond apart.
pub(super) fn events(kinds: Vec<Kind>) -> Vec<Event> {
    let event = |(number, kind)| Event {
        at: Duration::from_micros(number),
        number,
        lane: Lane::Worker(0),
        kind,
    };
    (0..).zip(kinds).map(event).collect()
}

pub(super) fn began(who: Who) -> Kind {
    Kind::PollBegan { who }
}

pub(super) fn ended(who: Who, outcome: Outcome) -> Kind {
    Kind::PollEnded {
        who,
        outcome,
        waits_for: None,
    }
}

pub(super) fn woken(who: Who, by: Cause) -> Kind {
    Kind::Woken {
        who,
        by,
        news: News::Queues,
    }
}

pub(super) fn spawned(task: Id) -> Kind {
    let by = Cause::Poll(Who::Main);
    Kind::Spawned {
        task,
        name: None,
        place: Location::caller(),
        by,
    }
}

/// What, first event, last event.
fn spans(timeline: &Timeline<'_>) -> Vec<(SpanKind, Option<usize>, Option<usize>)> {
    timeline
        .spans
        .iter()
        .map(|span| (span.kind, span.first, span.last))
        .collect()
}

impl std::fmt::Debug for SpanKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SpanKind::Poll(actor, outcome) => write!(f, "Poll {actor} {outcome:?}"),
            SpanKind::Job(actor) => write!(f, "Job {actor}"),
            SpanKind::Park => write!(f, "Park"),
            SpanKind::Serve => write!(f, "Serve"),
        }
    }
}

#[test]
fn a_span_whose_beginning_is_lost_begins_with_its_lane_and_one_that_is_open_ends_with_the_recording()
 {
    let events = events(vec![
        Kind::TimerFired {
            late: Duration::ZERO,
        },
        ended(Who::Main, Outcome::Pending),
        Kind::Parked {
            longest: None,
            sockets: 0,
            timers: 0,
        },
    ]);
    let timeline = Timeline::new(&events, 7);
    let poll = SpanKind::Poll(0, Some(Outcome::Pending));
    let expected = vec![
        (SpanKind::Serve, Some(0), Some(1)),
        (poll, None, Some(1)),
        (SpanKind::Park, Some(2), None),
    ];
    assert_eq!(spans(&timeline), expected);
    assert_eq!(timeline.begin(&timeline.spans[1]), Duration::ZERO);
    assert_eq!(timeline.end(&timeline.spans[2]), Duration::from_micros(2));
}

#[test]
fn all_wakes_since_the_last_poll_lead_to_the_next() {
    let task = Id::next();
    let who = Who::Task(task);
    let late = Kind::Woken {
        who,
        by: Cause::Reactor,
        news: News::AlreadyQueued,
    };
    let events = events(vec![
        spawned(task),
        woken(who, Cause::Timer),
        late,
        began(who),
        ended(who, Outcome::Pending),
    ]);
    let timeline = Timeline::new(&events, 0);
    let arrows: Vec<_> = timeline
        .arrows
        .iter()
        .map(|arrow| (arrow.event, arrow.to))
        .collect();
    assert_eq!(arrows, [(0, Some(1)), (1, Some(1))]);
    assert_eq!(
        timeline
            .marks
            .iter()
            .map(|mark| mark.event)
            .collect::<Vec<_>>(),
        [2]
    );
    assert_eq!(timeline.actors[0].label(), format!("task {task}"));
    assert!(
        timeline.actors[0]
            .place
            .as_ref()
            .unwrap()
            .contains("timeline_tests.rs:")
    );
}

#[test]
fn a_wake_right_after_a_poll_leaves_from_it_and_others_from_what_serves_the_timers() {
    let (task, main) = (Id::next(), Who::Main);
    let who = Who::Task(task);
    let events = events(vec![
        Kind::Parked {
            longest: None,
            sockets: 0,
            timers: 1,
        },
        Kind::Unparked { why: WakeUp::Timer },
        woken(who, Cause::Timer),
        began(who),
        ended(who, Outcome::Ready),
        woken(main, Cause::Poll(who)),
        began(main),
        ended(main, Outcome::Ready),
    ]);
    let timeline = Timeline::new(&events, 0);
    let ready = |actor| SpanKind::Poll(actor, Some(Outcome::Ready));
    let expected = vec![
        (SpanKind::Park, Some(0), Some(1)),
        (SpanKind::Serve, Some(1), Some(3)),
        (ready(0), Some(3), Some(4)),
        (ready(1), Some(6), Some(7)),
    ];
    assert_eq!(spans(&timeline), expected);
    let arrows: Vec<_> = timeline
        .arrows
        .iter()
        .map(|arrow| (arrow.from, arrow.to))
        .collect();
    assert_eq!(arrows, [(Some(1), Some(2)), (Some(2), Some(3))]);
}

#[test]
fn a_poll_inside_a_job_is_inside_it() {
    let job = Id::next();
    let events = events(vec![
        Kind::JobBegan { job },
        began(Who::Main),
        ended(Who::Main, Outcome::Panicked),
        Kind::JobEnded { job },
    ]);
    let timeline = Timeline::new(&events, 0);
    let poll = SpanKind::Poll(1, Some(Outcome::Panicked));
    assert_eq!(
        spans(&timeline),
        [
            (SpanKind::Job(0), Some(0), Some(3)),
            (poll, Some(1), Some(2))
        ]
    );
}

#[test]
fn a_blocked_worker_is_shown_where_it_is() {
    let mut events = events(vec![
        began(Who::Main),
        Kind::Blocked {
            worker: 0,
            who: Some(Who::Main),
            since: Duration::from_millis(20),
        },
    ]);
    events[1].lane = Lane::Watchdog;
    let timeline = Timeline::new(&events, 0);
    assert_eq!((timeline.marks[0].lane, timeline.marks[0].event), (0, 1));
    assert_eq!(timeline.lane_of, [0, 1]);
}
