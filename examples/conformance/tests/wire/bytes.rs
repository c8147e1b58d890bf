//! Binary frames, both ways.

use serde_json::{Value, json};

use crate::support::{Binary, Client, End, Frame, Server, binary::push, ok};

const ROOM: &str = "room:a";

/// A client that joined the room by the reference 1.
async fn joined(server: &Server, user: &str) -> Client {
    let mut client = server.client(user).await;
    client.send(json!(["1", "1", ROOM, "phx_join", {}])).await;
    client.expect(json!(["1", "1", ROOM, "phx_reply", ok(json!({}))])).await;
    client
}

fn reply(reference: &str, payload: &[u8]) -> Binary {
    let (reference, payload) = (reference.to_owned(), payload.to_vec());
    Binary::Reply { join_ref: "1".into(), reference, topic: ROOM.into(), status: "ok".into(), payload }
}

#[tokio::test]
async fn c3_1_a_reply_is_laid_out_as_measured() {
    let server = Server::start().await;
    let mut client = joined(&server, "ada").await;
    client.send_binary(push("1", "22", ROOM, "bin_reply", &[1, 2])).await;
    assert_eq!(client.receive_binary().await, b"\x01\x01\x02\x06\x02122room:aok\x01\x02\x03\x04");
}

#[tokio::test]
async fn c3_1_a_push_of_the_server_has_no_reference_and_a_broadcast_none_at_all() {
    let server = Server::start().await;
    let mut client = joined(&server, "ada").await;
    client.send_binary(push("1", "2", ROOM, "bin_push", b"\x00\xff")).await;
    assert_eq!(client.receive_binary().await, b"\x00\x01\x06\x081room:abin_push\x00\xff");
    client.send_binary(push("1", "3", ROOM, "bin_bcast", b"")).await;
    assert_eq!(client.receive_binary().await, b"\x02\x06\x09room:abin_bcast");
}

#[tokio::test]
async fn c3_1_names_are_counted_in_bytes() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let topic = "room:ü→😀";
    client.send(json!(["é", "é", topic, "phx_join", {}])).await;
    client.expect(json!(["é", "é", topic, "phx_reply", ok(json!({}))])).await;
    client.send_binary(push("é", "ß", topic, "echo", "ä".as_bytes())).await;
    let expected = Binary::Reply {
        join_ref: "é".into(),
        reference: "ß".into(),
        topic: topic.into(),
        status: "ok".into(),
        payload: "ä".into(),
    };
    assert_eq!(Binary::parse(&client.receive_binary().await), expected);
}

#[tokio::test]
async fn c3_2_each_message_is_of_its_payloads_kind() {
    let server = Server::start().await;
    let mut client = joined(&server, "ada").await;
    client.send_binary(push("1", "2", ROOM, "ping", b"\x01")).await;
    client.expect(json!(["1", "2", ROOM, "phx_reply", ok(json!({}))])).await;
    client.send_binary(push("1", "3", ROOM, "echo", b"{}")).await;
    assert_eq!(Binary::parse(&client.receive_binary().await), reply("3", b"{}"));
    client.send(json!(["1", "4", ROOM, "echo", {}])).await;
    client.expect(json!(["1", "4", ROOM, "phx_reply", ok(json!({}))])).await;
    let large = vec![0xfe; 300_000];
    client.send_binary(push("1", "5", ROOM, "echo", &large)).await;
    assert_eq!(Binary::parse(&client.receive_binary().await), reply("5", &large));
}

#[tokio::test]
async fn c3_2_bytes_and_text_keep_their_order() {
    let server = Server::start().await;
    let (mut ada, mut bob) = (joined(&server, "ada").await, joined(&server, "bob").await);
    for n in 0..50_u8 {
        ada.send_binary(push("1", "2", ROOM, "bin_bcast", &[n])).await;
        ada.send(json!(["1", "3", ROOM, "shout", {"n": n}])).await;
    }
    for n in 0..50_u8 {
        let broadcast = Binary::Broadcast { topic: ROOM.into(), event: "bin_bcast".into(), payload: vec![n] };
        assert_eq!(Binary::parse(&bob.receive_binary().await), broadcast);
        bob.expect(json!([null, null, ROOM, "shout", {"n": n}])).await;
    }
}

