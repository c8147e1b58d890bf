//! The rules of channels as a client sees them: everything is asked for and looked at on the wire.
//!
//! A test begins with the number of its rule: `c4_3_…` shows rule 4.3. A letter names a row of a table.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

mod support;

mod better;
mod broadcasts;
mod bytes;
mod callbacks;
mod clients;
mod compression;
mod dispatch;
mod ends;
mod envelopes;
mod handshake;
mod health;
mod lifecycle;
mod origins;
mod polling;
mod presence;
mod times;
mod versions;
