//! Why the program ends: in one line, or in one for each mistake in its settings.

use std::error::Error;

use throng::{ApplicationError, Exit, RunError, StartError, config::ConfigError, web::ListenError};

use crate::app::AppError;

/// What is printed before the program ends with a failure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    App(#[from] AppError),
    /// The one reason for which a correct program does not start; its cause is worth more than the path to it.
    #[error("{0}")]
    Listen(String),
    #[error(transparent)]
    Run(RunError),
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        match &error {
            RunError::Start(ApplicationError::Start { reason, .. }) => match listen_error(reason) {
                Some(listen) => Failure::Listen(with_cause(listen)),
                None => Failure::Run(error),
            },
            _ => Failure::Run(error),
        }
    }
}

fn listen_error(error: &StartError) -> Option<&ListenError> {
    match error {
        StartError::Child { reason, .. } => listen_error(reason),
        StartError::Exited(Exit::Error(cause)) => cause.downcast_ref(),
        _ => None,
    }
}

fn with_cause(error: &ListenError) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
