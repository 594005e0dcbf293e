//! The trace: what it records, in which order, and what the story makes of it.

mod examples_support;
mod runtime_support;

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use examples_support::start_traced;
use runtime_support::watchdog;
use samovar::io::AsyncReadExt;
use samovar::net::{TcpListener, UdpSocket, UnixStream};
use samovar::runtime::{Builder, Runtime};
use samovar::sync;
use samovar::task::{self, Id, JoinSet, yield_now};
use samovar::time::sleep;
use samovar::trace::{Cause, Event, Kind, Lane, News, Outcome, QueueName, Trace, WakeUp, Who};

/// A runtime on this thread, and its trace.
fn traced() -> (Runtime, Trace) {
    let trace = Trace::new();
    (runtime_support::traced(0, &trace), trace)
}

/// A millisecond, for timers whose length does not matter.
const SHORT: Duration = Duration::from_millis(1);

/// Events in a few words each, with names in the place of numbers. When a worker sleeps depends on the machine, so that is
/// left out.
fn outline(trace: &Trace) -> Vec<String> {
    let events = trace.events();
    let names: HashMap<Id, String> = (events.iter())
        .filter_map(|event| match &event.kind {
            Kind::Spawned { task, name, .. } => {
                Some((*task, name.as_deref().unwrap_or("?").to_owned()))
            }
            _ => None,
        })
        .collect();
    let name = |id: &Id| names.get(id).map_or("?", String::as_str);
    let who = |who: &Who| match who {
        Who::Main => "main",
        Who::Task(id) => name(id),
    };
    let cause = |cause: &Cause| match cause {
        Cause::Poll(poll) => who(poll).to_owned(),
        other => format!("{other:?}"),
    };
    (events.iter())
        .filter_map(|event| {
            Some(match &event.kind {
                Kind::Parked { .. } | Kind::Unparked { .. } => return None,
                Kind::Spawned { task, by, .. } => {
                    format!("{} spawned by {}", name(task), cause(by))
                }
                Kind::Queued { task, queue } => format!("{} in {queue:?}", name(task)),
                Kind::PollBegan { who: poll } => format!("{} began", who(poll)),
                Kind::PollEnded {
                    who: poll, outcome, ..
                } => format!("{} ended {outcome:?}", who(poll)),
                Kind::Woken {
                    who: woken,
                    by,
                    news,
                } => format!("{} woken by {}: {news:?}", who(woken), cause(by)),
                Kind::TimerSet { who: poll, .. } => {
                    format!("timer of {}", poll.as_ref().map_or("nobody", who))
                }
                Kind::TimerFired { .. } => "timer fired".to_owned(),
                Kind::Aborted { task, by } => format!("{} aborted by {}", name(task), cause(by)),
                Kind::Cancelled { task } => format!("{} cancelled", name(task)),
                other => format!("{other:?}"),
            })
        })
        .collect()
}

/// Spawns a task that has a name.
fn spawn<T: Send + 'static>(
    name: &str,
    future: impl Future<Output = T> + Send + 'static,
) -> task::JoinHandle<T> {
    task::Builder::new().name(name).spawn(future).unwrap()
}

#[test]
fn tea_event_for_event() {
    let (runtime, trace) = traced();
    runtime.block_on(async {
        let (whistle, whistles) = sync::oneshot::channel();
        let kettle = spawn("kettle", async {
            sleep(SHORT).await;
            whistle.send(()).unwrap();
        });
        let pot = spawn("pot", whistles);
        kettle.await.unwrap();
        pot.await.unwrap().unwrap();
    });
    let expected = [
        "main began",
        "kettle spawned by main",
        "kettle in Line(0)",
        "pot spawned by main",
        "pot in Line(0)",
        "main ended Pending",
        "kettle began",
        "timer of kettle",
        "kettle ended Pending",
        "pot began",
        "pot ended Pending",
        // Here the worker sleeps.
        "timer fired",
        "kettle woken by Timer: Queues",
        "kettle in Line(0)",
        "kettle began",
        "pot woken by kettle: Queues",
        "pot in Front(0)",
        "kettle ended Ready",
        "main woken by kettle: Queues",
        "pot began",
        "pot ended Ready",
        "main began",
        "main ended Ready",
    ];
    assert_eq!(outline(&trace), expected);
    // Both ends of each sleep are there, and it says what it waited for.
    let events = trace.events();
    assert!(events.iter().any(|event| matches!(
        event.kind,
        Kind::Parked {
            longest: Some(_),
            sockets: 0,
            timers: 1
        }
    )));
    assert!(
        events
            .iter()
            .any(|event| matches!(event.kind, Kind::Unparked { why: WakeUp::Timer }))
    );
    consistent(&events);
}