#[tokio::test]
async fn c3_3_a_reference_of_no_length_is_none() {
    let server = Server::start().await;
    let mut client = joined(&server, "ada").await;
    client.send_binary(push("", "2", ROOM, "echo", b"\x07")).await;
    assert_eq!(Binary::parse(&client.receive_binary().await), reply("2", &[7]));
    client.send_binary(push("1", "", ROOM, "echo", b"\x07")).await;
    assert_eq!(Binary::parse(&client.receive_binary().await), reply("", &[7]));
}

#[tokio::test]
async fn c3_3_a_stale_reference_is_stale_in_bytes_too_and_numbers_are_written_out() {
    let server = Server::start().await;
    let mut client = joined(&server, "ada").await;
    client.send_binary(push("0", "2", ROOM, "echo", b"")).await;
    client.expect_nothing().await;
    let topic = "room:numbers";
    client.send(json!([12, 13, topic, "phx_join", {}])).await;
    client.expect(json!([12, 13, topic, "phx_reply", ok(json!({}))])).await;
    client.send_binary(push("", "14", topic, "bin_push", b"")).await;
    let expected = Binary::Push {
        join_ref: "12".into(),
        topic: topic.into(),
        event: "bin_push".into(),
        payload: Vec::new(),
    };
    assert_eq!(Binary::parse(&client.receive_binary().await), expected);
}

#[tokio::test]
async fn c3_4_a_name_of_255_bytes_fits_and_a_longer_one_travels_as_text() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    let topic = |bytes: usize| format!("room:{}", "x".repeat(bytes - 5));
    let (longest, longer) = (topic(255), topic(256));
    client.join(&longest).await;
    client.send_binary(push("", "9", &longest, "bin_bcast", &[1])).await;
    let broadcast = Binary::Broadcast { topic: longest, event: "bin_bcast".into(), payload: vec![1] };
    assert_eq!(Binary::parse(&client.receive_binary().await), broadcast);
    client.join(&longer).await;
    client.push(&Value::Null, &longer, "new_msg", json!({})).await;
    client.expect(json!([null, null, longer, "new_msg", {}])).await;
}

#[tokio::test]
async fn c3_5_broken_frames_end_their_own_connection() {
    let server = Server::start().await;
    let mut well = joined(&server, "bob").await;
    let broken: [(&str, Vec<u8>); 10] = [
        ("empty", vec![]),
        ("kind 1", [&[1], &push("1", "2", ROOM, "echo", b"")[1..]].concat()),
        ("kind 2", vec![2, 1, 1, b'a', b'b']),
        ("kind 3", vec![3, 0, 0, 0, 0]),
        ("kind 255", vec![255; 20]),
        ("a header that is cut off", vec![0, 1, 1]),
        ("sizes beyond the frame", vec![0, 1, 1, 200, 1, b'1', b'2', b'r']),
        ("names that are cut off", push("1", "2", ROOM, "echo", b"")[..12].to_vec()),
        ("a topic that is not UTF-8", vec![0, 0, 0, 1, 1, 0xff, b'e']),
        ("an event that is not UTF-8", vec![0, 0, 0, 1, 1, b't', 0xff]),
    ];
    for (what, bytes) in broken {
        let mut client = joined(&server, "ada").await;
        client.send_binary(bytes).await;
        let End::Close(code, _) = client.end().await else { panic!("no close for {what}") };
        assert_ne!(code, 1000, "{what}");
    }
    assert_eq!(well.ask(ROOM, "ping", json!({})).await, ok(json!({})));
}

