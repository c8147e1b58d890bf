use serde_json::json;
use throng_pubsub::{Presence, PubSub};
use throng_runtime::{Address, ChildStatus, Exit, Node, Pid, ProcessId, StartError, Supervisor};

use crate::{
    client::{Client, listed},
    member::{Member, within},
};

#[tokio::test]
async fn a_tracker_that_crashes_loses_no_presence() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::new("lobby", &pubsub);
    let tracker = node.start(&presence).await.unwrap();
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let [before, during, after] =
        [Member::start(&node).await, Member::start(&node).await, Member::start(&node).await];
    let track = |member, key: &'static str| {
        let handle = presence.clone();
        within(member, move |ctx| handle.track(ctx, "t", key, json!({})).unwrap())
    };
    track(before, "before").await;
    client.until(|client| client.keys() == ["before"]).await;

    tracker.exit(Exit::Kill);
    node.wait(tracker).await;
    assert!(presence.list("t").contains_key("before"));
    track(during, "during").await;
    client.until(|client| client.keys() == ["before", "during"]).await;
    before.exit(Exit::Kill);
    client.until(|client| client.keys() == ["during"]).await;

    node.start(&presence).await.unwrap();
    track(after, "after").await;
    client.until(|client| client.keys() == ["after", "during"]).await;
    assert_eq!(client.refs(), listed(&presence, "t"));
}

#[tokio::test]
async fn changes_that_a_tracker_had_not_announced_when_it_died_are_announced() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::new("lobby", &pubsub);
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    for round in 0..500 {
        let tracker = node.start(&presence).await.unwrap();
        let member = Member::start(&node).await;
        let handle = presence.clone();
        // Both are at work when the kill arrives, in every order that the rounds bring about.
        let tracked = within(member, move |ctx| {
            handle.track(ctx, "t", "ann", json!({})).unwrap();
            if round % 2 == 0 {
                tracker.exit(Exit::Kill);
            }
            handle.update(ctx, "t", "ann", json!({ "round": round })).unwrap()
        })
        .await;
        tracker.exit(Exit::Kill);
        node.wait(tracker).await;
        client.catch_up();
        assert_eq!(client.refs(), [tracked].into(), "round {round}");
        member.exit(Exit::Kill);
        node.wait(member).await;
        client.catch_up();
        assert_eq!(client.keys(), Vec::<&str>::new(), "round {round}");
    }
}

#[tokio::test]
async fn without_a_tracker_every_change_is_announced_by_who_makes_it() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::new("lobby", &pubsub);
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let member = Member::start(&node).await;
    within(member, move |ctx| drop(presence.track(ctx, "t", "ann", json!({})))).await;
    client.catch_up();
    assert_eq!(client.keys(), ["ann"]);
}

#[tokio::test]
async fn a_supervised_tracker_comes_back_to_what_was_there() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::new("lobby", &pubsub);
    let tree = node.start(Supervisor::one_for_one("tree").child(&presence)).await.unwrap();
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let member = Member::start(&node).await;
    for key in ["a", "b", "c"] {
        let before = tracker(tree).await;
        let handle = presence.clone();
        within(member, move |ctx| drop(handle.track(ctx, "t", key, json!({})).unwrap())).await;
        node.exit(before, Exit::Kill);
        node.wait(before).await;
        client.until(|client| client.keys().contains(&key)).await;
        assert_ne!(tracker(tree).await, before);
    }
    assert_eq!(client.refs(), listed(&presence, "t"));
}

/// The tracker that runs now.
async fn tracker(tree: Pid<Supervisor>) -> ProcessId {
    let children = Supervisor::which_children(&tree).await.unwrap();
    assert_eq!(children[0].id, "presence lobby");
    let ChildStatus::Running(tracker) = children[0].status else { panic!("{children:?}") };
    tracker
}

#[tokio::test]
async fn one_presence_has_one_tracker() {
    let (node, presence) = (Node::new("test"), Presence::new("lobby", &PubSub::new()));
    let first = node.start(&presence).await.unwrap();
    let second = node.start(&presence).await;
    let Err(StartError::Exited(reason)) = second else { panic!("{second:?}") };
    assert_eq!(reason.to_string(), "error: presence \"lobby\" has a tracker already");
    node.stop(first, Exit::Shutdown, None).await.unwrap();
    node.start(&presence).await.unwrap();
}
