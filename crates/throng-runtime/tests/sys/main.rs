//! The debug protocol that every server speaks (rules Y), and what it shares with its life (G13 to G18).
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

mod clerk;
#[path = "../support/dice.rs"]
mod dice;
mod hibernate;
mod lane;
mod state;
mod suspend;
mod watch;
