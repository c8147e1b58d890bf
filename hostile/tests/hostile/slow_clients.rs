//! Clients that take all the time in the world: a byte now and then, or none at all.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::support::{Peer, Server, TEXT, Witness, eventually, masked, tcp_from, times, upgrade};

/// Who trickles, and how.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// Says nothing at all.
    Silent,
    /// The head of a request that never ends.
    Head,
    /// A whole request, whose answer it never reads to the end; and the next one a byte at a time.
    SecondHead,
    /// A socket that says nothing.
    SilentSocket,
    /// A socket with a message that never ends.
    Message,
    /// A socket with a message of many fragments of one byte.
    Fragments,
    /// A body that never ends.
    Body,
}

const MANNERS: [Manner; 7] = [
    Manner::Silent,
    Manner::Head,
    Manner::SecondHead,
    Manner::SilentSocket,
    Manner::Message,
    Manner::Fragments,
    Manner::Body,
];

struct Trickler {
    manner: Manner,
    stream: TcpStream,
    sent: usize,
}

impl Trickler {
    fn begin(manner: Manner, addr: SocketAddr, source: [u8; 4], token: &str) -> Trickler {
        let mut stream = tcp_from(source, addr).unwrap();
        match manner {
            Manner::Silent => {}
            Manner::Head => stream.write_all(b"GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nX: ").unwrap(),
            Manner::SecondHead => {
                stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nGET ").unwrap();
            }
            Manner::SilentSocket => stream.write_all(&upgrade("")).unwrap(),
            Manner::Message => {
                stream.write_all(&upgrade("")).unwrap();
                stream.write_all(&masked(TEXT, &[b' '; 60_000])[..100]).unwrap();
            }
            Manner::Fragments => {
                stream.write_all(&upgrade("")).unwrap();
                stream.write_all(&masked(0x01, b"[")).unwrap();
            }
            Manner::Body => write!(
                stream,
                "POST /socket/longpoll?vsn=2.0.0&token={token} HTTP/1.1\r\nHost: x\r\n\
                 Content-Type: application/x-ndjson\r\nContent-Length: 60000\r\n\r\n["
            )
            .unwrap(),
        }
        stream.set_nonblocking(true).unwrap();
        Trickler { manner, stream, sent: 0 }
    }

    /// Sends a little more; whether the server still listens.
    fn trickle(&mut self) -> bool {
        self.sent += 1;
        let more: &[u8] = match self.manner {
            Manner::Silent | Manner::SilentSocket => b"",
            Manner::Fragments => &masked(0x00, b" "),
            _ => b"a",
        };
        self.stream.write_all(more).is_ok() && self.is_open()
    }

    fn is_open(&mut self) -> bool {
        let mut scratch = [0; 4_096];
        loop {
            match self.stream.read(&mut scratch) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
    }
}

/// A long-poll session, for bodies that trickle.
fn session(addr: SocketAddr) -> String {
    let mut stream = tcp_from([127, 0, 0, 1], addr).unwrap();
    stream
        .write_all(b"GET /socket/longpoll?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["token"].as_str().unwrap().to_owned()
}

/// The row: 5,000 slow clients of 1 byte/s; the others are served, and all are reaped in 15 s. Run: 5,040 of seven kinds, with
/// deadlines of 3 s in place of 10 to 60; what is asserted is that the deadlines reap every one of them, and that nothing is left.
#[test]
fn five_thousand_slow_clients_are_reaped_and_nothing_is_left_of_them() {
    let server = Server::start(json!({
        "header_timeout": 3_000, "request_timeout": 3_000, "idle_timeout": 3_000, "longpoll_window": 2_000,
    }));
    let witness = Witness::watch(server.addr);
    let descriptors = server.descriptors();
    for round in 0..times() {
        let tokens: Vec<String> = (0..8).map(|_| session(server.addr)).collect();
        let mut tricklers: Vec<Trickler> = (0..5_040)
            .map(|n| {
                let source = [127, 0, 1, 1 + (n % 4) as u8];
                Trickler::begin(MANNERS[n % MANNERS.len()], server.addr, source, &tokens[n % tokens.len()])
            })
            .collect();
        println!("round {round}: {} descriptors", server.descriptors());
        eventually("all to be reaped", || {
            thread::sleep(Duration::from_millis(500));
            tricklers.retain_mut(Trickler::trickle);
            tricklers.is_empty()
        });
    }
    println!("{} answers meanwhile", witness.has_been_served());
    server.is_left_with(0, 0);
    eventually("the descriptors to come back", || server.descriptors() <= descriptors);
    Peer::connect(server.addr).join("room:after");
}
