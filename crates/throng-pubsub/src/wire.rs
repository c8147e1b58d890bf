//! Messages between nodes: a version byte, then JSON with named fields, so that nodes of two versions understand each
//! other as far as they can.
//!
//! ```text
//!    01 {"broadcast":{"topic":"room:1","event":"said","payload":{"words":"hello"}}}
//!    01 {"broadcast":{"topic":"room:1","event":"picture","payload":null,"bytes":"iVBORw=="}}
//!    01 {"note":{"to":"lobby","body":{"heartbeat":{…}}}}
//! ```
//!
//! A broadcast is for a topic, a note for the side channel of that name. Bytes travel as base64 beside a payload of `null`,
//! which a node that knows nothing of bytes refuses.
//!
//! Fields that are not known are skipped; a kind or a version that is not known is an error, and costs that message only.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    broadcast::Broadcast,
    payload::{Payload, PayloadError},
};

const VERSION: u8 = 1;

/// How large messages between nodes may be; both the sender and the receiver keep to it.
///
/// ```
/// # use throng_pubsub::{Network, PubSub, WireLimits};
/// let limits = WireLimits::default().with(|limits| limits.message_bytes_max = 1 << 20);
/// let pubsub = PubSub::over_with(Network::new().join("a"), limits);
/// # let _ = pubsub;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WireLimits {
    /// A whole message: 16 MiB.
    pub message_bytes_max: usize,
    /// A topic, or the name of an event: 1 KiB.
    pub name_bytes_max: usize,
}

impl Default for WireLimits {
    fn default() -> Self {
        Self { message_bytes_max: 16 << 20, name_bytes_max: 1 << 10 }
    }
}

impl WireLimits {
    /// Changes some of the limits.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut WireLimits)) -> WireLimits {
        change(&mut self);
        self
    }
}

