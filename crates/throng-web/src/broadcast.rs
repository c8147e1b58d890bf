//! A message to all subscribers of a topic, encoded once for all of them (§6.2).

use std::sync::{Arc, OnceLock};

use crate::protocol::{Frame, Payload, Ref, encode};

/// A message that was broadcast on a topic.
#[derive(Debug)]
pub struct Broadcast {
    topic: Arc<str>,
    event: Box<str>,
    payload: Payload,
    frame: OnceLock<Frame>,
}

impl Broadcast {
    pub(crate) fn new(topic: &str, event: &str, payload: Payload) -> Broadcast {
        Broadcast { topic: topic.into(), event: event.into(), payload, frame: OnceLock::new() }
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The event.
    pub fn event(&self) -> &str {
        &self.event
    }

    /// The payload, an object.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The frame that every client gets; the first who asks encodes it.
    pub(crate) fn frame(&self) -> Frame {
        self.frame
            .get_or_init(|| encode(&Ref::NULL, &Ref::NULL, &self.topic, &self.event, &self.payload))
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broadcast_carries_no_references_and_is_encoded_once() {
        // §2.8, §6.2
        let payload = Payload::object(serde_json::json!({"a": 1})).unwrap();
        let broadcast = Broadcast::new("room:a", "new_msg", payload);
        assert_eq!(broadcast.frame().as_str(), r#"[null,null,"room:a","new_msg",{"a":1}]"#);
        assert_eq!(broadcast.frame().as_ptr(), broadcast.frame().as_ptr());
    }
}
