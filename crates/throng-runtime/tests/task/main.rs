//! Tasks (rules T), a test or more for each rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

#[path = "../support/consumer.rs"]
mod consumer;
#[path = "../support/dice.rs"]
mod dice;
#[path = "../support/log.rs"]
mod log;
mod reports;
mod shutdown;
mod stream;
mod supervised;

use std::{future::pending, pin::pin, sync::Arc, task::Poll, time::Duration};

use throng_runtime::{Exit, Node, OnTimeout, ProcessId, Shutdown, Task};
use tokio::sync::{Semaphore, oneshot};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn t1_a_task_gives_its_result_to_whoever_awaits_it() {
    let node = Node::new("test");
    assert_eq!(node.task(async { 6 * 7 }).await.unwrap(), 42);
    // Unlike in OTP the handle can be given away: whoever owns it awaits it, and that is checked by the compiler.
    let task = node.task(async { 43 });
    let other = node.task(async move { task.await.unwrap() + 1 });
    assert_eq!(other.await.unwrap(), 44);
}

#[tokio::test]
async fn t1_a_linked_task_and_its_owner_crash_together() {
    let node = Node::new("test");
    let (owner, task) = owner_of_a_task(&node).await;
    node.exit(task, Exit::other("boom"));
    assert!(same(node.wait(owner).await, "boom"));

    let (owner, task) = owner_of_a_task(&node).await;
    node.exit(owner, Exit::other("boom"));
    assert!(same(node.wait(task).await, "boom"));
}

#[tokio::test(start_paused = true)]
async fn t2_the_timeout_of_an_await_does_not_end_the_task() {
    let node = Node::new("test");
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    let mut task = node.task(async move { held.acquire().await.map(|_| 5).unwrap() });
    assert!(task.yield_for(5 * SECOND).await.is_none());
    assert!(node.is_alive(task.id()));
    gate.add_permits(1);
    assert_eq!(task.await.unwrap(), 5);
}

#[tokio::test]
async fn t3_a_task_that_ends_without_a_result_gives_its_reason() {
    let node = Node::new("test");
    let task = node.task(pending::<()>());
    node.exit(task.id(), Exit::Shutdown);
    assert!(matches!(task.await, Err(Exit::Shutdown)));
    let task = node.task(async { panic!("boom") });
    let Err(Exit::Panic(panic)) = task.await.map(|(): ()| ()) else { panic!("no panic") };
    assert_eq!(panic.message(), "boom");
}

#[tokio::test]
async fn t3_a_task_can_end_normally_without_a_result() {
    let node = Node::new("test");
    let (tell, told) = oneshot::channel::<ProcessId>();
    let own = node.clone();
    let task = node.task(async move {
        // To itself, so it is obeyed.
        own.exit(told.await.unwrap(), Exit::Normal);
        pending::<()>().await;
    });
    tell.send(task.id()).unwrap();
    assert!(matches!(task.await, Err(Exit::Normal)));
}

#[tokio::test(start_paused = true)]
async fn t4_a_yield_may_be_repeated_and_the_result_taken_once() {
    let node = Node::new("test");
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    let mut task = node.task(async move { held.acquire().await.map(|_| "done").unwrap() });
    assert!(task.yield_for(Duration::ZERO).await.is_none());
    assert!(task.yield_for(SECOND).await.is_none());
    gate.add_permits(1);
    assert_eq!(task.yield_for(SECOND).await.unwrap().unwrap(), "done");
    assert!(matches!(task.await, Err(Exit::NoProcess)));
}

#[tokio::test(start_paused = true)]
async fn t4_yield_many_gives_what_is_done_in_the_order_of_the_tasks() {
    let node = Node::new("test");
    let mut tasks = [after(&node, 3), after(&node, 1), crash(&node), after(&node, 2)];
    let some = Task::yield_many(&mut tasks, SECOND * 2 + SECOND / 2).await;
    let words: Vec<_> = some.iter().map(describe).collect();
    assert_eq!(words, ["nothing", "1", "boom", "2"]);
    // The late one runs on.
    let rest = Task::yield_many(&mut tasks[..1], SECOND).await;
    assert_eq!(rest.iter().map(describe).collect::<Vec<_>>(), ["3"]);
}

