//! §6: who hears what, encoded once, in order.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test]
async fn a_broadcast_reaches_all_who_joined_the_topic_and_its_sender() {
    // §6.1, §2.8: no references.
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    let mut eve = server.client("eve").await;
    ada.join("room:1").await;
    bob.join("room:1").await;
    eve.join("room:2").await;
    ada.push(Value::Null, "room:1", "broadcast", json!({"hi": "é\"🦀"})).await;
    let shouted = json!([null, null, "room:1", "shouted", {"hi": "é\"🦀"}]);
    ada.expect(shouted.clone()).await;
    bob.expect(shouted).await;
    eve.expect_nothing().await;
}

#[tokio::test]
async fn a_broadcast_from_spares_its_channel_and_nobody_else() {
    // §6.1: another tab of the same user gets it.
    let server = Server::start().await;
    let (mut ada, mut tab) = (server.client("ada").await, server.client("ada").await);
    ada.join("room:1").await;
    tab.join("room:1").await;
    assert_eq!(ada.ask("room:1", "broadcast_from", json!({"a": 1})).await.0, "ok");
    tab.expect(json!([null, null, "room:1", "shouted", {"a": 1}])).await;
    ada.expect_nothing().await;
}

#[tokio::test]
async fn anybody_with_the_endpoint_may_broadcast() {
    // §6.1
    let server = Server::start().await;
    let mut ada = server.client("ada").await;
    ada.join("room:1").await;
    server.endpoint.broadcast("room:1", "news", json!({"a": 1})).unwrap();
    server.endpoint.broadcast("room:nobody", "news", json!({})).unwrap();
    ada.expect(json!([null, null, "room:1", "news", {"a": 1}])).await;
    // §2.5
    assert!(server.endpoint.broadcast("room:1", "news", "no object").is_err());
    ada.expect_nothing().await;
}

#[tokio::test]
async fn an_intercepted_event_goes_through_the_channel() {
    // §6.2, §6.3: what handle_out pushes carries the join_ref.
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    let (a, b) = (ada.join("room:1").await, bob.join("room:1").await);
    ada.push(Value::Null, "room:1", "whisper", json!({"x": 1})).await;
    ada.expect(json!([a, null, "room:1", "whispered", {"heard": {"x": 1}, "by": "ada"}])).await;
    bob.expect(json!([b, null, "room:1", "whispered", {"heard": {"x": 1}, "by": "bob"}])).await;
}

#[tokio::test]
async fn handle_out_may_drop() {
    // §6.3
    let mut server = Server::start().await;
    let mut ada = server.client("ada").await;
    ada.join("room:1").await;
    server.notes();
    ada.push(Value::Null, "room:1", "hush", json!({"x": 1})).await;
    assert_eq!(server.note().await.what, r#"dropped {"x":1}"#);
    ada.expect_nothing().await;
}

#[tokio::test]
async fn a_broadcast_precedes_the_reply_that_was_given_after_it() {
    // §5.4
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    ada.join("room:1").await;
    bob.join("room:1").await;
    for n in 0..100 {
        let reference = ada.push(Value::Null, "room:1", "broadcast", json!({ "n": n })).await;
        ada.expect(json!([null, null, "room:1", "shouted", { "n": n }])).await;
        assert_eq!(ada.receive().await[1], reference);
        bob.expect(json!([null, null, "room:1", "shouted", { "n": n }])).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_broadcaster_is_heard_in_its_order() {
    // §6.5: eight senders, each client hears each of them in order and misses nothing.
    const SENDERS: usize = 8;
    const MESSAGES: usize = 200;
    let server = Server::start().await;
    let mut listeners = Vec::new();
    for n in 0..4 {
        let mut listener = server.client(&format!("listener{n}")).await;
        listener.join("room:1").await;
        listeners.push(listener);
    }
    let senders = (0..SENDERS).map(|sender| {
        let endpoint = server.endpoint.clone();
        tokio::spawn(async move {
            for n in 0..MESSAGES {
                endpoint.broadcast("room:1", "shouted", json!({"sender": sender, "n": n})).unwrap();
                tokio::task::yield_now().await;
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    for listener in &mut listeners {
        let mut next = [0; SENDERS];
        for _ in 0..SENDERS * MESSAGES {
            let message = listener.receive().await;
            let sender = usize::try_from(message[4]["sender"].as_u64().unwrap()).unwrap();
            assert_eq!(message[4]["n"], json!(next[sender]));
            next[sender] += 1;
        }
        listener.expect_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joiners_miss_nothing_after_their_reply_and_get_nothing_before_it() {
    // §4.2, while broadcasts rain: the first that a joiner gets comes after its reply, and from there on none is missing.
    let server = Server::start().await;
    let (endpoint, stop) = (server.endpoint.clone(), Arc::new(AtomicBool::new(false)));
    let stopped = stop.clone();
    let rain = tokio::spawn(async move {
        let mut n = 0;
        while !stopped.load(Ordering::Relaxed) {
            endpoint.broadcast("room:1", "rain", json!({ "n": n })).unwrap();
            n += 1;
            tokio::time::sleep(std::time::Duration::from_micros(200)).await;
        }
    });
    let mut client = server.client("ada").await;
    for _ in 0..100 {
        let join_ref = json!("j");
        let reference = client.push(join_ref.clone(), "room:1", "phx_join", json!({})).await;
        let first = client.receive().await;
        assert_eq!((&first[1], &first[3]), (&json!(reference), &json!("phx_reply")));
        let mut next = client.receive().await[4]["n"].as_u64().unwrap();
        for _ in 0..3 {
            next += 1;
            assert_eq!(client.receive().await[4]["n"], next);
        }
        client.push(join_ref, "room:1", "phx_leave", json!({})).await;
        while client.receive().await[3] != "phx_close" {}
    }
    stop.store(true, Ordering::Relaxed);
    rain.await.unwrap();
}

#[tokio::test]
async fn a_channel_that_is_behind_with_what_it_intercepts_costs_its_client_the_connection() {
    // §18.3: what waits in the channel's mailbox counts as if it waited to be written.
    let server = Server::with_limits(|limits| limits.outbound_bytes_max = 10_000).await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    ada.join("room:1").await;
    bob.join("room:1").await;
    ada.push(Value::Null, "room:1", "hang", json!({})).await;
    ada.expect_nothing().await;
    for n in 0..200 {
        server.endpoint.broadcast("room:1", "whispered", json!({ "n": n })).unwrap();
        assert_eq!(bob.receive().await[4]["heard"]["n"], json!(n));
    }
    assert_eq!(ada.close_code().await, Some(1013));
    assert_eq!(bob.ask("room:1", "echo", json!(1)).await.1, json!(1));
}
