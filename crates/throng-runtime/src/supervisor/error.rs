//! How a request to a supervisor fails.

use crate::{address::CallError, error::StartError, pid::ProcessId};

/// Why a supervisor did not do what it was asked about a child (S27 to S30, D2, D5).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// A child with this id runs.
    #[error("the child runs already, as process {0}")]
    AlreadyStarted(ProcessId),
    /// A child with this id is known and does not run; restart or delete it.
    #[error("a child with this id is known and does not run: restart it, or delete it first")]
    AlreadyPresent,
    /// The dynamic supervisor has as many children as it may.
    #[error("the supervisor has {0} children, and may have no more")]
    MaxChildren(usize),
    /// The child runs, and what was asked needs one that does not.
    #[error("the child runs")]
    Running,
    /// The child is being restarted.
    #[error("the child is being restarted")]
    Restarting,
    /// There is no such child.
    #[error("there is no such child")]
    NotFound,
    /// It did not start. The words say why: there is no [`source`](std::error::Error::source) that would say it again.
    #[error("the child did not start: {0}")]
    Start(StartError),
    /// The supervisor did not answer.
    #[error(transparent)]
    Supervisor(#[from] CallError),
}
