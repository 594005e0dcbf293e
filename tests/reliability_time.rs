//! Timers in the situations that have broken timers elsewhere: dropped and reset by others at the moment when they fire, set
//! anew by their own wakers, many at once, beside sockets. `docs/reliability.md` says which case each test stands for.

mod support;

use std::future::Future;
use std::hint::spin_loop;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;

use futures::{AsyncReadExt, AsyncWriteExt};
use samovar::net::UnixStream;
use samovar::runtime::{Builder, Runtime};
use samovar::task::{JoinSet, yield_now};
use samovar::time::{Duration, Instant, Sleep, interval, sleep, sleep_until, timeout};
use support::{current_thread, multi_thread, watchdog};

const MS: Duration = Duration::from_millis(1);

/// A waker that counts.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A sleep that was polled with this waker, and waits.
fn waiting(deadline: Instant, waker: &Waker) -> Pin<Box<Sleep>> {
    let mut sleep = Box::pin(sleep_until(deadline));
    assert!(is_pending(&mut sleep, waker));
    sleep
}

/// Polls with this waker.
fn is_pending(sleep: &mut Pin<Box<Sleep>>, waker: &Waker) -> bool {
    sleep
        .as_mut()
        .poll(&mut Context::from_waker(waker))
        .is_pending()
}

/// A runtime whose clock stands still.
fn paused() -> Runtime {
    Builder::new_current_thread()
        .start_paused(true)
        .build()
        .unwrap()
}

// Ten thousand in one slot.

/// Drops timers when it is woken.
struct Dropper(Mutex<Vec<Pin<Box<Sleep>>>>);

impl Wake for Dropper {
    fn wake(self: Arc<Self>) {
        let victims = std::mem::take(&mut *self.0.lock().unwrap());
        drop(victims);
    }
}

#[test]
fn a_timer_s_waker_drops_half_of_ten_thousand_in_one_slot_and_the_others_fire() {
    // Those of the same tick have been taken out of the wheel by then, those of the next are still in it.
    for later in [Duration::ZERO, MS] {
        watchdog(60, || {
            paused().block_on(async {
                let deadline = Instant::now() + 10 * MS;
                let dropper = Arc::new(Dropper(Mutex::default()));
                let first = waiting(deadline, &Waker::from(dropper.clone()));
                let (victims, survivors) = (Arc::<Count>::default(), Arc::<Count>::default());
                let mut kept = Vec::new();
                for n in 0..10_000 {
                    let count = if n % 2 == 0 { &victims } else { &survivors };
                    let timer = waiting(deadline + later, &Waker::from(count.clone()));
                    if n % 2 == 0 {
                        dropper.0.lock().unwrap().push(timer);
                    } else {
                        kept.push(timer);
                    }
                }
                sleep(20 * MS).await;
                assert!(dropper.0.lock().unwrap().is_empty());
                assert_eq!(survivors.0.load(SeqCst), 5_000);
                if later > Duration::ZERO {
                    assert_eq!(victims.0.load(SeqCst), 0, "a timer fired that was dropped");
                }
                // No waker is left in the wheel.
                assert_eq!(
                    (Arc::strong_count(&victims), Arc::strong_count(&survivors)),
                    (1, 1)
                );
                for timer in kept {
                    timer.await;
                }
                drop(first);
            });
        });
    }
}

// At the moment of firing.

