use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use serde_json::json;
use throng_pubsub::{Broadcast, BroadcastError, PayloadError, PubSub};
use throng_runtime::Node;

use crate::probe::{Probe, event, sync, within};

#[tokio::test]
async fn p6_1_a_broadcast_reaches_all_subscribers_of_its_topic_and_no_others() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (one, mut one_saw) = Probe::subscribed(&node, &pubsub, "room:1").await;
    let (other, mut other_saw) = Probe::subscribed(&node, &pubsub, "room:1").await;
    let (away, mut away_saw) = Probe::subscribed(&node, &pubsub, "room:2").await;
    pubsub.broadcast("room:1", "said", json!({ "words": "hello" })).unwrap();
    pubsub.broadcast("room", "said", json!({})).unwrap();
    for probe in [one, other, away] {
        sync(probe).await;
    }
    assert_eq!(one_saw.rest(), [event("room:1", "said", r#"{"words":"hello"}"#)]);
    assert_eq!(other_saw.rest(), [event("room:1", "said", r#"{"words":"hello"}"#)]);
    assert_eq!(away_saw.rest(), []);
}

#[tokio::test]
async fn p6_1_the_sender_gets_its_broadcast_too() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (probe, mut saw) = Probe::subscribed(&node, &pubsub, "t").await;
    within(probe, move |_| pubsub.broadcast("t", "e", json!({})).unwrap()).await;
    assert_eq!(saw.next().await, event("t", "e", "{}"));
}

#[tokio::test]
async fn p6_1_broadcast_from_leaves_one_process_out_with_all_its_subscriptions() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (from, mut from_saw) = Probe::subscribed(&node, &pubsub, "t").await;
    let (other, mut other_saw) = Probe::subscribed(&node, &pubsub, "t").await;
    let again = pubsub.clone();
    within(from, move |ctx| again.subscribe(ctx, "t")).await;
    pubsub.broadcast_from(from, "t", "e", json!({})).unwrap();
    pubsub.local_broadcast_from(from, "t", "f", json!({})).unwrap();
    pubsub.local_broadcast("t", "g", json!({})).unwrap();
    sync(from).await;
    sync(other).await;
    assert_eq!(from_saw.rest(), [event("t", "g", "{}"), event("t", "g", "{}")]);
    assert_eq!(other_saw.rest(), [event("t", "e", "{}"), event("t", "f", "{}"), event("t", "g", "{}")]);
}

#[tokio::test]
async fn p6_2_a_delivery_runs_in_the_broadcaster_without_waking_its_process() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (probe, _saw) = Probe::start(&node).await;
    let got = Arc::new(Mutex::new(Vec::new()));
    let (handle, into) = (pubsub.clone(), got.clone());
    let subscription = within(probe, move |ctx| {
        handle.subscribe_with(ctx, "t", move |broadcast| into.lock().push(broadcast.event().to_owned()))
    })
    .await;
    // Nothing is awaited between the broadcast and the look: the process has had no turn.
    pubsub.broadcast("t", "e", json!({})).unwrap();
    assert_eq!(*got.lock(), ["e"]);
    assert_eq!(subscription.topic(), "t");
}

#[tokio::test]
async fn p6_2_a_fan_out_to_ten_thousand_encodes_once_per_serializer() {
    struct Text(String);
    struct Binary(Vec<u8>);
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (probe, _saw) = Probe::start(&node).await;
    let (encoded, delivered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (handle, encodings, deliveries) = (pubsub.clone(), encoded.clone(), delivered.clone());
    let _subscriptions = within(probe, move |ctx| {
        let subscribe = |index: usize| {
            let (encodings, deliveries) = (encodings.clone(), deliveries.clone());
            handle.subscribe_with(ctx, "t", move |broadcast: &Broadcast| {
                let count = || encodings.fetch_add(1, Ordering::Relaxed);
                let length = if index.is_multiple_of(3) {
                    let encode = |b: &Broadcast| (count(), Binary(b.event().as_bytes().to_vec())).1;
                    broadcast.encoded(encode).0.len()
                } else {
                    broadcast.encoded(|b| (count(), Text(b.event().to_owned())).1).0.len()
                };
                deliveries.fetch_add(length, Ordering::Relaxed);
            })
        };
        (0..10_000).map(subscribe).collect::<Vec<_>>()
    })
    .await;
    pubsub.broadcast("t", "e", json!({})).unwrap();
    assert_eq!(delivered.load(Ordering::Relaxed), 10_000);
    assert_eq!(encoded.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn p2_5_what_is_broadcast_is_an_object() {
    let pubsub = PubSub::new();
    for payload in [json!(null), json!([1]), json!("text"), json!(7)] {
        let refused = pubsub.broadcast("t", "e", payload);
        assert!(matches!(refused, Err(BroadcastError::Payload(PayloadError::NotAnObject))));
    }
}

#[tokio::test]
async fn p6_5_a_subscriber_sees_one_broadcaster_in_order() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (_probe, mut saw) = Probe::subscribed(&node, &pubsub, "t").await;
    for n in 0..1_000 {
        pubsub.broadcast("t", "e", json!({ "n": n })).unwrap();
    }
    for n in 0..1_000 {
        assert_eq!(saw.next().await, event("t", "e", &format!(r#"{{"n":{n}}}"#)));
    }
}

#[tokio::test]
async fn p6_6_a_late_subscriber_gets_nothing_of_before() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    pubsub.broadcast("t", "before", json!({})).unwrap();
    let (_probe, mut saw) = Probe::subscribed(&node, &pubsub, "t").await;
    pubsub.broadcast("t", "after", json!({})).unwrap();
    assert_eq!(saw.next().await, event("t", "after", "{}"));
}

#[tokio::test]
async fn a_delivery_that_panics_harms_nobody_else() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (broken, _b) = Probe::start(&node).await;
    let handle = pubsub.clone();
    let _subscription =
        within(broken, move |ctx| handle.subscribe_with(ctx, "t", |_| panic!("as it should"))).await;
    let (_whole, mut saw) = Probe::subscribed(&node, &pubsub, "t").await;
    let (sender, _s) = Probe::start(&node).await;
    within(sender, move |_| pubsub.broadcast("t", "e", json!({})).unwrap()).await;
    assert_eq!(saw.next().await, event("t", "e", "{}"));
    sync(sender).await;
    sync(broken).await;
}

#[tokio::test]
async fn a_delivery_may_broadcast_and_subscribe_in_turn() {
    // No lock is held while it runs, or this test would never end.
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (probe, _p) = Probe::start(&node).await;
    let (_witness, mut saw) = Probe::subscribed(&node, &pubsub, "t").await;
    let handle = pubsub.clone();
    let _subscription = within(probe, move |ctx| {
        let again = handle.clone();
        handle.subscribe_with(ctx, "t", move |broadcast| {
            if broadcast.event() == "ask" {
                again.broadcast("t", "answer", json!({ "subscribers": again.subscribers("t") })).unwrap();
            }
        })
    })
    .await;
    pubsub.broadcast("t", "ask", json!({})).unwrap();
    assert_eq!(saw.next().await, event("t", "ask", "{}"));
    assert_eq!(saw.next().await, event("t", "answer", r#"{"subscribers":2}"#));
}
