//! Clients that do not finish what they begin, or go without a word.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::support::{Noise, Raw, Server, eventually};

/// A server that waits for nobody for long.
async fn impatient() -> Server {
    Server::with_limits(|limits| {
        limits.header_timeout = Duration::from_millis(400);
        limits.idle_timeout = Duration::from_millis(400);
        limits.close_timeout = Duration::from_millis(400);
    })
    .await
}

#[tokio::test]
async fn a_half_open_socket_is_reaped() {
    // The client is gone and its system does not say so: nothing comes any more, not even an answer to the close.
    let mut server = impatient().await;
    let mut raw = Raw::upgraded(server.addr).await;
    raw.text(r#"["1","1","room:1","phx_join",{}]"#).await;
    assert_eq!(raw.read_frame().await.unwrap().0, 0x81);
    server.notes();
    assert_eq!(server.note().await.what, "terminate shutdown (closed)");
    server.is_empty().await;
    assert_eq!(raw.close_code().await, Some(1001));
}

#[tokio::test]
async fn a_trickled_request_runs_out_of_time() {
    // Slowloris: a byte now and then does not buy more time.
    let server = impatient().await;
    let mut raw = Raw::connect(server.addr).await;
    let request = Raw::request(server.addr);
    // An endless one: the server has hung up when a byte cannot be written any more.
    for byte in request.trim_end().bytes().chain(std::iter::repeat(b'x')) {
        if raw.stream.write_u8(byte).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.endpoint.connection_count(), 0);
}

#[tokio::test]
async fn a_connection_that_says_nothing_runs_out_of_time() {
    let server = impatient().await;
    let mut silent = Raw::connect(server.addr).await;
    silent.end().await;
    // So does one that was served and asks for nothing more.
    let mut served = Raw::connect(server.addr).await;
    served.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(served.head().await.starts_with("HTTP/1.1 200 "));
    served.end().await;
}

#[tokio::test]
async fn slow_requests_do_not_keep_others_out() {
    let server = Server::with_limits(|limits| limits.header_timeout = Duration::from_secs(1)).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut raw = Raw::connect(server.addr).await;
        raw.write(b"GET /socket/websocket HTTP/1.1\r\nHost: ").await;
        slow.push(raw);
    }
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
    for raw in &mut slow {
        raw.end().await;
    }
}

#[tokio::test]
async fn a_trickled_frame_runs_out_of_time() {
    let server = impatient().await;
    let mut raw = Raw::upgraded(server.addr).await;
    // The head promises a message; its bytes come one at a time.
    raw.write(&[0x81, 0x80 | 100, 0, 0, 0, 0]).await;
    let endless = async {
        loop {
            raw.write(b"x").await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = endless => {}
        () = eventually("the connection to end", || server.endpoint.connection_count() == 0) => {}
    }
}

#[tokio::test]
async fn empty_fragments_buy_no_time() {
    let server = impatient().await;
    let mut raw = Raw::upgraded(server.addr).await;
    raw.frame(0x01, b"").await;
    let endless = async {
        loop {
            raw.frame(0x00, b"").await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        () = endless => {}
        () = eventually("the connection to end", || server.endpoint.connection_count() == 0) => {}
    }
}

#[tokio::test]
async fn pings_between_fragments_buy_no_time() {
    let server = impatient().await;
    let mut raw = Raw::upgraded(server.addr).await;
    raw.frame(0x01, b"").await;
    let endless = async {
        loop {
            raw.frame(0x89, b"").await;
            raw.frame(0x00, b"").await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = endless => {}
        () = eventually("the connection to end", || server.endpoint.connection_count() == 0) => {}
    }
}

#[tokio::test]
async fn a_message_that_takes_its_time_may_arrive() {
    // It began just in time, and takes as long again: longer altogether than a client may be silent.
    let server = Server::with_limits(|limits| limits.idle_timeout = Duration::from_secs(2)).await;
    let mut raw = Raw::upgraded(server.addr).await;
    let heartbeat = crate::support::masked(0x81, br#"[null,"1","phoenix","heartbeat",{}]"#);
    let (start, rest) = heartbeat.split_at(1);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    raw.write(start).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    raw.write(rest).await;
    assert_eq!(raw.read_frame().await.unwrap().0, 0x81);
}

#[tokio::test]
async fn a_client_may_vanish_at_any_point_of_its_life() {
    let server = Server::start().await;
    let request = Raw::request(server.addr);
    let join = crate::support::masked(0x81, br#"["1","1","room:1","phx_join",{"how":"slow"}]"#);
    let whole: Vec<u8> = request.bytes().chain(join).collect();
    for length in (0..=whole.len()).step_by(3) {
        let mut raw = Raw::connect(server.addr).await;
        raw.write(&whole[..length]).await;
        drop(raw);
    }
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_that_start_while_their_connection_dies_end_with_it() {
    // Two thousand times, at any moment between the first byte and the last answer.
    const ROUNDS: usize = 2_000;
    let server = Server::start().await;
    let mut noise = Noise::new();
    let messages: Vec<u8> = [
        r#"["1","1","room:1","phx_join",{}]"#,
        r#"["2","2","room:2","phx_join",{"goodbye":true}]"#,
        r#"["1","3","room:1","echo",1]"#,
        r#"["3","4","room:1","phx_join",{}]"#,
        r#"["2","5","room:2","phx_leave",{}]"#,
    ]
    .iter()
    .flat_map(|text| crate::support::masked(0x81, text.as_bytes()))
    .collect();
    for _ in 0..ROUNDS {
        let mut raw = Raw::upgraded(server.addr).await;
        raw.write(&messages[..noise.below(messages.len() + 1)]).await;
        for _ in 0..noise.below(4) {
            tokio::task::yield_now().await;
        }
        if noise.below(2) == 0 {
            // As a reset, where there is something that was not read.
            let _ = raw.stream.try_read(&mut [0; 8]);
        }
        drop(raw);
    }
    server.is_empty().await;
    for topic in ["room:1", "room:2", "users_socket:raw"] {
        assert_eq!(server.endpoint.pubsub().subscribers(topic), 0, "{topic}");
    }
    server.is_well().await;
}
