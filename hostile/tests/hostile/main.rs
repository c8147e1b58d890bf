//! Clients that mean harm, against a server that is a process of its own: what they do to it, and to the others.
//!
//! The rows are those of a table of dangers; each test says what its row asks for and what is run. Counts, bytes and memory are
//! asserted, never times. `THRONG_SOAK=10` does ten times as much.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]
#![cfg(target_os = "linux")]

mod deflate;
mod descriptors;
mod floods;
mod garbage;
mod joins;
mod peers;
mod recovery;
mod slow_clients;
mod slow_readers;
mod support;
