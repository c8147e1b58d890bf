//! Who somebody is: a nickname and an identity, in a token that the server signed.
//!
//! Nothing is stored. Two people may choose the same nickname; their identities differ, and the page tells them apart by
//! those.

use std::sync::Arc;

use serde::Serialize;
use throng::web::{MaxAge, SignError, Term, TokenError, Tokens};

use crate::text::Nickname;

/// What the token is for: a token of another purpose opens nothing here.
const SALT: &str = "guest";

/// A person at the door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Guest {
    pub(crate) id: Arc<str>,
    pub(crate) nickname: Nickname,
}

impl Guest {
    /// Somebody new of this name.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers.
    pub(crate) fn new(nickname: Nickname) -> Result<Guest, getrandom::Error> {
        let id = format!("{:016x}", getrandom::u64()?);
        Ok(Guest { id: id.into(), nickname })
    }

    /// The token that proves it, for a day.
    ///
    /// # Errors
    ///
    /// When it would be too long, which no nickname makes it.
    pub(crate) fn sign(&self, tokens: &Tokens) -> Result<String, SignError> {
        tokens.sign(SALT, Term::from([("id", &*self.id), ("nickname", self.nickname.as_str())]))
    }

    /// The guest whom a token names.
    ///
    /// # Errors
    ///
    /// [`TokenError`], also for a token that names nobody.
    pub(crate) fn verify(tokens: &Tokens, token: &str) -> Result<Guest, TokenError> {
        let data = tokens.verify(SALT, token, MaxAge::FromToken)?;
        let text = |key| data.get(key).and_then(Term::as_str).ok_or(TokenError::Invalid);
        let nickname = Nickname::parse(text("nickname")?).map_err(|_| TokenError::Invalid)?;
        Ok(Guest { id: text("id")?.into(), nickname })
    }

    #[cfg(test)]
    pub(crate) fn called(name: &str) -> Guest {
        Guest { id: name.into(), nickname: Nickname::parse(name).unwrap() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(secret: &str) -> Tokens {
        Tokens::new(secret.repeat(30)).unwrap()
    }

    #[test]
    fn a_token_names_its_guest() {
        let guest = Guest::new(Nickname::parse("Зоя").unwrap()).unwrap();
        let token = guest.sign(&tokens("k")).unwrap();
        assert_eq!(Guest::verify(&tokens("k"), &token), Ok(guest));
    }

    #[test]
    fn equal_nicknames_are_two_people() {
        let [one, other] = [(); 2].map(|()| Guest::new(Nickname::parse("Ada").unwrap()).unwrap());
        assert_ne!(one.id, other.id);
    }

    #[test]
    fn a_token_that_somebody_else_signed_or_changed_names_nobody() {
        let token = Guest::called("Ada").sign(&tokens("k")).unwrap();
        assert_eq!(Guest::verify(&tokens("j"), &token), Err(TokenError::Invalid));
        let mut changed = token.into_bytes();
        for index in 0..changed.len() {
            let original = changed[index];
            changed[index] = if original == b'x' { b'y' } else { b'x' };
            let text = String::from_utf8(changed.clone()).unwrap();
            // The last character of base64 may hold bits that mean nothing.
            if index + 1 < changed.len() {
                assert_eq!(Guest::verify(&tokens("k"), &text), Err(TokenError::Invalid), "{text}");
            }
            changed[index] = original;
        }
    }

    #[test]
    fn a_token_of_another_purpose_or_shape_names_nobody() {
        let tokens = tokens("k");
        let other_purpose = tokens.sign("password reset", Term::from([("id", "1"), ("nickname", "Ada")]));
        let other_shape = tokens.sign(SALT, "Ada");
        let bad_name = tokens.sign(SALT, Term::from([("id", "1"), ("nickname", "\u{202e}")]));
        for token in [other_purpose, other_shape, bad_name].map(Result::unwrap) {
            assert_eq!(Guest::verify(&tokens, &token), Err(TokenError::Invalid));
        }
    }
}
