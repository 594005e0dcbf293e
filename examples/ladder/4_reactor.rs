//! Rung 4: a reactor, and the TCP echo server. `cargo run --example ladder_4_reactor`.
//!
//! # What rung 3 could not
//!
//! ```text
//! cannot   beside a read from a silent socket, a sleep of 10 ms takes 200 ms
//! ```
//! The read blocked the thread, and with it all tasks.
//!
//! # The idea
//!
//! No call blocks, but one: `poll`, in which the kernel lets the thread sleep until one of *all* its sockets is ready. A
//! socket whose call says `WouldBlock` leaves its task's waker in a table and returns `Pending`; the event takes it out.
//!
//! ```text
//!   read() ──WouldBlock──► waiting[token] = waker, Pending
//!                                 │
//!   run queue ◄── wake ◄──────────┴── event(token) ◄── poll: epoll, kqueue, through mio
//!       ▲                                                ▲
//!       └── wake() on another thread: push, then ring the bell, which is one more thing that `poll` waits for
//! ```
//! The thread cannot sleep in the channel and in the kernel, so the channel is only looked at. A push by this thread
//! itself needs no bell: it runs, so it does not sleep, and looks again before it does.
//!
//! # What would go wrong
//!
//! - The kernel tells of a change once. To wait first and call afterwards would miss what had come before; so the call comes
//!   first, and again after each event.
//! - An event between the call and the waker's way into the table? There is none: only this thread takes events out of the
//!   kernel, and not while it polls a task. (Where reactor and tasks are on several threads, this race is real: see
//!   `src/reactor/source.rs` of the library.)
//! - An event for a socket that was closed since, whose descriptor is another's now: tokens are never used twice, so it
//!   finds nobody.
//!
//! This is rung 2 with a reactor. The wheel of rung 3 is left out for space; it would join by one line, as the time that `poll`
//! may take. As on rung 3, the future inside `block_on` is a task like all others. The waker is made by the standard library's
//! `Wake`: that counts one reference more per poll than `futures-task`, and is one crate less.
#![forbid(unsafe_code)]

use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, atomic::AtomicBool, atomic::AtomicUsize, atomic::Ordering};
use std::task::{Context, Poll::Pending, Poll::Ready, Wake, Waker};
use std::{cell::RefCell, collections::HashMap, future::poll_fn, pin::Pin, thread, time::Duration};

use crossbeam_channel::{Receiver, Sender, unbounded};
use mio::{Events, Interest, Token, event::Source, net::TcpListener};

/// Where a task goes when it is woken, the bell that tells its thread of it, and the thread, which need not tell itself.
type Home = (Sender<Arc<Task>>, Arc<mio::Waker>, thread::ThreadId);

thread_local! {
    /// Where this thread sleeps.
    static KERNEL: RefCell<mio::Poll> = RefCell::new(mio::Poll::new().expect("no descriptor left"));
    /// This thread's event loop: each of its tasks has its home, and `block_on` borrows the queue.
    static QUEUE: (Home, RefCell<Receiver<Arc<Task>>>) = {
        let (sender, receiver) = unbounded();
        let bell = KERNEL.with_borrow(|it| mio::Waker::new(it.registry(), Token(0)).unwrap());
        ((sender, Arc::new(bell), thread::current().id()), RefCell::new(receiver))
    };
    /// Who waits for which socket.
    static WAITING: RefCell<HashMap<Token, Waker>> = RefCell::default();
}

/// Runs a future, and the tasks of this thread, until the future is ready. The tasks that are left go on in
/// the thread's next `block_on`.
pub(crate) fn block_on<F: Future<Output: Send> + Send + 'static>(main: F) -> F::Output {
    let mut events = Events::with_capacity(1024);
    let (tell, told) = unbounded();
    spawn(async move { tell.send(main.await).unwrap_or_default() });
    QUEUE.with(|(_, queue)| {
        let queue = queue.try_borrow_mut().expect("`block_on` in a task");
        while told.is_empty() {
            // Sleeps until a socket is ready or the bell rings; but while there are tasks, it only looks.
            let patience = (!queue.is_empty()).then_some(Duration::ZERO);
            let look = KERNEL.with_borrow_mut(|kernel| kernel.poll(&mut events, patience));
            // A signal may end the sleep: then there are no events.
            assert!(look.map_or_else(|it| it.kind() == ErrorKind::Interrupted, |()| true));
            for event in &events {
                let waiting = WAITING.with_borrow_mut(|it| it.remove(&event.token()));
                waiting.into_iter().for_each(Waker::wake);
            }
            // Not all that there are: a task that wakes itself again and again must not keep us from the sockets.
            for task in queue.try_iter().take(61) {
                // Before the poll. Acquire pairs with the waker's release: the poll sees why it was woken.
                task.queued.swap(false, Ordering::AcqRel);
                let waker = Waker::from(task.clone());
                let cx = &mut Context::from_waker(&waker);
                if task.future.lock().unwrap().as_mut().poll(cx).is_ready() {
                    // It goes now, and not with the last waker. What is left may be woken, and has nothing to do.
                    *task.future.lock().unwrap() = Box::pin(async {});
                }
            }
        }
        told.recv().unwrap()
    })
}

