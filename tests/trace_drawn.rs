//! The pictures of a run: Chrome's trace format field by field, the still picture as XML, the page in a browser.

mod runtime_support;

use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fs, process, thread};

use roxmltree::{Document, Node};
use runtime_support::{traced, watchdog};
use samovar::io::{AsyncReadExt, AsyncWriteExt};
use samovar::net::{TcpListener, TcpStream};
use samovar::sync::oneshot;
use samovar::task;
use samovar::time::sleep;
use samovar::trace::{Event, Kind, News, Outcome, Trace, Who};
use serde_json::Value;

/// A name that would break a page, an attribute, XML and JSON, if it could.
const NASTY: &str = "</script><script>boom()</script> \"&'\\ \u{1}\u{2028}\n]]>";

/// A runtime that does a bit of everything.
fn run() -> Trace {
    let trace = Trace::new();
    let runtime = traced(2, &trace);
    watchdog(60, || {
        runtime.block_on(everything());
        drop(runtime);
    });
    trace
}

async fn everything() {
    let named = |name: &'static str| task::Builder::new().name(name);
    let kettle = named("kettle")
        .spawn(sleep(Duration::from_millis(20)))
        .unwrap();
    let nasty = named(NASTY).spawn(task::yield_now()).unwrap();
    let (sender, mut receiver) = oneshot::channel();
    let (waits, is_waiting) = mpsc::channel();
    let leaves = named("leaves").spawn(poll_fn(move |cx| {
        let poll = Pin::new(&mut receiver).poll(cx);
        let _ = waits.send(());
        poll
    }));
    let caller = thread::Builder::new().name("caller".to_owned());
    let caller = caller.spawn(move || {
        is_waiting.recv().unwrap();
        sender.send(1)
    });
    let broken = samovar::spawn(async { panic!("on purpose: the cup breaks") });
    let endless = samovar::spawn(std::future::pending::<()>());
    task::yield_now().await;
    endless.abort();
    let job = task::spawn_blocking(|| 2);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let guest = samovar::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"tea?").await.unwrap();
        stream.read(&mut [0; 8]).await.unwrap()
    });
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.read(&mut [0; 8]).await.unwrap();
    stream.write_all(b"tea").await.unwrap();

    assert_eq!(guest.await.unwrap(), 3);
    assert_eq!(leaves.unwrap().await.unwrap(), Ok(1));
    assert_eq!(job.await.unwrap(), 2);
    assert!(broken.await.unwrap_err().is_panic());
    assert!(endless.await.unwrap_err().is_cancelled());
    kettle.await.unwrap();
    nasty.await.unwrap();
    caller.unwrap().join().unwrap().unwrap();
}

fn polls(events: &[Event]) -> usize {
    let began = |event: &&Event| matches!(event.kind, Kind::PollBegan { .. });
    events.iter().filter(began).count()
}

/// The sentences of the events. The pictures call tasks by their names.
fn sentences(events: &[Event]) -> Vec<String> {
    let mut names: Vec<(String, &str)> = Vec::new();
    for event in events {
        if let Kind::Spawned {
            task,
            name: Some(name),
            ..
        } = &event.kind
        {
            names.push((format!("task {task}"), name));
        }
    }
    // `task 10` before `task 1`.
    names.sort_by_key(|(number, _)| usize::MAX - number.len());
    let named = |event: &Event| {
        let sentence = event.to_string();
        names.iter().fold(sentence, |sentence, (number, name)| {
            sentence.replace(number, name)
        })
    };
    events.iter().map(named).collect()
}

/// The wakes and spawns after which the task was polled, or the job run.
fn arrows(events: &[Event]) -> usize {
    let mut arrows = 0;
    let mut waiting: HashMap<Who, usize> = HashMap::new();
    for event in events {
        match &event.kind {
            Kind::Spawned { task, .. } => *waiting.entry(Who::Task(*task)).or_default() += 1,
            Kind::Woken {
                who,
                news: News::Queues | News::AfterThisPoll,
                ..
            } => {
                *waiting.entry(*who).or_default() += 1;
            }
            Kind::PollBegan { who } => arrows += waiting.remove(who).unwrap_or(0),
            Kind::JobBegan { job } => arrows += waiting.remove(&Who::Task(*job)).unwrap_or(0),
            _ => {}
        }
    }
    arrows
}

