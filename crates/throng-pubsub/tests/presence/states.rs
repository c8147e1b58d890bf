//! The state that a newcomer is told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use throng_pubsub::{Payload, Presence, PresenceOptions, PubSub, Subscription};
use throng_runtime::{Address, Exit, Node, Pid};
use tokio::sync::mpsc;

use crate::{
    client::listed,
    member::{Member, within},
};

#[derive(Debug, PartialEq)]
enum Told {
    State(Value),
    Diff(Value),
}

impl Told {
    fn keys(&self) -> Vec<&str> {
        let (Told::State(side) | Told::Diff(side)) = self;
        let side = if matches!(self, Told::Diff(_)) { &side["joins"] } else { side };
        side.as_object().unwrap().keys().map(String::as_str).collect()
    }
}

/// A member that subscribes, is tracked, and asks for the state; and what it is told.
async fn joins(
    node: &Node,
    pubsub: &PubSub,
    presence: &Presence,
    key: &'static str,
) -> (Pid<Member>, mpsc::UnboundedReceiver<Told>) {
    let (member, told, subscription) = subscribes(node, pubsub, presence, key).await;
    // It lasts as long as the member.
    std::mem::forget(subscription);
    (member, told)
}

async fn subscribes(
    node: &Node,
    pubsub: &PubSub,
    presence: &Presence,
    key: &'static str,
) -> (Pid<Member>, mpsc::UnboundedReceiver<Told>, Subscription) {
    let member = Member::start(node).await;
    let (tell, told) = mpsc::unbounded_channel();
    let (pubsub, presence) = (pubsub.clone(), presence.clone());
    let subscription = within(member, move |ctx| {
        let diffs = tell.clone();
        let deliver =
            move |diff: &throng_pubsub::Broadcast| drop(diffs.send(Told::Diff(diff.parse().unwrap())));
        let subscription = pubsub.subscribe_with(ctx, "t", deliver);
        presence.track(ctx, "t", key, json!({})).unwrap();
        presence.send_state_to(&subscription, move |state: &Payload| {
            let _ = tell.send(Told::State(state.parse().unwrap()));
        });
        subscription
    })
    .await;
    (member, told, subscription)
}

#[tokio::test]
async fn c12_3_in_a_quiet_time_the_state_is_told_before_track_and_tell_return() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::new("lobby", &pubsub);
    node.start(&presence).await.unwrap();
    let (_, mut told) = joins(&node, &pubsub, &presence, "ann").await;
    let first = told.try_recv().unwrap();
    assert!(matches!(first, Told::State(_)) && first.keys() == ["ann"], "it shows oneself: {first:?}");
    let own = told.recv().await.unwrap();
    assert!(matches!(own, Told::Diff(_)) && own.keys() == ["ann"], "one's own coming is announced: {own:?}");
}

