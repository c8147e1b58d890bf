//! §4.4 and §4.6: leaving, and what `terminate` is told.

use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test]
async fn a_leave_is_answered_then_closed_then_terminated() {
    // §4.4: what terminate pushes arrives after the close.
    let mut server = Server::start().await;
    let mut client = server.client("ada").await;
    server.note().await;
    let join_ref = client.join_with("room:1", json!({"goodbye": true})).await;
    let reference = client.push(join_ref.clone(), "room:1", "phx_leave", json!({})).await;
    client
        .expect(json!([join_ref, reference, "room:1", "phx_reply", {"status": "ok", "response": {}}]))
        .await;
    client.expect(json!([join_ref, join_ref, "room:1", "phx_close", {}])).await;
    client.expect(json!([join_ref, null, "room:1", "goodbye", {}])).await;
    assert_eq!(server.note().await.what, "terminate shutdown (left)");
    // Later events find nobody.
    let (status, response) = client.ask("room:1", "echo", json!(1)).await;
    assert_eq!((status.as_str(), response), ("error", json!({"reason": "unmatched topic"})));
    assert_eq!(server.endpoint.connection_count(), 1);
}

#[tokio::test]
async fn a_leave_without_join_ref_is_accepted_and_a_stale_one_ignored() {
    // §4
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let join_ref = client.join("room:1").await;
    client.push(json!("stale"), "room:1", "phx_leave", json!({})).await;
    client.expect_nothing().await;
    let reference = client.push(Value::Null, "room:1", "phx_leave", json!({})).await;
    client
        .expect(json!([join_ref, reference, "room:1", "phx_reply", {"status": "ok", "response": {}}]))
        .await;
    client.expect(json!([join_ref, join_ref, "room:1", "phx_close", {}])).await;
}

#[tokio::test]
async fn a_leave_of_what_is_not_joined_is_answered_as_sent() {
    // §2.8, §4: the client raced a close of the server.
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.send(r#"["3",4,"room:1","phx_leave",{}]"#).await;
    client.expect(json!(["3", 4, "room:1", "phx_reply", {"status": "ok", "response": {}}])).await;
}

#[tokio::test]
async fn broadcasts_stop_with_the_leave() {
    // §4.4
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    let join_ref = ada.join("room:1").await;
    bob.join("room:1").await;
    ada.push(join_ref, "room:1", "phx_leave", json!({})).await;
    assert_eq!(ada.receive().await[3], "phx_reply");
    assert_eq!(ada.receive().await[3], "phx_close");
    bob.ask("room:1", "broadcast", json!({})).await;
    ada.expect_nothing().await;
}

#[tokio::test]
async fn a_topic_can_be_joined_again_after_the_leave() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for _ in 0..20 {
        let join_ref = client.join("room:1").await;
        client.push(join_ref.clone(), "room:1", "phx_leave", json!({})).await;
        assert_eq!(client.receive().await[3], "phx_reply");
        client.expect(json!([join_ref, join_ref, "room:1", "phx_close", {}])).await;
    }
}

#[tokio::test]
async fn a_join_may_follow_a_leave_without_a_wait() {
    // §4.3, §10: what phoenix.js does with a second channel of a topic.
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    for n in 0..20 {
        let (old, new) = (json!(format!("{n}")), json!(format!("{}", n + 1)));
        if n == 0 {
            client.push(Value::Null, "room:1", "phx_leave", json!({})).await;
        } else {
            client.push(old, "room:1", "phx_leave", json!({})).await;
        }
        let reference = client.push(new.clone(), "room:1", "phx_join", json!({})).await;
        let reply = client.reply_to(&reference.into()).await;
        assert_eq!(reply["status"], "ok");
        // The next leave names this join.
    }
    assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
}

#[tokio::test]
async fn every_channel_terminates_when_the_connection_closes() {
    // §4.6
    let mut server = Server::start().await;
    let mut client = server.client("ada").await;
    for topic in ["room:1", "room:2", "lobby"] {
        client.join(topic).await;
    }
    server.notes();
    client.hang_up().await;
    server.is_empty().await;
    let mut ends = server.notes();
    ends.sort_by(|a, b| a.topic.cmp(&b.topic));
    let ends: Vec<_> = ends.iter().map(|end| (end.topic.as_str(), end.what.as_str())).collect();
    let closed = "terminate shutdown (closed)";
    assert_eq!(ends, [("lobby", closed), ("room:1", closed), ("room:2", closed)]);
}

#[tokio::test]
async fn channels_terminate_when_the_connection_breaks() {
    // §4.6
    let mut server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    server.notes();
    drop(client);
    assert_eq!(server.note().await.what, "terminate shutdown (closed)");
    server.is_empty().await;
}

#[tokio::test]
async fn a_channel_that_hangs_is_killed_some_time_after_its_connection() {
    // §5.7: without terminate, after the grace.
    let grace = std::time::Duration::from_millis(100);
    let mut server = Server::with_limits(|limits| limits.channel_grace = grace).await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.push(Value::Null, "room:1", "hang", json!({})).await;
    client.push(json!("j"), "room:2", "phx_join", json!({"how": "hang"})).await;
    client.expect_nothing().await;
    server.notes();
    client.hang_up().await;
    crate::support::eventually("the connection's place to be free", || {
        server.endpoint.connection_count() == 0
    })
    .await;
    server.is_empty().await;
    assert_eq!(server.notes(), []);
}

#[tokio::test]
async fn the_reason_of_a_stop_is_told_to_terminate() {
    // §7.3
    let mut server = Server::start().await;
    let mut client = server.client("ada").await;
    server.note().await;
    let cases = [
        ("stop", json!("normal"), "terminate normal"),
        ("stop", json!("shutdown"), "terminate shutdown"),
        ("stop", json!("clean up"), "terminate shutdown (clean up)"),
        ("stop", json!("whatever"), "terminate whatever"),
        ("crash", json!({}), "terminate told to"),
    ];
    for (event, payload, expected) in cases {
        client.join("room:1").await;
        client.push(Value::Null, "room:1", event, payload).await;
        client.receive().await;
        assert_eq!(server.note().await.what, expected);
    }
    client.join("room:1").await;
    client.push(Value::Null, "room:1", "panic", json!({})).await;
    let note = server.note().await.what;
    assert!(note.starts_with("terminate panic at ") && note.ends_with(": told to"), "{note}");
}
