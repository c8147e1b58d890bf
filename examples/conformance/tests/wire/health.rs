//! The application's own routes: that it is ready, and how many channels it has.

use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn it_says_when_it_is_ready_and_knows_no_other_path() {
    let server = Server::start().await;
    let answer = server.get("/demo/health").send().await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "ok": true })));
    for path in [
        "/",
        "/health/live",
        "/demo",
        "/demo/nothing",
        "/socket",
        "/socket/",
        "/socket/websocke",
        "/socket_fast/other",
    ] {
        assert_eq!(server.get(path).send().await.status, 404, "{path}");
    }
    assert_eq!(server.get("/demo/broadcast").send().await.status, 404);
    assert_eq!(server.post("/demo/broadcast").body("nonsense").send().await.status, 400);
}

#[tokio::test]
async fn its_channels_are_counted_until_they_end() {
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    let first = ada.join("room:1").await;
    ada.join("room:2").await;
    bob.join("room:1").await;
    assert_eq!(server.channels().await, 3);
    ada.push(&first, "room:1", "phx_leave", json!({})).await;
    server.has_channels(2).await;
    ada.push(&json!(null), "room:2", "crash", json!({})).await;
    server.has_channels(1).await;
    bob.hang_up().await;
    server.has_channels(0).await;
    ada.hang_up().await;
}

#[tokio::test]
async fn a_broadcast_over_http_reaches_whoever_joined() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    server.broadcast("room:1", "news", json!({ "a": 1 })).await;
    client.expect(json!([null, null, "room:1", "news", { "a": 1 }])).await;
}