#[test]
fn an_event_that_nobody_waits_for_is_not_told_as_a_call() {
    let (runtime, trace) = traced();
    watchdog(60, move || {
        let (ours, mut peer) = std::os::unix::net::UnixStream::pair().unwrap();
        let handle = runtime.handle().clone();
        // Room to write is the first event of a socket, and ends the first wait. The peer waits for the second.
        let writer = thread::spawn(move || {
            while handle.metrics().worker_park_count(0) < 2 {
                thread::yield_now();
            }
            peer.write_all(b"tea").unwrap();
            peer
        });
        runtime.block_on(async {
            let mut socket = UnixStream::from_std(ours).unwrap();
            socket.read_exact(&mut [0; 3]).await.unwrap();
        });
        drop(writer.join().unwrap());
        let why: Vec<WakeUp> = (trace.events().iter())
            .filter_map(|event| match event.kind {
                Kind::Unparked { why } => Some(why),
                _ => None,
            })
            .collect();
        assert_eq!(why, [WakeUp::Nobody, WakeUp::Events]);
    });
}

#[test]
fn a_wake_from_another_thread_goes_through_the_inbox() {
    let (runtime, trace) = traced();
    watchdog(60, move || {
        let (ring, rings) = sync::oneshot::channel();
        let (polled, is_polled) = mpsc::channel();
        let bell = thread::Builder::new()
            .name("bell".to_owned())
            .spawn(move || {
                is_polled.recv().unwrap();
                ring.send(()).unwrap();
            });
        runtime.block_on(async {
            let door = spawn("door", rings);
            // Spawned after it, so polled after it, and then the door has left its waker.
            spawn("helper", async move { polled.send(()).unwrap() });
            door.await.unwrap().unwrap();
        });
        bell.unwrap().join().unwrap();
        let events = trace.events();
        let at = events.iter().position(|event| {
            let by_bell = Cause::Thread("bell".into());
            matches!(&event.kind, Kind::Woken { who: Who::Task(_), by, news: News::Queues } if *by == by_bell)
        });
        let woken = &events[at.expect("no wake by the bell")];
        assert_eq!(woken.lane, Lane::Thread("bell".into()));
        let mut next = events[at.unwrap()..]
            .iter()
            .filter(|event| event.lane == woken.lane);
        let queued = next.nth(1).unwrap();
        assert!(
            matches!(
                queued.kind,
                Kind::Queued {
                    queue: QueueName::Inbox,
                    ..
                }
            ),
            "{queued}"
        );
        let after = outline(&trace);
        let order = [
            "door ended Pending",
            "door in Inbox",
            "door began",
            "door ended Ready",
            "main woken by door: Queues",
        ];
        in_order(&after, &order);
        consistent(&events);
    });
}

/// These lines are there, in this order, perhaps with others in between.
#[track_caller]
fn in_order(lines: &[String], expected: &[&str]) {
    let mut rest = lines.iter();
    for line in expected {
        assert!(
            rest.any(|other| other == line),
            "no {line:?}, or not in its place, in {lines:#?}"
        );
    }
}

