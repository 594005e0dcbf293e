//! The scheduler where it is hard: wakes at the first moment, drivers that leave, work that never rests, long counts.

mod runtime_support;

use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use runtime_support::{
    Counter, current_thread, multi_thread, on_drop, on_each, wait_until, watchdog,
};
use samovar::io::{AsyncReadExt, AsyncWriteExt};
use samovar::net::{TcpListener, TcpStream, UnixStream};
use samovar::sync::mpsc as channel;
use samovar::task::{JoinHandle, yield_now};
use samovar::time::sleep;

const MILLI: Duration = Duration::from_millis(1);

// block_on

#[test]
fn a_wake_in_the_very_first_poll_is_not_lost_and_costs_one_poll() {
    on_each(|rt| {
        // Woken, and seen to be woken, before the first poll returns: the thread has not parked once.
        let woken_from_outside = || {
            let mut polls = 0;
            poll_fn(move |cx| {
                polls += 1;
                if polls == 2 {
                    return Poll::Ready(());
                }
                let waker = cx.waker().clone();
                thread::spawn(move || waker.wake()).join().unwrap();
                Poll::Pending
            })
        };
        for _ in 0..100 {
            samovar::block_on(woken_from_outside());
            rt.block_on(woken_from_outside());
            rt.block_on(async { samovar::spawn(woken_from_outside()).await.unwrap() });
        }
        // Also for one that waits in the line for the seat, because somebody else drives the runtime.
        let (open, gate) = oneshot::channel::<()>();
        let handle = rt.handle().clone();
        let (inside, is_inside) = mpsc::channel();
        let driver = thread::spawn(move || {
            handle.block_on(async {
                inside.send(()).unwrap();
                gate.await.unwrap();
            });
        });
        is_inside.recv().unwrap();
        for _ in 0..100 {
            rt.block_on(woken_from_outside());
        }
        open.send(()).unwrap();
        driver.join().unwrap();
    });
}

// Drivers that leave

#[test]
fn a_worker_that_was_woken_for_a_task_and_leaves_hands_it_on() {
    watchdog(60, || {
        let rt = multi_thread(2);
        for _ in 0..500 {
            let handle = rt.handle().clone();
            let (open, gate) = oneshot::channel();
            let (tell, told) = mpsc::channel();
            // Both workers sleep. The wake for the task may go to the one whose main future is ready, and which leaves.
            let outside = thread::spawn(move || {
                handle.spawn(async move { tell.send(()).unwrap() });
                open.send(()).unwrap();
            });
            rt.block_on(async { gate.await.unwrap() });
            told.recv().unwrap();
            outside.join().unwrap();
        }
    });
}

#[test]
fn what_a_driver_leaves_behind_when_it_panics_runs_elsewhere() {
    watchdog(60, || {
        for workers in [1, 2] {
            let rt = multi_thread(workers);
            let ran = Counter::new();
            for round in 1..=20 {
                let result = catch_unwind(AssertUnwindSafe(|| {
                    rt.block_on(async {
                        for number in 0..100_u32 {
                            let ran = ran.clone();
                            samovar::spawn(async move {
                                if number % 4 == 0 {
                                    sleep(MILLI / 10).await;
                                }
                                yield_now().await;
                                ran.add();
                            });
                        }
                        panic!("the driver");
                    })
                }));
                assert!(result.is_err());
                // Nobody comes to help.
                wait_until(|| ran.get() == 100 * round);
            }
        }
    });
}

// Fairness

#[test]
fn tasks_that_never_rest_starve_neither_sockets_nor_timers() {
    on_each(|rt| {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..64 {
            let stop = stop.clone();
            rt.spawn(poll_fn(move |cx| {
                if stop.load(SeqCst) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            }));
        }
        rt.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = samovar::spawn(async move {
                for _ in 0..5 {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let mut bytes = [0; 4];
                    while stream.read_exact(&mut bytes).await.is_ok() {
                        stream.write_all(&bytes).await.unwrap();
                    }
                }
            });
            let client = samovar::spawn(async move {
                for _ in 0..5 {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    for number in 0..20_u32 {
                        let mut answer = [0; 4];
                        stream.write_all(&number.to_le_bytes()).await.unwrap();
                        stream.read_exact(&mut answer).await.unwrap();
                        assert_eq!(u32::from_le_bytes(answer), number);
                    }
                }
            });
            sleep(20 * MILLI).await;
            client.await.unwrap();
            server.await.unwrap();
            stop.store(true, SeqCst);
        });
    });
}

