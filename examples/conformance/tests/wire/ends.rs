//! How channels and connections end, and what their client is told. A letter after `7_5` is a row of the table of close codes.

use serde_json::{Value, json};

use crate::support::{Client, End, Raw, Server, ok};

const PATH: &str = "/socket/websocket?vsn=2.0.0&user_id=raw";

fn crashed(join_ref: &Value, topic: &str) -> Value {
    json!([join_ref, join_ref, topic, "phx_error", {"reason": "channel_crash"}])
}

#[tokio::test]
async fn c7_1_a_channel_that_crashes_is_an_error_and_answers_nothing_more() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:other").await;
    for event in ["crash", "stop_abnormal", "no_such_event"] {
        let join_ref = client.join("room:1").await;
        client.push(&join_ref, "room:1", event, json!({})).await;
        client.expect(crashed(&join_ref, "room:1")).await;
        client.expect_nothing().await;
    }
    assert_eq!(client.ask("room:other", "ping", json!({})).await, ok(json!({})));
    server.has_channels(1).await;
}

#[tokio::test]
async fn c7_2_a_channel_that_stops_in_order_is_closed() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for event in ["stop_normal", "stop_reply", "phx_leave"] {
        let join_ref = client.join("room:1").await;
        client.push(&join_ref, "room:1", event, json!({})).await;
        let close = client.find(|message| message[3] != "phx_reply").await;
        assert_eq!(close, json!([join_ref, join_ref, "room:1", "phx_close", {}]), "{event}");
        client.expect_nothing().await;
    }
    server.has_channels(0).await;
}

#[tokio::test]
async fn c7_3_the_reason_decides_between_close_and_error() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    for (event, end) in [
        ("stop_normal", "phx_close"),
        ("stop_reply", "phx_close"),
        ("stop_abnormal", "phx_error"),
        ("crash", "phx_error"),
    ] {
        client.join("room:1").await;
        client.push(&Value::Null, "room:1", event, json!({})).await;
        let message = client.find(|message| message[3] != "phx_reply").await;
        assert_eq!(message[3], end, "{event}");
    }
}

#[tokio::test]
async fn c7_4_a_disconnect_ends_every_connection_of_its_user_and_no_other() {
    let server = Server::start().await;
    let (mut one, mut two) = (server.client("ada").await, server.fast_client("ada").await);
    let (mut other, mut bob) = (server.client("ada2").await, server.client("bob").await);
    for client in [&mut one, &mut two, &mut other, &mut bob] {
        client.join("room:1").await;
    }
    assert_eq!(bob.ask("room:1", "disconnect_user", json!({"user_id": "ada"})).await, ok(json!({})));
    for client in [&mut one, &mut two] {
        assert_eq!(client.close_code().await, Some(1001));
    }
    server.has_channels(2).await;
    other.expect_nothing().await;
    bob.expect_nothing().await;
}

#[tokio::test]
async fn c7_4_a_disconnect_may_come_from_outside_and_other_events_do_nothing() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    server.broadcast("users_socket:ada", "news", json!({})).await;
    client.expect_nothing().await;
    server.broadcast("users_socket:ada", "disconnect", json!({})).await;
    assert_eq!(client.close_code().await, Some(1001));
}

#[tokio::test]
async fn c7_4_whoever_has_no_id_cannot_be_told_to_disconnect() {
    let server = Server::start().await;
    let mut nobody = server.connect("/socket/websocket?vsn=2.0.0").await;
    server.broadcast("users_socket:", "disconnect", json!({})).await;
    server.broadcast("users_socket:null", "disconnect", json!({})).await;
    nobody.expect_nothing().await;
}

#[tokio::test]
async fn c7_5a_a_disconnect_closes_with_1001() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    client.push(&Value::Null, "room:1", "disconnect_user", json!({"user_id": "ada"})).await;
    assert_eq!(client.close_code().await, Some(1001));
}

#[tokio::test]
async fn c7_5b_a_server_that_stops_closes_with_1012() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.join("room:1").await;
    let (code, ()) = tokio::join!(client.close_code(), server.stop());
    assert_eq!(code, Some(1012));
}

