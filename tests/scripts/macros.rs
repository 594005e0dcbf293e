//! Scripts of `select!` and `join!`: which branch is ready when, whose value fits, who is disabled.
//!
//! The branches are leaves that count their polls and know their end. `select!` in the order of the text is compared with
//! Tokio's, `join!` in that order with the one of `futures`; what they do at random or in turn is checked against the rules.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use samovar::sync::{broadcast, mpsc};

use super::{Bell, steps};

/// How many branches there are. (`BRANCHES` is a name that the text of Tokio's `select!` uses itself.)
const MANY: usize = 4;

/// Nobody waits longer than this many polls: what is not done then never will be.
const PATIENCE: u32 = 8;

/// What a branch is to do.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// How often it is pending; as often as `PATIENCE`, and it is for ever.
    pending: u32,
    /// Whether its condition is true.
    enabled: bool,
    /// Whether its value fits the pattern, or is no error.
    fits: bool,
}

impl Plan {
    fn of(byte: u8) -> Plan {
        Plan {
            pending: u32::from(byte % (PATIENCE as u8 + 1)),
            enabled: byte & 0x40 == 0,
            fits: byte & 0x80 == 0,
        }
    }
}

/// What is known of a branch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Life {
    polls: u32,
    done: bool,
    dropped: bool,
}

type Lives = Rc<RefCell<[Life; MANY]>>;

/// A branch.
struct Leaf {
    plan: Plan,
    number: usize,
    lives: Lives,
}

impl Future for Leaf {
    type Output = Output;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Output> {
        let life = &mut self.lives.borrow_mut()[self.number];
        assert!(!life.done, "polled after it was done");
        life.polls += 1;
        if life.polls <= self.plan.pending || self.plan.pending == PATIENCE {
            return Poll::Pending;
        }
        life.done = true;
        let fits = self.plan.fits;
        Poll::Ready(if fits {
            Ok(self.number)
        } else {
            Err(self.number)
        })
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        self.lives.borrow_mut()[self.number].dropped = true;
    }
}

fn leaves(plans: &[Plan; MANY], lives: &Lives) -> [Leaf; MANY] {
    let mut numbers = 0..;
    plans.map(|plan| Leaf {
        plan,
        number: numbers.next().unwrap_or_default(),
        lives: lives.clone(),
    })
}

/// Polls to the end, or until patience is at its end. `after` sees what each poll gave.
fn drive<F: Future>(future: F, mut after: impl FnMut(u32, &Poll<F::Output>)) -> Option<F::Output> {
    let mut future = pin!(future);
    for round in 0..=PATIENCE {
        let poll = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        after(round, &poll);
        if let Poll::Ready(output) = poll {
            return Some(output);
        }
    }
    None
}

/// One `select!` of four branches; nobody is the fifth.
macro_rules! select_of {
    ($name:ident: $library:ident $($biased:tt)*) => {
        async fn $name(leaves: [Leaf; MANY], plans: [Plan; MANY], lives: Lives) -> usize {
            let [a, b, c, d] = leaves;
            let all_dropped = |winner| {
                assert!(lives.borrow().iter().all(|life| life.dropped), "before the handler");
                winner
            };
            ::$library::select! {
                $($biased)*
                Ok(number) = a, if plans[0].enabled => all_dropped(number),
                Ok(number) = b, if plans[1].enabled => all_dropped(number),
                Ok(number) = c, if plans[2].enabled => all_dropped(number),
                Ok(number) = d, if plans[3].enabled => all_dropped(number),
                else => all_dropped(MANY),
            }
        }
    };
}

select_of!(samovar_in_order: samovar biased;);
select_of!(tokio_in_order: tokio biased;);
select_of!(samovar_at_random: samovar);

/// What a `select!` in the order of the text must do: who wins, and how often each is polled.
fn select_model(plans: &[Plan; MANY]) -> (Option<usize>, [u32; MANY]) {
    let mut polls = [0; MANY];
    for round in 0..=PATIENCE {
        let mut pending = false;
        for (number, plan) in plans.iter().enumerate() {
            let over = plan.pending < PATIENCE && plan.pending < round;
            if !plan.enabled || over {
                continue;
            }
            polls[number] += 1;
            let ready = plan.pending < PATIENCE && plan.pending == round;
            if ready && plan.fits {
                return (Some(number), polls);
            }
            pending |= !ready;
        }
        if !pending {
            return (Some(MANY), polls);
        }
    }
    (None, polls)
}

