//! Exit reasons that both sides know, and their words in a journal.

use std::fmt;

use throng_runtime::{CallError, Exit, StartError};

/// A reason that a scenario ends or asks with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Normal,
    Shutdown,
    ShutdownWith,
    Boom,
    Kill,
}

impl Reason {
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Normal => Exit::Normal,
            Self::Shutdown => Exit::Shutdown,
            Self::ShutdownWith => Exit::shutdown_with("x"),
            Self::Boom => Exit::other("boom"),
            Self::Kill => Exit::Kill,
        }
    }
}

/// As an Erlang term.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "normal",
            Self::Shutdown => "shutdown",
            Self::ShutdownWith => "{shutdown,x}",
            Self::Boom => "boom",
            Self::Kill => "kill",
        })
    }
}

/// The words of a reason; `words:reason/1` says the same.
pub(crate) fn reason(exit: &Exit) -> String {
    match exit {
        Exit::ShutdownWith(why) => format!("shutdown({why})"),
        Exit::NoProcess => "noproc".to_owned(),
        Exit::Panic(_) => "panic".to_owned(),
        other => other.to_string(),
    }
}

/// The words of a failed start; `words:failure/1` says the same.
pub(crate) fn failure(error: &StartError) -> String {
    match error {
        StartError::Exited(exit) => reason(exit),
        StartError::Timeout(_) => "timeout".to_owned(),
        StartError::Child { id, reason } => format!("failed({id}, {})", failure(reason)),
        StartError::Invalid(_) => "invalid".to_owned(),
        StartError::AlreadyStarted { .. } => "already_started".to_owned(),
        other => other.to_string(),
    }
}

/// The words of a failed call; `words:call_failure/1` says the same.
pub(crate) fn call_failure(error: &CallError) -> String {
    match error {
        CallError::NoProcess { .. } => "noproc".to_owned(),
        CallError::Timeout { .. } => "timeout".to_owned(),
        CallError::Exited { reason: exit, .. } => reason(exit),
        CallError::CallingSelf { .. } => "calling_self".to_owned(),
        other => other.to_string(),
    }
}