#[test]
fn a_theft_is_told_by_the_thief() {
    watchdog(120, || {
        // The watchdog may be quicker than the thief, and move the task to the inbox: then once more.
        for _ in 0.. {
            let trace = Trace::new();
            let runtime = runtime_support::traced(2, &trace);
            runtime.block_on(async {
                let (done, is_done) = mpsc::channel();
                for _ in 0..100 {
                    let done = done.clone();
                    spawn("loot", async move { done.send(()).unwrap() });
                }
                // This poll goes on until another worker has run them all: this one cannot.
                for _ in 0..100 {
                    is_done.recv().unwrap();
                }
            });
            drop(runtime);
            let events = trace.events();
            consistent(&events);
            let polled = events
                .iter()
                .filter(|event| matches!(event.kind, Kind::PollBegan { who: Who::Task(_) }));
            assert!(polled.clone().all(|event| event.lane == Lane::Worker(1)));
            assert_eq!(polled.count(), 100);
            let theft = events
                .iter()
                .position(|event| matches!(event.kind, Kind::Stolen { .. }));
            let Some(theft) = theft else { continue };
            let Kind::Stolen { task, from, more } = events[theft].kind else {
                unreachable!()
            };
            assert_eq!((events[theft].lane.clone(), from), (Lane::Worker(1), 0));
            assert!(more < 100);
            let queued = |event: &Event| {
                event.kind
                    == Kind::Queued {
                        task,
                        queue: QueueName::Line(0),
                    }
            };
            assert!(
                events[..theft].iter().any(queued),
                "stolen before it was there"
            );
            let ran = |event: &Event| {
                event.kind
                    == Kind::PollBegan {
                        who: Who::Task(task),
                    }
            };
            assert!(events[theft..].iter().any(ran), "run before it was stolen");
            return;
        }
    });
}

#[test]
fn a_full_ring_forgets_the_oldest_and_counts_them() {
    let trace = Trace::with_capacity(10);
    let runtime = runtime_support::traced(0, &trace);
    runtime.block_on(async {
        for _ in 0..50 {
            samovar::spawn(async {}).await.unwrap();
        }
    });
    drop(runtime);
    let events = trace.events();
    assert_eq!(events.len(), 10);
    let last = events.last().unwrap();
    assert_eq!(
        last.kind,
        Kind::PollEnded {
            who: Who::Main,
            outcome: Outcome::Ready,
            waits_for: None
        }
    );
    assert_eq!(
        trace.lost() + 10,
        last.number + 1,
        "numbers start at 0 and none is missing"
    );
    assert!(
        trace
            .story()
            .starts_with(&format!("({} earlier events", trace.lost()))
    );

    assert_eq!(Trace::with_capacity(0).events(), []);
}

#[test]
fn a_runtime_without_a_trace_leaves_none_while_another_is_traced() {
    let (runtime, trace) = traced();
    let quiet = Builder::new_current_thread().build().unwrap();
    let unused = Trace::new();
    runtime.block_on(async { samovar::spawn(async {}).await.unwrap() });
    let before = trace.events().len();
    quiet.block_on(async {
        samovar::spawn(async {
            yield_now().await;
            sleep(SHORT).await;
        })
        .await
        .unwrap();
        task::spawn_blocking(|| ()).await.unwrap();
    });
    drop(quiet);
    assert_eq!(trace.events().len(), before);
    assert!(unused.events().is_empty() && unused.lost() == 0);
}

#[test]
fn a_trace_outlives_its_runtime_and_tells_its_end() {
    let (runtime, trace) = traced();
    let waits = task::Builder::new().name("waits");
    let waits = waits
        .spawn_on(std::future::pending::<()>(), runtime.handle())
        .unwrap();
    runtime.block_on(async {
        yield_now().await;
        yield_now().await;
    });
    assert!(!outline(&trace).contains(&"waits cancelled".to_owned()));
    drop(runtime);
    assert!(outline(&trace).contains(&"waits cancelled".to_owned()));
    assert!(waits.is_finished());
}

#[test]
fn an_abort_and_a_panic() {
    let (runtime, trace) = traced();
    runtime.block_on(async {
        let victim = spawn("victim", std::future::pending::<()>());
        yield_now().await;
        victim.abort();
        assert!(victim.await.unwrap_err().is_cancelled());
        let bomb = spawn("bomb", async { panic!("on purpose") });
        assert!(bomb.await.unwrap_err().is_panic());
    });
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async { panic!("on purpose") })
    }));
    assert!(panicked.is_err());
    runtime.block_on(async { spawn("afterwards", async {}).await.unwrap() });
    let order = [
        "victim ended Pending",
        "victim aborted by main",
        "victim in Front(0)",
        "victim cancelled",
        "bomb began",
        "bomb ended Panicked",
        "main woken by bomb: Queues",
        "main ended Ready",
        "main began",
        "main ended Panicked",
        "main began",
        "afterwards spawned by main",
        "main ended Ready",
    ];
    in_order(&outline(&trace), &order);
    consistent(&trace.events());
}

