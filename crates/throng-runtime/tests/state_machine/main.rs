//! State machines (rules F), a test or more for each rule. The order of events as such is tested where it is decided.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

#[path = "../support/dice.rs"]
mod dice;
mod player;

mod ends;
mod events;
mod races;
mod sys;
mod timeouts;
mod trees;
