//! One message of a room.

use serde::Serialize;

use crate::{guest::Guest, text::Body};

/// What somebody said, as all who are in the room hear it. What was said lately is kept by the topics themselves.
#[derive(Debug, Serialize)]
pub(crate) struct Post {
    /// Unlike any other, also those of the room's earlier incarnations.
    pub(crate) id: String,
    /// Its place in the order of its incarnation; there are no gaps.
    pub(crate) seq: u64,
    pub(crate) from: Guest,
    pub(crate) body: Body,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
}
