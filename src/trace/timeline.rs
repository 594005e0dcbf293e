//! A run as a picture needs it: what lasts is a span, what causes something is an arrow, all else is a mark.
//!
//! ```text
//!     events    PollBegan main · Spawned · PollEnded · PollBegan kettle · TimerSet · PollEnded · Parked ...
//!                  └────── span ────────────┘   ▲           └──── span ────────────┘
//!                                 └─── arrow ───┘                     mark
//! ```
//!
//! The three pictures (page, SVG, JSON) share this step, so that they cannot tell three different stories. Nothing is copied:
//! spans, arrows and marks point at events, lanes and actors by their indices, which a page can take over as they are.
//!
//! A recording may have lost its beginning, and may end anywhere. So a span may lack its first event or its last, and an
//! arrow its end.

use std::collections::HashMap;
use std::time::Duration;

use super::event::{Cause, Event, Kind, Lane, News, Outcome, Who};
use super::words::{Subject, predicate, subject};

/// The events of a run, and how they belong together.
pub(super) struct Timeline<'a> {
    /// All that was recorded, in order.
    pub events: &'a [Event],
    /// How many events the rings had no room for.
    pub lost: u64,
    /// The threads: workers first.
    pub lanes: Vec<&'a Lane>,
    /// The lane of each event.
    pub lane_of: Vec<usize>,
    /// The first event of each lane: earlier ones of that thread may be lost.
    first_of: Vec<usize>,
    /// `main`, tasks and blocking jobs, in the order in which they appear.
    pub actors: Vec<Actor<'a>>,
    /// Where somebody is in `actors`.
    index: HashMap<Who, usize>,
    /// What lasts.
    pub spans: Vec<Span>,
    /// What leads from an event to a poll.
    pub arrows: Vec<Arrow>,
    /// What has only a moment.
    pub marks: Vec<Mark>,
}

/// Somebody who is polled, or a blocking job.
pub(super) struct Actor<'a> {
    /// Which one; a job's number is a task's.
    pub who: Who,
    /// The name that the program gave it.
    name: Option<&'a str>,
    /// Where it was spawned, if that is in the recording: `examples/tea.rs:38`.
    pub place: Option<String>,
}

/// What takes time.
pub(super) struct Span {
    /// What it shows.
    pub kind: SpanKind,
    /// Where: an index of `lanes`.
    pub lane: usize,
    /// The event that began it; `None` if it is lost.
    pub first: Option<usize>,
    /// The event that ended it; `None` if the recording ends before.
    pub last: Option<usize>,
}

/// What a span shows. The numbers are indices of `actors`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SpanKind {
    /// Whose, and how it ended; `None` as long as it has not.
    Poll(usize, Option<Outcome>),
    /// Which blocking job.
    Job(usize),
    /// The worker waits in its reactor.
    Park,
    /// The worker hands out what came from its reactor and its timers.
    Serve,
}

/// Somebody is made ready to run, and runs.
pub(super) struct Arrow {
    /// The event that it starts from: `Spawned` or `Woken`.
    pub event: usize,
    /// Whom it leads to: an index of `actors`.
    pub actor: usize,
    /// The span in which it starts, if it does. (Who awaits a task is woken right after its last poll: that counts.)
    pub from: Option<usize>,
    /// The poll or job that it leads to; `None` if the recording ends before.
    pub to: Option<usize>,
}

/// Something that has only a moment.
pub(super) struct Mark {
    /// Which event.
    pub event: usize,
    /// Where to show it; a blocked worker is seen by the watchdog, but shown where it is.
    pub lane: usize,
    /// Whom it concerns: an index of `actors`.
    pub actor: Option<usize>,
}

impl Actor<'_> {
    /// A short name for a label.
    pub fn label(&self) -> String {
        self.name
            .map_or_else(|| self.who.to_string(), str::to_owned)
    }
}

