//! The fields of a request, each read as what it has to be.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};
use throng_pubsub::{Binary, Broadcast, Payload};

use super::error::ApiError;
use crate::protocol::DecodeLimits;

/// Names that the protocol keeps for itself (§2.6).
const RESERVED: &str = "phx_";

/// An object of the request, and where it stands in it.
pub(super) struct Fields<'a> {
    pub(super) of: &'a Map<String, Value>,
    /// What stands before a field's name in its path: nothing, or `messages[3].`.
    pub(super) at: String,
}

impl<'a> Fields<'a> {
    pub(super) fn root(of: &'a Map<String, Value>) -> Fields<'a> {
        Fields { of, at: String::new() }
    }

    /// A text that names something: not empty, and no longer than a client may send.
    pub(super) fn name(&self, field: &str) -> Result<&'a str, ApiError> {
        let limit = DecodeLimits::default().name_bytes;
        match self.of.get(field) {
            Some(Value::String(text)) if text.is_empty() => Err(self.wrong(field, "must not be empty")),
            Some(Value::String(text)) if text.len() > limit => Err(self.wrong(field, "is too long")),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.wrong(field, "must be a string")),
            None => Err(self.wrong(field, "is missing")),
        }
    }

    /// A number of a query, where it is given.
    pub(super) fn number(&self, field: &str) -> Result<Option<usize>, ApiError> {
        let parse = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
        match self.of.get(field) {
            None => Ok(None),
            Some(value) => parse(value).map(Some).ok_or_else(|| self.wrong(field, "must be a number")),
        }
    }

    /// A message that is to be published.
    pub(super) fn broadcast(&self) -> Result<Broadcast, ApiError> {
        let (topic, event) = (self.name("topic")?, self.name("event")?);
        if event.starts_with(RESERVED) {
            return Err(self.wrong("event", "is reserved"));
        }
        let (field, broadcast) = match (self.of.get("payload"), self.of.get("payload_base64")) {
            (Some(_), Some(_)) => return Err(self.wrong("payload", "is given twice")),
            (Some(payload), None) => ("payload", Broadcast::new(topic, event, payload)),
            (None, Some(Value::String(text))) => {
                let bytes = BASE64_STANDARD.decode(text);
                let bytes = bytes.map_err(|_| self.wrong("payload_base64", "is not base64"))?;
                ("payload_base64", Broadcast::new(topic, event, Binary(bytes.into())))
            }
            (None, Some(_)) => return Err(self.wrong("payload_base64", "must be a string")),
            (None, None) => ("payload", Broadcast::new(topic, event, Payload::empty())),
        };
        broadcast.map_err(|error| self.wrong(field, error))
    }

    /// What is wrong with a field.
    pub(super) fn wrong(&self, field: &str, reason: impl ToString) -> ApiError {
        ApiError::Field { field: format!("{}{field}", self.at), reason: reason.to_string() }
    }
}
