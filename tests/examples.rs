//! The examples, run as people run them: each must say what its first lines promise.

mod examples_support;

use std::collections::HashSet;
use std::net::{TcpListener, UdpSocket};
use std::thread;
use std::time::Duration;

use examples_support::{connect, output, run, start};

/// The number before the word `unit`, in the first line that starts so.
fn number(said: &str, start: &str, unit: &str) -> f64 {
    let line = said
        .lines()
        .find(|line| line.starts_with(start))
        .unwrap_or_else(|| panic!("no {start:?} in {said}"));
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| word.starts_with(unit));
    let at = at.unwrap_or_else(|| panic!("no {unit:?} in {line}"));
    words[at - 1].parse().unwrap()
}

/// All of these lines are there, in this order.
fn in_order(said: &str, expected: &[&str]) {
    let mut lines = said.lines();
    for line in expected {
        assert!(
            lines.any(|said| said == *line),
            "no {line:?}, or not in its place, in:\n{said}"
        );
    }
}

#[test]
fn tea_everybody_gets_a_cup() {
    let said = output("tea", &[]);
    assert!(
        said.contains("tea      of hot water, black leaves and a warm pot, after "),
        "{said}"
    );
    assert!(said.contains("party    100000 cups, poured in "), "{said}");
}

#[test]
fn echo_all_bytes_come_back() {
    let said = output("echo", &[]);
    assert!(
        said.contains("clients  100 at once, 50 messages each: 103500 bytes came back"),
        "{said}"
    );
}

#[test]
fn sync_vs_async_waits_add_up_only_when_blocking_or_in_sequence() {
    let said = output("sync_vs_async", &["300"]);
    for way in ["blocking", "await, await"] {
        assert!(number(&said, way, "s") >= 0.9, "{said}");
    }
    // Beside the same waits one after the other, on the same machine, however busy it is.
    let in_sequence = number(&said, "await, await", "s");
    assert!(
        (0.3..in_sequence).contains(&number(&said, "join!", "s")),
        "{said}"
    );

    let refused = run("sync_vs_async", &["soon"]);
    assert!(
        !refused.success && refused.err.contains("a number of milliseconds"),
        "{}",
        refused.err
    );
}

#[test]
fn first_future_is_polled_twice_and_woken_once() {
    let said = output("first_future", &[]);
    in_order(
        &said,
        &[
            "main     a future is made, and nothing happens",
            "main     now it is awaited",
            "kettle   polled: pending, and here is my waker",
            "kettle   polled: ready",
            "main     tea of hot water",
        ],
    );
    assert_eq!(said.matches("polled").count(), 2, "{said}");
    assert_eq!(said.matches("wake up!").count(), 1, "{said}");
}

#[test]
fn concurrent_select_drops_the_loser_and_a_panic_stays_in_its_task() {
    let said = output("concurrent", &[]);
    in_order(
        &said,
        &[
            "         got green and 10",
            "         got black and herbal",
            "         quick mate is full",
            "         slow oolong is taken away half full",
            "         got quick mate",
        ],
    );
    assert!(said.contains("the third: task"), "{said}");
    assert!(said.contains("the handle broke off"), "{said}");
}

#[test]
fn race_the_cache_answers_when_the_network_is_late() {
    let said = output("race", &[]);
    in_order(
        &said,
        &[
            "quick network, full cache   today's prices, from the network",
            "slow network, full cache    last week's prices, from the cache",
            "slow network, empty cache   no answer within 250ms, and nothing in the cache",
            "whoever is first            last week's prices, from the cache",
        ],
    );
}

#[test]
fn channel_says_full_and_closed_and_loses_nothing() {
    let said = output("channel", &[]);
    in_order(
        &said,
        &[
            "waiter   cup 1 is drunk",
            "waiter   cup 5 is drunk",
            "waiter   the cook has left, the tray is empty",
            "main     5 cups were drunk",
            "full?    cup 2 fits",
            "full?    cup 3 does not: the tray is full",
            "closed?  cup 4 comes back: channel closed",
            "closed?  cup 2 was there before, and is not lost",
            "closed?  and that was all",
        ],
    );
}

