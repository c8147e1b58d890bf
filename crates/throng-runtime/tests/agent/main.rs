//! Agents (rule A1).
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use throng_runtime::{Address, Agent, CallError, Exit, Name, Node, Supervisor};

const COUNT: Name<Agent<u64>> = Name::new("count");

#[tokio::test]
async fn a1_the_closures_run_in_the_agent_one_after_the_other() {
    let node = Node::new("test");
    let words = node.start(Agent::child(Vec::new)).await.unwrap();
    Agent::update(&words, |words| words.push("b")).await.unwrap();
    Agent::cast(&words, |words| words.push("a")).unwrap();
    assert_eq!(Agent::get(&words, |words| words.len()).await.unwrap(), 2, "a cast comes before a later call");
    assert_eq!(Agent::get_and_update(&words, |words| words.pop()).await.unwrap(), Some("a"));
    assert_eq!(Agent::get(&words, Vec::clone).await.unwrap(), ["b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a1_no_change_is_lost_among_many_who_change() {
    let node = Node::new("test");
    let count = node.start(Agent::child(|| 0_u64)).await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            node.task(async move {
                for _ in 0..1_000 {
                    Agent::update(&count, |count| *count += 1).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(Agent::get(&count, |count| *count).await.unwrap(), 8_000);
}

#[tokio::test]
async fn a1_a_closure_that_panics_ends_the_agent_and_its_caller_is_told() {
    let node = Node::new("test");
    let count = node.start(Agent::child(|| 0_u64)).await.unwrap();
    let waits = Agent::update(&count, |_| panic!("a bad day")).await;
    let Err(CallError::Exited { reason: Exit::Panic(panic), .. }) = waits else { panic!("{waits:?}") };
    assert_eq!(panic.message(), "a bad day");
    assert!(!node.is_alive(count));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a1_a_call_that_is_given_up_is_done_all_the_same() {
    let node = Node::new("test");
    let count = node.start(Agent::child(|| 0_u64)).await.unwrap();
    let (open, gate) = mpsc::channel::<()>();
    Agent::cast(&count, move |_| gate.recv().unwrap()).unwrap();
    let call = Agent::update(&count, |count| *count += 1);
    assert!(format!("{call:?}").contains("5s"), "five seconds unless told otherwise: {call:?}");
    let error = call.timeout(Duration::from_millis(1)).await.unwrap_err();
    assert!(matches!(error, CallError::Timeout { .. }), "{error}");
    open.send(()).unwrap();
    assert_eq!(Agent::get(&count, |count| *count).no_timeout().await.unwrap(), 1);
}

#[tokio::test]
async fn a1_a_supervised_agent_begins_again_from_its_first_value() {
    let node = Node::new("test");
    let starts = Arc::new(AtomicU64::new(0));
    let first = move || starts.fetch_add(1, Ordering::Relaxed) * 100;
    let tree = Supervisor::one_for_one("tree").child(Agent::child(first).name(COUNT));
    node.start(tree).await.unwrap();
    let count = node.via(COUNT);
    Agent::update(&count, |count| *count += 1).await.unwrap();
    assert_eq!(Agent::get(&count, |count| *count).await.unwrap(), 1);
    let before = node.whereis(COUNT).unwrap();
    Agent::update(&count, |_| panic!("crash")).await.unwrap_err();
    node.wait(before).await;
    // The name is free until the restart: a look in between finds nobody.
    while count.resolve().is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(Agent::get(&count, |count| *count).await.unwrap(), 100);
}

#[tokio::test]
async fn a1_a_first_value_that_panics_is_a_failed_start() {
    let node = Node::new("test");
    let error = node.start(Agent::<u64>::child(|| panic!("no value"))).await.unwrap_err();
    assert!(error.to_string().contains("no value"), "{error}");
}
