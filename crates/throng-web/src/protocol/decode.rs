//! Text frame → [`Message`], refusing what is malformed, misshapen or too big (§2.2, §2.3, §7.6).

use std::{borrow::Cow, fmt};

use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Message, Payload, Ref, depth};

/// How much of anything a frame may hold; the frame's own size is bounded by the WebSocket layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecodeLimits {
    /// Levels of nested arrays and objects, the frame's own array included.
    pub(crate) depth: usize,
    /// Bytes of the topic, and of the event.
    pub(crate) name_bytes: usize,
    /// Bytes of `ref`, and of `join_ref`, as JSON.
    pub(crate) reference_bytes: usize,
}

impl Default for DecodeLimits {
    fn default() -> DecodeLimits {
        DecodeLimits { depth: 128, name_bytes: 1024, reference_bytes: 256 }
    }
}

/// Why a frame is not a message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    /// The text is not JSON, or does not have the fields in their types.
    #[error("malformed message")]
    Malformed(#[source] serde_json::Error),
    /// Arrays and objects nest beyond the limit.
    #[error("message nests too deeply")]
    TooDeep,
    /// The topic or the event is longer than the limit.
    #[error("topic or event too long")]
    NameTooLong,
    /// `ref` or `join_ref` is longer than the limit.
    #[error("reference too long")]
    RefTooLong,
    /// A binary frame ends before its names do.
    #[error("binary message is truncated")]
    Truncated,
    /// A binary frame is of a kind that clients do not send.
    #[error("binary message of the unknown kind {0}")]
    UnknownKind(u8),
    /// A name in a binary frame is not UTF-8.
    #[error("binary message is not UTF-8")]
    NotUtf8,
}

/// Parses an array; elements after the fifth are ignored (§2.2).
pub(super) fn decode_v2(text: &str, limits: &DecodeLimits) -> Result<Message, DecodeError> {
    message(parse(text, limits)?, limits)
}

/// Parses an object; a `join_ref` may be missing, the other four keys may not (§2.3).
pub(super) fn decode_v1(text: &str, limits: &DecodeLimits) -> Result<Message, DecodeError> {
    // A struct is read from an array as well.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(DecodeError::Malformed(de::Error::custom("the message is not an object")));
    }
    let keys: Keys<'_> = parse(text, limits)?;
    let fields = Fields {
        join_ref: keys.join_ref.unwrap_or(RawValue::NULL),
        reference: keys.reference,
        topic: keys.topic.0,
        event: keys.event.0,
        payload: keys.payload,
    };
    message(fields, limits)
}

fn parse<'a, T: de::Deserialize<'a>>(text: &'a str, limits: &DecodeLimits) -> Result<T, DecodeError> {
    if !depth::within(text, limits.depth) {
        return Err(DecodeError::TooDeep);
    }
    serde_json::from_str(text).map_err(DecodeError::Malformed)
}

fn message(fields: Fields<'_>, limits: &DecodeLimits) -> Result<Message, DecodeError> {
    if fields.topic.len() > limits.name_bytes || fields.event.len() > limits.name_bytes {
        return Err(DecodeError::NameTooLong);
    }
    Ok(Message {
        join_ref: reference(fields.join_ref, limits)?,
        reference: reference(fields.reference, limits)?,
        topic: fields.topic.into(),
        event: fields.event.into(),
        payload: Payload::from_raw(fields.payload),
    })
}

fn reference(raw: &RawValue, limits: &DecodeLimits) -> Result<Ref, DecodeError> {
    if raw.get().len() > limits.reference_bytes {
        return Err(DecodeError::RefTooLong);
    }
    Ref::parse(raw).ok_or_else(|| DecodeError::Malformed(de::Error::custom("unreadable reference")))
}

/// The object's keys, borrowed from the frame.
#[derive(serde::Deserialize)]
struct Keys<'a> {
    #[serde(borrow, default)]
    join_ref: Option<&'a RawValue>,
    #[serde(borrow, rename = "ref")]
    reference: &'a RawValue,
    #[serde(borrow)]
    topic: Text<'a>,
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow)]
    payload: &'a RawValue,
}

/// The array's elements, borrowed from the frame.
struct Fields<'a> {
    join_ref: &'a RawValue,
    reference: &'a RawValue,
    topic: Cow<'a, str>,
    event: Cow<'a, str>,
    payload: &'a RawValue,
}

impl<'de: 'a, 'a> de::Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields<'a>, D::Error> {
        deserializer.deserialize_seq(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array [join_ref, ref, topic, event, payload]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Fields<'de>, A::Error> {
        let fields = Fields {
            join_ref: element(&mut seq, 0)?,
            reference: element(&mut seq, 1)?,
            topic: element::<_, Text<'de>>(&mut seq, 2)?.0,
            event: element::<_, Text<'de>>(&mut seq, 3)?.0,
            payload: element(&mut seq, 4)?,
        };
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(fields)
    }
}

fn element<'de, A: SeqAccess<'de>, T: de::Deserialize<'de>>(
    seq: &mut A,
    index: usize,
) -> Result<T, A::Error> {
    seq.next_element()?.ok_or_else(|| de::Error::invalid_length(index, &FieldsVisitor))
}