#[test]
fn shared_counter_loses_counts_only_without_a_lock_over_the_step() {
    in_order(
        &output("shared_counter", &[]),
        &[
            "no lock held over the await   1",
            "async mutex                   100",
            "std mutex, no await inside    100",
        ],
    );
}

#[test]
fn timeouts_each_use_ends_as_it_says() {
    let said = output("timeouts", &[]);
    in_order(
        &said,
        &[
            "limit     tea in time",
            "limit     deadline has elapsed",
            "retry     attempt 1 gave up after 10ms",
            "retry     attempt 2 gave up after 20ms",
            "retry     tea at attempt 3",
            "whole     no time left for the scones",
            "given up  waited for it: no longer, finished: false",
            "given up  aborted; it is gone",
        ],
    );
}

#[test]
fn cpu_bound_the_heart_stands_still_only_in_the_midst() {
    let said = output("cpu_bound", &[]);
    assert_eq!(
        said.matches("41538 primes below 500000").count(),
        2,
        "{said}"
    );
    // What the machine does beside cannot shorten the gap in the midst, only lengthen the other.
    let gap = number(&said, "midst    the longest", "ms");
    assert!(
        gap >= 20.0,
        "the calculation is too short to show anything: {said}"
    );
    number(&said, "aside    the longest", "ms");
}

#[test]
fn many_cups_none_is_early_and_each_costs_some_hundred_bytes() {
    let said = output("many_cups", &["20000"]);
    assert!(said.contains("20000 cups poured in "), "{said}");
    assert!(said.contains(" 0 of them too early"), "{said}");
    if cfg!(target_os = "linux") {
        let bytes = number(&said, "20000 cups poured", "bytes");
        assert!((50.0..2000.0).contains(&bytes), "{said}");
    }
    assert!(!run("many_cups", &["0"]).success);
}

#[test]
fn scraper_fetches_every_page_and_faster_together() {
    let said = output("scraper", &[]);
    assert_eq!(said.matches("300 pages, 0 failed").count(), 2, "{said}");
    // One by one, the server's thinking alone takes 1.5 s; at fifty at a time, 0.03 s.
    assert!(number(&said, "one by one", "s") >= 1.5, "{said}");
    assert!(
        number(&said, "50 at a time", "s") < number(&said, "one by one", "s"),
        "{said}"
    );
}

#[test]
fn chat_all_hear_everything() {
    let said = output("chat", &[]);
    assert!(
        said.contains("200 guests said one thing each, and heard 40000 in all"),
        "{said}"
    );
}

#[test]
fn chat_serves_strangers_until_their_line_is_too_long() {
    let server = start("chat", &["serve", "127.0.0.1:0"]);
    let place = server.line("the room is open: nc 127.0.0.1 ");
    let address = format!("127.0.0.1:{}", place.split(' ').next().unwrap());

    let (mut anna, mut boris) = (connect(&address), connect(&address));
    assert_eq!(anna.line(), "welcome to the samovar");
    assert_eq!(boris.line(), "welcome to the samovar");
    // In two pieces: what came of a line is kept while others speak.
    anna.send("Is there ");
    boris.send("\u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}\n");
    assert!(
        anna.line()
            .ends_with(": \u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}")
    );
    anna.send("any left?\n");
    assert!(anna.line().ends_with(": Is there any left?"));
    boris.line();
    assert!(boris.line().ends_with(": Is there any left?"));

    boris.send(&"blah ".repeat(2000));
    assert!(anna.line().ends_with(": has left"));
}

#[test]
fn udp_echo_every_datagram_comes_back() {
    let said = output("udp_echo", &[]);
    for number in 0..10 {
        assert!(
            said.contains(&format!("came back: cup number {number}")),
            "{said}"
        );
    }
}

#[test]
fn udp_echo_serves_others() {
    let server = start("udp_echo", &["127.0.0.1:0"]);
    let line = server.line("echoes on ");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(line.split(' ').next().unwrap()).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    socket.send(b"strong, please").unwrap();
    let mut buffer = [0; 64];
    let length = socket.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"strong, please");
}

