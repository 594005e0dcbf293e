//! A worker's run queue: first in, first out, with one place in front for the task that was woken last.
//!
//! # Why the place in front
//!
//! When a task sends a message and then waits for the answer, the receiver is the best task to run next: its data is in
//! the cache, and the sender waits for it. But two tasks that wake each other would hold the worker for ever, so the
//! place is used three times in a row at most; then the queue has its turn.
//!
//! # Why both parts are deques that others can reach
//!
//! A task in a private place is stuck when its worker is blocked in a poll (Tokio's LIFO slot was for years). So the place
//! in front is a deque of its own, with a stealer like the queue's. Others take from it only when its worker is blocked:
//! else they would take each woken task away from the cache where it is warm.
//!
//! Chase and Lev's deque (<https://doi.org/10.1145/1073970.1073974>) is `crossbeam-deque`'s: it cannot be written in safe
//! code.

use std::cell::Cell;

use crate::ablation;
use crate::random;
use crate::shim::deque::{Steal, Stealer, Worker};
use crate::task::roles::Runnable;

/// How many times in a row the place in front goes first.
const FRONT_IN_A_ROW: u8 = 3;

/// The worker's end.
pub(crate) struct Queue {
    /// Everything that waits for its turn.
    line: Worker<Runnable>,
    /// The task woken last; at most one.
    front: Worker<Runnable>,
    /// How many times in a row `front` went first.
    streak: Cell<u8>,
}

/// The others' end.
pub(crate) struct Stealers {
    /// Of the line.
    line: Stealer<Runnable>,
    /// Of the place in front.
    front: Stealer<Runnable>,
}

impl Queue {
    /// An empty one.
    pub(crate) fn new() -> Queue {
        Queue {
            line: Worker::new_fifo(),
            front: Worker::new_fifo(),
            streak: Cell::new(0),
        }
    }

    /// The end for the other workers.
    pub(crate) fn stealers(&self) -> Stealers {
        Stealers {
            line: self.line.stealer(),
            front: self.front.stealer(),
        }
    }

    /// To the back of the line.
    pub(crate) fn push(&self, task: Runnable) {
        self.line.push(task);
    }

    /// To the front; whoever was there goes to the back of the line.
    pub(crate) fn push_front(&self, task: Runnable) {
        if !ablation::NEXT_SLOT {
            return self.push(task);
        }
        if let Some(former) = self.front.pop() {
            self.line.push(former);
        }
        self.front.push(task);
    }

    /// The next task to run.
    pub(crate) fn pop(&self) -> Option<Runnable> {
        if self.streak.get() < FRONT_IN_A_ROW {
            if let Some(task) = self.front.pop() {
                self.streak.set(self.streak.get() + 1);
                return Some(task);
            }
        }
        self.streak.set(0);
        self.line.pop().or_else(|| self.front.pop())
    }

    /// Any of the tasks, as the random number will have it: for a simulation, where the others' order means nothing.
    pub(crate) fn take_any(&self) -> Option<Runnable> {
        if let Some(front) = self.front.pop() {
            self.line.push(front);
        }
        for _ in 0..random::below(self.line.len() as u32) {
            self.line.push(self.line.pop()?);
        }
        self.line.pop()
    }

    /// Whether nothing is queued.
    pub(crate) fn is_empty(&self) -> bool {
        self.line.is_empty() && self.front.is_empty()
    }

    /// How many tasks stand in line: what a thief could take.
    pub(crate) fn len(&self) -> usize {
        self.line.len()
    }

    /// Takes half of another worker's line, and one task to run at once. `blocked`: that worker is stuck in a poll, so
    /// its place in front is open too.
    pub(crate) fn steal(&self, from: &Stealers, blocked: bool) -> Option<Runnable> {
        let stolen = retry(|| from.line.steal_batch_and_pop(&self.line));
        if stolen.is_none() && blocked {
            return retry(|| from.front.steal());
        }
        stolen
    }
}

impl Stealers {
    /// One task, whether it stands in line or in front.
    pub(crate) fn take(&self) -> Option<Runnable> {
        retry(|| self.line.steal()).or_else(|| retry(|| self.front.steal()))
    }

    /// How many tasks there are, with the one in front.
    pub(crate) fn len_with_front(&self) -> usize {
        self.line.len() + self.front.len()
    }

    /// How many tasks stand in line.
    pub(crate) fn len(&self) -> usize {
        self.line.len()
    }

    /// Whether there is something to take.
    pub(crate) fn is_empty(&self, blocked: bool) -> bool {
        self.line.is_empty() && (!blocked || self.front.is_empty())
    }
}

