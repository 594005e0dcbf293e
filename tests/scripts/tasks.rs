//! Scripts of tasks: puppets that wake themselves and each other, end, panic, abort and spawn; and a hand from outside that
//! wakes, aborts, drops handles and polls them.
//!
//! They run on a simulated runtime of several workers, or on one worker with a paused clock. There `sleep` returns when
//! nobody else can run; so after it every wake must have led to a poll, and every end must have been told.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use samovar::runtime::Builder;
use samovar::task::{AbortHandle, JoinHandle, yield_now};
use samovar::time::{Duration, sleep};

use super::{Argument, Bell, Story, steps};

/// What a puppet does when it is polled.
#[derive(Clone, Copy, Debug)]
enum Act {
    Wait,
    WakeSelf,
    WakeTwice,
    Wake(usize),
    Abort(usize),
    /// Asks for its own end, and waits.
    AbortSelf,
    /// Asks for its own end, and is first.
    AbortAndEnd,
    Spawn,
    Panic,
}

fn act((kind, argument): (u8, Argument)) -> Act {
    match kind % 12 {
        0..=2 => Act::Wait,
        3 => Act::WakeSelf,
        4 => Act::WakeTwice,
        5..=6 => Act::Wake(argument.at()),
        7 => Act::Abort(argument.at()),
        8 => Act::AbortSelf,
        9 => Act::AbortAndEnd,
        10 => Act::Spawn,
        _ => Act::Panic,
    }
}

/// What the hand from outside does.
#[derive(Clone, Debug)]
enum Op {
    Spawn(VecDeque<Act>),
    Wake(usize),
    Abort(usize),
    PollHandle(usize),
    DropHandle(usize),
    Yield,
    Settle,
}

/// How a puppet ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Ready,
    Panicked,
}

/// What is known of a puppet.
#[derive(Default)]
struct Life {
    polls: usize,
    /// Calls of its wakers, and its spawning.
    wakes: usize,
    /// Woken, and not polled since.
    due: bool,
    /// Inside a poll.
    running: bool,
    end: Option<End>,
    /// Somebody asked for its end before it ended.
    aborted: bool,
    future_drops: usize,
    waker: Option<Waker>,
    abort: Option<AbortHandle>,
}

/// A puppet's life and output, as others see them.
#[derive(Default)]
struct Record {
    life: Mutex<Life>,
    outputs: AtomicUsize,
}

impl Record {
    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap()
    }

    fn wake(&self) {
        let waker = {
            let mut life = self.life();
            life.wakes += 1;
            life.due = true;
            life.waker.clone()
        };
        match waker {
            Some(waker) => waker.wake(),
            // It was not polled yet, so it need not be woken.
            None => self.life().wakes -= 1,
        }
    }

    fn abort(&self) {
        let abort = {
            let mut life = self.life();
            life.aborted |= life.end.is_none();
            life.abort.clone()
        };
        if let Some(abort) = abort {
            abort.abort();
        }
    }
}

/// All puppets that ever were.
type World = Arc<Mutex<Vec<Arc<Record>>>>;

fn chosen(world: &World, at: usize) -> Option<Arc<Record>> {
    let records = world.lock().unwrap();
    let at = at.checked_rem(records.len())?;
    Some(records[at].clone())
}

/// What comes out of a puppet that ends.
struct Output(Arc<Record>);

impl Drop for Output {
    fn drop(&mut self) {
        self.0.outputs.fetch_sub(1, SeqCst);
    }
}

/// A future that does as it is told.
struct Puppet {
    plan: VecDeque<Act>,
    record: Arc<Record>,
    world: World,
}

impl Puppet {
    fn spawn(plan: VecDeque<Act>, world: &World) -> (Arc<Record>, JoinHandle<Output>) {
        let record = Arc::new(Record::default());
        (record.life().wakes, record.life().due) = (1, true);
        let handle = samovar::spawn(Puppet {
            plan,
            record: record.clone(),
            world: world.clone(),
        });
        record.life().abort = Some(handle.abort_handle());
        world.lock().unwrap().push(record.clone());
        (record, handle)
    }

    fn act(&mut self) -> Poll<()> {
        match self.plan.pop_front() {
            None => return Poll::Ready(()),
            Some(Act::Wait) => {}
            Some(Act::WakeSelf) => self.record.wake(),
            Some(Act::WakeTwice) => {
                self.record.wake();
                self.record.wake();
            }
            Some(Act::Wake(at)) => chosen(&self.world, at).unwrap_or_default().wake(),
            Some(Act::Abort(at)) => chosen(&self.world, at).unwrap_or_default().abort(),
            Some(Act::AbortSelf) => self.record.abort(),
            Some(Act::AbortAndEnd) => {
                self.record.abort();
                return Poll::Ready(());
            }
            Some(Act::Spawn) => {
                let rest = self.plan.split_off(self.plan.len() / 2);
                drop(Puppet::spawn(rest, &self.world));
            }
            Some(Act::Panic) => {
                let mut life = self.record.life();
                (life.end, life.running) = (Some(End::Panicked), false);
                drop(life);
                // Not `panic!`: that would tell everybody, and a fuzzer takes it for a bug.
                resume_unwind(Box::new(self.record.clone()));
            }
        }
        Poll::Pending
    }
}