/// Checks one poll of a `select!` that begins anywhere.
fn check_random_poll(
    plans: &[Plan; MANY],
    before: &[Life; MANY],
    after: &[Life; MANY],
    poll: &Poll<usize>,
) {
    for (number, plan) in plans.iter().enumerate() {
        let polled = after[number].polls - before[number].polls;
        let able = plan.enabled && !before[number].done;
        assert!(polled <= u32::from(able), "{number} was polled in vain");
        match *poll {
            // A winner ends the search; otherwise nobody is left out.
            Poll::Ready(winner) if winner < MANY => {}
            _ => assert_eq!(polled, u32::from(able), "{number} was left out"),
        }
        let fits = after[number].done && plan.fits;
        assert_eq!(fits, *poll == Poll::Ready(number), "{number} won");
        if *poll == Poll::Ready(MANY) {
            assert!(!plan.enabled || after[number].done, "{number} can go on");
        }
    }
}

fn select_once(plans: [Plan; MANY]) {
    let lives = Lives::default();
    let select = |lives: &Lives| (leaves(&plans, lives), plans, lives.clone());
    let expected = select_model(&plans);

    let (branches, _, shared) = select(&lives);
    let won = drive(samovar_in_order(branches, plans, shared), |_, _| {});
    let polls = |lives: &Lives| lives.borrow().map(|life| life.polls);
    assert_eq!((won, polls(&lives)), expected, "{plans:?}");

    let theirs = Lives::default();
    let (branches, _, shared) = select(&theirs);
    let won = drive(tokio_in_order(branches, plans, shared), |_, _| {});
    assert_eq!((won, polls(&theirs)), expected, "{plans:?}: Tokio");

    let lives = Lives::default();
    let (branches, _, shared) = select(&lives);
    let before = Cell::new(*lives.borrow());
    let won = drive(samovar_at_random(branches, plans, shared), |_, poll| {
        let after = *lives.borrow();
        check_random_poll(&plans, &before.replace(after), &after, poll);
    });
    let (in_order, _) = expected;
    assert_eq!(won.is_none(), in_order.is_none());
    assert_eq!(won == Some(MANY), in_order == Some(MANY));
    assert!(lives.borrow().iter().all(|life| life.dropped));
}

/// Three channels, of which one receives at a time: what a branch that loses would have received comes later.
struct Channels {
    sent: [u64; 3],
    received: [u64; 3],
    bounded: Option<mpsc::Sender<u64>>,
    unbounded: Option<mpsc::UnboundedSender<u64>>,
    broadcast: Option<broadcast::Sender<u64>>,
}

impl Channels {
    /// Sends to one of them, if there is room. Whether there was.
    fn send(&mut self, to: usize) -> bool {
        let number = self.sent[to] + 1;
        // One that lags loses values; that is another story.
        let room = number - self.received[to] <= 4;
        let sent = match to {
            0 => self.bounded.as_ref().map(|s| s.try_send(number).is_ok()),
            1 => self.unbounded.as_ref().map(|s| s.send(number).is_ok()),
            _ if !room => None,
            _ => self.broadcast.as_ref().map(|s| s.send(number).is_ok()),
        };
        self.sent[to] += u64::from(sent == Some(true));
        sent == Some(true)
    }

    fn close(&mut self, which: usize) {
        match which {
            0 => self.bounded = None,
            1 => self.unbounded = None,
            _ => self.broadcast = None,
        }
    }

    fn receive(&mut self, (from, number): (usize, u64)) {
        self.received[from] += 1;
        assert_eq!(number, self.received[from], "channel {from}: lost or twice");
    }
}

fn select_among_channels(script: &[u8]) {
    let (bounded, mut one) = mpsc::channel(3);
    let (unbounded, mut two) = mpsc::unbounded_channel();
    let (broadcast, mut three) = broadcast::channel(4);
    let mut channels = Channels {
        sent: [0; 3],
        received: [0; 3],
        bounded: Some(bounded),
        unbounded: Some(unbounded),
        broadcast: Some(broadcast),
    };
    let mut script = steps(script).chain((0..64).map(|_| (2, super::Argument(0))));
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(bell.clone());
    'rounds: loop {
        let mut select = pin!(async {
            samovar::select! {
                Some(number) = one.recv() => Some((0, number)),
                Some(number) = two.recv() => Some((1, number)),
                Ok(number) = three.recv() => Some((2, number)),
                else => None,
            }
        });
        let mut waits = false;
        loop {
            let Some((kind, argument)) = script.next() else {
                break 'rounds;
            };
            match kind % 6 {
                0..=1 => {
                    let sent = channels.send(argument.below(3));
                    assert!(!(sent && waits) || bell.rang() > 0, "nobody was woken");
                }
                // Another `select!`: this one loses what it waited for, and no value.
                4 => continue 'rounds,
                5 if argument.seldom() => channels.close(argument.below(3)),
                _ => {
                    let rang = bell.rang();
                    let poll = select.as_mut().poll(&mut Context::from_waker(&waker));
                    match poll {
                        Poll::Ready(None) => break 'rounds,
                        Poll::Ready(Some(received)) => {
                            channels.receive(received);
                            continue 'rounds;
                        }
                        Poll::Pending => waits = bell.rang() == rang && rang == 0,
                    }
                }
            }
        }
    }
    let left = [one.len(), two.len(), three.len()];
    for (from, left) in left.into_iter().enumerate() {
        let still = channels.sent[from] - channels.received[from];
        assert_eq!(left as u64, still, "channel {from}");
    }
}

