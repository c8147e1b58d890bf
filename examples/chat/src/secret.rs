//! What tokens are signed with.

use std::fmt;

use serde::Deserialize;
use throng::web::{Tokens, WeakSecret};

/// A secret that somebody configured. It does not show itself.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: String) -> Secret {
        Secret(text)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Tokens of the configured secret; without one, of a secret that lasts until the next start.
///
/// # Errors
///
/// [`SecretError`].
pub(crate) fn tokens(configured: Option<&Secret>) -> Result<Tokens, SecretError> {
    match configured {
        Some(secret) => Ok(Tokens::new(secret.expose())?),
        None => {
            let mut secret = [0; 48];
            getrandom::fill(&mut secret)?;
            Ok(Tokens::new(secret)?)
        }
    }
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("SECRET_KEY_BASE: {0}")]
    Weak(#[from] WeakSecret),
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}
