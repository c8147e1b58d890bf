//! Mailboxes: how much waits, what bounds them, and what happens to what does not fit (P34).
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

mod bounds;
mod cycle;
mod desk;
#[path = "../support/dice.rs"]
mod dice;
mod end;
#[path = "../support/log.rs"]
mod log;
mod soak;
