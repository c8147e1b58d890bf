//! Processes: signals, links, exits, monitors, names (specs/otp.md §1), a test or more for each rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

#[path = "process/probe.rs"]
mod probe;

#[path = "process/exits.rs"]
mod exits;
#[path = "process/links.rs"]
mod links;
#[path = "process/messages.rs"]
mod messages;
#[path = "process/monitors.rs"]
mod monitors;
#[path = "process/names.rs"]
mod names;
#[path = "process/races.rs"]
mod races;