#[tokio::test]
async fn c7_5c_a_server_that_stops_closes_with_1012_where_nothing_is_joined_too() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let (code, ()) = tokio::join!(client.close_code(), server.stop());
    assert_eq!(code, Some(1012));
}

#[tokio::test]
async fn c7_5d_silence_does_not_close_with_1000() {
    let server = Server::start().await;
    let mut client = server.fast_client("ada").await;
    assert_eq!(client.close_code().await, Some(1001));
}

#[tokio::test]
async fn c7_5e_what_cannot_be_decoded_closes_with_1007_and_a_reason() {
    let server = Server::start().await;
    for text in ["{", "[1]", "nonsense"] {
        let mut client = server.client("ada").await;
        client.send_text(text).await;
        let End::Close(code, reason) = client.end().await else { panic!("no close for {text}") };
        assert_eq!(code, 1007, "{text}");
        assert!(!reason.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn c7_5f_a_message_beyond_the_limit_closes_with_1009() {
    let server = Server::start().await;
    let mut client = server.fast_client("ada").await;
    client.join("room:1").await;
    client.push(&Value::Null, "room:1", "echo", json!("x".repeat(65_536))).await;
    assert_eq!(client.close_code().await, Some(1009));
}

#[tokio::test]
async fn c7_5g_text_that_is_not_utf_8_closes_with_1007() {
    let server = Server::start().await;
    let mut raw = Raw::upgraded(server.addr, PATH).await;
    raw.frame(0x81, b"[null,\"1\",\"phoenix\",\"heartbeat\",\"\xff\"]").await;
    assert_eq!(raw.close_code().await, Some(1007));
}

#[tokio::test]
async fn c7_5h_frames_against_the_standard_close_with_1002() {
    let server = Server::start().await;
    let broken: [(&str, &[u8]); 6] = [
        ("an unmasked frame", &[0x81, 0x02, b'h', b'i']),
        ("a reserved opcode", &[0x83, 0x80, 0, 0, 0, 0]),
        ("a reserved bit", &[0xa1, 0x80, 0, 0, 0, 0]),
        ("a fragmented ping", &[0x09, 0x80, 0, 0, 0, 0]),
        ("a ping of 126 bytes", &[0x89, 0xfe, 0, 126, 0, 0, 0, 0]),
        ("a continuation of nothing", &[0x80, 0x80, 0, 0, 0, 0]),
    ];
    for (what, bytes) in broken {
        let mut raw = Raw::upgraded(server.addr, PATH).await;
        raw.write(bytes).await;
        assert_eq!(raw.close_code().await, Some(1002), "{what}");
    }
}

#[tokio::test]
async fn c7_5i_a_goodbye_of_the_client_is_echoed() {
    let server = Server::start().await;
    for code in [1000_u16, 1001, 3000, 4999] {
        let mut raw = Raw::upgraded(server.addr, PATH).await;
        raw.frame(0x88, &code.to_be_bytes()).await;
        assert_eq!(raw.close_code().await, Some(code));
        raw.end().await;
    }
}

#[tokio::test]
async fn c7_6_a_protocol_failure_ends_its_own_connection_alone() {
    let server = Server::start().await;
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    ada.join_with("room:1", json!({"announce": true})).await;
    ada.event("joined").await;
    bob.join("room:1").await;
    ada.send_text("no message").await;
    let code = ada.close_code().await;
    assert!(code.is_some_and(|code| code != 1000), "{code:?}");
    bob.expect(json!([null, null, "room:1", "user_left", {"user": "ada"}])).await;
    assert_eq!(bob.ask("room:1", "ping", json!({})).await, ok(json!({})));
    server.has_channels(1).await;
}

#[tokio::test]
async fn c7_7_refusals_are_answers_of_http() {
    let server = Server::start().await;
    let refused = async |query: &str| {
        let answer = Client::connect(server.addr, &format!("/socket/websocket?vsn=2.0.0{query}"), &[]).await;
        let answer = answer.err().unwrap();
        (answer.status, answer.body)
    };
    assert_eq!(refused("&reject=true").await, (403, String::new()));
    assert_eq!(refused("&ratelimit=true").await, (429, "Too many requests".to_owned()));
    assert_eq!(server.get(PATH).send().await.status, 400);
}
