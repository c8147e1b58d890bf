//! Clients that send as much as they can.

use std::{io::Write, thread};

use serde_json::{Value, json};

use crate::support::{MIB, Parting, Peer, Server, TEXT, Witness, eventually, masked, times};

const FLOODERS: u64 = 10;

/// Writes a message over and over, as fast as it goes, until nobody takes it any more; what comes back is read meanwhile.
fn flood(peer: Peer, message: &[u8]) -> Parting {
    let mut sink = peer.stream.try_clone().unwrap();
    let frames: Vec<u8> = masked(TEXT, message).repeat(1_000);
    let mut source = peer;
    let reading = thread::spawn(move || {
        let parting = source.parting();
        let _ = source.stream.shutdown(std::net::Shutdown::Both);
        parting
    });
    while sink.write_all(&frames).is_ok() {}
    reading.join().unwrap()
}

/// The row: 10 sockets with 200,000 messages a second; the others are served, the floods closed with a reason. Run: 10 sockets
/// that send as fast as they can, and come again 10 times when they are closed.
#[test]
fn c18_8_floods_are_closed_with_a_reason_and_the_others_are_answered() {
    let server = Server::start(json!({}));
    let witnesses: Vec<Witness> = (0..3).map(|_| Witness::watch(server.addr)).collect();
    let before = server.memory();
    let floods: Vec<_> = (0..FLOODERS)
        .map(|n| {
            let addr = server.addr;
            thread::spawn(move || {
                let rounds = 10 * times();
                (0..rounds)
                    .map(|_| {
                        let mut peer = Peer::connect(addr);
                        peer.join("room:flood");
                        let message: Value = match n % 3 {
                            0 => json!([null, "1", "phoenix", "heartbeat", {}]),
                            1 => json!(["room:flood", "1", "room:flood", "echo", "some words"]),
                            _ => json!(["1", "1", "room:flood", "phx_join", {}]),
                        };
                        flood(peer, message.to_string().as_bytes())
                    })
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let partings: Vec<Parting> = floods.into_iter().flat_map(|flood| flood.join().unwrap()).collect();
    let answered: Vec<u64> = witnesses.into_iter().map(Witness::has_been_served).collect();
    let told = partings.iter().filter(|parting| **parting == Parting::Closed(1008)).count();
    let grown = server.memory_peak().saturating_sub(before);
    println!("{told} of {} told, {answered:?} answered, {} MiB more", partings.len(), grown / MIB);
    // A reset may overtake the reason.
    let is_fit = |parting: &Parting| matches!(parting, Parting::Closed(1008) | Parting::Cut);
    assert!(partings.iter().all(is_fit), "{partings:?}");
    assert!(told * 2 > partings.len(), "{partings:?}");
    assert!(grown < 64 * MIB, "{grown} bytes");
    server.is_left_with(0, 0);
}

/// Without a quota it is what waits that bounds a flood: a client that asks and does not read is slow.
#[test]
fn c18_3_a_flood_that_reads_nothing_is_bounded_without_a_quota_as_well() {
    let rate = [1_000_000, 1_000_000];
    let server = Server::start(json!({ "message_rate": rate, "join_rate": rate }));
    let witness = Witness::watch(server.addr);
    let before = server.memory();
    let floods: Vec<_> = (0..FLOODERS)
        .map(|_| {
            let mut peer = Peer::connect(server.addr);
            peer.join("room:flood");
            thread::spawn(move || {
                let message = json!(["room:flood", "1", "room:flood", "echo", "x".repeat(1_000)]);
                let frames = masked(TEXT, message.to_string().as_bytes()).repeat(100);
                while peer.stream.write_all(&frames).is_ok() {}
            })
        })
        .collect();
    for flood in floods {
        flood.join().unwrap();
    }
    witness.has_been_served();
    eventually("the slow to be closed", || server.stats().closed_for_being_slow == FLOODERS);
    let grown = server.memory_peak().saturating_sub(before);
    println!("{} MiB more", grown / MIB);
    assert!(grown < 64 * MIB, "{grown} bytes");
    server.is_left_with(0, 0);
}
