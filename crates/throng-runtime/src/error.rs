//! How starting a process fails.

use std::{sync::Arc, time::Duration};

use crate::{exit::Exit, pid::ProcessId};

/// Why a process was not started. When a start returns one, the process is gone and its name free (G3).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The name is taken; `init` did not run (G2).
    #[error("the name {name} is taken by process {holder}")]
    AlreadyStarted {
        /// The name in words.
        name: Arc<str>,
        /// Who holds it.
        holder: ProcessId,
    },
    /// `init` had nothing to do, which is no failure.
    #[error("init chose not to start")]
    Ignored,
    /// `init` failed, or the process was ended while it ran.
    #[error("init failed: {0}")]
    Exited(Exit),
    /// `init` took longer than it may (G4).
    #[error("init took longer than {0:?}")]
    Timeout(Duration),
    /// A child of the supervisor did not start (S7).
    #[error("child {id:?} failed to start: {reason}")]
    Child {
        /// The child's id.
        id: String,
        /// Why it did not start.
        reason: Box<StartError>,
    },
    /// The supervisor's own specification is wrong (S3); nothing was started.
    #[error("the supervisor's children are wrong: {0}")]
    Invalid(String),
    /// The program was built with `panic = "abort"`, under which one crash ends everything.
    #[error(
        "this program was built with `panic = \"abort\"`, so a crashing process would end the whole program; \
         remove that line from the profile in Cargo.toml"
    )]
    PanicAbort,
}

impl StartError {
    /// The exit reason that it means for whoever could not do without.
    pub fn into_exit(self) -> Exit {
        match self {
            Self::Exited(reason) => reason,
            Self::Timeout(_) => Exit::Timeout,
            other => Exit::from(other),
        }
    }
}
