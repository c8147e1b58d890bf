//! §4.5 and §8: what one connection may use, and how it is told.

use std::time::Duration;

use serde_json::{Value, json};
use throng_web::Quota;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, Raw, Refused, Server, soon};

#[tokio::test]
async fn a_connection_may_join_so_many_topics() {
    // §4.5: the refusal keeps the join_ref; leaves, closes and crashes free a place.
    let server = Server::with_limits(|limits| limits.channels_per_connection_max = 2).await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    let second = client.join("room:2").await;
    let too_many = json!({"status": "error", "response": {"reason": "too many channels joined"}});
    client.push(json!("x"), "room:3", "phx_join", json!({})).await;
    client.expect(json!(["x", "3", "room:3", "phx_reply", too_many])).await;
    for (event, payload) in [("phx_leave", json!({})), ("stop", json!("normal")), ("crash", json!({}))] {
        client.push(Value::Null, "room:2", event, payload).await;
        while client.receive().await[3] == "phx_reply" {}
        client.join("room:3").await;
        client.push(Value::Null, "room:3", "crash", json!({})).await;
        assert_eq!(client.receive().await[3], "phx_error");
        client.join("room:2").await;
        assert_eq!(client.try_join("room:3", json!({})).await.1, too_many);
    }
    // A refused join takes no place, and one of a joined topic no second.
    assert_eq!(client.try_join("room:2", json!({})).await.1["status"], "ok");
    assert_ne!(second, Value::Null);
    // Heartbeats and the joined topics go on.
    assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
}

