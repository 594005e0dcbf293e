//! Sleeps, timeouts and intervals: exact under a clock that is paused, where only time is to be seen; and on the real one, where
//! threads and the kernel have their part.
//!
//! No test of the real clock says how soon something must happen, except where minutes lie between right and wrong: a busy machine is late. What
//! must never happen is to be early. The arithmetic of missed ticks and the wheel are tested where they are written.

mod watchdog;

use std::future::{Future, pending, poll_fn, ready};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use samovar::time::{
    Duration, Instant, MissedTickBehavior, advance, interval, interval_at, sleep, sleep_until,
    timeout, timeout_at,
};
use watchdog::Watchdog;

const MS: Duration = Duration::from_millis(1);

/// Long enough that a test which waits for it has failed.
const AGES: Duration = Duration::from_secs(3600);

/// A waker that counts.
#[derive(Default)]
struct Count {
    wakes: AtomicUsize,
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once, with a waker of one's own.
fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// How often a future is polled until it is ready.
async fn polls_until_ready(future: impl Future<Output = ()>) -> usize {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        future.as_mut().poll(cx)
    })
    .await;
    polls
}

// Sleeping.

#[samovar::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sleep_is_early_though_workers_block() {
    let _dog = Watchdog::new(60);
    let sleeps: Vec<_> = (0..800u64)
        .map(|n| {
            samovar::spawn(async move {
                if n % 100 == 99 {
                    thread::sleep(7 * MS);
                }
                // From 0 to 30 ms, at odd microseconds.
                let duration = Duration::from_micros(n * 7919 % 30_000);
                let start = std::time::Instant::now();
                sleep(duration).await;
                (duration, start.elapsed())
            })
        })
        .collect();
    for sleep in sleeps {
        let (asked, slept) = sleep.await.unwrap();
        assert!(slept >= asked, "asked for {asked:?}, slept {slept:?}");
    }
}

#[samovar::test]
async fn a_sleep_until_now_or_earlier_is_ready_at_the_first_or_second_poll() {
    let _dog = Watchdog::new(60);
    assert!(polls_until_ready(sleep(Duration::ZERO)).await <= 2);
    assert!(polls_until_ready(sleep_until(Instant::now())).await <= 2);
    let past = Instant::now();
    thread::sleep(MS);
    assert!(polls_until_ready(sleep_until(past)).await <= 2);
}

