//! The decoder against a table of what clients may and may not send, in all cuts.

use proptest::prelude::*;

use super::*;
use crate::websocket::{Deflate, deflate::WindowBits, head::CONTROL_BYTES_MAX, mask::Mask};

const MAX: usize = 1_000;
const KEY: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// What came out, in words that own what they tell.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
    Broken(Violation),
}

fn decoder() -> Decoder {
    Decoder::new(MAX, None)
}

fn inflating() -> Decoder {
    Decoder::new(MAX, Some(Inflate::new(100)))
}

/// A frame as a client sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ ..=125 => frame.push(0x80 | short as u8),
        medium @ ..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((medium as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend(KEY);
    let mut payload = payload.to_vec();
    Mask::new(KEY).apply(&mut payload);
    frame.extend(payload);
    frame
}

fn feed(decoder: &mut Decoder, bytes: &[u8], seen: &mut Vec<Seen>) -> bool {
    let mut scratch = bytes.to_vec();
    let mut input = Input::new(&mut scratch);
    loop {
        seen.push(match decoder.next(&mut input) {
            Ok(None) => return true,
            Ok(Some(Incoming::Text(text))) => Seen::Text(text.to_owned()),
            Ok(Some(Incoming::Binary(bytes))) => Seen::Binary(bytes.to_vec()),
            Ok(Some(Incoming::Ping(bytes))) => Seen::Ping(bytes.to_vec()),
            Ok(Some(Incoming::Pong)) => Seen::Pong,
            Ok(Some(Incoming::Close(goodbye))) => Seen::Close(goodbye.code()),
            Err(violation) => {
                seen.push(Seen::Broken(violation));
                return false;
            }
        });
    }
}

fn seen_by(mut decoder: Decoder, bytes: &[u8], cut: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    for part in bytes.chunks(cut.max(1)) {
        if !feed(&mut decoder, part, &mut seen) {
            break;
        }
    }
    seen
}

/// What is seen of some frames, the same in every cut.
#[track_caller]
fn seen(frames: &[(u8, &[u8])]) -> Vec<Seen> {
    let bytes: Vec<u8> = frames.iter().flat_map(|(first, payload)| frame(*first, payload)).collect();
    let whole = seen_by(decoder(), &bytes, bytes.len());
    for cut in [1, 2, 3, 5, 7, 13, 64] {
        assert_eq!(seen_by(decoder(), &bytes, cut), whole, "in parts of {cut}");
    }
    whole
}

fn text(text: &str) -> Seen {
    Seen::Text(text.to_owned())
}

#[track_caller]
fn assert_breaks_protocol(frames: &[(u8, &[u8])]) {
    let seen = seen(frames);
    assert!(matches!(seen.last(), Some(Seen::Broken(Violation::Protocol(_)))), "{seen:?}");
}

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const FIRST: u8 = 0x01;
const MIDDLE: u8 = 0x00;
const LAST: u8 = 0x80;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;
const COMPRESSED: u8 = 0x40;

#[test]
fn c7_5_messages_come_out_as_they_were_sent() {
    let long = "x".repeat(300);
    let sent: [(u8, &[u8]); 6] = [
        (TEXT, b""),
        (TEXT, "hällo".as_bytes()),
        (BINARY, b"\xff\x00"),
        (TEXT, long.as_bytes()),
        (PONG, b"?"),
        (PING, b"!"),
    ];
    let expected = [
        text(""),
        text("hällo"),
        Seen::Binary(vec![0xff, 0]),
        text(&long),
        Seen::Pong,
        Seen::Ping(b"!".to_vec()),
    ];
    assert_eq!(seen(&sent), expected);
}

#[test]
fn c7_5_fragments_are_put_together_and_control_frames_come_between() {
    let sent: [(u8, &[u8]); 8] = [
        (FIRST, b"a"),
        (PING, b"1"),
        (MIDDLE, b""),
        (MIDDLE, b"b\xC3"),
        (PING, b""),
        (LAST, b"\xB6"),
        (0x02, b""),
        (LAST, b"\xff"),
    ];
    let expected = [Seen::Ping(b"1".to_vec()), Seen::Ping(vec![]), text("abö"), Seen::Binary(vec![0xff])];
    assert_eq!(seen(&sent), expected);
}

#[test]
fn c7_5_fragments_in_the_wrong_order_break_the_protocol() {
    assert_breaks_protocol(&[(LAST, b"")]);
    assert_breaks_protocol(&[(MIDDLE, b"")]);
    assert_breaks_protocol(&[(FIRST, b"a"), (TEXT, b"b")]);
    assert_breaks_protocol(&[(FIRST, b""), (0x02, b"b")]);
    assert_breaks_protocol(&[(TEXT, b"a"), (LAST, b"b")]);
}

#[test]
fn c7_5_a_compressed_message_needs_an_agreement() {
    assert_breaks_protocol(&[(TEXT | COMPRESSED, b"")]);
    assert_breaks_protocol(&[(FIRST | COMPRESSED, b"")]);
}

#[test]
fn c7_5_text_that_is_none_is_refused_at_its_first_byte() {
    assert_eq!(seen(&[(TEXT, b"ok\xFF")]), [Seen::Broken(Violation::NotUtf8)]);
    assert_eq!(seen(&[(FIRST, b"\xC3"), (LAST, b"")]), [Seen::Broken(Violation::NotUtf8)]);
    assert_eq!(
        seen(&[(FIRST, b"\xC3"), (PING, b""), (LAST, b"x")]),
        [Seen::Ping(vec![]), Seen::Broken(Violation::NotUtf8)]
    );
    // Before the frame is whole, and before the message is.
    let (mut decoder, mut seen) = (decoder(), Vec::new());
    let sent = frame(FIRST, b"ok\xF4\x90\x80\x80 and much more");
    assert!(feed(&mut decoder, &sent[..9], &mut seen));
    assert!(!feed(&mut decoder, &sent[9..10], &mut seen));
    assert_eq!(seen, [Seen::Broken(Violation::NotUtf8)]);
}

#[test]
fn c7_5_closes_are_checked() {
    assert_eq!(seen(&[(CLOSE, b"")]), [Seen::Close(None)]);
    assert_eq!(seen(&[(FIRST, b"a"), (CLOSE, b"\x03\xE8bye")]), [Seen::Close(Some(1000))]);
    assert_eq!(seen(&[(CLOSE, b"\x03\xE8\xFF")]), [Seen::Broken(Violation::NotUtf8)]);
    assert_breaks_protocol(&[(CLOSE, b"\x03")]);
    assert_breaks_protocol(&[(CLOSE, b"\x03\xED")]);
}

#[test]
fn c8_the_limit_counts_frames_and_all_fragments_of_a_message() {
    let [fits, over] = [vec![b'x'; MAX], vec![b'x'; MAX + 1]];
    assert_eq!(seen(&[(TEXT, &fits)]).len(), 1);
    assert_eq!(seen(&[(TEXT, &over)]), [Seen::Broken(Violation::TooBig)]);
    assert_eq!(seen(&[(FIRST, &fits), (MIDDLE, b""), (LAST, b"")]).len(), 1);
    assert_eq!(seen(&[(FIRST, &fits), (MIDDLE, b""), (LAST, b"x")]), [Seen::Broken(Violation::TooBig)]);
    // The head says it; nothing of the payload needs to come.
    let mut seen = Vec::new();
    assert!(!feed(&mut decoder(), &frame(TEXT, &over)[..8], &mut seen));
    assert!(!feed(&mut decoder(), &[TEXT, 0xFF, 0x7F, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0], &mut seen));
    assert_eq!(seen, [Seen::Broken(Violation::TooBig), Seen::Broken(Violation::TooBig)]);
}

#[test]
fn c8_fragments_are_counted() {
    let (mut decoder, mut seen) = (decoder(), Vec::new());
    let sent: [(u8, &[u8]); 6] =
        [(FIRST, b""), (MIDDLE, b""), (PING, b""), (MIDDLE, b""), (LAST, b""), (TEXT, b"")];
    for (first, payload) in sent {
        feed(&mut decoder, &frame(first, payload), &mut seen);
    }
    assert_eq!((decoder.progress().fragments, decoder.progress().fragments), (3, 0));
}

#[test]
fn c8_a_message_is_on_its_way_from_its_first_byte_to_its_last() {
    let mut decoder = decoder();
    let mut seen = Vec::new();
    let sent = frame(TEXT, b"abc");
    for byte in &sent[..sent.len() - 1] {
        feed(&mut decoder, &[*byte], &mut seen);
        let Progress { has_completed, is_amid_message, .. } = decoder.progress();
        assert!(is_amid_message && !has_completed);
    }
    feed(&mut decoder, &sent[sent.len() - 1..], &mut seen);
    let Progress { has_completed, is_amid_message, .. } = decoder.progress();
    assert!(has_completed && !is_amid_message);
    // Control frames may come in between, and end nothing.
    for (first, is_amid) in [(FIRST, true), (PING, true), (MIDDLE, true), (LAST, false), (PING, false)] {
        feed(&mut decoder, &frame(first, b"ab"), &mut seen);
        let Progress { has_completed, is_amid_message, .. } = decoder.progress();
        assert_eq!((is_amid_message, has_completed), (is_amid, !is_amid), "{first:x}");
    }
    // One ends and another begins in a single read.
    feed(&mut decoder, &[frame(TEXT, b"a"), vec![TEXT]].concat(), &mut seen);
    assert_eq!(decoder.progress(), Progress { fragments: 0, has_completed: true, is_amid_message: true });
}

#[test]
fn c8_an_idle_decoder_owns_nothing_and_a_promise_of_bytes_buys_none() {
    assert!(size_of::<Decoder>() <= 40, "{}", size_of::<Decoder>());
    let (mut decoder, mut seen) = (Decoder::new(1 << 30, None), Vec::new());
    feed(&mut decoder, &frame(TEXT, b"whole"), &mut seen);
    assert!(decoder.partial.is_none());
    feed(&mut decoder, &[TEXT, 0xFF, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, b'x'], &mut seen);
    assert!(owned(&decoder) < 400, "{}", owned(&decoder));
}

/// Bytes on the heap.
fn owned(decoder: &Decoder) -> usize {
    let Some(partial) = &decoder.partial else { return 0 };
    let message = partial.message.as_ref().map_or(0, Message::capacity);
    size_of::<Partial>() + partial.control.capacity() + message
}

#[test]
fn c1_10_compressed_messages_are_inflated_whole_or_in_fragments() {
    let deflated = Deflate::new(6, WindowBits::MAX).deflate(&[b"hello hello hello"]);
    let (one, other) = deflated.split_at(3);
    let bytes = [
        frame(TEXT | COMPRESSED, &deflated),
        frame(FIRST | COMPRESSED, one),
        frame(PING, b""),
        frame(LAST, other),
        frame(TEXT, b"plain"),
        frame(BINARY | COMPRESSED, &[0]),
    ]
    .concat();
    let expected = [
        text("hello hello hello"),
        Seen::Ping(vec![]),
        text("hello hello hello"),
        text("plain"),
        Seen::Binary(vec![]),
    ];
    for cut in [1, 2, 3, 7, 64, 1_000] {
        assert_eq!(seen_by(inflating(), &bytes, cut), expected, "in parts of {cut}");
    }
}

#[test]
fn c1_10_what_inflates_beyond_the_limit_is_too_big_and_text_is_still_checked() {
    let deflate = |bytes: &[u8]| Deflate::new(6, WindowBits::MAX).deflate(&[bytes]);
    let bomb = frame(TEXT | COMPRESSED, &deflate(&[b'x'; MAX + 1]));
    assert_eq!(seen_by(inflating(), &bomb, 1_000), [Seen::Broken(Violation::TooBig)]);
    let noise = frame(TEXT | COMPRESSED, &deflate(b"\xFF"));
    assert_eq!(seen_by(inflating(), &noise, 1_000), [Seen::Broken(Violation::NotUtf8)]);
    let broken = frame(TEXT | COMPRESSED, &[0xFF; 5]);
    assert_eq!(seen_by(inflating(), &broken, 1_000), [Seen::Broken(Violation::NotDeflated)]);
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![
        20 => prop::sample::select(vec![TEXT, BINARY, FIRST, 0x02, MIDDLE, LAST, PING, PONG]),
        1 => any::<u8>(),
        1 => Just(CLOSE),
    ];
    let payload = prop_oneof![
        10 => "\\PC{0,40}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::collection::vec(Just(b'x'), 0..2 * MAX),
    ];
    (opcode, payload).prop_map(|(first, payload)| frame(first, &payload))
}

proptest! {
    #[test]
    fn c7_5_any_cut_of_the_input_gives_the_same(
        frames in prop::collection::vec(any_frame(), 0..12), cuts in prop::collection::vec(1_usize..80, 1..40), inflates: bool
    ) {
        let make = || if inflates { inflating() } else { decoder() };
        let bytes = frames.concat();
        let whole = seen_by(make(), &bytes, bytes.len());
        let (mut decoder, mut seen, mut rest) = (make(), Vec::new(), &bytes[..]);
        for cut in cuts.iter().cycle() {
            let (part, tail) = rest.split_at((*cut).min(rest.len()));
            rest = tail;
            if !feed(&mut decoder, part, &mut seen) || rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(seen, whole);
    }

    #[test]
    fn c7_5_no_bytes_panic_and_none_are_kept_beyond_the_limit(
        bytes in prop::collection::vec(any::<u8>(), 0..600), cut in 1_usize..50, inflates: bool
    ) {
        let mut decoder = if inflates { inflating() } else { decoder() };
        let mut seen = Vec::new();
        for part in bytes.chunks(cut) {
            if !feed(&mut decoder, part, &mut seen) {
                break;
            }
            prop_assert!(owned(&decoder) <= size_of::<Partial>() + 2 * MAX + 2 * CONTROL_BYTES_MAX);
        }
    }

    #[test]
    fn c7_5_whatever_is_seen_fits_the_limits(frames in prop::collection::vec(any_frame(), 0..12)) {
        for seen in seen_by(decoder(), &frames.concat(), 100) {
            match seen {
                Seen::Text(text) => prop_assert!(text.len() <= MAX),
                Seen::Binary(bytes) => prop_assert!(bytes.len() <= MAX),
                Seen::Ping(bytes) => prop_assert!(bytes.len() <= CONTROL_BYTES_MAX),
                Seen::Close(code) => prop_assert!(code.is_none_or(|code| code >= 1000)),
                Seen::Pong | Seen::Broken(_) => {}
            }
        }
    }
}