/// Runs a script of `select!`s.
pub fn select(script: &[u8]) {
    let Some((first, script)) = script.split_first() else {
        return;
    };
    if first % 2 == 0 {
        return select_among_channels(script);
    }
    for plans in script.chunks_exact(MANY) {
        select_once([0, 1, 2, 3].map(|number| Plan::of(plans[number])));
    }
}

/// What `join!` and `try_join!` must do: how it ends, and how often each branch is polled. `turn` says whether another
/// branch is first each time.
fn join_model(
    plans: &[Plan; MANY],
    turn: bool,
    fallible: bool,
) -> (Option<Result<(), usize>>, [u32; MANY]) {
    let mut polls = [0; MANY];
    for round in 0..=PATIENCE {
        let mut pending = false;
        for place in 0..MANY {
            let first = if turn { round as usize } else { 0 };
            let number = (first + place) % MANY;
            let plan = plans[number];
            if plan.pending < PATIENCE && plan.pending < round {
                continue;
            }
            polls[number] += 1;
            let ready = plan.pending < PATIENCE && plan.pending == round;
            if ready && fallible && !plan.fits {
                return (Some(Err(number)), polls);
            }
            pending |= !ready;
        }
        if !pending {
            return (Some(Ok(())), polls);
        }
    }
    (None, polls)
}

/// A join of four branches, against the model: what comes out, and how often each is polled.
macro_rules! join_of {
    ($name:ident, turn $turn:literal, fallible $fallible:literal, |$a:ident, $b:ident, $c:ident, $d:ident| $join:expr) => {
        fn $name(plans: &[Plan; MANY]) {
            let lives = Lives::default();
            let [$a, $b, $c, $d] = leaves(plans, &lives);
            let joined = drive(async { $join }, |_, poll| {
                // Who is done is gone, and does not wait for the others.
                let gone = lives.borrow().iter().all(|life| life.dropped || !life.done);
                assert!(gone || poll.is_ready(), "{plans:?}");
            });
            let (expected, polls) = join_model(plans, $turn, $fallible);
            assert_eq!(
                (joined, lives.borrow().map(|life| life.polls)),
                (expected, polls),
                "{plans:?}"
            );
            assert!(lives.borrow().iter().all(|life| life.dropped));
        }
    };
}

/// What comes out of a branch.
type Output = Result<usize, usize>;

/// The outputs of `join!` are those of their branches; the model needs to know no more.
fn in_place((a, b, c, d): (Output, Output, Output, Output)) -> Result<(), usize> {
    let number = |output: Output| output.unwrap_or_else(|number| number);
    assert_eq!([a, b, c, d].map(number), [0, 1, 2, 3]);
    Ok(())
}

join_of!(joined, turn true, fallible false, |a, b, c, d| in_place(samovar::join!(a, b, c, d)));
join_of!(joined_in_order, turn false, fallible false, |a, b, c, d| in_place(samovar::join!(biased; a, b, c, d)));
join_of!(try_joined, turn true, fallible true, |a, b, c, d| samovar::try_join!(a, b, c, d).map(drop));
join_of!(try_joined_in_order, turn false, fallible true, |a, b, c, d| samovar::try_join!(biased; a, b, c, d).map(drop));
join_of!(futures_joined, turn false, fallible false, |a, b, c, d| in_place(futures::join!(a, b, c, d)));
join_of!(futures_try_joined, turn false, fallible true, |a, b, c, d| futures::try_join!(a, b, c, d).map(drop));

/// Runs a script of `join!`s.
pub fn join(script: &[u8]) {
    for plans in script.chunks_exact(MANY) {
        let plans = [0, 1, 2, 3].map(|number| Plan::of(plans[number]));
        for join in [
            joined,
            joined_in_order,
            try_joined,
            try_joined_in_order,
            futures_joined,
            futures_try_joined,
        ] {
            join(&plans);
        }
    }
}
