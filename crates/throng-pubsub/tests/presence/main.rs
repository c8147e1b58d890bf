//! Presence from outside. Rule ids are those of the channel rules: §12 presence, §14 the tracker.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

mod client;
mod crowds;
mod diffs;
mod fetches;
mod limits;
mod member;
mod nodes;
mod pools;
mod presences;
mod races;
mod states;
mod tracker;
mod watches;