#[test]
fn a_blocking_job_has_a_thread_of_its_own() {
    let (runtime, trace) = traced();
    runtime.block_on(async {
        task::Builder::new()
            .name("sum")
            .spawn_blocking(|| 1)
            .unwrap()
            .await
            .unwrap()
    });
    drop(runtime);
    let events = trace.events();
    let job = events.iter().find_map(|event| match &event.kind {
        Kind::Spawned { task, name, .. } if name.as_deref() == Some("sum") => Some(*task),
        _ => None,
    });
    let job = job.unwrap();
    let of_job: Vec<_> = (events.iter())
        .filter(|event| event.lane == Lane::Blocking(0))
        .map(|event| event.kind.clone())
        .collect();
    let woken = Kind::Woken {
        who: Who::Main,
        by: Cause::Job(job),
        news: News::Queues,
    };
    assert_eq!(of_job.first(), Some(&Kind::JobBegan { job }));
    assert_eq!(of_job.last(), Some(&Kind::JobEnded { job }));
    // Not if the job was done before anybody waited for it.
    assert!(of_job.len() == 2 || of_job[1] == woken, "{of_job:?}");
    assert!(events.iter().any(|event| event.kind
        == Kind::Queued {
            task: job,
            queue: QueueName::Pool
        }));
}

#[test]
fn every_spawn_knows_the_line_that_called_it() {
    let (runtime, trace) = traced();
    let line = line!();
    runtime.spawn(async {});
    runtime.handle().spawn(async {});
    runtime.spawn_blocking(|| ());
    runtime.handle().spawn_blocking(|| ());
    let mut set = JoinSet::new();
    set.spawn_on(async {}, runtime.handle());
    set.spawn_blocking_on(|| (), runtime.handle());
    runtime.block_on(async move {
        samovar::spawn(async {});
        task::spawn_blocking(|| ());
        set.spawn(async {});
        set.spawn_blocking(|| ());
        task::Builder::new().spawn(async {}).unwrap();
        set.extend([async {}]);
        set.join_all().await;
    });
    drop(runtime);
    let lines: Vec<u32> = (trace.events().iter())
        .filter_map(|event| match event.kind {
            Kind::Spawned { place, .. } => {
                assert!(place.file().ends_with("trace.rs"), "{place}");
                Some(place.line() - line)
            }
            _ => None,
        })
        .collect();
    assert_eq!(lines, [1, 2, 3, 4, 6, 7, 9, 10, 11, 12, 13, 14]);
}

