//! §2.3: clients of the first version of the protocol.

use serde_json::{Value, json};

use crate::support::{Client, Server};

async fn client(server: &Server, query: &str) -> Client {
    Client::connect(server.addr, &format!("/socket/websocket?user=ada&{query}")).await
}

fn message(topic: &str, event: &str, reference: Value, payload: Value) -> Value {
    json!({"topic": topic, "event": event, "ref": reference, "payload": payload})
}

fn ok(response: Value) -> Value {
    json!({"status": "ok", "response": response})
}

async fn send(client: &mut Client, message: Value) {
    client.send(message.to_string()).await;
}

#[tokio::test]
async fn c2_3_a_client_of_the_first_version_joins_asks_and_leaves() {
    let server = Server::start().await;
    for query in ["vsn=1.0.0", ""] {
        let mut client = client(&server, query).await;
        send(&mut client, message("room:1", "phx_join", json!(1), json!({"greeting": {"hi": 1}}))).await;
        client.expect(message("room:1", "phx_reply", json!(1), ok(json!({})))).await;
        client.expect(message("room:1", "greeting", json!(null), json!({"hi": 1}))).await;
        send(&mut client, message("room:1", "echo", json!("2"), json!([1]))).await;
        client.expect(message("room:1", "phx_reply", json!("2"), ok(json!([1])))).await;
        send(&mut client, message("room:1", "phx_leave", json!("3"), json!({}))).await;
        client.expect(message("room:1", "phx_reply", json!("3"), ok(json!({})))).await;
        // The join had no join_ref, and so the close has no ref (§2.8).
        client.expect(message("room:1", "phx_close", json!(null), json!({}))).await;
        client.hang_up().await;
    }
}

#[tokio::test]
async fn c2_3_a_join_ref_is_honoured_and_never_sent() {
    let server = Server::start().await;
    let mut client = client(&server, "vsn=1.0.0").await;
    let with_join_ref = |join_ref: &str, mut message: Value| {
        message["join_ref"] = json!(join_ref);
        message
    };
    let join = message("room:1", "phx_join", json!("1"), json!({}));
    send(&mut client, with_join_ref("1", join)).await;
    client.expect(message("room:1", "phx_reply", json!("1"), ok(json!({})))).await;
    let echo = |reference: &str| message("room:1", "echo", json!(reference), json!(7));
    send(&mut client, with_join_ref("stale", echo("2"))).await;
    send(&mut client, with_join_ref("1", echo("3"))).await;
    client.expect(message("room:1", "phx_reply", json!("3"), ok(json!(7)))).await;
    send(&mut client, message("room:1", "crash", json!("4"), json!({}))).await;
    client.expect(message("room:1", "phx_error", json!("1"), json!({"reason": "channel_crash"}))).await;
}

#[tokio::test]
async fn c2_9_heartbeats_of_the_first_version_are_answered() {
    let server = Server::start().await;
    let mut client = client(&server, "vsn=1.0.0").await;
    send(&mut client, message("phoenix", "heartbeat", json!("7"), json!({}))).await;
    client.expect(message("phoenix", "phx_reply", json!("7"), ok(json!({})))).await;
}

#[tokio::test]
async fn c6_2_clients_of_both_versions_hear_a_broadcast_each_in_its_own() {
    let server = Server::start().await;
    let (mut old, mut new) = (client(&server, "vsn=1.0.0").await, server.client("bob").await);
    send(&mut old, message("room:1", "phx_join", json!("1"), json!({}))).await;
    old.receive().await;
    new.join("room:1").await;
    // Small, and so large that the payload is shared.
    for text in ["x".repeat(10), "é".repeat(50_000)] {
        server.endpoint.broadcast("room:1", "said", json!({ "text": text })).unwrap();
        old.expect(message("room:1", "said", json!(null), json!({ "text": text }))).await;
        new.expect(json!([null, null, "room:1", "said", { "text": text }])).await;
    }
}

#[tokio::test]
async fn c7_6_an_array_is_no_message_of_the_first_version() {
    let server = Server::start().await;
    for text in [r#"["1","1","room:1","phx_join",{}]"#, r#"{"topic":"room:1","event":"phx_join"}"#, "{}", "7"]
    {
        let mut client = client(&server, "vsn=1.0.0").await;
        client.send(text).await;
        assert_eq!(client.close_code().await, Some(1007), "{text}");
    }
    server.is_well().await;
}
