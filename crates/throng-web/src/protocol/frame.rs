//! One encoded message for a client.
//!
//! ```text
//!    small:  [null,null,"room:1","said",{"words":"hello"}]                     one piece
//!    large:  [null,null,"room:1","state",  ·  {…half a megabyte…}  ·  ]        head, payload, tail
//! ```
//!
//! A large payload is the one that was sent, by reference: what a thousand clients get is in memory once, whatever stands
//! before it for each of them.

use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::Payload;
use crate::websocket::{Deflate, Deflated};

/// Payloads up to this size are copied into a single piece.
const COPIED_BYTES_MAX: usize = 1 << 10;
/// No tail is longer.
const TAIL_BYTES_MAX: usize = 2;

/// An encoded message, without what a transport puts around it; cloning it shares the bytes.
#[derive(Clone)]
pub(crate) struct Frame {
    is_binary: bool,
    parts: Parts,
}

#[derive(Clone)]
enum Parts {
    Flat(Bytes),
    Large(Arc<Large>),
}

struct Large {
    head: Vec<u8>,
    payload: Payload,
    tail: &'static str,
    deflated: Deflated,
}

impl Frame {
    /// What a payload takes behind a head, with its tail: a head with room for it is not moved.
    pub(super) fn room_for(payload: &Payload) -> usize {
        let bytes = payload.as_wire().len();
        if bytes > COPIED_BYTES_MAX { 0 } else { bytes + TAIL_BYTES_MAX }
    }

    /// A text frame; all three are UTF-8, and the payload is JSON.
    pub(super) fn text(head: Vec<u8>, payload: &Payload, tail: &'static str) -> Frame {
        Frame { is_binary: false, parts: Parts::new(head, payload, tail) }
    }

    pub(super) fn binary(head: Vec<u8>, payload: &Payload) -> Frame {
        Frame { is_binary: true, parts: Parts::new(head, payload, "") }
    }

    /// Whether it is bytes, and not text (§3.2).
    pub(crate) fn is_binary(&self) -> bool {
        self.is_binary
    }

    pub(crate) fn len(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    /// What it consists of, in order, to be written without a copy; any of them may be empty.
    pub(crate) fn parts(&self) -> [&[u8]; 3] {
        match &self.parts {
            Parts::Flat(bytes) => [bytes, &[], &[]],
            Parts::Large(large) => [&large.head, large.payload.as_wire(), large.tail.as_bytes()],
        }
    }

    /// Its bytes compressed, if they are many and become fewer; made once for all who share the frame.
    pub(crate) fn deflated(&self, deflate: Deflate) -> Option<Bytes> {
        match &self.parts {
            Parts::Flat(_) => None,
            Parts::Large(large) => large.deflated.get_or_make(deflate, &self.parts()),
        }
    }

    /// A range of its bytes; it is copied if the frame is large.
    pub(crate) fn bytes(&self, range: Range<usize>) -> Bytes {
        if let Parts::Flat(bytes) = &self.parts {
            return bytes.slice(range);
        }
        let mut copy = BytesMut::with_capacity(range.len());
        let mut start = 0;
        for part in self.parts() {
            let within = |at: usize| at.clamp(start, start + part.len()) - start;
            copy.extend_from_slice(&part[within(range.start)..within(range.end)]);
            start += part.len();
        }
        copy.freeze()
    }

    /// Its text; `None` if it is binary.
    pub(crate) fn as_text(&self) -> Option<Cow<'_, str>> {
        let parts = self.parts();
        // Text frames are made of text alone.
        let text = match &self.parts {
            Parts::Flat(bytes) => String::from_utf8_lossy(bytes),
            Parts::Large(_) => {
                let mut text = String::with_capacity(self.len());
                text.extend(parts.into_iter().map(String::from_utf8_lossy));
                text.into()
            }
        };
        (!self.is_binary).then_some(text)
    }
}

impl Parts {
    fn new(mut head: Vec<u8>, payload: &Payload, tail: &'static str) -> Parts {
        if payload.as_wire().len() > COPIED_BYTES_MAX {
            return Parts::Large(Arc::new(Large {
                head,
                payload: payload.clone(),
                tail,
                deflated: Deflated::default(),
            }));
        }
        head.extend_from_slice(payload.as_wire());
        head.extend_from_slice(tail.as_bytes());
        Parts::Flat(head.into())
    }
}

impl PartialEq for Frame {
    fn eq(&self, other: &Frame) -> bool {
        self.is_binary == other.is_binary && self.bytes(0..self.len()) == other.bytes(0..other.len())
    }
}

/// The size alone: what it carries is what people said to each other.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_binary { "binary" } else { "text" };
        write!(f, "Frame({kind}, {} bytes)", self.len())
    }
}

/// Any text, for tests of what carries frames.
#[cfg(test)]
impl From<&str> for Frame {
    fn from(text: &str) -> Frame {
        Frame { is_binary: false, parts: Parts::Flat(Bytes::copy_from_slice(text.as_bytes())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload_bytes: usize) -> Frame {
        Frame::text(b"<".to_vec(), &Payload::new("x".repeat(payload_bytes - 2)).unwrap(), "->")
    }

    #[test]
    fn a_large_payload_is_shared_and_a_small_one_is_not() {
        let payload = Payload::new("x".repeat(5_000)).unwrap();
        let frame = Frame::text(b"<".to_vec(), &payload, ">");
        assert_eq!(frame.parts()[1].as_ptr(), payload.as_wire().as_ptr());
        assert_eq!(frame.len(), 5_004);
        let small = self::frame(COPIED_BYTES_MAX);
        assert_eq!(small.parts().map(<[u8]>::len), [COPIED_BYTES_MAX + 3, 0, 0]);
        assert_eq!(self::frame(COPIED_BYTES_MAX + 1).parts().map(<[u8]>::len), [1, COPIED_BYTES_MAX + 1, 2]);
    }

    #[test]
    fn every_range_of_a_frame_is_the_same_however_it_is_kept() {
        let (large, text) = (frame(3_000), format!("<\"{}\"->", "x".repeat(2_998)));
        assert_eq!(large.as_text().unwrap(), text);
        let cuts = [0, 1, 2, 1_500, 3_000, 3_001, 3_002, 3_003];
        for (index, start) in cuts.into_iter().enumerate() {
            for end in &cuts[index..] {
                assert_eq!(large.bytes(start..*end), text.as_bytes()[start..*end]);
            }
        }
    }

    #[test]
    fn bytes_are_no_text() {
        let frame = Frame::binary(vec![1, 2], &Payload::bytes(vec![0xff]));
        assert_eq!(
            (frame.as_text(), frame.is_binary(), frame.bytes(0..3)),
            (None, true, vec![1, 2, 0xff].into())
        );
    }
}
