//! Servers: start, calls, continues, idle timeouts, ends (rules G), a test or more for each rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

mod actor;
#[path = "../support/dice.rs"]
mod dice;
#[path = "../support/log.rs"]
mod log;

mod callers;
mod calls;
mod ends;
mod idle;
mod many;
mod names;
mod order;
mod races;
mod recipients;
mod reports;
mod requests;
mod start;
mod turns;