#[tokio::test(start_paused = true)]
async fn c12_3_in_a_busy_time_the_state_is_told_with_the_next_announcement_and_spares_its_diff() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::new("lobby", &pubsub);
    node.start(&presence).await.unwrap();
    let (_, mut ann) = joins(&node, &pubsub, &presence, "ann").await;
    assert!(matches!(ann.recv().await.unwrap(), Told::State(_)));
    assert!(matches!(ann.recv().await.unwrap(), Told::Diff(_)));
    let (_, mut bob) = joins(&node, &pubsub, &presence, "bob").await;
    let (cid_member, mut cid) = joins(&node, &pubsub, &presence, "cid").await;
    assert!(bob.try_recv().is_err() && cid.try_recv().is_err(), "the topic rests");
    assert_eq!(ann.recv().await.unwrap().keys(), ["bob", "cid"], "one diff");
    for newcomer in [&mut bob, &mut cid] {
        let state = newcomer.recv().await.unwrap();
        assert!(matches!(state, Told::State(_)) && state.keys() == ["ann", "bob", "cid"], "{state:?}");
    }
    within(cid_member, move |ctx| drop(presence.update(ctx, "t", "cid", json!({ "n": 1 })).unwrap())).await;
    for there in [&mut ann, &mut bob, &mut cid] {
        let diff = there.recv().await.unwrap();
        assert!(matches!(diff, Told::Diff(_)) && diff.keys() == ["cid"], "what follows is a diff: {diff:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_that_was_told_a_diff_before_is_told_the_next_one_too() {
    // phoenix.js keeps diffs back until the state comes. One that has the coming of somebody, without the one that has their
    // going, would bring them back.
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::new("lobby", &pubsub);
    node.start(&presence).await.unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    let (member, goes) = (Member::start(&node).await, Member::start(&node).await);
    let topics = pubsub.clone();
    let diffs = tell.clone();
    let subscription = within(member, move |ctx| {
        topics.subscribe_with(ctx, "t", move |diff| drop(diffs.send(Told::Diff(diff.parse().unwrap()))))
    })
    .await;
    let handle = presence.clone();
    within(goes, move |ctx| drop(handle.track(ctx, "t", "goes", json!({})).unwrap())).await;
    assert_eq!(told.recv().await.unwrap().keys(), ["goes"]);
    goes.exit(Exit::Kill);
    node.wait(goes).await;
    presence.send_state_to(&subscription, move |state| drop(tell.send(Told::State(state.parse().unwrap()))));
    let Told::Diff(diff) = told.recv().await.unwrap() else { panic!("the state came first") };
    assert!(diff["leaves"]["goes"].is_object());
    assert_eq!(told.recv().await.unwrap(), Told::State(json!({})));
}

#[tokio::test(start_paused = true)]
async fn whoever_left_before_the_state_came_is_told_nothing() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::new("lobby", &pubsub);
    node.start(&presence).await.unwrap();
    let (_, mut ann) = joins(&node, &pubsub, &presence, "ann").await;
    ann.recv().await.unwrap();
    ann.recv().await.unwrap();
    let (bob, mut told, subscription) = subscribes(&node, &pubsub, &presence, "bob").await;
    bob.exit(Exit::Kill);
    node.wait(bob).await;
    let Told::Diff(diff) = ann.recv().await.unwrap() else { panic!() };
    assert!(diff["joins"]["bob"].is_object() && diff["leaves"]["bob"].is_object());
    drop(subscription);
    assert!(told.recv().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn c12_3_every_newcomer_is_told_the_state_once_however_trackers_crash() {
    const MEMBERS: usize = 8;
    const ROUNDS: usize = 200;
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let options = PresenceOptions::default().with(|options| options.diff_period = Duration::from_millis(1));
    let presence = Presence::with_options("lobby", &pubsub, options);
    let members = (0..MEMBERS).map(|_| {
        let (node, pubsub, presence) = (node.clone(), pubsub.clone(), presence.clone());
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let (member, mut told, subscription) = subscribes(&node, &pubsub, &presence, "ann").await;
                let states = async { while !matches!(told.recv().await.unwrap(), Told::State(_)) {} };
                // A guard against waiting for ever, far above what anything takes.
                tokio::time::timeout(Duration::from_secs(60), states).await.expect("no state came");
                member.exit(Exit::Kill);
                node.wait(member).await;
                drop(subscription);
                while let Some(told) = told.recv().await {
                    assert!(matches!(told, Told::Diff(_)), "a second state in round {round}");
                }
            }
        })
    });
    let members: Vec<_> = members.collect();
    while !members.iter().all(|member| member.is_finished()) {
        let tracker = node.start(&presence).await.unwrap();
        tokio::time::sleep(Duration::from_micros(300)).await;
        tracker.exit(Exit::Kill);
        node.wait(tracker).await;
    }
    for member in members {
        member.await.unwrap();
    }
    assert!(listed(&presence, "t").is_empty());
}

#[tokio::test]
async fn those_who_are_told_of_one_version_share_one_text() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::new("lobby", &pubsub);
    let member = Member::start(&node).await;
    let handle = presence.clone();
    within(member, move |ctx| drop(handle.track(ctx, "t", "ann", json!({})).unwrap())).await;
    let place = || {
        let found = Arc::new(AtomicUsize::new(0));
        let find = found.clone();
        presence
            .send_state("t", move |state| find.store(state.as_json().as_ptr() as usize, Ordering::SeqCst));
        found.load(Ordering::SeqCst)
    };
    let first = place();
    assert!(first != 0 && first == place());
}

#[tokio::test]
async fn an_empty_topic_has_an_empty_state() {
    let presence = Presence::new("lobby", &PubSub::new());
    let (tell, mut told) = mpsc::unbounded_channel();
    presence.send_state("t", move |state| drop(tell.send(state.as_json().to_owned())));
    assert_eq!(told.try_recv().unwrap(), "{}");
}
