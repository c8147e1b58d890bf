//! Long-polling: sockets for clients whose network lets no WebSocket through (§9).
//!
//! ```text
//!   GET  ──► poll, waits ◄── messages ── outbox ◄── channels, broadcasts
//!   POST ──► lines ──► mail ──► Client ──► channels          (the session's process, as that of a WebSocket)
//! ```
//!
//! A session is a connection whose transport are requests. The first GET makes it and answers with its token; further ones
//! wait for messages; POSTs bring some. It ends as any connection does, or when nobody polls it for one and a half windows.
//!
//! What a poll is answered with is gone from the session: a client that loses an answer, and not just its connection while
//! it waits, has lost the messages, and phoenix.js begins anew when it notices.

mod answer;
mod attendance;
mod desk;
mod inbound;
mod lines;
mod options;
mod polling;
mod query;
mod session;
mod sessions;
mod token;

pub(crate) use self::desk::routes;
pub use self::options::LongPoll;

/// A session among those of its mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey(u64);
