//! Messages that inflate to far more than they are.

use std::{io::Write, thread};

use serde_json::json;

use crate::support::{MIB, Parting, Peer, Server, Witness, masked, tcp, times};

const EXTENSION: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
/// The last fragment of a compressed text.
const COMPRESSED_TEXT: u8 = 0xc1;

/// A text that begins with these words and goes on with so many of the same letter, 258 of them in each 13 bits: one block of
/// fixed codes (RFC 1951 §3.2.6), and the end of a message (RFC 7692 §7.2.1).
fn deflated(head: &str, letter: u8, repeated: usize, tail: &str) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0b010, 3);
    head.bytes().chain([letter]).for_each(|byte| bits.literal(byte));
    for _ in 0..repeated / 258 {
        // A length of 258, which is the last code, at a distance of one.
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    tail.bytes().for_each(|byte| bits.literal(byte));
    bits.code(0, 7);
    // An empty block without compression, of which the last four bytes are left out.
    bits.push(0, 3);
    bits.bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for at in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= (((value >> at) & 1) as u8) << (self.used % 8);
            }
            self.used += 1;
        }
    }

    /// Codes are written from their highest bit on.
    fn code(&mut self, code: u32, count: u32) {
        (0..count).rev().for_each(|at| self.push(code >> at & 1, 1));
    }

    fn literal(&mut self, byte: u8) {
        match byte {
            0..=143 => self.code(0b0011_0000 + u32::from(byte), 8),
            _ => self.code(0b1_1001_0000 + u32::from(byte) - 144, 9),
        }
    }
}

fn opened(server: &Server) -> Peer {
    Peer::open(tcp(server.addr), EXTENSION).unwrap()
}

/// The row: 100 bombs in parallel, each closed with 1009, and less than 20 MB more. Run as asked: each would inflate to 7 MiB.
#[test]
fn c1_10_a_hundred_bombs_are_given_up_on() {
    let server = Server::start(json!({}));
    let witness = Witness::watch(server.addr);
    opened(&server);
    let before = server.memory();
    let bomb = masked(COMPRESSED_TEXT, &deflated(r#"["1","1","room:1","echo",""#, b'x', 7 << 20, r#""]"#));
    assert!(bomb.len() < 64 << 10);
    for _ in 0..times() {
        let bombs: Vec<_> = (0..100)
            .map(|_| {
                let (mut peer, bomb) = (opened(&server), bomb.clone());
                thread::spawn(move || {
                    let _ = peer.stream.write_all(&bomb);
                    peer.parting()
                })
            })
            .collect();
        for bomb in bombs {
            assert_eq!(bomb.join().unwrap(), Parting::Closed(1009));
        }
    }
    let grown = server.memory_peak().saturating_sub(before);
    println!("{} answers meanwhile, {} MiB more", witness.has_been_served(), grown / MIB);
    server.is_left_with(0, 0);
    assert!(grown < 20_000_000, "{grown} bytes");
}

/// What is small when inflated may have been compressed as well as it can be.
#[test]
fn c1_10_a_high_ratio_below_the_bound_passes() {
    let server = Server::start(json!({}));
    let mut peer = opened(&server);
    peer.join("room:1");
    let text = deflated(r#"["room:1","ask","room:1","echo",""#, b'x', 30_000, r#""]"#);
    assert!(text.len() * 100 < 30_000);
    peer.stream.write_all(&masked(COMPRESSED_TEXT, &text)).unwrap();
    // The answer is large enough to come compressed: what was said is what the server has now.
    assert_eq!(peer.frame().map(|frame| frame.first), Some(COMPRESSED_TEXT));
}
