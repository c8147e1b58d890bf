use serde_json::json;
use throng_pubsub::PubSub;
use throng_runtime::{Address, Exit, Node};

use crate::probe::{Probe, Saw, end, event, sync, within};

#[tokio::test]
async fn p6_7_a_process_that_subscribes_twice_gets_everything_twice() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (probe, mut saw) = Probe::subscribed(&node, &pubsub, "t").await;
    let handle = pubsub.clone();
    within(probe, move |ctx| handle.subscribe(ctx, "t")).await;
    pubsub.broadcast("t", "e", json!({})).unwrap();
    sync(probe).await;
    assert_eq!(saw.rest(), [event("t", "e", "{}"), event("t", "e", "{}")]);
}

#[tokio::test]
async fn p6_7_unsubscribe_drops_all_duplicates_of_that_process_on_that_topic() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (probe, mut saw) = Probe::subscribed(&node, &pubsub, "t").await;
    let (_other, mut other_saw) = Probe::subscribed(&node, &pubsub, "t").await;
    let handle = pubsub.clone();
    within(probe, move |ctx| {
        handle.subscribe(ctx, "t");
        handle.subscribe(ctx, "tt");
        handle.subscribe(ctx, "");
        handle.unsubscribe(ctx, "t");
        handle.unsubscribe(ctx, "never");
    })
    .await;
    for topic in ["t", "tt", ""] {
        pubsub.broadcast(topic, "e", json!({})).unwrap();
    }
    sync(probe).await;
    assert_eq!(saw.rest(), [event("tt", "e", "{}"), event("", "e", "{}")]);
    assert_eq!(other_saw.next().await, event("t", "e", "{}"));
    assert_eq!((pubsub.subscribers("t"), pubsub.subscribers("tt")), (1, 1));
}

#[tokio::test]
async fn a_subscription_ends_when_it_is_dropped_or_ended() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (probe, _saw) = Probe::start(&node).await;
    let handle = pubsub.clone();
    let (one, other) = within(probe, move |ctx| {
        (handle.subscribe_with(ctx, "t", |_| ()), handle.subscribe_with(ctx, "t", |_| ()))
    })
    .await;
    assert_eq!(pubsub.subscribers("t"), 2);
    one.end();
    one.end();
    assert_eq!(pubsub.subscribers("t"), 1);
    drop(one);
    assert_eq!(pubsub.subscribers("t"), 1);
    drop(other);
    assert_eq!(pubsub.subscribers("t"), 0);
}

#[tokio::test]
async fn a_subscription_ends_with_its_process_also_when_it_is_held_elsewhere() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (probe, _saw) = Probe::start(&node).await;
    let handle = pubsub.clone();
    let held = within(probe, move |ctx| handle.subscribe_with(ctx, "t", |_| ())).await;
    probe.exit(Exit::Kill);
    node.wait(probe).await;
    assert_eq!(pubsub.subscribers("t"), 0);
    drop(held);
}

#[tokio::test]
async fn subscriptions_end_before_anybody_sees_their_process_down() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (watcher, mut saw) = Probe::start(&node).await;
    for topic in ["a", "b", "c"] {
        let (probe, _p) = Probe::subscribed(&node, &pubsub, topic).await;
        within(watcher, move |ctx| ctx.monitor(probe)).await;
        probe.exit(Exit::Kill);
        assert_eq!(saw.next().await, Saw::Down(probe.id()));
        assert_eq!(pubsub.subscribers(topic), 0);
    }
}

#[tokio::test]
async fn a_process_that_ends_takes_all_its_subscriptions_along_and_no_others() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let topics: Vec<String> = (0..500).map(|n| format!("topic:{n}")).collect();
    let (goes, _g) = Probe::start(&node).await;
    let (stays, _s) = Probe::start(&node).await;
    for probe in [goes, stays] {
        let (handle, topics) = (pubsub.clone(), topics.clone());
        within(probe, move |ctx| topics.iter().for_each(|topic| handle.subscribe(ctx, topic.as_str()))).await;
    }
    end(&node, goes).await;
    assert!(topics.iter().all(|topic| pubsub.subscribers(topic) == 1));
    end(&node, stays).await;
    assert!(topics.iter().all(|topic| pubsub.subscribers(topic) == 0));
}
