//! A message's event and payload, read into the channel's own event type.
//!
//! To serde a message is the map `{"event": …, "payload": …}`: an enum with `tag = "event", content = "payload"` takes
//! one variant per event, a struct with those two fields takes any. The payload is parsed once, straight into the type.

use std::fmt;

use serde::{
    de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};

use crate::protocol::{Payload, PayloadError};

/// Why a message is not one of the channel's events.
#[derive(Debug)]
pub(super) enum EventError {
    /// The event type has no such event.
    Unknown,
    /// The event is known, its payload does not deserialize as what it carries.
    Payload(String),
}

/// Reads a message into an event type.
///
/// Clients send `{}` where there is nothing to say, so an event that does not accept it is tried without payload: a unit
/// variant then fits.
pub(super) fn read<E: DeserializeOwned>(event: &str, payload: &Payload) -> Result<E, EventError> {
    let whole = EventMap { event: Some(event), payload: Some(payload) };
    match E::deserialize(whole) {
        Err(EventError::Payload(why)) if payload.is_empty() => {
            E::deserialize(EventMap { event: Some(event), payload: None })
                .map_err(|_| EventError::Payload(why))
        }
        read => read,
    }
}

/// The two entries, each given once.
struct EventMap<'a> {
    event: Option<&'a str>,
    payload: Option<&'a Payload>,
}

impl<'de> Deserializer<'de> for EventMap<'de> {
    type Error = EventError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, EventError> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for EventMap<'de> {
    type Error = EventError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, EventError> {
        let key = match (self.event, self.payload) {
            (Some(_), _) => "event",
            (None, Some(_)) => "payload",
            (None, None) => return Ok(None),
        };
        seed.deserialize(StrDeserializer::<EventError>::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, EventError> {
        match (self.event.take(), self.payload) {
            (Some(event), _) => seed.deserialize(StrDeserializer::<EventError>::new(event)),
            (None, Some(payload)) => {
                self.payload = None;
                payload.read(seed).map_err(|error: PayloadError| EventError::Payload(error.to_string()))
            }
            (None, None) => Err(EventError::Payload("no value is left".to_owned())),
        }
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventError::Unknown => f.write_str("unknown event"),
            EventError::Payload(why) => write!(f, "invalid payload: {why}"),
        }
    }
}

impl std::error::Error for EventError {}

impl de::Error for EventError {
    fn custom<T: fmt::Display>(message: T) -> EventError {
        EventError::Payload(message.to_string())
    }

    /// Raised for the tag alone: errors within the payload are the JSON parser's.
    fn unknown_variant(_: &str, _: &'static [&'static str]) -> EventError {
        EventError::Unknown
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(tag = "event", content = "payload", rename_all = "snake_case")]
    enum RoomIn {
        NewMsg { body: String },
        Typing,
        Since(u64),
        Mood(Mood),
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Mood {
        Happy,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Anything {
        event: String,
        payload: serde_json::Value,
    }

    fn room(event: &str, payload: serde_json::Value) -> Result<RoomIn, EventError> {
        read(event, &Payload::new(payload).unwrap())
    }

    #[test]
    fn each_event_is_a_variant() {
        assert_eq!(room("new_msg", json!({"body": "hi"})).unwrap(), RoomIn::NewMsg { body: "hi".into() });
        assert_eq!(room("since", json!(7)).unwrap(), RoomIn::Since(7));
        assert_eq!(room("mood", json!("happy")).unwrap(), RoomIn::Mood(Mood::Happy));
    }

    #[test]
    fn an_event_without_data_takes_an_empty_payload() {
        assert_eq!(room("typing", json!({})).unwrap(), RoomIn::Typing);
        assert_eq!(room("typing", json!(null)).unwrap(), RoomIn::Typing);
    }

    #[test]
    fn unknown_events_and_wrong_payloads_are_told_apart() {
        assert!(matches!(room("nonsense", json!({})), Err(EventError::Unknown)));
        assert!(matches!(room("New_Msg", json!({})), Err(EventError::Unknown)));
        for (event, payload) in [
            ("new_msg", json!({})),
            ("new_msg", json!({"body": 1})),
            ("since", json!({})),
            ("typing", json!([1])),
        ] {
            assert!(matches!(room(event, payload), Err(EventError::Payload(_))), "{event}");
        }
        // An unknown name within the payload is the payload's fault.
        assert!(matches!(room("mood", json!("sad")), Err(EventError::Payload(_))));
    }

    #[test]
    fn a_struct_takes_any_event() {
        for payload in [json!({"a": [1]}), json!(null), json!("text"), json!({})] {
            let read: Anything = read("whatever", &Payload::new(&payload).unwrap()).unwrap();
            assert_eq!(read, Anything { event: "whatever".into(), payload });
        }
    }
}
