//! Random scripts of operations, run on Samovar's types, on Tokio's, and on plain models that say what must come out.
//!
//! ```text
//!   bytes ─► operations ─┬─► Samovar's type ─► said, state, woken ─┐
//!                        ├─► Tokio's type   ─► said, state        ─┼─ all the same?
//!                        └─► the model      ─► said, state, woken ─┘
//! ```
//!
//! **Any bytes are a script.** So proptest (`tests/properties.rs`), libFuzzer (`tests/fuzz`) and the scripts that it kept
//! (`corpus`, here) share the interpreters, and a script that fails shrinks byte by byte.
//!
//! **Every future is polled by hand**, with a waker that counts. So a script means the same in each run, and "whoever can go
//! on has been woken" can be asked after every operation: the model knows who can.
//!
//! **The lane of Samovar and that of Tokio are one text**, a macro with the name of the library: that it compiles for both is
//! a test as well. Where the two mean to differ, the model says so ([`Lane::departs`]) and goes on as the only judge.
//!
//! Rejected: operations as values of proptest's strategies. They shrink a little better, and a fuzzer that follows the
//! coverage cannot make them.
#![allow(dead_code, missing_docs, missing_debug_implementations)]
#![allow(
    clippy::await_holding_refcell_ref,
    reason = "a future has its receiver until it is dropped, and others ask whether it has"
)]

pub mod barrier;
pub mod broadcast;
pub mod duplex;
pub mod interval;
pub mod join_set;
pub mod line;
pub mod macros;
pub mod mpsc;
pub mod mutex;
pub mod notify;
pub mod once_cell;
pub mod oneshot;
pub mod receivers;
pub mod rwlock;
pub mod semaphore;
pub mod senders;
pub mod tasks;
pub mod timers;
pub mod unbounded;
pub mod watch;

use std::cell::Cell;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

/// Interpreters with their names.
pub type Group = [(&'static str, fn(&[u8]))];

/// The interpreters of the channels; each group is fuzzed together. The wheel's (`wheel.rs`) is none of them,
/// because nobody can see the wheel from outside.
pub const CHANNELS: &Group = &[
    ("mpsc", mpsc::run),
    ("unbounded", unbounded::run),
    ("oneshot", oneshot::run),
    ("broadcast", broadcast::run),
    ("watch", watch::run),
];
/// The locks.
pub const LOCKS: &Group = &[
    ("mutex", mutex::run),
    ("rwlock", rwlock::run),
    ("semaphore", semaphore::run),
    ("notify", notify::run),
    ("barrier", barrier::run),
];
/// The macros.
pub const MACROS: &Group = &[("select", macros::select), ("join", macros::join)];
/// The life of tasks, and their sleep.
pub const TASKS: &Group = &[("tasks", tasks::run), ("timers", timers::run)];
/// What is made of these, and a stream in memory.
pub const OTHERS: &Group = &[
    ("once_cell", once_cell::run),
    ("join_set", join_set::run),
    ("interval", interval::run),
    ("duplex", duplex::run),
];

/// Runs a script of a group: the first byte chooses the interpreter.
pub fn run_one_of(group: &Group, script: &[u8]) {
    if let Some((first, rest)) = script.split_first() {
        (group[usize::from(*first) % group.len()].1)(rest);
    }
}

/// Runs the scripts of a group that libFuzzer kept: one in a line, in hexadecimal digits.
pub fn run_corpus(group: &Group, corpus: &str) {
    assert!(!corpus.is_empty());
    for line in corpus.lines() {
        let byte = |at: usize| u8::from_str_radix(&line[at..at + 2], 16).expect("two digits");
        let script: Vec<u8> = (0..line.len()).step_by(2).map(byte).collect();
        run_one_of(group, &script);
    }
}

/// The operations of a script: two bytes each, what to do and an argument.
pub fn steps(script: &[u8]) -> impl Iterator<Item = (u8, Argument)> {
    script
        .chunks_exact(2)
        .map(|step| (step[0], Argument(step[1])))
}

/// What an operation is about.
#[derive(Clone, Copy, Debug)]
pub struct Argument(pub u8);

impl Argument {
    /// Which one; taken modulo how many there are.
    pub fn at(self) -> usize {
        usize::from(self.0 & 31)
    }

    /// A small number.
    pub fn below(self, limit: usize) -> usize {
        usize::from(self.0) % limit
    }

    /// One way or the other: true three times in four.
    pub fn mostly(self) -> bool {
        self.0 >> 6 != 3
    }

    /// True once in eight times.
    pub fn seldom(self) -> bool {
        self.0 >> 5 == 5
    }
}

/// What an operation on anything may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// There was nothing to do it with.
    Skipped,
    Pending,
    Done,
    Value(u64),
    Flag(bool),
    Closed,
    Empty,
    Full,
    Lagged(u64),
}

impl Said {
    /// What a poll says.
    pub fn polled(poll: Option<Poll<Said>>) -> Said {
        match poll {
            None => Said::Skipped,
            Some(Poll::Pending) => Said::Pending,
            Some(Poll::Ready(said)) => said,
        }
    }

    /// `Done`, if there was something to do.
    pub fn done(is: bool) -> Said {
        if is { Said::Done } else { Said::Skipped }
    }
}

/// Something that a script runs on: a type of Samovar, of Tokio, or a model.
pub trait Lane<Op> {
    /// All that can be asked without changing anything.
    type State: Debug + PartialEq;
    /// Carries an operation out.
    fn apply(&mut self, op: Op) -> Said;
    fn state(&self) -> Self::State;
    /// For each that waits, in order of their beginning: whether it was woken since its last poll.
    fn woken(&self) -> Vec<bool>;
    /// Whether Samovar and Tokio mean to differ from here on. Only the model knows.
    fn departs(&self) -> bool {
        false
    }
}

/// Runs a script on all three, and fails where they say different things.
pub fn compare<Op: Copy + Debug, State: Debug + PartialEq>(
    ops: impl Iterator<Item = Op>,
    mut samovar: impl Lane<Op, State = State>,
    mut tokio: impl Lane<Op, State = State>,
    mut model: impl Lane<Op, State = State>,
) {
    let mut story = Story(Vec::new());
    for (number, op) in ops.enumerate() {
        story.0.push(op);
        let said = samovar.apply(op);
        assert_eq!(said, model.apply(op), "{number}: Samovar, and the model");
        let (state, woken) = (samovar.state(), samovar.woken());
        assert_eq!(state, model.state(), "{number}: Samovar, and the model");
        assert_eq!(woken, model.woken(), "{number}: who was woken");
        if !model.departs() {
            assert_eq!(said, tokio.apply(op), "{number}: Samovar, and Tokio");
            assert_eq!(state, tokio.state(), "{number}: Samovar, and Tokio");
        }
    }
}

/// What was done so far; tells it when a script fails.
pub struct Story<Op: Debug>(pub Vec<Op>);

impl<Op: Debug> Drop for Story<Op> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let ops = self.0.iter().enumerate();
            eprintln!("the script:");
            ops.for_each(|(number, op)| eprintln!("{number:5} {op:?}"));
        }
    }
}

