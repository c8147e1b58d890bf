//! Sessions are connections: what bounds those bounds them.

use serde_json::json;

use super::support::{Server, request};

const PATH: &str = "/socket/longpoll?user=ada&vsn=2.0.0";

#[tokio::test]
async fn sessions_count_among_the_sockets() {
    let server = Server::with_limits(|limits| limits.sockets_max = 2).await;
    let _first = server.client("ada").await;
    let _second = server.client("ada").await;
    let refused = request(server.addr, "GET", PATH, &[], b"").await.answer().await;
    assert_eq!((refused.status, refused.json()), (503, json!({ "status": 500 })));
}

#[tokio::test]
async fn and_among_those_of_their_peer() {
    let server = Server::with_limits(|limits| limits.sockets_per_peer_max = 2).await;
    let _first = server.client("ada").await;
    let _second = server.client("ada").await;
    let refused = request(server.addr, "GET", PATH, &[], b"").await.answer().await;
    assert_eq!((refused.status, refused.json()), (200, json!({ "status": 403 })));
}

#[tokio::test]
async fn a_session_may_have_so_many_channels() {
    // §4.5
    let server = Server::with_limits(|limits| limits.channels_per_connection_max = 1).await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    let (status, response) = client.ask("room:b", "phx_join", json!({})).await;
    assert_eq!((status.as_str(), &response["reason"]), ("error", &json!("too many channels joined")));
}

#[tokio::test]
async fn a_client_that_does_not_poll_while_much_is_broadcast_loses_its_session() {
    // §18.3
    let server = Server::with_limits(|limits| limits.outbound_bytes_max = 100_000).await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    for _ in 0..200 {
        server.endpoint.broadcast("room:a", "flood", json!({ "text": "x".repeat(1_000) })).unwrap();
        assert!(server.endpoint.queued_bytes() <= 100_000);
    }
    server.is_empty().await;
    assert_eq!(client.poll().await.status, 410);
}

#[tokio::test]
async fn a_client_that_floods_is_told_and_then_loses_its_session() {
    // §18.8
    let server = Server::with_limits(|limits| limits.message_rate = throng_web::Quota::new(1, 10)).await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    let lines: Vec<_> =
        (10..25).map(|n| json!([null, n.to_string(), "room:a", "ack", null]).to_string()).collect();
    assert_eq!(client.post(lines.join("\n")).await, 200);
    let (status, response) = client.answer("24").await;
    assert_eq!((status.as_str(), &response["reason"]), ("error", &json!("rate limited")));
    assert_eq!(client.post(lines.join("\n")).await, 410);
}