#[tokio::test]
async fn a_frame_beyond_the_limit_closes_with_1009() {
    // §7.5, §8; to the byte.
    let server = Server::with_limits(|limits| limits.frame_bytes_max = 1000).await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    let message = |bytes: usize| {
        let empty = r#"[null,"9","room:1","echo",""]"#.len();
        format!(r#"[null,"9","room:1","echo","{}"]"#, "x".repeat(bytes - empty))
    };
    client.send(message(1000)).await;
    assert_eq!(client.reply_to(&json!("9")).await["status"], "ok");
    client.send(message(1001)).await;
    assert_eq!(client.close().await, Some((1009, "message too big".into())));
    server.is_well().await;
}

#[tokio::test]
async fn fragments_are_measured_together() {
    // §8
    let server = Server::with_limits(|limits| limits.frame_bytes_max = 1000).await;
    let mut raw = Raw::upgraded(server.addr).await;
    raw.frame(0x01, &[b' '; 600]).await;
    raw.frame(0x80, &[b' '; 600]).await;
    assert_eq!(raw.close_code().await, Some(1009));
    server.is_well().await;
}

#[tokio::test]
async fn a_frame_that_only_claims_to_be_huge_is_refused_at_its_head() {
    let server = Server::start().await;
    let mut raw = Raw::upgraded(server.addr).await;
    let mut head = vec![0x81, 0x80 | 127];
    head.extend((1_u64 << 62).to_be_bytes());
    head.extend([0; 4]);
    raw.write(&head).await;
    assert_eq!(raw.close_code().await, Some(1009));
    server.is_well().await;
}

#[tokio::test]
async fn c18_8_messages_beyond_the_rate_are_answered_and_a_flood_is_closed() {
    // §18.8
    let server = Server::with_limits(|limits| limits.message_rate = Quota::new(1, 10)).await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    for _ in 0..9 {
        assert_eq!(client.ask("room:1", "echo", json!(1)).await.0, "ok");
    }
    let reference = client.push(json!("j"), "room:1", "echo", json!(1)).await;
    let refused = client.receive().await;
    assert_eq!((&refused[0], &refused[1]), (&json!("j"), &json!(reference)));
    assert_eq!(refused[4]["response"]["reason"], "rate limited");
    let wait = refused[4]["response"]["retry_after_ms"].as_u64().unwrap();
    assert!((1..=1000).contains(&wait), "{wait}");
    for _ in 0..20 {
        client.push(Value::Null, "room:1", "echo", json!(1)).await;
    }
    assert_eq!(client.close().await, Some((1008, "rate limit exceeded".into())));
    server.is_empty().await;
}

#[tokio::test]
async fn c18_8_joins_have_a_rate_of_their_own() {
    // §18.8
    let server = Server::with_limits(|limits| limits.join_rate = Quota::new(1, 3)).await;
    let mut client = server.client("ada").await;
    for _ in 0..3 {
        client.join("room:1").await;
    }
    let (_, refused) = client.try_join("room:1", json!({})).await;
    assert_eq!(refused["response"]["reason"], "rate limited");
    assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
}

#[tokio::test]
async fn a_silent_client_is_closed() {
    // §8, §18.1: what the server sends does not count, and the code is not 1000.
    let server = Server::with_limits(|limits| limits.idle_timeout = Duration::from_millis(150)).await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    let endpoint = server.endpoint.clone();
    let chatter = tokio::spawn(async move {
        loop {
            endpoint.broadcast("room:1", "shouted", json!({})).unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert_eq!(client.close().await, Some((1001, "idle timeout".into())));
    chatter.abort();
    server.is_empty().await;
}

#[tokio::test]
async fn any_frame_keeps_a_client_alive() {
    // §8: heartbeats, and pings as well.
    let server = Server::with_limits(|limits| limits.idle_timeout = Duration::from_secs(1)).await;
    let (mut beats, mut pings) = (server.client("ada").await, server.client("bob").await);
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_millis(2500) {
        beats.expect_nothing().await;
        futures_util::SinkExt::send(&mut pings.socket, Message::Ping("p".into())).await.unwrap();
        // Far more often than needed, for a machine that is busy.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    beats.expect_nothing().await;
    pings.expect_nothing().await;
}

#[tokio::test]
async fn pings_are_answered_with_their_own_data() {
    // §8
    let server = Server::start().await;
    let mut raw = Raw::upgraded(server.addr).await;
    raw.frame(0x89, b"some data").await;
    assert_eq!(raw.read_frame().await, Some((0x8a, b"some data".to_vec())));
    raw.frame(0x8a, b"nobody asked").await;
    raw.text(r#"[null,"1","phoenix","heartbeat",{}]"#).await;
    assert_eq!(raw.read_frame().await.unwrap().0, 0x81);
}

#[tokio::test]
async fn further_sockets_are_refused_and_a_place_is_given_back() {
    let server = Server::with_limits(|limits| limits.sockets_max = 2).await;
    let (one, _two) = (server.client("ada").await, server.client("bob").await);
    let path = "/socket/websocket?user=eve&vsn=2.0.0";
    let Err(Refused { status, .. }) = Client::try_connect(server.addr, path, &[]).await else {
        panic!("there was no place")
    };
    assert_eq!(status, 503);
    one.hang_up().await;
    crate::support::eventually("a place", || server.endpoint.connection_count() == 1).await;
    server.client("eve").await.hang_up().await;
}

#[tokio::test]
async fn further_http_connections_wait_for_their_turn() {
    let server = Server::with_limits(|limits| limits.connections_max = 2).await;
    let (one, _two) = (Raw::connect(server.addr).await, Raw::connect(server.addr).await);
    let mut third = Raw::connect(server.addr).await;
    third.write(Raw::request(server.addr).as_bytes()).await;
    let answered = tokio::time::timeout(Duration::from_millis(100), third.stream.readable()).await;
    assert!(answered.is_err(), "there was no place");
    drop(one);
    assert!(third.head().await.starts_with("HTTP/1.1 101 "));
}

#[tokio::test]
async fn a_client_whose_channels_are_behind_is_not_read() {
    // The queue is the network's: what was not read is handled when the channel has caught up.
    let server = Server::with_limits(|limits| limits.events_in_flight_max = 4).await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.push(Value::Null, "room:1", "sleep", json!(100)).await;
    for _ in 0..100 {
        client.push(Value::Null, "room:1", "echo", json!(1)).await;
    }
    // Even a heartbeat waits its turn behind them.
    let heartbeat = client.push(Value::Null, "phoenix", "heartbeat", json!({})).await;
    for n in 0..102_u64 {
        let reference = client.receive().await[1].clone();
        if reference == heartbeat {
            assert!(n >= 97, "{n} replies came before the heartbeat's");
        }
    }
}

#[tokio::test]
async fn nor_is_one_whose_channels_are_behind_with_large_events() {
    // 128 events of 64 KiB each would be eight mebibytes for each connection.
    let server = Server::with_limits(|limits| limits.bytes_in_flight_max = 20_000).await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.push(Value::Null, "room:1", "sleep", json!(100)).await;
    let text = "x".repeat(5_000);
    for _ in 0..40 {
        client.push(Value::Null, "room:1", "echo", json!(text)).await;
    }
    let heartbeat = client.push(Value::Null, "phoenix", "heartbeat", json!({})).await;
    for n in 0..42_u64 {
        if client.receive().await[1] == json!(heartbeat) {
            assert!(n >= 37, "{n} replies came before the heartbeat's");
        }
    }
    assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
}

#[tokio::test]
async fn leaves_count_as_events() {
    // A flood of them behind a join that hangs is left to the network as well.
    let server = Server::with_limits(|limits| {
        limits.events_in_flight_max = 4;
        limits.idle_timeout = Duration::from_millis(500);
        limits.channel_grace = Duration::from_millis(100);
    })
    .await;
    let mut client = server.client("ada").await;
    client.push(json!("1"), "room:1", "phx_join", json!({"how": "hang"})).await;
    for _ in 0..10 {
        client.push(json!("1"), "room:1", "phx_leave", json!({})).await;
    }
    assert_eq!(client.close_code().await, Some(1013));
    server.is_empty().await;
}

#[tokio::test]
async fn channels_that_stay_behind_end_the_connection() {
    // Without it nobody would notice that the client is gone: its frames are not read.
    let server = Server::with_limits(|limits| {
        limits.events_in_flight_max = 4;
        limits.idle_timeout = Duration::from_millis(500);
        limits.channel_grace = Duration::from_millis(100);
    })
    .await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.push(Value::Null, "room:1", "hang", json!({})).await;
    for _ in 0..10 {
        client.push(Value::Null, "room:1", "echo", json!(1)).await;
    }
    assert_eq!(client.close().await, Some((1013, "channels are behind".into())));
    drop(client);
    soon("the hanging channel to be killed", server.is_empty()).await;
}
