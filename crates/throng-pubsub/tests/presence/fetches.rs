//! What is shown beside the metas (§12.5).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use throng_pubsub::{
    Extras, FetchError, PayloadError, Presence, PresenceBuilder, PresenceOptions, Presences, PubSub,
};
use throng_runtime::{Address, Exit, Node};
use tokio::sync::Semaphore;

use crate::{
    client::{Client, listed},
    member::{Member, within},
};

fn names(presences: &Presences) -> Result<Extras, PayloadError> {
    let mut extras = Extras::new();
    for key in presences.keys() {
        extras.insert(key, json!({ "user": { "name": format!("User {key}") }, "metas": "not these" }))?;
    }
    Ok(extras)
}

/// A presence that fetches, whose tracker runs.
async fn driven(node: &Node, build: impl FnOnce(PresenceBuilder) -> PresenceBuilder) -> (PubSub, Presence) {
    let pubsub = PubSub::new();
    let presence = build(Presence::builder("lobby", &pubsub)).build();
    node.start(&presence).await.unwrap();
    (pubsub, presence)
}

#[tokio::test]
async fn c12_5_what_is_fetched_stands_beside_the_metas_in_lists_states_and_diffs() {
    let node = Node::new("test");
    let (pubsub, presence) =
        driven(&node, |builder| builder.fetch(async |_, presences| names(&presences))).await;
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let member = Member::start(&node).await;
    let handle = presence.clone();
    let phx_ref = within(member, move |ctx| handle.track(ctx, "t", "ann", json!({})).unwrap()).await;
    let entry = json!({ "metas": [{ "phx_ref": phx_ref }], "user": { "name": "User ann" } });
    assert_eq!(client.next().await, json!({ "joins": { "ann": entry }, "leaves": {} }));
    let (tell, told) = tokio::sync::oneshot::channel();
    presence.send_state("t", move |state| drop(tell.send(state.parse::<Value>().unwrap())));
    assert_eq!(told.await.unwrap(), json!({ "ann": entry }));
    let list = presence.fetch_list("t").await.unwrap();
    assert_eq!(serde_json::to_value(&list).unwrap(), json!({ "ann": entry }));
    assert_eq!(list.extras("ann").unwrap()["user"]["name"], "User ann");
    let one = presence.fetch_by_key("t", "ann").await.unwrap();
    assert_eq!(serde_json::to_value(one.get("ann")).unwrap(), entry);
    assert!(presence.fetch_by_key("t", "bob").await.unwrap().is_empty());
    assert_eq!(presence.list("t").extras("ann"), None, "a list as it is waits for nobody");
    member.exit(Exit::Kill);
    assert_eq!(client.next().await, json!({ "joins": {}, "leaves": { "ann": entry } }));
}

#[tokio::test]
async fn c12_5_it_is_called_once_for_each_side_of_a_diff_and_once_for_a_list() {
    let node = Node::new("test");
    let calls = Arc::new(Mutex::new(Vec::new()));
    let log = calls.clone();
    let (pubsub, presence) = driven(&node, |builder| {
        builder.fetch(move |topic, presences: Presences| {
            log.lock().push((topic.to_string(), presences.keys().map(str::to_owned).collect::<Vec<_>>()));
            async { Ok::<_, PayloadError>(Extras::new()) }
        })
    })
    .await;
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let member = Member::start(&node).await;
    let handle = presence.clone();
    within(member, move |ctx| {
        for key in ["ann", "bob"] {
            handle.track(ctx, "t", key, json!({})).unwrap();
        }
    })
    .await;
    client.until(|client| client.keys().len() == 2).await;
    let none = || ("t".to_owned(), vec![]);
    let both = || ("t".to_owned(), vec!["ann".to_owned(), "bob".to_owned()]);
    assert_eq!(*calls.lock(), [both(), none()], "also for the side that is empty");
    presence.fetch_list("t").await.unwrap();
    presence.fetch_list("u").await.unwrap();
    assert_eq!(calls.lock()[2..], [both(), ("u".to_owned(), vec![])]);
}

