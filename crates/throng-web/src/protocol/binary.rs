//! Binary frames, in both directions (§3): a kind, the lengths of the names in a byte each, the names, the payload.
//!
//! ```text
//!    from clients   push       00 jl rl tl el  join_ref ref topic event  payload
//!    to clients     push       00 jl    tl el  join_ref     topic event  payload
//!                   reply      01 jl rl tl sl  join_ref ref topic status payload
//!                   broadcast  02       tl el               topic event  payload
//! ```

use std::str;

use bytes::Bytes;

use super::{DecodeError, DecodeLimits, Frame, Message, Payload, PayloadError, Ref};

const PUSH: u8 = 0;
const REPLY: u8 = 1;
const BROADCAST: u8 = 2;

/// Reads a push of a client. No name can be longer than the limits on text allow, but for what is configured lower.
pub(super) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Message, DecodeError> {
    let (kind, lengths) = bytes.split_first().ok_or(DecodeError::Truncated)?;
    if *kind != PUSH {
        return Err(DecodeError::UnknownKind(*kind));
    }
    let ([join_ref, reference, topic, event], rest) =
        lengths.split_first_chunk().ok_or(DecodeError::Truncated)?;
    let (join_ref, rest) = name(*join_ref, rest)?;
    let (reference, rest) = name(*reference, rest)?;
    let (topic, rest) = name(*topic, rest)?;
    let (event, payload) = name(*event, rest)?;
    if topic.len().max(event.len()) > limits.name_bytes {
        return Err(DecodeError::NameTooLong);
    }
    Ok(Message {
        join_ref: self::reference(join_ref),
        reference: self::reference(reference),
        topic: topic.into(),
        event: event.into(),
        payload: Payload::bytes(Bytes::copy_from_slice(payload)),
    })
}

fn name(length: u8, bytes: &[u8]) -> Result<(&str, &[u8]), DecodeError> {
    let (name, rest) = bytes.split_at_checked(length.into()).ok_or(DecodeError::Truncated)?;
    Ok((str::from_utf8(name).map_err(|_| DecodeError::NotUtf8)?, rest))
}

/// An empty one is none (§3.3).
fn reference(text: &str) -> Ref {
    if text.is_empty() { Ref::NULL } else { Ref::text(text) }
}

/// Writes frames for clients that understand binary ones.
#[derive(Clone, Copy)]
pub(super) struct Encoder;

impl Encoder {
    pub(super) fn push(
        self,
        join_ref: &Ref,
        topic: &str,
        event: &str,
        payload: &Payload,
    ) -> Result<Frame, PayloadError> {
        frame(PUSH, &[&join_ref.to_text(), topic, event], payload)
    }

    pub(super) fn reply(
        self,
        join_ref: &Ref,
        reference: &Ref,
        topic: &str,
        status: &str,
        response: &Payload,
    ) -> Result<Frame, PayloadError> {
        frame(REPLY, &[&join_ref.to_text(), &reference.to_text(), topic, status], response)
    }

    pub(super) fn broadcast(
        self,
        topic: &str,
        event: &str,
        payload: &Payload,
    ) -> Result<Frame, PayloadError> {
        frame(BROADCAST, &[topic, event], payload)
    }
}