#[test]
fn proxy_passes_both_ways_and_the_end_of_each() {
    let said = output("proxy", &[]);
    in_order(
        &said,
        &["server   heard \"one more cup, please\", and then the end"],
    );
    in_order(
        &said,
        &[
            "client   heard \"ONE MORE CUP, PLEASE\"",
            "proxy    passed 20 bytes up and 20 bytes down",
        ],
    );
}

#[test]
fn proxy_stands_before_another_server() {
    let server = start("hello_server", &["127.0.0.1:0"]);
    let upstream = server.line("listening on http://");
    let proxy = start("proxy", &["127.0.0.1:0", &upstream]);
    let line = proxy.line("");
    let mut visitor = connect(line.split(' ').next().unwrap());
    assert!(
        visitor
            .ask("GET / HTTP/1.1\r\n\r\n")
            .body
            .contains("Hello from the samovar")
    );

    let refused = run("proxy", &["127.0.0.1:0"]);
    assert!(
        !refused.success && refused.err.contains("proxy LISTEN UPSTREAM"),
        "{}",
        refused.err
    );
}

#[test]
fn hello_server_says_what_to_do_when_the_port_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = run("hello_server", &[&address]);
    assert!(!refused.success);
    assert!(refused.err.contains(&address), "{}", refused.err);
    assert!(
        refused
            .err
            .contains("Give another address: cargo run --example hello_server"),
        "{}",
        refused.err
    );
}

#[test]
fn hello_server_answers_many_requests_on_one_connection() {
    let server = start("hello_server", &["127.0.0.1:0"]);
    let mut visitor = connect(&server.line("listening on http://"));
    for _ in 0..3 {
        let answer = visitor.ask("GET / HTTP/1.1\r\nhost: here\r\n\r\n");
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains("Hello from the samovar"), "{answer:?}");
    }
    // `HEAD`: the same length, no body; the next answer shows that none came.
    let head = visitor.ask("HEAD / HTTP/1.1\r\nhost: here\r\n\r\n");
    assert_eq!(head.status, 200);
    // Two requests in three pieces.
    visitor.send("GET / HTTP/1.1\r\n");
    visitor.send("\r\nGET / HT");
    visitor.send("TP/1.1\r\nconnection: close\r\n\r\n");
    let first = visitor.answer(true);
    assert_eq!(first.status, 200);
    assert!(
        head.head
            .contains(&format!("content-length: {}\r\n", first.body.len())),
        "{head:?}"
    );
    assert_eq!(visitor.answer(true).status, 200);
    assert!(visitor.is_closed());
}

#[test]
fn hello_server_refuses_what_is_no_request_and_goes_on() {
    let server = start("hello_server", &["127.0.0.1:0"]);
    let address = server.line("listening on http://");
    let endless = format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(64 * 1024));
    for (request, status) in [
        ("one cup, please\r\n\r\n", 400),
        ("\r\n\r\n", 400),
        ("DELETE / HTTP/1.1\r\n\r\n", 405),
        (&endless, 431),
    ] {
        let mut visitor = connect(&address);
        assert_eq!(visitor.ask(request).status, status, "{:.40}", request);
        assert!(visitor.is_closed());
    }
    // Gone in the middle of a request.
    connect(&address).send("GET / HT");
    assert_eq!(connect(&address).ask("GET / HTTP/1.1\r\n\r\n").status, 200);
}

