//! Worker 0's seat: the thread inside `block_on` sits down as worker 0 and runs tasks while its own future waits.
//!
//! This is why a program with one task needs one thread, and why a task that is spawned and awaited costs no thread wake:
//! the tasks run on the thread that waits for them.
//!
//! A second `block_on` at the same time finds the seat taken, and just parks; when the seat becomes free, the first in
//! line sits down. When nobody is inside `block_on`, a multi-thread runtime still has to run its tasks: a *stand-in*
//! thread takes the seat, and gives it up when a `block_on` comes. It is started when it is first needed, which in most
//! programs is never.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_task::waker_ref;

use super::main_waker::MainWaker;
use super::seated::Seated;
use super::worker::{Purpose, Worker};
use super::{Home, Shared};
use crate::context;
use crate::shim::atomic::{
    AtomicBool,
    Ordering::{Relaxed, SeqCst},
    fence,
};
use crate::shim::{Condvar, Mutex, MutexGuard, lock, wait};
use crate::task::budget;
use crate::task::spawn::BIG;
use crate::trace::{self, Outcome, Who};

/// Worker 0, while nobody is it.
pub(crate) struct Seat {
    /// Guards the seat itself and the line before it. No foreign code runs under it.
    state: Mutex<State>,
    /// What the stand-in sleeps on.
    call: Condvar,
    /// Nobody is worker 0. Written under the lock; read without it by threads that leave work for worker 0.
    vacant: AtomicBool,
    /// A `block_on` waits for the seat: the stand-in is to leave it. A hint, hence relaxed; it comes with an `unpark`.
    wanted: AtomicBool,
}

/// What the lock guards.
#[derive(Default)]
struct State {
    /// Worker 0.
    worker: Option<Worker>,
    /// The `block_on` that is worker 0.
    seated: Option<Arc<MainWaker>>,
    /// Who waits for the seat.
    line: VecDeque<Arc<MainWaker>>,
    /// The stand-in's thread was started.
    has_stand_in: bool,
    /// The stand-in is to sit down.
    called: bool,
    /// The runtime shuts down: nobody sits down any more.
    closed: bool,
}

/// What [`Seat::sit_or_queue`] found.
#[allow(clippy::large_enum_variant, reason = "it is taken apart at once")]
enum Turn {
    /// The seat was free.
    Seated(Worker),
    /// It is taken: the caller got into line, and whoever sits there is to be told.
    NewInLine,
    /// The caller stands in line already, or the runtime shuts down and nobody sits down any more.
    Standing,
}

impl Seat {
    /// A seat without a worker.
    pub(super) fn new() -> Seat {
        Seat {
            state: Mutex::new(State::default()),
            call: Condvar::new(),
            vacant: AtomicBool::new(false),
            wanted: AtomicBool::new(false),
        }
    }

    /// Puts worker 0 there, for a start.
    pub(super) fn furnish(&self, worker: Worker) {
        self.lock().worker = Some(worker);
        self.vacant.store(true, Relaxed);
    }

    /// The state.
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Sits down, or gets into line.
    fn sit_or_queue(&self, waker: &Arc<MainWaker>, closing: bool) -> Turn {
        let mut state = self.lock();
        // While the runtime is closing, who sat down would leave at once, and sit down again, until the seat is closed.
        if state.closed || closing {
            return Turn::Standing;
        }
        let mine = state
            .line
            .iter()
            .position(|other| Arc::ptr_eq(other, waker));
        match state.worker.take() {
            Some(worker) => {
                mine.map(|at| state.line.remove(at));
                state.seated = Some(waker.clone());
                self.vacant.store(false, Relaxed);
                self.wanted.store(!state.line.is_empty(), Relaxed);
                Turn::Seated(worker)
            }
            None if mine.is_some() => Turn::Standing,
            None => {
                state.line.push_back(waker.clone());
                self.wanted.store(true, Relaxed);
                Turn::NewInLine
            }
        }
    }

