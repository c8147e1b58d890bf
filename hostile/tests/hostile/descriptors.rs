//! A server whose descriptors run out.

use std::{io::Write, net::TcpStream};

use serde_json::json;

use crate::support::{Peer, Server, Witness, eventually, tcp};

#[test]
fn a_server_without_descriptors_says_so_serves_on_and_recovers() {
    let server = Server::start(json!({ "descriptors": 120 }));
    eventually("a warning", || server.log().contains("fewer descriptors than connections may be open"));
    let witness = Witness::watch(server.addr);
    let before = server.descriptors();
    // As many as it may have, and then as many again: the latter are hung up on, in place of waiting.
    let mut held: Vec<TcpStream> = (0..300).map(|_| tcp(server.addr)).collect();
    held.iter_mut().for_each(|stream| drop(stream.write_all(b"GET /health/live HTTP/1.1\r\n")));
    eventually("a warning", || server.log().contains("connection not accepted"));
    drop(held);
    witness.has_been_served();
    eventually("the descriptors to come back", || server.descriptors() <= before);
    let warnings = server.log().matches("connection not accepted").count();
    println!("{warnings} warnings");
    assert!(warnings <= 20, "the log is flooded: {warnings} warnings");
    Peer::connect(server.addr).join("room:after");
}