#[test]
fn timers_that_another_thread_drops_or_resets_as_they_fire_keep_no_waker_and_are_never_early() {
    watchdog(60, || {
        // Nobody is inside `block_on`: its own threads fire the timers.
        let runtime = multi_thread();
        let _inside = runtime.enter();
        let count = Arc::<Count>::default();
        let waker = Waker::from(count.clone());
        for round in 0..200u32 {
            let deadline = Instant::now() + MS;
            let mut timers: Vec<_> = (0..32).map(|_| waiting(deadline, &waker)).collect();
            // From a little before to a little after.
            let moment = deadline - Duration::from_micros(200) + round * Duration::from_micros(2);
            while Instant::now() < moment {
                spin_loop();
            }
            let mut kept = timers.split_off(16);
            for timer in timers {
                drop(timer);
            }
            let again = Instant::now() + MS;
            for timer in &mut kept {
                timer.as_mut().reset(again);
                assert!(is_pending(timer, &waker));
            }
            for timer in kept {
                samovar::block_on(timer);
                assert!(Instant::now() >= again, "early");
            }
        }
        drop(waker);
        // A waker that was taken out to be woken may be on its way still.
        while Arc::strong_count(&count) > 1 {
            thread::sleep(MS);
        }
    });
}

// Again and again.

/// Sets its own timer anew whenever that fires, for now.
struct Again {
    timer: Mutex<Option<Pin<Box<Sleep>>>>,
    fired: AtomicUsize,
}

impl Wake for Again {
    fn wake(self: Arc<Self>) {
        self.fired.fetch_add(1, SeqCst);
        let waker = Waker::from(self.clone());
        if let Some(timer) = &mut *self.timer.lock().unwrap() {
            timer.as_mut().reset(Instant::now());
            assert!(is_pending(timer, &waker));
        }
    }
}

#[test]
fn a_timer_that_its_own_waker_sets_for_now_leaves_room_for_everything_else() {
    for runtime in [current_thread as fn() -> Runtime, multi_thread] {
        watchdog(60, || {
            runtime().block_on(async {
                let again = Arc::new(Again {
                    timer: Mutex::new(None),
                    fired: AtomicUsize::new(0),
                });
                *again.timer.lock().unwrap() = Some(Box::pin(sleep(Duration::ZERO)));
                again.clone().wake();
                // Timers, sockets, tasks: all go on.
                let (mut ours, mut theirs) = UnixStream::pair().unwrap();
                let other = samovar::spawn(async move {
                    let mut buffer = [0; 8];
                    let count = theirs.read(&mut buffer).await.unwrap();
                    sleep(5 * MS).await;
                    theirs.write_all(&buffer[..count]).await.unwrap();
                });
                sleep(5 * MS).await;
                ours.write_all(b"tea").await.unwrap();
                let mut answer = [0; 3];
                ours.read_exact(&mut answer).await.unwrap();
                other.await.unwrap();
                let before = again.fired.load(SeqCst);
                while again.fired.load(SeqCst) == before {
                    yield_now().await;
                }
                let timer = again.timer.lock().unwrap().take();
                drop(timer);
            });
        });
    }
}

// Beside sockets.

#[test]
fn deadlines_are_set_and_given_up_while_others_fire_and_sockets_speak() {
    const BYTES: usize = 100;
    watchdog(60, || {
        let runtime = Builder::new_multi_thread()
            .worker_threads(4)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for n in 0..16u32 {
                let (mut ours, mut theirs) = UnixStream::pair().unwrap();
                tasks.spawn(async move {
                    let mut ticks = interval(MS);
                    for _ in 0..BYTES {
                        ticks.tick().await;
                        theirs.write_all(b"t").await.unwrap();
                    }
                    0
                });
                tasks.spawn(async move {
                    let mut received = 0;
                    let mut buffer = [0; 8];
                    loop {
                        // As long as the writer needs, so that the byte, the deadline and its removal meet.
                        let wait = MS + n * Duration::from_micros(10);
                        match timeout(wait, ours.read(&mut buffer)).await {
                            Ok(Ok(0)) => return received,
                            Ok(count) => received += count.unwrap(),
                            Err(_elapsed) => {}
                        }
                    }
                });
            }
            let mut received = 0;
            while let Some(count) = tasks.join_next().await {
                received += count.unwrap();
            }
            assert_eq!(received, 16 * BYTES);
        });
    });
}
