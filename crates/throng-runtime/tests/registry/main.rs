//! Registries (rules N), a test or more for each rule.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

#[path = "../support/dice.rs"]
mod dice;
mod world;

mod addresses;
mod entries;
mod hostile;
mod listeners;
mod locks;
mod races;
