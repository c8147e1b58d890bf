//! Bytes within types that are read from payloads.

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
    forward_to_deserialize_any,
};

use crate::{
    into_payload::IntoPayload,
    payload::{Payload, PayloadError, TOKEN},
};

/// The bytes of a binary payload (§3.2): where an event or a parameter is one, it takes bytes and no JSON.
///
/// ```
/// # use serde::Deserialize;
/// # use throng_pubsub::{Binary, Payload};
/// #[derive(Deserialize)]
/// #[serde(tag = "event", content = "payload", rename_all = "snake_case")]
/// enum RoomIn {
///     Say { words: String },
///     Picture(Binary), // a client's `push("picture", arrayBuffer)`
/// }
/// # let picture = Payload::bytes(&b"\x89PNG"[..]);
/// assert_eq!(picture.parse::<Binary>()?.0, &b"\x89PNG"[..]);
/// assert!(Payload::new("\u{89}PNG")?.parse::<Binary>().is_err());
/// # Ok::<_, throng_pubsub::PayloadError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Binary(pub Bytes);

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Binary, D::Error> {
        // Asked for bytes, a JSON parser hands out those of a string.
        deserializer.deserialize_any(BinaryVisitor)
    }
}

struct BinaryVisitor;

impl Visitor<'_> for BinaryVisitor {
    type Value = Binary;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a binary payload")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Binary, E> {
        Ok(Binary(Bytes::copy_from_slice(bytes)))
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Binary, E> {
        Ok(Binary(bytes.into()))
    }
}

impl From<Binary> for Payload {
    fn from(Binary(bytes): Binary) -> Payload {
        Payload::bytes(bytes)
    }
}

impl IntoPayload for Binary {
    fn into_payload(self) -> Result<Payload, PayloadError> {
        Ok(self.into())
    }
}

/// Offers bytes, whatever is asked for; what expects anything else refuses them.
pub(crate) struct BytesDeserializer<'a>(pub(crate) &'a Bytes);

impl<'de> Deserializer<'de> for BytesDeserializer<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        visitor.visit_borrowed_bytes(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, serde_json::Error> {
        if name == TOKEN { self.deserialize_any(visitor) } else { visitor.visit_newtype_struct(self) }
    }

    /// Bytes are no text, even where they happen to be UTF-8.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        Err(de::Error::invalid_type(de::Unexpected::Bytes(self.0), &visitor))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        self.deserialize_str(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Wrapped(Binary);

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(untagged)]
    enum Either {
        Bytes(Binary),
        Json(Value),
    }

    fn bytes() -> Payload {
        Payload::bytes(&b"\x01\x02"[..])
    }

    #[test]
    fn c3_2_bytes_are_read_as_bytes() {
        let binary = Binary(Bytes::from_static(b"\x01\x02"));
        assert_eq!(bytes().parse::<Binary>().unwrap(), binary);
        assert_eq!(bytes().parse::<Option<Binary>>().unwrap(), Some(binary.clone()));
        assert_eq!(bytes().parse::<Wrapped>().unwrap(), Wrapped(binary.clone()));
        assert_eq!(bytes().parse::<Either>().unwrap(), Either::Bytes(binary));
        assert_eq!(bytes().parse::<Payload>().unwrap(), bytes());
    }

    #[test]
    fn c3_2_what_expects_json_refuses_bytes_and_the_other_way_about() {
        assert!(bytes().parse::<Value>().is_err());
        assert!(bytes().parse::<String>().is_err());
        assert!(bytes().parse::<Vec<u8>>().is_err());
        for json in ["\"text\"", "[1,2]", "null", "{}", "7"] {
            let payload: Payload = serde_json::from_str(json).unwrap();
            assert_eq!(payload.as_json(), json);
            assert!(payload.parse::<Binary>().is_err(), "{json}");
            assert_eq!(payload.parse::<Payload>().unwrap(), payload);
            assert!(matches!(payload.parse::<Either>(), Ok(Either::Json(_))), "{json}");
        }
    }
}
