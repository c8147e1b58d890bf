//! Clients that read slowly or not at all (§18.3).

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::support::{Client, Raw, Server};

/// Enough broadcasts to fill any socket buffer and the queue behind it.
const MESSAGES: usize = 1_600;

/// A payload that makes each frame a little over four kilobytes.
fn big(n: usize) -> Value {
    json!({"n": n, "text": "x".repeat(4_000)})
}

/// A joined client whose system buffers little of what it does not read.
async fn lazy(server: &Server) -> Raw {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut raw = Raw { stream: socket.connect(server.addr).await.unwrap() };
    raw.write(Raw::request(server.addr).as_bytes()).await;
    assert!(raw.head().await.starts_with("HTTP/1.1 101 "));
    raw.text(r#"["1","1","room:1","phx_join",{}]"#).await;
    assert_eq!(raw.read_frame().await.unwrap().0, 0x81);
    raw
}

#[tokio::test]
async fn a_client_that_never_reads_is_closed_with_1013_and_others_miss_nothing() {
    let mut server = Server::with_limits(|limits| limits.outbound_bytes_max = 64 << 10).await;
    let mut lazy = lazy(&server).await;
    let mut eager: Vec<Client> = Vec::new();
    for n in 0..3 {
        let mut client = server.client(&format!("eager{n}")).await;
        client.join("room:1").await;
        eager.push(client);
    }
    server.notes();
    for n in 0..MESSAGES {
        server.endpoint.broadcast("room:1", "big", big(n)).unwrap();
        // The eager ones are as quick as the sender; only the lazy one falls behind.
        for client in &mut eager {
            assert_eq!(client.receive().await[4]["n"], json!(n));
        }
    }
    let note = server.note().await;
    assert_eq!((note.user.as_str(), note.what.as_str()), ("raw", "terminate shutdown (closed)"));
    for client in &mut eager {
        assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
    }
    for client in eager {
        client.hang_up().await;
    }
    server.is_empty().await;
    // What it did get is whole frames, in order, up to where it was cut off.
    let mut next = 0;
    while let Some((0x81, frame)) = lazy.read_frame().await {
        let message: Value = serde_json::from_slice(&frame).unwrap();
        assert_eq!(message[4]["n"], json!(next));
        next += 1;
    }
    assert!(next < MESSAGES);
}

#[tokio::test]
async fn a_slow_reader_that_wakes_up_in_time_hears_why_it_was_closed() {
    let mut server = Server::with_limits(|limits| {
        limits.outbound_bytes_max = 64 << 10;
        limits.close_timeout = Duration::from_secs(15);
    })
    .await;
    let mut lazy = lazy(&server).await;
    server.notes();
    for n in 0..MESSAGES {
        server.endpoint.broadcast("room:1", "big", big(n)).unwrap();
        tokio::task::yield_now().await;
    }
    // Its channel ends at once; the close frame waits for it.
    assert_eq!(server.note().await.what, "terminate shutdown (closed)");
    assert_eq!(lazy.close_code().await, Some(1013));
}

#[tokio::test]
async fn what_waits_for_clients_that_do_not_read_is_bounded() {
    // Twenty of them, each may cost its share and no more, however much is sent.
    const LAZY: usize = 20;
    let server = Server::with_limits(|limits| limits.outbound_bytes_max = 64 << 10).await;
    let mut crowd = Vec::new();
    for _ in 0..LAZY {
        crowd.push(lazy(&server).await);
    }
    let mut eager = server.client("eager").await;
    eager.join("room:1").await;
    let mut most = 0;
    for n in 0..MESSAGES {
        server.endpoint.broadcast("room:1", "big", big(n)).unwrap();
        most = most.max(server.endpoint.queued_bytes());
        assert_eq!(eager.receive().await[4]["n"], json!(n));
    }
    assert!(most > 64 << 10, "the queues were never put to the test: {most}");
    assert!(most <= (LAZY + 1) * (64 << 10), "{most}");
    assert_eq!(server.endpoint.queued_bytes(), 0);
    crate::support::eventually("all that do not read to be closed", || {
        server.endpoint.connection_count() == 1
    })
    .await;
    eager.hang_up().await;
    server.is_well().await;
}

#[tokio::test]
async fn a_client_that_reads_late_but_within_bounds_gets_everything() {
    let server = Server::start().await;
    let mut lazy = lazy(&server).await;
    let mut sender = server.client("sender").await;
    sender.join("room:1").await;
    // Nine hundred kilobytes: more than the sockets hold, less than the queue may.
    for n in 0..200 {
        server.endpoint.broadcast("room:1", "big", big(n)).unwrap();
        assert_eq!(sender.receive().await[4]["n"], json!(n));
    }
    for n in 0..200 {
        let (_, frame) = lazy.read_frame().await.unwrap();
        let message: Value = serde_json::from_slice(&frame).unwrap();
        assert_eq!(message[4]["n"], json!(n));
    }
    lazy.text(r#"[null,"9","room:1","echo",1]"#).await;
    let (_, frame) = lazy.read_frame().await.unwrap();
    assert!(frame.starts_with(br#"["1","9","room:1","phx_reply""#));
}

#[tokio::test]
async fn a_connection_that_ends_in_the_middle_of_a_write_loses_nothing_that_came_before() {
    // The frame in hand when the writing half is dropped is written all the same: there is no gap.
    const FRAMES: usize = 120;
    let text = "x".repeat(60_000);
    let server = Server::with_limits(|limits| {
        limits.outbound_bytes_max = 1 << 30;
        limits.close_timeout = Duration::from_secs(15);
    })
    .await;
    for _ in 0..3 {
        let mut lazy = lazy(&server).await;
        let mut eager = server.client("eager").await;
        eager.join("room:1").await;
        // At once, and more than the sockets hold: the write to the lazy one stands still between two frames.
        for n in 0..FRAMES {
            server.endpoint.broadcast("room:1", "big", json!({"n": n, "text": text})).unwrap();
        }
        for n in 0..FRAMES {
            assert_eq!(eager.receive().await[4]["n"], json!(n));
        }
        server.endpoint.disconnect("users_socket:raw").unwrap();
        eager.expect_nothing().await;
        for n in 0..FRAMES {
            let (_, frame) = lazy.read_frame().await.unwrap();
            let message: Value = serde_json::from_slice(&frame).unwrap();
            assert_eq!(message[4]["n"], json!(n));
        }
        assert_eq!(lazy.close_code().await, Some(1001));
        eager.hang_up().await;
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_for_the_write_timeout_is_closed() {
    // Its queue is far from full: it is the write that does not end.
    let server = Server::with_limits(|limits| {
        limits.outbound_bytes_max = 1 << 30;
        limits.write_timeout = Duration::from_millis(200);
    })
    .await;
    let _lazy = lazy(&server).await;
    for n in 0..MESSAGES {
        server.endpoint.broadcast("room:1", "big", big(n)).unwrap();
    }
    server.is_empty().await;
    server.is_well().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_still_heard() {
    // The reading half goes on while the writing half waits.
    let mut server = Server::with_limits(|limits| limits.outbound_bytes_max = 1 << 30).await;
    let mut lazy = lazy(&server).await;
    for n in 0..MESSAGES {
        server.endpoint.broadcast("room:1", "big", big(n)).unwrap();
    }
    server.notes();
    lazy.text(r#"[null,"9","room:1","stop","normal"]"#).await;
    assert_eq!(server.note().await.what, "terminate normal");
}

#[tokio::test]
async fn large_frames_reach_a_client_that_reads() {
    // A full room's state was larger than what might wait: nobody could enter it any more, however fast he read.
    let server = Server::with_limits(|limits| limits.outbound_bytes_max = 64 << 10).await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    let state = "ö".repeat(150_000);
    for round in 0..10 {
        // Two at once, and what happens meanwhile.
        server.endpoint.broadcast("room:1", "state", json!({"n": round, "text": state})).unwrap();
        server.endpoint.broadcast("room:1", "history", json!({"n": round, "text": state})).unwrap();
        server.endpoint.broadcast("room:1", "diff", json!({ "n": round })).unwrap();
        for event in ["state", "history", "diff"] {
            let message = client.receive().await;
            assert_eq!((&message[3], &message[4]["n"]), (&json!(event), &json!(round)));
            assert!(event == "diff" || message[4]["text"] == state.as_str());
        }
        assert_eq!(client.ask("room:1", "echo", json!(round)).await.1, json!(round));
    }
    assert_eq!(server.endpoint.queued_bytes(), 0);
}

#[tokio::test]
async fn large_frames_for_a_client_that_never_reads_are_few() {
    let server = Server::with_limits(|limits| limits.outbound_bytes_max = 64 << 10).await;
    let mut lazy = lazy(&server).await;
    let mut witness = server.client("witness").await;
    witness.join("room:1").await;
    let text = "x".repeat(4 << 20);
    for n in 0..8 {
        server.endpoint.broadcast("room:1", "state", json!({"n": n, "text": text})).unwrap();
        assert_eq!(witness.receive().await[4]["n"], json!(n));
    }
    crate::support::eventually("the lazy one to be closed", || server.endpoint.connection_count() == 1).await;
    // It is cut off wherever it was.
    let mut begun = 0;
    while let Some((first, _)) = lazy.read_frame().await {
        begun += usize::from(first & 0x0f == 1);
    }
    assert!(begun < 8, "{begun}");
    witness.hang_up().await;
    server.is_well().await;
}

#[tokio::test]
async fn a_slow_reader_of_a_large_frame_hears_its_other_half_before_the_close() {
    // The writing half ends within the frame; its fragments go on where they stopped.
    let server = Server::with_limits(|limits| limits.close_timeout = Duration::from_secs(15)).await;
    let mut lazy = lazy(&server).await;
    let mut witness = server.client("witness").await;
    witness.join("room:1").await;
    let text = "x".repeat(8 << 20);
    server.endpoint.broadcast("room:1", "state", json!({ "text": text })).unwrap();
    assert_eq!(witness.receive().await[3], "state");
    server.endpoint.disconnect("users_socket:raw").unwrap();
    witness.expect_nothing().await;
    let (mut message, mut is_whole) = (Vec::new(), false);
    while !is_whole {
        let (first, part) = lazy.read_frame().await.unwrap();
        assert_eq!(first & 0x0f, u8::from(message.is_empty()));
        message.extend(part);
        is_whole = first & 0x80 != 0;
    }
    let message: Value = serde_json::from_slice(&message).unwrap();
    assert!(message[4]["text"] == text.as_str());
    assert_eq!(lazy.close_code().await, Some(1001));
}

#[tokio::test]
async fn c18_3_a_client_that_is_slow_with_events_that_may_be_dropped_stays_and_gets_the_newest() {
    let server = Server::with_limits(|limits| limits.outbound_bytes_max = 64 << 10).await;
    let mut lazy = lazy(&server).await;
    for n in 0..MESSAGES {
        server.endpoint.broadcast("room:1", "tick", big(n)).unwrap();
        server.endpoint.broadcast("room:1", "cursor", json!({ "n": n })).unwrap();
        tokio::task::yield_now().await;
    }
    server.endpoint.broadcast("room:1", "firm", json!({})).unwrap();
    let counts = server.endpoint.outbound_counts();
    assert!(counts.dropped > 0 && counts.superseded > 0 && counts.closed == 0, "{counts:?}");
    let (mut last_tick, mut last_cursor, mut received) = (0, 0, 0);
    loop {
        let (_, frame) = lazy.read_frame().await.expect("the connection lives");
        let message: Value = serde_json::from_slice(&frame).unwrap();
        received += 1;
        match message[3].as_str() {
            Some("tick") => last_tick = message[4]["n"].as_u64().unwrap(),
            Some("cursor") => last_cursor = message[4]["n"].as_u64().unwrap(),
            _ => break,
        }
    }
    let newest = MESSAGES as u64 - 1;
    assert_eq!((last_tick, last_cursor), (newest, newest));
    let (dropped, superseded) = (counts.dropped as usize, counts.superseded as usize);
    assert!(received + dropped + superseded > 2 * MESSAGES, "what was not sent is counted");
}