/// One of two that wake each other for ever: each poll wakes the other.
fn one_of_a_pair(
    wakers: Arc<[Mutex<Option<Waker>>; 2]>,
    mine: usize,
    polls: Counter,
) -> impl Future<Output = ()> {
    poll_fn(move |cx| {
        polls.add();
        *wakers[mine].lock().unwrap() = Some(cx.waker().clone());
        let other = wakers[1 - mine].lock().unwrap().take();
        if let Some(other) = other {
            other.wake();
        }
        Poll::Pending
    })
}

#[test]
fn a_task_waits_for_four_polls_at_most_for_each_task_before_it() {
    const TASKS: usize = 500;
    watchdog(60, || {
        let rt = current_thread();
        rt.block_on(async {
            let (wakers, polls) = (Arc::default(), Counter::new());
            for mine in [0, 1] {
                samovar::spawn(one_of_a_pair(Arc::clone(&wakers), mine, polls.clone()));
            }
            while polls.get() < 100 {
                yield_now().await;
            }
            // They hold the place in front whenever they may. Now a queue forms behind.
            let before = polls.get();
            let line: Vec<_> = (0..TASKS)
                .map(|_| {
                    let polls = polls.clone();
                    samovar::spawn(async move { polls.get() - before })
                })
                .collect();
            for (place, task) in line.into_iter().enumerate() {
                let of_the_pair = task.await.unwrap();
                // Three before each one's own; and the pair itself may have stood in line, too.
                let most = 3 * (place + 3);
                assert!(
                    of_the_pair <= most,
                    "{of_the_pair} polls before task {place}"
                );
            }
            assert!(polls.get() - before >= TASKS, "the pair was not at it");
        });
    });
}

#[test]
fn a_socket_that_becomes_ready_beside_a_loop_of_yields_is_read_within_two_looks() {
    watchdog(60, || {
        for rt in [current_thread(), multi_thread(1)] {
            rt.block_on(async {
                // A pair of local sockets: what is written is readable when `write` returns, on a busy machine too.
                let (mut ours, theirs) = UnixStream::pair().unwrap();
                let mut theirs = theirs.into_std().unwrap();
                theirs.set_nonblocking(false).unwrap();
                let seen = Counter::new();
                let reader = {
                    let seen = seen.clone();
                    samovar::spawn(async move {
                        let mut byte = [0];
                        while ours.read_exact(&mut byte).await.is_ok() {
                            seen.add();
                        }
                    })
                };
                for round in 1..=50 {
                    while seen.get() < round - 1 {
                        yield_now().await;
                    }
                    // So that it waits.
                    yield_now().await;
                    std::io::Write::write_all(&mut theirs, &[1]).unwrap();
                    let mut yields = 0;
                    while seen.get() < round {
                        yields += 1;
                        yield_now().await;
                    }
                    assert!(yields <= 2 * 61, "{yields} yields");
                }
                drop(theirs);
                reader.await.unwrap();
            });
        }
    });
}

#[test]
fn an_executor_inside_a_task_gets_on_though_the_task_s_budget_is_spent() {
    on_each(|rt| {
        let many_operations = || {
            let (send, mut receive) = channel::unbounded_channel();
            for number in 0..10_000 {
                send.send(number).unwrap();
            }
            drop(send);
            async move {
                let mut received = 0;
                while receive.recv().await.is_some() {
                    received += 1;
                }
                received
            }
        };
        // It polls again and again inside one poll of the task, which therefore never gets a fresh budget.
        let nested = async move { futures::executor::block_on(many_operations()) };
        assert_eq!(rt.block_on(nested), 10_000);
        let nested = async move { futures::executor::block_on(many_operations()) };
        assert_eq!(rt.block_on(rt.spawn(nested)).unwrap(), 10_000);
        // The same with `select!`, which looks at the budget first.
        let selecting = async move {
            futures::executor::block_on(async move {
                let mut operations = std::pin::pin!(many_operations());
                let mut sum = 0;
                loop {
                    samovar::select! {
                        received = &mut operations => return sum + received,
                        () = std::future::ready(()) => sum += 0,
                    }
                }
            })
        };
        assert_eq!(rt.block_on(rt.spawn(selecting)).unwrap(), 10_000);
    });
}

// Spawning from odd places