#[tokio::test]
async fn c3_5_a_join_may_be_bytes() {
    let server = Server::start().await;
    let mut client = server.client("ada").await;
    client.send_binary(push("1", "1", ROOM, "phx_join", b"\x00\x01")).await;
    client.expect(json!(["1", "1", ROOM, "phx_reply", ok(json!({}))])).await;
    client.send_binary(push("1", "2", ROOM, "phx_leave", b"")).await;
    client.expect(json!(["1", "2", ROOM, "phx_reply", ok(json!({}))])).await;
    client.expect(json!(["1", "1", ROOM, "phx_close", {}])).await;
}

#[tokio::test]
async fn c3_5_a_frame_may_be_cut_into_fragments() {
    use tokio_tungstenite::tungstenite::{
        Message,
        protocol::frame::{
            Frame as Raw,
            coding::{Data, OpCode},
        },
    };
    let server = Server::start().await;
    let mut client = joined(&server, "ada").await;
    let frame = push("1", "2", ROOM, "echo", b"fragments");
    let pieces: Vec<_> = frame.chunks(5).collect();
    for (n, piece) in pieces.iter().enumerate() {
        let opcode = OpCode::Data(if n == 0 { Data::Binary } else { Data::Continue });
        let is_last = n + 1 == pieces.len();
        client.send_message(Message::Frame(Raw::message(piece.to_vec(), opcode, is_last))).await;
    }
    assert_eq!(Binary::parse(&client.receive_binary().await), reply("2", b"fragments"));
}

#[tokio::test]
async fn c3_6_a_client_of_the_first_version_misses_bytes_and_nothing_else() {
    let server = Server::start().await;
    let mut old = server.connect("/socket/websocket?vsn=1.0.0&user_id=old").await;
    old.send(json!({"topic": ROOM, "event": "phx_join", "payload": {}, "ref": "1"})).await;
    old.receive().await;
    let mut ada = joined(&server, "ada").await;
    ada.send_binary(push("1", "2", ROOM, "bin_bcast", b"\x01")).await;
    ada.receive_binary().await;
    // The broadcaster lives, and what it says next arrives everywhere.
    assert_eq!(ada.ask(ROOM, "new_msg", json!({"a": 1})).await, ok(json!({})));
    let heard = old.next().await;
    let expected = json!({"topic": ROOM, "event": "new_msg", "payload": {"a": 1}, "ref": null});
    assert_eq!(heard, Ok(Frame::Text(expected)));
}

#[tokio::test]
async fn c3_6_the_first_version_reads_every_frame_as_text() {
    let server = Server::start().await;
    let mut old = server.connect("/socket/websocket?vsn=1.0.0").await;
    let message = json!({"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": "1"});
    old.send_binary(message.to_string()).await;
    let answer = json!({"topic": "phoenix", "event": "phx_reply", "payload": ok(json!({})), "ref": "1"});
    assert_eq!(old.next().await, Ok(Frame::Text(answer)));
    old.send_binary(push("1", "2", ROOM, "echo", b"")).await;
    let code = old.close_code().await;
    assert!(code.is_some_and(|code| code != 1000), "{code:?}");
}

#[tokio::test]
async fn c6_2_bytes_are_broadcast_past_the_channels() {
    let server = Server::start().await;
    let (mut ada, mut bob) = (joined(&server, "ada").await, joined(&server, "bob").await);
    let asleep = bob.push(&Value::Null, ROOM, "sleep", json!({"ms": 300})).await;
    ada.send_binary(push("1", "2", ROOM, "bin_bcast", b"\x01")).await;
    let heard = Binary::parse(&bob.receive_binary().await);
    assert_eq!(heard, Binary::Broadcast { topic: ROOM.into(), event: "bin_bcast".into(), payload: vec![1] });
    assert_eq!(bob.receive().await[1], asleep);
}
