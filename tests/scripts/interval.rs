//! Scripts of intervals on a paused clock: ticks that are awaited in time, late or not at all, given up, and set anew, while
//! time jumps.
//!
//! As with the sleeps, of which an interval is made, the moment of every tick is known to the nanosecond.

use std::cell::RefCell;
use std::rc::Rc;

use samovar::runtime::Builder;
use samovar::time::MissedTickBehavior::{self, Burst, Delay, Skip};
use samovar::time::{Duration, Instant, Interval, interval_at, sleep};

use super::timers::{BATCH, LONGEST, Life, distance};
use super::{Argument, Said, Story, Waiting, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    New {
        after: u64,
    },
    Tick,
    PollTick {
        fresh: bool,
    },
    CancelTick,
    Reset,
    ResetAt {
        at: u64,
    },
    ResetAfter {
        after: u64,
    },
    ResetAtOnce,
    Behave(MissedTickBehavior),
    Pass(u64),
    /// Until the next tick is due, and then so many periods and a bit more.
    PassTick {
        periods: u64,
        more: u64,
    },
}

/// What may become of missed ticks.
const BEHAVIORS: [MissedTickBehavior; 3] = [Burst, Delay, Skip];

/// How late a tick may be before it counts as missed.
const TOLERANCE: u64 = 5_000_000;

fn op((kind, argument): (u8, Argument), more: (u8, Argument)) -> Op {
    let time = distance(more.0, more.1.0).min(LONGEST >> 4);
    match kind % 24 {
        0 => Op::New { after: time },
        1..=5 => Op::Tick,
        6..=9 => Op::PollTick {
            fresh: argument.seldom(),
        },
        10 => Op::CancelTick,
        11 => Op::Reset,
        12 => Op::ResetAt { at: time },
        13 => Op::ResetAfter { after: time },
        14 => Op::ResetAtOnce,
        15 => Op::Behave(BEHAVIORS[argument.below(3)]),
        16 => Op::Pass(time),
        _ => Op::PassTick {
            periods: [0, 0, 0, 0, 0, 1, 2, 5][argument.below(8)],
            more: [0, 1, TOLERANCE, TOLERANCE + 1][usize::from(more.1.0 % 4)],
        },
    }
}

/// An interval, and what must be true of it.
struct Pair {
    start: Instant,
    now: u64,
    period: u64,
    behavior: MissedTickBehavior,
    interval: Rc<RefCell<Interval>>,
    ticking: Waiting,
    /// What is known of its sleep.
    life: Life,
}

/// Nanoseconds.
fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

impl Pair {
    fn new(start: Instant, after: u64, period: u64, behavior: MissedTickBehavior) -> Pair {
        let now = start.elapsed().as_nanos() as u64;
        let mut interval = interval_at(start + nanos(now + after), nanos(period));
        interval.set_missed_tick_behavior(behavior);
        Pair {
            start,
            now,
            period,
            behavior,
            interval: Rc::new(RefCell::new(interval)),
            ticking: Waiting::default(),
            life: Life::until(now + after),
        }
    }

    fn is_ticking(&self) -> bool {
        !self.ticking.woken().is_empty()
    }

    /// The model's answer to a poll.
    fn tick(&mut self) -> Said {
        if self.life.poll(self.now) == Said::Pending {
            return Said::Pending;
        }
        let due = self.life.deadline;
        let late = self.now - due;
        let next = match self.behavior {
            Delay if late > TOLERANCE => self.now + self.period,
            Skip if late > TOLERANCE => self.now + self.period - late % self.period,
            _ => due + self.period,
        };
        self.reset(next);
        Said::Value(due)
    }

    fn reset(&mut self, deadline: u64) {
        self.life = Life::until(deadline);
    }

    /// Compares a poll with what it must give.
    fn polled(&mut self, said: Said) {
        assert_eq!(said, self.tick(), "the tick");
    }

    /// What needs the interval, which no future has.
    fn by_hand(&mut self, op: Op) {
        let interval = self.interval.clone();
        let mut interval = interval.borrow_mut();
        match op {
            Op::Tick => {
                drop(interval);
                let (interval, start) = (self.interval.clone(), self.start);
                let said = self.ticking.begin(true, async move {
                    let due = interval.borrow_mut().tick().await;
                    Said::Value((due - start).as_nanos() as u64)
                });
                self.polled(said);
            }
            Op::Reset => {
                interval.reset();
                self.reset(self.now + self.period);
            }
            Op::ResetAt { at } => {
                interval.reset_at(self.start + nanos(at));
                self.reset(at);
            }
            Op::ResetAfter { after } => {
                interval.reset_after(nanos(after));
                self.reset(self.now + after);
            }
            Op::ResetAtOnce => {
                interval.reset_immediately();
                self.reset(self.now);
            }
            Op::Behave(behavior) => {
                interval.set_missed_tick_behavior(behavior);
                self.behavior = behavior;
            }
            Op::New { after } => {
                drop(interval);
                self.end();
                *self = Pair::new(self.start, after, 1 + after, self.behavior);
            }
            _ => unreachable!("it needs no interval"),
        }
    }

    async fn apply(&mut self, op: Op) {
        match op {
            Op::PollTick { fresh } => {
                if let Some(poll) = self.ticking.poll(0, fresh) {
                    self.polled(Said::polled(Some(poll)));
                }
            }
            Op::CancelTick => drop(self.ticking.cancel(0)),
            Op::Pass(time) => self.pass(time).await,
            Op::PassTick { periods, more } => {
                let ahead = self.life.deadline.saturating_sub(self.now);
                self.pass(ahead + periods * self.period + more).await;
            }
            _ if self.is_ticking() => {}
            _ => self.by_hand(op),
        }
    }

    async fn pass(&mut self, time: u64) {
        sleep(nanos(time)).await;
        self.now += time;
        self.life.pass(self.now);
    }

    fn check(&self) {
        assert_eq!(self.start.elapsed(), nanos(self.now), "the clock is exact");
        let woken = self.ticking.woken();
        assert!(woken.iter().all(|woken| *woken == self.life.woken));
        if let Ok(interval) = self.interval.try_borrow() {
            assert_eq!(interval.period(), nanos(self.period));
            assert_eq!(interval.missed_tick_behavior(), self.behavior);
        }
    }

    fn end(&mut self) {
        self.ticking.cancel(0);
        let mut interval = self.interval.borrow_mut();
        *interval = interval_at(self.start, nanos(1));
        self.ticking.no_waker_is_kept();
    }
}

async fn play(behavior: MissedTickBehavior, script: &[u8]) {
    let mut story = Story(Vec::new());
    let mut pair = Pair::new(Instant::now(), 0, 10_000_000, behavior);
    let mut script = steps(script);
    while let (Some(step), Some(more)) = (script.next(), script.next()) {
        let op = op(step, more);
        if story.0.len() % BATCH == BATCH - 1 {
            pair.apply(Op::Pass(1)).await;
        }
        story.0.push(op);
        pair.apply(op).await;
        pair.check();
    }
    pair.end();
}

/// Runs a script.
pub fn run(script: &[u8]) {
    let Some((behavior, script)) = script.split_first() else {
        return;
    };
    let behavior = BEHAVIORS[usize::from(*behavior % 3)];
    let mut builder = Builder::new_current_thread();
    let runtime = builder.start_paused(true).build().unwrap();
    runtime.block_on(play(behavior, script));
}