#[tokio::test(start_paused = true)]
async fn t4_await_many_has_one_deadline_and_fails_with_the_first() {
    let node = Node::new("test");
    let all = Task::await_many([after(&node, 2), after(&node, 1)], SECOND * 3).await;
    assert_eq!(all.unwrap(), [2, 1]);
    let late = Task::await_many([after(&node, 1), after(&node, 9)], SECOND * 2).await;
    assert!(matches!(late, Err(Exit::Timeout)), "{late:?}");
    let begun = tokio::time::Instant::now();
    let failed = Task::await_many([after(&node, 5), crash(&node)], SECOND * 9).await;
    assert!(same(failed.unwrap_err(), "boom"));
    assert!(begun.elapsed() < SECOND, "it waited for the others");
    assert_eq!(Task::<u64>::await_many([], Duration::ZERO).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn t5_a_shutdown_gives_the_result_or_nothing_or_the_reason() {
    let node = Node::new("test");
    let done = node.task(async { 1 });
    node.wait(done.id()).await;
    assert_eq!(done.shutdown(Shutdown::After(SECOND)).await.unwrap().unwrap(), 1, "the result came first");

    let by_us = node.task(pending::<()>());
    let id = by_us.id();
    assert!(by_us.shutdown(Shutdown::After(SECOND)).await.is_none());
    assert!(!node.is_alive(id));

    let killed_by_us = node.task(pending::<()>());
    assert!(killed_by_us.shutdown(Shutdown::Kill).await.is_none());

    let by_another = crash(&node);
    node.wait(by_another.id()).await;
    assert!(same(by_another.shutdown(Shutdown::Infinity).await.unwrap().unwrap_err(), "boom"));

    let mut consumed = node.task(async { 1 });
    consumed.yield_for(SECOND).await.unwrap().unwrap();
    assert!(matches!(consumed.shutdown(Shutdown::Kill).await, Some(Err(Exit::NoProcess))));
}

#[tokio::test]
async fn t5_a_shutdown_leaves_nothing_behind_at_its_owner() {
    let node = Node::new("test");
    let owner = node.spawn(async |ctx| {
        for _ in 0..100 {
            let task = ctx.task(pending::<()>());
            let id = task.id();
            assert!(task.shutdown(Shutdown::Kill).await.is_none());
            assert!(!ctx.node().is_alive(id));
        }
        // Not even a link: the kills would have ended this process.
        Exit::other("survived")
    });
    assert!(same(node.wait(owner).await, "survived"));
}

#[tokio::test]
async fn t7_a_linked_task_dies_with_its_owner_unless_the_owner_ends_normally() {
    let node = Node::new("test");
    let gate = Arc::new(Semaphore::new(0));
    let (tell, told) = oneshot::channel();
    let held = gate.clone();
    let owner = node.spawn(async move |ctx| {
        drop(tell.send(ctx.task(async move { drop(held.acquire().await.unwrap()) })));
    });
    let task = told.await.unwrap();
    node.wait(owner).await;
    assert!(node.is_alive(task.id()), "a normal end took the task down");
    gate.add_permits(1);
    task.await.unwrap();
}

#[tokio::test]
async fn t7_a_task_without_a_link_outlives_its_owner_and_spares_it() {
    let node = Node::new("test");
    let (tell, told) = oneshot::channel();
    let (release, released) = oneshot::channel::<u32>();
    let owner = node.spawn(async move |ctx| {
        let crashing = ctx.task_nolink(async { panic!("boom") });
        assert!(matches!(crashing.await.map(|(): ()| ()), Err(Exit::Panic(_))));
        drop(tell.send(ctx.task_nolink(async move { released.await.unwrap() })));
        pending::<()>().await;
    });
    let task = told.await.unwrap();
    node.exit(owner, Exit::other("boom"));
    assert!(same(node.wait(owner).await, "boom"));
    release.send(9).unwrap();
    assert_eq!(task.await.unwrap(), 9);
}

#[tokio::test]
async fn t6_a_task_that_is_ignored_runs_on_by_itself() {
    let node = Node::new("test");
    let (tell, told) = oneshot::channel();
    let owner = node.spawn(async move |ctx| {
        let task = ctx.task(pending::<()>());
        tell.send(task.id()).unwrap();
        assert!(task.ignore().is_none(), "it runs");
        pending::<()>().await;
    });
    let task = told.await.unwrap();
    node.exit(owner, Exit::other("boom"));
    node.wait(owner).await;
    assert!(node.is_alive(task), "it was still linked");
    node.exit(task, Exit::Kill);
}

#[tokio::test]
async fn t6_ignoring_a_task_gives_what_is_there() {
    let node = Node::new("test");
    let done = node.task(async { 1 });
    node.wait(done.id()).await;
    assert!(matches!(done.ignore(), Some(Ok(1))));
    let crashed = crash(&node);
    node.wait(crashed.id()).await;
    assert!(same(crashed.ignore().unwrap().unwrap_err(), "boom"));
}

#[tokio::test]
async fn t6_a_completed_task_has_no_process() {
    let node = Node::new("test");
    let task = Task::completed(5);
    assert!(!node.is_alive(task.id()));
    assert!(matches!(node.wait(task.id()).await, Exit::NoProcess));
    assert_eq!(task.await.unwrap(), 5);
    let mut tasks = [Task::completed(1), node.task(async { 2 })];
    let results = Task::yield_many(&mut tasks, SECOND).await;
    assert!(matches!(results[..], [Some(Ok(1)), Some(Ok(2))]));
    assert!(matches!(Task::completed(6).shutdown(Shutdown::Infinity).await, Some(Ok(6))));
    assert!(matches!(Task::completed(7).ignore(), Some(Ok(7))));
}

#[tokio::test(start_paused = true)]
async fn t2_an_await_gives_up_in_time_and_the_late_result_goes_nowhere() {
    let node = Node::new("test");
    assert_eq!(after(&node, 1).await_for(2 * SECOND).await.unwrap(), 1);
    assert!(same(crash(&node).await_for(SECOND).await.unwrap_err(), "boom"));
    let late = after(&node, 9);
    let end = node.wait(late.id());
    assert!(matches!(late.await_for(SECOND).await, Err(Exit::Timeout)));
    assert!(matches!(end.await, Exit::Normal), "the task was ended");
}

#[tokio::test(start_paused = true)]
async fn t2_an_owner_that_fails_of_the_timeout_takes_the_task_along() {
    let node = Node::new("test");
    let (tell, told) = oneshot::channel();
    let owner = node.spawn(async move |ctx| {
        let task = ctx.task(pending::<()>());
        tell.send(ctx.node().wait(task.id())).unwrap_or_else(|_| panic!("nobody waits"));
        task.await_for(5 * SECOND).await
    });
    let end = told.await.unwrap();
    assert!(matches!(node.wait(owner).await, Exit::Timeout));
    assert!(matches!(end.await, Exit::Timeout));
}

#[tokio::test(start_paused = true)]
async fn t4_yield_many_returns_early_when_enough_are_done() {
    let node = Node::new("test");
    let begun = tokio::time::Instant::now();
    let mut tasks = [after(&node, 3), after(&node, 1), crash(&node), after(&node, 9)];
    // Whatever is to become of late ones: none is late yet.
    let some = Task::yield_many(&mut tasks, SECOND * 5).limit(2).on_timeout(OnTimeout::KillTask).await;
    assert_eq!(some.iter().map(describe).collect::<Vec<_>>(), ["nothing", "1", "boom", "nothing"]);
    assert_eq!(begun.elapsed(), SECOND);
    assert!(node.is_alive(tasks[0].id()) && node.is_alive(tasks[3].id()));
}

#[tokio::test(start_paused = true)]
async fn t4_yield_many_may_kill_or_ignore_what_is_late() {
    let node = Node::new("test");
    let mut tasks = [after(&node, 1), after(&node, 9)];
    let some = Task::yield_many(&mut tasks, SECOND * 2).on_timeout(OnTimeout::KillTask).await;
    assert_eq!(some.iter().map(describe).collect::<Vec<_>>(), ["1", "nothing"]);
    assert!(!node.is_alive(tasks[1].id()));

    let mut tasks = [after(&node, 1), after(&node, 9)];
    let end = node.wait(tasks[1].id());
    let some = Task::yield_many(&mut tasks, SECOND * 2).on_timeout(OnTimeout::Ignore).await;
    assert_eq!(some.iter().map(describe).collect::<Vec<_>>(), ["1", "nothing"]);
    assert!(matches!(end.await, Exit::Normal), "it ran to its end");
    let [_, used_up] = tasks;
    assert!(matches!(used_up.await, Err(Exit::NoProcess)));
}

#[tokio::test]
async fn t4_killing_late_tasks_spares_their_owner() {
    let node = Node::new("test");
    let owner = node.spawn(async |ctx| {
        let mut tasks = [ctx.task(pending::<()>()), ctx.task(pending::<()>())];
        let none = Task::yield_many(&mut tasks, Duration::ZERO).on_timeout(OnTimeout::KillTask).await;
        assert!(none.iter().all(Option::is_none));
        Exit::other("survived")
    });
    assert!(same(node.wait(owner).await, "survived"));
}

/// Polls once, and tells whether it is still pending.
async fn is_pending(future: impl Future) -> bool {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

fn after(node: &Node, seconds: u32) -> Task<u64> {
    node.task(async move {
        tokio::time::sleep(SECOND * seconds).await;
        u64::from(seconds)
    })
}

fn crash(node: &Node) -> Task<u64> {
    let task = node.task(pending());
    node.exit(task.id(), Exit::other("boom"));
    task
}

fn describe(outcome: &Option<Result<u64, Exit>>) -> String {
    match outcome {
        None => "nothing".into(),
        Some(Ok(result)) => result.to_string(),
        Some(Err(reason)) => reason.to_string(),
    }
}

fn same(reason: Exit, words: &str) -> bool {
    reason.to_string() == words
}

/// A process with a linked task; both wait.
async fn owner_of_a_task(node: &Node) -> (ProcessId, ProcessId) {
    let (tell, told) = oneshot::channel();
    let owner = node.spawn(async |ctx| {
        let task = ctx.task(pending::<()>());
        tell.send(task.id()).unwrap();
        pending::<()>().await;
    });
    (owner, told.await.unwrap())
}
