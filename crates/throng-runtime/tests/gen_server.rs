//! Servers: start, calls, continues, idle timeouts, ends (specs/otp.md §2), a test or more for each rule.

#[path = "gen_server/actor.rs"]
mod actor;

#[path = "gen_server/calls.rs"]
mod calls;
#[path = "gen_server/ends.rs"]
mod ends;
#[path = "gen_server/many.rs"]
mod many;
#[path = "gen_server/names.rs"]
mod names;
#[path = "gen_server/reports.rs"]
mod reports;
#[path = "gen_server/start.rs"]
mod start;
#[path = "gen_server/turns.rs"]
mod turns;
