//! Scripts of sleeps on a paused clock: many of them, polled, reset and given up in any order, while time jumps.
//!
//! The clock moves only while the script itself sleeps, and then by exactly as much. So it is known to the nanosecond who
//! must have been woken, and that nobody else was.

use std::task::Poll;

use samovar::runtime::Builder;
use samovar::time::{Duration, Instant, Sleep, sleep};

use super::{Argument, Said, Story, Waiting, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Begin { after: u64, polled: bool },
    Poll { at: usize, fresh: bool },
    Reset { at: usize, after: u64 },
    Cancel(usize),
    Pass(u64),
}

/// The longest that the script itself sleeps, so that the clock does not come to its end: three days.
pub(super) const LONGEST: u64 = 1 << 48;

/// Operations without a sleep in between: fewer than a budget.
pub(super) const BATCH: usize = 60;

/// A distance in nanoseconds: few, some ticks of the wheel, near a power of 64, or anything up to 36 years.
pub(super) fn distance(class: u8, size: u8) -> u64 {
    match class % 4 {
        0 => u64::from(size),
        1 => u64::from(size) << 16,
        2 => (1 << (6 * (u32::from(size / 3) % 11))) - 1 + u64::from(size % 3),
        _ => u64::from(size) << (class / 4 % 53),
    }
}

fn op((kind, argument): (u8, Argument), more: (u8, Argument)) -> Op {
    let (at, after) = (argument.at(), distance(more.0, more.1.0));
    match kind % 8 {
        0..=1 => Op::Begin {
            after,
            polled: argument.mostly(),
        },
        2..=3 => Op::Poll {
            at,
            fresh: argument.seldom(),
        },
        4 => Op::Reset { at, after },
        5 => Op::Cancel(at),
        _ => Op::Pass(after.min(LONGEST)),
    }
}

/// What is known of a sleep.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Life {
    /// In nanoseconds since the beginning.
    pub(super) deadline: u64,
    /// Whether it waits in the wheel, or was woken from there.
    timer: Option<bool>,
    pub(super) woken: bool,
}

impl Life {
    pub(super) fn until(deadline: u64) -> Life {
        Life {
            deadline,
            ..Life::default()
        }
    }

    /// What a poll must give.
    pub(super) fn poll(&mut self, now: u64) -> Said {
        self.woken = false;
        if self.timer == Some(true) && self.deadline <= now {
            return Said::Done;
        }
        // Also one that is due: it fires when the worker looks at its wheel.
        self.timer = Some(false);
        Said::Pending
    }

    /// Time has passed.
    pub(super) fn pass(&mut self, now: u64) {
        if self.timer == Some(false) && self.deadline <= now {
            (self.timer, self.woken) = (Some(true), true);
        }
    }
}

/// The sleeps, and what must be true of them.
struct Pair {
    start: Instant,
    now: u64,
    sleeps: Waiting<Sleep>,
    model: Vec<Life>,
}

impl Pair {
    fn poll(&mut self, at: usize, fresh: bool) {
        let Some(poll) = self.sleeps.poll(at, fresh) else {
            return;
        };
        let at = at % self.model.len();
        let said = self.model[at].poll(self.now);
        assert_eq!(Said::polled(Some(poll.map(|()| Said::Done))), said);
        if poll == Poll::Ready(()) {
            self.model.remove(at);
        }
    }

    async fn apply(&mut self, op: Op) {
        match op {
            Op::Begin { after, polled } => {
                self.sleeps
                    .add(Box::pin(sleep(Duration::from_nanos(after))));
                self.model.push(Life::until(self.now + after));
                if polled {
                    self.poll(self.model.len() - 1, false);
                }
            }
            Op::Poll { at, fresh } => self.poll(at, fresh),
            Op::Reset { at, after } => {
                let deadline = Instant::now() + Duration::from_nanos(after);
                if let Some(sleep) = self.sleeps.get(at) {
                    Sleep::reset(sleep, deadline);
                    let at = at % self.model.len();
                    let life = &mut self.model[at];
                    (life.deadline, life.timer) = (self.now + after, None);
                }
            }
            Op::Cancel(at) => {
                if self.sleeps.cancel(at) {
                    self.model.remove(at % self.model.len());
                }
            }
            Op::Pass(nanos) => {
                sleep(Duration::from_nanos(nanos)).await;
                self.now += nanos;
                self.model.iter_mut().for_each(|life| life.pass(self.now));
            }
        }
    }

    fn check(&self) {
        let now = Duration::from_nanos(self.now);
        assert_eq!(self.start.elapsed(), now, "the clock is exact");
        let woken: Vec<bool> = self.model.iter().map(|life| life.woken).collect();
        assert_eq!(self.sleeps.woken(), woken, "who was woken");
    }
}

async fn play(script: &[u8]) {
    let mut story = Story(Vec::new());
    let mut pair = Pair {
        start: Instant::now(),
        now: 0,
        sleeps: Waiting::default(),
        model: Vec::new(),
    };
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
    while pair.sleeps.cancel(0) {}
    pair.sleeps.no_waker_is_kept();
}

/// Runs a script.
pub fn run(script: &[u8]) {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.start_paused(true).build().unwrap();
    runtime.block_on(play(script));
}
