//! Payloads: JSON text, or bytes, that is encoded once for all its receivers and read where its type is known.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serializer,
    de::{self, DeserializeOwned, DeserializeSeed, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use crate::{binary::BytesDeserializer, into_payload::IntoPayload};

/// What a message carries: a JSON value kept as text, or bytes (§3.2). Cloning it shares either.
///
/// ```
/// # use bytes::Bytes;
/// # use throng_pubsub::Payload;
/// let said = Payload::new(serde_json::json!({ "words": "hello" }))?;
/// assert_eq!(said.as_json(), r#"{"words":"hello"}"#);
/// let picture = Payload::bytes(Bytes::from_static(b"\x89PNG"));
/// assert_eq!(picture.as_bytes().map(Bytes::len), Some(4));
/// # Ok::<_, throng_pubsub::PayloadError>(())
/// ```
#[derive(Clone)]
pub struct Payload(Kind);

#[derive(Clone)]
enum Kind {
    Json(Arc<RawValue>),
    Binary(Bytes),
}

/// By this name a payload asks a deserializer for itself, of either kind.
pub(crate) const TOKEN: &str = "$throng::Payload";

impl Payload {
    /// Makes one of any value that serializes, and takes one that was made before as it is.
    ///
    /// # Errors
    ///
    /// When the value's own `Serialize` fails, or a map has keys that JSON cannot spell.
    pub fn new(value: impl IntoPayload) -> Result<Payload, PayloadError> {
        value.into_payload()
    }

    /// Bytes as they are: what clients get as an `ArrayBuffer` (§3).
    pub fn bytes(bytes: impl Into<Bytes>) -> Payload {
        Payload(Kind::Binary(bytes.into()))
    }

    /// A value that was parsed as raw JSON already.
    pub fn from_raw(raw: &RawValue) -> Payload {
        Payload::from(raw.to_owned())
    }

    /// The empty object `{}`.
    pub fn empty() -> Payload {
        Payload::from_fields(Map::new())
    }

    /// The object `{"reason": reason}`, the form in which refusals travel.
    pub fn reason(reason: &str) -> Payload {
        Payload::from_fields(Map::from_iter([("reason".to_owned(), Value::from(reason))]))
    }

    /// An object of these fields.
    pub fn from_fields(fields: Map<String, Value>) -> Payload {
        match serde_json::value::to_raw_value(&fields) {
            Ok(raw) => Payload::from(raw),
            Err(error) => unreachable!("the keys are strings and the values are JSON already: {error}"),
        }
    }

    /// Whether it is bytes, and not JSON.
    pub fn is_binary(&self) -> bool {
        matches!(self.0, Kind::Binary(_))
    }

    /// The bytes of a binary payload; `None` for JSON.
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Json(_) => None,
            Kind::Binary(bytes) => Some(bytes),
        }
    }

    /// The JSON text. Bytes have none: in JSON they are `null`.
    pub fn as_json(&self) -> &str {
        self.as_raw().get()
    }

    /// The JSON text as a raw value, to be put into a larger one as it is.
    pub fn as_raw(&self) -> &RawValue {
        match &self.0 {
            Kind::Json(raw) => raw,
            Kind::Binary(_) => RawValue::NULL,
        }
    }

    /// How many hold this very text. Bytes are held by one, as far as is known.
    pub(crate) fn holders(&self) -> usize {
        match &self.0 {
            Kind::Json(raw) => Arc::strong_count(raw),
            Kind::Binary(_) => 1,
        }
    }

    /// What travels: the bytes, or those of the JSON text.
    pub fn as_wire(&self) -> &[u8] {
        match &self.0 {
            Kind::Json(raw) => raw.get().as_bytes(),
            Kind::Binary(bytes) => bytes,
        }
    }

    /// Reads the payload as a `T`. Bytes are read as [`Binary`](crate::Binary), or as a payload, and refused by all that
    /// expects JSON.
    ///
    /// The empty object also stands for "nothing": clients send `{}` where they have nothing to say, so a `T` that does
    /// not accept `{}` is tried once more with `null` (`()` and `Option` then succeed).
    ///
    /// # Errors
    ///
    /// When the payload does not deserialize as `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        match self.read(std::marker::PhantomData) {
            Err(error) if self.is_empty() => serde_json::from_str("null").map_err(|_| error),
            read => read,
        }
    }

    /// Reads the payload by a seed; the empty object has no other meaning here.
    ///
    /// # Errors
    ///
    /// When the payload is not what the seed expects.
    pub fn read<'a, S: DeserializeSeed<'a>>(&'a self, seed: S) -> Result<S::Value, PayloadError> {
        match &self.0 {
            Kind::Json(raw) => Ok(seed.deserialize(&mut serde_json::Deserializer::from_str(raw.get()))?),
            Kind::Binary(bytes) => Ok(seed.deserialize(BytesDeserializer(bytes))?),
        }
    }

    /// Whether it says nothing: `{}` or `null`.
    pub fn is_empty(&self) -> bool {
        !self.is_binary() && matches!(self.as_json(), "{}" | "null")
    }

    /// The same payload, if it may be pushed or broadcast: an object, or bytes.
    ///
    /// # Errors
    ///
    /// When it is neither (§2.5).
    pub fn into_pushed(self) -> Result<Payload, PayloadError> {
        if self.is_binary() { Ok(self) } else { self.into_object() }
    }

    /// The same payload, if it is an object.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn into_object(self) -> Result<Payload, PayloadError> {
        if self.as_json().starts_with('{') { Ok(self) } else { Err(PayloadError::NotAnObject) }
    }
}

