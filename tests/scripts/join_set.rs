//! Scripts of a set of tasks: they end, panic, are aborted or come too late for their runtime, while somebody waits for the
//! next one, looks for it, gives up, or lets all of them go.
//!
//! On one worker with a paused clock: `sleep` returns when every task has run that could. What ended in between may come in
//! any order, and before what ended later.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use samovar::runtime::{Builder, Handle};
use samovar::sync::oneshot;
use samovar::task::{AbortHandle, Id, JoinError, JoinSet};
use samovar::time::{Duration, sleep};

use super::timers::BATCH;
use super::{Argument, Story, Waiting, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Spawn(Spawn),
    /// A task may end.
    Finish {
        at: usize,
        how: End,
    },
    Abort(usize),
    AbortAll,
    Join,
    PollJoin {
        fresh: bool,
    },
    CancelJoin,
    TryJoin,
    DetachAll,
    DropAll,
    /// Everybody runs who can.
    Settle,
}

/// What a task does in its first poll.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spawn {
    Wait,
    End,
    /// There is none: its runtime is over.
    TooLate,
}

/// How a task ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Well,
    Panic,
    Abort,
}

fn op((kind, argument): (u8, Argument)) -> Op {
    let at = argument.at();
    match kind % 24 {
        0..=3 => Op::Spawn(Spawn::Wait),
        4 if argument.mostly() => Op::Spawn(Spawn::End),
        4 => Op::Spawn(Spawn::TooLate),
        5..=8 => Op::Finish {
            at,
            how: if argument.mostly() {
                End::Well
            } else {
                End::Panic
            },
        },
        9 => Op::Abort(at),
        10 if argument.seldom() => Op::AbortAll,
        11..=13 => Op::Join,
        14..=15 => Op::PollJoin {
            fresh: argument.seldom(),
        },
        16 => Op::CancelJoin,
        17..=18 => Op::TryJoin,
        19 if argument.seldom() => Op::DetachAll,
        20 if argument.seldom() => Op::DropAll,
        _ => Op::Settle,
    }
}

/// What comes out of a task: somebody has it as long as it is somewhere.
type Output = Arc<AtomicUsize>;

/// A task of the set.
struct Life {
    abort: AbortHandle,
    /// Tells it to end.
    tell: Option<oneshot::Sender<End>>,
    /// How it ends when it runs, or has ended.
    end: Option<End>,
    has_ended: bool,
}

impl Life {
    /// It must end as it is told: as the first word says, but an abort that comes before it runs is stronger.
    fn ends(&mut self, how: End) {
        if !self.has_ended && (self.end.is_none() || how == End::Abort) {
            self.end = Some(how);
        }
    }
}

/// What the set gives: which task, and how it ended.
type Outcome = Option<(Id, End)>;

fn outcome(given: Option<Result<(Id, Output), JoinError>>) -> Outcome {
    Some(match given? {
        Ok((id, _output)) => (id, End::Well),
        Err(error) if error.is_cancelled() => (error.id(), End::Abort),
        Err(error) => {
            let id = error.id();
            assert!(error.into_panic().is::<Output>(), "another's panic");
            (id, End::Panic)
        }
    })
}

/// The set, and what must be true of it.
struct Pair {
    /// The handle of a runtime that is over.
    over: Handle,
    set: Rc<RefCell<JoinSet<Output>>>,
    joining: Waiting<dyn Future<Output = Outcome>>,
    /// Whether who waits must have been woken.
    woken: bool,
    lives: Vec<Life>,
    /// Those that have ended: in each turn some, in any order.
    ended: VecDeque<Vec<Id>>,
    /// How many have ended well, as they say; and must have.
    well: Output,
    must_be_well: usize,
    /// How many of those that were let go will end well in the next turn.
    detached: usize,
}

impl Pair {
    fn new(over: Handle) -> Pair {
        Pair {
            over,
            set: Rc::default(),
            joining: Waiting::default(),
            woken: false,
            lives: Vec::new(),
            ended: VecDeque::new(),
            well: Output::default(),
            must_be_well: 0,
            detached: 0,
        }
    }

    fn spawn(&mut self, kind: Spawn) {
        let (tell, told) = oneshot::channel();
        let output = self.well.clone();
        let task = async move {
            if kind == Spawn::Wait && told.await == Ok(End::Panic) {
                // Not `panic!`: that would tell everybody, and a fuzzer takes it for a bug.
                resume_unwind(Box::new(output));
            }
            output.fetch_add(1, SeqCst);
            output
        };
        let mut set = self.set.borrow_mut();
        let is_too_late = kind == Spawn::TooLate;
        let abort = match is_too_late {
            true => set.spawn_on(task, &self.over),
            false => set.spawn(task),
        };
        if is_too_late {
            self.ended.push_back(vec![abort.id()]);
        }
        self.lives.push(Life {
            abort,
            tell: Some(tell),
            end: match kind {
                Spawn::Wait => None,
                Spawn::End => Some(End::Well),
                Spawn::TooLate => Some(End::Abort),
            },
            has_ended: is_too_late,
        });
    }

