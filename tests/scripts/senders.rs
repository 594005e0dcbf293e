//! What happens to the senders of all channels that may have several: they are cloned and dropped, weak ones stay behind, and
//! some wait for the receivers to go. Once for both libraries, and once for the models.

use std::future::Future;

use super::{Said, Waiting};

/// What may happen to them.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    Clone(usize),
    Drop(usize),
    Downgrade(usize),
    Upgrade(usize),
    Watch(usize),
    PollWatch { at: usize, fresh: bool },
    CancelWatch(usize),
}

/// A sender of one of the libraries.
pub trait Sender: Clone + 'static {
    type Weak;
    fn downgrade(&self) -> Self::Weak;
    fn upgrade(weak: &Self::Weak) -> Option<Self>;
    fn closed(&self) -> impl Future<Output = ()>;
}

/// Says that a type is a sender, and which are its weak ones, if there are any.
macro_rules! sender {
    ($sender:ty) => {
        sender!($sender, (), |_sender| (), |_weak| None);
    };
    ($sender:ty, $weak:ty) => {
        sender!($sender, $weak, <$sender>::downgrade, <$weak>::upgrade);
    };
    ($sender:ty, $weak:ty, $downgrade:expr, $upgrade:expr) => {
        impl $crate::scripts::senders::Sender for $sender {
            type Weak = $weak;

            fn downgrade(&self) -> $weak {
                $downgrade(self)
            }

            fn upgrade(weak: &$weak) -> Option<Self> {
                $upgrade(weak)
            }

            async fn closed(&self) {
                <$sender>::closed(self).await;
            }
        }
    };
}
pub(super) use sender;

/// The senders of a channel.
pub struct Senders<S: Sender> {
    all: Vec<S>,
    weak: Vec<S::Weak>,
    watching: Waiting,
}

impl<S: Sender> Senders<S> {
    pub fn of(first: S) -> Self {
        Senders {
            all: vec![first],
            weak: Vec::new(),
            watching: Waiting::default(),
        }
    }

    /// One of them; taken modulo how many there are.
    pub fn get(&self, by: usize) -> Option<&S> {
        let by = by.checked_rem(self.all.len())?;
        Some(&self.all[by])
    }

    pub fn apply(&mut self, op: Op) -> Said {
        match op {
            Op::Clone(by) | Op::Drop(by) | Op::Downgrade(by) | Op::Watch(by) => {
                let Some(by) = by.checked_rem(self.all.len()) else {
                    return Said::Skipped;
                };
                match op {
                    Op::Clone(_) => self.all.push(self.all[by].clone()),
                    Op::Drop(_) => drop(self.all.swap_remove(by)),
                    Op::Downgrade(_) => self.weak.push(self.all[by].downgrade()),
                    _ => {
                        let sender = self.all[by].clone();
                        return self.watching.begin(true, async move {
                            sender.closed().await;
                            Said::Closed
                        });
                    }
                }
                Said::Done
            }
            Op::Upgrade(at) => {
                let Some(at) = at.checked_rem(self.weak.len()) else {
                    return Said::Skipped;
                };
                let sender = S::upgrade(&self.weak[at]);
                let there = sender.is_some();
                self.all.extend(sender);
                Said::Flag(there)
            }
            Op::PollWatch { at, fresh } => Said::polled(self.watching.poll(at, fresh)),
            Op::CancelWatch(at) => Said::done(self.watching.cancel(at)),
        }
    }

    pub fn woken(&self) -> Vec<bool> {
        self.watching.woken()
    }

    /// Those who wait give up.
    pub fn end_watch(&mut self) {
        self.watching.end();
    }

    /// Those who wait give up, and then all go.
    pub fn end(&mut self) {
        self.end_watch();
        self.all.clear();
    }
}

/// The senders of a model.
pub struct Counts {
    pub senders: usize,
    pub weak: usize,
    /// Who waits for the receivers to go, and whether it was woken.
    watching: Vec<bool>,
}

impl Counts {
    pub fn new() -> Counts {
        Counts {
            senders: 1,
            weak: 0,
            watching: Vec::new(),
        }
    }

    /// How many keep the channel open.
    pub fn strong(&self) -> usize {
        self.senders + self.watching.len()
    }

    /// What an operation gives, when `others` keep the channel open besides, and the receivers are `gone` or not.
    pub fn apply(&mut self, op: Op, others: usize, gone: bool) -> Said {
        let strong = self.strong() + others;
        let watcher = |at: usize| at.checked_rem(self.watching.len());
        match op {
            Op::Clone(_) | Op::Drop(_) | Op::Downgrade(_) | Op::Watch(_) if self.senders == 0 => {
                return Said::Skipped;
            }
            Op::Clone(_) => self.senders += 1,
            Op::Drop(_) => self.senders -= 1,
            Op::Downgrade(_) => self.weak += 1,
            Op::Upgrade(_) if self.weak == 0 => return Said::Skipped,
            Op::Upgrade(_) => {
                self.senders += usize::from(strong > 0);
                return Said::Flag(strong > 0);
            }
            Op::Watch(_) if gone => return Said::Closed,
            Op::Watch(_) => {
                self.watching.push(false);
                return Said::Pending;
            }
            Op::PollWatch { at, .. } => match watcher(at) {
                Some(at) if gone => {
                    self.watching.remove(at);
                    return Said::Closed;
                }
                Some(at) => {
                    self.watching[at] = false;
                    return Said::Pending;
                }
                None => return Said::Skipped,
            },
            Op::CancelWatch(at) => {
                let at = watcher(at);
                return Said::done(at.map(|at| self.watching.remove(at)).is_some());
            }
        }
        Said::Done
    }

    /// The last receiver goes.
    pub fn wake(&mut self) {
        self.watching.fill(true);
    }

    pub fn woken(&self) -> impl Iterator<Item = bool> + '_ {
        self.watching.iter().copied()
    }
}
