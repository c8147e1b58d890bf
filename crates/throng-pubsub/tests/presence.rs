//! Presence from outside. Rule ids are those of the channel rules: §12 presence, §14 the tracker.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

#[path = "presence/client.rs"]
mod client;
#[path = "presence/diffs.rs"]
mod diffs;
#[path = "presence/limits.rs"]
mod limits;
#[path = "presence/member.rs"]
mod member;
#[path = "presence/nodes.rs"]
mod nodes;
#[path = "presence/presences.rs"]
mod presences;
#[path = "presence/races.rs"]
mod races;
#[path = "presence/tracker.rs"]
mod tracker;
