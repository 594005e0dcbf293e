//! The clock: the one place that asks what time it is. In a test it can be stopped, and then obeys.
//!
//! Every runtime has a clock. It runs with the system's until it is [paused](pause); then it stands still, and moves only
//! when it is told to ([`advance`]), or when nothing can run before a timer fires: then the runtime moves it to that
//! timer at once (`scheduler/jump.rs`), and an hour of sleep takes no time.
//!
//! Nobody should pay for this who does not use it. So one flag says whether any clock of this process was ever paused; as
//! long as none was, [`now`] is one relaxed load and the system's clock, and no thread looks for its runtime. (The flag is
//! Tokio's idea. A clock that is passed along, as a type parameter or a field, would be in every signature.)

use std::future::Future;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::context;
use crate::shim::{self, Mutex, lock};
use crate::task::yield_now;

/// Whether a clock of this process was ever paused. Set once. Relaxed: whoever has to know of a pause knows it from the
/// thread that paused, through a queue or a channel that orders the two. (std's type, for loom has no static ones.)
static EVER_PAUSED: AtomicBool = AtomicBool::new(false);

/// The time now: the clock's of this thread's runtime, or the system's.
#[inline]
pub(crate) fn now() -> Instant {
    if EVER_PAUSED.load(Relaxed) {
        return now_of_this_runtime();
    }
    shim::now()
}

/// The time now, where it may be virtual.
#[cold]
fn now_of_this_runtime() -> Instant {
    context::try_home().map_or_else(Instant::now, |home| home.shared().clock().now())
}

/// Whether a clock of this process was ever paused: if not, there is nothing to look after.
pub(crate) fn was_ever_paused() -> bool {
    EVER_PAUSED.load(Relaxed)
}

/// The clock of one runtime.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Guards the time. Nothing else happens under it.
    state: Mutex<State>,
}

/// What the lock guards.
#[derive(Debug)]
struct State {
    /// What the clock said when it was last started or stopped.
    base: Instant,
    /// The system's time when it was last started; `None` while it is paused.
    started: Option<Instant>,
}

impl State {
    /// What the clock says.
    fn now(&self) -> Instant {
        match self.started {
            Some(started) => self.base + started.elapsed(),
            None => self.base,
        }
    }
}

impl Clock {
    /// A clock that runs, and tells the system's time.
    pub(crate) fn new() -> Clock {
        let now = shim::now();
        let state = State {
            base: now,
            started: Some(now),
        };
        Clock {
            state: Mutex::new(state),
        }
    }

    /// What the clock says.
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        if was_ever_paused() {
            return lock(&self.state).now();
        }
        shim::now()
    }

    /// Whether it stands still.
    pub(crate) fn is_paused(&self) -> bool {
        was_ever_paused() && lock(&self.state).started.is_none()
    }

    /// Stops it. `false`: it stood still already.
    pub(crate) fn pause(&self) -> bool {
        EVER_PAUSED.store(true, Relaxed);
        let mut state = lock(&self.state);
        state.base = state.now();
        state.started.take().is_some()
    }

    /// Starts it again. `false`: it was running.
    fn resume(&self) -> bool {
        let mut state = lock(&self.state);
        let was_paused = state.started.is_none();
        state.started.get_or_insert_with(Instant::now);
        was_paused
    }

    /// Sets it forward while it stands still. `None`: it is running, or cannot represent that time.
    fn advance(&self, duration: Duration) -> Option<()> {
        let mut state = lock(&self.state);
        if state.started.is_some() {
            return None;
        }
        state.base = state.base.checked_add(duration)?;
        Some(())
    }

    /// Sets it forward to `instant`, unless it runs again or is there already.
    pub(crate) fn jump(&self, instant: Instant) {
        let mut state = lock(&self.state);
        if state.started.is_none() {
            state.base = state.base.max(instant);
        }
    }
}

