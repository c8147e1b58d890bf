//! How sessions end, and what their clients see of it.

use std::time::Duration;

use serde_json::json;

use super::support::{Server, eventually, request};

#[tokio::test]
async fn c9_8_a_session_that_nobody_polls_ends_after_one_and_a_half_windows() {
    let mut server = Server::hasty(Duration::from_secs(1)).await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    server.noted("terminate shutdown (closed)").await;
    server.is_empty().await;
    assert_eq!(client.post("[]").await, 410);
    let polled = client.poll().await;
    assert_eq!(polled.status, 410);
    assert_ne!(polled.token.unwrap(), client.token);
}

#[tokio::test]
async fn c9_8_a_session_that_was_never_polled_ends_as_well() {
    let server = Server::hasty(Duration::from_millis(50)).await;
    let _client = server.client("ada").await;
    server.is_empty().await;
}

#[tokio::test]
async fn c9_8_a_disconnect_releases_the_poll_that_waits_at_once() {
    // §7.4, §18.5: in Phoenix it waits for the rest of its window.
    let mut server = Server::patient().await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    let mut held = client.begin_poll().await;
    // That it waits is seen by a broadcast that reaches it; then there is another.
    server.endpoint.broadcast("room:a", "news", json!({})).unwrap();
    assert_eq!(held.answer().await.json()["status"], 200);
    let mut held = client.begin_poll().await;
    server.endpoint.disconnect("users_socket:ada").unwrap();
    let released = held.answer().await.json();
    assert_eq!(released["status"], 410);
    assert_ne!(released["token"], client.token, "a new session");
    server.noted("terminate shutdown (closed)").await;
    assert_eq!(client.post("[]").await, 410);
}

#[tokio::test]
async fn c9_8_what_was_queued_before_the_end_is_still_handed_out() {
    let server = Server::patient().await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    server.endpoint.broadcast("room:a", "last_words", json!({})).unwrap();
    server.endpoint.disconnect("users_socket:ada").unwrap();
    let polled = client.poll().await;
    assert_eq!((polled.status, polled.messages.len()), (200, 1));
    assert_eq!(client.poll().await.status, 410);
}

#[tokio::test]
async fn c16_2_a_drain_lets_the_polls_go_and_refuses_new_sessions() {
    let mut server = Server::patient().await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    let mut held = client.begin_poll().await;
    server.endpoint.broadcast("room:a", "news", json!({})).unwrap();
    assert_eq!(held.answer().await.json()["status"], 200);
    let mut held = client.begin_poll().await;
    server.endpoint.drain().await;
    // HTTP says it too, so that a proxy can try another server.
    let released = held.answer().await;
    assert_eq!((released.status, released.json()), (503, json!({ "status": 500 })));
    server.noted("terminate shutdown (closed)").await;
    let refused =
        request(server.addr, "GET", "/socket/longpoll?user=eve&vsn=2.0.0", &[], b"").await.answer().await;
    assert_eq!((refused.status, refused.json()), (503, json!({ "status": 500 })));
    server.stop().await;
}

#[tokio::test]
async fn a_session_whose_process_is_killed_is_over_at_once() {
    let server = Server::patient().await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    client.push("room:a", "kill_connection", json!(null)).await;
    eventually("the session to end", || server.endpoint.connection_count() == 0).await;
    assert_eq!(client.poll().await.status, 410);
}

#[tokio::test]
async fn a_channel_that_crashes_leaves_its_session_alone() {
    // §7.1
    let server = Server::patient().await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    client.join("room:b").await;
    client.push("room:a", "panic", json!(null)).await;
    let message = client.receive().await;
    assert_eq!(message[3], "phx_error");
    assert_eq!(client.ask("room:b", "ack", json!(null)).await.0, "ok");
}
