//! Messages for later (P4, P5): never early, in order, cancelled once, gone with their receiver.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

#[path = "../support/dice.rs"]
mod dice;
mod order;

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use throng_runtime::{
    Address, Ctx, Exit, GenServer, Handled, Handler, Init, Message, Node, Pid, census::Census,
};
use tokio::{sync::mpsc, time::Instant};

const MS: Duration = Duration::from_millis(1);

struct Clock(mpsc::UnboundedSender<(u64, Instant)>);

type Ticks = mpsc::UnboundedReceiver<(u64, Instant)>;

impl GenServer for Clock {
    type Args = mpsc::UnboundedSender<(u64, Instant)>;

    async fn init(ticks: Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self(ticks))
    }
}

struct Tick(u64);

impl Message for Tick {
    type Reply = ();
}

impl Handler<Tick> for Clock {
    async fn handle(&mut self, Tick(n): Tick, _: &mut Ctx<Self>) -> Handled<Tick> {
        self.0.send((n, Instant::now()))?;
        Ok(())
    }
}

async fn clock(node: &Node) -> (Pid<Clock>, Ticks) {
    let (ticks, ticked) = mpsc::unbounded_channel();
    (node.start(Clock::child(ticks)).await.unwrap(), ticked)
}

#[tokio::test(start_paused = true)]
async fn p5_timers_fire_in_the_order_of_their_deadlines_and_never_early() {
    let node = Node::new("test");
    let (clock, mut ticked) = clock(&node).await;
    let begun = Instant::now();
    // A fixed shuffle of twenty thousand deadlines, from 0 to 20 s.
    let deadlines = (0..20_000_u64).map(|n| n * 7_919 % 20_011);
    for after in deadlines {
        node.send_after(clock, MS * after as u32, Tick(after));
    }
    let mut last = 0;
    for _ in 0..20_000 {
        let (after, at) = ticked.recv().await.unwrap();
        assert!(after >= last, "{after} ms came after {last} ms");
        assert!(at - begun >= MS * after as u32, "{after} ms came after {:?}", at - begun);
        last = after;
    }
    assert_eq!(Census::take(&node).timers, 0);
}