// Chrome's trace format.

/// The events of the JSON, after a check of what every one must have.
fn json(trace: &Trace) -> Vec<Value> {
    let json: Value = serde_json::from_str(&trace.to_json()).unwrap();
    assert_eq!(json["displayTimeUnit"], "ns");
    assert_eq!(json["otherData"]["lost"], trace.lost());
    let events = json["traceEvents"].as_array().unwrap().clone();
    for event in &events {
        assert!(
            event["name"].is_string() && event["tid"].is_u64(),
            "{event}"
        );
        assert_eq!(event["pid"], 1, "{event}");
        let phase = event["ph"].as_str().unwrap();
        assert!(["M", "X", "s", "f", "i"].contains(&phase), "{event}");
        if phase != "M" {
            assert!(
                event["ts"].as_f64().unwrap() >= 0.0 && event["cat"].is_string(),
                "{event}"
            );
        }
    }
    events
}

/// Microseconds as nanoseconds.
fn nanos(value: &Value) -> u128 {
    (value.as_f64().unwrap() * 1000.0).round() as u128
}

fn of_phase<'a>(events: &'a [Value], phase: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["ph"] == phase)
}

#[test]
fn json_names_the_process_and_every_thread() {
    let json = json(&run());
    let mut names = BTreeMap::new();
    for event in of_phase(&json, "M") {
        match event["name"].as_str().unwrap() {
            "process_name" => assert_eq!(event["args"]["name"], "samovar"),
            "thread_name" => {
                names.insert(
                    event["tid"].as_u64().unwrap(),
                    event["args"]["name"].as_str().unwrap(),
                );
            }
            "thread_sort_index" => assert!(event["args"]["sort_index"].is_u64()),
            other => panic!("{other}"),
        }
    }
    assert_eq!(names[&0], "worker 0");
    assert!(
        names.values().any(|name| name.contains("caller")),
        "{names:?}"
    );
    assert!(
        json.iter()
            .all(|event| names.contains_key(&event["tid"].as_u64().unwrap()))
    );
}

#[test]
fn json_has_every_poll_with_its_time_and_end() {
    let trace = run();
    let (json, events) = (json(&trace), trace.events());
    let mut drawn: Vec<_> = of_phase(&json, "X")
        .filter(|event| event["cat"] == "poll")
        .map(|event| {
            let outcome = event["args"]["outcome"].as_str().unwrap();
            (
                nanos(&event["ts"]),
                nanos(&event["dur"]),
                outcome.to_owned(),
            )
        })
        .collect();
    // On each lane polls follow each other, so an end belongs to the last beginning of the same future.
    let mut open = HashMap::new();
    let mut real = Vec::new();
    for event in &events {
        match &event.kind {
            Kind::PollBegan { who } => {
                open.insert(*who, event.at.as_nanos());
            }
            Kind::PollEnded { who, outcome, .. } => {
                let began = open.remove(who).unwrap();
                let outcome = match outcome {
                    Outcome::Ready => "ready",
                    Outcome::Pending => "pending",
                    Outcome::Panicked => "panicked",
                };
                real.push((began, event.at.as_nanos() - began, outcome.to_owned()));
            }
            _ => {}
        }
    }
    drawn.sort();
    real.sort();
    assert_eq!(drawn, real);
    assert!(drawn.iter().any(|(_, _, outcome)| outcome == "panicked"));
    let nasty = of_phase(&json, "X")
        .find(|event| event["name"] == NASTY)
        .unwrap();
    let place = nasty["args"]["spawned at"].as_str().unwrap();
    assert!(place.starts_with("tests/trace_drawn.rs:"), "{place}");
    assert_eq!(nasty["args"]["began"], format!("{NASTY} is polled"));
    let sentences = sentences(&events);
    for event in of_phase(&json, "X") {
        let told = event["args"].as_object().unwrap();
        let told = ["began", "ended", "story"]
            .into_iter()
            .filter_map(|key| told.get(key));
        for sentence in told.map(|sentence| sentence.as_str().unwrap().to_owned()) {
            assert!(
                sentences.contains(&sentence) || sentence == "not in the recording",
                "{sentence}"
            );
        }
    }
    let jobs = of_phase(&json, "X")
        .filter(|event| event["cat"] == "job")
        .count();
    assert_eq!(jobs, 1);
}

