//! Topics from outside. Rule ids are those of the channel rules: §6 broadcasts, §13 topics.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

#[path = "pubsub/broadcasts.rs"]
mod broadcasts;
#[path = "pubsub/errors.rs"]
mod errors;
#[path = "pubsub/nodes.rs"]
mod nodes;
#[path = "pubsub/probe.rs"]
mod probe;
#[path = "pubsub/races.rs"]
mod races;
#[path = "pubsub/subscriptions.rs"]
mod subscriptions;
#[path = "pubsub/typed.rs"]
mod typed;
