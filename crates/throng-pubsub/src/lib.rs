//! Topics and presence: what many processes, on one node or several, are told and know together.
//!
//! [`PubSub`] sends a [`Broadcast`] to whoever subscribed to its topic. It is a value, not a process: a broadcast runs in the
//! broadcaster and pushes one shared message into each subscriber's queue. Over a [`Transport`] it reaches other nodes.
//!
//! ```text
//!    broadcast ──► transport ──► other nodes ──► their topics
//!        │
//!        └───────► topics ──► delivery ──► mailbox of a server (`Handler<Broadcast>`)
//!                         └─► delivery ──► queue of a connection (encoded once for all)
//! ```
//!
//! [`Presence`] knows who is where, on all nodes: processes show themselves on topics, and others see them come and go.
//!
//! What is promised: the messages of one broadcaster reach each subscriber in the order in which they were sent; each at most
//! once; there is no history, no acknowledgement and no order between broadcasters (§6.5, §6.6).
//!
//! Ids in parentheses, such as `(§12.4)`, are those of the rules in the guide (crate `throng`).

mod broadcast;
mod encodings;
mod lanes;
mod members;
mod memory;
mod owner;
mod payload;
mod presence;
mod pubsub;
mod subscription;
mod table;
mod topic;
mod transport;
mod wire;

pub use crate::{
    broadcast::Broadcast,
    memory::{MemoryTransport, Network},
    owner::{OtherProcess, Owner},
    payload::{Payload, PayloadError},
    presence::{Meta, Presence, PresenceOptions, Presences, Refusal, TrackError, Tracker, UpdateError},
    pubsub::{BroadcastError, PubSub},
    subscription::Subscription,
    topic::{Event, Topic},
    transport::{Receiver, Transport, TransportError},
    wire::{WireError, WireLimits},
};