impl Future for Puppet {
    type Output = Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output> {
        let mut life = self.record.life();
        assert!(!life.running, "polled by two at a time");
        assert_eq!(life.end, None, "polled after its end");
        assert!(!life.aborted, "polled after its abort");
        life.polls += 1;
        assert!(life.polls <= life.wakes, "polled without being woken");
        (life.due, life.running) = (false, true);
        let known = life.waker.as_ref();
        assert!(known.is_none_or(|known| known.will_wake(cx.waker())));
        life.waker.get_or_insert_with(|| cx.waker().clone());
        drop(life);
        let poll = self.act();
        let mut life = self.record.life();
        life.running = false;
        poll.map(|()| {
            life.end = Some(End::Ready);
            // It came first.
            life.aborted = false;
            self.record.outputs.fetch_add(1, SeqCst);
            Output(self.record.clone())
        })
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        self.record.life().future_drops += 1;
    }
}

/// A puppet whose handle is kept.
struct Held {
    record: Arc<Record>,
    handle: JoinHandle<Output>,
    /// Who waits for the end, once somebody does.
    bell: Option<Arc<Bell>>,
}

impl Held {
    /// Polls the handle. Whether it gave its result.
    fn poll(&mut self) -> bool {
        let bell = self.bell.insert(Arc::default());
        let waker = Waker::from(bell.clone());
        let poll = Pin::new(&mut self.handle).poll(&mut Context::from_waker(&waker));
        let Poll::Ready(result) = poll else {
            return false;
        };
        let life = self.record.life();
        let (end, aborted) = (life.end, life.aborted);
        drop(life);
        match result {
            Ok(output) => {
                assert_eq!((end, aborted), (Some(End::Ready), false));
                assert!(Arc::ptr_eq(&output.0, &self.record), "another's output");
            }
            Err(error) if error.is_panic() => {
                assert_eq!(end, Some(End::Panicked));
                let payload = error.into_panic().downcast::<Arc<Record>>();
                assert!(payload.is_ok_and(|record| Arc::ptr_eq(&record, &self.record)));
            }
            Err(_cancelled) => assert_eq!((end, aborted), (None, true)),
        }
        true
    }

    /// What must be true when nobody can run.
    fn check(&self) {
        let finished = self.handle.is_finished();
        let life = self.record.life();
        assert_eq!(finished, life.end.is_some() || life.aborted);
        if let (Some(bell), true) = (&self.bell, finished) {
            assert!(bell.rang() > 0, "who waits for the end was not told");
        }
    }
}

/// What must be true of everybody when nobody can run.
fn check(world: &World) {
    for record in world.lock().unwrap().iter() {
        let life = record.life();
        let over = life.end.is_some() || life.aborted;
        assert_eq!(life.future_drops, usize::from(over), "future dropped");
        assert!(over || !life.due, "a wake was lost");
    }
}

/// The script, played from inside `block_on`.
async fn play(script: &[u8], world: &World) -> Vec<Held> {
    let mut story = Story(Vec::new());
    let mut held: Vec<Held> = Vec::new();
    let mut script = steps(script);
    while let Some((kind, argument)) = script.next() {
        let op = match kind % 16 {
            0..=4 => Op::Spawn(script.by_ref().take(argument.below(7)).map(act).collect()),
            5..=7 => Op::Wake(argument.at()),
            8 => Op::Abort(argument.at()),
            9..=10 => Op::PollHandle(argument.at()),
            11 => Op::DropHandle(argument.at()),
            12..=13 => Op::Yield,
            _ => Op::Settle,
        };
        story.0.push(op.clone());
        let some = |at: usize| at.checked_rem(held.len());
        match op {
            Op::Spawn(plan) => {
                let (record, handle) = Puppet::spawn(plan, world);
                held.push(Held {
                    record,
                    handle,
                    bell: None,
                });
            }
            Op::Wake(at) => chosen(world, at).unwrap_or_default().wake(),
            Op::Abort(at) => chosen(world, at).unwrap_or_default().abort(),
            Op::PollHandle(at) => {
                if let Some(at) = some(at).filter(|at| held[*at].poll()) {
                    held.swap_remove(at);
                }
            }
            Op::DropHandle(at) => drop(some(at).map(|at| held.swap_remove(at))),
            Op::Yield => yield_now().await,
            Op::Settle => {
                sleep(Duration::from_millis(1)).await;
                check(world);
                held.iter().for_each(Held::check);
            }
        }
    }
    held
}

/// Runs a script.
pub fn run(script: &[u8]) {
    let Some((first, script)) = script.split_first() else {
        return;
    };
    let runtime = if first % 4 == 0 {
        Builder::new_current_thread().start_paused(true).build()
    } else {
        Builder::new_multi_thread().seed(u64::from(*first)).build()
    };
    let runtime = runtime.unwrap();
    let world = World::default();
    let held = runtime.block_on(play(script, &world));
    drop(runtime);
    for mut held in held {
        let ended = held.record.life().end.is_some();
        held.record.life().aborted = !ended;
        assert!(held.poll(), "after the runtime there is a result");
    }
    for record in std::mem::take(&mut *world.lock().unwrap()) {
        // A waker that outlives its runtime does nothing.
        record.wake();
        let mut life = record.life();
        assert_eq!(life.future_drops, 1, "future dropped");
        (life.waker, life.abort) = (None, None);
        drop(life);
        assert_eq!(record.outputs.load(SeqCst), 0, "output dropped");
        assert_eq!(Arc::strong_count(&record), 1, "something is left of a task");
    }
}
