//! Many connections from one address, and from many.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::json;

use crate::support::{Peer, Server, eventually, tcp_from};

fn open(server: &Server, source: [u8; 4]) -> Result<Peer, u16> {
    Peer::open(tcp_from(source, server.addr).unwrap(), "")
}

#[test]
fn sockets_of_one_address_are_bounded_and_those_of_others_are_not_shut_out() {
    let server = Server::start(json!({ "sockets_per_peer_max": 5, "sockets_max": 60 }));
    let mut open_sockets = Vec::new();
    for last in 1..=12 {
        let source = [127, 0, 0, last];
        open_sockets.extend((0..5).map(|_| open(&server, source).ok().unwrap()));
        if last < 12 {
            assert_eq!(open(&server, source).err(), Some(429), "the sixth of one address");
        }
    }
    assert_eq!(open(&server, [127, 0, 0, 99]).err(), Some(503), "the one too many of all");
    assert_eq!(server.stats().connections, 60);
    open_sockets.clear();
    server.is_left_with(0, 0);
    open(&server, [127, 0, 0, 1]).ok().unwrap().join("room:1");
}

#[test]
fn connections_of_one_address_are_bounded_and_those_of_others_are_not_shut_out() {
    let server = Server::start(json!({ "connections_per_peer_max": 50 }));
    let held: Vec<TcpStream> = (0..50).map(|_| alive(&server, [127, 0, 0, 2])).collect();
    for _ in 0..100 {
        let mut refused = tcp_from([127, 0, 0, 2], server.addr).unwrap();
        let _ = refused.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(refused.read(&mut [0; 100]).unwrap_or(0), 0, "the fifty-first of one address");
    }
    drop(alive(&server, [127, 0, 0, 3]));
    drop(held);
    eventually("the places to be given back", || {
        let mut again = tcp_from([127, 0, 0, 2], server.addr).unwrap();
        let _ = again.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
        again.read(&mut [0; 100]).unwrap_or(0) > 0
    });
}

/// A connection that was answered once and is kept.
fn alive(server: &Server, source: [u8; 4]) -> TcpStream {
    let mut stream = tcp_from(source, server.addr).unwrap();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(stream.read(&mut [0; 1_000]).unwrap() > 0);
    stream
}
