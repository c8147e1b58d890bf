use std::sync::Weak;

use bytes::Bytes;
use serde_json::json;
use throng_pubsub::{BroadcastError, Network, PubSub, Receiver, Transport, TransportError, WireError};
use throng_runtime::Node;

use crate::probe::{Probe, event, sync};

#[tokio::test]
async fn p6_1_a_broadcast_reaches_the_subscribers_of_all_nodes_once() {
    let (node, network) = (Node::new("test"), Network::new());
    let pubsubs = ["a", "b", "c"].map(|name| PubSub::over(network.join(name)));
    let mut probes = Vec::new();
    for pubsub in &pubsubs {
        probes.push(Probe::subscribed(&node, pubsub, "t").await);
    }
    pubsubs[0].broadcast("t", "all", json!({ "n": 1 })).unwrap();
    pubsubs[1].local_broadcast("t", "here", json!({})).unwrap();
    pubsubs[1].broadcast_from(probes[1].0, "t", "others", json!({})).unwrap();
    let (all, here, others) =
        (event("t", "all", r#"{"n":1}"#), event("t", "here", "{}"), event("t", "others", "{}"));
    for ((probe, saw), expected) in
        probes.iter_mut().zip([vec![all.clone(), others.clone()], vec![all.clone(), here], vec![all, others]])
    {
        sync(*probe).await;
        assert_eq!(saw.rest(), expected);
    }
}

#[tokio::test]
async fn c13_1_a_direct_broadcast_reaches_one_node() {
    let (node, network) = (Node::new("test"), Network::new());
    let [a, b, c] = ["a", "b", "c"].map(|name| PubSub::over(network.join(name)));
    let (at_a, mut a_saw) = Probe::subscribed(&node, &a, "t").await;
    let (_at_b, mut b_saw) = Probe::subscribed(&node, &b, "t").await;
    let (at_c, mut c_saw) = Probe::subscribed(&node, &c, "t").await;
    a.direct_broadcast("b", "t", "e", json!({})).unwrap();
    assert_eq!(b_saw.next().await, event("t", "e", "{}"));
    a.direct_broadcast("a", "t", "own", json!({})).unwrap();
    assert_eq!(a_saw.next().await, event("t", "own", "{}"));
    sync(at_a).await;
    sync(at_c).await;
    assert_eq!((a_saw.rest(), c_saw.rest()), (vec![], vec![]));
    let unknown = a.direct_broadcast("d", "t", "e", json!({}));
    assert!(
        matches!(unknown, Err(BroadcastError::Transport(TransportError::UnknownNode(name))) if name == "d")
    );
}

#[tokio::test]
async fn c13_1_a_local_broadcast_may_leave_out_a_process_and_reaches_no_other_node() {
    let (node, network) = (Node::new("test"), Network::new());
    let [a, b] = ["a", "b"].map(|name| PubSub::over(network.join(name)));
    let (speaker, mut speaker_saw) = Probe::subscribed(&node, &a, "t").await;
    let (_other, mut other_saw) = Probe::subscribed(&node, &a, "t").await;
    let (elsewhere, mut elsewhere_saw) = Probe::subscribed(&node, &b, "t").await;
    a.local_broadcast_from(speaker, "t", "e", json!({})).unwrap();
    assert_eq!(other_saw.next().await, event("t", "e", "{}"));
    sync(speaker).await;
    sync(elsewhere).await;
    assert_eq!((speaker_saw.rest(), elsewhere_saw.rest()), (vec![], vec![]));
}

#[tokio::test]
async fn c13_5_a_broadcast_that_a_node_cannot_hear_succeeds_and_is_not_sent_again() {
    let (node, network) = (Node::new("test"), Network::new());
    let [a, b] = ["a", "b"].map(|name| PubSub::over(network.join(name)));
    let (_probe, mut saw) = Probe::subscribed(&node, &b, "t").await;
    network.split(&["a"], &["b"]);
    a.broadcast("t", "lost", json!({})).unwrap();
    network.heal();
    a.broadcast("t", "heard", json!({})).unwrap();
    assert_eq!(saw.next().await, event("t", "heard", "{}"));
    network.unplug("a");
    let closed = a.broadcast("t", "closed", json!({}));
    assert!(matches!(closed, Err(BroadcastError::Transport(TransportError::Closed))));
}

#[tokio::test]
async fn c13_1_a_node_without_a_transport_knows_itself_alone() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let (_probe, mut saw) = Probe::subscribed(&node, &pubsub, "t").await;
    assert_eq!(pubsub.node_name(), "local");
    pubsub.direct_broadcast("local", "t", "e", json!({})).unwrap();
    assert_eq!(saw.next().await, event("t", "e", "{}"));
    assert!(pubsub.direct_broadcast("elsewhere", "t", "e", json!({})).is_err());
}

#[tokio::test]
async fn c13_2_when_the_transport_fails_nobody_gets_it() {
    let (node, network) = (Node::new("test"), Network::new());
    let pubsub = PubSub::over(network.join("a"));
    let (probe, mut saw) = Probe::subscribed(&node, &pubsub, "t").await;
    network.unplug("a");
    let failed = pubsub.broadcast("t", "e", json!({}));
    assert!(matches!(failed, Err(BroadcastError::Transport(TransportError::Closed))));
    pubsub.local_broadcast("t", "here", json!({})).unwrap();
    sync(probe).await;
    assert_eq!(saw.rest(), [event("t", "here", "{}")]);
}

#[tokio::test]
async fn c13_2_what_is_too_large_for_other_nodes_reaches_nobody() {
    let (node, network) = (Node::new("test"), Network::new());
    let pubsub = PubSub::over(network.join("a"));
    let topic = &*"t".repeat(2_000).leak();
    let (probe, mut saw) = Probe::subscribed(&node, &pubsub, topic).await;
    let refused = pubsub.broadcast(topic, "e", json!({}));
    assert!(matches!(refused, Err(BroadcastError::Wire(WireError::NameTooLong { .. }))));
    sync(probe).await;
    assert_eq!(saw.rest(), []);
}

#[tokio::test]
async fn p6_6_what_is_sent_over_a_cut_link_is_lost_and_not_sent_again() {
    let (node, network) = (Node::new("test"), Network::new());
    let [a, b, c] = ["a", "b", "c"].map(|name| PubSub::over(network.join(name)));
    let (_at_b, mut b_saw) = Probe::subscribed(&node, &b, "t").await;
    let (_at_c, mut c_saw) = Probe::subscribed(&node, &c, "t").await;
    network.split(&["a", "c"], &["b"]);
    a.broadcast("t", "during", json!({})).unwrap();
    a.direct_broadcast("b", "t", "during", json!({})).unwrap();
    b.broadcast("t", "own", json!({})).unwrap();
    network.heal();
    a.broadcast("t", "after", json!({})).unwrap();
    assert_eq!(
        [b_saw.next().await, b_saw.next().await],
        [event("t", "own", "{}"), event("t", "after", "{}")]
    );
    assert_eq!(
        [c_saw.next().await, c_saw.next().await],
        [event("t", "during", "{}"), event("t", "after", "{}")]
    );
}

#[tokio::test]
async fn a_node_that_joins_again_takes_the_place_of_the_earlier_one() {
    let (node, network) = (Node::new("test"), Network::new());
    let other = PubSub::over(network.join("b"));
    let before = PubSub::over(network.join("a"));
    let after = PubSub::over(network.join("a"));
    let (old, mut old_saw) = Probe::subscribed(&node, &before, "t").await;
    let (_new, mut new_saw) = Probe::subscribed(&node, &after, "t").await;
    other.broadcast("t", "e", json!({})).unwrap();
    assert_eq!(new_saw.next().await, event("t", "e", "{}"));
    sync(old).await;
    assert_eq!(old_saw.rest(), []);
    assert!(before.broadcast("t", "e", json!({})).is_err());
}

#[tokio::test]
async fn garbage_from_another_node_is_refused_and_does_no_harm() {
    let (node, network) = (Node::new("test"), Network::new());
    let (evil, good) = (network.join("evil"), network.join("good"));
    let pubsub = PubSub::over(network.join("a"));
    let (_probe, mut saw) = Probe::subscribed(&node, &pubsub, "t").await;
    for garbage in [&b""[..], b"\xff", b"\x01", b"\x01{\"broadcast\":{\"topic\":\"t\"", b"\x01[[[["] {
        evil.broadcast(Bytes::from_static(garbage)).unwrap();
    }
    PubSub::over(good).broadcast("t", "e", json!({})).unwrap();
    assert_eq!(saw.next().await, event("t", "e", "{}"));
}

#[test]
fn a_receiver_that_is_gone_is_not_handed_anything() {
    struct Never;
    impl Receiver for Never {
        fn receive(&self, _: &str, _: &[u8]) {
            panic!("it is gone");
        }
    }
    let network = Network::new();
    network.join("a").attach(Weak::<Never>::new());
    network.join("b").broadcast(Bytes::new()).unwrap();
}
