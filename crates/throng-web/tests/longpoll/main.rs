//! Long-polling, over real HTTP: what a client sees of it, rule by rule (§9).

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod bodies;
mod ends;
mod limits;
mod polls;
mod races;
mod requests;
mod support;