#[test]
fn what_a_task_left_in_a_worker_s_thread_local_may_wake_and_spawn_at_the_end() {
    thread_local! {
        static LEFT: std::cell::RefCell<Vec<Box<dyn std::any::Any>>> =
            const { std::cell::RefCell::new(Vec::new()) };
    }
    watchdog(60, || {
        let rt = multi_thread(2);
        let (ended, left) = (Counter::new(), Counter::new());
        for _ in 0..20 {
            let (ended, left) = (ended.clone(), left.clone());
            let (open, gate) = oneshot::channel::<()>();
            rt.spawn(async move {
                let _ = gate.await;
                pending::<()>().await;
            });
            let handle = rt.handle().clone();
            // Nobody is inside `block_on`: it runs on a thread of the runtime, which ends with it.
            rt.spawn(async move {
                let last_words = on_drop(move || {
                    let _ = open.send(());
                    let task = handle.spawn(async {});
                    assert!(samovar::block_on(task).unwrap_err().is_cancelled());
                    ended.add();
                });
                LEFT.with(|all| all.borrow_mut().push(Box::new(last_words)));
                left.add();
            });
        }
        wait_until(|| left.get() == 20);
        drop(rt);
        assert_eq!(ended.get(), 20);
    });
}

// Long counts

/// More than 2^16: where a short index would come round.
const MANY: usize = 200_000;

#[test]
fn two_hundred_thousand_tasks_from_outside_come_in_order_and_once() {
    watchdog(60, || {
        let rt = current_thread();
        let seen = Arc::new(Mutex::new(Vec::with_capacity(MANY)));
        // In waves, so that the queue's ends run after each other many times; the last wave is longer than 2^16.
        let mut next = 0;
        for wave in [1_000; 100].into_iter().chain([MANY - 100_000]) {
            for _ in 0..wave {
                let (seen, number) = (seen.clone(), next);
                rt.spawn(async move { seen.lock().unwrap().push(number) });
                next += 1;
            }
            rt.block_on(async {
                while seen.lock().unwrap().len() < next {
                    yield_now().await;
                }
            });
        }
        assert!(seen.lock().unwrap().iter().copied().eq(0..MANY));
    });
}

#[test]
fn two_tasks_take_two_hundred_thousand_turns_each_fairly() {
    watchdog(60, || {
        let rt = current_thread();
        let turns = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let tasks: Vec<JoinHandle<()>> = [0, 1]
            .map(|mine| {
                let turns = turns.clone();
                rt.spawn(async move {
                    for turn in 1..=MANY {
                        turns[mine].store(turn, SeqCst);
                        let other = turns[1 - mine].load(SeqCst);
                        assert!(turn.abs_diff(other) <= 1, "{turn} turns against {other}");
                        yield_now().await;
                    }
                })
            })
            .into();
        rt.block_on(async {
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
}

#[test]
fn two_hundred_thousand_messages_through_the_place_in_front_arrive_in_order() {
    watchdog(60, || {
        let rt = current_thread();
        rt.block_on(async {
            // Capacity one: each message wakes the other side, whose place is the one in front.
            let (send, mut receive) = channel::channel(1);
            let sender = samovar::spawn(async move {
                for number in 0..MANY {
                    send.send(number).await.unwrap();
                }
            });
            let receiver = samovar::spawn(async move {
                let mut next = 0;
                while let Some(number) = receive.recv().await {
                    assert_eq!(number, next);
                    next += 1;
                }
                next
            });
            sender.await.unwrap();
            assert_eq!(receiver.await.unwrap(), MANY);
        });
    });
}

#[test]
fn two_hundred_thousand_tasks_that_thieves_take_run_once() {
    watchdog(60, || {
        let rt = multi_thread(4);
        let metrics = rt.metrics();
        let stolen = || {
            (0..4)
                .map(|worker| metrics.worker_steal_count(worker))
                .sum::<u64>()
        };
        let runs: Arc<Vec<AtomicUsize>> =
            Arc::new((0..MANY).map(|_| AtomicUsize::new(0)).collect());
        for round in 0..20 {
            let runs = runs.clone();
            rt.block_on(rt.spawn(async move {
                let ended = Counter::new();
                for number in round * (MANY / 20)..(round + 1) * (MANY / 20) {
                    let (runs, ended) = (runs.clone(), ended.clone());
                    samovar::spawn(async move {
                        runs[number].fetch_add(1, SeqCst);
                        // Long enough to be worth stealing.
                        let until = Instant::now() + MILLI / 200;
                        while Instant::now() < until {
                            std::hint::spin_loop();
                        }
                        ended.add();
                    });
                }
                while ended.get() < MANY / 20 {
                    yield_now().await;
                }
            }))
            .unwrap();
        }
        assert!(runs.iter().all(|runs| runs.load(SeqCst) == 1));
        assert!(stolen() > 0, "nothing was stolen");
    });
}
