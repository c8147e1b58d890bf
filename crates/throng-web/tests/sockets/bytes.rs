//! §3: binary frames, in both directions.

use serde::Deserialize;
use serde_json::{Value, json};
use throng_pubsub::{Network, PubSub};
use throng_runtime::Exit;
use throng_web::{Binary, Broadcast, Channel, JoinError, Payload, Reply, Socket, SocketRef, SocketRouter};

use crate::support::{Client, Server};

/// A channel that takes bytes and hands them on in every way.
struct Parcels(Vec<SocketRef>);

#[derive(Deserialize)]
#[serde(tag = "event", content = "payload", rename_all = "snake_case")]
enum ParcelIn {
    /// JSON or bytes, as they come.
    Echo(Payload),
    Sent(Binary),
    Words(String),
    Pushed(Binary),
    Broadcast(Binary),
    Wrapped(Binary),
    /// Answers JSON with bytes.
    Picture,
    /// Broadcasts on a topic whose name is too long for bytes.
    TooLong(Binary),
    Defer,
    Answer(Binary),
}

impl Channel for Parcels {
    type Assigns = ();
    type Params = Payload;
    type Event = ParcelIn;
    const INTERCEPTS: &'static [&'static str] = &["wrapped"];

    async fn join(params: Payload, socket: &mut Socket<'_, Self>) -> Result<Parcels, JoinError> {
        if params.as_bytes().is_some_and(|bytes| bytes.is_empty()) {
            return Err(JoinError::with(Binary(vec![0].into())));
        }
        socket.reply_to_join(params)?;
        Ok(Parcels(Vec::new()))
    }

    async fn handle_in(&mut self, event: ParcelIn, socket: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        Ok(match event {
            ParcelIn::Echo(payload) => Reply::ok(payload),
            ParcelIn::Sent(Binary(bytes)) => Reply::ok(json!({ "bytes": bytes.len() })),
            ParcelIn::Words(words) => Reply::ok(words),
            ParcelIn::Pushed(bytes) => {
                socket.push("pushed", bytes)?;
                Reply::none()
            }
            ParcelIn::Broadcast(bytes) => {
                socket.broadcast("shouted", bytes)?;
                Reply::none()
            }
            ParcelIn::Wrapped(bytes) => {
                socket.broadcast("wrapped", bytes)?;
                Reply::none()
            }
            ParcelIn::Picture => Reply::status("seen", Payload::bytes(&b"\x89PNG"[..])),
            ParcelIn::TooLong(bytes) => {
                let long = "x".repeat(256);
                Reply::ok(socket.pubsub().broadcast(&*long, "e", bytes).unwrap_err().to_string())
            }
            ParcelIn::Defer => {
                self.0.extend(socket.socket_ref());
                Reply::none()
            }
            ParcelIn::Answer(bytes) => {
                for socket_ref in self.0.drain(..) {
                    socket_ref.reply("late", bytes.clone())?;
                }
                Reply::none()
            }
        })
    }

    async fn handle_out(&mut self, broadcast: &Broadcast, socket: &mut Socket<'_, Self>) -> Result<(), Exit> {
        let Binary(bytes) = broadcast.parse()?;
        Ok(socket.push("unwrapped", Payload::bytes([&bytes[..], b"!"].concat()))?)
    }
}

async fn server() -> Server {
    on(&PubSub::new()).await
}

async fn on(pubsub: &PubSub) -> Server {
    Server::on(pubsub, |builder| {
        builder.socket("/parcels", SocketRouter::new(async |_| Ok(())).channel::<Parcels>("room:*"))
    })
    .await
}

async fn client(server: &Server, vsn: &str) -> Client {
    Client::connect(server.addr, &format!("/parcels/websocket?vsn={vsn}")).await
}

/// A client that joined `room:1` with `"1"`.
async fn joined(server: &Server) -> Client {
    let mut client = client(server, "2.0.0").await;
    client.join("room:1").await;
    client
}

/// A push as clients send it.
fn push(join_ref: &str, reference: &str, topic: &str, event: &str, payload: &[u8]) -> Vec<u8> {
    let names = [join_ref, reference, topic, event];
    let mut bytes = vec![0];
    bytes.extend(names.map(|name| u8::try_from(name.len()).unwrap()));
    bytes.extend(names.concat().as_bytes());
    bytes.extend(payload);
    bytes
}

