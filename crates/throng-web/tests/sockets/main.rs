//! Sockets and channels over real connections: one theme a file, each rule of the protocol named where it is tested.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

mod support;

mod answers;
mod broadcasts;
mod bytes;
mod custom;
mod draining;
mod ends;
mod events;
mod floods;
mod garbage;
mod handshake;
mod hostile;
mod joins;
mod leaves;
mod limits;
mod live_tokens;
mod mounting;
mod mounts;
mod origins;
mod presence;
mod proxies;
mod recovery;
mod recovery_races;
mod requests;
mod resends;
mod restarts;
mod slow_readers;
mod supervision;
mod telemetry;
mod topics;
mod vanished;
mod versions;
