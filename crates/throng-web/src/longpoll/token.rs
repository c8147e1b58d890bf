//! The token by which a client names its session (§9.2): opaque to clients, and signed, so that nobody guesses another's.

use std::time::Duration;

use super::SessionKey;
use crate::token::{MaxAge, Term, Tokens};

/// Signs and reads the tokens of one mount of one endpoint.
///
/// The secret is the instance's own: a session lives in the memory of one endpoint, and its token is worth nothing to any
/// other, nor to the same after a restart.
#[derive(Debug)]
pub(super) struct SessionTokens {
    tokens: Tokens,
    max_age: Duration,
}

const SALT: &str = "longpoll session";

impl SessionTokens {
    /// With a secret of its own.
    ///
    /// # Errors
    ///
    /// When the system has no random bytes.
    pub(super) fn generate(max_age: Duration) -> Result<SessionTokens, getrandom::Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok(SessionTokens::new(&secret, max_age))
    }

    pub(super) fn new(secret: &[u8; 32], max_age: Duration) -> SessionTokens {
        #[expect(clippy::expect_used, reason = "the length is in the type")]
        let tokens = Tokens::new(secret).expect("32 bytes are enough for a secret");
        SessionTokens { tokens, max_age }
    }

    /// The token of a session.
    pub(super) fn sign(&self, SessionKey(key): SessionKey) -> String {
        #[expect(clippy::expect_used, reason = "a number always encodes, and briefly")]
        self.tokens.sign(SALT, Term::Integer(key.cast_signed())).expect("a number can be signed")
    }

    /// The session that a token names, if it was signed here and is not too old.
    pub(super) fn verify(&self, token: &str) -> Option<SessionKey> {
        self.read(token, MaxAge::At(self.max_age))
    }

    /// Whether a token was signed here, however old it is.
    pub(super) fn is_ours(&self, token: &str) -> bool {
        self.read(token, MaxAge::Infinite).is_some()
    }

    fn read(&self, token: &str, max_age: MaxAge) -> Option<SessionKey> {
        let term = self.tokens.verify(SALT, token, max_age).ok()?;
        term.as_i64().map(|key| SessionKey(key.cast_unsigned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(secret: u8, max_age: Duration) -> SessionTokens {
        SessionTokens::new(&[secret; 32], max_age)
    }

    #[test]
    fn c9_2_a_token_names_its_session_to_the_endpoint_that_signed_it() {
        let here = tokens(1, Duration::from_secs(60));
        for key in [0, 7, u64::MAX] {
            let token = here.sign(SessionKey(key));
            assert_eq!(here.verify(&token), Some(SessionKey(key)));
            assert_eq!(tokens(2, Duration::from_secs(60)).verify(&token), None);
        }
        assert_eq!(here.verify("SFMyNTY.g2gDYQFuBgAAaOXPiwFiAAFRgA.AAAA"), None);
        assert_eq!(here.verify(""), None);
    }

    #[test]
    fn an_old_token_names_nothing_and_is_known_all_the_same() {
        // §8: `crypto.max_age`
        let here = tokens(1, Duration::ZERO);
        let token = here.sign(SessionKey(7));
        assert_eq!(here.verify(&token), None);
        assert!(here.is_ours(&token));
        assert!(!here.is_ours("an application's"));
    }
}