/// A waker that counts.
#[derive(Default)]
pub struct Bell(AtomicUsize);

impl Bell {
    /// How often it rang since the last time.
    pub fn rang(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A future that waits and is polled by hand.
struct Waiter<F: ?Sized> {
    future: Pin<Box<F>>,
    /// Its newest waker.
    bell: Arc<Bell>,
}

/// A future of any type.
pub type Boxed = dyn Future<Output = Said>;

/// The futures that wait, in order of their beginning.
pub struct Waiting<F: ?Sized = Boxed> {
    waiters: Vec<Waiter<F>>,
    /// The wakers of those that wait no more, or got another one.
    former: Vec<Arc<Bell>>,
}

impl<F: ?Sized> Default for Waiting<F> {
    fn default() -> Self {
        Waiting {
            waiters: Vec::new(),
            former: Vec::new(),
        }
    }
}

impl<F: Future + ?Sized> Waiting<F> {
    /// One more, that is not polled yet.
    pub fn add(&mut self, future: Pin<Box<F>>) {
        let bell = Arc::default();
        self.waiters.push(Waiter { future, bell });
    }

    /// Polls one, perhaps with another waker than before. `None` if nobody waits.
    pub fn poll(&mut self, at: usize, fresh: bool) -> Option<Poll<F::Output>> {
        let at = at.checked_rem(self.waiters.len())?;
        let waiter = &mut self.waiters[at];
        if fresh {
            self.former.push(std::mem::take(&mut waiter.bell));
        }
        waiter.bell.0.store(0, SeqCst);
        let waker = Waker::from(waiter.bell.clone());
        let poll = waiter
            .future
            .as_mut()
            .poll(&mut Context::from_waker(&waker));
        if poll.is_ready() {
            self.cancel(at);
        }
        Some(poll)
    }

    /// Polls the newest, which was just added.
    pub fn poll_newest(&mut self) -> Option<Poll<F::Output>> {
        self.poll(self.waiters.len().wrapping_sub(1), false)
    }

    /// Drops one, wherever it is. Whether there was one.
    pub fn cancel(&mut self, at: usize) -> bool {
        let Some(at) = at.checked_rem(self.waiters.len()) else {
            return false;
        };
        self.former.push(self.waiters.remove(at).bell);
        true
    }

    /// One of them.
    pub fn get(&mut self, at: usize) -> Option<Pin<&mut F>> {
        let at = at.checked_rem(self.waiters.len())?;
        Some(self.waiters[at].future.as_mut())
    }

    /// Who was woken since its last poll: once, for that is enough.
    pub fn woken(&self) -> Vec<bool> {
        let rang = |waiter: &Waiter<F>| match waiter.bell.rang() {
            0 => false,
            1 => true,
            more => panic!("woken {more} times for one poll"),
        };
        self.waiters.iter().map(rang).collect()
    }

    /// All give up. Nobody has the waker of one that waits no more, before and after.
    pub fn end(&mut self) {
        self.no_waker_is_kept();
        self.waiters
            .drain(..)
            .for_each(|waiter| self.former.push(waiter.bell));
        self.no_waker_is_kept();
    }

    /// Fails if anybody still has the waker of one that waits no more.
    pub fn no_waker_is_kept(&self) {
        let kept = self
            .former
            .iter()
            .filter(|bell| Arc::strong_count(bell) > 1);
        assert_eq!(kept.count(), 0, "wakers of futures that are gone");
    }
}

impl Waiting {
    /// One more, that is polled at once or later.
    pub fn begin(&mut self, polled: bool, future: impl Future<Output = Said> + 'static) -> Said {
        self.add(Box::pin(future));
        match polled {
            true => Said::polled(self.poll_newest()),
            false => Said::Done,
        }
    }
}

/// Counts the values that are alive.
#[derive(Clone, Default)]
pub struct Alive(Rc<Cell<usize>>);

impl Alive {
    pub fn count(&self) -> usize {
        self.0.get()
    }

    pub fn value(&self, number: u64) -> Value {
        self.0.set(self.0.get() + 1);
        Value {
            number,
            alive: self.clone(),
        }
    }
}

/// A number whose life is counted.
#[derive(Debug)]
pub struct Value {
    pub number: u64,
    alive: Alive,
}

impl Debug for Alive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.count().fmt(f)
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        self.alive.value(self.number)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.alive.0.set(self.alive.0.get() - 1);
    }
}
