//! Hostile input: whatever is no message, no frame or no request ends one connection and touches nothing else (§7.6).

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Noise, Raw, Server};

#[tokio::test]
async fn text_that_is_no_message_closes_with_1007() {
    // §7.6, §2.2
    let server = Server::start().await;
    let cases = [
        "",
        "nonsense",
        "{}",
        "[]",
        "null",
        "7",
        "\"text\"",
        "[null]",
        r#"[null,"1","room:1","echo"]"#,
        r#"{"topic":"room:1","event":"echo","payload":{},"ref":"1"}"#,
        r#"[null,"1",7,"echo",{}]"#,
        r#"[null,"1","room:1",null,{}]"#,
        r#"[null,"1","room:1","echo",{}"#,
        r#"[null,"1","room:1","echo",{"a":}]"#,
        r#"[null,"1","room:1","echo",{}] trailing"#,
        r#"[null,"1","room:1","echo",{}][]"#,
        r#"[null,"1","room:1","echo",NaN]"#,
        r#"[null,"1","room:1","echo","\ud800"#,
        "\u{feff}[null,\"1\",\"room:1\",\"echo\",{}]",
        "\u{0}\u{0}\u{0}",
    ];
    let mut witness = server.client("witness").await;
    witness.join("room:1").await;
    for text in cases {
        let mut client = server.client("evil").await;
        client.join("room:1").await;
        client.send(text).await;
        let close = client.close().await;
        assert_eq!(close, Some((1007, "malformed message".into())), "{text}");
    }
    assert_eq!(witness.ask("room:1", "echo", json!(1)).await.1, json!(1));
    witness.hang_up().await;
    server.is_empty().await;
}

#[tokio::test]
async fn text_beyond_the_bounds_of_the_parser_closes_with_1008() {
    let server = Server::start().await;
    let deep = format!(r#"[null,"1","room:1","echo",{}{}]"#, "[".repeat(20_000), "]".repeat(20_000));
    let deep_objects =
        format!(r#"[null,"1","room:1","echo",{}1{}]"#, r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
    let long_topic = format!(r#"[null,"1","{}","echo",{{}}]"#, "x".repeat(2_000));
    let long_event = format!(r#"[null,"1","room:1","{}",{{}}]"#, "x".repeat(2_000));
    let long_ref = format!(r#"[null,"{}","room:1","echo",{{}}]"#, "x".repeat(2_000));
    for text in [deep, deep_objects, long_topic, long_event, long_ref] {
        let mut client = server.client("evil").await;
        client.send(text).await;
        assert_eq!(client.close_code().await, Some(1008));
    }
    server.is_well().await;
}

#[tokio::test]
async fn a_payload_that_the_channel_cannot_read_is_an_error_and_no_crash() {
    let server = Server::start().await;
    let mut client = server.client("evil").await;
    client.join("room:1").await;
    for payload in [r#"{"a":1,"a":2}"#, "1e400", "-0", r#""\u0000""#, "123456789012345678901234567890"] {
        client.send(format!(r#"[null,"r","room:1","push_many",{payload}]"#)).await;
        assert_eq!(client.reply_to(&json!("r")).await["status"], "error", "{payload}");
    }
    assert_eq!(client.ask("room:1", "echo", json!(1)).await.1, json!(1));
}

#[tokio::test]
async fn c3_5_binary_frames_that_are_no_message_close_with_1007() {
    let server = Server::start().await;
    for bytes in [vec![], vec![0; 4], vec![255; 5_000], b"\x01\x01\x01\x06\x0211room:1ok{}".to_vec()] {
        let mut client = server.client("evil").await;
        futures_util::SinkExt::send(&mut client.socket, Message::binary(bytes)).await.unwrap();
        assert_eq!(client.close_code().await, Some(1007));
    }
    server.is_well().await;
}

#[tokio::test]
async fn text_that_is_not_utf_8_closes_with_1007() {
    // §7.5
    let server = Server::start().await;
    for bytes in [&b"\xff\xfe"[..], b"[null,\"1\",\"room:\xc3\x28\",\"echo\",{}]", b"\xed\xa0\x80"] {
        let mut raw = Raw::upgraded(server.addr).await;
        raw.frame(0x81, bytes).await;
        assert_eq!(raw.close_code().await, Some(1007));
        raw.end().await;
    }
    server.is_well().await;
}

#[tokio::test]
async fn frames_against_the_standard_close_with_1002() {
    // §7.5, RFC 6455
    let server = Server::start().await;
    let long_ping = crate::support::masked(0x89, &[b'x'; 126]);
    let cases: [(&str, &[u8]); 8] = [
        ("unmasked", b"\x81\x02{}"),
        ("reserved bit", b"\xc1\x80\x00\x00\x00\x00"),
        ("reserved opcode", b"\x83\x80\x00\x00\x00\x00"),
        ("reserved control opcode", b"\x8b\x80\x00\x00\x00\x00"),
        ("fragmented ping", b"\x09\x80\x00\x00\x00\x00"),
        ("long ping", &long_ping),
        ("continuation of nothing", b"\x80\x80\x00\x00\x00\x00"),
        ("a message within a message", b"\x01\x81\x00\x00\x00\x00x\x81\x81\x00\x00\x00\x00x"),
    ];
    for (name, bytes) in cases {
        let mut raw = Raw::upgraded(server.addr).await;
        raw.write(bytes).await;
        assert_eq!(raw.close_code().await, Some(1002), "{name}");
        raw.end().await;
    }
    server.is_well().await;
}

#[tokio::test]
async fn malformed_close_frames_do_no_harm() {
    let server = Server::start().await;
    for payload in [&b"\x03"[..], &999_u16.to_be_bytes(), &1005_u16.to_be_bytes(), b"\x03\xe8\xff\xff"] {
        let mut raw = Raw::upgraded(server.addr).await;
        raw.frame(0x88, payload).await;
        assert_ne!(raw.close_code().await, Some(1000), "{payload:?}");
        raw.end().await;
    }
    server.is_well().await;
}

#[tokio::test]
async fn noise_on_the_wire_ends_its_connection_alone() {
    let server = Server::start().await;
    let mut witness = server.client("witness").await;
    witness.join("room:1").await;
    let mut noise = Noise::new();
    for round in 0..300 {
        let upgraded = round % 3 != 0;
        let mut raw =
            if upgraded { Raw::upgraded(server.addr).await } else { Raw::connect(server.addr).await };
        let length = usize::try_from(noise.next() % 3_000).unwrap();
        let bytes: Vec<u8> = (0..length).map(|_| noise.next().to_le_bytes()[0]).collect();
        raw.write(&bytes).await;
        if round % 2 == 0 {
            // Half of them hang up in the middle of whatever it was.
            drop(raw);
        } else {
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut raw.stream).await;
            raw.end().await;
        }
    }
    assert_eq!(witness.ask("room:1", "echo", json!(1)).await.1, json!(1));
    witness.hang_up().await;
    server.is_well().await;
}

#[tokio::test]
async fn requests_that_are_none_are_refused() {
    let server = Server::start().await;
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"\x00\x00\x00\x00\r\n\r\n".to_vec(),
        b"GET /socket/websocket HTTP/9.9\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000)).into_bytes(),
        format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(100_000)).into_bytes(),
        format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(5_000)).into_bytes(),
    ] {
        let mut raw = Raw::connect(server.addr).await;
        raw.write(&bytes).await;
        let mut answer = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut raw.stream, &mut answer);
        let _ = crate::support::soon("an answer", read).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    server.is_well().await;
}
