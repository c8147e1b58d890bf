//! What payloads are made of.

use serde::Serialize;

use crate::payload::{Payload, PayloadError};

/// A value that can be sent: whatever serializes, as JSON; a [`Payload`] that was made before, as it is and without
/// another copy; and [`Binary`](crate::Binary), as bytes.
///
/// ```
/// # use throng_pubsub::{Payload, PubSub};
/// # let pubsub = PubSub::new();
/// pubsub.broadcast("room:1", "said", serde_json::json!({ "words": "hello" }))?;
/// pubsub.broadcast("room:1", "picture", Payload::bytes(&b"\x89PNG"[..]))?;
/// # Ok::<_, throng_pubsub::BroadcastError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no payload",
    note = "derive `serde::Serialize` for it, or make a `Payload` of it: `Payload::bytes(…)`"
)]
pub trait IntoPayload {
    /// The payload.
    ///
    /// # Errors
    ///
    /// When the value's own `Serialize` fails, or a map has keys that JSON cannot spell.
    fn into_payload(self) -> Result<Payload, PayloadError>;
}

/// A payload does not serialize, so that it can be told from what does.
impl<T: Serialize> IntoPayload for T {
    fn into_payload(self) -> Result<Payload, PayloadError> {
        Ok(serde_json::value::to_raw_value(&self)?.into())
    }
}

impl IntoPayload for Payload {
    fn into_payload(self) -> Result<Payload, PayloadError> {
        Ok(self)
    }
}

impl IntoPayload for &Payload {
    fn into_payload(self) -> Result<Payload, PayloadError> {
        Ok(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_taken_as_it_is() {
        let json = Payload::new(serde_json::json!({ "a": 1 })).unwrap();
        assert_eq!(Payload::new(&json).unwrap().as_wire().as_ptr(), json.as_wire().as_ptr());
        let bytes = Payload::bytes(vec![1, 2]);
        assert_eq!(Payload::new(&bytes).unwrap().as_wire().as_ptr(), bytes.as_wire().as_ptr());
    }
}
