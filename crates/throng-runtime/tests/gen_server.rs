//! Servers: start, calls, continues, idle timeouts, ends (specs/otp.md §2), a test or more for each rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

#[path = "gen_server/actor.rs"]
mod actor;
#[path = "gen_server/dice.rs"]
mod dice;

#[path = "gen_server/callers.rs"]
mod callers;
#[path = "gen_server/calls.rs"]
mod calls;
#[path = "gen_server/ends.rs"]
mod ends;
#[path = "gen_server/idle.rs"]
mod idle;
#[path = "gen_server/many.rs"]
mod many;
#[path = "gen_server/names.rs"]
mod names;
#[path = "gen_server/order.rs"]
mod order;
#[path = "gen_server/races.rs"]
mod races;
#[path = "gen_server/reports.rs"]
mod reports;
#[path = "gen_server/start.rs"]
mod start;
#[path = "gen_server/turns.rs"]
mod turns;
