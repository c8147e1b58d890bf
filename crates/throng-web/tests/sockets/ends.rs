//! §7: crashes and closes of channels, and the codes with which connections end.

use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test]
async fn a_crash_is_told_and_harms_nobody_else() {
    // §7.1: the pending request gets no reply; the topic is free again.
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:other").await;
    for event in ["crash", "panic"] {
        let join_ref = client.join("room:1").await;
        client.push(Value::Null, "room:1", event, json!({})).await;
        client.expect(json!([join_ref, join_ref, "room:1", "phx_error", {"reason": "channel_crash"}])).await;
        let (status, response) = client.ask("room:1", "echo", json!(1)).await;
        assert_eq!((status.as_str(), response), ("error", json!({"reason": "unmatched topic"})));
        assert_eq!(client.ask("room:other", "echo", json!(1)).await.1, json!(1));
    }
    // The client rejoins.
    client.join("room:1").await;
    assert_eq!(client.ask("room:1", "echo", json!(2)).await.1, json!(2));
    assert_eq!(server.endpoint.channel_count(), 2);
}

#[tokio::test]
async fn a_channel_that_is_killed_has_crashed() {
    // §7.1; without terminate.
    let mut server = Server::start().await;
    let mut client = server.client("ada").await;
    server.note().await;
    let join_ref = client.join("room:1").await;
    client.push(Value::Null, "room:1", "kill", json!({})).await;
    client.expect(json!([join_ref, join_ref, "room:1", "phx_error", {"reason": "channel_crash"}])).await;
    assert_eq!(server.notes(), []);
}

#[tokio::test]
async fn the_death_of_a_connection_ends_its_channels() {
    // §4.6: even if it cannot say so itself.
    let mut server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.join("room:2").await;
    server.notes();
    client.push(Value::Null, "room:1", "kill_connection", json!({})).await;
    assert_eq!(client.close_code().await, None);
    assert_eq!(server.note().await.what, "terminate shutdown (closed)");
    assert_eq!(server.note().await.what, "terminate shutdown (closed)");
    server.is_empty().await;
}

#[tokio::test]
async fn a_stop_with_a_clean_reason_closes_and_any_other_is_an_error() {
    // §7.1 to §7.3
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for (why, event, payload) in [
        ("normal", "phx_close", json!({})),
        ("shutdown", "phx_close", json!({})),
        ("clean reason", "phx_close", json!({})),
        ("other", "phx_error", json!({"reason": "channel_crash"})),
    ] {
        let join_ref = client.join("room:1").await;
        client.push(Value::Null, "room:1", "stop", json!(why)).await;
        client.expect(json!([join_ref, join_ref, "room:1", event, payload])).await;
        client.expect_nothing().await;
    }
}

#[tokio::test]
async fn a_channel_may_answer_and_then_stop() {
    // §5.2
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for (why, event) in [("normal", "phx_close"), ("other", "phx_error")] {
        let join_ref = client.join("room:1").await;
        let reference = client.push(Value::Null, "room:1", "reply_and_stop", json!(why)).await;
        let reply = json!({"status": "ok", "response": "bye"});
        client.expect(json!([join_ref, reference, "room:1", "phx_reply", reply])).await;
        assert_eq!(client.receive().await[3], event);
    }
}

#[tokio::test]
async fn what_a_channel_pushed_before_its_crash_arrives_before_the_news_of_it() {
    // §5.4, §7.1
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join_with("room:1", json!({"goodbye": true})).await;
    client.push(Value::Null, "room:1", "push_many", json!(50)).await;
    client.push(Value::Null, "room:1", "crash", json!({})).await;
    for n in 0..50 {
        assert_eq!(client.receive().await[4], json!({ "n": n }));
    }
    assert_eq!(client.receive().await[3], "phx_reply");
    assert_eq!(client.receive().await[3], "goodbye");
    assert_eq!(client.receive().await[3], "phx_error");
}

#[tokio::test]
async fn a_disconnect_ends_all_connections_of_a_socket_id() {
    // §7.4: with 1001, so that clients come back and are asked again.
    let mut server = Server::start().await;
    let (mut one, mut two) = (server.client("ada").await, server.client("ada").await);
    let mut bob = server.client("bob").await;
    one.join("room:1").await;
    bob.join("room:1").await;
    server.notes();
    server.endpoint.disconnect("users_socket:ada").unwrap();
    assert_eq!(one.close().await, Some((1001, "disconnected".into())));
    assert_eq!(two.close_code().await, Some(1001));
    assert_eq!(server.note().await.what, "terminate shutdown (closed)");
    assert_eq!(bob.ask("room:1", "echo", json!(1)).await.1, json!(1));
    bob.hang_up().await;
    server.is_empty().await;
}

#[tokio::test]
async fn other_events_on_the_topic_of_a_socket_id_do_nothing() {
    // §7.4
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    server.endpoint.broadcast("users_socket:ada", "other", json!({})).unwrap();
    client.expect_nothing().await;
    let mut nobody = server.client("nobody").await;
    server.endpoint.disconnect("users_socket:nobody").unwrap();
    nobody.expect_nothing().await;
}

#[tokio::test]
async fn what_was_queued_before_a_disconnect_is_still_delivered() {
    let server = Server::start().await;
    for _ in 0..20 {
        let mut client = server.client("ada").await;
        client.join("room:1").await;
        for n in 0..100 {
            server.endpoint.broadcast("room:1", "shouted", json!({ "n": n })).unwrap();
        }
        server.endpoint.disconnect("users_socket:ada").unwrap();
        for n in 0..100 {
            client.expect(json!([null, null, "room:1", "shouted", { "n": n }])).await;
        }
        assert_eq!(client.close_code().await, Some(1001));
    }
    server.is_empty().await;
}

#[tokio::test]
async fn a_goodbye_of_the_client_is_echoed() {
    // §7.5
    let server = Server::start().await;
    let mut raw = crate::support::Raw::upgraded(server.addr).await;
    raw.frame(0x88, &1000_u16.to_be_bytes()).await;
    assert_eq!(raw.close_code().await, Some(1000));
    raw.end().await;
    let mut raw = crate::support::Raw::upgraded(server.addr).await;
    raw.frame(0x88, &[]).await;
    assert_eq!(raw.read_frame().await, Some((0x88, vec![])));
    raw.end().await;
    server.is_empty().await;
}

#[tokio::test]
async fn one_process_serves_a_connection_and_one_each_channel() {
    // §4.6; counts go back to zero.
    let server = Server::start().await;
    let mut clients = Vec::new();
    for n in 0..10 {
        let mut client = server.client(&format!("user{n}")).await;
        for topic in 0..n {
            client.join(&format!("room:{topic}")).await;
        }
        clients.push(client);
    }
    assert_eq!(server.endpoint.connection_count(), 10);
    assert_eq!(server.endpoint.channel_count(), 45);
    for client in clients {
        client.hang_up().await;
    }
    server.is_empty().await;
}
