//! How a connection came to its end.

use std::borrow::Cow;

use crate::close::CloseReason;

/// How a connection came to its end.
#[derive(Debug)]
pub(crate) enum End {
    /// The server closes it.
    Server(CloseReason),
    /// The client said goodbye.
    Client,
    /// The transport broke.
    Gone,
}

impl End {
    /// As the reason with which the outbox stops.
    pub(crate) fn as_reason(&self) -> CloseReason {
        match self {
            End::Server(reason) => reason.clone(),
            End::Client | End::Gone => CloseReason::Internal,
        }
    }

    /// The close code, where the server closes.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            End::Server(reason) => Some(reason.code()),
            End::Client | End::Gone => None,
        }
    }

    pub(crate) fn in_words(&self) -> Cow<'static, str> {
        match self {
            End::Server(reason) => reason.text(),
            End::Client => "closed by the client".into(),
            End::Gone => "connection lost".into(),
        }
    }
}

impl From<CloseReason> for End {
    fn from(reason: CloseReason) -> End {
        End::Server(reason)
    }
}