    /// Whether a thread inside `block_on` is worker 0.
    pub(super) fn has_main(&self) -> bool {
        self.lock().seated.is_some()
    }

    /// The `block_on` that is worker 0, and those in line.
    pub(super) fn mains(&self) -> Vec<Arc<MainWaker>> {
        let state = self.lock();
        state.seated.iter().chain(&state.line).cloned().collect()
    }

    /// Whether nobody is worker 0.
    pub(super) fn is_vacant(&self) -> bool {
        self.vacant.load(Relaxed)
    }

    /// Leaves the line; a seat that was offered is offered on. Returns whether it stays vacant, and then whether worker 0
    /// has a queue.
    fn leave_line(&self, waker: &Arc<MainWaker>) -> Option<bool> {
        let mut state = self.lock();
        let mine = state
            .line
            .iter()
            .position(|other| Arc::ptr_eq(other, waker))?;
        state.line.remove(mine);
        self.wanted.store(!state.line.is_empty(), Relaxed);
        let worker = state.worker.as_ref()?;
        if let Some(next) = state.line.front() {
            next.offer_seat();
            return None;
        }
        Some(worker.has_queue())
    }

    /// Takes worker 0 for its shutdown, or leaves that to whoever sits there.
    pub(super) fn close(&self) -> Option<Worker> {
        let mut state = self.lock();
        state.closed = true;
        self.wanted.store(true, Relaxed);
        self.vacant.store(false, Relaxed);
        self.call.notify_all();
        state.line.clear();
        state.worker.take()
    }
}

impl Shared {
    /// Gives worker 0 back.
    pub(super) fn leave_seat(self: &Arc<Self>, worker: Worker) {
        let has_work = worker.has_queue();
        {
            let mut state = self.seat.lock();
            // Also at the shutdown: it refers to the runtime, and would keep it.
            state.seated = None;
            if state.closed {
                drop(state);
                self.shut_down_worker(worker);
                return;
            }
            state.worker = Some(worker);
            self.seat.vacant.store(true, Relaxed);
            if let Some(next) = state.line.front() {
                next.offer_seat();
                return;
            }
        }
        self.leave_vacant(has_work);
    }

    /// Nobody is worker 0 any more, and nobody waits to be: calls the stand-in if there is something to do.
    fn leave_vacant(self: &Arc<Self>, has_work: bool) {
        // Pairs with the fence in `call_stand_in_if_vacant`: either this sees what another thread left for worker 0, or
        // that thread sees the vacant seat.
        fence(SeqCst);
        let remote = &self.remotes[0];
        let must_go_on = has_work
            || !self.inbox.is_empty()
            || !remote.timers.is_empty()
            || remote.reactor.sources() > 0
            || self.remotes.iter().any(|remote| remote.registry.len() > 0);
        if must_go_on {
            self.call_stand_in_if_vacant();
        }
    }

    /// Something was left for worker 0: makes sure that somebody is it.
    pub(super) fn call_stand_in_if_vacant(self: &Arc<Self>) {
        // Pairs with the fence in `leave_vacant`.
        fence(SeqCst);
        if !self.config.multi_thread || !self.seat.vacant.load(Relaxed) {
            return;
        }
        // At a shutdown everybody leaves the seat as soon as he sits: without this the stand-in would sit down again and again
        // until the thread that shuts down has come to `close` the seat.
        if self.is_closed() {
            return;
        }
        let mut state = self.seat.lock();
        if state.closed || state.worker.is_none() || !state.line.is_empty() {
            return;
        }
        state.called = true;
        if state.has_stand_in {
            self.seat.call.notify_all();
            return;
        }
        // Still under the lock: so the shutdown, which takes it too, comes before the thread is started, or knows of it. If
        // there is no thread to be had now, the next call tries again, and the next `block_on` takes the seat itself.
        let shared = self.clone();
        let started = self.start_thread("stand-in", move || stand_in(&shared));
        state.has_stand_in = started.is_ok();
        drop(state);
        if let Err(error) = started {
            self.no_stand_in(error);
        }
    }
}