#[tokio::test]
async fn c3_1_bytes_are_answered_pushed_and_broadcast_as_measured() {
    let server = server().await;
    let mut client = joined(&server).await;
    let bytes = b"\x01\x02\x03\x04";
    client.send_bytes(push("1", "22", "room:1", "echo", bytes)).await;
    assert_eq!(client.receive_bytes().await, b"\x01\x01\x02\x06\x02122room:1ok\x01\x02\x03\x04");
    client.send_bytes(push("1", "23", "room:1", "pushed", bytes)).await;
    assert_eq!(client.receive_bytes().await, b"\x00\x01\x06\x061room:1pushed\x01\x02\x03\x04");
    client.send_bytes(push("1", "24", "room:1", "broadcast", bytes)).await;
    assert_eq!(client.receive_bytes().await, b"\x02\x06\x07room:1shouted\x01\x02\x03\x04");
}

#[tokio::test]
async fn c3_2_the_kind_of_a_frame_is_that_of_its_payload() {
    let server = server().await;
    let mut client = joined(&server).await;
    client.send_bytes(push("1", "2", "room:1", "sent", &[0xff; 300])).await;
    client
        .expect(json!(["1", "2", "room:1", "phx_reply", {"status": "ok", "response": {"bytes": 300}}]))
        .await;
    client.send(r#"["1","3","room:1","picture",{}]"#).await;
    assert_eq!(client.receive_bytes().await, b"\x01\x01\x01\x06\x0413room:1seen\x89PNG");
}

#[tokio::test]
async fn c3_2_what_expects_json_refuses_bytes_and_the_other_way_about() {
    let server = server().await;
    let mut client = joined(&server).await;
    let refusal = |reply: &Value| (reply["status"].clone(), reply["response"]["reason"].clone());
    let invalid = (json!("error"), json!("invalid payload"));
    client.send_bytes(push("1", "2", "room:1", "words", b"text")).await;
    assert_eq!(refusal(&client.reply_to(&json!("2")).await), invalid);
    client.send_bytes(push("1", "3", "room:1", "picture", b"{}")).await;
    assert_eq!(refusal(&client.reply_to(&json!("3")).await), invalid);
    let (status, response) = client.ask("room:1", "sent", json!("text")).await;
    assert_eq!((json!(status), response["reason"].clone()), invalid);
    client.send_bytes(push("1", "4", "room:1", "nonsense", b"")).await;
    assert_eq!(refusal(&client.reply_to(&json!("4")).await), (json!("error"), json!("unknown event")));
}

#[tokio::test]
async fn c3_2_bytes_of_any_size_arrive_whole() {
    let server = server().await;
    let mut client = joined(&server).await;
    for size in [0, 1, 1_023, 1_024, 1_025, 60_000] {
        let bytes: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
        client.send_bytes(push("1", "2", "room:1", "broadcast", &bytes)).await;
        assert_eq!(client.receive_bytes().await[16..], bytes, "{size} bytes");
    }
}

#[tokio::test]
async fn c3_3_a_reference_of_no_length_is_none() {
    let server = server().await;
    let mut client = joined(&server).await;
    client.send_bytes(push("", "", "room:1", "echo", b"x")).await;
    assert_eq!(client.receive_bytes().await, b"\x01\x01\x00\x06\x021room:1okx");
    // Another one is stale, as it is in text.
    client.send_bytes(push("9", "2", "room:1", "echo", b"x")).await;
    client.expect_nothing().await;
}

#[tokio::test]
async fn c3_3_a_numeric_reference_is_written_as_text() {
    let server = server().await;
    let mut client = client(&server, "2.0.0").await;
    client.send(r#"[7,8,"room:1","phx_join",{}]"#).await;
    client.receive().await;
    client.send(r#"[7,9,"room:1","picture",{}]"#).await;
    assert_eq!(client.receive_bytes().await, b"\x01\x01\x01\x06\x0479room:1seen\x89PNG");
}

#[tokio::test]
async fn c3_4_a_name_that_is_too_long_for_bytes_is_an_error_of_the_broadcaster() {
    let server = server().await;
    let mut client = joined(&server).await;
    client.send_bytes(push("1", "2", "room:1", "too_long", b"x")).await;
    let reply = client.reply_to(&json!("2")).await;
    assert_eq!(reply["response"], "a name of 256 bytes is too long to travel with a binary payload");
    client.expect_nothing().await;
}

#[tokio::test]
async fn c3_4_and_of_a_channel_that_answers_on_it() {
    // It crashes, and its neighbour does not notice.
    let server = server().await;
    let mut client = joined(&server).await;
    let topic = format!("room:{}", "x".repeat(251));
    client.join(&topic).await;
    let reference = client.push(Value::Null, &topic, "picture", json!({})).await;
    let error = client.receive().await;
    assert_eq!((&error[2], &error[3]), (&json!(topic), &json!("phx_error")));
    assert_ne!(error[1], json!(reference));
    assert_eq!(client.ask("room:1", "words", json!("a")).await.1, json!("a"));
}

#[tokio::test]
async fn c3_5_a_join_may_carry_bytes_and_be_answered_with_them() {
    let server = server().await;
    let mut client = client(&server, "2.0.0").await;
    client.send_bytes(push("1", "1", "room:1", "phx_join", b"\x07")).await;
    assert_eq!(client.receive_bytes().await, b"\x01\x01\x01\x06\x0211room:1ok\x07");
    client.send_bytes(push("2", "2", "room:2", "phx_join", b"")).await;
    assert_eq!(client.receive_bytes().await, b"\x01\x01\x01\x06\x0522room:2error\x00");
    // Params of JSON alone refuse them.
    let mut other = server.client("ada").await;
    other.send_bytes(push("1", "1", "room:1", "phx_join", b"{}")).await;
    assert_eq!(other.reply_to(&json!("1")).await["response"]["reason"], "invalid params");
}

#[tokio::test]
async fn c3_5_heartbeats_and_leaves_may_be_binary_frames() {
    let server = server().await;
    let mut client = joined(&server).await;
    client.send_bytes(push("", "5", "phoenix", "heartbeat", b"")).await;
    client.expect(json!([null, "5", "phoenix", "phx_reply", {"status": "ok", "response": {}}])).await;
    client.send_bytes(push("1", "6", "room:1", "phx_leave", b"")).await;
    client.expect(json!(["1", "6", "room:1", "phx_reply", {"status": "ok", "response": {}}])).await;
    client.expect(json!(["1", "1", "room:1", "phx_close", {}])).await;
}

#[tokio::test]
async fn c3_6_a_client_of_the_first_version_is_spared_bytes() {
    let server = server().await;
    let (mut old, mut new) = (client(&server, "1.0.0").await, joined(&server).await);
    old.send(r#"{"topic":"room:1","event":"phx_join","ref":"1","payload":{}}"#).await;
    old.receive().await;
    server.endpoint.broadcast("room:1", "picture", Payload::bytes(vec![1])).unwrap();
    server.endpoint.broadcast("room:1", "words", json!({"a": 1})).unwrap();
    assert_eq!(new.receive_bytes().await, b"\x02\x06\x07room:1picture\x01");
    old.expect(json!({"topic": "room:1", "event": "words", "ref": null, "payload": {"a": 1}})).await;
}

#[tokio::test]
async fn c3_6_a_client_of_the_first_version_may_send_text_in_any_frame() {
    let server = server().await;
    let mut old = client(&server, "1.0.0").await;
    old.send_bytes(&br#"{"topic":"room:1","event":"phx_join","ref":"1","payload":{}}"#[..]).await;
    let payload = json!({"status": "ok", "response": {}});
    old.expect(json!({"topic": "room:1", "event": "phx_reply", "ref": "1", "payload": payload})).await;
    old.send_bytes(&b"\xff"[..]).await;
    assert_eq!(old.close_code().await, Some(1007));
}

#[tokio::test]
async fn c5_3_a_deferred_answer_may_be_bytes() {
    let server = server().await;
    let mut client = joined(&server).await;
    client.send(r#"["1","5","room:1","defer",{}]"#).await;
    client.send_bytes(push("1", "6", "room:1", "answer", b"\x09")).await;
    assert_eq!(client.receive_bytes().await, b"\x01\x01\x01\x06\x0415room:1late\x09");
}

#[tokio::test]
async fn c6_3_an_intercepted_broadcast_of_bytes_goes_through_the_channel() {
    let server = server().await;
    let mut client = joined(&server).await;
    client.send_bytes(push("1", "2", "room:1", "wrapped", b"\x01")).await;
    assert_eq!(client.receive_bytes().await, b"\x00\x01\x06\x091room:1unwrapped\x01!");
}

#[tokio::test]
async fn c6_1_bytes_reach_clients_of_other_nodes() {
    let network = Network::new();
    let (one, two) =
        (on(&PubSub::over(network.join("one"))).await, on(&PubSub::over(network.join("two"))).await);
    let (mut ada, mut bob) = (joined(&one).await, joined(&two).await);
    ada.send_bytes(push("1", "2", "room:1", "broadcast", b"\x00\xff")).await;
    assert_eq!(ada.receive_bytes().await, b"\x02\x06\x07room:1shouted\x00\xff");
    assert_eq!(bob.receive_bytes().await, b"\x02\x06\x07room:1shouted\x00\xff");
}