#[test]
fn json_flows_come_in_pairs_and_stand_on_slices() {
    let trace = run();
    let json = json(&trace);
    let slices: Vec<_> = of_phase(&json, "X")
        .map(|slice| {
            let begin = nanos(&slice["ts"]);
            (
                &slice["tid"],
                begin,
                begin + nanos(&slice["dur"]),
                slice["cat"].as_str().unwrap(),
            )
        })
        .collect();
    let mut flows: BTreeMap<u64, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    for start in of_phase(&json, "s") {
        flows
            .entry(start["id"].as_u64().unwrap())
            .or_default()
            .0
            .push(start);
    }
    for end in of_phase(&json, "f") {
        assert_eq!(end["bp"], "e");
        flows
            .entry(end["id"].as_u64().unwrap())
            .or_default()
            .1
            .push(end);
    }
    for (start, end) in flows.values() {
        let ([start], [end]) = (&start[..], &end[..]) else {
            panic!("{start:?} {end:?}")
        };
        assert_eq!((&start["name"], &start["cat"]), (&end["name"], &end["cat"]));
        let (from, to) = (nanos(&start["ts"]), nanos(&end["ts"]));
        assert!(from <= to, "{start} {end}");
        let inside = |tid, at| {
            slices
                .iter()
                .any(|slice| slice.0 == tid && (slice.1..slice.2).contains(&at))
        };
        assert!(inside(&start["tid"], from), "{start}");
        let polled = |slice: &(&Value, u128, u128, &str)| {
            slice.0 == &end["tid"] && slice.1 == to && ["poll", "job"].contains(&slice.3)
        };
        assert!(slices.iter().any(polled), "{end}");
    }
    assert_eq!(flows.len(), arrows(&trace.events()));
    let by_threads = of_phase(&json, "X").filter(|event| event["cat"] == "wake");
    let names: Vec<_> = by_threads.map(|event| &event["name"]).collect();
    assert!(
        names.contains(&&Value::from("wake leaves")),
        "a thread's wake stands on a slice of its own: {names:?}"
    );
}

#[test]
fn json_tells_the_rest_as_instants() {
    let trace = run();
    let json = json(&trace);
    let count = |name: &str| {
        of_phase(&json, "i")
            .filter(|event| event["name"] == name)
            .count()
    };
    let real = |wanted: fn(&Kind) -> bool| {
        trace
            .events()
            .iter()
            .filter(|event| wanted(&event.kind))
            .count()
    };
    assert_eq!(
        count("timer set"),
        real(|kind| matches!(kind, Kind::TimerSet { .. }))
    );
    assert_eq!(
        count("timer fired"),
        real(|kind| matches!(kind, Kind::TimerFired { .. }))
    );
    assert_eq!(
        count("socket ready"),
        real(|kind| matches!(kind, Kind::Ready { .. }))
    );
    assert_eq!((count("aborted"), count("dropped unfinished")), (1, 1));
    assert!(count("timer fired") > 0 && count("socket ready") > 0);
    for event in of_phase(&json, "i") {
        assert_eq!(event["s"], "t");
        assert!(event["args"]["story"].is_string());
    }
}

// The still picture.

/// The elements of this class.
fn of_class<'a>(svg: &'a Document<'a>, class: &'a str) -> Vec<Node<'a, 'a>> {
    let has = |node: &Node<'_, '_>| {
        node.attribute("class")
            .is_some_and(|own| own.split(' ').any(|own| own == class))
    };
    svg.descendants().filter(has).collect()
}

fn text<'a>(node: Node<'a, 'a>, class: &str) -> &'a str {
    let child = node
        .children()
        .find(|child| child.attribute("class") == Some(class));
    child.and_then(|child| child.text()).unwrap()
}