    /// A task is told to end.
    fn tell(&mut self, at: usize, how: End) {
        let Some(at) = at.checked_rem(self.lives.len()) else {
            return;
        };
        let life = &mut self.lives[at];
        match how {
            End::Abort => life.abort.abort(),
            _ => drop(life.tell.take().map(|tell| tell.send(how))),
        }
        life.ends(how);
    }

    /// Compares the set's answer with what may be: one of those that ended first.
    fn given(&mut self, outcome: Outcome) {
        let Some((id, end)) = outcome else {
            return assert!(self.lives.is_empty(), "it says that it is empty");
        };
        let turn = self.ended.front_mut().expect("one that has ended");
        let in_turn = turn.iter().position(|ended| *ended == id);
        turn.swap_remove(in_turn.expect("one that ended first"));
        if turn.is_empty() {
            self.ended.pop_front();
        }
        let mut lives = self.lives.iter();
        let at = lives.position(|life| life.abort.id() == id).unwrap();
        assert_eq!(self.lives.remove(at).end, Some(end));
    }

    /// Compares a poll of who waits with what it must give.
    fn polled(&mut self, poll: Option<Poll<Outcome>>) {
        let waits = !self.lives.is_empty() && self.ended.is_empty();
        self.woken = false;
        match poll {
            Some(Poll::Ready(outcome)) => self.given(outcome),
            Some(Poll::Pending) => assert!(waits, "it waits for nothing"),
            None => {}
        }
    }

    /// The tasks are in the set no more. They are not told anything any more, and so those who wait for a word end well.
    fn let_go(&mut self) {
        for life in self.lives.drain(..).filter(|life| !life.has_ended) {
            self.detached += usize::from(matches!(life.end, None | Some(End::Well)));
        }
        self.ended.clear();
    }

    /// What needs the set, which no future has.
    fn by_hand(&mut self, op: Op) {
        match op {
            Op::Spawn(kind) => self.spawn(kind),
            Op::AbortAll => {
                self.set.borrow_mut().abort_all();
                self.lives.iter_mut().for_each(|life| life.ends(End::Abort));
            }
            Op::Join => {
                let set = self.set.clone();
                self.joining.add(Box::pin(async move {
                    outcome(set.borrow_mut().join_next_with_id().await)
                }));
                let poll = self.joining.poll_newest();
                self.polled(poll);
            }
            Op::TryJoin => {
                let given = self.set.borrow_mut().try_join_next_with_id();
                match outcome(given) {
                    None => assert!(self.ended.is_empty(), "there is one"),
                    given => self.given(given),
                }
            }
            Op::DetachAll => {
                self.set.borrow_mut().detach_all();
                self.let_go();
            }
            // The set asks all to end before any of them runs.
            _ => {
                self.set.take();
                (self.lives, self.ended) = Default::default();
            }
        }
    }

    async fn settle(&mut self) {
        sleep(Duration::from_millis(1)).await;
        let mut turn = Vec::new();
        for life in &mut self.lives {
            if life.end.is_some() && !life.has_ended {
                life.has_ended = true;
                turn.push(life.abort.id());
                self.must_be_well += usize::from(life.end == Some(End::Well));
            }
        }
        self.must_be_well += std::mem::take(&mut self.detached);
        assert_eq!(self.well.load(SeqCst), self.must_be_well, "those who ended");
        let outputs = self
            .lives
            .iter()
            .filter(|life| life.end != Some(End::Abort));
        assert_eq!(Arc::strong_count(&self.well), 1 + outputs.count());
        if !turn.is_empty() {
            self.woken = true;
            self.ended.push_back(turn);
        }
    }

    async fn apply(&mut self, op: Op) {
        match op {
            Op::Settle => self.settle().await,
            Op::Finish { at, how } => self.tell(at, how),
            Op::Abort(at) => self.tell(at, End::Abort),
            Op::PollJoin { fresh } => {
                let poll = self.joining.poll(0, fresh);
                self.polled(poll);
            }
            Op::CancelJoin => drop(self.joining.cancel(0)),
            _ if self.set.try_borrow().is_ok() => self.by_hand(op),
            _ => {}
        }
        let woken = self.joining.woken();
        assert!(woken.iter().all(|woken| *woken == self.woken), "woken");
        if let Ok(set) = self.set.try_borrow() {
            assert_eq!(set.len(), self.lives.len());
        }
    }
}

async fn play(script: &[u8], over: Handle) {
    let mut story = Story(Vec::new());
    let mut pair = Pair::new(over);
    for (number, op) in steps(script).map(op).enumerate() {
        if number % BATCH == BATCH - 1 {
            pair.apply(Op::Settle).await;
        }
        story.0.push(op);
        pair.apply(op).await;
    }
    pair.joining.cancel(0);
    pair.apply(Op::DropAll).await;
    pair.joining.no_waker_is_kept();
    pair.settle().await;
}

/// Runs a script.
pub fn run(script: &[u8]) {
    let build = || Builder::new_current_thread().start_paused(true).build();
    let over = build().unwrap().handle().clone();
    build().unwrap().block_on(play(script, over));
}