impl<'a> Timeline<'a> {
    /// Of these events; `lost` more were forgotten before them.
    pub fn new(events: &'a [Event], lost: u64) -> Timeline<'a> {
        let mut lanes: Vec<&Lane> = events.iter().map(|event| &event.lane).collect();
        lanes.sort();
        lanes.dedup();
        let lane_of = |event: &Event| {
            lanes
                .binary_search(&&event.lane)
                .expect("every lane was collected")
        };
        let lane_of: Vec<usize> = events.iter().map(lane_of).collect();
        let first_of = |lane| {
            lane_of
                .iter()
                .position(|&of| of == lane)
                .expect("no lane is empty")
        };
        let mut reader = Reader {
            open: lanes.iter().map(|_| Vec::new()).collect(),
            ended: HashMap::new(),
            on_their_way: HashMap::new(),
            timeline: Timeline {
                events,
                lost,
                first_of: (0..lanes.len()).map(first_of).collect(),
                lane_of,
                lanes,
                actors: Vec::new(),
                index: HashMap::new(),
                spans: Vec::new(),
                arrows: Vec::new(),
                marks: Vec::new(),
            },
        };
        for number in 0..events.len() {
            reader.read(number);
        }
        reader.timeline
    }

    /// What happened, in a sentence that calls tasks by their names.
    pub fn sentence(&self, event: usize) -> String {
        let event = &self.events[event];
        let name = |who: Who| {
            self.index
                .get(&who)
                .map_or_else(|| who.to_string(), |&actor| self.actors[actor].label())
        };
        let said = predicate(event, &|id| name(Who::Task(id)));
        match subject(&event.kind) {
            Subject::Who(who) => format!("{} {said}", name(who)),
            Subject::Lane => format!("{} {said}", event.lane),
        }
    }

    /// The event that began a span. If that is lost: the first of its lane.
    pub fn first(&self, span: &Span) -> usize {
        span.first.unwrap_or(self.first_of[span.lane])
    }

    /// When a span began.
    pub fn begin(&self, span: &Span) -> Duration {
        self.events[self.first(span)].at
    }

    /// When a span ended. If it has not: when the recording ends.
    pub fn end(&self, span: &Span) -> Duration {
        self.events[span.last.unwrap_or(self.events.len() - 1)].at
    }

    /// How long a span took.
    pub fn length(&self, span: &Span) -> Duration {
        self.end(span).saturating_sub(self.begin(span))
    }

    /// What a span is called: for a poll or job, whose it is.
    pub fn span_name(&self, span: &Span) -> String {
        match span.kind {
            SpanKind::Poll(actor, _) | SpanKind::Job(actor) => self.actors[actor].label(),
            SpanKind::Park => "parked".to_owned(),
            SpanKind::Serve => "serves reactor and timers".to_owned(),
        }
    }

    /// Whether an arrow is a spawn; else it is a wake.
    pub fn is_spawn(&self, arrow: &Arrow) -> bool {
        matches!(self.events[arrow.event].kind, Kind::Spawned { .. })
    }
}

/// Goes through the events once.
struct Reader<'a> {
    /// What was made of the events so far.
    timeline: Timeline<'a>,
    /// The spans that are open, for each lane, the innermost last. (A `block_on` inside a blocking job nests.)
    open: Vec<Vec<usize>>,
    /// The poll, job or park that ended last on a lane.
    ended: HashMap<usize, usize>,
    /// The arrows that wait for the next poll of this actor.
    on_their_way: HashMap<usize, Vec<usize>>,
}

impl<'a> Reader<'a> {
    /// The next event.
    fn read(&mut self, event: usize) {
        let events = self.timeline.events;
        let lane = self.timeline.lane_of[event];
        match &events[event].kind {
            Kind::Spawned {
                task, name, place, ..
            } => {
                let actor = self.actor(Who::Task(*task));
                self.timeline.actors[actor].name = name.as_deref();
                self.timeline.actors[actor].place =
                    Some(format!("{}:{}", place.file(), place.line()));
                self.arrow(event, actor);
            }
            Kind::PollBegan { who } => {
                let actor = self.actor(*who);
                self.begin(event, SpanKind::Poll(actor, None));
                self.arrive(actor);
            }
            Kind::PollEnded { who, outcome, .. } => {
                let actor = self.actor(*who);
                self.end(
                    event,
                    SpanKind::Poll(actor, None),
                    SpanKind::Poll(actor, Some(*outcome)),
                );
            }
            Kind::JobBegan { job } => {
                let actor = self.actor(Who::Task(*job));
                self.begin(event, SpanKind::Job(actor));
                self.arrive(actor);
            }
            Kind::JobEnded { job } => {
                let job = SpanKind::Job(self.actor(Who::Task(*job)));
                self.end(event, job, job);
            }
            Kind::Parked { .. } => self.begin(event, SpanKind::Park),
            Kind::Unparked { .. } => {
                self.end(event, SpanKind::Park, SpanKind::Park);
                self.serve(event);
            }
            Kind::Woken { who, news, by } => {
                if self.poll_behind(event, by).is_none() {
                    self.serve(event);
                }
                let actor = self.actor(*who);
                match news {
                    News::Queues | News::AfterThisPoll => self.arrow(event, actor),
                    News::AlreadyQueued | News::TooLate => self.mark(event, lane, Some(*who)),
                }
            }
            Kind::Ready { .. } | Kind::TimerFired { .. } => {
                self.serve(event);
                self.mark(event, lane, None);
            }
            Kind::TimerSet { who, .. } => self.mark(event, lane, *who),
            Kind::Stolen { task, .. } | Kind::Cancelled { task } | Kind::Aborted { task, .. } => {
                self.mark(event, lane, Some(Who::Task(*task)));
            }
            Kind::Blocked { worker, who, .. } => {
                let worker = Lane::Worker(*worker);
                let seen = self.timeline.lanes.iter().position(|lane| **lane == worker);
                self.mark(event, seen.unwrap_or(lane), *who);
            }
            Kind::NeverWakes { who } => self.mark(event, lane, Some(*who)),
            // Being queued is the wake's or the spawn's consequence; the arrow shows it.
            _ => {}
        }
    }

