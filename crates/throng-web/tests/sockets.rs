//! Sockets and channels over real connections: one theme a file, each rule of the protocol named where it is tested.
#![allow(clippy::unwrap_used)]

#[path = "sockets/support/mod.rs"]
mod support;

#[path = "sockets/broadcasts.rs"]
mod broadcasts;
#[path = "sockets/draining.rs"]
mod draining;
#[path = "sockets/ends.rs"]
mod ends;
#[path = "sockets/events.rs"]
mod events;
#[path = "sockets/floods.rs"]
mod floods;
#[path = "sockets/garbage.rs"]
mod garbage;
#[path = "sockets/handshake.rs"]
mod handshake;
#[path = "sockets/joins.rs"]
mod joins;
#[path = "sockets/leaves.rs"]
mod leaves;
#[path = "sockets/limits.rs"]
mod limits;
#[path = "sockets/mounting.rs"]
mod mounting;
#[path = "sockets/presence.rs"]
mod presence;
#[path = "sockets/requests.rs"]
mod requests;
#[path = "sockets/slow_readers.rs"]
mod slow_readers;
#[path = "sockets/supervision.rs"]
mod supervision;
#[path = "sockets/topics.rs"]
mod topics;
#[path = "sockets/vanished.rs"]
mod vanished;
