//! Times and limits: rows of the table of section 8 (`c8a_` is its first).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use throng::web::{Drain, LongPoll};

use crate::support::{Client, Frame, Poller, Raw, Server, ok};

/// After this long without a word, `/socket_fast` hangs up.
const IDLE: Duration = Duration::from_millis(1_000);

#[tokio::test]
async fn c8a_whoever_says_nothing_is_closed_and_what_the_server_says_does_not_count() {
    let server = Server::start().await;
    let mut client = server.fast_client("ada").await;
    client.join("room:1").await;
    let joined = Instant::now();
    let chatter = async {
        loop {
            server.broadcast("room:1", "news", json!({})).await;
        }
    };
    let code = tokio::select! {
        code = client.close_code() => code,
        () = chatter => None,
    };
    assert_eq!(code, Some(1001));
    // The server's clock started when it read the join, a moment before the client's did.
    assert!(joined.elapsed() > IDLE - Duration::from_millis(500));
}

#[tokio::test]
async fn c8a_any_frame_buys_time_a_ping_too() {
    let server = Server::start().await;
    let mut client = server.fast_client("ada").await;
    let last = loop {
        tokio::time::sleep(IDLE * 6 / 10).await;
        let now = Instant::now();
        client.ping(b"here").await;
        match client.next().await {
            Ok(Frame::Pong(_)) => break now,
            // This machine was asleep for longer than it was told to be.
            _ => client = server.fast_client("ada").await,
        }
    };
    client.close_code().await;
    assert!(last.elapsed() >= IDLE, "closed {:?} after the last frame", last.elapsed());
}

#[tokio::test]
async fn c8r_the_server_answers_pings_with_their_data_and_sends_none() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for data in [&b""[..], b"here", &[7; 125]] {
        client.ping(data).await;
        assert_eq!(client.next().await, Ok(Frame::Pong(data.to_vec())));
    }
    client.expect_nothing().await;
}

#[tokio::test]
async fn c8f_a_message_may_be_as_large_as_the_mount_allows_however_it_is_cut() {
    let server = Server::start().await;
    let path = "/socket_fast/websocket?vsn=2.0.0";
    let heartbeat = |bytes: usize| {
        let frame = |padding: &str| format!(r#"[null,"1","phoenix","heartbeat",{{"p":"{padding}"}}]"#);
        frame(&"x".repeat(bytes - frame("").len()))
    };
    let mut raw = Raw::upgraded(server.addr, path).await;
    raw.text(&heartbeat(65_536)).await;
    assert_eq!(raw.read_frame().await.unwrap().0, 0x81);
    raw.text(&heartbeat(65_537)).await;
    assert_eq!(raw.close_code().await, Some(1009));

    let large = heartbeat(65_537);
    let (first, rest) = large.split_at(40_000);
    let mut raw = Raw::upgraded(server.addr, path).await;
    raw.frame(0x01, first.as_bytes()).await;
    raw.frame(0x80, rest.as_bytes()).await;
    assert_eq!(raw.close_code().await, Some(1009));
}

#[tokio::test]
async fn c8f_four_megabytes_fit_into_a_frame_of_the_other_mount() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    let large = json!("x".repeat(4_000_000));
    assert_eq!(client.ask("room:1", "echo", large.clone()).await, ok(large));
}

#[tokio::test]
async fn c8g_a_connection_has_as_many_channels_as_its_mount_allows() {
    let server = Server::start().await;
    let (mut slow, mut fast) = (server.client("ada").await, server.fast_client("ada").await);
    let admitted = async |client: &mut Client, tries: usize| {
        let mut admitted = 0;
        for n in 0..tries {
            let join_ref = client.send_join(&format!("room:{n}"), json!({})).await;
            admitted += usize::from(client.reply_to(&join_ref).await["status"] == "ok");
        }
        admitted
    };
    assert_eq!(admitted(&mut slow, 102).await, 100);
    assert_eq!(admitted(&mut fast, 7).await, 5);
}

#[tokio::test]
async fn c8i_utf_8_is_looked_at_across_fragments() {
    let server = Server::start().await;
    let mut raw = Raw::upgraded(server.addr, "/socket/websocket?vsn=2.0.0").await;
    let text = r#"[null,"ü","phoenix","heartbeat",{}]"#.as_bytes();
    let middle_of_the_letter = 8;
    raw.frame(0x01, &text[..middle_of_the_letter]).await;
    raw.frame(0x80, &text[middle_of_the_letter..]).await;
    let (first, answer) = raw.read_frame().await.unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((first, answer), (0x81, json!([null, "ü", "phoenix", "phx_reply", ok(json!({}))])));
}

#[tokio::test]
async fn c8h_nothing_is_compressed_where_the_mount_does_not_say_so() {
    let server = Server::start().await;
    let offer = ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits");
    let path = "/socket_fast/websocket?vsn=2.0.0";
    let client = Client::connect(server.addr, path, &[offer]).await.unwrap();
    assert!(!client.response.headers().contains_key("sec-websocket-extensions"));
}

#[tokio::test]
async fn c8l_a_poll_is_held_for_ten_seconds_or_as_the_mount_says() {
    let server = Server::start().await;
    assert_eq!(LongPoll::default().window, Duration::from_secs(10));
    let fast = Poller::open(server.addr, "/socket_fast/longpoll?vsn=2.0.0").await;
    let slow = Poller::open(server.addr, "/socket/longpoll?vsn=2.0.0").await;
    tokio::select! {
        polled = fast.poll() => assert_eq!(polled["status"], 204),
        polled = slow.poll() => panic!("the longer window ended first: {polled}"),
    }
}

#[test]
fn c8n_a_session_token_is_good_for_fourteen_days() {
    assert_eq!(LongPoll::default().token_max_age, Duration::from_secs(1_209_600));
}

#[test]
fn c8o_a_drain_closes_ten_thousand_at_a_time_every_two_seconds() {
    let drain = Drain::default();
    assert_eq!((drain.batch_size, drain.batch_interval), (10_000, Duration::from_secs(2)));
}

#[tokio::test]
async fn c8p_a_post_has_at_most_eight_megabytes() {
    let server = Server::start().await;
    let mut poller = Poller::open(server.addr, "/socket/longpoll?vsn=2.0.0").await;
    poller.join("room:1", json!({})).await;
    let echo = |bytes: usize| json!([null, null, "room:1", "echo", "x".repeat(bytes)]).to_string();
    assert_eq!(poller.post(&echo(7_900_000)).await, 200);
    assert_eq!(poller.receive().await[4]["response"].as_str().unwrap().len(), 7_900_000);
    let refused = poller.request("POST").header("Content-Type", "application/x-ndjson").body(echo(8_100_000));
    let answer = refused.send().await;
    assert_ne!((answer.status, answer.body.as_str()), (200, r#"{"status":200}"#));
}
