//! Bytes that are no protocol, and some that nearly are, from a seed.

use std::{
    io::Write,
    net::{Shutdown, SocketAddr},
    thread,
};

use serde_json::json;

use crate::support::{MIB, Noise, Peer, Server, TEXT, Witness, masked, times};

/// Frames as a client should send them, among them large ones, fragments and controls.
fn fair_frames(noise: &mut Noise) -> Vec<u8> {
    let texts: [&[u8]; 7] = [
        br#"["1","1","room:1","phx_join",{}]"#,
        br#"["1","2","room:1","echo",{"words":"gr\u00fc\u00df"}]"#,
        br#"[null,"3","phoenix","heartbeat",{}]"#,
        br#"{"topic":"room:1","event":"echo","payload":{},"ref":"4"}"#,
        br#"["1","5","room:1","phx_leave",{}]"#,
        b"\xce\xba\xe1\xbd\xb9\xcf\x83",
        b"",
    ];
    let text = texts[noise.below(texts.len())];
    match noise.below(9) {
        0 => masked(0x89, &noise.bytes(100)),
        1 => masked(
            0x82,
            &[0, 1, 1, 6, 4, b'1', b'2', b'r', b'o', b'o', b'm', b':', b'1', b'e', b'c', b'h', b'o'],
        ),
        2 => {
            let cut = noise.below(text.len() + 1);
            [masked(0x01, &text[..cut]), masked(0x89, b"between"), masked(0x80, &text[cut..])].concat()
        }
        3 => [masked(0x01, b""), masked(0x00, b"").repeat(noise.below(500)), masked(0x80, text)].concat(),
        4 => {
            let length = noise.below(70_000);
            masked(TEXT, &noise.bytes(length))
        }
        5 => masked(0x88, &[0x03, 0xe8, b'b', b'y', b'e']),
        _ => masked(TEXT, text),
    }
}

/// The same, with a wrong byte here and there, and some that nobody would call a frame.
fn foul(frames: &mut Vec<u8>, noise: &mut Noise) {
    match noise.below(8) {
        // A bit of a head or of a payload.
        0..=2 => {
            for _ in 0..=noise.below(4) {
                let at = noise.below(frames.len());
                frames[at] ^= 1 << noise.below(8);
            }
        }
        // No mask, a control frame that is too long or in pieces, a continuation of nothing.
        3 => {
            let kinds: [&[u8]; 5] = [
                b"\x81\x02{}",
                b"\x89\xfe\xff\xff",
                b"\x09\x80\x00\x00\x00\x00",
                b"\x80\x80\x00\x00\x00\x00",
                b"\x83\x80\x00\x00\x00\x00",
            ];
            frames.extend(kinds[noise.below(kinds.len())]);
        }
        // A length that nobody sends, and that nothing may be set aside for.
        4 => frames.extend([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]),
        5 => {
            let length = noise.below(2_000);
            frames.extend(noise.bytes(length));
        }
        6 => frames.truncate(noise.below(frames.len()) + 1),
        _ => {}
    }
}

fn attack(addr: SocketAddr, noise: &mut Noise) {
    let mut peer = Peer::connect(addr);
    let mut bytes: Vec<u8> = (0..=noise.below(12)).flat_map(|_| fair_frames(noise)).collect();
    foul(&mut bytes, noise);
    let piece = [1, 7, 125, 4_096, bytes.len()][noise.below(5)].max(bytes.len() / 50).max(1);
    for piece in bytes.chunks(piece) {
        if peer.stream.write_all(piece).is_err() {
            break;
        }
    }
    match noise.below(3) {
        // Hangs up in the middle, or waits for the server to do so.
        0 => {}
        _ => {
            let _ = peer.stream.shutdown(Shutdown::Write);
            peer.parting();
        }
    }
}

/// The row: streams of fragments, wrong masks, wrong UTF-8, large control frames; nobody else is harmed, and the memory is as
/// before. Run: 4,000 connections from a seed, after 500 that bring the server to its size.
#[test]
fn c7_6_garbage_ends_its_own_connection_alone() {
    let (server, mut noise) = (Server::start(json!({})), Noise::from_env());
    let witness = Witness::watch(server.addr);
    (0..500).for_each(|_| attack(server.addr, &mut noise));
    let before = server.memory();
    (0..4_000 * times()).for_each(|_| attack(server.addr, &mut noise));
    let grown = server.memory().saturating_sub(before);
    println!("{} answers meanwhile, {} KiB more", witness.has_been_served(), grown >> 10);
    server.is_left_with(0, 0);
    assert!(grown < 16 * MIB, "{grown} bytes");
    assert!(!server.log().contains("panicked") && !server.log().contains("crashed"), "{}", server.log());
}

/// Messages that never end: 200 connections, 20 at a time, each with 60 KiB of a message and then fragments, empty or not, for as
/// long as they are taken.
#[test]
fn c8_continuations_without_end_are_closed() {
    let server = Server::start(json!({}));
    let witness = Witness::watch(server.addr);
    let before = server.memory();
    let attackers: Vec<_> = (0..20)
        .map(|n| {
            let addr = server.addr;
            thread::spawn(move || (0..10 * times()).for_each(|_| continue_without_end(addr, n % 2 == 0)))
        })
        .collect();
    attackers.into_iter().for_each(|attacker| attacker.join().unwrap());
    witness.has_been_served();
    server.is_left_with(0, 0);
    let grown = server.memory_peak().saturating_sub(before);
    println!("{} MiB more", grown / MIB);
    assert!(grown < 32 * MIB, "{grown} bytes");
}

fn continue_without_end(addr: SocketAddr, is_empty: bool) {
    let mut peer = Peer::connect(addr);
    let _ = peer.stream.write_all(&masked(0x01, &[b' '; 60 << 10]));
    let fragments = masked(0x00, if is_empty { b"" } else { b"x" }).repeat(1_000);
    while peer.stream.write_all(&fragments).is_ok() {}
}