#[tokio::test(start_paused = true)]
async fn p5_timers_of_one_deadline_keep_the_order_of_their_setting() {
    let node = Node::new("test");
    let (clock, mut ticked) = clock(&node).await;
    for n in 0..1_000 {
        node.send_after(clock, MS * 500, Tick(n));
    }
    for n in 0..1_000 {
        assert_eq!(ticked.recv().await.unwrap().0, n);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_a_cancelled_timer_either_fired_or_says_what_was_left() {
    let node = Node::new("test");
    let (clock, mut ticked) = clock(&node).await;
    let (mut fired, mut cancelled) = (0, 0);
    for n in 0..3_000 {
        let timer = node.send_after(clock, MS * (n % 3) as u32, Tick(n));
        for _ in 0..n % 40 {
            tokio::task::yield_now().await;
        }
        match timer.cancel() {
            Some(left) => {
                assert!(left <= MS * 4, "{left:?}");
                cancelled += 1;
            }
            None => {
                assert_eq!(ticked.recv().await.unwrap().0, n, "neither fired nor cancelled");
                fired += 1;
            }
        }
        assert_eq!(timer.cancel(), None);
        assert!(ticked.try_recv().is_err(), "a cancelled timer fired");
    }
    assert_eq!(fired + cancelled, 3_000);
    assert_eq!(Census::take(&node).timers, 0);
}

#[tokio::test(start_paused = true)]
async fn p4_x8_the_end_of_a_process_cancels_what_was_set_for_it() {
    struct Held(Arc<AtomicBool>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    struct Later(#[expect(dead_code, reason = "held for its drop")] Held);
    impl Message for Later {
        type Reply = ();
    }
    impl Handler<Later> for Clock {
        async fn handle(&mut self, _: Later, _: &mut Ctx<Self>) -> Handled<Later> {
            Ok(())
        }
    }
    let node = Node::new("test");
    let (clock, _ticked) = clock(&node).await;
    let dropped = Arc::new(AtomicBool::new(false));
    node.send_after(clock, Duration::from_secs(3_600), Later(Held(dropped.clone())));
    let timer = node.send_after(clock, Duration::from_secs(3_600), Tick(1));
    assert_eq!(Census::take(&node).timers, 2);
    clock.exit(Exit::Kill);
    node.wait(clock).await;
    assert_eq!(Census::take(&node).timers, 0);
    assert!(dropped.load(Ordering::SeqCst), "a message for the dead is kept for an hour");
    assert_eq!(timer.cancel(), None);
    // And one that is set for the dead is not kept at all.
    assert_eq!(node.send_after(clock, Duration::from_secs(3_600), Tick(1)).cancel(), None);
    assert_eq!(Census::take(&node).timers, 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_destructor_panics_does_not_stop_the_clock() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a bomb was dropped");
        }
    }
    impl Message for Bomb {
        type Reply = ();
    }
    impl Handler<Bomb> for Clock {
        async fn handle(&mut self, bomb: Bomb, _: &mut Ctx<Self>) -> Handled<Bomb> {
            std::mem::forget(bomb);
            Ok(())
        }
    }
    let node = Node::new("test");
    let (doomed, _d) = clock(&node).await;
    let (other, mut ticked) = clock(&node).await;
    // Due in one sweep, the dead one's message first.
    node.send_after(doomed, MS * 10, Bomb);
    node.send_after(other, MS * 10, Tick(1));
    node.send_after(other, MS * 20, Tick(2));
    doomed.exit(Exit::Kill);
    node.wait(doomed).await;
    assert_eq!(ticked.recv().await.unwrap().0, 1);
    assert_eq!(ticked.recv().await.unwrap().0, 2);
}

#[tokio::test(start_paused = true)]
async fn calls_leave_no_deadline_behind() {
    struct Ping;
    impl Message for Ping {
        type Reply = u64;
    }
    impl Handler<Ping> for Clock {
        async fn handle(&mut self, _: Ping, _: &mut Ctx<Self>) -> Handled<Ping> {
            tokio::task::yield_now().await;
            Ok(1)
        }
    }
    let node = Node::new("test");
    let (clock, _ticked) = clock(&node).await;
    let caller = node.task(async move {
        for _ in 0..1_000 {
            assert_eq!(clock.call(Ping).await.unwrap(), 1);
        }
    });
    caller.await.unwrap();
    assert_eq!(Census::take(&node).timers, 0);
}

#[tokio::test(start_paused = true)]
async fn a_time_beyond_all_clocks_is_as_good_as_never() {
    let node = Node::new("test");
    let (clock, mut ticked) = clock(&node).await;
    let never = node.send_after(clock, Duration::MAX, Tick(1));
    node.send_after(clock, Duration::from_secs(86_400 * 365), Tick(2));
    assert_eq!(ticked.recv().await.unwrap().0, 2);
    assert!(never.cancel().is_some());
}

/// Never answered.
struct Silence;

impl Message for Silence {
    type Reply = ();
}

impl Handler<Silence> for Clock {
    async fn handle(&mut self, _: Silence, _: &mut Ctx<Self>) -> Handled<Silence> {
        std::future::pending().await
    }
}

impl Handler<Echo> for Clock {
    async fn handle(&mut self, _: Echo, _: &mut Ctx<Self>) -> Handled<Echo> {
        tokio::task::yield_now().await;
        Ok(())
    }
}

struct Echo;

impl Message for Echo {
    type Reply = ();
}

/// How long a call that is never answered takes to fail.
async fn silence(silent: Pid<Clock>, limit: Duration) -> Duration {
    let begun = Instant::now();
    silent.call(Silence).timeout(limit).await.unwrap_err();
    begun.elapsed()
}

fn about(took: Duration, limit: Duration) -> bool {
    took >= limit && took <= limit + MS * 3
}

#[tokio::test(start_paused = true)]
async fn g9_a_process_keeps_each_of_its_deadlines_whatever_came_before() {
    let node = Node::new("test");
    let (silent, _s) = clock(&node).await;
    let (prompt, _p) = clock(&node).await;
    let process = node.task(async move {
        for limit in [70, 10_000, 5_000, 1, 5_001, 0, 4_999] {
            let limit = MS * limit;
            // Answered: its deadline, 5 s from now, is of no use to anybody any more.
            prompt.call(Echo).await.unwrap();
            let took = silence(silent, limit).await;
            assert!(about(took, limit), "{took:?}, not {limit:?}");
        }
    });
    process.await.unwrap();
    assert_eq!(Census::take(&node).timers, 0);
}

#[tokio::test(start_paused = true)]
async fn g9_a_process_that_waits_for_several_keeps_all_their_deadlines() {
    let node = Node::new("test");
    let (silent, _s) = clock(&node).await;
    let process = node.task(async move {
        let limits = [3_000, 1_000, 2_000, 1_500].map(|ms| MS * ms);
        let [a, b, c, d] = limits.map(|limit| silence(silent, limit));
        // One after the other is polled by every wake-up; the last only by its own.
        let took = tokio::join!(a, b, c, OnlyWhenWoken::new(d));
        let took = [took.0, took.1, took.2, took.3];
        assert!(took.iter().zip(limits).all(|(took, limit)| about(*took, limit)), "{took:?}, not {limits:?}");
    });
    process.await.unwrap();
    assert_eq!(Census::take(&node).timers, 0);
}

#[tokio::test(start_paused = true)]
async fn g9_a_deadline_is_kept_by_a_future_that_moves() {
    let node = Node::new("test");
    let (silent, _s) = clock(&node).await;
    let mover = node.task(async move {
        let mut answer = Box::pin(silent.call(Silence).timeout(MS * 500).send());
        assert!(poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await.is_pending());
        Moved(answer)
    });
    let begun = Instant::now();
    // First out of its process, then into another.
    let Moved(answer) = mover.await.unwrap();
    let receiver = node.task(answer);
    receiver.await.unwrap().unwrap_err();
    assert!(about(begun.elapsed(), MS * 500), "{:?}", begun.elapsed());
}

/// What is given away, not awaited.
struct Moved<F>(F);

/// Polls what it wraps only when that asked for it, as collections of futures do.
struct OnlyWhenWoken<F> {
    inner: Pin<Box<F>>,
    woken: Arc<Flag>,
}

struct Flag {
    set: AtomicBool,
    outer: Mutex<Option<Waker>>,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.set.store(true, Ordering::SeqCst);
        if let Some(outer) = &*self.outer.lock().unwrap() {
            outer.wake_by_ref();
        }
    }
}

impl<F> OnlyWhenWoken<F> {
    fn new(inner: F) -> Self {
        let woken = Flag { set: AtomicBool::new(true), outer: Mutex::new(None) };
        Self { inner: Box::pin(inner), woken: Arc::new(woken) }
    }
}

impl<F: Future> Future for OnlyWhenWoken<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        *self.woken.outer.lock().unwrap() = Some(cx.waker().clone());
        if !self.woken.set.swap(false, Ordering::SeqCst) {
            return Poll::Pending;
        }
        let waker = self.woken.clone().into();
        self.inner.as_mut().poll(&mut Context::from_waker(&waker))
    }
}
