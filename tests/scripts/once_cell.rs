//! Scripts of a cell that is written once: initializers that end at once, fail, panic or wait for a word; giving up
//! anywhere; storing a value meanwhile, and taking it out again.

use super::{Argument, Lane, Said, compare, steps};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Ask {
        init: Init,
        polled: bool,
    },
    Poll {
        at: usize,
        fresh: bool,
    },
    Cancel(usize),
    /// The initializer that waits may end.
    Go {
        well: bool,
    },
    Set,
    Take,
}

/// What an initializer does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Init {
    Value,
    Fail,
    Panic,
    /// Waits for `Op::Go`.
    Wait,
}

fn op((kind, argument): (u8, Argument)) -> Op {
    match kind % 16 {
        0..=5 => Op::Ask {
            init: match argument.below(8) {
                0 => Init::Value,
                1 => Init::Fail,
                2 => Init::Panic,
                _ => Init::Wait,
            },
            polled: argument.mostly(),
        },
        6..=9 => Op::Poll {
            at: argument.at(),
            fresh: argument.seldom(),
        },
        10..=11 => Op::Cancel(argument.at()),
        12..=13 => Op::Go {
            well: argument.seldom(),
        },
        14 => Op::Set,
        _ => Op::Take,
    }
}

/// The value; initializers that began; living values.
type State = (Option<u64>, usize, usize);

macro_rules! lane {
    ($library:ident) => {
        mod $library {
            use super::super::{Alive, Lane, Said, Value, Waiting};
            use super::{Init, Op, State};
            use ::$library::sync::{OnceCell, SetError};
            use futures::FutureExt;
            use std::cell::RefCell;
            use std::future::poll_fn;
            use std::panic::{AssertUnwindSafe, resume_unwind};
            use std::rc::Rc;
            use std::task::{Poll, Waker};

            /// The word for which an initializer waits, and its waker.
            #[derive(Default)]
            struct Word {
                said: Option<bool>,
                waker: Option<Waker>,
            }

            /// Whoever waits for the word, and takes its waker along.
            struct Listener(Rc<RefCell<Word>>);

            impl Drop for Listener {
                fn drop(&mut self) {
                    self.0.take();
                }
            }

            impl Listener {
                async fn word(self) -> bool {
                    poll_fn(|cx| {
                        let mut word = self.0.borrow_mut();
                        word.waker = word.said.is_none().then(|| cx.waker().clone());
                        word.said.take().map_or(Poll::Pending, Poll::Ready)
                    })
                    .await
                }
            }

            #[derive(Default)]
            pub struct Cell {
                alive: Alive,
                next: u64,
                began: Rc<std::cell::Cell<usize>>,
                cell: Rc<OnceCell<Value>>,
                word: Rc<RefCell<Word>>,
                waiting: Waiting,
            }

            impl Cell {
                fn ask(&mut self, init: Init, polled: bool) -> Said {
                    self.next += 1;
                    let (alive, number) = (self.alive.clone(), self.next);
                    let (cell, began, word) =
                        (self.cell.clone(), self.began.clone(), self.word.clone());
                    let init = move || {
                        began.set(began.get() + 1);
                        async move {
                            let well = match init {
                                Init::Value => true,
                                Init::Fail => false,
                                Init::Panic => resume_unwind(Box::new(())),
                                Init::Wait => Listener(word).word().await,
                            };
                            well.then(|| alive.value(number)).ok_or(())
                        }
                    };
                    let value = async move {
                        let value = cell.get_or_try_init(init).await;
                        value.map_or(Said::Flag(false), |value| Said::Value(value.number))
                    };
                    let value = AssertUnwindSafe(value).catch_unwind();
                    let said = async { value.await.unwrap_or(Said::Empty) };
                    self.waiting.begin(polled, said)
                }
            }

            impl Lane<Op> for Cell {
                type State = State;

                fn apply(&mut self, op: Op) -> Said {
                    match op {
                        Op::Ask { init, polled } => self.ask(init, polled),
                        Op::Poll { at, fresh } => Said::polled(self.waiting.poll(at, fresh)),
                        Op::Cancel(at) => Said::done(self.waiting.cancel(at)),
                        Op::Go { well } => {
                            let Some(waker) = self.word.borrow_mut().waker.take() else {
                                return Said::Skipped;
                            };
                            self.word.borrow_mut().said = Some(well);
                            waker.wake();
                            Said::Done
                        }
                        Op::Set => {
                            self.next += 1;
                            match self.cell.set(self.alive.value(self.next)) {
                                Ok(()) => Said::Done,
                                Err(error) => {
                                    let (SetError::AlreadyInitializedError(value)
                                    | SetError::InitializingError(value)) = &error;
                                    assert_eq!(value.number, self.next);
                                    Said::Flag(error.is_initializing_err())
                                }
                            }
                        }
                        // Nobody else may have it, and the futures do.
                        Op::Take => match Rc::get_mut(&mut self.cell).map(OnceCell::take) {
                            None => Said::Skipped,
                            Some(value) => value.map_or(Said::Empty, |value| {
                                assert_eq!(self.cell.get().map(|value| value.number), None);
                                Said::Value(value.number)
                            }),
                        },
                    }
                }

                fn state(&self) -> State {
                    let value = self.cell.get().map(|value| value.number);
                    assert_eq!(self.cell.initialized(), value.is_some());
                    (value, self.began.get(), self.alive.count())
                }

                fn woken(&self) -> Vec<bool> {
                    self.waiting.woken()
                }
            }

            impl Drop for Cell {
                fn drop(&mut self) {
                    if !std::thread::panicking() {
                        self.waiting.end();
                        self.cell = Rc::default();
                        assert_eq!(self.alive.count(), 0, "a value was leaked");
                    }
                }
            }
        }
    };
}