/// Stops the clock of this runtime.
///
/// From now on [`Instant::now`](super::Instant::now) says the same time again and again. It moves by [`advance`], and
/// *by itself*: when no task can run, the clock jumps to the next timer. So everything that waits for time still ends, in
/// the right order and at exactly the right time, but without waiting. The clock of the standard library
/// ([`std::time::Instant`]) goes on.
///
/// To begin with a clock that stands still say `#[samovar::test(start_paused = true)]`, or
/// [`Builder::start_paused`](crate::runtime::Builder::start_paused).
///
/// # When the clock jumps, and when not
///
/// It jumps when the thread inside `block_on` would go to sleep, that is: no task is ready, and neither is the future in
/// `block_on`. But first the runtime looks around for what may still come from the real world, where time goes on:
///
/// 1. A job of [`spawn_blocking`](crate::task::spawn_blocking) is queued or running (files, name resolution and the
///    standard input are such jobs): the clock stands still until the last of them has ended, however long that takes.
/// 2. A task waits for a socket: the runtime waits for it in real time, and the clock jumps only after 20 ms in which
///    nothing has come. What a task of this program sends to another on the same machine is there at once; a
///    peer in another thread or on another machine has these 20 ms. If that is not enough, read in `spawn_blocking`, where
///    rule 1 holds. A socket for which nobody waits at the moment does not count.
/// 3. No timer is set, no blocking job and no socket is waited for: nothing that the runtime knows can ever happen again.
///    Threads of your own may still call a waker. If none does for two seconds, `block_on` panics and says who
///    waits, instead of hanging for ever.
///
/// Threads of your own are not known to the runtime: while one of them works towards a wake, the clock jumps nevertheless.
/// Use `spawn_blocking`.
///
/// # Panics
///
/// Outside a runtime; when the clock is paused already; and on a runtime of several workers, or of the multi-thread
/// flavour: there is always somebody who has just looked at the clock. Such a runtime obeys a virtual clock in a
/// [simulation](crate::runtime::Builder::seed), where it begins paused.
///
/// ```
/// use samovar::time::{self, Duration, Instant, sleep};
///
/// #[samovar::main(flavor = "current_thread")]
/// async fn main() {
///     time::pause();
///     let start = Instant::now();
///     sleep(Duration::from_secs(3600)).await; // takes microseconds
///     assert_eq!(start.elapsed(), Duration::from_secs(3600));
/// }
/// ```
#[track_caller]
pub fn pause() {
    let home = context::home("stop the clock of");
    assert!(
        home.can_pause(),
        "`time::pause` needs a runtime of the current-thread flavour, which is the default of `#[samovar::test]`"
    );
    assert!(home.pause(), "`time::pause`: the clock is paused already");
}

/// Lets the clock of this runtime run again, from the time that it says.
///
/// # Panics
///
/// Outside a runtime; when the clock is not paused; and in a [simulation](crate::runtime::Builder::seed), where time is
/// always virtual.
///
/// ```
/// use samovar::time::{self, Duration, Instant, sleep};
///
/// # #[samovar::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// sleep(Duration::from_secs(3600)).await;
/// time::resume();
/// let start = std::time::Instant::now();
/// sleep(Duration::from_millis(2)).await;
/// assert!(start.elapsed() >= Duration::from_millis(2));
/// # }
/// ```
#[track_caller]
pub fn resume() {
    let home = context::home("start the clock of");
    assert!(
        !home.shared().is_simulated(),
        "`time::resume`: the time of a seeded runtime is always virtual"
    );
    assert!(
        home.shared().clock().resume(),
        "`time::resume`: the clock is not paused"
    );
    // A worker may wait for a job to end, with the time standing still: now it has timers to look after.
    home.reactor().unpark();
}

/// Sets the paused clock of this runtime forward by `duration`, in one step, and lets the other tasks run once.
///
/// Every timer that is due by then fires at once, those due first being woken first, and their tasks have been polled
/// once when this returns; they may not be done. To let everything happen that happens within a time,
/// one thing after the other, use [`sleep`](super::sleep()): the clock then stops at every timer on the way.
///
/// # Panics
///
/// The returned future panics outside a runtime, when the clock is not [paused](pause), and when it cannot represent the
/// sum; the message names the line of this call.
///
/// # Cancel safety
///
/// Nothing happens before the first poll, and the clock is set in that.
///
/// ```
/// use samovar::time::{self, Duration, Instant};
///
/// # #[samovar::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let start = Instant::now();
/// time::advance(Duration::from_secs(60)).await;
/// assert_eq!(start.elapsed(), Duration::from_secs(60));
/// # }
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[track_caller]
pub fn advance(duration: Duration) -> impl Future<Output = ()> {
    let caller = Location::caller();
    async move {
        context::expect_runtime_for("set the clock of", caller);
        let home = context::home("set the clock of");
        let clock = home.shared().clock();
        assert!(
            clock.is_paused(),
            "`time::advance`: the clock is not paused (the call is at {caller})"
        );
        assert!(
            clock.advance(duration).is_some(),
            "`time::advance`: the clock cannot represent a time so far ahead (the call is at {caller})"
        );
        home.shared().fire_due_timers();
        yield_now().await;
    }
}
