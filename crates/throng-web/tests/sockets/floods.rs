//! Clients that send more than anyone should, and too many of them.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use throng_web::Quota;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, Raw, Refused, Server, eventually, soon};

/// Sends one frame over and over, and reads nothing, until the server has had enough.
async fn flood(mut raw: Raw, first: u8, payload: &[u8]) {
    let frames: Vec<u8> =
        std::iter::repeat_n(crate::support::masked(first, payload), 100).flatten().collect();
    let flood = async {
        // The reset that ends it may come as an error of the write.
        while tokio::io::AsyncWriteExt::write_all(&mut raw.stream, &frames).await.is_ok() {}
    };
    soon("the server to end the flood", flood).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_ends_its_own_connection_alone() {
    let server = Server::with_limits(|limits| limits.message_rate = Quota::new(200, 500)).await;
    let mut witness = server.client("witness").await;
    witness.join("room:1").await;
    let floods: [(u8, &[u8]); 5] = [
        (0x81, br#"[null,"1","phoenix","heartbeat",{}]"#),
        (0x81, br#"[null,"1","room:1","echo",{}]"#),
        (0x81, br#"["1","1","room:1","phx_join",{}]"#),
        (0x89, b"ping"),
        (0x8a, b"pong"),
    ];
    let floods = floods.map(|(first, payload)| {
        let addr = server.addr;
        tokio::spawn(async move { flood(Raw::upgraded(addr).await, first, payload).await })
    });
    // Others are served meanwhile, each request in its turn.
    for n in 0..50 {
        assert_eq!(witness.ask("room:1", "echo", json!(n)).await.1, json!(n));
    }
    for flood in floods {
        flood.await.unwrap();
    }
    witness.hang_up().await;
    server.is_well().await;
}

#[tokio::test]
async fn a_flood_that_is_read_hears_why_it_ends() {
    let server = Server::with_limits(|limits| limits.message_rate = Quota::new(10, 50)).await;
    let client = server.client("evil").await;
    let (mut sink, source) = client.socket.split();
    let flood = async {
        loop {
            if sink.send(Message::text(r#"[null,"1","phoenix","heartbeat",{}]"#)).await.is_err() {
                return;
            }
        }
    };
    let messages = source.take_while(|message| std::future::ready(message.is_ok())).collect::<Vec<_>>();
    let ((), messages) = soon("the end of the flood", futures_util::future::join(flood, messages)).await;
    let count = |status: &str| {
        let text = |message: &Result<Message, _>| message.as_ref().unwrap().to_string();
        messages.iter().map(text).filter(|text| text.contains(status)).count()
    };
    assert!((50..60).contains(&count(r#""status":"ok""#)), "{messages:?}");
    assert!((50..60).contains(&count("rate limited")), "{messages:?}");
    let Some(Ok(Message::Close(Some(frame)))) = messages.last() else { panic!("{:?}", messages.last()) };
    assert_eq!(u16::from(frame.code), 1008);
}

#[tokio::test]
async fn joins_and_leaves_without_end_pile_nothing_up() {
    // Channels that hang while they join are replaced, and no more than twice the limit live at a time: the client is not heard
    // meanwhile.
    let server = Server::with_limits(|limits| {
        limits.channels_per_connection_max = 5;
        limits.channel_grace = Duration::from_millis(100);
    })
    .await;
    let mut client = server.client("evil").await;
    for n in 0..60 {
        let topic = format!("room:{}", n % 5);
        client.push(json!(n), &topic, "phx_join", json!({"how": "hang"})).await;
    }
    client.push(Value::Null, "phoenix", "heartbeat", json!({})).await;
    let mut most = 0;
    let heard = async {
        loop {
            tokio::select! {
                message = client.receive() => return message,
                () = tokio::time::sleep(Duration::from_millis(5)) => most = most.max(server.endpoint.channel_count()),
            }
        }
    };
    let heard = soon("all to be heard", heard).await;
    assert_eq!((&heard[2], &heard[3]), (&json!("phoenix"), &json!("phx_reply")));
    assert_eq!(most, 10);
    client.hang_up().await;
    server.is_empty().await;
}

#[tokio::test]
async fn a_crowd_is_served_up_to_the_limit_and_the_rest_refused() {
    const PLACES: usize = 50;
    let server = Server::with_limits(|limits| limits.sockets_max = PLACES).await;
    let mut inside = Vec::new();
    let mut outside = 0;
    for n in 0..2 * PLACES {
        let path = format!("/socket/websocket?user=user{n}&vsn=2.0.0");
        match Client::try_connect(server.addr, &path, &[]).await {
            Ok(client) => inside.push(client),
            Err(Refused { status, .. }) => {
                assert_eq!(status, 503);
                outside += 1;
            }
        }
    }
    assert_eq!((inside.len(), outside), (PLACES, PLACES));
    for client in &mut inside {
        client.join("room:1").await;
    }
    for mut client in inside {
        assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
        client.hang_up().await;
    }
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_come_and_go_leave_nothing_behind() {
    let server = Server::start().await;
    let crowd = (0..8).map(|n| {
        let addr = server.addr;
        tokio::spawn(async move {
            for round in 0..25 {
                let path = format!("/socket/websocket?user=user{n}&vsn=2.0.0");
                let mut client = Client::connect(addr, &path).await;
                client.push(json!("1"), "room:1", "phx_join", json!({})).await;
                match round % 4 {
                    0 => client.hang_up().await,
                    1 => drop(client),
                    2 => {
                        client.push(Value::Null, "room:1", "crash", json!({})).await;
                        drop(client);
                    }
                    _ => {
                        client.ask("room:1", "echo", json!(1)).await;
                        client.hang_up().await;
                    }
                }
            }
        })
    });
    for visitor in crowd.collect::<Vec<_>>() {
        visitor.await.unwrap();
    }
    server.is_well().await;
}

#[tokio::test]
async fn a_ping_flood_that_reads_nothing_is_answered_within_bounds() {
    // Pongs are not queued: the newest replaces those that were not sent.
    let server = Server::with_limits(|limits| limits.idle_timeout = Duration::from_millis(300)).await;
    let mut raw = Raw::upgraded(server.addr).await;
    let pings: Vec<u8> =
        std::iter::repeat_n(crate::support::masked(0x89, &[0; 125]), 4_000).flatten().collect();
    raw.write(&pings).await;
    eventually("the connection to end", || server.endpoint.connection_count() == 0).await;
    server.is_well().await;
}

#[tokio::test]
async fn a_flood_of_fragments_is_closed_with_1008() {
    // They are no messages, and empty ones exceed no size: nobody counted them.
    let server = Server::with_limits(|limits| limits.message_rate = Quota::new(10, 50)).await;
    let mut raw = Raw::upgraded(server.addr).await;
    // As many as may come at once are a message like any other.
    raw.frame(0x01, br#"[null,"1","phoenix","#).await;
    for _ in 0..40 {
        raw.frame(0x00, b"").await;
    }
    raw.frame(0x80, br#""heartbeat",{}]"#).await;
    assert_eq!(raw.read_frame().await.unwrap().0, 0x81);
    raw.frame(0x01, b"").await;
    for _ in 0..200 {
        raw.frame(0x00, b"").await;
    }
    assert_eq!(raw.close_code().await, Some(1008));
    server.is_well().await;
}
