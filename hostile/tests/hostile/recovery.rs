//! Clients that come back to many topics, and want to hear all that was said there.

use serde_json::{Value, json};

use crate::support::{MIB, Peer, Server, Witness};

/// Topics with a history of 200 KiB each.
const TOPICS: u64 = 50;
const MESSAGES: u64 = 50;
const BYTES: usize = 4_000;

fn topic(n: u64) -> String {
    format!("room:recalled:{n}")
}

/// A server on whose topics much was said.
fn server() -> Server {
    let server = Server::start(json!({}));
    let mut speaker = Peer::connect(server.addr);
    speaker.join("room:speaker");
    for n in 0..TOPICS {
        let many = json!({ "topic": topic(n), "first": 0, "count": MESSAGES, "bytes": BYTES });
        speaker.ask("room:speaker", "broadcast", &many);
    }
    drop(speaker);
    server.is_left_with(0, 0);
    server
}

fn ask_for_all(peer: &mut Peer) {
    for n in 0..TOPICS {
        peer.send(&json!(["1", "1", topic(n), "phx_join", { "since": 0 }]).to_string());
    }
}

/// 10 MB in answer to 50 joins: what waits for a client is bounded by 1 MiB, and it comes as fast as it is read.
#[test]
fn c18_6_who_comes_back_to_many_topics_is_not_taken_for_slow() {
    let server = server();
    let mut peer = Peer::connect(server.addr);
    ask_for_all(&mut peer);
    let mut told = 0;
    while told < TOPICS * MESSAGES {
        let message = peer.message();
        let history =
            if message[3] == "phx_reply" { &message[4]["response"]["history"] } else { &message[4] };
        let messages = history["messages"].as_array().map_or(&[][..], Vec::as_slice);
        told += messages.iter().filter(|message| message["event"] == "numbered").count() as u64;
    }
    assert_eq!(server.stats().closed_for_being_slow, 0);
}

/// 100 clients that ask for 10 MB each, and read nothing: 1 GB, if each were set aside.
#[test]
fn c18_6_what_is_asked_for_and_not_read_is_not_set_aside() {
    let (server, clients) = (server(), 100);
    let witness = Witness::watch(server.addr);
    let before = server.memory();
    let asking: Vec<Peer> = (0..clients)
        .map(|_| {
            let mut peer = Peer::connect(server.addr);
            ask_for_all(&mut peer);
            peer
        })
        .collect();
    witness.has_been_served();
    let grown = server.memory_peak().saturating_sub(before);
    println!("{} MiB more", grown / MIB);
    assert!(grown < clients * MIB * 2, "{grown} bytes");
    drop(asking);
    server.is_left_with(0, 0);
}
