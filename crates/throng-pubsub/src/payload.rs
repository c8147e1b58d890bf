//! Payloads: JSON text that is encoded once for all its receivers, and parsed where its type is known.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};

/// A JSON value kept as text; cloning it shares the text.
#[derive(Clone)]
pub struct Payload(Arc<RawValue>);

impl Payload {
    /// Encodes any serializable value.
    ///
    /// # Errors
    ///
    /// When the value's own `Serialize` fails, or a map has keys that JSON cannot spell.
    pub fn new(value: impl Serialize) -> Result<Payload, PayloadError> {
        Ok(Payload(serde_json::value::to_raw_value(&value)?.into()))
    }

    /// Encodes a value that must be a JSON object, as pushes and broadcasts must be (§2.5).
    ///
    /// # Errors
    ///
    /// As [`Payload::new`], and when the value is not an object.
    pub fn object(value: impl Serialize) -> Result<Payload, PayloadError> {
        Payload::new(value)?.into_object()
    }

    /// A value that was parsed as raw JSON already.
    pub fn from_raw(raw: &RawValue) -> Payload {
        Payload(raw.to_owned().into())
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
            Ok(raw) => Payload(raw.into()),
            Err(error) => unreachable!("the keys are strings and the values are JSON already: {error}"),
        }
    }

    /// The JSON text.
    pub fn as_json(&self) -> &str {
        self.0.get()
    }

    /// The JSON text as a raw value, to be put into a larger one as it is.
    pub fn as_raw(&self) -> &RawValue {
        &self.0
    }

    /// Parses the payload as a `T`.
    ///
    /// The empty object also stands for "nothing": clients send `{}` where they have nothing to say, so a `T` that does
    /// not accept `{}` is tried once more with `null` (`()` and `Option` then succeed).
    ///
    /// # Errors
    ///
    /// When the payload does not deserialize as `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        match serde_json::from_str(self.as_json()) {
            Ok(value) => Ok(value),
            Err(error) if self.is_empty() => serde_json::from_str("null").map_err(|_| error.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether it says nothing: `{}` or `null`.
    pub fn is_empty(&self) -> bool {
        matches!(self.as_json(), "{}" | "null")
    }

    /// The same payload, if it is an object.
    ///
    /// # Errors
    ///
    /// When it is not (§2.5).
    pub fn into_object(self) -> Result<Payload, PayloadError> {
        if self.as_json().starts_with('{') { Ok(self) } else { Err(PayloadError::NotAnObject) }
    }
}

impl Serialize for Payload {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Payload(Box::<RawValue>::deserialize(deserializer)?.into()))
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Payload) -> bool {
        self.as_json() == other.as_json()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Payloads carry what users wrote and sign in with; logs get the size alone.
        write!(f, "Payload({} bytes)", self.as_json().len())
    }
}

/// Why a value could not be made a payload, or a payload could not be parsed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The JSON encoder or parser refused.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A push or broadcast needs an object.
    #[error("the payload of a push or broadcast must be a JSON object")]
    NotAnObject,
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn only_objects_are_pushed() {
        // §2.5
        assert!(Payload::object(serde_json::json!({"a": 1})).is_ok());
        for value in [serde_json::json!(null), serde_json::json!([1]), serde_json::json!("x")] {
            assert!(matches!(Payload::object(value), Err(PayloadError::NotAnObject)));
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
}
