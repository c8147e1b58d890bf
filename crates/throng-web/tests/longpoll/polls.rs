//! What polls bring, and when.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::{Client, Server, soon};

/// A session lives half as long again between two polls, on a busy machine too.
const SHORT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn c9_4_what_waits_is_handed_out_in_order_and_once() {
    let server = Server::patient().await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    let reference = client.push("room:a", "push_many", 300.into()).await;
    let mut numbers = Vec::new();
    loop {
        let message = client.receive().await;
        if message[1] == reference {
            break;
        }
        numbers.push(message[4]["n"].as_u64().unwrap());
    }
    assert_eq!(numbers, (0..300).collect::<Vec<_>>());
}

#[tokio::test]
async fn c9_4_a_poll_is_held_and_released_as_soon_as_something_comes() {
    let server = Server::patient().await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    let mut held = client.begin_poll().await;
    server.endpoint.broadcast("room:a", "news", json!({ "a": 1 })).unwrap();
    let polled = held.answer().await.json();
    assert_eq!(polled["status"], 200);
    assert_eq!(polled["token"], client.token);
    assert_eq!(polled["messages"], json!([r#"[null,null,"room:a","news",{"a":1}]"#]));
}

#[tokio::test]
async fn c9_4_a_poll_whose_window_passes_is_told_204() {
    let server = Server::hasty(SHORT).await;
    let client = server.client("ada").await;
    let polled = client.poll().await;
    assert_eq!((polled.status, polled.messages.len()), (204, 0));
    assert_eq!(polled.token.as_deref(), Some(client.token.as_str()));
    assert_eq!(client.poll().await.status, 204, "and may poll again");
}

#[tokio::test]
async fn c9_5_messages_are_the_texts_of_websocket_frames() {
    let server = Server::patient().await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    let echoed = json!("quotes \" and \\ and \u{1} and ö and 🦀");
    client.push("room:a", "echo", echoed.clone()).await;
    let polled = client.poll().await;
    let expected = json!({ "response": echoed, "status": "ok" });
    let [text] = polled.messages.as_slice() else { panic!("{polled:?}") };
    let message: Value = serde_json::from_str(text).unwrap();
    assert_eq!(message, json!(["1", "2", "room:a", "phx_reply", expected]));
}

#[tokio::test]
async fn c9_5_clients_of_version_1_get_objects() {
    let server = Server::patient().await;
    let mut client = Client::new(server.addr, "/socket/longpoll?user=ada&vsn=1.0.0");
    client.open().await;
    let join = r#"{"topic":"room:a","event":"phx_join","payload":{},"ref":"1"}"#;
    // As they send it: one message, and JSON.
    assert_eq!(client.post_as("application/json", join.as_bytes()).await, 200);
    let polled = client.poll().await;
    let message: Value = serde_json::from_str(&polled.messages[0]).unwrap();
    let expected = json!({
        "topic": "room:a", "event": "phx_reply", "ref": "1", "payload": { "status": "ok", "response": {} },
    });
    assert_eq!(message, expected);
}

#[tokio::test]
async fn c9_5_bytes_are_for_those_who_ask_for_them() {
    use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
    let server = Server::patient().await;
    let broadcast = || {
        let payload = throng_web::Payload::bytes(vec![0, 255]);
        server.endpoint.pubsub().broadcast("room:a", "bytes", payload).unwrap();
        server.endpoint.broadcast("room:a", "text", json!({})).unwrap();
    };
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    let mut asking = Client::new(server.addr, "/socket/longpoll?user=eve&vsn=2.0.0&binary=base64");
    asking.open().await;
    asking.join("room:a").await;
    broadcast();
    let text = r#"[null,null,"room:a","text",{}]"#;
    assert_eq!(client.poll().await.messages, [text], "those who did not get what they can read");
    let bytes = BASE64.encode(b"\x02\x06\x05room:abytes\x00\xff");
    let mut polled = asking.poll().await.messages;
    if polled.len() == 1 {
        polled.extend(asking.poll().await.messages);
    }
    assert_eq!(polled, [bytes.as_str(), text]);
}

#[tokio::test]
async fn c9_11_no_heartbeat_is_needed() {
    // What a WebSocket would be closed for.
    let limits = throng_web::Limits::default().with(|limits| limits.idle_timeout = SHORT / 20);
    let server = Server::with(|longpoll| longpoll.window = SHORT, |builder| builder.limits(limits)).await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    for _ in 0..2 {
        assert_eq!(client.poll().await.status, 204);
    }
    assert_eq!(client.ask("room:a", "ack", json!(null)).await.0, "ok");
    // But who sends one is answered.
    client.push("phoenix", "heartbeat", json!({})).await;
    assert_eq!(
        client.receive().await,
        json!([null, "3", "phoenix", "phx_reply", { "status": "ok", "response": {} }])
    );
}

#[tokio::test]
async fn of_two_polls_the_newer_one_gets_what_comes() {
    let server = Server::patient().await;
    let mut client = server.client("ada").await;
    client.join("room:a").await;
    let mut older = client.begin_poll().await;
    let mut newer = client.begin_poll().await;
    // Whichever arrived first is sent home at once.
    let first_home = async {
        tokio::select! {
            polled = older.answer() => (polled, &mut newer),
            polled = newer.answer() => (polled, &mut older),
        }
    };
    let (home, staying) = soon("the older poll to end", first_home).await;
    assert_eq!(home.json()["status"], 204);
    server.endpoint.broadcast("room:a", "news", json!({})).unwrap();
    assert_eq!(staying.answer().await.json()["messages"].as_array().unwrap().len(), 1);
}