#[samovar::test(start_paused = true)]
async fn sleeps_end_in_the_order_of_their_deadlines() {
    let _dog = Watchdog::new(60);
    let start = Instant::now();
    let (ended, order) = channel();
    let tasks = [30, 10, 20, 5].map(|ms| {
        let ended = ended.clone();
        samovar::spawn(async move {
            sleep_until(start + ms * MS).await;
            ended.send((ms, Instant::now())).unwrap();
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    drop(ended);
    let order: Vec<_> = order.iter().collect();
    assert_eq!(order, [5, 10, 20, 30].map(|ms| (ms, start + ms * MS)));
}

#[samovar::test(start_paused = true)]
async fn of_several_wakers_the_last_is_woken() {
    let _dog = Watchdog::new(60);
    let count = Arc::new(Count::default());
    let mut sleep = pin!(sleep(10 * MS));
    let first = Waker::from(count.clone());
    assert!(poll_with(&mut sleep, &first).is_pending());
    // Hangs if this poll's waker is not taken instead.
    sleep.await;
    assert_eq!(count.wakes.load(Ordering::SeqCst), 0);
}

#[samovar::test(start_paused = true)]
async fn a_hundred_thousand_sleeps_that_are_dropped_leave_no_waker_behind() {
    let _dog = Watchdog::new(60);
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut sleeps: Vec<_> = (0..100_000u32)
        .map(|n| Box::pin(sleep(AGES + n * MS)))
        .collect();
    for sleep in &mut sleeps {
        assert!(poll_with(sleep, &waker).is_pending());
    }
    drop(sleeps);
    drop(waker);
    assert_eq!(
        Arc::strong_count(&count),
        1,
        "some timer still holds its waker"
    );
    assert_eq!(count.wakes.load(Ordering::SeqCst), 0);
    // The timers that are left work.
    sleep(MS).await;
}

#[samovar::test(start_paused = true)]
async fn a_sleep_that_is_never_polled_registers_nothing_and_wakes_nobody() {
    let _dog = Watchdog::new(60);
    let unpolled: Vec<_> = (0..1000).map(|_| sleep(MS)).collect();
    sleep(5 * MS).await;
    drop(unpolled);
}

#[test]
#[should_panic]
fn a_sleep_made_outside_a_runtime_panics() {
    let _sleep = sleep(MS);
}

#[test]
fn a_sleep_may_outlive_its_runtime() {
    let _dog = Watchdog::new(60);
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut kept = None;
    samovar::runtime::Runtime::new().unwrap().block_on(async {
        let sleep = kept.insert(Box::pin(sleep(AGES)));
        assert!(poll_with(sleep, &waker).is_pending());
    });
    drop(kept);
    drop(waker);
    assert_eq!(
        Arc::strong_count(&count),
        1,
        "the dead runtime still holds a waker"
    );
}

#[samovar::test(start_paused = true)]
async fn a_sleep_that_is_reset_fires_once_per_arming() {
    let _dog = Watchdog::new(60);
    let mut sleep = pin!(sleep(AGES));
    assert!(poll_with(&mut sleep, Waker::noop()).is_pending());

    // Earlier.
    let deadline = Instant::now() + 2 * MS;
    sleep.as_mut().reset(deadline);
    assert_eq!(sleep.deadline(), deadline);
    sleep.as_mut().await;
    assert!(Instant::now() == deadline && sleep.is_elapsed());

    // After it fired.
    let deadline = Instant::now() + 2 * MS;
    sleep.as_mut().reset(deadline);
    assert!(!sleep.is_elapsed());
    sleep.as_mut().await;
    assert_eq!(Instant::now(), deadline);

    // Later, while it is registered.
    sleep.as_mut().reset(Instant::now() + 2 * MS);
    assert!(poll_with(&mut sleep, Waker::noop()).is_pending());
    let deadline = Instant::now() + 10 * MS;
    sleep.as_mut().reset(deadline);
    sleep.as_mut().await;
    assert_eq!(Instant::now(), deadline);

    // To the past.
    sleep.as_mut().reset(deadline);
    sleep.await;
}

#[samovar::test]
async fn a_timer_that_always_sets_itself_anew_does_not_keep_others_from_firing() {
    let _dog = Watchdog::new(60);
    let stop = Arc::new(AtomicBool::new(false));
    let busy = samovar::spawn({
        let stop = stop.clone();
        async move {
            while !stop.load(Ordering::SeqCst) {
                sleep(Duration::ZERO).await;
            }
        }
    });
    sleep(10 * MS).await;
    stop.store(true, Ordering::SeqCst);
    busy.await.unwrap();
}

/// The processor time that the calling thread has used.
#[cfg(target_os = "linux")]
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    // After the name in parentheses: the 12th and 13th field, in hundredths of a second.
    let fields = stat[stat.rfind(')').unwrap() + 2..].split(' ');
    let ticks: u32 = fields
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u32>().unwrap())
        .sum();
    10 * MS * ticks
}

#[cfg(target_os = "linux")]
#[samovar::test]
async fn to_wait_for_longer_than_the_system_can_count_is_no_busy_loop() {
    let _dog = Watchdog::new(60);
    const DAY: Duration = Duration::from_secs(86_400);
    // 2^31 ms are 24.8 days, 2^32 ms are 49.7 days.
    for far in [24 * DAY, 25 * DAY, 50 * DAY, 36_500 * DAY, Duration::MAX] {
        let mut far = pin!(sleep(far));
        assert!(poll_fn(|cx| Poll::Ready(far.as_mut().poll(cx).is_pending())).await);
        // Nothing but another thread ends this wait.
        let (done, wait) = samovar::sync::oneshot::channel();
        let waker = thread::spawn(|| {
            thread::sleep(100 * MS);
            done.send(()).unwrap();
        });
        let metrics = samovar::runtime::Handle::current().metrics();
        let (before, parks) = (processor_time(), metrics.worker_park_count(0));
        wait.await.unwrap();
        // Who spins goes round thousands of times, however busy the machine is.
        let parks = metrics.worker_park_count(0) - parks;
        assert!(parks < 100, "it woke {parks} times in 100 ms");
        let used = processor_time() - before;
        assert!(
            used < 50 * MS,
            "it took {used:?} of processor time to wait for 100 ms"
        );
        waker.join().unwrap();
    }
}

// Timeouts.

#[samovar::test(start_paused = true)]
async fn a_future_that_is_ready_is_in_time_whatever_the_timeout() {
    let _dog = Watchdog::new(60);
    assert_eq!(timeout(Duration::ZERO, ready(1)).await, Ok(1));
    assert_eq!(timeout(Duration::MAX, ready(2)).await, Ok(2));
    assert_eq!(timeout_at(Instant::now() - MS, ready(3)).await, Ok(3));
    // Also when it is ready only after a while.
    assert_eq!(
        timeout(Duration::MAX, async { sleep(MS).await }).await,
        Ok(())
    );
    assert_eq!(timeout(AGES, async { sleep(MS).await }).await, Ok(()));
}

#[samovar::test(start_paused = true)]
async fn a_future_that_is_never_ready_is_given_up() {
    let _dog = Watchdog::new(60);
    for duration in [Duration::ZERO, Duration::from_nanos(1), MS, 5 * MS] {
        let start = Instant::now();
        assert!(timeout(duration, pending::<()>()).await.is_err());
        assert_eq!(start.elapsed(), duration);
        assert!(timeout_at(start + duration, pending::<()>()).await.is_err());
    }
}

#[samovar::test(start_paused = true)]
async fn the_error_says_that_the_deadline_has_elapsed() {
    let _dog = Watchdog::new(60);
    let error = timeout(Duration::ZERO, pending::<()>()).await.unwrap_err();
    assert_eq!(error.to_string(), "deadline has elapsed");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
}

#[samovar::test]
async fn a_future_that_uses_up_its_budget_at_every_poll_is_still_given_up() {
    let _dog = Watchdog::new(60);
    let hog = async {
        let (sender, mut receiver) = samovar::sync::mpsc::unbounded_channel();
        loop {
            sender.send(()).unwrap();
            receiver.recv().await;
        }
    };
    let given_up: Result<(), _> = timeout(20 * MS, hog).await;
    assert!(given_up.is_err());
}

#[samovar::test]
async fn a_loop_of_timeouts_that_are_over_at_once_lets_others_run() {
    let _dog = Watchdog::new(60);
    let stop = Arc::new(AtomicBool::new(false));
    let busy = samovar::spawn({
        let stop = stop.clone();
        async move {
            while !stop.load(Ordering::SeqCst) {
                assert!(timeout(Duration::ZERO, pending::<()>()).await.is_err());
            }
        }
    });
    samovar::task::yield_now().await;
    stop.store(true, Ordering::SeqCst);
    busy.await.unwrap();
}

#[samovar::test]
async fn a_timeout_that_is_dropped_drops_its_future_and_its_timer() {
    let _dog = Watchdog::new(60);
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let inside = Arc::new(());
    let kept = inside.clone();
    let mut future = Box::pin(timeout(AGES, async move {
        let _inside = inside;
        pending::<()>().await;
    }));
    assert!(poll_with(&mut future, &waker).is_pending());
    drop(future);
    drop(waker);
    assert_eq!(
        (Arc::strong_count(&kept), Arc::strong_count(&count)),
        (1, 1)
    );
}

#[samovar::test(start_paused = true)]
async fn a_borrowed_future_goes_on_after_the_timeout() {
    let _dog = Watchdog::new(60);
    let mut work = pin!(async {
        sleep(5 * MS).await;
        "done"
    });
    assert!(timeout(Duration::ZERO, &mut work).await.is_err());
    assert_eq!(work.await, "done");
}

#[samovar::test(start_paused = true)]
async fn timeouts_within_timeouts_end_with_the_shortest() {
    let _dog = Watchdog::new(60);
    let inner = timeout(MS, pending::<()>());
    assert!(timeout(AGES, inner).await.unwrap().is_err());
    let inner = timeout(AGES, pending::<()>());
    assert!(timeout(MS, inner).await.is_err());
}

#[test]
fn a_timeout_can_be_sent_to_another_thread() {
    fn sendable<T: Send>(_: &T) {}
    sendable(&timeout(MS, async { sleep(MS).await }));
    sendable(&timeout_at(Instant::now(), ready(())));
}

// Intervals.

#[samovar::test(start_paused = true)]
async fn an_interval_ticks_at_once_and_then_on_its_marks() {
    let _dog = Watchdog::new(60);
    let before = Instant::now();
    let mut interval = interval(3 * MS);
    let first = interval.tick().await;
    assert_eq!((first, Instant::now()), (before, before));
    for n in 1..=10 {
        assert_eq!(interval.tick().await, first + n * 3 * MS);
        assert_eq!(Instant::now(), first + n * 3 * MS);
    }
    assert_eq!(interval.period(), 3 * MS);
}

#[samovar::test(start_paused = true)]
async fn an_interval_with_a_start_ticks_first_then() {
    let _dog = Watchdog::new(60);
    let start = Instant::now() + 5 * MS;
    let mut interval = interval_at(start, AGES);
    assert_eq!(interval.tick().await, start);
    assert_eq!(Instant::now(), start);
}

#[samovar::test]
#[should_panic(expected = "must be longer than zero")]
async fn an_interval_of_zero_panics() {
    let _interval = interval(Duration::ZERO);
}

#[samovar::test(start_paused = true)]
async fn an_interval_of_the_longest_period_ticks_once() {
    let _dog = Watchdog::new(60);
    for behavior in [
        MissedTickBehavior::Burst,
        MissedTickBehavior::Delay,
        MissedTickBehavior::Skip,
    ] {
        let mut interval = interval(Duration::MAX);
        interval.set_missed_tick_behavior(behavior);
        assert_eq!(interval.missed_tick_behavior(), behavior);
        interval.tick().await;
        assert!(timeout(2 * MS, interval.tick()).await.is_err());
        interval.reset();
        assert!(timeout(2 * MS, interval.tick()).await.is_err());
        interval.reset_after(Duration::MAX);
        assert!(timeout(2 * MS, interval.tick()).await.is_err());
        interval.reset_immediately();
        interval.tick().await;
    }
}

#[samovar::test(start_paused = true)]
async fn burst_makes_up_for_every_missed_tick() {
    let _dog = Watchdog::new(60);
    let mut interval = interval(10 * MS);
    let first = interval.tick().await;
    advance(50 * MS).await;
    for n in 1..=8 {
        assert_eq!(interval.tick().await, first + n * 10 * MS);
    }
}

#[samovar::test(start_paused = true)]
async fn delay_waits_a_full_period_after_a_late_tick() {
    let _dog = Watchdog::new(60);
    let mut interval = interval(10 * MS);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let first = interval.tick().await;
    advance(50 * MS).await;
    let before = Instant::now();
    assert_eq!(interval.tick().await, first + 10 * MS);
    assert_eq!(interval.tick().await, before + 10 * MS);
}

#[samovar::test(start_paused = true)]
async fn skip_leaves_ticks_out_and_stays_on_the_marks() {
    let _dog = Watchdog::new(60);
    let mut interval = interval(10 * MS);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let first = interval.tick().await;
    advance(55 * MS).await;
    assert_eq!(interval.tick().await, first + 10 * MS);
    // Those at 20, 30, 40 and 50 are left out.
    assert_eq!(interval.tick().await, first + 60 * MS);
}

#[samovar::test(start_paused = true)]
async fn a_tick_that_is_given_up_is_not_lost() {
    let _dog = Watchdog::new(60);
    let mut interval = interval(20 * MS);
    let first = interval.tick().await;
    for _ in 0..3 {
        let _ = timeout(Duration::ZERO, interval.tick()).await;
    }
    for n in 1..3 {
        assert_eq!(interval.tick().await, first + n * 20 * MS);
    }
}

#[samovar::test(start_paused = true)]
async fn an_interval_can_be_reset() {
    let _dog = Watchdog::new(60);
    let mut interval = interval(5 * MS);
    interval.tick().await;

    let before = Instant::now();
    interval.reset();
    assert_eq!(interval.tick().await, before + 5 * MS);

    interval.reset_after(AGES);
    assert!(timeout(MS, interval.tick()).await.is_err());

    let before = Instant::now();
    interval.reset_immediately();
    assert_eq!(interval.tick().await, before);

    let deadline = Instant::now() + 7 * MS;
    interval.reset_at(deadline);
    assert_eq!(interval.tick().await, deadline);
    assert_eq!(interval.tick().await, deadline + 5 * MS);
}

#[samovar::test(start_paused = true)]
async fn poll_tick_wakes_the_last_waker() {
    let _dog = Watchdog::new(60);
    let count = Arc::new(Count::default());
    let mut interval = interval(10 * MS);
    interval.tick().await;
    let first = Waker::from(count.clone());
    let polled = interval.poll_tick(&mut Context::from_waker(&first));
    assert!(polled.is_pending());
    interval.tick().await;
    assert_eq!(count.wakes.load(Ordering::SeqCst), 0);
}