    /// Where somebody is in `actors`.
    fn actor(&mut self, who: Who) -> usize {
        let Timeline { index, actors, .. } = &mut self.timeline;
        *index.entry(who).or_insert_with(|| {
            actors.push(Actor {
                who,
                name: None,
                place: None,
            });
            actors.len() - 1
        })
    }

    /// Opens a span. What the worker did between two polls or waits ends here.
    fn begin(&mut self, event: usize, kind: SpanKind) {
        let lane = self.timeline.lane_of[event];
        self.close_serve(lane, event);
        self.open[lane].push(self.timeline.spans.len());
        self.timeline.spans.push(Span {
            kind,
            lane,
            first: Some(event),
            last: None,
        });
    }

    /// Closes the span that was begun as `kind`, and is `ended` now. If its beginning is lost, the span has none.
    fn end(&mut self, event: usize, kind: SpanKind, ended: SpanKind) {
        let lane = self.timeline.lane_of[event];
        self.close_serve(lane, event);
        let spans = &mut self.timeline.spans;
        if let Some(at) = self.open[lane]
            .iter()
            .rposition(|&span| spans[span].kind == kind)
        {
            let at = self.open[lane].remove(at);
            (spans[at].kind, spans[at].last) = (ended, Some(event));
            self.ended.insert(lane, at);
        } else {
            self.ended.insert(lane, spans.len());
            spans.push(Span {
                kind: ended,
                lane,
                first: None,
                last: Some(event),
            });
        }
    }

    /// A worker that polls nothing hands out what has come.
    fn serve(&mut self, event: usize) {
        let lane = self.timeline.lane_of[event];
        if matches!(self.timeline.lanes[lane], Lane::Worker(_)) && self.open[lane].is_empty() {
            self.begin(event, SpanKind::Serve);
        }
    }

    /// The poll or job that has just ended on this lane, if it is the cause.
    fn poll_behind(&self, event: usize, by: &Cause) -> Option<usize> {
        let cause = match by {
            Cause::Poll(who) => *who,
            Cause::Job(job) => Who::Task(*job),
            _ => return None,
        };
        let &last = self.ended.get(&self.timeline.lane_of[event])?;
        match self.timeline.spans[last].kind {
            SpanKind::Poll(actor, _) | SpanKind::Job(actor)
                if self.timeline.actors[actor].who == cause =>
            {
                Some(last)
            }
            _ => None,
        }
    }

    /// The worker is done with handing out.
    fn close_serve(&mut self, lane: usize, event: usize) {
        if let Some(&span) = self.open[lane].last() {
            if self.timeline.spans[span].kind == SpanKind::Serve {
                self.timeline.spans[span].last = Some(event);
                self.open[lane].pop();
            }
        }
    }

    /// From this event to the next poll of `actor`.
    fn arrow(&mut self, event: usize, actor: usize) {
        let open = self.open[self.timeline.lane_of[event]].last().copied();
        let from = match &self.timeline.events[event].kind {
            Kind::Woken { by, .. } => open.or_else(|| self.poll_behind(event, by)),
            _ => open,
        };
        self.on_their_way
            .entry(actor)
            .or_default()
            .push(self.timeline.arrows.len());
        self.timeline.arrows.push(Arrow {
            event,
            actor,
            from,
            to: None,
        });
    }

    /// The span that was opened last is where the arrows to `actor` lead.
    fn arrive(&mut self, actor: usize) {
        let here = self.timeline.spans.len() - 1;
        for arrow in self.on_their_way.remove(&actor).into_iter().flatten() {
            self.timeline.arrows[arrow].to = Some(here);
        }
    }

    /// Something to show on this lane.
    fn mark(&mut self, event: usize, lane: usize, who: Option<Who>) {
        let actor = who.map(|who| self.actor(who));
        self.timeline.marks.push(Mark { event, lane, actor });
    }
}
