//! Clients of the first version: objects instead of arrays, and no `join_ref` in what they get.

use serde_json::{Value, json};

use crate::support::{Client, Server, ok, refused};

const OLD: &str = "/socket/websocket?vsn=1.0.0&user_id=old";

fn message(topic: &str, event: &str, payload: Value, reference: Value) -> Value {
    json!({"topic": topic, "event": event, "payload": payload, "ref": reference})
}

/// A client of the first version that joined the room.
async fn joined(server: &Server, topic: &str) -> Client {
    let mut client = server.connect(OLD).await;
    client.send(message(topic, "phx_join", json!({}), json!("1"))).await;
    client.expect(message(topic, "phx_reply", ok(json!({})), json!("1"))).await;
    client
}

#[tokio::test]
async fn c1_4_without_a_version_the_first_is_spoken() {
    let server = Server::start().await;
    for query in ["", "?", "?vsn=1.0.0", "?vsn=1.0.7", "?user_id=ada&"] {
        let mut client = server.connect(&format!("/socket/websocket{query}")).await;
        client.send(message("phoenix", "heartbeat", json!({}), json!("1"))).await;
        client.expect(message("phoenix", "phx_reply", ok(json!({})), json!("1"))).await;
    }
}

#[tokio::test]
async fn c2_3_a_message_is_an_object_of_four_fields() {
    let server = Server::start().await;
    let mut client = joined(&server, "room:1").await;
    client.send(message("room:1", "echo", json!([1]), json!(2))).await;
    client.expect(message("room:1", "phx_reply", ok(json!([1])), json!(2))).await;
    client.send(message("room:1", "new_msg", json!({"a": 1}), Value::Null)).await;
    client.expect(message("room:1", "new_msg", json!({"a": 1}), Value::Null)).await;
    client.expect(message("room:1", "phx_reply", ok(json!({})), Value::Null)).await;
    client.send(message("room:1", "push_me", json!({"event": "e", "payload": {}}), json!("3"))).await;
    client.expect(message("room:1", "e", json!({}), Value::Null)).await;
    client.send(message("nowhere", "phx_join", json!({}), json!("4"))).await;
    client.expect(message("nowhere", "phx_reply", refused("unmatched topic"), json!("4"))).await;
    client.send(message("room:1", "phx_leave", json!({}), json!("5"))).await;
    client.expect(message("room:1", "phx_reply", ok(json!({})), json!("5"))).await;
    assert_eq!(client.receive().await["event"], "phx_close");
}

#[tokio::test]
async fn c2_3_a_join_ref_is_honoured_and_never_sent() {
    let server = Server::start().await;
    let mut client = server.connect(OLD).await;
    let with = |join_ref: &str, event: &str, reference: &str| json!({"topic": "room:1", "event": event, "payload": {}, "ref": reference, "join_ref": join_ref});
    client.send(with("7", "phx_join", "1")).await;
    client.expect(message("room:1", "phx_reply", ok(json!({})), json!("1"))).await;
    client.send(with("6", "count", "2")).await;
    client.send(with("7", "count", "3")).await;
    client.expect(message("room:1", "phx_reply", ok(json!({"n": 1})), json!("3"))).await;
}

#[tokio::test]
async fn c2_3_whatever_lacks_a_field_ends_its_connection() {
    let server = Server::start().await;
    let whole = message("phoenix", "heartbeat", json!({}), json!("1"));
    let mut broken: Vec<String> =
        vec!["[]".into(), r#"[null,"1","phoenix","heartbeat",{}]"#.into(), "{}".into()];
    for field in ["topic", "event", "payload", "ref"] {
        let mut without = whole.clone();
        without.as_object_mut().unwrap().remove(field);
        broken.push(without.to_string());
    }
    for text in broken {
        let mut client = server.connect(OLD).await;
        client.send_text(text.clone()).await;
        let code = client.close_code().await;
        assert!(code.is_some_and(|code| code != 1000), "{text}: {code:?}");
    }
}

#[tokio::test]
async fn c6_2_a_broadcast_reaches_each_version_in_its_own_form() {
    let server = Server::start().await;
    let mut old = joined(&server, "room:1").await;
    let mut new = server.client("new").await;
    new.join("room:1").await;
    server.broadcast("room:1", "news", json!({"a": 1})).await;
    old.expect(message("room:1", "news", json!({"a": 1}), Value::Null)).await;
    new.expect(json!([null, null, "room:1", "news", {"a": 1}])).await;
    old.send(message("room:1", "intercepted", json!({}), json!("2"))).await;
    old.expect(message("room:1", "intercepted", json!({"for": "old"}), Value::Null)).await;
    assert_eq!(new.event("intercepted").await, json!({"for": "new"}));
}

#[tokio::test]
async fn c7_1_a_crash_is_told_to_the_first_version_as_well() {
    let server = Server::start().await;
    let mut client = joined(&server, "room:1").await;
    client.send(message("room:1", "crash", json!({}), json!("2"))).await;
    let told = client.receive().await;
    assert_eq!(
        (&told["event"], &told["payload"]),
        (&json!("phx_error"), &json!({"reason": "channel_crash"}))
    );
    client.send(message("room:1", "ping", json!({}), json!("3"))).await;
    client.expect(message("room:1", "phx_reply", refused("unmatched topic"), json!("3"))).await;
}