/// A string borrowed where it holds no escapes; serde's own `Cow` always copies.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(text: &str) -> Result<Message, DecodeError> {
        decode_v2(text, &DecodeLimits::default())
    }

    #[test]
    fn five_fields_make_a_message() {
        // §2.2, §2.5: any JSON value is a payload.
        for payload in ["{}", "null", "\"text\"", "[1,2]", "7", r#"{"a":{"b":[true]}}"#] {
            let message = decoded(&format!(r#"["1",2,"room:a","new_msg",{payload}]"#)).unwrap();
            assert_eq!(message.join_ref, Ref::text("1"));
            assert_eq!(message.reference.as_json(), "2");
            assert_eq!(&*message.topic, "room:a");
            assert_eq!(&*message.event, "new_msg");
            assert_eq!(message.payload.as_json(), payload);
        }
    }

    #[test]
    fn extra_elements_are_ignored() {
        // §2.2
        let message = decoded(r#"[null,"7","phoenix","heartbeat",{},"extra",{"more":[1]}]"#).unwrap();
        assert_eq!(message.join_ref, Ref::NULL);
        assert_eq!(&*message.event, "heartbeat");
    }

    #[test]
    fn names_may_hold_escapes_and_any_script() {
        let message = decoded(r#"[null,null,"r\u00f6om:\n\"x\"","événement",{}]"#).unwrap();
        assert_eq!(&*message.topic, "röom:\n\"x\"");
        assert_eq!(&*message.event, "événement");
    }

    #[test]
    fn other_shapes_are_refused() {
        // §2.2, §7.6
        let cases = [
            "",
            " ",
            "nonsense",
            "null",
            "7",
            "\"text\"",
            "{}",
            "[]",
            "[null]",
            r#"[null,"1","t","e"]"#,
            r#"{"topic":"t","event":"e","payload":{},"ref":"1"}"#,
            r#"[null,"1",null,"e",{}]"#,
            r#"[null,"1","t",5,{}]"#,
            r#"[null,"1",["t"],"e",{}]"#,
            r#"[null,"1","t","e",{}"#,
            r#"[null,"1","t","e",{}]]"#,
            r#"[null,"1","t","e",{}] trailing"#,
            r#"[null,"1","t","e",{"a":}]"#,
            r#"[null,"1","t","e",]"#,
            r#"[nul,"1","t","e",{}]"#,
            "[null,\"1\",\"t\u{0}\",\"e\",{}]",
        ];
        for text in cases {
            assert!(matches!(decoded(text), Err(DecodeError::Malformed(_))), "{text} was accepted");
        }
    }

    fn decoded_v1(text: &str) -> Result<Message, DecodeError> {
        decode_v1(text, &DecodeLimits::default())
    }

    #[test]
    fn c2_3_an_object_makes_a_message_of_the_first_version() {
        let message =
            decoded_v1(r#"{"topic":"room:a","more":[1],"event":"new_msg","payload":[1],"ref":7}"#).unwrap();
        assert_eq!(
            (&*message.topic, &*message.event, message.payload.as_json()),
            ("room:a", "new_msg", "[1]")
        );
        assert_eq!((message.join_ref, message.reference.as_json()), (Ref::NULL, "7"));
        let message =
            decoded_v1(r#"{"topic":"t","event":"e","payload":null,"ref":null,"join_ref":"1"}"#).unwrap();
        assert_eq!((message.join_ref, message.reference), (Ref::text("1"), Ref::NULL));
    }

    #[test]
    fn c2_3_an_object_without_one_of_its_keys_is_refused() {
        let cases = [
            "{}",
            r#"["1","1","t","e",{}]"#,
            r#"{"event":"e","payload":{},"ref":"1"}"#,
            r#"{"topic":"t","payload":{},"ref":"1"}"#,
            r#"{"topic":"t","event":"e","ref":"1"}"#,
            r#"{"topic":"t","event":"e","payload":{}}"#,
            r#"{"topic":1,"event":"e","payload":{},"ref":"1"}"#,
            r#"{"topic":"t","topic":"t","event":"e","payload":{},"ref":"1"}"#,
        ];
        for text in cases {
            assert!(matches!(decoded_v1(text), Err(DecodeError::Malformed(_))), "{text} was accepted");
        }
        let deep = format!(
            r#"{{"topic":"t","event":"e","ref":1,"payload":{}{}}}"#,
            "[".repeat(128),
            "]".repeat(128)
        );
        assert!(matches!(decoded_v1(&deep), Err(DecodeError::TooDeep)));
    }

    #[test]
    fn limits_are_named_in_the_error() {
        let deep = format!("[null,null,\"t\",\"e\",{}1{}]", "[".repeat(128), "]".repeat(128));
        assert!(matches!(decoded(&deep), Err(DecodeError::TooDeep)));
        let just_right = format!("[null,null,\"t\",\"e\",{}1{}]", "[".repeat(127), "]".repeat(127));
        let payload = decoded(&just_right).unwrap().payload;
        // Whatever passes the door can be parsed behind it.
        payload.parse::<serde_json::Value>().unwrap();

        let long = "x".repeat(1025);
        assert!(matches!(
            decoded(&format!(r#"[null,null,"{long}","e",{{}}]"#)),
            Err(DecodeError::NameTooLong)
        ));
        assert!(matches!(
            decoded(&format!(r#"[null,null,"t","{long}",{{}}]"#)),
            Err(DecodeError::NameTooLong)
        ));
        assert!(matches!(decoded(&format!(r#"["{long}",null,"t","e",{{}}]"#)), Err(DecodeError::RefTooLong)));
        assert!(matches!(decoded(&format!(r#"[null,"{long}","t","e",{{}}]"#)), Err(DecodeError::RefTooLong)));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_decoder_panic(text in ".*") {
            drop((decoded(&text), decoded_v1(&text)));
        }

        #[test]
        fn no_bracket_soup_makes_the_decoder_panic(text in r#"[\[\]{}",:0-9a\\ ]{0,200}"#) {
            drop((decoded(&text), decoded_v1(&text)));
        }
    }
}