#[test]
fn a_poll_says_what_it_waits_for() {
    let (runtime, trace) = traced();
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        let (full, _receiver) = sync::mpsc::channel(2);
        full.try_send(1).unwrap();
        full.try_send(2).unwrap();
        let (_sender, mut empty) = sync::mpsc::channel::<()>(32);
        let (_sender2, mut endless) = sync::mpsc::unbounded_channel::<()>();
        let (_sender3, never) = sync::oneshot::channel::<()>();
        let (_sender4, mut watched) = sync::watch::channel(0);
        let (_sender5, mut heard) = sync::broadcast::channel::<()>(4);
        tasks.spawn(async move { full.send(3).await.unwrap() });
        tasks.spawn(async move { assert!(empty.recv().await.is_none()) });
        tasks.spawn(async move { assert!(endless.recv().await.is_none()) });
        tasks.spawn(async move { assert!(never.await.is_err()) });
        tasks.spawn(async move { assert!(watched.changed().await.is_err()) });
        tasks.spawn(async move { assert!(heard.recv().await.is_err()) });
        tasks.spawn(async { drop(sync::Semaphore::new(1).acquire_many(2).await) });
        tasks.spawn(async { sync::Notify::new().notified().await });
        tasks.spawn(async { assert!(!sync::Barrier::new(3).wait().await.is_leader()) });
        tasks.spawn(async {
            let lock = sync::Mutex::new(());
            let _held = lock.lock().await;
            drop(lock.lock().await);
        });
        tasks.spawn(async {
            let lock = sync::RwLock::new(());
            let _held = lock.read().await;
            drop(lock.write().await);
        });
        tasks.spawn(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            drop(listener.accept().await);
        });
        tasks.spawn(async {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            drop(socket.recv_from(&mut [0]).await);
        });
        tasks.spawn(async { sleep(Duration::from_secs(3600)).await });
        tasks.spawn(async {
            let mut set = JoinSet::new();
            set.spawn(std::future::pending::<()>());
            let notify = sync::Notify::new();
            samovar::select! {
                biased;
                _ = set.join_next() => {}
                _ = notify.notified() => {}
            }
        });
        tasks.spawn(async { drop(samovar::spawn(std::future::pending::<()>()).await) });
        // Once round all of them.
        for _ in 0..4 {
            yield_now().await;
        }
        tasks.shutdown().await;
    });
    let said: HashSet<String> = (trace.events().iter())
        .filter_map(|event| match &event.kind {
            Kind::PollEnded {
                who: Who::Task(_),
                outcome: Outcome::Pending,
                waits_for,
            } => {
                let said = waits_for.as_deref().unwrap_or("nothing");
                Some(
                    said.chars()
                        .map(|c| if c.is_ascii_digit() { '#' } else { c })
                        .collect(),
                )
            }
            _ => None,
        })
        .collect();
    let mut said: Vec<String> = said
        .into_iter()
        .map(|said| {
            said.replace("##", "#")
                .replace("##", "#")
                .replace("##", "#")
        })
        .collect();
    said.sort();
    let expected = [
        "Barrier, # of # are there",
        "JoinHandle of task #",
        "JoinSet of # tasks or Notify",
        "Mutex lock",
        "Notify",
        "RwLock write",
        "Semaphore, # permits",
        "TcpListener #.#.#.#:# readable",
        "UdpSocket #.#.#.#:# readable",
        "broadcast recv",
        "mpsc recv, # of #",
        "mpsc recv, # queued",
        "mpsc send, # of #",
        "nothing",
        "oneshot recv",
        "sleep until +#.# s",
        "watch changed",
    ];
    assert_eq!(said, expected);
}

/// What must hold in every complete trace: numbers rise, each poll that began ends on the same thread, tasks are spawned
/// before anything else is heard of them, and nobody is polled who is not in a queue.
#[track_caller]
fn consistent(events: &[Event]) {
    let mut inside: HashMap<Who, Lane> = HashMap::new();
    let mut queued = HashSet::new();
    let mut spawned = HashSet::new();
    for pair in events.windows(2) {
        assert!(pair[0].number < pair[1].number);
    }
    for event in events {
        match &event.kind {
            Kind::Spawned { task, .. } => assert!(spawned.insert(*task), "{event}: twice"),
            Kind::Queued { task, .. } => {
                assert!(spawned.contains(task), "{event}: not spawned");
                assert!(
                    queued.insert(*task) || event.lane == Lane::Watchdog,
                    "{event}: it is already"
                );
            }
            Kind::PollBegan { who } => {
                assert_eq!(
                    inside.insert(*who, event.lane.clone()),
                    None,
                    "{event}: it is already"
                );
                if let Who::Task(task) = who {
                    assert!(queued.remove(task), "{event}: it was in no queue");
                }
            }
            Kind::PollEnded { who, .. } => {
                assert_eq!(
                    inside.remove(who),
                    Some(event.lane.clone()),
                    "{event}: it did not begin here"
                );
            }
            Kind::Cancelled { task } => drop(queued.remove(task)),
            _ => {}
        }
    }
    assert!(inside.is_empty(), "{inside:?}: polls without an end");
}

