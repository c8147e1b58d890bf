//! Why a connection ends, and the close code that says so (§7.5).
//!
//! phoenix.js does not come back after code 1000, so the server never sends it on its own initiative.

use std::{borrow::Cow, time::Duration};

use crate::protocol::DecodeError;

/// Why the server ends a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// Somebody broadcast `disconnect` on the connection's socket id (§7.4).
    Disconnected,
    /// The server shuts down; the client should come back after this time, elsewhere or here (§16). Clients that do not know
    /// of it come back when they would anyway.
    Restart {
        /// Some clients come back later than others, so that they do not come all at once (§18.12).
        retry_in: Duration,
    },
    /// The client's token expired; it should come back with a new one (§18.9).
    TokenExpired,
    /// Nothing was received for the idle timeout (§8).
    Idle,
    /// The client did not read as fast as it was written to (§18.3).
    SlowReader,
    /// The connection's channels did not handle events for as long as a client may be silent.
    Behind,
    /// A frame or message was larger than the limit.
    TooBig,
    /// Text was not UTF-8.
    NotUtf8,
    /// A frame was not a message.
    Malformed,
    /// A message broke a limit on depth or length, or messages kept coming after the rate limit had refused them.
    Policy(&'static str),
    /// The client broke the WebSocket protocol.
    Protocol,
    /// The connection's own process failed.
    Internal,
}

impl CloseReason {
    /// The close code on the wire; never 1000.
    pub fn code(&self) -> u16 {
        match self {
            CloseReason::Disconnected | CloseReason::Idle => 1001,
            CloseReason::Protocol => 1002,
            CloseReason::NotUtf8 | CloseReason::Malformed => 1007,
            CloseReason::Policy(_) => 1008,
            CloseReason::TooBig => 1009,
            CloseReason::Internal => 1011,
            CloseReason::Restart { .. } => 1012,
            CloseReason::SlowReader | CloseReason::Behind => 1013,
            CloseReason::TokenExpired => 4001,
        }
    }

    /// The reason text on the wire: short, and without anything the client sent. A restart says when to come back:
    /// `service restart; retry in 1200ms`.
    pub fn text(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            CloseReason::Restart { retry_in } if !retry_in.is_zero() => {
                return format!("service restart; retry in {}ms", retry_in.as_millis()).into();
            }
            CloseReason::Disconnected => "disconnected",
            CloseReason::Restart { .. } => "service restart",
            CloseReason::TokenExpired => "token expired",
            CloseReason::Idle => "idle timeout",
            CloseReason::SlowReader => "too slow a reader",
            CloseReason::Behind => "channels are behind",
            CloseReason::TooBig => "message too big",
            CloseReason::NotUtf8 => "text is not UTF-8",
            CloseReason::Malformed => "malformed message",
            CloseReason::Policy(what) => what,
            CloseReason::Protocol => "protocol violation",
            CloseReason::Internal => "internal error",
        })
    }
}

impl From<&DecodeError> for CloseReason {
    fn from(error: &DecodeError) -> CloseReason {
        match error {
            DecodeError::Malformed(_) | DecodeError::Truncated | DecodeError::UnknownKind(_) => {
                CloseReason::Malformed
            }
            DecodeError::NotUtf8 => CloseReason::NotUtf8,
            DecodeError::TooDeep => CloseReason::Policy("message nests too deeply"),
            DecodeError::NameTooLong => CloseReason::Policy("topic or event too long"),
            DecodeError::RefTooLong => CloseReason::Policy("reference too long"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [CloseReason; 12] = [
        CloseReason::Disconnected,
        CloseReason::Restart { retry_in: Duration::MAX },
        CloseReason::TokenExpired,
        CloseReason::Idle,
        CloseReason::SlowReader,
        CloseReason::Behind,
        CloseReason::TooBig,
        CloseReason::NotUtf8,
        CloseReason::Malformed,
        CloseReason::Policy("rate limit"),
        CloseReason::Protocol,
        CloseReason::Internal,
    ];

    #[test]
    fn the_server_never_closes_with_1000() {
        // §7.5, §18.1
        assert!(ALL.iter().all(|reason| reason.code() != 1000));
    }

    #[test]
    fn codes_are_those_of_the_table() {
        // §7.5
        let cases = [
            (CloseReason::Disconnected, 1001),
            (CloseReason::Restart { retry_in: Duration::ZERO }, 1012),
            (CloseReason::TooBig, 1009),
            (CloseReason::NotUtf8, 1007),
            (CloseReason::Protocol, 1002),
            (CloseReason::SlowReader, 1013),
        ];
        for (reason, code) in cases {
            assert_eq!(reason.code(), code);
        }
    }

    #[test]
    fn a_reason_fits_a_close_frame() {
        // RFC 6455 §5.5: a control frame carries 125 bytes, two of them the code.
        assert!(ALL.iter().all(|reason| reason.text().len() <= 123));
    }
}