#[test]
fn users_api_adds_lists_and_finds() {
    let server = start("users_api", &["127.0.0.1:0"]);
    let address = server.line("listening on http://");
    let mut client = connect(&address);
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: here\r\n\r\n");

    assert_eq!(client.ask(&get("/users")).body, "[]");
    let added = client.ask(&post(r#"{"name": "Anna"}"#));
    assert_eq!(
        (added.status, added.body.as_str()),
        (201, r#"{"id":1,"name":"Anna"}"#)
    );
    assert_eq!(
        client.ask(&get("/users/1")).body,
        r#"{"id":1,"name":"Anna"}"#
    );
    assert_eq!(
        client.ask(&get("/users")).body,
        r#"[{"id":1,"name":"Anna"}]"#
    );

    let missing = client.ask(&get("/users/7"));
    assert_eq!(
        (missing.status, missing.body.as_str()),
        (404, r#"{"error":"there is no user 7"}"#)
    );
    let anna = client.ask(&get("/users/anna"));
    assert_eq!(anna.status, 400);
    assert!(anna.body.starts_with("{\"error\""), "{}", anna.body);
    for (body, status) in [("{\"name\": ", 400), ("{}", 422), (r#"{"name": " "}"#, 422)] {
        let refused = client.ask(&post(body));
        assert_eq!(refused.status, status, "{refused:?}");
        assert!(refused.body.starts_with("{\"error\":\""), "{refused:?}");
    }
    let untyped = post("{}").replace("application/json", "text/plain");
    assert_eq!(client.ask(&untyped).status, 415);

    let page = client.ask(&get("/"));
    assert!(
        page.head.to_lowercase().contains("content-type: text/html"),
        "{page:?}"
    );
    assert!(
        page.body.contains("<title>Who has tea?</title>"),
        "{page:?}"
    );
}

/// A request that adds a user.
fn post(body: &str) -> String {
    format!(
        "POST /users HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn users_api_gives_every_user_a_number_of_its_own() {
    let server = start("users_api", &["127.0.0.1:0"]);
    let address = server.line("listening on http://");
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let mut client = connect(&address);
            thread::spawn(move || -> Vec<String> {
                (0..25)
                    .map(|_| client.ask(&post(r#"{"name": "Boris"}"#)).body)
                    .collect()
            })
        })
        .collect();
    let users: HashSet<String> = clients
        .into_iter()
        .flat_map(|client| client.join().unwrap())
        .collect();
    assert_eq!(users.len(), 200);
    assert!(users.contains(r#"{"id":200,"name":"Boris"}"#));
}

#[cfg(feature = "hyper")]
#[test]
fn fetch_user_speaks_http_and_https_and_says_what_goes_wrong() {
    let said = output("fetch_user", &[]);
    assert_eq!(
        said.matches("/users/7: user 7 is Anna").count(),
        2,
        "{said}"
    );
    assert!(said.contains("https://localhost"), "{said}");
    assert!(
        said.contains("/users/8: the server says 404 Not Found"),
        "{said}"
    );
    assert!(
        said.contains("invalid peer certificate: UnknownIssuer"),
        "{said}"
    );
}

#[cfg(feature = "hyper")]
#[test]
fn fetch_user_asks_where_it_is_told() {
    let users = start("users_api", &["127.0.0.1:0"]);
    let address = users.line("listening on http://");
    assert_eq!(
        connect(&address).ask(&post(r#"{"name": "Olga"}"#)).status,
        201
    );
    let said = output("fetch_user", &[&format!("http://{address}/users/1")]);
    assert!(said.contains("user 1 is Olga"), "{said}");

    for (url, problem) in [
        (format!("http://{address}/users/2"), "404"),
        (format!("http://{address}/"), "not a user"),
        ("ftp://localhost/".to_owned(), "only http and https"),
        ("no url".to_owned(), "is not a URL"),
    ] {
        let failed = run("fetch_user", &[&url]);
        assert!(
            !failed.success && failed.err.contains(problem),
            "{url}: {}",
            failed.err
        );
    }
}

#[cfg(feature = "signal")]
#[test]
fn graceful_shutdown_serves_what_was_begun() {
    let late = output("graceful_shutdown", &["0.5"]);
    assert!(late.contains("closing    it is late"), "{late}");
    all_served(&late);

    let house = start("graceful_shutdown", &["600"]);
    house.line("open       ");
    // Orders are under way by now, or soon: the sum is right either way.
    thread::sleep(Duration::from_millis(400));
    house.interrupt();
    let pressed = house.ends();
    assert!(
        pressed.success && pressed.out.contains("closing    Ctrl-C was pressed"),
        "{}",
        pressed.out
    );
    all_served(&pressed.out);
}

/// The three sums are equal.
#[cfg(feature = "signal")]
fn all_served(said: &str) {
    let last = said.lines().last().unwrap();
    let sum = |unit| number(last, "closed", unit);
    assert!(
        sum("orders") == sum("served,") && sum("served,") == sum("cups"),
        "{said}"
    );
}