#[test]
fn under_stress_every_effect_has_its_cause() {
    watchdog(120, || {
        let trace = Trace::with_capacity(1 << 20);
        let runtime = runtime_support::traced(3, &trace);
        let handle = runtime.handle().clone();
        let outside = thread::spawn(move || {
            let tasks: Vec<_> = (0..200).map(|_| handle.spawn(yield_now())).collect();
            tasks.len()
        });
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for number in 0..300_u64 {
                let (sender, mut receiver) = sync::mpsc::channel(2);
                tasks.spawn(async move {
                    for value in 0..20 {
                        sender.send(value).await.unwrap();
                        if value % 7 == 0 {
                            sleep(Duration::from_micros(number * 3)).await;
                        }
                    }
                    0
                });
                tasks.spawn(async move {
                    let mut sum = 0;
                    while let Some(value) = receiver.recv().await {
                        sum += value;
                        yield_now().await;
                    }
                    sum
                });
                if number % 50 == 0 {
                    tasks.spawn_blocking(|| 0);
                    samovar::spawn(std::future::pending::<()>()).abort();
                }
            }
            assert_eq!(tasks.join_all().await.iter().sum::<u64>(), 300 * 190);
        });
        assert_eq!(outside.join().unwrap(), 200);
        drop(runtime);
        assert_eq!(trace.lost(), 0);
        let events = trace.events();
        assert!(events.len() > 20_000, "{}", events.len());
        consistent(&events);
    });
}

#[test]
fn the_story_names_and_leaves_out() {
    let (runtime, trace) = traced();
    runtime.block_on(async {
        let kettle = spawn("kettle", sleep(SHORT));
        kettle.await.unwrap();
        for cup in (0..50)
            .map(|_| samovar::spawn(async {}))
            .collect::<Vec<_>>()
        {
            cup.await.unwrap();
        }
    });
    let story = trace.story();
    let has = |text: &str| assert!(story.contains(text), "no {text:?} in:\n{story}");
    has("worker 0    kettle               is polled for the first time\n");
    has("kettle               gives its waker to a timer, to ring in ");
    has("main                 returns Pending, waits for: JoinHandle of kettle\n");
    has("kettle               is woken by the timer, ");
    has("kettle               returns Ready: it is done\n");
    has("main                 is woken by kettle, and is polled before any task\n");
    has("| Pending is \"not yet\".");
    has(" more events of the same sort, left out");
    assert!(
        story
            .trim_end()
            .ends_with("main                 returns Ready: it is done"),
        "{story}"
    );
    assert_eq!(story.matches("is spawned by").count(), 1 + 3, "{story}");
    assert!(
        story.lines().all(|line| line.chars().count() <= 110),
        "{story}"
    );
    assert!(!story.contains('\x1b'), "colours in a string");
}

#[test]
fn a_name_begins_no_line_of_the_story_and_gives_a_terminal_no_orders() {
    let (runtime, trace) = traced();
    runtime.block_on(async { spawn("tea\n\x1b[2J", yield_now()).await.unwrap() });
    let story = trace.story();
    assert!(story.contains("tea\u{fffd}\u{fffd}[2J  "), "{story}");
    assert!(
        !story.contains('\x1b') && !story.contains("tea\n"),
        "{story}"
    );
}

#[test]
fn the_environment_has_the_story_told() {
    let ended = start_traced("tea", &["3"], "tell").ends();
    assert!(ended.success, "{}", ended.err);
    let lines: Vec<&str> = ended.err.lines().collect();
    assert!(
        lines[0].starts_with("What a Samovar runtime does"),
        "{}",
        ended.err
    );
    for part in [
        "is spawned by main at examples/tea.rs:",
        "gives its waker to a timer, to ring in ",
        "has nothing to run: it sleeps until its next timer, in ",
        "is polled again, and goes on where it waited",
        "main                 is woken by task ",
        "main                 returns Ready: it is done",
    ] {
        assert!(
            lines.iter().any(|line| line.contains(part)),
            "no {part:?} in:\n{}",
            ended.err
        );
    }
    assert!(
        !ended.err.contains('\x1b'),
        "colours, though stderr is no terminal"
    );
}

#[test]
fn a_wrong_value_of_the_variable_is_named() {
    let ended = start_traced("tea", &["3"], "tel").ends();
    assert!(
        ended.success && ended.out.contains("party    3 cups"),
        "{}",
        ended.out
    );
    assert!(
        ended
            .err
            .contains("SAMOVAR_TRACE: \"tel\" is not understood"),
        "{}",
        ended.err
    );
    assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
}
