//! A channel's presence on its topic.

use std::sync::Arc;

use serde::Serialize;
use throng_pubsub::{Presence, TrackError, UpdateError};

use super::{Channel, PushError, Socket, socket::SocketState};
use crate::{
    connection::{Mark, Merge},
    protocol::Payload,
    telemetry::{Event, PresenceTracked},
};

/// The event by which a newcomer is told who is there (§12.3).
const STATE: &str = "presence_state";
/// The event by which all who joined are told what has changed (§12.3).
const DIFF: &str = "presence_diff";

impl<C: Channel> Socket<'_, C> {
    /// Shows this channel on its topic under a key, until it ends; all who joined the topic are told. Gives back the
    /// presence's `phx_ref` (§12.2, §12.3).
    ///
    /// Do so in [`Channel::joined`], and then [push the state](Socket::push_presence_state).
    ///
    /// # Errors
    ///
    /// The presence is over another [`PubSub`](crate::PubSub) than the endpoint's, the channel is present under this key
    /// already, or the meta is refused.
    pub fn track(
        &self,
        presence: &Presence,
        key: impl Into<Arc<str>>,
        meta: impl Serialize,
    ) -> Result<String, SocketTrackError> {
        if !presence.pubsub().is_same(self.pubsub()) {
            return Err(SocketTrackError::OtherPubSub);
        }
        let phx_ref = presence.track(self, self.state.topic.clone(), key, meta)?;
        self.state.link.observers.tell(|_| {
            let (topic, size) = (self.topic(), presence.count(self.topic()));
            Event::PresenceTracked(PresenceTracked { presence: presence.name(), topic, size })
        });
        Ok(phx_ref)
    }

    /// Replaces what this channel shows of itself, and gives back the new `phx_ref`. Others see one change (§12.4).
    ///
    /// # Errors
    ///
    /// The channel is not present under this key, or the meta is refused.
    pub fn update_presence(
        &self,
        presence: &Presence,
        key: impl Into<Arc<str>>,
        meta: impl Serialize,
    ) -> Result<String, UpdateError> {
        presence.update(self, self.state.topic.clone(), key, meta)
    }

    /// Ends this channel's presence under a key before the channel ends.
    pub fn untrack(&self, presence: &Presence, key: impl Into<Arc<str>>) {
        presence.untrack(self, self.state.topic.clone(), key);
    }

    /// Tells the client who is present: the event `presence_state`, without which phoenix.js keeps back all changes. So it
    /// belongs in [`Channel::joined`], for every join and rejoin (§10, §12.3).
    ///
    /// Track first: what changes between the two comes twice, and clients take it once. The state has what was
    /// [fetched](throng_pubsub::PresenceBuilder::fetch). It comes at once when the topic is quiet, so that it shows the client itself;
    /// when many join, it comes with the next announcement, the same text for all of them.
    ///
    /// # Errors
    ///
    /// Before the topic is joined.
    pub fn push_presence_state(&self, presence: &Presence) -> Result<(), PushError> {
        let SocketState { join_ref, topic, subscription, link, channel, .. } = &*self.state;
        let subscription = subscription.as_ref().ok_or(PushError::NotJoined)?;
        let (link, join_ref, channel, client_topic) =
            (link.clone(), join_ref.clone(), *channel, topic.clone());
        let push = move |state: &Payload| {
            // It is text, as all presence is, and text can be sent to every client.
            let Ok(frame) = link.serializer.push(&join_ref, &client_topic, STATE, state) else { return };
            let mark = Mark::new(C::WHEN_SLOW, channel, STATE, |merge| Merge {
                merge,
                serializer: link.serializer,
                join_ref,
                topic: (*client_topic).into(),
                payload: state.clone(),
            });
            link.outbox.send_marked(frame, mark);
        };
        if C::INTERCEPTS.contains(&DIFF) {
            // Such a channel sees all diffs, whatever the state has already.
            presence.send_state(topic.clone(), push);
        } else {
            presence.send_state_to(subscription, push);
        }
        Ok(())
    }
}

/// Why a channel is not shown on its topic. Nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketTrackError {
    /// The presence was made with another [`PubSub`](crate::PubSub) than the endpoint: no client would hear of it.
    #[error("the presence was made with another PubSub than the endpoint")]
    OtherPubSub,
    /// The presence refuses it.
    #[error(transparent)]
    Refused(#[from] TrackError),
}
