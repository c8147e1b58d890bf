//! What tokens are signed with.

use throng::{
    config::Secret,
    web::{Tokens, WeakSecret},
};

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