/// Makes a task of the future, and queues it.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    Wake::wake(Arc::new(Task {
        queued: AtomicBool::new(false),
        future: Mutex::new(Box::pin(future)),
        home: QUEUE.with(|(home, _)| home.clone()),
    }));
}

/// A future that the executor owns.
struct Task {
    /// It is in the queue.
    queued: AtomicBool,
    /// Only the thread of the queue polls it, so the lock is always free. It is there because the compiler cannot know
    /// that.
    future: Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Where it goes when it is woken.
    home: Home,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            let (queue, bell, thread) = &self.home;
            // An error means that the thread has ended; then the task goes with its wakers.
            let _ = queue.send(self.clone());
            // The bell goes on ringing until the thread has heard it, so it may be rung before the thread sleeps.
            if thread::current().id() != *thread {
                bell.wake().expect("the bell is broken");
            }
        }
    }
}

/// A socket, its token, and the thread whose kernel knows it.
pub(crate) struct Socket<S: Source>(S, Token, thread::ThreadId);

impl<S: Source> Socket<S> {
    /// Tells the kernel of the socket.
    pub fn new(mut source: S) -> io::Result<Socket<S>> {
        // The bell has 0.
        static SOCKETS: AtomicUsize = AtomicUsize::new(1);
        let token = Token(SOCKETS.fetch_add(1, Ordering::Relaxed));
        let both = Interest::READABLE | Interest::WRITABLE;
        KERNEL.with_borrow(|kernel| kernel.registry().register(&mut source, token, both))?;
        Ok(Socket(source, token, thread::current().id()))
    }

    /// Makes the call, and makes it again after an event, until it does not say `WouldBlock`. `&mut`: so there is one at a
    /// time who waits, and place for one waker is enough.
    pub async fn ready<T>(&mut self, mut call: impl FnMut(&S) -> io::Result<T>) -> io::Result<T> {
        let attempt = |cx: &mut Context<'_>| match call(&self.0) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                assert!(self.2 == thread::current().id(), "not its thread");
                let waker = cx.waker().clone();
                let _older = WAITING.with_borrow_mut(|waiting| waiting.insert(self.1, waker));
                Pending
            }
            result => Ready(result),
        };
        poll_fn(attempt).await
    }
}

impl<S: Source> Drop for Socket<S> {
    fn drop(&mut self) {
        // The thread may be at its end, and its table gone. The kernel forgets a socket when it is closed.
        let _ = WAITING.try_with(|waiting| waiting.borrow_mut().remove(&self.1));
    }
}

// The demonstration.

/// Gives each connection a task, which sends back what comes: byte by byte, so that none is sent by halves.
async fn serve(listener: TcpListener) {
    let mut listener = Socket::new(listener).unwrap();
    while let Ok((stream, _)) = listener.ready(TcpListener::accept).await {
        let mut stream = Socket::new(stream).unwrap();
        spawn(async move {
            let mut byte = [0];
            while let Ok(1) = stream.ready(|mut it| it.read(&mut byte)).await {
                assert_ne!(byte, *b"!", "a client has found a bug");
                let _ = stream.ready(|mut it| it.write(&byte)).await;
            }
        });
    }
}

fn main() {
    let listener = TcpListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(|| block_on(serve(listener)));
    let mut clients = [(); 100].map(|()| std::net::TcpStream::connect(address).unwrap());
    for client in &mut clients {
        client.write_all(b"one more cup").unwrap();
        client.read_exact(&mut [0; 12]).unwrap();
    }
    println!("echo     100 clients are connected at once, and each hears its own bytes again");

    clients[0].write_all(b"!").unwrap();
    let end = server.join().map_or("ends", |()| "goes on");
    println!("cannot   one task panics, and the server with all its tasks {end}");
}

// # What this cannot
//
// A panic in one task unwinds the loop that runs all of them. Nobody hears what a task has found out, since `spawn` throws the
// output away; and once spawned, a task cannot be stopped. Rung 5 gives tasks an end.