#[test]
fn svg_has_a_block_per_poll_and_an_arrow_per_wake() {
    let trace = run();
    let (picture, events) = (trace.to_svg(), trace.events());
    let svg = Document::parse(&picture).unwrap();
    let blocks = of_class(&svg, "poll");
    assert_eq!(blocks.len(), polls(&events));
    assert_eq!(of_class(&svg, "job").len(), 1);
    assert_eq!(of_class(&svg, "arrow").len(), arrows(&events));
    assert_eq!(of_class(&svg, "panicked").len(), 1);
    assert_eq!(
        blocks
            .iter()
            .filter(|block| text(**block, "name") == "kettle")
            .count(),
        2
    );
    // What XML cannot say is replaced, and long names are cut; the rest is as it was given.
    let names: Vec<&str> = blocks.iter().map(|block| text(*block, "name")).collect();
    assert!(names.contains(&"</script><script>boom(…"), "{names:?}");
    for block in &blocks {
        let title = block.first_element_child().unwrap();
        assert_eq!(title.tag_name().name(), "title");
        let lines: Vec<&str> = title.text().unwrap().lines().collect();
        assert!(
            lines.len() >= 3,
            "a headline, how it began, how it ended: {lines:?}"
        );
        let rect = block
            .children()
            .find(|child| child.attribute("class") == Some("block"))
            .unwrap();
        let number = |name| rect.attribute(name).unwrap().parse::<f64>().unwrap();
        assert!(number("x") >= 0.0 && number("width") >= 20.0, "{rect:?}");
        assert!(number("x") + number("width") < 1140.0, "{rect:?}");
    }
    assert!(picture.contains("prefers-color-scheme:dark"));
}

#[test]
fn svg_of_a_long_run_says_that_it_is_cut() {
    let trace = Trace::with_capacity(2000);
    let runtime = traced(0, &trace);
    watchdog(60, || {
        runtime.block_on(async {
            for _ in 0..1000 {
                task::yield_now().await;
            }
        });
    });
    assert!(trace.lost() > 0);
    let picture = trace.to_svg();
    let svg = Document::parse(&picture).unwrap();
    let drawn = of_class(&svg, "poll").len();
    assert!((50..polls(&trace.events())).contains(&drawn), "{drawn}");
    let facts = of_class(&svg, "soft")[0].text().unwrap();
    assert!(facts.contains("here are the first "), "{facts}");
    assert!(
        facts.ends_with(&format!("; {} older events are lost", trace.lost())),
        "{facts}"
    );
}

#[test]
fn an_empty_run_is_drawn_too() {
    let trace = Trace::new();
    Document::parse(&trace.to_svg()).unwrap();
    assert_eq!(json(&trace).len(), 1);
    assert_eq!(page(&trace)["at"], Value::Array(Vec::new()));
}

// The page.

/// The data inside the page.
fn page(trace: &Trace) -> Value {
    let html = trace.to_html();
    let data = html.split("type=\"application/json\">").nth(1).unwrap();
    serde_json::from_str(data.split("</script>").next().unwrap()).unwrap()
}

#[test]
fn the_page_has_all_events_and_no_name_breaks_it() {
    let trace = run();
    let (data, events, html) = (page(&trace), trace.events(), trace.to_html());
    let list = |name: &str| data[name].as_array().unwrap();
    let at: Vec<u128> = list("at")
        .iter()
        .map(|at| u128::from(at.as_u64().unwrap()))
        .collect();
    let real: Vec<u128> = events.iter().map(|event| event.at.as_nanos()).collect();
    assert_eq!(at, real);
    for (said, story) in sentences(&events).into_iter().zip(list("story")) {
        assert_eq!(data["sentences"][story.as_u64().unwrap() as usize], said);
    }
    let polls_there = list("spans").chunks(6).filter(|span| span[0] == 0).count();
    assert_eq!(polls_there, polls(&events));
    let arrived = list("arrows")
        .chunks(5)
        .filter(|arrow| arrow[4] != -1)
        .count();
    assert_eq!(arrived, arrows(&events));
    assert!(list("actors").iter().any(|actor| actor[0] == NASTY));
    assert_eq!(
        html.matches("</script>").count(),
        2,
        "one for the data, one for the program"
    );
    assert!(
        !html.contains("http://") && !html.contains("https://"),
        "it needs no network"
    );
}

