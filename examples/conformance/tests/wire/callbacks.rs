//! What a channel's code can do, as its client sees it.

use serde_json::{Value, json};

use crate::support::{Client, Server, ok, refused};

#[tokio::test]
async fn c5_1_join_events_intercepts_and_the_end_reach_the_application() {
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    bob.join("room:1").await;
    let join_ref = ada.join_with("room:1", json!({"announce": true})).await;
    bob.expect(json!([null, null, "room:1", "user_entered", {"user": "ada"}])).await;
    assert_eq!(ada.ask("room:1", "count", json!({})).await, ok(json!({"n": 1})));
    ada.push(&join_ref, "room:1", "intercepted", json!({})).await;
    assert_eq!(bob.event("intercepted").await, json!({"for": "bob"}));
    ada.push(&join_ref, "room:1", "stop_normal", json!({})).await;
    bob.expect(json!([null, null, "room:1", "user_left", {"user": "ada"}])).await;
}

#[tokio::test]
async fn c5_2_an_event_is_answered_or_not_or_ends_the_channel() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.push(&Value::Null, "room:1", "noreply", json!({})).await;
    client.expect_nothing().await;
    assert_eq!(client.ask("room:1", "ping", json!({})).await, ok(json!({})));
    assert_eq!(client.ask("room:1", "echo", json!({"a": 1})).await, ok(json!({"a": 1})));
    for (event, reply, end) in [
        ("stop_normal", None, "phx_close"),
        ("stop_reply", Some(ok(json!({"bye": true}))), "phx_close"),
        ("stop_abnormal", None, "phx_error"),
    ] {
        let join_ref = client.join("room:2").await;
        let reference = client.push(&join_ref, "room:2", event, json!({})).await;
        if let Some(reply) = reply {
            client.expect(json!([join_ref, reference, "room:2", "phx_reply", reply])).await;
        }
        assert_eq!(client.receive().await[3], end, "{event}");
        assert_eq!(client.ask("room:2", "ping", json!({})).await, refused("unmatched topic"));
    }
}

#[tokio::test]
async fn c5_3_replies_come_in_the_order_of_the_requests() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    let mut sent = vec![client.push(&join_ref, "room:1", "sleep", json!({"ms": 20})).await];
    for _ in 0..100 {
        sent.push(client.push(&join_ref, "room:1", "count", json!({})).await);
    }
    let mut answered = Vec::new();
    for _ in &sent {
        answered.push(client.receive().await[1].clone());
    }
    assert_eq!(answered, sent);
}

#[tokio::test]
async fn c5_3_a_reply_may_come_later_and_out_of_order() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    let late = client.push(&join_ref, "room:1", "async_reply", json!({"delay_ms": 300, "a": 1})).await;
    let soon = client.push(&join_ref, "room:1", "async_reply", json!({"delay_ms": 1, "b": 2})).await;
    let now = client.push(&join_ref, "room:1", "ping", json!({})).await;
    let reply = |reference: &Value, response: Value| {
        json!([join_ref, reference, "room:1", "phx_reply", ok(response)])
    };
    client.expect(reply(&now, json!({}))).await;
    client.expect(reply(&soon, json!({"delay_ms": 1, "b": 2}))).await;
    client.expect(reply(&late, json!({"delay_ms": 300, "a": 1}))).await;
}

#[tokio::test]
async fn c5_3_without_a_reference_there_is_nothing_to_answer_later() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    client.send(json!([join_ref, null, "room:1", "async_reply", {}])).await;
    client.expect(json!([join_ref, join_ref, "room:1", "phx_error", {"reason": "channel_crash"}])).await;
}

#[tokio::test]
async fn c5_4_what_a_channel_says_arrives_in_the_order_of_the_program() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    let reference = client.push(&join_ref, "room:1", "new_msg", json!({"a": 1})).await;
    client.expect(json!([null, null, "room:1", "new_msg", {"a": 1}])).await;
    client.expect(json!([join_ref, reference, "room:1", "phx_reply", ok(json!({}))])).await;
    for (event, pushed, from) in [("seq", "seq", join_ref.clone()), ("bulk_bcast", "bulk", Value::Null)] {
        let reference = client.push(&join_ref, "room:1", event, json!({"n": 500})).await;
        for i in 1..=500 {
            client.expect(json!([from, null, "room:1", pushed, {"i": i}])).await;
        }
        client.expect(json!([join_ref, reference, "room:1", "phx_reply", ok(json!({"n": 500}))])).await;
    }
}

#[tokio::test]
async fn c5_5_each_channel_knows_its_client_and_keeps_its_own_state() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let (one, two) = (client.join("room:1").await, client.join("room:2").await);
    for (topic, join_ref) in [("room:1", one), ("room:2", two)] {
        let me = client.ask(topic, "whoami", json!({})).await;
        assert_eq!(me["response"]["user_id"], "ada");
        assert_eq!(me["response"]["transport"], "websocket");
        assert_eq!((&me["response"]["topic"], &me["response"]["join_ref"]), (&json!(topic), &join_ref));
    }
    for (topic, n) in [("room:1", 1), ("room:1", 2), ("room:2", 1), ("room:1", 3)] {
        assert_eq!(client.ask(topic, "count", json!({})).await, ok(json!({"n": n})));
    }
}

#[tokio::test]
async fn c5_6_an_event_that_nothing_handles_crashes_the_channel() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    client.push(&join_ref, "room:1", "no_such_event", json!({})).await;
    client.expect(json!([join_ref, join_ref, "room:1", "phx_error", {"reason": "channel_crash"}])).await;
}

#[tokio::test]
async fn c5_7_a_channel_that_crashed_is_not_restarted_until_its_client_joins_again() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    assert_eq!(client.ask("room:1", "count", json!({})).await, ok(json!({"n": 1})));
    client.push(&join_ref, "room:1", "crash", json!({})).await;
    client.event("phx_error").await;
    server.has_channels(0).await;
    server.broadcast("room:1", "news", json!({})).await;
    client.expect_nothing().await;
    client.join("room:1").await;
    assert_eq!(client.ask("room:1", "count", json!({})).await, ok(json!({"n": 1})));
}

#[tokio::test]
async fn c5_3_two_channels_of_a_connection_do_not_wait_for_each_other() {
    let server = Server::start().await;
    let mut client: Client = server.client("ada").await;
    client.join("room:1").await;
    client.join("room:2").await;
    let asleep = client.push(&Value::Null, "room:1", "sleep", json!({"ms": 300})).await;
    let awake = client.push(&Value::Null, "room:2", "ping", json!({})).await;
    assert_eq!(client.receive().await[1], awake);
    assert_eq!(client.receive().await[1], asleep);
}
