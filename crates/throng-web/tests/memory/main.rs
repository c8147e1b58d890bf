//! The in-memory transport: clients within the process.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

mod million;
mod transport;
