//! The message that all subscribers of a topic share.

use std::{fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use throng_runtime::Message;

use crate::{
    encodings::Encodings,
    payload::{Payload, PayloadError},
};

/// An event with its payload, sent to a topic. Its clones share one text.
///
/// A server that [subscribes](crate::PubSub::subscribe) gets it as a message; a
/// [delivery of its own](crate::PubSub::subscribe_with) is handed it.
#[derive(Clone)]
pub struct Broadcast {
    shared: Arc<Shared>,
}

struct Shared {
    topic: Arc<str>,
    event: Arc<str>,
    payload: Payload,
    encodings: Encodings,
}

impl Message for Broadcast {
    type Reply = ();
}

impl Broadcast {
    /// A broadcast of a value that must be a JSON object.
    ///
    /// ```
    /// # use throng_pubsub::Broadcast;
    /// let broadcast = Broadcast::new("room:1", "said", serde_json::json!({ "words": "hello" }))?;
    /// assert_eq!(broadcast.payload().as_json(), r#"{"words":"hello"}"#);
    /// assert!(Broadcast::new("room:1", "said", "hello").is_err());
    /// # Ok::<_, throng_pubsub::PayloadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the value cannot be encoded, or is not an object (§2.5).
    pub fn new(
        topic: impl Into<Arc<str>>,
        event: impl Into<Arc<str>>,
        payload: impl Serialize,
    ) -> Result<Broadcast, PayloadError> {
        Broadcast::with_payload(topic, event, Payload::object(payload)?)
    }

    /// A broadcast of a payload that was encoded before.
    ///
    /// # Errors
    ///
    /// When it is not an object (§2.5).
    pub fn with_payload(
        topic: impl Into<Arc<str>>,
        event: impl Into<Arc<str>>,
        payload: Payload,
    ) -> Result<Broadcast, PayloadError> {
        let (topic, event, payload) = (topic.into(), event.into(), payload.into_object()?);
        Ok(Broadcast { shared: Arc::new(Shared { topic, event, payload, encodings: Encodings::default() }) })
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.shared.topic
    }

    /// The event.
    pub fn event(&self) -> &str {
        &self.shared.event
    }

    /// The payload, an object.
    pub fn payload(&self) -> &Payload {
        &self.shared.payload
    }

    /// Parses the payload.
    ///
    /// # Errors
    ///
    /// When the payload does not deserialize as `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        self.payload().parse()
    }

    /// What `encode` makes of this broadcast, made by the first call for this type and shared by all others (§6.2), so that
    /// a fan-out to ten thousand connections encodes one frame.
    ///
    /// Each serializer needs a type of its own: two that make the same type would get each other's.
    ///
    /// ```
    /// # use throng_pubsub::Broadcast;
    /// # struct Frame(String);
    /// # let broadcast = Broadcast::new("room:1", "said", serde_json::json!({}))?;
    /// let encode = |b: &Broadcast| Frame(format!("[{:?},{}]", b.event(), b.payload().as_json()));
    /// let first = broadcast.encoded(encode);
    /// assert_eq!(first.0, r#"["said",{}]"#);
    /// assert!(std::ptr::eq(first, broadcast.clone().encoded(encode)));
    /// # Ok::<_, throng_pubsub::PayloadError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// When `encode` does, in the process that broadcasts (§6.4); the next call tries again.
    pub fn encoded<T: Send + Sync + 'static>(&self, encode: impl FnOnce(&Broadcast) -> T) -> &T {
        self.shared.encodings.get_or_make(|| encode(self))
    }
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("topic", &self.topic())
            .field("event", &self.event())
            .field("payload", self.payload())
            .finish_non_exhaustive()
    }
}