#[tokio::test]
async fn c12_5_a_slow_fetch_holds_up_neither_other_topics_nor_readers_and_keeps_the_order() {
    let node = Node::new("test");
    let gate = Arc::new(Semaphore::new(0));
    let waits = gate.clone();
    let (pubsub, presence) = driven(&node, |builder| {
        builder.fetch(move |topic, presences| {
            let gate = waits.clone();
            async move {
                if &*topic == "slow" {
                    gate.acquire().await.unwrap().forget();
                }
                names(&presences)
            }
        })
    })
    .await;
    let mut slow = Client::follow(&node, &pubsub, &presence, "slow").await;
    let mut other = Client::follow(&node, &pubsub, &presence, "other").await;
    let member = Member::start(&node).await;
    for n in 0..3 {
        let handle = presence.clone();
        within(member, move |ctx| {
            match n {
                0 => drop(handle.track(ctx, "slow", "ann", json!({ "n": n })).unwrap()),
                n => drop(handle.update(ctx, "slow", "ann", json!({ "n": n })).unwrap()),
            }
            handle.track(ctx, "other", format!("key{n}"), json!({})).unwrap();
        })
        .await;
        other.until(|client| client.keys().len() == n + 1).await;
        assert_eq!(presence.list("slow").metas("ann")[0].parse::<Value>().unwrap()["n"], n);
    }
    slow.catch_up();
    assert!(slow.keys().is_empty(), "nothing was said of it yet");
    gate.add_permits(100);
    assert_eq!(slow.next().await["joins"]["ann"]["metas"][0]["n"], 0);
    let rest = slow.next().await;
    assert_eq!(rest["joins"]["ann"]["metas"].as_array().unwrap().len(), 2, "the rest together: {rest}");
    assert_eq!(slow.refs(), listed(&presence, "slow"));
}

#[tokio::test(start_paused = true)]
async fn c12_5_a_fetch_that_fails_panics_or_takes_too_long_costs_its_fields_alone() {
    let node = Node::new("test");
    let (pubsub, presence) = driven(&node, |builder| {
        let options =
            PresenceOptions::default().with(|options| options.fetch_timeout = Duration::from_secs(1));
        builder.options(options).fetch(|topic, _| async move {
            match &*topic {
                "fails" => return Err("the database is away"),
                "panics" => panic!("the fetch was told to"),
                _ => std::future::pending::<()>().await,
            }
            Ok(Extras::new())
        })
    })
    .await;
    for topic in ["fails", "panics", "hangs"] {
        let mut client = Client::follow(&node, &pubsub, &presence, topic).await;
        let member = Member::start(&node).await;
        for round in 0..3 {
            let handle = presence.clone();
            within(member, move |ctx| drop(handle.track(ctx, topic, round.to_string(), json!({})).unwrap()))
                .await;
            let diff = client.next().await;
            let entry = diff["joins"][round.to_string()].as_object().unwrap().clone();
            assert_eq!(entry.keys().collect::<Vec<_>>(), ["metas"], "{topic}");
            let (tell, told) = tokio::sync::oneshot::channel();
            presence.send_state(topic, move |state| drop(tell.send(state.parse::<Value>().unwrap())));
            assert_eq!(told.await.unwrap().as_object().unwrap().len(), round + 1);
        }
        assert_eq!(client.refs(), listed(&presence, topic));
    }
    let failed = presence.fetch_list("fails").await;
    assert!(matches!(failed, Err(FetchError::Failed(error)) if error.to_string() == "the database is away"));
    let late = presence.fetch_list("hangs").await;
    assert!(matches!(late, Err(FetchError::TimedOut(after)) if after == Duration::from_secs(1)));
}

#[tokio::test]
async fn c12_5_what_was_being_fetched_when_the_tracker_crashed_is_told_and_the_topic_goes_on() {
    let node = Node::new("test");
    let fetches = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Semaphore::new(0));
    let (count, waits) = (fetches.clone(), gate.clone());
    let pubsub = PubSub::new();
    let presence = Presence::builder("lobby", &pubsub)
        .fetch(move |_, presences| {
            let gate = waits.clone();
            count.fetch_add(1, Ordering::SeqCst);
            async move {
                gate.acquire().await.unwrap().forget();
                names(&presences)
            }
        })
        .build();
    let tracker = node.start(&presence).await.unwrap();
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let member = Member::start(&node).await;
    let track = |key: &'static str| {
        let handle = presence.clone();
        within(member, move |ctx| drop(handle.track(ctx, "t", key, json!({})).unwrap()))
    };
    track("ann").await;
    while fetches.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    tracker.exit(Exit::Kill);
    node.wait(tracker).await;
    track("bob").await;
    gate.add_permits(100);
    client.until(|client| client.keys() == ["ann", "bob"]).await;
    node.start(&presence).await.unwrap();
    track("cid").await;
    let diff = client.next().await;
    assert_eq!(diff["joins"]["cid"]["user"]["name"], "User cid");
    assert_eq!(client.refs(), listed(&presence, "t"));
}

#[tokio::test]
async fn without_any_tracker_ever_clients_are_told_without_what_would_be_fetched() {
    let (node, pubsub) = (Node::new("test"), PubSub::new());
    let presence = Presence::builder("lobby", &pubsub).fetch(async |_, presences| names(&presences)).build();
    let mut client = Client::follow(&node, &pubsub, &presence, "t").await;
    let member = Member::start(&node).await;
    within(member, move |ctx| drop(presence.track(ctx, "t", "ann", json!({})).unwrap())).await;
    client.catch_up();
    assert_eq!(client.keys(), ["ann"]);
}
