//! The message that all subscribers of a topic share.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use serde::de::DeserializeOwned;
use throng_runtime::Message;

use crate::{
    encodings::Encodings,
    history::Position,
    into_payload::IntoPayload,
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
    position: Option<Position>,
    /// The payload with its position. No encoding: those are made of it.
    stamped: OnceLock<Payload>,
    encodings: Encodings,
}

impl Message for Broadcast {
    type Reply = ();
}

impl Broadcast {
    /// A broadcast of a value that must be a JSON object, or of bytes.
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
    /// When the value cannot be encoded, or is neither an object nor bytes (§2.5); with bytes, when the topic or the event is
    /// longer than 255 bytes (§3.4).
    pub fn new(
        topic: impl Into<Arc<str>>,
        event: impl Into<Arc<str>>,
        payload: impl IntoPayload,
    ) -> Result<Broadcast, PayloadError> {
        let (topic, event, payload) = (topic.into(), event.into(), payload.into_payload()?.into_pushed()?);
        if payload.is_binary() {
            check_name(&topic)?;
            check_name(&event)?;
        }
        Ok(Broadcast::make(topic, event, payload, None))
    }

    /// One that was recorded before.
    pub(crate) fn recorded(
        topic: Arc<str>,
        event: Arc<str>,
        payload: Payload,
        position: Position,
    ) -> Broadcast {
        Broadcast::make(topic, event, payload, Some(position))
    }

    fn make(topic: Arc<str>, event: Arc<str>, payload: Payload, position: Option<Position>) -> Broadcast {
        let (stamped, encodings) = (OnceLock::new(), Encodings::default());
        Broadcast { shared: Arc::new(Shared { topic, event, payload, position, stamped, encodings }) }
    }

    /// The same, at its place in the topic's history.
    pub(crate) fn at(&self, position: Position) -> Broadcast {
        let Shared { topic, event, payload, .. } = &*self.shared;
        Broadcast::recorded(topic.clone(), event.clone(), payload.clone(), position)
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.shared.topic
    }

    /// The event.
    pub fn event(&self) -> &str {
        &self.shared.event
    }

    /// The payload as it was sent: an object, or bytes.
    pub fn payload(&self) -> &Payload {
        &self.shared.payload
    }

    /// Its place in the history of the topic, if it was recorded (§18.6).
    pub fn position(&self) -> Option<Position> {
        self.shared.position
    }

    /// The payload for clients: that of one that was recorded has its position in the field `_since` (§18.6). It is made once
    /// for all of them.
    pub fn client_payload(&self) -> &Payload {
        match self.position() {
            Some(position) => self.shared.stamped.get_or_init(|| position.stamp(self.payload())),
            None => self.payload(),
        }
    }

    pub(crate) fn shared_topic(&self) -> &Arc<str> {
        &self.shared.topic
    }

    pub(crate) fn shared_event(&self) -> &Arc<str> {
        &self.shared.event
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

/// The name's length takes one byte where bytes travel (§3.4).
fn check_name(name: &str) -> Result<(), PayloadError> {
    let bytes = name.len();
    if bytes > usize::from(u8::MAX) { Err(PayloadError::NameTooLong { bytes }) } else { Ok(()) }
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
