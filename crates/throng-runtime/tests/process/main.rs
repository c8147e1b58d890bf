//! Processes: signals, links, exits, monitors, names (rules P), a test or more for each rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

#[path = "../support/dice.rs"]
mod dice;
#[path = "../support/log.rs"]
mod log;
mod probe;

mod aliases;
mod dictionary;
mod exits;
mod info;
mod labels;
mod links;
mod messages;
mod monitors;
mod names;
mod races;
mod receive;