/// Repeats a steal that another thief disturbed.
fn retry(mut steal: impl FnMut() -> Steal<Runnable>) -> Option<Runnable> {
    loop {
        match steal() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::task::roles::Run;
    use crate::task::stage::Stage;
    use crate::task::state::State;
    use crate::task::{Id, Place};
    use std::panic::Location;
    use std::sync::Arc;

    /// A task that has nothing but its number.
    struct Numbered(u64);

    impl Run for Numbered {
        fn run(self: Arc<Self>, _: &Stage) -> Option<Runnable> {
            None
        }
        fn cancel(self: Arc<Self>) {}
        fn abort(self: Arc<Self>) {}
        fn id(&self) -> Id {
            Id::numbered(self.0)
        }
        fn place(&self) -> Place {
            Location::caller()
        }
        fn is_finished(&self) -> bool {
            false
        }
        fn state(&self) -> &State {
            unreachable!("a queue does not look into its tasks")
        }
        fn joiner(&self) -> Option<usize> {
            None
        }
    }

    fn task(number: u64) -> Runnable {
        Arc::new(Numbered(number))
    }

    fn number(task: Option<Runnable>) -> Option<u64> {
        task.map(|task| task.id().number())
    }

    /// A queue with these tasks in its line.
    fn line(numbers: impl IntoIterator<Item = u64>) -> Queue {
        let queue = Queue::new();
        numbers.into_iter().for_each(|each| queue.push(task(each)));
        queue
    }

    fn all(queue: &Queue) -> Vec<u64> {
        std::iter::from_fn(|| number(queue.pop())).collect()
    }

    #[test]
    fn the_front_comes_first_but_three_times_in_a_row_only() {
        let queue = line([1, 2]);
        let mut order = Vec::new();
        for woken in 11..18 {
            queue.push_front(task(woken));
            order.extend(number(queue.pop()));
        }
        // After three the line has its turn, and the one woken meanwhile waits in front.
        assert_eq!(order, [11, 12, 13, 1, 15, 16, 17]);
        // When it was pushed out, it went to the back of the line.
        assert_eq!(all(&queue), [2, 14]);
    }

    #[test]
    fn an_empty_line_does_not_keep_the_front_from_running() {
        let queue = line([]);
        for woken in 1..20 {
            assert!(queue.is_empty());
            queue.push_front(task(woken));
            assert!(!queue.is_empty());
            assert_eq!(queue.len(), 0);
            assert_eq!(number(queue.pop()), Some(woken));
        }
    }

    #[test]
    fn a_simulation_takes_every_task_once_and_the_front_may_come_last() {
        let mut first = [0; 4];
        for _ in 0..200 {
            let queue = line(1..=3);
            queue.push_front(task(4));
            let taken: Vec<u64> = std::iter::from_fn(|| number(queue.take_any())).collect();
            let mut sorted = taken.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [1, 2, 3, 4]);
            first[taken[0] as usize - 1] += 1;
        }
        // Each is the first in a quarter of the cases; the chance of 200 without one of them is 10^-25.
        assert!(first.iter().all(|times| *times > 0), "{first:?}");
    }

    #[test]
    fn a_thief_takes_from_the_line_and_from_the_front_of_one_who_is_blocked() {
        let victim = line(1..=4);
        victim.push_front(task(5));
        let stealers = victim.stealers();
        assert_eq!((stealers.len(), stealers.len_with_front()), (4, 5));

        let thief = line([]);
        assert_eq!(number(thief.steal(&stealers, true)), Some(1));
        assert!(!thief.is_empty(), "of a long line it takes more than one");
        let rest = all(&thief);
        let left = victim.len();
        assert_eq!(rest.len() + left, 3);

        while stealers.len() > 0 {
            assert!(thief.steal(&stealers, false).is_some());
            all(&thief);
        }
        assert!(stealers.is_empty(false) && !stealers.is_empty(true));
        assert_eq!(number(thief.steal(&stealers, false)), None);
        assert_eq!(number(thief.steal(&stealers, true)), Some(5));
        assert!(stealers.is_empty(true) && victim.is_empty());
    }

    #[test]
    fn who_takes_one_takes_the_line_before_the_front() {
        let victim = line([1]);
        victim.push_front(task(2));
        let stealers = victim.stealers();
        assert!(!stealers.is_empty(false));
        let order = [stealers.take(), stealers.take(), stealers.take()].map(number);
        assert_eq!(order, [Some(1), Some(2), None]);
    }
}
