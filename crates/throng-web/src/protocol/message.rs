//! The five fields of a message (§2.1).

use std::sync::Arc;

use super::{Payload, Ref};

/// One message from a client, parsed but for its payload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) join_ref: Ref,
    pub(crate) reference: Ref,
    pub(crate) topic: Arc<str>,
    pub(crate) event: Box<str>,
    pub(crate) payload: Payload,
}
