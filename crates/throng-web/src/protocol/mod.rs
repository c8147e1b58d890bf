//! The wire protocol, version 2: one JSON array `[join_ref, ref, topic, event, payload]` a frame.
//!
//! Everything here is pure: text in, values or text out. A frame is parsed once, at the door; the payload stays
//! raw JSON until the channel that asked for it knows its type. Not here: what a message *means*
//! ([`crate::socket`]) and binary frames.

mod decode;
mod depth;
mod encode;
mod message;
mod reference;

pub(crate) use decode::{DecodeError, DecodeLimits, decode};
pub(crate) use encode::{Frame, encode, encode_reply};
pub(crate) use message::Message;
pub use reference::Ref;
pub(crate) use throng_pubsub::{Payload, PayloadError};

/// Event names that the protocol keeps for itself (§2.6).
pub(crate) mod event {
    pub(crate) const JOIN: &str = "phx_join";
    pub(crate) const LEAVE: &str = "phx_leave";
    pub(crate) const HEARTBEAT: &str = "heartbeat";
    pub(crate) const REPLY: &str = "phx_reply";
    pub(crate) const ERROR: &str = "phx_error";
    pub(crate) const CLOSE: &str = "phx_close";
}

/// The topic of the connection itself, on which heartbeats travel (§2.9).
pub(crate) const CONNECTION_TOPIC: &str = "phoenix";
