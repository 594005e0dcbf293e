//! Spare tasks: the memory of tasks that have ended, for the next ones of the same type.
//!
//! A task is two blocks of memory: its `Arc`, and the box in which its future is pinned. To allocate and free them is half
//! of what a spawn costs, more when a thread frees what another allocated. But a program spawns the same future again and
//! again: one per connection, one per message. So a worker keeps the tasks that ended on it, by the type of their future,
//! and moves the next future of that type into the old box. Nothing here goes behind the compiler's back: the types stay what they are, and
//! `Arc::get_mut` proves that nobody else refers to the task.
//!
//! A task can be kept when the last one who refers to it lets it go on a worker of its runtime: the runner, for a task
//! whose handle was dropped, or the joiner. Kept tasks still refer to their worker's `Home`, which saves the two updates
//! of that count; so the worker drops them all when the runtime ends.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::sync::Arc;

use super::Home;
use crate::task::cell::Task;
use crate::task::roles::Spawned;
use crate::task::{Id, Place};

/// How many bytes a worker keeps for one type of future.
const BYTES_PER_TYPE: usize = 2 << 20;

/// For how many types a worker keeps tasks: those that ended last.
const TYPES: usize = 8;

/// One worker's spare tasks.
pub(super) struct Spare {
    /// A shelf per type, the one used last in front; `None` when the runtime ends. Borrowed for a few instructions at a
    /// time: no foreign code runs meanwhile, for a spare task holds neither future nor output nor waker.
    shelves: RefCell<Option<Vec<Shelf>>>,
}

/// The spare tasks of one type.
struct Shelf {
    /// The type of the futures.
    future: TypeId,
    /// A `Vec<Arc<Task<F, Arc<Home>>>>`, where `F` is that type.
    tasks: Box<dyn Any + Send>,
}

/// The tasks on a shelf for futures of type `F`.
type Tasks<F> = Vec<Arc<Task<F, Arc<Home>>>>;

impl Spare {
    /// No spare tasks.
    pub(super) fn new() -> Spare {
        Spare {
            shelves: RefCell::new(Some(Vec::new())),
        }
    }

    /// A task for `future` in the memory of an old one; the future again, if there is none.
    pub(super) fn take<F: Spawned>(
        &self,
        future: F,
        id: Id,
        place: Place,
    ) -> Result<Arc<Task<F, Arc<Home>>>, F> {
        let mut shelves = self.shelves.borrow_mut();
        let Some(mut task) = shelves
            .as_mut()
            .and_then(|shelves| tasks::<F>(shelves)?.pop())
        else {
            return Err(future);
        };
        drop(shelves);
        task.renew(future, id, place)?;
        Ok(task)
    }

    /// Keeps a task that has ended; gives it back if somebody else still refers to it, or there is no room.
    pub(super) fn keep<F: Spawned>(
        &self,
        task: Arc<Task<F, Arc<Home>>>,
    ) -> Option<Arc<Task<F, Arc<Home>>>> {
        // The last of those who hold it finds itself alone. Nobody can make a second reference out of none.
        if Arc::strong_count(&task) != 1 {
            return Some(task);
        }
        let mut shelves = self.shelves.borrow_mut();
        let Some(shelves) = shelves.as_mut() else {
            return Some(task);
        };
        if tasks::<F>(shelves).is_none() {
            shelves.truncate(TYPES - 1);
            let shelf = Shelf {
                future: TypeId::of::<F>(),
                tasks: Box::new(Tasks::<F>::new()),
            };
            shelves.insert(0, shelf);
        }
        let size = size_of::<Task<F, Arc<Home>>>() + size_of::<Option<F>>();
        match tasks::<F>(shelves) {
            Some(tasks) if tasks.len() * size < BYTES_PER_TYPE => {
                tasks.push(task);
                None
            }
            _ => Some(task),
        }
    }

    /// Drops all spare tasks, and keeps none any more.
    pub(super) fn close(&self) {
        let shelves = self.shelves.take();
        drop(shelves);
    }
}