/// Why a message between nodes was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// It is larger than [`WireLimits`] allows.
    #[error("a message of {bytes} bytes is larger than {max}")]
    MessageTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Its topic or event is longer than [`WireLimits`] allows.
    #[error("a topic or an event of {bytes} bytes is longer than {max}")]
    NameTooLong {
        /// The length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// It is empty.
    #[error("the message is empty")]
    Empty,
    /// It is of a version that this node does not speak.
    #[error("version {0} is not understood")]
    Version(u8),
    /// It is not what the version says it should be.
    #[error("the message is malformed")]
    Malformed(#[source] serde_json::Error),
    /// Its bytes are not base64.
    #[error("the bytes of the message are malformed")]
    Bytes,
    /// Its payload is neither an object nor bytes.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

/// The names on the wire are fixed, so they may differ from those in the code.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message<'a> {
    #[serde(borrow)]
    Broadcast(BroadcastFields<'a>),
    #[serde(borrow, rename = "note")]
    SideChannel(SideChannelFields<'a>),
}

#[derive(Serialize, Deserialize)]
struct BroadcastFields<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    bytes: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
struct SideChannelFields<'a> {
    #[serde(borrow, rename = "to")]
    name: Cow<'a, str>,
    #[serde(borrow)]
    body: &'a RawValue,
}

/// A message that arrived.
#[derive(Debug)]
pub(crate) enum Arrived {
    Broadcast(Broadcast),
    SideChannel { name: String, body: Payload },
}

/// A broadcast as bytes.
pub(crate) fn encode(broadcast: &Broadcast, limits: &WireLimits) -> Result<Bytes, WireError> {
    let fields = BroadcastFields {
        topic: broadcast.topic().into(),
        event: broadcast.event().into(),
        payload: broadcast.payload().as_raw(),
        bytes: broadcast.payload().as_bytes().map(|bytes| BASE64_STANDARD.encode(bytes).into()),
    };
    fields.check(limits)?;
    let body = fields.bytes.as_ref().map_or(fields.payload.get().len(), |base64| base64.len());
    let room = body + fields.topic.len() + fields.event.len() + 64;
    write(&Message::Broadcast(fields), room, limits)
}

/// A message for a side channel as bytes.
pub(crate) fn encode_side_channel(
    name: &str,
    body: &Payload,
    limits: &WireLimits,
) -> Result<Bytes, WireError> {
    let room = body.as_json().len() + name.len() + 64;
    write(&Message::SideChannel(SideChannelFields { name: name.into(), body: body.as_raw() }), room, limits)
}

fn write(message: &Message<'_>, room: usize, limits: &WireLimits) -> Result<Bytes, WireError> {
    let mut bytes = Vec::with_capacity(room);
    bytes.push(VERSION);
    serde_json::to_writer(&mut bytes, message).map_err(WireError::Malformed)?;
    check_size(bytes.len(), limits)?;
    Ok(bytes.into())
}

/// Decodes bytes from another node.
pub(crate) fn decode(bytes: &[u8], limits: &WireLimits) -> Result<Arrived, WireError> {
    check_size(bytes.len(), limits)?;
    let json = match bytes {
        [] => return Err(WireError::Empty),
        [VERSION, json @ ..] => json,
        [version, ..] => return Err(WireError::Version(*version)),
    };
    match serde_json::from_slice(json).map_err(WireError::Malformed)? {
        Message::Broadcast(fields) => {
            fields.check(limits)?;
            let payload = match &fields.bytes {
                Some(base64) => {
                    Payload::bytes(BASE64_STANDARD.decode(&**base64).map_err(|_| WireError::Bytes)?)
                }
                None => Payload::from_raw(fields.payload),
            };
            Ok(Arrived::Broadcast(Broadcast::new(&*fields.topic, &*fields.event, payload)?))
        }
        Message::SideChannel(SideChannelFields { name, body }) => {
            Ok(Arrived::SideChannel { name: name.into_owned(), body: Payload::from_raw(body) })
        }
    }
}

impl BroadcastFields<'_> {
    fn check(&self, limits: &WireLimits) -> Result<(), WireError> {
        let (bytes, max) = (self.topic.len().max(self.event.len()), limits.name_bytes_max);
        if bytes > max { Err(WireError::NameTooLong { bytes, max }) } else { Ok(()) }
    }
}

fn check_size(bytes: usize, limits: &WireLimits) -> Result<(), WireError> {
    let max = limits.message_bytes_max;
    if bytes > max { Err(WireError::MessageTooLarge { bytes, max }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits() -> WireLimits {
        WireLimits::default()
    }

    fn broadcast(topic: &str, event: &str, words: &str) -> Broadcast {
        Broadcast::new(topic, event, serde_json::json!({ "words": words })).unwrap()
    }

    fn decoded(bytes: &[u8]) -> Broadcast {
        match decode(bytes, &limits()).unwrap() {
            Arrived::Broadcast(broadcast) => broadcast,
            Arrived::SideChannel { .. } => panic!("it is for a side channel"),
        }
    }

    #[test]
    fn a_message_for_a_side_channel_arrives_as_it_was_sent() {
        let body = Payload::new(serde_json::json!([1, { "a": "b" }])).unwrap();
        let bytes = encode_side_channel("lobby", &body, &limits()).unwrap();
        assert_eq!(&bytes[..], b"\x01{\"note\":{\"to\":\"lobby\",\"body\":[1,{\"a\":\"b\"}]}}");
        let Arrived::SideChannel { name, body: arrived } = decode(&bytes, &limits()).unwrap() else {
            panic!()
        };
        assert_eq!((&*name, arrived), ("lobby", body));
    }

    #[test]
    fn the_form_is_fixed() {
        // Nodes of two versions speak to each other during a deploy: this text may only ever gain fields.
        let bytes = encode(&broadcast("room:1", "said", "hello"), &limits()).unwrap();
        let text = br#"{"broadcast":{"topic":"room:1","event":"said","payload":{"words":"hello"}}}"#;
        assert_eq!((bytes[0], &bytes[1..]), (1, &text[..]));
    }

    #[test]
    fn c3_2_bytes_travel_beside_the_payload() {
        let sent = Broadcast::new("room:1", "picture", Payload::bytes(&b"\x89PNG"[..])).unwrap();
        let bytes = encode(&sent, &limits()).unwrap();
        let text = br#"{"broadcast":{"topic":"room:1","event":"picture","payload":null,"bytes":"iVBORw=="}}"#;
        assert_eq!((bytes[0], &bytes[1..]), (1, &text[..]));
        assert_eq!(decoded(&bytes).payload(), sent.payload());
        let broken =
            b"\x01{\"broadcast\":{\"topic\":\"t\",\"event\":\"e\",\"payload\":null,\"bytes\":\"?\"}}";
        assert!(matches!(decode(broken, &limits()), Err(WireError::Bytes)));
    }

    #[test]
    fn a_field_of_a_later_version_is_skipped() {
        let bytes = b"\x01{\"broadcast\":{\"topic\":\"t\",\"event\":\"e\",\"at\":[7],\"payload\":{}}}";
        assert_eq!(decoded(bytes).event(), "e");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let of = |bytes: &[u8]| format!("{:?}", decode(bytes, &limits()).unwrap_err());
        assert_eq!(of(b""), "Empty");
        assert_eq!(of(b"\x02{}"), "Version(2)");
        assert!(of(b"\x01{\"telegram\":{}}").starts_with("Malformed"));
        assert!(of(b"\x01{\"broadcast\":{\"topic\":\"t\",\"event\":\"e\"}}").starts_with("Malformed"));
        assert!(of(b"\x01\xff\xfe").starts_with("Malformed"));
        let payload = b"\x01{\"broadcast\":{\"topic\":\"t\",\"event\":\"e\",\"payload\":[1]}}";
        assert_eq!(of(payload), "Payload(NotAnObject)");
    }

    #[test]
    fn sizes_are_limited_on_both_sides() {
        let long = broadcast(&"t".repeat(1_025), "e", "");
        assert!(matches!(encode(&long, &limits()), Err(WireError::NameTooLong { bytes: 1_025, max: 1_024 })));
        let wide = limits().with(|limits| limits.name_bytes_max = 2_000);
        let bytes = encode(&long, &wide).unwrap();
        assert!(matches!(decode(&bytes, &limits()), Err(WireError::NameTooLong { .. })));
        let narrow = limits().with(|limits| limits.message_bytes_max = 100);
        let large = broadcast("t", "e", &"x".repeat(100));
        assert!(matches!(encode(&large, &narrow), Err(WireError::MessageTooLarge { max: 100, .. })));
        let bytes = encode(&large, &limits()).unwrap();
        assert!(matches!(decode(&bytes, &narrow), Err(WireError::MessageTooLarge { .. })));
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let depth = 1_000_000;
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let bytes = format!(
            "\x01{{\"broadcast\":{{\"topic\":\"t\",\"event\":\"e\",\"payload\":{{\"a\":{open}{close}}}}}}}"
        );
        let broadcast = decoded(bytes.as_bytes());
        assert!(broadcast.parse::<serde_json::Value>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(topic in ".{0,40}", event in ".{0,40}", words in ".{0,200}") {
            let sent = broadcast(&topic, &event, &words);
            let received = decoded(&encode(&sent, &limits()).unwrap());
            prop_assert_eq!(received.topic(), topic);
            prop_assert_eq!(received.event(), event);
            prop_assert_eq!(received.payload(), sent.payload());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), flip in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let _ = decode(&bytes, &limits());
            let mut nearly = encode(&broadcast("room:1", "said", "hello"), &limits()).unwrap().to_vec();
            let at = flip.index(nearly.len());
            nearly[at] ^= 1 << bit;
            let _ = decode(&nearly, &limits());
        }
    }
}