lane!(samovar);
lane!(tokio);

/// How far one who asks has come.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    New,
    /// Waits for its turn; with its place in the line.
    Queued(usize),
    /// May run its initializer.
    Granted,
    /// Its initializer waits for the word; and what the word was.
    Running(Option<bool>),
}

/// One who asks.
struct Place {
    number: u64,
    init: Init,
    stage: Stage,
    woken: bool,
}

/// One value, and a line of those who could make it.
#[derive(Default)]
struct Model {
    next: u64,
    began: usize,
    value: Option<u64>,
    /// Whether somebody makes the value.
    busy: bool,
    tickets: usize,
    places: Vec<Place>,
}

impl Model {
    fn poll(&mut self, at: usize) -> Said {
        let place = &mut self.places[at];
        place.woken = false;
        let outcome = match (place.stage, self.value) {
            (Stage::New | Stage::Queued(_), Some(value)) => {
                self.places.remove(at);
                return Said::Value(value);
            }
            (Stage::New, None) if self.busy => {
                place.stage = Stage::Queued(self.tickets);
                self.tickets += 1;
                return Said::Pending;
            }
            (Stage::New, None) | (Stage::Granted, _) => {
                (self.busy, place.stage) = (true, Stage::Running(None));
                self.began += 1;
                match place.init {
                    Init::Value => Said::Value(place.number),
                    Init::Fail => Said::Flag(false),
                    Init::Panic => Said::Empty,
                    Init::Wait => return Said::Pending,
                }
            }
            (Stage::Running(Some(true)), _) => Said::Value(place.number),
            (Stage::Running(Some(false)), _) => Said::Flag(false),
            (Stage::Queued(_) | Stage::Running(None), _) => return Said::Pending,
        };
        self.places.remove(at);
        match outcome {
            Said::Value(value) => self.store(value),
            _ => self.pass_on(),
        }
        outcome
    }

    fn store(&mut self, value: u64) {
        (self.value, self.busy) = (Some(value), false);
        for place in &mut self.places {
            place.woken |= matches!(place.stage, Stage::Queued(_));
        }
    }

    /// The turn goes to the first who waits for it.
    fn pass_on(&mut self) {
        let ticket = |place: &&mut Place| match place.stage {
            Stage::Queued(ticket) => Some(ticket),
            _ => None,
        };
        let queued = self
            .places
            .iter_mut()
            .filter(|place| ticket(place).is_some());
        let first = queued.min_by_key(ticket);
        self.busy = first.is_some();
        if let Some(first) = first {
            (first.stage, first.woken) = (Stage::Granted, true);
        }
    }
}

impl Lane<Op> for Model {
    type State = State;

    fn apply(&mut self, op: Op) -> Said {
        let at = |at: usize| at.checked_rem(self.places.len());
        match op {
            Op::Ask { init, polled } => {
                self.next += 1;
                self.places.push(Place {
                    number: self.next,
                    init,
                    stage: Stage::New,
                    woken: false,
                });
                match polled {
                    true => self.poll(self.places.len() - 1),
                    false => Said::Done,
                }
            }
            Op::Poll { at: one, .. } => at(one).map_or(Said::Skipped, |at| self.poll(at)),
            Op::Cancel(one) => {
                let Some(at) = at(one) else {
                    return Said::Skipped;
                };
                if let Stage::Granted | Stage::Running(_) = self.places.remove(at).stage {
                    self.pass_on();
                }
                Said::Done
            }
            Op::Go { well } => {
                let mut places = self.places.iter_mut();
                match places.find(|place| place.stage == Stage::Running(None)) {
                    None => Said::Skipped,
                    Some(place) => {
                        (place.stage, place.woken) = (Stage::Running(Some(well)), true);
                        Said::Done
                    }
                }
            }
            Op::Set => {
                self.next += 1;
                if self.value.is_some() || self.busy {
                    return Said::Flag(self.value.is_none());
                }
                self.store(self.next);
                Said::Done
            }
            Op::Take if self.places.is_empty() => {
                self.value.take().map_or(Said::Empty, Said::Value)
            }
            Op::Take => Said::Skipped,
        }
    }

    fn state(&self) -> State {
        (self.value, self.began, usize::from(self.value.is_some()))
    }

    fn woken(&self) -> Vec<bool> {
        self.places.iter().map(|place| place.woken).collect()
    }
}

/// Runs a script.
pub fn run(script: &[u8]) {
    compare(
        steps(script).map(op),
        samovar::Cell::default(),
        tokio::Cell::default(),
        Model::default(),
    );
}
