//! What one says, and others hear.

use serde_json::{Value, json};

use crate::support::{Client, Server, ok};

#[tokio::test]
async fn c6_1_a_broadcast_reaches_all_and_its_sender() {
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.fast_client("bob").await);
    let mut elsewhere = server.client("eve").await;
    ada.join("room:1").await;
    bob.join("room:1").await;
    elsewhere.join("room:2").await;
    assert_eq!(ada.ask("room:1", "shout", json!({"a": 0})).await, ok(json!({})));
    assert_eq!(bob.receive().await, json!([null, null, "room:1", "shout", {"a": 0}]));
    ada.push(&Value::Null, "room:1", "new_msg", json!({"a": 1})).await;
    for client in [&mut ada, &mut bob] {
        client.expect(json!([null, null, "room:1", "new_msg", {"a": 1}])).await;
    }
    elsewhere.expect_nothing().await;
}

#[tokio::test]
async fn c6_1_broadcast_from_spares_one_channel_and_not_its_user() {
    let server = Server::start().await;
    let (mut tab, mut other_tab) = (server.client("ada").await, server.client("ada").await);
    tab.join("room:1").await;
    other_tab.join("room:1").await;
    assert_eq!(tab.ask("room:1", "shout", json!({"a": 1})).await, ok(json!({})));
    tab.expect_nothing().await;
    other_tab.expect(json!([null, null, "room:1", "shout", {"a": 1}])).await;
}

#[tokio::test]
async fn c6_1_anybody_may_broadcast_on_any_topic() {
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    ada.join("room:1").await;
    bob.join("room:2").await;
    let posting = json!({"topic": "room:2", "event": "hello", "payload": {"from": "ada"}});
    assert_eq!(ada.ask("room:1", "bcast_topic", posting).await, ok(json!({})));
    bob.expect(json!([null, null, "room:2", "hello", {"from": "ada"}])).await;
    server.broadcast("room:1", "hello", json!({"from": "http"})).await;
    ada.expect(json!([null, null, "room:1", "hello", {"from": "http"}])).await;
}

#[tokio::test]
async fn c6_2_a_channel_that_is_busy_does_not_hold_up_what_others_say() {
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    ada.join("room:1").await;
    bob.join("room:1").await;
    let asleep = ada.push(&Value::Null, "room:1", "sleep", json!({"ms": 500})).await;
    bob.push(&Value::Null, "room:1", "new_msg", json!({})).await;
    ada.expect(json!([null, null, "room:1", "new_msg", {}])).await;
    assert_eq!(ada.receive().await[1], asleep);
}

#[tokio::test]
async fn c6_3_an_intercepted_event_is_each_channels_own_to_push_or_to_drop() {
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    let (first, second) = (ada.join("room:1").await, bob.join("room:1").await);
    ada.push(&first, "room:1", "intercepted", json!({"a": 1})).await;
    ada.expect(json!([first, null, "room:1", "intercepted", {"a": 1, "for": "ada"}])).await;
    bob.expect(json!([second, null, "room:1", "intercepted", {"a": 1, "for": "bob"}])).await;
    assert_eq!(ada.ask("room:1", "hidden", json!({"a": 1})).await, ok(json!({})));
    // What goes through the channel keeps its place: the answer to a later event comes behind it.
    assert_eq!(bob.ask("room:1", "ping", json!({})).await, ok(json!({})));
    ada.expect_nothing().await;
    bob.expect_nothing().await;
}

#[tokio::test]
async fn c6_4_what_cannot_be_sent_fails_in_the_sender_alone() {
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    let join_ref = ada.join("room:1").await;
    bob.join("room:1").await;
    ada.push(&join_ref, "room:1", "new_msg", json!([1, 2])).await;
    ada.expect(json!([join_ref, join_ref, "room:1", "phx_error", {"reason": "channel_crash"}])).await;
    bob.expect_nothing().await;
    assert_eq!(bob.ask("room:1", "ping", json!({})).await, ok(json!({})));
}

#[tokio::test]
async fn c6_5_messages_of_one_sender_keep_their_order() {
    const MESSAGES: u64 = 300;
    let server = Server::start().await;
    let mut clients: Vec<Client> = Vec::new();
    for name in ["ada", "bob", "eve"] {
        let mut client = server.client(name).await;
        client.join("room:1").await;
        clients.push(client);
    }
    for n in 0..MESSAGES {
        for (sender, client) in clients.iter_mut().enumerate() {
            client.push(&Value::Null, "room:1", "shout", json!({"sender": sender, "n": n})).await;
        }
    }
    for (me, client) in clients.iter_mut().enumerate() {
        let mut next = [0; 3];
        for _ in 0..2 * MESSAGES {
            let heard = client.event("shout").await;
            let sender = usize::try_from(heard["sender"].as_u64().unwrap()).unwrap();
            assert_eq!(heard["n"], next[sender]);
            next[sender] += 1;
        }
        next[me] = MESSAGES;
        assert_eq!(next, [MESSAGES; 3]);
    }
}

#[tokio::test]
async fn c6_6_nothing_is_kept_for_those_who_come_later() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    server.broadcast("room:1", "before", json!({})).await;
    let join_ref = client.join("room:1").await;
    client.push(&join_ref, "room:1", "phx_leave", json!({})).await;
    client.event("phx_close").await;
    server.broadcast("room:1", "between", json!({})).await;
    client.join("room:1").await;
    server.broadcast("room:1", "after", json!({})).await;
    client.expect(json!([null, null, "room:1", "after", {}])).await;
    client.expect_nothing().await;
}

#[tokio::test]
async fn c6_7_two_channels_of_one_client_are_two_subscribers() {
    let server = Server::start().await;
    let (mut one, mut two) = (server.client("ada").await, server.client("ada").await);
    let join_ref = one.join("room:1").await;
    two.join("room:1").await;
    server.broadcast("room:1", "news", json!({})).await;
    for client in [&mut one, &mut two] {
        client.expect(json!([null, null, "room:1", "news", {}])).await;
        client.expect_nothing().await;
    }
    // What has left hears nothing, however often it had joined.
    one.push(&join_ref, "room:1", "phx_leave", json!({})).await;
    one.event("phx_close").await;
    server.broadcast("room:1", "news", json!({})).await;
    one.expect_nothing().await;
    two.expect(json!([null, null, "room:1", "news", {}])).await;
}
