//! §18.6: what is recorded, in which order, and for how long.

use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::json;
use throng_pubsub::{
    Broadcast, History, HistoryOptions, Network, OtherProcess, Payload, Position, PubSub, Since,
    Subscription, Topic,
};
use throng_runtime::{Message, Node};

use crate::probe::{Probe, within};

fn recorded() -> (PubSub, History) {
    let options = HistoryOptions::default().with(|options| {
        options.messages_max = usize::MAX;
        options.bytes_max = usize::MAX;
    });
    let history = History::builder().topics("room:*", options).build();
    (PubSub::new().with_history(&history), history)
}

/// A process that lasts as long as the test.
fn owner(node: &Node) -> OtherProcess {
    OtherProcess::new(node, node.spawn(async |_| std::future::pending::<()>().await))
}

fn offset(broadcast: &Broadcast) -> u64 {
    broadcast.position().unwrap().offset
}

/// A subscription, and what it was handed.
fn listen(
    pubsub: &PubSub,
    owner: &OtherProcess,
    topic: &'static str,
) -> (Subscription, mpsc::Receiver<Broadcast>) {
    let (heard, hears) = mpsc::channel();
    (pubsub.subscribe_with(owner, topic, move |broadcast| drop(heard.send(broadcast.clone()))), hears)
}

#[tokio::test]
async fn c18_6_every_subscriber_gets_what_is_recorded_in_the_order_of_its_offsets() {
    let ((pubsub, history), node) = (recorded(), Node::new("test"));
    let owner = owner(&node);
    let listeners: Vec<_> = (0..3).map(|_| listen(&pubsub, &owner, "room:1")).collect();
    thread::scope(|scope| {
        for speaker in 0..4 {
            let pubsub = &pubsub;
            scope.spawn(move || {
                (0..2_000).for_each(|n| {
                    pubsub.broadcast("room:1", "said", json!({ "by": speaker, "n": n })).unwrap()
                });
            });
        }
    });
    let kept = history.read("room:1", Since::Start).messages;
    for (_subscription, hears) in listeners {
        let heard: Vec<_> = hears.try_iter().collect();
        assert_eq!(heard.iter().map(offset).collect::<Vec<_>>(), (1..=8_000).collect::<Vec<_>>());
        let payloads =
            |messages: &[Broadcast]| messages.iter().map(|m| m.payload().clone()).collect::<Vec<_>>();
        assert!(payloads(&heard) == payloads(&kept), "it was recorded in another order");
    }
}

#[tokio::test]
async fn c18_6_reading_and_subscribing_are_one_step() {
    let ((pubsub, _), node) = (recorded(), Node::new("test"));
    let owner = owner(&node);
    let speaks = pubsub.clone();
    let speaker = thread::spawn(move || {
        (0..30_000).for_each(|n| speaks.broadcast("room:1", "said", json!({ "n": n })).unwrap());
    });
    for _ in 0..2_000 {
        let (heard, hears) = mpsc::channel();
        let deliver = move |broadcast: &Broadcast| heard.send(offset(broadcast)).unwrap_or_default();
        let (subscription, missed) = pubsub.subscribe_since(&owner, "room:1", Some(Since::Start), deliver);
        let missed = missed.unwrap();
        assert_eq!(missed.messages.len() as u64, missed.position.offset);
        drop(subscription);
        for (expected, heard) in (missed.position.offset + 1..).zip(hears.try_iter()) {
            assert_eq!(heard, expected);
        }
        if missed.messages.len() > 5_000 {
            break;
        }
    }
    speaker.join().unwrap();
}

/// A delivery that broadcasts itself would wait for its own turn, or for that of another which waits for its.
#[tokio::test]
async fn c18_6_what_a_delivery_says_is_said_right_after_what_is_delivered() {
    let ((pubsub, _), node) = (recorded(), Node::new("test"));
    let owner = owner(&node);
    let (order, heard) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let (echoes, echoed) = (pubsub.clone(), order.clone());
    let _echo = pubsub.subscribe_with(&owner, "room:1", move |broadcast| {
        echoed.lock().unwrap().push(offset(broadcast));
        if broadcast.event() == "said" {
            echoes.broadcast("room:1", "echo", json!({})).unwrap();
            echoes.broadcast("room:2", "echo", json!({})).unwrap();
        }
    });
    let other = heard.clone();
    let _other = pubsub
        .subscribe_with(&owner, "room:1", move |broadcast| other.lock().unwrap().push(offset(broadcast)));
    pubsub.broadcast("room:1", "said", json!({})).unwrap();
    assert_eq!((&*order.lock().unwrap(), &*heard.lock().unwrap()), (&vec![1, 2], &vec![1, 2]));
    assert_eq!(pubsub.history().unwrap().position("room:2").unwrap().offset, 1);
}

