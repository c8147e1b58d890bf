//! Topics from outside. Rule ids are those of the channel rules: §6 broadcasts, §13 topics.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

mod broadcasts;
mod errors;
mod history;
mod nodes;
mod probe;
mod races;
mod subscriptions;
mod typed;