/// The life of the stand-in's thread.
fn stand_in(shared: &Arc<Shared>) {
    loop {
        let worker = {
            let mut state = shared.seat.lock();
            loop {
                if state.closed {
                    return;
                }
                if state.called && state.line.is_empty() {
                    if let Some(worker) = state.worker.take() {
                        state.called = false;
                        shared.seat.vacant.store(false, Relaxed);
                        break worker;
                    }
                }
                state = wait(&shared.seat.call, state);
            }
        };
        let worker = Seated::new(worker);
        worker.run(&mut UntilWanted(shared));
        shared.leave_seat(worker.leave());
    }
}

/// The purpose of the stand-in.
struct UntilWanted<'a>(&'a Shared);

impl Purpose for UntilWanted<'_> {
    fn step(&mut self, _: &Worker) -> bool {
        self.is_pressing()
    }

    fn is_pressing(&self) -> bool {
        self.0.seat.wanted.load(Relaxed) || self.0.is_closed()
    }
}

/// The purpose of a thread inside `block_on`.
struct MainFuture<'a, F: Future> {
    /// The runtime.
    shared: &'a Shared,
    /// What `block_on` was given.
    future: Pin<&'a mut F>,
    /// Its waker.
    waker: &'a Arc<MainWaker>,
    /// Its output, once it is ready.
    output: Option<F::Output>,
}

impl<F: Future> MainFuture<'_, F> {
    /// Polls the future if it was woken. `true`: it is ready.
    fn poll_if_woken(&mut self) -> bool {
        if !self.waker.take() {
            return false;
        }
        let waker = waker_ref(self.waker);
        let mut cx = Context::from_waker(&waker);
        let told = TracedPoll::begin(self.shared);
        let polled = budget::with_fresh(|| self.future.as_mut().poll(&mut cx));
        if told.0 {
            trace::poll_ended(Outcome::of(polled.is_ready()));
        }
        match polled {
            Poll::Ready(output) => {
                self.output = Some(output);
                true
            }
            Poll::Pending => false,
        }
    }
}

/// Whether a poll of the main future is told. Its end is also when the poll panics, which nobody contains here.
struct TracedPoll(bool);

impl TracedPoll {
    /// The poll begins.
    fn begin(shared: &Shared) -> TracedPoll {
        let told = TracedPoll(trace::is_on());
        if told.0 {
            trace::poll_began(shared, Who::Main);
        }
        told
    }
}

impl Drop for TracedPoll {
    fn drop(&mut self) {
        if self.0 {
            trace::poll_done(false);
        }
    }
}

impl<F: Future> Purpose for MainFuture<'_, F> {
    fn step(&mut self, worker: &Worker) -> bool {
        if self.waker.is_set() {
            // It may be a long poll: if this worker was woken to find work, another must look for it.
            worker.stop_searching();
            worker.count_poll();
            let stage = worker.stage();
            stage.enter_main(self.waker.place());
            let ready = self.poll_if_woken();
            stage.leave();
            // Besides this thread only the seat refers to the waker.
            if !ready && self.waker.is_forgotten(2) {
                self.shared.never_woken(Who::Main, self.waker.place());
            }
            return ready || self.shared.is_closed();
        }
        self.shared.is_closed()
    }

    fn is_pressing(&self) -> bool {
        self.waker.is_set() || self.shared.is_closed()
    }
}

/// Runs `future` on the calling thread, and tasks while it waits.
#[track_caller]
pub(crate) fn block_on<F: Future>(home: &Arc<Home>, future: F) -> F::Output {
    context::forbid_blocking("block_on");
    if size_of::<F>() > BIG {
        drive(home, Box::pin(future))
    } else {
        drive(home, future)
    }
}

