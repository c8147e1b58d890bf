use std::{sync::Arc, time::Duration};

use serde_json::json;
use throng_pubsub::{Owner, Presence, PresenceOptions, PubSub};
use throng_runtime::{Address, Exit, Node, OnExit, ProcessId};

use crate::{
    client::{Client, listed},
    member::{Member, within},
};

/// A presence whose tracker runs.
async fn driven(node: &Node) -> (PubSub, Presence) {
    let pubsub = PubSub::new();
    let presence = Presence::new("lobby", &pubsub);
    node.start(&presence).await.unwrap();
    (pubsub, presence)
}

#[tokio::test]
async fn c12_3_a_join_and_a_leave_are_announced_on_the_topic_itself() {
    let node = Node::new("test");
    let (pubsub, presence) = driven(&node).await;
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let mut elsewhere = Client::follow(&node, &pubsub, &presence, "u").await;
    let member = Member::start(&node).await;
    let handle = presence.clone();
    let phx_ref = within(member, move |ctx| handle.track(ctx, "t", "ann", json!({ "n": 1 })).unwrap()).await;
    let meta = json!({ "n": 1, "phx_ref": phx_ref });
    let joined = json!({ "joins": { "ann": { "metas": [meta] } }, "leaves": {} });
    assert_eq!(client.next().await, joined);
    within(member, move |ctx| presence.untrack(ctx, "t", "ann")).await;
    let left = json!({ "joins": {}, "leaves": { "ann": { "metas": [meta] } } });
    assert_eq!(client.next().await, left);
    elsewhere.catch_up();
    assert_eq!(elsewhere.keys(), Vec::<&str>::new());
}

#[tokio::test]
async fn c12_4_an_update_is_one_diff_with_the_new_meta_joining_and_the_old_one_leaving() {
    let node = Node::new("test");
    let (pubsub, presence) = driven(&node).await;
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let member = Member::start(&node).await;
    let handle = presence.clone();
    let first = within(member, move |ctx| handle.track(ctx, "t", "ann", json!({})).unwrap()).await;
    client.next().await;
    let second =
        within(member, move |ctx| presence.update(ctx, "t", "ann", json!({ "n": 2 })).unwrap()).await;
    let expected = json!({
        "joins": { "ann": { "metas": [{ "n": 2, "phx_ref": second, "phx_ref_prev": first }] } },
        "leaves": { "ann": { "metas": [{ "phx_ref": first }] } },
    });
    assert_eq!(client.next().await, expected);
    assert_eq!(client.metas("ann").len(), 1);
}

#[tokio::test]
async fn c12_4_one_of_two_tabs_that_closes_leaves_the_other() {
    let node = Node::new("test");
    let (pubsub, presence) = driven(&node).await;
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let tabs = [Member::start(&node).await, Member::start(&node).await];
    for tab in tabs {
        let handle = presence.clone();
        within(tab, move |ctx| handle.track(ctx, "t", "ann", json!({})).unwrap()).await;
    }
    client.until(|client| client.metas("ann").len() == 2).await;
    tabs[0].exit(Exit::Kill);
    client.until(|client| client.metas("ann").len() == 1).await;
    assert_eq!(client.refs(), listed(&presence, "t"));
}

#[tokio::test]
async fn a_client_that_lists_at_any_moment_ends_up_with_what_is_there() {
    // A client that lists between a change and its announcement gets it twice, or sees it go before it came. The end must be
    // the same.
    let node = Node::new("test");
    let (pubsub, presence) = driven(&node).await;
    let member = Member::start(&node).await;
    let mut clients = Vec::new();
    for round in 0..50 {
        let (handle, key) = (presence.clone(), format!("key{}", round % 7));
        within(member, move |ctx| match round % 3 {
            0 => drop(handle.track(ctx, "t", key, json!({}))),
            1 => drop(handle.update(ctx, "t", key, json!({ "round": round }))),
            _ => handle.untrack(ctx, "t", key),
        })
        .await;
        clients.push(Client::of(Member::start(&node).await, &pubsub, &presence, "t").await);
    }
    let handle = presence.clone();
    within(member, move |ctx| drop(handle.track(ctx, "t", "last", json!({})))).await;
    for client in &mut clients {
        client.until(|client| client.keys().contains(&"last")).await;
        assert_eq!(client.refs(), listed(&presence, "t"));
    }
}

/// The same process, seen from elsewhere: it outlives what it is used for here.
struct Elsewhere(ProcessId);

impl Owner for Elsewhere {
    fn process(&self) -> ProcessId {
        self.0
    }

    fn on_exit(&self, _: Arc<dyn OnExit>) {}
}

#[tokio::test]
async fn a_change_that_a_delivery_makes_is_announced_as_well() {
    // It is made while another change is announced, so the process that makes it cannot announce it itself.
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::new("lobby", &pubsub);
    let member = Member::start(&node).await;
    let (topics, echo, owner) = (pubsub.clone(), presence.clone(), Elsewhere(member.id()));
    let _subscription = within(member, move |ctx| {
        topics.subscribe_with(ctx, "t", move |broadcast| {
            if broadcast.payload().as_json().contains("ann") {
                echo.track(&owner, "t", "echo", json!({})).unwrap();
            }
        })
    })
    .await;
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let other = Member::start(&node).await;
    within(other, move |ctx| drop(presence.track(ctx, "t", "ann", json!({})).unwrap())).await;
    client.catch_up();
    assert_eq!(client.keys(), ["ann", "echo"]);
}

#[tokio::test]
async fn c18_7_those_who_join_at_once_are_announced_together() {
    let node = Node::new("test");
    let pubsub = PubSub::new();
    let options = PresenceOptions::default().with(|options| options.diff_period = Duration::from_millis(200));
    let presence = Presence::with_options("lobby", &pubsub, options);
    node.start(&presence).await.unwrap();
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let member = Member::start(&node).await;
    let handle = presence.clone();
    within(member, move |ctx| {
        for n in 0..1_000 {
            handle.track(ctx, "t", format!("user{n}"), json!({})).unwrap();
        }
    })
    .await;
    let mut diffs = 0;
    while client.keys().len() < 1_000 {
        client.next().await;
        diffs += 1;
    }
    assert_eq!(diffs, 1, "they joined in one turn of one process");
}
