//! What a client sends to a channel, not yet understood.

use serde::{Deserialize, de::DeserializeOwned};
use throng::{
    Exit,
    web::{Payload, PayloadError},
};

/// An event by its name, with a payload of any kind: what is no event of a channel crashes it, as a missing clause does in
/// Phoenix (§5.6). A channel whose events are an enum would refuse it instead.
#[derive(Debug, Deserialize)]
pub(crate) struct Said {
    pub(crate) event: String,
    pub(crate) payload: Payload,
}

impl Said {
    /// What the event carries.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        self.payload.parse()
    }

    /// Why a channel ends that does not know the event.
    pub(crate) fn unheard(&self) -> Exit {
        Exit::other(format!("nothing handles {:?}", self.event))
    }
}

/// A message for all who joined a topic.
#[derive(Debug, Deserialize)]
pub(crate) struct Posting {
    pub(crate) topic: String,
    pub(crate) event: String,
    pub(crate) payload: Payload,
}
