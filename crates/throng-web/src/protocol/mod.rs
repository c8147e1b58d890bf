//! The wire protocol, in two versions: messages as JSON objects, or as JSON arrays and binary frames (§2, §3).
//!
//! ```text
//!    V1  {"topic":"room:1","event":"said","ref":"7","payload":{"words":"hello"}}
//!    V2  ["1","7","room:1","said",{"words":"hello"}]
//!        00 01 01 06 03 1 7 room:1 pic …
//! ```
//!
//! Everything here is pure: frames in, values or frames out. A frame is parsed once, at the door; the payload stays
//! raw until the channel that asked for it knows its type. Not here: what a message *means* ([`crate::socket`]).

mod binary;
mod decode;
mod depth;
mod encode;
mod frame;
mod message;
mod reference;
mod serializer;

pub(crate) use decode::{DecodeError, DecodeLimits};
pub(crate) use frame::Frame;
pub(crate) use message::{Message, Wire};
pub use reference::Ref;
pub(crate) use serializer::Serializer;
pub(crate) use throng_pubsub::{Payload, PayloadError};

/// Event names that the protocol keeps for itself (§2.6).
pub(crate) mod event {
    pub(crate) const JOIN: &str = "phx_join";
    pub(crate) const LEAVE: &str = "phx_leave";
    pub(crate) const HEARTBEAT: &str = "heartbeat";
    pub(crate) const REPLY: &str = "phx_reply";
    pub(crate) const ERROR: &str = "phx_error";
    pub(crate) const CLOSE: &str = "phx_close";
    /// With a token, on the connection's own topic: the client wants to stay longer (§18.9).
    pub(crate) const ACCESS_TOKEN: &str = "access_token";
    /// From the server: the client's token will expire.
    pub(crate) const TOKEN_EXPIRING: &str = "token_expiring";
}

/// The topic of the connection itself, on which heartbeats travel (§2.9).
pub(crate) const CONNECTION_TOPIC: &str = "phoenix";
