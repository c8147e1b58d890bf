//! Callers: those that die, those that wait for each other, and those that do not notice a restart.

use std::{future::pending, time::Duration};

use throng_runtime::{Address, CallError, Exit, Name, Node, ReplyTo, Supervisor};
use tokio::{sync::mpsc, time::Instant};

use crate::actor::{Actor, Part, Say, act, start, sync, wait_for, with};

#[tokio::test]
async fn g8_the_right_to_answer_a_caller_that_died_is_void() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let (keep, mut kept) = mpsc::unbounded_channel::<ReplyTo<u8>>();
    let caller = node.spawn(async move |_| {
        let call = actor.call(act(move |_, ctx| ctx.reply_later(|to| keep.send(to).unwrap())));
        drop(call.no_timeout().await);
    });
    let to = kept.recv().await.unwrap();
    assert!(to.is_open());
    node.exit(caller, Exit::Kill);
    node.wait(caller).await;
    assert!(!to.is_open());
    assert_eq!(to.send(1), Err(1));
    sync(actor).await;
}

#[tokio::test]
async fn x4_the_right_to_answer_a_call_that_was_dropped_is_void() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let (keep, mut kept) = mpsc::unbounded_channel::<ReplyTo<u8>>();
    let call = actor.call(act(move |_, ctx| ctx.reply_later(|to| keep.send(to).unwrap())));
    let answer = call.no_timeout().send();
    let to = kept.recv().await.unwrap();
    drop(answer);
    assert!(!to.is_open());
    assert_eq!(to.send(1), Err(1));
}

#[tokio::test]
async fn g10_answers_are_awaited_in_any_order_and_each_is_its_own() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    let mut answers: Vec<_> = (0..100).map(|n| actor.call(act(move |_, _| Ok(n))).send()).collect();
    // What is dropped takes nothing from the others.
    drop(answers.drain(..50));
    for n in (50..100).rev() {
        assert_eq!(answers.pop().unwrap().await.unwrap(), n);
    }
}

#[tokio::test(start_paused = true)]
async fn g10_the_time_for_an_answer_begins_when_the_call_is_sent() {
    let node = Node::new("test");
    let (actor, _heard) = start(&node).await;
    actor.cast(wait_for(pending())).unwrap();
    let outside = actor.call(Say("late")).send();
    let inside = node.task(async move {
        let answer = actor.call(Say("late")).send();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let looked = Instant::now();
        (answer.await, looked.elapsed())
    });
    let (answer, waited) = inside.await.unwrap();
    assert!(matches!(answer, Err(CallError::Timeout { .. })), "{answer:?}");
    assert!(waited < Duration::from_secs(1), "it waited {waited:?} more");
    let looked = Instant::now();
    let answer = outside.await;
    assert!(matches!(answer, Err(CallError::Timeout { .. })), "{answer:?}");
    assert!(looked.elapsed() < Duration::from_secs(1), "it waited {:?} more", looked.elapsed());
}

#[tokio::test(start_paused = true)]
async fn g21_two_that_call_each_other_are_freed_by_their_timeouts() {
    let node = Node::new("test");
    let (a, _a) = start(&node).await;
    let (b, _b) = start(&node).await;
    let begun = Instant::now();
    let inner = with(a, move |_| {
        Box::pin(async move {
            // A waits for B, which waits for A.
            with(b, move |_| Box::pin(a.call(Say("a circle")).into_future())).await
        })
    })
    .await;
    assert!(matches!(inner, Err(CallError::Timeout { .. })), "{inner:?}");
    assert!(begun.elapsed() >= Duration::from_secs(5));
    sync(a).await;
    sync(b).await;
}

#[tokio::test]
async fn g22_a_restart_between_calls_is_not_seen_by_who_calls_by_name() {
    const NAME: Name<Actor> = Name::new("restarted");
    let node = Node::new("test");
    let (part, _heard) = Part::new();
    let tree = node.start(Supervisor::one_for_one("top").child(part.child().name(NAME))).await.unwrap();
    let via = node.via(NAME);
    let first = via.call(act(|_, ctx| Ok(ctx.me()))).await.unwrap();
    first.exit(Exit::Kill);
    node.wait(first).await;
    Supervisor::count_children(&tree).await.unwrap();
    let second = via.call(act(|_, ctx| Ok(ctx.me()))).await.unwrap();
    assert_ne!(first, second);
    // Who holds the pid of the first is told so.
    assert!(matches!(first.call(Say("old")).await, Err(CallError::NoProcess { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g1_a_start_monitor_tells_the_reason_however_soon_the_server_ends() {
    let node = Node::new("test");
    for round in 0..2_000 {
        let (part, _heard) = Part::new();
        let brief = part.init(|ctx| {
            ctx.stop(Exit::other("at once"));
            async { Ok(()) }
        });
        let (_, ended) = node.start_monitor(brief.child()).await.unwrap();
        assert_eq!(ended.await.to_string(), "at once", "round {round}");
    }
}
