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
//! The wheel of rung 3 is left out for space; it would join by one line, as the time that `poll` may take.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Poll::Pending, Poll::Ready, Waker};
use std::thread::{self, ThreadId};
use std::{future::poll_fn, time::Duration};

use crossbeam_channel::{Receiver, Sender, unbounded};
use futures_task::{ArcWake, waker_ref};
use mio::{Events, Interest, Token, event::Source};

thread_local! {
    /// This thread's event loop: each of its tasks has the sender, and `block_on` borrows the receiver.
    static QUEUE: (Sender<Arc<Task>>, RefCell<Receiver<Arc<Task>>>) = {
        let (sender, receiver) = unbounded();
        (sender, RefCell::new(receiver))
    };
    /// Where it sleeps.
    static KERNEL: RefCell<mio::Poll> = RefCell::new(mio::Poll::new().expect("no descriptor left"));
    /// What ends its sleep.
    static BELL: Arc<mio::Waker> = KERNEL.with_borrow(|kernel| {
        Arc::new(mio::Waker::new(kernel.registry(), Token(0)).expect("no descriptor left"))
    });
    /// Who waits for which socket.
    static WAITING: RefCell<HashMap<Token, Waker>> = RefCell::default();
}

/// Runs a future, and the tasks of this thread, until the future is ready. The tasks that are left go on in
/// the thread's next `block_on`.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let main = spawn(async {});
    QUEUE.with(|(_, queue)| {
        let queue = queue.try_borrow_mut().expect("`block_on` in a task");
        loop {
            // Not all that there are: a task that wakes itself again and again must not keep us from the sockets.
            for task in queue.try_iter().take(61) {
                // Before the poll. Acquire pairs with the waker's release: the poll sees why it was woken.
                task.queued.swap(false, Ordering::AcqRel);
                if !Arc::ptr_eq(&task, &main) {
                    task.run();
                } else if let Ready(output) = main.poll(future.as_mut()) {
                    return output;
                }
            }
            look((!queue.is_empty()).then_some(Duration::ZERO));
        }
    })
}

/// Wakes those whose sockets are ready. Sleeps until there is one or the bell rings, but not longer than `patience`.
fn look(patience: Option<Duration>) {
    let mut events = Events::with_capacity(1024);
    match KERNEL.with_borrow_mut(|kernel| kernel.poll(&mut events, patience)) {
        Err(error) if error.kind() == ErrorKind::Interrupted => {}
        result => result.expect("the kernel refuses to wait"),
    }
    for event in &events {
        let waiting = WAITING.with_borrow_mut(|waiting| waiting.remove(&event.token()));
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// Makes a task of the future, and queues it.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Arc<Task> {
    let task = Arc::new(Task {
        queued: AtomicBool::new(false),
        future: Mutex::new(Box::pin(future)),
        queue: QUEUE.with(|(sender, _)| sender.clone()),
        bell: BELL.with(Arc::clone),
        thread: thread::current().id(),
    });
    ArcWake::wake_by_ref(&task);
    task
}

/// A future that the executor owns.
pub(crate) struct Task {
    /// It is in the queue.
    queued: AtomicBool,
    /// Only the thread of the queue polls it, so the lock is always free. It is there because the compiler cannot know
    /// that.
    future: Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Where it goes when it is woken.
    queue: Sender<Arc<Task>>,
    /// What tells the thread that it went there.
    bell: Arc<mio::Waker>,
    /// Which need not be told by itself.
    thread: ThreadId,
}

impl Task {
    /// Polls a future, which is woken by waking this task.
    fn poll<F: Future + ?Sized>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        // Borrows the `Arc`: a poll touches no reference count, unless the future keeps the waker.
        let waker = waker_ref(self);
        future.poll(&mut Context::from_waker(&waker))
    }

    /// Polls its own future.
    fn run(self: &Arc<Self>) {
        let mut future = self.future.lock().unwrap();
        if self.poll(future.as_mut()).is_ready() {
            // It goes now, and not with the last waker. What is left may be woken, and has nothing to do.
            *future = Box::pin(async {});
        }
    }
}

impl ArcWake for Task {
    fn wake_by_ref(task: &Arc<Self>) {
        if !task.queued.swap(true, Ordering::AcqRel) {
            // An error means that the thread has ended; then the task goes with its wakers.
            let _ = task.queue.send(task.clone());
            // The bell goes on ringing until the thread has heard it, so it may be rung before the thread sleeps.
            if thread::current().id() != task.thread {
                task.bell.wake().expect("the bell is broken");
            }
        }
    }
}

/// A socket, its token, and the thread whose kernel knows it.
pub(crate) struct Socket<S: Source>(S, Token, ThreadId);

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
        poll_fn(|cx| match call(&self.0) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                assert!(self.2 == thread::current().id(), "not its thread");
                let waker = cx.waker().clone();
                let _older = WAITING.with_borrow_mut(|waiting| waiting.insert(self.1, waker));
                Pending
            }
            result => Ready(result),
        })
        .await
    }
}

impl<S: Source> Drop for Socket<S> {
    fn drop(&mut self) {
        // The thread may be at its end, and its table gone. The kernel forgets a socket when it is closed.
        let _ = WAITING.try_with(|waiting| waiting.borrow_mut().remove(&self.1));
    }
}

// The demonstration.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::{future::pending, panic};

use mio::net::{TcpListener, TcpStream};

/// Sends back what comes, until the end.
async fn echo(mut stream: Socket<TcpStream>) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let count = stream.ready(|mut it| it.read(&mut buffer)).await?;
        if count == 0 {
            return Ok(());
        }
        let mut sent = 0;
        while sent < count {
            sent += stream
                .ready(|mut it| it.write(&buffer[sent..count]))
                .await?;
        }
    }
}

/// A client: a thread that says something, and counts what comes back.
fn talk(server: SocketAddr, number: usize) -> usize {
    let mut stream = std::net::TcpStream::connect(server).unwrap();
    (0..50).fold(0, |bytes, line| {
        let said = format!("client {number}, line {line}");
        let mut heard = vec![0; said.len()];
        stream.write_all(said.as_bytes()).unwrap();
        stream.read_exact(&mut heard).unwrap();
        assert_eq!(heard, said.as_bytes());
        bytes + heard.len()
    })
}

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = listener.local_addr().unwrap();
    let clients = thread::spawn(move || {
        let clients: Vec<_> = (0..100)
            .map(|number| thread::spawn(move || talk(server, number)))
            .collect();
        let bytes: usize = clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum();
        // One more connection: the server stops after that.
        std::net::TcpStream::connect(server).unwrap();
        bytes
    });
    block_on(async {
        let mut listener = Socket::new(listener).unwrap();
        for _ in 0..=100 {
            let (stream, _) = listener.ready(TcpListener::accept).await.unwrap();
            let stream = Socket::new(stream).unwrap();
            spawn(async { echo(stream).await.unwrap_or_default() });
        }
    });
    let bytes = clients.join().unwrap();
    println!("echo     100 clients at once: {bytes} bytes came back unharmed, through one thread");

    spawn(async { panic!("a client has found a bug") });
    let end = panic::catch_unwind(|| block_on(pending::<()>()));
    println!(
        "cannot   one task panics, and the server with all its tasks {}",
        if end.is_err() { "ends" } else { "goes on" }
    );
}

// # What this cannot
//
// A panic in one task unwinds the loop that runs all of them. Nobody hears what a task has found out, since `spawn` throws the
// output away; and once spawned, a task cannot be stopped. Rung 5 gives tasks an end.
