//! Receivers of a channel that may have several: each is used by hand, or belongs to the future that waits with it.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use super::{Said, Waiting};

/// A receiver, and perhaps a future that has it.
pub type Shared<R> = Rc<RefCell<R>>;

pub struct Receivers<R> {
    all: Vec<Shared<R>>,
    waiting: Waiting,
}

impl<R> Receivers<R> {
    pub fn of(first: R) -> Self {
        Receivers {
            all: vec![Rc::new(RefCell::new(first))],
            waiting: Waiting::default(),
        }
    }

    pub fn add(&mut self, receiver: R) -> Said {
        self.all.push(Rc::new(RefCell::new(receiver)));
        Said::Done
    }

    /// One that no future has; taken modulo how many there are.
    pub fn idle(&self, at: usize) -> Option<Shared<R>> {
        let at = at.checked_rem(self.all.len())?;
        let receiver = &self.all[at];
        receiver.try_borrow().is_ok().then(|| receiver.clone())
    }

    /// This one goes, which [`idle`](Self::idle) has found.
    pub fn remove(&mut self, at: usize) -> Said {
        self.all.remove(at % self.all.len());
        Said::Done
    }

    /// A future that has a receiver from now on.
    pub fn wait(&mut self, future: impl Future<Output = Said> + 'static) -> Said {
        self.waiting.begin(true, future)
    }

    pub fn poll(&mut self, at: usize, fresh: bool) -> Said {
        Said::polled(self.waiting.poll(at, fresh))
    }

    pub fn cancel(&mut self, at: usize) -> Said {
        Said::done(self.waiting.cancel(at))
    }

    /// What can be seen of each that no future has.
    pub fn look<T>(&self, look: impl Fn(&R) -> T) -> Vec<Option<T>> {
        let look = |receiver: &Shared<R>| Some(look(&*receiver.try_borrow().ok()?));
        self.all.iter().map(look).collect()
    }

    pub fn woken(&self) -> Vec<bool> {
        self.waiting.woken()
    }

    /// Those who wait give up, and then all go.
    pub fn end(&mut self) {
        self.waiting.end();
        self.all.clear();
    }
}