impl From<Box<RawValue>> for Payload {
    fn from(raw: Box<RawValue>) -> Payload {
        Payload(Kind::Json(raw.into()))
    }
}

/// Serializes as the JSON value; for fields of messages that carry JSON alone.
pub(crate) fn serialize_json<S: Serializer>(payload: &Payload, serializer: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(payload.as_raw(), serializer)
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Payload, D::Error> {
        deserializer.deserialize_newtype_struct(TOKEN, PayloadVisitor)
    }
}

struct PayloadVisitor;

impl<'de> Visitor<'de> for PayloadVisitor {
    type Value = Payload;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value or bytes")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Payload, D::Error> {
        Ok(Payload::from(Box::<RawValue>::deserialize(deserializer)?))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Payload, E> {
        Ok(Payload::bytes(Bytes::copy_from_slice(bytes)))
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Payload) -> bool {
        self.is_binary() == other.is_binary() && self.as_wire() == other.as_wire()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Payloads carry what users wrote and sign in with; logs get the size alone.
        let kind = if self.is_binary() { "binary, " } else { "" };
        write!(f, "Payload({kind}{} bytes)", self.as_wire().len())
    }
}

/// Why a value could not be made a payload, or a payload could not be parsed or sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The JSON encoder or parser refused.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A push or broadcast needs an object, or bytes.
    #[error("the payload of a push or broadcast must be a JSON object, or bytes")]
    NotAnObject,
    /// With bytes travel names of 255 bytes at most: of the topic, the event, the status and the references (§3.4).
    #[error("a name of {bytes} bytes is too long to travel with a binary payload")]
    NameTooLong {
        /// The length of the longest.
        bytes: usize,
    },
    /// The client speaks version 1 of the protocol, which has no bytes (§3.6).
    #[error("the client's version of the protocol has no binary payloads")]
    BinaryUnsupported,
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn only_objects_and_bytes_are_pushed() {
        // §2.5
        let pushed = |value: Payload| value.into_pushed();
        assert!(pushed(Payload::new(serde_json::json!({"a": 1})).unwrap()).is_ok());
        assert!(pushed(Payload::bytes(&b"\x00"[..])).is_ok());
        for value in [serde_json::json!(null), serde_json::json!([1]), serde_json::json!("x")] {
            assert!(matches!(pushed(Payload::new(value).unwrap()), Err(PayloadError::NotAnObject)));
        }
    }

    #[test]
    fn an_empty_object_stands_for_nothing() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Defaults {
            #[serde(default)]
            since: u64,
        }
        assert_eq!(Payload::empty().parse::<Defaults>().unwrap(), Defaults { since: 0 });
        Payload::empty().parse::<()>().unwrap();
        assert_eq!(Payload::empty().parse::<Option<u8>>().unwrap(), None);
        assert!(Payload::empty().parse::<u8>().is_err());
    }

    #[test]
    fn a_refusal_is_an_object_with_a_reason() {
        assert_eq!(Payload::reason("a \"b\"").as_json(), r#"{"reason":"a \"b\""}"#);
        assert_eq!(Payload::empty().as_json(), "{}");
    }

    #[test]
    fn c3_2_bytes_are_no_json() {
        let (bytes, text) = (Payload::bytes(&b"{}"[..]), Payload::empty());
        assert_ne!(bytes, text);
        assert_eq!((bytes.as_json(), bytes.as_wire()), ("null", &b"{}"[..]));
        assert!(!bytes.is_empty() && text.is_empty());
        assert!(bytes.parse::<Value>().is_err() && bytes.parse::<()>().is_err());
        assert!(bytes.into_object().is_err());
    }

    #[test]
    fn what_is_printed_of_it_is_its_size() {
        assert_eq!(format!("{:?}", Payload::bytes(&b"secret"[..])), "Payload(binary, 6 bytes)");
        assert_eq!(format!("{:?}", Payload::new("secret").unwrap()), "Payload(8 bytes)");
    }
}
