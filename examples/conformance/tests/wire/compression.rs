//! Compressed messages, where the mount agrees to them.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use serde_json::{Value, json};

use crate::support::{Raw, Server, ok};

const PATH: &str = "/socket/websocket?vsn=2.0.0&user_id=ada";
const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
/// A whole text, compressed.
const COMPRESSED_TEXT: u8 = 0xc1;

/// A connection that offered compression, and the head of the answer.
async fn offering(server: &Server, path: &str) -> (Raw, String) {
    let mut raw = Raw::connect(server.addr).await;
    let request = Raw::request(server.addr, path);
    raw.write(request.replacen("\r\n\r\n", &format!("\r\n{OFFER}\r\n\r\n"), 1).as_bytes()).await;
    let head = raw.head().await.to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    (raw, head)
}

/// As RFC 7692 §7.2.1 has it: without the empty block at the end.
fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::default(), false);
    let mut deflated = Vec::with_capacity(bytes.len() / 2 + 1_024);
    compress.compress_vec(bytes, &mut deflated, FlushCompress::Sync).unwrap();
    assert_eq!(compress.total_in(), bytes.len() as u64);
    deflated.truncate(deflated.len() - 4);
    deflated
}

/// What the server sends, by one window for all its messages.
struct Inflater(Decompress);

impl Inflater {
    fn message(&mut self, first: u8, payload: &[u8]) -> Value {
        let text = match first {
            COMPRESSED_TEXT => {
                let mut inflated = Vec::with_capacity(1 << 20);
                let whole = [payload, &[0, 0, 0xff, 0xff]].concat();
                self.0.decompress_vec(&whole, &mut inflated, FlushDecompress::Sync).unwrap();
                inflated
            }
            0x81 => payload.to_vec(),
            other => panic!("a frame that begins with {other:#x}"),
        };
        serde_json::from_slice(&text).unwrap()
    }
}

#[tokio::test]
async fn c1_10_compression_is_agreed_on_where_the_mount_wants_it() {
    let server = Server::start().await;
    let (_, agreed) = offering(&server, PATH).await;
    assert!(agreed.contains("sec-websocket-extensions: permessage-deflate"), "{agreed}");
    let (_, refused) = offering(&server, "/socket_fast/websocket?vsn=2.0.0").await;
    assert!(!refused.contains("sec-websocket-extensions"), "{refused}");
    let mut plain = Raw::connect(server.addr).await;
    plain.write(Raw::request(server.addr, PATH).as_bytes()).await;
    let head = plain.head().await.to_lowercase();
    assert!(!head.contains("sec-websocket-extensions"), "nobody asked for it: {head}");
}

#[tokio::test]
async fn c1_10_messages_are_compressed_both_ways_and_need_not_be() {
    let server = Server::start().await;
    let (mut raw, _) = offering(&server, PATH).await;
    let mut inflater = Inflater(Decompress::new(false));
    let text = "ada and bob ".repeat(2_000);
    let messages = [
        json!(["1", "1", "room:1", "phx_join", {}]),
        json!(["1", "2", "room:1", "echo", {"text": text}]),
        json!(["1", "3", "room:1", "echo", {"text": text}]),
    ];
    for (message, response) in
        messages.into_iter().zip([json!({}), json!({"text": text}), json!({"text": text})])
    {
        raw.frame(COMPRESSED_TEXT, &deflate(message.to_string().as_bytes())).await;
        let (first, payload) = raw.read_frame().await.unwrap();
        if response != json!({}) {
            assert!(payload.len() < text.len() / 4, "{} bytes were sent", payload.len());
        }
        let reply = inflater.message(first, &payload);
        assert_eq!(reply, json!(["1", message[1], "room:1", "phx_reply", ok(response)]));
    }
    raw.text(r#"[null,"4","phoenix","heartbeat",{}]"#).await;
    let (first, payload) = raw.read_frame().await.unwrap();
    assert_eq!(inflater.message(first, &payload)[1], "4");
}

#[tokio::test]
async fn c7_5f_what_inflates_too_far_closes_with_1009() {
    let server = Server::start().await;
    let (mut raw, _) = offering(&server, PATH).await;
    let bomb = deflate(&vec![b'x'; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    raw.frame(COMPRESSED_TEXT, &bomb).await;
    assert_eq!(raw.close_code().await, Some(1009));
}

#[tokio::test]
async fn c1_10_a_compressed_message_where_nothing_was_agreed_on_is_against_the_standard() {
    let server = Server::start().await;
    let mut raw = Raw::upgraded(server.addr, PATH).await;
    raw.frame(COMPRESSED_TEXT, &deflate(br#"[null,"1","phoenix","heartbeat",{}]"#)).await;
    assert_eq!(raw.close_code().await, Some(1002));
}
