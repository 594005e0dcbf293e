//! `Handle::dump`: who waits for what.

mod support;

use std::sync::mpsc as std_mpsc;
use std::thread;
use std::time::Duration;

use samovar::runtime::{Builder, Dump, Handle, TaskDump, TaskState};
use samovar::sync::oneshot;
use samovar::task::{self, yield_now};
use samovar::time::sleep;
use samovar::trace::Who;
use support::{current_thread, multi_thread, watchdog};

const MILLI: Duration = Duration::from_millis(1);

/// The line of a task.
fn of(dump: &Dump, id: task::Id) -> &TaskDump {
    let line = dump.tasks.iter().find(|task| task.who == Who::Task(id));
    line.unwrap_or_else(|| panic!("no task {id} in\n{dump}"))
}

#[test]
fn without_notes_it_knows_place_state_and_who_joins_whom() {
    watchdog(60, || {
        let rt = current_thread();
        let line = line!() + 1;
        rt.block_on(async {
            let (wake, woken) = oneshot::channel::<()>();
            let waits = samovar::spawn(woken);
            let waits_id = waits.id();
            let joins = samovar::spawn(waits);
            let (kettle, boils) = oneshot::channel::<()>();
            let queued = samovar::spawn(boils);
            let forgotten = samovar::spawn(std::future::pending::<()>());
            yield_now().await;
            kettle.send(()).unwrap();
            samovar::spawn(async {});

            let dump = Handle::current().dump();
            assert!(!dump.observed);
            assert_eq!((dump.tasks.len(), dump.not_polled_yet), (5, 1), "{dump}");
            let main = &dump.tasks[0];
            assert_eq!((main.who, main.place.line()), (Who::Main, line));
            assert_eq!(main.state, TaskState::Running { worker: Some(0) });
            assert_eq!(of(&dump, waits_id).state, TaskState::Waiting);
            assert_eq!(of(&dump, waits_id).place.line(), line + 2);
            assert_eq!(of(&dump, waits_id).waits_for, None);
            let waits_for = of(&dump, joins.id()).waits_for.clone().unwrap();
            assert_eq!(*waits_for, *format!("JoinHandle of task {waits_id}"));
            assert_eq!(of(&dump, queued.id()).state, TaskState::Queued);
            assert_eq!(of(&dump, forgotten.id()).state, TaskState::Forgotten);
            assert_eq!(main.polls, None);

            let table = dump.to_string();
            assert!(table.contains("can never wake"), "{table}");
            assert!(table.contains("1 more not polled yet"), "{table}");
            assert!(table.contains("Builder::observe(true)"), "{table}");
            assert!(!table.contains("NAME"), "a column of nothing:\n{table}");
            wake.send(()).unwrap();
            joins.await.unwrap().unwrap().unwrap();
            // Who has ended is gone.
            assert_eq!(rt.handle().dump().tasks.len(), 2);
        });
        assert_eq!(rt.handle().dump().tasks.len(), 1);
    });
}

#[test]
fn observed_it_knows_the_rest() {
    watchdog(60, || {
        let rt = Builder::new_current_thread().observe(true).build().unwrap();
        rt.block_on(async {
            let kettle = task::Builder::new()
                .name("kettle")
                .spawn(async {
                    thread::sleep(5 * MILLI);
                    yield_now().await;
                    sleep(Duration::from_secs(3600)).await;
                })
                .unwrap();
            // However slow the machine: until it has waited for a while.
            let dump = loop {
                sleep(2 * MILLI).await;
                let dump = Handle::current().dump();
                let line = of(&dump, kettle.id());
                if line.state == TaskState::Waiting && line.since >= Some(MILLI) {
                    break dump;
                }
            };
            assert!(dump.observed);
            let line = of(&dump, kettle.id());
            assert_eq!(line.name.as_deref(), Some("kettle"));
            let waits_for = line.waits_for.as_deref().unwrap();
            assert!(waits_for.contains("sleep"), "{waits_for}");
            let polls = line.polls.unwrap();
            assert_eq!(polls.count, 2);
            assert!(polls.longest >= 5 * MILLI && polls.total >= polls.longest);
            assert!(dump.tasks[0].polls.unwrap().count >= 2, "{dump}");
            let table = dump.to_string();
            assert!(
                table.contains("kettle") && !table.contains("observe"),
                "{table}"
            );
        });
    });
}

#[test]
fn a_name_breaks_no_line_of_the_table() {
    watchdog(60, || {
        let rt = Builder::new_current_thread().observe(true).build().unwrap();
        rt.block_on(async {
            let pot = task::Builder::new().name("tea\n\x1b[2Jpot");
            let pot = pot.spawn(std::future::pending::<()>()).unwrap();
            yield_now().await;
            let dump = Handle::current().dump();
            assert!(of(&dump, pot.id()).name.as_deref() == Some("tea\n\x1b[2Jpot"));
            let table = dump.to_string();
            assert!(table.contains("  tea\u{fffd}\u{fffd}[2Jpot  "), "{table}");
            assert_eq!(table.lines().count(), 1 + dump.tasks.len(), "{table}");
        });
    });
}

#[test]
fn a_task_that_waits_since_the_beginning_of_time_does_so_since_then() {
    let mut builder = Builder::new_current_thread();
    let rt = builder.start_paused(true).observe(true).build().unwrap();
    rt.block_on(async {
        let (_wake, woken) = oneshot::channel::<()>();
        let waits = samovar::spawn(woken);
        let hour = Duration::from_secs(3600);
        sleep(hour).await;
        let dump = Handle::current().dump();
        assert_eq!(of(&dump, waits.id()).since, Some(hour), "{dump}");
    });
}

#[test]
fn a_task_in_its_first_poll_is_seen_on_its_worker() {
    watchdog(60, || {
        let rt = multi_thread();
        let (tell, told) = std_mpsc::channel();
        let (go, wait) = std_mpsc::channel::<()>();
        let task = rt.spawn(async move {
            tell.send(()).unwrap();
            wait.recv().unwrap();
        });
        told.recv().unwrap();
        let dump = rt.handle().dump();
        let line = of(&dump, task.id());
        assert!(
            matches!(line.state, TaskState::Running { worker: Some(_) }),
            "{dump}"
        );
        assert_eq!(line.place.file(), "tests/dump.rs");
        assert_eq!(dump.not_polled_yet, 0);
        go.send(()).unwrap();
        rt.block_on(task).unwrap();
    });
}

#[test]
fn it_may_be_taken_at_any_time() {
    watchdog(60, || {
        let rt = multi_thread();
        let done = rt.spawn(async {
            for _ in 0..200 {
                let tasks: Vec<_> = (0..20)
                    .map(|_| {
                        samovar::spawn(async {
                            yield_now().await;
                            sleep(MILLI / 10).await;
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
            }
        });
        while !done.is_finished() {
            let dump = rt.handle().dump();
            // The workers are asked one after the other: of the twenty of one moment and of the next, and one on each stage.
            assert!(dump.tasks.len() <= 1 + 2 * 20 + 2, "{dump}");
            let times = |task: &TaskDump| {
                dump.tasks
                    .iter()
                    .filter(|other| other.who == task.who)
                    .count()
            };
            assert!(dump.tasks.iter().all(|task| times(task) == 1), "{dump}");
            for task in &dump.tasks {
                assert_ne!(task.state, TaskState::Forgotten, "{dump}");
            }
        }
        drop(rt);
        samovar::block_on(done).unwrap();
    });
}
