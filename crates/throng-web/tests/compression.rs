//! permessage-deflate over real connections (§1.10).
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

mod raw;

use std::net::{Ipv4Addr, SocketAddr};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use raw::{PLAIN, Raw, Room};
use serde_json::{Value, json};
use throng_runtime::Node;
use throng_web::{Endpoint, PubSub, SocketRouter};

const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
const COMPRESSED_TEXT: u8 = 0xC1;

/// Runs a test's clients against a server of its own, which compresses or does not.
fn with_server(compresses: bool, test: impl FnOnce(&Endpoint, SocketAddr)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let endpoint = runtime.block_on(async {
        let (node, pubsub) = (Node::new("test"), PubSub::new());
        let mut sockets = SocketRouter::new(async |_| Ok(())).channel::<Room>("room:*");
        if compresses {
            sockets = sockets.compress(throng_web::Compress::default());
        }
        let endpoint = Endpoint::builder(&node, &pubsub).socket("/socket", sockets).build().unwrap();
        node.start(endpoint.listen((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        endpoint
    });
    test(&endpoint, endpoint.local_addr().unwrap());
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut deflated = Vec::with_capacity(bytes.len() + 100);
    compress.compress_vec(bytes, &mut deflated, FlushCompress::Sync).unwrap();
    deflated.truncate(deflated.len() - 4);
    deflated
}

fn inflated(payload: &[u8]) -> String {
    let mut decompress = Decompress::new(false);
    let mut inflated = Vec::with_capacity(1 << 20);
    let tailed = [payload, &[0, 0, 0xff, 0xff]].concat();
    decompress.decompress_vec(&tailed, &mut inflated, FlushDecompress::Sync).unwrap();
    String::from_utf8(inflated).unwrap()
}

fn echo(words: &str) -> String {
    json!(["1", "9", "room:1", "echo", { "words": words }]).to_string()
}

#[test]
fn c1_10_compression_is_off_unless_the_mount_turns_it_on() {
    with_server(false, |_, addr| {
        let (mut client, head) = Raw::upgraded(addr, OFFER);
        assert!(!head.contains("sec-websocket-extensions"), "{head}");
        client.send(COMPRESSED_TEXT, &deflated(b"[]"));
        let (first, close) = client.frame();
        assert_eq!((first, &close[..2]), (0x88, &1002_u16.to_be_bytes()[..]));
    });
    with_server(true, |_, addr| {
        let (_, head) = Raw::upgraded(addr, PLAIN);
        assert!(!head.contains("sec-websocket-extensions"), "{head}");
        let (_, head) =
            Raw::upgraded(addr, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8\r\n");
        assert!(!head.contains("sec-websocket-extensions"), "{head}");
    });
}

#[test]
fn c1_10_large_messages_are_compressed_both_ways_and_small_ones_are_not() {
    with_server(true, |_, addr| {
        let (mut client, head) = Raw::upgraded(addr, OFFER);
        let answer = "sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n";
        assert!(head.contains(answer), "{head}");
        client.join("room:1");
        let long = "hello ".repeat(500);
        for _ in 0..3 {
            client.send(COMPRESSED_TEXT, &deflated(echo(&long).as_bytes()));
            let (first, reply) = client.frame();
            assert_eq!(first, COMPRESSED_TEXT);
            assert!(reply.len() < 500 && inflated(&reply).contains(&long));
        }
        client.send(COMPRESSED_TEXT, &deflated(echo("short").as_bytes()));
        let (first, reply) = client.frame();
        assert!(first == 0x81 && String::from_utf8(reply).unwrap().contains("short"));
    });
}

#[test]
fn c1_10_a_broadcast_reaches_those_with_compression_and_those_without() {
    with_server(true, |endpoint, addr| {
        let small_window = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n";
        let mut clients: Vec<(Raw, bool)> =
            [(OFFER, true), (PLAIN, false), (small_window, true), (OFFER, true)]
                .map(|(offer, compresses)| (Raw::upgraded(addr, offer).0, compresses))
                .into();
        clients.iter_mut().for_each(|(client, _)| client.join("room:1"));
        let words = "news ".repeat(2_000);
        for n in 0..3 {
            endpoint.broadcast("room:1", "news", json!({"n": n, "words": words})).unwrap();
        }
        for (client, compresses) in &mut clients {
            for n in 0..3 {
                let (first, frame) = client.frame();
                assert_eq!(first, if *compresses { COMPRESSED_TEXT } else { 0x81 });
                let text = if *compresses { inflated(&frame) } else { String::from_utf8(frame).unwrap() };
                let message: Value = serde_json::from_str(&text).unwrap();
                assert_eq!((&message[4]["n"], &message[4]["words"]), (&json!(n), &json!(words)));
            }
        }
    });
}

#[test]
fn c1_10_a_hundred_bombs_are_closed_with_1009_and_others_are_served() {
    // 64 MiB of one byte, in 64 KiB.
    let bomb = deflated(&vec![b'a'; 60 << 20]);
    assert!(bomb.len() < 64 << 10, "it has to pass as a frame");
    with_server(true, |_, addr| {
        let (mut witness, _) = Raw::upgraded(addr, OFFER);
        witness.join("room:1");
        let mut bombers: Vec<Raw> = (0..100).map(|_| Raw::upgraded(addr, OFFER).0).collect();
        bombers.iter_mut().for_each(|bomber| bomber.send(COMPRESSED_TEXT, &bomb));
        for bomber in &mut bombers {
            let (first, close) = bomber.frame();
            assert_eq!((first, &close[..2]), (0x88, &1009_u16.to_be_bytes()[..]));
        }
        witness.send(0x81, echo("well").as_bytes());
        assert_eq!(witness.frame().0, 0x81);
    });
}
