//! Topics and presence, for processes on one node or several.
//!
//! [`PubSub`] sends a [`Broadcast`] to all subscribers of its topic. It is a value, not a process: a broadcast runs in the
//! broadcaster and pushes one shared message into each subscriber's queue. Over a [`Transport`] it reaches other nodes.
//!
//! ```text
//!    broadcast ──► transport ──► other nodes ──► their topics
//!        │
//!        └───────► topics ──► delivery ──► mailbox of a server (`Handler<Broadcast>`)
//!                         └─► delivery ──► queue of a connection (encoded once for all)
//! ```
//!
//! [`Presence`] knows the processes that show themselves on topics, on all nodes, and announces how they come and go.
//!
//! The messages of one broadcaster reach each subscriber in the order in which they were sent, each at most once. Nothing is kept
//! or acknowledged, and the messages of several broadcasters have no common order (§6.5, §6.6): unless the topic has a
//! [`History`], which numbers them and keeps them for a while (§18.6).
//!
//! Ids in parentheses, such as `(§12.4)`, are those of the rules in the guide (crate `throng`).
#![forbid(unsafe_code)]

mod binary;
mod broadcast;
mod encodings;
mod fan_out;
mod fields;
mod history;
mod into_payload;
mod members;
mod memory;
mod owner;
mod payload;
mod presence;
mod pubsub;
mod side_channel;
mod subscription;
mod table;
mod topic;
mod transport;
mod wire;

pub use crate::{
    binary::Binary,
    broadcast::Broadcast,
    history::{
        Answer, AnswerOptions, Claim, Epoch, FileError, FileStore, History, HistoryBuilder, HistoryError,
        HistoryKeeper, HistoryOptions, HistoryStore, Missed, Position, PositionError, Since, SnapshotError,
        Standing, StoreError,
    },
    into_payload::IntoPayload,
    memory::{MemoryTransport, Network},
    owner::{OtherProcess, Owner},
    payload::{Payload, PayloadError},
    presence::{
        Extras, FetchError, Meta, Presence, PresenceBuilder, PresenceChange, PresenceDiff, PresenceEntry,
        PresenceOptions, PresenceRefusal, Presences, TrackError, Tracker, UpdateError,
    },
    pubsub::{BroadcastError, PubSub},
    subscription::Subscription,
    topic::{Event, Topic},
    transport::{Receiver, Transport, TransportError},
    wire::{WireError, WireLimits},
};
