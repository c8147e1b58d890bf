//! Streams of results (T8).

use std::{
    future::{pending, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_core::Stream;
use throng_runtime::{
    Address, Ctx, Exit, GenServer, Handled, Handler, Message, Node, OnStreamTimeout, TaskStream,
    TaskSupervisor,
};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{SECOND, consumer::Consumer};

/// Takes what is left.
macro_rules! collect {
    ($stream:expr) => {{
        let mut results = Vec::new();
        while let Some(result) = $stream.next().await {
            results.push(result);
        }
        results
    }};
}

async fn after(milliseconds: u64) -> u64 {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    milliseconds
}

fn words<T: std::fmt::Debug>(results: &[Result<T, Exit>]) -> Vec<String> {
    results
        .iter()
        .map(|result| result.as_ref().map_or_else(ToString::to_string, |it| format!("{it:?}")))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn t8_results_come_in_the_order_of_the_input() {
    let node = Node::new("test");
    let mut stream = node.async_stream([60, 10, 30], after).max_concurrency(3);
    assert_eq!(words(&collect!(stream)), ["60", "10", "30"]);
    assert!(stream.next().await.is_none(), "and it stays over");
    assert!(node.async_stream(Vec::<u64>::new(), after).next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn t8_without_order_they_come_as_they_are_found() {
    let node = Node::new("test");
    let mut stream = node.async_stream([60, 10, 30], after).max_concurrency(3).ordered(false);
    assert_eq!(words(&collect!(stream)), ["10", "30", "60"]);
}

/// How many of eight elements are begun before the first, which is slow, is delivered.
async fn begun_before_the_first(stream: impl FnOnce(Slow) -> Slow) -> usize {
    let node = Node::new("test");
    let begun = Arc::new(AtomicUsize::new(0));
    let count = begun.clone();
    let work: Work = Box::new(move |number| {
        count.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            if number == 0 {
                after(1_000).await;
            }
            number
        })
    });
    let mut stream = stream(node.async_stream(0..8, work).max_concurrency(2));
    assert!(matches!(stream.next().await, Some(Ok(0))));
    let before_the_first = begun.load(Ordering::SeqCst);
    assert_eq!(words(&collect!(stream)), ["1", "2", "3", "4", "5", "6", "7"]);
    before_the_first
}

type Work = Box<dyn Fn(u64) -> Pin<Box<dyn Future<Output = u64> + Send>> + Send + Sync>;
type Slow = TaskStream<std::ops::Range<u64>, Work, u64>;

#[tokio::test(start_paused = true)]
async fn t8_a_slow_first_element_lets_the_others_run_on_up_to_a_bound() {
    assert_eq!(begun_before_the_first(|stream| stream).await, 8, "as in OTP");
    assert_eq!(begun_before_the_first(|stream| stream.max_buffered(2)).await, 4);
    assert_eq!(begun_before_the_first(|stream| stream.max_buffered(0)).await, 2);
}

#[tokio::test]
async fn t8_nothing_is_begun_before_somebody_asks_and_the_input_may_be_endless() {
    let node = Node::new("test");
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    let input = std::iter::repeat_with(move || count.fetch_add(1, Ordering::SeqCst));
    let mut stream = node.async_stream(input, async |n| n).max_concurrency(2).max_buffered(1);
    tokio::task::yield_now().await;
    assert_eq!(taken.load(Ordering::SeqCst), 0);
    for number in 0..100 {
        assert!(matches!(stream.next().await, Some(Ok(n)) if n == number));
        assert!(taken.load(Ordering::SeqCst) <= number + 3);
    }
}

#[tokio::test]
async fn t8_no_more_tasks_run_at_once_than_it_says() {
    let node = Node::new("test");
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (running, seen) = (now.clone(), most.clone());
    let work = move |_| {
        let (running, seen) = (running.clone(), seen.clone());
        async move {
            seen.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::SeqCst);
        }
    };
    let mut stream = node.async_stream(0..200, work).max_concurrency(3);
    assert_eq!(collect!(stream).len(), 200);
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn t8_a_late_element_ends_the_stream_with_its_tasks() {
    let node = Node::new("test");
    let alive = Alive::default();
    let watched = alive.clone();
    let mut stream = node
        .async_stream([10, 9_000, 8_000], move |time| watched.during(after(time)))
        .max_concurrency(2)
        .timeout(SECOND);
    assert_eq!(words(&collect!(stream)), ["10", "timeout"]);
    assert_eq!(alive.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn t8_a_late_task_may_be_killed_and_its_element_is_a_timeout() {
    let node = Node::new("test");
    let alive = Alive::default();
    let watched = alive.clone();
    let mut stream = node
        .async_stream([10, 9_000, 20], move |time| watched.during(after(time)))
        .max_concurrency(2)
        .timeout(SECOND)
        .on_timeout(OnStreamTimeout::KillTask);
    assert_eq!(words(&collect!(stream)), ["10", "timeout", "20"]);
    assert_eq!(alive.count(), 0);

    let mut stream = node
        .async_stream([10, 9_000], after)
        .zip_input_on_exit()
        .timeout(SECOND)
        .on_timeout(OnStreamTimeout::KillTask);
    let results = collect!(stream);
    assert!(matches!(results[..], [Ok(10), Err((9_000, Exit::Timeout))]), "{results:?}");
}

#[tokio::test(start_paused = true)]
async fn t8_the_time_of_an_element_begins_with_its_task() {
    let node = Node::new("test");
    // One after the other they take longer than each may.
    let mut stream = node.async_stream([3_000; 4], after).max_concurrency(1);
    assert_eq!(collect!(stream).iter().filter(|result| result.is_ok()).count(), 4);
    let mut patient = node.async_stream([100_000], after).no_timeout();
    assert_eq!(words(&collect!(patient)), ["100000"]);
    let mut late = node.async_stream([6_000], after);
    assert_eq!(words(&collect!(late)), ["timeout"], "5 s unless told otherwise");
}

async fn boom_at_two(number: u64) -> u64 {
    if number == 2 {
        panic!("boom");
    }
    number
}

#[tokio::test]
async fn t8_without_links_a_crash_is_an_element() {
    let node = Node::new("test");
    let mut stream = node.async_stream(1..=3, boom_at_two);
    let results = collect!(stream);
    assert!(matches!(results[..], [Ok(1), Err(Exit::Panic(_)), Ok(3)]), "{results:?}");

    let consumer = node.spawn(async |ctx| {
        let mut stream = ctx.async_stream_nolink(1..=3, boom_at_two).zip_input_on_exit();
        let results = collect!(stream);
        assert!(matches!(results[..], [Ok(1), Err((2, Exit::Panic(_))), Ok(3)]), "{results:?}");
        Exit::other("survived")
    });
    assert_eq!(node.wait(consumer).await.to_string(), "survived");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t8_a_crash_of_a_linked_task_ends_a_consumer_that_does_not_trap() {
    let node = Node::new("test");
    for _ in 0..500 {
        let (begin, begun) = oneshot::channel();
        let consumer = node.spawn(async move |ctx| {
            begun.await.unwrap();
            let mut stream = ctx.async_stream(1..=3, boom_at_two);
            let results = collect!(stream);
            Exit::other(format!("it saw {results:?}"))
        });
        let end = node.wait(consumer);
        begin.send(()).unwrap();
        let reason = end.await;
        assert!(matches!(&reason, Exit::Panic(panic) if panic.message() == "boom"), "{reason}");
    }
}

#[tokio::test]
async fn t8_a_consumer_ends_with_its_linked_tasks() {
    let node = Node::new("test");
    for linked in [true, false] {
        let alive = Alive::default();
        let watched = alive.clone();
        let (tell, begun) = oneshot::channel();
        let tell = Mutex::new(Some(tell));
        let consumer = node.spawn(async move |ctx| {
            let work = move |n: u64| {
                if n == 3 {
                    tell.lock().unwrap().take().unwrap().send(()).unwrap();
                }
                watched.during(pending::<()>())
            };
            if linked {
                ctx.async_stream(0..4, work).max_concurrency(4).next().await;
            } else {
                ctx.async_stream_nolink(0..4, work).max_concurrency(4).next().await;
            }
        });
        begun.await.unwrap();
        assert_eq!(alive.count(), 4);
        node.exit(consumer, Exit::Kill);
        node.wait(consumer).await;
        alive.none_is_left().await;
    }
}

#[tokio::test]
async fn t8_halting_early_ends_the_tasks_and_leaves_no_link() {
    let node = Node::new("test");
    let alive = Alive::default();
    let watched = alive.clone();
    let consumer = node.spawn(async move |ctx| {
        for drops in [true, false] {
            let watched_too = watched.clone();
            let first_only = move |number| {
                watched_too.during(async move { if number == 0 { number } else { pending().await } })
            };
            let mut stream = ctx.async_stream(0.., first_only).max_concurrency(4);
            assert!(matches!(stream.next().await, Some(Ok(0))));
            // A kill over a link that was left would end this process.
            if drops {
                drop(stream);
                watched.none_is_left().await;
            } else {
                stream.halt().await;
                assert_eq!(watched.count(), 0, "halt has waited");
            }
        }
        Exit::other("survived")
    });
    assert_eq!(node.wait(consumer).await.to_string(), "survived");
}

#[tokio::test]
async fn t8_a_panic_of_the_input_ends_the_tasks_and_goes_on() {
    let node = Node::new("test");
    let alive = Alive::default();
    let watched = alive.clone();
    let consumer = node.spawn(async move |ctx| {
        let input = (0..).map(|number| if number < 3 { number } else { panic!("out of input") });
        let mut stream = ctx.async_stream(input, move |_| watched.during(pending::<()>())).max_concurrency(8);
        stream.next().await;
    });
    let reason = node.wait(consumer).await;
    assert!(matches!(&reason, Exit::Panic(panic) if panic.message() == "out of input"), "{reason}");
    alive.none_is_left().await;
}

#[tokio::test]
async fn t8_a_panic_of_the_input_that_is_caught_leaves_a_stream_that_is_over() {
    let node = Node::new("test");
    let mut calls = 0;
    let input = std::iter::from_fn(move || {
        calls += 1;
        if calls == 3 { panic!("out of input") } else { Some(calls) }
    });
    let mut stream = node.async_stream(input, |_| pending::<()>()).max_concurrency(8);
    let caught = poll_fn(|cx| {
        let poll = || Pin::new(&mut stream).poll_next(cx).is_ready();
        std::task::Poll::Ready(std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).is_err())
    });
    assert!(caught.await);
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn t8_a_stream_may_be_consumed_by_another_process_which_its_tasks_are_then_linked_with() {
    let node = Node::new("test");
    let (give, given) = oneshot::channel();
    let maker = node.spawn(async move |ctx| {
        drop(give.send(ctx.async_stream(1..=3, boom_at_two)));
        pending::<()>().await;
    });
    let consumer = node.spawn(async move |_| {
        let mut stream = given.await.unwrap();
        collect!(stream);
    });
    assert!(matches!(node.wait(consumer).await, Exit::Panic(_)));
    assert!(node.is_alive(maker));
}

#[tokio::test]
#[should_panic(expected = "max_concurrency(0)")]
async fn t8_no_tasks_at_a_time_are_refused() {
    let _ = Node::new("test").async_stream(0..3, after).max_concurrency(0);
}

#[tokio::test]
#[should_panic(expected = "before its first element")]
async fn t8_an_option_that_comes_too_late_is_refused() {
    let mut stream = Node::new("test").async_stream(0..3, after);
    stream.next().await;
    let _ = stream.ordered(false);
}

#[tokio::test]
async fn t8_it_is_a_stream_for_everybody() {
    async fn sum(mut stream: impl Stream<Item = Result<u64, Exit>> + Unpin) -> u64 {
        let mut sum = 0;
        while let Some(next) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
            sum += next.unwrap();
        }
        sum
    }
    let node = Node::new("test");
    assert_eq!(sum(node.async_stream(1..=100, async |n| n)).await, 5_050);
}

#[tokio::test]
async fn t8_a_consumer_that_is_always_served_lets_others_run() {
    let node = Node::new("test");
    let consumer = node.spawn(async |ctx| {
        let mut stream = ctx.async_stream(0.., async |n: u64| n).ordered(false).max_concurrency(64);
        while stream.next().await.is_some() {}
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    // It takes effect at an await point, which an endless stream has.
    node.exit(consumer, Exit::Kill);
    assert!(matches!(node.wait(consumer).await, Exit::Killed));
}

/// Consumes as many elements as it says, and drops the stream.
struct Consume(usize);

impl Message for Consume {
    type Reply = Vec<String>;
}

impl Handler<Consume> for Consumer {
    async fn handle(&mut self, Consume(most): Consume, ctx: &mut Ctx<Self>) -> Handled<Consume> {
        let mut stream = ctx.async_stream(1..=9, boom_at_two).max_concurrency(3).ordered(false);
        let mut results = Vec::new();
        while results.len() < most
            && let Some(result) = stream.next().await
        {
            results.push(result);
        }
        let mut words = words(&results);
        words.sort();
        Ok(words)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t8_a_consumer_that_traps_gets_the_crash_as_an_element_and_no_message() {
    let node = Node::new("test");
    let (tell, mut told) = mpsc::unbounded_channel();
    let consumer = node.start(Consumer::child(tell)).await.unwrap();
    for round in 0..1_000 {
        let words = consumer.call(Consume(if round % 2 == 0 { 9 } else { round % 9 })).await.unwrap();
        if round % 2 == 0 {
            assert_eq!(words[..8], ["1", "3", "4", "5", "6", "7", "8", "9"], "round {round}");
            assert!(words[8].ends_with("boom"), "{}", words[8]);
        }
        consumer.sync().await.unwrap();
        assert_eq!(told.try_recv().ok(), None, "round {round}");
    }
}

#[tokio::test]
async fn t8_under_a_supervisor_the_tasks_are_its_children() {
    let node = Node::new("test");
    let tasks = node.start(TaskSupervisor::new("tasks")).await.unwrap();
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    let work = move |number: u64| {
        let held = held.clone();
        async move {
            held.acquire().await.unwrap().forget();
            number
        }
    };
    let mut stream = TaskSupervisor::async_stream(tasks, 0..4, work).max_concurrency(3);
    assert!(crate::is_pending(stream.next()).await);
    assert_eq!(TaskSupervisor::children(&tasks).await.unwrap().len(), 3);
    gate.add_permits(4);
    assert_eq!(words(&collect!(stream)), ["0", "1", "2", "3"]);
    assert_eq!(TaskSupervisor::children(&tasks).await.unwrap(), []);

    let mut crashing = TaskSupervisor::async_stream_nolink(tasks, 1..=3, boom_at_two);
    let results = collect!(crashing);
    assert!(matches!(results[..], [Ok(1), Err(Exit::Panic(_)), Ok(3)]), "{results:?}");
    let consumer = node.spawn(async move |_| {
        let mut stream = TaskSupervisor::async_stream(tasks, 1..=3, boom_at_two);
        collect!(stream);
    });
    assert!(matches!(node.wait(consumer).await, Exit::Panic(_)));
    assert!(node.is_alive(tasks));
}

#[tokio::test]
async fn t8_an_element_without_a_place_at_the_supervisor_is_an_error() {
    let node = Node::new("test");
    let tasks = node.start(TaskSupervisor::new("tasks").max_children(1)).await.unwrap();
    let mut stream =
        TaskSupervisor::async_stream(tasks, 0..2, |_| pending::<()>()).max_concurrency(2).ordered(false);
    let refused = stream.next().await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("may have no more"), "{refused}");
    stream.halt().await;
    node.stop(tasks, Exit::Shutdown, None).await.unwrap();
    let mut stream = TaskSupervisor::async_stream(tasks, 0..2, after);
    assert_eq!(words(&collect!(stream)), ["no such process", "no such process"]);
}

/// How many tasks are at work.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

impl Alive {
    /// Does the work, and is counted for as long as it is there.
    fn during<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let alive = Gone(self.0.clone());
        async move {
            let _alive = alive;
            work.await
        }
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    async fn none_is_left(&self) {
        while self.count() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

struct Gone(Arc<AtomicUsize>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