#[tokio::test]
async fn c18_6_deliveries_that_speak_to_each_others_topics_do_not_wait_for_each_other() {
    let ((pubsub, history), node) = (recorded(), Node::new("test"));
    let owner = owner(&node);
    let _across: Vec<_> = [("room:1", "room:2"), ("room:2", "room:1")]
        .map(|(from, to)| {
            let speaks = pubsub.clone();
            pubsub.subscribe_with(&owner, from, move |broadcast| {
                if broadcast.event() == "said" {
                    speaks.broadcast(to, "passed on", json!({})).unwrap();
                }
            })
        })
        .into();
    thread::scope(|scope| {
        for topic in ["room:1", "room:2"] {
            let pubsub = &pubsub;
            scope.spawn(move || (0..3_000).for_each(|_| pubsub.broadcast(topic, "said", json!({})).unwrap()));
        }
    });
    for topic in ["room:1", "room:2"] {
        assert_eq!(history.position(topic).unwrap().offset, 6_000);
    }
}

#[tokio::test]
async fn c18_6_only_what_is_to_be_kept_has_a_place() {
    let options = HistoryOptions::default().transient(["typing"]);
    let history = History::builder().topics("room:*", options).build();
    let (pubsub, node) = (PubSub::new().with_history(&history), Node::new("test"));
    let owner = owner(&node);
    let (_room, hears) = listen(&pubsub, &owner, "room:1");
    let (_news, hears_news) = listen(&pubsub, &owner, "news");
    pubsub.broadcast("room:1", "typing", json!({})).unwrap();
    pubsub.broadcast("room:1", "presence_diff", json!({})).unwrap();
    pubsub.broadcast("room:1", "picture", Payload::bytes(&b"\x01"[..])).unwrap();
    pubsub.broadcast("news", "said", json!({})).unwrap();
    assert!(hears.try_iter().chain(hears_news.try_iter()).all(|broadcast| broadcast.position().is_none()));
    assert_eq!(history.topics(), 0);
    let (_, missed) = pubsub.subscribe_since(&owner, "news", Some(Since::Start), |_| ());
    assert!(missed.is_none(), "the topic has no history");
    pubsub.local_broadcast("room:1", "said", json!({ "a": 1 })).unwrap();
    let said = hears.recv().unwrap();
    let position = said.position().unwrap();
    assert_eq!(
        (position.offset, said.payload().as_json()),
        (1, r#"{"a":1}"#),
        "the payload is as it was sent"
    );
    assert_eq!(said.client_payload().as_json(), format!(r#"{{"a":1,"_since":"{position}"}}"#));
}

/// It would not deserialize with a field that it does not know.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Price {
    cents: u64,
}

impl Message for Price {
    type Reply = ();
}

#[tokio::test]
async fn c18_6_what_has_a_type_keeps_it() {
    let ((pubsub, history), node) = (recorded(), Node::new("test"));
    let owner = owner(&node);
    let (_subscription, hears) = listen(&pubsub, &owner, "room:prices");
    pubsub.publish(&Topic::new("room:prices", "changed"), Price { cents: 7 }).unwrap();
    assert_eq!(hears.recv().unwrap().parse::<Price>().unwrap(), Price { cents: 7 });
    assert_eq!(history.position("room:prices").unwrap().offset, 1);
}

#[tokio::test]
async fn c18_6_every_node_has_a_history_of_its_own() {
    let (network, node) = (Network::new(), Node::new("test"));
    let histories = ["a", "b"].map(|_| History::builder().topics("t", HistoryOptions::default()).build());
    let [a, b] = ["a", "b"].map(|name| PubSub::over(network.join(name)));
    let (a, _b) = (a.with_history(&histories[0]), b.with_history(&histories[1]));
    let (probe, _saw) = Probe::start(&node).await;
    within(probe, |_| ()).await;
    a.broadcast("t", "said", json!({})).unwrap();
    let [at_a, at_b]: [Position; 2] = [0, 1].map(|n| histories[n].position("t").unwrap());
    assert_eq!((at_a.offset, at_b.offset), (1, 1));
    assert_ne!(at_a.epoch, at_b.epoch);
    assert!(histories[1].read("t", Since::Position(at_a)).gap, "another node's place");
}

#[tokio::test(start_paused = true)]
async fn c18_6_topics_that_nobody_uses_give_their_memory_back() {
    let options = HistoryOptions::default().with(|options| options.age_max = Duration::from_millis(1));
    let history = History::builder().topics("room:*", options).build();
    let (pubsub, node) = (PubSub::new().with_history(&history), Node::new("test"));
    node.start(&history).await.unwrap();
    let owner = owner(&node);
    let subscription = pubsub.subscribe_with(&owner, "room:used", |_| ());
    for n in 0..1_000 {
        pubsub.broadcast(format!("room:{n}"), "said", json!({})).unwrap();
    }
    pubsub.broadcast("room:used", "said", json!({})).unwrap();
    let used = history.position("room:used");
    assert_eq!(history.topics(), 1_001);
    // The history's own clock is the system's.
    thread::sleep(Duration::from_millis(2));
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(
        (history.topics(), history.position("room:used")),
        (1, used),
        "somebody is there, and keeps the place"
    );
    drop(subscription);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!((history.topics(), history.bytes()), (0, 0));
}
