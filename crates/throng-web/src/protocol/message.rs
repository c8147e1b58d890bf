//! The five fields of a message (§2.1), and what comes before they are known.

use std::sync::Arc;

use super::{Payload, Ref};

/// What a transport received: one message, not decoded yet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wire<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

impl Wire<'_> {
    pub(crate) fn len(self) -> usize {
        match self {
            Wire::Text(text) => text.len(),
            Wire::Binary(bytes) => bytes.len(),
        }
    }
}

/// One message from a client, parsed but for its payload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) join_ref: Ref,
    pub(crate) reference: Ref,
    pub(crate) topic: Arc<str>,
    pub(crate) event: Box<str>,
    pub(crate) payload: Payload,
}
