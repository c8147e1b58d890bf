//! Clients that do not read what they asked for.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use serde_json::{Value, json};

use crate::support::{MIB, Peer, Server, times};

const TOPIC: &str = "room:loud";
/// Broadcasts that are made before those who read have to have caught up: little enough to wait for them.
const BATCH: u64 = 500;
const BYTES: usize = 400;

/// Reads a topic's broadcasts to the last, each of which has to be the next, and tells of each batch.
fn read(mut peer: Peer, broadcasts: u64, caught_up: &Sender<()>) {
    for n in 0..broadcasts {
        let message = peer.message();
        assert_eq!((&message[3], &message[4]["n"]), (&Value::from("numbered"), &Value::from(n)));
        if (n + 1) % BATCH == 0 {
            caught_up.send(()).unwrap();
        }
    }
}

fn joined(server: &Server) -> Peer {
    let mut peer = Peer::connect(server.addr);
    peer.join(TOPIC);
    peer
}

/// Makes broadcasts, and waits after each batch until all who read have it.
fn broadcast(speaker: &mut Peer, broadcasts: u64, caught_up: &Receiver<()>, readers: usize) {
    for first in (0..broadcasts).step_by(BATCH as usize) {
        let many = json!({ "topic": TOPIC, "first": first, "count": BATCH, "bytes": BYTES });
        speaker.ask("room:speaker", "broadcast", &many);
        (0..readers).for_each(|_| caught_up.recv().unwrap());
    }
}

/// The row: 1,000 who do not read and 100,000 broadcasts; less than 1 GB, and nothing lost for the others. Run as asked, with
/// five who read.
#[test]
fn c18_3_a_thousand_who_do_not_read_cost_the_others_nothing() {
    let (deaf, readers, broadcasts) = (1_000, 5, 100_000 * times());
    let server = Server::start(json!({}));
    let deaf: Vec<Peer> = (0..deaf).map(|_| joined(&server)).collect();
    let mut speaker = Peer::connect(server.addr);
    speaker.join("room:speaker");
    let (caught_up, batches) = channel();
    let reading: Vec<_> = (0..readers)
        .map(|_| {
            let (peer, caught_up) = (joined(&server), caught_up.clone());
            thread::spawn(move || read(peer, broadcasts, &caught_up))
        })
        .collect();
    broadcast(&mut speaker, broadcasts, &batches, readers);
    for reader in reading {
        reader.join().unwrap();
    }
    server.is_left_with(1, 1);
    let (peak, slow) = (server.memory_peak(), server.stats().closed_for_being_slow);
    println!("{} MiB at most, {slow} closed for being slow", peak / MIB);
    assert_eq!(slow, deaf.len() as u64, "closed for being slow");
    assert!(peak < 1_000_000_000, "{peak} bytes");
}

/// What is pushed to one client is its own and shared with nobody: the bound on each is the bound on all. 200 clients, each of
/// which asks for 8 MiB and reads none of it; what waits for one is bounded by 1 MiB.
#[test]
fn c18_3_what_nobody_reads_is_bounded_by_the_bound_of_each() {
    let (clients, bytes_max) = (200, MIB);
    let server = Server::start(json!({}));
    let before = server.memory();
    let many = json!({ "first": 0, "count": 2_000, "bytes": 4_000 });
    let asking: Vec<Peer> = (0..clients)
        .map(|_| {
            let mut peer = joined(&server);
            peer.send(&json!([TOPIC, "ask", TOPIC, "push", many]).to_string());
            peer
        })
        .collect();
    server.is_left_with(0, 0);
    assert_eq!(server.stats().closed_for_being_slow, asking.len() as u64);
    let grown = server.memory_peak() - before;
    println!("{} MiB at most", grown / MIB);
    assert!(grown < clients * bytes_max * 3 / 2, "{grown} bytes");
}