/// A Chromium, where there is one.
fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.exists())
}

/// The page as the browser has it, after its program has run. `wish` stands behind the `#`.
fn shown(browser: &Path, trace: &Trace, wish: &str) -> String {
    let folder = env::temp_dir().join(format!(
        "samovar-page-{}-{:?}",
        process::id(),
        thread::current().id()
    ));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("run.html");
    fs::write(&file, trace.to_html()).unwrap();
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--window-size=1400,800",
        ])
        .args(["--virtual-time-budget=2000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.display()))
        .arg(format!("file://{}#{wish}", file.display()))
        .stderr(Stdio::null());
    let output = watchdog(120, || command.output().unwrap());
    let _ = fs::remove_dir_all(&folder);
    String::from_utf8(output.stdout).unwrap()
}

/// What the page says about itself in an attribute of its body.
fn fact<'a>(dom: &'a str, name: &str) -> &'a str {
    let body = dom
        .split("<body")
        .nth(1)
        .expect("the browser shows a page")
        .split('>')
        .next()
        .unwrap();
    let value = body.split(&format!("data-{name}=\"")).nth(1);
    value
        .unwrap_or_else(|| panic!("no {name} in {body}"))
        .split('"')
        .next()
        .unwrap()
}

#[test]
fn the_page_draws_every_poll_in_a_browser() {
    let Some(browser) = browser() else {
        return println!("skipped: there is no Chromium here to look at the page with");
    };
    let trace = run();
    let events = trace.events();
    // The last one is a name's beginning perhaps, and no address.
    for wish in ["light", "tasks,dark,order", "time", "select=100%"] {
        let dom = shown(&browser, &trace, wish);
        assert_eq!(
            fact(&dom, "polls"),
            (polls(&events) + 1).to_string(),
            "and the job, {wish}"
        );
        assert_eq!(fact(&dom, "arrows"), arrows(&events).to_string(), "{wish}");
        assert_eq!(fact(&dom, "events"), events.len().to_string());
        assert!(dom.contains(&format!("{} events", events.len())), "{wish}");
    }
    let dom = shown(&browser, &trace, "select=kettle");
    assert_ne!(fact(&dom, "selected"), "-1");
    // Only the arrows that lead to it or away from it.
    let data = page(&trace);
    let list = |name: &str| data[name].as_array().unwrap();
    let kettle = list("actors").iter().position(|actor| actor[0] == "kettle");
    let kettle = Value::from(kettle.unwrap());
    let is_its = |span: &Value| {
        span.as_u64()
            .is_some_and(|span| list("spans")[6 * span as usize + 2] == kettle)
    };
    let its = list("arrows")
        .chunks(5)
        .filter(|arrow| is_its(&arrow[4]) || arrow[4] != -1 && is_its(&arrow[3]));
    let its = its.count();
    assert!(its >= 2, "its spawn, and its timer's wake");
    assert_eq!(fact(&dom, "arrows"), its.to_string());
    let panel = dom
        .split("<aside>")
        .nth(1)
        .unwrap()
        .split("</aside>")
        .next()
        .unwrap();
    assert!(
        panel.contains("kettle") && panel.contains("2 polls"),
        "{panel}"
    );
}

#[test]
fn the_page_says_what_is_lost_in_a_browser() {
    let Some(browser) = browser() else {
        return println!("skipped: there is no Chromium here to look at the page with");
    };
    let trace = Trace::with_capacity(100);
    let runtime = traced(0, &trace);
    watchdog(60, || {
        runtime.block_on(async {
            for _ in 0..100 {
                task::yield_now().await;
            }
        })
    });
    let dom = shown(&browser, &trace, "");
    assert!(dom.contains(&format!("{} older events are lost", trace.lost())));
    let empty = shown(&browser, &Trace::new(), "");
    assert_eq!((fact(&empty, "polls"), fact(&empty, "events")), ("0", "0"));
}
