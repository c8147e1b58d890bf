//! How the start or the stop of an application fails.

use std::fmt;

use crate::{error::StartError, exit::Exit};

/// Why an application did not start (L1, L2). Those that were started for it have been stopped again.
///
/// Its `Debug` is its `Display`: a `main` that returns an error prints it by the former, and what an operator reads there should
/// be words.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ApplicationError {
    /// Two of them have one name.
    #[error("there are two applications {name:?}")]
    Twice {
        /// Their name.
        name: String,
    },
    /// There is none of this name.
    #[error("there is no application {name:?}{}", needed_by.as_ref().map_or_else(String::new, |by| format!(", and {by:?} needs it")))]
    Missing {
        /// The name.
        name: String,
        /// Which application needs it, if one does.
        needed_by: Option<String>,
    },
    /// They need each other.
    #[error("the applications need each other: {}", names.join(" needs "))]
    Cycle {
        /// Each needs the next; the last is the first again.
        names: Vec<String>,
    },
    /// Its tree did not start.
    #[error("application {name:?} did not start: {reason}")]
    Start {
        /// Which application.
        name: String,
        /// Why not.
        reason: StartError,
    },
    /// A start phase failed; it has been stopped.
    #[error("application {name:?} failed in its start phase {phase:?}: {reason}")]
    Phase {
        /// Which application.
        name: String,
        /// Which phase.
        phase: String,
        /// Why it failed.
        reason: Exit,
    },
}

impl fmt::Debug for ApplicationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why an application cannot be stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StopApplicationError {
    /// It is not there, or does not run.
    #[error("no application {0:?} runs")]
    NotRunning(String),
}