/// A name that is longer than a byte can say has no binary form (§3.4).
fn frame(kind: u8, names: &[&str], payload: &Payload) -> Result<Frame, PayloadError> {
    let names_bytes: usize = names.iter().map(|name| 1 + name.len()).sum();
    let mut head = Vec::with_capacity(1 + names_bytes + Frame::room_for(payload));
    head.push(kind);
    for name in names {
        let bytes = name.len();
        head.push(u8::try_from(bytes).map_err(|_| PayloadError::NameTooLong { bytes })?);
    }
    for name in names {
        head.extend_from_slice(name.as_bytes());
    }
    Ok(Frame::binary(head, payload))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::Serializer;

    fn decoded(bytes: &[u8]) -> Result<Message, DecodeError> {
        Serializer::V2.decode_binary(bytes, &DecodeLimits::default())
    }

    fn payload() -> Payload {
        Payload::bytes(&b"\x01\x02\x03\x04"[..])
    }

    fn bytes(frame: Result<Frame, PayloadError>) -> Vec<u8> {
        let frame = frame.unwrap();
        assert!(frame.is_binary());
        frame.parts().concat()
    }

    #[test]
    fn c3_1_the_two_layouts_of_a_push_differ() {
        let message = decoded(b"\x00\x01\x02\x06\x04122room:aecho\x01\x02\x03\x04").unwrap();
        let expected = Message {
            join_ref: Ref::text("1"),
            reference: Ref::text("22"),
            topic: "room:a".into(),
            event: "echo".into(),
            payload: payload(),
        };
        assert_eq!(message, expected);
        let pushed = Serializer::V2.push(&Ref::text("1"), "room:a", "echo", &payload());
        assert_eq!(bytes(pushed), b"\x00\x01\x06\x041room:aecho\x01\x02\x03\x04");
    }

    #[test]
    fn c3_1_a_reply_and_a_broadcast_are_as_measured() {
        let reply = Serializer::V2.reply(&Ref::text("1"), &Ref::text("22"), "room:a", "ok", &payload());
        assert_eq!(bytes(reply), b"\x01\x01\x02\x06\x02122room:aok\x01\x02\x03\x04");
        let broadcast = throng_pubsub::Broadcast::new("room:a", "pic", payload()).unwrap();
        assert_eq!(bytes(Serializer::V2.broadcast(&broadcast)), b"\x02\x06\x03room:apic\x01\x02\x03\x04");
    }

    #[test]
    fn c3_3_a_missing_reference_has_no_length_and_others_are_written_as_text() {
        let message = decoded(b"\x00\x00\x00\x01\x01te").unwrap();
        assert_eq!((&message.join_ref, &message.reference), (&Ref::NULL, &Ref::NULL));
        assert_eq!(message.payload, Payload::bytes(&b""[..]));
        let push = |join_ref| bytes(Serializer::V2.push(&join_ref, "t", "e", &Payload::bytes(&b""[..])));
        assert_eq!(push(Ref::NULL), b"\x00\x00\x01\x01te");
        let numeric =
            Serializer::V2.decode_text(r#"[12,null,"t","e",{}]"#, &DecodeLimits::default()).unwrap();
        assert_eq!(push(numeric.join_ref), b"\x00\x02\x01\x0112te");
        assert_eq!(push(Ref::text("\"")), b"\x00\x01\x01\x01\"te");
    }

    #[test]
    fn c3_4_names_of_more_than_255_bytes_have_no_binary_form() {
        let (fits, long) = ("é".repeat(127), "é".repeat(128));
        let v2 = Serializer::V2;
        assert_eq!(bytes(v2.push(&Ref::NULL, &fits, "e", &payload()))[2], 254);
        let too_long = |result| matches!(result, Err(PayloadError::NameTooLong { bytes: 256 }));
        assert!(too_long(v2.push(&Ref::NULL, &long, "e", &payload())));
        assert!(too_long(v2.push(&Ref::text(&long), "t", "e", &payload())));
        assert!(too_long(v2.reply(&Ref::NULL, &Ref::NULL, "t", &long, &payload())));
        // JSON has no such limit.
        assert!(v2.push(&Ref::NULL, &long, &long, &Payload::empty()).is_ok());
    }

    #[test]
    fn c3_5_whatever_is_no_push_is_refused() {
        let truncated: [&[u8]; 6] = [
            b"",
            b"\x00",
            b"\x00\x00\x00\x01",
            b"\x00\x01\x00\x01\x01te",
            b"\x00\x00\x00\xff\x01te",
            b"\x00\x00\x00\x01\xffte",
        ];
        for bytes in truncated {
            assert!(matches!(decoded(bytes), Err(DecodeError::Truncated)), "{bytes:?}");
        }
        for kind in [1, 2, 3, 255] {
            let refused = decoded(&[kind, 0, 0, 1, 1, b't', b'e']);
            assert!(matches!(refused, Err(DecodeError::UnknownKind(other)) if other == kind));
        }
        for bytes in [b"\x00\x00\x00\x01\x01\xffe", b"\x00\x00\x00\x01\x01t\xff"] {
            assert!(matches!(decoded(bytes), Err(DecodeError::NotUtf8)));
        }
    }

    #[test]
    fn c3_6_the_first_version_reads_bytes_as_text_and_writes_none() {
        let text = br#"{"topic":"t","event":"e","payload":{},"ref":"1"}"#;
        let message = Serializer::V1.decode_binary(text, &DecodeLimits::default()).unwrap();
        assert_eq!(&*message.topic, "t");
        let refused = Serializer::V1.decode_binary(b"\xff", &DecodeLimits::default());
        assert!(matches!(refused, Err(DecodeError::NotUtf8)));
        let pushed = Serializer::V1.push(&Ref::NULL, "t", "e", &payload());
        assert!(matches!(pushed, Err(PayloadError::BinaryUnsupported)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), kind in 0..2_u8) {
            drop(decoded(&bytes));
            drop(decoded(&[&[kind][..], &bytes].concat()));
        }

        #[test]
        fn what_a_client_encodes_is_decoded(
            join_ref in "[a-z0-9]{1,9}", reference in ".{1,20}", topic in ".{0,60}", event in ".{0,60}",
            payload in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let names = [&join_ref, &reference, &topic, &event];
            let mut bytes = vec![0];
            bytes.extend(names.map(|name| u8::try_from(name.len()).unwrap()));
            names.iter().for_each(|name| bytes.extend_from_slice(name.as_bytes()));
            bytes.extend_from_slice(&payload);
            let message = decoded(&bytes).unwrap();
            prop_assert_eq!(message.join_ref, Ref::text(&join_ref));
            prop_assert_eq!(message.reference, Ref::text(&reference));
            prop_assert_eq!((&*message.topic, &*message.event), (&*topic, &*event));
            prop_assert_eq!(message.payload, Payload::bytes(payload));
        }
    }
}
