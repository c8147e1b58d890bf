//! What POSTs bring.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use serde_json::{Value, json};

use super::support::{Client, Server, request};

fn line(reference: u64, topic: &str, event: &str, payload: Value) -> String {
    json!([null, reference.to_string(), topic, event, payload]).to_string()
}

async fn joined(server: &Server) -> Client {
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    client
}

#[tokio::test]
async fn c9_6_lines_are_dispatched_in_order() {
    let server = Server::patient().await;
    let mut client = joined(&server).await;
    let lines: Vec<_> = (10..90).map(|n| line(n, "room:a", "echo", n.into())).collect();
    assert_eq!(client.post(lines.join("\n")).await, 200);
    for n in 10..90 {
        assert_eq!(client.receive().await[1], n.to_string());
    }
    assert_eq!(client.post(lines[..2].join("\r\n") + "\r\n").await, 200);
    assert_eq!(client.receive().await[1], "10");
    assert_eq!(client.receive().await[1], "11");
}

#[tokio::test]
async fn c9_6_a_line_that_is_no_text_is_a_binary_message_in_base64() {
    let server = Server::patient().await;
    let mut client = joined(&server).await;
    // The layout of §3: lengths of join_ref, ref, topic and event, then these, then the payload.
    let mut frame = b"\x00\x00\x02\x06\x04".to_vec();
    frame.extend(b"42room:aecho");
    frame.extend(br#"{"a":1}"#);
    assert_eq!(client.post(BASE64.encode(&frame)).await, 200);
    // The channel takes JSON; that it was asked is what matters.
    assert_eq!(client.receive().await[1], "42");
}

#[tokio::test]
async fn c9_6_of_a_body_the_first_hundred_lines_are_used() {
    let server = Server::patient().await;
    let mut client = joined(&server).await;
    let lines: Vec<_> = (10..120).map(|n| line(n, "room:a", "echo", n.into())).collect();
    assert_eq!(client.post(lines.join("\n")).await, 200);
    assert_eq!(client.post(line(500, "room:a", "ack", json!(null))).await, 200);
    for n in (10..110).chain([500]) {
        assert_eq!(client.receive().await[1], n.to_string());
    }
}

#[tokio::test]
async fn c9_6_any_other_content_is_one_message() {
    let server = Server::patient().await;
    let mut client = joined(&server).await;
    let message = json!([null, "9", "room:a", "echo", 9]);
    let pretty = serde_json::to_string_pretty(&message).unwrap();
    for content_type in ["application/json", "text/plain;charset=UTF-8"] {
        assert_eq!(client.post_as(content_type, pretty.as_bytes()).await, 200);
        assert_eq!(client.answer("9").await, ("ok".into(), 9.into()));
    }
}

#[tokio::test]
async fn c9_6_what_is_answered_with_an_error_was_taken_all_the_same() {
    let server = Server::patient().await;
    let mut client = server.client("ada").await;
    assert_eq!(client.post(line(1, "room:nowhere", "echo", json!(1))).await, 200);
    let (status, response) = client.answer("1").await;
    assert_eq!((status.as_str(), &response["reason"]), ("error", &json!("unmatched topic")));
}

#[tokio::test]
async fn c9_6_a_message_that_is_not_taken_in_a_window_is_told_408_and_the_rest_is_dropped() {
    let limits = throng_web::Limits::default().with(|limits| limits.events_in_flight_max = 1);
    let window = Duration::from_secs(1);
    let server =
        Server::with(move |longpoll| longpoll.window = window, |builder| builder.limits(limits)).await;
    let mut client = joined(&server).await;
    // The first keeps the channel at work, the second waits before it, and no third may.
    let lines = [
        line(10, "room:a", "sleep", 2_000.into()),
        line(11, "room:a", "ack", json!(null)),
        line(12, "room:a", "ack", json!(null)),
    ];
    assert_eq!(client.post(lines.join("\n")).await, 408);
    assert_eq!(client.answer("10").await.0, "ok");
    assert_eq!(client.ask("room:a", "echo", json!("after")).await, ("ok".into(), "after".into()));
}

#[tokio::test]
async fn c9_7_a_message_that_is_none_is_answered_at_once_and_ends_the_session() {
    let mut server = Server::patient().await;
    let malformed: [&[u8]; 6] =
        [b"[1,2", b"[\"1\",\"1\",\"t\"]", b"no base64!", b"[\"\xff\"]", b"AAEC", b"{\"topic\":1}"];
    for body in malformed {
        let client = joined(&server).await;
        assert_eq!(client.post(body).await, 400, "{}", String::from_utf8_lossy(body));
        server.noted("terminate shutdown (closed)").await;
        assert_eq!(client.poll().await.status, 410);
        assert_eq!(client.post("[]").await, 410);
    }
    server.is_well().await;
}

#[tokio::test]
async fn c9_7_what_came_before_it_was_taken() {
    let mut server = Server::patient().await;
    let client = server.client("ada").await;
    let body = [line(1, "room:a", "phx_join", json!({})), "[".into(), line(2, "room:a", "ack", json!(null))];
    assert_eq!(client.post(body.join("\n")).await, 400);
    server.noted("terminate shutdown (closed)").await;
}

#[tokio::test]
async fn c8_a_body_and_its_messages_are_bounded() {
    let limits = throng_web::Limits::default().with(|limits| limits.frame_bytes_max = 1_000);
    let server =
        Server::with(|longpoll| longpoll.body_bytes_max = 10_000, |builder| builder.limits(limits)).await;
    let fits = |bytes: usize| line(9, "room:a", "echo", json!("x".repeat(bytes - 29)));
    let mut client = joined(&server).await;
    assert_eq!(fits(1_000).len(), 1_000);
    assert_eq!(client.post(fits(1_000)).await, 200);
    assert_eq!(client.answer("9").await.0, "ok");
    assert_eq!(client.post(fits(1_001)).await, 413);
    assert_eq!(client.poll().await.status, 410, "as a WebSocket would be closed with 1009");

    let client = joined(&server).await;
    assert_eq!(client.post(BASE64.encode([0; 1_001])).await, 413);

    let client = joined(&server).await;
    let lines = vec![fits(1_000); 11];
    assert_eq!(client.post(lines.join("\n")).await, 413);
    server.is_well().await;
}

#[tokio::test]
async fn a_body_that_trickles_holds_its_connection_no_longer_than_a_request_may_last() {
    let limits =
        throng_web::Limits::default().with(|limits| limits.request_timeout = Duration::from_millis(400));
    let server = Server::with(
        |longpoll| longpoll.window = Duration::from_millis(100),
        |builder| builder.limits(limits),
    )
    .await;
    let client = server.client("ada").await;
    let mut trickling = request(server.addr, "GET", "/health/live", &[], b"").await;
    assert_eq!(trickling.answer().await.status, 200);
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n[",
        client.uri()
    );
    let mut trickling =
        super::support::Exchange { stream: tokio::net::TcpStream::connect(server.addr).await.unwrap() };
    trickling.write(head.as_bytes()).await;
    // Either it is told, or it is hung up on: both end it.
    let answer = trickling.try_answer().await;
    assert!(answer.is_none_or(|answer| answer.json()["status"] == 408));
}
