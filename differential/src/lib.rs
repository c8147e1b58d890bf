//! The same scenarios on the BEAM and on Throng.
//!
//! ```text
//!   seed ─► scenario* ─┬─► Erlang term ─► erl: erlang/*.erl ─► journal ─┐
//!                      │                                                ├─► normal form* ─► equal, or a report*
//!                      └─► processes of throng-runtime ──────► journal ─┘
//!                                                                         * pure
//! ```
//!
//! A scenario is a script of steps, and after each step both sides wait until nothing is under way any more: by round
//! trips and monitors, never by time. Each step's lines are then compared, in order where an order is promised.
//!
//! # What is made equal before the comparison
//!
//! Wherever Throng differs from OTP on purpose, one line of one side is translated or left out. These are all:
//!
//! - G19: `terminate` runs on a supervisor's shutdown without trapping exits. Left out of the journals for servers that
//!   do not trap exits (`trees/mod.rs`).
//! - S7: a supervisor that does not start ends with `shutdown`, its start error says why; OTP's ends with that error
//!   (`words:reason/1`).
//! - P12: a link to a dead process is an error to whoever asks; OTP's sends those who trap exits a message
//!   (`actors:do/2`).
//! - G4: a start that took too long returns when the process is gone; OTP's when it was killed (`servers:take/2`).
//! - P22: a monitor on oneself counts as one; to the BEAM it is none. And a monitor on a dead process has told at once; the
//!   BEAM's tells at any time. No scenario looks (`actors/generator.rs`).
//! - D4: a dynamic child whose restart has nothing to do is forgotten, as in Elixir; Erlang's keeps an entry without a
//!   process. No scenario has one (`trees/generator.rs`).
//! - D1: what a dynamic supervisor counts as `specs` is its children, as in Elixir; Erlang's has one specification for all
//!   (`trees/stage.rs`).
//! - D5: a dynamic supervisor does not know a child that is gone, as in Elixir; to Erlang's any dead process has been
//!   terminated (`trees/stage.rs`).
//! - S31: a child that is dead before its supervisor has heard of it is not counted as active; Erlang's dynamic supervisor
//!   does count it, its others do not. No scenario asks (`trees/generator.rs`).
#![forbid(unsafe_code)]

mod actors;
mod dice;
mod erlang;
mod family;
mod journal;
mod parent;
mod reason;
mod report;
mod seeds;
mod servers;
mod throng;
mod trees;

/// Supervision trees: what starts, restarts, stops and answers, in which order.
///
/// # Panics
///
/// When both sides differ, with what differs and how to replay it.
pub fn trees(count: u64) {
    family::check::<trees::Trees>(count);
}

/// Processes that link, monitor, exit and send: who hears of what, in which order.
///
/// # Panics
///
/// As [`trees`].
pub fn actors(count: u64) {
    family::check::<actors::Actors>(count);
}

/// Servers that start, are called and end: what they handle in which order, and what their callers are told.
///
/// # Panics
///
/// As [`trees`].
pub fn servers(count: u64) {
    family::check::<servers::Servers>(count);
}
