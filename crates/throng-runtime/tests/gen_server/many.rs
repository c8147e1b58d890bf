use std::time::Duration;

use throng_runtime::{Address, CallError, Exit, Name, Node, Pid, Via, abcast, multi_call, multi_call_within};

use crate::actor::{Actor, Part, Say, hear, start, sync, wait_for};

const HELD: Name<Actor> = Name::new("held");
const FREE: Name<Actor> = Name::new("free");

#[tokio::test(start_paused = true)]
async fn g12_a_multi_call_says_who_answered_and_who_did_not() {
    let node = Node::new("test");
    let (part, _h) = Part::new();
    node.start(part.child().name(HELD)).await.unwrap();
    let vias: [Via<Actor>; 2] = [node.via(HELD), node.via(FREE)];
    let all = multi_call(&vias, Say("hello")).await;
    assert_eq!(all.replies.iter().map(|(target, ())| target.to_string()).collect::<Vec<_>>(), ["held"]);
    assert!(matches!(&all.failed[..], [CallError::NoProcess { target }] if target.to_string() == "free"));

    let (prompt, mut heard) = start(&node).await;
    let (late, mut late_heard) = start(&node).await;
    let (dead, _d) = start(&node).await;
    dead.exit(Exit::Kill);
    node.wait(dead).await;
    late.cast(wait_for(tokio::time::sleep(Duration::from_secs(1)))).unwrap();
    let some = multi_call_within(&[late, prompt, dead], Say("hello"), Duration::from_millis(100)).await;
    assert_eq!(some.replies, [(prompt.target(), ())]);
    assert!(matches!(&some.failed[..], [CallError::Timeout { .. }, CallError::NoProcess { .. }]), "{some:?}");
    assert_eq!(hear(&mut heard).await, "hello");
    // The late one handles it all the same; its reply reaches nobody.
    assert_eq!(hear(&mut late_heard).await, "awaited");
    assert_eq!(hear(&mut late_heard).await, "hello");
}

#[tokio::test(start_paused = true)]
async fn g12_a_multi_call_takes_no_longer_than_the_slowest() {
    let node = Node::new("test");
    let mut actors = Vec::new();
    for _ in 0..20 {
        let (actor, _heard) = start(&node).await;
        actor.cast(wait_for(tokio::time::sleep(Duration::from_secs(1)))).unwrap();
        actors.push(actor);
    }
    let begun = tokio::time::Instant::now();
    assert_eq!(multi_call(&actors, Say("hello")).await.replies.len(), 20);
    assert!(begun.elapsed() < Duration::from_secs(2), "one after the other: {:?}", begun.elapsed());
}

#[tokio::test]
async fn g12_an_abcast_is_silent_about_those_who_miss_it() {
    let node = Node::new("test");
    let (part, mut heard) = Part::new();
    let actor = node.start(part.child().name(HELD)).await.unwrap();
    abcast(&[node.via(FREE), node.via(HELD)], Say("hello"));
    sync(actor).await;
    assert_eq!(hear(&mut heard).await, "init");
    assert_eq!(hear(&mut heard).await, "hello");
    let nobody: [Pid<Actor>; 0] = [];
    abcast(&nobody, Say("hello"));
}
