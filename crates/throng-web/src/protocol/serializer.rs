//! The two versions of the protocol, as a connection speaks one of them (§1.4, §2, §3).

use std::str;

use throng_pubsub::Broadcast;

use super::{
    DecodeError, DecodeLimits, Frame, Message, Payload, PayloadError, Ref, binary, decode, encode, event,
};

/// The version of the protocol that a client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serializer {
    /// `~> 1.0.0`: JSON objects, and no bytes.
    V1,
    /// `~> 2.0.0`: JSON arrays, and binary frames.
    V2,
}

/// The name of a message for a client: what stands before its payload.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) join_ref: &'a Ref,
    pub(crate) reference: &'a Ref,
    pub(crate) topic: &'a str,
    pub(crate) event: &'a str,
}

impl Serializer {
    /// The version by its number.
    pub(crate) fn vsn(self) -> &'static str {
        match self {
            Serializer::V1 => "1.0.0",
            Serializer::V2 => "2.0.0",
        }
    }

    pub(crate) fn decode_text(self, text: &str, limits: &DecodeLimits) -> Result<Message, DecodeError> {
        match self {
            Serializer::V1 => decode::decode_v1(text, limits),
            Serializer::V2 => decode::decode_v2(text, limits),
        }
    }

    /// The first version takes any frame for text (§3.6).
    pub(crate) fn decode_binary(self, bytes: &[u8], limits: &DecodeLimits) -> Result<Message, DecodeError> {
        match self {
            Serializer::V1 => {
                self.decode_text(str::from_utf8(bytes).map_err(|_| DecodeError::NotUtf8)?, limits)
            }
            Serializer::V2 => binary::decode(bytes, limits),
        }
    }

    /// A push of a channel.
    ///
    /// # Errors
    ///
    /// Bytes with names that are too long for them (§3.4), or for a client that has no bytes.
    pub(crate) fn push(
        self,
        join_ref: &Ref,
        topic: &str,
        event: &str,
        payload: &Payload,
    ) -> Result<Frame, PayloadError> {
        match payload.is_binary() {
            false => Ok(self.text(Head { join_ref, reference: &Ref::NULL, topic, event }, payload)),
            true => self.with_bytes()?.push(join_ref, topic, event, payload),
        }
    }

    /// An answer: `phx_reply` with its status and response (§2.7).
    ///
    /// # Errors
    ///
    /// As [`Serializer::push`].
    pub(crate) fn reply(
        self,
        join_ref: &Ref,
        reference: &Ref,
        topic: &str,
        status: &str,
        response: &Payload,
    ) -> Result<Frame, PayloadError> {
        match response.is_binary() {
            false => Ok(self.text_reply(join_ref, reference, topic, status, response)),
            true => self.with_bytes()?.reply(join_ref, reference, topic, status, response),
        }
    }

    /// A broadcast, which carries no references (§2.8).
    ///
    /// # Errors
    ///
    /// As [`Serializer::push`].
    pub(crate) fn broadcast(self, broadcast: &Broadcast) -> Result<Frame, PayloadError> {
        let (topic, event, payload) = (broadcast.topic(), broadcast.event(), broadcast.client_payload());
        let (join_ref, reference) = (&Ref::NULL, &Ref::NULL);
        match payload.is_binary() {
            false => Ok(self.text(Head { join_ref, reference, topic, event }, payload)),
            true => self.with_bytes()?.broadcast(topic, event, payload),
        }
    }

    /// `phx_close` or `phx_error`: both carry the join's reference twice (§2.8). The payload is JSON.
    pub(crate) fn ended(self, join_ref: &Ref, topic: &str, event: &str, payload: &Payload) -> Frame {
        self.text(Head { join_ref, reference: join_ref, topic, event }, payload)
    }

    /// An answer whose response is JSON.
    pub(crate) fn text_reply(
        self,
        join_ref: &Ref,
        reference: &Ref,
        topic: &str,
        status: &str,
        response: &Payload,
    ) -> Frame {
        let head = Head { join_ref, reference, topic, event: event::REPLY };
        match self {
            Serializer::V1 => encode::reply_v1(head, status, response),
            Serializer::V2 => encode::reply_v2(head, status, response),
        }
    }

    fn text(self, head: Head<'_>, payload: &Payload) -> Frame {
        match self {
            Serializer::V1 => encode::message_v1(head, payload),
            Serializer::V2 => encode::message_v2(head, payload),
        }
    }

    fn with_bytes(self) -> Result<binary::Encoder, PayloadError> {
        match self {
            Serializer::V1 => Err(PayloadError::BinaryUnsupported),
            Serializer::V2 => Ok(binary::Encoder),
        }
    }
}
