//! What a client does that no client may.

use crate::close::CloseReason;

/// A broken rule of RFC 6455 or a limit that was passed; either ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    /// 1002, and which rule it was.
    #[error("{0}")]
    Protocol(&'static str),
    /// 1007: a text, or the reason of a close.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// 1007: compressed bytes that are none.
    #[error("a compressed message cannot be inflated")]
    NotDeflated,
    /// 1009: as it came, or as it would be when inflated.
    #[error("a message is larger than the limit")]
    TooBig,
}

impl From<Violation> for CloseReason {
    fn from(violation: Violation) -> CloseReason {
        match violation {
            Violation::Protocol(_) => CloseReason::Protocol,
            Violation::NotUtf8 => CloseReason::NotUtf8,
            Violation::NotDeflated => CloseReason::Malformed,
            Violation::TooBig => CloseReason::TooBig,
        }
    }
}