/// The tasks for futures of type `F`, if there is a shelf. It moves to the front.
fn tasks<F: Spawned>(shelves: &mut [Shelf]) -> Option<&mut Tasks<F>> {
    let future = TypeId::of::<F>();
    let at = shelves.iter().position(|shelf| shelf.future == future)?;
    shelves[..=at].rotate_right(1);
    shelves[0].tasks.downcast_mut()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::runtime::Builder;
    use std::future::{Future, Ready, ready};
    use std::panic::Location;

    fn home() -> Arc<Home> {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.handle().home().clone()
    }

    /// A task that nobody else refers to.
    fn task<F: Spawned>(future: F, home: &Arc<Home>) -> Arc<Task<F, Arc<Home>>> {
        Task::new(future, home.clone(), Id::next(), Location::caller())
    }

    fn take<F: Spawned>(spare: &Spare, future: F) -> Option<Arc<Task<F, Arc<Home>>>> {
        spare.take(future, Id::next(), Location::caller()).ok()
    }

    /// A type of its own for each `N`.
    struct Typed<const N: usize>;

    impl<const N: usize> Future for Typed<N> {
        type Output = ();
        fn poll(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<()> {
            std::task::Poll::Ready(())
        }
    }

    #[test]
    fn the_next_task_of_the_same_type_moves_in() {
        let (spare, home) = (Spare::new(), home());
        assert!(take(&spare, ready(0)).is_none());
        let old = task(ready(1), &home);
        let address = Arc::as_ptr(&old);
        assert!(spare.keep(old).is_none());
        assert!(take(&spare, ready("another type")).is_none());
        let new = take(&spare, ready(2)).expect("there is one");
        assert_eq!(Arc::as_ptr(&new), address);
        assert!(take(&spare, ready(3)).is_none(), "there was one only");
    }

    #[test]
    fn a_task_to_which_somebody_refers_is_not_kept() {
        let (spare, home) = (Spare::new(), home());
        let task = task(ready(1), &home);
        assert!(spare.keep(task.clone()).is_some());
        assert!(spare.keep(task).is_none());
    }

    #[test]
    fn the_types_not_used_for_longest_make_room() {
        let (spare, home) = (Spare::new(), home());
        macro_rules! keep {
            ($($n:literal)*) => { $( assert!(spare.keep(task(Typed::<$n>, &home)).is_none()); )* };
        }
        keep!(0 1 2 3 4 5 6 7);
        // Used just now, and with that the newest.
        assert!(take(&spare, Typed::<0>).is_some());
        keep!(0 8);
        assert!(
            take(&spare, Typed::<1>).is_none(),
            "the ninth took its shelf"
        );
        let is_there = [
            take(&spare, Typed::<0>).is_some(),
            take(&spare, Typed::<2>).is_some(),
            take(&spare, Typed::<7>).is_some(),
            take(&spare, Typed::<8>).is_some(),
        ];
        assert_eq!(is_there, [true; 4]);
    }

    #[test]
    fn two_megabytes_of_a_type_are_kept() {
        const BIG: usize = 100_000;
        type Big = Ready<[u8; BIG]>;
        let (spare, home) = (Spare::new(), home());
        let big = || task(ready([0u8; BIG]), &home);
        let kept = (0..100).filter(|_| spare.keep(big()).is_none()).count();
        let each = size_of::<Task<Big, Arc<Home>>>() + size_of::<Option<Big>>();
        assert_eq!(kept, BYTES_PER_TYPE.div_ceil(each));
        assert!((8..32).contains(&kept), "{kept}");
    }

    #[test]
    fn after_the_end_nothing_is_kept() {
        let (spare, home) = (Spare::new(), home());
        assert!(spare.keep(task(ready(1), &home)).is_none());
        spare.close();
        assert!(take(&spare, ready(2)).is_none());
        assert!(spare.keep(task(ready(3), &home)).is_some());
    }
}