/// The same, where the thread may block.
#[track_caller]
fn drive<F: Future>(home: &Arc<Home>, future: F) -> F::Output {
    let shared = &home.shared;
    let waker = MainWaker::new(home.clone(), Location::caller());
    let mut main = MainFuture {
        shared,
        future: pin!(future),
        waker: &waker,
        output: None,
    };
    let line = Line {
        shared,
        waker: &waker,
    };
    loop {
        let turn = shared.seat.sit_or_queue(&waker, shared.is_closed());
        if let Turn::Seated(worker) = turn {
            waker.set_seated(true);
            let worker = Seated::new(worker);
            worker.run(&mut main);
            waker.set_seated(false);
            shared.leave_seat(worker.leave());
        } else {
            if matches!(turn, Turn::NewInLine) {
                shared.remotes[0].reactor.unpark();
            }
            let ready = {
                let _entered = context::enter(home.clone());
                let _running = context::start_running();
                main.poll_if_woken()
            };
            if !ready {
                waker.park();
            }
        }
        if let Some(output) = main.output.take() {
            drop(line);
            return output;
        }
    }
}

/// A place in the line for the seat, given up when dropped, also by a panic.
struct Line<'a> {
    /// The runtime.
    shared: &'a Arc<Shared>,
    /// Who stands in line.
    waker: &'a Arc<MainWaker>,
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if let Some(has_work) = self.shared.seat.leave_line(self.waker) {
            self.shared.leave_vacant(has_work);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::runtime::{Builder, Runtime};
    use crate::sync::oneshot;
    use crate::task::yield_now;
    use crate::time::sleep;
    use std::os::unix::net::UnixStream as StdUnixStream;
    use std::time::Duration;

    /// A runtime with the seat and nothing else, and what looks whether there is a stand-in.
    fn runtime() -> (Runtime, impl Fn() -> bool) {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        let shared = runtime.handle().home().shared().clone();
        (runtime, move || shared.seat.lock().has_stand_in)
    }

    #[test]
    fn who_leaves_nothing_behind_leaves_nobody_in_the_seat() {
        let (runtime, has_stand_in) = runtime();
        runtime.block_on(async {
            crate::spawn(yield_now()).await.unwrap();
            sleep(Duration::from_millis(1)).await;
        });
        assert!(!has_stand_in());
    }

    #[test]
    fn who_leaves_a_timer_a_socket_or_a_task_calls_the_stand_in() {
        let (queued, has_stand_in) = runtime();
        queued.block_on(async { drop(crate::spawn(async {})) });
        assert!(has_stand_in());

        let (timed, has_stand_in) = runtime();
        let entered = timed.enter();
        let mut hour = Box::pin(sleep(Duration::from_secs(3600)));
        drop(entered);
        let poll_once = |cx: &mut Context<'_>| Poll::Ready(hour.as_mut().poll(cx));
        let polled = timed.block_on(std::future::poll_fn(poll_once));
        assert!(polled.is_pending() && has_stand_in());

        let (waits, has_stand_in) = runtime();
        let (socket, _peer) = StdUnixStream::pair().unwrap();
        socket.set_nonblocking(true).unwrap();
        let socket = waits.block_on(async {
            let socket = crate::net::UnixStream::from_std(socket).unwrap();
            socket.writable().await.unwrap();
            socket
        });
        assert!(has_stand_in());
        drop(socket);

        let (holds, has_stand_in) = runtime();
        let (_wake, woken) = oneshot::channel::<()>();
        holds.block_on(async {
            drop(crate::spawn(woken));
            yield_now().await;
        });
        assert!(has_stand_in(), "it is there before the task is woken");
    }

    #[test]
    fn the_stand_in_is_no_future_inside_block_on() {
        let (runtime, _) = runtime();
        let shared = runtime.handle().home().shared();
        assert!(!shared.seat.has_main());
        runtime.block_on(async { assert!(shared.seat.has_main()) });
        assert!(!shared.seat.has_main());
        shared.call_stand_in_if_vacant();
        while shared.seat.is_vacant() {
            std::thread::yield_now();
        }
        assert!(!shared.seat.has_main());
    }
}
